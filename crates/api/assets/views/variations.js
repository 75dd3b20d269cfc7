import { h } from "../dom.js";
import { list } from "../list.js";

export const picks = ["year"];

/** The largest changes, with the status of each service by the register. */
export default async function variations({ at, data, t, f }) {
  const state = (row) => {
    const name = t(`web-state-${row.state}`);
    return name && h("span", { class: "badge" }, name);
  };
  return h("section", { class: "card" }, await list({
    caption: t("page-variations"), t, f, load: (search) => data.variations(at, { search, limit: 30 }),
    columns: () => [
      { title: t("web-service-and-ente"), value: (row) => [row.service, h("span", { class: "under" }, row.ente)] },
      { title: t("web-before", { year: String(at.year - 1) }), type: "number", value: (row) => row.before },
      { title: t("web-before", { year: String(at.year) }), type: "number", value: (row) => row.now },
      { title: t("web-difference"), type: "share", minor: true, value: (row) => (row.now === null || row.before === null ? null : f.difference(row.now, row.before)) },
      { title: t("web-change"), type: "change", value: (row) => [row.now, row.before] },
      { title: t("web-state"), type: "text", value: state },
    ],
  }));
}
