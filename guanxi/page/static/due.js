/** What is due today or was due before: tasks, follow-ups, what should have closed, and what plugins remind of. */

import {ask, offered, refusal, user} from "./api.js";
import {announce, fill, h, icon} from "./dom.js";
import {day, money, number, text} from "./texts.js";

/** @typedef {import("./texts.js").TextKey} TextKey */
/**
 * A list, ordered by when its records are due; `about` is an amount or somebody's name, `fields` is what else is asked,
 * `mine` is the condition by which a record is the viewer's, `needs` a record and the plugin's field without which the list
 * is not there.
 * @typedef {{list: string, where: string, mine: string, due: string, about: string, fields: string,
 *   name: (node: any) => string, needs?: [string, string]}} Group
 */

const CUSTOMER = "customer { id name }";
const AMOUNT = "{ amount currency }";
const ASSIGNED = "{assigneeId: {eq: $user}}";
const OWNED = "{ownerId: {eq: $user}}";

/** @type {Record<string, Group>} */
const GROUPS = {
  tasks: {list: "tasks", where: "{status: {in: [OPEN, IN_PROGRESS]}, dueOn: {lte: $today}}", due: "dueOn",
    mine: ASSIGNED, about: "assignee { name }", fields: `version subject can { update } ${CUSTOMER}`, name: (node) => node.subject},
  followUps: {list: "opportunities", where: "{outcome: {eq: OPEN}, nextActionAt: {lt: $tomorrow}}", due: "nextActionAt",
    mine: OWNED, about: "owner { name }", fields: `name nextAction ${CUSTOMER}`, name: (node) => node.nextAction ?? node.name},
  closing: {list: "opportunities", where: "{outcome: {eq: OPEN}, expectedCloseDate: {lte: $today}}", due: "expectedCloseDate",
    mine: OWNED, about: `expectedAmount ${AMOUNT}`, fields: `name ${CUSTOMER}`, name: (node) => node.name},
  collection: {list: "receivables", where: "{isReminderDue: {eq: true}}", due: "dueOn",
    mine: `{customer: ${OWNED}}`, about: `outstanding ${AMOUNT}`, fields: `number dunningLevel ${CUSTOMER}`, needs: ["Receivable", "isReminderDue"],
    name: (node) => text("due.reminder", {number: node.number, level: number(node.dunningLevel)})},
  promises: {list: "paymentPromises", where: "{promisedFor: {lte: $today}, status: {in: [OPEN, BROKEN]}}", due: "promisedFor",
    mine: `{receivable: {customer: ${OWNED}}}`, about: `amount ${AMOUNT}`, fields: `receivable { number ${CUSTOMER} }`, needs: ["PaymentPromise", "status"],
    name: (node) => node.receivable?.number},
  actions: {list: "improvementActions", where: "{status: {in: [OPEN, IN_PROGRESS]}, dueOn: {lte: $today}}", due: "dueOn",
    mine: ASSIGNED, about: "assignee { name }", fields: `title ${CUSTOMER}`, needs: ["ImprovementAction", "dueOn"], name: (node) => node.title},
  toContact: {list: "customers", where: "{isContactOverdue: {eq: true}}", due: "lastInteractionAt",
    mine: OWNED, about: "owner { name }", needs: ["Customer", "isContactOverdue"], fields: "name", name: (node) => node.name},
  reviews: {list: "customers", where: "{isCreditReviewOverdue: {eq: true}}", due: "nextCreditReviewOn",
    mine: OWNED, about: "owner { name }", needs: ["Customer", "isCreditReviewOverdue"], fields: "name", name: (node) => node.name},
};

/** @param {string} name of a group */
const title = (name) => text(/** @type {TextKey} */ (`due.${name}`));

/** So many of a group are shown first, and so many more each time. */
const SHOWN = 8;
const MORE = 100;
const KEPT = "guanxi.mine";

const COMPLETE = `mutation ($input: CompleteTaskInput!) { completeTask(input: $input) {
  task { id status } userErrors { message } } }`;

