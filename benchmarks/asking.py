"""A question to the query function's own code, from its event to an answer in JSON, and what it costs."""

from __future__ import annotations

import json
import statistics
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from chalicelib.queries.function import answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.queries.production import ProductionQuery


@dataclass
class Lender:
    """Lends the store, as PublishedProduction does."""

    production: ProductionQuery

    @contextmanager
    def query(self, _: str | None) -> Iterator[ProductionQuery]:
        yield self.production


def asked(production: ProductionQuery, question: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Milliseconds, and the answer's `data`, or the code of its `error`."""
    event = {"question": question, "arguments": arguments}
    wall, cpu = time.perf_counter(), time.process_time()
    lent, none = cast("Any", Lender(production)), cast("Any", None)
    told = answer(event, published=lambda: lent, export=none, sql=none, list_file=none)
    json.dumps(told)
    took = {"cpu_ms": 1000 * (time.process_time() - cpu), "wall_ms": 1000 * (time.perf_counter() - wall)}
    return {**took, "data": told.get("data"), "error": told.get("error", {}).get("code")}


def median_of(turns: list[dict[str, Any]]) -> dict[str, Any]:
    middle = {name: statistics.median(turn[name] for turn in turns) for name in ("cpu_ms", "wall_ms")}
    return {**middle, "error": turns[0]["error"], "longest_cpu_ms": max(turn["cpu_ms"] for turn in turns)}
