/**
 * The shell of the page: who the viewer is, which view is shown, and the settings.
 */

import {ApiError, isLoggedIn, logIn, logOut, meet, onLoggedOut, resume} from "./api.js";
import {fill, h, icon} from "./dom.js";
import {language, speak, text} from "./texts.js";

/** @typedef {import("./texts.js").TextKey} TextKey */
/** @typedef {void | (() => void)} Cleanup what ends a view, if it has something to end */
/** @typedef {(container: HTMLElement, params: string[]) => Cleanup | Promise<Cleanup>} Draw */

/** @type {Map<string, {title: TextKey, draw: Draw}>} */
const views = new Map();

/**
 * Adds a view.
 * @param {string} route the first part of its address: `#/route/params…`
 * @param {TextKey} title of its link
 * @param {Draw} draw fills the container; given the other parts of the address
 */
export function register(route, title, draw) {
  views.set(route, {title, draw});
}

register("board", "nav.board", async (...view) => (await import("./board.js")).draw(...view));
register("customers", "nav.customers", async (container, params) =>
  params.length
    ? (await import("./customer.js")).draw(container, params)
    : (await import("./customers.js")).draw(container, params),
);
register("due", "nav.due", async (...view) => (await import("./due.js")).draw(...view));
register("panels", "nav.panels", async (...view) => (await import("./panels.js")).draw(...view));

const THEME = "guanxi.theme";

/** Ends the view that is shown. */
let end = /** @type {Cleanup} */ (undefined);
/** Tells a view that is being drawn from one that the viewer has left meanwhile. */
let turn = 0;

/** The parts of the address. */
function address() {
  return location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
}

/** Shows what the address names. */
async function show() {
  const mine = ++turn;
  const [route = "board", ...params] = address();
  const view = views.get(route);
  end?.();
  end = undefined;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#/${route}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const main = h("main", {id: "main", tabindex: -1, class: `view ${route}`, "aria-busy": "true"});
  document.querySelector("main")?.replaceWith(main);
  document.title = view ? `${text(view.title)} · guanxi` : "guanxi";
  if (!view) {
    fill(main, h("div", {class: "empty"}, h("h1", null, text("app.unknown")), h("a", {href: "#/board"}, text("app.home"))));
    return;
  }
  scrollTo(0, 0);
  try {
    const ending = await view.draw(main, params);
    if (mine === turn) end = ending;
    else ending?.();
  } catch (error) {
    if (mine === turn) fill(main, failure(error, show));
  }
  main.removeAttribute("aria-busy");
}

/**
 * What is shown in place of what could not be had.
 * @param {unknown} error
 * @param {() => void} again
 */
function failure(error, again) {
  const reason = error instanceof ApiError ? error.message : text("app.unreachable");
  if (!(error instanceof ApiError)) console.error(error);
  return h("div", {class: "empty", role: "alert"},
    h("h1", null, text("app.failed")),
    h("p", null, reason),
    h("button", {onclick: again}, text("app.again")),
  );
}

/** Draws the shell around the view. */
async function begin() {
  const viewer = await meet();
  document.documentElement.lang = language();
  fill(document.body,
    h("a", {class: "skip", href: "#main", onclick: skip}, text("app.skip")),
    h("header", {class: "bar"},
      h("a", {class: "wordmark", href: "#/board"}, "guanxi ", h("span", {lang: "zh-Hans"}, "关系")),
      h("nav", {"aria-label": text("app.navigation")},
        [...views].map(([route, {title}]) => h("a", {href: `#/${route}`}, text(title))),
      ),
      h("button", {class: "quiet", popovertarget: "settings", "aria-label": text("settings.title")}, icon("sliders")),
    ),
    settings(viewer.user?.name ?? viewer.role ?? text("settings.local")),
    h("main", {id: "main"}),
    h("div", {id: "status", role: "status", class: "unseen"}),
  );
  await show();
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.querySelector("main")?.focus();
}

/** @param {string} name of the viewer */
function settings(name) {
  const theme = localStorage.getItem(THEME) ?? "system";
  return h("div", {id: "settings", popover: true, role: "dialog", "aria-label": text("settings.title")},
    h("p", {class: "viewer"}, text("settings.viewer", {name})),
    choice("settings.language", "language", language(), [["en", "English"], ["zh-Hans", "中文"]], (tag) => {
      speak(/** @type {any} */ (tag));
      begin();
    }),
    choice("settings.theme", "theme", theme, [
      ["system", text("settings.system")], ["light", text("settings.light")], ["dark", text("settings.dark")],
    ], dress),
    h("div", {class: "links"},
      h("a", {href: "/graphql"}, text("settings.graphiql")),
      isLoggedIn() && h("button", {class: "link", onclick: logOut}, text("login.out")),
    ),
  );
}

/**
 * One of a few, side by side.
 * @param {TextKey} label
 * @param {string} name
 * @param {string} chosen
 * @param {[string, string][]} options values and their words
 * @param {(value: string) => void} onChoice
 */
function choice(label, name, chosen, options, onChoice) {
  return h("fieldset", {class: "choice"},
    h("legend", null, text(label)),
    options.map(([value, words]) => h("label", null,
      h("input", {type: "radio", name, value, checked: value === chosen, onchange: () => onChoice(value)}),
      h("span", null, words),
    )),
  );
}

/** @param {string} theme light, dark, or that of the system */
function dress(theme) {
  localStorage.setItem(THEME, theme);
  document.documentElement.dataset.theme = theme;
}

/** Asks for a key or token, and shows what was wanted once it is good. */
function askToLogIn() {
  turn++;
  end?.();
  end = undefined;
  document.documentElement.lang = language();
  document.title = `${text("login.title")} · guanxi`;
  const problem = h("p", {class: "problem", role: "alert", id: "problem"});
  const credential = h("input", {type: "password", name: "credential", id: "credential", required: true,
    autocomplete: "current-password", spellcheck: "false", "aria-describedby": "problem hint"});
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    fill(problem);
    try {
      await logIn(credential.value.trim());
      begin();
    } catch (error) {
      fill(problem, error instanceof ApiError ? error.message : text("app.unreachable"));
      credential.select();
    }
  };
  fill(document.body, h("main", {class: "login"},
    h("form", {onsubmit: submit},
      h("p", {class: "wordmark"}, "guanxi ", h("span", {lang: "zh-Hans"}, "关系")),
      h("h1", null, text("login.title")),
      h("label", {for: "credential"}, text("login.credential")),
      credential,
      problem,
      h("button", {class: "main"}, text("login.submit")),
      h("p", {class: "hint", id: "hint"}, text("login.hint")),
    ),
  ));
  credential.focus();
}

async function start() {
  dress(localStorage.getItem(THEME) ?? "system");
  onLoggedOut(askToLogIn);
  addEventListener("hashchange", show);
  try {
    await ((await resume()) ? begin() : askToLogIn());
  } catch (error) {
    fill(document.body, h("main", null, failure(error, start)));
  }
}

start();
