-- The statements of the store. A statement begins at "-- name:" and goes to the next one.
-- {braces} are lists of columns made from rows.py; $names are bound values.


-- READING -------------------------------------------------------------------------------------------------
-- A field of the source arrives as text whatever its JSON type. Each kind of column has a macro that reads
-- it, NULL when it cannot be read, and one that says what is wrong: 'REASON column', NULL when nothing is.

-- name: macro_read_whole
CREATE OR REPLACE TEMP MACRO read_whole(x) AS
    CASE
        WHEN contains(x, '_') THEN NULL  -- DuckDB takes 1_000 for a thousand
        WHEN abs(TRY_CAST(x AS DOUBLE)) >= 9007199254740992 AND regexp_matches(x, '[.eE]') THEN NULL  -- 2^53: inexact
        WHEN TRY_CAST(x AS DOUBLE) = TRY_CAST(x AS BIGINT) THEN TRY_CAST(x AS BIGINT)  -- 1.7 would round to 2
    END;

-- name: macro_read_number
CREATE OR REPLACE TEMP MACRO read_number(x) AS
    CASE WHEN isfinite(TRY_CAST(x AS DOUBLE)) AND NOT contains(x, '_') THEN TRY_CAST(x AS DOUBLE) END;

-- name: macro_read_day
-- The calendar date as written, whatever time and offset follow it. DuckDB's own timestamps know no T00:00Z.
CREATE OR REPLACE TEMP MACRO read_day(x) AS
    CASE
        WHEN substr(x, 5, 1) <> '-' OR substr(x, 8, 1) <> '-' THEN NULL
        WHEN length(x) = 10 THEN TRY_CAST(x AS DATE)
        WHEN regexp_full_match(
            substr(x, 11),
            '[Tt ]([01]\d|2[0-4]):[0-5]\d(:([0-5]\d|60)(\.\d+)?)?( ?([Zz]|[+-]\d\d(:?[0-5]\d)?))?'
        ) THEN TRY_CAST(left(x, 10) AS DATE)
    END;

-- name: macro_read_words
CREATE OR REPLACE TEMP MACRO read_words(x) AS x;

-- name: macro_whole_problem
CREATE OR REPLACE TEMP MACRO whole_problem(name, x, low, high) AS
    CASE
        WHEN x IS NULL THEN 'MISSING_KEY ' || name
        WHEN read_whole(x) IS NULL THEN 'NOT_A_WHOLE_NUMBER ' || name
        WHEN read_whole(x) NOT BETWEEN low AND high THEN 'OUT_OF_RANGE ' || name
    END;

-- name: macro_number_problem
CREATE OR REPLACE TEMP MACRO number_problem(name, x, low, high) AS
    CASE
        WHEN x IS NULL THEN NULL
        WHEN read_number(x) IS NULL THEN 'NOT_A_NUMBER ' || name
        WHEN read_number(x) NOT BETWEEN low AND high THEN 'OUT_OF_RANGE ' || name
    END;

-- name: macro_day_problem
CREATE OR REPLACE TEMP MACRO day_problem(name, x, low, high) AS
    CASE
        WHEN x IS NULL THEN 'MISSING_KEY ' || name
        WHEN read_day(x) IS NULL THEN 'NOT_A_DATE ' || name
        WHEN year(read_day(x)) NOT BETWEEN low AND high THEN 'OUT_OF_RANGE ' || name
    END;

-- name: macro_words_problem
CREATE OR REPLACE TEMP MACRO words_problem(name, x, low, high) AS
    CASE WHEN left(x, 1) IN ('{{', '[') AND json_valid(x) THEN 'NOT_TEXT ' || name END;


-- STAGING -------------------------------------------------------------------------------------------------
-- rowid follows the order of arrival, which is the order of the source. A rejected row stays among the others,
-- with its problem, its place in the source and its raw text.

