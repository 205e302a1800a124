// What rows of production say: rates, volumes, sums and ratios. Arithmetic alone, without a page.

import { daysOf, endOf, kindOf, monthNumber } from "./periods.js";
import { DAY } from "./scales.js";
import { converted, ratioUnit } from "./units.js";
import { PRODUCTS } from "./words.js";

/** @type {Measure[]} */
export const MEASURES = PRODUCTS.map(({ key, title, kind, rate }) => {
  return { key, name: rate, title, kind, colour: `--${key}` };
});
/** @type {Panel[]} */
export const PANELS = [
  ...MEASURES,
  { key: "cut", title: "Water cut", kind: "share", colour: "--water" },
  { key: "gor", title: "Gas-oil ratio", kind: "ratio", colour: "--gas" },
];
const MONTH = 30.4375; // days, the mean of four years

// -- one value a row; null where the source told none ----------------------------------------------------------------

// `as` is "rate" (a calendar day), "producing" (a day on production), "volume" (of the period) or "cumulative".
/** @param {Row[]} rows @param {Panel} panel @param {As} as @param {Units} units @returns {Amount[]} */
export function valuesOf(rows, panel, as, units) {
  if (panel.kind === "share") return ratios(rows, as, CUT);
  if (panel.kind === "ratio") return ratios(rows, as, GOR).map((value) => scaled(value, ratioUnit(units).factor));
  return amounts(rows, panel.name, as).map((value) => converted(value, panel.kind, units));
}

/** @param {Row[]} rows @param {string} name @param {As} as @returns {Amount[]} */
function amounts(rows, name, as) {
  if (as === "producing") return rows.map((row) => producing(row, name));
  if (as === "volume") return rows.map((row) => volume(row, name));
  if (as === "cumulative") return cumulative(rows, name);
  return rows.map((row) => row[name] ?? null);
}

// What the period brought, by its days on production; without those nobody knows it. Of a row of totals the server has
// added up what each well makes on such a day.
/** @param {Row} row @param {string} name @returns {Amount} */
export function producing(row, name) {
  const summed = name.replace("_production_", "_producing_");
  if (summed in row) return row[summed];
  const brought = volume(row, name);
  if (brought === null || !(row.days_on_production > 0)) return null;
  return brought / row.days_on_production;
}

// A rate is that of a calendar day, so this holds for a period of any length.
/** @param {Row} row @param {string} name @returns {Amount} */
export const volume = (row, name) => scaled(row[name] ?? null, daysOf(row));

// The sum of the volumes up to and with each period. A value that is missing adds nothing, and has no sum of its own.
/** @param {Row[]} rows @param {string} name @returns {Amount[]} */
export function cumulative(rows, name) {
  let sum = 0;
  return rows.map((row) => {
    const brought = volume(row, name);
    sum += brought ?? 0;
    return brought === null ? null : sum;
  });
}

// Water by all that flows, water and liquids, or oil where the source tells no liquids.
/** @param {Record<string, Amount>} row */
export function waterCut({ water, liquids, oil }) {
  const other = liquids ?? oil;
  if (water === null || other === null || !(water + other > 0)) return null;
  return water / (water + other);
}

/** @param {Record<string, Amount>} row */
export const gasOil = ({ gas, oil }) => (gas === null || oil === null || !(oil > 0) ? null : gas / oil);

// Of totals the two sides are sums of their own, over the wells that tell both: a well that tells gas alone says nothing of
// the gas-oil ratio of its field.
/** @type {Ratio} */
const CUT = {
  pair: ["cut_water_kbd", "cut_liquids_kbd"],
  sides: ({ water, liquids, oil }) => [water, liquids ?? oil],
  of: ([water, liquids]) => waterCut({ water, liquids, oil: null }),
};
/** @type {Ratio} */
const GOR = {
  pair: ["ratio_gas_mmcfd", "ratio_oil_kbd"],
  sides: ({ gas, oil }) => [gas, oil],
  of: ([gas, oil]) => gasOil({ gas, oil }),
};

/** @param {Row} row @param {Ratio} ratio @returns {Amount[]} */
function sidesOf(row, { pair, sides }) {
  if (pair[0] in row) return pair.map((name) => row[name]);
  return sides(Object.fromEntries(MEASURES.map(({ key, name }) => [key, row[name] ?? null])));
}

// A ratio of rates is that of the volumes of its period too. Of sums it is that of the sums of those periods that tell
// both sides: what one side brought alone says nothing of a share.
/** @param {Row[]} rows @param {As} as @param {Ratio} ratio @returns {Amount[]} */
function ratios(rows, as, ratio) {
  let sums = [0, 0];
  return rows.map((row) => {
    const both = sidesOf(row, ratio);
    if (both.includes(null)) return null;
    if (as !== "cumulative") return ratio.of(both);
    sums = sums.map((sum, at) => sum + (both[at] ?? 0) * daysOf(row));
    return ratio.of(sums);
  });
}

/** @param {Amount} value @param {number} factor */
const scaled = (value, factor) => (value === null ? null : value * factor);

// -- time ------------------------------------------------------------------------------------------------------------

// Months since the first period that brought something, which is 0; negative before it.
/** @param {Row[]} rows @returns {number[]} */
export function monthsOn(rows) {
  const first = rows.find((row) => MEASURES.some(({ name }) => row[name] > 0)) ?? rows[0];
  return rows.map((row) => {
    if (kindOf(row) === "day") {
      return (Date.parse(row.production_period) - Date.parse(first.production_period)) / DAY / MONTH;
    }
    return monthNumber(row) - monthNumber(first);
  });
}

// Whether a period is missing before this one, so that no line may lead over it.
/** @param {Row} before @param {Row} row */
export const isAfterGap = (before, row) => Date.parse(row.production_period) > endOf(before);

// -- revisions -------------------------------------------------------------------------------------------------------

// The rows as they were first told, each with the row that stands now: [{old, now}], of each period the oldest.
/** @param {Row[]} rows @param {Row[]} revisions @returns {{old: Row, now: Row}[]} */
export function firstTold(rows, revisions) {
  const now = new Map(rows.map((row) => [row.production_period, row]));
  /** @type {Map<string, Row>} */
  const oldest = new Map();
  for (const old of revisions) if (!oldest.has(old.production_period)) oldest.set(old.production_period, old);
  return [...oldest.values()]
    .map((old) => ({ old, now: /** @type {Row} */ (now.get(old.production_period)) }))
    .filter(({ now }) => now);
}
