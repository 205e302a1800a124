// Other wells, or other fields, beside the one of a page: found by name, kept in the address.

import { read, write } from "./address.js";
import { ask, askAll, decoded } from "./api.js";
import { MOST } from "./curves.js";
import { button, count, h, say } from "./dom.js";

const TYPING = 250; // ms of rest before a search
const FOUND = 8;

// {element, entities(), note()}: those that have come. `came()` is called with each that does.
/** @param {Page} page @param {{kind: string, id: Ids, came: () => void}} options */
export function comparison(page, { kind, id, came }) {
  /** @type {Map<string, Compared | null>} */
  const known = new Map(); // text of the address to its entity, or to its error
  const chips = h("ul", { class: "chips", "aria-label": `Compared ${kind}s` });
  const form = nameSearch(kind, {
    find: async (text) => freeNames(await askRegister(kind, text, page.signal), kind, [textOf(id), ...wanted()]),
    pick: (key) => choose([...wanted(), key]),
    signal: page.signal,
  });

  /** @param {string} text */
  function load(text) {
    known.set(text, null);
    entityOf(page, kind, idOf(text)).then(
      (entity) => (known.set(text, entity), came()),
      (error) => page.signal.aborted || (known.set(text, { error }), came()),
    );
  }

  function entities() {
    const list = wanted();
    list.filter((text) => !known.has(text)).forEach(load);
    chips.replaceChildren(...list.map((text) => chip(text, known.get(text))));
    form.hidden = list.length >= MOST - 1;
    return list.map((text) => known.get(text)).filter((entity) => isThere(entity));
  }

  const note = () => (wanted().length ? `The table has the figures of this ${kind}, the CSV those of all.` : "");
  return { element: h("div", { class: "comparison" }, form, chips), entities, note };
}

// -- those of the address --------------------------------------------------------------------------------------------

const wanted = () =>
  (read().query.get("with") ?? "")
    .split(",")
    .filter(Boolean)
    .slice(0, MOST - 1);
const choose = (/** @type {string[]} */ list) => write({ with: list.join(",") });

/** @param {string} text @param {Compared | null | undefined} entity */
function chip(text, entity) {
  const name = entity?.name ?? idOf(text).at(-1);
  const state = entity?.error ? `: ${entity.error.message}` : entity ? "" : " …";
  const drop = () => choose(wanted().filter((each) => each !== text));
  return h(
    "li",
    {},
    h("bdi", {}, name),
    state,
    button("×", drop, { class: "quiet", "aria-label": `Do not compare with ${name}` }),
  );
}

// -- others, by name -------------------------------------------------------------------------------------------------

// The form; `find(text)` resolves to [key, name] of each that can be picked, and `pick(key)` is called with one.
/** @param {string} kind @param {{find: (text: string) => Promise<string[][]>, pick: (key: string) => void, signal: AbortSignal}} options */
function nameSearch(kind, { find, pick, signal }) {
  const found = h("div", { class: "found-names" });
  const input = h("input", { type: "search", maxlength: "100", autocomplete: "off", placeholder: `Another ${kind}` });
  let timer = 0;
  let asked = 0; // an answer to what was typed before is dropped

  async function search() {
    const turn = ++asked;
    const text = input.value.trim();
    if (!text) return found.replaceChildren();
    try {
      const names = await find(text);
      if (turn !== asked) return;
      say(`${count(names.length, kind)} found.`);
      const none = h("span", { class: "muted" }, `No other ${kind} found.`);
      found.replaceChildren(...(names.length ? names.map(([key, name]) => nameButton(name, () => take(key))) : [none]));
    } catch (error) {
      if (turn === asked && !signal.aborted) {
        found.replaceChildren(h("span", { class: "notice bad" }, error.message));
      }
    }
  }

  /** @param {string} key */
  function take(key) {
    input.value = "";
    found.replaceChildren();
    pick(key);
    input.focus();
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, TYPING);
  });
  const send = (/** @type {SubmitEvent} */ event) => (event.preventDefault(), clearTimeout(timer), search());
  return h("form", { class: "compare", onsubmit: send }, h("label", {}, "Compare with ", input), found);
}

/** @param {string} name @param {() => void} take */
const nameButton = (name, take) =>
  button(h("bdi", {}, name), take, { class: "quiet", "aria-label": `Compare with ${name}` });

/** @param {string} kind @param {string} text @param {AbortSignal} signal */
async function askRegister(kind, text, signal) {
  const query = new URLSearchParams({ of: `${kind}s`, q: text, limit: "50" });
  const { data } = await ask(`wells/register?${query}`, { signal });
  return data.rows;
}

// [key, name] of the first that are not `taken`; one that has several rows stands there once.
/** @param {Api.Registered[]} rows @param {string} kind @param {string[]} taken */
function freeNames(rows, kind, taken) {
  const names = new Map(rows.map((row) => [textOf(idOfRow(row, kind)), nameOf(row, kind)]));
  return [...names].filter(([key]) => !taken.includes(key)).slice(0, FOUND);
}

// An id is [source, field, well], without a well of a field; the source may be "".
/** @param {Compared | null | undefined} entity @returns {entity is Entity} */
const isThere = (entity) => entity?.rows !== undefined;
/** @param {Ids} id */
const textOf = (id) => id.map((part) => encodeURIComponent(part ?? "")).join("/");
/** @param {string} text @returns {string[]} */
const idOf = (text) => text.split("/").map(decoded);
/** @param {Api.Registered} row @param {string} kind */
const idOfRow = ({ source, field_code: field, well_code: code }, kind) =>
  kind === "well" ? [source, field, code] : [source, field];
/** @param {Api.Registered} row @param {string} kind */
const nameOf = (row, kind) =>
  String(kind === "well" ? (row.well_name ?? row.well_code) : (row.field_name ?? row.field_code));

/** @param {Page} page @param {string} kind @param {string[]} id @returns {Promise<Entity>} */
async function entityOf(page, kind, [source, field, code]) {
  const query = { field_code: field, ...(source && { source }) };
  if (kind === "well") {
    const rows = await askAll("wells/production", { ...query, well_code: code }, page);
    if (!rows.length) throw new Error("nothing is published of it");
    return { name: String(rows[rows.length - 1].well_name ?? code), rows };
  }
  const rows = await askAll("wells/production/totals", query, page);
  if (!rows.length) throw new Error("nothing is published of it");
  const { data } = await ask(`wells?${new URLSearchParams({ ...query, limit: "1" })}`, page);
  return { name: String(data.rows[0]?.field_name ?? field), rows };
}
