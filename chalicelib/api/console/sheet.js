// The definition that somebody is writing: its keys, what the last look at the source found, what was guessed, what is
// faulty. It tells of changes by "edited" (by a hand), "replaced" (all of it), "checked" and "faulted".

import { h } from "./dom.js";
import { setRule, setWord } from "./rules.js";
import { isTable, readToml, writeToml } from "./toml.js";
import { KINDS } from "./words.js";

export class Sheet extends EventTarget {
  /** @type {Values} */
  values = {};
  /** @type {string | null} */
  text = null; // as somebody writes it, where the form cannot show it
  /** @type {Found | null} */
  found = null;
  /** @type {Map<string, Guess>} */
  guesses = new Map();
  /** @type {{looked: Fault[], saved: Fault[]}} */
  #faults = { looked: [], saved: [] };

  /** @param {Change} change */
  edit(change) {
    change(this.values);
    this.#faults.saved = [];
    this.#tell("edited");
  }

  // What is wrong as far as was looked at, and what was said when it was to be saved, until somebody changes something.
  get faults() {
    const { looked, saved } = this.#faults;
    return [...looked.filter(({ key }) => !saved.some((fault) => fault.key === key)), ...saved];
  }

  /** @param {Values} values */
  replace(values) {
    this.values = values;
    this.text = null;
    this.#tell("replaced");
  }

  // Text that the form can show becomes its keys. Raises TomlFault.
  /** @param {string} text */
  write(text) {
    this.text = text;
    this.replace(readToml(text));
  }

  toText() {
    return this.text ?? writeToml(this.values);
  }

  // What a look at the source suggests. A unit that is not sure is for somebody to choose, so it is taken out.
  /** @param {Draft} draft */
  suggest({ text, guesses }) {
    const { name, ...told } = readToml(text);
    const values = { ...this.values, ...told, ...said(this.values) };
    this.guesses = new Map(guesses.map((guess) => [guess.key, guess]));
    for (const column of Object.keys(KINDS)) {
      const guess = this.guessOf(column);
      if (!guess || !isTable(guess.value) || guess.sure) continue;
      setRule(values, column, guess.value);
      setWord(values, column, "unit", "");
    }
    this.replace(values);
  }

  /** @param {string} column */
  guessOf(column) {
    return this.guesses.get(`columns.${column}`);
  }

  /** @param {Found} found */
  check(found) {
    this.found = found;
    this.#tell("checked");
  }

  /** @param {"looked" | "saved"} when @param {Fault[]} faults */
  fault(when, faults) {
    this.#faults[when] = faults;
    this.#tell("faulted");
  }

  /** @param {string} name */
  #tell(name) {
    this.dispatchEvent(new Event(name));
  }
}

// What somebody has said by hand is not for a draft to change.
/** @param {Values} values */
const said = (values) =>
  Object.fromEntries(["url", "kind", "secret"].filter((key) => key in values).map((key) => [key, values[key]]));

// The faults of a key and of what is below it, beside where it is chosen, until `signal`.
/** @param {Sheet} sheet @param {string} key @param {string} id @param {AbortSignal} [signal] */
export function faultLine(sheet, key, id, signal) {
  const line = h("p", { class: "fault", id, hidden: true });
  const show = () => {
    const own = sheet.faults.filter((fault) => fault.key === key || fault.key.startsWith(`${key}.`));
    line.replaceChildren(...own.flatMap((fault) => [faultText(fault), h("br")]).slice(0, -1));
    line.hidden = !own.length;
  };
  for (const event of ["faulted", "edited"]) sheet.addEventListener(event, show, { signal });
  show();
  return line;
}

/** @param {Fault} fault */
export const faultText = ({ key, problem, instead }) =>
  h("span", {}, h("code", {}, key || "definition"), ` ${problem}. Write: ${instead}`);

// Why something stands there that nobody chose. Of a unit, its `word` alone is told, and `take` is what chooses it.
/** @param {Guess | undefined} guess @param {string} [word] @param {Child} [take] */
export function guessNote(guess, word, take) {
  if (!guess?.why) return null;
  return h(
    "small",
    { class: "guess" },
    h("b", {}, guess.sure ? "From the data: " : "A guess: "),
    word ? h("code", {}, word) : null,
    ` ${guess.why}`,
    take,
  );
}
