// The plot, the figures and the ways out of one well, one field or all: what is shown of them stands in the address.

import { read, watch, write } from "./address.js";
import { chart } from "./chart.js";
import { comparison } from "./compare.js";
import { curves, isWithin, kindsOf, titleOf } from "./curves.js";
import { button, count, csv, framed, h, rate, save, table } from "./dom.js";
import { savePng, saveSvg } from "./paint.js";
import { kindOf, missing, nameOf } from "./periods.js";
import { MEASURES, PANELS, valuesOf } from "./production.js";
import { chosenUnits, keepUnits } from "./profile.js";
import { DEFAULT, GASES, LIQUIDS, textOf } from "./units.js";

const SPANS = [
  ["All", null],
  ["10 years", 10],
  ["5 years", 5],
  ["1 year", 1],
];
const AS = {
  rate: "Rate a calendar day",
  producing: "Rate a producing day",
  both: "Both rates",
  volume: "Volume of the period",
  cumulative: "Cumulative",
};
const OVER = { calendar: "Calendar", months: "Months on production", cumulative: "Cumulative production" };
const OF_PLOT = ["from", "to", "ages", "as", "over", "show", "log", "units", "with", "tab"];
const OF_DECLINE = ["product", "model", "terminal", "limit", "years"];
const FIRST_PANELS = ["oil", "gas", "water"];
const FILE_WIDTH = 1200; // pixels of a picture that is saved

// `last` is the last column of the table; `folded` hides the table until it is asked for. `kind` is "well" or "field"
// where others can be compared and a decline be fitted, and `id` says which one this is.
export function workbench(page, { title, rows, revisions = [], name, last, folded = false, kind = null, id = null }) {
  const own = { name: page.name ?? title, rows, revisions };
  const others = kind ? comparison(page, { kind, id, changed: show }) : null;
  const controls = controlsOf(rows, { last, change });
  const plot = chart({ picked, signal: page.signal });
  const figures = h("div", {});
  const note = h("p", { class: "muted", role: "status" });
  const body = h("div", { class: "page" });
  const shown = folded ? h("details", {}, h("summary", {}, "The figures as a table"), figures) : figures;
  const views = h("div", { class: "view" }, controls.element, others?.element ?? "", plot.element, note, shown);
  const tabs = kind ? tabsOf((tab) => change({ tab })) : null;
  let fit = null;
  let model = null;

  function change(changes) {
    write({ units: textOf(chosenUnits(read().query)), ...changes });
    show();
  }

  // Whoever opens the address sees the units of whoever sent it.
  function tellUnits() {
    const { query } = read();
    const text = textOf(chosenUnits(query));
    if (!query.has("units") && (kind || text !== DEFAULT)) write({ units: text }, { step: false });
  }

  function show() {
    tellUnits();
    const view = viewOf(read().query, rows, kind);
    tabs?.show(view.tab);
    if (view.tab === "decline") return showFit();
    body.replaceChildren(views);
    const entities = [own, ...(others?.entities() ?? [])];
    model = { ...curves(entities, view, view.units), names: namesOf(entities, view), nameOf: keyName(entities, view) };
    controls.show(view);
    plot.show(model);
    const within = rows.filter((row) => isWithin(view, row));
    const told = revisions.filter((row) => isWithin(view, row));
    figures.replaceChildren(dataTable(title, rows, within, revisions, { last, view }));
    note.textContent = noteOf(within, told, view, others?.note() ?? "");
  }

  async function showFit() {
    try {
      fit ??= (await import("./fit.js")).fit(page, { own, name, change });
      if (viewOf(read().query, rows, kind).tab !== "decline") return;
      body.replaceChildren(fit.element);
      fit.show();
    } catch (error) {
      page.fail(error);
    }
  }

  // Of a range that was drawn, in what the axis counts.
  function picked(low, high, panel) {
    const { over } = viewOf(read().query, rows, kind);
    if (low === undefined) return change({ from: null, to: null, ages: null });
    if (over === "months") return change({ ages: `${Math.floor(low)}~${Math.ceil(high)}` });
    if (over === "calendar") return change({ from: dayOf(low), to: dayOf(high) });
    const inside = panel.lines[0].points.filter((each) => each && each.x >= low && each.x <= high);
    if (inside.length) change({ from: inside[0].key, to: inside.at(-1).key });
  }

  function picture() {
    const view = viewOf(read().query, rows, kind);
    const [shapes, subtitle] = view.tab === "decline" ? [fit.shapes, fit.subtitle()] : [plot.shapes, subtitleOf(view, rows)];
    return shapes(FILE_WIDTH, [page.name ?? title, subtitle]);
  }
  const inRange = () => {
    const view = viewOf(read().query, rows, kind);
    return [own, ...(others?.entities() ?? [])].flatMap((each) => each.rows.filter((row) => isWithin(view, row)));
  };
  const exports = h(
    "div",
    { class: "exports" },
    button("Download as CSV", () => saveCsv(name, Object.keys(rows[0]), inRange())),
    button("PNG", () => savePng(name, picture()), { "aria-label": "Save the plot as PNG" }),
    button("SVG", () => saveSvg(name, picture()), { "aria-label": "Save the plot as SVG" }),
    button("Print", () => print()),
  );
  watch([...OF_PLOT, ...OF_DECLINE], show, page.signal);
  show();
  return h(
    "section",
    { class: "panel bench", "aria-label": title },
    h("div", { class: "headline" }, h("h2", {}, title), tabs?.element ?? "", exports),
    body,
  );
}

