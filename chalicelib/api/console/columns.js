// The columns of the lists of wells and fields: what each tells, how its cells are written, and how it sorts.

import { button, DIGITS, h, NONE, period } from "./dom.js";
import { inUnits, ratioUnit } from "./units.js";
import { place } from "./wells.js";

const DEFAULT_SORT = "oil_production_kbd";
const TEXTS = ["well_name", "well_reference", "field_name", "source"];

/** @param {number} digits @param {Intl.NumberFormatOptions["style"]} [style] */
const decimals = (digits, style = "decimal") =>
  new Intl.NumberFormat(undefined, {
    ...DIGITS,
    style,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
const SHARE = decimals(1, "percent");
const MOST_DIGITS = 3;

// As many decimals as tell a thousandth of the stored unit: fewer where the unit is smaller.
/** @param {number} factor @param {number} most */
const digitsOf = (factor, most) => Math.max(0, most - Math.round(Math.log10(factor)));

/** @param {keyof Api.Registered} name @param {string} title @param {string} of @returns {(units: Units) => Figure} */
function rateOrVolume(name, title, of) {
  const most = name.endsWith("d") ? MOST_DIGITS : 1;
  return (units) => {
    const { value, sign } = inUnits(name, 1, units);
    const factor = Number(value);
    return { name, title, sign, unit: `${sign}, ${of}`, factor, format: decimals(digitsOf(factor, most)) };
  };
}

/** @param {Units} units @returns {Figure} */
function gasOilRatio(units) {
  const { sign, factor } = ratioUnit(units);
  const inFeet = factor / 1000; // stored as cubic feet by barrel
  const format = decimals(inFeet < 1 ? 1 : 0);
  return { name: "gas_oil_ratio", title: "GOR", sign, unit: `${sign}, in the last period`, factor: inFeet, format };
}

/** @param {keyof Api.Registered} name @param {string} title @param {string} unit @returns {() => Figure} */
const share = (name, title, unit) => () => ({ name, title, sign: "", unit, format: SHARE, factor: 1 });
const LAST_PERIOD = "in the last period";
const ALL_PERIODS = "of all periods";
const FIGURES = [
  rateOrVolume("oil_production_kbd", "Oil rate", LAST_PERIOD),
  rateOrVolume("gas_production_mmcfd", "Gas rate", LAST_PERIOD),
  rateOrVolume("water_production_kbd", "Water rate", LAST_PERIOD),
  share("water_cut", "Water cut", "water of water and liquids, in the last period"),
  gasOilRatio,
  share("uptime", "Uptime", "days on production of the days of the last period"),
  rateOrVolume("oil_production_kb", "Cum. oil", ALL_PERIODS),
  rateOrVolume("gas_production_mmcf", "Cum. gas", ALL_PERIODS),
  rateOrVolume("water_production_kb", "Cum. water", ALL_PERIODS),
];
/** @type {Words} */
const LAST = { name: "last_period", title: "Last period", cell: (row) => period(row.last_period) };
/** @type {Words} */
const SOURCE = { name: "source", title: "Source", cell: (row) => row.source };
/** @type {Words} */
const FIELD = {
  name: "field_name",
  title: "Field",
  cell: (row) => row.field_name ?? row.field_code,
  address: (row) => place("fields", row.source, row.field_code),
};

/** @type {Record<Listed, ListColumn[]>} */
const NAMED = {
  wells: [
    {
      name: "well_name",
      title: "Well",
      cell: (row) => row.well_name ?? row.well_code ?? "",
      address: (row) => place("wells", row.source, row.field_code, row.well_code ?? ""),
    },
    FIELD,
    { name: "well_reference", title: "Reference", cell: (row) => row.well_reference ?? "" },
  ],
  fields: [FIELD, { name: "wells", title: "Wells", format: decimals(0), factor: 1 }],
};
/** @param {Listed} of @param {Units} units */
export const columnsOf = (of, units) => [...NAMED[of], ...FIGURES.map((figure) => figure(units)), LAST, SOURCE];

// The title of a column, which sorts by it.
/** @param {ListColumn} column @param {Chosen} chosen @param {Choose} choose */
export function head(column, chosen, choose) {
  const sort = () => choose({ sort: column.name, order: turned(column, chosen) });
  const title = column.unit ? `${column.title}: ${column.unit}` : column.title;
  const text = [h("span", {}, column.title), column.sign && h("small", {}, column.sign)];
  const press = button(text, sort, { title, "aria-label": column.sign ? `${column.title}, ${column.sign}` : null });
  return h("th", { scope: "col", class: column.format ? "number" : null }, press);
}

/** @param {ListColumn} column @param {Api.Registered} row @param {boolean} isStop */
export function cell(column, row, isStop) {
  if (column.format) {
    const value = /** @type {number | null | undefined} */ (row[column.name]);
    return h("td", { class: "number", title: exact(value, column) }, shown(value, column));
  }
  const text = column.cell(row);
  const words = h("bdi", {}, text);
  const link = column.address && h("a", { href: column.address(row), tabindex: isStop ? "0" : "-1" }, words);
  return h("td", { class: TEXTS.includes(column.name) ? "cut" : null, title: text || null }, link ?? words);
}

/** @param {number | null | undefined} value @param {Figure} figure */
const shown = (value, { format, factor }) =>
  value === null || value === undefined ? NONE : format.format(value * factor);
/** @param {number | null | undefined} value @param {Figure} figure */
const exact = (value, { factor }) => (value === null || value === undefined ? null : String(value * factor));

/** @param {ListColumn} column @param {Chosen} chosen */
export function sortOf(column, { sort, order }) {
  if (column.name !== (sort || DEFAULT_SORT)) return "none";
  return (order || orderOf(column)) === "asc" ? "ascending" : "descending";
}

/** @param {ListColumn} column */
const orderOf = (column) => (TEXTS.includes(column.name) ? "asc" : "desc");

// A first press sorts as one wants it of such a column, the next one the other way.
/** @param {ListColumn} column @param {Chosen} chosen */
function turned(column, chosen) {
  const now = sortOf(column, chosen);
  return now === "none" ? "" : now === "ascending" ? "desc" : "asc";
}
