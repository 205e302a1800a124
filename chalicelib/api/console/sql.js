// Questions in SQL to what is published: some that ship with Wellhead, and one's own. Loaded when its page is opened.

import { read, watch, write } from "./address.js";
import { ask } from "./api.js";
import { button, count, duration, h, loading, say } from "./dom.js";
import { answer, NO_VIEW } from "./results.js";

const LONGEST_ADDRESS = 4_000; // signs of a statement that an address carries

/** @param {Page} page */
export async function sql(page) {
  page.retitle("SQL");
  const status = loading();
  page.root.append(h("h1", { tabindex: "-1" }, "SQL"), status);
  try {
    const { data } = await ask("wells/sql", { signal: page.signal });
    status.remove();
    page.root.append(...(data.off ? [isOff(data.off)] : asking(page, data.questions)));
  } catch (error) {
    status.remove();
    page.fail(error);
  }
}

/** @param {string} reason */
const isOff = (reason) => h("section", { class: "panel" }, h("h2", {}, "There is no SQL here"), h("p", {}, reason));

/** @param {Page} page @param {Api.SqlOffer["questions"]} questions @returns {HTMLElement[]} */
function asking(page, questions) {
  const place = h("div", { class: "page" });
  /** @type {Map<string, Api.SqlAnswer>} */
  const answers = new Map(); // statement to what came of it, for Back and Forward
  /** @type {string | null} */
  let current = null; // the statement that is shown
  const fields = statementFields(questions, { take, run });
  const running = runner(() => fields.text.value, {
    signal: page.signal,
    answered: (statement, data) => {
      answers.set(statement, data);
      take(statement);
    },
    refused: (error) => place.replaceChildren(refusal(error)),
  });

  /** @returns {Promise<void>} */
  function run() {
    return running.run();
  }

  // In the address, so that it can be given to somebody; it runs when they say so.
  /** @param {string} statement */
  function take(statement) {
    const before = read().query.get("statement");
    write({ statement: inAddress(statement), ...(inAddress(statement) !== before && NO_VIEW) });
    show(statement);
  }

  /** @param {string} statement */
  function show(statement) {
    if (statement === current && answers.get(statement) === undefined) return;
    current = statement;
    fields.show(statement);
    const data = answers.get(statement);
    place.replaceChildren(data ? answer(data, page) : "");
  }

  function follow() {
    const wanted = read().query.get("statement");
    if (wanted !== inAddress(current ?? "")) show(wanted ?? "");
  }

  watch(["statement"], follow, page.signal);
  show(page.query.get("statement") ?? "");
  return [formOf(fields, running.element), place];
}

/** @param {ReturnType<typeof statementFields>} fields @param {HTMLElement} actions */
const formOf = ({ choice, explained, text }, actions) =>
  h(
    "section",
    { class: "panel", "aria-labelledby": "ask" },
    h("h2", { id: "ask" }, "Ask the published data"),
    h("p", { class: "filter" }, h("label", { for: "question" }, "Begin with"), choice),
    explained,
    h("label", { for: "statement" }, "Statement"),
    text,
    keysAndTables(),
    actions,
  );

// {choice, explained, text, show(statement)}: `take(statement)` is called with that of the question that is chosen.
/** @param {Api.SqlOffer["questions"]} questions @param {{take: (statement: string) => void, run: () => unknown}} options */
function statementFields(questions, { take, run }) {
  const explained = h("p", { class: "muted", id: "explained" });
  /** @type {HTMLSelectElement} */
  const choice = h(
    "select",
    {
      id: "question",
      "aria-describedby": "explained",
      onchange: () => take(questions[Number(choice.value || -1)]?.statement ?? ""),
    },
    h("option", { value: "" }, "Your own statement"),
    questions.map(({ title }, place) => h("option", { value: place }, title)),
  );
  const text = h("textarea", {
    id: "statement",
    class: "code",
    rows: 10,
    spellcheck: "false",
    autocomplete: "off",
    "aria-describedby": "keys",
    onkeydown: (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      run();
    },
  });

  /** @param {string} statement */
  function show(statement) {
    text.value = statement;
    const known = questions.findIndex((question) => question.statement === statement);
    choice.value = known < 0 ? "" : String(known);
    explained.textContent = questions[known]?.explanation ?? "";
  }
  return { choice, explained, text, show };
}

// {run(), element}: one question at a time, which somebody may stop waiting for.
/** @param {() => string} statementOf @param {{signal: AbortSignal, answered: (statement: string, data: Api.SqlAnswer) => void, refused: Refused}} options */
function runner(statementOf, { signal: ofPage, answered, refused }) {
  /** @type {AbortController | null} */
  let asked = null; // what stops the question that is under way
  const told = h("p", { class: "muted", role: "status" });
  const go = button("Run", () => run(), { class: "primary" });
  const stop = button("Stop waiting", () => asked?.abort(), { hidden: true });

  /** @returns {Promise<void>} */
  async function run() {
    const statement = statementOf();
    if (!statement.trim() || asked) return;
    asked = new AbortController();
    go.disabled = true;
    stop.hidden = false;
    told.textContent = "Running …";
    const began = performance.now();
    try {
      const signal = AbortSignal.any([asked.signal, ofPage]);
      const { data } = await ask("wells/sql", { method: "POST", body: { statement }, signal });
      told.textContent = `${count(data.rows.length, "row")} in ${duration((performance.now() - began) / 1000)}.`;
      say(told.textContent);
      answered(statement, data);
    } catch (error) {
      told.textContent = "";
      if (ofPage.aborted) return;
      if (asked.signal.aborted) told.textContent = "You do not wait for the answer any more.";
      else refused(error);
    }
    asked = null;
    go.disabled = false;
    stop.hidden = true;
  }
  return { run, element: h("div", { class: "actions" }, go, stop, told) };
}

const keysAndTables = () =>
  h(
    "p",
    { class: "muted", id: "keys" },
    "One statement that reads; Ctrl-Enter runs it. The tables are ",
    ...["monthly", "wells", "fields"].flatMap((name) => [h("code", {}, name), ", "]).slice(0, -1),
    " and ",
    h("code", {}, "well_production"),
    "; ",
    h("code", {}, "SHOW TABLES"),
    " tells of more.",
  );

/** @param {string} statement */
const inAddress = (statement) => (statement && statement.length <= LONGEST_ADDRESS ? statement : null);

/** @param {any} error */
const refusal = ({ message, code }) =>
  h(
    "div",
    { class: "notice bad", role: "alert" },
    message.split("\n").length > 1 ? h("pre", {}, message) : h("p", { class: "message" }, message),
    code ? h("p", {}, "Code ", h("code", {}, code)) : null,
  );
