import { ApiError, NeedsKey, SessionEnded } from "../api.js";
import { h } from "../dom.js";
import { table } from "../table.js";

/** The view asks for newer figures by itself. */
export const isLive = true;
export const picks = ["ente"];
export const subtitle = ({ t, ente }) => [ente ?? t("web-all-enti"), t("web-events-now")];

/** Pause between questions, and after one that failed, in milliseconds. */
const PAUSE_MS = 500;
const FAILED_PAUSE_MS = 5_000;
/** Pause after the last key before the source is asked for, in milliseconds. */
const TYPING_MS = 300;

/** The last events of a source, and what became of each. Asked for twice a second while the page is visible. */
export default async function events({ at, data, t, f, signal }) {
  if (!data.api.hasKey) throw new NeedsKey();
  const place = h("div", { class: "events" });
  const failed = h("p", { role: "alert" });
  const log = new EventLog(at.ente ?? "");
  let paused = false;
  let typed;
  let timer;
  // A table that the keyboard scrolls is not replaced.
  const isRead = () => place.querySelector(".scroll:focus");
  const draw = () => {
    const focused = [...place.querySelectorAll("button")].indexOf(document.activeElement);
    place.replaceChildren(view(log.events, t, f));
    if (focused >= 0) place.querySelectorAll("button")[focused]?.focus();
  };
  const source = h("input", { type: "search", id: "events-source", autocomplete: "off", spellcheck: "false", placeholder: "https://", oninput: () => {
    clearTimeout(typed);
    typed = setTimeout(() => log.choose(source.value.trim()), TYPING_MS);
  } });
  const button = h("button", { type: "button", class: "quiet bordered", onclick: () => {
    paused = !paused;
    button.textContent = paused ? t("web-resume") : t("web-pause");
  } }, t("web-pause"));
  const look = async () => {
    let pause = PAUSE_MS;
    try {
      if (!paused && !document.hidden && !isRead() && await log.look(signal)) draw();
      failed.replaceChildren();
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof SessionEnded) failed.replaceChildren(t("web-session-ended"));
      else failed.replaceChildren(t("web-failed"), " ", h("span", { lang: "en" }, error.message));
      pause = FAILED_PAUSE_MS;
    }
    timer = setTimeout(look, pause);
  };
  await log.look();
  draw();
  timer = setTimeout(look, PAUSE_MS);
  signal.addEventListener("abort", () => clearTimeout(timer));
  return [
    h("section", { class: "card" }, h("div", { class: "filters" }, h("label", { class: "search" }, t("web-events-source"), source)),
      failed, place),
    h("p", {}, button),
  ];
}

/** The events of an ente and a source, as last asked for. */
class EventLog {
  events = [];
  #source = "";
  #tag;
  constructor(ente) { this.ente = ente; }

  choose(source) {
    this.#source = source;
    this.#tag = undefined;
  }

  /** Asks for the events. Returns true if they have changed. */
  async look(signal) {
    const query = new URLSearchParams({ ente: this.ente, source: this.#source });
    const tag = this.#tag;
    const answer = await fetch(`/pages/events?${query}`, { signal, cache: "no-store", headers: tag ? { "If-None-Match": tag } : {} });
    if (answer.status === 304) return false;
    const body = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new (answer.status === 401 ? SessionEnded : ApiError)(answer.status, body);
    this.events = body;
    // The source may have changed meanwhile.
    if (this.#tag === tag) this.#tag = answer.headers.get("ETag");
    return true;
  }
}

function view(events, t, f) {
  if (events.length === 0) return h("p", { class: "message" }, t("web-events-none"));
  const under = (text) => text && h("span", { class: "under" }, text);
  const kind = ({ type }) => type.replace(/^it\.affluenza\./, "");
  const outcome = ({ fate, detail }) => (fate === "accepted" && detail ? "warned" : fate);
  const result = (row) => t(`web-fate-${outcome(row)}`);
  const joined = (...texts) => texts.filter(Boolean).join(" ");
  return table({
    // Rows come in the order of the log and are not sorted.
    caption: t("web-events-last", { count: events.length }), sort: {}, t, f, rows: events,
    columns: [
      { title: t("web-instant"), value: ({ written }) => written && f.seconds.format(new Date(written)), plain: ({ written }) => written },
      {
        title: t("web-events-result"), type: "text", plain: (row) => joined(result(row), row.reason, row.detail),
        value: (row) => h("span", {}, h("span", { class: `badge fate-${outcome(row)}` }, result(row)), under(row.reason),
          row.detail && h("span", { class: "under detail", lang: "en" }, row.detail)),
      },
      { title: t("web-events-type"), type: "text", value: kind, plain: kind },
      {
        title: t("web-ente"), type: "text", plain: ({ ente, portal, service }) => joined(ente, portal, service),
        value: ({ ente, portal, service }) => h("span", {}, ente, under(portal), under(service)),
      },
      {
        title: t("web-events-source-and-id"), type: "text", plain: ({ source, id }) => joined(source, id),
        value: ({ source, id }) => h("span", { class: "breakable" }, source, under(id)),
      },
    ],
  });
}
