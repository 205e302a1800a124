// One import: how it goes or went, its time line, its warnings, what it changed and what it rejected.

import { allCsv, ask, poll, session } from "./api.js";
import {
  button,
  clock,
  count,
  duration,
  framed,
  h,
  loading,
  moment,
  saveCsv,
  say,
  size,
  stackedTable,
  table,
  whole,
} from "./dom.js";
import { isHeld } from "./findings.js";
import { findings } from "./held.js";
import { jobLog } from "./log.js";
import {
  asked,
  badge,
  copyButton,
  facts,
  failure,
  isFinal,
  jobLink,
  outcomes,
  refusal,
  retryButton,
  rowsOf,
  sourceOf,
  time,
  warnings,
} from "./parts.js";
import { phaseBars, progressCard, progressOf } from "./progress.js";

const REJECTS = 200;
const SHOWN = 50; // of each reason

/** @type {Column<Api.Reject>[]} */
const REJECT_COLUMNS = [
  { title: "Page", class: "number", cell: (row) => whole(row.page) },
  { title: "Place", class: "number", cell: (row) => whole(row.position + 1) },
  {
    title: "Why, and the row as the source wrote it",
    class: "text",
    cell: (row) => [row.detail, h("pre", {}, row.raw)],
  },
];
/** @type {Record<string, (event: any) => string>} */
const TOLD = {
  created: ({ by }) => `Created by ${by}`,
  claimed: ({ attempt }) => `Attempt ${whole(attempt)} began`,
  resumed: ({ page, records }) => `Went on at page ${whole(page)}, after ${count(records, "row")}`,
  "gone back": ({ records, lost_records: lost }) =>
    `Went back: ${count(records, "row")} kept, ${count(lost, "row")} fetched again`,
  planned: ({ parts }) => `Planned: ${count(parts, "part")} of the source are read at once`,
  "reads again by keys": ({ repeated_keys: keys }) =>
    `Read again by keys: ${count(keys, "key")} came on more than one page`,
  checkpoint: ({ page, records }) => `Checkpoint: ${count(records, "more row")} safe, page ${whole(page)} is next`,
  "handed over": ({ attempt }) => `Attempt ${whole(attempt)} used up its time; the next one goes on`,
  merging: () => "Merging into what is published, unseen until it is whole",
  checking: () => "Checking what it would change",
  publishing: () => "Publishing: the new database is read back and stored",
  "waits for spark": ({ records }) => `Waits for Spark to merge ${count(records, "row")}`,
  completed: ({ records }) => `Completed with ${count(records, "row")}`,
  failed: ({ code }) => (code === "HELD" ? "Held: nothing was published" : `Failed: ${code}`),
  cancelled: () => "Cancelled",
};

/** @param {Page} page */
export function job(page) {
  const [id] = page.parameters;
  page.retitle("Import");
  const title = h("h1", { tabindex: "-1" }, "Import");
  const state = h("section", { class: "panel", "aria-label": "State" }, loading());
  const more = h("div", { class: "page" });
  const log = jobLog(id, page);
  const crumb = h("p", { class: "crumb" }, h("a", { href: "#/history" }, "History"));
  page.root.append(crumb, title, state, more, log.element);
  /** @type {ReturnType<typeof progressCard> | null} */
  let card = null;
  /** @type {Api.Job | null} */
  let shown = null;
  /** @type {Follow} */
  const follow = (other) => (location.hash = `#/jobs/${other}`);
  /** @type {Refused} */
  const refused = (error) => state.append(refusal(error, follow));
  const watch = poll(async () => {
    const { data, retryAfter } = await ask(`wells/import/status/${id}`, { signal: page.signal });
    if (data !== shown) show(data);
    shown = data;
    return isFinal(data) ? null : (retryAfter ?? 1);
  }, page.signal);
  watch.ended.catch(page.fail);

  /** @param {Api.Job} job */
  function show(job) {
    title.textContent = `Import of ${moment(job.created_at)} UTC`;
    page.retitle(`${isFinal(job) ? "" : progressOf(job)}Import of ${clock(job.created_at)}`);
    log.of(job);
    if (isFinal(job)) return showEnd(job);
    if (!card) {
      card = progressCard(job, { signal: page.signal, refused, cancelled: () => watch.soon() });
      state.replaceChildren(card.element);
    }
    card.update(job);
    more.replaceChildren(timeLine(job));
  }

  /** @param {Api.Job} job */
  function showEnd(job) {
    if (card) say(`The import is ${isHeld(job) ? "held" : job.status.toLowerCase()}.`);
    card?.end();
    state.replaceChildren(...ended(job, follow, refused));
    const found = findings(job, { follow, changed: (newer) => ((shown = newer), show(newer)) });
    more.replaceChildren(...(found ? [found] : []), ...detailsOf(job, page));
  }

  session.addEventListener("role", () => shown && isFinal(shown) && show(shown), { signal: page.signal });
}

