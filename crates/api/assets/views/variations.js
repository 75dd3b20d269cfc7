import { h } from "../dom.js";
import { list } from "../list.js";
import { differenceColumn } from "./kinds.js";

export const picks = ["year"];

/** The largest changes, with the status of each service by the register. */
export default async function variations({ at, data, t, f }) {
  const state = (row) => {
    const name = t(`web-state-${row.state}`);
    return row.state !== "changed" && name && h("span", { class: "badge" }, name);
  };
  const states = ["CHANGED", "NEW", "RETIRED", "UNUSED", "BROKEN"].map((code) => [code, t(`web-state-${code.toLowerCase()}`)]);
  return h("section", { class: "card" }, await list({
    caption: t("page-variations"), t, f, load: (asked) => data.variations(at, { ...asked, limit: 30 }),
    filter: data.api.hasKey && { name: "state", label: t("web-state"), choices: [["", t("web-every-state")], ...states] },
    columns: (rows) => [
      {
        title: t("web-service-and-ente"), order: "service_name_it",
        value: (row) => [row.service, row.ente && h("span", { class: "under" }, row.ente)],
        plain: (row) => [row.service, row.ente].filter(Boolean).join(", "),
      },
      { title: t("web-before", { year: String(at.year - 1) }), type: "number", value: (row) => row.before, order: "before" },
      { title: t("web-before", { year: String(at.year) }), type: "number", value: (row) => row.now, term: "use", order: "service_uses" },
      differenceColumn({ t, f }),
      { title: t("web-change"), type: "change", value: (row) => [row.now, row.before], term: "change", order: "change_percent" },
      ...(rows.some((row) => state(row)) ? [{ title: t("web-state"), type: "text", value: state, plain: (row) => t(`web-state-${row.state}`), term: "new" }] : []),
    ],
  }));
}
