/* global uPlot */
import { h, newId } from "./dom.js";
import { downloads, save } from "./download.js";
import { scrollable, secret, table } from "./table.js";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3], [4, 2]];

/**
 * Creates a chart over the steps of a period, with its table. Steps: { long, short, narrow }.
 * Series: { name, values, colour }, where the colour is the name of a CSS custom property.
 */
export function chart({ title, first, steps, series, drawn = "columns", percent = false, t, f }) {
  const name = newId("chart");
  const box = h("div", { class: "plot", role: "img", "aria-labelledby": name });
  const write = (value) => (value === null ? "∗" : value === undefined ? t("web-nd") : percent ? f.percents.share(100 * value) : f.number(value));
  const readout = h("p", { class: "readout", "aria-hidden": "true" }, " ");
  const legend = h("ul", { class: "legend", "aria-hidden": "true" }, series.map((one, at) =>
    h("li", {}, h("span", { class: `key ${drawn}`, "--colour": `var(${one.colour})`, "data-dash": at }), one.name)));
  const figures = table({
    caption: title, heading: "h3", t, f,
    columns: [
      { title: first, value: (row) => row.step.long },
      ...series.map((one) => ({
        title: one.name, type: percent ? "share" : "number",
        value: (row) => {
          const value = one.values[row.at];
          return percent && typeof value === "number" ? f.percents.share(100 * value) : value;
        },
      })),
    ],
    rows: steps.map((step, at) => ({ step, at })),
  });
  const figure = h("figure", { class: "chart" },
    h("figcaption", {}, h("h2", { id: name }, title)), legend, box, readout,
    h("details", {}, h("summary", {}, t("web-show-table")), figures),
    h("p", { class: "downloads" }, h("button", { type: "button", class: "quiet", onclick: () => picture() }, t("web-download-image"))));

  let plot;
  const draw = () => {
    const width = box.clientWidth;
    if (!width || !box.isConnected) return;
    plot?.destroy();
    plot = new uPlot(options(width), [steps.map((_, at) => at), ...series.map((one) => one.values.map((v) => v ?? null))], box);
  };
  /** Saves the chart with its title and legend as an image. */
  const picture = () => {
    const { canvas } = plot.ctx;
    const scale = devicePixelRatio;
    const image = document.createElement("canvas");
    [image.width, image.height] = [canvas.width, canvas.height + 70 * scale];
    const pen = image.getContext("2d");
    pen.fillStyle = colour("--paper");
    pen.fillRect(0, 0, image.width, image.height);
    pen.drawImage(canvas, 0, 70 * scale);
    pen.scale(scale, scale);
    pen.fillStyle = colour("--ink");
    pen.font = "600 18px Titillium, sans-serif";
    pen.fillText(title, 10, 26);
    pen.font = "14px Titillium, sans-serif";
    let left = 10;
    for (const one of series) {
      pen.fillStyle = colour(one.colour);
      pen.fillRect(left, 42, 16, 12);
      pen.fillStyle = colour("--ink");
      pen.fillText(one.name, left + 22, 53);
      left += 44 + pen.measureText(one.name).width;
    }
    image.toBlob((blob) => save(blob, `${title}.png`));
  };
  const options = (width) => {
    const narrow = width < 520;
    const ink = colour("--ink-soft");
    const font = `${narrow ? 12 : 13}px Titillium, system-ui, sans-serif`;
    const line = { stroke: colour("--line"), width: 1 };
    const columns = (at) => uPlot.paths.bars({ size: [0.84 / series.length, 34], align: series.length > 1 ? (at ? 1 : -1) : 0, radius: 0.12 });
    return {
      width, height: narrow ? 210 : 260, legend: { show: false }, padding: [10, 6, 0, 0],
      cursor: { points: { show: drawn === "lines" }, drag: { x: false, y: false }, y: false },
      scales: {
        x: { time: false, range: [-0.6, steps.length - 0.4] },
        y: { range: (_, __, max) => [0, axis(max, percent).at(-1)] },
      },
      axes: [
        {
          stroke: ink, font, grid: { show: false }, ticks: { show: false }, gap: 4, size: 30,
          splits: () => steps.map((_, at) => at).filter((at) => steps.length <= 12 || at % Math.ceil(steps.length / (narrow ? 4 : 8)) === 0),
          values: (_, splits) => splits.map((at) => (narrow ? steps[at].narrow : steps[at].short)),
        },
        {
          stroke: ink, font, grid: line, ticks: { show: false }, gap: 6, size: narrow ? 56 : 68, splits: (_, __, ___, max) => axis(max, percent),
          values: (_, splits) => splits.map((value) => (percent ? f.percents.plain(100 * value) : f.number(value))),
        },
      ],
      series: [{}, ...series.map((one, at) => ({
        label: one.name, stroke: colour(one.colour), points: { show: false },
        ...(drawn === "columns"
          ? { fill: colour(one.colour), width: 0, paths: columns(at) }
          : { width: 2.5, dash: DASHES[at % DASHES.length], paths: uPlot.paths.linear() }),
      }))],
      hooks: {
        draw: [(self) => {
          // A hidden count is no zero.
          self.ctx.fillStyle = ink;
          for (const one of series) {
            one.values.forEach((value, at) => value === null && self.ctx.fillText("∗", self.valToPos(at, "x", true), self.valToPos(0, "y", true) - 8));
          }
        }],
        setCursor: [(self) => {
          const at = self.cursor.idx;
          readout.textContent = at === null || at === undefined ? " "
            : `${steps[at].long}: ${series.map((one) => `${one.name} ${write(one.values[at])}`).join(" · ")}`;
        }],
      },
    };
  };
  new ResizeObserver(draw).observe(box);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  document.fonts?.ready.then(draw);
  return figure;
}

/** Returns the marks of an axis from 0 to at least `max`, at round numbers. */
function axis(max, isPercent) {
  const least = isPercent ? 0.01 : 1;
  const raw = Math.max(max / 4, least);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= raw);
  const marks = Math.max(1, Math.ceil(max / step - 1e-9));
  return Array.from({ length: marks + 1 }, (_, mark) => mark * step);
}

/** Hours down, weekdays across. The table has the figures; the colour shows how great they are. */
export function heatMap({ caption, value, t, f }) {
  const hours = Array.from({ length: 24 }, (_, hour) => hour);
  const days = f.weekdays.map((_, day) => day);
  const all = hours.flatMap((hour) => days.map((day) => value(hour, day) ?? 0));
  const greatest = Math.max(1, ...all);
  const step = (figure) => Math.min(6, Math.floor((7 * figure) / (greatest + 1)));
  const name = newId("table");
  const columns = [
    { title: t("web-hour"), value: (hour) => String(hour) },
    ...f.weekdays.map(({ long }, day) => ({ title: long, value: (hour) => value(hour, day) })),
  ];
  return [h("h2", { id: name }, caption), scrollable(h("table", { class: "heat", "aria-labelledby": name },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("web-hour")),
      f.weekdays.map((day) => h("th", { scope: "col" }, h("abbr", { title: day.long }, day.short))))),
    h("tbody", {}, hours.map((hour) => h("tr", {},
      h("th", { scope: "row" }, String(hour).padStart(2, "0")),
      days.map((day) => {
        const figure = value(hour, day);
        return h("td", { class: `heat-${typeof figure === "number" ? step(figure) : 0}`, "data-value": figure },
          typeof figure === "number" ? f.number(figure) : secret(t));
      }))))), name), downloads({ caption, columns, rows: hours, t })];
}
