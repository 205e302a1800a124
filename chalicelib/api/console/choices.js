// What a definition says of rows, periods and numbers as a whole.

import { button, h } from "./dom.js";
import { fieldChoice, shown } from "./fields.js";
import { faultLine, guessNote } from "./sheet.js";
import { inline } from "./toml.js";

/** @type {Record<string, string>} */
const USUAL = { period: "month", rows: "one", decimal: ".", thousands: "" };
const PERIODS = { day: "a day", month: "a month", quarter: "a quarter", year: "a year" };
const ROWS = { one: "one row a well and period", sum: "several rows, which are added" };
const DECIMALS = { ".": "a point: 1.5", ",": "a comma: 1,5" };
const THOUSANDS = {
  "": "nothing: 1500",
  ",": "a comma: 1,500",
  ".": "a point: 1.500",
  " ": "a blank: 1 500",
  "'": "an apostrophe: 1'500",
};
const KEYS = ["period", "rows", "decimal", "thousands", "primary_key", "where"];

// An element that follows the sheet.
/** @param {Sheet} sheet */
export function choicesForm(sheet) {
  const place = h("div", { class: "choices" });
  const faults = Object.fromEntries(KEYS.map((key) => [key, faultLine(sheet, key, `fault-${key}`)]));
  /** @type {Choices} */
  const choices = { sheet, faults, changed };

  /** @param {Change} change */
  function changed(change) {
    const focused = document.activeElement?.id ?? "";
    sheet.edit(change);
    build();
    document.getElementById(focused)?.focus();
  }

  function build() {
    place.replaceChildren(
      h(
        "div",
        { class: "grid" },
        choice(choices, "period", "A row tells of", PERIODS),
        choice(choices, "rows", "Of a well and period there is", ROWS),
        choice(choices, "decimal", "Decimal sign", DECIMALS),
        choice(choices, "thousands", "Between thousands", THOUSANDS),
      ),
      ...[keyList(choices), whereList(choices)].filter((each) => each !== null),
    );
  }

  for (const event of ["replaced", "checked"]) sheet.addEventListener(event, () => isIdle(place) && build());
  build();
  return place;
}

/** @param {Choices} choices @param {string} key @param {string} label @param {Record<string, string>} words */
function choice({ sheet, faults, changed }, key, label, words) {
  const { preset } = sheet.values;
  const value = sheet.values[key] ?? (preset ? undefined : USUAL[key]);
  /** @type {HTMLSelectElement} */
  const select = h(
    "select",
    { id: key, onchange: () => changed((values) => setKey(values, key, select.value)) },
    preset ? h("option", { value: "preset", selected: value === undefined }, "as the preset has it") : null,
    Object.entries(words).map(([each, text]) => h("option", { value: each, selected: each === value }, text)),
  );
  return h("div", {}, h("label", { for: key }, label), select, guessOf(sheet, key), faults[key]);
}

/** @param {Sheet} sheet @param {string} key */
const guessOf = (sheet, key) => guessNote(sheet.guesses.get(key));

// Null where rows are not added and nothing is said of a key.
/** @param {Choices} choices */
function keyList(choices) {
  const { sheet, changed } = choices;
  const key = [sheet.values.primary_key ?? []].flat();
  if (sheet.values.rows !== "sum" && !key.length) return null;
  /** @type {(gone: number) => Change} */
  const without = (gone) => (values) =>
    setKey(
      values,
      "primary_key",
      key.filter((_, place) => place !== gone),
    );
  const add = (/** @type {FieldPicked} */ { field }) =>
    field && !key.includes(field) && changed((values) => (values.primary_key = [...key, field]));
  const items = key.map((field, place) => item(shown(field), `key-${place}`, () => changed(without(place))));
  return group(choices, "primary_key", { title: "What tells one row from another of its well and period", items, add });
}

/** @param {Choices} choices */
function whereList(choices) {
  const { sheet, changed } = choices;
  const where = sheet.values.where ?? {};
  /** @type {(field: string, wanted: string[] | undefined) => Change} */
  const set = (field, wanted) => (values) => {
    values.where = { ...values.where, [field]: wanted };
    if (wanted === undefined) delete values.where[field];
    setKey(values, "where", values.where);
  };
  const items = Object.entries(where).map(([field, wanted], place) => {
    const input = wantedInput(field, wanted, place, (words) => changed(set(field, words)));
    const content = [h("bdi", {}, shown(field)), " is ", input];
    return item(content, `where-${place}`, () => changed(set(field, undefined)));
  });
  const add = (/** @type {FieldPicked} */ { field }) =>
    field && !Object.hasOwn(where, field) && changed(set(field, [""]));
  return group(choices, "where", { title: "Rows to take: all, or those where", items, add });
}

// The fields that were chosen, and the choice of one more.
/** @param {Choices} choices @param {string} key @param {{title: string, items: Child[], add: (choice: FieldPicked) => unknown}} options */
const group = ({ sheet, faults }, key, { title, items, add }) =>
  h(
    "fieldset",
    { class: "list" },
    h("legend", {}, title),
    items.length ? h("ul", { class: "chosen" }, items) : null,
    fieldChoice(sheet, {
      id: `add-${key}`,
      label: `${title}: add a field`,
      more: [["", items.length ? "and a field …" : "a field …"]],
      picked: add,
    }),
    guessOf(sheet, key),
    faults[key],
  );

// Whether nobody is choosing or writing here.
/** @param {Element} place */
const isIdle = (place) => !place.contains(document.activeElement);

/** @param {Child} content @param {string} id @param {() => unknown} remove */
const item = (content, id, remove) =>
  h("li", {}, h("span", {}, content), button("Remove", remove, { class: "quiet", id: `remove-${id}` }));

// One value a line; a pattern is only shown.
/** @param {string} field @param {any} wanted @param {number} place @param {(words: string[]) => void} changed */
function wantedInput(field, wanted, place, changed) {
  if (typeof wanted === "object" && !Array.isArray(wanted)) return h("code", {}, inline(wanted));
  /** @type {HTMLTextAreaElement} */
  const input = h("textarea", {
    id: `wanted-${place}`,
    rows: "1",
    "aria-label": `Values of ${shown(field)}, one a line`,
    onchange: () => changed(input.value.split("\n")),
  });
  input.value = [wanted].flat().join("\n");
  return input;
}

/** @param {Values} values @param {string} key @param {any} value */
function setKey(values, key, value) {
  const isNothing = value === "preset" || (typeof value === "object" && !Object.keys(value).length);
  if (isNothing || (value === USUAL[key] && !values.preset)) delete values[key];
  else values[key] = value;
}
