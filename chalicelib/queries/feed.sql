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

-- name: page
SELECT {columns}
FROM ({rows}) AS feed
WHERE {condition} AND {after}
ORDER BY {order}
LIMIT $limit OFFSET $skip;

-- name: count
SELECT count(*) FROM ({rows}) AS feed WHERE {condition};

-- name: at
SELECT {columns} FROM ({rows}) AS feed WHERE {condition};

-- name: last_well
-- The well by which a page of sums is full, so that those after it are not summed for it.
SELECT source, field_code, well_code
FROM (SELECT DISTINCT source, field_code, well_code FROM {production} AS stored WHERE {begin})
ORDER BY source, field_code, well_code
LIMIT 1 OFFSET $wells;
