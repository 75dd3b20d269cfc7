// Formats figures in the reader's language.

import { Percents } from "./percent.js";

export class Format {
  /** The locale is a tag of BCP 47, such as `it-IT`. */
  constructor(locale) {
    // By default Italian groups from five digits on. Four digits are grouped, too: 1.859, not 1859.
    this.integers = new Intl.NumberFormat(locale, { useGrouping: "always", maximumFractionDigits: 0 });
    this.percents = new Percents(locale);
    this.differences = new Intl.NumberFormat(locale, { signDisplay: "exceptZero", useGrouping: "always" });
    this.months = Array.from({ length: 12 }, (_, month) => {
      const day = new Date(Date.UTC(2001, month, 1));
      const name = (style) => day.toLocaleDateString(locale, { month: style, timeZone: "UTC" });
      return { long: name("long"), short: name("short"), narrow: name("narrow") };
    });
    // 1 January 2001 was a Monday.
    this.weekdays = Array.from({ length: 7 }, (_, day) => {
      const date = new Date(Date.UTC(2001, 0, 1 + day));
      const name = (style) => date.toLocaleDateString(locale, { weekday: style, timeZone: "UTC" });
      return { long: name("long"), short: name("short") };
    });
    this.clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    this.seconds = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
    this.days = new Intl.DateTimeFormat(locale, { dateStyle: "long" });
    this.moments = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short" });
    this.times = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
  }
  number(value) { return this.integers.format(value); }
  share(part, whole) { return known(part, whole) && whole > 0 ? this.percents.share((100 * part) / whole) : undefined; }
  /** Growth on a base; undefined if the base is small. */
  change(now, before) {
    const growth = change(now, before);
    return growth === undefined ? undefined : this.percents.change(growth);
  }
  difference(now, before) { return known(now, before) ? minus(this.differences.format(now - before)) : undefined; }
}

/** Replaces the hyphen before a negative number by a minus sign. */
const minus = (text) => text.replace("-", "\u2212");

/** Least base of a change, as in the yearly report. */
const BASE_MIN = 30;

/** Growth on a base of at least 30, in percent. */
export const change = (now, before) => (known(now, before) && before >= BASE_MIN ? (100 * (now - before)) / before : undefined);

/** True if every figure is known; a hidden one is null. */
export const known = (...figures) => figures.every((figure) => typeof figure === "number");

/** Sum of figures; null if one of them is hidden. */
export const sum = (figures) =>
  figures.reduce((total, figure) => (known(total, figure) ? total + figure : null), 0);
