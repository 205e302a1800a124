// All imports, newest first, in pages.

import { ask, poll } from "./api.js";
import { duration, framed, h, loading, NONE, table, whole } from "./dom.js";
import { isHeld } from "./findings.js";
import { heldLine } from "./held.js";
import { badge, jobLink, rowsOf, sourceOf, time } from "./parts.js";
import { STATUS_WORDS, STATUSES, STEP_WORDS } from "./words.js";

const ROWS = 25;
const SECONDS = 5; // between looks

/** @type {Column<Job>[]} */
const COLUMNS = [
  { title: "Status", cell: badge },
  { title: "Created", cell: (job) => jobLink(job.job_id, time(job.created_at)) },
  { title: "Source", cell: (job) => sourceOf(job) ?? NONE },
  { title: "Duration", class: "number", cell: (job) => duration(job.execution_time_seconds) },
  { title: "Rows", class: "number", cell: (job) => whole(rowsOf(job)) },
  { title: "New", class: "number", cell: (job) => published(job, job.new_records) },
  { title: "Updated", class: "number", cell: (job) => published(job, job.updated_records) },
  { title: "Duplicate", class: "number", cell: (job) => published(job, job.duplicate_records) },
  { title: "Rejected", class: "number", cell: (job) => whole(job.failed_records) },
  { title: "By", cell: (job) => job.triggered_by },
  { title: "What happened", class: "line", cell: (job) => h("span", { title: told(job) }, told(job)) },
];

/** @param {Page} page */
export function history(page) {
  page.retitle("History");
  const wanted = page.query.get("status") ?? "";
  const status = STATUSES.includes(wanted) ? wanted : "";
  const source = page.query.get("source") ?? "";
  const pages = (page.query.get("pages") ?? "").split(",").filter(Boolean);
  const list = h("div", {}, loading());
  page.root.append(
    h("h1", { tabindex: "-1" }, "History"),
    h("section", { class: "panel", "aria-label": "Imports" }, filter({ status, source }, page.signal), list),
  );
  /** @type {Api.JobPage | null} */
  let shown = null;
  const query = new URLSearchParams({
    limit: String(ROWS),
    ...(status && { status }),
    ...(source && { source }),
    ...(pages.length && { cursor: pages[pages.length - 1] }),
  });
  const watch = poll(async () => {
    const { data } = await ask(`wells/import/jobs?${query}`, { signal: page.signal });
    if (data !== shown) list.replaceChildren(...content(data, { status, source }, pages));
    shown = data;
    return SECONDS;
  }, page.signal);
  watch.ended.catch(page.fail);
}

/** @param {{status: string, source: string}} chosen @param {AbortSignal} signal */
function filter(chosen, signal) {
  const go = () => {
    location.hash = address({ status: select.value, source: sources.value }, []);
  };
  const sources = h(
    "select",
    { id: "source", onchange: go },
    h("option", { value: "" }, "All"),
    chosen.source ? h("option", { value: chosen.source, selected: true }, chosen.source) : null,
  );
  const bySource = h(
    "span",
    { class: "filter", hidden: !chosen.source },
    h("label", { for: "source" }, "Source"),
    sources,
  );
  ask("sources", { signal })
    .then(({ data }) => {
      const names = data.sources.map(({ name }) => name).filter((name) => name !== chosen.source);
      sources.append(...names.map((name) => h("option", { value: name }, name)));
      bySource.hidden = names.length < 2 && !chosen.source;
    })
    .catch(() => {}); // the list is there all the same
  /** @type {HTMLSelectElement} */
  const select = h(
    "select",
    { id: "status", onchange: go },
    h("option", { value: "" }, "All"),
    STATUSES.map((name) => h("option", { value: name, selected: name === chosen.status }, STATUS_WORDS[name])),
  );
  return h("p", { class: "filter" }, h("label", { for: "status" }, "Status"), select, bySource);
}

/** @param {Api.JobPage} data @param {{status: string, source: string}} chosen @param {string[]} pages */
function content(data, chosen, pages) {
  const list = data.jobs.length
    ? framed("Imports, a table that scrolls", table("Imports, newest first; times in UTC", COLUMNS, data.jobs))
    : h(
        "p",
        { class: "muted" },
        chosen.source
          ? "No such import of this source is on this page."
          : chosen.status || pages.length
            ? "No import on this page has this status."
            : "No import has been started yet.",
      );
  return [
    list,
    h(
      "nav",
      { class: "pages", "aria-label": "Pages" },
      pages.length ? h("a", { href: address(chosen, pages.slice(0, -1)), rel: "prev" }, "← Newer") : h("span", {}),
      data.next_cursor ? h("a", { href: address(chosen, [...pages, data.next_cursor]), rel: "next" }, "Older →") : null,
    ),
  ];
}

/** @param {{status: string, source: string}} chosen @param {string[]} pages */
function address({ status, source }, pages) {
  const query = new URLSearchParams({
    ...(status && { status }),
    ...(source && { source }),
    ...(pages.length && { pages: pages.join(",") }),
  });
  return `#/history${query.size ? `?${query}` : ""}`;
}

/** @param {Job} job @param {number} count */
const published = (job, count) => (job.status === "COMPLETED" ? whole(count) : NONE);

/** @type {Record<string, string>} */
const WORDS = { COMPLETED: "Published", CANCELLED: "Cancelled on request", PENDING: "Waits for its worker" };

/** @param {Job} job */
function told(job) {
  if (isHeld(job)) return heldLine(job);
  if (job.error) return job.error.message;
  if (job.warnings.length) return job.warnings.map(({ count, rule }) => `${whole(count)} ${rule}`).join(", ");
  if (job.phase) return STEP_WORDS[job.phase];
  return WORDS[job.status];
}
