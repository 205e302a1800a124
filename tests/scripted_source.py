"""An HTTP server that answers what it is told to, request by request, and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

from chalicelib.external_api import ExternalApiAdapter, Page
from chalicelib.settings import Settings
from local.loopback import LoopbackHandler, LoopbackServer

if TYPE_CHECKING:
    from requests.auth import AuthBase

PATH = "/odata/Wells"


class Asked(NamedTuple):
    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Step = Answer | Callable[["ScriptedHandler"], object]
"""An answer, or what writes one by hand."""


class ScriptedHandler(LoopbackHandler):
    source: ClassVar[ScriptedSource]

    def do_GET(self) -> None:  # noqa: N802  http.server's name
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        step = self.source.next_step(Asked(url.path, query, headers))
        if isinstance(step, Answer):
            self.answer(step.status, step.body, {"Content-Type": "application/json"} | step.headers)
        else:
            self.close_connection = True
            step(self)

    def raw(self, *parts: bytes) -> None:
        for part in parts:
            self.wfile.write(part)
            self.wfile.flush()


class ScriptedSource:
    """Serves the steps in order, the last one again and again, inside a `with`."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.asked: list[Asked] = []
        handler = type("Handler", (ScriptedHandler,), {"source": self})
        self._server = LoopbackServer(handler)

    @property
    def root(self) -> str:
        return self._server.url

    @property
    def url(self) -> str:
        return self._server.url + PATH

    @property
    def port(self) -> int:
        return self._server.server_port

    def next_step(self, asked: Asked) -> Step:
        self.asked.append(asked)
        return self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()


def rows(first: int, count: int) -> list[dict[str, Any]]:
    return [{"well_code": number} for number in range(first, first + count)]


def page(value: list[Any], **more: Any) -> bytes:
    return json.dumps({"value": value} | {name.replace("odata_", "@odata."): more[name] for name in more}).encode()


KEY = ("field_code", "well_code", "production_period")


class Client:
    """An adapter on a source, and the seconds that it slept."""

    def __init__(self, url: str, *, auth: AuthBase | None = None, **settings: str) -> None:
        self.slept: list[float] = []
        environment = {
            "WELLHEAD_TABLE": "-",
            "WELLHEAD_IMPORT_FUNCTION": "-",
            "WELLHEAD_WAREHOUSE": "/-",
            "WELLHEAD_SOURCE_URL": url,
            "WELLHEAD_PAGE_SIZE": "2",
        }
        environment |= {f"WELLHEAD_{name.upper()}": value for name, value in settings.items()}
        self.adapter = ExternalApiAdapter(
            settings=Settings.from_environment(environment), auth=auth, sleep=self.slept.append
        )

    def pages(self) -> list[Page]:
        return list(self.adapter.pages(self.adapter.first_cursor(KEY), KEY))

    def rows(self) -> list[Any]:
        return [json.loads(bytes(row)) for page in self.pages() for row in page.rows]


Serve = Callable[..., ScriptedSource]
Connect = Callable[..., Client]
