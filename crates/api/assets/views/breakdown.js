import { h } from "../dom.js";
import { table } from "../table.js";

/** Accesses by a dimension, now and in the year before. */
export async function accessesBy({ at, data }, dimension) {
  const [now, before] = await Promise.all([data.accesses(at, [dimension]), data.accesses(data.yearBefore(at), [dimension])]);
  return { now, before };
}

/** Values with accesses in either year, in the order of their names. */
export const present = ({ now, before }, dimension, names) =>
  Object.keys(names).filter((code) => now.cell({ [dimension]: code }) !== 0 || before.cell({ [dimension]: code }) !== 0);

/** Card of a dimension: a row for each value with accesses. */
export function breakdownCard({ at, t, f }, dimension, { title, caption, names }, figures) {
  const { now, before } = figures;
  const share = (row) => (row.now === null || now.total === null ? null : f.share(row.now, now.total));
  const shareBefore = (row) => (row.before === null || before.total === null ? null : f.share(row.before, before.total));
  return h("section", { class: "card" }, table({
    caption, t, f,
    columns: [
      { title, value: (row) => names[row.code] ?? row.code }, { type: "bar", value: (row) => row.now },
      { title: t.accesses, type: "number", value: (row) => row.now },
      { title: t.share, type: "share", value: share },
      { title: `${t.share}, ${at.year - 1}`, type: "share", value: shareBefore },
      { title: t.change, type: "change", value: (row) => [row.now, row.before] },
    ],
    rows: present(figures, dimension, names).map((code) => ({ code, now: now.cell({ [dimension]: code }), before: before.cell({ [dimension]: code }) })),
    total: { now: now.total, before: before.total },
  }));
}

/** Card of a dimension without public figures: undefined without a key. */
export async function breakdown(view, dimension, words) {
  if (!view.data.allows(view.at, dimension)) return undefined;
  return breakdownCard(view, dimension, words, await accessesBy(view, dimension));
}
