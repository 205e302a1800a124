// A source is added, or its definition changed: where the data is, what was found, which field fills which column, as it
// would be stored, and at last its name. Each change looks at the source anew.

import { ask, session } from "./api.js";
import { checker } from "./check.js";
import { choicesForm } from "./choices.js";
import { count, h } from "./dom.js";
import { foundPanel } from "./found.js";
import { mappingTable, unitsToChoose } from "./mapping.js";
import { originForm } from "./origin.js";
import { isEarly, triable } from "./rules.js";
import { saveForm } from "./saving.js";
import { Sheet } from "./sheet.js";
import { TomlFault, inline } from "./toml.js";

const REST = 700; // ms without a change before the source is looked at

/** @param {Page} page */
export async function define(page) {
  const [name = null] = page.parameters;
  const title = name ? `Change ${name}` : "Add a source";
  page.retitle(title);
  page.root.append(
    h("p", { class: "crumb" }, h("a", { href: "#/sources" }, "Sources")),
    h("h1", { tabindex: "-1" }, name ? ["Change ", h("bdi", {}, name)] : title),
  );
  try {
    const data = name ? (await ask(`sources/${encodeURIComponent(name)}`, page)).data : null;
    if (!name) await ask("sources", page); // tells the role
    if (page.signal.aborted) return;
    if (!session.mayDefine) {
      return page.root.append(h("p", {}, "To say what the sources are needs a token with the role admin."));
    }
    if (data && !data.definition) {
      return page.root.append(h("p", {}, "The settings of the stack describe this source; it is changed there."));
    }
    editor(page, data);
  } catch (error) {
    page.fail(error);
  }
}

/** @param {Page} page @param {Api.DefinedSource | null} stored */
function editor(page, stored) {
  const { signal } = page;
  const sheet = new Sheet();
  const check = checker(signal, hear);
  const { look, lookSoon } = looks(sheet, check, signal);
  const found = foundPanel({ again: () => look(), stop: () => check.stop() });
  const later = laterPanels(page, sheet, stored);
  const text = textPanel(sheet); // after the form, which may give a name to what was looked at
  let wantsDraft = false; // until the data was looked at because somebody asked for it

  /** @param {Looked} answer */
  function hear(answer) {
    if (signal.aborted) return;
    found.show(sheet.text === null ? withUnitsToChoose(answer, sheet.values) : answer);
    later.wait(answer.state === "waiting");
    if (answer.state === "faulty") sheet.fault("looked", answer.faults ?? []);
    if (answer.state === "faulty" || sheet.text) later.showEnd();
    if (answer.state !== "done" || !answer.result) return;
    sheet.fault("looked", []);
    later.showEnd();
    later.showForm(sheet.text === null);
    sheet.check(answer.result);
    suggest(answer.result.draft);
  }

  /** @param {Draft | null} draft */
  function suggest(draft) {
    if (!draft || !wantsDraft || sheet.values.columns) return;
    wantsDraft = false;
    fillIn(sheet, draft, text.write);
  }

  sheet.addEventListener("edited", lookSoon);
  sheet.addEventListener("replaced", () => {
    later.showForm(sheet.text === null && sheet.found !== null);
    lookSoon();
  });
  const origin = originForm(sheet, { signal, look: () => ((wantsDraft = true), look()) });
  const first = panel("origin-title", "Where the data is", [origin]);
  page.root.append(first, found.element, ...later.elements, text.element);
  if (!stored) return;
  sheet.replace(stored.definition ?? {});
  look();
}

// {look(), lookSoon()}: at once, or when nobody has changed anything for a while.
/** @param {Sheet} sheet @param {ReturnType<typeof checker>} check @param {AbortSignal} signal */
function looks(sheet, check, signal) {
  /** @type {number | undefined} */
  let timer;

  function look() {
    clearTimeout(timer);
    check.look(sheet.text ?? triable(sheet.values));
  }

  function lookSoon() {
    clearTimeout(timer);
    if (!sheet.text && !sheet.values.url) return;
    timer = setTimeout(look, REST);
  }
  signal.addEventListener("abort", () => clearTimeout(timer));
  return { look, lookSoon };
}

const ABOUT_COLUMNS =
  "What is stored of each row. A volume of the source becomes a rate a day; which unit it is in is for you to say, because numbers by themselves do not tell.";

