/**
 * What is due today or was due before: tasks, follow-ups, what should have closed, and what plugins remind of.
 */

import {ApiError, ask, isRefused, offered} from "./api.js";
import {announce, fill, h, icon} from "./dom.js";
import {day, money, number, text} from "./texts.js";

/** @typedef {import("./texts.js").TextKey} TextKey */
/**
 * @typedef {object} Group
 * @property {TextKey} title
 * @property {[string, string]} [needs] the record and the plugin's field without which it is not there
 * @property {string} list the list that is asked
 * @property {string} where
 * @property {string} order
 * @property {string} fields
 * @property {(node: any) => {name: string, due: string | null, about: string}} show
 */

const CUSTOMER = "customer { id name }";
const AMOUNT = "{ amount currency }";

/** @type {Record<string, Group>} */
const GROUPS = {
  tasks: {title: "due.tasks", list: "tasks", where: "{status: {in: [OPEN, IN_PROGRESS]}, dueOn: {lte: $today}}",
    order: "dueOn: ASC", fields: `version subject dueOn can { update } assignee { name } ${CUSTOMER}`,
    show: (node) => ({name: node.subject, due: node.dueOn, about: node.assignee?.name})},
  followUps: {title: "due.followUps", list: "opportunities",
    where: "{outcome: {eq: OPEN}, nextActionAt: {lt: $tomorrow}}", order: "nextActionAt: ASC",
    fields: `name nextAction nextActionAt owner { name } ${CUSTOMER}`,
    show: (node) => ({name: node.nextAction ?? node.name, due: node.nextActionAt, about: node.owner?.name})},
  closing: {title: "due.closing", list: "opportunities",
    where: "{outcome: {eq: OPEN}, expectedCloseDate: {lte: $today}}", order: "expectedCloseDate: ASC",
    fields: `name expectedCloseDate expectedAmount ${AMOUNT} ${CUSTOMER}`,
    show: (node) => ({name: node.name, due: node.expectedCloseDate, about: money(node.expectedAmount)})},
  collection: {title: "due.collection", needs: ["Receivable", "isReminderDue"], list: "receivables",
    where: "{isReminderDue: {eq: true}}", order: "dueOn: ASC",
    fields: `number dueOn dunningLevel outstanding ${AMOUNT} ${CUSTOMER}`,
    show: (node) => ({name: text("due.reminder", {number: node.number, level: number(node.dunningLevel)}), due: node.dueOn,
      about: money(node.outstanding)})},
  promises: {title: "due.promises", needs: ["PaymentPromise", "status"], list: "paymentPromises",
    where: "{promisedFor: {lte: $today}, status: {in: [OPEN, BROKEN]}}", order: "promisedFor: ASC",
    fields: `promisedFor amount ${AMOUNT} receivable { number ${CUSTOMER} }`,
    show: (node) => ({name: node.receivable?.number, due: node.promisedFor, about: money(node.amount)})},
  actions: {title: "due.actions", needs: ["ImprovementAction", "dueOn"], list: "improvementActions",
    where: "{status: {in: [OPEN, IN_PROGRESS]}, dueOn: {lte: $today}}", order: "dueOn: ASC",
    fields: `title dueOn assignee { name } ${CUSTOMER}`,
    show: (node) => ({name: node.title, due: node.dueOn, about: node.assignee?.name})},
  contacts: {title: "due.contacts", needs: ["Customer", "isContactOverdue"], list: "customers",
    where: "{isContactOverdue: {eq: true}}", order: "lastInteractionAt: ASC",
    fields: "name lastInteractionAt owner { name }",
    show: (node) => ({name: node.name, due: node.lastInteractionAt, about: node.owner?.name})},
  reviews: {title: "due.reviews", needs: ["Customer", "isCreditReviewOverdue"], list: "customers",
    where: "{isCreditReviewOverdue: {eq: true}}", order: "nextCreditReviewOn: ASC",
    fields: "name nextCreditReviewOn owner { name }",
    show: (node) => ({name: node.name, due: node.nextCreditReviewOn, about: node.owner?.name})},
};

