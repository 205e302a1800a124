// The API as the console asks it: signed in, in one form of error, not again for what has not changed, and again and
// again where something moves.

import { DIALECT } from "./dom.js";
import { BACKOFF } from "./words.js";

const BASE = new URL("../api/v1/", import.meta.url); // also behind a stage's prefix
const KEPT_ANSWERS = 60;
const PATIENCE = 32_000; // ms; the API itself answers within 29 seconds
const TOKEN = "wellhead-token";
const ROLE = "wellhead-role";
const OF_TOKEN = /^#token=([^&]*)$/;
const SENDABLE = /^[\x21-\x7e]+$/; // what a header can carry
const FETCHES = 60; // looks at a database that is on its way, some ten minutes

/** @type {Map<string, {etag: string, data: any}>} */
const answers = new Map(); // address to {etag, data}, the oldest first
let skew = 0; // seconds that this machine's clock is behind the API's

// -- who is signed in ------------------------------------------------------------------------------------------------

// The token of this tab, and the role that the API says it has.
class Session extends EventTarget {
  get token() {
    return sessionStorage.getItem(TOKEN);
  }

  get role() {
    return sessionStorage.getItem(ROLE);
  }

  get mayOperate() {
    return ["operator", "admin"].includes(this.role ?? "");
  }

  // Whether it may say what the sources are.
  get mayDefine() {
    return this.role === "admin";
  }

  // Whether the text can be a token at all.
  /** @param {string} token */
  begin(token) {
    const isToken = SENDABLE.test(token);
    if (isToken) {
      sessionStorage.setItem(TOKEN, token);
      sessionStorage.removeItem(ROLE);
    }
    return isToken;
  }

  // Whether the text is another token than the one that somebody is signed in with.
  /** @param {string} token */
  isOther(token) {
    return this.token !== null && token !== this.token && SENDABLE.test(token);
  }

  /** @param {string | null} role */
  learn(role) {
    if (role && role !== this.role) {
      sessionStorage.setItem(ROLE, role);
      this.dispatchEvent(new Event("role"));
    }
  }

  /** @param {string} reason */
  end(reason) {
    sessionStorage.removeItem(TOKEN);
    sessionStorage.removeItem(ROLE);
    this.dispatchEvent(new CustomEvent("end", { detail: reason }));
  }

  // A link may bring a token in its fragment, which is sent to no server; it does not stay in the address, which becomes
  // that of the place `before`. Null without one.
  takeFromAddress(before = "") {
    const found = OF_TOKEN.exec(location.hash);
    if (!found) return null;
    history.replaceState(null, "", location.pathname + location.search + before);
    return decoded(found[1]);
  }
}

/** @param {string} hash */
export const bringsToken = (hash) => OF_TOKEN.test(hash);

// Of a part of an address; one that cannot be decoded stays as it is.
/** @param {string} text */
export function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const session = new Session();

// -- asking ----------------------------------------------------------------------------------------------------------

export class ApiError extends Error {
  status = 0;
  code = "UNREACHABLE";
  retryable = true;
  /** @type {any} */
  details = {};
  /** @type {number | null} */
  retryAfter = null;

  /** @param {string} message @param {Facts} [facts] */
  constructor(message, facts) {
    super(message);
    Object.assign(this, facts);
  }

  // What may pass by itself: the connection, the API's own trouble.
  get passes() {
    return this.retryable || this.status >= 500;
  }
}

export const now = () => Date.now() / 1000 + skew;

// {data, retryAfter}; raises ApiError, and AbortError after `signal`. A `body` is sent as JSON, one that is text as it is.
/** @template {string} P @template {string} [M="GET"] @param {P} path @param {AskOptions<M>} [options] @returns {Promise<{data: AnswerTo<M, P>, retryAfter: number | null}>} */
export const ask = (path, options = {}) => onceFetched(() => askOnce(path, options), options.signal);

/** @param {string} path @param {AskOptions} options @returns {Promise<{data: any, retryAfter: number | null}>} */
async function askOnce(path, { method = "GET", headers = {}, body, signal }) {
  const address = new URL(path, BASE).href;
  const known = method === "GET" ? answers.get(address) : undefined;
  const sent = known ? { ...headers, "If-None-Match": known.etag } : headers;
  const { response, body: text } = await send(address, { method, ...asJson(body, sent) }, asText, signal);
  const retryAfter = secondsOf(response);
  if (response.status === 304) return { data: known?.data, retryAfter };
  const envelope = parse(text);
  if (!response.ok || !envelope?.success) throw failure(response, envelope, retryAfter);
  learnTime(envelope.timestamp);
  if (method === "GET") remember(address, response.headers.get("ETag"), envelope.data);
  return { data: envelope.data, retryAfter };
}