// -- the address -----------------------------------------------------------------------------------------------------

export function viewOf(query, rows, kind) {
  const show = (query.get("show") ?? "").split(",").filter((key) => PANELS.some((panel) => panel.key === key));
  const [low, high] = (query.get("ages") ?? "").split("~").map(Number);
  const choice = (key, known, first) => (Object.hasOwn(known, query.get(key) ?? "") ? query.get(key) : first);
  return {
    from: dayIn(query.get("from")),
    to: dayIn(query.get("to")),
    ages: high > low ? [low, high] : null,
    as: choice("as", AS, "rate"),
    over: choice("over", OVER, "calendar"),
    show: new Set(show.length ? show : firstPanels(rows)),
    isLog: query.get("log") === "1",
    units: chosenUnits(query),
    tab: kind && query.get("tab") === "decline" ? "decline" : "plot",
  };
}

const dayIn = (text) => (/^\d{4}-\d\d-\d\d$/.test(text ?? "") && !Number.isNaN(Date.parse(text)) ? text : null);
const dayOf = (ms) => new Date(ms).toISOString().slice(0, 10);

// Those that have something; liquids only where there is no oil, of which they are a sum.
function firstPanels(rows) {
  const has = (key) => rows.some((row) => (row[MEASURES.find((each) => each.key === key).name] ?? null) !== null);
  const found = FIRST_PANELS.filter(has);
  if (!found.includes("oil") && has("liquids")) found.unshift("liquids");
  return found.length ? found : ["oil"];
}

function subtitleOf(view, rows) {
  const [from, to] = [view.from ?? rows[0].production_period, view.to ?? rows.at(-1).production_period];
  return `${AS[view.as]}, ${from} to ${to}`;
}

// -- controls --------------------------------------------------------------------------------------------------------

function controlsOf(rows, { last, change }) {
  const spans = SPANS.map(([text, years]) =>
    button(text, () => change({ ...spanOf(rows, years), ages: null }), { class: "quiet" }),
  );
  const dates = ["From", "To"].map((text, place) => {
    const input = h("input", { type: "date", onchange: () => change(ordered(dates.map(({ input }) => input.value || null))) });
    return { input, element: h("label", {}, `${text} `, input), side: place ? "to" : "from" };
  });
  const hasDays = last.name === "days_on_production";
  const kinds = Object.entries(AS).filter(([key]) => hasDays || !["producing", "both"].includes(key));
  const as = choice("Show", kinds, (key) => change({ as: key === "rate" ? null : key }));
  const over = choice("Over", Object.entries(OVER), (key) => change({ over: key === "calendar" ? null : key }));
  const units = unitChoice(change);
  const isLog = h("input", { type: "checkbox", onchange: () => change({ log: isLog.checked ? "1" : null }) });
  const toggles = PANELS.map(({ key, title }) => button(title, () => toggle(key), { class: "quiet" }));
  let view = null;

  function toggle(key) {
    const show = new Set(view.show);
    if (!show.delete(key)) show.add(key);
    if (show.size) change({ show: PANELS.map((panel) => panel.key).filter((each) => show.has(each)).join(",") });
  }

  const element = h(
    "div",
    { class: "controls" },
    h("div", { class: "spans", role: "group", "aria-label": "Range" }, spans),
    dates.map((each) => each.element),
    as.element,
    over.element,
    units.element,
    h("label", { class: "check" }, isLog, " Log scale"),
    h("div", { class: "spans", role: "group", "aria-label": "Panels" }, toggles),
  );
  return {
    element,
    show(next) {
      view = next;
      dates.forEach(({ input, side }, place) => (input.value = view[side] ?? rows.at(-place).production_period));
      spans.forEach((each, place) => each.setAttribute("aria-pressed", String(isSpan(rows, view, SPANS[place][1]))));
      as.select.value = view.as;
      over.select.value = view.over;
      units.show(view.units);
      isLog.checked = view.isLog;
      toggles.forEach((each, place) => each.setAttribute("aria-pressed", String(view.show.has(PANELS[place].key))));
    },
  };
}

// {element, select}; `options` are [value, text] each.
export function choice(label, options, picked) {
  const select = h("select", { onchange: () => picked(select.value) }, options.map(([value, text]) => h("option", { value }, text)));
  return { select, element: h("label", {}, `${label} `, select) };
}

