/**
 * The panels: figures that the plugins of this server declare, each from a query that the viewer's rights answer.
 */

import {ApiError, ask} from "./api.js";
import {fill, h, whenSeen} from "./dom.js";
import {chartOf, figureOf, isEmpty, numbersOf, tableOf} from "./figures.js";
import {text} from "./texts.js";

/** @typedef {import("./figures.js").Panel} Panel */
/** @typedef {Record<string, string>} Dates `from`, `to` and `today` as the API takes them */
/** @typedef {(() => void)[]} Ends what is to be done at the end */

const PANELS = `{
  viewer { now }
  panels {
    name plugin title description kind query variables given records
    categories { paths enumeration }
    secondCategories { paths enumeration }
    series { label unit paths low high }
  }
}`;
/** Of how many months, with the present one, the viewer may choose the period. */
const MONTHS = /** @type {const} */ ([1, 3, 6, 12]);
const KEPT = "guanxi.months";

/**
 * @param {HTMLElement} container
 * @returns {Promise<() => void>} ends it
 */
export async function draw(container) {
  const {viewer, panels} = await ask(PANELS);
  const labels = await vocabularies(panels);
  const grid = h("div", {class: "grid"});
  const kept = localStorage.getItem(KEPT) ?? "3";
  const options = MONTHS.map((count) => h("option", {value: count, selected: `${count}` === kept}, text(`panels.months${count}`)));
  const period = h("select", {"aria-label": text("panels.period"), onchange: () => refresh()}, options);
  fill(container,
    h("div", {class: "head"}, h("h1", null, text("nav.panels")), period),
    panels.length > 0 ? grid : h("p", {class: "soft"}, text("panels.absent")),
  );
  const ends = /** @type {Ends} */ ([]);
  const stop = () => ends.splice(0).forEach((end) => end());
  const refresh = () => {
    stop();
    localStorage.setItem(KEPT, period.value);
    const to = viewer.now.slice(0, 10);
    const first = new Date(Date.UTC(+to.slice(0, 4), +to.slice(5, 7) - Number(period.value), 1));
    const dates = {from: first.toISOString().slice(0, 10), to, today: to};
    fill(grid, panels.map((/** @type {Panel} */ panel) => card(panel, dates, labels, ends)));
  };
  refresh();
  return stop;
}

/**
 * The labels of all enumerations that categories are of, by one query.
 * @param {Panel[]} panels
 */
async function vocabularies(panels) {
  const wanted = panels.flatMap(({categories, secondCategories}) => [categories?.enumeration, secondCategories?.enumeration]);
  const found = /** @type {string[]} */ ([...new Set(wanted)].filter(Boolean));
  if (!found.length) return new Map();
  const answer = await ask(`{ ${found.map((name) => `${name}: vocabulary(name: "${name}") { value label }`).join(" ")} }`);
  return new Map(found.map((name) => [name, new Map(answer[name].map((/** @type {any} */ one) => [one.value, one.label]))]));
}

/**
 * A panel, which asks once it comes into sight.
 * @param {Panel} panel
 * @param {Dates} dates
 * @param {import("./figures.js").Labels} labels
 * @param {Ends} ends
 */
function card(panel, dates, labels, ends) {
  const body = h("div", {class: "drawing"}, h("p", {class: "soft"}, text("app.loading")));
  const id = `${panel.plugin}-${panel.name}`;
  const element = h("section", {class: "panel", "aria-labelledby": id, id: `panel-${id}`, "aria-busy": "true"},
    h("h2", {id}, panel.title), panel.description && h("p", {class: "soft"}, panel.description), body);
  let isWanted = true;
  const show = async () => {
    stopWatching();
    try {
      const variables = {...panel.variables, ...Object.fromEntries(panel.given.map((name) => [name, dates[name]]))};
      const answer = await ask(panel.query, variables, (errors) => {
        throw new ApiError(errors);
      });
      if (isWanted) await drawn(figureOf(panel, answer, labels), body, ends);
    } catch (error) {
      fill(body, h("p", {class: "soft"}, error instanceof ApiError ? error.message : text("app.unreachable")));
      // What the viewer may not see stands last.
      element.parentElement?.append(element);
    }
    element.removeAttribute("aria-busy");
  };
  const stopWatching = whenSeen(element, show);
  ends.push(stopWatching, () => (isWanted = false));
  return element;
}

/**
 * Draws a figure, and again whenever the appearance changes.
 * @param {import("./figures.js").Figure} figure
 * @param {HTMLElement} body
 * @param {Ends} ends
 */
async function drawn(figure, body, ends) {
  if (isEmpty(figure)) return fill(body, h("p", {class: "soft"}, text("panels.empty")));
  if (figure.panel.kind === "NUMBERS") return fill(body, numbersOf(figure));
  if (figure.panel.kind === "TABLE") return fill(body, tableOf(figure));
  const chart = h("div", {class: "chart", "aria-hidden": "true"});
  const numbers = h("div", {class: "wide", tabindex: 0}, tableOf(figure));
  fill(body, chart, h("details", null, h("summary", null, text("panels.table")), numbers));
  const plotly = await library();
  if (!plotly) return fill(chart, h("p", null, text("panels.library")));
  const paint = () => {
    const {data, layout} = chartOf(figure, look(body));
    plotly.react(chart, data, layout, {displayModeBar: false, responsive: true});
  };
  paint();
  /** @type {any} */ (chart).on("plotly_click", (/** @type {any} */ {points: [point]}) => {
    const record = point.customdata ?? figure.records[point.pointIndex];
    if (record) location.hash = `#/customers/${record}`;
  });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const observer = new MutationObserver(paint);
  observer.observe(document.documentElement, {attributeFilter: ["data-theme"]});
  dark.addEventListener("change", paint);
  ends.push(() => {
    observer.disconnect();
    dark.removeEventListener("change", paint);
    plotly.purge(chart);
  });
}

/** What draws charts, once it was asked for; null where it is not installed. */
let loading = /** @type {Promise<any> | null} */ (null);

function library() {
  loading ??= new Promise((done) => {
    const onload = () => done(/** @type {any} */ (window).Plotly);
    document.head.append(h("script", {src: "/page/plotly.js", onload, onerror: () => done(null)}));
  });
  return loading;
}

/**
 * The colours that a chart is drawn in, as the appearance has them now.
 * @param {HTMLElement} near an element whose colours are like its own
 * @returns {import("./figures.js").Look}
 */
function look(near) {
  const probe = h("span", {hidden: true});
  near.append(probe);
  const names = ["ink", "soft", "line", "sheet", "series-1", "series-2", "series-3", "series-4", "series-5"];
  const [ink, soft, line, sheet, ...colours] = names.map((name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  });
  probe.remove();
  return {ink, soft, line, sheet, colours};
}