/** @param {Api.Job} job @param {Page} page */
const detailsOf = (job, page) =>
  [warned(job), changed(job, page), timeLine(job), rejected(job, page), particulars(job)].filter(
    (each) => each !== null,
  );

/** @param {Api.Job} job @param {Follow} follow @param {Refused} refused */
function ended(job, follow, refused) {
  const again = retryButton(job, { sent: follow, refused });
  return [
    h(
      "div",
      { class: "headline" },
      badge(job),
      h("span", {}, `${count(rowsOf(job), "row")} in ${duration(job.execution_time_seconds)}`),
      job.source ? h("span", { class: "muted" }, "of ", sourceOf(job)) : null,
    ),
    job.status === "COMPLETED" ? outcomes(job) : null,
    phaseBars(job),
    failure(job),
    again || job.retried_by
      ? h(
          "div",
          { class: "actions" },
          again,
          job.retried_by ? jobLink(job.retried_by, "The import that goes on from it") : null,
        )
      : null,
  ].filter((each) => each !== null);
}

// Comes when a job is looked at: the first view does without.
/** @param {Api.Job} job @param {Page} page */
function changed(job, page) {
  const place = h("div", { hidden: true });
  import("./changes.js").then(({ changes }) => place.replaceWith(changes(job, page) ?? ""), page.fail);
  return place;
}

/** @param {Api.Job} job */
function warned(job) {
  const list = warnings(job);
  return (
    list &&
    h(
      "section",
      { class: "panel", "aria-labelledby": "warnings" },
      h("h2", { id: "warnings" }, "Warnings"),
      h("p", { class: "muted" }, "These rows are imported as they are, but worth a look."),
      list,
    )
  );
}

/** @param {Api.Job} job */
function timeLine(job) {
  /** @type {Column<Api.JobEvent>[]} */
  const columns = [
    { title: "Time (UTC)", cell: ({ at }) => h("time", { datetime: new Date(at * 1000).toISOString() }, clock(at)) },
    { title: "After", class: "number", cell: ({ at }) => duration(at - job.created_at) },
    { title: "Event", class: "text", cell: (event) => TOLD[event.event]?.(event) ?? event.event },
  ];
  return h(
    "section",
    { class: "panel", "aria-labelledby": "time-line" },
    h("h2", { id: "time-line" }, "Time line"),
    framed("Time line, a table that scrolls", table("What happened when", columns, job.events)),
  );
}

/** @param {Api.Job} job */
function particulars(job) {
  const { pages, bytes, http_retries: retries, fetching_seconds: fetching, changed_since: since } = job.stats;
  return h(
    "section",
    { class: "panel", "aria-labelledby": "particulars" },
    h("h2", { id: "particulars" }, "Particulars"),
    facts(
      ["Created", time(job.created_at)],
      ["First worker", time(job.started_at)],
      ["Ended", time(job.completed_at)],
      ["Source", sourceOf(job)],
      ["Rollback to", job.rollback_to],
      ["Started by", job.triggered_by],
      ["Asked for", asked(job)],
      ["Changed since", since ? time(since) : null],
      ["Announced by the source", job.expected_records === null ? null : count(job.expected_records, "row")],
      ["Fetched", count(job.fetched_records, "row")],
      ["Speed", job.records_per_second ? `${whole(job.records_per_second)} rows/s` : null],
      ["Fetching took", fetching ? duration(fetching) : null],
      ["Pages", pages ? whole(pages) : null],
      ["Received", bytes ? size(bytes) : null],
      ["Requests made again", retries === undefined ? null : whole(retries)],
      ["Attempts", whole(job.attempt)],
      ["Completeness", job.completeness && completenessOf(job.completeness)],
      ["Accepted by", job.accepted_by],
      ["Goes on from", job.retry_of && jobLink(job.retry_of, job.retry_of)],
      ["Job", h("span", {}, h("code", {}, job.job_id), " ", copyButton(job.job_id, "the job id"))],
    ),
  );
}

