-- The statements of deletions.py, of a store that is attached as `wells`. {braces} are filled there.

-- name: find_gone
CREATE OR REPLACE TABLE gone AS
SELECT stored_row FROM changed WHERE stored_row IS NOT NULL {withdrawn};

-- name: withdrawn
UNION ALL SELECT stored_row FROM withdrawn

-- name: count_gone
-- DuckDB's estimate of a table's size is the number of places for rows in it.
SELECT
    (SELECT estimated_size FROM duckdb_tables() WHERE database_name = 'wells' AND table_name = 'well_production'),
    count(*), count(DISTINCT stored_row // {stretch})
FROM gone;

-- name: read_one
-- Any row will do.
SELECT 1 FROM wells.well_production LIMIT 1;  -- noqa: AM09

-- name: tables
SELECT table_name FROM duckdb_tables() WHERE database_name = 'wells' ORDER BY table_name;

-- name: copy_table
INSERT INTO compact.{table} SELECT * FROM wells.{table};

-- name: copy_rows
INSERT INTO compact.{table} SELECT * FROM wells.{table} WHERE rowid NOT IN (SELECT stored_row FROM gone);
