// What the plots of a page are chosen by; each choice changes the address.

import { button, h } from "./dom.js";
import { MEASURES, PANELS, producing } from "./production.js";
import { keepUnits } from "./profile.js";
import { GASES, LIQUIDS } from "./words.js";
import { AS, OVER } from "./view.js";

const SPANS = [
  ["All", null],
  ["10 years", 10],
  ["5 years", 5],
  ["1 year", 1],
];

export function controlsOf(rows, { last, change }) {
  const spans = SPANS.map(([text, years]) =>
    button(text, () => change({ ...spanOf(rows, years), ages: null }), { class: "quiet" }),
  );
  const dates = ["From", "To"].map((text, place) => {
    const input = h("input", {
      type: "date",
      onchange: () => isTyped(input) || change(ordered(dates.map(({ input }) => input.value || null))),
    });
    return { input, element: h("label", {}, `${text} `, input), side: place ? "to" : "from" };
  });
  const tellsDays = (row) => MEASURES.some(({ name }) => producing(row, name) !== null);
  const hasDays = last.name === "days_on_production" || rows.some(tellsDays);
  const kinds = Object.entries(AS).filter(([key]) => hasDays || !["producing", "both"].includes(key));
  const as = choice("Show", kinds, (key) => change({ as: key === "rate" ? null : key }));
  const over = choice("Over", Object.entries(OVER), (key) => change({ over: key === "calendar" ? null : key }));
  const units = unitChoice(change);
  const isLog = h("input", { type: "checkbox", onchange: () => change({ log: isLog.checked ? "1" : null }) });
  const toggles = PANELS.map(({ key, title }) => button(title, () => toggle(key), { class: "quiet" }));
  let view = null;

  function toggle(key) {
    const show = new Set(view.show);
    if (!show.delete(key)) show.add(key);
    if (show.size)
      change({
        show: PANELS.map((panel) => panel.key)
          .filter((each) => show.has(each))
          .join(","),
      });
  }

  const ranges = h("div", { class: "spans", role: "group", "aria-label": "Range" }, spans);
  const element = h(
    "div",
    { class: "controls" },
    ranges,
    dates.map((each) => each.element),
    as.element,
    over.element,
    units.element,
    h("label", { class: "check" }, isLog, " Log scale"),
    h("div", { class: "spans", role: "group", "aria-label": "Panels" }, toggles),
  );
  return {
    element,
    show(next) {
      view = next;
      for (const each of [ranges, ...dates.map(({ element }) => element)]) each.hidden = view.over === "months";
      dates.forEach(({ input, side }, place) => (input.value = view[side] ?? rows.at(-place).production_period));
      spans.forEach((each, place) => each.setAttribute("aria-pressed", String(isSpan(rows, view, SPANS[place][1]))));
      as.select.value = view.as;
      over.select.value = view.over;
      units.show(view.units);
      isLog.checked = view.isLog;
      toggles.forEach((each, place) => each.setAttribute("aria-pressed", String(view.show.has(PANELS[place].key))));
    },
  };
}

// Whether somebody is typing the year of a day: until its last digit it is the year 2, 20 and 201, and a choice each.
export const isTyped = ({ value }) => value !== "" && value < "1000";

// {element, select}; `options` are [value, text] each.
export function choice(label, options, picked) {
  const select = h(
    "select",
    { "aria-label": label, onchange: () => picked(select.value) },
    options.map(([value, text]) => h("option", { value }, text)),
  );
  return { select, element: h("label", {}, `${label} `, select) };
}

// Kept for the next visit too, and in the address for whoever opens it.
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
export function tabsOf(picked, tabs = VIEWS) {
  const buttons = tabs.map(([key, text], place) => button(text, () => picked(place ? key : null), { class: "quiet" }));
  return {
    element: h("div", { class: "spans", role: "group", "aria-label": "View" }, buttons),
    show: (tab) => buttons.forEach((each, place) => each.setAttribute("aria-pressed", String(tabs[place][0] === tab))),
  };
}

const ordered = ([from, to]) => (from && to && from > to ? { from: to, to: from } : { from, to });

function spanOf(rows, years) {
  if (!years) return { from: null, to: null };
  const to = rows.at(-1).production_period;
  const before = `${Number(to.slice(0, 4)) - years}${to.slice(4)}`; // the last period of the time before
  return { from: rows.find(({ production_period: day }) => day > before).production_period, to };
}

function isSpan(rows, view, years) {
  const { from, to } = spanOf(rows, years);
  return view.from === from && view.to === to && !view.ages;
}
