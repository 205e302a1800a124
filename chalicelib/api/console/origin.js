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

// An element. `look` is called when the sheet knows where the data is.
/** @param {Sheet} sheet @param {{signal: AbortSignal, look: () => void}} options */
export function originForm(sheet, { signal, look }) {
  const answer = h("div", {});
  const presets = h("select", { id: "preset" }, h("option", { value: "" }, "None: look at the data"));
  const told = h("p", { class: "muted", id: "preset-told" });
  const url = h("input", {
    id: "url",
    type: "text",
    spellcheck: "false",
    autocomplete: "off",
    "aria-describedby": "url-told fault-url",
  });
  const urlTold = h("p", { class: "muted", id: "url-told" });
  const file = h("input", { id: "file", type: "file", multiple: true });
  const name = h("input", {
    id: "upload-name",
    type: "text",
    maxlength: "40",
    spellcheck: "false",
    autocomplete: "off",
    pattern: "[a-z0-9\\-]{1,40}",
  });
  const start = h("button", { type: "submit", class: "primary large" }, "Look at the source");
  const stop = button("Stop sending", () => sending.abort(), { hidden: true });
  const ways = [
    way(ODATA, "An OData service", "Its address, which ends in the name of an entity set such as /odata/Production."),
    way(
      FILES,
      "Files at an address",
      "https, s3://bucket/prefix/*.csv, or on your own machine a path: CSV, Excel, Parquet, JSON, zip.",
    ),
    way(MINE, "A file of mine", "It is sent into the bucket of this stack."),
  ];
  /** @type {Api.Preset[]} */
  let known = [];
  let isChosen = false; // by hand, not by the look of the address
  let sending = new AbortController();

  const chosen = () => choice.value;
  const byAddress = h(
    "div",
    {},
    h("label", { for: "url" }, "Address"),
    url,
    urlTold,
    faultLine(sheet, "url", "fault-url"),
  );
  const byFile = h(
    "div",
    { class: "by-file", hidden: true },
    h("div", {}, h("label", { for: "file" }, "Files"), file),
    h("div", {}, h("label", { for: "upload-name" }, "Name of the source"), name),
  );
  const form = h(
    "form",
    { class: "origin", onsubmit: (event) => (event.preventDefault(), begin()) },
    h("fieldset", { class: "ways" }, h("legend", { class: "unseen" }, "Where the data is"), ways),
    byAddress,
    byFile,
    h(
      "div",
      {},
      h("label", { for: "preset" }, "Preset: a form of data that is known"),
      presets,
      told,
      faultLine(sheet, "preset", "fault-preset"),
    ),
    answer,
    h("div", { class: "actions" }, start, stop),
  );
  const choice = /** @type {RadioNodeList} */ (form.elements.namedItem("way"));

  /** @param {string} value @param {string} title @param {string} text */
  function way(value, title, text) {
    const input = h("input", {
      type: "radio",
      name: "way",
      value,
      checked: value === ODATA,
      onchange: () => ((isChosen = true), show()),
    });
    return h("label", { class: "choice" }, input, h("span", {}, h("b", {}, title), h("small", {}, text)));
  }

  function show() {
    byAddress.hidden = chosen() === MINE;
    byFile.hidden = chosen() !== MINE;
    start.textContent = chosen() === MINE ? "Send it, and look at it" : "Look at the source";
  }

  function follow() {
    url.value = sheet.values.url ?? "";
    presets.value = sheet.values.preset ?? "";
    if (chosen() !== MINE) choice.value = sheet.values.kind ?? ODATA;
    tellPreset();
    show();
  }

  function tellPreset() {
    const preset = known.find((each) => each.name === presets.value);
    told.textContent = preset
      ? `${preset.publisher}.${preset.verified ? "" : " Not verified: compare what was found with the source."} ${preset.address ?? ""}`
      : "";
  }

  async function begin() {
    answer.replaceChildren();
    if (chosen() === MINE) return send();
    if (!url.value.trim()) return complain("Write the address of the data.", url);
    set(url.value.trim(), chosen());
    look();
  }

  /** @param {string} address @param {string} kind */
  function set(address, kind) {
    sheet.edit((values) => {
      Object.assign(values, { url: address, kind });
      if (presets.value) values.preset = presets.value;
      else delete values.preset;
    });
  }

  async function send() {
    const files = [...(file.files ?? [])];
    if (!files.length) return complain("Choose a file.", file);
    if (!name.value || !name.checkValidity()) {
      return complain("The name has 1 to 40 small letters, digits and hyphens.", name);
    }
    sending = new AbortController();
    start.disabled = true;
    stop.hidden = false;
    try {
      let sent;
      for (const each of files) {
        answer.replaceChildren(h("p", { role: "status" }, `Sending ${each.name}, ${size(each.size)} …`));
        sent = await upload(name.value, each, AbortSignal.any([signal, sending.signal]));
      }
      const address = files.length > 1 ? sent.folder : sent.address;
      answer.replaceChildren(h("p", { class: "muted" }, `Sent to ${address}`));
      sheet.edit((values) => (values.name = name.value));
      set(address, FILES);
      look();
    } catch (error) {
      if (!signal.aborted) answer.replaceChildren(...(sending.signal.aborted ? [] : [refused(error)]));
    }
    start.disabled = false;
    stop.hidden = true;
  }

  /** @param {string} text @param {HTMLElement} input */
  function complain(text, input) {
    answer.replaceChildren(h("p", { class: "notice bad", role: "alert" }, text));
    say(text);
    input.focus();
  }

  url.addEventListener("input", () => {
    if (isChosen) return;
    choice.value = FILE_ADDRESS.test(url.value.trim()) ? FILES : ODATA;
    show();
  });
  file.addEventListener("change", () => (name.value ||= sheet.values.name ?? nameOf(file.files?.[0]?.name ?? "")));
  presets.addEventListener("change", () => {
    const preset = known.find((each) => each.name === presets.value);
    if (preset && !isChosen) choice.value = preset.definition.kind;
    tellPreset();
    show();
  });
  sheet.addEventListener("replaced", follow);
  ask("sources/presets", { signal })
    .then(({ data }) => {
      known = data.presets;
      presets.append(
        ...known.map((each) =>
          h("option", { value: each.name }, `${each.title}${each.verified ? "" : " (not verified)"}`),
        ),
      );
      presets.value = sheet.values.preset ?? "";
      tellPreset();
    })
    .catch(
      () =>
        signal.aborted ||
        (told.textContent = "The presets could not be asked for. Without one the data itself is looked at."),
    );
  show();
  return form;
}
