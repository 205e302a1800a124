// All wells, or all fields, as a table to work in: searched, sorted, narrowed by source and field, read by keyboard. What it
// shows stands in the address: q, sort, order, field, source, page.

import { read, write } from "./address.js";
import { ask } from "./api.js";
import { cell, columnsOf, head, sortOf } from "./columns.js";
import { unitChoice } from "./controls.js";
import { button, count, framed, h, say, whole } from "./dom.js";
import { chosenUnits } from "./profile.js";
import { textOf } from "./units.js";

const ROWS = 50;
const TYPING = 200; // ms of rest before a search
/** @type {(keyof Chosen)[]} */
const KEPT = ["q", "sort", "order", "field", "source", "units"]; // from list to list

/** @type {Listed[]} */
const LISTS = ["wells", "fields"];

export const wellRegister = (/** @type {Page} */ page) => register(page, "wells");
export const fieldRegister = (/** @type {Page} */ page) => register(page, "fields");

/** @param {Page} page @param {Listed} of */
function register(page, of) {
  page.retitle(of === "wells" ? "Wells" : "Fields");
  const chosen = chosenOf(page.query);
  if (!isColumn(of, chosen.sort)) chosen.sort = chosen.order = "";
  const list = listing(of, chosen, { units: chosenUnits(page.query), choose, turn });
  const search = searchForm(chosen.q, {
    lists: list.links,
    signal: page.signal,
    search: (q) => choose({ q }, { isTyped: true }),
    enter: () => goTo(list.body, list.body.rows[0]),
  });
  const look = loader(of, chosen, { list, signal: page.signal });

  // What is asked anew begins at its first row. A search replaces the address while it is typed; a choice is a step of its own.
  /** @type {Choose} */
  function choose(changes, { isTyped = false } = {}) {
    Object.assign(chosen, { page: "" }, changes);
    write(chosen, { step: !isTyped });
    return load();
  }

  function load() {
    search.stop();
    return look();
  }

  /** @param {number} step @param {number} [end] @returns {Promise<void>} */
  async function turn(step, end = step < 0 ? -1 : 0) {
    const number = pageOf(chosen) + step;
    if (step < 0 ? number < 1 : !list.hasMore()) return;
    const isShown = await choose({ page: number > 1 ? String(number) : "" });
    if (isShown) goTo(list.body, list.body.rows[end < 0 ? list.body.rows.length - 1 : end]);
  }

  const units = unitSelects(chosen, chosenUnits(page.query), list.measure);
  page.root.append(h("h1", { tabindex: "-1" }, "Wells and fields"), panel(search.element, units, list));
  load();
}

/** @param {HTMLElement} search @param {HTMLElement[]} units @param {ReturnType<typeof listing>} list */
const panel = (search, units, { facets, frame, foot }) =>
  h(
    "section",
    { class: "panel", "aria-label": "Wells and fields" },
    search,
    h("div", { class: "filter" }, facets, units),
    frame,
    foot,
  );

// Asks for what is chosen and shows it. An answer to what was chosen before is dropped: then it resolves to false.
/** @param {Listed} of @param {Chosen} chosen @param {{list: ReturnType<typeof listing>, signal: AbortSignal}} options */
function loader(of, chosen, { list, signal: ofPage }) {
  let asking = new AbortController();
  return async () => {
    asking.abort();
    asking = new AbortController();
    const signal = AbortSignal.any([ofPage, asking.signal]);
    list.frame.setAttribute("aria-busy", "true");
    try {
      const { data } = await ask(`wells/register?${question(of, chosen)}`, { signal });
      if (!signal.aborted) list.show(data);
      return !signal.aborted;
    } catch (error) {
      if (!signal.aborted) list.fail(error);
      return false;
    } finally {
      if (!signal.aborted) list.frame.removeAttribute("aria-busy");
    }
  };
}

