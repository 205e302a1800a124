// What was found about an import as a whole, and whether that holds it.

import { CHECK_WORDS } from "./words.js";

/** @param {Job} job */
export const isHeld = (job) => job.status === "FAILED" && job.error?.code === "HELD";

// Whether it is held, and nobody has accepted or discarded it yet.
/** @param {Job} job */
export const waitsForWord = (job) => isHeld(job) && !job.discarded_at && !job.retried_by;

// What has to be accepted, each by itself.
/** @param {Job} job */
export const holding = (job) => (job.findings ?? []).filter(holds);
/** @param {Api.JobFinding} finding */
export const holds = (finding) => finding.holds ?? finding.check !== "COMPLETENESS_UNKNOWN";

// As far as was known when it was asked for, and by `now`; the API tells in the end.
/** @param {Job} job @param {number} now */
export const canBeAccepted = (job, now) =>
  waitsForWord(job) &&
  !job.too_late &&
  holding(job).length > 0 &&
  holding(job).every((finding) => finding.can_be_accepted !== false) &&
  !(job.accept_until && job.accept_until < now);

// The check in words; of one that is not known here, its own name.
/** @param {Api.JobFinding} finding */
export function titleOf({ check }) {
  const name = check.replaceAll("_", " ").toLowerCase();
  return CHECK_WORDS[check] ?? name.charAt(0).toUpperCase() + name.slice(1);
}

// The examples as rows of an object each, and the names of their columns in the order of their first sight.
/** @param {Api.JobFinding} finding @returns {{rows: Values[], names: string[]}} */
export function examplesOf(finding) {
  const rows = (finding.examples ?? []).map((each) => (isObject(each) ? each : { example: each }));
  return { rows, names: [...new Set(rows.flatMap(Object.keys))] };
}

/** @param {any} value */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
