// Decline analysis: a curve fitted to a range of rates, what it leaves over, what is to come, and where that ends.

import { read } from "./address.js";
import { chart } from "./chart.js";
import { choice, isTyped, unitChoice } from "./controls.js";
import { signOf } from "./curves.js";
import { effective, MODELS, switchTime } from "./decline.js";
import { button, csv, evenly, framed, h, period, rate, saveCsv, say, table } from "./dom.js";
import { facts } from "./parts.js";
import { analysis, dayAt, modelOf, yearsAhead } from "./outlook.js";
import { missing } from "./periods.js";
import { MEASURES } from "./production.js";
import { viewOf } from "./view.js";

const TERMINAL = 6; // % a year, nominal
const YEARS = 50; // that a forecast goes on at most

// {element, show(), shapes, subtitle()}; `change(keys)` changes the address and shows anew.
/** @param {Page} page @param {{own: Entity, name: string, change: (changes: Changes) => void}} options */
export function fit(page, { own, name, change }) {
  const { rows } = own;
  const known = MEASURES.filter((measure) => rows.some((row) => row[measure.name] > 0));
  const controls = controlsOf(rows, known, change);
  const plot = chart({ picked, signal: page.signal });
  const told = h("div", { class: "view" });
  const years = h("div", {});
  /** @type {Analysis | null} */
  let done = null;
  let isShown = false;

  /** @type {PickRange} */
  function picked(low, high) {
    if (low === undefined || high === undefined) return change({ from: null, to: null });
    const last = rows[rows.length - 1].production_period;
    const days = [low, high].map((ms) => new Date(ms).toISOString().slice(0, 10));
    change({ from: days[0], to: days[1] > last ? last : days[1] });
  }

  function show() {
    const wanted = wantedOf(read().query, rows, known);
    controls.show(wanted);
    if (!wanted.measure) return told.replaceChildren(h("p", {}, "There is no rate above zero to fit a curve to."));
    done = analysis(rows, wanted);
    const found = fittedOf(done);
    plot.show(modelOf(rows, wanted, done));
    told.replaceChildren(...(found ? results(rows, wanted, found) : [h("p", { class: "notice bad" }, tooFew(done))]));
    if (isShown && found) say(`Ultimate recovery ${recovery(wanted, found)}.`);
    isShown = true;
    years.replaceChildren(...(found ? [yearTable(wanted, found), csvButton(name, wanted, found)] : []));
  }

  const subtitle = () => subtitleOf(rows, wantedOf(read().query, rows, known), fittedOf(done));
  const element = h(
    "div",
    { class: "view" },
    controls.element,
    plot.element,
    h(
      "p",
      { class: "muted" },
      "Drag across the plot to choose the range that the curve is fitted to; tap or click twice for all of it.",
    ),
    told,
    years,
  );
  return { element, show, shapes: plot.shapes, subtitle };
}

/** @param {URLSearchParams} query @param {Row[]} rows @param {Measure[]} known @returns {Wanted} */
function wantedOf(query, rows, known) {
  const view = viewOf(query, rows, "well");
  const model = query.get("model") ?? "";
  const number = (/** @type {string} */ key, /** @type {number} */ first) =>
    query.has(key) && Number(query.get(key)) >= 0 ? Number(query.get(key)) : first;
  return {
    ...view,
    measure: known.find(({ key }) => key === query.get("product")) ?? known[0],
    model: Object.hasOwn(MODELS, model) ? model : "hyperbolic",
    terminal: number("terminal", TERMINAL),
    limit: number("limit", 0),
    years: Math.min(100, number("years", YEARS)),
    isLog: query.get("log") !== "0",
  };
}

/** @param {Row[]} rows @param {Wanted} wanted @param {Analysed | null} found */
function subtitleOf(rows, wanted, found) {
  const { from, to, measure, model } = wanted;
  const range = `${from ?? rows[0].production_period} to ${to ?? rows[rows.length - 1].production_period}`;
  const outcome = found ? `, ultimate recovery ${recovery(wanted, found)}` : "";
  return `${measure?.title}, ${MODELS[model].title.toLowerCase()} decline, ${range}${outcome}`;
}

