/**
 * The panels: figures that the plugins of this server declare, each from a query that the viewer's rights answer.
 */

import {ApiError, ask} from "./api.js";
import {fill, h, whenSeen} from "./dom.js";
import {chartOf, elementsOf, figureOf, isEmpty, tableOf} from "./figures.js";
import {text} from "./texts.js";

/** @typedef {import("./figures.js").Panel} Panel */
/** @typedef {{from: string, to: string, today: string}} Period dates as the API takes them */

const PANELS = `{
  viewer { now }
  panels {
    name plugin title description kind query variables given records
    categories { paths enumeration }
    secondCategories { paths enumeration }
    series { label unit paths low high }
  }
}`;
/** Kinds that are no charts. */
const PLAIN = ["NUMBERS", "TABLE"];
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
  const today = viewer.now.slice(0, 10);
  const grid = h("div", {class: "grid"});
  const period = h("select", {onchange: () => {
    localStorage.setItem(KEPT, period.value);
    refresh();
  }}, MONTHS.map((count) => h("option", {value: count, selected: String(count) === (localStorage.getItem(KEPT) ?? "3")}, text(`panels.months${count}`))));
  fill(container,
    h("div", {class: "head"}, h("h1", null, text("nav.panels")), h("label", null, h("span", {class: "unseen"}, text("panels.period")), period)),
    panels.length > 0 ? grid : h("p", {class: "soft"}, text("panels.absent")),
  );
  /** @type {(() => void)[]} */
  let ends = [];
  const stop = () => ends.splice(0).forEach((end) => end());
  const refresh = () => {
    stop();
    const dates = periodOf(today, Number(period.value));
    fill(grid, panels.map((/** @type {Panel} */ panel) => card(panel, dates, labels, ends)));
  };
  refresh();
  return stop;
}

/**
 * The period of the last so many months.
 * @param {string} today
 * @param {number} months
 * @returns {Period}
 */
function periodOf(today, months) {
  const [year = 0, month = 1] = today.split("-").map(Number);
  return {from: new Date(Date.UTC(year, month - months, 1)).toISOString().slice(0, 10), to: today, today};
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
 * @param {Period} dates
 * @param {import("./figures.js").Labels} labels
 * @param {(() => void)[]} ends gets what is to be done at the end
 */
function card(panel, dates, labels, ends) {
  const body = h("div", {class: "drawing"}, h("p", {class: "soft"}, text("app.loading")));
  const id = `${panel.plugin}-${panel.name}`;
  const element = h("section", {class: `panel ${panel.kind.toLowerCase()}`, "aria-labelledby": id, id: `panel-${id}`, "aria-busy": "true"},
    h("h2", {id}, panel.title), panel.description && h("p", {class: "soft"}, panel.description), body);
  let isWanted = true;
  const show = async () => {
    stopWatching();
    try {
      const answer = await ask(panel.query, variablesOf(panel, dates), (errors) => {
        throw new ApiError(errors);
      });
      if (isWanted) await drawn(figureOf(panel, answer, labels), body, ends);
    } catch (error) {
      fill(body, h("p", {class: "soft"}, error instanceof ApiError ? error.message : text("app.unreachable")));
    }
    element.removeAttribute("aria-busy");
  };
  const stopWatching = whenSeen(element, show);
  ends.push(stopWatching, () => (isWanted = false));
  return element;
}

/**
 * @param {Panel} panel
 * @param {Period} dates
 */
function variablesOf({variables, given}, dates) {
  return {...variables, ...Object.fromEntries(given.map((name) => [name, dates[/** @type {keyof Period} */ (name)]]))};
}

/**
 * Draws a figure, and again whenever the appearance changes.
 * @param {import("./figures.js").Figure} figure
 * @param {HTMLElement} body
 * @param {(() => void)[]} ends
 */
async function drawn(figure, body, ends) {
  if (isEmpty(figure)) return fill(body, h("p", {class: "soft"}, text("panels.empty")));
  if (PLAIN.includes(figure.panel.kind)) return fill(body, elementsOf(figure));
  const chart = h("div", {class: "chart", "aria-hidden": "true"});
  const numbers = h("details", null, h("summary", null, text("panels.table")), h("div", {class: "wide", tabindex: 0}, tableOf(figure)));
  fill(body, chart, numbers);
  const plotly = await library();
  if (!plotly) return fill(chart, h("p", null, text("panels.library")));
  const paint = () => {
    const {data, layout} = chartOf(figure, look(body));
    plotly.react(chart, data, layout, {displayModeBar: false, responsive: true});
  };
  paint();
  /** @type {any} */ (chart).on("plotly_click", (/** @type {any} */ event) => {
    const [point] = event.points;
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
    document.head.append(h("script", {src: "/page/plotly.js", onload: () => done(/** @type {any} */ (window).Plotly), onerror: () => done(null)}));
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
  const colour = (/** @type {string} */ name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = [1, 2, 3, 4, 5].map((place) => colour(`--series-${place}`));
  const found = {ink: colour("--ink"), soft: colour("--soft"), line: colour("--line"), sheet: colour("--sheet"), colours};
  probe.remove();
  return found;
}
