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
export function plan({ columns, rows }) {
  const is = (pattern) => columns.flatMap(({ type }, place) => (pattern.test(type) ? [place] : []));
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

function isYear({ type }, rows, place) {
  const [low, high] = YEARS;
  return (
    WHOLE_NUMBER.test(type) && rows.every((row) => row[place] === null || (row[place] >= low && row[place] <= high))
  );
}

// Those that differ; below the axis one alone when it is enough.
function telling(texts, rows, kind) {
  const values = (place) => new Set(rows.map((row) => row[place]));
  const alone = texts.find((place) => values(place).size === rows.length);
  if (kind === "names" && alone !== undefined) return [alone];
  const differing = texts.filter((place) => values(place).size > 1);
  return kind === "names" && !differing.length ? texts : differing;
}

// The model of a chart, with what was left out. `view` is {show, range, isLog}.
export function modelOf({ columns, rows }, planned, { show, range, isLog }) {
  const { kind, x, texts, panels } = planned;
  const nameOfRow = (row) => texts.map((place) => row[place] ?? "\u2013").join(", ");
  const placed = rows
    .map((row, place) => ({ row, x: kind === "names" ? place : numberOf(row[x], columns[x].type, kind) }))
    .filter(({ x }) => Number.isFinite(x));
  const groups = kind === "names" ? new Map([["", placed]]) : Map.groupBy(placed, ({ row }) => nameOfRow(row));
  const series = [...groups].slice(0, MOST);
  const all = placed.map(({ x }) => x);
  const axis = {
    kind,
    range: range ?? rangeOf(all, kind),
    names: kind === "names" ? rows.map(nameOfRow) : undefined,
    title: kind === "number" ? columns[x].name : undefined,
  };
  const shown = panels.filter((place) => show.has(place));
  const lineOf = (place, [, members], entity) => {
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
      values: new Map(points.filter(Boolean).map(({ key, y }) => [key, y])),
    };
  };
  const within = (value) => value >= axis.range[0] && value <= axis.range[1];
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
    nameOf: (key) => nameOf(key, { kind, axis, isYear: kind === "time" && NUMBER.test(columns[x].type) }),
    isCut: groups.size > MOST,
  };
}

// A decimal comes as text, and so does what is no number.
export const isFigure = (value) => value !== null && Number.isFinite(Number(value));

export const firstPanels = (planned) => new Set(planned.panels.slice(0, MOST_PANELS));

function numberOf(value, type, kind) {
  if (value === null) return NaN;
  if (kind !== "time") return Number(value);
  if (!TIME.test(type)) return Date.UTC(value, 0, 1);
  return Date.parse(/[ T]/.test(value) ? `${value.replace(" ", "T").replace(/([+-]\d\d(:\d\d)?|Z)$/, "")}Z` : value);
}

function rangeOf(values, kind) {
  let [low, high] = [Infinity, -Infinity];
  for (const each of values) [low, high] = [Math.min(low, each), Math.max(high, each)];
  if (kind === "names") return [low - 0.5, high + 0.5];
  return low < high ? [low, high] : [low - 1, high + 1];
}

function nameOf(key, { kind, axis, isYear }) {
  if (kind === "names") return axis.names[key];
  if (kind === "number") return rate(key);
  const text = new Date(key).toISOString();
  if (isYear) return text.slice(0, 4);
  return text.endsWith("T00:00:00.000Z") ? period(text.slice(0, 10)) : text.slice(0, 16).replace("T", " ");
}