/** So many of a group are shown first, and so many more each time. */
const SHOWN = 8;
const MORE = 100;

const COMPLETE = `mutation ($input: CompleteTaskInput!) { completeTask(input: $input) {
  task { id status } userErrors { message } } }`;

/** Draws it. @param {HTMLElement} container */
export async function draw(container) {
  const now = new Date();
  const today = [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
  const tomorrow = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1).toISOString();
  /** How many of a group are shown. @type {Record<string, number>} */
  const lengths = {};
  const isThere = (/** @type {string} */ name) => !isRefused(name) && (!GROUPS[name].needs || offered(...GROUPS[name].needs));
  let names = Object.keys(GROUPS).filter(isThere);

  /** Asks for all groups in one query; those that the viewer may not see are left out. @returns {Promise<any>} */
  const askAll = async () => {
    const fields = names.map((name) => {
      const {list, where, order, fields} = GROUPS[name];
      return `${name}: ${list}(where: ${where}, orderBy: [{${order}}], first: ${lengths[name] ?? SHOWN}) {
        totalCount nodes { id ${fields} } }`;
    });
    try {
      return await ask(`query ($today: Date!, $tomorrow: DateTime!) { ${fields.join(" ")} }`, {today, tomorrow});
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
        h("p", {class: "soft figure"}, text("due.total", {count: number(total), day: day(today)}))),
      h("div", {class: "groups"}, filled.length
        ? filled.map((name) => group(name, data[name]))
        : h("p", {class: "empty"}, text("due.none"))));
  };
  /** @param {string} name @param {{totalCount: number, nodes: any[]}} list */
  const group = (name, {totalCount, nodes}) => h("section", {class: "sheet", "aria-label": text(GROUPS[name].title)},
    h("h2", null, text(GROUPS[name].title), h("span", {class: "soft figure"}, ` ${number(totalCount)}`)),
    h("ul", {class: "lines"}, nodes.map((node) => line(name, node))),
    totalCount > nodes.length && nodes.length < MORE && h("button", {class: "quiet", onclick: () => {
      lengths[name] = MORE;
      redraw();
    }}, text("due.more", {count: number(Math.min(totalCount, MORE) - nodes.length)})));
  /** @param {string} name @param {any} node */
  const line = (name, node) => {
    const {name: title, due, about} = GROUPS[name].show(node);
    const customer = GROUPS[name].list === "customers" ? node : node.customer ?? node.receivable?.customer;
    const isLate = due && due.slice(0, 10) < today;
    const problem = h("p", {class: "problem small", role: "alert"});
    return h("li", {"data-id": node.id},
      name === "tasks" && node.can.update && h("button", {class: "done", "aria-label": text("due.complete", {name: title}),
        onclick: () => complete(node, problem)}, icon("check")),
      h("span", {class: "grow"}, customer === node ? null : h("strong", null, title),
        customer && h("a", {class: customer === node ? null : "small", href: `#/customers/${customer.id}`}, customer.name), problem),
      h("span", {class: "end small"}, h("span", {class: isLate ? "late" : null}, day(due) || "–"), h("span", {class: "soft figure"}, about)));
  };
  /** @param {any} task @param {HTMLElement} problem */
  const complete = async ({id, version, subject}, problem) => {
    try {
      const {userErrors} = (await ask(COMPLETE, {input: {id, expectedVersion: version}})).completeTask;
      if (userErrors.length) fill(problem, userErrors.map((/** @type {{message: string}} */ error) => error.message).join(" "));
      else {
        announce(text("due.completed", {name: subject}));
        await redraw();
        const next = container.querySelector(".done");
        if (next instanceof HTMLElement) next.focus();
      }
    } catch (error) {
      fill(problem, error instanceof ApiError ? error.message : text("app.unreachable"));
    }
  };
  await redraw();
}
