-- The codes of an older file were numbers. The statements match them with the codes that an import delivers, pair by
-- pair of field and well. {braces} are filled by codes.py; $names are bound values.

-- name: is_waiting
SELECT count(*) > 0 FROM wells.codes_as_numbers WHERE source = $source;

-- name: match_codes
-- A stored pair and the delivered ones that are equal to it as numbers. A text that was stored since is no number.
CREATE OR REPLACE TEMP TABLE matched_codes AS
WITH stored AS (
    SELECT DISTINCT field_code, well_code
    FROM wells.well_production
    WHERE source = $source
        AND CAST(TRY_CAST(field_code AS BIGINT) AS VARCHAR) = field_code
        AND CAST(TRY_CAST(well_code AS BIGINT) AS VARCHAR) = well_code
),
delivered AS (
    SELECT field_code, well_code, read_whole(field_code) AS field_number, read_whole(well_code) AS well_number
    FROM (SELECT DISTINCT field_code, well_code FROM staged WHERE problem IS NULL)
)
SELECT
    stored.field_code AS old_field, stored.well_code AS old_well,
    min(delivered.field_code) AS new_field, min(delivered.well_code) AS new_well,
    list(
        delivered.well_code || ' in field ' || delivered.field_code ORDER BY delivered.field_code, delivered.well_code
    ) AS delivered
FROM stored
JOIN delivered
    ON delivered.field_number = CAST(stored.field_code AS BIGINT)
    AND delivered.well_number = CAST(stored.well_code AS BIGINT)
GROUP BY stored.field_code, stored.well_code
HAVING len(delivered) > 1 OR new_field <> old_field OR new_well <> old_well;

-- name: several
SELECT old_field, old_well, delivered FROM matched_codes WHERE len(delivered) > 1 ORDER BY old_field, old_well LIMIT 1;

-- name: renamed
SELECT old_field, old_well, new_field, new_well FROM matched_codes ORDER BY old_field, old_well LIMIT 1;

-- name: take_out
CREATE OR REPLACE TABLE taken_out_of_{table} AS
SELECT stored.* REPLACE (matched_codes.new_field AS field_code, matched_codes.new_well AS well_code)
FROM wells.{table} AS stored
JOIN matched_codes ON stored.field_code = matched_codes.old_field AND stored.well_code = matched_codes.old_well
WHERE stored.source = $source;

-- name: delete_taken
DELETE FROM wells.{table}
USING matched_codes
WHERE {table}.source = $source
    AND {table}.field_code = matched_codes.old_field AND {table}.well_code = matched_codes.old_well;

-- name: put_back
INSERT INTO wells.{table} SELECT * FROM taken_out_of_{table};

-- name: drop_taken
DROP TABLE taken_out_of_{table};

-- name: end_waiting
DELETE FROM wells.codes_as_numbers WHERE source = $source;
