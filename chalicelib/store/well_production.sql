-- The statements of an import. A statement begins at "-- name:" and goes to the next one.
-- {braces} are filled by well_production.py; $names are bound values.


-- READING -------------------------------------------------------------------------------------------------
-- A field of the source arrives as text whatever its JSON type. Each kind of column has three macros: read_ reads
-- the text x, NULL when it cannot; is_sound_ tells cheaply whether the value v that was read from x is in order;
-- and _problem, for the few that are not, says why: 'REASON column', or NULL when nothing is wrong after all.

-- name: macro_read_whole
CREATE OR REPLACE TEMP MACRO read_whole(x) AS
    CASE
        WHEN CAST(TRY_CAST(x AS BIGINT) AS VARCHAR) = x THEN TRY_CAST(x AS BIGINT)  -- nearly always, and cheap to see
        WHEN contains(x, '_') THEN NULL  -- DuckDB takes 1_000 for a thousand
        WHEN abs(TRY_CAST(x AS DOUBLE)) >= 9007199254740992 AND regexp_matches(x, '[.eE]') THEN NULL  -- 2^53: inexact
        WHEN TRY_CAST(x AS DOUBLE) = TRY_CAST(x AS BIGINT) THEN TRY_CAST(x AS BIGINT)  -- 1.7 would round to 2
    END;

-- name: macro_read_number
CREATE OR REPLACE TEMP MACRO read_number(x) AS
    CASE WHEN NOT contains(x, '_') AND isfinite(TRY_CAST(x AS DOUBLE)) THEN TRY_CAST(x AS DOUBLE) END;

-- name: macro_draft_number
-- For staging: half the price of read_number, because is_sound_number finds what that would refuse.
CREATE OR REPLACE TEMP MACRO draft_number(x) AS TRY_CAST(x AS DOUBLE);

-- name: macro_read_ticks
-- OData v2 writes /Date(ms)/ or /Date(ms+minutes)/: milliseconds since 1970, and what to add for the local time.
CREATE OR REPLACE TEMP MACRO read_ticks(x) AS
    CASE WHEN regexp_full_match(x, '/Date\(-?\d{{1,14}}([+-]\d{{1,4}})?\)/') THEN make_timestamp(
        1000 * CAST(regexp_extract(x, '\((-?\d+)', 1) AS BIGINT)
        + 60000000 * coalesce(TRY_CAST(regexp_extract(x, '\d([+-]\d+)\)', 1) AS BIGINT), 0)
    ) END;

-- name: macro_read_day
-- The calendar date as written, whatever time and offset follow it. DuckDB's own timestamps know no T00:00Z.
CREATE OR REPLACE TEMP MACRO read_day(x) AS
    CASE
        WHEN CAST(TRY_CAST(x AS DATE) AS VARCHAR) = x AND length(x) = 10 THEN TRY_CAST(x AS DATE)  -- the usual form
        WHEN left(x, 6) = '/Date(' THEN CAST(read_ticks(x) AS DATE)
        WHEN substr(x, 5, 1) <> '-' OR substr(x, 8, 1) <> '-' THEN NULL
        WHEN length(x) = 10 THEN TRY_CAST(x AS DATE)
        WHEN regexp_full_match(
            substr(x, 11),
            '[Tt ]([01]\d|2[0-4]):[0-5]\d(:([0-5]\d|60)(\.\d+)?)?( ?([Zz]|[+-]\d\d(:?[0-5]\d)?))?'
        ) THEN TRY_CAST(left(x, 10) AS DATE)
    END;

-- name: macro_read_moment
-- Microseconds since 1970 of a date and time; UTC where no offset is written.
CREATE OR REPLACE TEMP MACRO read_moment(x) AS
    CASE
        WHEN left(x, 6) = '/Date(' THEN epoch_us(read_ticks(regexp_replace(x, '(\d)[+-]\d+\)', '\1)')))
        WHEN substr(x, 5, 1) <> '-' OR substr(x, 8, 1) <> '-' THEN NULL
        WHEN NOT regexp_matches(substr(x, 11), '[Zz+-]') THEN epoch_us(TRY_CAST(x AS TIMESTAMP))
        WHEN substr(x, 17, 1) <> ':' THEN  -- DuckDB's own moments know no T00:00Z
            epoch_us(TRY_CAST(left(x, 16) || ':00' || upper(substr(x, 17)) AS TIMESTAMPTZ))
        ELSE epoch_us(TRY_CAST(upper(x) AS TIMESTAMPTZ))
    END;

