// What is shown of a well, a field or all, as the address has it.

import { MEASURES, PANELS } from "./production.js";
import { chosenUnits } from "./profile.js";

/** @type {Record<string, string>} */
export const AS = {
  rate: "Rate a calendar day",
  producing: "Rate a producing day",
  both: "Both rates",
  volume: "Volume of the period",
  cumulative: "Cumulative",
};
/** @type {Record<string, string>} */
export const OVER = { calendar: "Calendar", months: "Months on production", cumulative: "Cumulative production" };
const OF_PLOT = ["from", "to", "ages", "as", "over", "show", "log", "units", "with", "tab"];
const OF_DECLINE = ["product", "model", "terminal", "limit", "years"];
export const KEYS = [...OF_PLOT, ...OF_DECLINE];

const FIRST_PANELS = ["oil", "gas", "water"];

/** @param {URLSearchParams} query @param {Row[]} rows @param {string | null} kind @returns {View} */
export function viewOf(query, rows, kind) {
  const show = (query.get("show") ?? "").split(",").filter((key) => PANELS.some((panel) => panel.key === key));
  const [low, high] = (query.get("ages") ?? "").split("..").map(Number);
  /** @param {string} key @param {Record<string, string>} known @param {string} first @returns {any} */
  const choice = (key, known, first) => (Object.hasOwn(known, query.get(key) ?? "") ? query.get(key) : first);
  return {
    from: dayIn(query.get("from")),
    to: dayIn(query.get("to")),
    ages: high > low ? [low, high] : null,
    as: choice("as", AS, "rate"),
    over: choice("over", OVER, "calendar"),
    show: new Set(show.length ? show : firstPanels(rows)),
    isLog: query.get("log") === "1",
    units: chosenUnits(query),
    tab: kind && query.get("tab") === "decline" ? "decline" : "plot",
  };
}

/** @param {string | null} text */
const dayIn = (text) => (text && /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : null);

// Those that have something; liquids only where there is no oil, of which they are a sum.
/** @param {Row[]} rows */
function firstPanels(rows) {
  const nameOf = (/** @type {string} */ key) => MEASURES.find((each) => each.key === key)?.name ?? "";
  const has = (/** @type {string} */ key) => rows.some((row) => (row[nameOf(key)] ?? null) !== null);
  const found = FIRST_PANELS.filter(has);
  if (!found.includes("oil") && has("liquids")) found.unshift("liquids");
  return found.length ? found : ["oil"];
}

/** @param {View} view @param {Row[]} rows */
export function subtitleOf(view, rows) {
  if (view.over === "months") {
    return `${AS[view.as]}, by months on production${view.ages ? `, ${view.ages.join(" to ")}` : ""}`;
  }
  const [from, to] = [view.from ?? rows[0].production_period, view.to ?? rows[rows.length - 1].production_period];
  return `${AS[view.as]}, ${from} to ${to}`;
}
