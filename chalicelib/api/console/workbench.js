// The plot, the figures and the ways out of one well, one field or all: what is shown of them stands in the address.

import { read, watch, write } from "./address.js";
import { chart } from "./chart.js";
import { comparison } from "./compare.js";
import { controlsOf, tabsOf } from "./controls.js";
import { curves, kindsOf, rowsWithin, titleOf } from "./curves.js";
import { button, count, csv, evenly, framed, h, rate, saveCsv, say, table } from "./dom.js";
import { FILE_WIDTH, savePng, saveSvg } from "./paint.js";
import { kindOf, missing, nameOf } from "./periods.js";
import { PANELS, valuesOf } from "./production.js";
import { chosenUnits } from "./profile.js";
import { textOf } from "./units.js";
import { KEYS, subtitleOf, viewOf } from "./view.js";

// `last` is the last column of the table; `folded` hides the table until it is asked for. `kind` is "well" or "field"
// where others can be compared and a decline be fitted, and `id` says which one this is.
/** @param {Page} page @param {Bench} bench */
export function workbench(page, bench) {
  const { title, rows, revisions = [], name, kind = null, id = [] } = bench;
  const own = { name: page.name ?? title, rows, revisions };
  const others = kind ? comparison(page, { kind, id, came: show }) : null;
  const entities = () => [own, ...(others?.entities() ?? [])];
  const viewNow = () => viewOf(read().query, rows, kind);
  const body = h("div", { class: "page" });
  const production = productionView(page, bench, { others, entities, viewNow });
  const decline = declineView(page, { own, name, body, isWanted: () => viewNow().tab === "decline" });
  const tabs = kind ? tabsOf((tab) => change({ tab })) : null;

  function show() {
    tellUnits();
    const view = viewNow();
    tabs?.show(view.tab);
    if (view.tab === "decline") {
      decline.show();
      return;
    }
    put(body, production.element);
    production.show(view);
  }

  function picture() {
    const view = viewNow();
    const fit = decline.fit();
    const [shapes, subtitle] =
      view.tab === "decline" ? [fit?.shapes, fit?.subtitle()] : [production.shapes, subtitleOf(view, rows)];
    return shapes?.(FILE_WIDTH, [page.name ?? title, subtitle ?? ""]);
  }

  const inRange = () => {
    const view = viewNow();
    return entities().flatMap((each) => rowsWithin(each.rows, view));
  };
  const exports = exportButtons(name, { rows, inRange, picture });
  watch(KEYS, show, page.signal);
  show();
  return h(
    "section",
    { class: "panel bench", "aria-label": title },
    h("div", { class: "headline" }, h("h2", {}, title), tabs?.element ?? "", exports),
    body,
  );
}

// An economic limit is a number of the units that it was written in.
/** @param {Changes} changes */
const change = (changes) =>
  write({ units: textOf(chosenUnits(read().query)), ...(changes.units && { limit: null }), ...changes });

// Whoever opens the address sees the units of whoever sent it.
function tellUnits() {
  const { query } = read();
  if (!query.has("units")) write({ units: textOf(chosenUnits(query)) }, { step: false });
}

// What stands there already stays, and keeps the focus.
/** @param {HTMLElement} body @param {HTMLElement} element */
const put = (body, element) => body.firstChild === element || body.replaceChildren(element);

