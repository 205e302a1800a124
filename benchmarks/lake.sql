-- Rows of wells, each with a month: made of two numbers. {braces} are filled by lake.py.

-- name: row
'default' AS source, 'F' || lpad(CAST(well // 50 AS VARCHAR), 5, '0') AS field_code,
'Field ' || (well // 50) AS field_name, lpad(CAST(well AS VARCHAR), 14, '0') AS well_code, 'R' || well AS well_reference,
'Well ' || well AS well_name, CAST(DATE '1980-01-01' + to_months(CAST(month AS INTEGER)) AS DATE) AS production_period,
31 AS period_days, 20.0 + (well * 7 + month) % 10 AS days_on_production,
((well * 31 + month * 17) % 1000) / 100.0 + {revision} AS oil_production_kbd,
((well * 13 + month * 7) % 5000) / 100.0 AS gas_production_mmcfd,
((well * 31 + month * 17) % 1000) / 90.0 AS liquids_production_kbd,
((well * 3 + month * 5) % 900) / 100.0 AS water_production_kbd, 'src' AS data_source,
CAST(NULL AS VARCHAR) AS source_data, CAST(NULL AS VARCHAR) AS partition_0, 1 AS source_rows

-- name: fill
INSERT INTO lake.wellhead.well_production BY NAME
SELECT {row}, now() AS created_at, now() AS updated_at
FROM range({wells}) AS wells(well), range({first}, {last}) AS months(month)
ORDER BY well, month;

-- name: segment
COPY (
    SELECT
        {columns}, CAST(NULL AS VARCHAR) AS problem, CAST(NULL AS INTEGER) AS page, CAST(NULL AS INTEGER) AS position,
        CAST(NULL AS VARCHAR) AS raw, CAST(NULL AS VARCHAR) AS primary_key, CAST(NULL AS VARCHAR) AS version
    FROM (SELECT {row} FROM range({wells}) AS wells(well), range({first}, {last}) AS months(month))
    ORDER BY field_code, well_code, production_period
) TO '{path}' (FORMAT parquet, COMPRESSION lz4, KV_METADATA {{pages: '{pages}'}});
