/**
 * Figures of panels: what a panel says of an answer, as charts for plotly or as elements.
 */

import {h} from "./dom.js";
import {day, money, month, number, text} from "./texts.js";

/**
 * @typedef {"MONEY" | "NUMBER" | "PERCENT"} Unit
 * @typedef {{paths: string[], enumeration: string | null}} Categories
 * @typedef {{label: string, unit: Unit, paths: string[], low: string[], high: string[]}} Series
 * @typedef {{name: string, plugin: string, title: string, description: string | null, kind: string, query: string,
 *   variables: Record<string, unknown>, given: string[], categories: Categories | null,
 *   secondCategories: Categories | null, series: Series[], records: string[]}} Panel
 * @typedef {Map<string | null, Map<string, string>>} Labels of values by enumeration, in the order of the vocabulary
 * @typedef {{label: string, unit: Unit, values: any[], low: any[], high: any[]}} Drawn a series with its values
 * @typedef {{panel: Panel, names: string[], seconds: string[], series: Drawn[], records: string[], labels: Labels}} Figure
 * @typedef {{ink: string, soft: string, line: string, sheet: string, colours: string[]}} Look
 * @typedef {{data: any[], layout: Record<string, any>}} Chart as plotly takes it
 */

/**
 * What a path leads to: all elements of lists, or one by its number.
 * @param {any} answer
 * @param {string} path names of fields with points between them
 */
function follow(answer, path) {
  const keys = path.split(".");
  return keys.reduce((found, key, place) => {
    const next = found.map((one) => one?.[key] ?? null);
    return /^\d+$/.test(keys[place + 1]) ? next : next.flat();
  }, /** @type {any[]} */ ([answer]));
}

/**
 * What a panel draws of an answer.
 * @param {Panel} panel
 * @param {any} answer
 * @param {Labels} labels
 * @returns {Figure}
 */
export function figureOf(panel, answer, labels) {
  const all = (/** @type {string[]} */ paths) => paths.flatMap((path) => follow(answer, path));
  const named = (/** @type {Categories | null} */ one) => (one ? names(all(one.paths), labels.get(one.enumeration)) : []);
  const series = panel.series.map((one) => ({...one, values: all(one.paths), low: all(one.low), high: all(one.high)}));
  return {panel, names: named(panel.categories), seconds: named(panel.secondCategories), series, records: all(panel.records), labels};
}

/**
 * Categories as people read them.
 * @param {any[]} values
 * @param {Map<string, string>} [vocabulary]
 */
function names(values, vocabulary) {
  const known = values.filter((value) => value !== null);
  const areDates = known.every((value) => /^\d{4}-\d\d-\d\d$/.test(value));
  const date = known.every((value) => String(value).endsWith("-01")) ? month : day;
  return values.map((value) => {
    if (value === null) return text("panels.none");
    return areDates ? date(value) : (vocabulary?.get(value) ?? String(value));
  });
}

/** @param {Figure} figure that may have nothing to draw */
export function isEmpty({series}) {
  return series.every(({values}) => values.every((value) => !amount(value)));
}

/**
 * A value as a number to draw.
 * @param {any} value
 */
function amount(value) {
  const plain = value?.amount ?? value;
  return plain === null ? null : Number(plain);
}

/**
 * A value as people read it.
 * @param {any} value
 * @param {Unit} unit
 */
function written(value, unit, short = false) {
  if (value === null) return "–";
  if (unit === "MONEY") return money(value, {short});
  return unit === "PERCENT" ? `${number(value)} %` : number(value);
}

/** @param {Figure} figure shown as large numbers */
export function numbersOf({series}) {
  return h("dl", {class: "large"}, series.map(({label, unit, values: [value], low: [low = null], high: [high]}) => h("div", null,
    h("dt", null, label),
    h("dd", {class: "figure"}, written(value, unit, true)),
    low !== null && h("dd", {class: "figure soft"}, `${written(low, unit)} – ${written(high, unit)}`),
  )));
}

/** @param {Figure} figure shown as a table, as all can be */
export function tableOf({names, seconds, series, records}) {
  // What belongs to no category, such as the totals of a waterfall, has a row of its own.
  const columns = series.filter(({values}) => values.length === names.length);
  const others = series.filter((one) => !columns.includes(one));
  return h("table", null,
    h("thead", null, h("tr", null, h("td", null), seconds.length > 0 && h("td", null),
      columns.map(({label}) => h("th", {scope: "col"}, label)))),
    h("tbody", null,
      names.map((name, row) => h("tr", null,
        h("th", {scope: "row"}, records[row] ? h("a", {href: `#/customers/${records[row]}`}, name) : name),
        seconds.length > 0 && h("td", null, seconds[row]),
        columns.map(({values, unit}) => h("td", {class: "figure"}, written(values[row], unit))),
      )),
      others.map(({label, unit, values: [value]}) => h("tr", null,
        h("th", {scope: "row"}, label), h("td", {class: "figure"}, written(value, unit)))),
    ),
  );
}

