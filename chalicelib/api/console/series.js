// The pages of one well and of one field.

import { ask, askAll } from "./api.js";
import { count, h, whole } from "./dom.js";
import { facts } from "./parts.js";
import { kindOf, nameOf } from "./periods.js";
import { place, sourceChoice, wells } from "./wells.js";
import { workbench } from "./workbench.js";

/** @param {Page} page */
export async function well(page) {
  const [field, code] = page.parameters;
  const title = heading(page, `Well ${code}`, ["#/wells", "Wells"]);
  const known = await sourcesOf(page, field, code);
  const source = page.query.get("source") ?? known[0];
  const query = { field_code: field, well_code: code, ...(source && { source }) };
  try {
    const rows = await askAll("wells/production", query, page);
    if (!rows.length) return title.after(h("p", {}, "Nothing is published of this well."));
    const revisions = await askAll("wells/production/revisions", query, page);
    const { well_name: name, field_name: fieldName, well_reference: reference } = rows[rows.length - 1];
    named(page, title, name ?? `Well ${code}`);
    page.root.append(
      sourceChoice(known, source, (other) => place("wells", other, field, code)) ?? "",
      facts(
        ["Field", h("a", { href: place("fields", source, field) }, h("bdi", {}, fieldName ?? field))],
        ["Reference", reference && h("bdi", {}, reference)],
        ["Code", h("bdi", {}, code)],
        ["Source", rows[rows.length - 1].source],
        ["Periods", `${count(rows.length, kindOf(rows[0]))}, ${nameOf(rows[0])} – ${nameOf(rows[rows.length - 1])}`],
        ["Rows of the source", rows.some((row) => row.source_rows > 1) ? whole(sumOf(rows, "source_rows")) : null],
      ),
      workbench(page, {
        title: "Production",
        rows,
        revisions,
        name: fileName("well", code),
        kind: "well",
        id: [source, field, code],
        last: { title: "Days", name: "days_on_production" },
      }),
    );
  } catch (error) {
    page.fail(error);
  }
}

// Those that tell of a well of this code; the first stands for a well whose address names none.
/** @param {Page} page @param {string} field @param {string} code @returns {Promise<string[]>} */
async function sourcesOf(page, field, code) {
  try {
    const { data } = await ask(`wells?${new URLSearchParams({ field_code: field, search: code, limit: "100" })}`, page);
    const same = data.rows.filter((well) => String(well.well_code) === code && well.source);
    return [...new Set(same.map((well) => well.source))];
  } catch {
    return []; // the well is asked for by itself
  }
}

/** @param {Page} page */
export async function field(page) {
  const [code] = page.parameters;
  const title = heading(page, `Field ${code}`, ["#/fields", "Fields"]);
  try {
    const all = Map.groupBy(await askAll("wells/production/totals", { field_code: code }, page), (row) => row.source);
    const source = page.query.get("source") ?? [...all.keys()].find(Boolean);
    const query = { field_code: code, ...(source && { source }) };
    const { data } = await ask(`wells?${new URLSearchParams({ ...query, limit: 1 })}`, page);
    if (!data.rows.length) return title.after(h("p", {}, "Nothing is published of this field."));
    named(page, title, data.rows[0].field_name ?? `Field ${code}`);
    const rows = all.get(source) ?? all.get(undefined) ?? [];
    page.root.append(
      sourceChoice([...all.keys()], source, (other) => place("fields", other, code)) ?? "",
      totalsPanel(page, {
        title: "All wells of the field",
        rows,
        name: fileName("field", code),
        kind: "field",
        id: [source, code],
      }),
      wells(page, { field: code, source }),
    );
  } catch (error) {
    page.fail(error);
  }
}

/** @param {Page} page @param {Omit<Bench, "last">} given */
export const totalsPanel = (page, given) => workbench(page, { ...given, last: { title: "Wells", name: "wells" } });

/** @param {Page} page @param {string} text @param {string[]} list */
function heading(page, text, [list, name]) {
  const title = h("h1", { tabindex: "-1" });
  page.root.append(h("p", { class: "crumb" }, h("a", { href: list }, name)), title);
  named(page, title, text);
  return title;
}

/** @param {Page} page @param {HTMLElement} title @param {string} name */
function named(page, title, name) {
  page.name = String(name);
  title.replaceChildren(h("bdi", {}, name));
  page.retitle(name);
}

/** @param {Row[]} rows @param {string} name */
const sumOf = (rows, name) => rows.reduce((sum, row) => sum + (row[name] ?? 0), 0);

// What a file system takes, whatever the source writes.
/** @param {string} kind @param {string} code */
const fileName = (kind, code) => `${kind}-${code.replaceAll(/[^\p{L}\p{N}._-]+/gu, "_")}`;
