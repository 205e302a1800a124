-- What verification.py asks of a published state, attached as `wells`: a file, or a lake shown as one.

-- name: count_rows
SELECT count(*) FROM wells.well_production;

-- name: count_repeated
SELECT count(*) FROM (
    SELECT 1 FROM wells.well_production
    GROUP BY source, field_code, well_code, production_period
    HAVING count(*) > 1
);

-- name: count_unaccounted
-- A new row is stored, a row that was updated or withdrawn has its old values in the history: together they are what all
-- imports have counted.
SELECT abs(
    (SELECT count(*) FROM wells.well_production) + (SELECT count(*) FROM wells.well_production_history)
    - (SELECT coalesce(sum(new_records + updated_records), 0) FROM wells.import_runs)
);

-- name: read_all
-- A value that cannot be read is found when it is read; a hash needs every one.
SELECT bit_xor(hash(*COLUMNS(*))) FROM wells.{table};
