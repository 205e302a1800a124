-- Out of a lake into a file. {braces} are filled by moving.py.

-- name: copy_table
INSERT INTO wells.{table} BY NAME SELECT * FROM {rows} AS stored ORDER BY {order};
