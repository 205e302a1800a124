// Decline curves after J. J. Arps, "Analysis of Decline Curves", Trans. AIME 160 (1945), 228-247, their sums, and a fit by
// least squares. Arithmetic alone; times are in years, rates in volumes a day, `d` the nominal decline a year at t = 0.
//
//   exponential  q = qi exp(-d t)
//   hyperbolic   q = qi (1 + b d t)^(-1/b)
//   harmonic     q = qi / (1 + d t), the hyperbolic one with b = 1
//   terminal     the hyperbolic one until its decline has come down to `terminal`, exponential with that from there
//
// The last is the modified hyperbolic decline of S. Robertson, "Generalized Hyperbolic Equation", SPE 18731 (1988), in the
// form in common use, with a switch.

export const YEAR = 365.25; // days
/** @type {Record<string, {title: string, parameters: Parameter[]}>} */
export const MODELS = {
  exponential: { title: "Exponential", parameters: ["qi", "d"] },
  hyperbolic: { title: "Hyperbolic", parameters: ["qi", "d", "b"] },
  harmonic: { title: "Harmonic", parameters: ["qi", "d"] },
  terminal: { title: "Hyperbolic, then a terminal decline", parameters: ["qi", "d", "b"] },
};
const TINY = 1e-7; // a `b` below is an exponential decline to all digits that matter

// -- the curves ------------------------------------------------------------------------------------------------------

// A decline that is below the terminal one from the start stays as it is: there is nothing to come down from.
/** @param {Curve} curve */
const isBelow = ({ model, d, terminal }) => model === "terminal" && terminal > 0 && d <= terminal;
/** @param {Curve} curve @returns {number} */
const bOf = (curve) =>
  curve.model === "exponential" || isBelow(curve) ? 0 : curve.model === "harmonic" ? 1 : (curve.b ?? 0);

// When the terminal decline begins; never in the other models, and never without one.
/** @param {Curve} curve */
export function switchTime(curve) {
  if (curve.model !== "terminal" || !(curve.terminal > 0)) return Infinity;
  const b = bOf(curve);
  return b < TINY ? Infinity : (curve.d / curve.terminal - 1) / (b * curve.d);
}

/** @param {Curve} curve @param {number} t */
export function rateAt(curve, t) {
  const at = switchTime(curve);
  if (t <= at) return arps(curve, t);
  return arps(curve, at) * Math.exp(-curve.terminal * (t - at));
}

/** @param {Curve} curve @param {number} t */
function arps(curve, t) {
  const { qi, d } = curve;
  const b = bOf(curve);
  return b < TINY ? qi * Math.exp(-d * t) : qi * Math.exp(-Math.log1p(b * d * t) / b);
}

// The nominal decline a year at a time.
/** @param {Curve} curve @param {number} t */
export function declineAt(curve, t) {
  if (t > switchTime(curve)) return curve.terminal;
  return curve.d / (1 + bOf(curve) * curve.d * t);
}

// What flows from 0 to t: the rate's volumes.
/** @param {Curve} curve @param {number} t */
export function sumTo(curve, t) {
  const at = switchTime(curve);
  if (t <= at) return YEAR * arpsSum(curve, t);
  const tail = (arps(curve, at) / curve.terminal) * -Math.expm1(-curve.terminal * (t - at));
  return YEAR * (arpsSum(curve, at) + tail);
}

// In the form (q0 t) f(b, d t), which is stable about b = 0, b = 1 and d = 0.
/** @param {Curve} curve @param {number} t */
function arpsSum(curve, t) {
  const { qi, d } = curve;
  const b = bOf(curve);
  if (Math.abs(d * t) < 1e-12) return qi * t;
  if (b < TINY) return (qi / d) * -Math.expm1(-d * t);
  const growth = Math.log1p(b * d * t);
  if (Math.abs(1 - b) < 1e-9) return ((qi / d) * growth) / b;
  return (qi / (d * (1 - b))) * -Math.expm1((growth * (b - 1)) / b);
}

// The time at which the rate has come down to `limit`: 0 when it is below it at once, Infinity when it never is.
/** @param {Curve} curve @param {number} limit */
export function timeOf(curve, limit) {
  if (!(limit > 0)) return Infinity;
  if (limit >= curve.qi) return 0;
  const at = switchTime(curve);
  const there = at === Infinity ? 0 : arps(curve, at);
  if (limit < there) return curve.terminal > 0 ? at + Math.log(there / limit) / curve.terminal : Infinity;
  if (!(curve.d > 0)) return Infinity;
  const b = bOf(curve);
  if (b < TINY) return Math.log(curve.qi / limit) / curve.d;
  return Math.expm1(b * Math.log(curve.qi / limit)) / (b * curve.d);
}

// What is lost within a year of a nominal decline, as people say it: 0.1 a year is 9.5 % effective, taken on the tangent.
/** @param {number} d */
export const effective = (d) => -Math.expm1(-d);

