import { NeedsKey } from "./api.js";
import { sum } from "./format.js";

/** What the server says about this reader: public tables of dimensions that may be combined, closed years with closed months of other years, and a session. */
export const PUBLIC = JSON.parse(document.getElementById("public").textContent);

// The only module that knows the API's answers. Its figures are numbers, or null where hidden.
// Totals are queried, not summed: a sum with a hidden part would be wrong.

/** Figures by some dimensions, with all their margins. Those of a period without public figures are undefined. */
class Figures {
  /** Answers by the names of their dimensions. */
  constructor(dimensions, answers, isKnown) {
    this.dimensions = dimensions;
    this.isKnown = isKnown;
    this.cells = new Map();
    for (const { by, rows } of answers) {
      for (const row of rows) this.cells.set(by.map((name) => `${name}=${row[name]}`).join("&"), row.figure);
    }
  }
  /** Returns the figure of some labels, over all dimensions that are not named. 0 if nothing was counted. */
  cell(labels) {
    const key = this.dimensions.filter((name) => name in labels).map((name) => `${name}=${labels[name]}`).join("&");
    return this.cells.has(key) ? this.cells.get(key) : this.isKnown ? 0 : undefined;
  }
  get total() { return this.cell({}); }
  /** Returns every label of a dimension that has a figure. */
  labels(dimension) {
    const start = `${dimension}=`;
    return [...this.cells.keys()].filter((key) => key.startsWith(start) && !key.includes("&")).map((key) => key.slice(start.length));
  }
}

const subsets = (names) => names.reduce((sets, name) => [...sets, ...sets.map((set) => [...set, name])], [[]]);