-- name: macro_read_words
CREATE OR REPLACE TEMP MACRO read_words(x) AS x;

-- name: macro_is_sound_whole
CREATE OR REPLACE TEMP MACRO is_sound_whole(x, v, low, high) AS v BETWEEN low AND high;

-- name: macro_is_sound_number
-- NaN and infinity lie between no two bounds.
CREATE OR REPLACE TEMP MACRO is_sound_number(x, v, low, high) AS
    x IS NULL OR (v BETWEEN low AND high AND NOT contains(x, '_'));

-- name: macro_is_sound_day
CREATE OR REPLACE TEMP MACRO is_sound_day(x, v, low, high) AS
    v BETWEEN make_date(low, 1, 1) AND make_date(high, 12, 31);

-- name: macro_is_sound_words
-- What begins so may be an object or a list, or a name that only looks like one.
CREATE OR REPLACE TEMP MACRO is_sound_words(x, v, low, high) AS
    x IS NULL OR NOT (starts_with(x, '{{') OR starts_with(x, '['));

-- name: macro_whole_problem
CREATE OR REPLACE TEMP MACRO whole_problem(name, x, type, low, high) AS
    CASE
        WHEN x IS NULL THEN 'MISSING_KEY ' || name
        WHEN read_whole(x) IS NULL THEN 'NOT_A_WHOLE_NUMBER ' || name
        WHEN read_whole(x) NOT BETWEEN low AND high THEN 'OUT_OF_RANGE ' || name
    END;

-- name: macro_number_problem
CREATE OR REPLACE TEMP MACRO number_problem(name, x, type, low, high) AS
    CASE
        WHEN x IS NULL THEN NULL
        WHEN read_number(x) IS NULL THEN 'NOT_A_NUMBER ' || name
        WHEN read_number(x) NOT BETWEEN low AND high THEN 'OUT_OF_RANGE ' || name
    END;

-- name: macro_day_problem
CREATE OR REPLACE TEMP MACRO day_problem(name, x, type, low, high) AS
    CASE
        WHEN x IS NULL THEN 'MISSING_KEY ' || name
        WHEN read_day(x) IS NULL THEN 'NOT_A_DATE ' || name
        WHEN year(read_day(x)) NOT BETWEEN low AND high THEN 'OUT_OF_RANGE ' || name
    END;

-- name: macro_words_problem
CREATE OR REPLACE TEMP MACRO words_problem(name, x, type, low, high) AS
    CASE
        WHEN is_sound_words(x, x, low, high) THEN NULL
        WHEN type IN ('OBJECT', 'ARRAY') THEN 'NOT_TEXT ' || name
    END;

-- name: macro_beginning
-- At most so many bytes of a text, in whole characters, which have four at most.
CREATE OR REPLACE TEMP MACRO beginning(x, most) AS
    CASE
        WHEN strlen(x) <= most THEN CAST(x AS VARCHAR)
        ELSE coalesce(
            TRY(decode(encode(x)[1:most])), TRY(decode(encode(x)[1:most - 1])),
            TRY(decode(encode(x)[1:most - 2])), TRY(decode(encode(x)[1:most - 3]))
        )
    END;


-- STAGING -------------------------------------------------------------------------------------------------
-- rowid follows the order of arrival, which is the order of the source. A rejected row stays among the others,
-- with its problem, its place in the source and its raw text. Rows are read by one of two statements, which are
-- interchangeable where all rows are sound: sound_rows is the cheaper one and stops at the first row that is not,
-- checked_rows takes every row. Both go through the file once and keep nothing, so that the share of rejected
-- rows costs no memory. On one thread the rows come in the order of the file.

-- name: create_staged
-- Raw texts are long and alike. What DuckDB chooses by itself looks at many of them at once.
CREATE TABLE IF NOT EXISTS staged (
    {columns_with_types},
    problem VARCHAR, page INTEGER, position INTEGER, raw VARCHAR USING COMPRESSION zstd
);

-- name: stage
INSERT INTO staged {rows};