// -- the fit ---------------------------------------------------------------------------------------------------------

const STEPS = 500;
const BOUND = 5; // of b; Arps' own is 1, and 2 the linear flow of a fracture
const STARTS = [0.3, 1, 1.7];
const LEAST = 1e-12; // of a rate and of a decline
const LEAST_DECLINE = 1e-9; // a year

// The curve with the least sum of squared differences from points [{t, q}], of the rates themselves and all of one
// weight: {curve, sum, errors, residuals, r2, deviation, isDeclining, isAtBound}, or null for fewer points than parameters.
/** @param {Dated[]} points @param {string} model @param {{terminal?: number}} [options] @returns {Fit | null} */
export function fitted(points, model, { terminal = 0 } = {}) {
  const { parameters } = MODELS[model];
  if (points.length <= parameters.length) return null;
  /** @type {CurveOf} */
  const curveOf = (values) => {
    const named = /** @type {any} */ (Object.fromEntries(parameters.map((name, at) => [name, values[at]])));
    return { model, terminal, ...named };
  };
  const starts = parameters.includes("b") ? STARTS : [0];
  const found = starts.map((b) => levenbergMarquardt(points, firstValues(points, parameters, b), curveOf, parameters));
  const best = found.reduce((one, other) => (other.sum < one.sum ? other : one));
  const curve = curveOf(best.values);
  const residuals = points.map(({ t, q }) => q - rateAt(curve, t));
  const mean = points.reduce((sum, { q }) => sum + q, 0) / points.length;
  const spread = points.reduce((sum, { q }) => sum + (q - mean) ** 2, 0);
  const isAtBound = parameters.includes("b") && ((curve.b ?? 0) <= TINY || (curve.b ?? 0) >= BOUND);
  const free = parameters.filter((name) => name !== "b" || !(isAtBound || isBelow(curve)));
  const freedom = points.length - free.length;
  return {
    curve,
    sum: best.sum,
    residuals,
    r2: spread > 0 ? 1 - best.sum / spread : null,
    deviation: Math.sqrt(best.sum / freedom),
    errors: errorsOf(points, best.values, curveOf, { parameters, free }, best.sum / freedom),
    isDeclining: curve.d > LEAST_DECLINE,
    isAtBound,
  };
}

// A line through the logarithms tells where to begin.
/** @param {Dated[]} points @param {Parameter[]} parameters @param {number} b */
function firstValues(points, parameters, b) {
  const positive = points.filter(({ q }) => q > 0);
  const count = Math.max(1, positive.length);
  const t = positive.reduce((sum, each) => sum + each.t, 0) / count;
  const y = positive.reduce((sum, each) => sum + Math.log(each.q), 0) / count;
  const across = positive.reduce((sum, each) => sum + (each.t - t) * (Math.log(each.q) - y), 0);
  const along = positive.reduce((sum, each) => sum + (each.t - t) ** 2, 0);
  const d = along > 0 ? -across / along : 0.1;
  const start = { qi: positive.length ? Math.exp(y + d * t) : 1, d: d > 0.01 ? d * (1 + b) : 0.01, b };
  return parameters.map((name) => start[name]);
}

/** @param {number[]} values @param {Parameter[]} parameters */
const within = (values, parameters) =>
  values.map((value, at) => (parameters[at] === "b" ? Math.min(BOUND, Math.max(0, value)) : Math.max(LEAST, value)));

// K. Levenberg (1944), D. W. Marquardt (1963), with his scaling by the diagonal.
/** @param {Dated[]} points @param {number[]} first @param {CurveOf} curveOf @param {Parameter[]} parameters */
function levenbergMarquardt(points, first, curveOf, parameters) {
  let values = within(first, parameters);
  let sum = squares(points, curveOf(values));
  let damping = 1e-3;
  let still = 0;
  for (let step = 0; step < STEPS && still < 3; step += 1) {
    const columns = jacobian(points, values, curveOf, parameters);
    const curve = curveOf(values);
    const rest = points.map(({ t, q }) => q - rateAt(curve, t));
    const matrix = columns.map((one) => columns.map((other) => dot(one, other)));
    const side = columns.map((column) => dot(column, rest));
    let isBetter = false;
    while (!isBetter && damping < 1e16) {
      const damped = matrix.map((row, at) =>
        row.map((cell, place) => (at === place ? cell * (1 + damping) + 1e-300 : cell)),
      );
      const next = stepped(damped, side, values, parameters);
      const nextSum = next ? squares(points, curveOf(next)) : Infinity;
      isBetter = nextSum <= sum;
      damping *= isBetter ? 0.1 : 10;
      if (!next || !isBetter) continue;
      const change = Math.max(...next.map((value, at) => Math.abs(value - values[at]) / (Math.abs(value) + 1e-12)));
      still = change < 1e-12 ? still + 1 : 0;
      [values, sum] = [next, nextSum];
    }
    if (!isBetter) break;
    damping = Math.max(damping, 1e-12);
  }
  return { values, sum };
}

