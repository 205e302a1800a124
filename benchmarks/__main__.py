"""All measurements in one run: `make bench`. Tables go to the screen, figures to a JSON file.

With --document they also go into docs/performance.md, and --from-json writes them there again
without measuring.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from benchmarks import environments, report
from benchmarks.contenders import OTHERS
from benchmarks.growth import growth
from benchmarks.import_speed import compare
from benchmarks.kinds import kinds
from benchmarks.measure import facts_of
from benchmarks.pages import Pages
from benchmarks.real_data import real_data

MOST_OF_A_KIND = 1_000_000  # rows; those in no order are in memory when they are made


def measure(options: argparse.Namespace) -> dict[str, Any]:
    if options.peers:
        environments.make_all(options.cache)
    facts = _facts()
    imports = {}
    for rows in options.rows:
        others = OTHERS if options.peers and rows <= options.most_rows_of_peers else []
        pages = Pages(rows=rows, page_size=options.page_size)
        imports[str(rows)] = compare(
            pages, others, turns=options.turns, limit=options.limit, cache=options.cache
        )
    grown = growth(
        options.stores, page_size=options.page_size, limit=options.limit, cache=options.cache
    )
    other = kinds(
        rows=min(max(options.rows), MOST_OF_A_KIND),
        page_size=options.page_size,
        turns=options.turns,
        limit=options.limit,
        cache=options.cache,
    )
    real = real_data(turns=options.turns, limit=options.limit) if options.real_data else {}
    sizes = {"page_size": options.page_size, "limit": options.limit}
    return {
        **facts,
        **sizes,
        "imports": imports,
        "growth": grown,
        "kinds": other,
        "real_data": real,
        "load_at_the_end": os.getloadavg()[0],
    }


def _facts() -> dict[str, Any]:
    here = facts_of("duckdb", "msgspec", "requests")
    return {**here, "versions": here["versions"] | _peer_versions()}


def _peer_versions() -> dict[str, str]:
    lists = "\n".join(
        (environments.REQUIREMENTS / f"{name}.txt").read_text() for name in environments.NAMES
    )
    pins = [line.partition(";")[0].partition("==") for line in lists.splitlines() if "==" in line]
    measured = {"dlt[duckdb]", "polars", "pyarrow", "sling-linux-amd64"}
    return {name: pinned.strip() for name, _, pinned in pins if name in measured}


def _numbers(text: str) -> list[int]:
    numbers = [number for number in text.split(",") if number]
    return [int(float(number)) for number in numbers]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--rows",
        type=_numbers,
        default=[100_000, 1_000_000],
        help="sizes of the import, e.g. 1e5,1e7",
    )
    parser.add_argument(
        "--stores", type=_numbers, default=[0, 100_000, 1_000_000], help="store sizes of the growth"
    )
    parser.add_argument("--page-size", type=int, default=10_000)
    parser.add_argument(
        "--turns", type=int, default=2, help="of the floors and of Wellhead; the best one counts"
    )
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument(
        "--real-data",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="the files of agencies in ../shared/data, where they are",
    )
    parser.add_argument("--most-rows-of-peers", type=int, default=1_000_000)
    parser.add_argument(
        "--limit", type=float, default=240, help="seconds that one contender may take"
    )
    parser.add_argument(
        "--cache", type=Path, default=environments.CACHE, help="pages and the peers' environments"
    )
    parser.add_argument("--json", type=Path, help="the figures; by default in the cache")
    parser.add_argument("--from-json", type=Path, help="measure nothing, take these figures")
    parser.add_argument(
        "--document", action="store_true", help="also write the tables into docs/performance.md"
    )
    options = parser.parse_args()
    if options.from_json:
        found = json.loads(options.from_json.read_text())
    else:
        found = measure(options)
        target = options.json or options.cache / "figures.json"
        target.write_text(json.dumps(found, indent=2) + "\n")
        print(f"figures: {target}")
    if options.document:
        report.write(found)
    print(report.markdown(found))


if __name__ == "__main__":
    main()
