// Elements, made of names, attributes and text, and how numbers and times are written. Nothing here takes markup: what the
// source sent stays text.

import { FORMULA } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
// Numbers and times stand in English sentences: whatever the reader's locale, with these digits and of this calendar.
export const DIGITS = { numberingSystem: "latn" };
export const UTC = { ...DIGITS, calendar: "gregory", timeZone: "UTC" };
const WHOLE = new Intl.NumberFormat(undefined, { ...DIGITS, maximumFractionDigits: 0 });
const RATE = new Intl.NumberFormat(undefined, { ...DIGITS, maximumSignificantDigits: 4 });
const MEASURED = new Intl.NumberFormat(undefined, { ...DIGITS, maximumSignificantDigits: 6 });
const SHARE = new Intl.NumberFormat(undefined, { ...DIGITS, style: "percent", maximumFractionDigits: 1 });
const TENTHS = new Intl.NumberFormat(undefined, { ...DIGITS, minimumFractionDigits: 1, maximumFractionDigits: 1 });
const SIZE = new Intl.NumberFormat(undefined, { ...DIGITS, maximumFractionDigits: 1 });
const MOMENT = new Intl.DateTimeFormat(undefined, { ...UTC, dateStyle: "medium", timeStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat(undefined, { ...UTC, timeStyle: "medium" });
const MONTH = new Intl.DateTimeFormat(undefined, { ...UTC, year: "numeric", month: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { ...UTC, dateStyle: "medium" });
const AGE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

// -- elements --------------------------------------------------------------------------------------------------------

/** @template {keyof HTMLElementTagNameMap} K @param {K} name @param {Attributes} [attributes] @param {...Child} children @returns {HTMLElementTagNameMap[K]} */
export function h(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** @template {keyof SVGElementTagNameMap} K @param {K} name @param {Attributes} [attributes] @param {...Child} children @returns {SVGElementTagNameMap[K]} */
export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

/** @template {Element} E @param {E} element @param {Attributes} attributes @param {Child[]} children */
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(
    .../** @type {any[]} */ (children)
      .flat(Infinity)
      .filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** @param {Child} text @param {(event: MouseEvent) => unknown} onclick @param {Attributes} [attributes] */
export const button = (text, onclick, attributes = {}) => h("button", { type: "button", onclick, ...attributes }, text);

// What stands where something is to come; a page that fails has none of them any more.
export const loading = () => h("p", { class: "muted loading" }, "Loading …");

// For screen readers; the same words twice are said twice.
/** @param {string} text */
export function say(text) {
  const said = /** @type {HTMLElement} */ (document.getElementById("said"));
  said.textContent = said.textContent === text ? `${text}\u00a0` : text;
}

// Resolves to whether the person agrees. `content` makes what stands above the buttons, of the one that agrees.
/** @param {{title: string, text: string, yes: string, no: string, content?: (agree: HTMLButtonElement) => Child, look?: string}} options @returns {Promise<boolean>} */
export function confirm({ title, text, yes, no, content = () => null, look = "danger" }) {
  /** @type {PromiseWithResolvers<boolean>} */
  const { promise, resolve } = Promise.withResolvers();
  const agree = button(yes, () => dialog.close("yes"), { class: look });
  /** @type {HTMLDialogElement} */
  const dialog = h(
    "dialog",
    { "aria-labelledby": "dialog-title", onclose: () => (resolve(dialog.returnValue === "yes"), dialog.remove()) },
    h("h2", { id: "dialog-title" }, title),
    h("p", {}, text),
    content(agree),
    h(
      "div",
      { class: "actions" },
      button(no, () => dialog.close("no")),
      agree,
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return promise;
}

/** @param {string} name @param {string} type @param {BlobPart[]} parts */
export function save(name, type, parts) {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// A table that scrolls within its frame, which the keyboard can reach.
/** @param {string} label @param {Child} table */
export function framed(label, table) {
  return h("div", { class: "frame", role: "region", "aria-label": label, tabindex: "0" }, table);
}

// Columns: {title, cell(row), class}.
/** @template Row @param {string} caption @param {Column<Row>[]} columns @param {Row[]} rows */
export function table(caption, columns, rows) {
  return h(
    "table",
    {},
    h("caption", { class: "unseen" }, caption),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        columns.map((column) => h("th", { scope: "col", class: column.class }, column.title)),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map((row) =>
        h(
          "tr",
          {},
          columns.map((column) => h("td", { class: column.class }, column.cell(row))),
        ),
      ),
    ),
  );
}

// The same, each row a block of lines where the screen is narrow: what stands beyond its edge is not read.
/** @template Row @param {string} caption @param {Column<Row>[]} columns @param {Row[]} rows */
export function stackedTable(caption, columns, rows) {
  const stacked = table(caption, columns, rows);
  stacked.className = "stacked";
  for (const { cells } of stacked.rows) {
    [...cells].forEach((cell, place) => (cell.dataset.title = columns[place].title));
  }
  return stacked;
}

// -- numbers and times: as the reader's locale writes them, times always in UTC --------------------------------------

export const NONE = "–";

/** @param {number | null} [value] */
export const whole = (value) => (value === null || value === undefined ? NONE : WHOLE.format(value));
// Four digits that matter; of a large number all before the point: a sum in tens would not be that of its parts.
/** @param {number | null} [value] */
export function rate(value) {
  if (value === null || value === undefined) return NONE;
  return (Math.abs(value) < 1000 ? RATE : WHOLE).format(value);
}
// How the numbers of one column are written: all with the same decimals, as many as give the largest of them so many
// digits, and more where the smallest would be shown as nothing.
/** @param {any[]} values @param {Intl.NumberFormatOptions & {significant?: number, digits?: number}} [options] @returns {(value?: number | null) => string} */
export function evenly(values, { significant = 4, digits = digitsOf(values, significant), ...style } = {}) {
  const format = new Intl.NumberFormat(undefined, {
    ...DIGITS,
    ...style,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return (value) => (value === null || value === undefined ? NONE : format.format(value));
}

const MOST_DECIMALS = 6;

/** @param {any[]} values @param {number} significant */
function digitsOf(values, significant) {
  const sizes = values.filter((value) => Number.isFinite(value) && value !== 0).map(Math.abs);
  if (!sizes.length || sizes.every(Number.isInteger)) return 0;
  const place = (/** @type {number} */ value) => Math.floor(Math.log10(value) + 1e-12);
  const [low, high] = sizes.reduce(
    (found, each) => [Math.min(found[0], each), Math.max(found[1], each)],
    [Infinity, 0],
  );
  const needed = Math.max(significant - 1 - place(high), Math.min(3, -place(low)));
  return Math.min(writtenDigits(values), Math.max(0, needed)); // none is made more exact than it was told
}

// As many decimals as the one has that was written with the most.
/** @param {any[]} values @returns {number} */
export const writtenDigits = (values) =>
  values.reduce((most, value) => Math.max(most, Math.min(MOST_DECIMALS, decimalsOf(String(value ?? "")))), 0);
/** @param {string} text */
const decimalsOf = (text) => (text.includes("e-") ? MOST_DECIMALS : (text.split(".")[1] ?? "").length);

// Of a finding or an example: text as it is, numbers as the reader writes them.
/** @param {any} value */
export function measured(value) {
  if (value === null || value === undefined) return NONE;
  return typeof value === "number" ? MEASURED.format(value) : String(value);
}

// A part that is there is never shown as nothing, and one that lacks something never as all.
/** @param {number} value */
export function share(value) {
  if (value > 0 && value < 0.001) return `< ${SHARE.format(0.001)}`;
  return value > 0.999 && value < 1 ? `> ${SHARE.format(0.999)}` : SHARE.format(value);
}

/** @param {number | null} seconds */
export const moment = (seconds) => MOMENT.format(Number(seconds) * 1000);
/** @param {number} seconds */
export const clock = (seconds) => CLOCK.format(seconds * 1000);
/** @param {string} text */
export const seconds = (text) => Date.parse(text) / 1000;

/** @param {number} bytes */
export function size(bytes) {
  let place = 0;
  while (bytes >= 1000 && place < UNITS.length - 1) {
    bytes /= 1000;
    place += 1;
  }
  return `${SIZE.format(bytes)} ${UNITS[place]}`;
}

/** @param {number} digits */
const padded = (digits) => String(digits).padStart(2, "0");

// 8.4 s, 42 s, 3 min 05 s, 2 h 07 min, as the clients have it (clients/api/durations.py).
/** @param {number | null} [total] */
export function duration(total) {
  if (total === null || total === undefined) return NONE;
  if (total < 9.95) return `${TENTHS.format(Math.max(0, total))} s`;
  const whole = Math.round(total);
  if (whole < 60) return `${whole} s`;
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${WHOLE.format(hours)} h ${padded(minutes)} min` : `${minutes} min ${padded(whole % 60)} s`;
}

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const AGES = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

// How long ago it was, by the clock of `now`: "3 hours ago".
/** @param {number} at @param {number} now */
export function age(at, now) {
  const past = Math.max(0, now - at);
  const [unit, length] = AGES.find(([, each]) => past >= each) ?? [];
  return unit && length ? AGE.format(-Math.floor(past / length), unit) : "just now";
}

/** @param {string} day */
export const calendarDay = (day) => DAY.format(Date.parse(day));

// A period by its month when it begins with one, as monthly data does.
/** @param {string | null} [day] */
export function period(day) {
  if (!day) return NONE;
  return day.endsWith("-01") ? MONTH.format(Date.parse(day)) : calendarDay(day);
}

/** @param {number} number @param {string} one @param {string} [many] */
export const count = (number, one, many = `${one}s`) => `${whole(number)} ${number === 1 ? one : many}`;

// -- CSV (RFC 4180) --------------------------------------------------------------------------------------------------

const MARK = "\ufeff"; // by it Excel tells UTF-8 from the code page of the machine
const HAS_COMMA = (1.5).toLocaleString().includes(",");

// As the reader's own Excel takes it apart: where a decimal has a comma, semicolons stand between the cells.
/** @type {{separator?: string, decimal?: string}} */
export const DIALECT = HAS_COMMA ? { separator: ";", decimal: "," } : {};

/** @param {string} name @param {...string} parts */
export const saveCsv = (name, ...parts) => save(`${name}.csv`, "text/csv;charset=utf-8", [MARK, ...parts]);

// Text that begins like a formula gets a leading apostrophe, so that no spreadsheet runs it.
/** @param {string[]} names @param {any[]} rows */
export function csv(names, rows) {
  const lines = [names, ...rows.map((row) => names.map((name) => row[name]))];
  const { separator = "," } = DIALECT;
  return lines.map((cells) => cells.map(cell).join(separator) + "\r\n").join("");
}

/** @param {any} value */
function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return decimal(value);
  const text = String(value);
  const harmless = FORMULA.test(text) && !/^-?\d+([.,]\d+)?$/.test(text) ? `'${text}` : text;
  return /[",;\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

// A number, or its digits as text, as the reader's own Excel writes it.
/** @param {number | string} number */
export const decimal = (number) => String(number).replace(".", DIALECT.decimal ?? ".");
