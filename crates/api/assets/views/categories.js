import { h } from "../dom.js";
import { table } from "../table.js";
import { kindColumns } from "./kinds.js";

/** Every category with its kinds. For a selected category, its enti and services. */
export default async function categories({ at, data, t, f, address }) {
  const every = { ...at, category: undefined };
  const [now, before] = await Promise.all([data.uses(every, ["category", "kind"]), data.uses(data.yearBefore(every), ["category", "kind"])]);
  const rows = data.categoriesOf(now, before).map((row) => ({ ...row, href: row.code && address("/categories", { category: row.code }) }));
  const all = h("section", { class: "card" }, table({
    caption: t("web-by-category"), t, f,
    columns: [{ title: t("web-category"), value: (row) => row.name }, ...kindColumns({ t, at }, rows)],
    rows, total: data.totals(now, before),
  }));
  if (!at.category) return all;
  const [enti, services] = await Promise.all([data.uses(at, ["ente"]), data.allows(at, "service") && data.uses(at, ["service"])]);
  const list = (caption, first, rows) => h("section", { class: "card half" }, table({
    caption, t, f, shown: 15,
    columns: [{ title: first, value: (row) => row.name }, { type: "bar", value: (row) => row.now }, { title: t("web-uses"), type: "number", value: (row) => row.now }],
    rows,
  }));
  const name = data.categoryName(at.category);
  return h("div", { class: "grid" },
    list(`${t("web-by-ente")}: ${name}`, t("web-ente"), data.ranked(enti, "ente")),
    services && list(`${t("web-by-service")}: ${name}`, t("web-service"), data.ranked(services, "service")), all);
}
