-- The statements that make the lake's tables. {braces} are filled by tables.py.

-- name: schema
CREATE SCHEMA IF NOT EXISTS lake.wellhead;

-- name: table
CREATE TABLE IF NOT EXISTS lake.wellhead.{table} ({columns}) {partitioned} WITH ('format-version' = '2');

-- name: partitioned
PARTITIONED BY (year(production_period))
