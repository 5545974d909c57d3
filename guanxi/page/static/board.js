/** The board: what is under way, by stage. Cards are moved by mouse, menu or keys, and by other people meanwhile. */

import {ask, listen, offered} from "./api.js";
import {announce, fill, h, icon, settled, whenSeen} from "./dom.js";
import {day, money, number, text} from "./texts.js";

/** @typedef {import("./texts.js").Money} Money */
/**
 * @typedef {{id: string, name: string, version: number, status: string, outcome: string, stageId: string,
 *   expectedAmount: Money | null, expectedCloseDate: string | null, isCloseOverdue?: boolean, can: {move: boolean},
 *   customer: {id: string, name: string} | null, owner: {name: string} | null}} Card
 */
/** @typedef {{nodes: Card[], pageInfo: {hasNextPage: boolean, endCursor: string | null}}} Cards */
/** @typedef {{count: number, sum: Record<"expectedAmount" | "weightedAmount", {total: Money}> | null}} Totals */
/** @typedef {{id: string, name: string, totals: Totals, opportunities: Cards}} Stage */
/** @typedef {{stages: Stage[], open: Totals}} Stages */

const PAGE = 20;
const UNDER_WAY = "{status: {notIn: [LOST, CLOSED]}}";
const TOTALS = "count sum { expectedAmount { total { amount currency } } weightedAmount { total { amount currency } } }";
const stages = (/** @type {string} */ more) => `open: opportunitiesAggregate(where: {outcome: {eq: OPEN}}) { ${TOTALS} }
  stages { id name totals: opportunitiesAggregate(where: ${UNDER_WAY}) { ${TOTALS} } ${more} }`;

const card = () => `id name version status outcome stageId expectedAmount { amount currency } expectedCloseDate
  ${offered("Opportunity", "isCloseOverdue")} can { move } customer { id name } owner { name }`;
const cards = () => `fragment Cards on Stage {
  opportunities(first: ${PAGE}, after: $after, where: ${UNDER_WAY}, orderBy: [{expectedCloseDate: ASC}]) {
    nodes { ${card()} } pageInfo { hasNextPage endCursor } } }`;

const MOVE = () => `mutation ($input: MoveOpportunityInput!) { moveOpportunity(input: $input) {
  opportunity { ${card()} } userErrors { message } warnings { message } } }`;
const CHANGED = () => `subscription ($after: String) { opportunitiesChanged(after: $after) {
  cursor recordId record { ${card()} } } }`;

