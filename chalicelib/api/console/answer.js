// An answer to a statement as a plot: a panel for each column of numbers, over time, numbers or names. No page here.

import { colourOf, dashOf, MOST } from "./curves.js";
import { period, rate } from "./dom.js";

export const NUMBER = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(.*\))$/;
const WHOLE_NUMBER = /INT/;
const TIME = /^(DATE|TIMESTAMP)/;
const YEARS = [1850, 2150]; // whole numbers between these are years
const MOST_PANELS = 6; // that are shown before somebody chooses
const BAR = 0.7; // of the room that a name has

// {kind, x, texts, panels}: what the axis counts, and the places of columns, of what is below it, of the texts before that
// and of what a panel can show; null where there is nothing to plot. Text before a time or a number names the lines, text
// before a row's figures what stands below the axis.
/** @param {SqlRows} answer @returns {Plan | null} */
export function plan({ columns, rows }) {
  const is = (/** @type {RegExp} */ pattern) =>
    columns.flatMap(({ type }, place) => (pattern.test(type) ? [place] : []));
  const numbers = is(NUMBER);
  const first = columns.findIndex(({ type }) => NUMBER.test(type) || TIME.test(type));
  if (!rows.length || first < 0) return null;
  const texts = columns.map((_, place) => place).filter((place) => place < first);
  const isTime = TIME.test(columns[first].type) || isYear(columns[first], rows, first);
  const kind = isTime ? "time" : texts.length ? "names" : "number";
  const x = kind === "names" ? null : first;
  const panels = numbers.filter((place) => place !== x);
  if (!panels.length) return null;
  return { kind, x, texts: telling(texts, rows, kind), panels };
}

/** @param {{type: string}} column @param {Cell[][]} rows @param {number} place */
function isYear({ type }, rows, place) {
  const [low, high] = YEARS;
  return (
    WHOLE_NUMBER.test(type) &&
    rows.every((row) => row[place] === null || (Number(row[place]) >= low && Number(row[place]) <= high))
  );
}

// Those that differ; below the axis one alone when it is enough.
/** @param {number[]} texts @param {Cell[][]} rows @param {Axis["kind"]} kind */
function telling(texts, rows, kind) {
  const values = (/** @type {number} */ place) => new Set(rows.map((row) => row[place]));
  const alone = texts.find((place) => values(place).size === rows.length);
  if (kind === "names" && alone !== undefined) return [alone];
  const differing = texts.filter((place) => values(place).size > 1);
  return kind === "names" && !differing.length ? texts : differing;
}

// The model of a chart, with what was left out. `view` is {show, range, isLog}.
/** @param {SqlRows} answer @param {Plan} planned @param {AnswerView} view @returns {Model & {isCut: boolean}} */
export function modelOf({ columns, rows }, planned, { show, range, isLog }) {
  const { kind, x, texts, panels } = planned;
  const along = columns[x ?? 0]; // what the axis counts, where it has no names
  const nameOfRow = (/** @type {Cell[]} */ row) => texts.map((place) => row[place] ?? "\u2013").join(", ");
  const placed = rows
    .map((row, place) => ({ row, x: x === null ? place : numberOf(row[x], along.type, kind) }))
    .filter(({ x }) => Number.isFinite(x));
  const groups = kind === "names" ? new Map([["", placed]]) : Map.groupBy(placed, ({ row }) => nameOfRow(row));
  const series = [...groups].slice(0, MOST);
  const all = placed.map(({ x }) => x);
  const ends = range ?? rangeOf(all, kind);
  const axis = {
    kind,
    range: ends,
    names: kind === "names" ? rows.map(nameOfRow) : undefined,
    title: kind === "number" ? along.name : undefined,
  };
  const shown = panels.filter((place) => show.has(place));
  /** @param {number} place @param {[string, {row: Cell[], x: number}[]]} group @param {number} entity @returns {Line} */
  const lineOf = (place, [, members], entity) => {
    /** @type {Line["points"]} */
    const points = members
      .toSorted((one, other) => one.x - other.x)
      .map(({ row, x }) => (isFigure(row[place]) ? { x, y: Number(row[place]), key: x } : null));
    return {
      entity,
      as: "value",
      colour: colourOf(series.length > 1 ? entity : panels.indexOf(place)),
      dash: series.length > 1 ? dashOf(entity) : [],
      bar: kind === "names" ? BAR : undefined,
      points,
      values: new Map(points.filter((point) => point !== null).map(({ key, y }) => [key, y])),
    };
  };
  const within = (/** @type {number} */ value) => value >= ends[0] && value <= ends[1];
  return {
    panels: shown.map((place) => ({
      title: columns[place].name,
      scale: isLog ? "log" : "linear",
      lines: series.map((each, entity) => lineOf(place, each, entity)),
    })),
    axis,
    keys: [...new Set(all)].filter(within).sort((one, other) => one - other),
    lead: "",
    latest: kind === "names" ? 0 : undefined,
    names: series.map(([text], entity) => ({ entity, as: "value", text: text || "Value" })),
    nameOf: (key) => nameOf(key, { kind, axis, isYear: kind === "time" && NUMBER.test(along.type) }),
    isCut: groups.size > MOST,
  };
}

// A decimal comes as text, and so does what is no number.
/** @param {Cell} value */
export const isFigure = (value) => value !== null && Number.isFinite(Number(value));

/** @param {Plan} planned */
export const firstPanels = (planned) => new Set(planned.panels.slice(0, MOST_PANELS));

/** @param {Cell} value @param {string} type @param {Axis["kind"]} kind */
function numberOf(value, type, kind) {
  if (value === null) return NaN;
  if (kind !== "time") return Number(value);
  if (!TIME.test(type)) return Date.UTC(Number(value), 0, 1);
  const text = String(value);
  return Date.parse(/[ T]/.test(text) ? `${text.replace(" ", "T").replace(/([+-]\d\d(:\d\d)?|Z)$/, "")}Z` : text);
}

/** @param {number[]} values @param {Axis["kind"]} kind */
function rangeOf(values, kind) {
  let [low, high] = [Infinity, -Infinity];
  for (const each of values) [low, high] = [Math.min(low, each), Math.max(high, each)];
  if (kind === "names") return [low - 0.5, high + 0.5];
  return low < high ? [low, high] : [low - 1, high + 1];
}

/** @param {number} key @param {{kind: Axis["kind"], axis: Axis, isYear: boolean}} options */
function nameOf(key, { kind, axis, isYear }) {
  if (kind === "names") return axis.names?.[key] ?? "";
  if (kind === "number") return rate(key);
  const text = new Date(key).toISOString();
  if (isYear) return text.slice(0, 4);
  return text.endsWith("T00:00:00.000Z") ? period(text.slice(0, 10)) : text.slice(0, 16).replace("T", " ");
}
