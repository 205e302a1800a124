"""The console in a real browser, with an API of the test's own:
what it answers is scripted, what came is kept.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from chalice.config import Config

from local.api_gateway import create_server
from support.console_stage import Visit
from support.held_jobs import held

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Route

    from support.console_stage import ConsoleStage


def whole(view: dict[str, Any]) -> dict[str, Any]:
    """A job with all that the API tells of one."""
    counts = dict.fromkeys(
        (f"{kind}_records" for kind in ("new", "updated", "duplicate", "failed", "total")), 0
    )
    empty = dict.fromkeys(
        (
            "phase",
            "retry_of",
            "retried_by",
            "cancel_requested_at",
            "waiting",
            "error",
            "heartbeat_at",
        )
    )
    rates = dict.fromkeys(
        ("progress_percentage", "expected_records", "records_per_second", "estimated_completion_at")
    )
    times = {"started_at": 1.0, "completed_at": 3.0, "execution_time_seconds": 2.0}
    facts = {
        "triggered_by": "ada",
        "parameters": {},
        "attempt": 1,
        "stats": {"pages": 2},
        "fetched_records": 1000,
    }
    return {**empty, **rates, **counts, **times, **facts, "events": [], "warnings": [], **view}


@dataclass
class Told:
    """What the API answers: jobs by their id, rows by the end of a path.
    the rest by the end of a path, errors too.
    """

    jobs: list[dict[str, Any]] = field(default_factory=lambda: [whole(held())])
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refusals: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: list[tuple[str, Any]] = field(default_factory=list)
    role: str = "operator"

    def answer(self, route: Route) -> None:
        path = route.request.url.partition("/api/v1/")[2].partition("?")[0]
        if route.request.method == "POST":
            self.sent.append((path, json.loads(route.request.post_data or "null")))
        if error := next(
            (error for end, error in self.refusals.items() if path.endswith(end)), None
        ):
            body = {"success": False, "error": {"retryable": False, "details": {}, **error}}
            route.fulfill(status=409, json=body, headers={"X-Wellhead-Role": self.role})
            return
        data = self._data(path)
        body = {"success": True, "data": data, "timestamp": "2026-11-29T01:00:00Z"}
        route.fulfill(
            status=200 if data is not None else 404,
            json=body,
            headers={"X-Wellhead-Role": self.role},
        )

    def _data(self, path: str) -> Any:
        if path == "wells/import/jobs":
            return {"jobs": self.jobs, "next_cursor": None}
        if path.startswith("wells/import/status/"):
            return next((job for job in self.jobs if path.endswith(job["job_id"])), None)
        if path in self.rows:
            return {"rows": self.rows[path], "next_cursor": None}
        return next((data for end, data in self.answers.items() if path.endswith(end)), None)


@contextmanager
def console(project: Path) -> Iterator[str]:
    """The address of the app; behind it nothing runs."""
    sys.modules.pop("app", None)
    app = importlib.import_module("app").app
    config = Config.create(
        chalice_stage="local", chalice_app=app, app_name="wellhead", project_dir=str(project)
    )
    server = create_server(app, config, port=0).start()
    yield server.url
    server.stop()


@contextmanager
def visit(
    url: str,
    browser: Browser,
    told: Told,
    path: str,
    *,
    known: tuple[str, ...] = (),
    refusal: int = 409,
    **options: Any,
) -> Iterator[Page]:
    """The console at this place, signed in, while the API is what it is told to be.
    It may ask what is `known` too, and be refused with this status.
    """
    stack = SimpleNamespace(api_url=url, token="t")
    stage = cast(
        "ConsoleStage", SimpleNamespace(browser=browser, stack=stack, url=f"{url}/console")
    )
    visit = Visit(stage, is_tab=True, **options)
    visit.known += known
    visit.expected.append(
        re.compile(f"Failed to load resource: the server responded with a status of {refusal} ")
    )
    visit.context.route("**/api/v1/**", told.answer)
    visit.open("/imports")
    visit.page.evaluate(
        "() => localStorage.clear()"
    )  # the units that an earlier visit of this browser chose
    yield visit.go(path)
    visit.page.goto("about:blank")  # nothing is asked any more when the script no longer answers
    visit.end()
