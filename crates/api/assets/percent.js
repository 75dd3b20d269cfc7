/** Largest number of decimals of a percentage near 100, and change above which its factor is shown. */
const DECIMALS_MAX = 4;
const FACTOR_PERCENT = 200;

/** Writes percentages as the yearly report and its findings do. The pages and the figures in other sites share it. */
export class Percents {
  constructor(locale) {
    this.percents = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: DECIMALS_MAX, useGrouping: "always" });
    this.factors = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1, roundingMode: "halfEven" });
    this.integers = new Intl.NumberFormat(locale, { useGrouping: "always", maximumFractionDigits: 0 });
  }
  /** Returns the number as it is. */
  plain(percent) { return this.percents.format(percent / 100); }
  /** Returns a share: whole, below one as `<1%`, and with the decimals that tell it from all. */
  share(percent) { return percent > 0 && percent < 1 ? `<${this.plain(1)}` : this.#belowHundred(percent); }
  /** Returns a change: whole, a fall with the decimals that tell it from 100, a rise above 200% with its factor. */
  change(percent) {
    const whole = Math.round(Math.abs(percent));
    if (whole === 0) return this.plain(0);
    if (percent < 0) return `\u2212${this.#belowHundred(-percent).replace(">", "")}`;
    if (percent <= FACTOR_PERCENT) return `+${this.plain(whole)}`;
    const factor = 1 + percent / 100;
    return `+${this.plain(whole)} (×${factor < 9.95 ? this.factors.format(factor) : this.integers.format(factor)})`;
  }
  #belowHundred(percent) {
    if (percent >= 100 || Math.round(percent) < 100) return this.plain(Math.round(percent));
    const rounded = Array.from({ length: DECIMALS_MAX }, (_, place) => Number(percent.toFixed(place + 1)));
    const below = rounded.find((one) => one < 100);
    return below === undefined ? `>${this.plain(100 - 10 ** -DECIMALS_MAX)}` : this.plain(below);
  }
}
