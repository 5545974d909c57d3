/**
 * The board: what is under way, by stage. Cards are moved by mouse, menu or keys, and by other people meanwhile.
 */

import {ask, listen, offered} from "./api.js";
import {announce, fill, h, icon, settled, whenSeen} from "./dom.js";
import {day, money, number, text} from "./texts.js";

/** @typedef {import("./api.js").UserError} UserError */
/** @typedef {import("./texts.js").Money} Money */
/**
 * @typedef {object} Card
 * @property {string} id
 * @property {string} name
 * @property {number} version
 * @property {string} status
 * @property {string} outcome
 * @property {string} stageId
 * @property {Money | null} expectedAmount
 * @property {string | null} expectedCloseDate
 * @property {boolean} [isCloseOverdue]
 * @property {{move: boolean}} can
 * @property {{id: string, name: string} | null} customer
 * @property {{name: string} | null} owner
 */
/** @typedef {{id: string, name: string, totals: {count: number, sum: {expectedAmount: {total: Money}} | null}}} Stage */
/** @typedef {{nodes: Card[], pageInfo: {hasNextPage: boolean, endCursor: string | null}}} Cards */

const PAGE = 20;
const UNDER_WAY = "{status: {notIn: [LOST, CLOSED]}}";
const TOTALS = "count sum { expectedAmount { total { amount currency } } weightedAmount { total { amount currency } } }";
const STAGES = `
  open: opportunitiesAggregate(where: {outcome: {eq: OPEN}}) { ${TOTALS} }
  stages { id name totals: opportunitiesAggregate(where: ${UNDER_WAY}) { ${TOTALS} } ...Cards }`;

const card = () => `id name version status outcome stageId expectedAmount { amount currency } expectedCloseDate
  ${offered("Opportunity", "isCloseOverdue")} can { move } customer { id name } owner { name }`;
const cards = () => `fragment Cards on Stage {
  opportunities(first: ${PAGE}, after: $after, where: ${UNDER_WAY}, orderBy: [{expectedCloseDate: ASC}]) {
    nodes { ${card()} } pageInfo { hasNextPage endCursor } } }`;

const MOVE = () => `mutation ($input: MoveOpportunityInput!) { moveOpportunity(input: $input) {
  opportunity { ${card()} } userErrors { code message field params } warnings { message } } }`;
const CHANGED = () => `subscription ($after: String) { opportunitiesChanged(after: $after) {
  cursor recordId record { ${card()} } } }`;

/**
 * Draws it.
 * @param {HTMLElement} container
 */
export async function draw(container) {
  const first = `query ($after: String) { ${STAGES} events(last: 0) { pageInfo { endCursor } } } ${cards()}`;
  const data = await ask(first);
  const board = new Board(container, data);
  const redraw = async () => board.show(await ask(first));
  const stop = listen(CHANGED(), {after: data.events.pageInfo.endCursor}, (change) => board.hear(change), redraw);
  return () => {
    stop();
    board.end();
  };
}

class Board {
  /** @type {Map<string, Column>} */
  columns = new Map();
  /** @type {Map<string, {record: Card, element: HTMLElement}>} */
  cards = new Map();
  /** What is being dragged. @type {string | null} */
  dragged = null;

  /**
   * @param {HTMLElement} container
   * @param {{stages: any[], open: any}} data
   */
  constructor(container, data) {
    this.total = h("p", {class: "soft figure"});
    this.lanes = h("div", {class: "lanes", role: "group", "aria-label": text("board.title"), "aria-describedby": "keys",
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.press(event)});
    this.menu = h("div", {id: "stages", class: "menu", popover: true, role: "dialog", "aria-label": text("nav.board")});
    fill(container,
      h("div", {class: "heading"}, h("h1", null, text("board.title")), this.total,
        h("p", {class: "keys", id: "keys"}, text("board.keys"))),
      this.lanes,
      this.menu,
    );
    this.sumUp = settled(async () => this.show(await ask(`query ($after: String) { ${STAGES} } ${cards()}`), true), 150);
    this.show(data);
  }

  /**
   * Shows stages with their totals, and with their first cards unless those are there.
   * @param {{stages: (Stage & {opportunities: Cards})[], open: any}} data
   * @param {boolean} [totalsOnly]
   */
  show({stages, open}, totalsOnly = false) {
    const {expectedAmount, weightedAmount} = open.sum ?? {};
    fill(this.total, text("board.total", {
      count: number(open.count),
      amount: money(expectedAmount?.total, {short: true}),
      weighted: money(weightedAmount?.total, {short: true}),
    }));
    if (totalsOnly) {
      for (const stage of stages) this.columns.get(stage.id)?.head(stage);
      return;
    }
    this.end();
    this.cards.clear();
    this.columns = new Map(stages.map((stage) => [stage.id, new Column(this, stage)]));
    fill(this.lanes, [...this.columns.values()].map((column) => column.element));
    for (const stage of stages) this.columns.get(stage.id)?.take(stage.opportunities);
    this.lanes.querySelector(".card")?.setAttribute("tabindex", "0");
  }

