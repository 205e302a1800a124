// The units that rates and volumes are shown in, by exact factors. What is stored are thousand barrels and million cubic
// feet a calendar day.
//
// "Standard" names the temperature and pressure that the source measures at: nothing is converted between two of those,
// so m³ and Sm³ are the same number. The `factor` of a unit is how many of it are one of the stored unit.

import { GASES, LIQUIDS, PRODUCTS } from "./words.js";

export const DEFAULT = "Mbbl,MMcf";

// {liquid, gas} of a text such as "m3,Mcf"; null when it names none that there are.
/** @param {string | null} [text] @returns {Units | null} */
export function unitsOf(text) {
  const [liquid, gas] = (text ?? "").split(",");
  const found = { liquid: LIQUIDS.find(({ key }) => key === liquid), gas: GASES.find(({ key }) => key === gas) };
  return found.liquid && found.gas ? /** @type {Units} */ (found) : null;
}

/** @param {Units} units */
export const textOf = ({ liquid, gas }) => `${liquid.key},${gas.key}`;

// Of a stored rate or volume; `kind` is "liquid" or "gas".
/** @param {Amount | undefined} value @param {"liquid" | "gas"} kind @param {Units} units @returns {Amount} */
export const converted = (value, kind, units) =>
  value === null || value === undefined ? null : value * units[kind].factor;

/** @param {Units} units */
const isMetric = ({ liquid, gas }) => gas.key === "m3" && ["m3", "Sm3"].includes(liquid.key);

// Of the gas-oil ratio: in cubic metres where both are, else as the field says it. `factor` is that of a ratio of the
// stored units, million cubic feet by thousand barrels.
/** @param {Units} units */
export const ratioUnit = (units) =>
  isMetric(units)
    ? { sign: `${units.liquid.sign}/${units.liquid.sign}`, factor: units.gas.factor / units.liquid.factor }
    : { sign: "scf/bbl", factor: 1000 };

// {value, sign} of a stored column in the units chosen; one that is neither rate nor volume stays as it is.
/** @template V @param {string} name @param {V} value @param {Units} units @returns {{value: V | Amount, sign: string}} */
export function inUnits(name, value, units) {
  const product = PRODUCTS.find(({ rate, volume }) => name === rate || name === volume);
  if (!product) return { value, sign: "" };
  const { kind, rate } = product;
  const amount = converted(/** @type {any} */ (value), kind, units);
  return { value: amount, sign: `${units[kind].sign}${name === rate ? "/d" : ""}` };
}
