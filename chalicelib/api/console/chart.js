// A plot that is read with the mouse, the finger and the keyboard. What it shows stands in the table beside it too.

import { evenly, framed, h, NONE, rate, say, svg } from "./dom.js";
import { drawing } from "./paint.js";
import { picture } from "./picture.js";

const CLICK = 5; // pixels that a hand may tremble
const TWICE = 400; // ms between two taps that are one gesture
const HELP = "The arrow keys go from period to period, Escape shows all. The table below has the same figures.";

// {element, show(model), shapes(width, heading)}. A model is {panels, axis, keys, latest, nameOf(key), names}: `names` are
// those of the rows of values, [{entity, as, text}]. `picked(from, to)` gets the ends of a range that was drawn, as
// points; without any, all is wanted.
/** @param {{picked: PickRange, signal: AbortSignal, label?: string}} options */
export function chart({ picked, signal, label = `Plot of the production. ${HELP}` }) {
  const plot = new Plot(label);
  const { place } = plot;
  const hand = new Hand(plot, picked);
  place.addEventListener("pointerdown", (event) => hand.down(event));
  place.addEventListener("pointermove", (event) => hand.move(event));
  place.addEventListener("pointerup", (event) => hand.up(event));
  place.addEventListener("pointercancel", () => hand.drop()); // the finger scrolls the page
  place.addEventListener("pointerleave", (event) => hand.leave(event));
  place.addEventListener("keydown", (event) => step(event, plot, picked));
  const resized = new ResizeObserver(() => plot.resize());
  resized.observe(place);
  signal.addEventListener("abort", () => resized.disconnect());
  return {
    element: h("div", { class: "chart" }, plot.values, place),
    /** @param {number} width @param {string[]} heading */
    shapes: (width, heading) => plot.shapes(width, heading),
    /** @param {Model} model */
    show: (model) => plot.show(model),
  };
}

// What is drawn, where the cursor stands in it, and the values there.
class Plot {
  /** @type {Model | null} */
  model = null;
  /** @type {ReturnType<typeof picture> | null} */
  drawn = null;
  /** @type {Key | null} */
  key = null; // where the cursor stands
  cursor = svg("path", { "data-shape": "cursor", fill: "none", stroke: "var(--ink)", "stroke-width": 1 });
  chosen = svg("rect", { "data-shape": "chosen", fill: "var(--focus)", "fill-opacity": 0.18 });
  values = framed("Values at the cursor, a table that scrolls", "");

  /** @param {string} label */
  constructor(label) {
    this.place = h("div", { class: "plot", tabindex: "0", role: "group", "aria-label": label });
    this.values.classList.add("values");
  }

  // Beside the page the table of values tells whose line is which; a file has only itself.
  /** @param {number} width @param {string[]} heading */
  shapes(width, heading) {
    const { model } = this;
    return model ? picture(model.panels, { axis: model.axis, width, heading, legend: legendOf(model) }) : null;
  }

  /** @param {Model} model */
  show(model) {
    this.model = model;
    if (this.place.clientWidth) this.draw(model);
  }

  resize() {
    if (this.model && this.place.clientWidth !== this.drawn?.width) this.draw(this.model);
  }

  /** @param {Model} model */
  draw({ panels, axis, keys }) {
    this.drawn = picture(panels, { axis, width: Math.max(240, this.place.clientWidth) });
    const element = drawing(this.drawn, undefined, { "aria-hidden": "true" });
    element.append(this.chosen, this.cursor);
    this.place.replaceChildren(element);
    this.point(this.key !== null && keys.includes(this.key) ? this.key : null);
  }

  /** @param {Key | null} key */
  point(key) {
    const { model, drawn } = this;
    if (!model || !drawn) return;
    this.key = key;
    const stands = key === null ? [] : drawn.areas.map((area, at) => standAt(area, model.panels[at], key));
    this.cursor.setAttribute("d", stands.join(""));
    this.values.replaceChildren(readout(model, key));
  }

