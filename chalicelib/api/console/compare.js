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
  const found = h("div", { class: "found-names" });
  const input = h("input", { type: "search", maxlength: "100", autocomplete: "off", placeholder: `Another ${kind}` });
  let timer = 0;
  let asked = 0;

  const wanted = () =>
    (read().query.get("with") ?? "")
      .split(",")
      .filter(Boolean)
      .slice(0, MOST - 1);
  const choose = (/** @type {string[]} */ list) => write({ with: list.join(",") });

  /** @param {string} text */
  function load(text) {
    known.set(text, null);
    entityOf(page, kind, idOf(text)).then(
      (entity) => (known.set(text, entity), came()),
      (error) => page.signal.aborted || (known.set(text, { error }), came()),
    );
  }

  async function search() {
    const turn = ++asked;
    const text = input.value.trim();
    if (!text) return found.replaceChildren();
    try {
      const query = new URLSearchParams({ of: `${kind}s`, q: text, limit: "50" });
      const { data } = await ask(`wells/register?${query}`, { signal: page.signal });
      if (turn !== asked) return;
      const taken = new Set([textOf(id), ...wanted()]);
      const names = new Map(data.rows.map((row) => [textOf(idOfRow(row, kind)), nameOf(row, kind)]));
      const free = [...names].filter(([key]) => !taken.has(key)).slice(0, FOUND);
      say(`${count(free.length, kind)} found.`);
      found.replaceChildren(
        ...(free.length
          ? free.map(([key, name]) => add(key, name))
          : [h("span", { class: "muted" }, `No other ${kind} found.`)]),
      );
    } catch (error) {
      if (turn === asked && !page.signal.aborted) {
        found.replaceChildren(h("span", { class: "notice bad" }, error.message));
      }
    }
  }

  /** @param {string} key @param {string} name */
  const add = (key, name) =>
    button(
      h("bdi", {}, name),
      () => {
        input.value = "";
        found.replaceChildren();
        choose([...wanted(), key]);
        input.focus();
      },
      { class: "quiet", "aria-label": `Compare with ${name}` },
    );

  function entities() {
    const list = wanted();
    list.filter((text) => !known.has(text)).forEach(load);
    chips.replaceChildren(...list.map((text) => chip(text, known.get(text))));
    form.hidden = list.length >= MOST - 1;
    return list.map((text) => known.get(text)).filter((entity) => isThere(entity));
  }

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

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, TYPING);
  });
  const send = (/** @type {SubmitEvent} */ event) => (event.preventDefault(), clearTimeout(timer), search());
  const form = h("form", { class: "compare", onsubmit: send }, h("label", {}, "Compare with ", input), found);
  const note = () => (wanted().length ? `The table has the figures of this ${kind}, the CSV those of all.` : "");
  return { element: h("div", { class: "comparison" }, form, chips), entities, note };
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
