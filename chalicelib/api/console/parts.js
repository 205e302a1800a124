// What several pages show of a job: its state and counts, why it failed, what was asked for.

import { ask, session } from "./api.js";
import { button, clock, h, moment, NONE, share, svg, whole } from "./dom.js";
import { isHeld } from "./findings.js";
import { FINAL, OUTCOME_WORDS, STATUS_WORDS, STEP_WORDS } from "./words.js";

const OUTCOMES = /** @type {const} */ (["new", "updated", "duplicate", "failed"]);

/** @param {Job} job */
export const isFinal = (job) => FINAL.includes(job.status);
/** @param {Job} job */
export const rowsOf = (job) => (job.status === "COMPLETED" ? job.total_records : job.fetched_records);
/** @param {Job} job */
export const mayBeRetried = (job) =>
  (job.status === "FAILED" || job.status === "CANCELLED") && !job.retried_by && !isHeld(job);
// The name of the source, null of an import of before there were several. One that is deleted has a page no more.
/** @param {Job} job */
export const sourceOf = (job) =>
  job.source ? h("a", { href: `#/sources/${job.source}` }, h("bdi", {}, job.source)) : null;
/** @param {string} id @param {Child} text */
export const jobLink = (id, text) => h("a", { href: `#/jobs/${id}` }, text);

/** @param {Job} job */
export function badge(job) {
  if (isHeld(job)) return h("span", { class: "badge held" }, STATUS_WORDS.HELD);
  const isEnding = !isFinal(job) && job.cancel_requested_at;
  const text = isEnding ? "Cancelling" : STATUS_WORDS[job.status];
  return h("span", { class: `badge ${isEnding ? "cancelled" : job.status.toLowerCase()}` }, text);
}

/** @param {number | null} [seconds] */
export function time(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  return h("time", { datetime: new Date(seconds * 1000).toISOString() }, moment(seconds));
}

