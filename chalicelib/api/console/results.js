// The answer to a question in SQL: its table, its plot, and both as files. What is shown of it stands in the address.

import { read, watch, write } from "./address.js";
import { firstPanels, isFigure, modelOf, NUMBER, plan } from "./answer.js";
import { chart } from "./chart.js";
import { tabsOf } from "./controls.js";
import { button, count, csv, decimal, evenly, framed, h, NONE, saveCsv, table, whole, writtenDigits } from "./dom.js";
import { FILE_WIDTH, savePng, saveSvg } from "./paint.js";

const SHOWN = 500; // rows of a table; a CSV has all
/** @type {Record<string, (rows: number) => string>} */
const CUT = {
  rows: (rows) => `There are more: the first ${count(rows, "row")} came.`,
  bytes: (rows) => `There are more: an answer may have 2 MB, which are ${count(rows, "row")} of this one.`,
};
const KEYS = ["tab", "show", "range", "log"];
export const NO_VIEW = { show: null, range: null, log: null };

/** @param {Api.SqlAnswer} data @param {Page} page */
export function answer(data, page) {
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
