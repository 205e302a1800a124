// The production of one well, and the sums of one field or of all: plot, table and CSV of the same rows.

import { ask, askAll } from "./api.js";
import { chart, MEASURES, RATES, VOLUMES } from "./chart.js";
import { button, count, csv, framed, h, rate, save, table, whole } from "./dom.js";
import { facts } from "./parts.js";
import { daysOf, kindOf, missing, nameOf } from "./periods.js";
import { place, sourceChoice, wells } from "./wells.js";

const SPANS = [
  ["All", null],
  ["10 years", 10],
  ["5 years", 5],
  ["1 year", 1],
];

export async function well(page) {
  const [field, code] = page.parameters;
  const title = heading(page, `Well ${code}`);
  const known = await sourcesOf(page, field, code);
  const source = page.query.get("source") ?? known[0];
  const query = { field_code: field, well_code: code, ...(source && { source }) };
  try {
    const rows = await askAll("wells/production", query, page);
    if (!rows.length) return title.after(h("p", {}, "Nothing is published of this well."));
    const revisions = await askAll("wells/production/revisions", query, page);
    const { well_name: name, field_name: fieldName, well_reference: reference } = rows.at(-1);
    named(page, title, name ?? `Well ${code}`);
    page.root.append(
      sourceChoice(known, source, (other) => place("wells", other, field, code)) ?? "",
      facts(
        ["Field", h("a", { href: place("fields", source, field) }, h("bdi", {}, fieldName ?? field))],
        ["Reference", reference && h("bdi", {}, reference)],
        ["Code", h("bdi", {}, code)],
        ["Source", rows.at(-1).source],
        ["Periods", `${count(rows.length, kindOf(rows[0]))}, ${nameOf(rows[0])} – ${nameOf(rows.at(-1))}`],
        ["Rows of the source", rows.some((row) => row.source_rows > 1) ? whole(sumOf(rows, "source_rows")) : null],
      ),
      panel(page, {
        title: "Production",
        rows,
        revisions,
        name: fileName("well", code),
        last: { title: "Days", name: "days_on_production" },
      }),
    );
  } catch (error) {
    page.fail(error);
  }
}

// Those that tell of a well of this code; the first stands for a well whose address names none.
async function sourcesOf(page, field, code) {
  try {
    const { data } = await ask(`wells?${new URLSearchParams({ field_code: field, search: code, limit: 100 })}`, page);
    const same = data.rows.filter((well) => String(well.well_code) === code && well.source);
    return [...new Set(same.map((well) => well.source))];
  } catch {
    return []; // the well is asked for by itself
  }
}

export async function field(page) {
  const [code] = page.parameters;
  const title = heading(page, `Field ${code}`);
  try {
    const all = Map.groupBy(await askAll("wells/production/totals", { field_code: code }, page), (row) => row.source);
    const source = page.query.get("source") ?? [...all.keys()].find(Boolean);
    const query = { field_code: code, ...(source && { source }) };
    const { data } = await ask(`wells?${new URLSearchParams({ ...query, limit: 1 })}`, page);
    if (!data.rows.length) return title.after(h("p", {}, "Nothing is published of this field."));
    named(page, title, data.rows[0].field_name ?? `Field ${code}`);
    const rows = all.get(source) ?? all.get(undefined) ?? [];
    page.root.append(
      sourceChoice([...all.keys()], source, (other) => place("fields", other, code)) ?? "",
      totalsPanel(page, { title: "All wells of the field", rows, name: fileName("field", code) }),
      wells(page, { field: code, source }),
    );
  } catch (error) {
    page.fail(error);
  }
}

export const totalsPanel = (page, given) => panel(page, { ...given, last: { title: "Wells", name: "wells" } });

function heading(page, text) {
  const title = h("h1", { tabindex: "-1" });
  page.root.append(h("p", { class: "crumb" }, h("a", { href: "#/data" }, "Data")), title);
  named(page, title, text);
  return title;
}

function named(page, title, name) {
  title.replaceChildren(h("bdi", {}, name));
  page.retitle(name);
}

