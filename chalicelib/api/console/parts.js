// What several pages show of a job: its state and counts, why it failed, how it goes.

import { ask, now, session } from "./api.js";
import { button, clock, confirm, count, duration, h, moment, NONE, say, share, svg, whole } from "./dom.js";
import { isHeld } from "./findings.js";
import { FINAL, OUTCOME_WORDS, STATUS_WORDS, STEP_WORDS } from "./words.js";

const OUTCOMES = ["new", "updated", "duplicate", "failed"];
const STEPS = Object.entries(STEP_WORDS);
const BEGINS = { created: "PENDING", claimed: "FETCHING", merging: "MERGING", checking: "CHECKING", publishing: "PUBLISHING" };
const SILENCE = 15; // seconds without a sign of life that are worth a word; merging and publishing give none

export const isFinal = (job) => FINAL.includes(job.status);
export const rowsOf = (job) => (job.status === "COMPLETED" ? job.total_records : job.fetched_records);
export const mayBeRetried = (job) =>
  (job.status === "FAILED" || job.status === "CANCELLED") && !job.retried_by && !isHeld(job);
// The name of the source, null of an import of before there were several. One that is deleted has a page no more.
export const sourceOf = (job) =>
  job.source ? h("a", { href: `#/sources/${job.source}` }, h("bdi", {}, job.source)) : null;
export const jobLink = (id, text) => h("a", { href: `#/jobs/${id}` }, text);

export function badge(job) {
  if (isHeld(job)) return h("span", { class: "badge held" }, STATUS_WORDS.HELD);
  const isEnding = !isFinal(job) && job.cancel_requested_at;
  const text = isEnding ? "Cancelling" : STATUS_WORDS[job.status];
  return h("span", { class: `badge ${isEnding ? "cancelled" : job.status.toLowerCase()}` }, text);
}

export function time(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  return h("time", { datetime: new Date(seconds * 1000).toISOString() }, moment(seconds));
}

export function facts(...pairs) {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined);
  return h(
    "dl",
    { class: "facts" },
    shown.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

// The counts by outcome, and a bar of their shares.
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

function outcome(kind, count, total) {
  const part = total ? [" ", h("span", { class: "part" }, share(count / total))] : null;
  return h("div", { class: kind }, h("dt", {}, OUTCOME_WORDS[kind]), h("dd", {}, whole(count), part));
}

// Why a job failed, and what to do; the error's own sentence says both. One that is held has findings for that.
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
        button("Follow it", () => follow(id), { class: "primary" }),
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
export function sender(text, path, { attributes, consent = async () => ({}), sent, refused }) {
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

export function retryButton(job, { sent, refused }) {
  if (!session.mayOperate || !mayBeRetried(job)) return null;
  const reached = job.stats?.pages ? "Go on from where it ended" : "Try again";
  return sender(reached, () => `wells/import/jobs/${job.job_id}/retry`, {
    attributes: { class: "primary" },
    sent: (data) => sent(data.job_id),
    refused,
  }).element;
}

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
export function progressCard(first, { signal, refused, cancelled }) {
  let job = first;
  const bar = h("progress", { max: "100", "aria-label": "Progress of the import" });
  const percent = h("span", { class: "percent" });
  const state = h("span", {});
  const phases = STEPS.map(([name, text]) => h("li", { "data-phase": name }, text, h("small", {})));
  const figures = Object.fromEntries(
    ["rows", "speed", "elapsed", "left", "rejected"].map((name) => [name, h("dd", { "data-figure": name })]),
  );
  const note = h("p", { class: "muted", "data-note": "" });
  const cancel = button("Cancel import", () => askToCancel(job, { refused, cancelled }), { class: "danger" });

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
    phases.forEach((phase) => (phase.lastChild.textContent = shownSeconds(spent[phase.dataset.phase])));
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
export const progressOf = ({ progress_percentage: share }) => (share === null ? "" : `${Math.floor(share)} % · `);

const LIMITS = { field_code: "field", from: "from", to: "to" };

export function asked({ parameters = {} }) {
  const limits = Object.entries(LIMITS).filter(([name]) => parameters[name]);
  const told = limits.map(([name, title]) => `, ${title} ${parameters[name]}`);
  return `${parameters.full ? "everything" : "what has changed"}${told.join("")}`;
}

const shownSeconds = (seconds) => (seconds === undefined ? "" : duration(seconds));

// The seconds of each phase until `end`, by the time line; of several attempts together.
function secondsOf({ events = [] }, end) {
  const spent = {};
  let [phase, since] = [null, 0];
  for (const { event, at } of [...events, { at: end }]) {
    if (event && !BEGINS[event]) continue;
    if (phase) spent[phase] = (spent[phase] ?? 0) + Math.max(0, at - since);
    [phase, since] = [BEGINS[event], at];
  }
  return spent;
}

// Of one that has ended: a bar for each phase, as wide as it was long.
export function phaseBars(job) {
  const spent = secondsOf(job, job.completed_at);
  const bars = STEPS.filter(([name]) => name in spent).map(([name, text]) => {
    const bar = h("li", { "data-phase": name, class: "done" }, text, h("small", {}, duration(spent[name])));
    bar.style.flexGrow = spent[name];
    return bar;
  });
  return bars.length ? h("ol", { class: "phases spent", "aria-label": "Phases" }, bars) : null;
}

const small = (text) => h("small", {}, text);
const figure = (title, value) => h("div", {}, h("dt", {}, title), value);

function showBar(job, bar, percent) {
  const share = job.progress_percentage;
  if (share === null) bar.removeAttribute("value");
  else bar.value = share;
  percent.textContent = share === null ? "" : `${Math.floor(share)} %`;
}

function showPhase(job, phases) {
  const current = job.phase ?? "PENDING";
  const place = STEPS.findIndex(([name]) => name === current);
  phases.forEach((phase, number) => {
    phase.className = number < place ? "done" : "";
    if (number === place) phase.setAttribute("aria-current", "step");
    else phase.removeAttribute("aria-current");
  });
}

function leftOf({ estimated_completion_at: end }) {
  return end ? [duration(Math.max(1, end - now())), small(`until about ${clock(end)}`)] : [NONE];
}

function noteOf(job) {
  if (job.cancel_requested_at) return "It is cancelled, and ends at its next report.";
  if (job.status === "PENDING") return "It waits for its worker. That takes a moment, and begins by itself.";
  if (job.waiting) {
    const { for: code, until, try: number } = job.waiting;
    return `The source is given time until ${clock(until)} (${code}); then comes try ${whole(number)}.`;
  }
  const silence = now() - (job.heartbeat_at ?? job.started_at);
  if (job.phase === "FETCHING" && silence > SILENCE) {
    return `No sign of life for ${duration(silence)}. If its worker has died, another one goes on by itself.`;
  }
  const attempt = job.attempt > 1 ? `Attempt ${whole(job.attempt)}: it goes on from its last checkpoint.` : "";
  return [partsOf(job), attempt].filter(Boolean).join(" ");
}

function partsOf({ parts, phase }) {
  if (!parts || phase !== "FETCHING") return "";
  return `The source is read in ${whole(parts.count)} parts at once; ${whole(parts.done)} of them done.`;
}

function announce(before, job) {
  const tenth = (one) => Math.floor((one.progress_percentage ?? 0) / 10);
  if (job.phase !== before.phase && job.phase) say(`The import is ${job.phase.toLowerCase()}.`);
  else if (tenth(job) > tenth(before))
    say(`${Math.floor(job.progress_percentage)} percent, ${count(job.fetched_records, "row")}.`);
}

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
