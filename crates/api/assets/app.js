import { Api, NeedsKey } from "./api.js";
import { Data } from "./data.js";
import { h } from "./dom.js";
import { Format } from "./format.js";
import italian from "./texts/it.js";
import english from "./texts/en.js";
import overview from "./views/overview.js";
import categories from "./views/categories.js";
import enti from "./views/enti.js";
import services from "./views/services.js";
import variations from "./views/variations.js";
import compare from "./views/compare.js";
import hours from "./views/hours.js";
import devices from "./views/devices.js";
import live from "./views/live.js";

const VIEWS = {
  "/": overview, "/categories": categories, "/enti": enti, "/services": services, "/variations": variations,
  "/compare": compare, "/hours": hours, "/devices": devices, "/live": live,
};
const language = document.documentElement.lang;
const t = language === "it" ? italian : english;
const f = new Format(language);
const api = new Api();
const data = new Data(api, t);
const main = document.getElementById("content");
const status = document.getElementById("status");
let leaving = new AbortController();

/** Returns the view and the selection from the address. */
function place() {
  const query = new URLSearchParams(location.search);
  const whole = (name) => Number.parseInt(query.get(name) ?? "", 10) || undefined;
  return {
    path: VIEWS[location.pathname] ? location.pathname : "/",
    year: whole("year"), month: whole("month"), with: whole("with"),
    ente: query.get("ente") ?? undefined, category: query.get("category") ?? undefined,
  };
}

/** Returns the address of a page, with the current selection unless overridden. */
function address(path, chosen = {}) {
  const query = new URLSearchParams(location.search);
  query.delete("category");
  if (path !== "/compare") query.delete("with");
  for (const [name, value] of Object.entries(chosen)) {
    if (value === undefined || value === "") query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

function go(to) {
  history.pushState(null, "", to);
  show({ moved: true });
}

async function show({ moved = false } = {}) {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const at = place();
  status.textContent = t.loading;
  main.setAttribute("aria-busy", "true");
  let content;
  data.missingDays = 0;
  try {
    const catalogue = await data.catalogue();
    at.year ??= catalogue.years.at(-1);
    if (signal.aborted) return;
    controls(at, catalogue);
    content = await VIEWS[at.path]({ at, data, catalogue, t, f, address, signal, period: period(at) });
  } catch (error) {
    content = failure(error);
  }
  if (signal.aborted) return;
  const title = t.pages[at.path];
  const heading = h("h1", { tabindex: "-1" }, title, h("small", {}, subtitle(at)));
  const missing = data.missingDays > 0 && h("p", { class: "message" }, t.incomplete(data.missingDays));
  main.replaceChildren(...[heading, missing, content].flat().filter(Boolean));
  main.removeAttribute("aria-busy");
  document.title = `${title} · Affluenza`;
  status.textContent = t.loaded(title);
  mark(at);
  if (moved) heading.focus({ preventScroll: true }), scrollTo(0, 0);
  main.dataset.shown = `${location.pathname}${location.search}`;
}

const period = (at) => (at.month ? `${f.months[at.month - 1].long} ${at.year}` : String(at.year));

function subtitle(at) {
  if (at.path === "/live") return t.liveNow;
  return [at.path === "/compare" ? t.comparedTitle(at.year, at.with) : at.year && period(at), at.ente ? data.enteName(at.ente) : t.allEnti].filter(Boolean).join(" · ");
}

function mark(at) {
  for (const link of document.querySelectorAll("nav a")) {
    const path = new URL(link.href).pathname;
    link.href = address(path);
    if (path === at.path) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  const other = document.getElementById("language");
  other.href = address(at.path, { ...at, path: undefined, lang: other.hreflang });
}

function failure(error) {
  if (error instanceof NeedsKey) {
    return h("div", { class: "message" }, h("p", {}, t.needsKey),
      h("button", { type: "button", class: "primary", onclick: () => document.getElementById("key").click() }, t.keyEnter));
  }
  const refused = error.status === 401 || error.status === 403;
  if (!error.status) console.error(error);
  return h("div", { class: "message", role: "alert" },
    h("p", {}, h("strong", {}, refused ? t.keyRefused : t.failed), " ", error.status ? error.message : ""),
    h("button", { type: "button", class: "primary", onclick: () => show() }, t.retry));
}

function controls(at, catalogue) {
  const form = document.getElementById("controls");
  const pick = (name, label, choices, chosen) => h("label", {}, label,
    h("select", { name, id: `pick-${name}`, onchange: (event) => {
      go(address(at.path, { [name]: event.target.value, ...(at.category ? { category: at.category } : {}) }));
      document.getElementById(`pick-${name}`)?.focus();
    } }, choices.map(([value, text]) => h("option", { value, selected: String(value) === String(chosen ?? "") }, text))));
  const years = catalogue.years.map((year) => [year, year]).reverse();
  const months = [["", t.wholeYear], ...f.months.map((month, at) => [at + 1, month.long])];
  const enti = [["", t.allEnti], ...catalogue.enti.map(({ code, name }) => [code, name])];
  const parts = [];
  if (at.path !== "/live") {
    parts.push(pick("year", t.year, years, at.year));
    if (["/variations", "/compare"].includes(at.path)) at.month = undefined;
    else if (!api.hasKey) at.month = undefined;
    else parts.push(pick("month", t.month, months, at.month));
    if (at.path === "/compare") {
      at.with ??= at.year - 1;
      parts.push(pick("with", t.compareWith, years.filter(([year]) => year !== at.year), at.with));
    }
  }
  parts.push(pick("ente", t.ente, enti, at.ente));
  form.replaceChildren(...parts);
}

function footer() {
  document.getElementById("foot").append(h("div", {},
    h("p", {}, t.foot), h("a", { href: "/docs" }, t.interface)));
}

function keyDialog() {
  const dialog = document.getElementById("key-dialog");
  const button = document.getElementById("key");
  const input = h("input", { id: "key-input", type: "password", autocomplete: "off", spellcheck: "false", required: true });
  const apply = (key) => {
    api.useKey(key);
    input.value = "";
    data.forget();
    button.textContent = key ? t.keyOn : t.key;
    dialog.close();
    show();
  };
  dialog.append(
    h("h2", { id: "key-title" }, t.key), h("p", {}, t.keyHelp),
    h("form", { method: "dialog", onsubmit: (event) => { event.preventDefault(); apply(input.value.trim()); } },
      h("label", {}, t.key, input),
      h("div", { class: "row" },
        h("button", { class: "primary" }, t.keyUse),
        h("button", { type: "button", class: "quiet", onclick: () => apply(null) }, t.keyForget),
        h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, t.close))));
  button.addEventListener("click", () => dialog.showModal());
}

addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-nav]");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(link.getAttribute("href"));
});
addEventListener("popstate", () => show({ moved: true }));
document.getElementById("controls").addEventListener("submit", (event) => event.preventDefault());
footer();
keyDialog();
show();
