// All wells, or all fields, as a table to work in: searched, sorted, narrowed by source and field, read by keyboard. What it
// shows stands in the address: q, sort, order, field, source, page.

import { read, write } from "./address.js";
import { ask } from "./api.js";
import { unitChoice } from "./controls.js";
import { button, count, DIGITS, framed, h, NONE, period, say, whole } from "./dom.js";
import { chosenUnits } from "./profile.js";
import { inUnits, ratioUnit, textOf } from "./units.js";
import { place } from "./wells.js";

const ROWS = 50;
const TYPING = 200; // ms of rest before a search
/** @type {(keyof Chosen)[]} */
const KEPT = ["q", "sort", "order", "field", "source", "units"]; // from list to list
const DEFAULT_SORT = "oil_production_kbd";
const TEXTS = ["well_name", "well_reference", "field_name", "source"];

/** @type {Listed[]} */
const LISTS = ["wells", "fields"];

/** @param {number} digits @param {Intl.NumberFormatOptions["style"]} [style] */
const decimals = (digits, style = "decimal") =>
  new Intl.NumberFormat(undefined, {
    ...DIGITS,
    style,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
const SHARE = decimals(1, "percent");
const MOST_DIGITS = 3;

// As many decimals as tell a thousandth of the stored unit: fewer where the unit is smaller.
/** @param {number} factor @param {number} most */
const digitsOf = (factor, most) => Math.max(0, most - Math.round(Math.log10(factor)));

/** @param {keyof Api.Registered} name @param {string} title @param {string} of @returns {(units: Units) => Figure} */
function rateOrVolume(name, title, of) {
  const most = name.endsWith("d") ? MOST_DIGITS : 1;
  return (units) => {
    const { value, sign } = inUnits(name, 1, units);
    const factor = Number(value);
    return { name, title, sign, unit: `${sign}, ${of}`, factor, format: decimals(digitsOf(factor, most)) };
  };
}

/** @param {Units} units @returns {Figure} */
function gasOilRatio(units) {
  const { sign, factor } = ratioUnit(units);
  const inFeet = factor / 1000; // stored as cubic feet by barrel
  const format = decimals(inFeet < 1 ? 1 : 0);
  return { name: "gas_oil_ratio", title: "GOR", sign, unit: `${sign}, in the last period`, factor: inFeet, format };
}

/** @param {keyof Api.Registered} name @param {string} title @param {string} unit @returns {() => Figure} */
const share = (name, title, unit) => () => ({ name, title, sign: "", unit, format: SHARE, factor: 1 });
const LAST_PERIOD = "in the last period";
const ALL_PERIODS = "of all periods";
const FIGURES = [
  rateOrVolume("oil_production_kbd", "Oil rate", LAST_PERIOD),
  rateOrVolume("gas_production_mmcfd", "Gas rate", LAST_PERIOD),
  rateOrVolume("water_production_kbd", "Water rate", LAST_PERIOD),
  share("water_cut", "Water cut", "water of water and liquids, in the last period"),
  gasOilRatio,
  share("uptime", "Uptime", "days on production of the days of the last period"),
  rateOrVolume("oil_production_kb", "Cum. oil", ALL_PERIODS),
  rateOrVolume("gas_production_mmcf", "Cum. gas", ALL_PERIODS),
  rateOrVolume("water_production_kb", "Cum. water", ALL_PERIODS),
];
/** @type {Words} */
const LAST = { name: "last_period", title: "Last period", cell: (row) => period(row.last_period) };
/** @type {Words} */
const SOURCE = { name: "source", title: "Source", cell: (row) => row.source };
/** @type {Words} */
const FIELD = {
  name: "field_name",
  title: "Field",
  cell: (row) => row.field_name ?? row.field_code,
  address: (row) => place("fields", row.source, row.field_code),
};

/** @type {Record<Listed, ListColumn[]>} */
const NAMED = {
  wells: [
    {
      name: "well_name",
      title: "Well",
      cell: (row) => row.well_name ?? row.well_code ?? "",
      address: (row) => place("wells", row.source, row.field_code, row.well_code ?? ""),
    },
    FIELD,
    { name: "well_reference", title: "Reference", cell: (row) => row.well_reference ?? "" },
  ],
  fields: [FIELD, { name: "wells", title: "Wells", format: decimals(0), factor: 1 }],
};
/** @param {Listed} of @param {Units} units */
const columnsOf = (of, units) => [...NAMED[of], ...FIGURES.map((figure) => figure(units)), LAST, SOURCE];

export const wellRegister = (/** @type {Page} */ page) => register(page, "wells");
export const fieldRegister = (/** @type {Page} */ page) => register(page, "fields");

/** @param {Page} page @param {Listed} of */
function register(page, of) {
  page.retitle(of === "wells" ? "Wells" : "Fields");
  const chosen = chosenOf(page.query);
  let units = chosenUnits(page.query);
  let columns = columnsOf(of, units);
  if (!columns.some(({ name }) => name === chosen.sort)) chosen.sort = chosen.order = "";
  let hasMore = false;
  let asking = new AbortController();
  /** @type {number | undefined} */
  let timer;

  const input = h("input", {
    id: "q",
    type: "search",
    value: chosen.q,
    maxlength: "100",
    placeholder: "Names, reference, codes, in any order",
    autocomplete: "off",
    "aria-keyshortcuts": "Control+K",
  });
  const lists = h("nav", { class: "spans", "aria-label": "Lists" });
  const facets = h("span", { class: "filter" });
  const told = h("span", { class: "muted", role: "status" }, "Loading …");
  const body = h("tbody", {});
  let heads = columns.map(head);
  const headRow = h("tr", {}, heads);
  const table = h(
    "table",
    { class: "register" },
    h("caption", { class: "unseen" }, of === "wells" ? "Wells with their figures" : "Fields with their figures"),
    h("thead", {}, headRow),
    body,
  );
  const frame = framed("The table, which scrolls", table);
  const before = button("← Before", () => turn(-1), { class: "quiet" });
  const after = button("Next →", () => turn(1), { class: "quiet" });

  // What is asked anew begins at its first row. A search replaces the address while it is typed; a choice is a step of its own.
  /** @param {Partial<Chosen>} changes @param {{isTyped?: boolean}} [options] */
  function choose(changes, { isTyped = false } = {}) {
    Object.assign(chosen, { page: "" }, changes);
    write(chosen, { step: !isTyped });
    return load();
  }

  async function load() {
    clearTimeout(timer);
    asking.abort();
    asking = new AbortController();
    const signal = AbortSignal.any([page.signal, asking.signal]);
    frame.setAttribute("aria-busy", "true");
    try {
      const { data } = await ask(`wells/register?${question(of, chosen)}`, { signal });
      if (!signal.aborted) show(data);
      return !signal.aborted;
    } catch (error) {
      if (signal.aborted) return false;
      if (error.code === "NO_DATA_YET") told.replaceChildren(nothingYet());
      else told.replaceChildren(h("span", { class: "fault", role: "alert" }, error.message));
      body.replaceChildren();
      before.hidden = after.hidden = true;
      return false;
    } finally {
      if (!signal.aborted) frame.removeAttribute("aria-busy");
    }
  }

  /** @param {Api.RegisterPage} data */
  function show(data) {
    hasMore = data.next_cursor !== null;
    body.replaceChildren(...data.rows.map((row, index) => line(row, index)));
    heads.forEach((each, index) => each.setAttribute("aria-sort", sortOf(columns[index], chosen)));
    frame.scrollTop = 0;
    const [found, total] = [data.found[of], data.total[of]];
    const first = skipped(chosen) + 1;
    const shown = found > data.rows.length ? `${whole(first)}–${whole(first + data.rows.length - 1)}: ` : "";
    const name = of.slice(0, -1);
    told.textContent = data.rows.length
      ? `${shown}${whole(found)} of ${count(total, name)}`
      : found
        ? `There is no page ${whole(pageOf(chosen))} of ${count(found, name)}.`
        : `No ${name} has all of this. 0 of ${count(total, name)}`;
    say(told.textContent);
    before.hidden = pageOf(chosen) === 1;
    after.hidden = !hasMore;
    lists.replaceChildren(...LISTS.map((each) => listLink(each, data.found[each])));
    showFacets(data);
  }

  /** @param {Listed} each @param {number} found */
  const listLink = (each, found) =>
    h(
      "a",
      { href: addressOf(each, chosen), class: "button quiet", "aria-current": each === of ? "page" : null },
      `${each === "wells" ? "Wells" : "Fields"} ${whole(found)}`,
    );

  // The number beside each tells what choosing it would find.
  /** @param {Api.RegisterPage} data */
  function showFacets(data) {
    const focused = document.activeElement?.id;
    const sources = data.sources.map(({ source, rows }) => [source, `${source} (${whole(rows)})`]);
    const fields = data.fields.map((each) => [
      each.field_code,
      `${each.field_name ?? each.field_code}${data.sources.length > 1 ? `, ${each.source}` : ""} (${whole(each.rows)})`,
      each.source,
    ]);
    const isShown = data.sources.length > 1 || chosen.source;
    facets.replaceChildren(
      ...(isShown ? facet("source", "Source", "All sources", sources) : []),
      ...(of === "wells" || chosen.field ? facet("field", "Field", "All fields", fields) : []),
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

  /** @param {ListColumn} column */
  function head(column) {
    const sort = () => choose({ sort: column.name, order: turned(column, chosen) });
    const title = column.unit ? `${column.title}: ${column.unit}` : column.title;
    const text = [h("span", {}, column.title), column.sign && h("small", {}, column.sign)];
    const press = button(text, sort, { title, "aria-label": column.sign ? `${column.title}, ${column.sign}` : null });
    return h("th", { scope: "col", class: column.format ? "number" : null }, press);
  }

  /** @param {Api.Registered} row @param {number} index */
  function line(row, index) {
    return h(
      "tr",
      {},
      columns.map((column, place) => cell(column, row, index === 0 && place === 0)),
    );
  }

  /** @param {number} step @param {number} [end] */
  async function turn(step, end = step < 0 ? -1 : 0) {
    const number = pageOf(chosen) + step;
    if (step < 0 ? number < 1 : !hasMore) return;
    if (await choose({ page: number > 1 ? String(number) : "" })) goTo(body.rows[end < 0 ? body.rows.length - 1 : end]);
  }

  // One link of the table is a stop of the tabulator, the others are reached by the arrows.
  /** @param {Element | null} [row] */
  function goTo(row) {
    const link = row?.querySelector("a");
    if (!link) return;
    for (const each of body.querySelectorAll("a[tabindex='0']")) each.setAttribute("tabindex", "-1");
    link.setAttribute("tabindex", "0");
    link.focus();
  }

  /** @param {KeyboardEvent} event */
  function move(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const row = /** @type {Element} */ (event.target).closest("tr");
    if (!row) return;
    /** @type {Record<string, () => unknown>} */
    const steps = {
      ArrowDown: () => (row.nextElementSibling ? goTo(row.nextElementSibling) : turn(1)),
      ArrowUp: () => (row.previousElementSibling ? goTo(row.previousElementSibling) : turn(-1)),
      PageDown: () => turn(1),
      PageUp: () => turn(-1, 0),
      Home: () => goTo(body.rows[0]),
      End: () => goTo(body.rows[body.rows.length - 1]),
    };
    if (!steps[event.key]) return;
    event.preventDefault();
    steps[event.key]();
  }

  const unitSelects = unitChoice((changes) => {
    chosen.units = changes.units;
    write(changes);
    units = chosenUnits(read().query);
    columns = columnsOf(of, units);
    heads = columns.map(head);
    headRow.replaceChildren(...heads);
    load();
  });
  unitSelects.show(units);
  if (!chosen.units) {
    chosen.units = textOf(units); // whoever opens the address sees the units of whoever sent it
    write({ units: chosen.units }, { step: false });
  }
  page.signal.addEventListener("abort", () => clearTimeout(timer));
  body.addEventListener("keydown", move);
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, TYPING);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    goTo(body.rows[0]);
  });
  const search = () => choose({ q: input.value.trim() }, { isTyped: true });
  page.root.append(
    h("h1", { tabindex: "-1" }, "Wells and fields"),
    h(
      "section",
      { class: "panel", "aria-label": "Wells and fields" },
      h(
        "form",
        { class: "filter", role: "search", onsubmit: (event) => (event.preventDefault(), search()) },
        h("label", { for: "q" }, "Search"),
        input,
        h("kbd", {}, "Ctrl K"),
        lists,
      ),
      h("div", { class: "filter" }, facets, unitSelects.element),
      frame,
      h("div", { class: "actions" }, told, before, after),
    ),
  );
  load();
}

/** @param {string[][]} choices @param {string} value */
const isShared = (choices, value) => choices.filter(([each]) => each === value).length > 1;

/** @param {ListColumn} column @param {Api.Registered} row @param {boolean} isStop */
function cell(column, row, isStop) {
  if (column.format) {
    const value = /** @type {number | null | undefined} */ (row[column.name]);
    return h("td", { class: "number", title: exact(value, column) }, shown(value, column));
  }
  const text = column.cell(row);
  const words = h("bdi", {}, text);
  const link = column.address && h("a", { href: column.address(row), tabindex: isStop ? "0" : "-1" }, words);
  return h("td", { class: TEXTS.includes(column.name) ? "cut" : null, title: text || null }, link ?? words);
}

/** @param {number | null | undefined} value @param {Figure} figure */
const shown = (value, { format, factor }) =>
  value === null || value === undefined ? NONE : format.format(value * factor);
/** @param {number | null | undefined} value @param {Figure} figure */
const exact = (value, { factor }) => (value === null || value === undefined ? null : String(value * factor));

/** @param {ListColumn} column @param {Chosen} chosen */
function sortOf(column, { sort, order }) {
  if (column.name !== (sort || DEFAULT_SORT)) return "none";
  return (order || orderOf(column)) === "asc" ? "ascending" : "descending";
}

/** @param {ListColumn} column */
const orderOf = (column) => (TEXTS.includes(column.name) ? "asc" : "desc");

// A first press sorts as one wants it of such a column, the next one the other way.
/** @param {ListColumn} column @param {Chosen} chosen */
function turned(column, chosen) {
  const now = sortOf(column, chosen);
  return now === "none" ? "" : now === "ascending" ? "desc" : "asc";
}

/** @param {Listed} of @param {Chosen} chosen */
function addressOf(of, chosen) {
  const known = columnsOf(of, chosenUnits()).some(({ name }) => name === chosen.sort);
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

const nothingYet = () => h("span", {}, "Nothing is published yet. ", h("a", { href: "#/imports" }, "Start an import"));
