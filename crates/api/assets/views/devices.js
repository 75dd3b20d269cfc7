import { chart } from "../charts.js";
import { h } from "../dom.js";
import { known } from "../format.js";
import { table } from "../table.js";

const COLOURS = { desktop: "--c1", smartphone: "--c2", tablet: "--c3", other: "--c4", unknown: "--c5" };

/** Accesses by device, and their shares over the months. */
export default async function devices({ at, data, t, f }) {
  const whole = { ...at, month: undefined };
  const [now, before, byMonth] = await Promise.all([
    data.accesses(at, ["device"]), data.accesses(data.yearBefore(at), ["device"]), data.accesses(whole, ["device", "month"]),
  ]);
  const present = Object.keys(COLOURS).filter((code) => now.cell({ device: code }) !== 0 || before.cell({ device: code }) !== 0);
  const month = (index) => `${at.year}-${String(index + 1).padStart(2, "0")}`;
  const shares = (device) => f.months.map((_, index) => {
    const [part, all] = [byMonth.cell({ device, month: month(index) }), byMonth.cell({ month: month(index) })];
    return known(part, all) && all > 0 ? part / all : null;
  });
  const share = (row) => (row.now === null || now.total === null ? null : f.share(row.now, now.total));
  const shareBefore = (row) => (row.before === null || before.total === null ? null : f.share(row.before, before.total));
  return h("div", { class: "grid" },
    h("section", { class: "card" }, chart({
      title: t("web-devices-by-month"), first: t("web-month"), steps: f.months, drawn: "lines", percent: true, t, f,
      series: present.map((code) => ({ name: t(`web-device-${code}`), values: shares(code), colour: COLOURS[code] })),
    })),
    h("section", { class: "card" }, table({
      caption: t("web-by-device"), t, f,
      columns: [
        { title: t("web-device"), value: (row) => t(`web-device-${row.code}`) ?? row.code }, { type: "bar", value: (row) => row.now },
        { title: t("web-accesses"), type: "number", value: (row) => row.now },
        { title: t("web-share"), type: "share", value: share },
        { title: t("web-share-in", { year: String(at.year - 1) }), type: "share", value: shareBefore },
        { title: t("web-change"), type: "change", value: (row) => [row.now, row.before] },
      ],
      rows: present.map((code) => ({ code, now: now.cell({ device: code }), before: before.cell({ device: code }) })),
      total: { now: now.total, before: before.total },
    })));
}
