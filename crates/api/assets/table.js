import { h, newId } from "./dom.js";
import { downloads, plain } from "./download.js";
import { known } from "./format.js";

/**
 * Creates a table. Columns: { title, value(row), type, plain(row), term, order }. The type is text, number, share (text that
 * is a figure), change (value returns [now, before]) or bar (a number, drawn relative to the greatest). `plain` is the value as
 * text or number, where it is neither. `term` names a definition. The first column heads its row. A row may have `href`. The
 * caption is a heading, `h2` unless given.
 *
 * A column without a value in any row is left out. A reader sorts rows by a column. `sort`, if given, is { by, isDown, choose(column) } and sorts on the server, for columns
 * with an `order`. `all`, if given, loads all rows for a download.
 */
export function table({ caption, heading = "h2", columns: every, rows, total, sort, all, t, f }) {
  const name = newId("table");
  const columns = every.filter((column) => hasValues(column, rows, f));
  const greatest = columns.map(({ value, type }) => type === "bar" ? Math.max(1, ...rows.map((row) => value(row) ?? 0)) : 0);
  const cells = { columns, greatest, t, f };
  const body = h("tbody", { role: "rowgroup" }, rows.map((row) => line(row, cells)));
  const own = sort ?? {
    isLocal: true,
    choose(column) {
      this.isDown = this.by === column ? !this.isDown : column.type !== undefined && column.type !== "text";
      this.by = column;
      body.replaceChildren(...sorted(rows, column, this.isDown).map((row) => line(row, cells)));
      head.replaceChildren(...heads(columns, own, t));
    },
  };
  const head = h("tr", { role: "row" }, heads(columns, own, t));
  const foot = total && h("tfoot", { role: "rowgroup" }, line(total, cells, t("web-total")));
  const figures = columns.filter(({ type }) => type && type !== "bar").length;
  // Explicit roles keep the table a table where narrow screens show its rows as cards.
  const element = h("table", { role: "table", class: figures > 2 && "cards", "aria-labelledby": name },
    h("thead", { role: "rowgroup" }, head), body, foot);
  const isHidden = columns.some(({ type, value }) =>
    type !== "text" && [...rows, ...(total ? [total] : [])].some((row) => [value(row)].flat().includes(null)));
  return h("div", { class: "table-block" }, h(heading, { id: name }, caption), scrollable(element, name),
    isHidden && h("p", { class: "note" }, t("web-secret-note")),
    h("div", { class: "tools-below" }, definitions(columns, t), downloads({ caption, columns: every, rows, total, all, t })));
}

/** Puts a table into a box that the keyboard reaches while it scrolls. */
export function scrollable(element, name) {
  const box = h("div", { class: "scroll", role: "region", "aria-labelledby": name }, element);
  const look = () => {
    const isWide = box.scrollWidth > box.clientWidth + 1;
    box.toggleAttribute("data-wide", isWide);
    if (isWide) box.setAttribute("tabindex", "0");
    else box.removeAttribute("tabindex");
  };
  new ResizeObserver(look).observe(box);
  return box;
}

/** True unless the column has figures, and none of the rows has one. */
function hasValues({ type, value }, rows, f) {
  if (!type || type === "text" || type === "bar" || !rows.length) return true;
  return rows.map(value).some((figure) => (type === "change" ? figure.includes(null) || f.change(...figure) : figure) !== undefined);
}

function heads(columns, sort, t) {
  return columns.map((column) => {
    const { title, type } = column;
    if (type === "bar") return h("td", { class: "drawn", role: "presentation" });
    const isNumber = type && type !== "text";
    const isBy = sort.by === column || (column.order !== undefined && sort.by === column.order);
    const canSort = sort.isLocal || column.order !== undefined;
    const again = () => sort.choose(column);
    return h("th", { scope: "col", role: "columnheader", class: isNumber && "number", "aria-sort": isBy && (sort.isDown ? "descending" : "ascending") },
      canSort ? h("button", { type: "button", class: "sort", title: t("web-sort"), onclick: again }, title) : title);
  });
}

function line(row, cells, title) {
  return h("tr", { role: "row" }, cells.columns.map((column, at) => {
    if (at > 0) return cell(row, column, cells, at, title !== undefined);
    const text = title ?? column.value(row);
    return h("th", { scope: "row", role: "rowheader" }, row.href && title === undefined ? h("a", { href: row.href, "data-nav": true }, text) : text);
  }));
}

function cell(row, { title, type, value }, { greatest, t, f }, at, isTotal) {
  const figure = value(row);
  if (type === "bar") {
    return h("td", { class: "drawn", role: "presentation", "aria-hidden": "true" },
      !isTotal && known(figure) && figure > 0 && h("span", { class: "length", "--length": `${(100 * figure) / greatest[at]}%` }));
  }
  const label = { role: "cell", "data-label": title };
  if (type === "text") return h("td", label, figure ?? "");
  if (type === "change") {
    const [now, before] = figure;
    const text = f.change(now, before);
    const direction = text === undefined ? "" : now > before ? "up" : now < before ? "down" : "";
    return h("td", { ...label, class: `number ${direction}` }, text ?? (figure.includes(null) ? secret(t) : none(t)));
  }
  if (type === "share") return h("td", { ...label, class: "number" }, figure === null ? secret(t) : figure ?? none(t));
  return h("td", { ...label, class: "number", "data-value": known(figure) ? figure : undefined },
    known(figure) ? f.number(figure) : figure === null ? secret(t) : none(t));
}

/** Returns rows in the order of a column; those without a figure come last. */
function sorted(rows, column, isDown) {
  const isMissing = (figure) => figure === undefined || figure === null;
  return rows.map((row) => ({ row, by: plain(row, column) })).sort(({ by: a }, { by: b }) => {
    if (isMissing(a) || isMissing(b)) return isMissing(a) - isMissing(b);
    const order = typeof a === "string" ? a.localeCompare(b) : a - b;
    return isDown ? -order : order;
  }).map(({ row }) => row);
}

/** The definitions of the terms in the columns. */
export function definitions(columns, t) {
  const terms = [...new Set(columns.map(({ term }) => term).filter(Boolean))];
  return terms.length > 0 && h("details", { class: "terms" }, h("summary", {}, t("web-definitions")),
    h("dl", {}, terms.map((term) => [h("dt", {}, t(`term-${term}`)), h("dd", {}, t(`web-${term}.text`) ?? t(`term-${term}.text`))])));
}

/** Mark for a figure that is not published. */
export const secret = (t) =>
  h("span", { class: "secret" }, h("span", { "aria-hidden": "true" }, "∗"), h("span", { class: "unseen" }, t("web-secret")));

/** Mark for a figure that is not defined. */
const none = (t) => h("abbr", { title: t("web-not-defined") }, t("web-nd"));
