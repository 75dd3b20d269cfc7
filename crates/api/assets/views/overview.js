import { chart } from "../charts.js";
import { h } from "../dom.js";
import { known } from "../format.js";
import { list } from "../list.js";
import { secret, table } from "../table.js";
import { kindColumns } from "./kinds.js";

/** Some figures of closed months are public. */
export const hasMonths = true;

/** The period at a glance. Figures that need a key are left out without one. */
export default async function overview(view) {
  const { at, data, t, f, address, period } = view;
  if (!data.allows(at, "category")) return month(view);
  const [found, now, before, byMonth, second, visits] = await Promise.all([
    data.findings(at),
    data.uses(at, ["category", "kind"]), data.uses(data.yearBefore(at), ["category", "kind"]),
    data.allows(at, "month") && !at.month && months({ at, data, t, f }),
    data.allows(at, "service") ? services({ at, data, t, f }) : !at.ente && enti({ at, data, t, f, address }),
    data.allows(at, "device") && accesses({ at, data, t, f }),
  ]);
  if (now.total === 0) return h("p", { class: "message" }, t("web-empty"));
  const rows = data.categoriesOf(now, before).map((row) => ({ ...row, href: row.code && address("/categories", { category: row.code }) }));
  const change = changed(view);
  const kind = (code) => [now.cell({ kind: code }), before.cell({ kind: code })];
  const figures = [
    [t("web-uses-in", { period }), now.total, change(now.total, before.total)],
    [t("web-plain"), kind("plain")[0], change(...kind("plain"))],
    [t("web-payments"), kind("payment")[0], change(...kind("payment"))],
    [t("web-bookings"), kind("booking")[0], change(...kind("booking"))],
    ...(visits ? [visits] : []),
  ];
  return h("div", { class: "grid" },
    findings(found, view),
    great(figures, view),
    byMonth && h("section", { class: "card" }, byMonth),
    h("section", { class: second ? "card half" : "card" }, table({
      caption: t("web-by-category"), t, f, rows, total: data.totals(now, before),
      columns: second ? ranking(t("web-category"), t) : [{ title: t("web-category"), value: (row) => row.name }, ...kindColumns({ t, at }, rows)],
    })),
    second && h("section", { class: "card half" }, second),
    at.ente && h("section", { class: "card" }, embedding(at, t)),
    data.canPreview(at) && h("section", { class: "card" }, preview(view)));
}

/** The findings of the period; nothing without any. */
function findings({ sentences, until }, { t, f }) {
  return sentences.length > 0 && h("section", { class: "card" }, h("h2", {}, t("web-findings")),
    h("ul", { class: "findings" }, sentences.map((sentence) => h("li", {}, sentence))),
    until && h("p", { class: "note" }, t("web-findings-until", { day: f.days.format(new Date(`${until}T00:00`)) })));
}

/** Returns a function that describes the change from the year before. */
const changed = ({ at, t, f }) => (value, base) => {
  const text = f.change(value, base);
  return text && [h("span", { class: value < base ? "down" : "up" }, text), " ", t("web-compared", { year: String(at.year - 1) })];
};

/** Figures in large type: [title, value, note]. Those without a value are left out. */
function great(figures, { t, f }) {
  const shown = figures.filter(([, value]) => value !== undefined);
  return h("dl", { class: "card figures" }, shown.map(([title, value, note]) => h("div", {}, h("dt", {}, title), h("dd", {},
    h("div", { class: "great", "data-value": value }, known(value) ? f.number(value) : secret(t)),
    h("div", { class: "small" }, note ?? "\u00a0")))));
}

/** A closed month at a glance: what is public without a key. */
async function month(view) {
  const { at, data, t, period } = view;
  const [found, now, before, byEnte, visits] = await Promise.all([
    data.findings(at), data.uses(at, []), data.uses(data.yearBefore(at), []), !at.ente && enti(view), data.allows(at, "device") && accesses(view),
  ]);
  if (now.total === 0) return h("p", { class: "message" }, t("web-empty"));
  const uses = [t("web-uses-in", { period }), now.total, changed(view)(now.total, before.total)];
  return h("div", { class: "grid" }, findings(found, view), great([uses, ...(visits ? [visits] : [])], view),
    byEnte && h("section", { class: "card" }, byEnte),
    at.ente && h("section", { class: "card" }, embedding(at, t)));
}

const ranking = (first, t) => [
  { title: first, value: (row) => row.name }, { type: "bar", value: (row) => row.now },
  { title: t("web-uses"), type: "number", value: (row) => row.now, term: "use", order: "service_uses" },
  { title: t("web-change"), type: "change", value: (row) => [row.now, row.before], term: "change", order: "change_percent" },
];

