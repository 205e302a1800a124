-- The questions to a published database, attached read-only as wells. $names are bound values; one that is NULL
-- asks for no restriction. Times are shown as UTC text, and by epoch_us: a cast of TIMESTAMPTZ would follow the
-- time zone of whoever has ICU loaded.
-- A page begins after the key of the page before. Rows are stored in the order of their key, so the range of its first
-- parts is told on its own: that is what leaves row groups out.
-- {production} and {history} are the tables, or what stands for them in a file of before version 3; they have the
-- columns of today. $source is a name; '*' asks for no restriction too.

-- name: older_production
-- A file of before version 3 has the rows of one source, which it does not name, and does not tell how long a period is.
(
    SELECT
        * REPLACE (CAST(field_code AS VARCHAR) AS field_code, CAST(well_code AS VARCHAR) AS well_code),
        'default' AS source, CAST(NULL AS SMALLINT) AS period_days, 1 AS source_rows
    FROM wells.well_production
)

-- name: older_history
(
    SELECT
        * REPLACE (CAST(field_code AS VARCHAR) AS field_code, CAST(well_code AS VARCHAR) AS well_code),
        'default' AS source, CAST(NULL AS SMALLINT) AS period_days, 1 AS source_rows
    FROM wells.well_production_history
)

-- name: stood
-- The rows as they stood at $as_of: those that no import has replaced since, and those that one did, later.
(
    SELECT * FROM {production} AS stored WHERE updated_at <= to_timestamp($as_of)
    UNION ALL BY NAME
    SELECT * EXCLUDE (replaced_at, job_id) FROM {history} AS stored
    WHERE updated_at <= to_timestamp($as_of) AND replaced_at > to_timestamp($as_of)
)

-- name: production
SELECT
    {shown}, {created_at}, {updated_at}
FROM {production} AS stored
WHERE ($source IS NULL OR source = $source)
    AND ($field_code IS NULL OR field_code = $field_code)
    AND ($well_code IS NULL OR well_code = $well_code)
    AND ($first IS NULL OR production_period >= CAST($first AS DATE))
    AND ($last IS NULL OR production_period <= CAST($last AS DATE))
    AND (
        $after_source IS NULL
        OR (
            source >= $after_source
            AND (source > $after_source OR field_code >= $after_field_code)
            AND (source, field_code, well_code, stored.production_period)
                > ($after_source, $after_field_code, $after_well_code, CAST($after_production_period AS DATE))
        )
    )
ORDER BY source, field_code, well_code, stored.production_period
LIMIT $limit;

-- name: write_parquet
COPY (SELECT * FROM {production} AS stored) TO '{path}' (FORMAT parquet, COMPRESSION zstd);

-- name: write_list
-- All rows of a list in a file, with days as such. A group of rows is kept in memory until it is written, and rejected
-- rows are long.
COPY (SELECT {columns} FROM ({list}) AS listed) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 30720);

-- name: revisions
-- An import replaces a row at most once, and job ids sort by time, so they tell the revisions of a row apart.
SELECT
    {revised}, {replaced_at}, job_id
FROM {history} AS stored
WHERE ($source IS NULL OR source = $source)
    AND ($field_code IS NULL OR field_code = $field_code)
    AND ($well_code IS NULL OR well_code = $well_code)
    AND ($first IS NULL OR production_period >= CAST($first AS DATE))
    AND ($last IS NULL OR production_period <= CAST($last AS DATE))
    AND (
        $after_source IS NULL
        OR (
            source >= $after_source
            AND (source > $after_source OR field_code >= $after_field_code)
            AND (source, field_code, well_code, stored.production_period, job_id)
                > (
                    $after_source, $after_field_code, $after_well_code,
                    CAST($after_production_period AS DATE), $after_job_id
                )
        )
    )
ORDER BY source, field_code, well_code, stored.production_period, job_id
LIMIT $limit;

-- name: run
SELECT {merged_at} FROM wells.import_runs WHERE job_id = $job_id;

