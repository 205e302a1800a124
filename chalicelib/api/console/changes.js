// What a completed import changed: of each field how many rows and their volumes, and the rows themselves.

import { read, watch, write } from "./address.js";
import { allCsv, ask } from "./api.js";
import {
  button,
  count,
  evenly,
  framed,
  h,
  loading,
  measured,
  NONE,
  saveCsv,
  stackedTable,
  table,
  whole,
} from "./dom.js";
import { chosenUnits } from "./profile.js";
import { inUnits } from "./units.js";
import { PRODUCTS } from "./words.js";

const ROWS = 200;
/** @type {Record<string, string>} */
const KINDS = { updated: "Updated rows", new: "New rows", withdrawn: "Withdrawn rows" };
// Liquids are oil and condensate, so their volumes would be told twice.
const SUMMED = PRODUCTS.filter(({ key }) => key !== "liquids");

/** @param {Units} units @param {Row[]} rows @returns {Column<Row>[]} */
const fieldColumns = (units, rows) => [
  { title: "Field", class: "name", cell: (row) => h("bdi", {}, row.field_name ?? row.field_code) },
  { title: "New", class: "number", cell: (row) => whole(row.new_records) },
  { title: "Updated", class: "number", cell: (row) => whole(row.updated_records) },
  { title: "Withdrawn", class: "number", cell: (row) => whole(row.withdrawn_records) },
  ...SUMMED.flatMap(({ volume: name, title }) => {
    const { sign } = inUnits(name, null, units);
    const value = (/** @type {Row} */ row, /** @type {string} */ side) =>
      inUnits(name, row[`${name}_${side}`], units).value;
    const text = evenly(
      rows.flatMap((row) => [value(row, "before"), value(row, "after")]),
      { significant: 6 },
    );
    return ["before", "after"].map((side) => ({
      title: `${title} ${side}, ${sign}`,
      class: "number",
      cell: (/** @type {Row} */ row) => text(value(row, side)),
    }));
  }),
];
/** @param {Units} units @returns {Column<any>[]} */
const rowColumns = (units) => [
  { title: "Field", class: "name", cell: (row) => h("bdi", {}, row.field_name ?? row.field_code) },
  { title: "Well", class: "name", cell: (row) => h("bdi", {}, row.well_name ?? row.well_code) },
  { title: "Period", cell: (row) => row.production_period },
  { title: "Values", class: "text", cell: (row) => values(row, units) },
];
/** @param {string} name @param {any} value @param {Units} units */
const told = (name, value, units) => measured(inUnits(name, value, units).value);

// null for an import that changed nothing, or has not completed.
/** @param {Api.Job} job @param {Page} page */
export function changes(job, { signal }) {
  /** @type {Record<string, number>} */
  const counts = { updated: job.updated_records, new: job.new_records, withdrawn: job.withdrawn_records ?? 0 };
  const kinds = Object.keys(KINDS).filter((kind) => counts[kind]);
  if (job.status !== "COMPLETED" || !kinds.length) return null;
  const path = `wells/import/jobs/${job.job_id}/changes`;
  const choice = kindChoice(kinds, counts);
  /** @returns {Record<string, string>} */
  const asksFor = () => (choice.value === "fields" ? { by: "field" } : { change: choice.value });
  const list = changeList(path, choice, { asksFor, signal });
  const follow = () => {
    const wanted = read().query.get("changes") ?? "";
    choice.value = kinds.includes(wanted) ? wanted : "fields";
    list.begin();
  };
  watch(["changes"], follow, signal);
  follow();
  const all = kinds.reduce((sum, kind) => sum + counts[kind], 0);
  return h(
    "section",
    { class: "panel", "aria-labelledby": "changes" },
    h(
      "div",
      { class: "headline" },
      h("h2", { id: "changes" }, "What it changed"),
      h("span", { class: "muted" }, count(all, "row")),
      choice,
      downloadButton(`changes-${job.job_id}`, path, { asksFor, signal, tell: list.tell }),
    ),
    list.problem,
    list.shown,
    list.more,
  );
}

