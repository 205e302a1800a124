"""A sample OData v4 source: `python -m local.source.server --rows 50000 --port 0`.

It speaks OData v4, or v2, as they are written: `$top` bounds the whole result, and a page has as
many rows as `Prefer: odata.maxpagesize` asks for, never more than the largest page. It pages in one
of two ways. `links`: `@odata.nextLink` goes on with a `$skiptoken` while rows remain. `skip`: there
are no links, so that a client has to go on with `$skip`. What other services do differently are its
habits (habits.py).

Rows come in the order of the data: a file that is not sorted by key stays so, whatever `$orderby`
says.
"""

import argparse
import base64
import gzip
import hmac
import json
import os
import random
import re
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Literal, NoReturn, Self
from urllib.parse import parse_qsl, urlsplit

from chalicelib.files.json_lines import NdjsonError, NdjsonFile
from local.aws.loopback import SWITCH_SECONDS, LoopbackHandler, LoopbackServer
from local.source.faults import FAULT_KINDS, Fault, Faults
from local.source.habits import AS_SPECIFIED, Habits
from local.source.odata_format import ENTITY_SET, HEADERS, Version, metadata, write_page
from local.source.odata_query import Filter, Query, QueryError, Rows, matching
from local.source.production import GeneratedProduction

SERVICE = "/odata/"

Paging = Literal["links", "skip"]
SWITCHES = [field.name for field in fields(Habits) if field.type is bool]


