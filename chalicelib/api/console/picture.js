// Stacked panels over one axis as a list of shapes: lines, rectangles, rings and text at their places. Nothing is drawn
// here; the screen, a file of SVG and one of PNG all get the same list.
//
// A panel is {title, lines, scale}: `scale` "linear", "log" or "share", its zero aligned with the others' unless `isFree`.
// A line is {colour, dash, width, points, former, dots, bar}; `bar` is the width of a bar, in what the axis counts:
// a point {x, y, key, end} or null where the line breaks, `former` the points of values that were revised since.

import { rate, UTC } from "./dom.js";
import { aligned, linearRange, logRange, logTicks, ticks, timeTicks } from "./scales.js";

/** @type {Record<number, number>} */
const HEIGHTS = { 1: 300, 2: 180, 3: 136 }; // pixels of a panel, by how many there are
const LOW = 112;
const TITLE = 25;
const AXIS = 24;
const SIZE = 12; // of text
const DIGIT = 7.5; // pixels of a sign of that size
const NAME = 15; // signs of a name below the axis
const NAME_WIDTH = 104; // pixels that it needs
const RING = 11; // pixels a revision needs to be a ring of its own
const ROW = 18; // of what stands above the panels
const SWATCH = 24; // the line beside a name
const YEAR = new Intl.DateTimeFormat(undefined, { ...UTC, year: "numeric" });
const MONTH = new Intl.DateTimeFormat(undefined, { ...UTC, year: "2-digit", month: "short" });
const DATE = new Intl.DateTimeFormat(undefined, { ...UTC, day: "numeric", month: "short" });

// {width, height, shapes, areas}; an area is the place of a panel with its scales: {left, top, width, height, range,
// toX, toY}. `axis` is {kind: "time", "number" or "names", range, title, names}; without a range each panel has one of its
// own, and of names a point stands at the number of its own. A `legend`, [{text, colour, dash}], is below the heading.
/** @param {PlotPanel[]} panels @param {{width: number, axis: Axis, heading?: string[], legend?: LegendEntry[]}} options */
export function picture(panels, { width, axis, heading = [], legend = [] }) {
  const height = HEIGHTS[panels.length] ?? LOW;
  const scales = verticals(panels, axis.range);
  const left = Math.max(width < 520 ? 48 : 60, roomOf(panels, scales, height));
  const right = 12;
  /** @type {Shape[]} */
  const shapes = heading.map((text, place) =>
    words(text, { x: left, y: 16 + place * ROW, size: place ? 12 : 14, strong: !place }),
  );
  const named = legendOf(legend, { left, top: 16 + heading.length * ROW, width: width - left - right });
  shapes.push(...named.shapes);
  const above = heading.length + named.rows;
  let top = above ? 12 + above * ROW : 0;
  const areas = panels.map((panel, place) => {
    const hasAxis = !axis.range || place === panels.length - 1;
    const range = axis.range ?? ownRange(panel);
    const area = areaOf(
      { left, top: top + TITLE, width: width - left - right, height },
      range,
      scales[place],
      panel.scale,
    );
    shapes.push(...frame(panel, area, { axis, hasAxis }));
    shapes.push(...panel.lines.flatMap((line) => linesOf(line, area, panel.scale)));
    shapes.push(...revisions(panel, area));
    top += TITLE + height + (hasAxis ? AXIS + (titleOf(panel, axis) ? 16 : 0) : 6);
    return area;
  });
  return { width, height: Math.ceil(top + 2), shapes, areas };
}

// {shapes, rows}: as many beside each other as have room.
/** @param {LegendEntry[]} entries @param {{left: number, top: number, width: number}} place @returns {{shapes: Shape[], rows: number}} */
function legendOf(entries, { left, top, width }) {
  let [x, rows] = [left, entries.length ? 1 : 0];
  const shapes = entries.flatMap(({ text, colour, dash }) => {
    const room = SWATCH + 6 + DIGIT * text.length;
    if (x > left && x + room > left + width) [x, rows] = [left, rows + 1];
    const [at, y] = [x, top + (rows - 1) * ROW];
    x += room + ROW;
    return [
      path([[at, y - 4, at + SWATCH, y - 4]], { stroke: colour, width: 3, dash, name: "legend" }),
      words(text, { x: at + SWATCH + 6, y }),
    ];
  });
  return { shapes, rows };
}

