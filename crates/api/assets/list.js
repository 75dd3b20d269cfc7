import { h } from "./dom.js";
import { table } from "./table.js";

/** Pause after the last key before a search, in milliseconds. */
const TYPING_MS = 300;

/**
 * Creates a list that the server searches, sorts and pages. `load({ search, order, … })` returns the first page: { rows, total,
 * found, next }. `columns(rows)` are those of the table. `href(row)` is the address of a row. `filter`, if given, is { label,
 * choices, name }: a choice is [value, text]. A list of several pages has a search.
 */
export async function list({ caption, load, columns, href, filter, t, f }) {
  const place = h("div", {});
  const asked = {};
  let latest = 0;
  const named = (rows) => rows.map((row) => ({ ...row, href: row.code && href?.(row) }));
  const draw = (page, rows) => {
    const next = async () => {
      more.disabled = true;
      const following = await page.next();
      draw(following, [...rows, ...following.rows]);
    };
    const all = async () => {
      let [last, found] = [page, rows];
      while (last.next) {
        last = await last.next();
        found = [...found, ...last.rows];
      }
      return found;
    };
    const more = page.next && h("button", { type: "button", class: "quiet", onclick: () => next().catch(fail) },
      t("web-show-more", { count: page.found - rows.length }));
    // Totals are those of all rows, so they do not stand below the rows of a search.
    const total = asked.search || asked[filter?.name] ? undefined : page.total;
    const sort = { by: asked.order?.replace("-", ""), isDown: asked.order?.startsWith("-"), choose };
    place.replaceChildren(table({ caption, columns: columns(rows), rows: named(rows), total, sort, all, t, f }), ...[
      page.found === 0 && h("p", { class: "note" }, t("web-none-found")), more,
    ].filter(Boolean));
  };
  const fail = () => place.replaceChildren(h("p", { class: "message", role: "alert" }, t("web-failed")));
  const again = async (chosen) => {
    Object.assign(asked, chosen);
    const own = latest += 1;
    const page = await load(asked);
    // A later question has its own answer.
    if (own === latest) draw(page, page.rows);
  };
  const choose = ({ order, type }) => {
    const first = type && type !== "text" ? `-${order}` : order;
    const other = first === order ? `-${order}` : order;
    again({ order: asked.order === first ? other : first }).then(() => place.querySelector(`[aria-sort] button`)?.focus(), fail);
  };
  const first = await load(asked);
  draw(first, first.rows);
  if (first.found === 0) return h("p", { class: "message" }, t("web-empty"));
  const select = filter && h("label", { class: "search" }, filter.label,
    h("select", { onchange: (event) => again({ [filter.name]: event.target.value || undefined }).catch(fail) },
      filter.choices.map(([value, text]) => h("option", { value }, text))));
  if (!first.next) return select ? [select, place] : place;
  let typed;
  const input = h("input", { type: "search", autocomplete: "off", oninput: () => {
    clearTimeout(typed);
    typed = setTimeout(() => again({ search: input.value.trim() || undefined }).catch(fail), TYPING_MS);
  } });
  return [h("div", { class: "filters" }, h("label", { class: "search" }, t("web-search"), input), select), place];
}