  // The range that somebody draws, over all panels.
  /** @param {Area} area @param {number} x @param {number} end */
  mark(area, x, end) {
    const { areas } = this.drawn ?? { areas: [area] };
    const [from, to] = [x, end].map((each) => within(area, each));
    const { top } = areas[0];
    const last = areas[areas.length - 1];
    const box = { x: Math.min(from, to), y: top, width: Math.abs(to - from), height: last.top + last.height - top };
    for (const [name, value] of Object.entries(box)) this.chosen.setAttribute(name, String(value));
  }

  unmark() {
    this.chosen.setAttribute("width", "0");
  }
}

/** @param {Area} area @param {number} x */
const within = ({ left, width }, x) => Math.min(Math.max(x, left), left + width);

// -- by hand

class Hand {
  /** @type {{area: Area, x: number} | null} */
  held = null; // while somebody draws a range
  tapped = -Infinity;

  /** @param {Plot} plot @param {PickRange} picked */
  constructor(plot, picked) {
    this.plot = plot;
    this.picked = picked;
  }

  /** @param {MouseEvent} event */
  at(event) {
    const box = this.plot.place.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /** @param {number} y */
  areaAt(y) {
    const areas = this.plot.drawn?.areas ?? [];
    return areas.find(({ top, height }) => y < top + height) ?? areas.at(-1);
  }

  /** @param {Area} area */
  panelOf(area) {
    const { model, drawn } = this.plot;
    return /** @type {PlotPanel} */ (model?.panels[drawn?.areas.indexOf(area) ?? 0]);
  }

  /** @param {PointerEvent} event */
  down(event) {
    const { x, y } = this.at(event);
    const area = this.areaAt(y);
    if (event.button !== 0 || !area) return;
    this.held = { area, x };
    this.plot.place.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  move(event) {
    const { x, y } = this.at(event);
    if (this.held) this.plot.mark(this.held.area, this.held.x, x);
    const area = this.held?.area ?? this.areaAt(y);
    if (area) this.plot.point(nearest(this.panelOf(area), area.fromX(x), area.range)?.key ?? null);
  }

  /** @param {PointerEvent} event */
  up(event) {
    if (!this.held) return;
    const { area, x } = this.held;
    const end = this.at(event).x;
    this.drop();
    if (Math.abs(end - x) < CLICK) return this.tap(event);
    const [from, to] = [x, end].map((each) => within(area, each)).sort((one, other) => one - other);
    this.picked(area.fromX(from), area.fromX(to), this.panelOf(area));
  }

  /** @param {PointerEvent} event */
  tap(event) {
    if (event.timeStamp - this.tapped < TWICE) this.picked();
    else this.move(event);
    this.tapped = event.timeStamp;
  }

  drop() {
    this.held = null;
    this.plot.unmark();
  }

  /** @param {PointerEvent} event */
  leave({ pointerType }) {
    if (pointerType === "mouse" && !this.held) this.plot.point(null);
  }
}

// -- by keyboard

/** @type {Record<string, number>} */
const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

/** @param {KeyboardEvent} event @param {Plot} plot @param {PickRange} picked */
function step(event, plot, picked) {
  if (event.key === "Escape") return picked();
  const { model, key } = plot;
  if (!(event.key in STEPS) || !model?.keys.length) return;
  event.preventDefault();
  const { keys } = model;
  const outside = event.key === "ArrowLeft" ? keys.length : keys.length - 1; // from where the first press begins
  const from = key === null ? outside : keys.indexOf(key);
  const next = keys[Math.min(keys.length - 1, Math.max(0, from + STEPS[event.key]))];
  plot.point(next);
  say(spoken(model, next));
}

// A line through the panel where it has this period, at the first of its lines that does.
/** @param {Area} area @param {PlotPanel} panel @param {Key} key */
function standAt({ left, top, width, height, toX }, panel, key) {
  const found = panel.lines.flatMap(({ points }) => points.find((each) => each?.key === key) ?? []);
  if (!found.length) return "";
  const x = toX(found[0].x);
  return x < left - 1 || x > left + width + 1 ? "" : `M${x} ${top}V${top + height}`;
}

/** @param {PlotPanel} panel @param {number} x @param {Span} range */
function nearest({ lines }, x, range) {
  /** @type {Point | null} */
  let found = null;
  let least = Infinity;
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

/** @param {Model} model @param {Key | null} key */
function readout({ panels, keys, latest = keys.at(-1), lead = "Latest: ", nameOf, names }, key) {
  const at = key ?? latest;
  const title = at === undefined ? "No data" : `${key === null ? lead : ""}${nameOf(at)}`;
  const rows = names.map((name) => panels.map((panel) => lineOf(panel, name)));
  const texts = panels.map(({ scale }, place) =>
    textsOf(
      rows.map((lines) => valueAt(lines[place], at)),
      scale,
    ),
  );
  return h(
    "table",
    { class: "readout" },
    h("caption", { class: "unseen" }, "Values at the cursor"),
    h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "at" }, title), panels.map(heading))),
    names.map(({ text }, row) => {
      const lines = rows[row];
      const look = names.length > 1 ? lookOf(lines) : null;
      const name = [look ? swatch(look.colour, look.dash) : null, h("bdi", {}, text)];
      return h(
        "tr",
        {},
        h("th", { scope: "row" }, name),
        lines.map((each, place) => cell(each, at, texts[place])),
      );
    }),
  );
}

