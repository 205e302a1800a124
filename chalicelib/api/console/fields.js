// A choice among the fields of a source, of which there may be thousands, called whatever they are.

import { button, count, h } from "./dom.js";

const LISTED = 200; // in a list to choose from; beyond that they are searched
const FOUND = 50; // shown of a search
const LONGEST = 60; // signs of a name
const FIELD = "f:"; // before the name, so that no field is taken for one of our own words
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

// A name as text that moves, hides or breaks nothing around it: signs without a look are written out.
/** @param {string} name */
export function shown(name) {
  const text = name.replaceAll(UNSEEN, (sign) => `\\u${sign.codePointAt(0)?.toString(16).padStart(4, "0")}`);
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1)}…`;
}

// An element. `more` are choices before the fields, [value, text] each; `picked` gets one of their values, or
// of a field its name as {field}. `chosen` is the like, and `told` the id of what is said of it.
/** @param {Sheet} sheet @param {{id: string, label: string, told?: string, more?: string[][], chosen?: Picked | string, picked: (choice: FieldPicked) => unknown}} options */
export function fieldChoice(sheet, { id, label, told, more = [], chosen, picked }) {
  /** @type {HTMLSelectElement} */
  const select = h("select", {
    id,
    "aria-label": label,
    "aria-describedby": told,
    onchange: () => picked(/** @type {FieldPicked} */ (meaning(select.value))),
  });
  const search = button(
    "Search",
    async () => {
      const field = await askForField(sheet, label);
      if (field !== null) picked({ field });
      document.getElementById(search.id)?.focus();
    },
    { class: "quiet", id: `${id}-search`, "aria-label": `Search the fields: ${label}` },
  );
  /** @type {string[]} */
  const fields = sheet.found?.fields ?? [];
  const known = fields.slice(0, LISTED);
  const chosenField = typeof chosen === "object" ? chosen.field : undefined;
  if (chosenField && !known.includes(chosenField)) known.unshift(chosenField);
  const value = chosenField ? FIELD + chosenField : typeof chosen === "string" ? chosen : "";
  select.append(
    ...more.map(([each, text]) => option(each, text, value)),
    ...known.map((name) => option(FIELD + name, shown(name), value)),
  );
  search.hidden = fields.length <= LISTED;
  return h("span", { class: "pick" }, select, search);
}

/** @param {string} value @param {string} text @param {string} chosen */
const option = (value, text, chosen) => h("option", { value, selected: value === chosen }, text);
/** @param {string} value @returns {Picked | string} */
const meaning = (value) => (value.startsWith(FIELD) ? { field: value.slice(FIELD.length) } : value);

// Resolves to a name, or null.
/** @param {Sheet} sheet @param {string} label @returns {Promise<string | null>} */
function askForField(sheet, label) {
  /** @type {PromiseWithResolvers<string | null>} */
  const { promise, resolve } = Promise.withResolvers();
  const { fields, rows } = /** @type {Found} */ (sheet.found);
  const plain = fields.map((name) => name.toLowerCase());
  const list = h("ul", { class: "names" });
  const told = h("p", { class: "muted", role: "status" });
  /** @param {string} name */
  const take = (name) => ((answer = name), dialog.close());
  /** @type {string | null} */
  let answer = null;
  const find = () => {
    const text = input.value.toLowerCase();
    const found = fields.filter((_, place) => plain[place].includes(text));
    told.textContent = `${count(found.length, "field")}${found.length > FOUND ? `, the first ${FOUND} are shown` : ""}.`;
    list.replaceChildren(...found.slice(0, FOUND).map((name) => h("li", {}, entry(name, exampleOf(rows, name), take))));
    own.hidden = !input.value || fields.includes(input.value);
  };
  const own = button("Take the name as it is typed", () => take(input.value), { hidden: true });
  const input = h("input", { type: "search", id: "field-search", autocomplete: "off", oninput: find });
  /** @type {HTMLDialogElement} */
  const dialog = h(
    "dialog",
    { "aria-labelledby": "dialog-title", onclose: () => (resolve(answer), dialog.remove()) },
    h("h2", { id: "dialog-title" }, label),
    h("p", { class: "filter" }, h("label", { for: "field-search" }, "Part of its name"), input),
    told,
    list,
    h(
      "div",
      { class: "actions" },
      button("Choose none", () => dialog.close()),
      own, // an answer has not room for all names of thousands
    ),
  );
  document.body.append(dialog);
  find();
  dialog.showModal();
  input.focus();
  return promise;
}

/** @param {string} name @param {string} example @param {(name: string) => void} take */
const entry = (name, example, take) =>
  button([shown(name), example ? h("small", {}, shown(example)) : null], () => take(name), { class: "quiet" });

// What the first row that has something there has there.
/** @param {Values[] | null | undefined} rows @param {string} name */
export function exampleOf(rows, name) {
  const row = rows?.find((each) => String(each[name] ?? "") !== "");
  return row ? String(row[name]) : "";
}
