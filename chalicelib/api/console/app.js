// The frame: who is signed in, which page the address names, whether the API answers.

import { isFollowed, read } from "./address.js";
import { ApiError, ask, bringsToken, connection, decoded, forget, session } from "./api.js";
import { button, confirm, h, say } from "./dom.js";
import { history as historyPage } from "./history.js";
import { imports } from "./imports.js";
import { job } from "./job.js";
import { source, sources } from "./source.js";
import { signOutEverywhere, tokenOfAnotherTab } from "./tabs.js";

// What the first view does without is loaded when its page opens.
/** @param {() => Promise<any>} load @param {string} name @returns {(page: Page) => Promise<void>} */
const later = (load, name) => async (page) => {
  try {
    const views = await load();
    if (page.signal.aborted) return;
    views[name](page);
    if (isSearch) openSearch();
    else page.focus();
  } catch (error) {
    page.fail(error.name === "TypeError" ? new ApiError("The page could not be fetched.") : error);
  }
};
const data = later(() => import("./data.js"), "data");
const define = later(() => import("./define.js"), "define");
const field = later(() => import("./series.js"), "field");
const fieldRegister = later(() => import("./register.js"), "fieldRegister");
const sql = later(() => import("./sql.js"), "sql");
const well = later(() => import("./series.js"), "well");
const wellRegister = later(() => import("./register.js"), "wellRegister");

/** @type {[RegExp, (page: Page) => unknown, string?][]} */
const ROUTES = [
  [/^\/imports$/, imports],
  [/^\/history$/, historyPage],
  [/^\/jobs\/([0-9a-f-]{36})$/, job, "/history"],
  [/^\/sources$/, sources],
  [/^\/new-source$/, define, "/sources"],
  [/^\/sources\/([a-z0-9-]{1,40})$/, source, "/sources"],
  [/^\/sources\/([a-z0-9-]{1,40})\/change$/, define, "/sources"],
  [/^\/data$/, data],
  [/^\/wells$/, wellRegister],
  [/^\/fields$/, fieldRegister, "/wells"],
  [/^\/sql$/, sql],
  [/^\/wells\/([^/]+)\/([^/]+)$/, well, "/wells"],
  [/^\/fields\/([^/]+)$/, field, "/wells"],
];

/** @param {string} id */
const at = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const main = at("main");
let shown = new AbortController();
let isSearch = false; // whether somebody waits for the search to open

function show({ focused = false } = {}) {
  shown.abort();
  shown = new AbortController();
  const { signal } = shown;
  const root = h("div", { class: "page" });
  main.replaceChildren(root);
  showWho();
  connection.reset();
  at("connection").hidden = true;
  if (!session.token) return signIn(root);
  const { path, query } = read(location.hash || "#/imports");
  const [pattern, view, parent] = ROUTES.find(([each]) => each.test(path)) ?? [];
  showPlace(parent ?? path);
  /** @type {Page} */
  const page = {
    root,
    signal,
    parameters: pattern?.exec(path)?.slice(1).map(decoded) ?? [],
    query,
    focus: () => focused && (root.querySelector("h1") ?? main).focus(),
    retitle: (title) => (document.title = `${title} · Wellhead`),
    fail: (error) => signal.aborted || fail(root, error),
  };
  if (view) view(page);
  else {
    root.append(
      h("h1", { tabindex: "-1" }, "There is no such page"),
      h("p", {}, h("a", { href: "#/imports" }, "To the imports")),
    );
  }
  page.focus();
  if (focused) window.scrollTo(0, 0);
}

function openSearch() {
  isSearch = false;
  const input = /** @type {HTMLInputElement | null} */ (document.getElementById("q"));
  input?.select();
  input?.focus();
}

