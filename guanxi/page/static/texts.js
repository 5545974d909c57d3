/** The words of the page in English and Chinese, and how its languages write numbers, money and days. */

import WORDS from "./words.json" with {type: "json"};

/** @typedef {"en" | "zh-Hans"} Language */
/** @typedef {keyof typeof WORDS} TextKey */
/** @typedef {{amount: string, currency: string}} Money */

const KEPT = "guanxi.language";
const isChinese = navigator.languages.find((tag) => /^(en|zh)\b/i.test(tag))?.startsWith("zh");

/** The language of the viewer: chosen, or else the first of the browser's that the page speaks. */
let current = /** @type {Language} */ (localStorage.getItem(KEPT) ?? (isChinese ? "zh-Hans" : "en"));

/** @returns {Language} the language that the page speaks, as a tag */
export const language = () => current;

/** @param {Language} tag the language to speak from now on */
export function speak(tag) {
  localStorage.setItem(KEPT, tag);
  current = tag;
}

/** A text in the viewer's language. @param {TextKey} key @param {Record<string, any>} [params] what stands for `{name}` */
export function text(key, params = {}) {
  return WORDS[key][current === "en" ? 0 : 1].replace(/\{(\w+)\}/g, (_, name) => String(params[name] ?? ""));
}

/** The words for values of enumerations, by name. @param {Record<string, {value: string, label: string}[]>} vocabularies */
export function labels(vocabularies) {
  const options = (/** @type {string} */ name) => vocabularies[name] ?? [];
  /** @param {string} name @param {string | null | undefined} value */
  const label = (name, value) => options(name).find((option) => option.value === value)?.label ?? value ?? "";
  return {label, options};
}

/** @type {Map<string, Format>} */
const formats = new Map();

/** @typedef {{format: (value: any) => string}} Format */
/** What writes in the viewer's language; made once, which takes long. @param {string} name @param {(tag: string) => Format} make */
function format(name, make) {
  const key = `${name} ${current}`;
  const known = formats.get(key) ?? make(current === "en" ? "en-GB" : "zh-CN");
  formats.set(key, known);
  return known;
}

/** @param {string} name @param {Intl.DateTimeFormatOptions} options */
const dates = (name, options) => format(name, (tag) => new Intl.DateTimeFormat(tag, options));

/**
 * An amount with its currency, exact; without pennies where there are none.
 * @param {Money | null | undefined} value
 * @param {{short?: boolean}} [options] `short` rounds to three digits, such as 8.1m
 */
export function money(value, {short = false} = {}) {
  if (!value) return "";
  const {amount, currency} = value;
  return format(`${currency} ${short}`, (tag) => new Intl.NumberFormat(tag, {style: "currency", currency,
    ...(short ? {notation: "compact", maximumSignificantDigits: 3} : {trailingZeroDisplay: "stripIfInteger"}),
  })).format(amount);
}

/**
 * A day, such as 3 Feb, with the year unless it is this one; of a moment, the day it has here.
 * @param {string | null | undefined} iso
 */
export function day(iso) {
  if (!iso) return "";
  const year = iso.startsWith(String(new Date().getFullYear())) ? undefined : "numeric";
  const timeZone = iso.length === 10 ? "UTC" : undefined;
  return dates(`day ${year} ${timeZone}`, {day: "numeric", month: "short", year, timeZone}).format(new Date(iso));
}

/** A month, such as Feb 2027. @param {string} iso one of its days */
export function month(iso) {
  return dates("month", {year: "numeric", month: "short", timeZone: "UTC"}).format(new Date(iso));
}

/** A moment, to the minute, where the viewer is. @param {string} iso */
export function moment(iso) {
  return dates("moment", {dateStyle: "medium", timeStyle: "short"}).format(new Date(iso));
}

/** A number or decimal, exact. @param {number | string | null | undefined} value */
export function number(value) {
  if (value === null || value === undefined) return "";
  return format("number", (tag) => new Intl.NumberFormat(tag, {maximumFractionDigits: 6})).format(value);
}