/** Draws it. @param {HTMLElement} container */
export async function draw(container) {
  const first = `query ($after: String) { ${stages("...Cards")} events(last: 0) { pageInfo { endCursor } } } ${cards()}`;
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

  /** @param {HTMLElement} container @param {Stages} data */
  constructor(container, data) {
    this.total = h("p", {class: "soft figure"});
    this.lanes = h("div", {class: "lanes", role: "group", "aria-label": text("board.title"), "aria-describedby": "keys",
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.press(event)});
    this.menu = h("div", {id: "stages", class: "menu", popover: true, role: "dialog", "aria-label": text("board.stages")});
    fill(container,
      h("div", {class: "heading"}, h("h1", null, text("board.title")), this.total,
        h("p", {class: "keys", id: "keys"}, text("board.keys"))),
      this.lanes,
      this.menu,
    );
    this.sumUp = settled(async () => this.show(await ask(`{ ${stages("")} }`), true), 150);
    this.show(data);
  }

  /** Shows the totals, and each stage with its first cards. @param {Stages} data @param {boolean} [totalsOnly] */
  show({stages, open}, totalsOnly = false) {
    const {expectedAmount, weightedAmount} = open.sum ?? {};
    fill(this.total, text("board.total", {
      count: number(open.count),
      amount: money(expectedAmount?.total, {short: true}),
      weighted: money(weightedAmount?.total, {short: true}),
    }));
    if (totalsOnly) return stages.forEach((stage) => this.columns.get(stage.id)?.head(stage));
    this.end();
    this.cards.clear();
    this.columns = new Map(stages.map((stage) => [stage.id, new Column(this, stage)]));
    fill(this.lanes, [...this.columns.values()].map((column) => column.element));
    for (const stage of stages) this.columns.get(stage.id)?.take(stage.opportunities);
  }

  end() {
    for (const column of this.columns.values()) column.unwatch();
  }

  /** Takes up a change. @param {{opportunitiesChanged: {recordId: string, record: Card | null}}} data */
  hear({opportunitiesChanged: {recordId, record}}) {
    const known = this.cards.get(recordId);
    if (known && record && known.record.version >= record.version) return;
    if (record && !["LOST", "CLOSED"].includes(record.status)) this.put(record).classList.add("changed");
    else this.remove(recordId);
    this.sumUp();
  }

  /** @param {string} id */
  remove(id) {
    const element = this.cards.get(id)?.element;
    const next = element?.tabIndex === 0 && (element.nextElementSibling ?? element.previousElementSibling);
    element?.remove();
    this.cards.delete(id);
    if (next) this.choose(/** @type {HTMLElement} */ (next));
  }

  /** Puts a card where it belongs, drawn anew; the focus stays on it. @param {Card} record @returns {HTMLElement} */
  put(record) {
    const before = this.cards.get(record.id)?.element;
    const hadFocus = before?.contains(document.activeElement);
    const element = this.card(record);
    this.remove(record.id);
    this.cards.set(record.id, {record, element});
    this.columns.get(record.stageId)?.insert(element, record);
    if (hadFocus) element.focus();
    return element;
  }

  /** @param {Card} record @returns {HTMLElement} */
  card(record) {
    const {id, name, customer, owner, expectedAmount, expectedCloseDate, isCloseOverdue, outcome, can} = record;
    const when = expectedCloseDate && outcome === "OPEN" &&
      text(isCloseOverdue ? "board.overdue" : "board.close", {day: day(expectedCloseDate)});
    const element = h("li", {class: "card", "data-id": id, draggable: String(can.move), tabindex: -1,
      onfocus: () => this.choose(element),
      ondragstart: (/** @type {DragEvent} */ event) => {
        this.dragged = id;
        event.dataTransfer?.setData("text/plain", name);
        element.classList.add("dragged");
      },
      ondragend: () => {
        this.dragged = null;
        element.classList.remove("dragged");
      }},
    h("h3", null, name),
    customer && h("a", {href: `#/customers/${customer.id}`, tabindex: -1, draggable: "false"}, customer.name),
    h("strong", {class: "figure"}, money(expectedAmount)),
    h("p", {class: "soft small about"},
      outcome === "WON" && h("span", {class: "mark"}, icon("check"), text("board.won")),
      when && h("span", {class: isCloseOverdue ? "late" : null}, when),
      h("span", null, owner?.name ?? text("board.unowned"))),
    can.move && h("button", {class: "quiet more", tabindex: -1, "aria-label": text("board.move", {name}),
      onclick: (/** @type {Event} */ event) => this.offer(record, /** @type {HTMLElement} */ (event.currentTarget))}, "⋯"));
    return element;
  }

  /** Makes a card the one of its stage that the Tab key leads to. @param {HTMLElement} element */
  choose(element) {
    element.parentElement?.querySelector('.card[tabindex="0"]')?.setAttribute("tabindex", "-1");
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
      const row = columns[at].cards.indexOf(element);
      const next = beyond.find((column) => column.cards.length)?.cards;
      next?.[Math.min(row, next.length - 1)].focus();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const {cards} = columns[at];
      cards[cards.indexOf(element) + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
    } else return;
    event.preventDefault();
  }

  /** Offers the stages to move a card to. @param {Card} record @param {HTMLElement} button */
  offer(record, button) {
    const others = [...this.columns.values()].filter((column) => column.id !== record.stageId);
    const choose = (/** @type {Column} */ column) => {
      this.menu.hidePopover();
      this.move(record, column);
    };
    fill(this.menu, others.map((column) => h("button", {class: "quiet", onclick: () => choose(column)}, column.name)));
    const {bottom, right} = button.getBoundingClientRect();
    this.menu.style.left = `${Math.max(8, right - 240)}px`;
    this.menu.style.top = `${Math.min(bottom + 4, innerHeight - 48 * others.length - 24)}px`;
    this.menu.showPopover();
    this.menu.querySelector("button")?.focus();
  }

  /** Moves a card, which returns if the server refuses. @param {Card} record @param {Column} column */
  async move(record, column) {
    const {id, version, name} = record;
    this.put({...record, stageId: column.id}).classList.add("moving");
    /** @type {{opportunity: Card | null, userErrors: {message: string}[], warnings: {message: string}[]}} */
    const {opportunity, userErrors, warnings} = await ask(MOVE(), {input: {id, stageId: column.id, expectedVersion: version}})
      .then((data) => data.moveOpportunity, (error) => ({opportunity: null, userErrors: [error], warnings: []}));
    // Somebody may have moved it meanwhile: what was heard last is what it is now.
    const now = opportunity ?? record;
    const heard = this.cards.get(id)?.record ?? now;
    const element = this.put(heard.version > now.version ? heard : now);
    element.scrollIntoView({block: "nearest", inline: "nearest"});
    const notes = [...userErrors, ...warnings].map((problem) => problem.message);
    if (notes.length) this.note(element, notes);
    announce(userErrors.length
      ? text("board.refused", {name, reason: notes[0]})
      : text("board.moved", {name, stage: column.name}));
    this.sumUp();
  }

  /** Says at a card what the server said. @param {HTMLElement} element @param {string[]} messages */
  note(element, messages) {
    const dismiss = () => {
      note.remove();
      element.focus();
    };
    const note = h("div", {class: "note"}, messages.map((message) => h("p", null, message)),
      h("button", {class: "link", onclick: dismiss}, text("board.dismiss")));
    element.append(note);
    element.scrollIntoView({block: "nearest"});
  }
}

