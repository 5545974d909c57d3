/**
 * Figures of panels: what a panel says of an answer, as charts for plotly or as elements.
 */

import {h} from "./dom.js";
import {day, money, month, number, text} from "./texts.js";

/**
 * @typedef {{paths: string[], enumeration: string | null}} Categories
 * @typedef {{label: string, unit: "MONEY" | "NUMBER" | "PERCENT", paths: string[], low: string[], high: string[]}} Series
 * @typedef {{name: string, plugin: string, title: string, description: string | null, kind: string, query: string,
 *   variables: Record<string, unknown>, given: string[], categories: Categories | null,
 *   secondCategories: Categories | null, series: Series[], records: string[]}} Panel
 * @typedef {Map<string, Map<string, string>>} Labels labels of values by enumeration, in the order of the vocabulary
 * @typedef {{label: string, unit: Series["unit"], values: any[], low: any[], high: any[]}} Drawn a series with its values
 * @typedef {{panel: Panel, names: string[], seconds: string[], series: Drawn[], records: string[], labels: Labels}} Figure
 * @typedef {{ink: string, soft: string, line: string, sheet: string, colours: string[]}} Look
 */

/**
 * What a path leads to: all elements of lists, or one by its number.
 * @param {any} answer
 * @param {string} path names of fields with points between them
 * @returns {any[]}
 */
export function follow(answer, path) {
  let found = [answer];
  const keys = path.split(".");
  keys.forEach((key, place) => {
    found = found.map((one) => one?.[key]);
    if (!/^\d+$/.test(keys[place + 1] ?? "")) found = found.flat();
  });
  return found.map((one) => one ?? null);
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
  const named = (/** @type {Categories | null} */ categories) => (categories ? names(all(categories.paths), labels.get(categories.enumeration ?? "")) : []);
  const series = panel.series.map(({label, unit, paths, low, high}) => ({label, unit, values: all(paths), low: all(low), high: all(high)}));
  return {panel, names: named(panel.categories), seconds: named(panel.secondCategories), series, records: all(panel.records), labels};
}

/**
 * Categories as people read them.
 * @param {any[]} values
 * @param {Map<string, string>} [vocabulary]
 */
function names(values, vocabulary) {
  const dates = values.filter((value) => /^\d{4}-\d\d-\d\d$/.test(value));
  const areDates = dates.length > 0 && dates.length === values.filter((value) => value !== null).length;
  const areMonths = areDates && dates.every((value) => value.endsWith("-01"));
  return values.map((value) => {
    if (value === null) return text("panels.none");
    if (areDates) return areMonths ? month(value) : day(value);
    return vocabulary?.get(value) ?? String(value);
  });
}

/**
 * Whether there is anything to draw.
 * @param {Figure} figure
 */
export function isEmpty({series}) {
  return series.every(({values}) => values.every((value) => value === null || amount(value) === 0));
}

/**
 * A value as a number to draw.
 * @param {any} value
 * @returns {number | null}
 */
function amount(value) {
  const plain = value?.amount ?? value;
  return plain === null ? null : Number(plain);
}

/**
 * A value as people read it.
 * @param {any} value
 * @param {Series["unit"]} unit
 */
export function written(value, unit, short = false) {
  if (value === null || value === undefined) return "–";
  if (unit === "MONEY" && value.currency) return money(value, {short});
  return unit === "PERCENT" ? `${number(value)} %` : number(value);
}

/**
 * The figure as elements, where it is no chart: numbers, or a table.
 * @param {Figure} figure
 */
export function elementsOf(figure) {
  return figure.panel.kind === "NUMBERS" ? numbersOf(figure) : tableOf(figure);
}

/** @param {Figure} figure */
function numbersOf({series}) {
  return h("dl", {class: "large"}, series.map(({label, unit, values: [value], low, high}) =>
    h("div", null,
      h("dt", null, label),
      h("dd", {class: "figure"}, written(value ?? null, unit, true)),
      low.length > 0 && low[0] !== null && h("dd", {class: "figure soft"}, `${written(low[0], unit)} – ${written(high[0], unit)}`),
    ),
  ));
}