// {blob} of a file, or {data} with its address where it is large.
/** @param {string} path @param {string} type @param {AbortSignal} [signal] @returns {Promise<{blob?: Blob, data?: Api.ListFile}>} */
export const askFile = (path, type, signal) => onceFetched(() => askFileOnce(path, type, signal), signal);

/** @param {string} path @param {string} type @param {AbortSignal} [signal] */
async function askFileOnce(path, type, signal) {
  const headers = { Accept: `${type}, application/json;q=0.1` };
  const { response, body: blob } = await send(new URL(path, BASE).href, { headers }, (answer) => answer.blob(), signal);
  if (response.ok && !blob.type.startsWith("application/json")) return { blob };
  const envelope = parse(await blob.text());
  if (!envelope?.success) throw failure(response, envelope, secondsOf(response));
  return { data: envelope.data };
}

// {text, cursor} of a page of CSV.
/** @param {string} path @param {AbortSignal} [signal] */
const askCsv = (path, signal) => onceFetched(() => askCsvOnce(path, signal), signal);

/** @param {string} path @param {AbortSignal} [signal] */
async function askCsvOnce(path, signal) {
  const { response, body: text } = await send(new URL(path, BASE).href, {}, asText, signal);
  if (!response.ok) throw failure(response, parse(text), secondsOf(response));
  return { text, cursor: response.headers.get("X-Next-Cursor") };
}

// A list as CSV, page after page; the line with the names once.
/** @param {string} path @param {Record<string, string>} query @param {AbortSignal} signal */
export async function allCsv(path, query, signal) {
  const parts = [];
  /** @type {string | null} */
  let cursor = null;
  do {
    const asked = new URLSearchParams({
      ...query,
      format: "csv",
      ...DIALECT,
      limit: "1000",
      ...(cursor && { cursor }),
    });
    /** @type {{text: string, cursor: string | null}} */
    const page = await askCsv(`${path}?${asked}`, signal);
    parts.push(parts.length ? page.text.slice(page.text.indexOf("\n") + 1) : page.text);
    cursor = page.cursor;
  } while (cursor);
  return parts;
}

// All rows of a list, page after page, of one snapshot. Nobody has seen any before the last has come, so when the
// snapshot goes meanwhile, the list is read once more.
/** @param {string} path @param {Record<string, string>} query @param {{signal?: AbortSignal}} [options] @returns {Promise<Row[]>} */
export async function askAll(path, query, options = {}) {
  try {
    return await askPages(path, query, options);
  } catch (error) {
    if (!isGone(error)) throw error;
    return askPages(path, query, options);
  }
}

// Whether the snapshot that a cursor belongs to is no longer kept: begin anew.
/** @param {any} error */
export const isGone = (error) => error.code === "SNAPSHOT_GONE";

/** @param {string} path @param {Record<string, string>} query @param {{signal?: AbortSignal}} options */
async function askPages(path, query, { signal }) {
  const rows = [];
  /** @type {string | null} */
  let cursor = null;
  do {
    /** @type {{data: {rows: Row[], next_cursor: string | null}}} */
    const page = await ask(`${path}?${new URLSearchParams({ ...query, ...(cursor && { cursor }) })}`, { signal });
    rows.push(...page.data.rows);
    cursor = page.data.next_cursor;
  } while (cursor);
  return rows;
}

export function forget() {
  answers.clear();
}

/** @param {unknown} body @param {Record<string, string>} headers @returns {{headers: Record<string, string>, body?: string}} */
function asJson(body, headers) {
  if (body === undefined) return { headers };
  if (typeof body === "string") return { body, headers };
  return { body: JSON.stringify(body), headers: { ...headers, "Content-Type": "application/json" } };
}

const asText = (/** @type {Response} */ response) => response.text();

/** @template Body @param {string} address @param {{method?: string, headers?: Record<string, string>, body?: string}} request @param {(response: Response) => Promise<Body>} read @param {AbortSignal} [signal] */
async function send(address, { method = "GET", headers = {}, body }, read, signal) {
  const token = session.token;
  const patience = AbortSignal.timeout(PATIENCE);
  try {
    const response = await fetch(address, {
      method,
      body,
      cache: "no-store",
      credentials: "omit",
      headers: { ...headers, Authorization: `Bearer ${token}` },
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    });
    const answer = await read(response);
    session.learn(response.headers.get("X-Wellhead-Role"));
    if (response.status === 401 && token === session.token) session.end("expired");
    return { response, body: answer };
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError("The API does not answer.");
  }
}

