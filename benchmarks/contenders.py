"""The ways to get a source into DuckDB that are compared,
and the check that each one's result is right.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from benchmarks.environments import python_of

if TYPE_CHECKING:
    from collections.abc import Callable

PEERS = Path(__file__).parent / "peers"
ALL_ROWS = (
    "SELECT oil_production_kbd AS oil FROM (FROM read_json($files, format='array') LIMIT $rows)"
)
ROW_A_KEY = """
    SELECT any_value(oil_production_kbd) AS oil
    FROM (FROM read_json($files, format='array') LIMIT $rows)
    GROUP BY field_code, well_code, production_period
"""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One load: from where, and into which directory."""

    url: str
    pages: Path
    work: Path
    cache: Path

    @property
    def database(self) -> str:
        return str(self.work / "wells.duckdb")


@dataclass(frozen=True, kw_only=True)
class Contender:
    """`most_rows`: a slow one loads only so many, and its seconds a row are compared."""

    name: str
    command: Callable[[Task], list[str]]
    table: str = "wells"
    keyed: bool = True
    environment: str | None = None
    most_rows: int | None = None


def own(way: str) -> Callable[[Task], list[str]]:
    return lambda task: [
        sys.executable,
        "-m",
        "benchmarks.own",
        way,
        task.url,
        str(task.pages),
        str(task.work),
    ]


def peer(
    environment: str, script: str, *more: Callable[[Task], int]
) -> Callable[[Task], list[str]]:
    return lambda task: [
        str(python_of(environment, task.cache)),
        *(str(PEERS / script), task.url, task.database),
        *(str(argument(task)) for argument in more),
    ]


FLOOR_1, FLOOR_2, WELLHEAD = (
    "floor 1: one statement, local files",
    "floor 2: download all, insert once",
    "wellhead",
)
ARROW, FRAMES = "dlt, Arrow tables by hand", "polars frame a page, ON CONFLICT"
REST_API, SLING, ROW_BY_ROW = "dlt, rest_api source", "sling", "executemany, ON CONFLICT"
AGAIN, REVISED = f"{WELLHEAD}, all the same again", f"{WELLHEAD}, again with revised rows"
FEW = 2_000
OWN = [
    Contender(name=FLOOR_1, command=own("one-statement"), keyed=False),
    Contender(name=FLOOR_2, command=own("download-then-insert"), keyed=False),
]
OTHERS = [
    Contender(
        name=ARROW,
        command=peer("dlt", "dlt_arrow.py"),
        table="production.wells",
        environment="dlt",
    ),
    Contender(name=FRAMES, command=peer("naive", "naive_frames.py"), environment="naive"),
    Contender(
        name=REST_API,
        command=peer("dlt", "dlt_rest_api.py"),
        table="production.wells",
        environment="dlt",
    ),
    Contender(
        name=SLING,
        command=peer("sling", "sling.py", lambda task: len(list(task.pages.glob("*.array")))),
        environment="sling",
    ),
    Contender(
        name=ROW_BY_ROW,
        command=peer("naive", "naive_rows.py", lambda _: FEW),
        environment="naive",
        most_rows=FEW,
    ),
]


def problem(contender: Contender, task: Task) -> str | None:
    """Why the database is not what it should be:
    its rows and the sum of a column against those of the pages.
    """
    expected = truth(task.pages, keyed=contender.keyed, rows=contender.most_rows)
    try:
        found = contents(Path(task.database), contender.table)
    except duckdb.Error as exc:
        return f"failed: {str(exc).splitlines()[0][:160]}"
    return differs(found, expected)


def differs(found: tuple[int, float], expected: tuple[int, float]) -> str | None:
    rows, oil = found
    expected_rows, expected_oil = expected
    is_right = math.isclose(oil, expected_oil, rel_tol=1e-9)
    if rows == expected_rows and is_right:
        return None
    instead = f"{expected_rows:,} of {expected_oil:.3f}"
    return f"failed: {rows:,} rows of {oil:.3f} kbd instead of {instead}"


def contents(database: Path, table: str) -> tuple[int, float]:
    with duckdb.connect(database, read_only=True) as connection:
        count, oil = connection.execute(
            f"SELECT count(*), sum(oil_production_kbd) FROM {table}"  # noqa: S608 - one of ours
        ).fetchall()[0]
    return count, float(oil)


def truth(pages: Path, *, keyed: bool, rows: int | None = None) -> tuple[int, float]:
    """How many rows the pages hold, and the sum of their oil; `keyed`: one row a key.
    Kept beside the pages.
    """
    kept = pages / f"truth-{keyed}-{rows}.json"
    if not kept.exists():
        files = [str(path) for path in sorted(pages.glob("*.array"))]
        query = f"SELECT count(*), sum(oil) FROM ({ROW_A_KEY if keyed else ALL_ROWS})"  # noqa: S608
        with duckdb.connect() as connection:
            found = connection.execute(query, {"files": files, "rows": rows or 1 << 62}).fetchall()[
                0
            ]
        kept.write_text(json.dumps(found))
    count, oil = json.loads(kept.read_text())
    return count, oil
