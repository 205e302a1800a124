// What somebody chose once for all their visits in this browser: the units. Nothing else is kept here, and no token.

import { DEFAULT, unitsOf } from "./units.js";

const UNITS = "wellhead-units";
const DEFAULT_UNITS = /** @type {Units} */ (unitsOf(DEFAULT));

// Those of the address, else those that were chosen, else those of the data.
/** @param {URLSearchParams} [query] @returns {Units} */
export const chosenUnits = (query) => unitsOf(query?.get("units")) ?? unitsOf(kept()) ?? DEFAULT_UNITS;

/** @param {string} text */
export function keepUnits(text) {
  try {
    localStorage.setItem(UNITS, text);
  } catch {
    // a browser that keeps nothing still shows them
  }
}

function kept() {
  try {
    return localStorage.getItem(UNITS);
  } catch {
    return null;
  }
}
