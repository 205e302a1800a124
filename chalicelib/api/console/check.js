// A look at the source through a definition: asked for, waited for, given up. It stores nothing.

import { ask, poll } from "./api.js";
import { OPEN } from "./words.js";

const LOOK = 1; // seconds

// `told` hears {state}: "waiting"; "done" with its result; "faulty" with the faults of the definition; "failed" with an
// error; "stopped". The next look overtakes the one before.
/** @param {AbortSignal} signal @param {(answer: Looked) => void} told */
export function checker(signal, told) {
  let waiting = new AbortController();

  /** @param {Values | string} values */
  async function look(values) {
    waiting.abort();
    waiting = new AbortController();
    const mine = AbortSignal.any([signal, waiting.signal]);
    told({ state: "waiting" });
    try {
      const answer = await answerTo(values, mine);
      if (!mine.aborted) told(answer);
    } catch (error) {
      if (!mine.aborted) told(failure(error));
    }
  }

  function stop() {
    waiting.abort();
    told({ state: "stopped" });
  }

  return { look, stop, forget: () => waiting.abort() };
}

// `values` are an object, or TOML as text.
/** @param {Values | string} values @returns {{body: Values | string, headers?: Record<string, string>}} */
export function definitionBody(values) {
  if (typeof values !== "string") return { body: values };
  const isJson = values.trimStart().startsWith("{");
  return { body: values, headers: { "Content-Type": isJson ? "application/json" : "application/toml" } };
}

/** @param {Values | string} values @param {AbortSignal} signal @returns {Promise<Looked>} */
async function answerTo(values, signal) {
  const { data } = await ask("sources/check", { method: "POST", ...definitionBody(values), signal });
  let last = data;
  const watch = poll(async () => {
    const answer = await ask(`sources/check/${encodeURIComponent(data.check_id)}`, { signal });
    last = answer.data;
    return OPEN.includes(last.status) ? (answer.retryAfter ?? LOOK) : null;
  }, signal);
  await watch.ended;
  return last.result ? { state: "done", result: /** @type {Found} */ (last.result) } : failure(last.error ?? {});
}

/** @param {any} error @returns {Looked} */
function failure(error) {
  const faults = error.details?.faults;
  return faults ? { state: "faulty", faults } : { state: "failed", error };
}
