// All rows of a list as a file: CSV as the reader's own Excel writes numbers, Parquet, Excel.

import { askFile } from "./api.js";
import { button, clock, DIALECT, h, save } from "./dom.js";
import { copyButton } from "./parts.js";

const LISTS = { production: "Production", "production/totals": "Totals", fields: "Fields", "": "Wells" };
const OFFICE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const FORMS = [
  ["CSV", "csv", "text/csv"],
  ["Parquet", "parquet", "application/vnd.apache.parquet"],
  ["Excel", "xlsx", OFFICE],
];

/** @param {Page} page @param {string | null} source */
export function downloads(page, source) {
  const place = h("div", { role: "status" });
  const choice = h(
    "select",
    { id: "list" },
    Object.entries(LISTS).map(([value, title]) => h("option", { value }, title)),
  );
  const buttons = FORMS.map(([title, format, type]) => button(title, () => fetchFile(format, type)));

  /** @param {string} format @param {string} type */
  async function fetchFile(format, type) {
    const dialect = format === "csv" ? DIALECT : {};
    const query = new URLSearchParams({ format, ...dialect, ...(source && { source }) });
    const path = ["wells", choice.value].filter(Boolean).join("/");
    const name = `${path.split("/").at(-1)}.${format}`;
    buttons.forEach((each) => (each.disabled = true));
    place.replaceChildren(h("p", { class: "muted" }, "The file is made …"));
    try {
      const { data, blob } = await askFile(`${path}?${query}`, type, page.signal);
      if (blob) save(name, type, [blob]);
      place.replaceChildren(data ? whereItIs(data) : h("p", { class: "notice" }, `${name} is here.`));
    } catch (error) {
      place.replaceChildren(h("p", { class: "notice bad", role: "alert" }, error.message));
    }
    buttons.forEach((each) => (each.disabled = false));
  }

  return h(
    "section",
    { class: "panel", "aria-labelledby": "downloads" },
    h(
      "div",
      { class: "headline" },
      h("h2", { id: "downloads" }, "Download"),
      h("label", { for: "list" }, "All rows of"),
      choice,
      h("span", { class: "exports" }, buttons),
    ),
    place,
  );
}

// A browser opens no file of another machine, nor of its own: for those the path is told.
/** @param {Pick<Api.ListFile, "url" | "name" | "sha256" | "expires_at">} file */
export function whereItIs({ url, name, sha256, expires_at: end }) {
  if (url.startsWith("file:")) {
    const path = decodeURIComponent(new URL(url).pathname);
    return h(
      "p",
      { class: "notice" },
      "The warehouse is a directory of the machine that runs Wellhead. The file is there: ",
      h("code", { class: "long" }, path),
      " ",
      copyButton(path, "the path"),
    );
  }
  const file = name.split("/").at(-1);
  const link = h("a", { href: url, download: file, rel: "noreferrer" }, file);
  link.click();
  return h(
    "p",
    { class: "notice" },
    "The download has begun: ",
    link,
    end ? `; the link works until ${clock(end)} UTC.` : ".",
    " Its SHA-256 is to be ",
    h("code", { class: "long" }, sha256),
  );
}
