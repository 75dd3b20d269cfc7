import { chart, heatMap } from "../charts.js";
import { h } from "../dom.js";
import { table } from "../table.js";

export const picks = ["year", "month"];

/** Users and accesses by time of day. */
export default async function hours({ at, data, t, f }) {
  const [bands, accesses, byHour] = await Promise.all([data.usersByBand(at), data.accesses(at, ["weekday", "hour"]), data.usersByHour(at)]);
  const ofBands = h("section", { class: "card" }, table({
    caption: t("web-users-by-band"), t, f,
    columns: [
      { title: t("web-band"), value: (row) => t(`web-band-${row.band}`) ?? row.band }, { type: "bar", value: (row) => row.users },
      { title: t("web-mean-users"), type: "number", value: (row) => row.users, term: "users-per-hour" },
    ],
    rows: bands,
  }));
  const steps = byHour.map((_, hour) => {
    const text = String(hour).padStart(2, "0");
    return { long: `${text}:00`, short: text, narrow: text };
  });
  return h("div", { class: "grid" },
    h("section", { class: "card half" }, heatMap({
      caption: t("web-heat"), t, f, value: (hour, day) => accesses.cell({ hour: String(hour), weekday: String(day + 1) }),
    })),
    h("div", { class: "half stack" }, ofBands, h("section", { class: "card" }, chart({
      title: t("web-users-by-hour"), first: t("web-hour"), steps, t, f, series: [{ name: t("web-mean-users"), values: byHour, colour: "--now" }],
    }))));
}
