-- What a published database must keep to. A statement begins at "-- name:" and goes to the next one. Each of those below
-- the line counts what is wrong: 0 where all is right. {table} is the name of a table.

-- name: version
SELECT version FROM wellhead_schema;

-- name: tables
SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() ORDER BY table_name;

-- name: read_table
-- A damaged block is found when a value in it is read; a hash needs every value. The sum hangs on no order of rows.
SELECT count(*), coalesce(sum(hash(*COLUMNS(*))), 0) FROM {table};


-- ---------------------------------------------------------------------------------------------------------

-- name: repeated_keys
SELECT count(*)
FROM (
    SELECT 1 FROM well_production
    GROUP BY source, field_code, well_code, production_period
    HAVING count(*) > 1
);

-- name: rows_without_key
SELECT count(*) FROM well_production
WHERE source IS NULL OR field_code IS NULL OR well_code IS NULL OR production_period IS NULL;

-- name: rows_not_of_runs
-- A new row is stored, a row that was updated has its old values in the history, and what an import takes out of the
-- one goes into the other.
SELECT abs(
    (SELECT count(*) FROM well_production) + (SELECT count(*) FROM well_production_history)
    - (SELECT coalesce(sum(new_records + updated_records), 0) FROM import_runs)
);

-- name: history_of_no_run
SELECT count(*) FROM well_production_history WHERE job_id NOT IN (SELECT job_id FROM import_runs);

-- name: updated_without_history
-- A row that was changed after it came has what it was before in the history.
SELECT count(*)
FROM well_production
ANTI JOIN well_production_history USING (source, field_code, well_code, production_period)
WHERE updated_at > created_at;

-- name: rejected_beyond_runs
-- A run keeps no more rejected rows than it had; fewer, where a later one met them again.
SELECT count(*)
FROM (SELECT job_id, count(*) AS kept FROM rejected_rows GROUP BY job_id) AS rejected
LEFT JOIN import_runs USING (job_id)
WHERE coalesce(failed_records, 0) < kept;

-- name: runs_twice
SELECT (count(*) - count(DISTINCT job_id)) + (count(*) - count(DISTINCT fence)) FROM import_runs;

-- name: odd_periods
-- A period begins on its first day, and has the days of a day, a month, a quarter or a year.
SELECT count(*) FROM well_production
WHERE NOT (
    period_days = 1
    OR (day(production_period) = 1 AND period_days = day(last_day(production_period)))
    OR (
        day(production_period) = 1 AND month(production_period) % 3 = 1
        AND period_days = date_diff('day', production_period, CAST(production_period + to_months(3) AS DATE))
    )
    OR (
        day(production_period) = 1 AND month(production_period) = 1
        AND period_days = date_diff('day', production_period, CAST(production_period + to_months(12) AS DATE))
    )
);

-- name: sources_of_two_lengths
SELECT count(*)
FROM (
    SELECT source
    FROM (
        SELECT DISTINCT
            source,
            CASE WHEN period_days = 1 THEN 1 WHEN period_days < 32 THEN 31 WHEN period_days < 93 THEN 92 ELSE 366 END
        FROM well_production
    )
    GROUP BY source
    HAVING count(*) > 1
);

-- name: odd_values
-- What no import stores: rates that are no finite numbers, a row of no row of the source, a change before its beginning.
SELECT count(*) FROM well_production
WHERE NOT (
    isfinite(coalesce(days_on_production, 0)) AND isfinite(coalesce(oil_production_kbd, 0))
    AND isfinite(coalesce(gas_production_mmcfd, 0)) AND isfinite(coalesce(liquids_production_kbd, 0))
    AND isfinite(coalesce(water_production_kbd, 0)) AND source_rows >= 1 AND updated_at >= created_at
);
