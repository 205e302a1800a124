// A plot of production over time, drawn by uPlot. What it shows stands in the table below it too.

import { h, rate, say } from "./dom.js";
import { endOf, nameOf } from "./periods.js";

export const MEASURES = [
  { name: "oil_production_kbd", title: "Oil", scale: "kbd", colour: "--oil", dash: [] },
  { name: "liquids_production_kbd", title: "Liquids", scale: "kbd", colour: "--liquids", dash: [2, 4] },
  { name: "water_production_kbd", title: "Water", scale: "kbd", colour: "--water", dash: [12, 4] },
  { name: "gas_production_mmcfd", title: "Gas", scale: "mmcfd", colour: "--gas", dash: [6, 4] },
];
// By scale: the sign of the unit, its name, and what the axis says.
export const RATES = {
  kbd: { sign: "kbd", name: "thousand barrels per day", axis: "oil, liquids, water: thousand barrels a day" },
  mmcfd: { sign: "MMcf/d", name: "million standard cubic feet per day", axis: "gas: million cubic feet a day" },
};
export const VOLUMES = {
  kbd: { sign: "kbbl", name: "thousand barrels", axis: "oil, liquids, water: thousand barrels" },
  mmcfd: { sign: "MMcf", name: "million standard cubic feet", axis: "gas: million cubic feet" },
};
const NARROW = 520; // pixels; below, the legend alone tells the units
const DAY = 86_400;
const STEPS = [1, 7, 30, 61, 91, 182, 365, 730, 1825, 3650, 9125].map((days) => days * DAY);
const YEAR = new Intl.DateTimeFormat(undefined, { year: "numeric", timeZone: "UTC" });
const DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const MONTH = new Intl.DateTimeFormat(undefined, { year: "2-digit", month: "short", timeZone: "UTC" });

// {element, zoom(first, last), log(on)}; periods as YYYY-MM-DD. `rows` are in the order of their periods, `revisions` what
// they were before, both in `units`. `picked(first, last)` is told of a range that was drawn, with nulls for all.
export function chart(rows, { revisions = [], units, picked, signal }) {
  const points = spread(rows);
  const place = h("div", {
    class: "plot",
    tabindex: "0",
    role: "group",
    "aria-label":
      "Plot of the production over time. The arrow keys go from period to period. The table below has the same figures.",
  });
  const legend = MEASURES.map((measure, index) => entry(measure, units, () => toggle(index)));
  const at = h("p", { class: "at" });
  const state = {
    isLog: false,
    range: rangeOf(points, null, null),
    hidden: new Set(),
    marks: marksOf(rows, revisions),
  };
  let plot = null;

  function draw() {
    plot?.destroy();
    const hooks = { draw: [(u) => drawMarks(u, state)], setSelect: [select], setCursor: [(u) => read(u.cursor.idx)] };
    plot = new uPlot(
      options(place, state, points, { units, hooks, reset: () => picked(null, null) }),
      columnsOf(points, state.isLog),
      place,
    );
    plot.setScale("x", state.range);
    read(null);
  }

  function select(u) {
    const { left, width } = u.select;
    if (width < 5) return;
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    picked(dayOf(u.posToVal(left, "x")), dayOf(u.posToVal(left + width, "x")));
  }

  function read(index) {
    const place = index ?? lastWithin(points, state.range);
    const row = points[place]?.row;
    at.textContent = row ? `${index === null ? "Latest: " : ""}${nameOf(row)}` : "No data";
    legend.forEach(({ show }, number) => show(row, state.hidden.has(number), state.marks, points[place]?.x, number));
  }

  function toggle(index) {
    if (!state.hidden.delete(index)) state.hidden.add(index);
    plot.setSeries(index + 1, { show: !state.hidden.has(index) });
    read(null);
  }

  function step(event) {
    const moves = { ArrowLeft: -1, ArrowRight: 1, Home: -points.length, End: points.length };
    if (event.key === "Escape") return picked(null, null);
    if (!(event.key in moves)) return;
    event.preventDefault();
    const from = plot.cursor.idx ?? lastWithin(points, state.range) - Math.sign(moves[event.key]);
    let next = Math.min(points.length - 1, Math.max(0, from + moves[event.key]));
    while (!points[next].row) next += Math.sign(moves[event.key]);
    plot.setCursor({ left: plot.valToPos(points[next].x, "x"), top: plot.over.clientHeight / 2 });
    say(spoken(points[next].row, units));
  }

  place.addEventListener("keydown", step);
  const resized = new ResizeObserver(() => plot?.setSize(sizeOf(place)));
  signal.addEventListener("abort", () => (resized.disconnect(), plot?.destroy()));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(), { signal });
  requestAnimationFrame(() => {
    if (signal.aborted) return;
    draw();
    resized.observe(place);
  });

  return {
    element: h(
      "div",
      { class: "chart" },
      at,
      h(
        "div",
        { class: "legend" },
        legend.map(({ element }) => element),
      ),
      place,
    ),
    zoom(first, last) {
      state.range = rangeOf(points, first, last);
      plot?.setScale("x", state.range);
      if (plot) read(null);
    },
    log(isOn) {
      state.isLog = isOn;
      draw();
    },
  };
}

