-- The store from its first version to the newest, step by step. A new store takes all of the steps, an older one
-- those that it lacks, so both end the same. A step that was released never changes: files were made by it.
-- {braces} are the name of the source, and comments made from columns.py. first_day and days_of_period stand in
-- period.sql.

-- No primary key: it doubles the file and slows the merge. Uniqueness comes from the merge, the lock and the
-- fence, and is checked when the finished file is read back.

-- name: version_1
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
INSERT INTO wells.wellhead_schema VALUES (1);

-- name: version_2
-- The table inside has no catalog before its name: people attach the file under names of their own.
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
UPDATE wells.wellhead_schema SET version = 2;

-- name: version_3
-- What an older file holds is of the one source that it was filled from. Its codes were numbers and become their
-- digits; the source may write them otherwise, with leading zeros, so they wait in codes_as_numbers for its own.
DROP VIEW wells.wells;
ALTER TABLE wells.well_production RENAME TO well_production_2;
ALTER TABLE wells.well_production_history RENAME TO well_production_history_2;
CREATE TABLE wells.well_production (
    source VARCHAR, field_code VARCHAR, field_name VARCHAR, well_code VARCHAR, well_reference VARCHAR,
    well_name VARCHAR, production_period DATE, period_days SMALLINT, days_on_production DOUBLE,
    oil_production_kbd DOUBLE, gas_production_mmcfd DOUBLE, liquids_production_kbd DOUBLE, water_production_kbd DOUBLE,
    data_source VARCHAR, source_data VARCHAR, partition_0 VARCHAR, source_rows INTEGER,
    created_at TIMESTAMPTZ, updated_at TIMESTAMPTZ
);
CREATE TABLE wells.well_production_history (
    source VARCHAR, field_code VARCHAR, field_name VARCHAR, well_code VARCHAR, well_reference VARCHAR,
    well_name VARCHAR, production_period DATE, period_days SMALLINT, days_on_production DOUBLE,
    oil_production_kbd DOUBLE, gas_production_mmcfd DOUBLE, liquids_production_kbd DOUBLE, water_production_kbd DOUBLE,
    data_source VARCHAR, source_data VARCHAR, partition_0 VARCHAR, source_rows INTEGER,
    created_at TIMESTAMPTZ, updated_at TIMESTAMPTZ, replaced_at TIMESTAMPTZ, job_id VARCHAR
);
INSERT INTO wells.well_production BY NAME
SELECT
    * REPLACE (first_day(production_period) AS production_period),
    '{source}' AS source, days_of_period(production_period) AS period_days, 1 AS source_rows
FROM wells.well_production_2;
INSERT INTO wells.well_production_history BY NAME
SELECT
    * REPLACE (first_day(production_period) AS production_period),
    '{source}' AS source, days_of_period(production_period) AS period_days, 1 AS source_rows
FROM wells.well_production_history_2;
DROP TABLE wells.well_production_2;
DROP TABLE wells.well_production_history_2;
CREATE TABLE wells.codes_as_numbers (source VARCHAR);
INSERT INTO wells.codes_as_numbers SELECT DISTINCT source FROM wells.well_production;
CREATE VIEW wells.wells AS
SELECT
    source,
    field_code,
    arg_max(field_name, production_period) AS field_name,
    well_code,
    arg_max(well_reference, production_period) AS well_reference,
    arg_max(well_name, production_period) AS well_name,
    min(production_period) AS first_period,
    max(production_period) AS last_period,
    count(*) AS periods
FROM well_production
GROUP BY source, field_code, well_code;
CREATE VIEW wells.fields AS
SELECT
    source,
    field_code,
    arg_max(field_name, production_period) AS field_name,
    count(DISTINCT well_code) AS wells,
    min(production_period) AS first_period,
    max(production_period) AS last_period,
    count(*) AS well_periods
FROM well_production
GROUP BY source, field_code;
CREATE VIEW wells.monthly AS
SELECT
    source,
    field_code,
    arg_max(field_name, production_period) AS field_name,
    well_code,
    arg_max(well_name, production_period) AS well_name,
    make_date(year(production_period), month(production_period), 1) AS calendar_month,
    CAST(sum(period_days) AS INTEGER) AS days,
    sum(days_on_production) AS days_on_production,
    sum(oil_production_kbd * period_days) AS oil_production_kb,
    sum(gas_production_mmcfd * period_days) AS gas_production_mmcf,
    sum(liquids_production_kbd * period_days) AS liquids_production_kb,
    sum(water_production_kbd * period_days) AS water_production_kb
FROM well_production
WHERE period_days <= 31
GROUP BY source, field_code, well_code, calendar_month;
UPDATE wells.wellhead_schema SET version = 3;

-- name: repeated_key
-- Rows of an older file that fall into one period.
SELECT field_code, well_code, CAST(production_period AS VARCHAR), count(*)
FROM wells.well_production
GROUP BY source, field_code, well_code, production_period
HAVING count(*) > 1
ORDER BY ALL
LIMIT 1;

-- name: other_periods
-- The statistics tell that there are none: nothing is read then.
SELECT min(period_days) FROM {stored} AS stored
WHERE source = $source AND (period_days < $shortest OR period_days > $longest);

-- name: schema_version
SELECT version FROM wells.wellhead_schema;

