import { NeedsKey } from "./api.js";
import { sum } from "./format.js";
// Dimensions that may be combined without a key, for whole years. The server makes this module.
import PUBLIC_TABLES from "./public-tables.js";

// The only module that knows the API's answers. Its figures are numbers, or null where hidden.
// Totals are queried, not summed: a sum with a hidden part would be wrong.

/** Figures by some dimensions, with all their margins. */
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
  /** Returns the figure of some labels, over all dimensions that are not named. 0 if nothing was counted, null if unknown. */
  cell(labels) {
    const key = this.dimensions.filter((name) => name in labels).map((name) => `${name}=${labels[name]}`).join("&");
    return this.cells.has(key) ? this.cells.get(key) : this.isKnown ? 0 : null;
  }
  get total() { return this.cell({}); }
  /** Returns every label of a dimension that has a figure. */
  labels(dimension) {
    const start = `${dimension}=`;
    return [...this.cells.keys()].filter((key) => key.startsWith(start) && !key.includes("&")).map((key) => key.slice(start.length));
  }
}

/** The newest year that is over. */
const lastYear = () => new Date().getFullYear() - 1;

const subsets = (names) => names.reduce((sets, name) => [...sets, ...sets.map((set) => [...set, name])], [[]]);

export class Data {
  #catalogue;
  sum = sum;
  /** Largest number of days without data among the answers since this was set to 0. */
  missingDays = 0;
  constructor(api, t) {
    this.api = api;
    this.t = t;
    this.language = document.documentElement.lang;
  }
  /** Drops the catalogue, because the key has changed. */
  forget() { this.#catalogue = undefined; }

  /** Returns years, enti, categories and services, with their names. */
  async catalogue() {
    this.#catalogue ??= this.#readCatalogue().catch((error) => { this.#catalogue = undefined; throw error; });
    return (this.names = await this.#catalogue);
  }

  async #readCatalogue() {
    const named = (row, name) => row[`${name}_name_${this.language}`] ?? row[`${name}_name_en`] ?? row[`${name}_name_it`] ?? row[name];
    const [years, services] = await Promise.all([this.api.hasKey ? this.#allYears() : this.#publicYears(), this.api.get("catalogue", { period: lastYear(), limit: 10_000 })]);
    const enti = years.length ? await this.api.get(this.api.hasKey ? "offered-versus-used" : "enti", { period: years.at(-1) }) : { data: [] };
    return {
      years,
      enti: enti.data.map((row) => ({ code: row.ente, name: row.ente_name ?? row.ente })).sort((a, b) => a.name.localeCompare(b.name, this.language)),
      categories: new Map(services.data.map((row) => [row.category, named(row, "category")])),
      services: new Map(services.data.map((row) => [row.service, named(row, "service")])),
    };
  }
  async #allYears() {
    const answer = await this.api.get("usage", { group: "year", period: "2000..2099" });
    return answer.data.map((row) => Number(row.year)).sort((a, b) => a - b);
  }
  /** Returns the closed years. Other years have no public figures. */
  async #publicYears() { return (await this.api.get("years")).years; }
  /** Without a key, only the listed closed years have figures. */
  #isKnown(year) { return this.api.hasKey || this.names.years.includes(year); }
  enteName(code) { return this.names.enti.find((ente) => ente.code === code)?.name ?? code; }
  categoryName(code) {
    return this.names.categories.get(code) ?? (code === "" ? this.t("web-no-category") : code === "unregistered" ? this.t("web-unregistered") : code);
  }
  serviceName(code) { return this.names.services.get(code) ?? code; }

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
    const isKnown = this.#isKnown(at.year);
    const answers = subsets(dimensions).map(async (by) => {
      if (!isKnown) return { by, rows: [] };
      // Without dimensions, the total of a breakdown that always exists is used.
      const answer = await this.api.get("usage", { ...where(at), group: by.join(",") || "year", measure, limit: 10_000 });
      this.missingDays = Math.max(this.missingDays, answer.meta.completeness?.days_missing ?? 0);
      const rows = by.length ? answer.data.map((row) => ({ ...row, figure: row[measure] })) : [{ figure: answer.totals[measure] }];
      return { by, rows };
    });
    return new Figures(dimensions, await Promise.all(answers), isKnown);
  }

  /** True if the figures may be requested: always with a key, otherwise if they are public. */
  allows(at, ...dimensions) {
    if (this.api.hasKey) return true;
    const all = [...dimensions, ...["ente", "category"].filter((name) => at[name])];
    return !at.month && PUBLIC_TABLES.some((table) => all.every((name) => table.includes(name)));
  }

  /** Rows of the labels of one dimension in either period, the greatest first. */
  ranked(now, dimension, before) {
    const name = { ente: this.enteName, category: this.categoryName, service: this.serviceName }[dimension].bind(this);
    const codes = new Set([...now.labels(dimension), ...(before?.labels(dimension) ?? [])]);
    const kinds = now.dimensions.includes("kind");
    return [...codes]
      .map((code) => ({
        code, name: name(code), now: now.cell({ [dimension]: code }), before: before?.cell({ [dimension]: code }),
        ...(kinds && Object.fromEntries(["plain", "payment", "booking"].map((kind) => [kind, now.cell({ [dimension]: code, kind })]))),
      }))
      .sort((a, b) => (b.now ?? 0) - (a.now ?? 0) || (b.before ?? 0) - (a.before ?? 0) || a.name.localeCompare(b.name, this.language));
  }
  categoriesOf(now, before) { return this.ranked(now, "category", before); }
  entiOf(now, before) { return this.ranked(now, "ente", before); }
  /** Returns the last row of a table with kinds. */
  totals(now, before) {
    const kind = (code) => now.cell({ kind: code });
    return { now: now.total, before: before.total, plain: kind("plain"), payment: kind("payment"), booking: kind("booking") };
  }

  /** Returns the changes from the year before, the greatest difference first. */
  async variations(at) {
    this.#needKey(!at.ente);
    if (![at.year, at.year - 1].every((year) => this.#isKnown(year))) return [];
    const answer = await this.api.get("variations", { ...where(at), limit: 200 });
    return answer.data
      .filter((row) => row.service_uses !== 0 || row.before !== 0 || row.state !== "CHANGED")
      .map((row) => ({
        service: this.serviceName(row.service), ente: row.ente_name ?? row.ente ?? this.t("web-all-enti"), now: row.service_uses, before: row.before, state: row.state.toLowerCase(),
      }));
  }

  /** Services offered and used, by ente; undefined without a key. */
  async offered(at) {
    if (!this.api.hasKey) return undefined;
    const answer = await this.api.get("offered-versus-used", where(at));
    const figures = (row) => ({ offered: row.services_offered, used: row.services_used });
    const rows = answer.data.map((row) => ({ name: row.ente_name ?? row.ente, ...figures(row) })).filter((row) => row.offered > 0);
    return { rows: rows.sort((a, b) => b.offered - a.offered || a.name.localeCompare(b.name, this.language)), total: figures(answer.totals) };
  }

  /** Mean users of each hour of the day. */
  async usersByHour(at) {
    this.#needKey(this.allows(at, "hour"));
    if (!this.#isKnown(at.year)) return Array.from({ length: 24 }, () => null);
    const answer = await this.api.get("hours", where(at));
    const hours = Array.from({ length: 24 }, () => 0);
    for (const row of answer.data) hours[Number(row.hour)] = row.users_per_hour_mean;
    return hours;
  }
  async usersByBand(at) {
    this.#needKey(this.allows(at, "hour"));
    if (!this.#isKnown(at.year)) return [];
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

/** Converts the selection to parameters of the API. */
function where(at) {
  const month = at.month ? `-${String(at.month).padStart(2, "0")}` : "";
  return { period: `${at.year}${month}`, ente: at.ente, category: at.category };
}
