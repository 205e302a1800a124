// How the source writes its periods: one field in a form, or year and month in fields of their own.

import { h } from "./dom.js";
import { fieldChoice } from "./fields.js";
import { PERIOD, setRule, setWord } from "./rules.js";
import { inline } from "./toml.js";

const FORMS = [
  ["%Y-%m", "2024-01"],
  ["%Y%m", "202401"],
  ["%Y-%m-%d", "2024-01-31"],
  ["%Y%m%d", "20240131"],
  ["%d/%m/%Y", "31/01/2024"],
  ["%m/%d/%Y", "01/31/2024"],
  ["%d.%m.%Y", "31.01.2024"],
  ["%m/%Y", "01/2024"],
  ["%Y/%m", "2024/01"],
  ["%b-%y", "Jan-24"],
  ["%b %Y", "Jan 2024"],
  ["%B %Y", "January 2024"],
  ["%YQ%q", "2024Q1"],
  ["%Y-Q%q", "2024-Q1"],
  ["%Y", "2024"],
];
const BY_ITSELF = "found by itself";
/** @type {Record<string, string>} */
const PARTS = {
  "year month": "Year and month, a field each",
  "year quarter": "Year and quarter, a field each",
};
const OTHER = "other";

/** @param {Sheet} sheet @param {Rule} rule @param {(change: Change) => void} changed @returns {HTMLElement[] | null} */
export function formChoice(sheet, rule, changed) {
  if (rule.kind === "none" || rule.kind === "own") return null;
  const format = rule.table.format;
  const isUsual = FORMS.some(([form]) => form === format);
  const parts = Object.keys(rule.table).join(" ");
  const chosen = rule.kind === "parts" ? parts : format === undefined ? "" : isUsual ? format : OTHER;
  const option = (/** @type {string} */ value, /** @type {string} */ text) =>
    h("option", { value, selected: value === chosen }, text);
  /** @type {HTMLSelectElement} */
  const select = h(
    "select",
    {
      id: "form",
      "aria-label": "Form of the period",
      onchange: () => changed((values) => choose(values, select.value)),
    },
    option("", BY_ITSELF),
    FORMS.map(([form, example]) => option(form, example)),
    Object.entries(PARTS).map(([value, text]) => option(value, text)),
    rule.kind === "parts" && !(parts in PARTS) ? option(parts, parts.replaceAll(" ", ", ")) : null,
    option(OTHER, "another form …"),
  );
  const beside =
    rule.kind === "parts" ? partChoices(sheet, rule, changed) : chosen === OTHER ? [ownForm(format, changed)] : [];
  return [select, ...beside];
}

/** @param {Values} values @param {string} value */
function choose(values, value) {
  if (value in PARTS) {
    const rule = values.columns[PERIOD];
    const first = typeof rule === "string" ? rule : (rule.field ?? rule.year ?? "");
    setRule(values, PERIOD, Object.fromEntries(value.split(" ").map((part) => [part, part === "year" ? first : ""])));
    return;
  }
  const { year } = values.columns[PERIOD];
  if (year !== undefined) setRule(values, PERIOD, year);
  setWord(values, PERIOD, "format", value === OTHER ? "%Y-%m-%dT%H:%M:%S" : value);
}

/** @param {any} format @param {(change: Change) => void} changed */
function ownForm(format, changed) {
  /** @type {HTMLInputElement} */
  const input = h("input", {
    id: "own-form",
    "aria-label": "Form of the period: %Y year, %m month, %d day, %b name of the month, %q quarter",
    value: typeof format === "string" ? format : inline(format),
    readonly: typeof format !== "string",
    onchange: () => changed((values) => setWord(values, PERIOD, "format", input.value.trim())),
  });
  return input;
}

/** @param {Sheet} sheet @param {Rule} rule @param {(change: Change) => void} changed */
function partChoices(sheet, rule, changed) {
  return Object.entries(rule.table).map(([part, field]) =>
    h(
      "label",
      { class: "part-of" },
      `${part} `,
      fieldChoice(sheet, {
        id: `part-${part}`,
        label: `Field of the ${part}`,
        more: [["", "choose"]],
        chosen: field ? { field } : "",
        picked: (choice) =>
          changed((values) => setRule(values, PERIOD, { ...values.columns[PERIOD], [part]: choice.field ?? "" })),
      }),
    ),
  );
}