// `last` is the last column of the table; `folded` hides the table until it is asked for.
function panel(page, { title, rows, revisions = [], name, last, folded = false }) {
  const range = { first: null, last: null };
  const inputs = [dateInput("From", "first"), dateInput("To", "last")];
  const figures = h("div", {});
  const spans = SPANS.map(([text, years]) => button(text, () => pick(...spanOf(rows, years)), { class: "quiet" }));
  const isLog = h("input", { type: "checkbox", onchange: () => (plot.log(isLog.checked), tell()) });
  const isVolume = h("input", { type: "checkbox", onchange: () => (redraw(), tell()) });
  const note = h("p", { class: "muted", role: "status" });
  const shownRows = (list) => (isVolume.checked ? list.map(asVolumes) : list);
  const units = () => (isVolume.checked ? VOLUMES : RATES);
  let drawn = new AbortController();
  let plot = draw();

  function draw() {
    const signal = AbortSignal.any([page.signal, drawn.signal]);
    const given = { revisions: shownRows(revisions), units: units(), picked: (...days) => pick(...days), signal };
    return chart(shownRows(rows), given);
  }

  function redraw() {
    const before = plot.element;
    drawn.abort();
    drawn = new AbortController();
    plot = draw();
    before.replaceWith(plot.element);
    if (range.first || range.last) plot.zoom(range.first, range.last);
    if (isLog.checked) plot.log(true);
  }

  function pick(first, end) {
    Object.assign(range, { first, last: end });
    plot.zoom(first, end);
    tell();
  }

  function tell() {
    const within = rows.filter(isWithin(range));
    inputs.forEach(
      ({ input, side }) => (input.value = range[side] ?? rows.at(side === "first" ? 0 : -1).production_period),
    );
    spans.forEach((each, index) => each.setAttribute("aria-pressed", String(isSpan(rows, range, SPANS[index][1]))));
    figures.replaceChildren(dataTable(title, shownRows(within), shownRows(revisions), { last, units: units() }));
    note.textContent = noteOf(within, revisions.filter(isWithin(range)), isLog.checked);
  }

  function dateInput(text, side) {
    const input = h("input", { type: "date", onchange: () => pick(...chosen()) });
    return { side, input, element: h("label", {}, `${text} `, input) };
  }

  const chosen = () => {
    const [first, end] = inputs.map(({ input }) => input.value || null);
    return first && end && first > end ? [end, first] : [first, end];
  };
  const download = button("Download as CSV", () => saveCsv(name, Object.keys(rows[0]), rows.filter(isWithin(range))));
  const shown = folded ? h("details", {}, h("summary", {}, "The figures as a table"), figures) : figures;
  tell();
  return h(
    "section",
    { class: "panel", "aria-label": title },
    h("div", { class: "headline" }, h("h2", {}, title), download),
    h(
      "div",
      { class: "controls" },
      h("div", { class: "spans", role: "group", "aria-label": "Range" }, spans),
      inputs.map(({ element }) => element),
      h("label", { class: "check" }, isVolume, " Volumes"),
      h("label", { class: "check" }, isLog, " Log scale"),
    ),
    plot.element,
    note,
    shown,
  );
}

const isWithin =
  ({ first, last }) =>
  ({ production_period: day }) =>
    (!first || day >= first) && (!last || day <= last);

function spanOf(rows, years) {
  if (!years) return [null, null];
  const end = rows.at(-1).production_period;
  return [`${Number(end.slice(0, 4)) - years}${end.slice(4)}`, end];
}

function isSpan(rows, range, years) {
  const [first, end] = spanOf(rows, years);
  return range.first === first && range.last === end;
}

// A rate is that of a calendar day; what the whole period brought is a volume.
function asVolumes(row) {
  const volume = (value) => (value === null || value === undefined ? value : value * daysOf(row));
  return { ...row, ...Object.fromEntries(MEASURES.map(({ name }) => [name, volume(row[name])])) };
}

function noteOf(rows, revisions, isLog) {
  const gone = missing(rows);
  const kind = rows.length ? kindOf(rows[0]) : "period";
  const revised = new Set(revisions.map(({ production_period: day }) => day)).size;
  return [
    `${count(rows.length, "period")}.`,
    gone ? `${count(gone, `${kind} is`, `${kind}s are`)} missing.` : "",
    revised ? `${count(revised, "period")} revised: a ring marks what the value was.` : "",
    isLog ? "Zeros and negative rates have no place on a log scale." : "",
    "Drag across the plot to choose a range.",
  ]
    .filter(Boolean)
    .join(" ");
}

const sumOf = (rows, name) => rows.reduce((sum, row) => sum + (row[name] ?? 0), 0);

// What a file system takes, whatever the source writes.
const fileName = (kind, code) => `${kind}-${code.replaceAll(/[^\p{L}\p{N}._-]+/gu, "_")}`;

function dataTable(title, rows, revisions, { last, units }) {
  const before = Map.groupBy(revisions, ({ production_period: day }) => day);
  const columns = [
    { title: "Period", cell: nameOf },
    ...MEASURES.map(({ name, title, scale }) => ({
      title: h("span", { title: units[scale].name }, `${title}, ${units[scale].sign}`),
      class: "number",
      cell: (row) => [rate(row[name]), wasOf(row, before.get(row.production_period), name)],
    })),
    { title: last.title, class: "number", cell: (row) => rate(row[last.name]) },
  ];
  return framed(
    `${title}, a table that scrolls`,
    table(`${title}: ${units === VOLUMES ? "volumes" : "rates"} by period, newest first`, columns, rows.toReversed()),
  );
}

// The values that were there before, the latest first, without those that a revision left alone.
function wasOf(row, revisions = [], name) {
  const values = [...revisions.map((old) => old[name]), row[name]];
  const was = values.filter((value, place) => place < values.length - 1 && value !== values[place + 1]);
  return was.length ? h("small", { class: "was" }, ` was ${was.toReversed().map(rate).join(", ")}`) : null;
}

function saveCsv(name, columns, rows) {
  save(`${name}.csv`, "text/csv;charset=utf-8", [csv(columns, rows)]);
}
