-- The statements of withdrawal.py: stored rows that a whole import did not bring. They read `accepted`, `staged`
-- and `refused`, which the merge has made. {braces} are filled by withdrawal.py; $names are bound values.

-- name: withdraw_none
CREATE OR REPLACE TABLE withdrawn (
    stored_row BIGINT, part INTEGER, field_code VARCHAR, well_code VARCHAR, production_period DATE
);

-- name: covered_periods
-- Those of which a row came. What the source tells nothing of, it may have stopped to tell of.
CREATE OR REPLACE TABLE covered AS SELECT DISTINCT production_period FROM accepted;

-- name: find_missing
INSERT INTO withdrawn
SELECT stored.rowid, {number}, field_code, well_code, production_period
FROM wells.well_production AS stored
ANTI JOIN (SELECT {key} FROM accepted WHERE {is_accepted_of_part}) AS accepted USING ({key})
WHERE stored.source = $source_name AND {is_stored_of_part}
    AND production_period IN (SELECT production_period FROM covered);

-- name: rejected_keys
-- Of each rejected row what can be read of its key: a part that cannot be read may have been any.
CREATE OR REPLACE TABLE rejected_keys AS
SELECT {key} FROM staged WHERE problem IS NOT NULL
UNION
SELECT {key} FROM staged WHERE arrival IN (SELECT staged_row FROM refused);

-- name: spare_rejected
DELETE FROM withdrawn WHERE stored_row IN (
    SELECT withdrawn.stored_row FROM withdrawn JOIN rejected_keys ON {are_equal} WHERE {is_unread}
);

-- name: count_withdrawn
SELECT count(*) FROM withdrawn;

-- name: count_covered
SELECT count(*)
FROM {whole} AS stored
WHERE source = $source_name AND production_period IN (SELECT production_period FROM covered);

-- name: examples
SELECT field_code, well_code, CAST(production_period AS VARCHAR)
FROM withdrawn ORDER BY field_code, well_code, production_period LIMIT {most};
