// The table of our columns: which field fills each, in which unit, as it is written and as it would be stored.

import { ask } from "./api.js";
import { button, framed, h, NONE, share, table } from "./dom.js";
import { exampleOf, fieldChoice, shown } from "./fields.js";
import { formChoice } from "./forms.js";
import { lacksUnit, PERIOD, ruleOf, setField, setRule, setWord } from "./rules.js";
import { faultLine, guessNote } from "./sheet.js";
import { inline } from "./toml.js";
import { COLUMN_WORDS, KINDS } from "./words.js";

// In words, the columns whose unit nobody has said yet.
/** @param {Values} values */
export const unitsToChoose = (values) =>
  Object.keys(KINDS)
    .filter((column) => lacksUnit(values, column))
    .map((column) => COLUMN_WORDS[column].toLowerCase());

/** @type {Record<string, string>} */
const HINTS = {
  field_code: "Where nothing fills it, the name of the source stands for the field.",
  well_code: "Needed.",
  [PERIOD]: "Needed.",
};
const OWN = "own";
const UNKNOWN = "..."; // as a draft writes a unit that it cannot tell
/** @type {("div" | "bdi" | "span")[]} */
const TAGS = ["div", "bdi", "div", "bdi", "span"]; // of the cells that change
const NONE_SAID = "Choose the unit";

/** @typedef {ReturnType<typeof columnRow>} OurColumn */
/** @type {Column<OurColumn>[]} */
const COLUMNS = [
  { title: "Ours", cell: (row) => row.title },
  { title: "Field of the source", class: "pickable", cell: (row) => row.field },
  { title: "As written", cell: (row) => row.written },
  { title: "Unit, or form", class: "pickable", cell: (row) => row.unit },
  { title: "As stored", cell: (row) => row.stored },
  { title: "Empty", class: "number", cell: (row) => row.empty },
];

// An element that follows the sheet. `units` are the API's, by what is measured.
/** @param {Sheet} sheet */
export function mappingTable(sheet) {
  const place = h("div", { class: "mapping" });
  /** @type {OurColumn[]} */
  let rows = [];
  /** @type {Omit<Api.Units, "at">} */
  let units = { liquid: [], gas: [], days: [] };
  /** @type {string[] | null} */
  let fields = null;
  let built = new AbortController();

  function build() {
    if (!sheet.found?.columns) return;
    fields = sheet.found.fields;
    built.abort();
    built = new AbortController();
    rows = sheet.found.columns.map((found) => columnRow(sheet, found, { units, signal: built.signal }));
    const made = table("Our columns, and what fills each", COLUMNS, rows);
    for (const line of made.tBodies[0].rows) {
      [...line.cells].forEach((cell, number) => (cell.dataset.title = COLUMNS[number].title));
    }
    place.replaceChildren(framed("Columns, a table that scrolls", made));
  }

  // What somebody is choosing from stays where it is, unless the source has other fields.
  function follow() {
    const now = sheet.found;
    if (fields === null || !now?.columns || String(fields) !== String(now.fields)) return build();
    const found = new Map(now.columns.map((column) => [column.name, column]));
    rows.forEach((row) => row.show(found.get(row.name)));
  }

  sheet.addEventListener("checked", follow);
  sheet.addEventListener("replaced", build);
  ask("sources/units")
    .then(({ data }) => ((units = data), build()))
    .catch(() => {}); // what the definition has stands there all the same
  return { element: place, wait: (/** @type {boolean} */ isWaiting) => place.classList.toggle("stale", isWaiting) };
}

