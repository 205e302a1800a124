-- The questions to a published database, attached read-only as wells. $names are bound values; one that is NULL
-- asks for no restriction. Times are shown as UTC text, and by epoch_us: a cast of TIMESTAMPTZ would follow the
-- time zone of whoever has ICU loaded.
-- A page begins after the key of the page before. Rows are stored in the order of their key, so the range of the
-- first part of the key is told on its own: that is what leaves row groups out.

-- name: production
SELECT
    field_code, field_name, well_code, well_reference, well_name,
    CAST(production_period AS VARCHAR) AS production_period, days_on_production, oil_production_kbd,
    gas_production_mmcfd, liquids_production_kbd, water_production_kbd, data_source, source_data, partition_0,
    {created_at}, {updated_at}
FROM wells.well_production
WHERE ($field_code IS NULL OR field_code = $field_code)
    AND ($well_code IS NULL OR well_code = $well_code)
    AND ($first IS NULL OR production_period >= CAST($first AS DATE))
    AND ($last IS NULL OR production_period <= CAST($last AS DATE))
    AND (
        $after_field_code IS NULL
        OR (
            field_code >= $after_field_code
            AND (field_code, well_code, well_production.production_period)
                > ($after_field_code, $after_well_code, CAST($after_production_period AS DATE))
        )
    )
ORDER BY field_code, well_code, well_production.production_period
LIMIT $limit;

-- name: revisions
-- An import replaces a row at most once, and job ids sort by time, so they tell the revisions of a row apart.
SELECT
    field_code, field_name, well_code, well_reference, well_name,
    CAST(production_period AS VARCHAR) AS production_period, days_on_production, oil_production_kbd,
    gas_production_mmcfd, liquids_production_kbd, water_production_kbd, {replaced_at}, job_id
FROM wells.well_production_history
WHERE ($field_code IS NULL OR field_code = $field_code)
    AND ($well_code IS NULL OR well_code = $well_code)
    AND ($first IS NULL OR production_period >= CAST($first AS DATE))
    AND ($last IS NULL OR production_period <= CAST($last AS DATE))
    AND (
        $after_field_code IS NULL
        OR (
            field_code >= $after_field_code
            AND (field_code, well_code, well_production_history.production_period, job_id)
                > ($after_field_code, $after_well_code, CAST($after_production_period AS DATE), $after_job_id)
        )
    )
ORDER BY field_code, well_code, well_production_history.production_period, job_id
LIMIT $limit;

-- name: totals
SELECT
    CAST(production_period AS VARCHAR) AS production_period,
    count(*) AS wells,
    sum(oil_production_kbd) AS oil_production_kbd,
    sum(gas_production_mmcfd) AS gas_production_mmcfd,
    sum(liquids_production_kbd) AS liquids_production_kbd,
    sum(water_production_kbd) AS water_production_kbd
FROM wells.well_production
WHERE ($field_code IS NULL OR field_code = $field_code)
    AND ($first IS NULL OR production_period >= CAST($first AS DATE))
    AND ($last IS NULL OR production_period <= CAST($last AS DATE))
    AND ($after_production_period IS NULL OR production_period > CAST($after_production_period AS DATE))
GROUP BY well_production.production_period
ORDER BY well_production.production_period
LIMIT $limit;

-- name: wells
-- The file's own view of the wells came with version 2 of the schema; older files are read too.
WITH listed AS (
    SELECT
        field_code,
        arg_max(field_name, production_period) AS field_name,
        well_code,
        arg_max(well_reference, production_period) AS well_reference,
        arg_max(well_name, production_period) AS well_name,
        CAST(min(production_period) AS VARCHAR) AS first_period,
        CAST(max(production_period) AS VARCHAR) AS last_period,
        count(*) AS periods
    FROM wells.well_production
    WHERE ($field_code IS NULL OR field_code = $field_code)
        AND (
            $after_field_code IS NULL
            OR (
                field_code >= $after_field_code
                AND (field_code, well_code) > ($after_field_code, $after_well_code)
            )
        )
    GROUP BY field_code, well_code
)
SELECT * FROM listed
WHERE $search IS NULL
    OR contains(lower(well_name), lower($search))
    OR contains(lower(well_reference), lower($search))
    OR contains(CAST(well_code AS VARCHAR), $search)
ORDER BY field_code, well_code
LIMIT $limit;

-- name: rejects
SELECT page, position, reason, detail, raw, {rejected_at}
FROM wells.rejected_rows
WHERE job_id = $job_id
    AND ($after_page IS NULL OR (page, position) > ($after_page, $after_position))
ORDER BY page, position
LIMIT $limit;

-- name: counts
-- A month counts as missing when it lies between a well's first and last period and no period of the well is in it.
WITH ranges AS (
    SELECT
        count(*) AS rows,
        min(production_period) AS first_period,
        max(production_period) AS last_period,
        datediff('month', min(production_period), max(production_period)) + 1
            - count(DISTINCT date_trunc('month', production_period)) AS missing
    FROM wells.well_production
    GROUP BY field_code, well_code
)
SELECT
    CAST(coalesce(sum(rows), 0) AS BIGINT) AS rows,
    count(*) AS wells,
    (SELECT count(DISTINCT field_code) FROM wells.well_production) AS fields,
    CAST(min(first_period) AS VARCHAR) AS first_period,
    CAST(max(last_period) AS VARCHAR) AS last_period,
    count(*) FILTER (missing > 0) AS wells_with_gaps,
    CAST(coalesce(sum(missing), 0) AS BIGINT) AS missing_months,
    (SELECT count(*) FROM wells.well_production_history) AS replaced_rows,
    (SELECT count(*) FROM wells.rejected_rows) AS rejected_rows
FROM ranges;

-- name: last_import
SELECT
    job_id, source, triggered_by, {started_at}, {merged_at},
    new_records, updated_records, duplicate_records, failed_records, expected_records, warnings
FROM wells.import_runs
ORDER BY import_runs.merged_at DESC, fence DESC
LIMIT 1;

-- name: storage_version
SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = 'wells';