// The selects of the units; `measure(units)` is called when others are chosen.
/** @param {Chosen} chosen @param {Units} first @param {(units: Units) => void} measure */
function unitSelects(chosen, first, measure) {
  const { element, show } = unitChoice((changes) => {
    chosen.units = changes.units;
    write(changes);
    measure(chosenUnits(read().query));
  });
  show(first);
  if (!chosen.units) {
    chosen.units = textOf(first); // whoever opens the address sees the units of whoever sent it
    write({ units: chosen.units }, { step: false });
  }
  return element;
}

// {element, stop()}: `search(q)` is called when nobody types any more, unless it is stopped; `enter()` leads to the rows.
/** @param {string} q @param {{lists: HTMLElement, signal: AbortSignal, search: (q: string) => unknown, enter: () => void}} options */
function searchForm(q, { lists, signal, search, enter }) {
  /** @type {number | undefined} */
  let timer;
  const input = h("input", {
    id: "q",
    type: "search",
    value: q,
    maxlength: "100",
    placeholder: "Names, reference, codes, in any order",
    autocomplete: "off",
    "aria-keyshortcuts": "Control+K",
  });
  const send = () => search(input.value.trim());
  const stop = () => clearTimeout(timer);
  signal.addEventListener("abort", stop);
  input.addEventListener("input", () => {
    stop();
    timer = setTimeout(send, TYPING);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    enter();
  });
  const element = h(
    "form",
    { class: "filter", role: "search", onsubmit: (event) => (event.preventDefault(), send()) },
    h("label", { for: "q" }, "Search"),
    input,
    h("kbd", {}, "Ctrl K"),
    lists,
  );
  return { element, stop };
}

// -- what was found --------------------------------------------------------------------------------------------------

// {frame, body, links, facets, foot, …}: the table and what stands around it. `show(data)` shows an answer, `fail(error)`
// why there is none; `measure(units)` writes titles and figures in other units.
/** @param {Listed} of @param {Chosen} chosen @param {{units: Units, choose: Choose, turn: TurnPage}} options */
function listing(of, chosen, { units, choose, turn }) {
  let hasMore = false;
  const { element, body, fill, measure: measureRows } = rowsTable(of, chosen, { units, choose });
  const frame = framed("The table, which scrolls", element);
  const links = listLinks(of, chosen);
  const facets = facetChoices(of, chosen, choose);
  const told = h("span", { class: "muted", role: "status" }, "Loading …");
  const before = button("← Before", () => turn(-1), { class: "quiet" });
  const after = button("Next →", () => turn(1), { class: "quiet" });
  const foot = h("div", { class: "actions" }, told, before, after);
  body.addEventListener("keydown", (event) => move(event, body, turn));

  /** @param {Api.RegisterPage} data */
  function show(data) {
    hasMore = data.next_cursor !== null;
    fill(data.rows);
    frame.scrollTop = 0;
    const text = foundText(data, of, chosen);
    told.textContent = text;
    say(text);
    before.hidden = pageOf(chosen) === 1;
    after.hidden = !hasMore;
    links.show(data.found);
    facets.show(data);
  }

  const measure = (/** @type {Units} */ others) => (measureRows(others), links.show());

  /** @param {any} error */
  function fail(error) {
    const fault = () => h("span", { class: "fault", role: "alert" }, error.message);
    told.replaceChildren(error.code === "NO_DATA_YET" ? nothingYet() : fault());
    fill([]);
    before.hidden = after.hidden = true;
  }
  const elements = { frame, body, foot, links: links.element, facets: facets.element };
  return { ...elements, show, fail, measure, hasMore: () => hasMore };
}

