"""A question to the query function's own code, from its event to an answer in JSON,
and what it costs; and the command line of the measurements that ask such questions.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from benchmarks import environments, report
from chalicelib.queries.function import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chalicelib.queries.production import ProductionQuery


@dataclass
class Lender:
    """Lends the store, as PublishedProduction does."""

    production: ProductionQuery

    @contextmanager
    def query(self, _: str | None) -> Iterator[ProductionQuery]:
        yield self.production


class Measure(Protocol):
    """A store of so many rows, and what questions to it cost, each asked so many times."""

    def __call__(self, *, rows: int, turns: int, cache: Path) -> dict[str, Any]: ...


def ask(production: ProductionQuery, question: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Milliseconds, and the answer's `data`, or the code of its `error`."""
    event = {"question": question, "arguments": arguments}
    lender = cast("Any", Lender(production))
    nothing = cast("Any", None)  # no question here is about a file or has SQL of its own
    wall_start = time.perf_counter()
    cpu_start = time.process_time()
    response = answer(
        event, published=lambda: lender, export=nothing, sql=nothing, list_file=nothing
    )
    json.dumps(response)
    return {
        "cpu_ms": 1000 * (time.process_time() - cpu_start),
        "wall_ms": 1000 * (time.perf_counter() - wall_start),
        "data": response.get("data"),
        "error": response.get("error", {}).get("code"),
    }


def median_of(turns: list[dict[str, Any]]) -> dict[str, Any]:
    middle = {
        name: statistics.median(turn[name] for turn in turns) for name in ("cpu_ms", "wall_ms")
    }
    return {
        **middle,
        "error": turns[0]["error"],
        "longest_cpu_ms": max(turn["cpu_ms"] for turn in turns),
    }


def run(
    name: str,
    measure: Measure,
    markdown: Callable[[dict[str, Any]], str],
    *,
    about: str | None,
    turns: int,
    marks: tuple[str, str],
) -> None:
    """`python -m benchmarks.NAME`: a table on the screen, figures in a JSON file;
    with --document the table stands also between the `marks` of docs/performance.md.
    """
    options = _parse(name, about=about, turns=turns)
    environments.CACHE.mkdir(parents=True, exist_ok=True)
    figures = measure(
        rows=options.rows,
        turns=options.turns,
        cache=environments.CACHE,
    )
    options.json.write_text(json.dumps(figures, indent=2) + "\n")
    table = markdown(figures)
    if options.document:
        report.put(table, report.DOCUMENT, *marks)
    print(table)


def _parse(name: str, *, about: str | None, turns: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=about)
    parser.add_argument("--rows", type=lambda text: int(float(text)), default=10_000_000)
    parser.add_argument(
        "--turns", type=int, default=turns, help="of each question; the median counts"
    )
    parser.add_argument(
        "--json", type=Path, default=environments.CACHE / f"{name}.json", help="the figures"
    )
    parser.add_argument(
        "--document", action="store_true", help="also write the table into docs/performance.md"
    )
    return parser.parse_args()
