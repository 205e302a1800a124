// A definition is saved under its name, from the version that somebody saw; then comes the first import.

import { ApiError, ask } from "./api.js";
import { definitionBody } from "./check.js";
import { h, say } from "./dom.js";
import { faultList, refused } from "./found.js";
import { refusal, sender } from "./parts.js";
import { faultLine } from "./sheet.js";
import { importPath, sourceAddress } from "./source.js";
import { nameOf } from "./upload.js";

const NAME = /^[a-z0-9-]{1,40}$/;
const RULE_OF_NAMES = "Small letters, digits and hyphens. Each row carries it, and it cannot be changed later.";

// The form that gives the source its name and saves it; `stored` is the one that is changed, or null.
/** @param {Page} page @param {Sheet} sheet @param {Api.DefinedSource | null} stored */
export function saveForm(page, sheet, stored) {
  const answer = h("div", {});
  const input = nameInput(sheet, stored);
  const saving = h("button", { type: "submit", class: "primary large" }, "Save");
  const form = h(
    "form",
    { class: "save", onsubmit: (event) => (event.preventDefault(), save()) },
    h("div", {}, h("label", { for: "name" }, "Name of the source"), input),
    h("p", { class: "muted", id: "name-told" }, RULE_OF_NAMES),
    faultLine(sheet, "name", "fault-name"),
    answer,
    h("div", { class: "actions" }, saving),
  );

  const follow = () => {
    if (document.activeElement === input || stored) return;
    input.value = sheet.values.name ?? "";
    if (!input.value && sheet.found && sheet.values.url) {
      input.value = nameOf(sheet.values.url);
      sheet.values.name = input.value;
    }
  };
  for (const event of ["checked", "replaced"]) sheet.addEventListener(event, follow);
  sheet.addEventListener("edited", () => answer.replaceChildren());

  async function save() {
    const name = input.value.trim();
    saving.disabled = true;
    answer.replaceChildren();
    try {
      const { data } = await put(name, sheet, stored);
      sheet.fault("saved", []);
      page.signal.aborted || showSaved(data);
    } catch (error) {
      const faults = error.details?.faults;
      if (faults) sheet.fault("saved", faults);
      answer.replaceChildren(faults ? faultList(faults) : refusedSave(error, name));
    }
    saving.disabled = false;
  }

  /** @param {Api.DefinedSource} data */
  function showSaved(data) {
    const { element, begin } = savedNotice(data, { isNew: !stored });
    say(`${data.name} is saved.`);
    form.replaceWith(element);
    begin.element.focus();
  }
  return form;
}

/** @param {Sheet} sheet @param {Api.DefinedSource | null} stored */
function nameInput(sheet, stored) {
  /** @type {HTMLInputElement} */
  const input = h("input", {
    id: "name",
    maxlength: "40",
    spellcheck: "false",
    autocomplete: "off",
    "aria-describedby": "name-told fault-name",
    value: stored?.name,
    readonly: Boolean(stored),
    oninput: () => sheet.edit((values) => (values.name = input.value.trim())),
  });
  return input;
}

// {element, begin}: what stands in the form's place, with the button that starts an import.
/** @param {Api.DefinedSource} data @param {{isNew: boolean}} options */
function savedNotice(data, { isNew }) {
  const refusing = h("div", {});
  const follow = (/** @type {string} */ id) => (location.hash = `#/jobs/${id}`);
  const title = isNew ? "Start the first import" : "Import now";
  const begin = sender(title, () => importPath(data.name, { isFull: isNew }), {
    attributes: { class: "primary large" },
    sent: ({ job_id: id }) => follow(id),
    refused: (error) => refusing.replaceChildren(refusal(error, follow)),
  });
  const other = h("a", { href: sourceAddress(data.name) }, "To the source, without an import");
  const element = h(
    "div",
    { class: "notice" },
    h("p", { class: "message" }, `${data.name} is saved, as version ${data.version}.`),
    refusing,
    h("div", { class: "actions" }, begin.element, other),
  );
  return { element, begin };
}

// Under a name that can be none there is no address to put it to; what else is wrong is told all the same.
/** @param {string} name @param {Sheet} sheet @param {Api.DefinedSource | null} stored */
async function put(name, sheet, stored) {
  if (!NAME.test(name)) {
    if (sheet.text === null) await ask("sources/check", { method: "POST", body: { ...sheet.values, name } });
    const fault = { key: "name", problem: "is no name", instead: "1 to 40 small letters, digits and hyphens" };
    throw new ApiError("", { details: { faults: [fault] } });
  }
  const { headers, body } = definitionBody(sheet.text ?? { ...sheet.values, name });
  /** @type {Record<string, string>} */
  const seen = stored ? { "If-Match": `"${stored.version}"` } : {};
  return ask(`sources/${name}`, { method: "PUT", body, headers: { ...headers, ...seen } });
}

/** @param {any} error @param {string} name */
function refusedSave(error, name) {
  const notice = refused(error);
  if (error.code === "SOURCE_VERSION_DIFFERS") {
    notice.append(h("p", {}, h("a", { href: sourceAddress(name) }, "Look at it as it is now")));
  }
  return notice;
}
