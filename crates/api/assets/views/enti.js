import { h } from "../dom.js";
import { list } from "../list.js";
import { table } from "../table.js";
import { kindColumns } from "./kinds.js";

/** Some figures of closed months are public. */
export const hasMonths = true;

/** The enti with their kinds. For a selected ente, its categories by kind. */
export default async function enti(view) {
  const { at, data, t, f, address } = view;
  const all = h("section", { class: "card" }, await list({
    caption: t("web-by-ente"), t, f,
    load: (asked) => data.enti({ ...at, ente: undefined }, { ...asked, limit: 50 }),
    columns: (rows) => [{ title: t("web-ente"), value: (row) => row.name, order: "ente_name" }, ...kindColumns(view, rows)],
    href: (row) => address("/", { ente: row.code }),
  }));
  if (!at.ente || !data.allows(at, "category")) return all;
  const [own, ownBefore] = await Promise.all([data.uses(at, ["category", "kind"]), data.uses(data.yearBefore(at), ["category", "kind"])]);
  const ownRows = data.categoriesOf(own, ownBefore);
  if (own.total === 0 && ownBefore.total === 0) return [h("p", { class: "message" }, t("web-empty")), all];
  return h("div", { class: "grid" }, h("section", { class: "card" }, table({
    caption: t("web-matrix", { name: data.name("ente", at.ente) }), t, f,
    columns: [{ title: t("web-category"), value: (row) => row.name }, ...kindColumns(view, ownRows)],
    rows: ownRows, total: data.totals(own, ownBefore),
  })), all);
}
