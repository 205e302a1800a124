// The first page: start an import, watch the one that runs, see how the last one ended.

import { ask, poll, session } from "./api.js";
import { count, duration, h, loading, moment, say, whole } from "./dom.js";
import { isHeld } from "./findings.js";
import { heldInShort, heldLine } from "./held.js";
import {
  asked,
  badge,
  facts,
  failure,
  isFinal,
  jobLink,
  outcomes,
  refusal,
  retryButton,
  sender,
  sourceOf,
  time,
  warnings,
} from "./parts.js";
import { progressCard, progressOf } from "./progress.js";

const RECENT = 6;
const IDLE_SECONDS = 4; // between looks for an import that somebody else has started

/** @param {Page} page */
export function imports(page) {
  page.retitle("Imports");
  const { signal } = page;
  const recent = h("section", { class: "panel", "aria-labelledby": "recent-title", hidden: true });
  /** @type {string | null} */
  let followed = null;
  let isListed = false; // whether the imports before the followed one are shown
  const starter = startPanel(signal, follow);
  const current = currentPanel(page, { starter, follow, cancelled: () => watch.soon() });
  const split = h("div", { class: "split" }, starter.element, current.element);
  page.root.append(h("h1", { tabindex: "-1" }, "Imports"), split, recent);

  /** @param {string} id */
  function follow(id) {
    followed = id;
    isListed = false;
    starter.clear();
    current.heading.focus();
    watch.soon();
  }

  async function look() {
    if (followed && isListed) return lookAtJob(followed);
    const { data } = await ask(`wells/import/jobs?limit=${RECENT}`, { signal });
    const [newest] = data.jobs;
    if (!followed && newest && !isFinal(newest)) followed = newest.job_id;
    const shown = followed ?? newest?.job_id;
    showRecent(recent, data.jobs, shown);
    isListed = true;
    if (followed) return 0;
    current.showEnd(newest);
    return IDLE_SECONDS;
  }

  /** @param {string} id */
  async function lookAtJob(id) {
    const { data: job, retryAfter } = await ask(`wells/import/status/${id}`, { signal });
    if (isFinal(job)) {
      say(`The import is ${isHeld(job) ? "held" : job.status.toLowerCase()}.`);
      followed = null;
      return 0;
    }
    current.showRunning(job);
    return retryAfter ?? 1;
  }

  const watch = poll(look, signal);
  watch.ended.catch(page.fail);
}

// {element, heading, showRunning(job), showEnd(job)}: how an import goes, or how the last one went.
/** @param {Page} page @param {{starter: ReturnType<typeof startPanel>, follow: Follow, cancelled: () => void}} options */
function currentPanel(page, { starter, follow, cancelled }) {
  const heading = h("h2", { id: "current-title", tabindex: "-1" }, "Current import");
  const current = h("div", {}, loading());
  const element = h("section", { class: "panel", "aria-labelledby": "current-title" }, heading, current);
  /** @type {(ReturnType<typeof progressCard> & {id: string}) | null} */
  let card = null;
  /** @type {Refused} */
  const refused = (error) => current.prepend(refusal(error, follow));

  /** @param {Job} job */
  function showRunning(job) {
    heading.textContent = "Current import";
    page.retitle(`${progressOf(job)}Imports`);
    starter.busy(job);
    if (card?.id === job.job_id) return card.update(job);
    card?.end();
    card = { id: job.job_id, ...progressCard(job, { signal: page.signal, refused, cancelled }) };
    current.replaceChildren(card.element);
  }

  /** @param {Job} [job] */
  function showEnd(job) {
    starter.busy(null);
    starter.free();
    page.retitle("Imports");
    const shown = job ? `${job.job_id} ${job.retried_by} ${job.discarded_at} ${session.role}` : "none";
    if (current.dataset.shown === shown && !card) return;
    card?.end();
    card = null;
    current.dataset.shown = shown;
    heading.textContent = job ? "Last import" : "No import yet";
    current.replaceChildren(job ? ended(job, { follow, refused }) : h("p", {}, "Start one: its progress shows here."));
  }
  return { element, heading, showRunning, showEnd };
}

