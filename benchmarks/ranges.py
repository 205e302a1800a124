"""How much faster a slow source is when it is read in parts: `make bench-ranges`.

The sample source answers each request after a pause. Whole imports of it, each into a store of its
own, with one worker and with several. A table goes to the screen, the figures to a JSON file; with
--document also into docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks import environments, report
from benchmarks.import_speed import child, run_import, store
from benchmarks.measure import facts_of

BEGIN, END = (
    "<!-- ranges figures: written by make bench-ranges -->",
    "<!-- end of the ranges figures -->",
)
EXPECTED_FETCH, EXPECTED_WHOLE, EXPECTED_MB = 8.0, 4.0, 400
MOST_WORKERS = 16
LIMIT = 600.0  # seconds of one import
HEADINGS = (
    "workers",
    "parts",
    "plan s",
    "fetch s",
    "whole s",
    "CPU s",
    "peak MB",
    "fetch",
    "whole",
)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    found = {
        **facts_of("duckdb", "requests"),
        "rows": options.rows,
        "latency_ms": options.latency,
    }
    arguments = ["--rows", str(options.rows), "--latency-ms", str(options.latency)]
    with child(
        "local.source.server", *arguments, "--max-page-size", str(options.page_size), "--port", "0"
    ) as line:
        url = line.removeprefix("ready ")
        cells = [_import(url, workers) for workers in options.workers]
    return {
        **found,
        "page_size": options.page_size,
        "cells": cells,
        "load_at_the_end": os.getloadavg()[0],
    }


def _import(url: str, workers: int) -> dict[str, Any]:
    with store() as (environment, work):
        told = {"WELLHEAD_WORKERS": str(workers), "WELLHEAD_SOURCE_CONNECTIONS": str(workers)}
        measured = run_import(url, environment | told, work, truth=None, limit=LIMIT)
        job = (
            json.loads((work / "contender.log").read_text().splitlines()[-1])
            if not measured["failure"]
            else {}
        )
    at = {event["event"]: event["at"] for event in job.get("events", [])}
    return {
        "workers": workers,
        "parts": (job.get("parts") or {"count": 1})["count"],
        "plan": round(at["planned"] - at["claimed"], 2) if "planned" in at else 0.0,
        "fetch": job.get("stats", {}).get("fetching_seconds"),
        **{name: measured[name] for name in ("wall", "cpu", "peak_mb", "failure", "rows")},
    }


def markdown(found: dict[str, Any]) -> str:
    pages = f"{-(-found['rows'] // found['page_size']):,} pages of {found['page_size']:,}"
    lines = [
        report.heading(found),
        "",
        (
            f"{found['rows']:,} rows, {pages}, {found['latency_ms']:g} ms before each answer. The last two columns "
            "tell how many times as fast as one worker that is."
        ),
        "",
        f"| {' | '.join(HEADINGS)} |",
        f"|{'---:|' * len(HEADINGS)}",
        *(_line(cell, found["cells"][0]) for cell in found["cells"]),
    ]
    return "\n".join(lines) + "\n"


def _line(cell: dict[str, Any], alone: dict[str, Any]) -> str:
    if cell["failure"]:
        return f"| {cell['workers']} | {cell['failure']} |{' |' * (len(HEADINGS) - 2)}"
    fetch = alone["fetch"] / cell["fetch"]
    whole = alone["wall"] / cell["wall"]
    is_most = cell["workers"] == MOST_WORKERS
    columns = [
        cell["workers"],
        cell["parts"],
        cell["plan"],
        f"{cell['fetch']:.1f}",
        f"{cell['wall']:.1f}",
        f"{cell['cpu']:.1f}",
        _mark(cell["peak_mb"], ".0f", missed=cell["peak_mb"] > EXPECTED_MB),
        _mark(fetch, ".1f", missed=is_most and fetch < EXPECTED_FETCH),
        _mark(whole, ".1f", missed=is_most and whole < EXPECTED_WHOLE),
    ]
    return f"| {' | '.join(map(str, columns))} |"


def _mark(value: float, form: str, *, missed: bool) -> str:
    if missed:
        return f"**{value:{form}}**"
    return f"{value:{form}}"


def main() -> None:
    def numbers(text: str) -> list[int]:
        return [int(float(number)) for number in text.split(",")]

    parser = argparse.ArgumentParser(prog="python -m benchmarks.ranges", description=__doc__)
    parser.add_argument("--rows", type=lambda text: int(float(text)), default=400_000)
    parser.add_argument("--page-size", type=int, default=500)
    parser.add_argument(
        "--latency", type=float, default=100, help="milliseconds before each answer"
    )
    parser.add_argument(
        "--workers",
        type=numbers,
        default=[1, 4, 8, 16],
        help="the first one is 1",
    )
    parser.add_argument("--cache", type=Path, default=environments.CACHE)
    parser.add_argument("--json", type=Path, help="the figures; by default in the cache")
    parser.add_argument(
        "--document", action="store_true", help="also write the table into docs/performance.md"
    )
    options = parser.parse_args()
    found = measure(options)
    target = options.json or options.cache / "ranges.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=2) + "\n")
    if options.document:
        report.put(markdown(found), report.DOCUMENT, BEGIN, END)
    sys.stdout.write(f"figures: {target}\n{markdown(found)}")


if __name__ == "__main__":
    main()
