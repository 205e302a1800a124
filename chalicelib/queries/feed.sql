-- The rows of the feed's entity sets, as feed_model.py names and types them; {production} is as in production.sql.
-- Moments are in UTC without a zone: that of the connection is nobody's. What is asked of a set stands around it, in
-- `page` and `count`, made by feed.py of names of the model and of bound values.

-- name: WellProduction
SELECT
    * REPLACE (
        make_timestamp(epoch_us(created_at)) AS created_at,
        make_timestamp(epoch_us(updated_at)) AS updated_at
    )
FROM {production} AS stored

-- name: Wells
SELECT * EXCLUDE (place, rows_until) FROM feed_wells

-- name: make_wells
-- `rows_until` is how many rows there are to the end of the well.
CREATE OR REPLACE TABLE feed_wells AS
WITH wells AS (
    SELECT
        source, field_code, arg_max(field_name, production_period) AS field_name,
        well_code,
        arg_max(well_reference, production_period) AS well_reference,
        arg_max(well_name, production_period) AS well_name,
        min(production_period) AS first_period,
        max(production_period) AS last_period,
        CAST(count(*) AS INTEGER) AS periods
    FROM {production} AS stored
    GROUP BY source, field_code, well_code
)
SELECT
    *,
    CAST(row_number() OVER in_order AS INTEGER) AS place,
    CAST(sum(periods) OVER in_order AS BIGINT) AS rows_until
FROM wells
WINDOW in_order AS (ORDER BY source, field_code, well_code ROWS UNBOUNDED PRECEDING)
ORDER BY place;

-- name: place_of
SELECT coalesce(any_value(place), 0) AS place
FROM feed_wells
WHERE source = $source AND field_code = $field_code AND well_code = $well_code;

-- name: place_behind
SELECT place, $rows - (rows_until - periods) AS own FROM feed_wells WHERE rows_until > $rows ORDER BY place LIMIT 1;

-- name: window
WITH begun AS MATERIALIZED (
    SELECT source, rows_until - periods AS rows_before FROM feed_wells WHERE place = $place
),
wells AS (
    SELECT feed_wells.*
    FROM feed_wells, begun
    WHERE feed_wells.source = begun.source
        AND place >= $place
        AND rows_until - periods < rows_before + $rows
)
SELECT
    any_value(source) AS source,
    arg_min(field_code, place) AS first_field, arg_min(well_code, place) AS first_well,
    arg_max(field_code, place) AS last_field, arg_max(well_code, place) AS last_well,
    max(place) AS last_place
FROM wells
HAVING count(*) > 0;

-- name: is_by_month
SELECT coalesce(bool_and(day(production_period) = 1), true) AS is_by_month
FROM {production} AS stored
WHERE period_days <= 31;

-- name: Monthly
-- As the view `monthly` of the file; an older file does not tell how long its periods are, and has none.
-- A page begins after a sum of the page before, so sums are the same in every run: doubles add to something else in another
-- order, as threads share the rows, and whole numbers of less than 16 digits do not.
SELECT
    source, field_code, arg_max(field_name, production_period) AS field_name,
    well_code, arg_max(well_name, production_period) AS well_name,
    make_date(year(production_period), month(production_period), 1) AS calendar_month,
    CAST(sum(period_days) AS INTEGER) AS days,
    sum(round(days_on_production * 1e9)) / 1e9 AS days_on_production,
    sum(round(oil_production_kbd * period_days * 1e9)) / 1e9 AS oil_production_kb,
    sum(round(gas_production_mmcfd * period_days * 1e9)) / 1e9 AS gas_production_mmcf,
    sum(round(liquids_production_kbd * period_days * 1e9)) / 1e9 AS liquids_production_kb,
    sum(round(water_production_kbd * period_days * 1e9)) / 1e9 AS water_production_kb
FROM {production} AS stored
WHERE period_days <= 31
GROUP BY source, field_code, well_code, calendar_month

-- name: each_month
-- The same where each row is a month by itself: there is nothing to sum.
SELECT
    source, field_code, field_name, well_code, well_name,
    production_period AS calendar_month,
    CAST(period_days AS INTEGER) AS days,
    round(days_on_production * 1e9) / 1e9 AS days_on_production,
    round(oil_production_kbd * period_days * 1e9) / 1e9 AS oil_production_kb,
    round(gas_production_mmcfd * period_days * 1e9) / 1e9 AS gas_production_mmcf,
    round(liquids_production_kbd * period_days * 1e9) / 1e9 AS liquids_production_kb,
    round(water_production_kbd * period_days * 1e9) / 1e9 AS water_production_kb
FROM {production} AS stored
WHERE period_days <= 31

-- name: page
SELECT {columns}
FROM ({rows}) AS feed
WHERE {condition} AND {behind}
ORDER BY {order}
LIMIT $limit OFFSET $skip;

-- name: count
SELECT count(*) FROM ({rows}) AS feed WHERE {condition};

-- name: at
SELECT {columns} FROM ({rows}) AS feed WHERE {condition};