  end() {
    for (const column of this.columns.values()) column.unwatch();
  }

  /**
   * Takes up what somebody has changed.
   * @param {{opportunitiesChanged: {recordId: string, record: Card | null}}} change
   */
  hear({opportunitiesChanged: {recordId, record}}) {
    const known = this.cards.get(recordId);
    if (known && record && known.record.version >= record.version) return;
    if (record && !["LOST", "CLOSED"].includes(record.status)) this.put(record).classList.add("changed");
    else this.remove(recordId);
    this.sumUp();
  }

  /** @param {string} id */
  remove(id) {
    this.cards.get(id)?.element.remove();
    this.cards.delete(id);
  }

  /**
   * Puts a card where it belongs, drawn anew; the focus stays on it.
   * @param {Card} record
   * @returns {HTMLElement}
   */
  put(record) {
    const before = this.cards.get(record.id)?.element;
    const hadFocus = before?.contains(document.activeElement);
    const element = this.card(record);
    element.tabIndex = before?.tabIndex ?? -1;
    this.remove(record.id);
    this.cards.set(record.id, {record, element});
    this.columns.get(record.stageId)?.insert(element, record);
    if (hadFocus) element.focus();
    return element;
  }

  /**
   * @param {Card} record
   * @returns {HTMLElement}
   */
  card(record) {
    const {id, name, customer, owner, expectedAmount, expectedCloseDate, isCloseOverdue, outcome, can} = record;
    const drag = (/** @type {DragEvent} */ event) => {
      this.dragged = id;
      event.dataTransfer?.setData("text/plain", name);
      element.classList.add("dragged");
    };
    const drop = () => {
      this.dragged = null;
      element.classList.remove("dragged");
    };
    const element = h("li", {class: "card", "data-id": id, draggable: can.move ? "true" : "false", tabindex: -1,
      ondragstart: drag, ondragend: drop, onfocus: () => this.choose(element)},
    h("div", {class: "row"},
      h("h3", null, name),
      can.move && h("button", {class: "quiet more", tabindex: -1, "aria-label": text("board.move", {name}),
        onclick: (/** @type {Event} */ event) => this.offer(record, /** @type {HTMLElement} */ (event.currentTarget))},
      "⋯"),
    ),
    customer && h("a", {href: `#/customers/${customer.id}`, tabindex: -1, draggable: "false"}, customer.name),
    h("p", {class: "row figure"},
      h("strong", null, money(expectedAmount)),
      h("span", {class: "soft small"}, owner?.name ?? text("board.unowned")),
    ),
    outcome === "WON"
      ? h("p", {class: "mark"}, icon("check"), text("board.won"))
      : expectedCloseDate && h("p", {class: isCloseOverdue ? "late small" : "soft small"},
        text(isCloseOverdue ? "board.overdue" : "board.close", {day: day(expectedCloseDate)})));
    return element;
  }

  /**
   * Makes a card the one that the Tab key leads to.
   * @param {HTMLElement} element
   */
  choose(element) {
    this.lanes.querySelector('.card[tabindex="0"]')?.setAttribute("tabindex", "-1");
    element.tabIndex = 0;
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const element = /** @type {HTMLElement} */ (event.target);
    const id = element.dataset.id;
    const known = id && this.cards.get(id);
    if (!known || event.ctrlKey || event.altKey || event.metaKey) return;
    const columns = [...this.columns.values()];
    const at = columns.findIndex((column) => column.list.contains(element));
    const step = {ArrowLeft: -1, ArrowRight: 1}[event.key] ?? 0;
    if (event.key === "Enter") element.querySelector("a")?.click();
    else if (step && event.shiftKey) {
      const target = columns[at + step];
      if (target && known.record.can.move) this.move(known.record, target);
    } else if (step) {
      const beyond = step < 0 ? columns.slice(0, at).reverse() : columns.slice(at + 1);
      const row = [...columns[at].list.children].indexOf(element);
      const next = beyond.find((column) => column.cards.length)?.cards;
      next?.[Math.min(row, next.length - 1)].focus();
    } else if (event.key === "ArrowDown") focusOn(element.nextElementSibling);
    else if (event.key === "ArrowUp") focusOn(element.previousElementSibling);
    else return;
    event.preventDefault();
  }

  /**
   * Offers the stages to move a card to.
   * @param {Card} record
   * @param {HTMLElement} button
   */
  offer(record, button) {
    const others = [...this.columns.values()].filter((column) => column.id !== record.stageId);
    fill(this.menu, others.map((column) => h("button", {class: "quiet", onclick: () => {
      this.menu.hidePopover();
      this.move(record, column);
    }}, column.name)));
    const {bottom, right} = button.getBoundingClientRect();
    this.menu.style.left = `${Math.max(8, right - 240)}px`;
    this.menu.style.top = `${Math.min(bottom + 4, innerHeight - 48 * others.length - 24)}px`;
    this.menu.showPopover();
    this.menu.querySelector("button")?.focus();
  }

