/** A customer: profile, people, opportunities, what happened, and its scores with their reasons. */

import {ask, offered, refusal} from "./api.js";
import {fill, h, icon} from "./dom.js";
import {editable} from "./editing.js";
import {day, labels, moment, money, number, text} from "./texts.js";

/** @typedef {import("./texts.js").TextKey} TextKey */

const TIMELINE = `timeline(first: 25, after: $after, newestFirst: true) {
  nodes { type occurredAt actorName action data changes { field previous current } }
  pageInfo { hasNextPage endCursor } }`;
const OPPORTUNITIES = `opportunities(first: 8, after: $after, orderBy: [{outcome: ASC}, {expectedCloseDate: DESC}]) {
  totalCount nodes { name outcome stage { name } expectedAmount { amount currency } winProbability expectedCloseDate }
  pageInfo { hasNextPage endCursor } }`;

/** What can be edited of the profile, and how. */
const EDITED = /** @type {const} */ ([
  ["legalName", "text"], ["number", "text"], ["status", "choice"], ["industry", "text"], ["region", "text"],
  ["city", "text"], ["email", "text"], ["phone", "text"], ["website", "text"], ["employeeCount", "number"],
  ["description", "long"],
]);

const MONEY = "{ amount currency }";
/** What each score asks, the plugin's field it stands for first, and the names of its values. */
const SCORES = /** @type {[string, string[]][]} */ ([
  [`valueTier valueTierSource valueTierOverrideReason valueRank currentValue ${MONEY} valueAlerts
    tierChanges(first: 3, orderBy: [{changedAt: DESC}]) { nodes { changedAt previousTier tier reason note } }`,
  ["ValueTier", "TierSource", "ValueAlert", "TierChangeReason"]],
  [`creditScore creditRisk creditRiskSource creditRiskOverrideReason creditGaps isOnCreditHold
    creditLimit ${MONEY} availableCredit ${MONEY} overdue ${MONEY} creditEvaluations(first: 1, orderBy: [{evaluatedAt: DESC}]) {
      nodes { reasons(orderBy: [{pointsLost: DESC}]) { nodes { code detail pointsLost } } } }`,
  ["CreditRisk", "CreditRiskSource", "CreditGap", "CreditReasonCode"]],
  [`satisfactionRating satisfactionLevel satisfactionGap csat nps npsTrend surveyRespondentCount lastSurveyAnswerOn`,
    ["SatisfactionLevel"]],
]);

/** The one query of the page, with the scores that this server has for this viewer. */
function query() {
  const scores = SCORES.filter(([selection]) => offered("Customer", selection));
  const names = ["CustomerStatus", "LifecycleStage", "BuyingRole", "Attitude", "Outcome", "EventType"];
  const vocabularies = [...names, ...scores.flatMap(([, names]) => names)];
  return `query ($id: ID!, $after: String) {
    customer(id: $id) {
      id version can { update } name owner { name } team { name } parent { id name } lifecycleStage customerSince
      profileCompleteness ${EDITED.map(([field]) => field).join(" ")} ${TIMELINE} ${OPPORTUNITIES}
      contacts(first: 200, orderBy: [{name: ASC}]) { totalCount nodes {
        id name jobTitle reportsToId buyingRole attitude email phone } }
      ${scores.map(([selection]) => selection).join(" ")}
    }
    ${vocabularies.map((name) => `${name}: vocabulary(name: "${name}") { value label }`).join(" ")}
  }`;
}

/** Draws it. @param {HTMLElement} container @param {string[]} params the id */
export async function draw(container, [id]) {
  /** @type {Set<string>} */
  const missing = new Set(SCORES.map(([selection]) => refusal(selection.split(" ")[0])).filter(Boolean));
  const {customer, ...vocabularies} = await ask(query(), {id},
    (errors) => errors.forEach((error) => missing.add(error.message)));
  const back = h("a", {href: "#/customers", class: "back"}, icon("left"), text("nav.customers"));
  if (!customer) return fill(container, h("div", {class: "empty"}, h("h1", null, text("customer.none")), back));
  const {label, options} = labels(vocabularies);
  document.title = `${customer.name} · guanxi`;
  fill(container,
    back,
    h("div", {class: "heading"}, h("h1", null, customer.name),
      h("p", {class: "soft"}, joined(label("CustomerStatus", customer.status), customer.industry, customer.region))),
    missing.size > 0 && h("details", {class: "missing soft"}, h("summary", null, text("customer.missing")),
      h("ul", null, [...missing].map((message) => h("li", null, message)))),
    h("div", {class: "scores"}, scores(customer, label)),
    h("div", {class: "halves"},
      h("div", null,
        section("customer.opportunities", customer.opportunities.totalCount, opportunities(customer, label)),
        section("customer.people", customer.contacts.totalCount, people(customer.contacts.nodes, label)),
        section("customer.timeline", null, timeline(customer, label))),
      section("customer.profile", null, profile(customer, label, options("CustomerStatus")))),
  );
}

/** @typedef {(vocabulary: string, value: string | null | undefined) => string} Label */
/** @typedef {import("./editing.js").Option} Option */
/** @typedef {Record<"id" | "name", string> & Record<"jobTitle" | "reportsToId" | "buyingRole" | "attitude" | "email" | "phone", string | null>} Contact */