const WHAT = [
  ["false", "What has changed", "Since the last import, where the source is set up for it; otherwise everything."],
  ["true", "Everything", "All rows of the source. Rows that are known already count as duplicates."],
];
const LIMITS = [
  ["field_code", "Code of the field", "text"],
  ["from", "Production from", "date"],
  ["to", "Production to", "date"],
];
/** @param {HTMLFormControlsCollection} elements @param {string} name @returns {string} */
const valueOf = (elements, name) => /** @type {any} */ (elements.namedItem(name)).value;
/** @param {HTMLFormElement} form */
const limitsOf = ({ elements }) => Object.fromEntries(LIMITS.map(([name]) => [name, valueOf(elements, name).trim()]));

// {element, clear(), busy(job), free()}: the form that starts an import.
/** @param {AbortSignal} signal @param {Follow} follow */
function startPanel(signal, follow) {
  const answer = h("div", {});
  const path = () => {
    const wanted = { full: valueOf(form.elements, "full"), source: source.value, ...(part.open && limitsOf(form)) };
    return `wells/import/trigger?${new URLSearchParams(Object.entries(wanted).filter(([, value]) => value))}`;
  };
  const source = h("select", { id: "source", onchange: () => start.renew() });
  const sourceLine = h("p", { class: "filter", hidden: true }, h("label", { for: "source" }, "Source"), source);
  const start = sender("Start import", path, {
    attributes: { class: "primary large" },
    sent: (data) => (say("The import has been started."), follow(data.job_id)),
    refused: (error) => answer.replaceChildren(refusal(error, follow)),
  });
  const hint = h("p", { class: "muted", "data-hint": "" });
  const part = partOfSource(() => start.renew());
  const form = h(
    "form",
    { onsubmit: (event) => event.preventDefault() },
    sourceLine,
    changedOrAll(() => start.renew()),
    part,
    start.element,
    hint,
  );
  const note = h("p", {}, "Your token has the role reader: it shows imports and data, and starts nothing.");
  const showRole = () => {
    form.hidden = session.role === "reader";
    note.hidden = session.role !== "reader";
  };
  showRole();
  session.addEventListener("role", showRole, { signal });
  offerSources(source, sourceLine, signal);
  return {
    element: h(
      "section",
      { class: "panel start", "aria-labelledby": "start-title" },
      h("h2", { id: "start-title" }, "Start an import"),
      form,
      note,
      answer,
    ),
    clear: () => answer.replaceChildren(),
    busy: (/** @type {Job | null} */ job) =>
      (hint.textContent = job ? "An import is running. Only one runs at a time." : ""),
    free: () => answer.querySelector(".running")?.remove(),
  };
}

/** @param {() => void} changed */
const changedOrAll = (changed) =>
  h(
    "fieldset",
    {},
    h("legend", { class: "unseen" }, "What to ask the source for"),
    WHAT.map(([value, title, text], place) =>
      h(
        "label",
        { class: "choice" },
        h("input", { type: "radio", name: "full", value, checked: place === 0, onchange: changed }),
        h("span", {}, h("b", {}, title), h("small", {}, text)),
      ),
    ),
  );

/** @param {() => void} changed */
const partOfSource = (changed) =>
  h(
    "details",
    { class: "part", ontoggle: changed },
    h("summary", {}, "Only a part of the source"),
    LIMITS.map(([name, title, type]) =>
      h("label", {}, title, h("input", { name, type, maxlength: "200", autocomplete: "off", oninput: changed })),
    ),
    h("p", { class: "muted" }, "What stays empty sets no limit. Both days count."),
  );

