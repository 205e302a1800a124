"""How fast the source is read, beside plain clients that read the same pages and drop them: `make
bench-source`.

Pages of several sizes come from a server on loopback that waits before each answer. Wellhead
fetches them, checks their envelope and drops the rows; curl and a loop of requests only fetch.
Tables go to the screen, figures to a JSON file; with --document also into docs/performance.md.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from benchmarks import environments, report
from benchmarks.import_speed import child
from benchmarks.measure import facts_of
from benchmarks.pages import ENTITY_SET, Pages, render

WELLHEAD, CURL, REQUESTS = "wellhead", "curl", "requests"
BEGIN, END = (
    "<!-- source figures: written by make bench-source -->",
    "<!-- end of the source figures -->",
)
HEADINGS = (
    "rows a page",
    "ms before an answer",
    "connections",
    *(f"{name} rows/s" for name in (CURL, REQUESTS, WELLHEAD)),
)
HEADINGS += ("of curl", "of requests", "of one connection")
EXPECTED_OF_CURL, EXPECTED_GAIN = (
    0.8,
    3.0,
)  # at one connection; of four connections where each answer waits


def measure(options: argparse.Namespace) -> dict[str, Any]:
    found = []
    for size, latency in itertools.product(options.page_sizes, options.latencies):
        directory = render(Pages(rows=options.rows, page_size=size), options.cache / "pages")
        with child("benchmarks.source", "serve", str(directory), str(latency)) as url:
            for connections in options.connections:
                cell = {
                    "page_size": size,
                    "latency_ms": latency,
                    "connections": connections,
                }
                turns = [_turn(url, options.rows, size, connections) for _ in range(options.turns)]
                best = {
                    name: round(options.rows / min(turn[name] for turn in turns))
                    for name in turns[0]
                }
                found.append(cell | {"rows_per_second": best})
    return {
        **facts_of("requests", "msgspec"),
        "curl": _curl_version(),
        "rows": options.rows,
        "cells": found,
    }


def _turn(url: str, rows: int, page_size: int, connections: int) -> dict[str, float]:
    """Wall seconds of each client for all the pages.
    Those in Python tell their own, without the imports.
    """
    numbers = (url, str(rows), str(page_size), str(connections))
    seconds = {
        name: float(_output([sys.executable, "-m", "benchmarks.source", name, *numbers]))
        for name in IN_PYTHON
    }
    if shutil.which(CURL):
        parallel = ["--parallel", "--parallel-max", str(connections)] if connections > 1 else []
        pages = f"{url}?$skip=[0-{rows - 1}:{page_size}]"
        started = time.perf_counter()
        _output(
            [CURL, "--silent", "--fail", "--no-buffer", *parallel, "--output", "/dev/null", pages]
        )
        seconds[CURL] = time.perf_counter() - started
    return seconds


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _curl_version() -> str | None:
    if shutil.which(CURL):
        return _output([CURL, "--version"]).split()[1]
    return None


# -- the clients ----------------------------------------------------------------------------------


def wellhead(url: str, rows: int, page_size: int, connections: int) -> float:
    """Seconds, as of the other one."""
    from chalicelib.odata.adapter import ExternalApiAdapter
    from chalicelib.odata.connection import ODataConnection
    from chalicelib.odata.survey import Survey
    from chalicelib.settings import Settings

    unused = {
        "WELLHEAD_TABLE": "-",
        "WELLHEAD_IMPORT_FUNCTION": "-",
        "WELLHEAD_WAREHOUSE": "/-",
    }
    paging = {"WELLHEAD_PAGE_SIZE": str(page_size), "WELLHEAD_SOURCE_CONNECTIONS": str(connections)}
    settings = Settings.from_environment(
        {
            **unused,
            **paging,
            "WELLHEAD_SOURCE_URL": url,
        }
    )
    source = ExternalApiAdapter(settings=settings, connection=ODataConnection(settings=settings))
    started = time.perf_counter()
    delivered = 0
    for page in source.pages(source.first_cursor((), Survey()), Survey()):
        delivered += len(page.rows)
        page.rows.clear()
    seconds = time.perf_counter() - started
    source.close()
    assert delivered == rows
    return seconds


def requests_alone(url: str, rows: int, page_size: int, connections: int) -> float:
    """Sessions that stream and drop, one for each connection."""
    import requests

    def fetch(first: int) -> None:
        with requests.Session() as session:
            session.trust_env = False
            for skip in range(first * page_size, rows, connections * page_size):
                with session.get(f"{url}?$skip={skip}", stream=True, timeout=60) as answer:
                    while answer.raw.read1(1 << 18):
                        pass

    started = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(fetch, range(connections)))
    return time.perf_counter() - started


IN_PYTHON = {WELLHEAD: wellhead, REQUESTS: requests_alone}


# -- the server -----------------------------------------------------------------------------------


def serve(directory: Path, latency: float) -> ThreadingHTTPServer:
    """The pages by `$skip`, without links, from memory."""
    pages = Pages(**json.loads((directory / "pages.json").read_text()))
    head = json.dumps({"@odata.count": pages.rows})[:-1].encode() + b',"value":'
    bodies = [
        head + (directory / f"{number:06d}.array").read_bytes() + b"}"
        for number in range(pages.count)
    ]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            if "$metadata" in self.path:
                self.send_error(404)
                return
            skip = int(parse_qs(urlsplit(self.path).query).get("$skip", ["0"])[0])
            body = bodies[skip // pages.page_size]
            time.sleep(latency / 1000)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


# -- the table ------------------------------------------------------------------------------------


def markdown(found: dict[str, Any]) -> str:
    plain = f"curl {found['curl']}" if found["curl"] else "curl is not there"
    lines = [
        f"{report.heading(found)} {plain}. {found['rows']:,} rows.",
        "",
        f"| {' | '.join(HEADINGS)} |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        *(_line(cell, found["cells"]) for cell in found["cells"]),
    ]
    return "\n".join(lines) + "\n"


def _line(cell: dict[str, Any], cells: list[dict[str, Any]]) -> str:
    rate = cell["rows_per_second"]
    alone = next(one for one in cells if _place(one) == (*_place(cell)[:2], 1))["rows_per_second"][
        WELLHEAD
    ]
    of_curl = rate[WELLHEAD] / rate[CURL] if CURL in rate else None
    gain = rate[WELLHEAD] / alone
    parallel = cell["connections"] > 1
    numbers = (f"{rate[name]:,}" if name in rate else "-" for name in (CURL, REQUESTS, WELLHEAD))
    columns = [
        *map(str, _place(cell)),
        *numbers,
        "-"
        if of_curl is None
        else _mark(of_curl, missed=not parallel and of_curl < EXPECTED_OF_CURL),
        f"{rate[WELLHEAD] / rate[REQUESTS]:.2f}",
        _mark(gain, missed=parallel and cell["latency_ms"] > 0 and gain < EXPECTED_GAIN),
    ]
    return f"| {' | '.join(columns)} |"


def _place(cell: dict[str, Any]) -> tuple[int, int, int]:
    return cell["page_size"], cell["latency_ms"], cell["connections"]


def _mark(value: float, *, missed: bool) -> str:
    if missed:
        return f"**{value:.2f}**"
    return f"{value:.2f}"


def main() -> None:
    if sys.argv[1:2] == ["serve"]:
        server = serve(Path(sys.argv[2]), float(sys.argv[3]))
        print(f"http://127.0.0.1:{server.server_port}{ENTITY_SET}", flush=True)
        server.serve_forever()
    elif sys.argv[1:2] and sys.argv[1] in IN_PYTHON:
        name, url, *numbers = sys.argv[1:]
        print(IN_PYTHON[name](url, *map(int, numbers)))
    else:
        _measure_all()


def _measure_all() -> None:
    def numbers(text: str) -> list[int]:
        return [int(float(number)) for number in text.split(",")]

    parser = argparse.ArgumentParser(prog="python -m benchmarks.source", description=__doc__)
    parser.add_argument("--rows", type=lambda text: int(float(text)), default=200_000)
    parser.add_argument("--page-sizes", type=numbers, default=[1_000, 5_000, 10_000])
    parser.add_argument(
        "--latencies", type=numbers, default=[0, 20, 100], help="milliseconds before each answer"
    )
    parser.add_argument(
        "--connections",
        type=numbers,
        default=[1, 4],
        help="the first one is 1",
    )
    parser.add_argument("--turns", type=int, default=3, help="the best one counts")
    parser.add_argument("--cache", type=Path, default=environments.CACHE)
    parser.add_argument("--json", type=Path, help="the figures; by default in the cache")
    parser.add_argument(
        "--document", action="store_true", help="also write the table into docs/performance.md"
    )
    options = parser.parse_args()
    found = measure(options)
    target = options.json or options.cache / "source.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=2) + "\n")
    print(f"figures: {target}")
    if options.document:
        report.put(markdown(found), report.DOCUMENT, BEGIN, END)
    print(markdown(found))


if __name__ == "__main__":
    main()
