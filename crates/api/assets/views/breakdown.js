import { h } from "../dom.js";
import { table } from "../table.js";

/** Accesses by a dimension, now and in the year before. */
export async function accessesBy({ at, data }, dimension) {
  const [now, before] = await Promise.all([data.accesses(at, [dimension]), data.accesses(data.yearBefore(at), [dimension])]);
  return { now, before };
}

/** Codes with accesses in either year. */
export const present = ({ now, before }, dimension, codes) =>
  codes.filter((code) => [now, before].some((figures) => ![0, undefined].includes(figures.cell({ [dimension]: code }))));

/** Card of a dimension: a row for each code with accesses. `name` returns the name of a code. */
export function breakdownCard({ at, t, f }, dimension, { title, caption, codes, name }, figures) {
  const { now, before } = figures;
  const share = (row) => (row.now === null || now.total === null ? null : f.share(row.now, now.total));
  const shareBefore = (row) => (row.before === null || before.total === null ? null : f.share(row.before, before.total));
  const ratio = (figures, year = "now") => (row) => (figures.total > 0 && row[year] !== null ? row[year] / figures.total : undefined);
  return h("section", { class: "card" }, table({
    caption, t, f,
    columns: [
      { title, value: (row) => name(row.code) ?? row.code }, { type: "bar", value: (row) => row.now },
      { title: t("web-accesses"), type: "number", value: (row) => row.now, term: "visit" },
      { title: t("web-share"), type: "share", value: share, plain: ratio(now), term: "share" },
      { title: t("web-share-in", { year: String(at.year - 1) }), type: "share", value: shareBefore, plain: ratio(before, "before") },
      { title: t("web-change"), type: "change", value: (row) => [row.now, row.before], term: "change" },
    ],
    rows: present(figures, dimension, codes).map((code) => ({ code, now: now.cell({ [dimension]: code }), before: before.cell({ [dimension]: code }) })),
    total: { now: now.total, before: before.total },
  }));
}