-- name: describe
-- Comments are written anew whenever steps were taken.
COMMENT ON TABLE wells.well_production IS 'One row is one well, in one field, for one production period, of one source.';
{well_production}
COMMENT ON TABLE wells.well_production_history IS 'The rows as they were before an import replaced them.';
{well_production_history}
COMMENT ON COLUMN wells.well_production_history.replaced_at IS 'when an import replaced the row (UTC)';
COMMENT ON COLUMN wells.well_production_history.job_id IS 'the import that replaced the row';
COMMENT ON VIEW wells.wells IS 'One row is one well in one field, with the names of its latest period that has them.';
COMMENT ON COLUMN wells.wells.source IS 'name of the source';
COMMENT ON COLUMN wells.wells.field_code IS 'code of the field';
COMMENT ON COLUMN wells.wells.field_name IS 'name of the field';
COMMENT ON COLUMN wells.wells.well_code IS 'code of the well';
COMMENT ON COLUMN wells.wells.well_reference IS 'the operator''s reference of the well';
COMMENT ON COLUMN wells.wells.well_name IS 'name of the well';
COMMENT ON COLUMN wells.wells.first_period IS 'first production period';
COMMENT ON COLUMN wells.wells.last_period IS 'last production period';
COMMENT ON COLUMN wells.wells.periods IS 'stored production periods (rows)';
COMMENT ON VIEW wells.fields IS 'One row is one field of one source, with the name of its latest period that has one.';
COMMENT ON COLUMN wells.fields.source IS 'name of the source';
COMMENT ON COLUMN wells.fields.field_code IS 'code of the field';
COMMENT ON COLUMN wells.fields.field_name IS 'name of the field';
COMMENT ON COLUMN wells.fields.wells IS 'different wells (wells)';
COMMENT ON COLUMN wells.fields.first_period IS 'first production period';
COMMENT ON COLUMN wells.fields.last_period IS 'last production period';
COMMENT ON COLUMN wells.fields.well_periods IS 'stored production periods of all its wells (rows)';
COMMENT ON VIEW wells.monthly IS 'One row is one well in one field and calendar month: volumes, from periods of a month or less.';
COMMENT ON COLUMN wells.monthly.source IS 'name of the source';
COMMENT ON COLUMN wells.monthly.field_code IS 'code of the field';
COMMENT ON COLUMN wells.monthly.field_name IS 'name of the field';
COMMENT ON COLUMN wells.monthly.well_code IS 'code of the well';
COMMENT ON COLUMN wells.monthly.well_name IS 'name of the well';
COMMENT ON COLUMN wells.monthly.calendar_month IS 'first day of the month';
COMMENT ON COLUMN wells.monthly.days IS 'calendar days of the periods in it (days)';
COMMENT ON COLUMN wells.monthly.days_on_production IS 'days on production (days)';
COMMENT ON COLUMN wells.monthly.oil_production_kb IS 'oil (thousand barrels)';
COMMENT ON COLUMN wells.monthly.gas_production_mmcf IS 'gas (million standard cubic feet)';
COMMENT ON COLUMN wells.monthly.liquids_production_kb IS 'liquids, oil and condensate (thousand barrels)';
COMMENT ON COLUMN wells.monthly.water_production_kb IS 'water (thousand barrels)';
COMMENT ON TABLE wells.codes_as_numbers IS 'Sources whose codes come from an older file, where they were numbers; their next full import tells how they write them.';
COMMENT ON COLUMN wells.codes_as_numbers.source IS 'name of the source';
COMMENT ON TABLE wells.rejected_rows IS 'Rows of the source that could not be imported, with the reason and the raw text.';
COMMENT ON COLUMN wells.rejected_rows.job_id IS 'the import that rejected the row';
COMMENT ON COLUMN wells.rejected_rows.page IS 'page of the source, from 1';
COMMENT ON COLUMN wells.rejected_rows.position IS 'place on the page, from 0';
COMMENT ON COLUMN wells.rejected_rows.reason IS 'code of the reason';
COMMENT ON COLUMN wells.rejected_rows.detail IS 'the column and the rule that it breaks';
COMMENT ON COLUMN wells.rejected_rows.raw IS 'the row as the source wrote it (4 KiB at most)';
COMMENT ON COLUMN wells.rejected_rows.rejected_at IS 'when the import rejected the row (UTC)';
COMMENT ON TABLE wells.import_runs IS 'One row is one completed import.';
COMMENT ON COLUMN wells.import_runs.job_id IS 'id of the import''s job';
COMMENT ON COLUMN wells.import_runs.fence IS 'number of the claim that published it; it grows with every claim';
COMMENT ON COLUMN wells.import_runs.source IS 'URL of the source, without its query';
COMMENT ON COLUMN wells.import_runs.triggered_by IS 'who started the import';
COMMENT ON COLUMN wells.import_runs.started_at IS 'when its first worker began (UTC)';
COMMENT ON COLUMN wells.import_runs.merged_at IS 'when its rows were merged (UTC)';
COMMENT ON COLUMN wells.import_runs.new_records IS 'rows with a key that was not stored (rows)';
COMMENT ON COLUMN wells.import_runs.updated_records IS 'rows that replaced a stored one (rows)';
COMMENT ON COLUMN wells.import_runs.duplicate_records IS 'rows that changed nothing (rows)';
COMMENT ON COLUMN wells.import_runs.failed_records IS 'rows that were rejected (rows)';
COMMENT ON COLUMN wells.import_runs.expected_records IS 'what the source announced on its first page (rows)';
COMMENT ON COLUMN wells.import_runs.warnings IS 'how often each rule of odd data applied (JSON: rule to count)';
COMMENT ON TABLE wells.wellhead_schema IS 'The form of this file. Wellhead upgrades an older one when it next imports.';
COMMENT ON COLUMN wells.wellhead_schema.version IS 'number of the last step that made this form';