/** What there is of some texts, side by side. @param {...(string | null | undefined | false)} texts */
const joined = (...texts) => texts.filter(Boolean).join(" · ");

/** @param {TextKey} title @param {number | null} count @param {Element} content */
function section(title, count, content) {
  return h("section", {class: "sheet", "aria-label": text(title)},
    h("h2", null, text(title), count !== null && h("span", {class: "soft figure"}, ` ${number(count)}`)), content);
}

/** @param {any} customer @param {Label} label @param {Option[]} options */
function profile(customer, label, options) {
  return facts([
    ["field.owner", customer.owner?.name],
    ["field.team", customer.team?.name],
    ["field.parent", customer.parent && h("a", {href: `#/customers/${customer.parent.id}`}, customer.parent.name)],
    ["field.lifecycleStage", label("LifecycleStage", customer.lifecycleStage)],
    ["field.customerSince", day(customer.customerSince)],
    ["field.profileCompleteness", `${number(customer.profileCompleteness)}%`],
    ...EDITED.map(([name, kind]) => /** @type {[TextKey, Element]} */ ([`field.${name}`,
      editable(customer, {name, label: text(`field.${name}`), kind, options: kind === "choice" ? options : []})])),
  ]);
}

/** Names with their values, of those that there are. @param {[TextKey, Element | string | null | undefined][]} rows */
function facts(rows) {
  return h("dl", {class: "facts"}, rows.filter(([, value]) => value).map(([title, value]) =>
    h("div", null, h("dt", null, text(title)), h("dd", {class: "figure"}, value))));
}

/** Who reports to whom, as a tree. @param {Contact[]} contacts @param {Label} label */
function people(contacts, label) {
  if (!contacts.length) return h("p", {class: "soft"}, text("app.none"));
  const known = new Set(contacts.map((contact) => contact.id));
  const drawn = new Set();
  /** @param {Contact[]} some @returns {HTMLElement | null} */
  const tree = (some) => {
    // A circle of people who report to each other would have no end.
    const fresh = some.filter((contact) => !drawn.has(contact.id));
    fresh.forEach((contact) => drawn.add(contact.id));
    return fresh.length ? h("ul", null, fresh.map((contact) => h("li", null, person(contact, label),
      tree(contacts.filter((other) => other.reportsToId === contact.id))))) : null;
  };
  return h("div", {class: "people", role: "group", tabindex: 0, "aria-label": text("customer.people")},
    tree(contacts.filter(({reportsToId}) => !reportsToId || !known.has(reportsToId))), tree(contacts));
}

/** @param {Contact} contact @param {Label} label */
function person({name, jobTitle, buyingRole, attitude, email, phone}, label) {
  return h("div", {class: `person ${(attitude ?? "").toLowerCase()}`},
    h("strong", null, name),
    jobTitle && h("span", {class: "small"}, jobTitle),
    h("span", {class: "small soft"}, joined(label("BuyingRole", buyingRole), label("Attitude", attitude))),
    email && h("a", {class: "small", href: `mailto:${email}`, title: email}, email),
    phone && h("a", {class: "small", href: `tel:${phone}`}, phone),
  );
}

/**
 * A list with a button for the next page.
 * @param {HTMLElement} list
 * @param {string} id of the customer
 * @param {string} selection of the list
 * @param {any} page the first
 * @param {(nodes: any[]) => Element[]} draw
 */
function paged(list, id, selection, page, draw) {
  const [name] = selection.split("(");
  const more = h("button", {class: "quiet"}, text("customer.more"));
  /** @param {any} page */
  const take = ({nodes, pageInfo}) => {
    list.append(...draw(nodes));
    more.hidden = !pageInfo.hasNextPage;
    more.onclick = async () => {
      const query = `query ($id: ID!, $after: String) { customer(id: $id) { ${selection} } }`;
      take((await ask(query, {id, after: pageInfo.endCursor})).customer[name]);
    };
  };
  take(page);
  return list.children.length ? h("div", null, list, more) : h("p", {class: "soft"}, text("app.none"));
}

/** @param {any} customer @param {Label} label */
function opportunities({id, opportunities}, label) {
  return paged(h("ul", {class: "lines"}), id, OPPORTUNITIES, opportunities, (nodes) => nodes.map((one) =>
    h("li", {class: one.outcome === "OPEN" ? null : "soft"},
      h("span", {class: "grow"}, h("strong", null, one.name), h("span", {class: "small soft"},
        joined(one.outcome === "OPEN" ? one.stage?.name : label("Outcome", one.outcome), day(one.expectedCloseDate)))),
      h("span", {class: "figure end"}, h("strong", null, money(one.expectedAmount)), one.outcome === "OPEN" && one.winProbability &&
        h("span", {class: "small soft"}, text("customer.chance", {percent: number(one.winProbability)}))))));
}

