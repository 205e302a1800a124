// Questions in SQL to what is published: some that ship with Wellhead, and one's own. Loaded when its page is opened.

import { read, watch, write } from "./address.js";
import { firstPanels, isFigure, modelOf, NUMBER, plan } from "./answer.js";
import { ask } from "./api.js";
import { chart } from "./chart.js";
import { tabsOf } from "./controls.js";
import {
  button,
  count,
  csv,
  decimal,
  duration,
  evenly,
  framed,
  h,
  loading,
  NONE,
  saveCsv,
  say,
  table,
  whole,
  writtenDigits,
} from "./dom.js";
import { savePng, saveSvg } from "./paint.js";

const SHOWN = 500; // rows of a table; a CSV has all
const LONGEST_ADDRESS = 4_000; // signs of a statement that an address carries
const FILE_WIDTH = 1200; // pixels of a picture that is saved
/** @type {Record<string, (rows: number) => string>} */
const CUT = {
  rows: (rows) => `There are more: the first ${count(rows, "row")} came.`,
  bytes: (rows) => `There are more: an answer may have 2 MB, which are ${count(rows, "row")} of this one.`,
};

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
  const told = h("p", { class: "muted", role: "status" });
  const explained = h("p", { class: "muted", id: "explained" });
  /** @type {Map<string, Api.SqlAnswer>} */
  const answers = new Map(); // statement to what came of it, for Back and Forward
  /** @type {string | null} */
  let current = null; // the statement that is shown
  /** @type {AbortController | null} */
  let asked = null; // what stops the question that is under way

  /** @type {HTMLSelectElement} */
  const choice = h(
    "select",
    {
      id: "question",
      "aria-describedby": "explained",
      onchange: () => take(questions[Number(choice.value || -1)]?.statement ?? ""),
    },
    h("option", { value: "" }, "A statement of your own"),
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
  const go = button("Run", () => run(), { class: "primary" });
  const stop = button("Stop waiting", () => asked?.abort(), { hidden: true });

  // In the address, so that it can be given to somebody; it runs when they say so.
  const take = (/** @type {string} */ statement) => {
    const before = read().query.get("statement");
    write({ statement: inAddress(statement), ...(inAddress(statement) !== before && NO_VIEW) });
    show(statement);
  };

  /** @param {string} statement */
  function show(statement) {
    if (statement === current && answers.get(statement) === undefined) return;
    current = statement;
    text.value = statement;
    const known = questions.findIndex((question) => question.statement === statement);
    choice.value = known < 0 ? "" : String(known);
    explained.textContent = questions[known]?.explanation ?? "";
    const data = answers.get(statement);
    place.replaceChildren(data ? answer(data, page) : "");
  }

  function follow() {
    const wanted = read().query.get("statement");
    if (wanted !== inAddress(current ?? "")) show(wanted ?? "");
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
      told.textContent = `${count(data.rows.length, "row")} in ${duration((performance.now() - began) / 1000)}.`;
      say(told.textContent);
      answers.set(statement, data);
      take(statement);
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

  watch(["statement"], follow, page.signal);
  show(page.query.get("statement") ?? "");
  const form = h(
    "section",
    { class: "panel", "aria-labelledby": "ask" },
    h("h2", { id: "ask" }, "Ask the published data"),
    h("p", { class: "filter" }, h("label", { for: "question" }, "Begin with"), choice),
    explained,
    h("label", { for: "statement" }, "Statement"),
    text,
    keysAndTables(),
    h("div", { class: "actions" }, go, stop, told),
  );
  return [form, place];
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

// -- the answer ------------------------------------------------------------------------------------------------------

const KEYS = ["tab", "show", "range", "log"];
const NO_VIEW = { show: null, range: null, log: null };

/** @param {Api.SqlAnswer} data @param {Page} page */
function answer(data, page) {
  const { columns, rows, cut } = data;
  const planned = plan(data);
  const body = h("div", {});
  const tabs = tabsOf(
    (tab) => write({ tab }),
    [
      ["table", "Table"],
      ["plot", "Plot"],
    ],
  );
  /** @type {ReturnType<typeof answerPlot> | null} */
  let plot = null;

  function show() {
    const tab = read().query.get("tab") === "plot" ? "plot" : "table";
    tabs.show(tab);
    pictures.forEach((each) => (each.hidden = tab !== "plot" || !planned));
    if (tab === "table") return body.replaceChildren(answerTable(columns, rows));
    if (!planned) return body.replaceChildren(h("p", { class: "muted" }, NO_PLOT));
    plot ??= answerPlot(data, planned, page);
    if (body.firstChild !== plot.element) body.replaceChildren(plot.element);
    plot.show();
  }
  const pictures = pictureButtons(() => plot?.shapes());
  const download = button("Download as CSV", () => saveCsv("answer", asCsv(columns, rows)));
  const element = h(
    "section",
    { class: "panel", "aria-labelledby": "answer" },
    h(
      "div",
      { class: "headline" },
      h("h2", { id: "answer" }, "Answer"),
      h("span", { class: "muted" }, count(rows.length, "row")),
      tabs.element,
      h("span", { class: "exports" }, download, pictures),
    ),
    cut ? h("p", { class: "notice" }, CUT[cut](rows.length)) : null,
    body,
  );
  const gone = new AbortController(); // when another answer takes its place
  watch(KEYS, () => (element.isConnected ? show() : gone.abort()), AbortSignal.any([page.signal, gone.signal]));
  show();
  return element;
}

/** @param {() => Picture | null | undefined} shapesOf */
function pictureButtons(shapesOf) {
  /** @param {(name: string, picture: Picture) => void} saveAs */
  const savePicture = (saveAs) => {
    const shapes = shapesOf();
    if (shapes) saveAs("answer", shapes);
  };
  return [
    button("PNG", () => savePicture(savePng), { "aria-label": "Save the plot as PNG" }),
    button("SVG", () => savePicture(saveSvg), { "aria-label": "Save the plot as SVG" }),
  ];
}

const NO_PLOT =
  "A plot needs a row with a number. What is below its axis comes first: a date, a year, a number or a name; each column of numbers after it has a panel.";

/** @param {SqlColumn[]} columns @param {Cell[][]} rows */
function answerTable(columns, rows) {
  const shown = rows.slice(0, SHOWN);
  const list = columns.map((column, place) => columnOf(column, shown, place));
  return h(
    "div",
    {},
    rows.length > SHOWN ? h("p", { class: "muted" }, `The first ${whole(SHOWN)} are shown; the CSV has all.`) : null,
    framed("Answer, a table that scrolls", table("Answer", list, shown)),
  );
}

// Whole numbers are written as they are: some of them are years or codes.
/** @param {SqlColumn} column @param {Cell[][]} rows @param {number} place @returns {Column<Cell[]>} */
function columnOf({ name, type }, rows, place) {
  if (!NUMBER.test(type)) return { title: name, class: classOf(rows, place), cell: (row) => written(row[place]) };
  if (type.includes("INT")) return { title: name, class: "number", cell: (row) => written(row[place]) };
  const text = evenly([], { digits: writtenDigits(rows.map((row) => row[place])) });
  /** @param {Cell[]} row */
  const cell = (row) =>
    isFigure(row[place]) ? h("span", { title: row[place] }, text(Number(row[place]))) : written(row[place]);
  return { title: name, class: "number", cell };
}

/** @param {Cell[][]} rows @param {number} place */
const classOf = (rows, place) => (rows.some((row) => /\n/.test(String(row[place]))) ? "text" : "cut");

/** @param {Api.SqlAnswer} data @param {Plan} planned @param {Page} page */
function answerPlot(data, planned, page) {
  const { columns } = data;
  const { panels } = planned;
  /** @type {HTMLInputElement} */
  const isLog = h("input", { type: "checkbox", onchange: () => write({ log: isLog.checked ? "1" : null }) });
  const toggles = panels.map((place) => button(columns[place].name, () => toggle(place), { class: "quiet" }));
  const plot = chart({ picked, signal: page.signal, label: "Plot of the answer. The tab Table has the same figures." });
  const note = h("p", { class: "muted", role: "status" });

  /** @param {number} [low] @param {number} [high] */
  function picked(low, high) {
    write({ range: low === undefined || low === high ? null : `${low}..${high}` });
  }

  /** @param {number} place */
  function toggle(place) {
    const { show } = plotView(planned);
    if (!show.delete(place)) show.add(place);
    if (show.size) write({ show: panels.filter((each) => show.has(each)).join(",") });
  }

  function show() {
    const wanted = plotView(planned);
    const model = modelOf(data, planned, wanted);
    isLog.checked = wanted.isLog;
    toggles.forEach((each, at) => each.setAttribute("aria-pressed", String(wanted.show.has(panels[at]))));
    plot.show(model);
    note.textContent = plotNote(model, wanted);
  }

  const element = h(
    "div",
    { class: "view" },
    h(
      "div",
      { class: "controls" },
      h("label", { class: "check" }, isLog, " Log scale"),
      h("div", { class: "spans", role: "group", "aria-label": "Panels" }, toggles),
    ),
    plot.element,
    note,
  );
  return { element, show, shapes: () => plot.shapes(FILE_WIDTH, ["Answer"]) };
}

// What the address says of the plot.
/** @param {Plan} planned @returns {AnswerView} */
function plotView(planned) {
  const { query } = read();
  const show = (query.get("show") ?? "")
    .split(",")
    .map(Number)
    .filter((place) => planned.panels.includes(place));
  const [low, high] = (query.get("range") ?? "").split("..").map(Number);
  return {
    show: query.get("show") && show.length ? new Set(show) : firstPanels(planned),
    range: high > low ? [low, high] : null,
    isLog: query.get("log") === "1",
  };
}

/** @param {ReturnType<typeof modelOf>} model @param {AnswerView} view */
const plotNote = ({ isCut, names }, { isLog }) =>
  [
    isCut ? `The first ${whole(names.length)} are shown: a plot tells no more of them apart.` : "",
    isLog ? "Zeros and negative values have no place on a log scale." : "",
    "Drag across the plot to choose a range; tap or click twice for all of it.",
  ]
    .filter(Boolean)
    .join(" ");

// Two columns may have one name, so they go by their places.
/** @param {SqlColumn[]} columns @param {Cell[][]} rows */
function asCsv(columns, rows) {
  const isNumber = columns.map(({ type }) => NUMBER.test(type));
  const lines = rows.map((row) =>
    row.map((value, place) => (isNumber[place] && value !== null ? decimal(String(value)) : value)),
  );
  const text = csv(Object.keys(columns), [columns.map(({ name }) => name), ...lines]);
  return text.slice(text.indexOf("\n") + 1);
}

/** @param {Cell} value */
const written = (value) => (value === null ? NONE : h("bdi", { title: value }, String(value)));

/** @param {any} error */
const refusal = ({ message, code }) =>
  h(
    "div",
    { class: "notice bad", role: "alert" },
    message.split("\n").length > 1 ? h("pre", {}, message) : h("p", { class: "message" }, message),
    code ? h("p", {}, "Code ", h("code", {}, code)) : null,
  );