// {element, show(view), shapes}: the plot of what is produced, what chooses it, and its figures.
/** @param {Page} page @param {Bench} bench @param {{others: ReturnType<typeof comparison> | null, entities: () => Entity[], viewNow: () => View}} options */
function productionView(page, { title, rows, revisions = [], last, folded = false }, { others, entities, viewNow }) {
  const controls = controlsOf(rows, { last, change });
  if (others) controls.element.append(others.element);
  const plot = chart({ picked, signal: page.signal });
  const figures = h("div", {});
  const note = h("p", { class: "muted", role: "status" });
  const shown = folded ? h("details", {}, h("summary", {}, "The figures as a table"), figures) : figures;
  const element = h("div", { class: "view" }, controls.element, plot.element, note, shown);

  /** @type {PickRange} */
  function picked(low, high, panel) {
    if (low === undefined || high === undefined) return change({ from: null, to: null, ages: null });
    const range = rangeOf(viewNow().over, [low, high], panel);
    if (range) change(range);
  }

  /** @param {View} view */
  function show(view) {
    const list = entities();
    const panels = curves(list, view, view.units);
    controls.show(view);
    plot.show({ ...panels, names: namesOf(list, view), nameOf: keyName(list, view) });
    const within = rowsWithin(rows, view);
    const days = new Set(within.map(({ production_period: day }) => day));
    const revised = revisions.filter(({ production_period: day }) => days.has(day));
    figures.replaceChildren(dataTable(title, rows, within, revisions, { last, view }));
    note.textContent = noteOf(within, revised, view, others?.note() ?? "");
  }
  return { element, show, shapes: plot.shapes };
}

// Of a range that was drawn, in what the axis counts; null where no point stands in it.
/** @param {View["over"]} over @param {Span} range @param {PlotPanel} [panel] @returns {Changes | null} */
function rangeOf(over, [low, high], panel) {
  if (over === "months") return { ages: `${Math.floor(low)}..${Math.ceil(high)}` };
  if (over === "calendar") return { from: dayOf(low), to: dayOf(high) };
  const points = panel?.lines[0].points.filter((each) => each !== null) ?? [];
  const inside = points.filter(({ x }) => x >= low && x <= high);
  return inside.length ? { from: inside[0].key, to: inside[inside.length - 1].key } : null;
}

// {show(), fit()}: the analysis of the decline, which is loaded when somebody wants it; until then `fit()` is null.
/** @param {Page} page @param {{own: Entity, name: string, body: HTMLElement, isWanted: () => boolean}} options */
function declineView(page, { own, name, body, isWanted }) {
  /** @type {Promise<any> | null} */
  let loading = null; // once for all who wait for it
  /** @type {ReturnType<typeof import("./fit.js").fit> | null} */
  let fit = null;

  async function show() {
    try {
      loading ??= import("./fit.js").then((views) => views.fit(page, { own, name, change }));
      fit = /** @type {NonNullable<typeof fit>} */ (await loading);
      if (!isWanted()) return;
      put(body, fit.element);
      fit.show();
    } catch (error) {
      page.fail(error);
    }
  }
  return { show, fit: () => fit };
}

/** @param {string} name @param {{rows: Row[], inRange: () => Row[], picture: () => Picture | null | undefined}} options */
function exportButtons(name, { rows, inRange, picture }) {
  /** @param {(name: string, picture: Picture) => void} saveAs */
  const savePicture = (saveAs) => {
    const shapes = picture();
    if (shapes) saveAs(name, shapes);
    else say("There is no plot to save.");
  };
  return h(
    "div",
    { class: "exports" },
    button("Download as CSV", () => saveCsv(name, csv(Object.keys(rows[0]), inRange()))),
    button("PNG", () => savePicture(savePng), { "aria-label": "Save the plot as PNG" }),
    button("SVG", () => savePicture(saveSvg), { "aria-label": "Save the plot as SVG" }),
    button("Print", () => print()),
  );
}

/** @param {number} ms */
const dayOf = (ms) => new Date(ms).toISOString().slice(0, 10);

// -- words -----------------------------------------------------------------------------------------------------------

const OF_ALL_DAYS =
  "The rate of a producing day is what the wells make when all of them produce. Where one does not tell its days";
/** @type {Record<string, string>} */
const SHORT = { rate: "Calendar day", producing: "Producing day", volume: "Volume", cumulative: "Cumulative" };

/** @param {Entity[]} entities @param {View} view @returns {RowName[]} */
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

