"""How fast a whole import is, beside DuckDB's own load of the same rows, in one run: `make bench`.

Read the ratios, not the seconds: the machine is shared. Each contender runs in a fresh process, turn by turn, and
the best of the turns counts. CPU seconds are the contender's own; the source and the job table run elsewhere.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.contenders import CONTENDERS
from benchmarks.pages import render

PROJECT = Path(__file__).parents[1]
WELLHEAD = "wellhead"


def run(*, rows: int, page_size: int, turns: int, cache: Path) -> dict[str, Any]:
    pages = cache / f"{rows}-{page_size}"
    render(pages, rows=rows, page_size=page_size)
    with ExitStack() as exits:
        url = _served(exits, ["benchmarks.pages", str(pages), str(rows), str(page_size)])
        results = {name: [_turn(name, url, pages) for _ in range(turns)] for name in CONTENDERS}
        results["wellhead, the same again"] = [_turn(WELLHEAD, url, pages, again=True) for _ in range(turns)]
    best = {name: min(measured, key=lambda one: one["cpu"]) for name, measured in results.items()}
    return {"rows": rows, "page_size": page_size, "machine": _machine(), "results": best}


def _turn(name: str, url: str, pages: Path, *, again: bool = False) -> dict[str, Any]:
    work = Path(tempfile.mkdtemp(prefix="wellhead-bench-"))
    with ExitStack() as table:
        environment = dict(os.environ)
        if name == WELLHEAD:
            aws = _served(table, ["local.aws", "--journal", str(work / "table.sqlite")]).removeprefix("ready ")
            environment |= _settings(aws, work)
        command = [sys.executable, "-m", "benchmarks.contenders", name, url, str(pages), str(work / "scratch")]
        measured: dict[str, Any] = {}
        for _ in range(2 if again else 1):
            (work / "scratch").mkdir(exist_ok=True)
            output = subprocess.run(command, cwd=PROJECT, env=environment, check=True, capture_output=True).stdout
            measured = json.loads(output.splitlines()[-1])
    shutil.rmtree(work)
    return measured


def _settings(aws: str, work: Path) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": aws,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
        "WELLHEAD_TABLE": "wellhead-local",
        "WELLHEAD_IMPORT_FUNCTION": "none",
        "WELLHEAD_WAREHOUSE": str(work / "warehouse"),
    }


def _served(exits: ExitStack, module: list[str]) -> str:
    """The first line that a child process prints; it ends with `exits`."""
    process = subprocess.Popen(
        [sys.executable, "-m", *module], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    exits.callback(process.wait)
    exits.callback(process.kill)
    assert process.stdout
    return process.stdout.readline().strip()


def _machine() -> str:
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, DuckDB {duckdb.__version__}"
    )


def table(report: dict[str, Any]) -> str:
    floor = report["results"]["floor 1: one statement, local files"]
    lines = [
        f"{report['rows']:,} rows, {report['page_size']:,} a page; {report['machine']}",
        "",
        "| | wall s | CPU s | rows per CPU s | of floor 1 | peak MB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, one in report["results"].items():
        rate, ratio = one["rows"] / one["cpu"], floor["cpu"] / one["cpu"]
        lines.append(f"| {name} | {one['wall']} | {one['cpu']} | {rate:,.0f} | {ratio:.2f} | {one['peak_mb']} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.import_speed", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--page-size", type=int, default=10_000)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "wellhead-bench-pages")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    report = run(rows=options.rows, page_size=options.page_size, turns=options.turns, cache=options.cache)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    print(table(report))


if __name__ == "__main__":
    main()
