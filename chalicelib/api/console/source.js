// The sources: where rows come from, how fresh they are; and one of them, with its definition.

import { ask, now, poll, session } from "./api.js";
import { age, button, confirm, framed, h, loading, NONE, say, table, whole } from "./dom.js";
import { facts, jobLink, refusal, sender, time } from "./parts.js";
import { writeToml } from "./toml.js";

const SECONDS = 5; // between looks
/** @type {Record<string, string>} */
const KINDS = { odata: "OData", files: "Files" };
/** @type {Record<string, string>} */
const LENGTHS = { day: "days", month: "months", quarter: "quarters", year: "years" };

/** @param {string} name */
export const sourceAddress = (name) => `#/sources/${encodeURIComponent(name)}`;
/** @param {string} name @param {{isFull?: boolean}} [options] */
export const importPath = (name, { isFull = false } = {}) =>
  `wells/import/trigger?${new URLSearchParams({ source: name, ...(isFull && { full: "true" }) })}`;

/** @param {Page} page */
export function sources(page) {
  page.retitle("Sources");
  const list = h("div", {}, loading());
  const answer = h("div", {});
  const add = h("a", { href: "#/new-source", class: "button primary", hidden: true }, "Add a source");
  page.root.append(
    h("div", { class: "headline" }, h("h1", { tabindex: "-1" }, "Sources"), add),
    h("section", { class: "panel", "aria-label": "Sources" }, answer, list),
  );
  /** @type {string | null} */
  let shown = null;
  const watch = poll(async () => {
    const { data } = await ask("sources", { signal: page.signal });
    const seen = JSON.stringify([data, session.role]);
    if (seen !== shown) show(data.sources);
    shown = seen;
    return SECONDS;
  }, page.signal);
  watch.ended.catch(page.fail);

  /** @param {Api.SourceSummary[]} known */
  function show(known) {
    add.hidden = !session.mayDefine;
    const context = { answer, changed: () => ((shown = null), watch.soon()) };
    list.replaceChildren(framed("Sources, a table that scrolls", table("Sources, by name", columnsOf(context), known)));
  }
}

/** @param {Context} context @returns {Column<Api.SourceSummary>[]} */
function columnsOf(context) {
  /** @type {Column<Api.SourceSummary>[]} */
  const columns = [
    {
      title: "Name",
      class: "name",
      cell: (source) => [
        h("a", { href: sourceAddress(source.name) }, h("bdi", {}, source.name)),
        source.is_default ? h("small", { class: "muted" }, " default") : null,
      ],
    },
    { title: "Kind", cell: (source) => KINDS[source.kind] ?? source.kind },
    { title: "Periods", cell: (source) => LENGTHS[source.period] ?? source.period },
    { title: "Last completed import", cell: freshness },
    { title: "Next due", cell: nextDue },
    { title: "Version", class: "number", cell: versionOf },
  ];
  if (!session.mayOperate) return columns;
  return [...columns, { title: "What to do", cell: (source) => actions(source, context) }];
}

/** @param {Pick<Api.SourceSummary, "last_import" | "stale_since">} source @returns {Child} */
function freshness({ last_import: last, stale_since: stale }) {
  const old = stale ? h("strong", {}, " too old") : null;
  if (!last) return [h("span", { class: "muted" }, "never"), old];
  return [jobLink(last.job_id, age(last.at, now())), h("small", { class: "muted" }, " ", time(last.at)), old];
}

/** @param {Pick<Api.SourceSummary, "next_due" | "paused">} source */
function nextDue({ next_due: due, paused }) {
  if (paused) return h("strong", {}, "paused");
  return due ? time(due) : h("span", { class: "muted" }, "by hand");
}

/** @param {Api.SourceSummary} source */
const versionOf = (source) =>
  source.version === null ? h("span", { class: "muted" }, "settings") : whole(source.version);

/** @param {Api.SourceSummary} source @param {Context} context */
function actions(source, context) {
  return h(
    "div",
    { class: "row-actions" },
    importButton(source.name, context.answer),
    session.mayDefine && source.version !== null ? deleteButton(source, context) : null,
  );
}

/** @param {string} name @param {HTMLElement} answer */
function importButton(name, answer) {
  /** @type {Follow} */
  const follow = (id) => (location.hash = `#/jobs/${id}`);
  return sender("Import now", () => importPath(name), {
    attributes: { class: "quiet", "aria-label": `Import ${name} now` },
    sent: ({ job_id: id }) => follow(id),
    refused: (error) => answer.replaceChildren(refusal(error, follow)),
  }).element;
}

/** @param {Api.DefinedSource} source @param {HTMLElement} answer @param {() => Promise<void>} again */
function pauseButton({ name, paused }, answer, again) {
  const act = async () => {
    try {
      await ask(`sources/${encodeURIComponent(name)}/${paused ? "resume" : "pause"}`, { method: "POST" });
      say(paused ? `The schedule of ${name} goes on.` : `The schedule of ${name} is paused.`);
      await again();
    } catch (error) {
      answer.replaceChildren(refusal(error));
    }
  };
  return button(paused ? "Resume the schedule" : "Pause the schedule", act, { class: "quiet" });
}