// Points in time; where a period is missing, one without a row, which breaks the lines.
function spread(rows) {
  const points = [];
  let before = null;
  for (const row of rows) {
    const x = secondsOf(row.production_period);
    if (before !== null && x > before) points.push({ x: before, row: null });
    points.push({ x, row });
    before = endOf(row) / 1000;
  }
  return points;
}

// In seconds. A period alone is in the middle of some room.
function rangeOf(points, first, last) {
  const [min, max] = [first ? secondsOf(first) : points[0].x, last ? secondsOf(last) : points.at(-1).x];
  return min < max ? { min, max } : { min: min - 15 * DAY, max: max + 15 * DAY };
}

function columnsOf(points, isLog) {
  const value = ({ row }, name) => (row === null || (isLog && row[name] <= 0) ? null : row[name]);
  return [points.map(({ x }) => x), ...MEASURES.map(({ name }) => points.map((point) => value(point, name)))];
}

// What a row was: {x, series, old, now} for each value that a revision changed.
function marksOf(rows, revisions) {
  const later = new Map(rows.map((row) => [row.production_period, row]));
  const marks = [];
  for (const old of revisions.toReversed()) {
    const now = later.get(old.production_period);
    later.set(old.production_period, old);
    MEASURES.forEach(({ name }, series) => {
      if (now && old[name] !== now[name])
        marks.push({ x: secondsOf(old.production_period), series, old: old[name], now: now[name] });
    });
  }
  return marks;
}

function drawMarks(u, { marks, hidden, isLog }) {
  const { ctx } = u;
  const unit = devicePixelRatio;
  const { min, max } = u.scales.x;
  ctx.save();
  ctx.setLineDash([]);
  ctx.lineWidth = 1.25 * unit;
  for (const { x, series, old, now } of marks) {
    if (hidden.has(series) || x < min || x > max || old === null || (isLog && old <= 0)) continue;
    const { scale, colour } = MEASURES[series];
    const left = u.valToPos(x, "x", true);
    const top = u.valToPos(old, scale, true);
    ctx.strokeStyle = styled(colour);
    ctx.fillStyle = styled("--panel");
    ctx.beginPath();
    if (now !== null && !(isLog && now <= 0)) {
      ctx.moveTo(left, top);
      ctx.lineTo(left, u.valToPos(now, scale, true));
      ctx.stroke();
    }
    ctx.beginPath();
    ctx.arc(left, top, 3 * unit, 0, 2 * Math.PI);
    ctx.fill();
    ctx.stroke();
  }
  ctx.restore();
}