// A large database is on its way after an import: whoever asks meanwhile is told so, and is answered once it is there.
/** @template Answer @param {() => Promise<Answer>} look @param {AbortSignal} [signal] @returns {Promise<Answer>} */
async function onceFetched(look, signal = new AbortController().signal) {
  for (let looks = 1; ; looks++) {
    try {
      const answer = await look();
      if (looks > 1) connection.back();
      return answer;
    } catch (error) {
      if (error.code !== "DATABASE_FETCHING" || looks === FETCHES) throw error;
      const seconds = error.retryAfter ?? BACKOFF[BACKOFF.length - 1];
      connection.lost(error, seconds);
      await pause(seconds, signal, () => {});
      signal.throwIfAborted();
    }
  }
}

/** @param {Response} response */
const secondsOf = (response) => Number(response.headers.get("Retry-After")) || null;

/** @param {Response} response @param {any} envelope @param {number | null} retryAfter */
function failure(response, envelope, retryAfter) {
  const told = envelope?.error;
  const { message, ...facts } = told ?? {
    code: `HTTP_${response.status}`,
    retryable: response.status === 429 || response.status >= 500,
  };
  return new ApiError(message ?? `The API answered with ${response.status}.`, {
    status: response.status,
    retryAfter,
    ...facts,
  });
}

/** @param {string} address @param {string | null} etag @param {any} data */
function remember(address, etag, data) {
  answers.delete(address);
  if (etag) answers.set(address, { etag, data });
  if (answers.size > KEPT_ANSWERS) answers.delete(answers.keys().next().value ?? "");
}

/** @param {string} timestamp */
function learnTime(timestamp) {
  const behind = Date.parse(timestamp) / 1000 - Date.now() / 1000;
  skew = Math.abs(behind) > 2 ? behind : 0; // the timestamp is of whole seconds
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(/[:[,\s]-?\d{16}/.test(text) ? withLongNumbersAsText(text) : text);
  } catch {
    return null;
  }
}

// Codes have up to 64 bits, and JavaScript's numbers 53. Text is matched first, so that nothing within it is.
/** @param {string} text */
function withLongNumbersAsText(text) {
  return text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g, (part) =>
    /^-?\d{16,}$/.test(part) ? `"${part}"` : part,
  );
}

// -- asking again ----------------------------------------------------------------------------------------------------

class Connection extends EventTarget {
  isLost = false;

  /** @param {any} error @param {number} seconds */
  lost(error, seconds) {
    this.isLost = true;
    this.dispatchEvent(new CustomEvent("lost", { detail: { error, seconds } }));
  }

  back() {
    if (!this.isLost) return;
    this.isLost = false;
    this.dispatchEvent(new Event("back"));
  }

  reset() {
    this.isLost = false;
  }
}

export const connection = new Connection();

// Calls `look`, which tells after how many seconds to look again, or null for never. `soon` of what this returns looks at
// once; `ended` rejects with an error that does not pass.
/** @param {() => Promise<number | null>} look @param {AbortSignal} signal */
export function poll(look, signal) {
  let wake = () => {};
  let isHurried = false; // somebody asked for a look while one was under way
  const ended = (async () => {
    let failures = 0;
    /** @type {number | null} */
    let seconds = 0;
    while (seconds !== null && !signal.aborted) {
      try {
        seconds = await look();
        failures = 0;
        connection.back();
      } catch (error) {
        if (signal.aborted) return;
        if (!error.passes) throw error;
        seconds = Math.max(error.retryAfter ?? 0, BACKOFF[Math.min(failures++, BACKOFF.length - 1)]);
        connection.lost(error, seconds);
      }
      if (seconds && !isHurried) await pause(seconds, signal, (resolve) => (wake = resolve));
      isHurried = false;
    }
  })();
  const soon = () => {
    isHurried = true;
    wake();
  };
  return { ended, soon };
}

/** @param {number} seconds @param {AbortSignal} signal @param {(end: () => void) => void} give */
function pause(seconds, signal, give) {
  return /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      const over = new AbortController();
      const end = () => {
        over.abort();
        clearTimeout(timer);
        resolve();
      };
      const due = () => {
        if (!document.hidden) return end();
        document.addEventListener("visibilitychange", end, { signal: over.signal });
      };
      const timer = setTimeout(due, seconds * 1000);
      window.addEventListener("online", end, { signal: over.signal });
      signal.addEventListener("abort", end, { signal: over.signal });
      give(end);
    })
  );
}
