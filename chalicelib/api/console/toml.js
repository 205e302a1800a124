// TOML as definitions are written in it: read into what JSON would hold, and written from that. The API reads all of TOML;
// what is rare in definitions (dates as values, arrays of tables) is told as a fault here, and stays text.

const BARE = /^[A-Za-z0-9_-]+$/;
const BLANKS = /(?:[ \t\n]|#[^\n]*)*/y;
const SPACES = /[ \t]*/y;
const WORD = /[A-Za-z0-9_-]+/y;
const NUMBER = /[-+]?(?:\d[\d_]*)(?:\.\d[\d_]*)?(?:[eE][-+]?\d+)?(?![\w.:-])/y;
const TRUTH = /(?:true|false)(?![\w-])/y;
/** @type {Record<string, string>} */
const ESCAPES = { b: "\b", t: "\t", n: "\n", f: "\f", r: "\r", e: "\u001b", '"': '"', "\\": "\\" };
const LINE = 100; // signs; a longer list has a line for each of its values

export class TomlFault extends Error {}

/** @param {any} value */
export const isTable = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

// -- writing ---------------------------------------------------------------------------------------------------------

// Tables of the first level have a heading of their own, deeper ones stand in a line.
/** @param {Values} values */
export function writeToml(values) {
  const entries = Object.entries(values);
  const lines = entries.filter(([, value]) => !isTable(value)).map(assignment);
  for (const [name, table] of entries.filter(([, value]) => isTable(value))) {
    lines.push("", `[${keyOf(name)}]`, ...Object.entries(table).map(assignment));
  }
  return lines.length ? `${lines.join("\n").trimStart()}\n` : "";
}

// A value as it stands behind an equals sign.
/** @param {any} value @returns {string} */
export function inline(value) {
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  if (isTable(value)) return `{ ${Object.entries(value).map(assignment).join(", ")} }`;
  return typeof value === "string" ? quoted(value) : String(value);
}

/** @param {[string, any]} entry @returns {string} */
function assignment([name, value]) {
  const line = `${keyOf(name)} = ${inline(value)}`;
  if (!Array.isArray(value) || line.length <= LINE) return line;
  return `${keyOf(name)} = [\n${value.map((each) => `    ${inline(each)},\n`).join("")}]`;
}

/** @param {string} name */
const keyOf = (name) => (BARE.test(name) ? name : quoted(name));
/** @param {string} text */
const quoted = (text) => JSON.stringify(text.toWellFormed()).replaceAll("\u007f", "\\u007f");

// -- reading ---------------------------------------------------------------------------------------------------------

// Of TOML, or of JSON when it begins with a brace. Raises TomlFault, whose sentence names the line.
/** @param {string} text @returns {Values} */
export function readToml(text) {
  if (!text.trimStart().startsWith("{")) return new Reader(text).document();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TomlFault(`It is no JSON: ${error.message}`);
  }
}

/** @returns {Values} */
const newTable = () => Object.create(null); // so that no name of a field is one of JavaScript's own

class Reader {
  /** @param {string} text */
  constructor(text) {
    this.text = text.replaceAll("\r\n", "\n");
    this.at = 0;
  }

  document() {
    const root = newTable();
    /** @returns {Values} */
    let table = root;
    for (this.take(BLANKS); this.at < this.text.length; this.take(BLANKS)) {
      if (this.next("[")) table = this.heading(root);
      else this.pair(table);
      this.endOfLine();
    }
    return root;
  }

  /** @param {Values} root */
  heading(root) {
    if (this.text[this.at] === "[") this.refuse("a table of an array");
    /** @returns {string[]} */
    const path = this.path();
    if (!this.next("]")) this.refuse("a heading without its end");
    return this.tableAt(root, path);
  }

  /** @param {Values} table */
  pair(table) {
    const path = this.path();
    const name = path[path.length - 1];
    if (!this.next("=")) this.refuse("a line without an equals sign");
    this.take(SPACES);
    const place = this.tableAt(table, path.slice(0, -1));
    if (name in place) this.refuse(`${name} a second time`);
    place[name] = this.value();
  }

  /** @param {Values} root @param {string[]} path */
  tableAt(root, path) {
    return path.reduce((table, name) => {
      table[name] ??= newTable();
      if (!isTable(table[name])) this.refuse(`${name}, which is no table`);
      return table[name];
    }, root);
  }

  path() {
    const names = [];
    do {
      this.take(SPACES);
      names.push("\"'".includes(this.text[this.at] ?? "x") ? this.string() : this.word());
      this.take(SPACES);
    } while (this.next("."));
    return names;
  }

  word() {
    return this.take(WORD) || this.refuse("no name of a key");
  }

  /** @returns {any} */
  value() {
    const sign = this.text[this.at];
    if (sign === '"' || sign === "'") return this.string();
    if (this.next("[")) return this.list();
    if (this.next("{")) return this.table();
    const truth = this.take(TRUTH);
    if (truth) return truth === "true";
    const number = this.take(NUMBER);
    return number ? Number(number.replaceAll("_", "")) : this.refuse("a value that is no text, number, list or table");
  }

  /** @returns {any[]} */
  list() {
    const values = [];
    for (this.take(BLANKS); !this.next("]"); this.take(BLANKS)) {
      if (values.length && !this.next(",")) this.refuse("a list without its end");
      this.take(BLANKS);
      if (this.next("]")) break;
      values.push(this.value());
    }
    return values;
  }

  table() {
    const table = newTable();
    for (this.take(BLANKS); !this.next("}"); this.take(BLANKS)) {
      if (Object.keys(table).length && !this.next(",")) this.refuse("a table without its end");
      this.take(BLANKS);
      if (this.next("}")) break;
      this.pair(table);
    }
    return table;
  }

  string() {
    const sign = this.text[this.at];
    const isLong = this.text.startsWith(sign.repeat(3), this.at);
    const end = isLong ? sign.repeat(3) : sign;
    this.at += end.length;
    if (isLong) this.next("\n");
    let text = "";
    while (!this.text.startsWith(end, this.at)) {
      /** @param {string} sign */
      const next = this.text[this.at++];
      if (next === undefined || (next === "\n" && !isLong)) this.refuse("a text without its end");
      text += next === "\\" && sign === '"' ? this.escaped() : next;
    }
    this.at += end.length;
    return text;
  }

  escaped() {
    const sign = this.text[this.at++];
    if (sign in ESCAPES) return ESCAPES[sign];
    const length = { x: 2, u: 4, U: 8 }[sign] ?? 0;
    const digits = this.text.slice(this.at, this.at + length);
    const code = /^[0-9a-fA-F]+$/.test(digits) && digits.length === length ? parseInt(digits, 16) : NaN;
    if (!(code <= 0x10ffff)) this.refuse("a backslash that means nothing");
    this.at += length;
    return String.fromCodePoint(code);
  }

  endOfLine() {
    const rest = this.take(BLANKS);
    if (this.at < this.text.length && !rest.includes("\n")) this.refuse("more than one thing");
  }

  /** @param {string} sign */
  next(sign) {
    const isThere = this.text[this.at] === sign;
    if (isThere) this.at += 1;
    return isThere;
  }

  /** @param {RegExp} pattern */
  take(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }

  /** @param {string} what @returns {never} */
  refuse(what) {
    const line = this.text.slice(0, this.at).split("\n").length;
    throw new TomlFault(`Line ${line} has ${what}.`);
  }
}
