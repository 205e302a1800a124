// What somebody chose once for all their visits in this browser: the units. Nothing else is kept here, and no token.

import { DEFAULT, unitsOf } from "./units.js";

const UNITS = "wellhead-units";

// Those of the address, else those that were chosen, else those of the data.
export const chosenUnits = (query) => unitsOf(query?.get("units")) ?? unitsOf(kept()) ?? unitsOf(DEFAULT);

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