// Kept for the next visit too, and in the address for whoever opens it.
export function unitChoice(change) {
  const picked = () => {
    const text = `${liquid.select.value},${gas.select.value}`;
    keepUnits(text);
    change({ units: text });
  };
  const liquid = choice("Liquids in", LIQUIDS.map(({ key, sign }) => [key, `${sign}/d`]), picked);
  const gas = choice("Gas in", GASES.map(({ key, sign }) => [key, `${sign}/d`]), picked);
  return {
    element: [liquid.element, gas.element],
    show(units) {
      liquid.select.value = units.liquid.key;
      gas.select.value = units.gas.key;
    },
  };
}

function tabsOf(picked) {
  const tabs = [
    ["plot", "Plot"],
    ["decline", "Decline analysis"],
  ];
  const buttons = tabs.map(([key, text]) => button(text, () => picked(key === "plot" ? null : key), { class: "quiet" }));
  return {
    element: h("div", { class: "spans", role: "group", "aria-label": "View" }, buttons),
    show: (tab) => buttons.forEach((each, place) => each.setAttribute("aria-pressed", String(tabs[place][0] === tab))),
  };
}

const ordered = ([from, to]) => (from && to && from > to ? { from: to, to: from } : { from, to });

function spanOf(rows, years) {
  if (!years) return { from: null, to: null };
  const to = rows.at(-1).production_period;
  return { from: `${Number(to.slice(0, 4)) - years}${to.slice(4)}`, to };
}

function isSpan(rows, view, years) {
  const { from, to } = spanOf(rows, years);
  return view.from === from && view.to === to && !view.ages;
}

// -- words -----------------------------------------------------------------------------------------------------------

const SHORT = { rate: "Calendar day", producing: "Producing day", volume: "Volume", cumulative: "Cumulative" };

function namesOf(entities, { as }) {
  const kinds = as === "both" ? ["rate", "producing"] : [as];
  return entities.flatMap(({ name }, entity) =>
    kinds.map((each) => ({
      entity,
      as: each,
      text: entities.length > 1 ? `${name}${kinds.length > 1 ? `, ${SHORT[each].toLowerCase()}` : ""}` : SHORT[each],
    })),
  );
}

function keyName(entities, { over }) {
  if (over === "months") return (key) => `Month ${rate(key)}`;
  const rows = new Map(entities.flatMap(({ rows }) => rows.map((row) => [row.production_period, row])));
  return (key) => nameOf(rows.get(key));
}

function noteOf(rows, revisions, { isLog, as, over }, more) {
  const gone = missing(rows);
  const kind = rows.length ? kindOf(rows[0]) : "period";
  const revised = new Set(revisions.map(({ production_period: day }) => day)).size;
  return [
    `${count(rows.length, "period")}.`,
    gone ? `${count(gone, `${kind} is`, `${kind}s are`)} missing.` : "",
    revised ? `${count(revised, "period")} revised: a band above the plot marks them, a ring or a thin line what they were.` : "",
    isLog ? "Zeros and negative rates have no place on a log scale." : "",
    as === "cumulative" && gone ? "A sum lacks what the missing periods brought." : "",
    as === "producing" || as === "both" ? "Without days on production there is no rate of a producing day." : "",
    over === "months" ? "Month 0 is the first that brought something." : "",
    more,
    "Drag across the plot to choose a range; tap or click twice for all of it.",
  ]
    .filter(Boolean)
    .join(" ");
}

function dataTable(title, all, rows, revisions, { last, view }) {
  const { as, units, show } = view;
  const before = Map.groupBy(revisions, ({ production_period: day }) => day);
  const panels = PANELS.filter(({ key, name }) => name || show.has(key));
  const columns = panels.flatMap((panel) =>
    kindsOf(panel, as).map((each) => {
      const values = new Map(valuesOf(all, panel, each, units).map((value, place) => [all[place], value]));
      const word = as === "both" && each === "producing" ? " a producing day" : "";
      return {
        title: titleOf(panel, each, units).replace(/, |$/, (sign) => `${word}${sign}`),
        class: "number",
        cell: (row) => [
          valueText(values.get(row), panel),
          each === "cumulative" || !panel.name ? null : wasOf(row, before.get(row.production_period), panel, { as: each, units }),
        ],
      };
    }),
  );
  return framed(
    `${title}, a table that scrolls`,
    table(
      `${title}: ${as === "volume" ? "volumes" : as === "cumulative" ? "sums" : "rates"} by period, newest first`,
      [
        { title: "Period", cell: nameOf },
        ...columns,
        { title: last.title, class: "number", cell: (row) => rate(row[last.name]) },
      ],
      rows.toReversed(),
    ),
  );
}

const valueText = (value, { kind }) => (kind === "share" && value !== null ? `${rate(100 * value)} %` : rate(value));

// The values that were there before, the latest first, without those that a revision left alone.
function wasOf(row, revisions = [], panel, { as, units }) {
  const values = valuesOf([...revisions, row], panel, as, units);
  const was = values.filter((value, place) => place < values.length - 1 && value !== values[place + 1]);
  return was.length ? h("small", { class: "was" }, ` was ${was.toReversed().map(rate).join(", ")}`) : null;
}

function saveCsv(name, columns, rows) {
  save(`${name}.csv`, "text/csv;charset=utf-8", [csv(columns, rows)]);
}