/**
 * What a figure says as a table, which every figure has.
 * @param {Figure} figure
 */
export function tableOf({panel, names, seconds, series, records}) {
  const cells = (/** @type {number} */ row) => series.map(({values, unit}) =>
    h("td", {class: "figure"}, values.length === names.length || !names.length ? written(values[row] ?? null, unit) : ""));
  const rows = (names.length ? names : [""]).map((name, row) => h("tr", null,
    names.length > 0 && h("th", {scope: "row"}, records[row] ? h("a", {href: `#/customers/${records[row]}`}, name) : name),
    seconds.length > 0 && h("td", null, seconds[row] ?? ""),
    cells(row),
  ));
  const ends = series.filter(({values}) => names.length > 0 && values.length === 1 && panel.kind === "WATERFALL");
  return h("table", null,
    h("thead", null, h("tr", null,
      names.length > 0 && h("td", null),
      seconds.length > 0 && h("td", null),
      series.map(({label}) => h("th", {scope: "col"}, label)),
    )),
    h("tbody", null, rows),
    ends.length > 0 && h("tfoot", null, ends.map(({label, unit, values}) =>
      h("tr", null, h("th", {scope: "row"}, label), h("td", {class: "figure", colspan: series.length}, written(values[0], unit))))),
  );
}

/**
 * The figure as plotly draws it.
 * @param {Figure} figure
 * @param {Look} look
 * @returns {{data: any[], layout: any}}
 */
export function chartOf(figure, look) {
  const make = {FUNNEL: funnel, POINTS: points, WATERFALL: waterfall, MATRIX: matrix}[figure.panel.kind] ?? axes;
  const {data, layout} = make(figure, look);
  const axis = {gridcolor: look.line, linecolor: look.line, zerolinecolor: look.line, automargin: true, fixedrange: true};
  const dressed = Object.fromEntries(Object.entries(layout).map(([key, value]) => [key, /^[xy]axis/.test(key) ? {...axis, ...value} : value]));
  return {data, layout: {
    paper_bgcolor: "transparent", plot_bgcolor: "transparent", colorway: look.colours,
    font: {family: "inherit", size: 12, color: look.soft}, margin: {l: 8, r: 8, t: 8, b: 8, pad: 4},
    xaxis: axis, yaxis: axis, legend: {orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: {color: look.ink}}, hoverlabel: {align: "left"},
    showlegend: data.length > 1, barmode: "group", bargap: 0.3, dragmode: false, ...dressed,
  }};
}

/**
 * Bars and lines: each unit has an axis of its own, one below the other.
 * @param {Figure} figure
 * @param {Look} look
 */
function axes({panel, names, series}, look) {
  const units = [...new Set(series.map(({unit}) => unit))];
  const isLines = panel.kind === "LINES";
  const lies = !isLines && units.length === 1 && names.some((name) => name.length > 16);
  // Names may be the same; their places are not.
  const places = names.map((_, place) => place);
  const ticks = {tickmode: "array", tickvals: places, ticktext: names.map(lies ? shortened : wrapped), type: "linear",
    range: lies ? [names.length - 0.5, -0.5] : [-0.5, names.length - 0.5]};
  const data = series.map(({label, unit, values, low, high}, number) => {
    const drawn = values.map(amount);
    const row = units.indexOf(unit);
    const bounds = low.length > 0 && {type: "data", symmetric: false, color: look.soft, thickness: 1.2,
      array: high.map((value, place) => (amount(value) ?? 0) - (drawn[place] ?? 0)),
      arrayminus: low.map((value, place) => (drawn[place] ?? 0) - (amount(value) ?? 0))};
    return {
      name: label, type: isLines ? "scatter" : "bar", mode: "lines+markers", orientation: lies ? "h" : "v",
      x: lies ? drawn : places, y: lies ? places : drawn, [lies ? "error_x" : "error_y"]: bounds || undefined,
      yaxis: row ? `y${row + 1}` : "y", marker: {color: look.colours[number % look.colours.length]},
      hovertext: values.map((value, place) => `${names[place]}<br>${label}: ${written(value, unit)}`), hoverinfo: "text",
    };
  });
  if (lies) return {data, layout: {yaxis: ticks, xaxis: {tickformat: tickFormat(series)}}};
  const rows = units.map((unit, row) => [row ? `yaxis${row + 1}` : "yaxis", {
    domain: [1 - (row + 1) / units.length + (units.length > 1 ? 0.06 : 0), 1 - row / units.length],
    tickformat: tickFormat(series.filter((one) => one.unit === unit)), ticksuffix: unit === "PERCENT" ? " %" : "", rangemode: isLines ? "normal" : "tozero",
  }]);
  return {data, layout: {...Object.fromEntries(rows), xaxis: {...ticks, anchor: units.length > 1 ? `y${units.length}` : "y", showgrid: false}}};
}