/** What happened; the same thing several times in a row is one entry. @param {any} customer @param {Label} label */
function timeline({id, timeline}, label) {
  return paged(h("ol", {class: "timeline"}), id, TIMELINE, timeline, (nodes) => {
    /** @type {{event: any, lines: string[], count: number}[]} */
    const entries = [];
    for (const event of nodes) {
      const lines = gist(event);
      const last = entries.at(-1);
      if (last && last.event.type === event.type && !lines.length && !last.lines.length) last.count++;
      else entries.push({event, lines, count: 1});
    }
    return entries.map(({event, lines, count}) => h("li", null,
      h("time", {datetime: event.occurredAt, class: "small soft figure"}, moment(event.occurredAt)),
      h("p", null, h("strong", null, label("EventType", event.type)), count > 1 && ` × ${number(count)}`,
        event.actorName && h("span", {class: "soft"}, ` · ${event.actorName}`)),
      lines.map((line) => h("p", {class: "small"}, line))));
  });
}

/** What an event says in a few words. @param {any} event @returns {string[]} */
function gist({action, changes, data}) {
  /** @typedef {{field: string, previous: unknown, current: unknown}} Change */
  if (action === "CREATED") {
    const names = ["summary", "subject", "name", "title", "number"];
    const found = names.map((name) => changes.find((/** @type {Change} */ {field}) => field === name)?.current).find(Boolean);
    return found ? [String(found)] : [];
  }
  const told = /** @type {Change[]} */ (action === "PUBLISHED" && "current" in data ? [{field: "", ...data}] : changes);
  // Ids and moments of bookkeeping say nothing to people.
  return told
    .filter(({field, previous, current}) => !/(Ids?|At)$/.test(field) && typeof (previous ?? current) !== "object")
    .slice(0, 3)
    .map(({field, previous, current}) => `${field.replace(/[A-Z]/g, " $&").toLowerCase()} ${previous ?? "–"} → ${current ?? "–"}`.trim());
}

/** The scores that plugins give, with their reasons. @param {any} customer @param {Label} label */
function scores(customer, label) {
  /** @param {string} vocabulary @param {string[] | undefined} values */
  const all = (vocabulary, values) => values?.map((value) => label(vocabulary, value)) ?? [];
  return [
    offered("Customer", "valueTier") && score("field.valueTier", label("ValueTier", customer.valueTier), [
      ["field.currentValue", money(customer.currentValue)],
      ["field.valueRank", number(customer.valueRank)],
      ["field.source", label("TierSource", customer.valueTierSource)],
    ], [
      customer.valueTierOverrideReason,
      ...all("ValueAlert", customer.valueAlerts),
      ...(customer.tierChanges?.nodes ?? []).map((/** @type {any} */ change) => joined(day(change.changedAt),
        `${label("ValueTier", change.previousTier) || "–"} → ${label("ValueTier", change.tier) || "–"}`,
        label("TierChangeReason", change.reason), change.note)),
    ]),
    offered("Customer", "creditScore") && score("field.creditScore", number(customer.creditScore), [
      ["field.creditRisk", label("CreditRisk", customer.creditRisk)],
      ["field.availableCredit", money(customer.availableCredit)],
      ["field.creditLimit", money(customer.creditLimit)],
      ["field.overdue", money(customer.overdue)],
      ["field.source", label("CreditRiskSource", customer.creditRiskSource)],
    ], [
      customer.isOnCreditHold && text("customer.onHold"),
      customer.creditRiskOverrideReason,
      ...all("CreditGap", customer.creditGaps),
      ...(customer.creditEvaluations?.nodes[0]?.reasons?.nodes ?? []).map((/** @type {any} */ reason) =>
        joined(`${label("CreditReasonCode", reason.code)} −${number(reason.pointsLost)}`, reason.detail)),
    ]),
    offered("Customer", "satisfactionRating") && score("field.satisfactionRating",
      customer.satisfactionRating && text("customer.rating", {rating: number(customer.satisfactionRating)}), [
        ["field.satisfactionLevel", label("SatisfactionLevel", customer.satisfactionLevel)],
        ["field.nps", number(customer.nps) + (Number(customer.npsTrend) ? ` (${change(customer.npsTrend)})` : "")],
        ["field.csat", customer.csat && `${number(customer.csat)}%`],
        ["field.satisfactionGap", customer.satisfactionGap && change(customer.satisfactionGap)],
        ["field.surveyRespondentCount", number(customer.surveyRespondentCount)],
      ], [customer.lastSurveyAnswerOn && text("customer.answered", {day: day(customer.lastSurveyAnswerOn)})]),
  ];
}

/** A difference with its sign. @param {string} value */
const change = (value) => `${Number(value) > 0 ? "+" : ""}${number(value)}`;

/** @param {TextKey} title @param {string | null} value @param {[TextKey, string | null][]} figures @param {any[]} reasons */
function score(title, value, figures, reasons) {
  const told = reasons.filter(Boolean);
  return h("section", {class: "sheet score", "aria-label": text(title)},
    h("h2", null, text(title)),
    h("p", {class: "big figure"}, value || text("customer.unrated")),
    facts(figures),
    told.length > 0 && h("ul", {class: "reasons small", "aria-label": text("customer.reasons")}, told.map((reason) => h("li", null, reason))),
  );
}
