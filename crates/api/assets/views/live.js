import { chart } from "../charts.js";
import { h } from "../dom.js";

/** The view asks for newer figures by itself. */
export const isLive = true;
export const picks = [];
export const subtitle = ({ t }) => [t("web-live-now")];

const PAUSE_MS = 10_000;

/** Live figures. Polled every ten seconds while the page is visible. */
export default async function live({ at, data, t, f, signal }) {
  const place = h("div", { class: "grid" });
  let paused = false;
  const button = h("button", { type: "button", class: "quiet bordered", onclick: () => {
    paused = !paused;
    button.textContent = paused ? t("web-resume") : t("web-pause");
  } }, t("web-pause"));
  const draw = async () => place.replaceChildren(...view(await data.live(at), t, f));
  await draw();
  const timer = setInterval(() => {
    // An open table is being read, so it is not replaced.
    if (paused || document.hidden || place.querySelector("details[open]")) return;
    draw().catch(() => {});
  }, PAUSE_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  return [place, h("p", {}, button)];
}

function view(live, t, f) {
  const figure = (title, value, note) => h("div", {}, h("dt", {}, title), h("dd", {},
    h("div", { class: "great", "data-value": typeof value === "number" ? value : undefined }, typeof value === "number" ? f.number(value) : value ?? "∗"),
    h("div", { class: "small" }, note ?? "\u00a0")));
  const steps = live.minutes.map(({ start }) => {
    const text = f.clock.format(start);
    return { long: text, short: text, narrow: text };
  });
  return [
    h("dl", { class: "card figures" },
      figure(t("web-last-event"), live.last ? f.times.format(live.last) : t("web-nd"), live.last ? f.days.format(live.last) : undefined),
      figure(t("web-uses"), live.uses, t("web-last-hour")), figure(t("web-visits"), live.accesses, t("web-last-hour"))),
    h("section", { class: "card" }, chart({
      title: t("web-live-title"), first: t("web-instant"), steps, t, f,
      series: [
        { name: t("web-uses"), values: live.minutes.map(({ uses }) => uses), colour: "--c2" },
        { name: t("web-visits"), values: live.minutes.map(({ accesses }) => accesses), colour: "--now" },
      ],
    })),
  ];
}