/**
 * The first value as bars; the others are written under the names of the categories.
 * @param {Figure} figure
 * @param {Look} look
 */
function funnel({names, series}, look) {
  const places = names.map((_, place) => place);
  const [first, ...others] = series;
  const words = (/** @type {Drawn | undefined} */ one, /** @type {number} */ place) => written(one?.values[place] ?? null, one?.unit ?? "NUMBER", true);
  const under = places.map((place) => others.map((one) => words(one, place)).join(" · "));
  return {
    data: [{
      type: "funnel", x: first?.values.map(amount), y: places, textinfo: "text", text: places.map((place) => words(first, place)),
      textfont: {size: 14}, marker: {color: look.colours[0]}, connector: {fillcolor: look.line}, hoverinfo: "text",
      hovertext: names.map((name, place) => [name, ...series.map((one) => `${one.label}: ${words(one, place)}`)].join("<br>")),
    }],
    layout: {
      yaxis: {tickmode: "array", tickvals: places, type: "linear", showgrid: false, range: [names.length - 0.5, -0.5],
        ticktext: names.map((name, place) => (under[place] ? `${shortened(name)}<br>${under[place]}` : shortened(name)))},
      xaxis: {visible: false},
    },
  };
}

/** @param {Figure} figure */
function points({names, seconds, series: [across, up], records}) {
  const groups = [...new Set(seconds)];
  const of = (/** @type {string | null} */ group) => names.map((_, place) => place).filter((place) => group === null || seconds[place] === group);
  const axis = (/** @type {Drawn | undefined} */ one) => ({title: {text: one?.label ?? ""}, tickformat: tickFormat(one ? [one] : []),
    ...(isWide(one) && {type: "log", dtick: 1})});
  const data = (groups.length ? groups : [null]).map((group) => ({
    type: "scatter", mode: groups.length || names.length > 12 ? "markers" : "markers+text", name: group ?? "",
    x: of(group).map((place) => amount(across?.values[place] ?? null)), y: of(group).map((place) => amount(up?.values[place] ?? null)),
    text: of(group).map((place) => shortened(names[place] ?? "")), textposition: "top center", marker: {size: 9, opacity: 0.75},
    customdata: of(group).map((place) => records[place] ?? null),
    hovertext: of(group).map((place) => [names[place], ...[across, up].map((one) => `${one?.label}: ${written(one?.values[place], one?.unit ?? "NUMBER")}`)].join("<br>")),
    hoverinfo: "text",
  }));
  return {data, layout: {xaxis: axis(across), yaxis: axis(up), hovermode: "closest"}};
}

/**
 * @param {Figure} figure
 * @param {Look} look
 */
