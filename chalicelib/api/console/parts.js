// What several pages show of a job: its state and counts, why it failed, how it goes.

import { ask, now, session } from "./api.js";
import { button, clock, confirm, count, duration, h, moment, NONE, say, share, svg, whole } from "./dom.js";
import { isHeld } from "./findings.js";

const FINAL = ["COMPLETED", "FAILED", "CANCELLED"];
/** @type {[string, string, "new_records" | "updated_records" | "duplicate_records" | "failed_records"][]} */
const OUTCOMES = [
  ["new", "New", "new_records"],
  ["updated", "Updated", "updated_records"],
  ["duplicate", "Duplicate", "duplicate_records"],
  ["failed", "Rejected", "failed_records"],
];
const PHASES = [
  ["PENDING", "Waiting"],
  ["FETCHING", "Fetching"],
  ["MERGING", "Merging"],
  ["CHECKING", "Checking"],
  ["PUBLISHING", "Publishing"],
];
/** @type {Record<string, string>} */
const BEGINS = {
  created: "PENDING",
  claimed: "FETCHING",
  merging: "MERGING",
  checking: "CHECKING",
  publishing: "PUBLISHING",
};
const SILENCE = 15; // seconds without a sign of life that are worth a word; merging and publishing give none

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
  if (isHeld(job)) return h("span", { class: "badge held" }, "Held");
  const isEnding = !isFinal(job) && job.cancel_requested_at;
  const text = isEnding ? "Cancelling" : job.status[0] + job.status.slice(1).toLowerCase();
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
  for (const [kind, , field] of OUTCOMES) {
    const width = job.total_records ? (100 * job[field]) / job.total_records : 0;
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
      OUTCOMES.map(([kind, title, field]) => outcome(kind, title, job[field], job.total_records)),
      job.withdrawn_records ? outcome("withdrawn", "Withdrawn", job.withdrawn_records, 0) : null,
    ),
  );
}

