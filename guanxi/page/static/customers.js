/** The list of customers: filtered, ordered, searched as one types, and edited where they stand. */

import {ask, offered} from "./api.js";
import {fill, h, icon, settled, whenSeen} from "./dom.js";
import {editable} from "./editing.js";
import {day, labels, money, number, text} from "./texts.js";

/** @typedef {import("./texts.js").TextKey} TextKey */
/** @typedef {import("./editing.js").Customer} Customer */
/**
 * A field, asked by `selection` if not by its name alone; `by` are the keys of its groups, if one can filter by it, `edit`
 * is how it is edited, if it is; `isAdded` by a plugin.
 * @typedef {{field: string, selection?: string, by?: string, vocabulary?: string, edit?: "text" | "choice",
 *   isFigure?: boolean, isAdded?: boolean}} Column
 */

const PAGE = 40;
/** So many are found at most. */
const FOUND = 100;
const MONEY = "{ amount currency }";

const COLUMNS = /** @type {Column[]} */ ([
  {field: "name"},
  {field: "industry", by: "{industry: true}", edit: "text"},
  {field: "region", by: "{region: true}", edit: "text"},
  {field: "owner", by: "{owner: {recordId: true}}, {owner: {name: true}}", selection: "owner { name }"},
  {field: "status", by: "{status: true}", vocabulary: "CustomerStatus", edit: "choice"},
  {field: "valueTier", by: "{valueTier: true}", vocabulary: "ValueTier", isAdded: true},
  {field: "currentValue", selection: `currentValue ${MONEY}`, isFigure: true, isAdded: true},
  {field: "weightedPipeline", selection: `weightedPipeline ${MONEY}`, isFigure: true, isAdded: true},
  {field: "lastInteractionAt", isFigure: true},
]);

/** What was chosen last, so that one returns to it. */
const chosen = {
  words: "",
  filters: /** @type {Record<string, string>} */ ({}),
  order: /** @type {{field: string, isDown: boolean} | null} */ (null),
};

/** @param {string} field */
const title = (field) => text(/** @type {TextKey} */ (`field.${field}`));
/** @param {Column} column */
const isThere = ({field, isAdded}) => !isAdded || offered("Customer", field) !== "";

/** Draws it. @param {HTMLElement} container @returns {Promise<() => void>} */
export async function draw(container) {
  const list = new List(container, COLUMNS.filter(isThere));
  try {
    await list.load(true);
  } catch (error) {
    // Columns and filters that the viewer may not use are left out.
    if (list.columns.every(isThere)) throw error;
    return draw(container);
  }
  return () => list.unwatch();
}

class List {
  /** Tells an answer from that to a later question. */
  turn = 0;
  unwatch = () => {};
  labels = labels({});

  /** @param {HTMLElement} container @param {Column[]} columns */
  constructor(container, columns) {
    this.columns = columns;
    this.count = h("p", {class: "soft figure", role: "status"});
    this.choices = h("div", {class: "filters", role: "group", "aria-label": text("customers.filters")});
    this.heads = h("tr", null);
    this.body = h("tbody", null);
    this.rest = h("p", {class: "rest soft"});
    const search = h("input", {type: "search", value: chosen.words, placeholder: text("customers.hint"),
      "aria-label": text("customers.search"), oninput: settled(() => {
        chosen.words = search.value.trim();
        this.load();
      })});
    this.reset = h("button", {class: "quiet", onclick: () => {
      chosen.filters = {};
      chosen.words = search.value = "";
      this.load(true);
    }}, text("customers.reset"));
    fill(container,
      h("div", {class: "heading"}, h("h1", null, text("nav.customers")), this.count),
      h("div", {class: "tools"}, h("label", {class: "search"}, icon("search"), search), this.choices),
      h("div", {class: "table", role: "region", tabindex: 0, "aria-label": text("nav.customers")},
        h("table", null, h("thead", null, this.heads), this.body)),
      this.rest);
  }

  /** The query of a page of the list, and at first of what one can filter by. @param {boolean} withChoices */
  query(withChoices) {
    const fields = this.columns.map(({field, selection}) => selection ?? field).join(" ");
    const choices = this.columns.filter(() => withChoices).map(({field, by, selection, vocabulary}) => `
      ${by ? `${field}: customersGroupBy(by: [${by}], first: 200) {
        keys { ${selection?.replace("{", "{ recordId") ?? field} } aggregate { count } }` : ""}
      ${vocabulary ? `${vocabulary}: vocabulary(name: "${vocabulary}") { value label }` : ""}`);
    return `query ($where: CustomerWhere, $orderBy: [CustomerOrder!], $first: Int, $after: String) {
      customers(where: $where, orderBy: $orderBy, first: $first, after: $after) {
        totalCount nodes { id version can { update } ${fields} } pageInfo { hasNextPage endCursor } }
      ${choices.join("")} }`;
  }