-- name: changes_of_all
-- What the import $job_id made of the rows: each as it was before and as it was afterwards, which a later import may
-- have replaced as well. All rows of one import were written at one moment, and no others are.
WITH moment AS (SELECT max(merged_at) AS merged_at FROM wells.import_runs WHERE job_id = $job_id),
replaced AS (SELECT * EXCLUDE (replaced_at, job_id) FROM {history} AS stored WHERE job_id = $job_id),
written AS (
    SELECT * FROM {production} AS stored WHERE updated_at = (SELECT merged_at FROM moment)
    UNION ALL BY NAME
    SELECT * EXCLUDE (replaced_at, job_id) FROM {history} AS stored
    WHERE updated_at = (SELECT merged_at FROM moment)
),
changes AS (
    SELECT
        CASE
            WHEN replaced.source IS NULL THEN 'new'
            WHEN written.source IS NULL THEN 'withdrawn'
            ELSE 'updated'
        END AS change,
        source, field_code, well_code, production_period,
        coalesce(written.field_name, replaced.field_name) AS field_name,
        coalesce(written.well_name, replaced.well_name) AS well_name,
        coalesce(written.period_days, replaced.period_days) AS period_days,
        CASE WHEN replaced.source IS NOT NULL THEN {{ {before} }} END AS before,
        CASE WHEN written.source IS NOT NULL THEN {{ {after} }} END AS after
    FROM replaced
    FULL JOIN written USING (source, field_code, well_code, production_period)
    WHERE ($change IS NULL OR change = $change) AND ($field_code IS NULL OR field_code = $field_code)
)

-- name: changes
{changes_of_all}
SELECT
    change, source, field_code, field_name, well_code, well_name,
    CAST(production_period AS VARCHAR) AS production_period, period_days, before, after
FROM changes
WHERE $after_source IS NULL
    OR (source, field_code, well_code, changes.production_period)
        > ($after_source, $after_field_code, $after_well_code, CAST($after_production_period AS DATE))
ORDER BY source, field_code, well_code, changes.production_period
LIMIT $limit;

-- name: changed_fields
-- Volumes of the changed rows alone: a rate of a calendar day times the days of its period.
{changes_of_all}
SELECT
    source, field_code, any_value(field_name) AS field_name,
    count(*) FILTER (change = 'new') AS new_records,
    count(*) FILTER (change = 'updated') AS updated_records,
    count(*) FILTER (change = 'withdrawn') AS withdrawn_records,
    {volumes}
FROM changes
WHERE $after_source IS NULL OR (source, field_code) > ($after_source, $after_field_code)
GROUP BY source, field_code
ORDER BY source, field_code
LIMIT $limit;

-- name: totals
-- One well may be told by two sources, so their rates are added only when all are asked for together, as '*'. Periods
-- of different lengths are never added.
-- A ratio of two sums is one of those wells alone that tell both sides, so these are summed in pairs. The rate of a
-- producing day is what the wells make together on a day on which each produces: one that brings something and does not
-- tell its days leaves it unknown.
SELECT
    CASE WHEN $source = '*' THEN '*' ELSE source END AS source,
    CAST(production_period AS VARCHAR) AS production_period,
    period_days,
    count(*) AS wells,
    sum(oil_production_kbd) AS oil_production_kbd,
    sum(gas_production_mmcfd) AS gas_production_mmcfd,
    sum(liquids_production_kbd) AS liquids_production_kbd,
    sum(water_production_kbd) AS water_production_kbd,
    sum(water_production_kbd) FILTER (beside_water IS NOT NULL) AS cut_water_kbd,
    sum(beside_water) FILTER (water_production_kbd IS NOT NULL) AS cut_liquids_kbd,
    sum(gas_production_mmcfd) FILTER (oil_production_kbd IS NOT NULL) AS ratio_gas_mmcfd,
    sum(oil_production_kbd) FILTER (gas_production_mmcfd IS NOT NULL) AS ratio_oil_kbd,
    CASE WHEN bool_and(oil_production_kbd IS NULL OR oil_production_kbd = 0 OR for_a_day IS NOT NULL)
            AND isfinite(sum(oil_production_kbd * coalesce(for_a_day, 1)))
        THEN sum(oil_production_kbd * coalesce(for_a_day, 1)) END AS oil_producing_kbd,
    CASE WHEN bool_and(gas_production_mmcfd IS NULL OR gas_production_mmcfd = 0 OR for_a_day IS NOT NULL)
            AND isfinite(sum(gas_production_mmcfd * coalesce(for_a_day, 1)))
        THEN sum(gas_production_mmcfd * coalesce(for_a_day, 1)) END AS gas_producing_mmcfd,
    CASE WHEN bool_and(liquids_production_kbd IS NULL OR liquids_production_kbd = 0 OR for_a_day IS NOT NULL)
            AND isfinite(sum(liquids_production_kbd * coalesce(for_a_day, 1)))
        THEN sum(liquids_production_kbd * coalesce(for_a_day, 1)) END AS liquids_producing_kbd,
    CASE WHEN bool_and(water_production_kbd IS NULL OR water_production_kbd = 0 OR for_a_day IS NOT NULL)
            AND isfinite(sum(water_production_kbd * coalesce(for_a_day, 1)))
        THEN sum(water_production_kbd * coalesce(for_a_day, 1)) END AS water_producing_kbd
