// What is published: its facts, the file, the sums of all wells, and the wells.

import { ask, askAll } from "./api.js";
import { button, count, h, loading, moment, period, seconds, size, whole } from "./dom.js";
import { copyButton, facts, jobLink } from "./parts.js";
import { totalsPanel } from "./series.js";
import { sourceChoice, wells } from "./wells.js";

/** @param {Page} page */
export async function data(page) {
  page.retitle("Data");
  const status = loading();
  page.root.append(h("h1", { tabindex: "-1" }, "Data"), status);
  try {
    const { data: summary } = await ask("wells/production/summary", { signal: page.signal });
    status.remove();
    const source = page.query.get("source");
    const known = (summary.sources ?? []).map((each) => each.source);
    const choice = sourceChoice(known, source, addressOf, "All, each by itself");
    const list = wells(page, { source });
    const { downloads } = await import("./downloads.js");
    page.root.append(
      tiles(summary),
      choice ?? "",
      list,
      summary.rows ? totals(page, source) : "",
      downloads(page, source),
      database(summary, page),
    );
  } catch (error) {
    if (error.code !== "NO_DATA_YET") return page.fail(error);
    status.replaceWith(
      h(
        "section",
        { class: "panel" },
        h("h2", {}, "Nothing is published yet"),
        h("p", {}, "The data shows here when the first import is complete."),
        h("p", {}, h("a", { href: "#/imports" }, "Start an import")),
      ),
    );
  }
}

/** @param {string} source */
const addressOf = (source) => `#/data${source ? `?${new URLSearchParams({ source })}` : ""}`;

/** @param {Page} page @param {string | null} source */
function totals(page, source) {
  const place = h("div", { class: "page" }, h("section", { class: "panel tall" }, loading()));
  askAll("wells/production/totals", source ? { source } : {}, { signal: page.signal })
    .then((rows) => place.replaceChildren(...bySource(rows, source).map((given) => totalsPanel(page, given))))
    .catch((error) => (place.remove(), page.fail(error)));
  return place;
}

// Two sources may tell of one well, so their sums are never added.
/** @param {Row[]} rows @param {string | null} chosen */
function bySource(rows, chosen) {
  const sources = [...Map.groupBy(rows, ({ source }) => source ?? null)];
  return sources.map(([source, rows]) => ({
    title: sources.length > 1 || chosen ? `All wells of ${source} together` : "All wells together",
    name: sources.length > 1 || chosen ? `all-wells-${source}` : "all-wells",
    folded: true,
    rows,
  }));
}

// One well may be told by two sources, so the wells of each are counted on their own.
/** @param {Api.Summary} summary */
function counts(summary) {
  if (summary.wells !== null) return [{ title: "Wells", ...summary }];
  return summary.sources.map((source) => ({ title: `Wells of ${source.source}`, ...source }));
}

/** @param {Api.Summary} summary */
function tiles(summary) {
  /** @param {string} title @param {Child} value @param {string} [note] */
  const tile = (title, value, note) =>
    h("div", {}, h("dt", {}, title), h("dd", {}, value, note ? h("small", {}, note) : null));
  const { last_import: last } = summary;
  return h(
    "dl",
    { class: "tiles" },
    tile("Rows", whole(summary.rows), `${whole(summary.replaced_rows)} replaced by revisions`),
    ...counts(summary).map(({ title, wells, wells_with_gaps, missing_periods, missing_months }) =>
      tile(
        title,
        whole(wells),
        `${whole(wells_with_gaps)} with gaps, ${whole(missing_periods ?? missing_months)} periods missing`,
      ),
    ),
    summary.fields === null ? null : tile("Fields", whole(summary.fields)),
    tile("Periods", `${period(summary.first_period)} – ${period(summary.last_period)}`),
    tile("Database", size(summary.snapshot.bytes), `${whole(summary.rejected_rows)} rejected rows kept`),
    last
      ? tile(
          "Last import",
          jobLink(last.job_id, moment(seconds(last.merged_at))),
          `by ${last.triggered_by}, ${whole(last.new_records)} new, ${whole(last.updated_records)} updated`,
        )
      : null,
  );
}

/** @param {Api.Summary} summary @param {Page} page */
function database(summary, page) {
  const { snapshot } = summary;
  const place = h("div", { role: "status" });
  const download = button("Download the database", async () => {
    download.disabled = true;
    try {
      const { data } = await ask("wells/export", { signal: page.signal });
      place.replaceChildren((await import("./downloads.js")).whereItIs(data));
    } catch (error) {
      place.replaceChildren(h("p", { class: "notice bad" }, error.message));
    }
    download.disabled = false;
  });
  return h(
    "section",
    { class: "panel", "aria-labelledby": "database" },
    h(
      "div",
      { class: "headline" },
      h("h2", { id: "database" }, "The database"),
      h("span", { class: "muted" }, "one DuckDB file, version 1.4 and later open it"),
      download,
    ),
    place,
    facts(
      ["Snapshot", h("code", {}, snapshot.name)],
      ["Size", `${size(snapshot.bytes)} (${count(snapshot.bytes, "byte")})`],
      [
        "SHA-256",
        h("span", {}, h("code", { class: "long" }, snapshot.sha256), " ", copyButton(snapshot.sha256, "the checksum")),
      ],
    ),
  );
}
