// Ranges of axes and the values that stand beside them. Arithmetic alone.

export const DAY = 86_400_000; // ms
const DAYS = [1, 2, 7, 14];
const MONTHS = [1, 2, 3, 6, 12, 24, 60, 120, 300, 600];

// Of values that may be none: [low, high] with zero in it and some room above, and below where there is something.
/** @param {number[]} values @returns {Span} */
export function linearRange(values) {
  const [low, high] = extent(values);
  const room = (high - low) * 0.06;
  return [low < 0 ? low - room : 0, high > 0 ? high + room : low < 0 ? 0 : 1];
}

/** @param {number[]} values */
function extent(values) {
  let [low, high] = [0, 0];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

// Zero at the same height in each: all get the largest share that one needs below it, and half at most. Each keeps a
// scale of its own.
/** @param {Span[]} ranges @returns {Span[]} */
export function aligned(ranges) {
  const share = Math.min(0.5, Math.max(0, ...ranges.map(([low, high]) => -low / (high - low))));
  if (share === 0) return ranges;
  return ranges.map(([low, high]) => {
    const above = Math.max(high, (-low * (1 - share)) / share);
    return [(-above * share) / (1 - share), above];
  });
}

// Of positive values: whole decades, or the steps 1, 2 and 5 of them where the values are close together.
/** @param {number[]} values @returns {Span} */
export function logRange(values) {
  let [low, high] = [Infinity, 0];
  for (const value of values) {
    if (value > 0 && value < low) low = value;
    if (value > high) high = value;
  }
  if (high === 0) return [0.1, 1];
  const above = stepAbove(high);
  const below = stepBelow(low);
  return [above / below < 1.5 ? stepBelow(below * 0.99) : below, above]; // a line in the midst, not on the axis
}

/** @param {number} value */
const decade = (value) => 10 ** Math.floor(Math.log10(value) + 1e-12);
/** @param {number} value */
const stepBelow = (value) =>
  decade(value) * ([5, 2, 1].find((each) => each * decade(value) <= value * (1 + 1e-9)) ?? 1);
/** @param {number} value */
const stepAbove = (value) => decade(value) * ([1.0000001, 2, 5].find((each) => each * decade(value) > value) ?? 10);

// Round values within a range, about `count` of them.
/** @param {Span} range @param {number} count */
export function ticks([low, high], count) {
  const rough = (high - low) / Math.max(1, count);
  const unit = decade(rough);
  const step = unit * ([1, 2, 5].find((each) => each * unit >= rough * 0.999) ?? 10);
  const found = [];
  for (let number = Math.ceil(low / step - 1e-9); number * step <= high * (1 + 1e-9) + step * 1e-9; number += 1) {
    found.push(Number((number * step).toPrecision(12)));
  }
  return found;
}

/** @param {Span} range @param {number} count */
export function logTicks([low, high], count) {
  const decades = Math.log10(high / low);
  const every = Math.max(1, Math.ceil(decades / Math.max(1, count)));
  const steps = decades <= count / 2 ? [1, 2, 5] : [1];
  const found = [];
  for (let power = Math.floor(Math.log10(low) + 1e-9); power <= Math.log10(high) + 1e-9; power += every) {
    for (const step of steps) {
      const value = Number((step * 10 ** power).toPrecision(12));
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) found.push(value);
    }
  }
  return found;
}

// Moments in ms within a range, at the beginning of days, months or years: {step, ticks}; `step` is in days.
/** @param {Span} range @param {number} count */
export function timeTicks([low, high], count) {
  const rough = (high - low) / Math.max(1, count) / DAY;
  const days = DAYS.find((each) => each >= rough);
  if (days) return { step: days, ticks: dayTicks(low, high, days) };
  const months = MONTHS.find((each) => each * 30.4 >= rough) ?? MONTHS[MONTHS.length - 1];
  return { step: months * 30, ticks: monthTicks(low, high, months) };
}

/** @param {number} low @param {number} high @param {number} days */
function dayTicks(low, high, days) {
  const found = [];
  for (let day = Math.ceil(low / DAY / days) * days; day * DAY <= high; day += days) found.push(day * DAY);
  return found;
}

/** @param {number} low @param {number} high @param {number} months */
function monthTicks(low, high, months) {
  const found = [];
  const from = new Date(low);
  const first = Math.floor((from.getUTCFullYear() * 12 + from.getUTCMonth()) / months) * months;
  for (let month = first; at(month) <= high; month += months) if (at(month) >= low) found.push(at(month));
  return found;
}

/** @param {number} month */
function at(month) {
  const day = new Date(0);
  day.setUTCFullYear(Math.floor(month / 12), month % 12, 1);
  return day.getTime();
}
