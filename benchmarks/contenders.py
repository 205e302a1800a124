"""The ways to get a source into DuckDB that are compared, each run in a process of its own.

`python -m benchmarks.contenders NAME URL PAGES_DIRECTORY WORK_DIRECTORY` prints one line of JSON: wall and CPU seconds,
peak memory in MB, rows.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import requests

from chalicelib.rows import COLUMNS

TYPED = {column.name: column.type for column in COLUMNS}
LOAD = "INSERT INTO wells SELECT * FROM read_json($files, format='array', columns=$columns)"


def _typed_load(files: list[str], database: Path) -> int:
    """DuckDB's own way, without a check, a rejected row or a key: the floor that no importer can beat."""
    with duckdb.connect(database) as connection:
        connection.execute("CREATE TABLE wells (" + ", ".join(f"{name} {kind}" for name, kind in TYPED.items()) + ")")
        connection.execute(LOAD, {"files": files, "columns": TYPED})
        return int(connection.execute("SELECT count(*) FROM wells").fetchall()[0][0])


def floor_one_statement(_: str, pages: Path, work: Path) -> int:
    """One statement over the same rows, already on local disk."""
    return _typed_load([str(path) for path in sorted(pages.glob("*.array"))], work / "floor.duckdb")


def floor_download_then_insert(url: str, pages: Path, work: Path) -> int:
    """Download every page with 4 connections, then the one statement."""
    numbers = range(len(list(pages.glob("*.json"))))
    with requests.Session() as session, ThreadPoolExecutor(4) as pool:
        session.trust_env = False

        def download(number: int) -> str:
            with session.get(f"{url}?$skiptoken={number}", stream=True, timeout=60) as answer:
                body = answer.raw.read()
            path = work / f"page-{number:06d}.json"
            path.write_bytes(body[body.index(b'"value":[') + 8 : body.rindex(b"]") + 1])
            return str(path)

        files = list(pool.map(download, numbers))
    return _typed_load(files, work / "floor.duckdb")


def wellhead(url: str, _: Path, work: Path) -> int:
    """The whole import: fetch, check, stage, merge, verify, publish. WELLHEAD_* and AWS_* come from the caller."""
    from chalicelib.job import new_job
    from chalicelib.services import Services

    services = Services({**os.environ, "WELLHEAD_SOURCE_URL": url, "WELLHEAD_SCRATCH": str(work)})
    job = services.job_manager.create(new_job(now=time.time(), triggered_by="benchmark", parameters={}))
    services.run_import(job.job_id, request_id="benchmark", remaining=lambda: 900.0)
    done = services.job_manager.get(job.job_id)
    if done.error:
        raise SystemExit(done.error["message"])
    return done.total_records


CONTENDERS = {
    "floor 1: one statement, local files": floor_one_statement,
    "floor 2: download all, insert once": floor_download_then_insert,
    "wellhead": wellhead,
}


def main() -> None:
    name, url, pages, work = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
    started, cpu = time.perf_counter(), time.process_time()
    rows = CONTENDERS[name](url, pages, work)
    measured = {
        "wall": round(time.perf_counter() - started, 2),
        "cpu": round(time.process_time() - cpu, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "rows": rows,
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