// {elements, wait(isWaiting), showForm(isShown), showEnd()}: what comes when the source was looked at. The form is hidden
// where it cannot show the definition; its name can be given all the same.
/** @param {Page} page @param {Sheet} sheet @param {Api.DefinedSource | null} stored */
function laterPanels(page, sheet, stored) {
  const mapping = mappingTable(sheet);
  const about = h("p", { class: "muted" }, ABOUT_COLUMNS);
  const columns = panel("columns-title", "Columns", [about, guessList(sheet), mapping.element]);
  const rest = panel("choices-title", "Rows, periods and numbers", [choicesForm(sheet)]);
  const end = panel("save-title", "Name and save", [saveForm(page, sheet, stored)]);
  const elements = [columns, rest, end];
  elements.forEach((element) => (element.hidden = true));

  /** @param {boolean} isShown */
  function showForm(isShown) {
    columns.hidden = rest.hidden = !isShown;
  }

  function showEnd() {
    end.hidden = false;
  }
  return { elements, wait: mapping.wait, showForm, showEnd };
}

// By a draft; one that the form cannot show stands as text.
/** @param {Sheet} sheet @param {Draft} draft @param {(text: string) => void} write */
function fillIn(sheet, draft, write) {
  try {
    sheet.suggest(draft);
  } catch (error) {
    if (!(error instanceof TomlFault)) throw error;
    write(draft.text);
  }
}

// While all volumes wait for their units, the source can only say that it fills none.
/** @param {Looked} answer @param {Values} values @returns {Looked} */
function withUnitsToChoose(answer, values) {
  const told = { ...answer, lacking: unitsToChoose(values), isEarly: isEarly(values) };
  return told.isEarly && answer.result ? { ...told, result: { ...answer.result, problems: [] } } : told;
}

/** @param {string} id @param {string} title @param {Child[]} children */
const panel = (id, title, children) =>
  h("section", { class: "panel", "aria-labelledby": id }, h("h2", { id }, title), children);

// All that was guessed, also where the form has no place for it.
/** @param {Sheet} sheet */
function guessList(sheet) {
  const list = h("ul", {});
  const summary = h("summary", {});
  const place = h("details", { hidden: true }, summary, list);
  sheet.addEventListener("replaced", () => {
    const guesses = [...sheet.guesses.values()].filter(({ why }) => why);
    const unsure = guesses.filter(({ sure }) => !sure).length;
    place.hidden = !guesses.length;
    summary.textContent = `${count(guesses.length, "thing was", "things were")} read out of the data${unsure ? `, ${unsure} of them a guess` : ""}`;
    list.replaceChildren(
      ...guesses.map(({ key, value, why, sure }) =>
        h(
          "li",
          {},
          h("code", {}, `${key} = ${inline(value)}`),
          why ? ` ${why}` : null,
          sure ? null : [" ", h("b", {}, "A guess.")],
        ),
      ),
    );
  });
  return place;
}

// -- the definition as text ------------------------------------------------------------------------------------------

const ABOUT_TEXT = "TOML, or JSON. What you write here shows in the form above, and the other way round.";

// {element, write(text)}.
/** @param {Sheet} sheet */
function textPanel(sheet) {
  const { element, area, told } = textFields();
  let timer = 0;
  let isWriting = false;

  function take() {
    timer = 0;
    isWriting = true;
    told.textContent = ABOUT_TEXT;
    try {
      sheet.write(area.value);
    } catch (error) {
      if (!(error instanceof TomlFault)) throw error;
      told.textContent = `${error.message} The form cannot show this. It is checked and saved as it stands here.`;
      sheet.dispatchEvent(new Event("replaced"));
    }
    isWriting = false;
  }

  const refresh = () => {
    if (!isWriting) area.value = sheet.toText();
  };
  const refreshUnlessWritten = () => {
    if (document.activeElement !== area && sheet.text === null) refresh();
  };
  const write = (/** @type {string} */ text) => {
    area.value = text;
    take();
  };
  area.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(take, REST);
  });
  area.addEventListener("blur", () => {
    if (!timer) return;
    clearTimeout(timer);
    take();
  });
  for (const event of ["edited", "replaced"]) sheet.addEventListener(event, refresh);
  sheet.addEventListener("checked", refreshUnlessWritten);
  return { element, write };
}

function textFields() {
  const area = h("textarea", {
    id: "toml",
    rows: "18",
    spellcheck: "false",
    "aria-describedby": "toml-told",
    class: "code",
  });
  const told = h("p", { class: "muted", id: "toml-told", role: "status" }, ABOUT_TEXT);
  const element = h(
    "section",
    { class: "panel", "aria-label": "The definition as text" },
    h(
      "details",
      {},
      h("summary", {}, "The definition as TOML"),
      h("label", { for: "toml", class: "unseen" }, "Definition"),
      area,
      told,
    ),
  );
  return { element, area, told };
}
