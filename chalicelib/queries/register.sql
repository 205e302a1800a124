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

-- name: wells
-- Rates and days are those of the last period, whatever the source left out there; the volumes are of all periods.
-- Where a file does not tell the length of its periods, they count as months.
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
        sum(oil_production_kbd * {days}) AS oil_production_kb,
        sum(gas_production_mmcfd * {days}) AS gas_production_mmcf,
        sum(water_production_kbd * {days}) AS water_production_kb
    FROM {production} AS stored
    GROUP BY source, field_code, well_code
)
SELECT
    CAST(row_number() OVER (ORDER BY source, field_code, well_code) AS INTEGER) AS place,
    * EXCLUDE (latest),
    latest.oil AS oil_production_kbd,
    latest.gas AS gas_production_mmcfd,
    coalesce(latest.liquids, latest.oil) AS liquids_production_kbd,
    latest.water AS water_production_kbd,
    latest.on_production AS days_on_production,
    CASE WHEN latest.on_production IS NOT NULL THEN latest.days END AS days,
    folded(concat_ws(' ', field_name, well_name, well_reference, field_code, well_code)) AS words
FROM summed
ORDER BY place;

-- name: fields
-- The rates of a field are those of its last period, so of the wells that have it: one that ended before adds nothing.
CREATE OR REPLACE TABLE register_fields AS
WITH placed AS (
    SELECT *, last_period = max(last_period) OVER (PARTITION BY source, field_code) AS is_latest FROM register_wells
)
SELECT
    CAST(row_number() OVER (ORDER BY source, field_code) AS INTEGER) AS place,
    source,
    field_code,
    arg_max(field_name, last_period) AS field_name,
    count(*) AS wells,
    min(first_period) AS first_period,
    max(last_period) AS last_period,
    CAST(sum(periods) AS BIGINT) AS periods,
    sum(oil_production_kb) AS oil_production_kb,
    sum(gas_production_mmcf) AS gas_production_mmcf,
    sum(water_production_kb) AS water_production_kb,
    sum(oil_production_kbd) FILTER (is_latest) AS oil_production_kbd,
    sum(gas_production_mmcfd) FILTER (is_latest) AS gas_production_mmcfd,
    sum(liquids_production_kbd) FILTER (is_latest) AS liquids_production_kbd,
    sum(water_production_kbd) FILTER (is_latest) AS water_production_kbd,
    sum(days_on_production) FILTER (is_latest) AS days_on_production,
    sum(days) FILTER (is_latest) AS days,
    folded(concat_ws(' ', arg_max(field_name, last_period), field_code)) AS words
FROM placed
GROUP BY source, field_code
ORDER BY place;

-- name: figures
-- What is told of each, and sorted by: water of all liquids, cubic feet of gas for each barrel of oil, days of all days.
CREATE OR REPLACE VIEW listed_{list} AS
SELECT
    *,
    CASE WHEN water_production_kbd + liquids_production_kbd > 0
    THEN water_production_kbd / (water_production_kbd + liquids_production_kbd) END AS water_cut,
    CASE WHEN oil_production_kbd > 0 THEN 1000 * gas_production_mmcfd / oil_production_kbd END AS gas_oil_ratio,
    CASE WHEN days > 0 THEN days_on_production / days END AS uptime
FROM register_{list};

-- name: fold_words
SELECT folded(word) FROM unnest(CAST($words AS VARCHAR[])) AS given(word);

-- name: value_at
SELECT {sort} FROM listed_{list} WHERE place = $place;

-- name: page
SELECT {columns}, place
FROM listed_{list}
WHERE {condition}
ORDER BY {sort} {order} NULLS LAST, place
LIMIT $limit;

-- name: count
SELECT count(*) FROM listed_{list} WHERE {condition};

-- name: by_source
SELECT source, count(*) AS rows FROM listed_{list} WHERE {condition} GROUP BY source ORDER BY source;

-- name: by_field
-- The names are those of the fields, which wells may spell in several ways.
SELECT source, field_code, field_name, rows
FROM (
    SELECT source, field_code, count(*) AS rows
    FROM listed_wells
    WHERE {condition}
    GROUP BY source, field_code
    ORDER BY rows DESC, source, field_code
    LIMIT $limit
)
JOIN register_fields USING (source, field_code)
ORDER BY rows DESC, source, field_code;
