"""What the feed costs: pages of its sets out of 10 million rows of 200,000 wells, a part of `make
bench-load`.

Each page goes through the query function's own code, from its event to an answer in JSON, in one process that has
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
from chalicelib.queries.production import ProductionQuery
from chalicelib.queries.query import MOST_ROWS
from chalicelib.store.own_directory import OwnDirectory

MONTHS = 50  # of each well
MEMORY_MB = 300  # the default of WELLHEAD_MEMORY_MB
MOST_CPU_MS = 500.0  # of a page
SNAPSHOT = "snapshots/wells-0000000001-018cc251-f400-7000-8000-000000000000.duckdb"
FIELD = "field_code eq 'F00777'"
QUESTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "production": ("WellProduction", {}),
    "production, 1,000 a page, three columns": (
        "WellProduction",
        {"limit": 1000, "$select": "well_code,production_period,oil_production_kbd"},
    ),
    "production of a field": ("WellProduction", {"$filter": FIELD}),
    "production of a field, from a date on": (
        "WellProduction",
        {"$filter": f"{FIELD} and production_period ge 1998-01-01"},
    ),
    "production of all, from a date on": (
        "WellProduction",
        {"$filter": "production_period ge 1999-01-01"},
    ),
    "production, those with the most oil first": (
        "WellProduction",
        {"$orderby": "oil_production_kbd desc"},
    ),
    "production, by name of the well": (
        "WellProduction",
        {"$orderby": "well_name,production_period"},
    ),
    "production, with the number of rows": ("WellProduction", {"$count": "true"}),
    "wells": ("Wells", {}),
    "wells of a field": ("Wells", {"$filter": FIELD}),
    "wells, by name": ("Wells", {"$orderby": "well_name"}),
    "wells, with their number": ("Wells", {"$count": "true"}),
    "months": ("Monthly", {}),
    "months of a field": ("Monthly", {"$filter": FIELD}),
    "months of all, from a date on": ("Monthly", {"$filter": "calendar_month ge 1999-01-01"}),
    "months, those with the most oil first": ("Monthly", {"$orderby": "oil_production_kb desc"}),
    "months, with their number": ("Monthly", {"$count": "true"}),
}
NUMBERS: dict[str, tuple[str, dict[str, Any]]] = {
    "how many rows of production": ("WellProduction", {}),
    "how many rows of a field": ("WellProduction", {"$filter": FIELD}),
    "how many wells": ("Wells", {}),
    "how many months": ("Monthly", {}),
}
BEGIN, END = "<!-- feed figures: written by make bench-load -->", "<!-- end of the feed figures -->"


def measure_all(*, rows: int, turns: int, cache: Path, most: int = MOST_ROWS) -> dict[str, Any]:
    """`most` rows a page."""
    store = cast("Path", store_of(rows, cache, months=MONTHS))
    with tempfile.TemporaryDirectory(dir=cache) as work:
        own = OwnDirectory(Path(work) / "reading")
        production = ProductionQuery.open(
            store, directory=own, memory_mb=MEMORY_MB, snapshot=SNAPSHOT
        )
        found = {
            name: _pages(
                production,
                {
                    "entity_set": of,
                    "limit": most,
                    **told,
                },
                turns,
            )
            for name, (of, told) in QUESTIONS.items()
        }
        numbers = {
            name: _number(
                production,
                {
                    "entity_set": of,
                    "$top": 0,
                    "$count": "true",
                    **told,
                },
                turns,
            )
            for name, (of, told) in NUMBERS.items()
        }
        production.close()
    counts = {
        "rows": rows,
        "wells": rows // MONTHS,
        "page_rows": most,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }
    return {
        **facts_of("duckdb"),
        **counts,
        "pages": found,
        "numbers": numbers,
    }


def _pages(production: ProductionQuery, arguments: dict[str, Any], turns: int) -> dict[str, Any]:
    """The first page, and the one after it where there is one."""
    first = [ask(production, "feed", arguments) for _ in range(turns)]
    page = first[0]["data"] or {"rows": [], "next_cursor": None}
    found = {"rows": len(page["rows"]), "first": median_of(first)}
    if cursor := page["next_cursor"]:
        found["next"] = median_of(
            [ask(production, "feed", {**arguments, "$skiptoken": cursor}) for _ in range(turns)]
        )
    return found


def _number(production: ProductionQuery, arguments: dict[str, Any], turns: int) -> dict[str, Any]:
    counted = [ask(production, "feed", arguments) for _ in range(turns)]
    data = counted[0]["data"] or {"count": 0}
    return {"count": data["count"], **median_of(counted)}


def markdown(found: dict[str, Any]) -> str:
    about = f"{found['wells']:,} wells, {found['rows']:,} rows, {found['page_rows']:,} a page"
    lines = [
        f"{report.heading(found)} {about}; peak {found['peak_mb']:,} MB.",
        "",
        "| page | rows | first page, CPU ms | longest | next page, CPU ms | longest |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, told in found["pages"].items():
        shown = [_cpu(told.get(which)) for which in ("first", "next")]
        lines.append(f"| {name} | {told['rows']:,} | {' | '.join(shown)} |")
    lines += ["", "| number | | CPU ms | longest |", "|---|---:|---:|---:|"]
    lines += [
        f"| {name} | {told['count']:,} | {_cpu(told)} |" for name, told in found["numbers"].items()
    ]
    return "\n".join(lines) + "\n"


def _cpu(told: dict[str, Any] | None) -> str:
    if told is None:
        return "- | -"
    if told["error"]:
        return f"**{told['error']}** | -"
    median = (
        f"{told['cpu_ms']:,.0f}" if told["cpu_ms"] < MOST_CPU_MS else f"**{told['cpu_ms']:,.0f}**"
    )
    return f"{median} | {told['longest_cpu_ms']:,.0f}"


def main() -> None:
    asking.run(
        "feed",
        measure_all,
        markdown,
        about=__doc__,
        turns=3,
        marks=(BEGIN, END),
    )


if __name__ == "__main__":
    main()
