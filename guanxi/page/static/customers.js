/**
 * The list of customers: filtered, ordered, searched as one types, and edited where they stand.
 */

import {ask, offered} from "./api.js";
import {fill, h, icon, settled, whenSeen} from "./dom.js";
import {editable} from "./editing.js";
import {day, money, number, text} from "./texts.js";

/** @typedef {import("./texts.js").TextKey} TextKey */
/** @typedef {import("./editing.js").Customer} Customer */
/** @typedef {import("./editing.js").Option} Option */
/** @typedef {Record<string, Option[]>} Vocabularies the values of enumerations, by field */

const PAGE = 40;
/** So many are found at most. */
const FOUND = 100;

/** What can be chosen from: the field of the filter, the keys of its groups, the plugin's field it needs. */
const FILTERS = /** @type {{field: string, by: string, keys: string}[]} */ ([
  {field: "industry", by: "{industry: true}", keys: "industry"},
  {field: "region", by: "{region: true}", keys: "region"},
  {field: "owner", by: "{owner: {recordId: true}}, {owner: {name: true}}", keys: "owner { recordId name }"},
  {field: "status", by: "{status: true}", keys: "status"},
  {field: "valueTier", by: "{valueTier: true}", keys: "valueTier"},
]);

/** What each column asks; whether it is a figure; whether it can be edited, and how. */
const COLUMNS = /** @type {{field: string, selection?: string, edit?: "text" | "choice", isFigure?: boolean}[]} */ ([
  {field: "name"},
  {field: "industry", edit: "text"},
  {field: "region", edit: "text"},
  {field: "owner", selection: "owner { name }"},
  {field: "status", edit: "choice"},
  {field: "valueTier"},
  {field: "currentValue", selection: "currentValue { amount currency }", isFigure: true},
  {field: "weightedPipeline", selection: "weightedPipeline { amount currency }", isFigure: true},
  {field: "lastInteractionAt", isFigure: true},
]);
/** The fields that plugins add: they are left out where their plugin is. */
const ADDED = new Set(["valueTier", "currentValue", "weightedPipeline"]);

/** What was chosen last, so that one returns to it. */
const chosen = {
  words: "",
  filters: /** @type {Record<string, string>} */ ({}),
  order: /** @type {{field: string, isDown: boolean} | null} */ (null),
};

/** @param {string} field */
const title = (field) => text(/** @type {TextKey} */ (`field.${field}`));
/** @param {{field: string, selection?: string}} column */
const isThere = ({field}) => !ADDED.has(field) || offered("Customer", field) !== "";

