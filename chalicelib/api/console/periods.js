// Periods of any length: how long one is, what is missing between two, and how they are called.

import { calendarDay, period } from "./dom.js";
import { DAY } from "./scales.js";
import { PERIODS } from "./words.js";

/** @type {Record<string, number>} */
const MONTHS = { month: 1, quarter: 3, year: 12 };

// In calendar days; an older file does not tell the length of its months.
/** @param {Row} row @returns {number} */
export function daysOf({ production_period: day, period_days: days }) {
  return days ?? new Date(Date.UTC(Number(day.slice(0, 4)), Number(day.slice(5, 7)), 0)).getUTCDate();
}

// "month" and such, "period" for a length without a name.
/** @param {Row} row */
export function kindOf(row) {
  const days = daysOf(row);
  return PERIODS.find(([, least, most]) => days >= least && days <= most)?.[0] ?? "period";
}

// As people say it: 5 Jan 2020, Jan 2020, Q1 2020, 2020.
/** @param {Row} row */
export function nameOf(row) {
  const day = row.production_period;
  const [year, month] = [day.slice(0, 4), Number(day.slice(5, 7))];
  /** @type {Record<string, () => string>} */
  const names = { month: () => period(day), quarter: () => `Q${Math.ceil(month / 3)} ${year}`, year: () => year };
  return (names[kindOf(row)] ?? (() => calendarDay(day)))();
}

// When it ends and the next one may begin, in ms.
/** @param {Row} row */
export const endOf = (row) => Date.parse(row.production_period) + daysOf(row) * DAY;

// How many periods of the length of the earlier one lie between two.
/** @param {Row} before @param {Row} after */
export function missingBetween(before, after) {
  const kind = kindOf(before);
  if (kind in MONTHS) return Math.max(0, Math.floor((monthNumber(after) - monthNumber(before)) / MONTHS[kind]) - 1);
  const days = (Date.parse(after.production_period) - endOf(before)) / DAY;
  return Math.max(0, Math.ceil(days / daysOf(before)));
}

// Between the first and the last of rows in the order of their periods.
/** @param {Row[]} rows */
export const missing = (rows) =>
  rows.reduce((sum, row, place) => sum + (place ? missingBetween(rows[place - 1], row) : 0), 0);

// The months since the year 0.
/** @param {Row} row */
export const monthNumber = ({ production_period: day }) => Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7));