/** @param {string} path */
function showPlace(path) {
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (at("nav").querySelectorAll(":scope > a"))) {
    if (link.hash === `#${path}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function showWho() {
  at("nav").hidden = at("who").hidden = !session.token;
  at("role").textContent = session.role ?? "";
  at("role").hidden = !session.role;
}

/** @param {HTMLElement} root @param {any} error */
function fail(root, error) {
  if (error.status === 401) return; // the sign-in says it
  for (const place of root.querySelectorAll(".loading")) place.remove();
  root.append(
    h(
      "div",
      { class: "notice bad", role: "alert" },
      h("p", { class: "message" }, error.message),
      error.code ? h("p", {}, "Code ", h("code", {}, error.code)) : null,
      h(
        "div",
        { class: "actions" },
        button("Try again", () => show(), { class: "primary" }),
      ),
    ),
  );
  if (!error.code) throw error; // a mistake of the console's own belongs into the browser's log
}

/** @type {Record<string, string>} */
const REASONS = {
  expired: "The API does not accept this token, or no longer. Sign in with another one.",
  left: "You are signed out.",
};

const OTHER_TOKEN = {
  title: "Sign in with another token?",
  text: "The link that you followed brings a token, and you are signed in with another one. Use it only if you know whose it is: what you do then is done in that name.",
  yes: "Use the token of the link",
  no: "Stay signed in",
};

/** @param {HTMLElement} root @param {string} [reason] */
function signIn(root, reason = "") {
  document.title = "Sign in · Wellhead";
  const told = h(
    "p",
    { class: "notice bad", role: "alert", hidden: !reason || reason === "left" },
    REASONS[reason] ?? "",
  );
  const input = h("input", { id: "token", type: "password", autocomplete: "off", spellcheck: "false", required: true });
  const send = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (!session.begin(input.value.trim())) return refuse("That is no token: it has characters that no token has.");
    try {
      await ask("wells/import/jobs?limit=1");
      show({ focused: true });
    } catch (error) {
      if (error.status === 401) return;
      refuse(error.message);
    }
  };
  const refuse = (/** @type {string} */ text) => {
    told.hidden = false;
    told.textContent = text;
    input.focus();
  };
  root.append(
    h(
      "section",
      { class: "panel sign-in" },
      h("h1", { tabindex: "-1" }, "Sign in"),
      reason === "left" ? h("p", {}, REASONS.left) : null,
      told,
      h(
        "form",
        { onsubmit: send },
        h("label", { for: "token" }, "Token of the API"),
        input,
        h("button", { type: "submit", class: "primary large" }, "Sign in"),
      ),
      h(
        "p",
        { class: "muted" },
        "On your own machine ",
        h("code", {}, "make run"),
        " prints a link that signs you in. Elsewhere, ask those who run Wellhead for a token. It is kept in your tabs of the console until you close the last of them.",
      ),
    ),
  );
  input.focus();
}

session.addEventListener("role", showWho);
session.addEventListener("end", (event) => {
  shown.abort();
  forget();
  showWho();
  const root = h("div", { class: "page" });
  main.replaceChildren(root);
  signIn(root, /** @type {CustomEvent<string>} */ (event).detail);
});
connection.addEventListener("lost", (event) => {
  const { error, seconds } = /** @type {CustomEvent<{error: any, seconds: number}>} */ (event).detail;
  const again = `Trying again ${seconds > 1 ? `in ${seconds} seconds` : "now"}.`;
  const lost = error.code === "UNREACHABLE" ? "The connection to the API is lost." : error.message;
  at("connection").textContent = `${lost} ${again} What you see may be old.`;
  at("connection").hidden = false;
});
connection.addEventListener("back", () => {
  at("connection").hidden = true;
  say("The connection is back.");
});
at("sign-out").addEventListener("click", signOutEverywhere);
at("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
window.addEventListener("keydown", (event) => {
  const isOurs =
    (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k";
  if (!isOurs || !session.token || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  isSearch = true;
  if (at("q")) openSearch();
  else location.hash = "/wells";
});
// Whether an address was replaced before its event came, so that its page is not shown.
let isPassed = false;
window.addEventListener("hashchange", ({ oldURL, newURL }) => {
  const before = new URL(oldURL).hash;
  if (bringsToken(location.hash) && !bringsToken(new URL(newURL).hash)) {
    isPassed = true; // the link has an event too, which knows from which place it was followed
    return;
  }
  const token = session.takeFromAddress(before);
  const isOffered = token !== null && Boolean(session.token);
  if (!isOffered) begin(token);
  const isNew = token === null ? !isFollowed(before) : !isOffered;
  if (isNew || isPassed) show({ focused: true });
  isPassed = false;
  if (isOffered) offer(token);
});

// A link with a token may be anybody's: it signs in, and changes or ends no session by itself.
/** @param {string} token */
async function offer(token) {
  const isWanted = session.isOther(token) && (await confirm(OTHER_TOKEN));
  if (!isWanted) return;
  begin(token);
  show({ focused: true });
}

/** @param {string | null} token */
function begin(token) {
  if (token === null || !session.begin(token)) return;
  forget();
}

const token = session.takeFromAddress();
if (!session.token) begin(token);
if (!session.token) begin(await tokenOfAnotherTab((late) => (begin(late), show())));
show();
if (token !== null) offer(token);
