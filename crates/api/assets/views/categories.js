import { h } from "../dom.js";
import { list } from "../list.js";
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
  const part = (caption, first, load) => list({
    caption: `${caption}: ${data.name("category", at.category)}`, t, f, load,
    columns: () => [
      { title: first, value: (row) => row.name }, { type: "bar", value: (row) => row.now },
      { title: t("web-uses"), type: "number", value: (row) => row.now, term: "use", order: "service_uses" },
    ],
  });
  const choice = (asked) => ({ ...asked, limit: 15, before: false });
  const [enti, services] = await Promise.all([
    part(t("web-by-ente"), t("web-ente"), (asked) => data.enti(at, choice(asked))),
    data.allows(at, "service") && part(t("web-by-service"), t("web-service"), (asked) => data.services(at, choice(asked))),
  ]);
  const half = (content) => content && h("section", { class: "card half" }, content);
  return h("div", { class: "grid" }, half(enti), half(services), all);
}
