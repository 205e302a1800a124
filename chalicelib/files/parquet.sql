-- name: columns
SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {source})

-- name: count
SELECT count(*) FROM {source}

-- name: copy
COPY (
    SELECT {texts} FROM {source}
    WHERE file_row_number >= {first} AND file_row_number < {past}
) TO '{target}' (FORMAT parquet, COMPRESSION lz4)

-- name: look
-- The first rows of a file, in its order.
SELECT {texts} FROM {source} LIMIT {rows}  -- noqa: AM09

-- name: source
read_parquet('{path}', hive_partitioning = false, binary_as_string = true, file_row_number = true)

-- name: fraction
CASE
    WHEN isnan({value}) THEN NULL
    WHEN {value} = trunc({value}) AND abs({value}) < 1e15 THEN CAST(CAST({value} AS BIGINT) AS VARCHAR)
    ELSE CAST({value} AS VARCHAR)
END

-- name: decimal
CASE
    WHEN {value} = trunc({value}) THEN CAST(CAST({value} AS HUGEINT) AS VARCHAR)
    ELSE CAST({value} AS VARCHAR)
END

-- name: moment
CASE
    WHEN {value} = date_trunc('day', {value}) THEN CAST(CAST({value} AS DATE) AS VARCHAR)
    ELSE replace(CAST({value} AS VARCHAR), ' ', 'T')
END

-- name: moment_utc
CASE
    WHEN epoch_us({value}) % 86400000000 = 0
        THEN CAST(CAST(make_timestamp(epoch_us({value})) AS DATE) AS VARCHAR)
    ELSE replace(CAST(make_timestamp(epoch_us({value})) AS VARCHAR), ' ', 'T') || 'Z'
END

-- name: nested
CAST(to_json({value}) AS VARCHAR)

-- name: plain
nullif(CAST({value} AS VARCHAR), '')
