-- name: write_long_rows
-- A row of the table for each of its cells that holds something. A row that cannot be told apart stays one, empty.
COPY (
    SELECT {columns}, CAST(place AS VARCHAR) AS {place}
    FROM (
        SELECT * EXCLUDE cells, unnest(CASE WHEN is_unreadable THEN [{nothing}] ELSE cells END) AS cell
        FROM (
            SELECT *, list_contains({unreadable}, place) AS is_unreadable
            FROM (SELECT {kept}, [{cells}] AS cells, {row} AS place FROM {relation} AS field)
        )
    )
    WHERE trim(cell.{value}) <> '' OR is_unreadable
) TO '{path}' (FORMAT parquet, COMPRESSION lz4);
