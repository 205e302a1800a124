// The units that rates and volumes are shown in, by exact factors. What is stored are thousand barrels and million cubic
// feet a calendar day.
//
// A foot is 0.3048 m and an inch 0.0254 m exactly (NIST SP 811, 2008, appendix B.6), a US gallon 231 cubic inches and a
// barrel of petroleum 42 gallons (NIST Handbook 44, 2024, appendix C). Hence a barrel is 9702 × 0.0254³ = 0.158987294928
// m³ and a cubic foot 0.3048³ = 0.028316846592 m³. "Standard" names the temperature and pressure that the source measures
// at: nothing is converted between two of those, so m³ and Sm³ are the same number.

const BARREL = 0.158987294928; // m³
const CUBIC_FOOT = 0.028316846592; // m³

// `factor`: how many of this unit are one of the stored unit.
export const LIQUIDS = [
  { key: "bbl", sign: "bbl", name: "barrels", factor: 1000 },
  { key: "Mbbl", sign: "Mbbl", name: "thousand barrels", factor: 1 },
  { key: "m3", sign: "m³", name: "cubic metres", factor: 1000 * BARREL },
  { key: "Sm3", sign: "Sm³", name: "standard cubic metres", factor: 1000 * BARREL },
];
export const GASES = [
  { key: "Mcf", sign: "Mcf", name: "thousand standard cubic feet", factor: 1000 },
  { key: "MMcf", sign: "MMcf", name: "million standard cubic feet", factor: 1 },
  { key: "m3", sign: "m³", name: "standard cubic metres", factor: 1e6 * CUBIC_FOOT },
];
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
    ? { sign: `${units.liquid.sign}/${units.liquid.sign}`, factor: (1e6 * CUBIC_FOOT) / (1000 * BARREL) }
    : { sign: "scf/bbl", factor: 1000 };

// {value, sign} of a stored column in the units chosen; one that is neither rate nor volume stays as it is.
/** @template V @param {string} name @param {V} value @param {Units} units @returns {{value: V | Amount, sign: string}} */
export function inUnits(name, value, units) {
  const [, product, isRate] = /_production_(kb|mmcf)(d?)$/.exec(name) ?? [];
  if (!product) return { value, sign: "" };
  const kind = product === "kb" ? "liquid" : "gas";
  return {
    value: converted(/** @type {any} */ (value), kind, units),
    sign: `${units[kind].sign}${isRate ? "/d" : ""}`,
  };
}
