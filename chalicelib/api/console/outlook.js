// A decline that is fitted to rows of production: its points, what lies ahead month by month and year by year, and the
// panels that show it. No page here.

import { signOf } from "./curves.js";
import { fitted, forecast, rateAt, sumTo, YEAR } from "./decline.js";
import { period } from "./dom.js";
import { endOf } from "./periods.js";
import { valuesOf, volume } from "./production.js";
import { DAY } from "./scales.js";
import { converted } from "./units.js";

const MS = YEAR * DAY; // of a year
/** @type {Record<string, string>} */
const ROLES = { told: "Published", curve: "Curve" };

// The moment that is `t` years after the beginning of the range, to the millisecond.
/** @param {number} start @param {number} t */
export const dayAt = (start, t) => new Date(Math.round(start + t * MS));

// Times count from the beginning of the range; a rate is that of the middle of its period.
/** @param {Row[]} rows @param {Wanted} wanted @returns {Analysis} */
export function analysis(rows, wanted) {
  const { measure, model, terminal, limit, years, units, from, to } = wanted;
  const isIn = (/** @type {Row} */ { production_period: day }) => (!from || day >= from) && (!to || day <= to);
  const rates = valuesOf(rows, measure, "rate", units);
  const start = Date.parse((rows.find(isIn) ?? rows[0]).production_period);
  const points = rows.map((row, at) => {
    const middle = (Date.parse(row.production_period) + endOf(row)) / 2;
    return {
      row,
      key: row.production_period,
      x: middle,
      t: (middle - start) / MS,
      q: rates[at],
      isIn: isIn(row) && (rates[at] ?? 0) > 0,
    };
  });
  const used = /** @type {Used[]} */ (points.filter((point) => point.isIn));
  const fit = fitted(used, model, { terminal: terminal / 100 });
  const now = (endOf(rows[rows.length - 1]) - start) / MS;
  const sum =
    converted(
      rows.reduce((total, row) => total + (volume(row, measure.name) ?? 0), 0),
      measure.kind,
      units,
    ) ?? 0;
  return { points, used, fit, start, now, sum, ahead: fit && forecast(fit.curve, { now, limit, longest: years }) };
}

// Month after month from the end of the data on.
/** @param {Analysed} done */
function monthsAhead({ start, now, ahead, fit }) {
  const found = [];
  const first = dayAt(start, now);
  for (let month = 0; found.length < 1300; month += 1) {
    const x = Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + month, 1);
    const t = (x - start) / MS;
    if (t > ahead.end) break;
    if (t >= now) found.push({ x, key: new Date(x).toISOString().slice(0, 10), y: rateAt(fit.curve, t) });
  }
  return found;
}

// Year by year, the last one to its end alone: {year, volume, rate at its end, cumulative}. Time in years is not exact,
// so years are counted: a turn of the year that comes out a moment too early would begin one of no length.
/** @param {Analysed} done */
export function yearsAhead({ start, now, ahead, fit, sum }) {
  const rows = [];
  let from = now;
  for (let year = dayAt(start, now).getUTCFullYear(); from < ahead.end - 1e-9; year += 1) {
    const to = Math.min(ahead.end, (Date.UTC(year + 1, 0, 1) - start) / MS);
    const volume = sumTo(fit.curve, to) - sumTo(fit.curve, from);
    sum += volume;
    rows.push({ year, volume, rate: rateAt(fit.curve, to), cumulative: sum });
    from = to;
  }
  return rows;
}

// -- the plot --------------------------------------------------------------------------------------------------------

/** @param {Row[]} rows @param {Wanted} wanted @param {Analysis} done @returns {Model} */
export function modelOf(rows, wanted, done) {
  const { measure, units, isLog } = wanted;
  const { points, fit } = done;
  const sign = signOf(measure, "rate", units);
  const later = fit ? monthsAhead(/** @type {Analysed} */ (done)) : [];
  const range = [Date.parse(rows[0].production_period), Math.max(endOf(rows[rows.length - 1]), later.at(-1)?.x ?? 0)];
  const lines = linesOf(wanted, done, { later, range });
  /** @type {PlotPanel[]} */
  const panels = [{ title: `${measure.title}, ${sign}`, scale: isLog ? "log" : "linear", isFree: true, lines }];
  if (fit) panels.push(residualPanel(wanted, done.used, fit));
  return {
    panels,
    axis: { kind: "time", range },
    keys: [...points.map(({ key }) => key), ...later.map(({ key }) => key)],
    latest: rows[rows.length - 1].production_period,
    names: ["told", ...(fit ? ["curve"] : [])].map((as) => ({ entity: 0, as, text: ROLES[as] })),
    nameOf: period,
  };
}

// The rates that are left out, those that are used, the curve through them, what lies ahead, and the limit.
/** @param {Wanted} wanted @param {Analysis} done @param {{later: Point[], range: Span}} ahead @returns {Line[]} */
function linesOf({ measure, limit }, { points, used, fit }, { later, range }) {
  const out = points.filter((each) => !each.isIn);
  const curve = fit ? used.map((each) => ({ x: each.x, key: each.key, y: rateAt(fit.curve, each.t) })) : [];
  const whole = line([...curve, ...later], { colour: "--ink", as: "curve" });
  const lines = [
    dots(out, { colour: "--muted", as: "left out" }),
    // Of the rates that are left out too the cursor tells the value.
    {
      ...dots(points, { colour: measure.colour, as: "told" }),
      points: dots(used, { colour: measure.colour, as: "told" }).points,
    },
    { ...whole, points: curve },
    line(later, { colour: "--ink", as: "later", dash: [6, 4] }),
  ];
  if (limit > 0) {
    const ends = range.map((x) => ({ x, y: limit }));
    lines.push(line(ends, { colour: "--bad", as: "limit", dash: [2, 3] }));
  }
  return lines;
}

/** @param {Wanted} wanted @param {Used[]} used @param {Fit} fit @returns {PlotPanel} */
function residualPanel({ measure, units }, used, fit) {
  const rest = used.map((each, at) => ({ x: each.x, key: each.key, y: fit.residuals[at] }));
  return {
    title: `Residual: published less curve, ${signOf(measure, "rate", units)}`,
    scale: "linear",
    isFree: true,
    lines: [line(rest, { colour: measure.colour, as: "told", dots: true })],
  };
}

/** @param {Placed[]} list @param {{colour: string, as: string}} look */
function dots(list, { colour, as }) {
  const points = list.flatMap((each) => (each.q === null ? [] : [{ ...each, y: each.q }]));
  return line(points, { colour, as, dots: true });
}

/** @param {Point[]} points @param {{colour: string, as: string, dash?: number[], dots?: boolean}} look @returns {Line} */
const line = (points, { colour, as, dash = [], dots = false }) => ({
  entity: 0,
  as,
  colour,
  dash,
  dots,
  points,
  values: new Map(points.map(({ key, y }) => [key, y])),
});