FROM (
    SELECT
        *,
        coalesce(liquids_production_kbd, oil_production_kbd) AS beside_water,
        coalesce(period_days, day(last_day(production_period)))
            / CASE WHEN days_on_production > 0 THEN days_on_production END AS for_a_day
    FROM {production} AS stored
) AS stored
WHERE ($source IS NULL OR $source = '*' OR source = $source)
    AND ($field_code IS NULL OR field_code = $field_code)
    AND ($first IS NULL OR production_period >= CAST($first AS DATE))
    AND ($last IS NULL OR production_period <= CAST($last AS DATE))
    AND (
        $after_source IS NULL
        OR (
            CASE WHEN $source = '*' THEN '*' ELSE source END, stored.production_period, coalesce(period_days, 0)
        ) > ($after_source, CAST($after_production_period AS DATE), coalesce(CAST($after_period_days AS SMALLINT), 0))
    )
GROUP BY CASE WHEN $source = '*' THEN '*' ELSE source END, stored.production_period, period_days
ORDER BY CASE WHEN $source = '*' THEN '*' ELSE source END, stored.production_period, period_days NULLS FIRST
LIMIT $limit;

-- name: wells
-- The file's own view of the wells came with version 2 of the schema; older files are read too.
WITH listed AS (
    SELECT
        source,
        field_code,
        arg_max(field_name, production_period) AS field_name,
        well_code,
        arg_max(well_reference, production_period) AS well_reference,
        arg_max(well_name, production_period) AS well_name,
        CAST(min(production_period) AS VARCHAR) AS first_period,
        CAST(max(production_period) AS VARCHAR) AS last_period,
        count(*) AS periods
    FROM {production} AS stored
    WHERE ($source IS NULL OR source = $source)
        AND ($field_code IS NULL OR field_code = $field_code)
        AND (
            $after_source IS NULL
            OR (
                source >= $after_source
                AND (source > $after_source OR field_code >= $after_field_code)
                AND (source, field_code, well_code) > ($after_source, $after_field_code, $after_well_code)
            )
        )
    GROUP BY source, field_code, well_code
)
SELECT * FROM listed
WHERE $search IS NULL
    OR contains(lower(well_name), lower($search))
    OR contains(lower(well_reference), lower($search))
    OR contains(lower(well_code), lower($search))
ORDER BY source, field_code, well_code
LIMIT $limit;

-- name: fields
-- As the file's own view of them, which older files lack. Its wells are counted by a GROUP BY of their own: it spills to
-- disk, and count(DISTINCT) does not.
WITH listed AS (
    SELECT
        source,
        field_code,
        arg_max(field_name, last_period) AS field_name,
        count(*) AS wells,
        CAST(min(first_period) AS VARCHAR) AS first_period,
        CAST(max(last_period) AS VARCHAR) AS last_period,
        CAST(sum(periods) AS BIGINT) AS well_periods
    FROM (
        SELECT
            source, field_code,
            arg_max(field_name, production_period) AS field_name,
            min(production_period) AS first_period, max(production_period) AS last_period,
            count(*) AS periods
        FROM {production} AS stored
        WHERE ($source IS NULL OR source = $source)
            AND (
                $after_source IS NULL
                OR (source >= $after_source AND (source, field_code) > ($after_source, $after_field_code))
            )
        GROUP BY source, field_code, well_code
    )
    GROUP BY source, field_code
)
SELECT * FROM listed
WHERE $search IS NULL
    OR contains(lower(field_name), lower($search))
    OR contains(lower(field_code), lower($search))