// Of the longest number beside an axis.
/** @param {PlotPanel[]} panels @param {Span[]} scales @param {number} height */
function roomOf(panels, scales, height) {
  const toY = () => 0;
  const texts = panels.flatMap(({ scale }, at) => upright(scale, { vertical: scales[at], height, toY }));
  return 10 + DIGIT * Math.max(0, ...texts.map(({ text }) => text.length));
}

/** @param {Box} place @param {Span} range @param {Span} vertical @param {PlotPanel["scale"]} scale @returns {Area} */
function areaOf(place, range, vertical, scale) {
  const { left, top, width, height } = place;
  const at = scale === "log" ? Math.log10 : (/** @type {number} */ value) => value;
  const [low, high] = vertical.map(at);
  return {
    ...place,
    range,
    vertical,
    toX: (x) => left + ((x - range[0]) / (range[1] - range[0])) * width,
    toY: (y) => top + height - ((at(y) - low) / (high - low)) * height,
    fromX: (x) => range[0] + ((x - left) / width) * (range[1] - range[0]),
  };
}

// -- scales ----------------------------------------------------------------------------------------------------------

/** @param {number} x @param {Span | null} range */
const isWithin = (x, range) => !range || (x >= range[0] && x <= range[1]);

/** @param {PlotPanel[]} panels @param {Span | null} range @returns {Span[]} */
function verticals(panels, range) {
  const seen = panels.map(({ lines }) => {
    /** @type {number[]} */
    const values = [];
    for (const { points, former = [] } of lines) {
      for (const list of [points, former]) {
        for (const point of list) if (point && isWithin(point.x, range)) values.push(point.y);
      }
    }
    return values;
  });
  const kinds = panels.map(({ scale }) => scale);
  const own = seen.map((values, place) => {
    if (kinds[place] === "log") return logRange(values);
    return kinds[place] === "share" ? [0, 1] : linearRange(values);
  });
  const isFree = (/** @type {number} */ place) => kinds[place] === "log" || panels[place].isFree;
  const zeros = aligned(own.filter((_, place) => !isFree(place)));
  return own.map((each, place) => (isFree(place) ? each : /** @type {Span} */ (zeros.shift())));
}

/** @param {PlotPanel} panel */
function ownRange({ lines }) {
  return linearRange(lines.flatMap(({ points }) => points.flatMap((point) => point?.x ?? [])));
}

// -- what stands around the lines ------------------------------------------------------------------------------------

/** @param {PlotPanel} panel @param {Area} area @param {{axis: Axis, hasAxis: boolean}} options @returns {Shape[]} */
function frame(panel, area, { axis, hasAxis }) {
  const { left, top, width, height } = area;
  const marks = upright(panel.scale, area);
  return [
    words(panel.title, { x: left, y: top - 10, strong: true }),
    path(
      marks.flatMap(({ y }) => [[left, y, left + width, y]]),
      { stroke: "--line", name: "grid" },
    ),
    ...marks.map(({ y, text }) => words(text, { x: left - 6, y: y + 4, anchor: "end", fill: "--muted" })),
    ...(panel.scale !== "log"
      ? [path([[left, area.toY(0), left + width, area.toY(0)]], { stroke: "--muted", name: "zero" })]
      : []),
    ...level(area, axis, hasAxis),
    ...(hasAxis && titleOf(panel, axis)
      ? [words(titleOf(panel, axis) ?? "", { x: left + width, y: top + height + 33, anchor: "end", fill: "--muted" })]
      : []),
  ];
}

/** @param {PlotPanel} panel @param {Axis} axis */
const titleOf = (panel, axis) => panel.below ?? axis.title;

/** @param {PlotPanel["scale"]} scale @param {{vertical: Span, height: number, toY: (y: number) => number}} area */
function upright(scale, { vertical, height, toY }) {
  const count = Math.max(2, Math.floor(height / 42));
  const values = scale === "log" ? logTicks(vertical, count) : ticks(vertical, count);
  const text = scale === "share" ? (/** @type {number} */ value) => `${Math.round(value * 100)} %` : rate;
  return values.map((value) => ({ y: toY(value), text: text(value) }));
}

