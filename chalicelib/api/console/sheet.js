// The definition that somebody is writing: its keys, what the last look at the source found, what was guessed, what is
// faulty. It tells of changes by "edited" (by a hand), "replaced" (all of it), "checked" and "faulted".

import { h } from "./dom.js";
import { setRule, setWord } from "./rules.js";
import { isTable, readToml, writeToml } from "./toml.js";
import { KINDS } from "./words.js";

export class Sheet extends EventTarget {
  values = {};
  text = null; // as somebody writes it, where the form cannot show it
  found = null;
  guesses = new Map();
  #faults = { looked: [], saved: [] };

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

  replace(values) {
    this.values = values;
    this.text = null;
    this.#tell("replaced");
  }

  // Text that the form can show becomes its keys. Raises TomlFault.
  write(text) {
    this.text = text;
    this.replace(readToml(text));
  }

  toText() {
    return this.text ?? writeToml(this.values);
  }

  // What a look at the source suggests. A unit that is not sure is for somebody to choose, so it is taken out.
  suggest({ text, guesses }) {
    const { name, ...told } = readToml(text);
    const values = { ...this.values, ...told, ...said(this.values) };
    this.guesses = new Map(guesses.map((guess) => [guess.key, guess]));
    for (const [column, { value, sure }] of Object.keys(KINDS).map((each) => [each, this.guessOf(each) ?? {}])) {
      if (!isTable(value) || sure) continue;
      setRule(values, column, value);
      setWord(values, column, "unit", "");
    }
    this.replace(values);
  }

  guessOf(column) {
    return this.guesses.get(`columns.${column}`);
  }

  check(found) {
    this.found = found;
    this.#tell("checked");
  }

  fault(when, faults) {
    this.#faults[when] = faults;
    this.#tell("faulted");
  }

  #tell(name) {
    this.dispatchEvent(new Event(name));
  }
}

// What somebody has said by hand is not for a draft to change.
const said = (values) =>
  Object.fromEntries(["url", "kind", "secret"].filter((key) => key in values).map((key) => [key, values[key]]));

// The faults of a key and of what is below it, beside where it is chosen, until `signal`.
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

export const faultText = ({ key, problem, instead }) =>
  h("span", {}, h("code", {}, key || "definition"), ` ${problem}. Write: ${instead}`);

// Why something stands there that nobody chose. Of a unit, its `word` alone is told, and `take` is what chooses it.
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