/** @param {Api.JobCompleteness} completeness */
function completenessOf({ state, reason }) {
  const words = String(state ?? "unknown")
    .toLowerCase()
    .replaceAll("_", " ");
  return reason ? `${words}: ${reason}` : words;
}

/** @param {Api.Job} job @param {Page} page */
function rejected(job, page) {
  return job.status === "COMPLETED" && job.failed_records ? rejects(job, page) : null;
}

// -- the rejected rows, by reason, each with what the source wrote; and all of them as CSV ---------------------------

/** @param {Api.Job} job @param {Page} page */
function rejects(job, page) {
  const path = `wells/import/jobs/${job.job_id}/rejects`;
  const groups = h("div", { class: "reasons" }, loading());
  const problem = h("div", {});
  /** @type {Api.Reject[]} */
  const rows = [];
  /** @type {string | null} */
  let cursor = null;

  async function load() {
    more.disabled = true;
    try {
      const query = new URLSearchParams({ limit: String(REJECTS), ...(cursor && { cursor }) });
      const { data } = await ask(`${path}?${query}`, { signal: page.signal });
      cursor = data.next_cursor;
      show(data.rows);
    } catch (error) {
      groups.querySelector(".loading")?.remove();
      tell(error);
    }
    more.disabled = false;
    more.hidden = !cursor;
  }

  /** @param {Api.Reject[]} found */
  function show(found) {
    rows.push(...found);
    groups.replaceChildren(...grouped(rows));
    known.textContent = cursor ? `${whole(rows.length)} of ${whole(job.failed_records)} rows are shown here.` : "";
  }

  async function download() {
    fetchAll.disabled = true;
    try {
      saveCsv(`rejected-${job.job_id}`, ...(await allCsv(path, {}, page.signal)));
    } catch (error) {
      tell(error);
    }
    fetchAll.disabled = false;
  }

  const tell = (/** @type {any} */ error) =>
    page.signal.aborted || problem.replaceChildren(h("p", { class: "notice bad", role: "alert" }, error.message));
  const known = h("p", { class: "muted" });
  const more = button("Load more", load, { class: "more", hidden: true });
  const fetchAll = button("Download as CSV", download);
  load();
  const headline = h("div", { class: "headline" }, rejectedTitle(job), fetchAll);
  return h("section", { class: "panel", "aria-labelledby": "rejected" }, headline, problem, groups, known, more);
}

/** @param {Api.Job} job */
const rejectedTitle = (job) => [
  h("h2", { id: "rejected" }, "Rejected rows"),
  h("span", { class: "muted" }, count(job.failed_records, "row")),
];

/** @param {Api.Reject[]} rows */
function grouped(rows) {
  const groups = Map.groupBy(rows, (row) => row.reason);
  const largest = [...groups].sort(([, one], [, other]) => other.length - one.length);
  return largest.map(([reason, members], place) =>
    h(
      "details",
      { open: place === 0 },
      h(
        "summary",
        {},
        h("b", {}, whole(members.length)),
        " ",
        h("code", {}, reason),
        " ",
        h("span", { class: "muted" }, ruleOf(members[0].detail ?? "")),
      ),
      framed(
        `Rows rejected as ${reason}, a table that scrolls`,
        stackedTable(`Rows rejected as ${reason}`, REJECT_COLUMNS, members.slice(0, SHOWN)),
      ),
      members.length > SHOWN
        ? h("p", { class: "muted" }, `${whole(members.length - SHOWN)} more are in the CSV.`)
        : null,
    ),
  );
}

// The rule, without the column that the row breaks it with.
/** @param {string} detail */
const ruleOf = (detail) => detail.slice(detail.indexOf(": ") + 1).trim();