@dataclass(frozen=True)
class Request:
    """A request as it came; of Authorization only whether it was there."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    authorization: bool


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    headers: dict[str, str]
    share: float = (
        1  # of the body that is sent before the connection closes; 0: not even the status
    )


class SampleSource:
    """Serves rows on 127.0.0.1 inside a `with`; `requests` keeps the latest of what was asked."""

    def __init__(
        self,
        rows: Rows,
        *,
        port: int = 0,
        paging: Paging = "links",
        version: Version = 4,
        max_page_size: int = 10_000,
        relative_links: bool = False,
        credentials: tuple[str, str] | None = None,
        compress: bool = False,
        latency: float = 0,
        faults: Faults | None = None,
        habits: Habits = AS_SPECIFIED,
    ) -> None:
        self.rows = rows
        self.paging = paging
        self.version = version
        self.max_page_size = max_page_size
        self.relative_links = relative_links
        self.credentials = credentials
        self.compress = compress
        self.latency = latency
        self.faults = faults or Faults()
        self.habits = habits
        self.requests: deque[Request] = deque(maxlen=10_000)
        self._runs = lru_cache(maxsize=64)(self._find_runs)
        self._stopping = threading.Event()
        self._server = _Server(self, port)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._server.stop()

    @property
    def root(self) -> str:
        return self._server.url + SERVICE

    @property
    def url(self) -> str:
        return self.root + ENTITY_SET

    def answer(self, target: str, headers: dict[str, str]) -> Reply:
        """The reply to a GET of `target`, not before the latency is over;
        header names in lower case.
        """
        due = time.monotonic() + self.latency
        reply = self._answer(target, headers)
        # Making it is part of the latency: requests that come at once are not answered in a row.
        self._stopping.wait(due - time.monotonic())
        return reply

    def _answer(self, target: str, headers: dict[str, str]) -> Reply:
        url = urlsplit(target)
        self._record(url.path, url.query, headers)
        if not self._is_authorized(headers):
            return UNAUTHORIZED
        try:
            reply = self._reply(url.path, url.query, headers)
        except QueryError as exc:
            return self._error(400, "BadRequest", str(exc))
        except NotImplementedError as exc:
            return self._error(501, "NotImplemented", str(exc))
        if self.compress and "gzip" in headers.get("accept-encoding", ""):
            return _gzip(reply)
        return reply

    def _record(self, path: str, query: str, headers: dict[str, str]) -> None:
        seen = {name: value for name, value in headers.items() if name != "authorization"}
        options = dict(parse_qsl(query, keep_blank_values=True))
        has_password = "authorization" in headers
        request = Request(path, options, seen, has_password)
        self.requests.append(request)

    def _is_authorized(self, headers: dict[str, str]) -> bool:
        if self.credentials is None:
            return True
        wanted = b"Basic " + base64.b64encode(":".join(self.credentials).encode())
        return hmac.compare_digest(wanted, headers.get("authorization", "").encode())

    def _reply(self, path: str, query: str, headers: dict[str, str]) -> Reply:
        if path == SERVICE:
            return self._ok(json.dumps(self._service_document()).encode())
        if path == SERVICE + "$metadata":
            document = metadata(self.version, has_key=self.habits.declares_key)
            return Reply(200, document, HEADERS[self.version] | {"Content-Type": "application/xml"})
        if path == SERVICE + ENTITY_SET:
            return self._page(
                Query.parse(query, self.version), _preferred_size(headers.get("prefer", ""))
            )
        return self._error(404, "NotFound", f"There is no {path} here.")

    def _service_document(self) -> dict[str, object]:
        sets = [
            {
                "name": ENTITY_SET,
                "kind": "EntitySet",
                "url": ENTITY_SET,
            }
        ]
        return {"@odata.context": f"{self.root}$metadata", "value": sets}

    def _page(self, query: Query, preferred: int | None) -> Reply:
        self._refuse(query)
        preferred = None if self.habits.ignores_prefer else preferred
        largest = min(self.max_page_size, preferred or self.max_page_size)
        size = largest if query.top is None else min(largest, query.top)
        runs = self._runs(self.rows, query.filter)
        positions = _cut(runs, query.skip, size)
        fault = self._fault(positions, largest if query.is_continued else size)
        if fault and fault.kind == "fail":
            retry_after = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            return self._error(fault.status, "Unavailable", "A fault was asked for.", retry_after)
        rows = self._rows_at(query, runs, positions)
        total = sum(map(len, runs))
        reply = self._ok_page(query, rows, total, failing=bool(fault and fault.kind == "error"))
        applied = {"Preference-Applied": f"odata.maxpagesize={size}"} if preferred else {}
        shares = {"truncate": 0.5, "drop": 0.0}
        share = shares.get(fault.kind, 1.0) if fault else 1.0
        return replace(reply, headers=reply.headers | applied, share=share)

    def _refuse(self, query: Query) -> None:
        """Raises QueryError, NotImplementedError."""
        if self.habits.no_skip and "$skip" in query.options:
            raise QueryError("The query option $skip is not supported.")
        if query.top is not None and query.top > (self.habits.top_limit or query.top):
            raise QueryError(
                f"The limit of '{self.habits.top_limit}' for Top query has been exceeded."
            )
        refused = sorted(self.habits.refused & query.options.keys())
        if refused:
            raise NotImplementedError(f"The query option {refused[0]} is not implemented.")

    def _rows_at(
        self, query: Query, runs: Sequence[range], positions: Sequence[range]
    ) -> list[bytes]:
        rows: list[bytes] = []
        if not self.habits.unstable_order:
            for run in positions:
                rows += self.rows.page(run.start, len(run))
            return rows
        every = [position for run in runs for position in run]
        random.Random(query.skip).shuffle(every)  # noqa: S311  an order, no secret
        count = sum(map(len, positions))
        for position in every[query.skip : query.skip + count]:
            rows += self.rows.page(position, 1)
        return rows

    def _ok_page(self, query: Query, rows: list[bytes], total: int, *, failing: bool) -> Reply:
        link = self._link(query, len(rows), total)
        count = total if query.count and not self.habits.ignores_count else None
        if failing:
            rows = rows[: len(rows) // 2]
            link = ""
        broken = (
            '{"code":"InternalError","message":"The rest of the page could not be read."}'
            if failing
            else ""
        )
        return self._ok(
            write_page(
                rows, version=self.version, root=self.root, count=count, link=link, error=broken
            )
        )

    def _link(self, query: Query, served: int, total: int) -> str:
        """To what follows the `served` rows of this page."""
        habits = self.habits
        following = query.skip + served
        top = query.top
        if self.paging == "skip" or (habits.no_link_under_top and top is not None):
            return ""
        if top is not None and not habits.top_is_page_size:
            top -= served
        is_last = following >= self._end(query, total) or top == 0 or not served
        if is_last and not habits.link_on_every_page:
            return ""
        following += self.max_page_size if is_last else 0  # no two of these links are alike
        return f"{'' if self.relative_links else self.root}{ENTITY_SET}?{query.continuation(following, top)}"

    def _end(self, query: Query, total: int) -> int:
        limit = self.habits.filter_limit
        if limit is None or not query.filter:
            return total
        return min(total, limit)

    def _ok(self, body: bytes) -> Reply:
        return Reply(200, body, HEADERS[self.version])

    def _error(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None
    ) -> Reply:
        error = {"code": code, "message": message}
        body = json.dumps({"error": error}).encode()
        all_headers = HEADERS[self.version] | (headers or {})
        return Reply(status, body, all_headers)

    def _fault(self, positions: list[range], size: int) -> Fault | None:
        if not positions:
            return None
        page = positions[0].start // size + 1
        fault = self.faults.take(page)
        if fault and fault.kind == "hang":
            self._stopping.wait(fault.seconds)
        return fault

    def _find_runs(self, rows: Rows, text: str) -> list[range]:
        if text:
            return matching(rows, Filter(text))
        return [range(len(rows))]


def _preferred_size(prefer: str) -> int | None:
    match = re.search(r"(?:odata\.)?maxpagesize\s*=\s*([1-9][0-9]{0,8})\b", prefer)
    if match:
        return int(match[1])
    return None


def _cut(runs: Sequence[range], skip: int, size: int) -> list[range]:
    """The part of the runs after their first `skip` positions, `size` positions at most."""
    parts = []
    for run in runs:
        part = run[skip : skip + size]
        skip = max(0, skip - len(run))
        size -= len(part)
        parts.append(part)
    return [part for part in parts if part]


UNAUTHORIZED = Reply(
    401, b"Unauthorized", {"Content-Type": "text/plain", "WWW-Authenticate": 'Basic realm="sample"'}
)


def _gzip(reply: Reply) -> Reply:
    body = gzip.compress(reply.body, compresslevel=1, mtime=0)
    headers = reply.headers | {"Content-Encoding": "gzip"}
    return replace(reply, body=body, headers=headers)


class _Server(LoopbackServer):
    def __init__(self, source: SampleSource, port: int) -> None:
        self.source = source
        super().__init__(_Handler, port=port)


class _Handler(LoopbackHandler):
    server: _Server

    def do_GET(self) -> None:  # noqa: N802 -- the base class's name
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.source.answer(self.path, headers)
        if reply.share == 1:
            self.answer(reply.status, reply.body, reply.headers)
            return
        self.close_connection = True
        if reply.share:
            self._cut_short(reply)

    def _cut_short(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        length = int(len(reply.body) * reply.share)
        self.wfile.write(reply.body[:length])


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    sys.setswitchinterval(SWITCH_SECONDS)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    if options.exit_with_parent:
        threading.Thread(target=_interrupt_at_end_of_stdin, daemon=True).start()
    try:
        with _rows(options) as rows, _source(rows, options) as source:
            print(f"ready {source.url}", flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    except (NdjsonError, OSError) as exc:
        print(exc, file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.source.server", description="A sample OData v4 source."
    )
    add = parser.add_argument
    add("--rows", type=int, default=50_000, help="how many rows to generate")
    add("--seed", type=int, default=1)
    add("--revision", type=int, default=0, help="how many times recent months have been revised")
    add("--no-bad-rows", action="store_true")
    add("--file", type=Path, help="serve this NDJSON file (.gz or plain) and generate nothing")
    add("--port", type=int, default=0)
    add("--paging", choices=["links", "skip"], default="links")
    add("--odata-version", type=int, choices=[2, 4], default=4)
    add("--max-page-size", type=int, default=10_000)
    add("--relative-links", action="store_true")
    add("--username", default=os.environ.get("SAMPLE_SOURCE_USERNAME"))
    add("--password", default=os.environ.get("SAMPLE_SOURCE_PASSWORD"))
    add("--gzip", action="store_true", help="compress for clients that accept it")
    add("--latency-ms", type=float, default=0)
    _add_habits(add)
    add(
        "--fault",
        type=Fault.parse,
        action="append",
        default=[],
        metavar="KIND:PAGE[:TIMES]",
        help=f"KIND is one of {', '.join(FAULT_KINDS)}; may be given again",
    )
    add(
        "--retry-after",
        metavar="SECONDS",
        help="a page that fails answers 429 with this Retry-After",
    )
    add("--exit-with-parent", action="store_true", help="stop when standard input ends")
    return parser


def _add_habits(add: Callable[..., object]) -> None:
    """Each is explained at Habits."""
    for habit in SWITCHES:
        add(f"--{habit.replace('_', '-')}", action="store_true")
    add("--top-limit", type=int, help="refuse a larger $top with 400")
    add(
        "--refuse",
        action="append",
        default=[],
        metavar="OPTION",
        help="such as $count: answer it with 501",
    )


def _habits(options: argparse.Namespace) -> Habits:
    switches = {habit: getattr(options, habit) for habit in SWITCHES}
    refused = frozenset(options.refuse)
    return Habits(**switches, top_limit=options.top_limit, refused=refused)


def _faults(options: argparse.Namespace) -> Faults:
    if options.retry_after is None:
        return Faults(*options.fault)
    return Faults(
        *(replace(fault, status=429, retry_after=options.retry_after) for fault in options.fault)
    )


def _rows(options: argparse.Namespace) -> AbstractContextManager[Rows]:
    if options.file:
        return NdjsonFile(options.file)
    return nullcontext(
        GeneratedProduction(
            options.rows, options.seed, options.revision, bad_rows=not options.no_bad_rows
        )
    )


def _source(rows: Rows, options: argparse.Namespace) -> SampleSource:
    return SampleSource(
        rows,
        port=options.port,
        paging=options.paging,
        version=options.odata_version,
        max_page_size=options.max_page_size,
        relative_links=options.relative_links,
        credentials=(options.username, options.password or "") if options.username else None,
        compress=options.gzip,
        latency=options.latency_ms / 1000,
        faults=_faults(options),
        habits=_habits(options),
    )


def _interrupt(*_: object) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _interrupt_at_end_of_stdin() -> None:
    """Without Python's buffer, whose lock a waiting thread would still hold at exit."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
