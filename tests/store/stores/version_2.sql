-- A store as the second version of the schema was published, with the view of the wells. It never changes: files like it
-- are in use.
CREATE TABLE wells.well_production (
    field_code BIGINT, field_name VARCHAR, well_code BIGINT, well_reference VARCHAR, well_name VARCHAR,
    production_period DATE, days_on_production DOUBLE, oil_production_kbd DOUBLE, gas_production_mmcfd DOUBLE,
    liquids_production_kbd DOUBLE, water_production_kbd DOUBLE, data_source VARCHAR, source_data VARCHAR,
    partition_0 VARCHAR, created_at TIMESTAMPTZ, updated_at TIMESTAMPTZ
);
CREATE TABLE wells.well_production_history (
    field_code BIGINT, field_name VARCHAR, well_code BIGINT, well_reference VARCHAR, well_name VARCHAR,
    production_period DATE, days_on_production DOUBLE, oil_production_kbd DOUBLE, gas_production_mmcfd DOUBLE,
    liquids_production_kbd DOUBLE, water_production_kbd DOUBLE, data_source VARCHAR, source_data VARCHAR,
    partition_0 VARCHAR, created_at TIMESTAMPTZ, updated_at TIMESTAMPTZ, replaced_at TIMESTAMPTZ, job_id VARCHAR
);
CREATE TABLE wells.rejected_rows (
    job_id VARCHAR, page INTEGER, position INTEGER, reason VARCHAR, detail VARCHAR, raw VARCHAR, rejected_at TIMESTAMPTZ
);
CREATE TABLE wells.import_runs (
    job_id VARCHAR, fence BIGINT, source VARCHAR, triggered_by VARCHAR, started_at TIMESTAMPTZ, merged_at TIMESTAMPTZ,
    new_records BIGINT, updated_records BIGINT, duplicate_records BIGINT, failed_records BIGINT,
    expected_records BIGINT, warnings JSON
);
CREATE TABLE wells.wellhead_schema (version INTEGER);
INSERT INTO wells.wellhead_schema VALUES (2);
CREATE VIEW wells.wells AS
SELECT
    field_code,
    arg_max(field_name, production_period) AS field_name,
    well_code,
    arg_max(well_reference, production_period) AS well_reference,
    arg_max(well_name, production_period) AS well_name,
    min(production_period) AS first_period,
    max(production_period) AS last_period,
    count(*) AS periods
FROM well_production
GROUP BY field_code, well_code;
COMMENT ON TABLE wells.well_production IS 'One row is one well, in one field, for one production period.';
COMMENT ON TABLE wells.well_production_history IS 'The rows as they were before an import replaced them.';
COMMENT ON TABLE wells.rejected_rows IS 'Rows of the source that could not be imported, with the reason and the raw text.';
COMMENT ON TABLE wells.import_runs IS 'One row is one completed import.';
COMMENT ON COLUMN wells.well_production.oil_production_kbd IS 'oil rate (thousand barrels per day)';
COMMENT ON COLUMN wells.well_production.created_at IS 'first seen by an import';

INSERT INTO wells.well_production VALUES
    (1, 'North', 420000000001, '15/9-1', 'Alpha', '2023-12-01', 31, 1.5, 2.5, 1.75, NULL, 'a', 'b', '2023',
     to_timestamp(1704000000), to_timestamp(1704000000)),
    (1, 'North', 420000000001, '15/9-1', 'Alpha', '2024-01-01', 31, 1.25, 2.5, 1.5, 0, 'a', 'b', '2024',
     to_timestamp(1704000000), to_timestamp(1704050000));
INSERT INTO wells.well_production_history VALUES
    (1, 'North', 420000000001, '15/9-1', 'Alpha', '2024-01-01', 31, 1, 2.5, 1.5, 0, 'a', 'b', '2024',
     to_timestamp(1704000000), to_timestamp(1704000000), to_timestamp(1704050000), 'job-b');
INSERT INTO wells.rejected_rows VALUES
    ('job-a', 1, 2, 'MISSING_KEY', 'well_code: why', '{"well_code": null}', to_timestamp(1704000000));
INSERT INTO wells.import_runs VALUES
    ('job-a', 1, 'https://example.org/odata/WellProduction', 'ada', to_timestamp(1703999000), to_timestamp(1704000000),
     2, 0, 0, 1, 3, '{}'),
    ('job-b', 2, 'https://example.org/odata/WellProduction', 'ada', to_timestamp(1704049000), to_timestamp(1704050000),
     0, 1, 1, 0, NULL, '{"UNKNOWN_FIELDS":1}');
