"""What the register costs: 200,000 wells in 10 million rows, summed once, then searched, sorted and
counted: a part of `make bench-load`.

Each question goes through the query function's own code, from its event to an answer in JSON, in one process that has
the store open; CPU is that of the process and all its threads. A table goes to the screen, figures to a JSON file; with
--document also into docs/performance.md.
"""

from __future__ import annotations

import resource
import tempfile
from pathlib import Path
from typing import Any, cast

from benchmarks import asking, report
from benchmarks.asking import ask, median_of
from benchmarks.measure import facts_of
from benchmarks.merging import store_of
from chalicelib.queries.kept_register import KeptRegister
from chalicelib.queries.production import ProductionQuery
from chalicelib.store.own_directory import OwnDirectory
from chalicelib.warehouse.directory import DirectoryWarehouse

MONTHS = 50  # of each well
MEMORY_MB = 300  # the default of WELLHEAD_MEMORY_MB
MOST_CPU_MS = 200.0  # of a question, once the register is there
SNAPSHOT = "snapshots/wells-0000000001-018cc251-f400-7000-8000-000000000000.duckdb"
QUESTIONS: dict[str, dict[str, Any]] = {
    "all wells, by the last rate": {},
    "all wells, by cumulative oil, the other way": {"sort": "oil_production_kb", "order": "asc"},
    "all wells, by name": {"sort": "well_name"},
    "a word that all of them have": {"q": "aldenvik"},
    "two words of one well": {"q": "a-123456 north"},
    "three words, of many wells": {"q": "north 77 aldenvik", "sort": "water_cut"},
    "a word that none has": {"q": "ost-frigg"},
    "the wells of a field": {"field_code": "F00777", "sort": "gas_oil_ratio"},
    "all fields, by their wells": {"of": "fields", "sort": "wells"},
    "the fields of a word": {"of": "fields", "q": "north 17"},
}
DEEP = "all wells, a page far down"
BEGIN, END = (
    "<!-- register figures: written by make bench-load -->",
    "<!-- end of the register figures -->",
)


def measure_all(*, rows: int, turns: int, cache: Path) -> dict[str, Any]:
    store = cast("Path", store_of(rows, cache, months=MONTHS))
    with tempfile.TemporaryDirectory(dir=cache) as work:
        kept = KeptRegister(
            warehouse=DirectoryWarehouse(Path(work) / "warehouse"), snapshot=SNAPSHOT
        )
        asked_first = []
        for number in range(2):  # the second one as another process does it
            own = OwnDirectory(Path(work) / f"reading-{number}")
            production = ProductionQuery.open(
                store, directory=own, memory_mb=MEMORY_MB, snapshot=SNAPSHOT, kept=kept
            )
            asked_first.append(_median([_ask(production, {"limit": 1})]))
            if not number:
                production.close()
        questions = {**QUESTIONS, DEEP: {"cursor": _cursor_at(production, rows // MONTHS * 3 // 4)}}
        found = {
            name: _median([_ask(production, {"limit": 50, **told}) for _ in range(turns)])
            for name, told in questions.items()
        }
        production.close()
    counts = {
        "rows": rows,
        "wells": rows // MONTHS,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }
    return {
        **facts_of("duckdb"),
        **counts,
        "first": asked_first,
        "questions": found,
    }


def _ask(production: ProductionQuery, arguments: dict[str, Any]) -> dict[str, Any]:
    took = ask(production, "register", arguments)
    return {**took, "found": took["data"]["found"][arguments.get("of", "wells")]}


def _cursor_at(production: ProductionQuery, place: int) -> str:
    """Of the page after so many rows, as somebody has it who went there page by page."""
    rest = place
    cursor = None
    while rest > 0:
        page = production.register(limit=min(rest, 4000), cursor=cursor)
        rest = rest - len(page.rows)
        cursor = page.next_cursor
    assert cursor
    return cursor


def _median(turns: list[dict[str, Any]]) -> dict[str, Any]:
    return {**median_of(turns), "found": turns[0]["found"]}


def markdown(found: dict[str, Any]) -> str:
    summed, kept = ({**told, "longest_cpu_ms": told["cpu_ms"]} for told in found["first"])
    lines = [
        f"{report.heading(found)} {found['wells']:,} wells, {found['rows']:,} rows; peak {found['peak_mb']:,} MB.",
        "",
        "| question | found | CPU ms | longest CPU ms | wall ms |",
        "|---|---:|---:|---:|---:|",
        _line("the first one, which sums all rows", summed, most=float("inf")),
        _line("the first one of a later process", kept, most=float("inf")),
        *(_line(name, told) for name, told in found["questions"].items()),
    ]
    return "\n".join(lines) + "\n"


def _line(name: str, told: dict[str, Any], *, most: float = MOST_CPU_MS) -> str:
    cpu = f"{told['cpu_ms']:,.0f}"
    if told["cpu_ms"] >= most:
        cpu = f"**{cpu}**"
    longest = f"{told['longest_cpu_ms']:,.0f}"
    wall = f"{told['wall_ms']:,.0f}"
    return f"| {name} | {told['found']:,} | {cpu} | {longest} | {wall} |"


def main() -> None:
    asking.run(
        "register",
        measure_all,
        markdown,
        about=__doc__,
        turns=5,
        marks=(BEGIN, END),
    )


if __name__ == "__main__":
    main()
