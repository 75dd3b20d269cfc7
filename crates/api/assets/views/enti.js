import { h } from "../dom.js";
import { table } from "../table.js";
import { kindColumns } from "./kinds.js";

/** Every ente with its kinds. For a selected ente, its categories by kind. */
export default async function enti({ at, data, t, f, address }) {
  const everyone = { ...at, ente: undefined };
  const [now, before] = await Promise.all([data.uses(everyone, ["ente", "kind"]), data.uses(data.yearBefore(everyone), ["ente", "kind"])]);
  const rows = data.entiOf(now, before).map((row) => ({ ...row, href: address("/enti", { ente: row.code }) }));
  const all = h("section", { class: "card" }, table({
    caption: t("web-by-ente"), t, f,
    columns: [{ title: t("web-ente"), value: (row) => row.name }, ...kindColumns({ t, at }, rows)],
    rows, total: data.totals(now, before),
  }));
  if (!at.ente) return all;
  const [own, ownBefore] = await Promise.all([data.uses(at, ["category", "kind"]), data.uses(data.yearBefore(at), ["category", "kind"])]);
  const ownRows = data.categoriesOf(own, ownBefore);
  if (own.total === 0 && ownBefore.total === 0) return [h("p", { class: "message" }, t("web-empty")), all];
  return h("div", { class: "grid" }, h("section", { class: "card" }, table({
    caption: t("web-matrix", { name: data.enteName(at.ente) }), t, f,
    columns: [{ title: t("web-category"), value: (row) => row.name }, ...kindColumns({ t, at }, ownRows)],
    rows: ownRows, total: data.totals(own, ownBefore),
  })), all);
}
