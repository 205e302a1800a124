"""What runs in the project's own environment: the two floors, DuckDB's own read of a file, and
Wellhead's whole import.

`python -m benchmarks.own {one-statement|download-then-insert|read|wellhead} URL PAGES WORK
[DEFINITION]`
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.store.columns import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable

TYPED = {column.name: column.type for column in COLUMNS}
LOAD = "INSERT INTO wells SELECT * FROM read_json($files, format='array', columns=$columns)"


def typed_load(files: list[str], database: Path) -> None:
    """DuckDB's own way, without a check, a rejected row or a key."""
    import duckdb

    with duckdb.connect(database) as connection:
        connection.execute(
            "CREATE TABLE wells ("
            + ", ".join(f"{name} {kind}" for name, kind in TYPED.items())
            + ")"
        )
        connection.execute(LOAD, {"files": files, "columns": TYPED})


def one_statement(_: str, pages: Path, work: Path) -> None:
    """Floor 1: one statement over the same rows, already on local disk."""
    files = sorted(pages.glob("*.array"))
    typed_load([str(path) for path in files], work / "wells.duckdb")


def download_then_insert(url: str, pages: Path, work: Path) -> None:
    """Floor 2: every page to disk with 4 connections, then the one statement."""
    import requests

    with requests.Session() as session, ThreadPoolExecutor(4) as pool:
        session.trust_env = False

        def download(number: int) -> str:
            with session.get(f"{url}?$skiptoken={number}", stream=True, timeout=60) as answer:
                body = answer.raw.read()
            path = work / f"page-{number:06d}.json"
            path.write_bytes(body[body.index(b'"value":[') + 8 : body.rindex(b"]") + 1])
            return str(path)

        files = list(pool.map(download, range(len(list(pages.glob("*.array"))))))
    typed_load(files, work / "wells.duckdb")


def read(file: str, _: Path, work: Path) -> None:
    """DuckDB's own read of a file into a table, as it is."""
    import duckdb

    with duckdb.connect(work / "wells.duckdb") as connection:
        connection.execute(f"CREATE TABLE wells AS FROM '{file}'")


def wellhead(url: str, _: Path, work: Path, definition: str = "") -> None:
    """Fetch, check, stage, merge, verify, publish. WELLHEAD_* and AWS_* come from the caller.
    The source is the URL, or what the definition describes, which is JSON.
    """
    from chalicelib.jobs.job import new_job
    from chalicelib.services import Services

    services = Services(
        {
            **os.environ,
            "WELLHEAD_SOURCE_URL": url,
            "WELLHEAD_SOURCE_REACH": "anywhere",  # files of this machine
            "WELLHEAD_SCRATCH": str(work / "scratch"),
        }
    )
    source: dict[str, Any] = {}
    if definition:
        values = json.loads(definition)
        put = services.sources.put(values["name"], values, by="benchmark")
        source = {"source_name": put.name, "source_version": put.version}
    job = services.job_manager.create(
        new_job(now=time.time(), triggered_by="benchmark", parameters={}, **source)
    )
    services.work_on(job.job_id, request_id="benchmark", remaining=lambda: 3600.0)
    done = services.job_manager.get(job.job_id)
    if done.error:
        raise SystemExit(done.error["message"])
    print(json.dumps(done.view(now=time.time())))


WAYS: dict[str, Callable[..., None]] = {
    "one-statement": one_statement,
    "download-then-insert": download_then_insert,
    "read": read,
    "wellhead": wellhead,
}


def main() -> None:
    way, url, pages, work, *definition = sys.argv[1:]
    WAYS[way](url, Path(pages), Path(work), *definition)


if __name__ == "__main__":
    main()
