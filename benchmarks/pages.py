"""Pre-rendered OData pages on loopback, so that the source is never the limit of a measurement.

`python -m benchmarks.pages DIRECTORY ROWS PAGE_SIZE` renders them once and serves until its input ends.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from local.production import GeneratedProduction

ENTITY_SET = "/odata/WellProduction"


def render(directory: Path, *, rows: int, page_size: int) -> int:
    """Write the pages that are not there yet; how many there are."""
    data = GeneratedProduction(rows, bad_rows=False)  # a typed load stops at the first bad value
    pages = -(-rows // page_size)
    directory.mkdir(parents=True, exist_ok=True)
    for number in range(pages):
        path = directory / f"{number:06d}.json"
        if not path.exists():
            values = b"[" + b",".join(data.page(number * page_size, page_size)) + b"]"
            path.with_suffix(".array").write_bytes(values)
            path.write_bytes(_page(values, number, pages, rows))
    return pages


def _page(values: bytes, number: int, pages: int, rows: int) -> bytes:
    head = json.dumps({"@odata.context": "$metadata", "@odata.count": rows})[:-1].encode()
    link = "" if number == pages - 1 else f',"@odata.nextLink":"WellProduction?$skiptoken={number + 1}"'
    return head + b',"value":' + values + link.encode() + b"}"


def serve(directory: Path) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            number = int(parse_qs(urlsplit(self.path).query).get("$skiptoken", ["0"])[0])
            body = (directory / f"{number:06d}.json").read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def main() -> None:
    directory, rows, page_size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    render(directory, rows=rows, page_size=page_size)
    server = serve(directory)
    print(f"http://127.0.0.1:{server.server_port}{ENTITY_SET}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
