import { Api, NeedsKey, SessionEnded } from "./api.js";
import { Data, PUBLIC } from "./data.js";
import { h } from "./dom.js";
import { Format } from "./format.js";
import { words } from "./words.js";

/** Names of the views by path. The server writes the list of pages into the menu. */
const LINKS = [...document.querySelectorAll("nav a")].map((link) => ({ link, path: link.pathname, view: link.dataset.view }));
const VIEWS = new Map(LINKS.map(({ path, view }) => [path, view]));
const messages = JSON.parse(document.getElementById("words").textContent);
const f = new Format(messages["language-locale"]);
const t = words(messages, f);
const api = new Api(PUBLIC.session);
const data = new Data(api, t);
const main = document.getElementById("content");
const status = document.getElementById("status");
let leaving = new AbortController();

/** Returns the ente of the address `/enti/CODE`. */
function ofEnte() {
  const code = location.pathname.match(/^\/enti\/([^/]+)$/)?.[1];
  return code && decodeURIComponent(code);
}

/** Replaces a period as the API names it, such as `2015-03`, by the year and the month that the pages have. */
function readPeriod() {
  const query = new URLSearchParams(location.search);
  const [, year, month] = /^(\d{4})(?:-(\d\d))?$/.exec(query.get("period") ?? "") ?? [];
  if (!year) return;
  query.delete("period");
  query.set("year", year);
  if (month) query.set("month", Number(month));
  history.replaceState(null, "", `?${query}`);
}

/** Returns the page and the selection from the address. `/enti/CODE` is the overview of an ente. */
function place() {
  const query = new URLSearchParams(location.search);
  const whole = (name) => Number.parseInt(query.get(name) ?? "", 10) || undefined;
  const month = whole("month");
  return {
    path: VIEWS.has(location.pathname) ? location.pathname : "/",
    year: whole("year"), month: month >= 1 && month <= 12 ? month : undefined, with: whole("with"),
    ente: ofEnte() ?? query.get("ente") ?? undefined, category: query.get("category") ?? undefined,
  };
}

/** Returns the address of a page, with the current selection unless overridden. */
function address(path, chosen = {}) {
  const query = new URLSearchParams(location.search);
  const at = place();
  query.delete("category");
  if (path !== at.path) query.delete("with");
  for (const [name, value] of Object.entries({ ente: at.ente, ...chosen })) {
    if (value === undefined || value === "") query.delete(name);
    else query.set(name, value);
  }
  const ente = path === "/" && query.get("ente");
  const page = ente ? `/enti/${encodeURIComponent(ente)}` : path;
  if (ente) query.delete("ente");
  const text = query.toString();
  return text ? `${page}?${text}` : page;
}

function go(to) {
  history.pushState(null, "", to);
  show({ moved: true });
}

/** Pause between two looks for newer figures, and time for which a reader is taken to be reading, in milliseconds. */
const REFRESH_MS = 60_000;
const READING_MS = 300_000;
let usedAt = -READING_MS;
/** Text of the answers that the page shows. */
let shown = "";
let isLooking = false;

/** Replaces the figures by newer ones, unless a reader is using the page. */
async function refresh() {
  const isReading = performance.now() - usedAt < READING_MS || document.querySelector("dialog[open], main[aria-busy], main details[open]");
  if (document.hidden || isReading || isLooking || modules[`views/${VIEWS.get(place().path)}.js`].isLive) return;
  isLooking = true;
  await show({ again: true }).finally(() => { isLooking = false; });
}

async function show({ moved = false, again = false } = {}) {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const at = place();
  const view = VIEWS.get(at.path);
  if (again) {
    // The day may have changed.
    data.forget();
  } else {
    status.textContent = t("web-loading");
    main.setAttribute("aria-busy", "true");
  }
  api.read = "";
  // The build joins all modules to one script.
  const module = modules[`views/${view}.js`];
  let content;
  data.missingDays = 0;
  data.shownYears = [];
  data.asOf = undefined;
  try {
    const years = await data.years();
    at.year ??= years.findLast((year) => api.hasKey || data.closedAt({ year })) ?? years.at(-1);
    if (signal.aborted) return;
    controls(at, years, module);
    at.until = data.until(at);
    data.shownYears = [at.year, at.with];
    const showing = { at, data, t, f, address, signal, period: period(at) };
    const naming = data.loadEnte(at.ente).then(() => nameEnte(at));
    const open = !module.isLive && openPeriod(at, module);
    [content] = await Promise.all([open ? notClosed(open, at) : module.default(showing), naming]);
  } catch (error) {
    // Old figures are better than none, until the next look.
    if (again && error.status !== 401 && error.status !== 403) return;
    content = failure(error);
  }
  if (signal.aborted || (again && api.read === shown)) return;
  shown = api.read;
  const title = ofEnte() ? data.name("ente", at.ente) : t(`page-${view}`);
  document.getElementById("key").textContent = api.hasKey ? t("web-key-on") : t("web-key");
  const heading = h("h1", { tabindex: "-1" }, title, h("small", {}, subtitle(at, module)));
  const missing = data.missingDays > 0 && h("p", { class: "message" }, t("web-incomplete", { days: data.missingDays }));
  main.replaceChildren(...[heading, missing, content, dated(at)].flat().filter(Boolean));
  main.removeAttribute("aria-busy");
  document.title = [title, !module.isLive && at.year && period(at), "Affluenza"].filter(Boolean).join(" · ");
  if (!again) status.textContent = t("web-loaded", { page: title });
  mark(at);
  if (moved) heading.focus({ preventScroll: true }), scrollTo(0, 0);
  main.dataset.shown = `${location.pathname}${location.search}`;
}

