// A plot that is read with the mouse, the finger and the keyboard. What it shows stands in the table beside it too.

import { framed, h, rate, say, svg } from "./dom.js";
import { drawing } from "./paint.js";
import { picture } from "./picture.js";

const CLICK = 5; // pixels that a hand may tremble
const TWICE = 400; // ms between two taps that are one gesture
const HELP = "The arrow keys go from period to period, Escape shows all. The table below has the same figures.";

// {element, show(model), shapes(width, heading)}. A model is {panels, axis, keys, latest, nameOf(key), names}: `names` are
// those of the rows of values, [{entity, as, text}]. `picked(from, to)` gets the ends of a range that was drawn, as
// points; without any, all is wanted.
/** @param {{picked: (low?: number, high?: number, panel?: PlotPanel) => unknown, signal: AbortSignal, label?: string}} options */
export function chart({ picked, signal, label = `Plot of the production. ${HELP}` }) {
  const place = h("div", { class: "plot", tabindex: "0", role: "group", "aria-label": label });
  const values = framed("Values at the cursor, a table that scrolls", "");
  values.classList.add("values");
  /** @type {Model | null} */
  let model = null;
  /** @type {ReturnType<typeof picture> | null} */
  let drawn = null;
  /** @type {Key | null} */
  let key = null; // where the cursor stands
  /** @type {{area: Area, x: number} | null} */
  let held = null; // {area, x}, while somebody draws a range
  let tapped = -Infinity;
  const cursor = svg("path", { "data-shape": "cursor", fill: "none", stroke: "var(--ink)", "stroke-width": 1 });
  const chosen = svg("rect", { "data-shape": "chosen", fill: "var(--focus)", "fill-opacity": 0.18 });

  const pictureOf = (more) => (model ? picture(model.panels, { axis: model.axis, ...more }) : null);
  // Beside the page the table of values tells whose line is which; a file has only itself.
  const shapes = (width, heading) => pictureOf({ width, heading, legend: model ? legendOf(model) : [] });

  function draw() {
    drawn = pictureOf({ width: Math.max(240, place.clientWidth) });
    place.replaceChildren(drawing(drawn, undefined, { "aria-hidden": "true" }));
    place.firstChild.append(chosen, cursor);
    point(model.keys.includes(key) ? key : null);
  }

  function point(next) {
    key = next;
    cursor.setAttribute(
      "d",
      key === null ? "" : drawn.areas.map((area, at) => standAt(area, model.panels[at], key)).join(""),
    );
    values.replaceChildren(readout(model, key));
  }

  // -- by hand

  const at = (event) => {
    const box = place.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const areaAt = ({ y }) => drawn.areas.find(({ top, height }) => y < top + height) ?? drawn.areas.at(-1);

  function down(event) {
    if (event.button !== 0 || !drawn.areas.length) return;
    const spot = at(event);
    held = { area: areaAt(spot), x: spot.x };
    place.setPointerCapture(event.pointerId);
  }

  function move(event) {
    const spot = at(event);
    if (held) mark(held, spot.x);
    const area = held?.area ?? areaAt(spot);
    if (area) point(nearest(model.panels[drawn.areas.indexOf(area)], area.fromX(spot.x), area.range)?.key ?? null);
  }

  function up(event) {
    if (!held) return;
    const [{ area, x }, end] = [held, at(event).x];
    drop();
    if (Math.abs(end - x) < CLICK) return tap(event);
    const inside = [x, end].map((each) => Math.min(Math.max(each, area.left), area.left + area.width));
    picked(
      ...inside.sort((one, other) => one - other).map((each) => area.fromX(each)),
      model.panels[drawn.areas.indexOf(area)],
    );
  }

  function tap(event) {
    if (event.timeStamp - tapped < TWICE) picked();
    else move(event);
    tapped = event.timeStamp;
  }

  function mark({ area, x }, end) {
    const [from, to] = [x, end].map((each) => Math.min(Math.max(each, area.left), area.left + area.width));
    const bottom = drawn.areas.at(-1).top + drawn.areas.at(-1).height;
    const { top } = drawn.areas[0];
    const box = { x: Math.min(from, to), y: top, width: Math.abs(to - from), height: bottom - top };
    for (const [name, value] of Object.entries(box)) chosen.setAttribute(name, value);
  }

  function drop() {
    held = null;
    chosen.setAttribute("width", 0);
  }

  function step(event) {
    const moves = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
    if (event.key === "Escape") return picked();
    if (!(event.key in moves) || !model.keys.length) return;
    event.preventDefault();
    const from = key === null ? model.keys.length - (event.key === "ArrowLeft" ? 0 : 1) : model.keys.indexOf(key);
    point(model.keys[Math.min(model.keys.length - 1, Math.max(0, from + moves[event.key]))]);
    say(spoken(model, key));
  }

  place.addEventListener("pointerdown", down);
  place.addEventListener("pointermove", move);
  place.addEventListener("pointerup", up);
  place.addEventListener("pointercancel", drop); // the finger scrolls the page
  place.addEventListener("pointerleave", ({ pointerType }) => pointerType === "mouse" && !held && point(null));
  place.addEventListener("keydown", step);
  const resized = new ResizeObserver(() => model && place.clientWidth !== drawn?.width && draw());
  resized.observe(place);
  signal.addEventListener("abort", () => resized.disconnect());

  return {
    element: h("div", { class: "chart" }, values, place),
    shapes,
    show(next) {
      model = next;
      if (place.clientWidth) draw();
    },
  };
}

// A line through the panel where it has this period, at the first of its lines that does.
function standAt({ left, top, width, height, toX }, panel, key) {
  const found = panel.lines.flatMap(({ points }) => points.find((each) => each?.key === key) ?? []);
  if (!found.length) return "";
  const x = toX(found[0].x);
  return x < left - 1 || x > left + width + 1 ? "" : `M${x} ${top}V${top + height}`;
}

function nearest({ lines }, x, range) {
  let [found, least] = [null, Infinity];
  for (const { points } of lines) {
    for (const each of points) {
      if (each?.key === undefined || each.x < range[0] || each.x > range[1]) continue;
      const distance = Math.abs(each.x - x);
      if (distance < least) [found, least] = [each, distance];
    }
  }
  return found;
}

// -- what stands at the cursor ---------------------------------------------------------------------------------------

function readout({ panels, keys, latest = keys.at(-1), lead = "Latest: ", nameOf, names }, key) {
  const at = key ?? latest;
  const title = at === undefined ? "No data" : `${key === null ? lead : ""}${nameOf(at)}`;
  return h(
    "table",
    { class: "readout" },
    h("caption", { class: "unseen" }, "Values at the cursor"),
    h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "at" }, title), panels.map(heading))),
    names.map(({ entity, as, text }) => {
      const lines = panels.map((panel) => lineOf(panel, { entity, as }));
      const look = names.length > 1 ? lookOf(lines) : null;
      const name = [look ? swatch(look.colour, look.dash) : null, h("bdi", {}, text)];
      return h(
        "tr",
        {},
        h("th", { scope: "row" }, name),
        lines.map((each, place) => cell(each, at, panels[place])),
      );
    }),
  );
}