// Where there are several to choose from. Without a choice the API takes the only one, or the default one.
/** @param {HTMLSelectElement} select @param {HTMLElement} line @param {AbortSignal} signal */
async function offerSources(select, line, signal) {
  try {
    const { sources } = (await ask("sources", { signal })).data;
    if (sources.length < 2) return;
    const first = sources.find(({ is_default: isDefault }) => isDefault) ?? sources[0];
    select.append(...sources.map(({ name }) => h("option", { value: name, selected: name === first.name }, name)));
    line.hidden = false;
  } catch {
    line.hidden = true; // the import can be started all the same
  }
}

/** @param {Job} job @param {{follow: Follow, refused: Refused}} options */
function ended(job, { follow, refused }) {
  const again = retryButton(job, { sent: follow, refused });
  /** @type {Record<string, () => string>} */
  const lines = {
    COMPLETED: () =>
      `${count(job.total_records, "row")} in ${duration(job.execution_time_seconds)}, published ${moment(job.completed_at)}.`,
    HELD: () => `It was held ${moment(job.completed_at)}, after ${count(job.fetched_records, "row")}.`,
    FAILED: () => `It ended ${moment(job.completed_at)}, after ${count(job.fetched_records, "row")}.`,
    CANCELLED: () =>
      `It was cancelled ${moment(job.completed_at)}, after ${count(job.fetched_records, "row")}. What is published stays as it was.`,
  };
  return h(
    "div",
    { class: "ended", "data-job": job.job_id },
    h("div", { class: "headline" }, badge(job), h("span", {}, lines[isHeld(job) ? "HELD" : job.status]())),
    job.status === "COMPLETED" ? outcomes(job) : null,
    isHeld(job) ? heldInShort(job) : failure(job),
    warnings(job),
    facts(
      ["Source", sourceOf(job)],
      ["Started by", job.triggered_by],
      ["Asked for", asked(job)],
      ["Created", time(job.created_at)],
      ["Took", duration(job.execution_time_seconds)],
      ["Speed", job.records_per_second ? `${whole(job.records_per_second)} rows/s` : null],
    ),
    h(
      "div",
      { class: "actions" },
      again,
      job.retried_by ? jobLink(job.retried_by, "The import that goes on from it") : null,
      jobLink(job.job_id, detailsOf(job)),
      job.status === "COMPLETED" ? h("a", { href: "#/data" }, "Look at the data") : null,
    ),
  );
}

/** @param {Job} job */
function detailsOf(job) {
  if (isHeld(job)) return "Findings, and what to do";
  return job.failed_records && job.status === "COMPLETED" ? "Details and rejected rows" : "Details";
}

// All but the one that is shown above them.
/** @param {HTMLElement} place @param {Job[]} all @param {string | undefined} shown */
function showRecent(place, all, shown) {
  const jobs = all.filter((job) => job.job_id !== shown);
  place.hidden = !jobs.length;
  place.replaceChildren(
    h("h2", { id: "recent-title" }, "Imports before"),
    h(
      "ul",
      { class: "recent" },
      jobs.map((job) => h("li", {}, badge(job), jobLink(job.job_id, time(job.created_at)), summaryLine(job))),
    ),
    h("p", {}, h("a", { href: "#/history" }, "All imports")),
  );
}

// What is cut is whole under the pointer.
/** @param {Job} job */
function summaryLine(job) {
  const text = `${job.source ? `${job.source}: ` : ""}${summaryOf(job)}`;
  return h("span", { class: "muted", title: text }, text);
}

/** @param {Job} job */
function summaryOf(job) {
  if (isHeld(job)) return heldLine(job);
  if (job.error) return job.error.message;
  return job.status === "COMPLETED"
    ? `${whole(job.new_records)} new, ${whole(job.updated_records)} updated, ${whole(job.failed_records)} rejected`
    : `cancelled after ${count(job.fetched_records, "row")}`;
}
