"""An HTTP server that answers what it is told to,
request by request, and remembers what it was asked.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

from chalicelib.odata.adapter import ExternalApiAdapter
from chalicelib.odata.connection import ODataConnection
from chalicelib.odata.survey import Survey
from chalicelib.settings import Settings
from local.aws.loopback import LoopbackHandler, LoopbackServer

if TYPE_CHECKING:
    import ssl

    from requests.auth import AuthBase

    from chalicelib.odata.cursor import Page

PATH = "/odata/Wells"


class Asked(NamedTuple):
    """`client` is the port that the request came from: one of each TCP connection."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    method: str = "GET"
    body: bytes = b""
    client: int = 0


@dataclass(frozen=True)
class Answer:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Step = Answer | Callable[["ScriptedHandler"], object]
"""An answer, or what makes one for the request (`handler.asked`), or what writes one by hand and returns nothing."""


class ScriptedHandler(LoopbackHandler):
    source: ClassVar[ScriptedSource]
    asked: Asked

    def _serve(self) -> None:
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.read_body()
        self.asked = Asked(url.path, query, headers, self.command, body, self.client_address[1])
        step = self.source.next_step(self.asked)
        made = step if isinstance(step, Answer) else step(self)
        if isinstance(made, Answer):
            self.answer(made.status, made.body, {"Content-Type": "application/json"} | made.headers)
        else:
            self.close_connection = True

    def _check_caller(self) -> None:
        if self.headers.get("Host") != self.source.name:
            super()._check_caller()

    do_GET = do_POST = _serve  # noqa: N815  http.server's names

    def raw(self, *parts: bytes) -> None:
        for part in parts:
            self.wfile.write(part)
            self.wfile.flush()


class ScriptedSource:
    """Serves the steps in order, the last one again and again, inside a `with`.
    Requests may come at once. By `name` it is known to a proxy.
    """

    def __init__(
        self,
        *steps: Step,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        name: str | None = None,
    ) -> None:
        self.steps = list(steps)
        self.name = name
        self.described = Answer(status=404)  # by its $metadata, which takes no step
        self.counted: int | None = None  # at the end, which takes no step either; None: it refuses
        self.asked: list[Asked] = []
        self.asked_beside: list[Asked] = []  # for these two
        self._turn = threading.Lock()
        handler = type("Handler", (ScriptedHandler,), {"source": self})
        self._server = LoopbackServer(handler, host=host)
        self._host = f"[{host}]" if ":" in host else host
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)

    @property
    def root(self) -> str:
        return f"{self._scheme}://{self._host}:{self.port}"

    @property
    def url(self) -> str:
        return self.root + PATH

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def connections(self) -> int:
        """How many TCP connections the requests came over."""
        return len({asked.client for asked in self.asked})

    def saw(self, *secrets: str) -> bool:
        """Whether any of these words came, in whatever part of a request."""
        return any(
            secret in str(asked) for asked in self.asked + self.asked_beside for secret in secrets
        )

    def next_step(self, asked: Asked) -> Step:
        with self._turn:
            if asked.path.endswith(("/$metadata", "/$count")) or asked.query.get("$top") == "0":
                self.asked_beside.append(asked)
                return self.described if asked.path.endswith("/$metadata") else self._count()
            self.asked.append(asked)
            return self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]

    def _count(self) -> Answer:
        return (
            Answer(status=400)
            if self.counted is None
            else Answer(page([], odata_count=self.counted))
        )

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()


def rows(first: int, count: int) -> list[dict[str, Any]]:
    return [{"well_code": number} for number in range(first, first + count)]


def page(value: list[Any], **more: Any) -> bytes:
    return json.dumps(
        {"value": value} | {name.replace("odata_", "@odata."): more[name] for name in more}
    ).encode()


KEY = ("field_code", "well_code", "production_period")


class SkippedTime:
    """Sleeping takes no time here and moves the clock all the same;
    reading from a socket takes the time it takes.
    """

    def __init__(self) -> None:
        self.slept: list[float] = []

    def clock(self) -> float:
        return time.monotonic() + sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def settings_for(url: str, **settings: str) -> Settings:
    """For a source at `url`; settings without WELLHEAD_ in lower case."""
    environment = {
        "WELLHEAD_TABLE": "-",
        "WELLHEAD_IMPORT_FUNCTION": "-",
        "WELLHEAD_WAREHOUSE": "/-",
        "WELLHEAD_SOURCE_URL": url,
        "WELLHEAD_SOURCE_CONNECTIONS": "1",
        "WELLHEAD_PAGE_SIZE": "2",
    }
    return Settings.from_environment(
        environment | {f"WELLHEAD_{name.upper()}": value for name, value in settings.items()}
    )


class Client:
    """An adapter on a source, and the seconds that it slept."""

    def __init__(self, url: str, *, auth: AuthBase | None = None, **settings: str) -> None:
        skipped = SkippedTime()
        self.slept = skipped.slept
        known = settings_for(url, **settings)
        self.connection = ODataConnection(
            settings=known, auth=auth, clock=skipped.clock, sleep=skipped.sleep
        )
        self.adapter = ExternalApiAdapter(settings=known, connection=self.connection)

    def pages(self) -> list[Page]:
        survey = Survey()
        return list(self.adapter.pages(self.adapter.first_cursor(KEY, survey), survey))

    def rows(self) -> list[Any]:
        return [json.loads(bytes(row)) for page in self.pages() for row in page.rows]


Serve = Callable[..., ScriptedSource]
Connect = Callable[..., Client]