// The values after a step, or null. One that would leave its range stands at its end, and the others go where they are
// best with it there.
/** @param {number[][]} matrix @param {number[]} side @param {number[]} values @param {Parameter[]} parameters */
function stepped(matrix, side, values, parameters) {
  const held = new Map(); // place → its step
  for (;;) {
    const free = values.map((_, at) => at).filter((at) => !held.has(at));
    const rest = free.map(
      (at) => side[at] - [...held].reduce((sum, [other, move]) => sum + matrix[at][other] * move, 0),
    );
    const moves = solved(
      free.map((at) => free.map((other) => matrix[at][other])),
      rest,
    );
    if (!moves) return null;
    const wished = values.map((value, at) => value + (held.get(at) ?? moves[free.indexOf(at)]));
    const next = within(wished, parameters);
    const outside = free.filter((at) => next[at] !== wished[at]);
    if (!outside.length) return next;
    for (const at of outside) held.set(at, next[at] - values[at]);
  }
}

/** @param {Dated[]} points @param {Curve} curve */
const squares = (points, curve) => {
  const sum = points.reduce((total, { t, q }) => total + (q - rateAt(curve, t)) ** 2, 0);
  return Number.isFinite(sum) ? sum : Infinity;
};
/** @param {number[]} one @param {number[]} other */
const dot = (one, other) => one.reduce((sum, value, at) => sum + value * other[at], 0);

// By central differences: a column of each parameter.
/** @param {Dated[]} points @param {number[]} values @param {CurveOf} curveOf @param {Parameter[]} parameters */
function jacobian(points, values, curveOf, parameters) {
  return values.map((value, at) => {
    const step = 1e-6 * Math.max(Math.abs(value), 1e-3);
    const [up, down] = [value + step, parameters[at] === "b" ? Math.max(0, value - step) : value - step];
    const [above, below] = [up, down].map((each) => curveOf(values.with(at, each)));
    return points.map(({ t }) => (rateAt(above, t) - rateAt(below, t)) / (up - down));
  });
}

// The standard errors of the parameters, from the matrix of their covariance at the best fit; null where it has none. An
// exponent that the data do not settle is held where it stands: beside it the others have theirs.
/** @param {Dated[]} points @param {number[]} values @param {CurveOf} curveOf @param {{parameters: Parameter[], free: Parameter[]}} names @param {number} variance @returns {Record<string, number | null>} */
function errorsOf(points, values, curveOf, { parameters, free }, variance) {
  const columns = jacobian(points, values, curveOf, parameters).filter((_, at) => free.includes(parameters[at]));
  const matrix = columns.map((one) => columns.map((other) => dot(one, other)));
  /** @type {Record<string, number | null>} */
  const errors = Object.fromEntries(parameters.map((name) => [name, null]));
  free.forEach((name, at) => {
    const unit = free.map((_, place) => (place === at ? 1 : 0));
    const value = (solved(matrix, unit)?.[at] ?? NaN) * variance;
    if (value >= 0) errors[name] = Math.sqrt(value);
  });
  return errors;
}

// Gauss's elimination with pivots; null for a matrix that is singular.
/** @param {number[][]} matrix @param {number[]} side @returns {number[] | null} */
function solved(matrix, side) {
  const rows = matrix.map((row, at) => [...row, side[at]]);
  for (let at = 0; at < rows.length; at += 1) {
    const pivot = rows
      .slice(at)
      .reduce((best, row, place) => (Math.abs(row[at]) > Math.abs(rows[best][at]) ? at + place : best), at);
    [rows[at], rows[pivot]] = [rows[pivot], rows[at]];
    if (!(Math.abs(rows[at][at]) > 0)) return null;
    for (let below = at + 1; below < rows.length; below += 1) {
      const factor = rows[below][at] / rows[at][at];
      for (let place = at; place <= rows.length; place += 1) rows[below][place] -= factor * rows[at][place];
    }
  }
  const result = new Array(rows.length).fill(0);
  for (let at = rows.length - 1; at >= 0; at -= 1) {
    const rest = result.reduce((sum, value, place) => (place > at ? sum + rows[at][place] * value : sum), 0);
    result[at] = (rows[at][rows.length] - rest) / rows[at][at];
  }
  return result.every(Number.isFinite) ? result : null;
}

// -- what is to come -------------------------------------------------------------------------------------------------

// From `now` to the time of the economic limit, `longest` years at most: {end, isLimit, volume, rate}. `rate` is that at
// the end, and nothing comes where the rate is below the limit already.
/** @param {Curve} curve @param {{now: number, limit: number, longest: number}} horizon @returns {Forecast} */
export function forecast(curve, { now, limit, longest }) {
  const reached = timeOf(curve, limit);
  const end = Math.max(now, Math.min(reached, now + longest));
  return {
    end,
    isLimit: reached <= now + longest,
    volume: sumTo(curve, end) - sumTo(curve, now),
    rate: rateAt(curve, end),
  };
}