/** @param {Analysis | null} done */
const fittedOf = (done) => (done?.fit ? /** @type {Analysed} */ (done) : null);

// -- what came of it -------------------------------------------------------------------------------------------------

/** @param {Analysis} done */
const tooFew = ({ used }) => `${used.length} rates above zero are too few for this curve. Choose a longer range.`;
/** @param {number} value */
const percent = (value) => `${rate(100 * value)} %`;

/** @param {Row[]} rows @param {Wanted} wanted @param {Analysed} done @returns {Node[]} */
function results(rows, { measure, model, units, limit, years }, { fit, used, sum, ahead, start, now }) {
  const { curve, errors, r2, deviation, isDeclining, isAtBound } = fit;
  const [sign, amount] = [signOf(measure, "rate", units), signOf(measure, "volume", units)];
  /** @param {number} value @param {number | null} error @param {(value: number) => string} [text] */
  const give = (value, error, text = rate) => (error === null ? text(value) : `${text(value)} ± ${text(error)}`);
  const day = (/** @type {number} */ t) => period(dayAt(start, t).toISOString().slice(0, 10));
  const gone = missing(rows);
  const notes = [
    `${used.length} rates of a calendar day, of one weight each; zeros and missing periods are left out. ± is one standard error.`,
    isDeclining ? "" : "These rates do not decline: the curve is their mean, and tells nothing of what is to come.",
    model === "terminal" && curve.d <= curve.terminal
      ? "The decline is below the terminal one from the start, so the curve is exponential."
      : "",
    isAtBound && isDeclining ? "The exponent b stands at an end of its range: the data do not settle it." : "",
    model !== "exponential" && (curve.b ?? 0) > 1
      ? "With an exponent b above 1 the sum has no end without a limit or a terminal decline."
      : "",
    limit > 0 ? "" : `Without an economic limit the forecast ends after ${rate(years)} years.`,
    gone ? "What the missing periods brought is not in the sum." : "",
    wellsOf(used),
  ].filter(Boolean);
  return [
    facts(
      ["Rate at the beginning of the range", `${give(curve.qi, errors.qi)} ${sign}`],
      ["Decline there, nominal a year", give(curve.d, errors.d, percent)],
      ["Decline there, effective a year", percent(effective(curve.d))],
      ["Exponent b", curve.b === undefined ? { exponential: "0", harmonic: "1" }[model] : give(curve.b, errors.b)],
      ["Terminal decline begins", model === "terminal" ? whenOf(switchTime(curve), day) : null],
      ["R²", rate(r2)],
      ["Standard deviation of the residuals", `${rate(deviation)} ${sign}`],
      ["Produced so far", `${rate(sum)} ${amount}`],
      ["Forecast", `${rate(ahead.volume)} ${amount}`],
      ["Ultimate recovery (EUR)", h("b", {}, recovery({ measure, units }, { sum, ahead }))],
      ["Forecast ends", `${day(ahead.end)}, at ${rate(ahead.rate)} ${sign}`],
      [
        "It ends by",
        ahead.end === now
          ? "the rate is below the limit already"
          : ahead.isLimit
            ? "the economic limit"
            : `${rate(years)} years`,
      ],
    ),
    h("p", { class: "muted" }, notes.join(" ")),
  ];
}

/** @param {Pick<Wanted, "measure" | "units">} wanted @param {Pick<Analysed, "sum" | "ahead">} done */
const recovery = ({ measure, units }, { sum, ahead }) =>
  `${rate(sum + ahead.volume)} ${signOf(measure, "volume", units)}`;

// A field declines as its wells do only while they are the same.
/** @param {Used[]} used */
function wellsOf(used) {
  const wells = used.map(({ row }) => row.wells ?? 1);
  const [least, most] = [Math.min(...wells), Math.max(...wells)];
  return least === most
    ? ""
    : `The rates are those of ${least} to ${most} wells: wells that come and go bend the curve, so choose a range in which their number stays.`;
}

/** @param {number} t @param {(t: number) => string} day */
const whenOf = (t, day) => (t === Infinity ? "never" : t === 0 ? "at once" : day(t));