/** @param {Entity[]} entities @param {View} view @returns {(key: any) => string} */
function keyName(entities, { over }) {
  if (over === "months") return (key) => `Month ${rate(key)}`;
  const rows = new Map(entities.flatMap(({ rows }) => rows.map((row) => [row.production_period, row])));
  return (key) => nameOf(/** @type {Row} */ (rows.get(key)));
}

/** @param {Row[]} rows @param {Row[]} revisions @param {View} view @param {string} more */
function noteOf(rows, revisions, { isLog, as, over, show }, more) {
  const gone = missing(rows);
  const kind = rows.length ? kindOf(rows[0]) : "period";
  const isSummed = rows.some(({ wells }) => wells > 1);
  const revised = new Set(revisions.map(({ production_period: day }) => day)).size;
  return [
    `${count(rows.length, "period")}.`,
    gone ? `${count(gone, `${kind} is`, `${kind}s are`)} missing.` : "",
    revised
      ? `${count(revised, "period")} revised: a band above the plot marks them, a ring or a thin line what they were.`
      : "",
    isLog ? "Zeros and negative rates have no place on a log scale." : "",
    as === "cumulative" && gone ? "A sum lacks what the missing periods brought." : "",
    as === "producing" || as === "both"
      ? `${isSummed ? OF_ALL_DAYS : "Without days on production"}, there is no such rate.`
      : "",
    isSummed && (show.has("cut") || show.has("gor")) ? "A ratio is that of the wells that tell both of its sides." : "",
    over === "months" ? "Month 0 is the first that brought something." : "",
    more,
    "Drag across the plot to choose a range; tap or click twice for all of it.",
  ]
    .filter(Boolean)
    .join(" ");
}

/** @param {string} title @param {Row[]} all @param {Row[]} rows @param {Row[]} revisions @param {{last: LastColumn, view: View}} options */
function dataTable(title, all, rows, revisions, { last, view }) {
  const { as, units, show } = view;
  const before = Map.groupBy(revisions, ({ production_period: day }) => day);
  const panels = PANELS.filter(({ key, name }) => name || show.has(key));
  const lastText = evenly(rows.map((row) => row[last.name]));
  const columns = panels.flatMap((panel) =>
    kindsOf(panel, as).map((each) => {
      const values = new Map(valuesOf(all, panel, each, units).map((value, place) => [all[place], value]));
      const word = as === "both" && each === "producing" ? " a producing day" : "";
      const was = (/** @type {Row} */ row) => wasOf(row, before.get(row.production_period), panel, { as: each, units });
      const hasBefore = each !== "cumulative" && panel.name;
      const former = hasBefore ? rows.flatMap(was) : [];
      const text = textOfColumn([...rows.map((row) => values.get(row)), ...former], panel);
      return {
        title: titleOf(panel, each, units).replace(/, |$/, (sign) => `${word}${sign}`),
        class: "number",
        cell: (/** @type {Row} */ row) => [text(values.get(row)), hasBefore ? wasText(was(row).map(text)) : null],
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
        { title: last.title, class: "number", cell: (row) => lastText(row[last.name]) },
      ],
      rows.toReversed(),
    ),
  );
}

/** @param {any[]} values @param {Panel} panel */
const textOfColumn = (values, { kind }) =>
  kind === "share" ? evenly(values, { style: "percent", digits: 1 }) : evenly(values);

// The values that were there before, the latest first, without those that a revision left alone.
/** @param {Row} row @param {Row[] | undefined} revisions @param {Panel} panel @param {{as: As, units: Units}} options */
function wasOf(row, revisions = [], panel, { as, units }) {
  const values = valuesOf([...revisions, row], panel, as, units);
  return values.filter((value, place) => place < values.length - 1 && value !== values[place + 1]).toReversed();
}

/** @param {string[]} texts */
const wasText = (texts) => (texts.length ? h("small", { class: "was" }, ` was ${texts.join(", ")}`) : null);
