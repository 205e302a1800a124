-- The macros of a length of period: the first day of the period that a date lies in, and how many calendar days that
-- period has. A statement begins at "-- name:" and goes to the next one.

-- name: day
CREATE OR REPLACE TEMP MACRO first_day(v) AS v;
CREATE OR REPLACE TEMP MACRO days_of_period(v) AS CASE WHEN v IS NOT NULL THEN 1 END;

-- name: month
-- date_trunc costs five times as much.
CREATE OR REPLACE TEMP MACRO first_day(v) AS v - CAST(day(v) - 1 AS INTEGER);
CREATE OR REPLACE TEMP MACRO days_of_period(v) AS day(last_day(v));

-- name: quarter
CREATE OR REPLACE TEMP MACRO first_day(v) AS make_date(year(v), 3 * quarter(v) - 2, 1);
CREATE OR REPLACE TEMP MACRO days_of_period(v) AS
    last_day(make_date(year(v), 3 * quarter(v), 1)) - make_date(year(v), 3 * quarter(v) - 2, 1) + 1;

-- name: year
CREATE OR REPLACE TEMP MACRO first_day(v) AS make_date(year(v), 1, 1);
CREATE OR REPLACE TEMP MACRO days_of_period(v) AS dayofyear(make_date(year(v), 12, 31));