function waterfall({names, series: [start, steps, end]}, look) {
  // Steps in which nothing happened are left to the table.
  const moved = names.map((_, place) => place).filter((place) => amount(steps?.values[place] ?? null));
  const values = [start?.values[0], ...moved.map((place) => steps?.values[place]), end?.values[0]];
  const ticks = [start?.label ?? "", ...moved.map((place) => names[place] ?? ""), end?.label ?? ""];
  return {
    data: [{
      type: "waterfall", x: ticks.map((_, place) => place), y: values.map((value) => amount(value ?? null)),
      measure: ["absolute", ...moved.map(() => "relative"), "total"], connector: {line: {color: look.line, width: 1}},
      increasing: {marker: {color: look.colours[0]}}, decreasing: {marker: {color: look.colours[1]}}, totals: {marker: {color: look.colours[2]}},
      hovertext: values.map((value, place) => `${ticks[place]}: ${written(value, steps?.unit ?? "NUMBER")}`), hoverinfo: "text",
    }],
    layout: {xaxis: {tickmode: "array", tickvals: ticks.map((_, place) => place), ticktext: ticks.map(wrapped), type: "linear", showgrid: false}, yaxis: {tickformat: tickFormat(steps ? [steps] : [])}},
  };
}

/**
 * @param {Figure} figure
 * @param {Look} look
 */
function matrix({panel, names, seconds, series: [only], labels}, look) {
  const rows = inOrder(names, labels.get(panel.categories?.enumeration ?? ""));
  const columns = inOrder(seconds, labels.get(panel.secondCategories?.enumeration ?? ""));
  const z = rows.map(() => columns.map(() => /** @type {number | null} */ (null)));
  names.forEach((name, place) => {
    const row = z[rows.indexOf(name)];
    if (row) row[columns.indexOf(seconds[place] ?? "")] = amount(only?.values[place] ?? null);
  });
  const axis = (/** @type {string[]} */ ticks) => ({tickmode: "array", tickvals: ticks.map((_, place) => place), ticktext: ticks, type: "linear", showgrid: false, zeroline: false});
  return {
    data: [{type: "heatmap", z, x: columns.map((_, place) => place), y: rows.map((_, place) => place), showscale: false, xgap: 3, ygap: 3,
      texttemplate: "%{z}", textfont: {size: 14}, colorscale: [[0, look.sheet], [1, look.colours[0]]], zmin: 0,
      hovertext: z.map((row, one) => row.map((value, other) => `${rows[one]} → ${columns[other]}: ${number(value) || "–"}`)), hoverinfo: "text"}],
    layout: {xaxis: {...axis(columns), side: "top"}, yaxis: {...axis(rows), autorange: "reversed"}},
  };
}

/**
 * Different names, in the order of a vocabulary.
 * @param {string[]} given
 * @param {Map<string, string>} [vocabulary]
 */
function inOrder(given, vocabulary) {
  const order = [...(vocabulary?.values() ?? [])];
  return [...new Set(given)].sort((one, other) => order.indexOf(one) - order.indexOf(other));
}

/** @param {string} name */
function shortened(name) {
  return name.length > 26 ? `${name.slice(0, 25)}…` : name;
}

/**
 * A name in lines of ten letters or so.
 * @param {string} name
 */
function wrapped(name) {
  return shortened(name).replace(/(.{6,}?) /g, "$1<br>");
}

/** @param {Drawn[]} series */
function magnitudes(series) {
  return series.flatMap(({values}) => values.map((value) => Math.abs(amount(value) ?? 0)));
}

/**
 * How the ticks of an axis are written: 1.5M where values are large.
 * @param {Drawn[]} series
 */
function tickFormat(series) {
  return Math.max(0, ...magnitudes(series)) >= 1000 ? "~s" : "";
}

/**
 * Whether values lie so far apart that only a logarithmic axis shows the small ones.
 * @param {Drawn | undefined} one
 */
function isWide(one) {
  const found = one ? one.values.flatMap((value) => amount(value) ?? []) : [];
  return found.length > 2 && Math.min(...found) > 0 && Math.max(...found) / Math.min(...found) > 100;
}
