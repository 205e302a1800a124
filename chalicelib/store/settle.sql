-- The statements that settle what becomes of several rows of one key. {braces} are filled by settle.py.
-- Rows whose key comes once are not looked at: all tables here hold the others alone, and are small.

-- name: forget_sums
DELETE FROM sums;

-- name: count_sums
SELECT count(*) FROM sums;

-- name: count_repeated
SELECT count(*) FROM repeated;

-- name: look_at_order
-- How often a row's key comes before that of the row before it, and how often it is the same. One look in the order of
-- arrival, which most sources keep: then nothing need be grouped or sorted. The first row has none before it; were
-- there two such rows, there would be two orders.
SELECT
    count(*),
    greatest(-1 + count(*) FILTER (
        field_before IS NULL OR field_code < field_before
        OR (field_code = field_before AND (
            well_code < well_before OR (well_code = well_before AND production_period < period_before)
        ))
    ), 0),
    count(*) FILTER (
        field_code = field_before AND well_code = well_before AND production_period = period_before
    )
FROM ({neighbours});

-- name: neighbours
SELECT
    {key}, lag(field_code) OVER () AS field_before, lag(well_code) OVER () AS well_before,
    lag(production_period) OVER () AS period_before
FROM staged WHERE {is_looked_at}

-- name: repeat_none
CREATE OR REPLACE TABLE repeated ({columns_of_key}, key_number BIGINT);

-- name: find_repeated_neighbours
INSERT INTO repeated
SELECT *, row_number() OVER ()
FROM (
    SELECT DISTINCT {key} FROM ({neighbours})
    WHERE field_code = field_before AND well_code = well_before AND production_period = period_before
);

-- name: find_repeated
INSERT INTO repeated
SELECT *, {first_number} + row_number() OVER ()
FROM (SELECT {key} FROM staged WHERE {is_looked_at} AND {is_in_part} GROUP BY {key} HAVING count(*) > 1);

-- name: find_candidates
-- said: what the row says, in its values. Editions are in the order of numbers, then of moments, then of texts: one
-- that is neither, such as n/a, is older than all that are, and turns no other ones about. A row is replaced where a
-- later file has the key too.
CREATE OR REPLACE TABLE candidate AS
SELECT
    staged_row, key_number, is_rejected, identity, said, words, {is_replaced} AS is_replaced,
    TRY_CAST(version AS DECIMAL(38, 9)) AS number, read_moment(version) AS moment, version
FROM (
    SELECT
        staged.arrival AS staged_row, key_number, problem IS NOT NULL AS is_rejected, version,
        {identity} AS identity, md5({values_said}) AS said, {words_said} AS words
    FROM staged JOIN repeated USING ({key})
    WHERE {is_looked_at}
) {with_pages};

-- name: with_pages
ASOF JOIN place ON staged_row >= first_row

-- name: is_replaced
place.page < max(place.page) OVER (PARTITION BY key_number)

-- name: find_parts
-- One line for each row of the source, however often it came: of its newest edition, where all columns but the
-- provenance are the same, the one whose provenance sorts first, so that nothing hangs on the order of arrival.
CREATE OR REPLACE TABLE part AS
SELECT key_number, identity, arg_min(staged_row, words) AS staged_row, min(said) <> max(said) AS is_ambiguous
FROM (
    SELECT
        *, rank() OVER (
            PARTITION BY key_number, identity
            ORDER BY number DESC NULLS LAST, moment DESC NULLS LAST, version DESC NULLS LAST
        ) AS age
    FROM candidate WHERE NOT is_rejected AND NOT is_replaced
)
WHERE age = 1
GROUP BY key_number, identity;

-- name: decide
CREATE OR REPLACE TABLE fate AS
SELECT
    key_number, count(*) AS parts,
    CASE
        WHEN bool_or(is_ambiguous) OR (count(*) > 1 AND NOT {may_be_added}) THEN 'SAME_KEY_OTHER_VALUES'
        WHEN key_number IN (SELECT key_number FROM candidate WHERE is_rejected AND NOT is_replaced) THEN 'PART_REJECTED'
    END AS reason
FROM part
GROUP BY key_number;

-- name: add_parts
-- Decimals, because sums of doubles hang on the order of their parts.
INSERT INTO sums ({columns}, source_rows, arrival)
SELECT {sums}, any_value(parts), {delivered} + row_number() OVER () - 1
FROM part
JOIN fate USING (key_number)
JOIN staged ON staged.arrival = part.staged_row
WHERE reason IS NULL AND parts > 1
GROUP BY key_number;

-- name: accept_all
CREATE OR REPLACE VIEW accepted AS SELECT * FROM staged WHERE problem IS NULL;

