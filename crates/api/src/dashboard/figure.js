// <affluenza-figure resource="categories" period="2017" ente="c_d612" lang="it"></affluenza-figure>
//
// Shows public figures of the server that this file comes from, as a table. Attributes other than `lang`, `src`, `columns`
// and `heading` are parameters of the API. There are no styles in markup, so any content security policy that allows this
// file and a connection to its server is enough.
(() => {
  const WORDS = {{ words }};
  {{ percents }}
  const script = document.currentScript ?? document.querySelector('script[src*="/figure.js"]');
  const HOME = new URL(".", script.src);
  const PARAMETERS = ["period", "ente", "category", "service", "group", "measure", "compare", "by_kind", "trend", "search", "order", "limit"];
  const OWN = ["resource", "lang", "src", "columns", "heading"];
  const COLUMNS = [
    "ente", "service", "category", "kind", "device", "band", "hour", "weekday", "month", "year",
    "service_uses", "of_which_plain", "of_which_payments", "of_which_bookings", "accesses", "users_per_hour_mean",
    "share_percent", "before", "difference", "change_percent",
  ];
  const KINDS = { payment: "payments", booking: "bookings", "": "no-category" };
  const STYLE = `
    :host { display: block; overflow-x: auto; margin-block: 1em; }
    a { color: inherit; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
    caption { text-align: start; font-weight: 600; padding-bottom: .4em; }
    th, td { padding: .35em .6em; border-bottom: 1px solid #7d8fa1; text-align: start; font-weight: 400; }
    thead th, tfoot :is(th, td) { font-weight: 600; border-bottom-width: 2px; }
    .number { text-align: end; white-space: nowrap; }
    p { margin: .5em 0 0; font-size: .875em; }`;
  /** Adds the styles: as an object, which every policy allows, or as an element in browsers that have none. */
  function dress(root) {
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
      return [];
    } catch {
      return [element("style", {}, STYLE)];
    }
  }

  function element(tag, properties, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) if (value !== undefined) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  /** Names of columns and values in a language. */
  class Names {
    constructor(language) {
      this.language = language;
      this.words = WORDS[language];
      this.locale = this.words["language-locale"];
      this.percents = new Percents(this.locale);
      this.integers = new Intl.NumberFormat(this.locale, { useGrouping: "always", maximumFractionDigits: 1 });
    }
    say(id, values = {}) {
      const pattern = this.words[`embed-${id}`] ?? this.words["web-" + id];
      if (!Array.isArray(pattern)) return pattern;
      return pattern.map((part) => (typeof part === "string" ? part : values[part.value])).join("");
    }
    date(text, style) {
      const zone = { timeZone: "UTC" };
      return new Date(`${text}T00:00:00Z`).toLocaleDateString(this.locale, { ...zone, ...style });
    }
    /** Returns the text of a code: a name of the register, a date or a word. */
    label(column, row) {
      const value = row[column];
      const names = [`${column}_name_${this.language}`, `${column}_name`, `${column}_name_it`].map((name) => row[name]);
      const name = names.find((name) => name !== undefined && name !== null);
      if (name !== undefined) return name;
      if (column === "month") return this.date(`${value}-01`, { month: "long", year: "numeric" });
      // 1 January 2001 was a Monday.
      if (column === "weekday") return this.date(`2001-01-0${value}`, { weekday: "long" });
      if (column === "hour") return `${String(value).padStart(2, "0")}:00`;
      return this.say(KINDS[value] ?? value) ?? this.say(`${column}-${value}`) ?? value;
    }
    figure(column, row) {
      const value = row[column];
      if (typeof value === "number") {
        if (column === "change_percent") return this.percents.change(value);
        return column.endsWith("_percent") ? this.percents.share(value) : this.integers.format(value);
      }
      return this.say(row.notes?.[column] === "suppressed" ? "secret" : "nd");
    }
  }

  class AffluenzaFigure extends HTMLElement {
    static observedAttributes = [...PARAMETERS, ...OWN];
    #root = this.attachShadow({ mode: "open" });
    #asked = 0;
    #isDue = false;
    #styles = dress(this.#root);
    connectedCallback() { this.#later(); }
    attributeChangedCallback() { this.#later(); }
    /** Loads once after all attributes of a change. */
    #later() {
      if (this.#isDue || !this.isConnected) return;
      this.#isDue = true;
      queueMicrotask(() => {
        this.#isDue = false;
        this.#load();
      });
    }
    async #load() {
      const language = this.closest("[lang]")?.lang.split("-")[0].toLowerCase();
      const names = new Names(language in WORDS ? language : "it");
      const resource = this.getAttribute("resource") ?? "usage";
      const asked = this.#asked += 1;
      const note = (text) => element("p", { role: "status" }, text);
      const link = element("a", {}, names.say("more"));
      const show = (...parts) => {
        if (asked !== this.#asked) return;
        const content = element("div", { lang: names.language }, ...parts);
        this.#root.replaceChildren(...this.#styles, content);
      };
      show(note(names.say("loading")));
      try {
        const home = new URL(this.getAttribute("src") ?? HOME, document.baseURI);
        const address = new URL(`v1/${encodeURIComponent(resource)}`, home);
        for (const name of PARAMETERS) if (this.hasAttribute(name)) address.searchParams.set(name, this.getAttribute(name));
        address.searchParams.set("lang", names.language);
        // Only a single ente has a page.
        const ente = this.getAttribute("ente");
        const page = new URL(ente && !ente.includes(",") ? `enti/${encodeURIComponent(ente)}` : ".", home);
        page.searchParams.set("lang", names.language);
        link.href = page.href;
        const response = await fetch(address, { credentials: "omit", referrerPolicy: "no-referrer" });
        const answer = await response.json();
        if (!response.ok) throw new Error(answer.detail ?? answer.title);
        if (answer.meta.period) page.searchParams.set("year", answer.meta.period.from.slice(0, 4));
        link.href = page.href;
        show(...this.#parts(answer, names, resource), element("p", {}, link));
      } catch (error) {
        const reason = error instanceof TypeError ? "" : error.message;
        show(note(names.say("failed")), element("p", { lang: "en" }, reason), element("p", {}, link));
      }
    }
    #parts({ data, meta, totals }, names, resource) {
      if (data.length === 0) return [element("p", {}, names.say("empty"))];
      const units = Object.keys(meta.units);
      const chosen = this.getAttribute("columns")?.split(/[\s,]+/);
      const isShown = (column) => column in data[0] && (!chosen || chosen.includes(column) || !units.includes(column));
      const columns = COLUMNS.filter(isShown);
      const cell = (row, column, at) => {
        if (units.includes(column)) return element("td", { class: "number" }, names.figure(column, row));
        return at === 0 ? element("th", { scope: "row" }, names.label(column, row)) : element("td", {}, names.label(column, row));
      };
      const line = (row) => element("tr", {}, ...columns.map((column, at) => cell(row, column, at)));
      const sum = (column, at) => {
        if (at === 0) return element("th", { scope: "row" }, names.say("total"));
        return element("td", { class: "number" }, column in totals ? names.figure(column, totals) : "");
      };
      const head = columns.map((column) =>
        element("th", { scope: "col", class: units.includes(column) ? "number" : undefined }, names.say(`column-${column}`)));
      // Totals are those of all rows.
      const hasTotals = data.length > 1 && data.length === meta.rows && columns.some((column) => column in totals);
      const days = meta.period && [meta.period.from, meta.period.to].map((day) => names.date(day, { dateStyle: "long" }));
      const heading = this.getAttribute("heading") ?? names.say(`resource-${resource}`) ?? names.say("resource-usage");
      const isHidden = [...data, totals].some((row) => columns.some((column) => row.notes?.[column] === "suppressed"));
      return [
        element("table", {},
          element("caption", {}, heading),
          element("thead", {}, element("tr", {}, ...head)),
          element("tbody", {}, ...data.map(line)),
          ...(hasTotals ? [element("tfoot", {}, element("tr", {}, ...columns.map(sum)))] : [])),
        ...(days ? [element("p", {}, names.say("period", { from: days[0], to: days[1] }))] : []),
        ...(isHidden ? [element("p", {}, names.say("hidden"))] : []),
      ];
    }
  }
  if (!customElements.get("affluenza-figure")) customElements.define("affluenza-figure", AffluenzaFigure);
})();