/** @param {{lines: Line[]}} panel @param {{entity: number, as: string}} row */
const lineOf = ({ lines }, { entity, as }) => lines.find((line) => line.entity === entity && line.as === as);

// {colour, dash} of the lines of one row, whose panels may each have a colour of its own; undefined without any.
/** @param {(Line | undefined)[]} lines */
function lookOf(lines) {
  const [first, ...more] = lines.filter((line) => line !== undefined);
  if (!first) return undefined;
  const isOne = more.every(({ colour }) => colour === first.colour);
  return { colour: isOne ? first.colour : "--muted", dash: first.dash };
}

/** @param {Model} model @returns {LegendEntry[]} */
function legendOf({ panels, names }) {
  if (names.length < 2) return [];
  return names.flatMap(({ entity, as, text }) => {
    const look = lookOf(panels.map((panel) => lineOf(panel, { entity, as })));
    return look ? [{ text, ...look }] : [];
  });
}

/** @param {PlotPanel} panel */
const heading = ({ title, lines }) =>
  h("th", { scope: "col", class: "number" }, lines.length === 1 ? swatch(lines[0].colour, []) : null, title);

/** @param {Line | undefined} line @param {Key | undefined} key @returns {Amount} */
const valueAt = (line, key) => line?.values.get(key) ?? null;

// How the figures of one column are written, with the same decimals: they stand one above the other.
/** @param {Amount[]} values @param {PlotPanel["scale"]} scale @returns {(value: Amount) => string} */
function textsOf(values, scale) {
  if (scale !== "share") return evenly(values);
  const text = evenly(values.map((value) => value && 100 * value));
  return (value) => (value === null ? NONE : `${text(100 * value)} %`);
}

/** @param {Line | undefined} line @param {Key | undefined} key @param {(value: Amount) => string} text */
function cell(line, key, text) {
  const was = line?.former?.find((each) => each.key === key);
  return h(
    "td",
    { class: "number" },
    text(valueAt(line, key)),
    was ? h("small", { class: "was" }, ` was ${text(was.y)}`) : null,
  );
}

/** @param {Amount} value @param {PlotPanel["scale"]} scale */
const shown = (value, scale) => (scale === "share" && value !== null ? `${rate(100 * value)} %` : rate(value));

/** @param {string} colour @param {number[]} dash */
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

/** @param {Model} model @param {Key} key */
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
