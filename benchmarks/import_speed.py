"""How fast a whole import is, beside DuckDB's own load of the same rows and beside other tools, in
one run.

Each contender runs in a fresh process, and the turn with the least CPU counts. The page server and
the job table run elsewhere; their CPU is nobody's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from benchmarks import contenders, measure
from benchmarks.contenders import AGAIN, REVISED, WELLHEAD, Contender, Task
from benchmarks.environments import python_of
from benchmarks.pages import Pages, render
from local.aws.signature import Keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROJECT = Path(__file__).parents[1]
COUNTS = ("new_records", "updated_records", "duplicate_records", "failed_records")


def compare(
    pages: Pages, others: Sequence[Contender], *, turns: int, limit: float, cache: Path
) -> dict[str, dict[str, Any]]:
    """The figures of each contender, of Wellhead's import and of its two re-imports, by name."""
    directory = render(pages, cache / "pages")
    with serve_pages(directory) as url:
        own = {
            one.name: best([_load(one, url, directory, limit, cache) for _ in range(turns)])
            for one in contenders.OWN
        }
        ours = _imports_of(pages, url, turns=turns, limit=limit, cache=cache)
        peers = {one.name: _load(one, url, directory, limit, cache) for one in others}
    return {**own, **ours, **peers}


def _load(contender: Contender, url: str, pages: Path, limit: float, cache: Path) -> dict[str, Any]:
    if contender.environment and not python_of(contender.environment, cache).exists():
        return {
            "wall": 0,
            "cpu": 0,
            "peak_mb": 0,
            "rows": 0,
            "failure": "failed: it has no environment",
        }
    with work_directory() as work:
        task = Task(url=url, pages=pages, work=work, cache=cache)
        measured = measure.run(
            contender.command(task), environment=own_environment(), work=work, limit=limit
        )
        measured["rows"] = contenders.truth(pages, keyed=False, rows=contender.most_rows)[0]
        measured["failure"] = measured["failure"] or contenders.problem(contender, task)
        return measured


def _imports_of(
    pages: Pages, url: str, *, turns: int, limit: float, cache: Path
) -> dict[str, dict[str, Any]]:
    """Into an empty store, then all the same once more,
    then with the rows that a later revision changed.
    """
    revised = render(Pages(**{**vars(pages), "revision": 1}), cache / "pages")
    names = (WELLHEAD, AGAIN, REVISED)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    with serve_pages(revised) as revised_url:
        for _ in range(turns):
            with store() as (environment, work):
                for name, source in zip(names, (url, url, revised_url), strict=True):
                    truth = contenders.truth(
                        revised if source == revised_url else cache / "pages" / pages.name,
                        keyed=True,
                    )
                    runs[name].append(
                        run_import(source, environment, work, truth=truth, limit=limit)
                    )
    return {name: best(measured) for name, measured in runs.items()}


def run_import(
    url: str,
    environment: dict[str, str],
    work: Path,
    *,
    truth: tuple[int, float] | None,
    limit: float,
    definition: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One import of Wellhead into the store of `environment`:
    its figures, counts, and the published file's size. The source is the URL, or what the
    `definition` describes.
    """
    command = [sys.executable, "-m", "benchmarks.own", "wellhead", url, "-", str(work)]
    if definition:
        command.append(json.dumps(definition))
    measured = measure.run(
        command,
        environment=environment,
        work=work,
        limit=limit,
    )
    if not measured["failure"]:
        job = json.loads(measure.last_line(work / "contender.log"))
        published = Path(environment["WELLHEAD_WAREHOUSE"]) / "wells.duckdb"
        found = contenders.contents(published, "well_production")
        measured |= {name: job[name] for name in COUNTS}
        measured |= {
            "rows": job["total_records"],
            "file_bytes": published.stat().st_size,
            "stats": job["stats"],
        }
        measured["plain_bytes"] = plain_size(published, work / "plain.duckdb")
        measured["failure"] = contenders.differs(found, truth) if truth else None
    return {"rows": 0, **measured}


def plain_size(published: Path, plain: Path) -> int:
    """Bytes of a database with nothing but the same rows and columns."""
    plain.unlink(missing_ok=True)
    with duckdb.connect(plain) as connection:
        connection.execute(f"ATTACH '{published}' AS published (READ_ONLY)")
        connection.execute("CREATE TABLE wells AS FROM published.well_production")
    return plain.stat().st_size


def best(turns: list[dict[str, Any]]) -> dict[str, Any]:
    """The turn with the least CPU; one that failed rather than none."""

    def rank(turn: dict[str, Any]) -> tuple[bool, float]:
        has_failed = turn["failure"] is not None
        return has_failed, turn["cpu"]

    return min(turns, key=rank)


@contextmanager
def store() -> Iterator[tuple[dict[str, str], Path]]:
    """An empty warehouse and job table: the environment of an import, and its work directory."""
    keys = Keys.random().environment
    with (
        work_directory() as work,
        child("local.aws.emulator", "--journal", str(work / "table.sqlite"), **keys) as line,
    ):
        yield (
            own_environment()
            | keys
            | {
                "AWS_ENDPOINT_URL": line.removeprefix("ready "),
                "AWS_DEFAULT_REGION": "us-east-1",
                "WELLHEAD_TABLE": "wellhead-local",
                "WELLHEAD_IMPORT_FUNCTION": "none",
                "WELLHEAD_WAREHOUSE": str(work / "warehouse"),
            },
            work,
        )


@contextmanager
def serve_pages(pages: Path) -> Iterator[str]:
    """The URL of the entity set while the pages are served."""
    with child("benchmarks.pages", str(pages)) as url:
        yield url


@contextmanager
def work_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(
        prefix="wellhead-bench-", ignore_cleanup_errors=True
    ) as directory:
        yield Path(directory)


@contextmanager
def child(module: str, *arguments: str, **environment: str) -> Iterator[str]:
    """The first line that a child process prints; it ends with the context."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(
        command,
        env=own_environment() | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def own_environment() -> dict[str, str]:
    """Nothing of a caller's settings or credentials reaches a contender."""
    unwanted = (
        "WELLHEAD_",
        "AWS_",
        "PYTHONDONTWRITEBYTECODE",
    )  # nobody compiles his code at each start
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return {**kept, "PYTHONPATH": str(PROJECT)}