/** @param {Sheet} sheet @param {FoundColumn} first @param {{units: Omit<Api.Units, "at">, signal: AbortSignal}} options */
function columnRow(sheet, first, { units, signal }) {
  const { name } = first;
  const title = COLUMN_WORDS[name] ?? name;
  const own = ruleOf(sheet.values, name).kind === OWN ? sheet.values.columns[name] : undefined;
  const [field, written, unit, stored, empty] = TAGS.map((tag) => h(tag));
  let found = first;

  const changed = (/** @type {Change} */ change) => {
    const focused = document.activeElement?.id ?? "";
    sheet.edit(change);
    choices();
    document.getElementById(focused)?.focus();
  };

  function choices() {
    const rule = ruleOf(sheet.values, name);
    field.replaceChildren(...fieldCell(rule));
    unit.replaceChildren(...[unitCell(rule)].flat().filter((each) => each !== null));
  }

  /** @param {Rule} rule */
  function fieldCell(rule) {
    const more = [["", emptyWord(sheet, rule, found)]];
    if (own !== undefined) more.push([OWN, `as written: ${shown(inline(own))}`]);
    if (rule.kind === "parts") more.push(["parts", "in fields of their own"]);
    const pick = (/** @type {FieldPicked} */ choice) => {
      changed((values) => {
        if (choice.field !== undefined) setField(values, name, choice.field);
        else setRule(values, name, choice === OWN ? own : undefined);
      });
      show({ ...found, field: "", example: "", stored: "", empty: null }); // of the field before
    };
    const chosen = rule.kind === "field" ? { field: rule.field } : rule.kind === "none" ? "" : rule.kind;
    const given = {
      id: `field-${name}`,
      label: `Field of the source for ${title}`,
      told: `fault-${name}`,
      more,
      chosen,
      picked: pick,
    };
    return [fieldChoice(sheet, given), besides(rule), name in KINDS ? null : guessNote(sheet.guessOf(name))].filter(
      (each) => each !== null,
    );
  }

  /** @param {Rule} rule */
  function unitCell(rule) {
    if (name === PERIOD) return formChoice(sheet, rule, changed);
    if (!(name in KINDS)) return null;
    if (rule.kind === "none") return found.source_unit ? h("span", {}, found.source_unit) : null;
    return [unitChoice(rule), more(rule), unitNote(rule)];
  }

  /** @param {Rule} rule */
  function unitChoice(rule) {
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
  /** @param {Rule} rule */
  function more(rule) {
    const unit = rule.table.unit ?? "";
    if (/^t(\/|$)/.test(unit)) return densityInput(rule);
    return unit.endsWith("/d") && name !== "days_on_production" ? daysChoice(rule) : null;
  }

  const densityInput = (/** @type {Rule} */ rule) => {
    /** @type {HTMLInputElement} */
    const input = h("input", {
      id: `density-${name}`,
      "aria-label": `Density of ${title}, in t/m3: a number, or a field`,
      placeholder: "t/m3, or a field",
      value: rule.table.density ?? "",
      onchange: () => changed((values) => setWord(values, name, "density", numberOr(input.value.trim()))),
    });
    return input;
  };

  const daysChoice = (/** @type {Rule} */ rule) => {
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
  };

  // Of the field that was guessed, and until another unit is chosen.
  /** @param {Rule} rule */
  function unitNote(rule) {
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

  /** @param {FoundColumn} [newer] */
  function show(newer) {
    if (!newer) return;
    const wasNone = found.field !== newer.field && ruleOf(sheet.values, name).kind === "none";
    found = newer;
    if (wasNone && !field.contains(document.activeElement)) choices();
    written.textContent = shown(found.example || exampleNow()) || NONE;
    stored.textContent = found.stored && !lacksUnit(sheet.values, name) ? shown(found.stored) : NONE;
    empty.textContent = found.empty === null || found.empty === undefined ? NONE : share(found.empty);
  }

  // Of a field whose unit is to be chosen yet, which is no part of what is tried.
  function exampleNow() {
    const rule = ruleOf(sheet.values, name);
    return rule.kind === "field" ? exampleOf(sheet.found?.rows, rule.field) : "";
  }

  choices();
  show(first);
  return {
    name,
    show,
    field,
    empty,
    unit,
    title: [
      h("b", {}, title),
      HINTS[name] ? h("small", {}, HINTS[name]) : null,
      faultLine(sheet, `columns.${name}`, `fault-${name}`, signal),
    ],
    written: h("span", { "data-written": name }, written),
    stored: [h("span", { "data-stored": name }, stored), first.unit ? h("small", {}, first.unit) : null],
  };
}

// Nothing, or what fills the column though the definition is silent of it.
/** @param {Sheet} sheet @param {Rule} rule @param {FoundColumn} found */
function emptyWord(sheet, rule, found) {
  if (rule.kind !== "none" && sheet.values.preset) return "as the preset has it";
  if (rule.kind !== "none" || !found.field) return "nothing";
  return sheet.values.preset ? `the preset's: ${shown(found.field)}` : `by its name: ${shown(found.field)}`;
}

// What the rule says beyond the field and what has a choice of its own.
/** @param {Rule} rule */
function besides({ kind, table }) {
  const { field, unit, days, density, format, ...rest } = table;
  if (kind !== "field" || !Object.keys(rest).length) return null;
  return h(
    "code",
    {},
    Object.entries(rest)
      .map(([name, value]) => `${name} = ${inline(value)}`)
      .join(", "),
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
