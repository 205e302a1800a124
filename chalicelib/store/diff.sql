-- The statements of the diff: what a merge would change. They read the tables that the merge has made (`staged`, `accepted`,
-- `changed`, `replaced`) and the stored rows, before anything is written. {braces} are filled by diff.py; $names are bound values.
-- Rows that change are few as a rule, and only they are joined to their values; what is unchanged is counted alone.
-- {whole} are all stored rows; `wells` has of a lake those that change alone.

-- name: has_stored
SELECT EXISTS (SELECT 1 FROM {whole} AS stored WHERE source = $source_name);

-- name: sum_changes
-- One row a field, twice where some of its periods are not over yet. Volumes are rates times the days of the period.
CREATE OR REPLACE TABLE changes AS
SELECT
    stored.field_code AS code, max(stored.field_name) AS name, {is_over} AS is_over,
    {volumes}, {nulled}
FROM replaced AS stored
JOIN staged ON staged.arrival = stored.staged_row
GROUP BY ALL;

-- name: count_nulled
SELECT {sums_of_nulled} FROM changes;

-- name: count_touched
-- Of some columns: stored values in the rows that the import touches. What is unchanged is stored as it came.
SELECT {values}
FROM (
    SELECT {columns} FROM accepted WHERE arrival NOT IN (SELECT staged_row FROM changed)
    UNION ALL
    SELECT {columns} FROM replaced WHERE staged_row IS NOT NULL
);

-- name: count_in_store
SELECT {values} FROM {whole} AS stored WHERE source = $source_name;

-- name: sum_changed_volumes
SELECT {sums_of_volumes} FROM changes WHERE is_over;

-- name: find_staged_periods
-- The periods of the import. A table, because DuckDB knows then that they are few: in place of a query it would keep all
-- stored rows in memory to look for these periods among them.
CREATE OR REPLACE TABLE staged_period AS SELECT DISTINCT production_period FROM staged WHERE problem IS NULL;

-- name: sum_stored_volumes
-- Of the periods that the import covers. What is not over yet grows by itself.
SELECT {stored_volumes}
FROM {whole} AS stored
WHERE {is_over} AND source = $source_name AND production_period IN (SELECT production_period FROM staged_period);

-- name: changes_of_volume
SELECT code, max(name) AS name, '{volume}' AS volume, sum(before_{volume}) AS before, sum(after_{volume}) AS after
FROM changes GROUP BY code

-- name: largest_changes
SELECT code, name, volume, before, after
FROM ({each_volume})
WHERE before <> after
ORDER BY abs(after - before) DESC, code, volume
LIMIT {most};

-- name: nulled_rows
SELECT {shown}
FROM replaced AS stored
JOIN staged ON staged.arrival = stored.staged_row
WHERE {some_nulled}
ORDER BY {key}
LIMIT {most};

-- name: restated_rows
SELECT {shown}
FROM replaced AS stored
JOIN staged ON staged.arrival = stored.staged_row
ORDER BY abs(coalesce(staged.{column}, 0) - coalesce(stored.{column}, 0)) DESC, {key}
LIMIT {most};

-- name: rejected_problems
SELECT problem, count(*) AS rows, min(arrival) AS first_row
FROM staged WHERE problem IS NOT NULL
GROUP BY problem ORDER BY rows DESC, problem
LIMIT {most};

-- name: rejected_row
SELECT page, position, raw FROM staged WHERE arrival = {first_row};

-- name: look_at_columns
-- Of each column the values stored, and the rows that came with a value; of all of them how many came, and how many with
-- those that are rejected.
SELECT
    (SELECT [{values_stored}] FROM {whole} AS stored WHERE source = $source_name), [{values}], count(*),
    (SELECT coalesce(max(arrival), -1) + 1 FROM staged)
FROM staged WHERE problem IS NULL;

-- name: rows_without
-- Rows without a value beside each other: after the last value, and the most anywhere. Rows are in the order of the
-- source.
WITH ends AS (
    SELECT arrival AS place FROM staged WHERE problem IS NULL AND {column} IS NOT NULL
    UNION ALL SELECT -1
    UNION ALL SELECT coalesce(max(arrival), -1) + 1 FROM staged
),
gaps AS (SELECT place, place - 1 - lag(place) OVER (ORDER BY place) AS without FROM ends)
SELECT arg_max(without, place), max(without) FROM gaps;

-- name: wells_in_conflict
-- A digest of each well; of very many wells one of them all, for it goes with the job.
WITH well AS (
    SELECT DISTINCT substr(md5(concat(field_code, '/', well_code)), 1, 8) AS told
    FROM refused JOIN staged ON staged.arrival = refused.staged_row
    WHERE starts_with(refused.problem, 'SAME_KEY_OTHER_VALUES')
)
SELECT told FROM well WHERE (SELECT count(*) FROM well) <= {most}
UNION ALL
SELECT concat(count(*), '-', substr(md5(string_agg(told, ' ' ORDER BY told)), 1, 16)) FROM well HAVING count(*) > {most}
ORDER BY 1;

-- name: wells_beyond
WITH well AS (
    SELECT DISTINCT substr(md5(concat(field_code, '/', well_code)), 1, 8) AS told
    FROM staged WHERE problem IS NULL AND CAST(well_code AS VARCHAR) <> '{whole_field}' AND ({is_beyond})
)
SELECT told FROM well WHERE (SELECT count(*) FROM well) <= {most}
UNION ALL
SELECT concat(count(*), '-', substr(md5(string_agg(told, ' ' ORDER BY told)), 1, 16)) FROM well HAVING count(*) > {most}
ORDER BY 1;
