-- The statements of an import into the lake, beside those of store/well_production.sql. `wells` is a store of this
-- import's own: it has the stored rows that change. {braces} are filled by repository.py; $names are bound values.

-- name: bounds
-- Between them lies all that the import can meet: partitions outside are not read.
SELECT CAST(min(production_period) AS VARCHAR), CAST(max(production_period) AS VARCHAR) FROM accepted;

-- name: has_rows_of
SELECT EXISTS (SELECT 1 FROM {whole} AS stored WHERE source = $adopted);

-- name: meet_none
CREATE OR REPLACE TABLE met AS
SELECT CAST(NULL AS BIGINT) AS staged_row, CAST(NULL AS INTEGER) AS part, CAST(NULL AS BOOLEAN) AS revised, *
FROM wells.well_production WHERE FALSE;

-- name: meet
-- In one look at the lake: which of its rows have a key of the import, and those with other values whole.
INSERT INTO met BY NAME
SELECT staged_row, {number} AS part, revised, {changed_columns}
FROM (
    SELECT accepted.arrival AS staged_row, stored.*, {values_differ} AS revised
    FROM accepted
    JOIN {whole} AS stored USING ({key})
    WHERE stored.source = $source_name AND stored.production_period BETWEEN {first} AND {last}
        AND {is_accepted_of_part} AND {is_stored_of_part}
);

-- name: bring_changed
INSERT INTO wells.well_production SELECT * EXCLUDE (staged_row, part, revised) FROM met WHERE revised;

-- name: bring_missing
INSERT INTO wells.well_production BY NAME
SELECT stored.*
FROM {whole} AS stored
ANTI JOIN (SELECT * FROM accepted WHERE {is_accepted_of_part}) AS accepted USING ({key})
WHERE stored.source = $source_name AND stored.production_period BETWEEN {first} AND {last} AND {is_stored_of_part}
    AND stored.production_period IN (SELECT production_period FROM accepted);

-- name: drop_unchanged
-- They are not in `wells`, so they were taken for new.
DELETE FROM changed WHERE stored_row IS NULL AND staged_row IN (SELECT staged_row FROM met WHERE NOT revised);

-- name: count_met
SELECT count(*) FROM met WHERE revised;

-- name: merge_revised
MERGE INTO {target} AS stored
USING ({revised_rows}) AS delta
ON {same_key}
WHEN MATCHED THEN UPDATE SET {assignments};

-- name: merge_delta
-- By Spark: what merge_revised, delete_withdrawn and insert_new do, in one statement, which is one commit. A row that
-- meets what it should not meet is left out, and then the rows do not add up.
MERGE INTO {target} AS stored
USING {delta} AS delta
ON {same_key}
WHEN MATCHED AND delta.change = 'withdrawn' THEN DELETE
WHEN MATCHED AND delta.change = 'revised' THEN UPDATE SET {assignments}
WHEN NOT MATCHED AND delta.change = 'new' THEN INSERT ({columns}) VALUES ({values});

-- name: revised_of_delta
SELECT 'revised' AS change, * FROM ({revised_rows})

-- name: new_of_delta
SELECT 'new' AS change, * FROM ({new_rows})

-- name: withdrawn_of_delta
SELECT 'withdrawn' AS change, $source_name AS source, field_code, well_code, production_period FROM withdrawn

-- name: look_at_delta
-- The same for the same rows, in any order and in any parts.
SELECT count(*), CAST(sum(hash(delta)) AS VARCHAR) FROM ({delta}) AS delta;

-- name: write_delta
COPY ({delta}) TO '{path}' (FORMAT parquet, COMPRESSION zstd);

-- name: delete_withdrawn
DELETE FROM lake.wellhead.well_production AS stored
USING withdrawn
WHERE stored.source = $source_name AND stored.field_code = withdrawn.field_code
    AND stored.well_code = withdrawn.well_code AND stored.production_period = withdrawn.production_period
    AND stored.production_period BETWEEN {first} AND {last};

-- name: withdrawn_bounds
SELECT CAST(min(production_period) AS VARCHAR), CAST(max(production_period) AS VARCHAR) FROM withdrawn;

-- name: revised_bounds
SELECT CAST(min(production_period) AS VARCHAR), CAST(max(production_period) AS VARCHAR) FROM revised;

-- name: put_rejected
INSERT INTO lake.wellhead.rejected_rows BY NAME SELECT * FROM wells.rejected_rows;

-- name: properties
SELECT key, value FROM iceberg_table_properties(lake.wellhead.{table});

-- name: set_properties
CALL set_iceberg_table_properties(
    lake.wellhead.{table}, {{'wellhead.job': $job, 'wellhead.fence': $fence, 'wellhead.facts': $facts}}
);

-- name: count_written
-- Of the rows of the import, how often each is in the lake afterwards.
SELECT count(*), count(DISTINCT accepted.arrival), (SELECT count(*) FROM accepted)
FROM accepted
JOIN {whole} AS stored USING ({key})
WHERE stored.source = $source_name AND stored.production_period BETWEEN {first} AND {last};

-- name: take_table
-- All that a file holds of it.
INSERT INTO lake.wellhead.{table} BY NAME SELECT * FROM wells.{table} ORDER BY {order};

-- name: count_waiting
SELECT count(*) FROM wells.codes_as_numbers;
