/**
 * The server: the session, questions in GraphQL, and what is heard of changes. Nothing else of the page talks to it.
 */

import {language} from "./texts.js";

/** @typedef {{message: string, path?: (string | number)[], extensions?: {code?: string}}} GraphQLError */

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

/** @typedef {RequestInit & {headers?: Record<string, string>}} Options */
/** Sends a request in the viewer's language, with the session's token. @param {string} path @param {Options} options */
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

/** @param {string} accept @param {string} query @param {Record<string, unknown>} variables @param {AbortSignal} [signal] */
async function post(accept, query, variables, signal) {
  const headers = {accept, "content-type": "application/json"};
  const options = {method: "POST", headers, body: JSON.stringify({query, variables}), ...(signal && {signal})};
  const response = await send("/graphql", options);
  if (response.status !== 403 || !token) return response;
  // Another tab may have logged in since.
  const before = token;
  return (await resume()) && token !== before ? send("/graphql", options) : response;
}

/**
 * The data that a query or mutation answers; `onErrors` is given what is missing, such as fields one may not see.
 * @param {string} query @param {Record<string, unknown>} [variables] @param {(errors: GraphQLError[]) => void} [onErrors]
 * @returns {Promise<any>} @throws {ApiError} there is no data
 */
export async function ask(query, variables = {}, onErrors = () => {}) {
  const response = await post("application/json", query, variables);
  const {data, errors} = /** @type {{data: any, errors?: GraphQLError[]}} */ (await json(response));
  if (response.status === 401) whenLoggedOut();
  for (const {message, path, extensions} of errors ?? []) {
    if (extensions?.code === "FORBIDDEN") known.refused.set(path?.at(-1), message);
  }
  if (!data) throw new ApiError(errors ?? [{message: response.statusText}]);
  if (errors) onErrors(errors);
  return data;
}

/** Which fields the plugins of this server add, which fields and lists were refused to the viewer, and the viewer's user. */
let known = {fields: new Set(), refused: new Map(), user: /** @type {string | null} */ (null)};

/** Gets to know the server and the viewer, before any view is drawn. @returns {Promise<string | null>} the viewer's name or role */
export async function meet() {
  const {viewer, plugins} = await ask("{ viewer { role user { id name } } plugins { fields } }");
  const fields = plugins.flatMap((/** @type {{fields: string[]}} */ plugin) => plugin.fields);
  known = {fields: new Set(fields), refused: new Map(), user: viewer.user?.id ?? null};
  return viewer.user?.name ?? viewer.role;
}

/** The id of the user that the viewer is; null for who is none, such as the local operator. */
export const user = () => known.user;

/** Why a field or list, by its name in a query, was refused to the viewer; empty if it was not. @param {string} name */
export const refusal = (name) => known.refused.get(name) ?? "";

/**
 * A selection, if a plugin of this server has its first field, and the viewer may see that; else nothing.
 * @param {string} record @param {string} selection
 */
export function offered(record, selection) {
  const [field = ""] = /\w+/.exec(selection) ?? [];
  return known.fields.has(`${record}.${field}`) && !refusal(field) ? selection : "";
}

/** Pauses in milliseconds before a lost connection is tried again; the last holds from then on. */
const PAUSES = [500, 1000, 2000, 5000, 15000];

/**
 * Hears of changes until it is stopped, and goes on where it left off if the connection is lost.
 * @param {string} query a subscription that takes `$after: String` and selects `cursor`
 * @param {Record<string, unknown>} variables
 * @param {(data: any) => void} onData called with each result
 * @param {() => void} [onGap] called when something may have been missed, so that one has to ask anew
 * @returns {() => void} stops it
 */
export function listen(query, variables, onData, onGap = () => {}) {
  const controller = new AbortController();
  const {signal} = controller;
  let {after} = variables;
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
    await hear().catch(() => {});
    if (!signal.aborted) setTimeout(run, PAUSES[Math.min(failures++, PAUSES.length - 1)]);
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
