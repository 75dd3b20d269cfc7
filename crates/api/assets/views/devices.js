import { chart } from "../charts.js";
import { h } from "../dom.js";
import { known } from "../format.js";
import { accessesBy, breakdownCard, present } from "./breakdown.js";

const COLOURS = { desktop: "--c1", smartphone: "--c2", tablet: "--c3", other: "--c4", unknown: "--c5" };

export const picks = ["year", "month"];

/** Some figures of closed months are public. */
export const hasMonths = true;

const PORTAL_KINDS = ["civic", "services", "app", "unknown"];

/** Accesses by device, their shares over the months, and accesses by kind of portal. */
export default async function devices(view) {
  const { at, data, t, f } = view;
  const whole = { ...at, month: undefined };
  const [figures, byMonth, portals] = await Promise.all([
    accessesBy(view, "device"), data.accesses(whole, ["device", "month"]), accessesBy(view, "portal_kind"),
  ]);
  if ([figures, portals].every(({ now, before }) => !now.total && now.total !== null && !before.total && before.total !== null)) return h("p", { class: "message" }, t("web-empty"));
  const month = (index) => `${at.year}-${String(index + 1).padStart(2, "0")}`;
  const shares = (device) => f.months.map((_, index) => {
    const [part, all] = [byMonth.cell({ device, month: month(index) }), byMonth.cell({ month: month(index) })];
    return known(part, all) && all > 0 ? part / all : null;
  });
  const codes = Object.keys(COLOURS);
  const name = (code) => t(`web-device-${code}`);
  const series = present(figures, "device", codes).map((code) => ({ name: name(code), values: shares(code), colour: COLOURS[code] }));
  return h("div", { class: "grid" },
    data.isKnown(whole) && h("section", { class: "card" }, chart({
      title: t("web-devices-by-month"), first: t("web-month"), steps: f.months, drawn: "lines", percent: true, t, f, series,
    })),
    breakdownCard(view, "device", { title: t("web-device"), caption: t("web-by-device"), codes, name }, figures),
    breakdownCard(view, "portal_kind", {
      title: t("web-portal-kind"), caption: t("web-by-portal-kind"), codes: PORTAL_KINDS, name: (code) => t(`web-portal-kind-${code}`),
    }, portals));
}
