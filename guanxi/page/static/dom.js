/**
 * Elements, made without markup: what a record says can never become a tag.
 */

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Child | Child[]} Children */

/**
 * Makes an element.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any> | null} attributes `on…` are listeners; `true` stands for an empty value; what is false,
 *   null or undefined is left out
 * @param {...Children} children elements and texts; what is false, null or undefined is left out
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes, ...children) {
  return furnished(document.createElement(tag), attributes, children);
}

/**
 * @template {Element} E
 * @param {E} element
 * @param {Record<string, any> | null} attributes
 * @param {Children[]} children
 */
function furnished(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && (value ?? null) !== null) element.setAttribute(name, value === true ? "" : value);
  }
  fill(element, ...children);
  return element;
}

/** Puts children in place of those that there are. @param {Element} element @param {...Children} children */
export function fill(element, ...children) {
  const shown = children.flat().filter((child) => child !== false && (child ?? null) !== null);
  element.replaceChildren(...shown.map((child) => child instanceof Node ? child : String(child)));
}

/** Paths of the icons, on a square of 20. */
const ICONS = {
  search: "M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11ZM13 13l4 4",
  sliders: "M3 6h7m4 0h3M3 14h3m4 0h7M12 4v4M8 12v4",
  left: "M12 4 6 10l6 6",
  check: "M4 10.5 8 14.5 16 6",
};

/** An icon that says nothing by itself: the words next to it do. @param {keyof typeof ICONS} name */
export function icon(name) {
  const make = (/** @type {string} */ tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
  const path = furnished(make("path"), {d: ICONS[name], fill: "none", stroke: "currentColor", "stroke-width": 1.6}, []);
  return furnished(make("svg"), {class: "icon", viewBox: "0 0 20 20", "aria-hidden": "true"}, [path]);
}

/** Tells those who cannot see it what has happened. @param {string} message */
export function announce(message) {
  const status = document.querySelector("#status");
  if (status) status.textContent = message;
}

/**
 * Calls a function once an element comes into sight, or close to it.
 * @param {Element} element
 * @param {() => void} call
 * @returns {() => void} stops watching
 */
export function whenSeen(element, call) {
  const check = (/** @type {IntersectionObserverEntry[]} */ entries) => entries.some((entry) => entry.isIntersecting) && call();
  const observer = new IntersectionObserver(check, {rootMargin: "400px"});
  observer.observe(element);
  return () => observer.disconnect();
}

/**
 * The function called once nobody has called it for a while.
 * @template {any[]} A
 * @param {(...values: A) => void} call
 * @param {number} [pause] in milliseconds
 */
export function settled(call, pause = 180) {
  let timer = 0;
  return (/** @type {A} */ ...values) => {
    clearTimeout(timer);
    timer = window.setTimeout(() => call(...values), pause);
  };
}
