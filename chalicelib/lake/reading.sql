-- The views by which a state of the lake is asked as a file is. {braces} are filled by reading.py.

-- name: production
CREATE VIEW wells.{table} AS SELECT * REPLACE (CAST(period_days AS SMALLINT) AS period_days) FROM {rows} AS stored;

-- name: others
CREATE VIEW wells.{table} AS SELECT * FROM {rows} AS stored;

-- name: schema_version
CREATE VIEW wells.wellhead_schema AS SELECT {version} AS version;