/** A stage, with those of its cards that have been loaded. */
class Column {
  unwatch = () => {};
  after = /** @type {string | null} */ (null);

  /** @param {Board} board @param {Stage} stage */
  constructor(board, stage) {
    this.board = board;
    this.id = stage.id;
    this.name = stage.name;
    this.list = h("ul", {class: "cards"});
    this.more = h("div", {class: "rest"});
    this.header = h("header", null);
    const aim = (/** @type {DragEvent} */ event) => {
      if (!board.dragged) return;
      event.preventDefault();
      this.element.classList.toggle("aimed", event.type === "dragover");
      const record = board.cards.get(board.dragged)?.record;
      if (event.type === "drop" && record && record.stageId !== this.id) board.move(record, this);
    };
    this.element = h("section", {class: "lane", "aria-label": stage.name, ondragover: aim, ondragleave: aim, ondrop: aim},
      this.header, h("div", {class: "scroll"}, this.list, this.more));
    this.head(stage);
  }

  /** Its cards, as far as they are loaded. */
  get cards() {
    return /** @type {HTMLElement[]} */ ([...this.list.children]);
  }

  /** Shows how many and how much. @param {Stage} stage */
  head({name, totals}) {
    fill(this.header, h("h2", null, name), h("p", {class: "soft figure"}, h("span", {class: "count"}, number(totals.count)),
      " · ", h("span", {class: "sum"}, money(totals.sum?.expectedAmount.total, {short: true}))));
  }

  /** Takes a page of cards, and watches for the end of what it has. @param {Cards} page */
  take({nodes, pageInfo}) {
    this.unwatch();
    this.after = null;
    for (const record of nodes) {
      const known = this.board.cards.get(record.id);
      if (!known || known.element.classList.contains("ahead")) this.board.put(record);
    }
    this.after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
    if (this.after) this.unwatch = whenSeen(this.more, () => this.load());
  }

  async load() {
    this.unwatch();
    const {stage} = await ask(`query ($id: ID!, $after: String) { stage(id: $id) { ...Cards } } ${cards()}`,
      {id: this.id, after: this.after});
    if (stage) this.take(stage.opportunities);
  }

  /** Inserts a card by expected close date, as the list is ordered. @param {HTMLElement} element @param {Card} record */
  insert(element, record) {
    const place = (/** @type {Card} */ card) => `${card.expectedCloseDate ?? "9999"} ${card.id}`;
    const known = (/** @type {HTMLElement} */ other) => this.board.cards.get(other.dataset.id ?? "")?.record ?? record;
    const later = this.cards.find((other) => !other.matches(".ahead") && place(known(other)) > place(record));
    // What belongs among cards that are not loaded yet is shown first, until they are.
    const isAhead = !later && this.after !== null;
    element.classList.toggle("ahead", isAhead);
    this.list.insertBefore(element, isAhead ? this.list.firstChild : later ?? null);
    if (!this.list.querySelector('[tabindex="0"]')) this.board.choose(element);
  }
}
