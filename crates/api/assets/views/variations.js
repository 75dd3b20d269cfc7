import { h } from "../dom.js";
import { table } from "../table.js";

/** The largest changes, with the status of each service by the register. */
export default async function variations({ at, data, t, f }) {
  const rows = await data.variations(at);
  if (rows.length === 0) return h("p", { class: "message" }, t.empty);
  const state = (row) => t.states[row.state] && h("span", { class: "badge" }, t.states[row.state]);
  return h("section", { class: "card" }, table({
    caption: t.pages["/variations"], t, f, shown: 30,
    columns: [
      { title: `${t.service}, ${t.ente.toLowerCase()}`, value: (row) => [row.service, h("span", { class: "under" }, row.ente)] },
      { title: t.before(at.year - 1), type: "number", value: (row) => row.before },
      { title: t.before(at.year), type: "number", value: (row) => row.now },
      { title: t.difference, type: "share", minor: true, value: (row) => (row.now === null || row.before === null ? null : f.difference(row.now, row.before)) },
      { title: t.change, type: "change", value: (row) => [row.now, row.before] },
      { title: t.state, type: "text", value: state },
    ],
    rows,
  }));
}
