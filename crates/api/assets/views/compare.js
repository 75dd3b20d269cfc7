import { chart } from "../charts.js";
import { h } from "../dom.js";
import { table } from "../table.js";
import { differenceColumn } from "./kinds.js";

export const picks = ["year", "with", "ente"];
export const subtitle = ({ at, t, ente }) => [comparison(at, t), ente];

const comparison = (at, t) => t("web-compared-title", { year: String(at.year), compared: String(at.with) });

/** Two years side by side: by month, category and kind. */
export default async function compare({ at: asked, data, t, f }) {
  // A year that is not over ends both, whichever it is.
  const at = { ...asked, until: asked.until ?? data.until({ year: asked.with }) };
  const other = { ...at, year: at.with };
  const [now, before, months, monthsBefore] = await Promise.all([
    data.uses(at, ["category", "kind"]), data.uses(other, ["category", "kind"]),
    data.allows(at, "month") && data.uses(at, ["month"]), data.allows(at, "month") && data.uses(other, ["month"]),
  ]);
  const isOver = (month) => !at.until || month < at.until.month;
  const values = (uses, year) => f.months.map((_, month) => (isOver(month) ? uses.cell({ month: `${year}-${String(month + 1).padStart(2, "0")}` }) : undefined));
  const columns = (first) => [
    { title: first, value: (row) => row.name },
    { title: String(at.with), type: "number", value: (row) => row.before }, { title: String(at.year), type: "number", value: (row) => row.now },
    differenceColumn({ t, f }),
    { title: t("web-change"), type: "change", value: (row) => [row.now, row.before], term: "change" },
  ];
  const total = { now: now.total, before: before.total };
  const kinds = ["plain", "payment", "booking"].map((code) => ({
    name: { plain: t("web-plain"), payment: t("web-payments"), booking: t("web-bookings") }[code], now: now.cell({ kind: code }), before: before.cell({ kind: code }),
  }));
  return h("div", { class: "grid" },
    months && h("section", { class: "card" }, chart({
      title: comparison(at, t), first: t("web-month"), steps: f.months, t, f,
      series: [
        { name: String(at.with), values: values(monthsBefore, at.with), colour: "--before" },
        { name: String(at.year), values: values(months, at.year), colour: "--now" },
      ],
    })),
    h("section", { class: "card wide" }, table({ caption: t("web-by-category"), t, f, columns: columns(t("web-category")), rows: data.categoriesOf(now, before), total })),
    h("section", { class: "card slim" }, table({ caption: t("web-by-kind"), t, f, columns: columns(t("web-kind")), rows: kinds, total })));
}
