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

-- name: macro_begins_as_json
-- An object or a list. Comparing costs half of what starts_with does.
CREATE OR REPLACE TEMP MACRO begins_as_json(x) AS (x >= '{{' AND x < '|') OR (x >= '[' AND x < '\');

-- name: macro_is_sound_code
-- Cheap to see and nearly always so: a text that is its own code. A number arrives as text too, and one that is written
-- with a point, an exponent or more digits than 64 bits hold looks like a text that is; what may be one of these, or no
-- text at all, is doubtful.
CREATE OR REPLACE TEMP MACRO is_sound_code(x, v, low, high) AS
    x >= '!' AND strlen(x) <= high  -- neither empty nor after a blank
    AND NOT (
        suffix(x, ' ') OR suffix(x, chr(9)) OR suffix(x, chr(10)) OR suffix(x, chr(13)) OR suffix(x, chr(160))
        OR (x >= chr(160) AND x < chr(161)) OR begins_as_json(x)
        OR x IN ('true', 'false', 'NaN', 'Infinity', '-Infinity')
        OR (
            x < ':' AND (contains(x, '.') OR contains(x, 'e') OR contains(x, 'E') OR strlen(x) > 18)
            AND TRY_CAST(x AS DOUBLE) IS NOT NULL
        )
    );

-- name: macro_stripped
-- Without the blanks around it, which is_sound_code looks for too.
CREATE OR REPLACE TEMP MACRO stripped(x) AS trim(x, ' ' || chr(9) || chr(10) || chr(13) || chr(160));

-- name: macro_has_blanks
-- Around it: cheap to see.
CREATE OR REPLACE TEMP MACRO has_blanks(x) AS
    x < '!' OR (x >= chr(160) AND x < chr(161)) OR suffix(x, ' ') OR suffix(x, chr(9)) OR suffix(x, chr(10))
    OR suffix(x, chr(13)) OR suffix(x, chr(160));

-- name: macro_is_json_of_more
-- An object or a list of JSON, which arrives as text too.
CREATE OR REPLACE TEMP MACRO is_json_of_more(x) AS begins_as_json(x) AND json_valid(x);

-- name: macro_part_of_code
-- One of several that make up a code: without blanks around it, and a number as its digits. NULL when it is empty.
CREATE OR REPLACE TEMP MACRO part_of_code(x) AS
    CASE
        WHEN contains(x, '.') AND regexp_full_match(stripped(x), '[0-9]+\.0*') THEN split_part(stripped(x), '.', 1)
        ELSE nullif(stripped(x), '')
    END;

-- name: macro_padded
-- With zeros before it; what is longer stays whole, which lpad would cut.
CREATE OR REPLACE TEMP MACRO padded(x, width) AS CASE WHEN length(x) < width THEN lpad(x, width, '0') ELSE x END;

-- name: macro_draft_code
CREATE OR REPLACE TEMP MACRO draft_code(x) AS x;

-- name: macro_read_code
-- A number becomes its digits; those that is_sound_code takes stay as they are. The type is that of the JSON value.
CREATE OR REPLACE TEMP MACRO read_code(x, type) AS
    CASE
        WHEN type = 'VARCHAR' THEN nullif(stripped(x), '')
        WHEN TRY_CAST(x AS BIGINT) IS NOT NULL AND NOT regexp_matches(x, '[.eE]') AND strlen(x) <= 18 THEN x
        ELSE CAST(read_whole(x) AS VARCHAR)
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

-- name: macro_is_like_day
-- Cheap to see and nearly always so: an ISO date, or one of OData v2. Whether it is one, read_day tells.
CREATE OR REPLACE TEMP MACRO is_like_day(x) AS
    (strlen(x) >= 10 AND substr(x, 5, 1) = '-' AND substr(x, 8, 1) = '-') OR left(x, 6) = '/Date(';

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
    x IS NULL OR NOT begins_as_json(x);

-- name: macro_is_sound_read_code
-- As code_problem, where there is none: what is no text or nothing but blanks was not read.
CREATE OR REPLACE TEMP MACRO is_sound_read_code(v, type, high) AS
    v IS NOT NULL AND type NOT IN ('OBJECT', 'ARRAY', 'BOOLEAN') AND length(v) <= high;

-- name: macro_code_problem
-- Of what was read: to read it twice would take twice the memory.
CREATE OR REPLACE TEMP MACRO code_problem(name, x, v, type, high) AS
    CASE
        WHEN x IS NULL OR stripped(x) = '' THEN 'MISSING_KEY ' || name
        WHEN type IN ('OBJECT', 'ARRAY', 'BOOLEAN') THEN 'NOT_TEXT ' || name
        WHEN v IS NULL THEN 'NOT_A_WHOLE_NUMBER ' || name
        WHEN length(v) > high THEN 'TOO_LONG ' || name
    END;

-- name: macro_number_problem
-- `v` is the text in our unit; of a volume in a period that cannot be read it is nothing, and the period is the problem.
CREATE OR REPLACE TEMP MACRO number_problem(name, x, v, type, low, high) AS
    CASE
        WHEN x IS NULL THEN NULL
        WHEN read_number(x) IS NULL THEN 'NOT_A_NUMBER ' || name
        WHEN isnan(v) THEN 'WITHOUT_DAYS ' || name
        WHEN v NOT BETWEEN low AND high THEN 'OUT_OF_RANGE ' || name
    END;

-- name: macro_day_problem
-- Of what was read, as of a code: to look for the forms of a date once more doubles the time to plan the statement.
CREATE OR REPLACE TEMP MACRO day_problem(name, x, v, type, low, high) AS
    CASE
        WHEN x IS NULL THEN 'MISSING_KEY ' || name
        WHEN v IS NULL THEN 'NOT_A_DATE ' || name
        WHEN year(v) NOT BETWEEN low AND high THEN 'OUT_OF_RANGE ' || name
    END;

-- name: macro_words_problem
CREATE OR REPLACE TEMP MACRO words_problem(name, x, v, type, low, high) AS
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
-- Rows go from the source's bytes straight into a segment, in the order of arrival, which is that of the source. A
-- rejected row stays among the others, with its problem, its place in the source and its raw text. Rows are read by
-- one of two statements, which are interchangeable where all rows are sound: sound_rows is the cheaper one and stops at
-- the first row that is not, checked_rows takes every row. Both go through the file once and keep nothing, so that the
-- share of rejected rows costs no memory. On one thread the rows come in the order of the file.

-- name: create_sums
-- Rows that are added up when the import is settled; they are numbered after those that arrived.
CREATE OR REPLACE TABLE sums ({columns_with_types}, source_rows INTEGER, arrival BIGINT);

-- name: show_segments
-- `arrival` numbers the rows in the order of the source, from 0.
CREATE OR REPLACE VIEW staged AS
SELECT
    {columns}, problem, page, position, raw, primary_key, version, CAST(1 AS INTEGER) AS source_rows,
    CAST({first_rows} AS BIGINT[])[CAST(file_index AS BIGINT) + 1] + file_row_number AS arrival
FROM read_parquet({files}, hive_partitioning = false)
WHERE {is_taken}
UNION ALL
SELECT {columns}, NULL, NULL, NULL, NULL, NULL, NULL, source_rows, arrival FROM sums;

-- name: show_no_segments
CREATE OR REPLACE VIEW staged AS
SELECT
    {columns}, CAST(NULL AS VARCHAR) AS problem, CAST(NULL AS INTEGER) AS page, CAST(NULL AS INTEGER) AS position,
    CAST(NULL AS VARCHAR) AS raw, CAST(NULL AS VARCHAR) AS primary_key, CAST(NULL AS VARCHAR) AS version,
    source_rows, arrival
FROM sums;

-- name: write_segment
-- A row group is in memory whole before it is written, so it is measured in bytes.
COPY ({rows}) TO '{path}'
(FORMAT parquet, COMPRESSION {compression}, ROW_GROUP_SIZE_BYTES '{row_group}', KV_METADATA {{pages: '{pages}'}});

-- name: segment_pages
SELECT decode(value) FROM parquet_kv_metadata($file) WHERE decode(key) = 'pages';

-- name: count_segment
SELECT count(*), count(problem), count(*) FILTER (problem = {passed_over})
FROM read_parquet($file, hive_partitioning = false);

-- name: segment_rows
SELECT {columns}, problem, page, position, raw, primary_key, version FROM read_parquet($files, hive_partitioning = false)

-- name: sound_rows
SELECT
    {values_read},
    CAST(CASE
        WHEN NOT is_meant THEN {passed_over} WHEN {all_sound} THEN NULL ELSE error('doubtful row')
    END AS VARCHAR) AS problem,
    CAST(NULL AS INTEGER) AS page, CAST(NULL AS INTEGER) AS position, CAST(NULL AS VARCHAR) AS raw,
    primary_key, version
FROM (
    SELECT *, {values}
    FROM (SELECT {source_fields}, {grain_fields}, {is_meant} FROM {rows_of_source})
    AS source({columns}, primary_key, version, is_meant)
)

-- name: checked_rows
-- The same reading, beside it the texts of the rows and their places on the pages. $pages, $firsts and $counts are the
-- batch's runs of rows: on which page, from which position, how many. What a text is in JSON is looked up in the row, in
-- one look for all columns and for every row: each look has memory of its own, and one in a CASE several times as much.
SELECT
    {values_read}, problem,
    CASE WHEN is_told THEN page END AS page,
    CASE WHEN is_told THEN CAST(position AS INTEGER) END AS position,
    CASE WHEN is_told THEN beginning(text, $raw_bytes) END AS raw,
    primary_key, version
FROM (
    SELECT *, problem <> {passed_over} AS is_told
    FROM (
        SELECT
            *,
            CASE
                WHEN {is_unreadable} THEN 'UNREADABLE row'
                WHEN NOT is_meant THEN {passed_over}
                WHEN {checked_sound} THEN NULL
                ELSE nullif(concat_ws('; ', {problems_found}), '')
            END AS problem
        FROM (
            SELECT *, {checked_values}
            FROM (
                SELECT *, {types} AS types
                FROM (
                    SELECT {source_fields}, {grain_fields}, {is_meant}, {text}, {page}, {position}
                    FROM {placed_rows_of_source}
                ) AS source({columns}, primary_key, version, is_meant, text, page, position)
            )
        )
    )
)

-- name: json_rows
read_json(
    $files, format = 'newline_delimited', hive_partitioning = false, columns = $fields, maximum_object_size = 4194304
) AS field

-- name: placed_json_rows
{json_rows}
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

-- name: field_names
-- Annotations, and what v2 writes beside the fields, are none.
SELECT DISTINCT name
FROM (SELECT unnest(json_keys(json)) AS name FROM read_ndjson_objects($files, maximum_object_size = 4194304))
WHERE NOT contains(name, '@') AND name <> '__metadata';

-- name: change_times
SELECT max(read_moment(changed)), count(*) - count(read_moment(changed))
FROM read_json(
    $files, format = 'newline_delimited', hive_partitioning = false, columns = $fields, maximum_object_size = 4194304, ignore_errors = true
) AS source(changed);

-- name: unreadable_rows
SELECT
    {columns_of_nulls}, 'UNREADABLE row' AS problem, page, position, raw,
    CAST(NULL AS VARCHAR) AS primary_key, CAST(NULL AS VARCHAR) AS version
FROM read_json(
    $files, format = 'newline_delimited', hive_partitioning = false, maximum_object_size = 4194304,
    columns = {{page: 'INTEGER', position: 'INTEGER', raw: 'VARCHAR'}}
)


-- THE MERGE -----------------------------------------------------------------------------------------------
-- settle.sql has made of the import's rows one a key: `accepted`. Against the store: same key and values is a duplicate,
-- same key and other values an update, no such key a new row.
-- `wells` is the store, or of a lake the rows that change alone; what is written goes to {store}.

-- name: change_none
-- Rows that are new have no stored row. Those that change nothing, most of them as a rule, are not noted.
CREATE OR REPLACE TABLE changed (staged_row BIGINT, stored_row BIGINT, part INTEGER);

-- name: find_changed
-- Beside the key nothing goes into the join but a digest of the values: half the price, and a fourth of the memory.
INSERT INTO changed
SELECT accepted.arrival, stored.stored_row, {number}
FROM (
    SELECT {key}, arrival, hash({values_compared}) AS digest FROM accepted WHERE {is_accepted_of_part}
) AS accepted
LEFT JOIN (
    SELECT {key}, rowid AS stored_row, hash({values_compared}) AS digest
    FROM wells.well_production AS stored
    WHERE source = $source_name AND {is_stored_of_part}
) AS stored USING ({key})
WHERE stored.stored_row IS NULL OR accepted.digest <> stored.digest;

-- name: count_changed
SELECT (SELECT count(*) FROM accepted), count(*) FILTER (stored_row IS NULL), count(stored_row) FROM changed;

-- name: replace_none
CREATE OR REPLACE TABLE replaced AS
SELECT *, CAST(NULL AS BIGINT) AS staged_row, CAST(NULL AS INTEGER) AS part FROM wells.well_production WHERE false;

-- name: pick_replaced
-- The rows as they are before they are revised: to look for them in the store costs as much as to read all of it.
INSERT INTO replaced
SELECT stored.*, changed.staged_row, {number}
FROM changed
JOIN wells.well_production AS stored ON stored.rowid = changed.stored_row
WHERE changed.part = {number} AND {is_stored_of_part};

-- name: pick_withdrawn
INSERT INTO replaced
SELECT stored.*, NULL, {number}
FROM withdrawn
JOIN wells.well_production AS stored ON stored.rowid = withdrawn.stored_row
WHERE withdrawn.part = {number} AND {is_stored_of_part};

-- name: revise_none
CREATE OR REPLACE TABLE revised ({columns_with_types}, source_rows INTEGER, created_at TIMESTAMPTZ);

-- name: pick_revised
INSERT INTO revised
SELECT {accepted_columns}, accepted.source_rows, before.created_at
FROM accepted
JOIN (SELECT staged_row, created_at FROM replaced WHERE part = {number}) AS before
ON accepted.arrival = before.staged_row
WHERE {is_accepted_of_part};

-- name: keep_history
INSERT INTO {store}.well_production_history BY NAME
SELECT * EXCLUDE (staged_row, part), to_timestamp($now) AS replaced_at, $job_id AS job_id
FROM replaced
ORDER BY {order};

-- name: delete_withdrawn
DELETE FROM wells.well_production WHERE rowid IN (SELECT stored_row FROM withdrawn);

-- name: delete_revised
DELETE FROM wells.well_production WHERE rowid IN (SELECT stored_row FROM changed);

-- name: revised_rows
SELECT
    $source_name AS source, {columns}, days_of_period(production_period) AS period_days, source_rows,
    created_at, to_timestamp($now) AS updated_at
FROM revised

-- name: insert_revised
INSERT INTO wells.well_production BY NAME
{revised_rows}
ORDER BY {order};

-- name: last_merge
SELECT epoch(max(merged_at)) FROM {runs} AS runs;

-- name: count_history
SELECT count(*) FROM wells.well_production_history;

-- name: that_are_new
AND arrival IN (SELECT staged_row FROM changed WHERE part = {number} AND stored_row IS NULL)

-- name: in_order
ORDER BY {order}

-- name: new_rows
SELECT
    $source_name AS source, {columns}, days_of_period(production_period) AS period_days, source_rows,
    to_timestamp($now) AS created_at, to_timestamp($now) AS updated_at
FROM accepted
WHERE {is_accepted_of_part} {that_are_new}

-- name: insert_new
INSERT INTO {store}.well_production BY NAME
{new_rows}
{in_order};

-- name: rejected
-- Of a row that is sound by itself the source's own text is not kept: what was read of it stands in its place.
SELECT problem, page, position, raw FROM staged WHERE problem IS NOT NULL
UNION ALL
SELECT
    refused.problem, refused.page, refused.position,
    beginning(CAST(to_json(struct_pack({members})) AS VARCHAR), $raw_bytes)
FROM refused JOIN staged ON staged.arrival = refused.staged_row

-- name: insert_rejected
INSERT INTO {store}.rejected_rows
SELECT
    $job_id, page, position, split_part(problem, ' ', 1),
    array_to_string(list_transform(
        string_split(problem, '; '),
        LAMBDA told: split_part(told, ' ', 2) || ': ' || map($reasons, $sentences)[split_part(told, ' ', 1)]
    ), '; '),
    raw, to_timestamp($now)
FROM ({rejected});

-- name: forget_rejected
-- A row that is rejected once more stands with the newest import that met it, and not with each. What nobody has met
-- for long may go. The sentence in `detail` may be another one in a later release.
DELETE FROM {store}.rejected_rows
WHERE job_id <> $job_id AND (
    rejected_at < to_timestamp($now - $kept_seconds)
    OR hash(reason, raw) IN (SELECT hash(reason, raw) FROM {rejected_now} WHERE job_id = $job_id)
);

-- name: count_problems
SELECT told, count(*)
FROM (
    SELECT unnest(string_split(problem, '; ')) AS told
    FROM (SELECT problem FROM staged WHERE problem IS NOT NULL UNION ALL SELECT problem FROM refused)
)
GROUP BY told ORDER BY count(*) DESC, told;

-- name: count_rejected
SELECT split_part(problem, ' ', 1) AS reason, count(*)
FROM (SELECT problem FROM staged WHERE problem IS NOT NULL UNION ALL SELECT problem FROM refused)
GROUP BY reason ORDER BY reason;

-- name: insert_run
-- By name: in a lake a column that was added later stands last.
INSERT INTO {store}.import_runs (
    job_id, fence, source, triggered_by, started_at, merged_at,
    new_records, updated_records, duplicate_records, failed_records, expected_records, warnings
) VALUES (
    $job_id, $fence, $source, $triggered_by, to_timestamp($started_at), to_timestamp($now),
    $new_records, $updated_records, $duplicate_records, $failed_records, $expected_records, $warnings
);

-- name: count_blocks
SELECT free_blocks, total_blocks FROM pragma_database_size() WHERE database_name = 'wells';

-- name: count_stored
SELECT {stored_rows};

-- name: count_warnings
-- Over all rows that were delivered and are sound, also those of which another one is stored.
SELECT
    count(*) FILTER (least({volumes}) < 0) AS NEGATIVE_VOLUME,
    count(*) FILTER (days_on_production > days_of_period(production_period) + 0.05) AS DAYS_BEYOND_PERIOD,
    count(*) FILTER (production_period > CAST($today AS DATE)) AS FUTURE_PERIOD,
    count(*) FILTER (liquids_production_kbd < oil_production_kbd) AS LIQUIDS_BELOW_OIL,
    (
        SELECT count(*) FROM (
            SELECT well_code FROM staged WHERE problem IS NULL AND arrival < {delivered}
            GROUP BY well_code HAVING min(well_name) <> max(well_name)
        )
    ) AS WELL_WITH_TWO_NAMES
FROM staged WHERE problem IS NULL AND arrival < {delivered};