  /**
   * Moves a card, which returns if the server refuses.
   * @param {Card} record
   * @param {Column} column
   */
  async move(record, column) {
    const {id, version, name} = record;
    this.put({...record, stageId: column.id}).classList.add("moving");
    /** @type {{opportunity: Card | null, userErrors: UserError[], warnings: UserError[]}} */
    let payload;
    try {
      payload = (await ask(MOVE(), {input: {id, stageId: column.id, expectedVersion: version}})).moveOpportunity;
    } catch (error) {
      this.note(this.put(record), [/** @type {Error} */ (error).message]);
      return;
    }
    const {opportunity, userErrors, warnings} = payload;
    // Somebody may have moved it meanwhile: what was heard last is what it is now.
    const now = opportunity ?? record;
    const heard = this.cards.get(id)?.record ?? now;
    const element = this.put(heard.version > now.version ? heard : now);
    element.scrollIntoView({block: "nearest", inline: "nearest"});
    if (userErrors.length) {
      this.note(element, userErrors.map((error) => error.message));
      announce(text("board.refused", {name, reason: userErrors[0].message}));
    } else {
      if (warnings.length) this.note(element, warnings.map((warning) => warning.message));
      announce(text("board.moved", {name, stage: column.name}));
    }
    this.sumUp();
  }

  /**
   * Says at a card what the server said.
   * @param {HTMLElement} element
   * @param {string[]} messages
   */
  note(element, messages) {
    const note = h("div", {class: "note"},
      messages.map((message) => h("p", null, message)),
      h("button", {class: "link", onclick: () => {
        note.remove();
        element.focus();
      }}, text("board.dismiss")),
    );
    element.append(note);
    element.scrollIntoView({block: "nearest"});
  }
}

/** A stage, with those of its cards that have been loaded. */
class Column {
  unwatch = () => {};
  after = /** @type {string | null} */ (null);

  /**
   * @param {Board} board
   * @param {Stage} stage
   */
  constructor(board, stage) {
    this.board = board;
    this.id = stage.id;
    this.name = stage.name;
    this.list = h("ul", {class: "cards"});
    this.more = h("div", {class: "rest"});
    this.header = h("header", null);
    this.element = h("section", {class: "lane", "aria-label": stage.name,
      ondragover: (/** @type {DragEvent} */ event) => this.hover(event),
      ondragleave: () => this.element.classList.remove("aimed"),
      ondrop: (/** @type {DragEvent} */ event) => this.drop(event)},
    this.header, h("div", {class: "scroll"}, this.list, this.more));
    this.head(stage);
  }

  /** Its cards, as far as they are loaded. */
  get cards() {
    return /** @type {HTMLElement[]} */ ([...this.list.children]);
  }

  /**
   * Shows how many and how much.
   * @param {Stage} stage
   */
  head({name, totals}) {
    fill(this.header,
      h("h2", null, name),
      h("p", {class: "soft figure"}, h("span", {class: "count"}, number(totals.count)), " · ",
        h("span", {class: "sum"}, money(totals.sum?.expectedAmount.total, {short: true}))),
    );
  }

  /**
   * Takes a page of cards, and watches for the end of what it has.
   * @param {Cards} page
   */
  take({nodes, pageInfo}) {
    this.unwatch();
    this.after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
    // Those that have been moved here meanwhile are shown already.
    for (const record of nodes) if (!this.board.cards.has(record.id)) this.board.put(record);
    if (this.after) this.unwatch = whenSeen(this.more, () => this.load());
  }

  async load() {
    this.unwatch();
    const query = `query ($id: ID!, $after: String) { stage(id: $id) { ...Cards } } ${cards()}`;
    const {stage} = await ask(query, {id: this.id, after: this.after});
    if (stage) this.take(stage.opportunities);
  }

  /**
   * Inserts a card in the order of the list: by expected close date, those without one last.
   * @param {HTMLElement} element
   * @param {Card} record
   */
  insert(element, record) {
    const place = (/** @type {Card} */ card) => `${card.expectedCloseDate ?? "9999"} ${card.id}`;
    const later = this.cards.find((other) => {
      const known = this.board.cards.get(other.dataset.id ?? "");
      return known && place(known.record) > place(record);
    });
    this.list.insertBefore(element, later ?? null);
  }

  /** @param {DragEvent} event */
  hover(event) {
    if (!this.board.dragged) return;
    event.preventDefault();
    this.element.classList.add("aimed");
  }

  /** @param {DragEvent} event */
  drop(event) {
    event.preventDefault();
    this.element.classList.remove("aimed");
    const known = this.board.cards.get(this.board.dragged ?? "");
    if (known && known.record.stageId !== this.id) this.board.move(known.record, this);
  }
}

/** @param {Element | null} element */
function focusOn(element) {
  if (element instanceof HTMLElement) element.focus();
}
