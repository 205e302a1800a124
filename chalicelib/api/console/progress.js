// How an import goes while it runs, and how long its phases took when it has ended.

import { ask, now, session } from "./api.js";
import { button, clock, confirm, count, duration, h, NONE, say, whole } from "./dom.js";
import { asked, badge, facts, jobLink, sourceOf, time } from "./parts.js";
import { STEP_WORDS } from "./words.js";

const STEPS = Object.entries(STEP_WORDS);
/** @type {Record<string, string>} */
const BEGINS = {
  created: "PENDING",
  claimed: "FETCHING",
  merging: "MERGING",
  checking: "CHECKING",
  publishing: "PUBLISHING",
};
const SILENCE = 15; // seconds without a sign of life that are worth a word; merging and publishing give none

// {element, update(job)}; `refused(error)` is told when its end is refused, `cancelled()` when it was asked for.
/** @param {Job} first @param {{signal: AbortSignal, refused: Refused, cancelled: () => void}} options */
export function progressCard(first, { signal, refused, cancelled }) {
  let job = first;
  const bar = h("progress", { max: "100", "aria-label": "Progress of the import" });
  const percent = h("span", { class: "percent" });
  const state = h("span", {});
  const phases = STEPS.map(([name, text]) => h("li", { "data-phase": name }, text, h("small", {})));
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
    showRows(job, figures);
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
    h("div", { class: "headline" }, state, startedBy(job), cancel),
    h("div", { class: "gauge" }, bar, percent),
    h("ol", { class: "phases", "aria-label": "Phases" }, phases),
    figureList(figures),
    note,
    factsWhileRunning(job),
  );
  return { element, update, end: () => clearInterval(clockwork) };
}

/** @param {Job} job @param {Record<string, HTMLElement>} figures */
function showRows(job, { rows, speed, rejected }) {
  const expected = job.expected_records ? `of ${whole(job.expected_records)}` : "";
  rows.replaceChildren(whole(job.fetched_records), small(expected));
  speed.textContent = job.records_per_second ? `${whole(job.records_per_second)} rows/s` : NONE;
  rejected.textContent = whole(job.failed_records);
}

/** @param {Job} job */
const startedBy = (job) => h("span", { class: "muted" }, "started by ", h("b", {}, job.triggered_by));

/** @param {Record<string, HTMLElement>} figures */
const figureList = ({ rows, speed, elapsed, left, rejected }) =>
  h(
    "dl",
    { class: "figures" },
    figure("Rows", rows),
    figure("Speed", speed),
    figure("Elapsed", elapsed),
    figure("Time left", left),
    figure("Rejected so far", rejected),
  );

/** @param {Job} job */
const factsWhileRunning = (job) =>
  facts(
    ["Source", sourceOf(job)],
    ["Started", time(job.created_at)],
    ["Asked for", asked(job)],
    ["Job", jobLink(job.job_id, h("code", {}, job.job_id))],
  );

// How far it is, as the beginning of a title.
/** @param {Job} job */
export const progressOf = ({ progress_percentage: share }) => (share === null ? "" : `${Math.floor(share)} % · `);

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
  const bars = STEPS.filter(([name]) => name in spent).map(([name, text]) => {
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
  const place = STEPS.findIndex(([name]) => name === current);
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
