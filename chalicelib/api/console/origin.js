// Where the data is: an address or a file of this machine, and the preset that knows its form.

import { ask } from "./api.js";
import { button, h, say, size } from "./dom.js";
import { refused } from "./found.js";
import { faultLine } from "./sheet.js";
import { nameOf, upload } from "./upload.js";

const ODATA = "odata";
const FILES = "files";
const MINE = "mine";
const FILE_ADDRESS = /^(s3:|\/|[a-z]:\\|\.)|\.(csv|tsv|txt|xlsx?|parquet|json|ndjson|zip|gz)([?#].*)?$/i;
const WAYS = [
  [ODATA, "An OData service", "Its address, which ends in the name of an entity set such as /odata/Production."],
  [
    FILES,
    "Files at an address",
    "https, s3://bucket/prefix/*.csv, or on your own machine a path: CSV, Excel, Parquet, JSON, zip.",
  ],
  [MINE, "A file of mine", "It is sent into the bucket of this stack."],
];

// An element. `look` is called when the sheet knows where the data is.
/** @param {Sheet} sheet @param {{signal: AbortSignal, look: () => void}} options */
export function originForm(sheet, { signal, look }) {
  const answer = h("div", {});
  const address = addressField(sheet);
  const mine = fileFields(sheet);
  const presets = presetChoice(sheet, signal);
  const start = h("button", { type: "submit", class: "primary large" }, "Look at the source");
  const { send, stop } = sending(mine, { answer, start, signal, sent: lookAtFiles });
  const ways = waysOf(show);
  const form = h(
    "form",
    { class: "origin", onsubmit: (event) => (event.preventDefault(), begin()) },
    ways.element,
    address.element,
    mine.element,
    presets.element,
    answer,
    h("div", { class: "actions" }, start, stop),
  );
  const choice = /** @type {RadioNodeList} */ (form.elements.namedItem("way"));

  function show() {
    const isMine = choice.value === MINE;
    address.element.hidden = isMine;
    mine.element.hidden = !isMine;
    start.textContent = isMine ? "Send it, and look at it" : "Look at the source";
  }

  async function begin() {
    answer.replaceChildren();
    if (choice.value === MINE) return send();
    const url = address.input.value.trim();
    if (!url) return complain(answer, "Write the address of the data.", address.input);
    setOrigin(sheet, { url, kind: choice.value, preset: presets.select.value });
    look();
  }

  /** @param {string} url @param {string} name */
  function lookAtFiles(url, name) {
    sheet.edit((values) => (values.name = name));
    setOrigin(sheet, { url, kind: FILES, preset: presets.select.value });
    look();
  }

  followSheet(sheet, { choice, isByHand: ways.isByHand, address, presets, show });
  show();
  return form;
}

// What is written at one place shows at the others.
/** @param {Sheet} sheet @param {{choice: RadioNodeList, isByHand: () => boolean, address: ReturnType<typeof addressField>, presets: ReturnType<typeof presetChoice>, show: () => void}} parts */
function followSheet(sheet, { choice, isByHand, address, presets, show }) {
  address.input.addEventListener("input", () => {
    if (isByHand()) return;
    choice.value = FILE_ADDRESS.test(address.input.value.trim()) ? FILES : ODATA;
    show();
  });
  presets.select.addEventListener("change", () => {
    const preset = presets.chosen();
    if (preset && !isByHand()) choice.value = preset.definition.kind;
    presets.tell();
    show();
  });
  sheet.addEventListener("replaced", () => {
    address.input.value = sheet.values.url ?? "";
    presets.select.value = sheet.values.preset ?? "";
    if (choice.value !== MINE) choice.value = sheet.values.kind ?? ODATA;
    presets.tell();
    show();
  });
}

/** @param {Sheet} sheet @param {{url: string, kind: string, preset: string}} origin */
function setOrigin(sheet, { url, kind, preset }) {
  sheet.edit((values) => {
    Object.assign(values, { url, kind });
    if (preset) values.preset = preset;
    else delete values.preset;
  });
}

/** @param {HTMLElement} answer @param {string} text @param {HTMLElement} input */
function complain(answer, text, input) {
  answer.replaceChildren(h("p", { class: "notice bad", role: "alert" }, text));
  say(text);
  input.focus();
}

// -- the fields ------------------------------------------------------------------------------------------------------

// {element, isByHand()}: whether somebody chose the way, not the look of the address.
/** @param {() => void} changed */
function waysOf(changed) {
  let isByHand = false;
  const pick = () => {
    isByHand = true;
    changed();
  };
  const ways = WAYS.map(([value, title, text]) => way(value, { title, text, pick }));
  const element = h("fieldset", { class: "ways" }, h("legend", { class: "unseen" }, "Where the data is"), ways);
  return { element, isByHand: () => isByHand };
}

/** @param {string} value @param {{title: string, text: string, pick: () => void}} options */
function way(value, { title, text, pick }) {
  const input = h("input", { type: "radio", name: "way", value, checked: value === ODATA, onchange: pick });
  return h("label", { class: "choice" }, input, h("span", {}, h("b", {}, title), h("small", {}, text)));
}

/** @param {Sheet} sheet */
function addressField(sheet) {
  const input = h("input", {
    id: "url",
    type: "text",
    spellcheck: "false",
    autocomplete: "off",
    "aria-describedby": "url-told fault-url",
  });
  const element = h(
    "div",
    {},
    h("label", { for: "url" }, "Address"),
    input,
    h("p", { class: "muted", id: "url-told" }),
    faultLine(sheet, "url", "fault-url"),
  );
  return { element, input };
}

// The name of the source is that of the first file, until somebody writes another.
/** @param {Sheet} sheet */
function fileFields(sheet) {
  const file = h("input", { id: "file", type: "file", multiple: true });
  const name = h("input", {
    id: "upload-name",
    type: "text",
    maxlength: "40",
    spellcheck: "false",
    autocomplete: "off",
    pattern: "[a-z0-9\\-]{1,40}",
  });
  file.addEventListener("change", () => (name.value ||= sheet.values.name ?? nameOf(file.files?.[0]?.name ?? "")));
  const element = h(
    "div",
    { class: "by-file", hidden: true },
    h("div", {}, h("label", { for: "file" }, "Files"), file),
    h("div", {}, h("label", { for: "upload-name" }, "Name of the source"), name),
  );
  return { element, file, name };
}

// {element, select, chosen(), tell()}: `tell` says whose the chosen preset is.
/** @param {Sheet} sheet @param {AbortSignal} signal */
function presetChoice(sheet, signal) {
  const select = h("select", { id: "preset" }, h("option", { value: "" }, "None: look at the data"));
  const told = h("p", { class: "muted", id: "preset-told" });
  /** @type {Api.Preset[]} */
  let known = [];
  const chosen = () => known.find((each) => each.name === select.value);
  const tell = () => {
    const preset = chosen();
    told.textContent = preset ? presetText(preset) : "";
  };
  ask("sources/presets", { signal })
    .then(({ data }) => {
      known = data.presets;
      select.append(...known.map(presetOption));
      select.value = sheet.values.preset ?? "";
      tell();
    })
    .catch(
      () =>
        signal.aborted ||
        (told.textContent = "The presets could not be asked for. Without one the data itself is looked at."),
    );
  const element = h(
    "div",
    {},
    h("label", { for: "preset" }, "Preset: a form of data that is known"),
    select,
    told,
    faultLine(sheet, "preset", "fault-preset"),
  );
  return { element, select, chosen, tell };
}

/** @param {Api.Preset} preset */
const presetOption = ({ name, title, verified }) =>
  h("option", { value: name }, `${title}${verified ? "" : " (not verified)"}`);

/** @param {Api.Preset} preset */
function presetText({ publisher, verified, address }) {
  const doubt = verified ? "" : " Not verified: compare what was found with the source.";
  return `${publisher}.${doubt} ${address ?? ""}`;
}

// -- files of this machine, on their way into the bucket -------------------------------------------------------------

// {send(), stop}: `stop` is a button, and `sent(address, name)` is called when all have come.
/** @param {ReturnType<typeof fileFields>} mine @param {{answer: HTMLElement, start: HTMLButtonElement, signal: AbortSignal, sent: (address: string, name: string) => void}} options */
function sending({ file, name }, { answer, start, signal, sent }) {
  let asking = new AbortController();
  const stop = button("Stop sending", () => asking.abort(), { hidden: true });
  const tell = (/** @type {File} */ each) =>
    answer.replaceChildren(h("p", { role: "status" }, `Sending ${each.name}, ${size(each.size)} …`));

  async function send() {
    const files = [...(file.files ?? [])];
    if (!files.length) return complain(answer, "Choose a file.", file);
    if (!name.value || !name.checkValidity()) {
      return complain(answer, "The name has 1 to 40 small letters, digits and hyphens.", name);
    }
    asking = new AbortController();
    start.disabled = true;
    stop.hidden = false;
    try {
      const address = await sendAll(files, name, { signal: AbortSignal.any([signal, asking.signal]), tell });
      answer.replaceChildren(h("p", { class: "muted" }, `Sent to ${address}`));
      sent(address, name.value);
    } catch (error) {
      if (!signal.aborted) answer.replaceChildren(...(asking.signal.aborted ? [] : [refused(error)]));
    }
    start.disabled = false;
    stop.hidden = true;
  }
  return { send, stop };
}

// Resolves to where they are then: the file, or the folder of several. `name` is the field that tells whose they are.
/** @param {File[]} files @param {HTMLInputElement} name @param {{signal: AbortSignal, tell: (file: File) => void}} options @returns {Promise<string>} */
async function sendAll(files, name, { signal, tell }) {
  let sent;
  for (const each of files) {
    tell(each);
    sent = await upload(name.value, each, signal);
  }
  return files.length > 1 ? sent.folder : sent.address;
}
