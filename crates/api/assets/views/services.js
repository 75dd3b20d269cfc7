import { h } from "../dom.js";
import { table } from "../table.js";

/** Services by use. With a key, also the services offered and used. */
export default async function services({ at, data, t, f }) {
  const [now, before, offered] = await Promise.all([
    data.uses(at, ["service"]), data.uses(data.yearBefore(at), ["service"]), data.offered(at),
  ]);
  return h("div", { class: "grid" },
    h("section", { class: offered ? "card wide" : "card" }, table({
      caption: t("web-top-services"), t, f, shown: 20,
      columns: [
        { title: t("web-service"), value: (row) => row.name }, { type: "bar", value: (row) => row.now },
        { title: t("web-uses"), type: "number", value: (row) => row.now },
        { title: t("web-before", { year: String(at.year - 1) }), type: "number", value: (row) => row.before },
        { title: t("web-change"), type: "change", value: (row) => [row.now, row.before] },
      ],
      rows: data.ranked(now, "service", before),
    })),
    offered && h("section", { class: "card slim" }, table({
      caption: t("web-offered-used"), t, f, shown: 12,
      columns: [
        { title: t("web-ente"), value: (row) => row.name },
        { title: t("web-offered"), type: "number", value: (row) => row.offered },
        { title: t("web-used"), type: "number", value: (row) => row.used },
      ],
      rows: offered.rows, total: offered.total,
    })));
}