export class Data {
  #loading;
  /** Closed periods, once they were read. */
  #closed;
  /** Names of codes, as far as answers had them. */
  #names = { ente: new Map(), category: new Map(), service: new Map() };
  sum = sum;
  /** Largest number of days without data among the answers of these years since this was set to 0. */
  missingDays = 0;
  shownYears = [];
  constructor(api, t) {
    this.api = api;
    this.t = t;
    this.language = document.documentElement.lang;
  }
  /** Time of the last change of the figures, as an answer to a key had it. */
  asOf = undefined;
  /** Newest day with data, for a key: { year, month, day } as numbers. */
  newest = undefined;
  /** Drops the years, because the key has changed. */
  forget() { this.#loading = this.newest = this.asOf = undefined; }

  /** Returns the years with figures. */
  async years() {
    this.#loading ??= (this.api.hasKey ? this.#allYears() : this.#publicYears()).catch((error) => { this.#loading = undefined; throw error; });
    return this.#loading;
  }
  async #allYears() {
    const ever = { period: "2000..2099" };
    const [years, days] = await Promise.all([
      this.api.get("usage", { ...ever, group: "year" }), this.api.get("usage", { ...ever, group: "day", order: "-day", limit: 1 }),
    ]);
    const [year, month, day] = (days.data[0]?.day ?? "").split("-").map(Number);
    this.newest = day && { year, month, day };
    return years.data.map((row) => Number(row.year)).sort((a, b) => a - b);
  }
  /** Returns the years that are closed, or have closed months. Others have no public figures. A page that is looked at again asks which they are. */
  async #publicYears() {
    this.#closed = this.#closed ? await this.api.get("closed") : PUBLIC.closed;
    return [...new Set(this.#closed.map(({ year }) => year))].sort((a, b) => a - b);
  }
  /** Returns the time when a year or a month was closed. A closed year has closed months. */
  closedAt({ year, month }) {
    const closed = (this.#closed ?? PUBLIC.closed).filter((period) => period.year === year);
    return (closed.find((period) => !period.month) ?? closed.find((period) => period.month === month))?.closed_at;
  }
  /** Returns the newest closed year, otherwise the newest closed month, as { year, month }. */
  newestClosed() {
    const closed = (this.#closed ?? PUBLIC.closed).map(({ year, month }) => ({ year, month }));
    return closed.findLast(({ month }) => !month) ?? closed.at(-1);
  }
  /** Returns the months of a year that may be chosen: with a key, all. */
  months(year) {
    const all = Array.from({ length: 12 }, (_, at) => at + 1);
    return this.api.hasKey ? all : all.filter((month) => this.closedAt({ year, month }));
  }
  /** Returns the last day with data of a period that is not over, as { month, day }. */
  until({ year, month }) {
    const { newest } = this;
    if (!newest || newest.year !== year || (month && newest.month !== month)) return undefined;
    const isOver = month ? new Date(Date.UTC(year, month, 0)).getUTCDate() === newest.day : newest.month === 12 && newest.day === 31;
    return isOver ? undefined : newest;
  }
  /** True for the figures of all enti, with a key, of a period that is not closed. */
  canPreview({ year, month, ente, category }) { return this.api.hasKey && !ente && !category && !this.closedAt({ year, month }); }
  /** Without a key, only closed years and months have figures. */
  isKnown(at) { return this.api.hasKey || this.closedAt(at) !== undefined; }

  /** Keeps the names that come with the rows of an answer. */
  #read(answer) {
    for (const row of answer.data) {
      for (const [dimension, names] of Object.entries(this.#names)) {
        const named = ["", `_${this.language}`, "_en", "_it"].map((language) => row[`${dimension}_name${language}`]);
        const name = named.find((name) => name !== undefined && name !== null);
        if (name !== undefined) names.set(row[dimension], name);
      }
    }
    this.asOf = answer.meta.as_of;
    if (this.shownYears.includes(Number(answer.meta.period?.from.slice(0, 4)))) {
      this.missingDays = Math.max(this.missingDays, answer.meta.completeness?.days_missing ?? 0);
    }
    return answer;
  }
  async #get(path, parameters) { return this.#read(await this.api.get(path, parameters)); }
  /** Returns the name of a code of an ente, a category or a service. */
  name(dimension, code) {
    if (code === "") return this.t("web-no-category");
    return this.#names[dimension].get(code) ?? (code === "unregistered" ? this.t("web-unregistered") : code);
  }
  /** Loads the name of an ente of the address. */
  async loadEnte(code) {
    if (code && !this.#names.ente.has(code)) await this.#get("register", { ente: code });
  }
  /** Returns at most ten enti whose code or name contains a text. */
  async findEnti(text) {
    if (!/[\p{L}\p{N}]/u.test(text)) return [];
    const answer = await this.#get("register", { search: text, order: "ente_name", limit: 10 });
    return answer.data.map((row) => ({ code: row.ente, name: row.ente_name }));
  }

  /** The findings of a period, as { until, sentences }: without a key, of closed periods only. */
  async findings({ year, month, ente, category }) {
    if (category || !this.isKnown({ year, month })) return { sentences: [] };
    return this.api.get("findings", { year, month, ente, lang: this.language });
  }

  /** Throws NeedsKey without a key, unless the figures are public. */
  #needKey(isPublic = false) {
    if (!this.api.hasKey && !isPublic) throw new NeedsKey();
  }

  /** Returns the same selection a year before. */
  yearBefore(at) { return { ...at, year: at.year - 1 }; }
  /** Completed service uses of people, by some dimensions. */
  uses(at, dimensions) { return this.#figures(at, dimensions, "service_uses"); }
  /** Accesses of people to pages and areas, by some dimensions. */
  accesses(at, dimensions) { return this.#figures(at, dimensions, "accesses"); }

  async #figures(at, dimensions, measure) {
    if (!this.allows(at, ...dimensions)) throw new NeedsKey();
    const isKnown = this.isKnown(at);
    const answers = subsets(dimensions).map(async (by) => {
      if (!isKnown) return { by, rows: [] };
      // Without dimensions, the total of a breakdown that always exists is used.
      const answer = await this.#get("usage", { ...where(at), group: by.join(",") || "year", measure, limit: 10_000 });
      const rows = by.length ? answer.data.map((row) => ({ ...row, figure: row[measure] })) : [{ figure: answer.totals[measure] }];
      return { by, rows };
    });
    return new Figures(dimensions, await Promise.all(answers), isKnown);
  }

  /** True if the figures may be requested: always with a key, otherwise if they are public. */
  allows(at, ...dimensions) {
    if (this.api.hasKey) return true;
    const all = [...dimensions, ...["ente", "category", "month"].filter((name) => at[name])];
    return PUBLIC.tables.some((table) => all.every((name) => table.includes(name)));
  }

  /** Rows of the categories of either period, the greatest first. */
  categoriesOf(now, before) {
    const codes = new Set([...now.labels("category"), ...before.labels("category")]);
    return [...codes]
      .map((code) => ({
        code, name: this.name("category", code), now: now.cell({ category: code }), before: before.cell({ category: code }),
        ...Object.fromEntries(["plain", "payment", "booking"].map((kind) => [kind, now.cell({ category: code, kind })])),
      }))
      .sort((a, b) => (b.now ?? 0) - (a.now ?? 0) || (b.before ?? 0) - (a.before ?? 0) || a.name.localeCompare(b.name, this.language));
  }
  /** Returns the last row of a table with kinds. */
  totals(now, before) {
    const kind = (code) => now.cell({ kind: code });
    return { now: now.total, before: before.total, plain: kind("plain"), payment: kind("payment"), booking: kind("booking") };
  }

  /** A page of a list: its rows, those on all pages, and a function that loads the next page. */
  #page(answer, row, total) {
    const next = answer.links.next?.href;
    return {
      rows: answer.data.map(row), total, found: answer.meta.rows,
      next: next && (async () => this.#page(this.#read(await this.api.follow(next)), row, total)),
    };
  }
  /** The preview of the public edition of an open period, as far as it is computed. */
  preview({ year, month }) { return this.api.get("preview", where({ year, month })); }
  static #nothing = { rows: [], found: 0 };

  /** Service uses by ente with their kinds, the greatest first. */
  enti(at, choice) { return this.#ranked("enti", "ente", at.month ? ["ente"] : ["ente", "kind"], at, choice); }
  /** Service uses by service, the greatest first. */
  services(at, choice) { return this.#ranked("top-services", "service", ["service"], at, choice); }

  async #ranked(path, dimension, table, at, { search, limit, order = "-service_uses", before: isCompared = true }) {
    this.#needKey(this.allows(at, ...table));
    if (!this.isKnown(at)) return Data.#nothing;
    const compare = isCompared && this.isKnown(this.yearBefore(at)) ? "year-before" : undefined;
    const answer = await this.#get(path, { ...where(at), search, limit, compare, order });
    const figures = (row) => ({
      now: row.service_uses, before: compare && row.before,
      plain: row.of_which_plain, payment: row.of_which_payments, booking: row.of_which_bookings,
    });
    const named = (row) => ({ code: row[dimension], name: this.name(dimension, row[dimension]), ...figures(row) });
    return this.#page(answer, named, figures(answer.totals));
  }

  /** The changes from the year before, the greatest difference first. */
  async variations(at, choice) {
    this.#needKey(!at.ente && !at.month);
    if (![at, this.yearBefore(at)].every((of) => this.isKnown(of))) return Data.#nothing;
    const answer = await this.#get("variations", { ...where(at), ...choice });
    return this.#page(answer, (row) => ({
      service: this.name("service", row.service), ente: row.ente && this.name("ente", row.ente),
      now: row.service_uses, before: row.before, state: row.state.toLowerCase(),
    }));
  }

  /** Services offered and used, by ente, the most first. */
  async offered(at, choice) {
    this.#needKey();
    const answer = await this.#get("offered-versus-used", { order: "-services_offered", ...where(at), ...choice });
    const figures = (row) => ({ offered: row.services_offered, used: row.services_used });
    return this.#page(answer, (row) => ({ name: this.name("ente", row.ente), ...figures(row) }), figures(answer.totals));
  }

  /** Mean users of each hour of the day. */
  async usersByHour(at) {
    this.#needKey(this.allows(at, "hour"));
    if (!this.isKnown(at)) return Array.from({ length: 24 }, () => null);
    const answer = await this.api.get("hours", where(at));
    return Array.from({ length: 24 }, (_, hour) => answer.data.find((row) => Number(row.hour) === hour)?.users_per_hour_mean ?? null);
  }
  async usersByBand(at) {
    this.#needKey(this.allows(at, "hour"));
    if (!this.isKnown(at)) return [];
    const answer = await this.api.get("bands", where(at));
    return answer.data.map((row) => ({ band: row.band, users: row.users_per_hour_mean }));
  }

  /** The minutes of the last hour. */
  async live(at) {
    this.#needKey();
    const answer = await this.api.get("live", { ente: at.ente, minutes: 60 });
    const minutes = answer.data.map((row) => ({ start: new Date(row.minute), uses: row.service_uses, accesses: row.accesses }));
    const all = (name) => sum(minutes.map((minute) => minute[name]));
    const counted = minutes.filter(({ uses, accesses }) => uses !== 0 || accesses !== 0);
    return { minutes, uses: all("uses"), accesses: all("accesses"), last: counted.at(-1)?.start };
  }
}

const two = (number) => String(number).padStart(2, "0");

/** Converts the selection to parameters of the API. A period that is not over ends with its last day, as does the compared one. */
function where({ year, month, until, ente, category }) {
  let period = month ? `${year}-${two(month)}` : String(year);
  if (until) {
    const days = new Date(Date.UTC(year, until.month, 0)).getUTCDate();
    period += `${month ? "" : "-01"}-01..${year}-${two(until.month)}-${two(Math.min(until.day, days))}`;
  }
  return { period, ente, category };
}