-- name: create_staged
CREATE TABLE IF NOT EXISTS staged ({columns_with_types}, problem VARCHAR, page INTEGER, position INTEGER, raw VARCHAR);

-- name: stage
INSERT INTO staged
SELECT {values_read}, coalesce({problems_found}), NULL, NULL, NULL
FROM (
    SELECT {source_fields}
    FROM read_json($file, format = 'newline_delimited', columns = $fields, maximum_object_size = 4194304)
) AS source({columns});

-- name: field_names
SELECT DISTINCT unnest(json_keys(json)) FROM read_ndjson_objects($file, maximum_object_size = 4194304);

-- name: staged_range
SELECT count(*), coalesce(max(rowid) + 1, 0) FROM staged;

-- name: new_problems
SELECT rowid FROM staged WHERE rowid >= $first AND problem IS NOT NULL AND raw IS NULL ORDER BY rowid;

-- name: place_problems
UPDATE staged SET page = placed.page, position = placed.position, raw = placed.raw
FROM read_json(
    $file, format = 'newline_delimited', maximum_object_size = 4194304,
    columns = {{staged_row: 'BIGINT', page: 'INTEGER', position: 'INTEGER', raw: 'VARCHAR'}}
) AS placed
WHERE staged.rowid = placed.staged_row;

-- name: stage_unreadable
INSERT INTO staged (problem, page, position, raw)
SELECT 'UNREADABLE row', page, position, raw
FROM read_json(
    $file, format = 'newline_delimited', maximum_object_size = 4194304,
    columns = {{page: 'INTEGER', position: 'INTEGER', raw: 'VARCHAR'}}
);

-- name: count_rejected
SELECT count(*) FROM staged WHERE problem IS NOT NULL;

-- name: export_segment
COPY (SELECT * FROM staged WHERE rowid >= {first} ORDER BY rowid) TO '{path}' (FORMAT parquet, COMPRESSION zstd);

-- name: load_segment
INSERT INTO staged SELECT * FROM read_parquet($file);


-- THE STORE -----------------------------------------------------------------------------------------------
-- No primary key: it doubles the file and slows the merge. Uniqueness comes from the merge, the lock and the
-- fence, and is checked when the finished file is read back.

-- name: create_store
CREATE TABLE wells.well_production ({columns_with_types}, created_at TIMESTAMPTZ, updated_at TIMESTAMPTZ);
CREATE TABLE wells.well_production_history (
    {columns_with_types}, created_at TIMESTAMPTZ, updated_at TIMESTAMPTZ, replaced_at TIMESTAMPTZ, job_id VARCHAR
);
CREATE TABLE wells.rejected_rows (
    job_id VARCHAR, page INTEGER, position INTEGER, reason VARCHAR, detail VARCHAR, raw VARCHAR, rejected_at TIMESTAMPTZ
);
CREATE TABLE wells.import_runs (
    job_id VARCHAR, fence BIGINT, source VARCHAR, triggered_by VARCHAR, started_at TIMESTAMPTZ, merged_at TIMESTAMPTZ,
    new_records BIGINT, updated_records BIGINT, duplicate_records BIGINT, failed_records BIGINT,
    expected_records BIGINT, warnings JSON
);
CREATE TABLE wells.wellhead_schema (version INTEGER);
INSERT INTO wells.wellhead_schema VALUES ({schema_version});
COMMENT ON TABLE wells.well_production IS 'One row is one well, in one field, for one production period.';
COMMENT ON TABLE wells.well_production_history IS 'The rows as they were before an import replaced them.';
COMMENT ON TABLE wells.rejected_rows IS 'Rows of the source that could not be imported, with the reason and the raw text.';
COMMENT ON TABLE wells.import_runs IS 'One row is one completed import.';

-- name: schema_version
SELECT version FROM wells.wellhead_schema;


-- THE MERGE -----------------------------------------------------------------------------------------------
-- Within an import the last row in source order wins. Against the store: same key and values is a duplicate,
-- same key and other values an update, no such key a new row.