/**
 * The figure as plotly draws it.
 * @param {Figure} figure
 * @param {Look} look
 * @returns {Chart}
 */
export function chartOf(figure, look) {
  const make = {FUNNEL: funnel, POINTS: points, WATERFALL: waterfall, MATRIX: matrix}[figure.panel.kind] ?? axes;
  const {data, layout} = make(figure, look);
  const axis = {gridcolor: look.line, linecolor: look.line, zerolinecolor: look.line, automargin: true, fixedrange: true};
  for (const key of Object.keys(layout).filter((one) => /^[xy]axis/.test(one))) layout[key] = {...axis, ...layout[key]};
  return {data: data.map((one) => ({hoverinfo: "text", ...one})), layout: {
    paper_bgcolor: "transparent", plot_bgcolor: "transparent", colorway: look.colours, showlegend: data.length > 1, bargap: 0.3,
    dragmode: false, font: {family: "inherit", size: 12, color: look.soft}, margin: {l: 8, r: 8, t: 8, b: 8, pad: 4},
    legend: {orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: {color: look.ink}}, hoverlabel: {align: "left"}, ...layout,
  }};
}

/**
 * An axis of categories by their places, because their names may be the same.
 * @param {string[]} ticktext
 */
function categories(ticktext, isReversed = false) {
  const end = ticktext.length - 0.5;
  return {tickmode: "array", tickvals: places(ticktext), ticktext, type: "linear", showgrid: false, zeroline: false,
    range: isReversed ? [end, -0.5] : [-0.5, end]};
}

/** @param {any[]} values */
const places = (values) => values.map((_, place) => place);

/**
 * An axis of values: 1.5M where they are large.
 * @param {Drawn[]} series
 */
function scale(series) {
  const most = Math.max(0, ...series.flatMap(({values}) => values.map((value) => Math.abs(amount(value) ?? 0))));
  return {tickformat: most >= 1000 ? "~s" : "", ticksuffix: series.every(({unit}) => unit === "PERCENT") ? " %" : ""};
}

/**
 * Bars and lines: each unit has an axis of its own, one below the other.
 * @param {Figure} figure
 * @param {Look} look
 * @returns {Chart}
 */
function axes({panel, names, series}, look) {
  const units = [...new Set(series.map(({unit}) => unit))];
  const isLines = panel.kind === "LINES";
  const lies = !isLines && units.length === 1 && names.some((name) => name.length > 16);
  const data = series.map(({label, unit, values, low, high}) => {
    const drawn = values.map(amount);
    const away = (/** @type {any[]} */ bounds) => bounds.map((bound, place) => Math.abs((amount(bound) ?? 0) - (drawn[place] ?? 0)));
    const row = units.indexOf(unit);
    return {
      name: label, type: isLines ? "scatter" : "bar", orientation: lies ? "h" : "v", yaxis: row ? `y${row + 1}` : "y",
      x: lies ? drawn : places(names), y: lies ? places(names) : drawn,
      [lies ? "error_x" : "error_y"]: {visible: low.length > 0, symmetric: false, array: away(high), arrayminus: away(low),
        color: look.soft, thickness: 1.2},
      hovertext: values.map((value, place) => `${plain(names[place])}<br>${label}: ${written(value, unit)}`),
    };
  });
  if (lies) return {data, layout: {yaxis: categories(names.map(shortened), true), xaxis: scale(series)}};
  const rows = units.map((unit, row) => [row ? `yaxis${row + 1}` : "yaxis", {
    ...scale(series.filter((one) => one.unit === unit)),
    domain: [1 - (row + 1) / units.length + (units.length > 1 ? 0.06 : 0), 1 - row / units.length],
  }]);
  const anchor = units.length > 1 ? `y${units.length}` : "y";
  return {data, layout: {...Object.fromEntries(rows), xaxis: {...categories(names.map(wrapped)), anchor}}};
}

/**
 * The first value as bars; the others are written under the names of the categories.
 * @param {Figure} figure
 * @param {Look} look
 * @returns {Chart}
 */