// {element, body, fill(rows), measure(units)}. It keeps its rows, so that other units are those of titles and figures
// at once: with the next answer, a title would name another unit than the figures below it until then.
/** @param {Listed} of @param {Chosen} chosen @param {{units: Units, choose: Choose}} options */
function rowsTable(of, chosen, { units, choose }) {
  /** @type {Api.Registered[]} */
  let rows = [];
  let columns = columnsOf(of, units);
  const heads = () => columns.map((column) => head(column, chosen, choose));
  const headRow = h("tr", {}, heads());
  const body = h("tbody", {});
  const title = of === "wells" ? "Wells with their figures" : "Fields with their figures";
  const caption = h("caption", { class: "unseen" }, title);
  const element = h("table", { class: "register" }, caption, h("thead", {}, headRow), body);

  /** @param {Api.Registered[]} others */
  function fill(others) {
    rows = others;
    body.replaceChildren(...rows.map((row, index) => line(row, columns, index === 0)));
    [...headRow.cells].forEach((each, index) => each.setAttribute("aria-sort", sortOf(columns[index], chosen)));
  }

  /** @param {Units} others */
  function measure(others) {
    columns = columnsOf(of, others);
    headRow.replaceChildren(...heads());
    fill(rows);
  }
  return { element, body, fill, measure };
}

/** @param {Api.Registered} row @param {ListColumn[]} columns @param {boolean} isFirst */
const line = (row, columns, isFirst) =>
  h(
    "tr",
    {},
    columns.map((column, place) => cell(column, row, isFirst && place === 0)),
  );

// "51–100: 1,240 of 3,012 wells", or why there is no row.
/** @param {Api.RegisterPage} data @param {Listed} of @param {Chosen} chosen */
function foundText(data, of, chosen) {
  const [found, total] = [data.found[of], data.total[of]];
  const name = of.slice(0, -1);
  if (!data.rows.length) {
    return found
      ? `There is no page ${whole(pageOf(chosen))} of ${count(found, name)}.`
      : `No ${name} has all of this. 0 of ${count(total, name)}`;
  }
  const first = skipped(chosen) + 1;
  const last = first + data.rows.length - 1;
  const range = found > data.rows.length ? `${whole(first)}–${whole(last)}: ` : "";
  return `${range}${whole(found)} of ${count(total, name)}`;
}

// {element, show(found)}: the links carry what is chosen to the other list. Without `found`, the counts are as before.
/** @param {Listed} of @param {Chosen} chosen */
function listLinks(of, chosen) {
  const element = h("nav", { class: "spans", "aria-label": "Lists" });
  /** @type {Api.RegisterPage["found"] | undefined} */
  let counts;

  /** @param {Api.RegisterPage["found"]} [found] */
  function show(found = counts) {
    counts = found;
    if (found) element.replaceChildren(...LISTS.map((each) => listLink(each, found[each], { of, chosen })));
  }
  return { element, show };
}

/** @param {Listed} each @param {number} found @param {{of: Listed, chosen: Chosen}} shown */
const listLink = (each, found, { of, chosen }) =>
  h(
    "a",
    { href: addressOf(each, chosen), class: "button quiet", "aria-current": each === of ? "page" : null },
    `${each === "wells" ? "Wells" : "Fields"} ${whole(found)}`,
  );

const nothingYet = () => h("span", {}, "Nothing is published yet. ", h("a", { href: "#/imports" }, "Start an import"));

// -- narrower, by source and field -----------------------------------------------------------------------------------

// {element, show(data)}. The number beside each tells what choosing it would find.
/** @param {Listed} of @param {Chosen} chosen @param {Choose} choose */
function facetChoices(of, chosen, choose) {
  const element = h("span", { class: "filter" });

  /** @param {Api.RegisterPage} data */
  function show(data) {
    const focused = document.activeElement?.id;
    const isBySource = data.sources.length > 1 || chosen.source;
    const isByField = of === "wells" || chosen.field;
    element.replaceChildren(
      ...(isBySource ? facet("source", "Source", "All sources", sourcesOf(data)) : []),
      ...(isByField ? facet("field", "Field", "All fields", fieldsOf(data)) : []),
    );
    if (focused?.startsWith("facet-")) document.getElementById(focused)?.focus();
  }

  /** @param {"source" | "field"} name @param {string} title @param {string} all @param {string[][]} choices */
  function facet(name, title, all, choices) {
    const is = (/** @type {string[]} */ [value, , source]) =>
      value === chosen[name] && (!source || !chosen.source || source === chosen.source);
    if (chosen[name] && !choices.some(is)) choices.unshift([chosen[name], chosen[name]]);
    /** @type {HTMLSelectElement} */
    const select = h(
      "select",
      {
        id: `facet-${name}`,
        onchange: () => {
          const [value, , source] = choices[select.selectedIndex - 1] ?? [""];
          choose({ [name]: value, ...(source && isShared(choices, value) && { source }) });
        },
      },
      h("option", { value: "" }, all),
      choices.map((each) => h("option", { selected: is(each) }, each[1])),
    );
    return [h("span", { class: "pair" }, h("label", { for: select.id }, title), select)];
  }
  return { element, show };
}

