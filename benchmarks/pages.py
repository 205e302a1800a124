"""Pre-rendered OData pages on loopback, so that the source is never the limit of a measurement.

`python -m benchmarks.pages DIRECTORY` serves what `render` wrote there until it is killed; the
first line that it prints is the URL of the entity set. Only the rows of a page are on disk, as one
JSON array a page: the server puts the envelope around them, and DuckDB's own load reads the same
files.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from local.source.production import GeneratedProduction

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTITY_SET = "/odata/WellProduction"


REJECTED_EACH = 20
WIDE_FIELDS = 60


class Kind(StrEnum):
    SORTED = "sorted"
    SHUFFLED = "shuffled"
    REJECTED = "rejected"
    WIDE = "wide"


@dataclass(frozen=True, kw_only=True)
class Pages:
    """`rows` rows from position `first` of the sample production, at a revision of it."""

    rows: int
    page_size: int
    first: int = 0
    revision: int = 0
    kind: str = Kind.SORTED

    @property
    def name(self) -> str:
        name = f"{self.first}-{self.rows}-{self.page_size}-{self.revision}"
        if self.kind == Kind.SORTED:
            return name
        return f"{name}-{self.kind}"

    @property
    def count(self) -> int:
        return -(-self.rows // self.page_size)


def render(pages: Pages, cache: Path) -> Path:
    """The directory of the pages in `cache`; what is there already is not written again."""
    directory = cache / pages.name
    if not directory.exists():
        part = directory.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        # Without bad rows: a typed load stops at the first bad value.
        data = GeneratedProduction(
            pages.first + pages.rows, revision=pages.revision, bad_rows=False
        )
        for number, rows in enumerate(_rows_of(data, pages)):
            (part / f"{number:06d}.array").write_bytes(b"[" + b",".join(rows) + b"]")
        (part / "pages.json").write_text(json.dumps(asdict(pages)))
        part.rename(directory)
    return directory


def _rows_of(data: GeneratedProduction, pages: Pages) -> Iterator[list[bytes]]:
    """Page by page. Rows in no order are in memory all at once."""
    size = pages.page_size
    if pages.kind == Kind.SHUFFLED:
        each = Counter(data.page(pages.first, pages.rows))
        order = random.Random(1).sample(list(each), len(each))  # noqa: S311  the same at each run
        rows = [
            row for row in order for _ in range(each[row])
        ]  # twice on two pages, it would show a wrong paging
        yield from (rows[first : first + size] for first in range(0, len(rows), size))
        return
    for number in range(pages.count):
        rows = data.page(pages.first + number * size, size)
        if pages.kind == Kind.REJECTED:
            rows[::REJECTED_EACH] = [
                row.replace(b'"oil_production_kbd": ', b'"oil_production_kbd": "much ", "was": ')
                for row in rows[::REJECTED_EACH]
            ]
        if pages.kind == Kind.WIDE:
            more = (
                "".join(
                    f', "field_{number}": {number}.5' for number in range(WIDE_FIELDS - 16)
                ).encode()
                + b"}"
            )
            rows = [row[:-1] + more for row in rows]
        yield rows


def envelope(number: int, pages: Pages) -> tuple[bytes, bytes]:
    """What stands before and after the rows of a page."""
    head = (
        json.dumps({"@odata.context": "$metadata", "@odata.count": pages.rows})[:-1].encode()
        + b',"value":'
    )
    link = (
        ""
        if number == pages.count - 1
        else f',"@odata.nextLink":"WellProduction?$skiptoken={number + 1}"'
    )
    return head, link.encode() + b"}"


def serve(directory: Path) -> ThreadingHTTPServer:
    pages = Pages(**json.loads((directory / "pages.json").read_text()))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            number = int(parse_qs(urlsplit(self.path).query).get("$skiptoken", ["0"])[0])
            if number >= pages.count or "$metadata" in self.path:
                self.send_error(404)
                return
            head, tail = envelope(number, pages)
            rows = (directory / f"{number:06d}.array").read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(head) + len(rows) + len(tail)))
            self.end_headers()
            for part in (head, rows, tail):
                self.wfile.write(part)

        def log_message(self, *_: object) -> None: ...

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def main() -> None:
    server = serve(Path(sys.argv[1]))
    print(f"http://127.0.0.1:{server.server_port}{ENTITY_SET}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