function options(place, state, points, { units, hooks, reset }) {
  const ink = styled("--muted");
  const grid = { stroke: styled("--line"), width: 1 };
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const isNarrow = place.clientWidth < NARROW;
  const axis = { stroke: ink, ticks: grid, font, labelFont: font };
  const scale = { distr: state.isLog ? 3 : 1, range: (_, low, high) => bounds(low, high, state.isLog) };
  const upright = (name, side, more) => ({
    ...axis,
    scale: name,
    side,
    size: isNarrow ? 44 : 58,
    labelSize: 22,
    label: isNarrow ? undefined : units[name].axis,
    values: (_, splits) => splits.map((value) => (value === null ? "" : rate(value))),
    ...more,
  });
  return {
    ...sizeOf(place),
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    legend: { show: false },
    cursor: { drag: { x: true, y: false, setScale: false }, y: false, bind: { dblclick: () => reset } },
    scales: { x: { time: true }, kbd: scale, mmcfd: scale },
    axes: [
      {
        ...axis,
        grid,
        space: 70,
        incrs: STEPS,
        values: (_, splits, __, ___, step) => splits.map((x) => tickFormat(step).format(x * 1000)),
      },
      upright("kbd", 3, { grid }),
      upright("mmcfd", 1, { grid: { show: false }, stroke: styled("--gas") }),
    ],
    series: [{}, ...MEASURES.map((measure, index) => line(measure, state.hidden.has(index), points))],
    hooks,
  };
}

function line({ name, title, scale, colour, dash }, isHidden, points) {
  const has = (place) => (points[place]?.row?.[name] ?? null) !== null;
  const alone = points.flatMap((_, place) => (has(place) && !has(place - 1) && !has(place + 1) ? [place] : []));
  const stroke = styled(colour);
  const dots = { show: false, filter: () => (alone.length ? alone : null), size: 4, fill: stroke };
  return { label: title, scale, stroke, width: 1.75, dash, show: !isHidden, points: dots };
}

function bounds(low, high, isLog) {
  if (low === null) return isLog ? [0.1, 1] : [0, 1];
  if (isLog) return uPlot.rangeLog(low, high, 10, true);
  const room = (high - Math.min(0, low)) * 0.06 || 1;
  return [low < 0 ? low - room : 0, high + room];
}

// {element, show}: a name that is a button, with the value at the cursor.
function entry({ name, title, scale, colour, dash }, units, toggle) {
  const value = h("b", {});
  const was = h("small", {});
  const sample = h("i", { "data-colour": colour.slice(2), "data-dash": dash.join("-") });
  const element = h(
    "button",
    { type: "button", "aria-pressed": "true", onclick: toggle },
    h("span", { class: "name" }, sample, title),
    h("span", {}, value, h("span", { class: "unit" }, ` ${units[scale].sign}`)),
    was,
  );
  return {
    element,
    show(row, isHidden, marks, x, series) {
      element.setAttribute("aria-pressed", String(!isHidden));
      value.textContent = row ? rate(row[name]) : "–";
      const mark = marks.find((each) => each.x === x && each.series === series);
      was.textContent = mark ? `was ${rate(mark.old)}` : "\u00a0";
    },
  };
}

const spoken = (row, units) =>
  [nameOf(row), ...MEASURES.map(({ name, title, scale }) => `${title} ${rate(row[name])} ${units[scale].sign}`)].join(
    ", ",
  );
const tickFormat = (step) => (step >= 365 * DAY ? YEAR : step >= 30 * DAY ? MONTH : DATE);
const styled = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const secondsOf = (day) => Date.parse(day) / 1000;
const dayOf = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);
const sizeOf = (place) => ({
  width: Math.max(240, place.clientWidth),
  height: Math.round(Math.min(400, Math.max(260, place.clientWidth * 0.42))),
});

function lastWithin(points, range) {
  return points.findLastIndex(({ x, row }) => row && x <= range.max && x >= range.min);
}