/** @param {Area} area @param {Axis} axis @param {boolean} hasAxis @returns {Shape[]} */
function level({ left, top, width, height, range, toX }, axis, hasAxis) {
  const count = Math.max(2, Math.floor(width / 80));
  const { step, ticks: found } =
    axis.kind === "time" ? timeTicks(range, count) : { step: 0, ticks: marksOf(axis, range, width) };
  /** @type {Record<Axis["kind"], (x: number) => string>} */
  const texts = {
    time: (x) => timeFormat(step).format(x),
    names: (x) => cut(axis.names?.[x] ?? "", NAME),
    number: rate,
  };
  const text = texts[axis.kind];
  const bottom = top + height;
  /** @type {Shape[]} */
  const shapes = [
    path(
      found.map((x) => [toX(x), top, toX(x), bottom]),
      { stroke: "--line", name: "grid" },
    ),
  ];
  if (!hasAxis) return shapes;
  for (const x of found) {
    const inside = Math.min(Math.max(toX(x), left + 8), left + width - 10);
    shapes.push(words(text(x), { x: inside, y: bottom + 17, anchor: "middle", fill: "--muted" }));
  }
  return shapes;
}

// Of names those that have room.
/** @param {Axis} axis @param {Span} range @param {number} width */
function marksOf({ kind, names = [] }, range, width) {
  if (kind !== "names") return ticks(range, Math.max(2, Math.floor(width / 80)));
  const [first, last] = [Math.max(0, Math.ceil(range[0])), Math.min(names.length - 1, Math.floor(range[1]))];
  const every = Math.max(1, Math.ceil(((last - first + 1) * NAME_WIDTH) / width));
  return names
    .map((_, place) => place)
    .filter((place) => place >= first && place <= last && (place - first) % every === 0);
}

// In the middle: names of wells begin alike.
/** @param {string} text @param {number} most */
function cut(text, most) {
  const half = Math.floor(most / 2);
  return text.length > most ? `${text.slice(0, half)}…${text.slice(-half)}` : text;
}

/** @param {number} step */
const timeFormat = (step) => (step >= 360 ? YEAR : step >= 30 ? MONTH : DATE);

// -- lines -----------------------------------------------------------------------------------------------------------

/** @param {Line} line @param {Area} area @param {PlotPanel["scale"]} scale @returns {Shape[]} */
function linesOf(line, area, scale) {
  const { colour, dash = [], width = 1.75, points, dots = false } = line;
  if (line.bar) return [barsOf(points, { colour, bar: line.bar }, area, scale)];
  const runs = runsOf(points, (point) => isWithin(point.x, area.range) && (scale !== "log" || point.y > 0));
  const placed = runs.map((run) => run.map(({ x, y }) => [area.toX(x), area.toY(y)]));
  const drawn = dots ? [] : placed.filter((run) => run.length > 1);
  const alone = dots ? placed.flat() : placed.filter((run) => run.length === 1).flat();
  return [
    path(
      drawn.map(thinned).map((run) => run.flat()),
      { stroke: colour, width, dash, name: "line" },
    ),
    rings(alone, { fill: colour, stroke: colour, radius: dots ? 1.75 : 2.25, name: "dot" }),
  ].filter(isSomething);
}

/** @param {Line["points"]} points @param {{colour: string, bar: number}} look @param {Area} area @param {PlotPanel["scale"]} scale @returns {RectsShape} */
function barsOf(points, { colour, bar }, { range, left, width, top, height, toX, toY }, scale) {
  const ground = scale === "log" ? top + height : toY(0);
  const seen = points
    .filter((point) => point !== null)
    .filter(({ x, y }) => isWithin(x, range) && (scale !== "log" || y > 0));
  const rects = seen.map(({ x, y }) => {
    const from = Math.max(left, toX(x - bar / 2));
    return [from, Math.min(toY(y), ground), Math.min(left + width, toX(x + bar / 2)) - from, Math.abs(toY(y) - ground)];
  });
  return { type: "rects", rects, fill: colour, name: "bar" };
}

// The points between two breaks.
/** @param {Line["points"]} points @param {(point: Point) => boolean} isShown */
function runsOf(points, isShown) {
  /** @type {Point[][]} */
  const runs = [[]];
  for (const point of points) {
    const run = runs[runs.length - 1];
    if (point && isShown(point)) run.push(point);
    else if (run.length) runs.push([]);
  }
  return runs.filter((run) => run.length);
}