-- name: pass_over
CREATE OR REPLACE TABLE passed_over AS
SELECT staged_row FROM candidate
WHERE NOT is_rejected AND staged_row NOT IN (
    SELECT staged_row FROM part JOIN fate USING (key_number) WHERE reason IS NULL AND parts = 1
);

-- name: accept_settled
CREATE OR REPLACE VIEW accepted AS
SELECT * FROM staged WHERE problem IS NULL AND arrival NOT IN (SELECT staged_row FROM passed_over);

-- name: refuse_none
CREATE OR REPLACE TABLE refused (staged_row BIGINT, problem VARCHAR, page INTEGER, position INTEGER);

-- name: refuse
INSERT INTO refused
SELECT staged_row, problem, page, CAST(position + staged_row - first_row AS INTEGER)
FROM (
    SELECT candidate.staged_row, coalesce(nullif(told.problem, ''), reason || ' row') AS problem
    FROM candidate
    JOIN fate USING (key_number)
    LEFT JOIN (
        SELECT key_number, {differences} AS problem
        FROM candidate JOIN fate USING (key_number) JOIN staged ON staged.arrival = candidate.staged_row
        WHERE reason = 'SAME_KEY_OTHER_VALUES' AND NOT is_rejected
        GROUP BY key_number
    ) AS told USING (key_number)
    WHERE reason IS NOT NULL AND NOT is_rejected
)
ASOF LEFT JOIN place ON staged_row >= first_row;

-- name: create_place
CREATE OR REPLACE TABLE place AS
SELECT unnest(CAST($rows AS BIGINT[])) AS first_row, unnest(CAST($pages AS INTEGER[])) AS page,
    unnest(CAST($positions AS INTEGER[])) AS position;

-- name: count_settled
SELECT
    (SELECT count(*) FROM candidate JOIN fate USING (key_number) WHERE NOT is_rejected AND reason IS NULL)
        - (SELECT count(*) FROM fate WHERE reason IS NULL) AS folded,
    (SELECT count(*) FROM refused) AS failed,
    (SELECT count(*) FROM fate WHERE reason = 'SAME_KEY_OTHER_VALUES') AS conflicts,
    (
        SELECT count(*) FROM candidate JOIN fate USING (key_number)
        WHERE reason = 'SAME_KEY_OTHER_VALUES' AND NOT is_rejected
    ) AS conflict_rows;

-- name: count_equal_parts
-- Without a primary key nobody can tell two parts that are equal from one that was delivered twice.
SELECT count(*) - count(DISTINCT (key_number, identity))
FROM candidate WHERE NOT is_rejected;

-- name: volume_share
SELECT coalesce(greatest({shares}), 0)
FROM staged
LEFT JOIN (
    SELECT staged_row FROM candidate JOIN fate USING (key_number) WHERE reason = 'SAME_KEY_OTHER_VALUES'
) AS disputed ON staged.arrival = disputed.staged_row
WHERE problem IS NULL AND staged.arrival < {delivered};

-- name: count_pages
-- Rows that came again on another page. Where a page begins with as many rows as the one before has ended with, the
-- pages overlap, and nothing need be missing between them.
WITH again AS (
    SELECT
        key_number, identity, page, lag(page) OVER same AS page_before,
        staged_row - lag(staged_row) OVER same AS distance
    FROM candidate ASOF JOIN place ON staged_row >= first_row
    WHERE NOT is_rejected
    WINDOW same AS (PARTITION BY key_number, identity, said ORDER BY staged_row)
),
elsewhere AS (SELECT * FROM again WHERE page <> page_before),
overlap AS (
    SELECT page, distance FROM elsewhere WHERE page = page_before + 1 GROUP BY page, distance HAVING count(*) = distance
)
SELECT
    count(DISTINCT (key_number, identity)) FILTER (overlap.page IS NULL),
    count(DISTINCT (key_number, identity)) FILTER (overlap.page IS NOT NULL)
FROM elsewhere LEFT JOIN overlap USING (page, distance);

-- name: conflict_examples
SELECT {key}, {volumes}, refused.problem, refused.page, refused.position
FROM refused JOIN staged ON staged.arrival = refused.staged_row
WHERE starts_with(refused.problem, 'SAME_KEY_OTHER_VALUES')
ORDER BY {key}, staged_row LIMIT 3;

-- name: count_beyond_a_well
SELECT count(*) FROM staged WHERE problem IS NULL AND {is_beyond_a_well};

-- name: beyond_examples
SELECT {key}, {volumes}
FROM staged WHERE problem IS NULL AND {is_beyond_a_well}
ORDER BY greatest({sizes}) DESC, {key} LIMIT 3;
