// What the plots of a page are chosen by; each choice changes the address.

import { button, h } from "./dom.js";
import { MEASURES, PANELS, producing } from "./production.js";
import { keepUnits } from "./profile.js";
import { GASES, LIQUIDS } from "./words.js";
import { AS, OVER } from "./view.js";

/** @type {[string, number | null][]} */
const SPANS = [
  ["All", null],
  ["10 years", 10],
  ["5 years", 5],
  ["1 year", 1],
];

/** @param {Row[]} rows @param {{last: LastColumn, change: (changes: Changes) => void}} options */
export function controlsOf(rows, { last, change }) {
  /** @param {Row} row */
  const tellsDays = (row) => MEASURES.some(({ name }) => producing(row, name) !== null);
  const hasDays = last.name === "days_on_production" || rows.some(tellsDays);
  const kinds = Object.entries(AS).filter(([key]) => hasDays || !["producing", "both"].includes(key));
  const range = rangeControls(rows, change);
  const as = choice("Show", kinds, (key) => change({ as: key === "rate" ? null : key }));
  const over = choice("Over", Object.entries(OVER), (key) => change({ over: key === "calendar" ? null : key }));
  const units = unitChoice(change);
  /** @type {HTMLInputElement} */
  const isLog = h("input", { type: "checkbox", onchange: () => change({ log: isLog.checked ? "1" : null }) });
  const panels = panelToggles(change);
  const element = h(
    "div",
    { class: "controls" },
    range.elements,
    as.element,
    over.element,
    units.element,
    h("label", { class: "check" }, isLog, " Log scale"),
    panels.element,
  );
  return {
    element,
    /** @param {View} view */
    show(view) {
      range.show(view);
      as.select.value = view.as;
      over.select.value = view.over;
      units.show(view.units);
      isLog.checked = view.isLog;
      panels.show(view);
    },
  };
}

// The last so many years, or any two days.
/** @param {Row[]} rows @param {(changes: Changes) => void} change */
function rangeControls(rows, change) {
  const spans = SPANS.map(([text, years]) =>
    button(text, () => change({ ...spanOf(rows, years), ages: null }), { class: "quiet" }),
  );
  const [from, to] = ["From", "To"].map((text) => {
    /** @type {HTMLInputElement} */
    const input = h("input", { type: "date", onchange: () => isTyped(input) || picked() });
    return { input, element: h("label", {}, `${text} `, input) };
  });
  const picked = () => change(ordered([from, to].map(({ input }) => input.value || null)));
  const elements = [
    h("div", { class: "spans", role: "group", "aria-label": "Range" }, spans),
    from.element,
    to.element,
  ];
  return {
    elements,
    /** @param {View} view */
    show(view) {
      for (const each of elements) each.hidden = view.over === "months";
      from.input.value = view.from ?? rows[0].production_period;
      to.input.value = view.to ?? rows[rows.length - 1].production_period;
      spans.forEach((each, place) => each.setAttribute("aria-pressed", String(isSpan(rows, view, SPANS[place][1]))));
    },
  };
}

// Which panels are shown; the last of them stays.
/** @param {(changes: Changes) => void} change */
function panelToggles(change) {
  /** @type {Set<string>} */
  let shown = new Set();
  const toggles = PANELS.map(({ key, title }) => button(title, () => toggle(key), { class: "quiet" }));

  /** @param {string} key */
  function toggle(key) {
    const wanted = new Set(shown);
    if (!wanted.delete(key)) wanted.add(key);
    const keys = PANELS.map((panel) => panel.key).filter((each) => wanted.has(each));
    if (keys.length) change({ show: keys.join(",") });
  }

  return {
    element: h("div", { class: "spans", role: "group", "aria-label": "Panels" }, toggles),
    /** @param {View} view */
    show(view) {
      shown = view.show;
      toggles.forEach((each, place) => each.setAttribute("aria-pressed", String(shown.has(PANELS[place].key))));
    },
  };
}

// Whether somebody is typing the year of a day: until its last digit it is the year 2, 20 and 201, and a choice each.
/** @param {HTMLInputElement} input */
export const isTyped = ({ value }) => value !== "" && value < "1000";

// {element, select}; `options` are [value, text] each.
/** @param {string} label @param {string[][]} options @param {(value: string) => void} picked */
export function choice(label, options, picked) {
  /** @type {HTMLSelectElement} */
  const select = h(
    "select",
    { "aria-label": label, onchange: () => picked(select.value) },
    options.map(([value, text]) => h("option", { value }, text)),
  );
  return { select, element: h("label", {}, `${label} `, select) };
}

// Kept for the next visit too, and in the address for whoever opens it.
/** @param {(changes: {units: string}) => void} change */
export function unitChoice(change) {
  const picked = () => {
    const text = `${liquid.select.value},${gas.select.value}`;
    keepUnits(text);
    change({ units: text });
  };
  const liquid = choice(
    "Liquids in",
    LIQUIDS.map(({ key, sign }) => [key, `${sign}/d`]),
    picked,
  );
  const gas = choice(
    "Gas in",
    GASES.map(({ key, sign }) => [key, `${sign}/d`]),
    picked,
  );
  return {
    element: [liquid.element, gas.element],
    /** @param {Units} units */
    show(units) {
      liquid.select.value = units.liquid.key;
      gas.select.value = units.gas.key;
    },
  };
}

const VIEWS = [
  ["plot", "Plot"],
  ["decline", "Decline analysis"],
];

// The first one is shown where the address names none.
/** @param {(tab: string | null) => void} picked @param {string[][]} [tabs] */
export function tabsOf(picked, tabs = VIEWS) {
  const buttons = tabs.map(([key, text], place) => button(text, () => picked(place ? key : null), { class: "quiet" }));
  return {
    element: h("div", { class: "spans", role: "group", "aria-label": "View" }, buttons),
    show: (/** @type {string} */ tab) =>
      buttons.forEach((each, place) => each.setAttribute("aria-pressed", String(tabs[place][0] === tab))),
  };
}

/** @param {(string | null)[]} ends */
const ordered = ([from, to]) => (from && to && from > to ? { from: to, to: from } : { from, to });

/** @param {Row[]} rows @param {number | null} years */
function spanOf(rows, years) {
  if (!years) return { from: null, to: null };
  const to = rows[rows.length - 1].production_period;
  const before = `${Number(to.slice(0, 4)) - years}${to.slice(4)}`; // the last period of the time before
  return { from: rows.find(({ production_period: day }) => day > before)?.production_period ?? null, to };
}

/** @param {Row[]} rows @param {View} view @param {number | null} years */
function isSpan(rows, view, years) {
  const { from, to } = spanOf(rows, years);
  return view.from === from && view.to === to && !view.ages;
}