-- name: sound_rows
SELECT
    {values_read}, CAST(CASE WHEN {all_sound} THEN NULL ELSE error('doubtful row') END AS VARCHAR) AS problem,
    CAST(NULL AS INTEGER) AS page, CAST(NULL AS INTEGER) AS position, CAST(NULL AS VARCHAR) AS raw
FROM (
    SELECT *, {values}
    FROM (
        SELECT {source_fields}
        FROM read_json($files, format = 'newline_delimited', columns = $fields, maximum_object_size = 4194304) AS field
    ) AS source({columns})
)

-- name: checked_rows
-- The same reading, beside it the texts of the rows and their places on the pages. $pages, $firsts and $counts
-- are the batch's runs of rows: on which page, from which position, how many. What a text is that begins like an
-- object or a list is looked up in the row, in one look for all columns: each look has memory of its own.
SELECT
    {values_read}, problem,
    CASE WHEN problem IS NOT NULL THEN page END AS page,
    CASE WHEN problem IS NOT NULL THEN CAST(position AS INTEGER) END AS position,
    CASE WHEN problem IS NOT NULL THEN beginning(text, $raw_bytes) END AS raw
FROM (
    SELECT *, CASE WHEN {all_sound} THEN NULL ELSE coalesce({problems_found}) END AS problem
    FROM (
        SELECT *, {values}, CASE WHEN NOT ({words_sound}) THEN json_type(text, {words_pointers}) END AS types
        FROM (
            SELECT {source_fields}, line.text, place.page, place.position
            FROM read_json($files, format = 'newline_delimited', columns = $fields, maximum_object_size = 4194304) AS field
            POSITIONAL JOIN read_ndjson_objects($files, maximum_object_size = 4194304) AS line(text)
            POSITIONAL JOIN (
                SELECT page, unnest(range(first, first + count)) AS position
                FROM (
                    SELECT
                        unnest(CAST($pages AS INTEGER[])) AS page,
                        unnest(CAST($firsts AS INTEGER[])) AS first,
                        unnest(CAST($counts AS INTEGER[])) AS count
                )
            ) AS place
        ) AS source({columns}, text, page, position)
    )
)

-- name: field_names
-- Annotations, and what v2 writes beside the fields, are none.
SELECT DISTINCT name
FROM (SELECT unnest(json_keys(json)) AS name FROM read_ndjson_objects($files, maximum_object_size = 4194304))
WHERE NOT contains(name, '@') AND name <> '__metadata';

-- name: change_times
SELECT max(read_moment(changed)), count(*) - count(read_moment(changed))
FROM read_json(
    $files, format = 'newline_delimited', columns = $fields, maximum_object_size = 4194304, ignore_errors = true
) AS source(changed);

-- name: staged_range
SELECT count(*), coalesce(max(rowid) + 1, 0), count(problem) FROM staged;

-- name: stage_unreadable
INSERT INTO staged (problem, page, position, raw)
SELECT 'UNREADABLE row', page, position, raw
FROM read_json(
    $files, format = 'newline_delimited', maximum_object_size = 4194304,
    columns = {{page: 'INTEGER', position: 'INTEGER', raw: 'VARCHAR'}}
);

-- name: export_segment
-- A row group is in memory whole before it is written, so it is measured in bytes.
COPY (SELECT * FROM staged WHERE rowid >= {first}) TO '{path}'
(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE_BYTES '8MB');

-- name: load_segment
INSERT INTO staged SELECT * FROM read_parquet($file);


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
FROM staged WHERE problem IS NOT NULL;

-- name: count_rejected
SELECT split_part(problem, ' ', 1) AS reason, count(*)
FROM staged WHERE problem IS NOT NULL
GROUP BY reason ORDER BY reason;

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

-- name: stored_tables
SELECT table_name FROM duckdb_tables() WHERE database_name = 'wells' ORDER BY table_name;

-- name: read_all
-- A damaged block is found when it is read. A hash needs every value; a count is answered from the statistics.
SELECT bit_xor(hash(*COLUMNS(*))) FROM wells.{table};

-- name: count_stored
SELECT
    (SELECT count(*) FROM wells.well_production),
    (SELECT count(*) FROM (SELECT 1 FROM wells.well_production GROUP BY {key} HAVING count(*) > 1));
