// How one of our columns is measured: its unit, what that needs to know beside, and what the data suggests. Of the period,
// the form in which it is written.

import { button, h } from "./dom.js";
import { formChoice } from "./forms.js";
import { PERIOD, setWord } from "./rules.js";
import { guessNote } from "./sheet.js";
import { KINDS } from "./words.js";

const UNKNOWN = "..."; // as a draft writes a unit that it cannot tell
const NONE_SAID = "Choose the unit";

/** @param {Mapping} mapping @param {Rule} rule @param {FoundColumn} found @returns {(HTMLElement | null)[]} */
export function unitCell(mapping, rule, found) {
  const { sheet, name, changed } = mapping;
  if (name === PERIOD) return formChoice(sheet, rule, changed) ?? [];
  if (!(name in KINDS)) return [];
  if (rule.kind === "none") return found.source_unit ? [h("span", {}, found.source_unit)] : [];
  return [unitChoice(mapping, rule), more(mapping, rule), unitNote(mapping, rule)];
}

/** @param {Mapping} mapping @param {Rule} rule */
function unitChoice({ name, title, units, changed }, rule) {
  const chosen = rule.table.unit ?? "";
  /** @type {HTMLSelectElement} */
  const choice = h(
    "select",
    {
      id: `unit-${name}`,
      "aria-label": `Unit of ${title}`,
      "aria-required": "true",
      "aria-describedby": `fault-${name}`,
      onchange: () => changed((values) => setWord(values, name, "unit", choice.value)),
    },
    h("option", { value: "" }, NONE_SAID),
    unitGroups(units[KINDS[name]] ?? [], name, chosen),
  );
  return choice;
}

// What a unit of this kind needs to know beside.
/** @param {Mapping} mapping @param {Rule} rule */
function more(mapping, rule) {
  const unit = rule.table.unit ?? "";
  if (/^t(\/|$)/.test(unit)) return densityInput(mapping, rule);
  return unit.endsWith("/d") && mapping.name !== "days_on_production" ? daysChoice(mapping, rule) : null;
}

/** @param {Mapping} mapping @param {Rule} rule */
function densityInput({ name, title, changed }, rule) {
  /** @type {HTMLInputElement} */
  const input = h("input", {
    id: `density-${name}`,
    "aria-label": `Density of ${title}, in t/m3: a number, or a field`,
    placeholder: "t/m3, or a field",
    value: rule.table.density ?? "",
    onchange: () => changed((values) => setWord(values, name, "density", numberOr(input.value.trim()))),
  });
  return input;
}

/** @param {Mapping} mapping @param {Rule} rule */
function daysChoice({ name, title, changed }, rule) {
  /** @type {HTMLSelectElement} */
  const select = h(
    "select",
    {
      id: `days-${name}`,
      "aria-label": `Days of the rate of ${title}`,
      onchange: () => changed((values) => setWord(values, name, "days", select.value)),
    },
    h("option", { value: "" }, "of every day"),
    h("option", { value: "producing", selected: rule.table.days === "producing" }, "of days on production"),
  );
  return select;
}

// Of the field that was guessed, and until another unit is chosen.
/** @param {Mapping} mapping @param {Rule} rule */
function unitNote({ sheet, name, changed }, rule) {
  const guess = sheet.guessOf(name);
  const { field: of, unit: word } = guess?.value ?? {};
  const isOther = rule.field !== of || (rule.table.unit && rule.table.unit !== word);
  if (isOther) return null;
  if (word === UNKNOWN) return guessNote(guess);
  const take = () => changed((values) => setWord(values, name, "unit", word));
  return guessNote(
    guess,
    word,
    rule.table.unit ? null : button(`Use ${word}`, take, { class: "quiet", id: `guess-${name}` }),
  );
}

/** @param {string[]} units @param {string} column @param {string} chosen */
function unitGroups(units, column, chosen) {
  const options = (/** @type {string[]} */ names) =>
    names.map((each) => h("option", { value: each, selected: each === chosen }, each));
  const rates = units.map((each) => `${each}/d`);
  const strange = chosen && ![...units, ...(column === "days_on_production" ? [] : rates)].includes(chosen);
  const own = strange ? options([chosen]) : [];
  if (column === "days_on_production") return [own, options(units)];
  return [
    own,
    h("optgroup", { label: "Volume of the period" }, options(units)),
    h("optgroup", { label: "Rate a day" }, options(rates)),
  ];
}

/** @param {string} text */
const numberOr = (text) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : text);
