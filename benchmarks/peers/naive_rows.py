"""A row at a time: requests, then executemany into a table with a primary key. `URL DATABASE ROWS`:
only so many rows.

Asked of it: all pages up to ROWS, typed columns, the last of a key wins.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import duckdb
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = ("field_code", "well_code", "production_period")
COLUMNS = {
    "field_code": "BIGINT",
    "field_name": "VARCHAR",
    "well_code": "BIGINT",
    "well_reference": "VARCHAR",
    "well_name": "VARCHAR",
    "production_period": "DATE",
    "days_on_production": "DOUBLE",
    "oil_production_kbd": "DOUBLE",
    "gas_production_mmcfd": "DOUBLE",
    "liquids_production_kbd": "DOUBLE",
    "water_production_kbd": "DOUBLE",
    "data_source": "VARCHAR",
    "source_data": "VARCHAR",
    "partition_0": "VARCHAR",
}
CREATE = f"CREATE TABLE wells ({', '.join(f'{n} {t}' for n, t in COLUMNS.items())}, PRIMARY KEY ({', '.join(KEY)}))"
REPLACE = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name not in KEY)
UPSERT = f"ON CONFLICT DO UPDATE SET {REPLACE}"


def pages(url: str | None) -> Iterator[list[dict[str, Any]]]:
    """The rows of each page as Python objects."""
    with requests.Session() as session:
        session.trust_env = False
        while url:
            page = session.get(url, timeout=60).json()
            yield page["value"]
            link = page.get("@odata.nextLink")
            url = link and urljoin(url, link)


def main() -> None:
    url = sys.argv[1]
    database = sys.argv[2]
    most = int(sys.argv[3])
    insert = f"INSERT INTO wells VALUES ({', '.join(f'${name}' for name in COLUMNS)}) {UPSERT}"  # noqa: S608
    left = most
    with duckdb.connect(database) as connection:
        connection.execute(CREATE)
        for rows in pages(url):
            wanted = [{name: row[name] for name in COLUMNS} for row in rows[:left]]
            connection.begin()  # one transaction a page: without it each row would be one
            connection.executemany(insert, wanted)
            connection.commit()
            left -= len(wanted)
            if not left:
                return


if __name__ == "__main__":
    main()