  /** Asks anew for what is chosen. @param {boolean} [withChoices] what one can choose from, too */
  async load(withChoices = false) {
    const mine = ++this.turn;
    const {words, filters, order} = chosen;
    const ids = words && await found(words);
    const conditions = Object.entries(filters).map(([field, value]) => ({[field === "owner" ? "ownerId" : field]: {eq: value}}));
    const variables = {
      where: {and: ids ? [...conditions, {id: {in: ids}}] : conditions},
      orderBy: order ? [{[order.field]: order.isDown ? "DESC" : "ASC"}] : [{name: "ASC"}],
      first: ids ? FOUND : PAGE,
    };
    const data = await ask(this.query(withChoices), variables);
    if (mine !== this.turn) return;
    const {totalCount, nodes} = data.customers;
    if (ids && !order) nodes.sort((/** @type {Customer} */ a, /** @type {Customer} */ b) => ids.indexOf(a.id) - ids.indexOf(b.id));
    if (withChoices) {
      this.labels = labels(data);
      fill(this.choices, this.columns.map((column) => column.by && this.choice(column, data[column.field])), this.reset);
    }
    fill(this.count, totalCount === 1 ? text("customers.one") : text("customers.count", {count: number(totalCount)}));
    fill(this.heads, this.columns.map((column) => this.head(column)));
    fill(this.body);
    this.take(data.customers, variables);
  }

  /** Adds a page of rows. @param {any} page @param {Record<string, unknown>} variables */
  take({nodes, pageInfo}, variables) {
    this.unwatch();
    this.body.append(...nodes.map((/** @type {Customer} */ customer) => this.row(customer)));
    fill(this.rest, pageInfo.hasNextPage ? text("customers.more") : !this.body.children.length && text("customers.none"));
    const mine = this.turn;
    const more = async () => {
      this.unwatch();
      const {customers} = await ask(this.query(false), {...variables, after: pageInfo.endCursor});
      if (mine === this.turn) this.take(customers, variables);
    };
    if (pageInfo.hasNextPage) this.unwatch = whenSeen(this.rest, more);
  }

  /** @param {Customer} customer */
  row(customer) {
    const [, ...others] = this.columns;
    return h("tr", {"data-id": customer.id},
      h("th", {scope: "row"}, h("a", {href: `#/customers/${customer.id}`}, customer.name)),
      others.map(({field, edit, isFigure, vocabulary = ""}) => h("td", {class: isFigure ? "figure end" : null}, edit
        ? editable(customer, {name: field, label: title(field), kind: edit, options: this.labels.options(vocabulary)})
        : this.shown(vocabulary, customer[field]))));
  }

  /** @param {string} vocabulary @param {any} value */
  shown(vocabulary, value) {
    if ((value ?? null) === null) return "–";
    if (/^\d{4}-/.test(value)) return day(value);
    return value.currency ? money(value, {short: true}) : value.name ?? this.labels.label(vocabulary, value);
  }

  /** The head of a column, which orders by it: another press turns the order, a third ends it. @param {Column} column */
  head({field, isFigure = false}) {
    const order = chosen.order?.field === field ? chosen.order : null;
    const press = async () => {
      // Figures are looked at from the largest, names from the first.
      chosen.order = !order ? {field, isDown: isFigure} : order.isDown === isFigure ? {field, isDown: !isFigure} : null;
      await this.load();
      /** @type {HTMLElement | null} */ (this.heads.querySelector(`[data-field="${field}"]`))?.focus();
    };
    return h("th", {scope: "col", class: isFigure ? "end" : null, "aria-sort": order && (order.isDown ? "descending" : "ascending")},
      field === "owner" ? title(field) : h("button", {class: "sort", "data-field": field, onclick: press}, title(field),
        order && h("span", {"aria-hidden": "true"}, order.isDown ? " ↓" : " ↑")));
  }

  /** @param {Column} column @param {any[]} groups */
  choice({field, vocabulary = ""}, groups) {
    const change = () => {
      if (select.value) chosen.filters[field] = select.value;
      else delete chosen.filters[field];
      select.classList.toggle("set", select.value !== "");
      this.load();
    };
    const select = h("select", {"aria-label": title(field), class: chosen.filters[field] ? "set" : null, onchange: change},
      h("option", {value: ""}, text("customers.all", {title: title(field)})),
      groups.filter(({keys}) => keys[field]).map(({keys: {[field]: key}, aggregate}) => {
        const value = key.recordId ?? key;
        const label = text("customers.option", {label: this.shown(vocabulary, key), count: number(aggregate.count)});
        return h("option", {value, selected: chosen.filters[field] === value}, label);
      }));
    return select;
  }
}

/** The ids of customers that are found by some words, closest first. @param {string} words @returns {Promise<string[]>} */
async function found(words) {
  const query = `query ($text: String!) { search(text: $text, types: [CUSTOMER], first: ${FOUND}) { node { id } } }`;
  const {search} = await ask(query, {text: words});
  return search.map((/** @type {{node: {id: string}}} */ result) => result.node.id);
}