/** Returns the chosen period, or the one to compare with, that has no public figures; nothing with a key. */
function openPeriod(at, { picks = [] }) {
  return [at, ...(picks.includes("with") ? [{ year: at.with }] : [])].find((of) => !data.isKnown(of));
}

/** Says once why there are no figures, and leads to the newest period that has some. */
function notClosed(open, at) {
  const closed = data.newestClosed();
  return h("div", { class: "message" },
    h("p", {}, open.year ? t("web-not-closed", { period: period(open) }) : "", " ", t("web-closed-only")),
    closed && h("p", {}, h("a", { href: address(at.path, { with: undefined, ...closed, month: closed.month }), "data-nav": true }, t("web-newest-closed", { period: period(closed) }))),
    h("button", { type: "button", class: "quiet bordered", onclick: () => document.getElementById("key").click() }, t("web-key-enter")));
}

/** Returns the date of the figures. */
function dated(at) {
  const closed = !api.hasKey && data.closedAt(at);
  if (closed) return h("p", { class: "note" }, t(at.month ? "web-closed-month" : "web-closed", { year: period(at), day: f.days.format(new Date(closed)) }));
  return data.asOf && h("p", { class: "note" }, t("web-as-of", { time: f.moments.format(new Date(data.asOf)) }));
}

const period = (at) => (at.month ? `${f.months[at.month - 1].long} ${at.year}` : String(at.year));

/** Returns period and ente, or the subtitle of the view. */
function subtitle(at, view) {
  const ente = at.ente ? !ofEnte() && data.name("ente", at.ente) : t("web-all-enti");
  const until = at.until && t("web-until", { day: f.days.format(new Date(at.year, at.until.month - 1, at.until.day)) });
  const parts = view.subtitle?.({ at, t, ente }) ?? [at.year && period(at), ente, until];
  return parts.filter(Boolean).join(" · ");
}

