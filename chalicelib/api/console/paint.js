// Draws a list of shapes: on the screen as SVG, whose colours follow the style sheet, and into files of SVG and PNG.

import { save, svg } from "./dom.js";

export const FILE_WIDTH = 1200; // pixels of a picture that is saved
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const SHARPNESS = 2; // pixels of a PNG by those of the screen

// `colour` says what a name such as --oil is.
/** @param {Picture} picture @param {(name: string) => string} [colour] @param {Attributes} [attributes] */
export function drawing({ width, height, shapes }, colour = (name) => `var(${name})`, attributes = {}) {
  const size = { width, height, viewBox: `0 0 ${width} ${height}` };
  return svg(
    "svg",
    { ...size, ...attributes },
    shapes.map((shape) => MAKERS[shape.type](/** @type {any} */ (shape), colour)),
  );
}

/** @param {number} number */
const round = (number) => Math.round(number * 100) / 100;
/** @type {{[Type in Shape["type"]]: (shape: Extract<Shape, {type: Type}>, colour: (name: string) => string) => SVGElement}} */
const MAKERS = {
  path: ({ runs, stroke, width, dash, name }, colour) =>
    svg("path", {
      d: runs.map(lineOf).join(""),
      fill: "none",
      stroke: colour(stroke),
      "stroke-width": width,
      "stroke-linejoin": "round",
      "stroke-dasharray": dash.length ? dash.join(" ") : null,
      "data-shape": name,
    }),
  rings: ({ points, fill, stroke, radius, name }, colour) =>
    svg("path", {
      d: points.map(([x, y]) => ringOf(x, y, radius)).join(""),
      fill: colour(fill),
      stroke: colour(stroke),
      "stroke-width": 1.25,
      "data-shape": name,
    }),
  rects: ({ rects, fill, name }, colour) =>
    svg("path", { d: rects.map(([x, y, w, h]) => boxOf(x, y, w, h)).join(""), fill: colour(fill), "data-shape": name }),
  text: ({ text, x, y, anchor, fill, size, strong }, colour) =>
    svg(
      "text",
      {
        x: round(x),
        y: round(y),
        "text-anchor": anchor,
        fill: colour(fill),
        "font-size": size,
        "font-weight": strong ? 600 : null,
        "font-family": FONT,
      },
      text,
    ),
};

/** @param {number[]} run */
function lineOf(run) {
  let text = `M${round(run[0])} ${round(run[1])}`;
  for (let at = 2; at < run.length; at += 2) text += `L${round(run[at])} ${round(run[at + 1])}`;
  return text;
}

/** @param {number} x @param {number} y @param {number} r */
const ringOf = (x, y, r) => `M${round(x - r)} ${round(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
/** @param {number} x @param {number} y @param {number} w @param {number} h */
const boxOf = (x, y, w, h) => `M${round(x)} ${round(y)}h${round(w)}v${round(h)}h${round(-w)}z`;

// -- files -----------------------------------------------------------------------------------------------------------

/** @param {string} name */
const styled = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** @param {string} name @param {Picture} picture */
export function saveSvg(name, picture) {
  const element = drawing(framed(picture), styled);
  save(`${name}.svg`, "image/svg+xml", [new XMLSerializer().serializeToString(element)]);
}

// Resolves when the file is written; the browser's limits of a canvas are far beyond any screen.
/** @param {string} name @param {Picture} picture */
export async function savePng(name, picture) {
  const canvas = document.createElement("canvas");
  canvas.width = picture.width * SHARPNESS;
  canvas.height = picture.height * SHARPNESS;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.scale(SHARPNESS, SHARPNESS);
  for (const shape of framed(picture).shapes) paint(pen, shape);
  /** @type {Blob | null} */
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (blob) save(`${name}.png`, "image/png", [blob]);
}

// On its ground, which a file has not by itself.
/** @param {Picture} picture @returns {Picture} */
function framed({ width, height, shapes }) {
  return { width, height, shapes: [{ type: "rects", rects: [[0, 0, width, height]], fill: "--panel" }, ...shapes] };
}

/** @param {Exclude<Shape, TextShape>} shape */
function outlineOf(shape) {
  if (shape.type === "path") return shape.runs.map(lineOf).join("");
  if (shape.type === "rings") return shape.points.map(([x, y]) => ringOf(x, y, shape.radius)).join("");
  return shape.rects.map(([x, y, w, h]) => boxOf(x, y, w, h)).join("");
}

/** @param {CanvasRenderingContext2D} pen @param {Shape} shape */
function paint(pen, shape) {
  if (shape.type === "text") return write(pen, shape);
  const { stroke, width, dash, fill } = { stroke: "", fill: "", width: 1.25, dash: [], ...shape };
  const outline = new Path2D(outlineOf(shape));
  pen.lineWidth = width;
  pen.lineJoin = "round";
  pen.setLineDash(dash);
  if (fill) {
    pen.fillStyle = styled(fill);
    pen.fill(outline);
  }
  if (stroke) {
    pen.strokeStyle = styled(stroke);
    pen.stroke(outline);
  }
}

/** @type {Record<TextShape["anchor"], CanvasTextAlign>} */
const ALIGNED = { start: "left", middle: "center", end: "right" };

/** @param {CanvasRenderingContext2D} pen @param {TextShape} shape */
function write(pen, { text, x, y, anchor, fill, size, strong }) {
  pen.font = `${strong ? 600 : 400} ${size}px ${FONT}`;
  pen.textAlign = ALIGNED[anchor];
  pen.fillStyle = styled(fill);
  pen.fillText(text, x, y);
}
