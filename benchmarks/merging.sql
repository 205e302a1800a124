-- What the merge is measured with: stored rows and staged ones, made of their numbers. {braces} are filled by merging.py.
-- A well has {months} stored months, from 1995 on; rows are numbered in the order of the key.

-- name: rows
SELECT
    'F' || lpad(CAST(well // 100 AS VARCHAR), 5, '0') AS field_code,
    'Aldenvik North ' || well // 100 AS field_name,
    '70' || lpad(CAST(well AS VARCHAR), 10, '0') AS well_code,
    'NO ' || well // 1000 || '/' || well % 1000 || '-A' AS well_reference,
    'Aldenvik A-' || well AS well_name,
    CAST(DATE '1995-01-01' + to_months(CAST(month AS INTEGER)) AS DATE) AS production_period,
    CAST(28 + hash(well, month, revision, 1) % 4 AS DOUBLE) AS days_on_production,
    hash(well, month, revision, 2) % 20000 / 1000 AS oil_production_kbd,
    hash(well, month, revision, 3) % 90000 / 1000 AS gas_production_mmcfd,
    hash(well, month, revision, 2) % 20000 / 1000 + hash(well, month, revision, 4) % 2000 / 1000 AS liquids_production_kbd,
    hash(well, month, revision, 5) % 30000 / 1000 AS water_production_kbd,
    'Orrin Vale Energy' AS data_source,
    {remark} AS source_data,
    CAST(year(production_period) AS VARCHAR) AS partition_0
FROM ({numbers})

-- name: remark
-- 128 characters that hardly shrink.
md5(concat(well, month, revision)) || md5(concat(month, well)) || md5(concat(well, 'a', month, revision))
|| md5(concat(well, 'b', month))

-- name: stored
SELECT n // {months} AS well, n % {months} AS month, 0 AS revision FROM range({first}, {past}) AS row(n)

-- name: store
INSERT INTO wells.well_production BY NAME
SELECT
    'default' AS source, *, days_of_period(production_period) AS period_days, 1 AS source_rows,
    to_timestamp(1700000000) AS created_at, to_timestamp(1700000000) AS updated_at
FROM ({rows});

-- name: staged
-- {each} months of every well, the last {fresh} of them not stored yet; of those stored every {revised}th has other values.
SELECT
    n // {each} AS well,
    {months} - {each} + {fresh} + n % {each} AS month,
    CASE
        WHEN {revised} > 0 AND {months} - {each} + {fresh} + n % {each} < {months} AND n % greatest({revised}, 1) = 0
        THEN 1 ELSE 0
    END AS revision
FROM range({past}) AS row(n)
ORDER BY {order}

-- name: segment
SELECT
    *, CAST(NULL AS VARCHAR) AS problem, CAST(NULL AS INTEGER) AS page, CAST(NULL AS INTEGER) AS position,
    CAST(NULL AS VARCHAR) AS raw, CAST(NULL AS VARCHAR) AS primary_key, CAST(NULL AS VARCHAR) AS version
FROM staged
WHERE rowid >= {first} AND rowid < {past}