ORDER BY source, field_code
LIMIT $limit;

-- name: rejects
SELECT page, position, reason, detail, raw, {rejected_at}
FROM wells.rejected_rows
WHERE job_id = $job_id
    AND ($after_page IS NULL OR (page, position) > ($after_page, $after_position))
ORDER BY page, position
LIMIT $limit;

-- name: sources
-- A period counts as missing when it lies between a well's first and last one and is not there. A month is missing when
-- no part of a period lies in it. Where a file does not tell the length of its periods, they count as months.
-- The months of a well's days are counted by a GROUP BY of their own: it spills to disk, and count(DISTINCT) does not.
WITH months_of_days AS (
    SELECT
        source, field_code, well_code,
        count(*) AS rows, min(production_period) AS first_period, max(production_period) AS last_period
    FROM {production} AS stored
    WHERE period_days = 1
    GROUP BY source, field_code, well_code, date_trunc('month', production_period)
),
ranges AS (
    SELECT
        source, max(period_days) AS longest, count(*) AS rows, count(*) AS months,
        min(production_period) AS first_period, max(production_period) AS last_period
    FROM {production} AS stored
    WHERE period_days IS DISTINCT FROM 1
    GROUP BY source, field_code, well_code
    UNION ALL
    SELECT source, 1, sum(rows), count(*), min(first_period), max(last_period)
    FROM months_of_days
    GROUP BY source, field_code, well_code
),
gaps AS (
    SELECT
        *,
        CASE
            WHEN longest > 300 THEN datediff('year', first_period, last_period) + 1 - rows
            WHEN longest > 31 THEN datediff('quarter', first_period, last_period) + 1 - rows
            WHEN longest = 1 THEN datediff('day', first_period, last_period) + 1 - rows
            ELSE datediff('month', first_period, last_period) + 1 - months
        END AS missing_periods,
        CASE
            WHEN longest > 300 THEN 12 * (datediff('year', first_period, last_period) + 1 - rows)
            WHEN longest > 31 THEN 3 * (datediff('quarter', first_period, last_period) + 1 - rows)
            ELSE datediff('month', first_period, last_period) + 1 - months
        END AS missing_months
    FROM ranges
),
fields AS (
    SELECT source, count(*) AS fields
    FROM (SELECT DISTINCT source, field_code FROM {production} AS stored)
    GROUP BY source
),
replaced AS (SELECT source, count(*) AS replaced_rows FROM {history} AS stored GROUP BY source)
SELECT
    gaps.source,
    CASE
        WHEN max(longest) = 1 THEN 'day'
        WHEN max(longest) <= 31 THEN 'month'
        WHEN max(longest) <= 92 THEN 'quarter'
        WHEN max(longest) > 92 THEN 'year'
    END AS period,
    CAST(sum(rows) AS BIGINT) AS rows,
    count(*) AS wells,
    max(fields) AS fields,
    CAST(min(first_period) AS VARCHAR) AS first_period,
    CAST(max(last_period) AS VARCHAR) AS last_period,
    count(*) FILTER (missing_periods > 0) AS wells_with_gaps,
    CAST(sum(missing_periods) AS BIGINT) AS missing_periods,
    CAST(sum(missing_months) AS BIGINT) AS missing_months,
    coalesce(max(replaced_rows), 0) AS replaced_rows
FROM gaps
JOIN fields ON fields.source = gaps.source
LEFT JOIN replaced ON replaced.source = gaps.source
GROUP BY gaps.source
ORDER BY gaps.source;

-- name: count_rejected
SELECT count(*) AS rejected_rows FROM wells.rejected_rows;

-- name: last_import
SELECT
    job_id, source, triggered_by, {started_at}, {merged_at},
    new_records, updated_records, duplicate_records, failed_records, expected_records, warnings
FROM wells.import_runs
ORDER BY import_runs.merged_at DESC, fence DESC
LIMIT 1;

-- name: storage_version
SELECT coalesce(tags['storage_version'], 'iceberg v2') FROM duckdb_databases() WHERE database_name = 'wells';