/** Draws it. @param {HTMLElement} container */
export async function draw(container) {
  const now = new Date();
  const today = [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
  const tomorrow = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1).toISOString();
  /** How many of a group are shown. @type {Record<string, number>} */
  const lengths = {};
  const isThere = (/** @type {string} */ name) => !refusal(name) && (!GROUPS[name].needs || offered(...GROUPS[name].needs));
  let names = Object.keys(GROUPS).filter(isThere);

  const only = h("input", {type: "checkbox", checked: Boolean(user() && localStorage.getItem(KEPT)), onchange: () => {
    localStorage.setItem(KEPT, only.checked ? "yes" : "");
    redraw().then(() => only.focus());
  }});

  /** Asks for all groups in one query; those that the viewer may not see are left out. @returns {Promise<any>} */
  const askAll = async () => {
    const fields = names.map((name) => {
      const {list, where, mine, due, about, fields} = GROUPS[name];
      const filter = only.checked ? `{and: [${where}, ${mine}]}` : where;
      return `${name}: ${list}(where: ${filter}, orderBy: [{${due}: ASC}], first: ${lengths[name] ?? SHOWN}) {
        totalCount nodes { id due: ${due} about: ${about} ${fields} } }`;
    });
    try {
      return await ask(`query ($today: Date!, $tomorrow: DateTime! ${only.checked ? "$user: ID!" : ""}) {
        ${fields.join(" ")} }`, {today, tomorrow, user: user()});
    } catch (error) {
      const before = names.length;
      names = names.filter(isThere);
      if (names.length === before) throw error;
      return askAll();
    }
  };
  const redraw = async () => {
    const data = await askAll();
    const filled = names.filter((name) => data[name].totalCount);
    const total = filled.reduce((sum, name) => sum + data[name].totalCount, 0);
    fill(container,
      h("div", {class: "heading"}, h("h1", null, text("due.title")),
        h("p", {class: "soft figure"}, text("due.total", {count: number(total), day: day(today)})),
        user() && h("label", {class: "only"}, only, text("due.mine"))),
      h("div", {class: "groups"}, filled.length
        ? filled.map((name) => group(name, data[name]))
        : h("p", {class: "empty"}, text("due.none"))));
  };
  /** @param {string} name @param {{totalCount: number, nodes: any[]}} list */
  const group = (name, {totalCount, nodes}) => h("section", {class: "sheet", "aria-label": title(name)},
    h("h2", null, title(name), h("span", {class: "soft figure"}, ` ${number(totalCount)}`)),
    h("ul", {class: "lines"}, nodes.map((node) => line(name, node))),
    totalCount > nodes.length && nodes.length < MORE && h("button", {class: "quiet", onclick: () => {
      lengths[name] = MORE;
      redraw();
    }}, text("due.more", {count: number(Math.min(totalCount, MORE) - nodes.length)})));
  /** @param {string} name @param {any} node */
  const line = (name, node) => {
    const {due, about} = node;
    const what = GROUPS[name].name(node);
    const customer = GROUPS[name].list === "customers" ? node : node.customer ?? node.receivable?.customer;
    const isLate = due && due.slice(0, 10) < today;
    const problem = h("p", {class: "problem small", role: "alert"});
    return h("li", {"data-id": node.id},
      name === "tasks" && node.can.update && h("button", {class: "done", "aria-label": text("due.complete", {name: what}),
        onclick: () => complete(node, problem)}, icon("check")),
      h("span", {class: "grow"}, customer === node ? null : h("strong", null, what),
        customer && h("a", {class: customer === node ? null : "small", href: `#/customers/${customer.id}`}, customer.name), problem),
      h("span", {class: "end small"}, h("span", {class: isLate ? "late" : null}, day(due) || "–"),
        h("span", {class: "soft figure"}, about?.name ?? money(about))));
  };
  /** @param {any} task @param {HTMLElement} problem */
  const complete = async ({id, version, subject}, problem) => {
    const {userErrors} = (await ask(COMPLETE, {input: {id, expectedVersion: version}})).completeTask;
    if (userErrors.length) return fill(problem, userErrors[0].message);
    announce(text("due.completed", {name: subject}));
    await redraw();
    /** @type {HTMLElement | null} */ (container.querySelector(".done"))?.focus();
  };
  await redraw();
}
