// The panels of a plot, made of the rows of one well or several: which lines, through which points. No page here.
//
// An `entity` is {name, rows, revisions}. A `view` is {as, over, show, isLog, from, to, ages}, as the address has it.

import { daysOf, endOf } from "./periods.js";
import { cumulative, firstTold, isAfterGap, MEASURES, monthsOn, PANELS, valuesOf } from "./production.js";
import { DAY } from "./scales.js";
import { converted, ratioUnit } from "./units.js";

// By how they differ from each other in both themes; the dashes tell them apart without colours.
const COLOURS = ["--oil", "--gas", "--water", "--liquids", "--bad", "--warn", "--run", "--muted"];
const DASHES = [[], [8, 3], [3, 3], [12, 3, 3, 3]];
const OF_PRODUCING = [2, 3];
const MONTH = 30.4375 * DAY;

export const MOST = COLOURS.length; // that one plot tells apart

// {panels, axis, keys, latest, lead}: `keys` are the periods that a cursor can stand on, in their order: days, or months on
// production. Of several, the `latest` is the last that all of them have, where there is one.
/** @param {Entity[]} entities @param {View} view @param {Units} units @returns {Omit<Model, "names" | "nameOf">} */
export function curves(entities, view, units) {
  const shown = PANELS.filter(({ key }) => view.show.has(key));
  const places = entities.map(({ rows }) => placesOf(rows, view.over));
  /** @type {PlotPanel[]} */
  const panels = shown.map((panel) => ({
    ...panel,
    title: titleOf(panel, view.as, units),
    scale: panel.kind === "share" ? "share" : view.isLog ? "log" : "linear",
    below: view.over === "cumulative" ? titleOf(ofSum(panel, entities[0].rows), "cumulative", units) : undefined,
    lines: entities.flatMap((entity, number) =>
      kindsOf(panel, view.as).map((as) =>
        lineOf(entity, places[number], { panel, as, number, isOne: entities.length === 1, view, units }),
      ),
    ),
  }));
  const range = view.over === "cumulative" ? null : rangeOf(places.flat(), view);
  const all = places.flat().filter(({ x, row }) => (range ? x >= range[0] && x <= range[1] : isWithin(view, row)));
  const keys = [...new Set(all.map(({ key }) => key))].sort((one, other) => (one < other ? -1 : 1));
  /** @type {Axis} */
  const axis = { kind: view.over === "calendar" ? "time" : "number", range, title: AXES[view.over] };
  const own = places.map((list) => new Set(list.map(({ key }) => key)));
  const latest = keys.findLast((key) => own.every((each) => each.has(key))) ?? keys.at(-1);
  return { panels, axis, keys, latest, lead: latest === keys.at(-1) ? "Latest: " : "Latest of all: " };
}

/** @type {Record<string, string>} */
const AXES = { months: "Months on production" };

// Both rates are two lines; a ratio is the same in either.
/** @param {Panel} panel @param {As} as @returns {As[]} */
export const kindsOf = (panel, as) => {
  if (as !== "both") return [as];
  return panel.name ? ["rate", "producing"] : ["rate"];
};

// "Oil, Mbbl/d"
/** @param {Panel} panel @param {As} as @param {Units} units */
export function titleOf({ key, kind, title }, as, units) {
  const isSum = as === "cumulative";
  const sign = signOf({ kind }, as, units);
  const name = isSum ? `Cumulative ${key === "gor" ? "gas-oil ratio" : title.toLowerCase()}` : title;
  return sign ? `${name}, ${sign}` : name;
}

/** @param {Pick<Panel, "kind">} panel @param {As} as @param {Units} units */
export function signOf({ kind }, as, units) {
  if (kind === "share") return "";
  if (kind === "ratio") return ratioUnit(units).sign;
  return `${units[kind].sign}${as === "volume" || as === "cumulative" ? "" : "/d"}`;
}

/** @param {Pick<View, "from" | "to">} view @param {Row} row */
const isWithin = ({ from, to }, { production_period: day }) => (!from || day >= from) && (!to || day <= to);

// Those of the range that is shown: of months on production where these are the axis, else of dates.
/** @param {Row[]} rows @param {View} view */
export function rowsWithin(rows, view) {
  if (view.over !== "months") return rows.filter((row) => isWithin(view, row));
  const [low, high] = view.ages ?? [0, Infinity];
  const months = monthsOn(rows);
  return rows.filter((_, place) => months[place] >= low && months[place] <= high);
}