const lineOf = ({ lines }, { entity, as }) => lines.find((line) => line.entity === entity && line.as === as);

// {colour, dash} of the lines of one row, whose panels may each have a colour of its own; undefined without any.
function lookOf(lines) {
  const [first, ...more] = lines.filter(Boolean);
  if (!first) return undefined;
  const isOne = more.every(({ colour }) => colour === first.colour);
  return { colour: isOne ? first.colour : "--muted", dash: first.dash };
}

function legendOf({ panels, names }) {
  if (names.length < 2) return [];
  return names.flatMap(({ entity, as, text }) => {
    const look = lookOf(panels.map((panel) => lineOf(panel, { entity, as })));
    return look ? [{ text, ...look }] : [];
  });
}

const heading = ({ title, lines }) =>
  h("th", { scope: "col", class: "number" }, lines.length === 1 ? swatch(lines[0].colour, []) : null, title);

function cell(line, key, { scale }) {
  const value = line?.values.get(key) ?? null;
  const was = line?.former?.find((each) => each.key === key);
  return h(
    "td",
    { class: "number" },
    shown(value, scale),
    was ? h("small", { class: "was" }, ` was ${shown(was.y, scale)}`) : null,
  );
}

const shown = (value, scale) => (scale === "share" && value !== null ? `${rate(100 * value)} %` : rate(value));

const swatch = (colour, dash) =>
  svg(
    "svg",
    { class: "swatch", width: 24, height: 8, "aria-hidden": "true" },
    svg("path", {
      d: "M0 4H24",
      stroke: `var(${colour})`,
      "stroke-width": 3,
      "stroke-dasharray": dash.join(" ") || null,
    }),
  );

function spoken({ panels, nameOf, names }, key) {
  const rows = names.map(({ entity, as, text }) => {
    const told = panels.flatMap(({ title, lines, scale }) => {
      const line = lineOf({ lines }, { entity, as });
      const [name, unit = ""] = title.split(", ");
      return line ? [`${name} ${shown(line.values.get(key) ?? null, scale)} ${unit}`.trim()] : [];
    });
    return `${names.length > 1 ? `${text}: ` : ""}${told.join(", ")}`;
  });
  return [nameOf(key), ...rows].join(", ");
}
