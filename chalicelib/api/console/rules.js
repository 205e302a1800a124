// What a definition says of one of our columns, as far as a form can show it; the rest stays as it was written.

import { isTable } from "./toml.js";
import { KINDS } from "./words.js";

export const PERIOD = "production_period";
export const DAYS = "days_on_production";

const OF_ITS_FIELD = ["unit", "days", "at", "density", "format", "timezone", "aggregate"]; // of another field they are others
const PARTS = ["year", "month", "quarter", "day"];

// {kind, …}: "none"; a "field"; a "value"; the "parts" of a period, each a field; or "own", which the form only repeats.
/** @param {Values} values @param {string} column @returns {Rule} */
export function ruleOf(values, column) {
  const rule = values.columns?.[column];
  if (rule === undefined) return { kind: "none", table: {} };
  if (typeof rule === "string") return { kind: "field", field: rule, table: {} };
  if (!isTable(rule)) return { kind: "own", table: {} };
  if (typeof rule.field === "string") return { kind: "field", field: rule.field, table: rule };
  const names = Object.keys(rule);
  if (names.length && names.every((name) => PARTS.includes(name) && typeof rule[name] === "string")) {
    return { kind: "parts", table: rule };
  }
  return { kind: "own", table: rule };
}

/** @param {Values} values @param {string} column @param {any} [rule] */
export function setRule(values, column, rule) {
  if (rule !== undefined) (values.columns ??= {})[column] = rule;
  else if (values.columns) delete values.columns[column];
  if (values.columns && !Object.keys(values.columns).length) delete values.columns;
}

// Another field for the column. What was said of the numbers of the one before is not known of this one.
/** @param {Values} values @param {string} column @param {string} field */
export function setField(values, column, field) {
  const { kind, table } = ruleOf(values, column);
  const kept = kind === "field" ? Object.entries(table).filter(([name]) => !OF_ITS_FIELD.includes(name)) : [];
  setRule(values, column, short({ ...Object.fromEntries(kept), field }));
}

// A word of the rule such as its unit; empty takes it out.
/** @param {Values} values @param {string} column @param {string} name @param {any} word */
export function setWord(values, column, name, word) {
  const rule = values.columns?.[column];
  const table = isTable(rule) ? { ...rule } : { [Array.isArray(rule) ? "fields" : "field"]: rule };
  if (word === "") delete table[name];
  else table[name] = word;
  if (name === "unit") forgetWhatNeedsAnotherUnit(table, word);
  setRule(values, column, short(table));
}

/** @param {Values} table @param {string} unit */
function forgetWhatNeedsAnotherUnit(table, unit) {
  if (!unit.endsWith("/d")) delete table.days;
  if (!/^t(\/|$)/.test(unit)) delete table.density;
}

/** @param {Values} table */
const short = (table) => (Object.keys(table).length === 1 && "field" in table ? table.field : table);

// Whether the rule takes numbers whose unit nobody has said yet.
/** @param {Values} values @param {string} column */
export function lacksUnit(values, column) {
  const { kind, table } = ruleOf(values, column);
  return column in KINDS && kind !== "none" && !table.unit;
}

// Whether every volume waits for its unit: then a look cannot go on to the values.
/** @param {Values} values */
export function isEarly(values) {
  const isVolume = (/** @type {string} */ column) => column in KINDS && column !== DAYS;
  const told = Object.keys(values.columns ?? {}).filter(isVolume);
  return !values.preset && told.length > 0 && told.every((column) => lacksUnit(values, column));
}

// As far as it can be tried: without the columns whose unit is to be chosen yet.
/** @param {Values} values */
export function triable(values) {
  const columns = Object.entries(values.columns ?? {}).filter(([column]) => !lacksUnit(values, column));
  if (columns.length) return { ...values, columns: Object.fromEntries(columns) };
  const { columns: _, ...rest } = values;
  return rest;
}
