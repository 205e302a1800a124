// An import that is held: what was found, and somebody's word on it.

import { read } from "./address.js";
import { now, session } from "./api.js";
import { confirm, count, evenly, framed, h, measured, moment, say, stackedTable, table, whole } from "./dom.js";
import { canBeAccepted, examplesOf, holding, holds, isHeld, titleOf, waitsForWord } from "./findings.js";
import { jobLink, refusal, sender, time } from "./parts.js";
import { chosenUnits } from "./profile.js";
import { inUnits } from "./units.js";

/** @type {Column<Api.JobFinding>[]} */
const COLUMNS = [
  {
    title: "What was found",
    class: "text",
    cell: (finding) => [h("b", {}, titleOf(finding)), h("div", {}, h("code", {}, finding.check))],
  },
  { title: "Found", class: "text", cell: (finding) => measured(finding.found) },
  { title: "Limit", class: "text", cell: (finding) => measured(finding.limit) },
  { title: "What that means", class: "text", cell: told },
];

// All findings of a job that has ended, with the buttons for one that waits for somebody's word; null without any.
// `follow(id)` shows the import that publishes it, `changed(job)` is told that it was discarded.
/** @param {Job} job @param {{follow: Follow, changed: (job: Api.Job) => void}} options */
export function findings(job, { follow, changed }) {
  if (!job.findings?.length && !isHeld(job)) return null;
  const problem = h("div", {});
  /** @type {Refused} */
  const refused = (error) => problem.replaceChildren(refusal(error, follow));
  return h(
    "section",
    { class: "panel held", "aria-labelledby": "findings" },
    h("h2", { id: "findings" }, isHeld(job) ? "Held: nothing was published" : "Findings"),
    isHeld(job) ? h("p", {}, job.error?.message) : null,
    isHeld(job) ? h("p", {}, ...stateOf(job)) : null,
    job.findings?.length
      ? framed("Findings, a table that scrolls", stackedTable("What was found", COLUMNS, job.findings))
      : null,
    (job.findings ?? []).map(examples),
    isHeld(job) && job.diff ? change(job.diff) : null,
    problem,
    actions(job, { follow, changed, refused }),
  );
}

// On the first page, where there is room for the names alone.
/** @param {Job} job */
export function heldInShort(job) {
  return h(
    "div",
    { class: "notice held" },
    h("p", { class: "message" }, job.error?.message),
    h(
      "ul",
      {},
      holding(job).map((finding) => h("li", {}, titleOf(finding))),
    ),
    h("p", {}, ...stateOf(job)),
  );
}

// In one line, for lists.
/** @param {Job} job */
export function heldLine(job) {
  const message = job.error?.message ?? "";
  if (job.discarded_at) return `Held, and discarded by ${job.discarded_by ?? "somebody"}`;
  if (job.retried_by) return "Held; another import went on from it";
  if (job.too_late) return `Held, and too late to accept. ${job.too_late.message}`;
  return job.accept_until ? `Held until ${moment(job.accept_until)}: ${message}` : message;
}

/** @param {Api.JobFinding} finding @returns {Child} */
function told(finding) {
  return [
    finding.message,
    holds(finding) ? null : h("div", { class: "muted" }, "This is only shown; it holds nothing."),
    finding.can_be_accepted === false ? h("div", {}, h("b", {}, "This cannot be accepted.")) : null,
  ];
}

/** @param {Api.JobFinding} finding */
function examples(finding) {
  const { rows, names } = examplesOf(finding);
  if (!rows.length) return null;
  const columns = names.map((name) => ({
    title: name,
    class: typeof rows[0][name] === "number" ? "number" : "text",
    cell: (/** @type {Values} */ row) => h("bdi", {}, measured(row[name])),
  }));
  const title = `Examples: ${titleOf(finding)}`;
  return h(
    "details",
    { open: true },
    h("summary", {}, title),
    framed(`${title}, a table that scrolls`, stackedTable(title, columns, rows)),
  );
}

