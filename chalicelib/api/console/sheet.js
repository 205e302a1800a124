// The definition that somebody is writing: its keys, what the last look at the source found, what was guessed, what is
// faulty. It tells of changes by "edited" (by a hand), "replaced" (all of it), "checked" and "faulted".

import { h } from "./dom.js";
import { setWord } from "./rules.js";
import { readToml, writeToml } from "./toml.js";

export class Sheet extends EventTarget {
  values = {};
  text = null; // as somebody writes it, where the form cannot show it
  found = null;
  guesses = new Map();
  faults = [];

  edit(change) {
    change(this.values);
    this.#tell("edited");
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
    const values = { ...this.values, ...readToml(text), ...named(this.values) };
    this.guesses = new Map(guesses.map((guess) => [guess.key, guess]));
    for (const { key, sure } of guesses) {
      const [, column] = /^columns\.([a-z0-9_]+)\.unit$/.exec(key) ?? [];
      if (column && !sure && values.columns?.[column] !== undefined) setWord(values, column, "unit", "");
    }
    this.replace(values);
  }

  check(found) {
    this.found = found;
    this.#tell("checked");
  }

  fault(faults) {
    this.faults = faults;
    this.#tell("faulted");
  }

  #tell(name) {
    this.dispatchEvent(new Event(name));
  }
}

// What somebody has said by hand is not for a draft to change.
const named = (values) =>
  Object.fromEntries(["name", "url", "kind", "secret"].filter((key) => key in values).map((key) => [key, values[key]]));

// The faults of a key and of what is below it, beside where it is chosen, until `signal`.
export function faultLine(sheet, key, id, signal) {
  const line = h("p", { class: "fault", id, hidden: true });
  const show = () => {
    const own = sheet.faults.filter((fault) => fault.key === key || fault.key.startsWith(`${key}.`));
    line.replaceChildren(...own.flatMap((fault) => [faultText(fault), h("br")]).slice(0, -1));
    line.hidden = !own.length;
  };
  sheet.addEventListener("faulted", show, { signal });
  show();
  return line;
}

export const faultText = ({ key, problem, instead }) =>
  h("span", {}, h("code", {}, key || "definition"), ` ${problem}. Write: ${instead}`);

// Why something stands there that nobody chose; null where somebody did.
export function guessNote(guess, take) {
  if (!guess) return null;
  return h("small", { class: "guess" }, h("b", {}, guess.sure ? "From the data: " : "A guess: "), h("code", {}, String(guess.value)), ` ${guess.why}`, take);
}
