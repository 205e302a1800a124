-- The statements that read a finished store back, attached as `wells` for reading alone. {braces} are filled by
-- read_back.py.

-- name: tables
SELECT table_name FROM duckdb_tables() WHERE database_name = 'wells' ORDER BY table_name;

-- name: row_groups
-- How many rows each row group holds, those that are deleted among them, and in which blocks. Negative numbers are those
-- of no block: a constant stands in the metadata, which this reads whole.
SELECT
    sum(count) FILTER (column_path = '[0]'),
    list_distinct(flatten(list(list_append(additional_block_ids, block_id))))
FROM pragma_storage_info('wells.{table}')
GROUP BY row_group_id
ORDER BY row_group_id;

-- name: read_rows
-- A damaged block is found when it is read. A hash needs every value; a count is answered from the statistics.
SELECT bit_xor(hash(*COLUMNS(*))) FROM wells.{table} WHERE rowid >= {first} AND rowid < {past};

-- name: count_rows
SELECT count(*) FROM wells.{table};

-- name: sum_written
-- Whole rows: the times are not compared, but read, as read_rows reads all others.
SELECT count(*), sum(hash({written})), bit_xor(hash(created_at, updated_at))
FROM wells.well_production WHERE rowid >= {first};

-- name: sum_expected
-- What the merge had to write: of all that was accepted the rows that change something.
SELECT count(*), sum(hash({expected}))
FROM accepted
WHERE {is_accepted_of_part} {that_change};

-- name: that_change
AND arrival IN (SELECT staged_row FROM changed WHERE part = {number})

-- name: sum_kept
SELECT count(*), sum(hash({stored})) FROM wells.well_production_history WHERE rowid >= {first};

-- name: sum_replaced
SELECT count(*), sum(hash({stored})) FROM replaced;

-- name: count_unordered
-- Rows beyond the first that do not come after the one before them. Where there are none no key is there twice.
SELECT -1 + count(*) FILTER (source_before IS NULL OR NOT (
    source > source_before OR (source = source_before AND (
        field_code > field_before OR (field_code = field_before AND (
            well_code > well_before OR (well_code = well_before AND production_period > period_before)
        ))
    ))
))
FROM (
    SELECT
        {stored_key}, lag(source) OVER () AS source_before, lag(field_code) OVER () AS field_before,
        lag(well_code) OVER () AS well_before, lag(production_period) OVER () AS period_before
    FROM wells.well_production
    WHERE rowid >= {first}
);

-- name: count_repeated
SELECT count(*) FROM (
    SELECT 1 FROM wells.well_production AS stored
    WHERE rowid >= {first} AND {is_stored_of_part}
    GROUP BY {stored_key} HAVING count(*) > 1
);

-- name: count_met
-- Keys that were written, and are in the rows of before as well.
SELECT count(*)
FROM wells.well_production AS stored
JOIN wells.well_production AS written USING ({stored_key})
WHERE stored.rowid < {first} AND written.rowid >= {first} AND {is_stored_of_part} AND {is_written_of_part};

-- name: count_of_job
SELECT
    (SELECT count(DISTINCT job_id) FROM wells.import_runs WHERE job_id = $job_id),
    (SELECT least(count(*), $rejected) FROM wells.rejected_rows WHERE job_id = $job_id);
