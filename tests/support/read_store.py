"""Reads a store with whatever DuckDB the interpreter has, and prints all answers as JSON.

    python read_store.py STORE STATEMENTS

STORE is a published file, STATEMENTS a file with a JSON list of SQL for anybody's own connection.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb

sys.path.insert(0, str(Path(__file__).parents[2]))

from chalicelib.queries.production import ProductionQuery


def answers(store: Path, statements: list[str]) -> dict[str, Any]:
    """What does not fit into memory goes where no other process writes."""
    with tempfile.TemporaryDirectory() as own:
        return _answers(store, statements, {"temp_directory": own})


def _answers(store: Path, statements: list[str], config: dict[str, Any]) -> dict[str, Any]:
    with duckdb.connect(config=config) as connection:
        connection.execute(f"ATTACH '{store}' AS wells (READ_ONLY)")
        query = ProductionQuery(connection)
        first = query.production(limit=100)
        last_import = query.summary()["last_import"]["job_id"]
        ours = {
            "summary": query.summary(),
            "production": [
                *first.rows,
                *query.production(limit=100, cursor=first.next_cursor).rows,
            ],
            "wells": query.wells(search="1").rows,
            "totals": query.totals().rows,
            "rejects": query.rejects(last_import).rows,
        }
    with duckdb.connect(str(store), read_only=True, config=config) as connection:
        connection.execute("SET threads = 1")  # any_value takes the first one
        own = {
            sql: sorted(list(map(str, row)) for row in connection.execute(sql).fetchall())
            for sql in statements
        }
    return {**ours, **own}


if __name__ == "__main__":
    found = answers(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text("utf-8")))
    print(json.dumps({"version": duckdb.__version__, "answers": found}))
