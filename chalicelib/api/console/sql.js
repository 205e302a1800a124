// Questions in SQL to what is published: some that ship with Wellhead, and one's own. Loaded when its page is opened.

import { ask } from "./api.js";
import { button, count, csv, framed, h, loading, NONE, save, say, table, whole } from "./dom.js";

const NUMBER = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(.*\))$/;
const SHOWN = 500; // rows of a table; a CSV has all
const LONGEST_ADDRESS = 4_000; // signs of a statement that an address carries
const CUT = {
  rows: (rows) => `There are more: the first ${count(rows, "row")} came.`,
  bytes: (rows) => `There are more: an answer may have 2 MB, which are ${count(rows, "row")} of this one.`,
};

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

const isOff = (reason) => h("section", { class: "panel" }, h("h2", {}, "There is no SQL here"), h("p", {}, reason));

function asking(page, questions) {
  const place = h("div", { class: "page" });
  const told = h("p", { class: "muted", role: "status" });
  const explained = h("p", { class: "muted", id: "explained" });
  let asked = null; // what stops the question that is under way

  const choice = h(
    "select",
    { id: "question", "aria-describedby": "explained", onchange: () => take(questions[choice.value]) },
    h("option", { value: "" }, "A statement of your own"),
    questions.map(({ title }, place) => h("option", { value: place }, title)),
  );
  const text = h(
    "textarea",
    {
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
    },
    page.query.get("statement") ?? "",
  );
  const go = button("Run", () => run(), { class: "primary" });
  const stop = button("Stop waiting", () => asked?.abort(), { hidden: true });

  function take(question) {
    explained.textContent = question?.explanation ?? "";
    if (question) text.value = question.statement;
  }

  async function run() {
    const statement = text.value;
    if (!statement.trim() || asked) return;
    asked = new AbortController();
    go.disabled = true;
    stop.hidden = false;
    told.textContent = "Running …";
    const began = performance.now();
    try {
      const signal = AbortSignal.any([asked.signal, page.signal]);
      const { data } = await ask("wells/sql", { method: "POST", body: { statement }, signal });
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      told.textContent = `${count(data.rows.length, "row")} in ${seconds} s.`;
      say(told.textContent);
      keep(statement);
      place.replaceChildren(answer(data));
    } catch (error) {
      told.textContent = "";
      if (page.signal.aborted) return;
      if (asked.signal.aborted) told.textContent = "You do not wait for the answer any more.";
      else place.replaceChildren(refusal(error));
    }
    asked = null;
    go.disabled = false;
    stop.hidden = true;
  }

  return [
    h(
      "section",
      { class: "panel", "aria-labelledby": "ask" },
      h("h2", { id: "ask" }, "Ask the published data"),
      h("p", { class: "filter" }, h("label", { for: "question" }, "Begin with"), choice),
      explained,
      h("label", { for: "statement" }, "Statement"),
      text,
      h(
        "p",
        { class: "muted", id: "keys" },
        "One statement that reads; Ctrl-Enter runs it. The tables are ",
        ...["monthly", "wells", "fields", "well_production"].flatMap((name) => [h("code", {}, name), ", "]),
        h("code", {}, "SHOW TABLES"),
        " tells of more.",
      ),
      h("div", { class: "actions" }, go, stop, told),
    ),
    place,
  ];
}

// In the address, so that it can be given to somebody; it runs when they say so.
function keep(statement) {
  const query = new URLSearchParams(statement.length <= LONGEST_ADDRESS ? { statement } : {});
  history.replaceState(null, "", `#/sql${query.size ? `?${query}` : ""}`);
}

function answer({ columns, rows, cut }) {
  const shown = columns.map(({ name, type }, place) => ({
    title: name,
    class: NUMBER.test(type) ? "number" : "text",
    cell: (row) => written(row[place]),
  }));
  return h(
    "section",
    { class: "panel", "aria-labelledby": "answer" },
    h(
      "div",
      { class: "headline" },
      h("h2", { id: "answer" }, "Answer"),
      h("span", { class: "muted" }, count(rows.length, "row")),
      button("Download as CSV", () => save("answer.csv", "text/csv", [asCsv(columns, rows)])),
    ),
    cut ? h("p", { class: "notice" }, CUT[cut](rows.length)) : null,
    rows.length > SHOWN ? h("p", { class: "muted" }, `The first ${whole(SHOWN)} are shown; the CSV has all.`) : null,
    framed("Answer, a table that scrolls", table("Answer", shown, rows.slice(0, SHOWN))),
  );
}

// Two columns may have one name, so they go by their places.
function asCsv(columns, rows) {
  const text = csv(Object.keys(columns), [columns.map(({ name }) => name), ...rows]);
  return text.slice(text.indexOf("\n") + 1);
}

const written = (value) => (value === null ? NONE : h("bdi", {}, String(value)));

const refusal = ({ message, code }) =>
  h(
    "div",
    { class: "notice bad", role: "alert" },
    message.split("\n").length > 1 ? h("pre", {}, message) : h("p", { class: "message" }, message),
    code ? h("p", {}, "Code ", h("code", {}, code)) : null,
  );