/** @param {string} kind @param {string} title @param {number} count @param {number} total */
function outcome(kind, title, count, total) {
  const part = total ? [" ", h("span", { class: "part" }, share(count / total))] : null;
  return h("div", { class: kind }, h("dt", {}, title), h("dd", {}, whole(count), part));
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
      ["Phase", phase && phase[0] + phase.slice(1).toLowerCase()],
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

// -- an import while it runs -----------------------------------------------------------------------------------------

// {element, update(job)}; `refused(error)` is told when its end is refused, `cancelled()` when it was asked for.
/** @param {Job} first @param {{signal: AbortSignal, refused: Refused, cancelled: () => void}} options */
export function progressCard(first, { signal, refused, cancelled }) {
  let job = first;
  const bar = h("progress", { max: "100", "aria-label": "Progress of the import" });
  const percent = h("span", { class: "percent" });
  const state = h("span", {});
  const phases = PHASES.map(([name, text]) => h("li", { "data-phase": name }, text, h("small", {})));
  const seconds = (/** @type {HTMLElement} */ phase) => /** @type {HTMLElement} */ (phase.lastChild);
  const figures = Object.fromEntries(
    ["rows", "speed", "elapsed", "left", "rejected"].map((name) => [name, h("dd", { "data-figure": name })]),
  );
  const note = h("p", { class: "muted", "data-note": "" });
  const cancel = button("Cancel import", () => askToCancel(job, { refused, cancelled }), { class: "danger" });

  /** @param {Job} newer */
  function update(newer) {
    announce(job, newer);
    job = newer;
    state.replaceChildren(badge(job));
    showBar(job, bar, percent);
    showPhase(job, phases);
    figures.rows.replaceChildren(
      whole(job.fetched_records),
      small(job.expected_records ? `of ${whole(job.expected_records)}` : ""),
    );
    figures.speed.textContent = job.records_per_second ? `${whole(job.records_per_second)} rows/s` : NONE;
    figures.rejected.textContent = whole(job.failed_records);
    cancel.hidden = !session.mayOperate || Boolean(job.cancel_requested_at);
    tick();
  }

  function tick() {
    figures.elapsed.textContent = duration(job.started_at ? now() - job.started_at : null);
    figures.left.replaceChildren(...leftOf(job));
    const spent = secondsOf(job, now());
    phases.forEach((phase) => (seconds(phase).textContent = shownSeconds(spent[phase.dataset.phase ?? ""])));
    note.textContent = noteOf(job);
  }

  const clockwork = setInterval(tick, 1000);
  signal.addEventListener("abort", () => clearInterval(clockwork));
  session.addEventListener("role", () => update(job), { signal });
  update(first);
  const element = h(
    "div",
    { class: "progress", "data-job": job.job_id },
    h(
      "div",
      { class: "headline" },
      state,
      h("span", { class: "muted" }, "started by ", h("b", {}, job.triggered_by)),
      cancel,
    ),
    h("div", { class: "gauge" }, bar, percent),
    h("ol", { class: "phases", "aria-label": "Phases" }, phases),
    h(
      "dl",
      { class: "figures" },
      figure("Rows", figures.rows),
      figure("Speed", figures.speed),
      figure("Elapsed", figures.elapsed),
      figure("Time left", figures.left),
      figure("Rejected so far", figures.rejected),
    ),
    note,
    facts(
      ["Source", sourceOf(job)],
      ["Started", time(job.created_at)],
      ["Asked for", asked(job)],
      ["Job", jobLink(job.job_id, h("code", {}, job.job_id))],
    ),
  );
  return { element, update, end: () => clearInterval(clockwork) };
}

// How far it is, as the beginning of a title.
/** @param {Job} job */
export const progressOf = ({ progress_percentage: share }) => (share === null ? "" : `${Math.floor(share)} % · `);

/** @type {Record<string, string>} */
const LIMITS = { field_code: "field", from: "from", to: "to" };

/** @param {{parameters?: Record<string, any>}} job */
export function asked({ parameters = {} }) {
  const limits = Object.entries(LIMITS).filter(([name]) => parameters[name]);
  const told = limits.map(([name, title]) => `, ${title} ${parameters[name]}`);
  return `${parameters.full ? "everything" : "what has changed"}${told.join("")}`;
}

/** @param {number} [seconds] */
const shownSeconds = (seconds) => (seconds === undefined ? "" : duration(seconds));

// The seconds of each phase until `end`, by the time line; of several attempts together.
/** @param {Job} job @param {number} end */
function secondsOf({ events = [] }, end) {
  /** @type {Record<string, number>} */
  const spent = {};
  /** @type {string | undefined} */
  let phase;
  let since = 0;
  for (const { event, at } of [...events, { event: "", at: end }]) {
    if (event && !BEGINS[event]) continue;
    if (phase) spent[phase] = (spent[phase] ?? 0) + Math.max(0, at - since);
    [phase, since] = [BEGINS[event], at];
  }
  return spent;
}

// Of one that has ended: a bar for each phase, as wide as it was long.
/** @param {Job} job */
export function phaseBars(job) {
  const spent = secondsOf(job, job.completed_at ?? now());
  const bars = PHASES.filter(([name]) => name in spent).map(([name, text]) => {
    const bar = h("li", { "data-phase": name, class: "done" }, text, h("small", {}, duration(spent[name])));
    bar.style.flexGrow = String(spent[name]);
    return bar;
  });
  return bars.length ? h("ol", { class: "phases spent", "aria-label": "Phases" }, bars) : null;
}

/** @param {string} text */
const small = (text) => h("small", {}, text);
/** @param {string} title @param {Child} value */
const figure = (title, value) => h("div", {}, h("dt", {}, title), value);

/** @param {Job} job @param {HTMLProgressElement} bar @param {HTMLElement} percent */
function showBar(job, bar, percent) {
  const share = job.progress_percentage;
  if (share === null) bar.removeAttribute("value");
  else bar.value = share;
  percent.textContent = share === null ? "" : `${Math.floor(share)} %`;
}

/** @param {Job} job @param {HTMLElement[]} phases */
function showPhase(job, phases) {
  const current = job.phase ?? "PENDING";
  const place = PHASES.findIndex(([name]) => name === current);
  phases.forEach((phase, number) => {
    phase.className = number < place ? "done" : "";
    if (number === place) phase.setAttribute("aria-current", "step");
    else phase.removeAttribute("aria-current");
  });
}

/** @param {Job} job */
function leftOf({ estimated_completion_at: end }) {
  return end ? [duration(Math.max(1, end - now())), small(`until about ${clock(end)}`)] : [NONE];
}

/** @param {Job} job */
function noteOf(job) {
  if (job.cancel_requested_at) return "It is cancelled, and ends at its next report.";
  if (job.status === "PENDING") return "It waits for its worker. That takes a moment, and begins by itself.";
  if (job.waiting) {
    const { for: code, until, try: number } = job.waiting;
    return `The source is given time until ${clock(until)} (${code}); then comes try ${whole(number)}.`;
  }
  const silence = now() - (job.heartbeat_at ?? job.started_at ?? now());
  if (job.phase === "FETCHING" && silence > SILENCE) {
    return `No sign of life for ${duration(silence)}. If its worker has died, another one goes on by itself.`;
  }
  const attempt = job.attempt > 1 ? `Attempt ${whole(job.attempt)}: it goes on from its last checkpoint.` : "";
  return [partsOf(job), attempt].filter(Boolean).join(" ");
}

/** @param {Job} job */
function partsOf({ parts, phase }) {
  if (!parts || phase !== "FETCHING") return "";
  return `The source is read in ${whole(parts.count)} parts at once; ${whole(parts.done)} of them done.`;
}

/** @param {Job} before @param {Job} job */
function announce(before, job) {
  const tenth = (/** @type {Job} */ one) => Math.floor((one.progress_percentage ?? 0) / 10);
  if (job.phase !== before.phase && job.phase) say(`The import is ${job.phase.toLowerCase()}.`);
  else if (tenth(job) > tenth(before)) {
    say(`${Math.floor(job.progress_percentage ?? 0)} percent, ${count(job.fetched_records, "row")}.`);
  }
}

/** @param {Job} job @param {{refused: Refused, cancelled: () => void}} options */
async function askToCancel(job, { refused, cancelled }) {
  const agreed = await confirm({
    title: "Cancel this import?",
    text: "The published data stays as it is. What has been fetched up to the last checkpoint is kept for six days, and the import can go on from there.",
    yes: "Cancel import",
    no: "Keep it running",
  });
  if (!agreed) return;
  try {
    await ask(`wells/import/jobs/${job.job_id}/cancel`, { method: "POST" });
    say("The import ends at its next report.");
    cancelled();
  } catch (error) {
    refused(error);
  }
}
