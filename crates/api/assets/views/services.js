import { h } from "../dom.js";
import { list } from "../list.js";

export const picks = ["year", "month"];

/** Services by use. With a key, also the services offered and used. */
export default async function services({ at, data, t, f }) {
  const [used, offered] = await Promise.all([
    list({
      caption: t("web-top-services"), t, f, load: (asked) => data.services(at, { ...asked, limit: 20 }),
      columns: () => [
        { title: t("web-service"), value: (row) => row.name, order: "service" }, { type: "bar", value: (row) => row.now },
        { title: t("web-uses"), type: "number", value: (row) => row.now, term: "use", order: "service_uses" },
        { title: t("web-before", { year: String(at.year - 1) }), type: "number", value: (row) => row.before, order: "before" },
        { title: t("web-change"), type: "change", value: (row) => [row.now, row.before], term: "change", order: "change_percent" },
      ],
    }),
    data.api.hasKey && list({
      caption: t("web-offered-used"), t, f, load: (asked) => data.offered(at, { ...asked, limit: 12 }),
      columns: () => [
        { title: t("web-ente"), value: (row) => row.name },
        { title: t("web-offered"), type: "number", value: (row) => row.offered, term: "offered", order: "services_offered" },
        { title: t("web-used"), type: "number", value: (row) => row.used, order: "services_used" },
      ],
    }),
  ]);
  return h("div", { class: "grid" },
    h("section", { class: offered ? "card wide" : "card" }, used),
    offered && h("section", { class: "card slim" }, offered));
}