/** @param {{name: string, version: number | null}} source @param {Context} context */
function deleteButton({ name, version }, { answer, changed }) {
  const ask = async () => {
    if (!(await agreed(name))) return;
    try {
      await deleted(name, version);
      say(`${name} is deleted.`);
      changed();
    } catch (error) {
      answer.replaceChildren(refusal(error, (id) => (location.hash = `#/jobs/${id}`)));
    }
  };
  return button("Delete …", ask, { class: "quiet danger", "aria-label": `Delete ${name} …` });
}

/** @param {string} name @param {number | null} version */
const deleted = (name, version) =>
  ask(`sources/${encodeURIComponent(name)}`, { method: "DELETE", headers: { "If-Match": `"${version}"` } });

/** @param {string} name */
const agreed = (name) =>
  confirm({
    title: `Delete the source ${name}?`,
    text: `It imports no more. The rows that it has brought stay published under its name, and every version of its definition is kept. A source with adopts = "${name}" takes the rows over at its first full import.`,
    yes: "Delete the source",
    no: "Keep it",
  });

// -- one of them -----------------------------------------------------------------------------------------------------

/** @param {Page} page */
export async function source(page) {
  const [name] = page.parameters;
  page.retitle(name);
  const shown = h("div", { class: "page" });
  page.root.append(
    h("p", { class: "crumb" }, h("a", { href: "#/sources" }, "Sources")),
    h("h1", { tabindex: "-1" }, h("bdi", {}, name)),
    shown,
  );
  await show();

  async function show() {
    try {
      const [one, all] = await Promise.all([ask(`sources/${encodeURIComponent(name)}`, page), ask("sources", page)]);
      const last = all.data.sources.find((each) => each.name === name)?.last_import ?? null;
      if (!page.signal.aborted) shown.replaceChildren(state(one.data, last, show), definition(one.data));
    } catch (error) {
      page.fail(error);
    }
  }
}

/** @param {Api.DefinedSource} source @param {Api.SourceSummary["last_import"]} last @param {() => Promise<void>} again */
function state(source, last, again) {
  const { name, version, definition: values } = source;
  const answer = h("div", {});
  const context = { answer, changed: () => (location.hash = "#/sources") };
  const mayChange = session.mayDefine && version !== null;
  return h(
    "section",
    { class: "panel", "aria-label": "State" },
    facts(
      ["Kind", KINDS[source.kind] ?? source.kind],
      ["A row tells of", `a ${source.period}`],
      ["Address", values?.url && h("bdi", { class: "long" }, values.url)],
      ["Preset", values?.preset],
      ["Last completed import", freshness({ last_import: last, stale_since: source.stale_since })],
      ["Too old since", source.stale_since && [time(source.stale_since), `, it is fresh for ${source.fresh_for}`]],
      ["Version", version === null ? "described by the settings of the stack" : whole(version)],
      ["Changed", source.updated_at ? [time(source.updated_at), ` by ${source.updated_by ?? NONE}`] : null],
      ["Schedule", source.schedule ? `${source.schedule} (${source.timezone || "UTC"})` : "by hand"],
      ["Next due", source.schedule ? nextDue(source) : null],
      ["Paused", source.paused && [time(source.paused.at), ": ", h("bdi", {}, source.paused.reason)]],
      ["Last due", source.last_due && jobLink(source.last_due_job_id ?? "", time(source.last_due))],
      ["Due times left out", source.skipped ? whole(source.skipped) : null],
      ["Takes over the rows of", source.adopts || null],
    ),
    answer,
    h(
      "div",
      { class: "actions" },
      session.mayOperate ? importButton(name, answer) : null,
      session.mayOperate && source.schedule ? pauseButton(source, answer, again) : null,
      mayChange ? h("a", { href: `${sourceAddress(name)}/change`, class: "button quiet" }, "Change") : null,
      mayChange ? deleteButton(source, context) : null,
      h("a", { href: `#/history?${new URLSearchParams({ source: name })}` }, "Its imports"),
      h("a", { href: `#/data?${new URLSearchParams({ source: name })}` }, "Its data"),
    ),
  );
}

/** @param {Api.DefinedSource} source */
function definition({ definition: values }) {
  if (!values) return "";
  const text = writeToml(values);
  return h(
    "section",
    { class: "panel", "aria-labelledby": "definition" },
    h("h2", { id: "definition" }, "Definition"),
    h(
      "div",
      { class: "frame", role: "region", "aria-label": "Definition, which scrolls", tabindex: "0" },
      h("pre", { class: "code" }, text),
    ),
  );
}
