/** Elements, made without markup: what a record says can never become a tag. */

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Makes an element.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any> | null} attributes `on…` are listeners; `true` stands for an empty value; what is false,
 *   null or undefined is left out
 * @param {...(Child | Child[])} children elements and texts; what is false, null or undefined is left out
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && (value ?? null) !== null) element.setAttribute(name, value === true ? "" : value);
  }
  fill(element, ...children);
  return element;
}

/** Puts children in place of those there are. @param {Element} element @param {...(Child | Child[])} children */
export function fill(element, ...children) {
  const shown = children.flat().filter((child) => child !== false && (child ?? null) !== null);
  element.replaceChildren(...shown.map((child) => child instanceof Node ? child : String(child)));
}

/** An icon that says nothing by itself: the words next to it do. @param {"search" | "sliders" | "left" | "check"} name */
export const icon = (name) => h("span", {class: `icon ${name}`, "aria-hidden": "true"});

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