// Of many points at one pixel the first, the last and those at the top and at the bottom: the line looks the same.
/** @param {number[][]} run */
function thinned(run) {
  if (run.length < 2000) return run;
  const kept = [];
  for (let place = 0; place < run.length;) {
    const column = Math.round(run[place][0]);
    const from = place;
    while (place < run.length && Math.round(run[place][0]) === column) place += 1;
    const points = run.slice(from, place);
    const heights = points.map(([, y]) => y);
    const extremes = [
      0,
      heights.indexOf(Math.min(...heights)),
      heights.indexOf(Math.max(...heights)),
      points.length - 1,
    ];
    for (const each of [...new Set(extremes)].sort((one, other) => one - other)) kept.push(points[each]);
  }
  return kept;
}

// -- revisions -------------------------------------------------------------------------------------------------------

// A band above the panel says which periods were revised, however many. What a value was is a ring where there is room
// for each, else a thin line through all of them.
/** @param {PlotPanel} panel @param {Area} area @returns {Shape[]} */
function revisions({ lines, scale }, area) {
  return lines.flatMap(({ former = [] }) => {
    const seen = former.filter(({ x, y }) => isWithin(x, area.range) && (scale !== "log" || y > 0));
    if (!seen.length) return [];
    const places = seen.map(({ x, y }) => [area.toX(x), area.toY(y)]);
    const isRoomy = area.width / seen.length >= RING && nearest(places) >= RING / 2;
    return [band(seen, area), ...(isRoomy ? apart(seen, places, area, scale) : [together(seen, area)])];
  });
}

/** @param {number[][]} places */
const nearest = (places) =>
  places.reduce((least, [x], at) => (at ? Math.min(least, x - places[at - 1][0]) : least), Infinity);

/** @param {Point[]} seen @param {Area} area @returns {RectsShape} */
function band(seen, { left, width, top, toX }) {
  /** @type {Span[]} */
  const spans = [];
  for (const { x, end } of seen) {
    const last = spans.at(-1);
    const [from, to] = [toX(x), Math.min(left + width, Math.max(toX(end ?? x), toX(x) + 2))];
    if (last && from <= last[1] + 0.75) last[1] = Math.max(to, last[1]);
    else spans.push([from, to]);
  }
  return {
    type: "rects",
    rects: spans.map(([from, to]) => [from, top - 4, to - from, 4]),
    fill: "--warn",
    name: "revised",
  };
}

/** @param {Point[]} seen @param {number[][]} places @param {Area} area @param {PlotPanel["scale"]} scale @returns {Shape[]} */
function apart(seen, places, area, scale) {
  const stems = seen.flatMap(({ now }, at) => {
    if (now === null || now === undefined || (scale === "log" && now <= 0)) return [];
    return [[...places[at], places[at][0], area.toY(now)]];
  });
  return [
    path(stems, { stroke: "--warn", width: 1.25, name: "stem" }),
    rings(places, { fill: "--panel", stroke: "--warn", radius: 3, name: "former" }),
  ].filter(isSomething);
}

/** @param {Point[]} seen @param {Area} area */
function together(seen, { toX, toY }) {
  /** @type {number[][]} */
  const runs = [];
  seen.forEach(({ x, y }, at) => {
    const before = seen[at - 1];
    const isNext = before && x <= (before.end ?? before.x) + 1;
    if (!isNext) runs.push([]);
    runs[runs.length - 1].push(toX(x), toY(y));
  });
  const drawn = runs.map((run) => (run.length === 2 ? [run[0] - 1, run[1], run[0] + 1, run[1]] : run));
  return path(drawn, { stroke: "--warn", width: 1, name: "former" });
}

// -- shapes ----------------------------------------------------------------------------------------------------------

/** @param {PathShape | RingsShape} shape */
const isSomething = (shape) => (shape.type === "path" ? shape.runs : shape.points).length > 0;
/** @param {number[][]} runs @param {{stroke: string, width?: number, dash?: number[], name: string}} look @returns {PathShape} */
const path = (runs, { stroke, width = 1, dash = [], name }) => ({ type: "path", runs, stroke, width, dash, name });
/** @param {number[][]} points @param {{fill: string, stroke: string, radius: number, name: string}} look @returns {RingsShape} */
const rings = (points, { fill, stroke, radius, name }) => ({ type: "rings", points, fill, stroke, radius, name });
/** @param {string} text @param {{x: number, y: number} & Partial<TextShape>} look @returns {TextShape} */
const words = (text, { x, y, anchor = "start", fill = "--ink", size = SIZE, strong = false }) => ({
  type: "text",
  text,
  x,
  y,
  anchor,
  fill,
  size,
  strong,
});
