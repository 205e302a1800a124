"""A polars frame a page, inserted with ON CONFLICT DO UPDATE. `URL DATABASE`.

Asked of it: all pages, typed columns, the last of a key wins (within a page the frame sees to
that).
"""

import sys

import duckdb
import polars as pl
from naive_rows import COLUMNS, CREATE, KEY, UPSERT, pages

TYPES = {"BIGINT": pl.Int64, "DOUBLE": pl.Float64, "VARCHAR": pl.String, "DATE": pl.String}
SCHEMA = {name: TYPES[kind] for name, kind in COLUMNS.items()}


def main() -> None:
    url, database = sys.argv[1:3]
    with duckdb.connect(database) as connection:
        connection.execute(CREATE)
        for rows in pages(url):
            frame = pl.DataFrame(rows, schema=SCHEMA)
            frame = frame.with_columns(pl.col("production_period").str.to_date())
            frame = frame.unique(KEY, keep="last", maintain_order=True)
            connection.execute(f"INSERT INTO wells SELECT * FROM frame {UPSERT}")  # noqa: S608


if __name__ == "__main__":
    main()
