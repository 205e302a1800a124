-- The register of a published state: each well and each field with its figures, in memory, made once of all rows and asked
-- many times. $names are bound values, {braces} are filled by register.py; {production} is what production.sql says.

-- name: folded
-- A text as it is searched for: small letters without accents, one space for whatever is neither a letter nor a digit.
-- Letters that Unicode does not take apart are written out. Most names are plain, and are spared the way through all that.
CREATE OR REPLACE MACRO folded(text) AS trim(regexp_replace(
    CASE
        WHEN strlen(text) = length(text) THEN lower(text)
        ELSE strip_accents(translate(
            replace(replace(replace(replace(lower(text), 'æ', 'ae'), 'œ', 'oe'), 'ß', 'ss'), 'þ', 'th'),
            'øłđðħıŧŋ', 'olddhitn'
        ))
    END,
    '[^\pL\pM\pN]+', ' ', 'g'
));

-- name: sum_of
-- The same in every run: doubles add to something else in another order, and threads share the rows anew each time. Whole
-- numbers add exactly, as long as they have less than 16 digits. `parts` is how many of them are one.
CREATE OR REPLACE MACRO sum_of(value, parts) AS sum(round(value * parts)) / parts;

-- name: wells
-- Rates and days are those of the last period, whatever the source left out there; the volumes are of all periods.
-- Where a file does not tell the length of its periods, they count as months. What a ratio is made of is kept in pairs: a
-- field divides the sums of the wells that tell both. `field_place` is the place of its field.
CREATE OR REPLACE TABLE register_wells AS
WITH summed AS (
    SELECT
        source, field_code, well_code,
        arg_max(field_name, production_period) AS field_name,
        arg_max(well_reference, production_period) AS well_reference,
        arg_max(well_name, production_period) AS well_name,
        min(production_period) AS first_period,
        max(production_period) AS last_period,
        count(*) AS periods,
        arg_max(
            {{
                oil: oil_production_kbd, gas: gas_production_mmcfd, liquids: liquids_production_kbd,
                water: water_production_kbd, on_production: days_on_production, days: {days}
            }},
            production_period
        ) AS latest,
        sum_of(oil_production_kbd * {days}, 1e9) AS oil_production_kb,
        sum_of(gas_production_mmcfd * {days}, 1e9) AS gas_production_mmcf,
        sum_of(water_production_kbd * {days}, 1e9) AS water_production_kb
    FROM {production} AS stored
    GROUP BY source, field_code, well_code
)
SELECT
    CAST(row_number() OVER (ORDER BY source, field_code, well_code) AS INTEGER) AS place,
    CAST(dense_rank() OVER (ORDER BY source, field_code) AS INTEGER) AS field_place,
    * EXCLUDE (latest, liquids),
    latest.oil AS oil_production_kbd,
    latest.gas AS gas_production_mmcfd,
    latest.water AS water_production_kbd,
    latest.on_production AS days_on_production,
    CASE WHEN latest.on_production IS NOT NULL THEN latest.days END AS days,
    CASE WHEN liquids IS NOT NULL THEN latest.water END AS cut_water,
    CASE WHEN latest.water IS NOT NULL THEN liquids END AS cut_liquids,
    CASE WHEN latest.oil IS NOT NULL THEN latest.gas END AS ratio_gas,
    CASE WHEN latest.gas IS NOT NULL THEN latest.oil END AS ratio_oil,
    folded(concat_ws(' ', field_name, well_name, well_reference, field_code, well_code)) AS words
FROM (SELECT *, coalesce(latest.liquids, latest.oil) AS liquids FROM summed)
ORDER BY place;

-- name: keep_wells
COPY (FROM register_wells ORDER BY place) TO '{path}' (FORMAT parquet, COMPRESSION zstd);

-- name: kept_wells
CREATE OR REPLACE TABLE register_wells AS FROM read_parquet('{path}');