/** @param {Wanted} wanted @param {Analysed} done */
function yearTable({ measure, units }, done) {
  const [sign, amount] = [signOf(measure, "rate", units), signOf(measure, "volume", units)];
  const rows = yearsAhead(done);
  /** @returns {Column<YearAhead>} @param {string} title @param {"volume" | "rate" | "cumulative"} name */
  const number = (title, name) => {
    const text = evenly(rows.map((row) => row[name]));
    return { title, class: "number", cell: (row) => text(row[name]) };
  };
  /** @type {Column<YearAhead>[]} */
  const columns = [
    { title: "Year", cell: ({ year }) => String(year) },
    number(`Forecast, ${amount}`, "volume"),
    number(`Rate at its end, ${sign}`, "rate"),
    number(`Cumulative, ${amount}`, "cumulative"),
  ];
  return framed("Forecast by year, a table that scrolls", table("Forecast by year", columns, rows));
}

/** @param {string} name @param {Wanted} wanted @param {Analysed} done */
function csvButton(name, { measure, units }, done) {
  const [rateUnit, volumeUnit] = [signOf(measure, "rate", units), signOf(measure, "volume", units)];
  const download = () => {
    const rows = yearsAhead(done).map((row) => ({ ...row, rate_unit: rateUnit, volume_unit: volumeUnit }));
    saveCsv(`${name}-forecast`, csv(["year", "volume", "cumulative", "volume_unit", "rate", "rate_unit"], rows));
  };
  return h("div", { class: "actions" }, button("Download the forecast as CSV", download));
}

// -- controls --------------------------------------------------------------------------------------------------------

/** @param {Row[]} rows @param {Measure[]} known @param {(changes: Changes) => void} change */
function controlsOf(rows, known, change) {
  const product = choice(
    "Product",
    known.map(({ key, title }) => [key, title]),
    (key) => change({ product: key, limit: null }),
  );
  const model = choice(
    "Curve",
    Object.entries(MODELS).map(([key, { title }]) => [key, title]),
    (key) => change({ model: key }),
  );
  const from = dateInput("Fit from", (day) => change({ from: day }));
  const to = dateInput("to", (day) => change({ to: day }));
  const terminal = numberInput("Terminal decline, nominal % a year", (number) => change({ terminal: number }), 100);
  const limit = numberInput("Economic limit", (number) => change({ limit: number }));
  const years = numberInput("Years at most", (number) => change({ years: number }), 100);
  const units = unitChoice(change);
  /** @type {HTMLInputElement} */
  const isLog = h("input", { type: "checkbox", onchange: () => change({ log: isLog.checked ? null : "0" }) });
  const element = h(
    "div",
    { class: "controls" },
    [product, model, from, to, terminal, limit, years].map((each) => each.element),
    units.element,
    h("label", { class: "check" }, isLog, " Log scale"),
  );
  return {
    element,
    /** @param {Wanted} wanted */
    show(wanted) {
      product.select.value = wanted.measure?.key ?? "";
      model.select.value = wanted.model;
      from.input.value = wanted.from ?? rows[0].production_period;
      to.input.value = wanted.to ?? rows[rows.length - 1].production_period;
      terminal.input.value = String(wanted.terminal);
      terminal.element.hidden = wanted.model !== "terminal";
      limit.input.value = String(wanted.limit);
      limit.label.textContent = wanted.measure
        ? `Economic limit, ${signOf(wanted.measure, "rate", wanted.units)}`
        : "Economic limit";
      years.input.value = String(wanted.years);
      units.show(wanted.units);
      isLog.checked = wanted.isLog;
    },
  };
}

/** @param {string} text @param {(day: string | null) => void} picked */
function dateInput(text, picked) {
  /** @type {HTMLInputElement} */
  const input = h("input", { type: "date", onchange: () => isTyped(input) || picked(input.value || null) });
  return { input, element: h("label", {}, `${text} `, input) };
}

/** @param {string} text @param {(number: string) => void} picked @param {number} [most] */
function numberInput(text, picked, most) {
  /** @type {HTMLInputElement} */
  const input = h("input", { type: "number", min: "0", max: most, step: "any", onchange: () => picked(input.value) });
  const label = h("span", {}, text);
  return { input, label, element: h("label", {}, label, " ", input) };
}
