/**
 * Values of a customer that are edited where they stand. What somebody else has changed meanwhile is never overwritten
 * unseen: both values are shown, and the viewer chooses.
 */

import {ask} from "./api.js";
import {announce, fill, h} from "./dom.js";
import {text} from "./texts.js";

/** @typedef {Record<string, any> & {id: string, version: number, can: {update: boolean}}} Customer */
/** @typedef {{value: string, label: string}} Option */
/** @typedef {{name: string, label: string, kind: "text" | "long" | "number" | "choice", options?: Option[]}} Field */
/** @typedef {string | number | null} Value */

/** A value that can be edited, if the viewer may. @param {Customer} record @param {Field} field @returns {HTMLElement} */
export function editable(record, field) {
  const place = h("span", {class: "editable"});
  const show = () => {
    const value = shown(field, record[field.name]);
    fill(place, record.can.update
      ? h("button", {class: "value", "aria-haspopup": "dialog", onclick: () => open(place, record, field, show),
        "aria-label": text("edit.value", {label: field.label, value})}, value || "–")
      : value || "–");
  };
  show();
  return place;
}

/** @param {Field} field @param {Value} value */
function shown(field, value) {
  return field.options?.find((option) => option.value === value)?.label ?? String(value ?? "");
}

/** Opens the editor of a value. @param {HTMLElement} place @param {Customer} record @param {Field} field @param {() => void} show */
function open(place, record, field, show) {
  const before = record[field.name];
  const input = control(field, before);
  const problem = h("div", {class: "problem", role: "alert"});
  const done = (/** @type {Partial<Customer>} */ now) => {
    Object.assign(record, now);
    editor.hidePopover();
    show();
    place.querySelector("button")?.focus();
  };

  const save = async () => {
    const value = entered(field, input.value);
    fill(problem);
    const {customer, userErrors} = await update(record, field, value);
    if (!userErrors.length) {
      done(customer ?? {});
      announce(text("edit.saved", {label: field.label}));
    } else if (!customer || userErrors[0].code !== "CONFLICT") fill(problem, userErrors.map((error) => h("p", null, error.message)));
    else if (customer[field.name] === before) {
      // Somebody has changed other fields, which this change leaves as they are.
      record.version = customer.version;
      await save();
    } else choose(customer, value);
  };

  /** Lets the viewer choose between two values. @param {Customer} now @param {Value} mine */
  const choose = (now, mine) => {
    const keep = () => {
      record.version = now.version;
      save();
    };
    const choice = (/** @type {"mine" | "theirs"} */ whose, /** @type {Value} */ value, /** @type {() => void} */ onclick) =>
      h("button", {type: "button", class: whose, onclick},
        h("span", {class: "small"}, text(`edit.${whose}`)), h("strong", null, shown(field, value) || "–"));
    fill(problem, h("p", null, text("edit.conflict")));
    fill(actions, choice("mine", mine, keep), choice("theirs", now[field.name], () => done(now)));
    actions.querySelector("button")?.focus();
  };

  const actions = h("div", {class: "actions"},
    h("button", {class: "main"}, text("edit.save")),
    h("button", {type: "button", class: "quiet", onclick: () => done({})}, text("edit.cancel")));
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    save();
  };
  const editor = h("div", {class: "editor", popover: true, role: "dialog", "aria-label": field.label,
    ontoggle: (/** @type {ToggleEvent} */ event) => event.newState === "closed" && editor.remove()},
  h("form", {onsubmit: submit}, h("label", null, field.label, input), problem, actions));
  place.append(editor);
  const {left, bottom} = place.getBoundingClientRect();
  editor.style.left = `${Math.max(8, Math.min(left - 8, innerWidth - 312))}px`;
  editor.style.top = `${Math.max(8, Math.min(bottom + 4, innerHeight - 260))}px`;
  editor.showPopover();
  input.focus();
  if (input instanceof HTMLInputElement) input.select();
}

/** @param {Field} field @param {Value} value */
function control({kind, options = []}, value) {
  if (kind === "choice") {
    return h("select", null, options.map((option) =>
      h("option", {value: option.value, selected: option.value === value}, option.label)));
  }
  if (kind === "long") return h("textarea", {rows: 4}, value);
  return h("input", {type: "text", inputmode: kind === "number" ? "numeric" : null, value: value ?? ""});
}

/** What was entered, as the input takes it; nothing is null. @param {Field} field @param {string} words @returns {Value} */
function entered({kind}, words) {
  const trimmed = words.trim();
  if (!trimmed) return null;
  return kind === "number" && !Number.isNaN(Number(trimmed)) ? Number(trimmed) : trimmed;
}

/** @typedef {{customer: Customer | null, userErrors: {code: string, message: string}[]}} Payload */
/** @param {Customer} record @param {Field} field @param {Value} value @returns {Promise<Payload>} */
async function update({id, version}, {name}, value) {
  const query = `mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) {
    customer { id version ${name} } userErrors { code message } } }`;
  return (await ask(query, {input: {id, expectedVersion: version, [name]: value}})).updateCustomer;
}
