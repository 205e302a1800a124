// The log of one import: its last lines, while it runs as they come.

import { ask, poll } from "./api.js";
import { clock, framed, h } from "./dom.js";
import { isFinal } from "./parts.js";

const SECONDS = [3, 10]; // between two looks, at least and at most; in between, as the API wishes
const LAST_LOOKS = 2; // after the end: a worker stores its last lines just behind it

// {element, of}: `of` is told the job as it is now.
/** @param {string} id @param {Page} page */
export function jobLog(id, page) {
  const { element, show, fail } = logPanel();
  /** @type {Job | null} */
  let job = null;
  /** @type {Api.JobLog | null} */
  let shown = null;
  let left = LAST_LOOKS;

  const watch = poll(async () => {
    const { data, retryAfter } = await ask(`wells/import/jobs/${id}/logs`, { signal: page.signal });
    if (data !== shown) show(data.lines);
    shown = data;
    if (job && isFinal(job)) left -= 1;
    const [least, most] = SECONDS;
    return left ? Math.min(most, Math.max(least, retryAfter ?? 0)) : null;
  }, page.signal);
  watch.ended.catch((error) => {
    if (page.signal.aborted || error.status === 401) return;
    fail(error);
  });

  /** @param {Job} newer */
  function of(newer) {
    const ends = job && !isFinal(job) && isFinal(newer);
    job = newer;
    if (ends) watch.soon();
  }

  return { element, of };
}

function logPanel() {
  const lines = h("ol", { class: "log" });
  const frame = framed("Log, a list that scrolls", lines);
  frame.hidden = true;
  const none = h("p", { class: "muted" }, "Nothing is logged of this import yet, or no longer.");
  const title = h("h2", { id: "log" }, "Log");
  const element = h("section", { class: "panel", "aria-labelledby": "log" }, title, none, frame);

  // Whoever reads the end goes on reading the end.
  /** @param {Api.LogLine[]} found */
  function show(found) {
    const atEnd = frame.scrollHeight - frame.scrollTop - frame.clientHeight < 8;
    lines.replaceChildren(...found.map(line));
    none.hidden = found.length > 0;
    frame.hidden = found.length === 0;
    if (atEnd) frame.scrollTop = frame.scrollHeight;
  }

  /** @param {any} error */
  function fail(error) {
    none.textContent = `The log cannot be shown. ${error.message}`;
    none.hidden = false;
  }
  return { element, show, fail };
}

/** @param {Api.LogLine} line */
function line({ at, level, text, attempt, fence }) {
  return h(
    "li",
    { "data-level": level.toLowerCase() },
    h("time", { datetime: new Date(at * 1000).toISOString() }, clock(at)),
    h("span", { class: "worker", title: `Attempt ${attempt ?? "none"}, fence ${fence}` }, `${attempt ?? "–"}:${fence}`),
    h("b", { class: "level" }, level),
    h("span", { class: "words" }, text),
  );
}