/** Draws it. @param {HTMLElement} container @returns {Promise<() => void>} */
export async function draw(container) {
  const columns = COLUMNS.filter(isThere);
  const filters = FILTERS.filter(isThere);
  const selection = columns.map((column) => column.selection ?? column.field).join(" ");
  const groups = filters.map(({field, by, keys}) =>
    `${field}: customersGroupBy(by: [${by}], first: 200) { keys { ${keys} } aggregate { count } }`);
  const list = `customers(where: $where, orderBy: $order, first: $first, after: $after) {
    totalCount nodes { id version can { update } ${selection} } pageInfo { hasNextPage endCursor } }`;
  const taken = "$where: CustomerWhere, $order: [CustomerOrder!], $first: Int, $after: String";
  const rows = `query (${taken}) { ${list} }`;
  const first = `query (${taken}) { ${list} ${groups.join(" ")}
    statuses: vocabulary(name: "CustomerStatus") { value label }
    ${offered("Customer", "valueTier") && `tiers: vocabulary(name: "ValueTier") { value label }`} }`;

  let turn = 0;
  let unwatch = () => {};
  /** @type {Vocabularies} */
  let vocabularies = {};
  const count = h("p", {class: "soft figure", role: "status"});
  const body = h("tbody", null);
  const rest = h("p", {class: "rest soft"});
  const heads = h("tr", null);
  const choices = h("div", {class: "filters", role: "group", "aria-label": text("customers.filters")});
  const search = h("input", {type: "search", value: chosen.words, placeholder: text("customers.hint"),
    "aria-label": text("customers.search"), oninput: settled(() => {
      chosen.words = search.value.trim();
      load();
    })});

  /** The ids that were searched for, closest first; null if nothing was. */
  const found = async () => {
    if (!chosen.words) return null;
    const query = `query ($text: String!) { search(text: $text, types: [CUSTOMER], first: ${FOUND}) { node { id } } }`;
    const {search} = await ask(query, {text: chosen.words});
    return search.map((/** @type {{node: {id: string}}} */ result) => result.node.id);
  };
  /** Asks for rows anew. @param {string} [query] */
  const load = async (query = rows) => {
    const mine = ++turn;
    const ids = await found();
    const {order} = chosen;
    const variables = {
      where: {and: [...Object.entries(chosen.filters).map(condition), ...(ids ? [{id: {in: ids}}] : [])]},
      order: order ? [{[order.field]: order.isDown ? "DESC" : "ASC"}] : [{name: "ASC"}],
      first: ids ? FOUND : PAGE,
    };
    const data = await ask(query, {...variables, after: null});
    if (mine !== turn) return data;
    if (ids && !order) data.customers.nodes.sort((/** @type {Customer} */ a, /** @type {Customer} */ b) => ids.indexOf(a.id) - ids.indexOf(b.id));
    if (data.statuses) {
      vocabularies = {status: data.statuses, valueTier: data.tiers};
      fill(choices, filters.map(({field}) => choice(field, data[field])), reset);
    }
    fill(body);
    const total = data.customers.totalCount;
    fill(count, total === 1 ? text("customers.one") : text("customers.count", {count: number(total)}));
    drawHeads();
    take(data.customers, variables);
    return data;
  };
  /** Adds a page of rows. @param {any} page @param {Record<string, unknown>} variables */
  const take = ({nodes, pageInfo}, variables) => {
    unwatch();
    body.append(...nodes.map(row));
    fill(rest, pageInfo.hasNextPage ? text("customers.more") : !body.children.length && text("customers.none"));
    if (!pageInfo.hasNextPage) return;
    const mine = turn;
    unwatch = whenSeen(rest, async () => {
      unwatch();
      const {customers} = await ask(rows, {...variables, after: pageInfo.endCursor});
      if (mine === turn) take(customers, variables);
    });
  };
  /** @param {Customer} customer */
  const row = (customer) => h("tr", {"data-id": customer.id}, columns.map(({field, edit, isFigure}) =>
    field === "name"
      ? h("th", {scope: "row"}, h("a", {href: `#/customers/${customer.id}`}, customer.name))
      : h("td", {class: isFigure ? "figure end" : null}, edit
        ? editable(customer, {name: field, label: title(field), kind: edit, options: vocabularies[field]})
        : shown(field, customer[field], vocabularies))));
  const drawHeads = () => fill(heads, columns.map(({field, isFigure}) => {
    const isChosen = chosen.order?.field === field;
    const direction = isChosen ? (chosen.order?.isDown ? "descending" : "ascending") : null;
    const press = () => {
      // Figures are looked at from the largest, names from the first; a second press turns the order, a third ends it.
      const isDown = isChosen ? !chosen.order?.isDown : Boolean(isFigure);
      chosen.order = isChosen && isDown === Boolean(isFigure) ? null : {field, isDown};
      load().then(() => heads.querySelector(`[data-field="${field}"]`)).then((head) => head instanceof HTMLElement && head.focus());
    };
    const mark = direction && {ascending: " ↑", descending: " ↓"}[direction];
    return h("th", {scope: "col", "aria-sort": direction, class: isFigure ? "end" : null}, field === "owner"
      ? title(field)
      : h("button", {class: "sort", "data-field": field, onclick: press}, title(field), h("span", {"aria-hidden": "true"}, mark)));
  }));
  /** @param {string} field @param {any[]} groups */
  const choice = (field, groups) => h("select", {"aria-label": title(field), class: chosen.filters[field] ? "set" : null,
    onchange: (/** @type {Event} */ event) => {
      const select = /** @type {HTMLSelectElement} */ (event.currentTarget);
      if (select.value) chosen.filters[field] = select.value;
      else delete chosen.filters[field];
      select.classList.toggle("set", select.value !== "");
      load();
    }},
  h("option", {value: ""}, text("customers.all", {title: title(field)})),
  groups.filter(({keys}) => keys[field]).map(({keys, aggregate}) => {
    const value = keys[field].recordId ?? keys[field];
    const label = keys[field].name ?? shown(field, value, vocabularies);
    return h("option", {value, selected: chosen.filters[field] === value},
      text("customers.option", {label, count: number(aggregate.count)}));
  }));
  const reset = h("button", {class: "quiet", onclick: () => {
    chosen.filters = {};
    chosen.words = search.value = "";
    load(first);
  }}, text("customers.reset"));

  fill(container,
    h("div", {class: "heading"}, h("h1", null, text("customers.title")), count),
    h("div", {class: "tools"}, h("label", {class: "search"}, icon("search"), search), choices),
    h("div", {class: "table", role: "region", tabindex: 0, "aria-label": text("customers.title")},
      h("table", null, h("thead", null, heads), body)),
    rest,
  );
  try {
    await load(first);
  } catch (error) {
    // Filters and columns that the viewer may not use are left out.
    if (columns.concat(filters).every(isThere)) throw error;
    return draw(container);
  }
  return () => unwatch();
}

/** @param {[string, string]} filter @returns {Record<string, unknown>} */
function condition([field, value]) {
  return field === "owner" ? {ownerId: {eq: value}} : {[field]: {eq: value}};
}

/** @param {string} field @param {any} value @param {Vocabularies} vocabularies */
function shown(field, value, vocabularies) {
  if (value === null || value === undefined) return "–";
  if (field === "lastInteractionAt") return day(value);
  if (value.currency) return money(value, {short: true});
  return value.name ?? vocabularies[field]?.find((option) => option.value === value)?.label ?? value;
}
