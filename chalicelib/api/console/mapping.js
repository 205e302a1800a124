// The table of our columns: which field fills each, in which unit, as it is written and as it would be stored.

import { ask } from "./api.js";
import { framed, h, NONE, share, table } from "./dom.js";
import { exampleOf, fieldChoice, shown } from "./fields.js";
import { lacksUnit, PERIOD, ruleOf, setField, setRule } from "./rules.js";
import { faultLine, guessNote } from "./sheet.js";
import { inline } from "./toml.js";
import { unitCell } from "./unitcell.js";
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
/** @type {("div" | "bdi" | "span")[]} */
const TAGS = ["div", "bdi", "div", "bdi", "span"]; // of the cells that change

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
  /** @type {Mapping} */
  const mapping = { sheet, name, title, own, units, changed };
  const [field, written, unit, stored, empty] = TAGS.map((tag) => h(tag));
  let found = first;

  /** @param {Change} change */
  function changed(change) {
    const focused = document.activeElement?.id ?? "";
    sheet.edit(change);
    choices();
    document.getElementById(focused)?.focus();
  }

  function choices() {
    const rule = ruleOf(sheet.values, name);
    field.replaceChildren(...fieldCell(mapping, rule, { found, forget }).filter((each) => each !== null));
    unit.replaceChildren(...unitCell(mapping, rule, found).filter((each) => each !== null));
  }

  // What was found of the field before.
  function forget() {
    show({ ...found, field: "", example: "", stored: "", empty: null });
  }

  /** @param {FoundColumn} [newer] */
  function show(newer) {
    if (!newer) return;
    const wasNone = found.field !== newer.field && ruleOf(sheet.values, name).kind === "none";
    found = newer;
    if (wasNone && !field.contains(document.activeElement)) choices();
    written.textContent = shown(found.example || exampleNow(mapping)) || NONE;
    stored.textContent = found.stored && !lacksUnit(sheet.values, name) ? shown(found.stored) : NONE;
    empty.textContent = found.empty === null || found.empty === undefined ? NONE : share(found.empty);
  }

  choices();
  show(first);
  const cells = { title: titleCell(mapping, signal), field, unit, empty };
  const writtenCell = h("span", { "data-written": name }, written);
  const storedCell = [h("span", { "data-stored": name }, stored), first.unit ? h("small", {}, first.unit) : null];
  return { name, show, ...cells, written: writtenCell, stored: storedCell };
}

/** @param {Mapping} mapping @param {AbortSignal} signal */
const titleCell = ({ sheet, name, title }, signal) => [
  h("b", {}, title),
  HINTS[name] ? h("small", {}, HINTS[name]) : null,
  faultLine(sheet, `columns.${name}`, `fault-${name}`, signal),
];

// The choice of the field, what the rule says beyond it, and why it stands there. `forget` is called when it is another.
/** @param {Mapping} mapping @param {Rule} rule @param {{found: FoundColumn, forget: () => void}} options @returns {(HTMLElement | null)[]} */
function fieldCell({ sheet, name, title, own, changed }, rule, { found, forget }) {
  const more = [["", emptyWord(sheet, rule, found)]];
  if (own !== undefined) more.push([OWN, `as written: ${shown(inline(own))}`]);
  if (rule.kind === "parts") more.push(["parts", "in separate fields"]);
  const picked = (/** @type {FieldPicked} */ choice) => {
    changed((values) => {
      if (choice.field !== undefined) setField(values, name, choice.field);
      else setRule(values, name, choice === OWN ? own : undefined);
    });
    forget();
  };
  const chosen = rule.kind === "field" ? { field: rule.field } : rule.kind === "none" ? "" : rule.kind;
  const label = `Field of the source for ${title}`;
  const given = { id: `field-${name}`, label, told: `fault-${name}`, more, chosen, picked };
  return [fieldChoice(sheet, given), besides(rule), name in KINDS ? null : guessNote(sheet.guessOf(name))];
}

// Of a field whose unit is to be chosen yet, which is no part of what is tried.
/** @param {Mapping} mapping */
function exampleNow({ sheet, name }) {
  const rule = ruleOf(sheet.values, name);
  return rule.kind === "field" ? exampleOf(sheet.found?.rows, rule.field) : "";
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
