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
  "app.none": ["None", "暂无"],
  "app.home": ["Go to the board", "前往看板"],

  "nav.board": ["Board", "看板"],
  "nav.customers": ["Customers", "客户"],
  "nav.due": ["Due", "待办"],
  "nav.panels": ["Panels", "图表"],

  "board.title": ["Board", "销售看板"],
  "board.total": ["{count} open, {amount} expected, {weighted} weighted", "进行中 {count} 个，预计金额 {amount}，加权金额 {weighted}"],
  "board.keys": ["Arrow keys choose a card. Shift and an arrow key move it, Enter opens its customer.",
    "方向键选择卡片，Shift 加左右方向键移动卡片，回车打开客户。"],
  "board.close": ["Closes {day}", "预计{day}成交"],
  "board.overdue": ["Overdue since {day}", "已逾期，原定{day}"],
  "board.won": ["Won", "已赢单"],
  "board.unowned": ["No owner", "未分配"],
  "board.move": ["Move {name} to another stage", "将“{name}”移至其他阶段"],
  "board.moved": ["{name} is now in {stage}", "“{name}”已移至“{stage}”"],
  "board.refused": ["{name} was not moved: {reason}", "“{name}”未能移动：{reason}"],
  "board.dismiss": ["Dismiss", "知道了"],

  "edit.title": ["Edit {label}", "编辑{label}"],
  "edit.value": ["Edit {label}: {value}", "编辑{label}：{value}"],
  "edit.save": ["Save", "保存"],
  "edit.cancel": ["Cancel", "取消"],
  "edit.saved": ["{label} is saved", "{label}已保存"],
  "edit.conflict": ["Somebody else changed this meanwhile. Which value is right?", "其他人刚刚修改了此项。以哪个为准？"],
  "edit.mine": ["Yours", "您的"],
  "edit.theirs": ["Theirs", "对方的"],

  "customers.title": ["Customers", "客户"],
  "customers.search": ["Search customers", "搜索客户"],
  "customers.hint": ["Name, number, e-mail, phone, pinyin …", "名称、编号、邮箱、电话、拼音……"],
  "customers.filters": ["Filters", "筛选"],
  "customers.all": ["{title}: all", "{title}：全部"],
  "customers.option": ["{label} ({count})", "{label}（{count}）"],
  "customers.reset": ["Reset", "清除"],
  "customers.count": ["{count} customers", "共 {count} 家"],
  "customers.one": ["1 customer", "共 1 家"],
  "customers.none": ["No customer fits. Take a filter away, or search for something else.", "没有符合条件的客户。请减少筛选条件，或换个关键词。"],
  "customers.more": ["Loading more …", "正在加载……"],

  "customer.none": ["There is no such customer, or you may not see it", "该客户不存在，或您无权查看"],
  "customer.missing": ["Not everything is shown to you", "部分内容您无权查看"],
  "customer.opportunities": ["Opportunities", "商机"],
  "customer.people": ["People", "人员关系"],
  "customer.timeline": ["Timeline", "动态"],
  "customer.profile": ["Profile", "基本资料"],
  "customer.chance": ["{percent} %", "赢率 {percent}%"],
  "customer.more": ["Show more", "显示更多"],
  "customer.unrated": ["Not rated", "未评"],
  "customer.reasons": ["Reasons", "依据"],
  "customer.onHold": ["On credit hold", "信用已冻结"],
  "customer.rating": ["{rating} of 5", "{rating} 分（满分 5 分）"],
  "customer.answered": ["Last answered {day}", "最近答卷：{day}"],

  "field.name": ["Name", "名称"],
  "field.legalName": ["Legal name", "法定名称"],
  "field.number": ["Number", "编号"],
  "field.industry": ["Industry", "行业"],
  "field.region": ["Region", "区域"],
  "field.city": ["City", "城市"],
  "field.email": ["E-mail", "邮箱"],
  "field.phone": ["Phone", "电话"],
  "field.website": ["Website", "网站"],
  "field.employeeCount": ["Employees", "员工人数"],
  "field.description": ["Description", "备注"],
  "field.owner": ["Owner", "负责人"],
  "field.team": ["Team", "团队"],
  "field.parent": ["Parent company", "母公司"],
  "field.status": ["Status", "状态"],
  "field.lifecycleStage": ["Lifecycle", "生命周期"],
  "field.customerSince": ["Customer since", "成为客户"],
  "field.profileCompleteness": ["Profile filled", "资料完整度"],
  "field.lastInteractionAt": ["Last contact", "最近联系"],
  "field.weightedPipeline": ["Weighted pipeline", "加权商机"],
  "field.valueTier": ["Value tier", "价值等级"],
  "field.currentValue": ["Current value", "当前价值"],
  "field.valueRank": ["Rank", "排名"],
  "field.source": ["Source", "来源"],
  "field.creditScore": ["Credit score", "信用评分"],
  "field.creditRisk": ["Risk", "风险"],
  "field.creditLimit": ["Limit", "信用额度"],
  "field.availableCredit": ["Available", "可用额度"],
  "field.overdue": ["Overdue", "逾期金额"],
  "field.satisfactionRating": ["Satisfaction", "满意度"],
  "field.satisfactionLevel": ["Level", "等级"],
  "field.satisfactionGap": ["Gap to expectation", "与期望差距"],
  "field.nps": ["NPS", "净推荐值"],
  "field.csat": ["CSAT", "满意率"],
  "field.surveyRespondentCount": ["Respondents", "受访人数"],

  "due.title": ["Due", "待办"],
  "due.total": ["{count} due by {day}", "截至{day}共 {count} 项"],
  "due.none": ["Nothing is due. Enjoy your day.", "暂无待办事项。"],
  "due.more": ["Show {count} more", "再显示 {count} 项"],
  "due.complete": ["Complete “{name}”", "完成“{name}”"],
  "due.completed": ["“{name}” is done", "“{name}”已完成"],
  "due.tasks": ["Tasks", "任务"],
  "due.followUps": ["Follow-ups", "商机跟进"],
  "due.closing": ["Should have closed", "已过预计成交日"],
  "due.collection": ["Payment reminders to send", "待催收"],
  "due.reminder": ["Invoice {number}, level {level}", "发票 {number}，催收级别 {level}"],
  "due.promises": ["Promised payments", "承诺付款"],
  "due.actions": ["Improvement actions", "改进措施"],
  "due.contacts": ["Customers to contact", "该联系的客户"],
  "due.reviews": ["Credit reviews", "信用复审"],

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

/**
 * The words for values of enumerations, as the server has them.
 * @param {Record<string, {value: string, label: string}[]>} vocabularies by name
 */
export function labels(vocabularies) {
  const options = (/** @type {string} */ name) => vocabularies[name] ?? [];
  /** @param {string} name @param {string | null | undefined} value */
  const label = (name, value) => options(name).find((option) => option.value === value)?.label ?? value ?? "";
  return {label, options};
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
 * A day, such as 3 Feb, with the year unless it is this one; of a moment, the day it has here.
 * @param {string | null | undefined} iso
 */
export function day(iso) {
  if (!iso) return "";
  const isDate = iso.length === 10;
  const isThisYear = iso.startsWith(String(new Date().getFullYear()));
  const make = (/** @type {string} */ tag) => new Intl.DateTimeFormat(tag, {
    day: "numeric", month: "short", ...(!isThisYear && {year: "numeric"}), ...(isDate && {timeZone: "UTC"}),
  });
  return format(`day ${isDate} ${isThisYear}`, make).format(new Date(iso));
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