/** Code for the ente's own site. */
function embedding({ ente, year, month }, t) {
  const { origin } = location;
  const code = encodeURIComponent(ente);
  const period = month ? `${year}-${String(month).padStart(2, "0")}` : year;
  return h("details", {}, h("summary", {}, t("web-embed")), h("p", {}, t("web-embed-help")), h("pre", { tabindex: "0" }, [
    `<a href="${origin}/enti/${code}"><img src="${origin}/embed/${code}/badge.svg?period=${period}" width="320" height="120" alt="${t("web-embed-alt")}"></a>`,
    "",
    `<script src="${origin}/figure.js" defer></script>`,
    `<affluenza-figure resource="usage" group="${month ? "month" : "category"}" ente="${ente}" period="${period}"></affluenza-figure>`,
  ].join("\n")));
}

/** Pause before the server is asked again whether a preview is computed, in milliseconds. */
const PREVIEW_MS = 2000;

/** Cells that closing the period would hide, once a reader opens it. */
function preview({ at, data, t, f }) {
  const found = h("div", { "aria-live": "polite" });
  const look = async () => {
    const { state, edition } = await data.preview(at);
    if (edition) found.replaceChildren(previewed(edition, { t, f }));
    else if (state === "no-edition") found.replaceChildren(h("p", {}, t("web-preview-none")));
    else {
      found.replaceChildren(h("p", {}, t("web-preview-state", { state })));
      if (details.open && details.isConnected) setTimeout(() => look().catch(failed), PREVIEW_MS);
    }
  };
  const failed = (error) => found.replaceChildren(h("p", {}, t(error.status === 403 ? "web-preview-refused" : "web-failed")));
  const details = h("details", { ontoggle: () => details.open && look().catch(failed) },
    h("summary", {}, t("web-preview")), h("p", {}, t("web-preview-help")), found);
  return details;
}

function previewed({ tables }, { t, f }) {
  const names = {
    ente: t("web-ente"), category: t("web-category"), kind: t("web-kind"), service: t("web-service"), month: t("web-month"),
    hour: t("web-hour"), weekday: t("web-weekday"), device: t("web-device"), portal_kind: t("web-portal-kind"),
  };
  const measure = (row) => (row.measure === "accesses" ? t("web-visits") : t("web-uses"));
  return table({
    caption: t("web-preview-tables"), t, f, rows: tables,
    columns: [
      { title: t("web-preview-table"), value: (row) => [measure(row), ...row.dimensions.map((name) => names[name])].join(" · ") },
      { title: t("web-preview-cells"), type: "number", value: (row) => row.cells },
      { title: t("web-preview-hidden"), type: "number", value: (row) => row.hidden },
    ],
  });
}

function enti({ at, data, t, f, address }) {
  return list({
    caption: t("web-by-ente"), t, f, columns: () => ranking(t("web-ente"), t),
    load: (asked) => data.enti({ ...at, ente: undefined }, { ...asked, limit: 12 }),
    href: (row) => address("/", { ente: row.code }),
  });
}

async function services({ at, data, t, f }) {
  const { rows, total } = await data.services(at, { limit: 12, before: false });
  const share = (row) => (row.now === null || total.now === null ? null : f.share(row.now, total.now));
  return table({
    caption: t("web-top-services"), t, f, rows,
    columns: [
      { title: t("web-service"), value: (row) => row.name }, { type: "bar", value: (row) => row.now },
      { title: t("web-uses"), type: "number", value: (row) => row.now, term: "use" },
      { title: t("web-share"), type: "share", value: share, plain: (row) => share(row) && row.now / total.now, term: "share" },
    ],
  });
}

/** The visits; none if the portals sent uses only, since their number is then unknown. */
async function accesses({ at, data, t, f }) {
  const devices = await data.accesses(at, ["device"]);
  if (devices.total === 0) return undefined;
  const mobile = data.sum(["smartphone", "tablet"].map((code) => devices.cell({ device: code })));
  return [t("web-visits"), devices.total, known(mobile) && devices.total > 0 && t("web-mobile", { share: f.share(mobile, devices.total) })];
}

async function months({ at, data, t, f }) {
  const [now, before] = await Promise.all([data.uses(at, ["month"]), data.uses(data.yearBefore(at), ["month"])]);
  const isOver = (month) => !at.until || month < at.until.month;
  const values = (uses, year) => f.months.map((_, month) => (isOver(month) ? uses.cell({ month: `${year}-${String(month + 1).padStart(2, "0")}` }) : undefined));
  const series = [{ name: String(at.year), values: values(now, at.year), colour: "--now" }];
  if (before.total > 0) series.unshift({ name: String(at.year - 1), values: values(before, at.year - 1), colour: "--before" });
  return chart({ title: t("web-uses-by-month"), first: t("web-month"), steps: f.months, series, t, f });
}