function funnel({names, series}, look) {
  const words = (/** @type {Drawn[]} */ some, /** @type {number} */ place) =>
    some.map(({values, unit}) => written(values[place], unit, true)).join(" · ");
  const [first, ...others] = series;
  return {
    data: [{
      type: "funnel", x: first.values.map(amount), y: places(names), textinfo: "text", text: names.map((_, place) => words([first], place)),
      textfont: {size: 14}, marker: {color: look.colours[0]}, connector: {fillcolor: look.line},
      hovertext: names.map((name, place) => [plain(name), ...series.map((one) => `${one.label}: ${words([one], place)}`)].join("<br>")),
    }],
    layout: {yaxis: categories(names.map((name, place) => `${shortened(name)}<br>${words(others, place)}`), true), xaxis: {visible: false}},
  };
}

/**
 * @param {Figure} figure
 * @returns {Chart}
 */
function points({names, seconds, series: [across, up], records}) {
  const groups = seconds.length ? [...new Set(seconds)] : [""];
  // Where values lie far apart, only a logarithmic axis shows the small ones.
  const axis = (/** @type {Drawn} */ one) => {
    const found = one.values.flatMap((value) => amount(value) ?? []);
    const isWide = Math.min(...found) > 0 && Math.max(...found) / Math.min(...found) > 100;
    return {title: {text: one.label}, ...scale([one]), ...(isWide && {type: "log", dtick: 1})};
  };
  const data = groups.map((group) => {
    const mine = places(names).filter((place) => (seconds[place] ?? "") === group);
    const said = (/** @type {Drawn} */ one, /** @type {number} */ place) => `${one.label}: ${written(one.values[place], one.unit)}`;
    return {
      type: "scatter", mode: "markers", name: plain(group), marker: {size: 9, opacity: 0.75}, customdata: mine.map((place) => records[place]),
      x: mine.map((place) => amount(across.values[place])), y: mine.map((place) => amount(up.values[place])),
      hovertext: mine.map((place) => [plain(names[place]), said(across, place), said(up, place)].join("<br>")),
    };
  });
  return {data, layout: {xaxis: axis(across), yaxis: axis(up), hovermode: "closest"}};
}

/**
 * @param {Figure} figure
 * @param {Look} look
 * @returns {Chart}
 */
function waterfall({names, series: [start, steps, end]}, look) {
  // Steps in which nothing happened are left to the table.
  const moved = places(names).filter((place) => amount(steps.values[place]));
  const values = [start.values[0], ...moved.map((place) => steps.values[place]), end.values[0]];
  const ticks = [start.label, ...moved.map((place) => names[place]), end.label];
  const [more, less, total] = look.colours.map((color) => ({marker: {color}}));
  return {
    data: [{
      type: "waterfall", x: places(ticks), y: values.map(amount), measure: ["absolute", ...moved.map(() => "relative"), "total"],
      connector: {line: {color: look.line, width: 1}}, increasing: more, decreasing: less, totals: total,
      hovertext: values.map((value, place) => `${plain(ticks[place])}: ${written(value, steps.unit)}`),
    }],
    layout: {xaxis: categories(ticks.map(wrapped)), yaxis: scale([steps])},
  };
}

/**
 * @param {Figure} figure
 * @param {Look} look
 * @returns {Chart}
 */
function matrix({panel, names, seconds, series: [only], labels}, look) {
  const inOrder = (/** @type {string[]} */ given, /** @type {Categories | null} */ kind = panel.categories) => {
    const order = [...(labels.get(kind?.enumeration ?? null)?.values() ?? [])];
    return [...new Set(given)].sort((one, other) => order.indexOf(one) - order.indexOf(other));
  };
  const rows = inOrder(names);
  const columns = inOrder(seconds, panel.secondCategories);
  const z = rows.map((row) => columns.map((column) => {
    const place = names.findIndex((name, place) => name === row && seconds[place] === column);
    return place < 0 ? null : amount(only.values[place]);
  }));
  return {
    data: [{
      type: "heatmap", z, x: places(columns), y: places(rows), showscale: false, xgap: 3, ygap: 3, texttemplate: "%{z}",
      textfont: {size: 14}, colorscale: [[0, look.sheet], [1, look.colours[0]]], zmin: 0,
      hovertext: z.map((row, one) => row.map((value, other) => `${plain(rows[one])} → ${plain(columns[other])}: ${value ?? "–"}`)),
    }],
    layout: {xaxis: {...categories(columns.map(plain)), side: "top"}, yaxis: categories(rows.map(plain), true)},
  };
}

/** What people have entered, so that plotly takes none of it for markup, such as a link. @param {string} name */
const plain = (name) => name.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** @param {string} name */
const shortened = (name) => plain(name.length > 26 ? `${name.slice(0, 25)}…` : name);

/** @param {string} name in lines of ten letters or so */
const wrapped = (name) => shortened(name).replace(/(.{6,}?) /g, "$1<br>");