/** @param {string[]} kinds @param {Record<string, number>} counts */
function kindChoice(kinds, counts) {
  /** @type {HTMLSelectElement} */
  const choice = h(
    "select",
    {
      onchange: () => write({ changes: choice.value === "fields" ? null : choice.value }),
      "aria-label": "Which changes",
    },
    h("option", { value: "fields" }, "By field"),
    kinds.map((kind) => h("option", { value: kind }, `${KINDS[kind]} (${whole(counts[kind])})`)),
  );
  return choice;
}

// {shown, problem, more, begin(), tell(error)}: `begin` asks for what is chosen from its first row on.
/** @param {string} path @param {HTMLSelectElement} choice @param {{asksFor: () => Record<string, string>, signal: AbortSignal}} options */
function changeList(path, choice, { asksFor, signal }) {
  const shown = h("div", {}, loading());
  const problem = h("div", {});
  const more = button("Load more", load, { class: "more", hidden: true });
  /** @type {any[]} */
  let rows = [];
  /** @type {string | null} */
  let cursor = null;
  let asked = 0; // an answer to what nobody wants to see any more is dropped

  const tell = (/** @type {any} */ error) =>
    signal.aborted || problem.replaceChildren(h("p", { class: "notice bad", role: "alert" }, error.message));

  async function load() {
    const turn = ++asked;
    more.disabled = true;
    try {
      const query = new URLSearchParams({ ...asksFor(), limit: String(ROWS), ...(cursor && { cursor }) });
      const { data } = await ask(`${path}?${query}`, { signal });
      if (turn !== asked) return;
      rows.push(...data.rows);
      cursor = data.next_cursor;
      problem.replaceChildren();
      shown.replaceChildren(changeTable(choice, rows));
    } catch (error) {
      if (turn !== asked) return;
      shown.querySelector(".loading")?.remove();
      tell(error);
    }
    more.disabled = false;
    more.hidden = !cursor;
  }

  function begin() {
    rows = [];
    cursor = null;
    more.hidden = true;
    problem.replaceChildren();
    shown.replaceChildren(loading()); // rows of another choice would be taken for those of this one
    load();
  }
  return { shown, problem, more, begin, tell };
}

/** @param {HTMLSelectElement} choice @param {any[]} rows */
function changeTable(choice, rows) {
  const title = choice.selectedOptions[0].textContent;
  const units = chosenUnits(read().query);
  const shown =
    choice.value === "fields"
      ? table(title, fieldColumns(units, rows), rows)
      : stackedTable(title, rowColumns(units), rows);
  return framed(`${title}, a table that scrolls`, shown);
}

/** @param {string} name @param {string} path @param {{asksFor: () => Record<string, string>, signal: AbortSignal, tell: Refused}} options */
function downloadButton(name, path, { asksFor, signal, tell }) {
  const fetchAll = button("Download as CSV", async () => {
    fetchAll.disabled = true;
    try {
      saveCsv(name, ...(await allCsv(path, asksFor(), signal)));
    } catch (error) {
      tell(error);
    }
    fetchAll.disabled = false;
  });
  return fetchAll;
}

// Of an updated row what differs, of another one its rates.
/** @param {Api.Change} change @param {Units} units */
function values({ change, before, after, differs }, units) {
  if (change === "updated") {
    const [old, now] = /** @type {any[]} */ ([before, after]);
    return (differs ?? []).map((name) => value(name, changed(name, [old[name], now[name]], units), units));
  }
  const row = /** @type {any} */ (after ?? before);
  const rates = PRODUCTS.map(({ rate }) => rate).filter((name) => row[name] !== null);
  return rates.length ? rates.map((name) => value(name, told(name, row[name], units), units)) : NONE;
}

// Both with the same decimals.
/** @param {string} name @param {any[]} sides @param {Units} units */
function changed(name, sides, units) {
  const values = sides.map((each) => inUnits(name, each, units).value);
  const isNumber = values.some((each) => typeof each === "number");
  return values.map(isNumber ? evenly(values, { significant: 6 }) : measured).join(" → ");
}

/** @param {string} name @param {string} text @param {Units} units */
function value(name, text, units) {
  const { sign } = inUnits(name, null, units);
  return h("div", {}, h("code", {}, name), " ", h("bdi", {}, text), sign ? ` ${sign}` : "");
}
