import { h } from "./dom.js";
import { change } from "./format.js";

/** Separator, decimal mark and beginning of a file. Excel in Italian reads the second form. */
const FORMS = [
  { id: "csv", separator: ",", decimal: ".", start: "" },
  { id: "csv-excel", separator: ";", decimal: ",", start: "\ufeff" },
];

/** Links that save the rows of a table. `all`, if given, loads all of them. */
export function downloads({ caption, columns, rows, total, all, t }) {
  const written = columns.filter(({ type }) => type !== "bar");
  const written_table = async () => {
    const found = all ? await all() : rows;
    const lines = [...found, ...(total ? [total] : [])].map((row, at) =>
      written.map((column, place) => (place === 0 && at === found.length ? t("web-total") : plain(row, column))));
    return { heads: written.map(({ title }) => title), rows: lines };
  };
  const save_as = async (form) => {
    const { heads, rows: lines } = await written_table();
    save(new Blob([csv([heads, ...lines], form)], { type: "text/csv;charset=utf-8" }), `${caption}.csv`);
  };
  const failed = h("span", { role: "alert" });
  const workbook = async () => {
    const body = JSON.stringify({ name: caption, ...(await written_table()) });
    const response = await fetch("/pages/workbook", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    failed.textContent = response.ok ? "" : t("web-failed");
    if (response.ok) save(await response.blob(), `${caption}.xlsx`);
  };
  return h("p", { class: "downloads" }, t("web-download"), " ",
    h("button", { type: "button", class: "quiet", onclick: () => workbook().catch(() => { failed.textContent = t("web-failed"); }) }, t("web-download-xlsx")),
    FORMS.map((form) => h("button", { type: "button", class: "quiet", onclick: () => save_as(form) }, t(`web-download-${form.id}`))), failed);
}

/** Returns a value as text or number; undefined where it is hidden or not defined. A change is in percent. */
export function plain(row, { type, value, plain: own = value }) {
  const figure = own(row);
  if (type !== "change") return figure ?? undefined;
  return change(...figure);
}

function csv(lines, { separator, decimal, start }) {
  const cell = (value) => {
    if (typeof value === "number") return String(value).replace(".", decimal);
    // A spreadsheet takes such a text for a formula.
    const text = String(value ?? "").replace(/^[=+@\t\r]/, "'$&");
    return /[",;\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return start + lines.map((line) => `${line.map(cell).join(separator)}\r\n`).join("");
}

/** Offers a file to the reader. */
export function save(blob, name) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name.replace(/[/\\:*?"<>|]+/g, " ") });
  link.click();
  URL.revokeObjectURL(link.href);
}