function mark(at) {
  for (const { link, path } of LINKS) {
    link.href = address(path);
    if (path === at.path) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  for (const other of document.querySelectorAll("a[hreflang]")) {
    other.href = address(at.path, { ...at, path: undefined, lang: other.hreflang });
  }
}

function failure(error) {
  if (error instanceof NeedsKey) {
    return h("div", { class: "message" }, h("p", {}, t("web-needs-key")),
      h("button", { type: "button", class: "primary", onclick: () => document.getElementById("key").click() }, t("web-key-enter")));
  }
  const refused = error.status === 401 || error.status === 403;
  // The session or its key has ended.
  if (error.status === 401) api.hasKey = false, data.forget();
  if (!error.status) console.error(error);
  return h("div", { class: "message", role: "alert" },
    h("p", {}, h("strong", {}, error instanceof SessionEnded ? t("web-session-ended") : refused ? t("web-key-refused") : t("web-failed")), " ",
      error.status && !(error instanceof SessionEnded) ? h("span", { lang: "en" }, error.message) : ""),
    h("button", { type: "button", class: "primary", onclick: () => (refused ? document.getElementById("key").click() : show()) },
      refused ? t("web-key-enter") : t("web-retry")));
}

/** Shows the ente and what else the view lets people pick, as far as there is a key for it. */
function controls(at, years, { picks = ["year", "month", "ente"], hasMonths }) {
  const form = document.getElementById("controls");
  const choose = (name, value) => {
    go(address(at.path, { [name]: value, ...(at.category ? { category: at.category } : {}) }));
    document.getElementById(`pick-${name}`)?.focus();
  };
  const pick = (name, label, choices, chosen) => h("label", {}, label,
    h("select", { name, id: `pick-${name}`, onchange: (event) => choose(name, event.target.value) }, choices.map(([value, text]) => h("option", { value, selected: String(value) === String(chosen ?? "") }, text))));
  const isPicked = picks.includes("month") && (api.hasKey || hasMonths);
  const isWhole = (year) => api.hasKey || data.closedAt({ year }) || !data.months(year).length;
  if (!isPicked) {
    at.month = undefined;
    years = years.filter(isWhole);
    if (!isWhole(at.year)) at.year = years.at(-1) ?? at.year;
  } else if (!isWhole(at.year) && !data.months(at.year).includes(at.month)) {
    at.month = data.months(at.year).at(-1);
  }
  // A year of the address may have no figures.
  const listed = [...new Set([...years, at.year])].filter(Boolean).sort((a, b) => b - a).map((year) => [year, year]);
  const months = data.months(at.year).map((month) => [month, f.months[month - 1].long]);
  if (isWhole(at.year)) months.unshift(["", t("web-whole-year")]);
  const parts = [];
  if (picks.includes("year") && listed.length) parts.push(pick("year", t("web-year"), listed, at.year));
  if (isPicked && listed.length) parts.push(pick("month", t("web-month"), months, at.month));
  if (picks.includes("with")) {
    const others = years.filter((year) => year !== at.year);
    if (!others.includes(at.with)) at.with = others.includes(at.year - 1) ? at.year - 1 : others.at(-1) ?? at.year - 1;
    parts.push(pick("with", t("web-compare-with"), listed.filter(([year]) => year !== at.year), at.with));
  }
  if (api.hasKey || picks.includes("ente")) parts.push(entePick(at, (code) => choose("ente", code)));
  form.replaceChildren(...parts);
}

/** Pause after the last key before enti are looked for, in milliseconds. */
const TYPING_MS = 250;

/** Shows the name of the chosen ente, which may come after the field. */
function nameEnte({ ente }) {
  const input = document.getElementById("pick-ente");
  if (input && ente && input.value === ente) input.value = data.name("ente", ente);
}

/** A field that finds an ente by a part of its name or code. An empty one means all enti. */
function entePick(at, choose) {
  const chosen = at.ente ?? "";
  const label = ({ code, name }) => `${name} (${code})`;
  let found = [];
  let typed;
  // A browser may report one choice as two events.
  let isTaken = false;
  const find = async () => {
    // A label of the list ends with the code.
    const text = input.value.trim();
    found = await data.findEnti(/\(([^()]+)\)$/.exec(text)?.[1] ?? text);
    offered.replaceChildren(...found.map((ente) => h("option", { value: label(ente) })));
  };
  const take = async () => {
    clearTimeout(typed);
    const text = input.value.trim();
    if (text === (chosen && data.name("ente", chosen))) return;
    if (text) await find();
    const ente = found.length === 1 ? found[0] : found.find((one) => [label(one), one.name, one.code].includes(text));
    const code = text ? ente?.code : "";
    if (code === undefined || code === chosen || isTaken) return;
    isTaken = true;
    choose(code);
  };
  const offered = h("datalist", { id: "enti" });
  const input = h("input", {
    id: "pick-ente", type: "search", list: "enti", autocomplete: "off", placeholder: t("web-all-enti"), value: chosen && data.name("ente", chosen),
    onchange: () => take().catch(() => {}),
    onsearch: () => take().catch(() => {}),
    oninput: () => {
      clearTimeout(typed);
      if (found.some((ente) => label(ente) === input.value)) take().catch(() => {});
      else typed = setTimeout(() => find().catch(() => {}), TYPING_MS);
    },
  });
  return h("label", {}, t("web-ente"), input, offered);
}

function keyDialog() {
  const dialog = document.getElementById("key-dialog");
  const button = document.getElementById("key");
  const input = h("input", { id: "key-input", type: "password", autocomplete: "off", spellcheck: "false", required: true });
  const refused = h("p", { role: "alert" });
  const finish = async (work) => {
    refused.replaceChildren();
    try {
      await work();
    } catch (error) {
      refused.append(t(error.status === 401 || error.status === 403 ? "web-key-refused" : "web-failed"));
      input.focus();
      return;
    }
    input.value = "";
    data.forget();
    dialog.close();
    show();
  };
  dialog.append(
    h("h2", { id: "key-title" }, t("web-key")), h("p", {}, t("web-key-help")),
    h("form", { method: "dialog", onsubmit: (event) => { event.preventDefault(); finish(() => api.signIn(input.value.trim())); } },
      h("label", {}, t("web-key"), input), refused,
      h("div", { class: "row" },
        h("button", { class: "primary" }, t("web-key-use")),
        h("button", { type: "button", class: "quiet", onclick: () => finish(() => api.signOut()) }, t("web-key-forget")),
        h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, t("web-close")))));
  button.addEventListener("click", () => {
    refused.replaceChildren();
    dialog.showModal();
  });
}

addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-nav]");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(link.getAttribute("href"));
});
for (const use of ["pointerdown", "keydown", "wheel"]) addEventListener(use, () => { usedAt = performance.now(); }, { passive: true });
addEventListener("popstate", () => show({ moved: true }));
document.getElementById("controls").addEventListener("submit", (event) => event.preventDefault());
keyDialog();
readPeriod();
if (!main.querySelector("[data-missing]")) {
  show();
  setInterval(refresh, REFRESH_MS);
}
