// What a check says: whether it goes on, what has to be mended, what looks odd, what the source has.

import { button, count, framed, h, say, table, whole } from "./dom.js";
import { shown } from "./fields.js";
import { facts } from "./parts.js";
import { faultText } from "./sheet.js";

const CUT = 500; // names of fields that an answer has at least room for
const SHOWN = 40; // fields of the rows that are shown, and names that nothing takes

// {element, show(answer)}: `again` looks once more, `stop` ends the waiting.
/** @param {{again: () => void, stop: () => void}} options */
export function foundPanel({ again, stop }) {
  const state = h("div", { role: "status", class: "state" });
  const place = h("div", {});
  const element = h(
    "section",
    { class: "panel found-panel", "aria-labelledby": "found-title", hidden: true },
    h("h2", { id: "found-title", tabindex: "-1" }, "What was found"),
    state,
    place,
  );
  const stopButton = button("Stop waiting", stop);
  const againButton = (/** @type {string} */ text) => button(text, again);

  /** @type {Record<Looked["state"], (answer: Looked) => (Node | string)[]>} */
  const said = {
    waiting: () => [h("span", { class: "badge running" }, "Looking at the source"), " ", stopButton],
    stopped: () => [h("span", {}, "Nobody waits for an answer. Nothing was stored. "), againButton("Look again")],
    failed: () => [againButton("Look again")],
    faulty: () => [],
    done: ({ result, lacking }) => (result ? summary(result, lacking) : []),
  };

  /** @param {Looked} answer */
  function show(answer) {
    element.hidden = false;
    const isNews = answer.state !== "waiting";
    state.replaceChildren(...said[answer.state](answer));
    if (!isNews) return;
    place.replaceChildren(...parts(answer).filter((each) => each !== null));
    const problems = answer.faults?.length ?? answer.result?.problems.length ?? 0;
    say(
      answer.error
        ? answer.error.message
        : problems
          ? `${count(problems, "thing")} to mend.`
          : "The source was looked at.",
    );
  }
  return { element, show };
}

/** @param {Looked} answer @returns {(Node | null)[]} */
function parts({ state, result, error, faults, isEarly }) {
  if (state === "failed") return [refused(error)];
  if (state === "faulty") return [faultList(faults ?? [])];
  return state === "done" && result ? resultParts(result, isEarly) : [];
}

/** @param {Found} result @param {string[]} [lacking] */
function summary({ problems, rows_looked_at: looked }, lacking = []) {
  const badge = (/** @type {string} */ look, /** @type {string} */ text) => h("span", { class: `badge ${look}` }, text);
  const open = [
    problems.length ? badge("failed", `${count(problems.length, "thing")} to mend`) : null,
    lacking.length ? badge("pending", `Choose the unit of ${lacking.join(", ")}`) : null,
  ].filter((each) => each !== null);
  if (open.length) return open;
  return [looked ? badge("completed", "It can be imported") : badge("pending", "No rows")];
}

/** @param {any} error */
export const refused = (error) =>
  h(
    "div",
    { class: "notice bad", role: "alert" },
    h("p", { class: "message" }, error.message ?? "The check ended without an answer."),
    error.code ? h("p", {}, "Code ", h("code", {}, error.code)) : null,
  );

/** @param {Fault[]} faults */
export const faultList = (faults) =>
  h(
    "div",
    { class: "notice bad", role: "alert" },
    h("p", { class: "message" }, `The definition has ${count(faults.length, "fault")}.`),
    h(
      "ul",
      {},
      faults.map((fault) => h("li", {}, faultText(fault))),
    ),
  );

/** @param {Found} result @param {boolean} [isEarly] */
function resultParts(result, isEarly) {
  const { problems, hints, expected } = result;
  return [
    sentences("notice bad", "To mend before an import can succeed", problems),
    sentences("notice held", "Worth a look", hints),
    isEarly ? h("p", {}, "What would be stored shows as soon as one volume has its unit.") : null,
    facts(
      ["Read", result.reading],
      ["Rows looked at", whole(result.rows_looked_at)],
      ["Sound", whole(result.sound)],
      ["Left out", result.skipped ? whole(result.skipped) : null],
      ["Rows in all", expected === null || expected === undefined ? null : whole(expected)],
      ["Periods", result.period || null],
      ["Fields", `${whole(result.fields.length)}${result.fields.length < CUT ? "" : " or more"}`],
    ),
    unused(result.unknown ?? []),
    sample(result),
  ];
}

/** @param {string} look @param {string} title @param {string[]} list */
const sentences = (look, title, list) =>
  list.length
    ? h(
        "div",
        { class: look },
        h("p", { class: "message" }, title),
        h(
          "ul",
          {},
          list.map((each) => h("li", {}, each)),
        ),
      )
    : null;

/** @param {string[]} names */
function unused(names) {
  if (!names.length) return null;
  const more = names.length > SHOWN ? `, and ${whole(names.length - SHOWN)} more` : "";
  return h(
    "details",
    {},
    h("summary", {}, `${count(names.length, "field")} that nothing takes`),
    h("p", { class: "muted" }, names.slice(0, SHOWN).map(shown).join(", "), more),
  );
}

/** @param {Found} found */
function sample({ fields, rows }) {
  if (!rows?.length) return null;
  const columns = fields.slice(0, SHOWN).map((name) => ({
    title: shown(name),
    cell: (/** @type {Values} */ row) => h("bdi", {}, shown(String(row[name] ?? ""))),
  }));
  const title = `The first ${count(rows.length, "row")}, as written`;
  return h(
    "details",
    {},
    h("summary", {}, title),
    framed(`${title}, a table that scrolls`, table(title, columns, rows)),
    fields.length > SHOWN ? h("p", { class: "muted" }, `The first ${SHOWN} of ${whole(fields.length)} fields.`) : null,
  );
}
