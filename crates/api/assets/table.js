import { h, newId } from "./dom.js";
import { known } from "./format.js";

/**
 * Creates a table. Columns: { title, value(row), type, minor }. The type is text, number, share
 * (text that is a figure), change (value returns [now, before]) or bar (a number, drawn relative to
 * the greatest). A minor column is left out on narrow screens. The first column heads its row. A
 * row may have `href`.
 */
export function table({ caption, columns, rows, total, t, f }) {
  let hidden = false;
  const greatest = columns.map(({ value, type }) =>
    type === "bar" ? Math.max(1, ...rows.map((row) => value(row) ?? 0)) : 0);
  const cell = (row, column, at) => {
    const { value, type, minor } = column;
    if (type === "change") {
      const [now, before] = value(row);
      hidden ||= now === null || before === null;
      const text = f.change(now, before);
      const direction = text === undefined ? "" : now > before ? "up" : now < before ? "down" : "";
      return h("td", { class: `number ${direction}` },
        text ?? (now === null || before === null ? secret(t) : none(t)));
    }
    const figure = value(row);
    hidden ||= figure === null;
    if (type === "bar") {
      return h("td", { class: "drawn", "aria-hidden": "true" },
        known(figure) && h("span", { class: "length", "--length": `${(100 * figure) / greatest[at]}%` }));
    }
    if (type === "text") return h("td", {}, figure ?? "");
    if (type === "share") return h("td", { class: minor ? "number minor" : "number" }, figure === null ? secret(t) : figure ?? none(t));
    return h("td", { class: "number", "data-value": known(figure) ? figure : undefined },
      known(figure) ? f.number(figure) : figure === null ? secret(t) : none(t));
  };
  const line = (row) => h("tr", {},
    columns.map((column, at) => at > 0 ? cell(row, column, at)
      : h("th", { scope: "row" }, row.href ? h("a", { href: row.href, "data-nav": true }, column.value(row)) : column.value(row))));
  const head = h("tr", {}, columns.map(({ title, type, minor }) =>
    type === "bar" ? h("td", { class: "drawn" })
      : h("th", { scope: "col", class: [type && type !== "text" && "number", minor && "minor"].filter(Boolean).join(" ") || undefined }, title)));
  const body = h("tbody", {}, rows.map(line));
  const foot = total && h("tfoot", {}, h("tr", {}, columns.map((column, at) =>
    at === 0 ? h("th", { scope: "row" }, t("web-total"))
      : column.type === "bar" ? h("td", { class: "drawn" }) : cell(total, column, at))));
  const name = newId("table");
  const element = h("table", {}, h("caption", { id: name }, caption), h("thead", {}, head), body, foot);
  const scroll = h("div", { class: "scroll", role: "region", "aria-labelledby": name, tabindex: "0" }, element);
  const block = h("div", { class: "table-block" }, scroll);
  if (hidden) block.append(h("p", { class: "note" }, t("web-secret-note")));
  return block;
}

/** Mark for a figure that is not published. */
export const secret = (t) =>
  h("span", { class: "secret" }, h("span", { "aria-hidden": "true" }, "∗"), h("span", { class: "unseen" }, t("web-secret")));

/** Mark for a figure that is not defined. */
const none = (t) => h("abbr", { title: t("web-not-defined") }, t("web-nd"));