-- name: fields
-- The rates of a field are those of its last period, so of the wells that have it: one that ended before adds nothing.
CREATE OR REPLACE TABLE register_fields AS
WITH placed AS (
    SELECT *, last_period = max(last_period) OVER (PARTITION BY source, field_code) AS is_latest FROM register_wells
),
latest AS (
    SELECT
        source, field_code,
        sum_of(oil_production_kbd, 1e9) AS oil_production_kbd,
        sum_of(gas_production_mmcfd, 1e9) AS gas_production_mmcfd,
        sum_of(water_production_kbd, 1e9) AS water_production_kbd,
        sum_of(days_on_production, 1e9) AS days_on_production,
        sum(days) AS days,
        sum_of(cut_water, 1e9) AS cut_water,
        sum_of(cut_liquids, 1e9) AS cut_liquids,
        sum_of(ratio_gas, 1e9) AS ratio_gas,
        sum_of(ratio_oil, 1e9) AS ratio_oil
    FROM placed
    WHERE is_latest
    GROUP BY source, field_code
),
summed AS (
    SELECT
        source, field_code,
        arg_max(field_name, last_period) AS field_name,
        count(*) AS wells,
        min(first_period) AS first_period,
        max(last_period) AS last_period,
        CAST(sum(periods) AS BIGINT) AS periods,
        sum_of(oil_production_kb, 1e6) AS oil_production_kb,
        sum_of(gas_production_mmcf, 1e6) AS gas_production_mmcf,
        sum_of(water_production_kb, 1e6) AS water_production_kb
    FROM register_wells
    GROUP BY source, field_code
)
SELECT
    CAST(row_number() OVER (ORDER BY source, field_code) AS INTEGER) AS place,
    *,
    folded(concat_ws(' ', field_name, field_code)) AS words
FROM summed
JOIN latest USING (source, field_code)
ORDER BY place;

-- name: figures
-- What is told of each, and sorted by: water of water and liquids, cubic feet of gas for each barrel of oil, days of all days.
CREATE OR REPLACE VIEW listed_{list} AS
SELECT
    *,
    CASE WHEN cut_water + cut_liquids > 0 THEN cut_water / (cut_water + cut_liquids) END AS water_cut,
    CASE WHEN ratio_oil > 0 AND isfinite(1000 * ratio_gas / ratio_oil) THEN 1000 * ratio_gas / ratio_oil END AS gas_oil_ratio,
    CASE WHEN days > 0 THEN days_on_production / days END AS uptime
FROM register_{list};

-- name: index
CREATE UNIQUE INDEX IF NOT EXISTS places_of_{list} ON register_{list} (place);

-- name: fold_words
SELECT folded(word) FROM unnest(CAST($words AS VARCHAR[])) AS given(word);

-- name: value_at
SELECT {sort} FROM listed_{list} WHERE place = $place;

-- name: places
-- Which rows a page has, in its order, by the columns alone that are searched and sorted by.
SELECT place
FROM listed_{list}
WHERE {condition}
ORDER BY {sort} {order} NULLS LAST, place
LIMIT $limit OFFSET $skip;

-- name: rows
-- The places are written out: so they are looked up in the index, where a join would read the whole table.
SELECT {columns}, place FROM listed_{list} WHERE place IN ({places});

-- name: totals
SELECT (SELECT count(*) FROM register_wells) AS wells, (SELECT count(*) FROM register_fields) AS fields;

-- name: hits
-- The wells are searched once, for how many of them each field has; all that is counted is counted of that. The names are
-- those of the fields, which wells may spell in several ways.
WITH hits AS MATERIALIZED (
    SELECT field_place, count(*) AS rows FROM register_wells WHERE {words} GROUP BY field_place
),
wells AS MATERIALIZED (
    SELECT place, source, field_code, field_name, CAST(rows AS INTEGER) AS rows
    FROM hits
    JOIN register_fields ON place = field_place
),
fields AS MATERIALIZED (
    SELECT source, field_code, 1 AS rows FROM register_fields WHERE {words}
)
SELECT
    (SELECT CAST(coalesce(sum(rows), 0) AS INTEGER) FROM wells WHERE {is_source} AND {is_field}) AS wells,
    (SELECT count(*) FROM fields WHERE {is_source} AND {is_field}) AS fields,
    (
        SELECT list({{source: source, rows: rows}} ORDER BY source)
        FROM (SELECT source, CAST(sum(rows) AS INTEGER) AS rows FROM {list} WHERE {is_field} GROUP BY source)
    ) AS by_source,
    (
        SELECT list(
            {{source: source, field_code: field_code, field_name: field_name, rows: rows}} ORDER BY rows DESC, place
        )
        FROM (SELECT * FROM wells WHERE {is_source} ORDER BY rows DESC, place LIMIT $most)
    ) AS by_field;