// [value, text] each.
/** @param {Api.RegisterPage} data */
const sourcesOf = (data) => data.sources.map(({ source, rows }) => [source, `${source} (${whole(rows)})`]);

// [value, text, source] each.
/** @param {Api.RegisterPage} data */
const fieldsOf = (data) =>
  data.fields.map((each) => [
    each.field_code,
    `${each.field_name ?? each.field_code}${data.sources.length > 1 ? `, ${each.source}` : ""} (${whole(each.rows)})`,
    each.source,
  ]);

/** @param {string[][]} choices @param {string} value */
const isShared = (choices, value) => choices.filter(([each]) => each === value).length > 1;

// -- by keyboard -----------------------------------------------------------------------------------------------------

// One link of the table is a stop of the tabulator, the others are reached by the arrows.
/** @param {HTMLElement} body @param {Element | null} [row] */
function goTo(body, row) {
  const link = row?.querySelector("a");
  if (!link) return;
  for (const each of body.querySelectorAll("a[tabindex='0']")) each.setAttribute("tabindex", "-1");
  link.setAttribute("tabindex", "0");
  link.focus();
}

/** @param {KeyboardEvent} event @param {HTMLTableSectionElement} body @param {TurnPage} turn */
function move(event, body, turn) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const row = /** @type {Element} */ (event.target).closest("tr");
  if (!row) return;
  const [next, previous] = [row.nextElementSibling, row.previousElementSibling];
  /** @type {Record<string, () => unknown>} */
  const steps = {
    ArrowDown: () => (next ? goTo(body, next) : turn(1)),
    ArrowUp: () => (previous ? goTo(body, previous) : turn(-1)),
    PageDown: () => turn(1),
    PageUp: () => turn(-1, 0),
    Home: () => goTo(body, body.rows[0]),
    End: () => goTo(body, body.rows[body.rows.length - 1]),
  };
  if (!steps[event.key]) return;
  event.preventDefault();
  steps[event.key]();
}

// -- the address -----------------------------------------------------------------------------------------------------

/** @param {Listed} of @param {string} name */
const isColumn = (of, name) => columnsOf(of, chosenUnits()).some((column) => column.name === name);

/** @param {Listed} of @param {Chosen} chosen */
function addressOf(of, chosen) {
  const known = isColumn(of, chosen.sort);
  const kept = KEPT.filter((name) => chosen[name] && (known || (name !== "sort" && name !== "order")));
  const query = new URLSearchParams(kept.map((name) => [name, chosen[name]]));
  return `#/${of}${query.size ? `?${query}` : ""}`;
}

/** @param {URLSearchParams} query @returns {Chosen} */
function chosenOf(query) {
  const named = [...KEPT, "page"].map((name) => [name, query.get(name) ?? ""]);
  return Object.fromEntries(named);
}

/** @param {Chosen} chosen */
const pageOf = ({ page }) => (/^[1-9]\d{0,6}$/.test(page) ? Number(page) : 1);
/** @param {Chosen} chosen */
const skipped = (chosen) => (pageOf(chosen) - 1) * ROWS;

/** @param {Listed} of @param {Chosen} chosen */
function question(of, chosen) {
  const { q, sort, order, field, source } = chosen;
  const asked = { of, q, sort, order, field_code: field, source, limit: ROWS, skip: skipped(chosen) };
  const given = Object.entries(asked).filter(([, value]) => value);
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
}
