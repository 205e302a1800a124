"""What the tests of the console stand on:
a local stack, a source that the test holds in its hand, a browser.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self
from weakref import WeakKeyDictionary

from chalicelib.api.tokens import Role
from chalicelib.jobs.lock import Lease
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.table import Table
from local.aws.loopback import LoopbackHandler
from local.source.faults import Faults
from local.source.production import GeneratedProduction
from local.stack import DEFAULTS, LocalStack, Source
from local.tokens import tell_running_stack
from support.coordination import aws_client
from support.held_rows import held
from support.stack import job_at_its_end, trigger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Request

    from chalicelib.files.json_lines import Key
    from local.source.server import SampleSource

GENERATED = 2_000
PAGE_SIZE = 400
SLOW_SECONDS = 0.4  # for each page: a worker tells how far it is
EXPECTED = re.compile(
    r"Failed to load resource: the server responded with a status of (400|401|403|404|409|410|412) "
)
OFFLINE = re.compile(r"Failed to load resource: net::ERR_INTERNET_DISCONNECTED")

MARKUP = '<script>document.title="owned"</script><img src=x onerror=alert(1)>'
QUOTES = 'O\'Neil "A" & <b>B</b> `${x}`'
# A right-to-left override and two such scripts.
BACKWARDS = "Gulf \u202egnp.exe \u0634\u0645\u0627\u0644 \u05d0"
FORMULA = '=HYPERLINK("http://127.0.0.1")'
GAP_FIELD, HOSTILE_FIELD, LONELY_FIELD = 9_000, 9_001, 9_002
GAP_WELL = 900_000_000_100
LONG_CODE = 9_007_199_254_740_993  # 2^53 + 1: a double does not hold it


class GivenRows:
    """Generated rows, and behind them those that a test wants."""

    ordered = False

    def __init__(self, revision: int) -> None:
        self._rows = GeneratedProduction(GENERATED, revision=revision).page(0, GENERATED)
        given = [
            *gap_rows(revision),
            *hostile_rows(),
            row(1, "2024-01-01", field_code=LONELY_FIELD, well_name="Lonely"),
        ]
        self._rows += [json.dumps(each).encode() for each in given]

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, position: int) -> Key:
        row = json.loads(self._rows[position])
        return row["field_code"], row["well_code"], row["production_period"]

    def page(self, skip: int, top: int) -> list[bytes]:
        return self._rows[skip : skip + top]


class SpoiltRows(GivenRows):
    """Every fifth without a period: too many for an import that nobody looks at."""

    def page(self, skip: int, top: int) -> list[bytes]:
        rows = super().page(skip, top)
        return [spoil(each) if place % 5 == 0 else each for place, each in enumerate(rows)]


def spoil(row: bytes) -> bytes:
    return json.dumps({**json.loads(row), "production_period": "never"}).encode()


def row(well: int, period: str, **more: Any) -> dict[str, Any]:
    """One with the same four rates, high enough to be far from the axis."""
    rates = {
        "oil_production_kbd": 50.0,
        "liquids_production_kbd": 60.0,
        "water_production_kbd": 70.0,
    }
    names = {
        "field_code": GAP_FIELD,
        "field_name": "Gap Field",
        "well_code": well,
        "well_name": "Gap Well",
    }
    return names | {"production_period": period, "gas_production_mmcfd": 80.0} | rates | more


def gap_rows(revision: int) -> list[dict[str, Any]]:
    """2020 and 2022, nothing of 2021; a month alone in 2024.
    The revision changes the oil of January 2020.
    """
    periods = [f"{year}-{month:02}-01" for year in (2020, 2022) for month in range(1, 13)]
    rows = [row(GAP_WELL, period) for period in [*periods, "2024-06-01"]]
    return [{**rows[0], "oil_production_kbd": 55.5 if revision else 50.0}, *rows[1:]]


def hostile_rows() -> list[dict[str, Any]]:
    names = {1: MARKUP, 2: QUOTES, 3: BACKWARDS, 4: FORMULA, LONG_CODE: "Long Code"}
    own = {"field_code": HOSTILE_FIELD, "field_name": MARKUP}
    return [
        row(code, f"2023-0{month}-01", **own, well_name=name, well_reference=name)
        for code, name in names.items()
        for month in (1, 2)
    ]


@dataclass(frozen=True)
class ConsoleStage:
    stack: LocalStack
    source: SampleSource
    browser: Browser
    reader: str
    manager: JobManager

    @classmethod
    def prepared(cls, stack: LocalStack, source: SampleSource, browser: Browser) -> Self:
        """Two imports, so that there are revisions, and a token of each role."""
        token = stack.tokens.make("rita", Role.READER)
        path = DEFAULTS["WELLHEAD_TOKENS"]
        tell_running_stack(stack.state, "rita", stack.tokens.parameters["rita"], path=path)
        table = Table(
            dynamodb=aws_client(stack.aws_url, keys=stack.keys), name=DEFAULTS["WELLHEAD_TABLE"]
        )
        stage = cls(stack, source, browser, token, JobManager(table=table, lease=Lease()))
        stage.ended(stage.trigger())
        source.rows = GivenRows(revision=1)
        stage.ended(stage.trigger())
        return stage

    @property
    def url(self) -> str:
        return f"{self.stack.api_url}/console"

    def trigger(self) -> str:
        return trigger(self.stack.state)

    def ended(self, job_id: str) -> dict[str, Any]:
        return job_at_its_end(self.stack.state, job_id)

    @contextmanager
    def running(self) -> Iterator[None]:
        """What is imported within it does not end within it: the browser has all the time that it
        needs to see it run.
        """
        self.source.latency = SLOW_SECONDS
        with held(self.source):
            yield

    def calm(self) -> None:
        """As a test wants to find it: no import runs, the newest is completed, the source is quick
        and well.

        A test may leave a cancelled job behind, and which test comes next is the workers' affair.
        """
        self.source.latency, self.source.faults, self.source.rows = (
            0,
            Faults(),
            GivenRows(revision=1),
        )
        [newest], _ = self.manager.history(limit=1)
        if self.ended(newest.job_id)["status"] != "COMPLETED":
            assert self.ended(self.trigger())["status"] == "COMPLETED"


class Visit:
    """One person's browser, or with `is_tab` tabs of one that others use before and after: a new
    one takes a browser two seconds. At its end nothing may have been written to the browser's log
    that was not expected.
    """

    _contexts: ClassVar[WeakKeyDictionary[Browser, dict[str, BrowserContext]]] = WeakKeyDictionary()

    def __init__(self, stage: ConsoleStage, *, is_tab: bool = False, **options: Any) -> None:
        size = {"width": 1280, "height": 900}
        calm = {"color_scheme": "light", "reduced_motion": "reduce"}  # sixty pictures a second cost
        options = {"viewport": size, "locale": "en-GB", **calm, **options}
        self.stage = stage
        self._is_tab = is_tab
        self.context = self._shared(options) if is_tab else stage.browser.new_context(**options)
        self.context.set_default_timeout(45_000)
        self.problems: list[str] = []
        self.expected = [EXPECTED, OFFLINE]
        self.asked: list[str] = []
        self.known = [stage.stack.api_url, "blob:", "data:"]
        self.page = self.context.new_page()
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("dialog", self._note_dialog)
        self.page.on("request", self._note_request)

    def _shared(self, options: dict[str, Any]) -> BrowserContext:
        """Of a session of its own each tab is, by its sessionStorage;
        a blank one stays and keeps the processes.
        """
        contexts = self._contexts.setdefault(self.stage.browser, {})
        key = repr(sorted(options.items()))
        if key not in contexts:
            contexts[key] = self.stage.browser.new_context(**options)
            contexts[key].new_page()
        return contexts[key]

    def _note(self, message: ConsoleMessage) -> None:
        is_expected = any(pattern.match(message.text) for pattern in self.expected)
        if message.type in ("error", "warning") and not is_expected:
            self.problems.append(message.text)

    def _note_dialog(self, dialog: Dialog) -> None:
        self.problems.append(dialog.message)
        dialog.dismiss()

    def _note_request(self, request: Request) -> None:
        self.asked.append(request.url)

    def open(self, path: str = "/imports", *, token: str | None = None) -> Page:
        """A place of the console, signed in."""
        self.page.goto(f"{self.stage.url}#token={token or self.stage.stack.token}")
        self.page.locator(".ended, .progress").first.wait_for()
        return self.page if path == "/imports" else self.go(path)

    def go(self, path: str) -> Page:
        """Another place, whose page has taken the place of the one before: the browser tells of a
        new address before it acts on it.
        """
        before = "() => document.querySelector('#main > .page').dataset.before = ''"
        self.page.evaluate(before)
        self.page.goto(f"{self.stage.url}#{path}")
        self.page.locator("#main > [data-before]").wait_for(state="detached")
        return self.page

    def end(self) -> None:
        self.context.unroute_all(
            behavior="ignoreErrors"
        )  # one that still fetches would fail in a later test
        if self._is_tab:
            for page in self.context.pages[1:]:
                page.close()
            assert self.context.cookies() == []  # nothing is left for who comes next
        else:
            self.context.close()
        assert self.problems == []
        elsewhere = [url for url in self.asked if not url.startswith(tuple(self.known))]
        assert elsewhere == []


class Bucket(LoopbackHandler):
    """Of another origin, as S3 is."""

    def do_GET(self) -> None:  # noqa: N802  http.server's name
        self.answer(200, b"the database", {"Content-Type": "binary/octet-stream"})


def environment() -> dict[str, str]:
    return {**os.environ, "WELLHEAD_PAGE_SIZE": str(PAGE_SIZE)}


def start_stack(state: Path, source: SampleSource) -> LocalStack:
    return LocalStack(
        source=Source(url=source.url), state=state, port=0, user_environment=environment()
    )
