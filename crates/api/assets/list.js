import { h } from "./dom.js";
import { table } from "./table.js";

/** Pause after the last key before a search, in milliseconds. */
const TYPING_MS = 300;

/**
 * Creates a list that the server pages. `load(search)` returns the first page: { rows, total, found, next }. `columns(rows)`
 * are those of the table. `href(row)` is the address of a row. A list of several pages has a search.
 */
export async function list({ caption, load, columns, href, t, f }) {
  const place = h("div", {});
  const draw = (page, rows, search) => {
    const next = async () => {
      more.disabled = true;
      const following = await page.next();
      draw(following, [...rows, ...following.rows], search);
    };
    const more = page.next && h("button", { type: "button", class: "quiet", onclick: () => next().catch(fail) },
      t("web-show-more", { count: page.found - rows.length }));
    const named = rows.map((row) => ({ ...row, href: row.code && href?.(row) }));
    // Totals are those of all rows, so they do not stand below the rows of a search.
    place.replaceChildren(table({ caption, columns: columns(rows), rows: named, total: search ? undefined : page.total, t, f }), ...[
      search && page.found === 0 && h("p", { class: "note" }, t("web-none-found")), more,
    ].filter(Boolean));
  };
  const fail = () => place.replaceChildren(h("p", { class: "message", role: "alert" }, t("web-failed")));
  const first = await load();
  draw(first, first.rows);
  if (first.found === 0) return h("p", { class: "message" }, t("web-empty"));
  if (!first.next) return place;
  let typed;
  const search = async (text) => {
    const page = await load(text || undefined);
    // A later search has its own answer.
    if (input.value.trim() === text) draw(page, page.rows, text);
  };
  const input = h("input", { type: "search", autocomplete: "off", oninput: () => {
    clearTimeout(typed);
    typed = setTimeout(() => search(input.value.trim()).catch(fail), TYPING_MS);
  } });
  return [h("label", { class: "search" }, t("web-search"), input), place];
}
