/**
 * The words of the page in English and Chinese, and how its languages write numbers, money and days.
 */

/** @typedef {"en" | "zh-Hans"} Language */

/** Each text in English and in Chinese; `{name}` is replaced by a parameter. */
const TEXTS = /** @satisfies {Record<string, [string, string]>} */ ({
  "app.skip": ["Skip to content", "跳到正文"],
  "app.loading": ["Loading …", "加载中……"],
  "app.failed": ["This could not be shown", "无法显示"],
  "app.again": ["Try again", "重试"],
  "app.unreachable": ["The server cannot be reached.", "无法连接服务器。"],
  "app.navigation": ["Views", "视图"],
  "app.unknown": ["There is nothing here", "此处没有内容"],
  "app.home": ["Go to the board", "前往看板"],

  "nav.board": ["Board", "看板"],
  "nav.customers": ["Customers", "客户"],
  "nav.due": ["Due", "待办"],
  "nav.panels": ["Panels", "图表"],

  "settings.title": ["Settings", "设置"],
  "settings.language": ["Language", "语言"],
  "settings.theme": ["Appearance", "外观"],
  "settings.system": ["System", "跟随系统"],
  "settings.light": ["Light", "浅色"],
  "settings.dark": ["Dark", "深色"],
  "settings.graphiql": ["Ask the API", "查询 API"],
  "settings.viewer": ["Signed in as {name}", "当前用户：{name}"],
  "settings.local": ["Local operator", "本机管理员"],

  "login.title": ["Sign in", "登录"],
  "login.credential": ["API key or token", "API 密钥或令牌"],
  "login.hint": ["An administrator gives you one. It stays on the server; this browser keeps a session only.",
    "由管理员发放。它只交给服务器核对，浏览器仅保存会话。"],
  "login.submit": ["Sign in", "登录"],
  "login.out": ["Sign out", "退出登录"],

  "panels.period": ["Period", "期间"],
  "panels.months1": ["This month", "本月"],
  "panels.months3": ["Last 3 months", "最近 3 个月"],
  "panels.months6": ["Last 6 months", "最近 6 个月"],
  "panels.months12": ["Last 12 months", "最近 12 个月"],
  "panels.none": ["none", "无"],
  "panels.empty": ["Nothing in this period yet", "本期暂无数据"],
  "panels.absent": ["No plugin of this server has panels.", "此服务器的插件没有提供图表。"],
  "panels.table": ["As a table", "查看表格"],
  "panels.library": ["Charts need plotly: pip install 'guanxi[page]'", "图表需要 plotly：pip install 'guanxi[page]'"],
});

/** @typedef {keyof typeof TEXTS} TextKey */

const LANGUAGES = /** @type {Language[]} */ (["en", "zh-Hans"]);
const KEPT = "guanxi.language";

/** The language of the viewer: chosen, or else the first of the browser's that the page speaks. */
let current = chosen();

/** @returns {Language} */
function chosen() {
  const kept = LANGUAGES.find((known) => known === localStorage.getItem(KEPT));
  const first = navigator.languages.find((tag) => /^(en|zh)\b/i.test(tag));
  return kept ?? (first && /^zh/i.test(first) ? "zh-Hans" : "en");
}

/** @returns {Language} the language that the page speaks, as a tag */
export function language() {
  return current;
}

/** @param {Language} tag the language to speak from now on */
export function speak(tag) {
  localStorage.setItem(KEPT, tag);
  current = tag;
}

/**
 * A text in the viewer's language.
 * @param {TextKey} key
 * @param {Record<string, string | number>} [params] what stands for `{name}`
 */
export function text(key, params = {}) {
  return TEXTS[key][current === "en" ? 0 : 1].replace(/\{(\w+)\}/g, (_, name) => String(params[name] ?? ""));
}

/** @typedef {{amount: string, currency: string}} Money */

/** @type {Map<string, {format: (value: any) => string}>} */
const formats = new Map();

/**
 * What writes something in the viewer's language; made once, which takes long.
 * @param {string} name
 * @param {(tag: string) => {format: (value: any) => string}} make
 */
function format(name, make) {
  const key = `${name} ${current}`;
  const known = formats.get(key) ?? make(current === "en" ? "en-GB" : "zh-CN");
  formats.set(key, known);
  return known;
}

/**
 * An amount with its currency, exact; without pennies where there are none.
 * @param {Money | null | undefined} value
 * @param {{short?: boolean}} [options] `short` rounds to three digits, such as 8.1M
 */
export function money(value, {short = false} = {}) {
  if (!value) return "";
  const {amount, currency} = value;
  const make = (/** @type {string} */ tag) => new Intl.NumberFormat(tag, {
    style: "currency", currency,
    ...(short ? {notation: "compact", maximumSignificantDigits: 3} : {trailingZeroDisplay: "stripIfInteger"}),
  });
  return format(`${currency} ${short}`, make).format(amount);
}

/**
 * A day, such as 3 Feb 2027; of a moment, the day it has here.
 * @param {string | null | undefined} iso
 */
export function day(iso) {
  if (!iso) return "";
  const isDate = iso.length === 10;
  const make = (/** @type {string} */ tag) =>
    new Intl.DateTimeFormat(tag, {dateStyle: "medium", ...(isDate && {timeZone: "UTC"})});
  return format(`day ${isDate}`, make).format(new Date(iso));
}

/**
 * A month, such as Feb 2027.
 * @param {string} iso one of its days
 */
export function month(iso) {
  const make = (/** @type {string} */ tag) => new Intl.DateTimeFormat(tag, {year: "numeric", month: "short", timeZone: "UTC"});
  return format("month", make).format(new Date(iso));
}

/**
 * A moment, to the minute, where the viewer is.
 * @param {string | null | undefined} iso
 */
export function moment(iso) {
  if (!iso) return "";
  const make = (/** @type {string} */ tag) => new Intl.DateTimeFormat(tag, {dateStyle: "medium", timeStyle: "short"});
  return format("moment", make).format(new Date(iso));
}

/**
 * A number or decimal, exact.
 * @param {number | string | null | undefined} value
 */
export function number(value) {
  if (value === null || value === undefined) return "";
  const make = (/** @type {string} */ tag) => new Intl.NumberFormat(tag, {maximumFractionDigits: 6});
  return format("number", make).format(value);
}
