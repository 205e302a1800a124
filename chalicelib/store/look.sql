-- What the first rows of a source look like once they are staged, for a check. A statement begins at "-- name:".

-- name: shares
-- How many rows there are, how many are sound, and how many of these have no value in each column.
SELECT count(*), count(*) FILTER (problem IS NULL), {nulls} FROM staged;

-- name: problems
SELECT problem, count(*), min_by(raw, arrival) FROM staged WHERE problem IS NOT NULL GROUP BY ALL ORDER BY ALL;

-- name: example
-- Of the first sound rows one with most values that are no zeros, and its place.
SELECT {columns}, arrival FROM staged WHERE problem IS NULL AND arrival < 500 ORDER BY {filled} DESC, arrival LIMIT 1;

-- name: largest
SELECT {largest} FROM staged WHERE problem IS NULL AND well_code <> '*';

-- name: keys
SELECT count(*), count(*) FILTER (rows > 1), max(rows), count(*) FILTER (rows > 1 AND said = 1)
FROM (
    SELECT count(*) AS rows, count(DISTINCT [{volumes}]) AS said
    FROM staged WHERE problem IS NULL GROUP BY field_code, well_code, production_period
);

-- name: periods
-- From when to when, how many wells, and the usual distance between two periods of a well, in days.
SELECT
    min(production_period), max(production_period), count(DISTINCT well_code), median(distance)
FROM (
    SELECT
        production_period, well_code,
        production_period - lag(production_period) OVER (
            PARTITION BY field_code, well_code ORDER BY production_period
        ) AS distance
    FROM (SELECT DISTINCT field_code, well_code, production_period FROM staged WHERE problem IS NULL)
);