// What would become of the stored data: rows, and volumes of the stored periods before and after.
/** @param {Api.JobDiff} diff */
function change(diff) {
  const sums = Object.entries(diff.sums ?? {}).map(([column, sum]) => ({ column, ...sum }));
  const units = chosenUnits(read().query);
  /** @param {{column: string}} row @param {Amount} [value] */
  const volume = ({ column }, value = null) => inUnits(column.replace(/d$/, ""), value, units); // of rates by days
  /** @type {Column<any>} */
  const named = { title: "Column", cell: (row) => row.column };
  /** @type {Column<any>} */
  const unit = { title: "Unit", cell: (row) => volume(row).sign };
  /** @type {Column<any>} */
  const field = { title: "Field", class: "name", cell: (/** @type {any} */ row) => h("bdi", {}, row.name ?? row.code) };
  /** @param {any[]} rows @returns {Column<any>[]} */
  const volumes = (rows) => {
    const text = evenly(
      rows.flatMap((row) => [volume(row, row.before).value, volume(row, row.after).value]),
      {
        significant: 6,
      },
    );
    return ["before", "after"].map((name) => ({
      title: name[0].toUpperCase() + name.slice(1),
      class: "number",
      cell: (/** @type {any} */ row) => text(volume(row, row[name]).value),
    }));
  };
  /** @param {string} title @param {Column<any>[]} columns @param {any[] | undefined} rows */
  const list = (title, columns, rows) =>
    rows?.length ? framed(`${title}, a table that scrolls`, table(title, [...columns, ...volumes(rows)], rows)) : null;
  return h(
    "details",
    { open: true },
    h("summary", {}, "What it would change"),
    h(
      "p",
      {},
      `${count(diff.new, "row")} new, ${whole(diff.updated)} updated, ${whole(diff.unchanged)} unchanged, ${whole(diff.rejected)} rejected.`,
      sums.length ? " Stored volumes of the periods that it covers, in all and where they change most:" : "",
    ),
    list("Stored volumes before and after", [named, unit], sums),
    list("Stored volumes of fields before and after", [field, named, unit], diff.fields),
  );
}

/** @param {Job} job @returns {Child[]} */
function stateOf(job) {
  if (job.discarded_at) return ["It was discarded ", time(job.discarded_at), ` by ${job.discarded_by ?? "somebody"}.`];
  if (job.retried_by) return [jobLink(job.retried_by, "The import that goes on from it")];
  const { message, held_since: newer } = job.too_late ?? {};
  if (message) return [message, newer ? " " : "", newer ? jobLink(newer, "Show the import that was held since") : ""];
  if (!holding(job).length || !canBeAccepted(job, 0)) {
    return ["It cannot be accepted. Mend the source, and import again."];
  }
  if (!canBeAccepted(job, now())) return ["It could be accepted until ", time(job.accept_until), "."];
  return job.accept_until ? ["It can be accepted until ", time(job.accept_until), " UTC."] : ["It can be accepted."];
}

/** @param {Job} job @param {{follow: Follow, changed: (job: Api.Job) => void, refused: Refused}} options */
function actions(job, { follow, changed, refused }) {
  if (!session.mayOperate || !waitsForWord(job)) return null;
  const accept = sender("Accept and publish …", () => `wells/import/jobs/${job.job_id}/accept`, {
    attributes: { class: "primary" },
    consent: () => askToAccept(job),
    sent: (data) => (say("The import is being published."), follow(data.job_id)),
    refused: (error) => {
      if (error.code === "ACCEPT_TOO_LATE") accept.element.remove();
      refused(error);
    },
  });
  const discard = sender("Discard", () => `wells/import/jobs/${job.job_id}/discard`, {
    attributes: { class: "danger" },
    consent: askToDiscard,
    sent: (data) => (say("The import is discarded."), changed(data)),
    refused,
  });
  return h("div", { class: "actions" }, canBeAccepted(job, now()) ? accept.element : null, discard.element);
}

// Each finding is ticked by hand: the button that publishes waits for the last one.
/** @param {Job} job */
async function askToAccept(job) {
  const all = holding(job);
  const state = h("p", { class: "muted", role: "status" });
  const boxes = all.map(() => h("input", { type: "checkbox" }));
  /** @param {HTMLButtonElement} agree */
  const content = (agree) => {
    const tell = () => {
      const ticked = boxes.filter((box) => box.checked).length;
      agree.disabled = ticked < all.length;
      state.textContent = `${count(ticked, "finding")} of ${all.length} ticked.`;
    };
    boxes.forEach((box) => box.addEventListener("change", tell));
    tell();
    return [
      h(
        "fieldset",
        {},
        h("legend", { class: "unseen" }, "Findings to accept"),
        all.map((finding, place) => choice(finding, boxes[place])),
      ),
      state,
    ];
  };
  const agreed = await confirm({
    title: "Publish this import all the same?",
    text: "What was held is merged as it was fetched, and replaces what is stored for the same wells and periods. Tick what you accept.",
    content,
    yes: `Publish, and accept ${count(all.length, "finding")}`,
    no: "Keep it held",
    look: "primary",
  });
  return agreed ? { body: { findings: all.map((finding) => finding.check) } } : null;
}

/** @param {Api.JobFinding} finding @param {HTMLInputElement} box */
const choice = (finding, box) =>
  h(
    "label",
    { class: "choice" },
    box,
    h(
      "span",
      {},
      h("b", {}, titleOf(finding)),
      h("small", {}, finding.message),
      h("small", {}, `Found: ${measured(finding.found)}. Limit: ${measured(finding.limit)}.`),
    ),
  );

async function askToDiscard() {
  const agreed = await confirm({
    title: "Discard this import?",
    text: "What is published stays as it is. What was held can then no longer be accepted; the source has to be asked for it again.",
    yes: "Discard the import",
    no: "Keep it held",
  });
  return agreed ? {} : null;
}