-- name: pick_latest
CREATE OR REPLACE TABLE latest AS
SELECT max(rowid) AS staged_row FROM staged WHERE problem IS NULL GROUP BY {key};

-- name: match_stored
CREATE OR REPLACE TABLE matched AS
SELECT staged.rowid AS staged_row, stored.rowid AS stored_row, {values_differ} AS revised
FROM staged
JOIN latest ON staged.rowid = latest.staged_row
JOIN wells.well_production AS stored USING ({key});

-- name: pick_revised
CREATE OR REPLACE TABLE revised AS
SELECT {staged_columns}, stored.created_at
FROM matched
JOIN staged ON staged.rowid = matched.staged_row
JOIN wells.well_production AS stored ON stored.rowid = matched.stored_row
WHERE matched.revised;

-- name: keep_history
INSERT INTO wells.well_production_history
SELECT stored.*, to_timestamp($now), $job_id
FROM wells.well_production AS stored
WHERE stored.rowid IN (SELECT stored_row FROM matched WHERE revised)
ORDER BY {key};

-- name: delete_revised
DELETE FROM wells.well_production WHERE rowid IN (SELECT stored_row FROM matched WHERE revised);

-- name: insert_revised
INSERT INTO wells.well_production
SELECT {columns}, created_at, to_timestamp($now) FROM revised ORDER BY {key};

-- name: insert_new
INSERT INTO wells.well_production
SELECT {staged_columns}, to_timestamp($now), to_timestamp($now)
FROM staged
JOIN latest ON staged.rowid = latest.staged_row
WHERE staged.rowid NOT IN (SELECT staged_row FROM matched)
ORDER BY {key};

-- name: insert_rejected
INSERT INTO wells.rejected_rows
SELECT
    $job_id, page, position, split_part(problem, ' ', 1),
    split_part(problem, ' ', 2) || ': ' || map($reasons, $sentences)[split_part(problem, ' ', 1)],
    raw, to_timestamp($now)
FROM staged WHERE problem IS NOT NULL
ORDER BY page, position;

-- name: insert_run
INSERT INTO wells.import_runs VALUES (
    $job_id, $fence, $source, $triggered_by, to_timestamp($started_at), to_timestamp($now),
    $new_records, $updated_records, $duplicate_records, $failed_records, $expected_records, $warnings
);

-- name: count_outcome
SELECT
    (SELECT count(*) FROM staged) AS staged,
    (SELECT count(*) FROM staged WHERE problem IS NOT NULL) AS failed,
    (SELECT count(*) FROM latest) AS distinct_keys,
    (SELECT count(*) FROM matched) AS known_keys,
    (SELECT count(*) FROM matched WHERE revised) AS updated,
    (SELECT count(*) FROM wells.well_production) AS stored;

-- name: count_warnings
SELECT
    count(*) FILTER (least({volumes}) < 0) AS NEGATIVE_VOLUME,
    count(*) FILTER (days_on_production > day(last_day(production_period)) + 0.05) AS DAYS_BEYOND_PERIOD,
    count(*) FILTER (production_period > CAST($today AS DATE)) AS FUTURE_PERIOD,
    count(*) FILTER (liquids_production_kbd < oil_production_kbd) AS LIQUIDS_BELOW_OIL,
    (
        SELECT count(*) FROM (
            SELECT well_code FROM staged JOIN latest ON staged.rowid = latest.staged_row
            GROUP BY well_code HAVING min(well_name) <> max(well_name)
        )
    ) AS WELL_WITH_TWO_NAMES
FROM staged JOIN latest ON staged.rowid = latest.staged_row;


-- READ-BACK -----------------------------------------------------------------------------------------------

-- name: count_stored
SELECT
    (SELECT count(*) FROM wells.well_production),
    (SELECT count(*) FROM (SELECT 1 FROM wells.well_production GROUP BY {key} HAVING count(*) > 1));
