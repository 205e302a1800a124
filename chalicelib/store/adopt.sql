-- The rows of an adopted source become those of the one that adopts it: their name is a part of their key. $names are
-- bound values.

-- name: is_waiting
SELECT
    EXISTS (SELECT 1 FROM wells.well_production WHERE source = $adopted)
    OR EXISTS (SELECT 1 FROM wells.well_production_history WHERE source = $adopted);

-- name: note_adopted
CREATE OR REPLACE TEMP TABLE adopted_wells AS
SELECT DISTINCT field_code, well_code FROM wells.well_production WHERE source = $adopted;

-- name: keep_as_history
-- What both have told of a period: the row of the source itself stays, the adopted one was before it.
INSERT INTO wells.well_production_history BY NAME
SELECT
    adopted.* REPLACE ($source AS source),
    to_timestamp($now) AS replaced_at, $job_id AS job_id
FROM wells.well_production AS adopted
SEMI JOIN (SELECT field_code, well_code, production_period FROM wells.well_production WHERE source = $source) AS own
USING (field_code, well_code, production_period)
WHERE adopted.source = $adopted;

-- name: delete_kept
DELETE FROM wells.well_production
USING (SELECT field_code, well_code, production_period FROM wells.well_production WHERE source = $source) AS own
WHERE well_production.source = $adopted
    AND well_production.field_code = own.field_code
    AND well_production.well_code = own.well_code
    AND well_production.production_period = own.production_period;

-- name: rename_rows
UPDATE wells.well_production SET source = $source WHERE source = $adopted;

-- name: rename_history
UPDATE wells.well_production_history SET source = $source WHERE source = $adopted;

-- name: end_waiting
DELETE FROM wells.codes_as_numbers WHERE source IN ($source, $adopted);

-- name: wait_for_codes
-- The source may write the same codes in another way, with leading zeros perhaps: they are matched as numbers.
INSERT INTO wells.codes_as_numbers VALUES ($source);

-- name: unmatched
-- Adopted wells that the import did not deliver, of all that were adopted. Their codes have been matched by now.
WITH stored AS (SELECT DISTINCT field_code, well_code FROM wells.well_production WHERE source = $source),
delivered AS (SELECT DISTINCT field_code, well_code FROM staged WHERE problem IS NULL),
left_over AS (SELECT field_code, well_code FROM stored ANTI JOIN delivered USING (field_code, well_code))
SELECT
    (SELECT count(*) FROM adopted_wells),
    (SELECT count(*) FROM left_over),
    (SELECT list({'field_code': field_code, 'well_code': well_code}) FROM (FROM left_over ORDER BY ALL LIMIT $most));
