/**
 * The server: the session, questions in GraphQL, and what is heard of changes. Nothing else of the page talks to it.
 */

import {language} from "./texts.js";

/** @typedef {{message: string, path?: (string | number)[], extensions?: {code?: string}}} GraphQLError */
/** @typedef {{code: string, message: string, field: string[] | null, params: Record<string, any>}} UserError */

/** What the server refused, in its own words. */
export class ApiError extends Error {
  /** @param {GraphQLError[]} errors what the server answered */
  constructor(errors) {
    super([...new Set(errors.map((error) => error.message))].join("\n"));
    this.errors = errors;
  }
}

/** The CSRF token of the session; null where the server is open. */
let token = /** @type {string | null} */ (null);
let whenLoggedOut = () => {};

/** @param {() => void} listener called whenever the server knows the viewer no longer */
export const onLoggedOut = (listener) => void (whenLoggedOut = listener);

/**
 * Sends a request with the viewer's language and the token of the session.
 * @param {string} path
 * @param {RequestInit & {headers?: Record<string, string>}} options
 */
function send(path, options = {}) {
  const headers = {accept: "application/json", "accept-language": language(), ...options.headers};
  return fetch(path, {...options, headers: token ? {...headers, "x-csrf-token": token} : headers});
}

/** The answer as JSON. @param {Response} response @returns {Promise<any>} @throws {ApiError} it is not */
async function json(response) {
  const body = await response.text();
  try {
    return JSON.parse(body);
  } catch {
    throw new ApiError([{message: body || response.statusText}]);
  }
}

/** Takes up the session that there is: whether the viewer is known, or need not be. */
export async function resume() {
  const response = await send("/session");
  token = response.ok ? (await json(response)).csrfToken : null;
  return response.ok;
}

/** Begins a session. @param {string} credential an API key or a token @throws {ApiError} it proves nothing */
export async function logIn(credential) {
  const headers = {"content-type": "application/json"};
  const response = await send("/session", {method: "POST", headers, body: JSON.stringify({credential})});
  const answer = await json(response);
  if (!response.ok) throw new ApiError(answer.errors ?? []);
  token = answer.csrfToken;
}

/** Ends the session. */
export async function logOut() {
  await send("/session", {method: "DELETE"});
  token = null;
  whenLoggedOut();
}

/** Whether there is a session that can be ended. */
export const isLoggedIn = () => token !== null;

/**
 * Sends an operation; once more with the token as it is now, if another tab has logged in since.
 * @param {string} accept the media type wanted
 * @param {string} query
 * @param {Record<string, unknown>} variables
 * @param {AbortSignal} [signal]
 * @returns {Promise<Response>}
 */
async function post(accept, query, variables, signal) {
  const headers = {accept, "content-type": "application/json"};
  const options = {method: "POST", headers, body: JSON.stringify({query, variables}), ...(signal && {signal})};
  const response = await send("/graphql", options);
  if (response.status !== 403 || !token) return response;
  const before = token;
  return (await resume()) && token !== before ? send("/graphql", options) : response;
}

/**
 * The data that a query or mutation answers.
 * @param {string} query
 * @param {Record<string, unknown>} [variables]
 * @param {(errors: GraphQLError[]) => void} [onErrors] called with what is missing from an answer, such as fields that
 *   the viewer may not see
 * @returns {Promise<any>}
 * @throws {ApiError} there is no data
 */
export async function ask(query, variables = {}, onErrors = () => {}) {
  const response = await post("application/json", query, variables);
  const {data, errors} = /** @type {{data: any, errors?: GraphQLError[]}} */ (await json(response));
  if (response.status === 401) whenLoggedOut();
  for (const {path, extensions} of errors ?? []) if (extensions?.code === "FORBIDDEN") known.refused.add(path?.at(-1));
  if (!data) throw new ApiError(errors ?? [{message: response.statusText}]);
  if (errors) onErrors(errors);
  return data;
}

/** @typedef {{role: string | null, now: string, user: {id: string, name: string} | null}} Viewer */

/** Which fields the plugins of this server add, and which fields and lists were refused to the viewer. */
let known = {fields: /** @type {Set<string>} */ (new Set()), refused: /** @type {Set<unknown>} */ (new Set())};

/** Gets to know the viewer and the server; before any view is drawn. @returns {Promise<Viewer>} */
export async function meet() {
  const {viewer, plugins} = await ask("{ viewer { role now user { id name } } plugins { fields } }");
  const fields = plugins.flatMap((/** @type {{fields: string[]}} */ plugin) => plugin.fields);
  known = {fields: new Set(fields), refused: new Set()};
  return viewer;
}

/** Whether a field or list, or what stands for one in a query, was refused to the viewer. @param {string} name */
export const isRefused = (name) => known.refused.has(name);

/**
 * A part of a query, if a plugin of this server has the field it begins with, and the viewer may see it; else nothing.
 * @param {string} record
 * @param {string} selection
 */
export function offered(record, selection) {
  const [field = ""] = /\w+/.exec(selection) ?? [];
  return known.fields.has(`${record}.${field}`) && !isRefused(field) ? selection : "";
}

/** Pauses in milliseconds before a lost connection is tried again; the last holds from then on. */
const PAUSES = [500, 1000, 2000, 5000, 15000];

/**
 * Hears of changes until it is stopped, and goes on where it left off if the connection is lost.
 * @param {string} query a subscription that takes `$after: String` and selects `cursor`
 * @param {{after?: string | null} & Record<string, unknown>} variables
 * @param {(data: any) => void} onData called with each result
 * @param {() => void} [onGap] called when something may have been missed, so that one has to ask anew
 * @returns {() => void} stops it
 */
export function listen(query, variables, onData, onGap = () => {}) {
  const controller = new AbortController();
  const {signal} = controller;
  let after = variables.after ?? null;
  let failures = 0;

  const hear = async () => {
    const response = await post("text/event-stream", query, {...variables, after}, signal);
    if (response.status === 401) {
      controller.abort();
      whenLoggedOut();
    }
    if (!response.ok || !response.body) throw new ApiError([]);
    for await (const message of messages(response.body)) {
      failures = 0;
      if (!message.data) return onGap();
      after = /** @type {any} */ (Object.values(message.data)[0])?.cursor ?? after;
      onData(message.data);
    }
  };
  const run = async () => {
    while (!signal.aborted) {
      await hear().catch(() => {});
      const pause = PAUSES[Math.min(failures++, PAUSES.length - 1)];
      await new Promise((done) => setTimeout(done, pause));
    }
  };
  run();
  return () => controller.abort();
}

/** The results in a stream of server-sent events. @param {ReadableStream<Uint8Array>} body */
async function* messages(body) {
  const reader = body.pipeThrough(/** @type {any} */ (new TextDecoderStream())).getReader();
  let rest = "";
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    const events = (rest + piece.value).split("\n\n");
    rest = events.pop() ?? "";
    for (const event of events) {
      const lines = event.split("\n");
      const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5));
      if (lines.some((line) => /^event: ?next$/.test(line))) yield JSON.parse(data.join("\n"));
    }
  }
}
