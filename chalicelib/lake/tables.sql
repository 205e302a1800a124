-- The statements that make the lake's tables. Their columns are those of the file's, which schema.sql tells: `wells` is a
-- new store that nothing is in. {braces} are filled by tables.py.

-- name: columns
SELECT table_name, list(column_name ORDER BY column_index), list(data_type ORDER BY column_index)
FROM duckdb_columns()
WHERE database_name = 'wells' AND table_name IN {tables}
GROUP BY table_name;

-- name: schema
CREATE SCHEMA IF NOT EXISTS lake.wellhead;

-- name: table
CREATE TABLE IF NOT EXISTS lake.wellhead.{table} ({columns}) {partitioned} WITH ('format-version' = '2');

-- name: partitioned
PARTITIONED BY (year(production_period))
