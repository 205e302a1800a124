// The wells, found by name, reference or code.

import { write } from "./address.js";
import { ask, isGone } from "./api.js";
import { button, count, framed, h, period, say, table, whole } from "./dom.js";

const WELLS = 50;
const TYPING = 250; // ms of rest before a search

/** @type {Column<Api.Well>[]} */
const COLUMNS = [
  {
    title: "Well",
    class: "name",
    cell: (well) =>
      link(place("wells", well.source, well.field_code, well.well_code), well.well_name ?? well.well_code),
  },
  {
    title: "Field",
    class: "name",
    cell: (well) => link(place("fields", well.source, well.field_code), well.field_name ?? well.field_code),
  },
  { title: "Reference", cell: (well) => h("bdi", {}, well.well_reference ?? "") },
  { title: "Code", cell: (well) => h("bdi", {}, String(well.well_code)) },
  { title: "First period", class: "number", cell: (well) => period(well.first_period) },
  { title: "Last period", class: "number", cell: (well) => period(well.last_period) },
  { title: "Periods", class: "number", cell: (well) => whole(well.periods) },
];

/** @type {Column<Api.Well>} */
const SOURCE = { title: "Source", cell: (well) => well.source };

// The address of a well or a field, whatever signs the source writes into its codes.
/** @param {string} kind @param {string | null | undefined} source @param {...(string | number)} codes */
export function place(kind, source, ...codes) {
  const path = codes.map((code) => encodeURIComponent(code)).join("/");
  return `#/${kind}/${path}${source ? `?${new URLSearchParams({ source })}` : ""}`;
}

// A choice among the sources that tell of something, when there are several: `address(source)` shows that of one.
/** @param {string[]} sources @param {string | null} chosen @param {(source: string) => string} address @param {string | null} [all] */
export function sourceChoice(sources, chosen, address, all = null) {
  if (sources.length < 2) return null;
  /** @type {HTMLSelectElement} */
  const select = h(
    "select",
    { id: "source", onchange: () => (location.hash = address(select.value)) },
    all ? h("option", { value: "" }, all) : null,
    sources.map((name) => h("option", { value: name, selected: name === chosen }, name)),
  );
  return h("p", { class: "filter" }, h("label", { for: "source" }, "Source"), select);
}

// The search and its list; of one field when `field` is its code.
/** @param {Page} page @param {{field?: string | null, source?: string | null}} [options] */
export function wells(page, { field = null, source = null } = {}) {
  const found = h("div", { class: "found" });
  const input = h("input", {
    id: "search",
    type: "search",
    value: page.query.get("search") ?? "",
    maxlength: "100",
    placeholder: "Name, reference or code",
    autocomplete: "off",
  });
  let asking = new AbortController();
  /** @type {number | undefined} */
  let timer = 0;

  async function search() {
    clearTimeout(timer);
    asking.abort();
    asking = new AbortController();
    const signal = AbortSignal.any([page.signal, asking.signal]);
    const text = input.value.trim();
    if (!page.signal.aborted) write({ search: text }, { step: false });
    const more = (/** @type {string | null} */ cursor) =>
      askWells({ search: text, field_code: field, source, cursor }, signal);
    found.setAttribute("aria-busy", "true"); // it shows what was searched before, until the answer is here
    try {
      const list = wellList(await more(null), more, search);
      if (!signal.aborted) found.replaceChildren(...list);
    } catch (error) {
      if (!signal.aborted) found.replaceChildren(h("p", { class: "notice bad", role: "alert" }, error.message));
    }
    if (!signal.aborted) found.removeAttribute("aria-busy");
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, TYPING);
  });
  const form = h(
    "form",
    { class: "filter", role: "search", onsubmit: (event) => (event.preventDefault(), search()) },
    h("label", { for: "search" }, "Find a well"),
    input,
  );
  search();
  return h("section", { class: "panel", "aria-labelledby": "wells" }, headline(field, source), form, found);
}

/** @param {string | null} field @param {string | null} source */
function headline(field, source) {
  const all = new URLSearchParams({ ...(field && { field }), ...(source && { source }) });
  return h(
    "div",
    { class: "headline" },
    h("h2", { id: "wells" }, "Wells"),
    h("a", { href: `#/wells${all.size ? `?${all}` : ""}` }, "With their figures, to sort and search"),
  );
}

/** @param {string} href @param {string | number} text */
const link = (href, text) => h("a", { href }, h("bdi", {}, String(text)));

/** @param {Record<string, string | null>} wanted @param {AbortSignal} signal */
async function askWells(wanted, signal) {
  const query = new URLSearchParams({ limit: String(WELLS) });
  for (const [name, value] of Object.entries(wanted)) if (value) query.set(name, value);
  return (await ask(`wells?${query}`, { signal })).data;
}

// The source stands there when there are several.
/** @param {Api.Well[]} rows */
const columnsOf = (rows) => (new Set(rows.map(({ source }) => source)).size > 1 ? [...COLUMNS, SOURCE] : COLUMNS);

// `again` reads the list from its beginning on.
/** @param {Api.WellPage} first @param {(cursor: string | null) => Promise<Api.WellPage>} askMore @param {() => void} again */
function wellList(first, askMore, again) {
  if (!first.rows.length) {
    say("No well found.");
    return [h("p", { class: "muted" }, "No well has this in its name, reference or code.")];
  }
  const rows = [...first.rows];
  let cursor = first.next_cursor;
  const list = h("div", {});
  const told = h("span", { class: "muted", role: "status" });
  const more = button("Show more", async () => {
    try {
      const page = await askMore(cursor);
      rows.push(...page.rows);
      cursor = page.next_cursor;
      show();
    } catch (error) {
      if (isGone(error)) again();
      else told.textContent = error.message;
    }
  });
  function show() {
    list.replaceChildren(
      framed("Wells, a table that scrolls", table("Wells by field and code", columnsOf(rows), rows)),
    );
    more.hidden = !cursor;
    told.textContent = cursor ? `The first ${count(rows.length, "well")}.` : `${count(rows.length, "well")}.`;
  }
  show();
  return [list, h("div", { class: "actions" }, told, more)];
}
