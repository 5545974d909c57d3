/** The shell of the page: who the viewer is, which view is shown, and the settings. */

import {ApiError, isLoggedIn, logIn, logOut, meet, onLoggedOut, resume} from "./api.js";
import {fill, h, icon} from "./dom.js";
import {language, speak, text} from "./texts.js";

/** @typedef {import("./texts.js").TextKey} TextKey */
/** @typedef {(container: HTMLElement, params: string[]) => Promise<void | (() => void)>} Draw draws a view; gives what ends it */

/** The views by their routes, `#/route/params…`, each loaded when it is shown. @type {Record<string, Draw>} */
const VIEWS = {
  board: async (container) => (await import("./board.js")).draw(container),
  customers: async (container, params) => params.length
    ? (await import("./customer.js")).draw(container, params)
    : (await import("./customers.js")).draw(container),
  due: async (container) => (await import("./due.js")).draw(container),
  panels: async (container) => (await import("./panels.js")).draw(container),
};
const THEME = "guanxi.theme";

/** Ends the view that is shown. */
let end = () => {};
/** Tells a view that is being drawn from one that the viewer has left meanwhile. */
let turn = 0;

/** @param {string} route */
const title = (route) => text(/** @type {TextKey} */ (`nav.${route}`));

/** Leaves the view that is shown, if any. */
function leave() {
  end();
  end = () => {};
  return ++turn;
}

/** Shows what the address names: `#/route/params…`. */
async function show() {
  // Who has to log in first stays where one is.
  if (document.querySelector(".login")) return;
  const mine = leave();
  const [route = "board", ...params] = location.hash.split("/").slice(1).filter(Boolean);
  const draw = Object.hasOwn(VIEWS, route) && VIEWS[route];
  for (const link of document.querySelectorAll("nav a")) {
    link.setAttribute("aria-current", String(link.getAttribute("href") === `#/${route}`));
  }
  const main = h("main", {id: "main", tabindex: -1, class: `view ${route}`, "aria-busy": "true"});
  document.querySelector("main")?.replaceWith(main);
  document.title = draw ? `${title(route)} · guanxi` : "guanxi";
  scrollTo(0, 0);
  try {
    if (!draw) fill(main, empty(text("app.unknown"), "", h("a", {href: "#/board"}, text("app.home"))));
    const ending = draw && await draw(main, params) || (() => {});
    if (mine === turn) end = ending;
    else ending();
  } catch (error) {
    if (mine === turn) fill(main, failure(error, show));
  }
  main.removeAttribute("aria-busy");
}

/** @param {string} title @param {string} reason @param {HTMLElement} way out */
function empty(title, reason, way) {
  return h("div", {class: "empty", role: "alert"}, h("h1", null, title), h("p", null, reason), way);
}

/** What is shown in place of what could not be had. @param {unknown} error @param {() => void} again */
function failure(error, again) {
  return empty(text("app.failed"), reason(error), h("button", {onclick: again}, text("app.again")));
}

/** @param {unknown} error */
function reason(error) {
  if (error instanceof ApiError) return error.message;
  console.error(error);
  return text("app.unreachable");
}

const wordmark = () => ["guanxi ", h("span", {lang: "zh-Hans"}, "关系")];

/** Draws the shell around the view. */
async function begin() {
  const name = await meet();
  const skip = (/** @type {Event} */ event) => {
    event.preventDefault();
    document.querySelector("main")?.focus();
  };
  document.documentElement.lang = language();
  fill(document.body,
    h("a", {class: "skip", href: "#main", onclick: skip}, text("app.skip")),
    h("header", {class: "bar"},
      h("a", {class: "wordmark", href: "#/board"}, wordmark()),
      h("nav", {"aria-label": text("app.navigation")},
        Object.keys(VIEWS).map((route) => h("a", {href: `#/${route}`}, title(route)))),
      h("button", {class: "quiet", popovertarget: "settings", "aria-label": text("settings.title")}, icon("sliders")),
    ),
    settings(name ?? text("settings.local")),
    h("main", {id: "main"}),
    h("div", {id: "status", role: "status", class: "unseen"}),
    h("div", {id: "problem", role: "alert"}),
  );
  await show();
}

/** @param {string} name of the viewer */
function settings(name) {
  const theme = localStorage.getItem(THEME) ?? "system";
  const themes = /** @type {const} */ (["system", "light", "dark"]);
  return h("div", {id: "settings", popover: true, role: "dialog", "aria-label": text("settings.title")},
    h("p", {class: "viewer"}, text("settings.viewer", {name})),
    choice("settings.language", language(), [["en", "English"], ["zh-Hans", "中文"]], (tag) => {
      speak(tag === "en" ? "en" : "zh-Hans");
      begin();
    }),
    choice("settings.theme", theme, themes.map((value) => [value, text(`settings.${value}`)]), dress),
    h("div", {class: "links"},
      h("a", {href: "/graphql"}, text("settings.graphiql")),
      isLoggedIn()
        ? h("button", {class: "link", onclick: logOut}, text("login.out"))
        : h("button", {class: "link", onclick: askToLogIn}, text("login.submit"))),
  );
}

/** @typedef {(value: string) => void} OnChoice */
/** One of a few. @param {TextKey} name @param {string} chosen @param {string[][]} options @param {OnChoice} onChoice */
function choice(name, chosen, options, onChoice) {
  return h("fieldset", {class: "choice"}, h("legend", null, text(name)), options.map(([value, words]) => h("label", null,
    h("input", {type: "radio", name, value, checked: value === chosen, onchange: () => onChoice(value)}),
    h("span", null, words))));
}

/** @param {string} theme light, dark, or that of the system */
function dress(theme) {
  localStorage.setItem(THEME, theme);
  document.documentElement.dataset.theme = theme;
}

/** Asks for a key or token, and shows what was wanted once it is good; an open server shows what its owner sees. */
function askToLogIn() {
  leave();
  document.documentElement.lang = language();
  document.title = `${text("login.title")} · guanxi`;
  const problem = h("p", {class: "problem", role: "alert", id: "refusal"});
  const credential = h("input", {type: "password", id: "credential", required: true, autocomplete: "current-password",
    "aria-describedby": "refusal hint"});
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    fill(problem);
    try {
      await logIn(credential.value.trim());
      await begin();
    } catch (error) {
      fill(problem, reason(error));
      credential.select();
    }
  };
  fill(document.body, h("main", {class: "login"}, h("form", {onsubmit: submit},
    h("p", {class: "wordmark"}, wordmark()),
    h("h1", null, text("login.title")),
    h("label", {for: "credential"}, text("login.credential")),
    credential,
    problem,
    h("button", {class: "main"}, text("login.submit")),
    h("p", {class: "hint", id: "hint"}, text("login.hint")))));
  credential.focus();
}

/** Takes up the session that there is, or asks for a key. */
async function start() {
  try {
    await ((await resume()) ? begin() : askToLogIn());
  } catch (error) {
    if (!document.querySelector(".login")) fill(document.body, h("main", null, failure(error, start)));
  }
}

dress(localStorage.getItem(THEME) ?? "system");
onLoggedOut(start);
addEventListener("hashchange", show);
// What fails after a view has been drawn, such as a further page of a list, is said until the next thing is done.
const say = (/** @type {string} */ words) => document.querySelector("#problem")?.replaceChildren(words);
addEventListener("unhandledrejection", (event) => say(reason(event.reason)));
addEventListener("pointerdown", () => say(""));
start();