// -- along the axis --------------------------------------------------------------------------------------------------

// {x, key, end, row, isApart} of each row. Against a sum `x` is of each panel, and made with its line.
/** @param {Row[]} rows @param {View["over"]} over @returns {Place[]} */
function placesOf(rows, over) {
  const months = over === "months" ? monthsOn(rows) : null;
  return rows.map((row, at) => {
    const isApart = at > 0 && isAfterGap(rows[at - 1], row);
    if (!months) {
      return { x: Date.parse(row.production_period), key: row.production_period, end: endOf(row), row, isApart };
    }
    const x = months[at];
    return { x, key: Math.round(x * 100) / 100, end: x + (daysOf(row) * DAY) / MONTH, row, isApart };
  });
}

/** @param {Place[]} places @param {View} view @returns {Span} */
function rangeOf(places, { over, from, to, ages }) {
  let [low, high] = [Infinity, -Infinity];
  for (const { x } of places) {
    if (x < low) low = x;
    if (x > high) high = x;
  }
  if (over === "months") [low, high] = ages ?? [Math.max(0, low), high];
  else [low, high] = [from ? Date.parse(from) : low, to ? Date.parse(to) : high];
  const room = over === "months" ? 1 : 15 * DAY;
  return low < high ? [low, high] : [low - room, high + room];
}

// Against the sum of what the panel shows; a ratio against that of its own liquid.
/** @param {Panel} panel @param {Row[]} rows @returns {Measure} */
function ofSum({ key }, rows) {
  const hasLiquids = rows.some((row) => (row.liquids_production_kbd ?? null) !== null);
  const own = { cut: hasLiquids ? "liquids" : "oil", gor: "oil" }[key] ?? key;
  return /** @type {Measure} */ (MEASURES.find((measure) => measure.key === own));
}

/** @param {Row[]} rows @param {Measure} measure @param {Units} units */
function sumsOf(rows, measure, units) {
  let before = 0;
  return cumulative(rows, measure.name).map((sum) => converted((before = sum ?? before), measure.kind, units));
}

// -- lines -----------------------------------------------------------------------------------------------------------

/** @param {Entity} entity @param {Place[]} places @param {{panel: Panel, as: As, number: number, isOne: boolean, view: View, units: Units}} options @returns {Line} */
function lineOf(entity, places, { panel, as, number, isOne, view, units }) {
  const { rows } = entity;
  const values = valuesOf(rows, panel, as, units);
  const sums = view.over === "cumulative" ? sumsOf(rows, ofSum(panel, rows), units) : null;
  /** @type {Line["points"]} */
  const points = [];
  places.forEach(({ x, key, end, row, isApart }, at) => {
    if (isApart) points.push(null);
    const y = values[at];
    const isShown = y !== null && (!sums || isWithin(view, row));
    points.push(isShown ? { x: sums ? (sums[at] ?? 0) : x, y, key, end } : null);
  });
  return {
    entity: number,
    as,
    colour: isOne ? panel.colour : COLOURS[number % MOST],
    dash: as === "producing" ? OF_PRODUCING : isOne ? [] : DASHES[number % DASHES.length],
    points,
    values: new Map(points.filter((point) => point !== null).map(({ key, y }) => [key, y])),
    former:
      isOne && !sums && panel.name && as !== "cumulative" && as !== "producing"
        ? formerOf(entity, places, { panel, as, units })
        : [],
  };
}

/** @param {Entity} entity @param {Place[]} places @param {{panel: Panel, as: As, units: Units}} options @returns {Point[]} */
function formerOf({ rows, revisions = [] }, places, { panel, as, units }) {
  const at = new Map(places.map((place) => [place.row, place]));
  return firstTold(rows, revisions)
    .flatMap(({ old, now }) => {
      const [y, current] = [old, now].map((row) => valuesOf([row], panel, as, units)[0]);
      const { x, key, end } = /** @type {Place} */ (at.get(now));
      return y === null || y === current ? [] : [{ x, key, end, y, now: current }];
    })
    .sort((one, other) => one.x - other.x);
}

/** @param {number} number */
export const colourOf = (number) => COLOURS[number % MOST];
/** @param {number} number */
export const dashOf = (number) => DASHES[number % DASHES.length];
