import { h } from "../dom.js";
import { list } from "../list.js";

/** Services by use. With a key, also the services offered and used. */
export default async function services({ at, data, t, f }) {
  const [used, offered] = await Promise.all([
    list({
      caption: t("web-top-services"), t, f, load: (search) => data.services(at, { search, limit: 20 }),
      columns: () => [
        { title: t("web-service"), value: (row) => row.name }, { type: "bar", value: (row) => row.now },
        { title: t("web-uses"), type: "number", value: (row) => row.now },
        { title: t("web-before", { year: String(at.year - 1) }), type: "number", value: (row) => row.before },
        { title: t("web-change"), type: "change", value: (row) => [row.now, row.before] },
      ],
    }),
    data.api.hasKey && list({
      caption: t("web-offered-used"), t, f, load: (search) => data.offered(at, { search, limit: 12 }),
      columns: () => [
        { title: t("web-ente"), value: (row) => row.name },
        { title: t("web-offered"), type: "number", value: (row) => row.offered },
        { title: t("web-used"), type: "number", value: (row) => row.used },
      ],
    }),
  ]);
  return h("div", { class: "grid" },
    h("section", { class: offered ? "card wide" : "card" }, used),
    offered && h("section", { class: "card slim" }, offered));
}