/** @param {...[string, Child]} pairs */
export function facts(...pairs) {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined);
  return h(
    "dl",
    { class: "facts" },
    shown.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

// The counts by outcome, and a bar of their shares.
/** @param {Job} job */
export function outcomes(job) {
  const bar = svg("svg", { class: "shares", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" });
  let x = 0;
  for (const kind of OUTCOMES) {
    const width = job.total_records ? (100 * job[`${kind}_records`]) / job.total_records : 0;
    bar.append(svg("rect", { class: kind, x, y: 0, width, height: 4 }));
    x += width;
  }
  return h(
    "div",
    { class: "outcomes" },
    bar,
    h(
      "dl",
      {},
      OUTCOMES.map((kind) => outcome(kind, job[`${kind}_records`], job.total_records)),
      job.withdrawn_records ? outcome("withdrawn", job.withdrawn_records, 0) : null,
    ),
  );
}

/** @param {string} kind @param {number} count @param {number} total */
function outcome(kind, count, total) {
  const part = total ? [" ", h("span", { class: "part" }, share(count / total))] : null;
  return h("div", { class: kind }, h("dt", {}, OUTCOME_WORDS[kind]), h("dd", {}, whole(count), part));
}

// Why a job failed, and what to do; the error's own sentence says both. One that is held has findings for that.
/** @param {Job} job */
export function failure(job) {
  if (!job.error || isHeld(job)) return null;
  const { code, message, retryable, phase, page, attempt } = job.error;
  return h(
    "div",
    { class: "notice bad" },
    h("p", { class: "message" }, message),
    h("p", {}, retryable ? "Trying again can help." : "Trying again helps only when its cause has been removed."),
    facts(
      ["Code", h("code", {}, code)],
      ["Phase", phase && STEP_WORDS[phase]],
      ["Page of the source", page && whole(page)],
      ["Attempt", attempt ? whole(attempt) : null],
    ),
    h("p", { class: "muted" }, "The published data is as it was before this import."),
  );
}

/** @param {Job} job */
export function warnings(job) {
  if (!job.warnings?.length) return null;
  return h(
    "ul",
    { class: "warnings" },
    job.warnings.map(({ rule, count, message }) =>
      h("li", {}, h("strong", {}, whole(count)), " ", message, " ", h("code", {}, rule)),
    ),
  );
}

// Why a request was refused. `follow(id)` shows the job that runs instead.
/** @param {any} error @param {Follow} [follow] */
export function refusal(error, follow) {
  const { job_id: id, started_at: startedAt, retried_by: heir, held_since: newer } = error.details ?? {};
  if (error.rule === "SINGLE_IMPORT_RULE") {
    return h(
      "div",
      { class: "notice running", role: "alert" },
      h("p", { class: "message" }, "An import is already running, and only one runs at a time."),
      h("p", {}, `It was started at ${clock(startedAt)} UTC: `, h("code", {}, id)),
      h(
        "div",
        { class: "actions" },
        button("Follow it", () => follow?.(id), { class: "primary" }),
      ),
    );
  }
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    h("p", { class: "message" }, error.message),
    error.rule === "SINGLE_RETRY_RULE" && heir
      ? h("p", {}, jobLink(heir, "Show the import that goes on from it"))
      : null,
    error.rule === "RESUME_RULE" ? h("p", {}, h("a", { href: "#/imports" }, "Start a new import")) : null,
    newer ? h("p", {}, jobLink(newer, "Show the import that was held since")) : null,
    error.code === "ACCEPT_TOO_LATE" && !newer ? h("p", {}, h("a", { href: "#/imports" }, "Start a new import")) : null,
    error.code === "ROLE_REQUIRED"
      ? h("p", {}, `Sign in with a token that has the role ${error.details?.needed ?? "operator"}.`)
      : null,
    error.code === "UNREACHABLE" ? h("p", {}, "Press the button again: it starts no second import.") : null,
  );
}

// A button whose request may be sent again when no answer came: the key stays the same until one does. `consent` is
// asked first; it gives what to send along, or null for nothing to be sent.
/** @param {Child} text @param {() => string} path @param {{attributes?: Attributes, consent?: () => Promise<{body?: unknown} | null>, sent: (data: any) => void, refused: Refused}} options */
export function sender(text, path, { attributes, consent = async () => ({}), sent, refused }) {
  /** @type {string | null} */
  let key = null;
  const send = async () => {
    const agreed = await consent();
    if (!agreed) return;
    key ??= crypto.randomUUID();
    element.disabled = true;
    try {
      const { data } = await ask(path(), { method: "POST", headers: { "Idempotency-Key": key }, ...agreed });
      key = null;
      sent(data);
    } catch (error) {
      if (error.code !== "UNREACHABLE") key = null;
      refused(error);
    } finally {
      element.disabled = false;
    }
  };
  const element = button(text, send, attributes);
  return { element, renew: () => (key = null) };
}

/** @param {Job} job @param {{sent: Follow, refused: Refused}} options */
export function retryButton(job, { sent, refused }) {
  if (!session.mayOperate || !mayBeRetried(job)) return null;
  const reached = job.stats?.pages ? "Go on from where it ended" : "Try again";
  return sender(reached, () => `wells/import/jobs/${job.job_id}/retry`, {
    attributes: { class: "primary" },
    sent: (data) => sent(data.job_id),
    refused,
  }).element;
}

/** @param {string} text @param {string} what */
export function copyButton(text, what) {
  const element = button("Copy", async () => {
    await navigator.clipboard.writeText(text);
    element.textContent = "Copied";
    setTimeout(() => (element.textContent = "Copy"), 2000);
  });
  element.className = "quiet";
  element.setAttribute("aria-label", `Copy ${what}`);
  return element;
}

/** @type {Record<string, string>} */
const LIMITS = { field_code: "field", from: "from", to: "to" };

/** @param {{parameters?: Record<string, any>}} job */
export function asked({ parameters = {} }) {
  const limits = Object.entries(LIMITS).filter(([name]) => parameters[name]);
  const told = limits.map(([name, title]) => `, ${title} ${parameters[name]}`);
  return `${parameters.full ? "everything" : "what has changed"}${told.join("")}`;
}
