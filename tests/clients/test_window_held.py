"""An import that is held, in the desktop window: its findings, accepting and discarding."""

from __future__ import annotations

import importlib.util
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from support.api_answers import JOB_ID, failure, job, success
from support.held_jobs import NEXT_ID, NULLED, REJECTED, UNPROVED, accepted, held
from support.scripted_source import ScriptedSource

from local.pictures.xvfb import why_not

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.scripted_source import Answer, Asked, ScriptedHandler
    from support.window_stage import Driver

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("_tkinter") is None, reason="this Python has no tkinter"
    ),
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
]
CLASHES = {
    "check": "CONFLICTS",
    "limit": "none",
    "found": "3 keys",
    "message": "Three keys.",
    "examples": [],
}


@dataclass
class HeldApi:
    """Answers as the API does while one import is held. `refusal` is the answer to a word on it."""

    jobs: list[dict[str, Any]]
    role: str = "operator"
    refusal: Answer | None = None
    words: list[tuple[str, Any]] = field(default_factory=list)

    def answer(self, handler: ScriptedHandler) -> Answer:
        asked = handler.asked
        if asked.method == "POST":
            self.words.append((asked.path.rpartition("/")[2], json.loads(asked.body or b"null")))
            return self.refusal or success(self._take(asked))
        if asked.path.endswith("/import/jobs"):
            return success({"jobs": self.jobs, "next_cursor": None}, X_Wellhead_Role=self.role)
        known = next((each for each in self.jobs if asked.path.endswith(each["job_id"])), None)
        return success(known, X_Wellhead_Role=self.role) if known else failure(404, "NO_DATA_YET")

    def _take(self, asked: Asked) -> dict[str, Any]:
        if asked.path.endswith("/accept"):
            self.jobs.insert(0, accepted())
            return accepted("PENDING")
        self.jobs = [
            {**each, "discarded_at": 5.0, "discarded_by": "ada"}
            if each["job_id"] in asked.path
            else each
            for each in self.jobs
        ]
        return self.jobs[-1]


@contextmanager
def window(display: str, api: HeldApi) -> Iterator[Driver]:
    from support.window_stage import open_window

    with ScriptedSource(api.answer) as server, open_window(display, idle_seconds=60.0) as driver:
        driver.connect(server.root, "t")
        driver.wait(lambda: driver.link == "Connected" and api.jobs[0]["job_id"] in driver.details)
        yield driver


def test_a_held_import_shows_its_findings_and_what_it_would_change(display: str) -> None:
    with window(display, HeldApi([held(REJECTED, NULLED, UNPROVED)])) as driver:
        shown = driver.details
        assert (driver.status, driver.history()[0][0]) == ("Held", "Held")
        assert driver.history()[0][-1].startswith("until ")
        for text in (
            "Rows were rejected",
            "found: 83 of 1,000 rows",
            "limit: 5 % of the rows, and 20",
        ):
            assert text in shown
        assert "well_code NO 30/6-E-2 H" in shown
        assert "0 new, 1,000 updated, 0 unchanged, 83 rejected rows" in shown
        assert "Volve  water_production_kbd  800.5 → 0" in shown
        assert "It can be accepted until" in shown
        assert not driver.window.imports.progress.retry.winfo_manager()


def test_each_finding_is_switched_on_before_the_import_is_published(display: str) -> None:
    api = HeldApi([held(REJECTED, NULLED, UNPROVED)])
    with window(display, api) as driver:
        panel = driver.window.imports.history.held
        assert (list(panel.switches), panel.accept.cget("text")) == (
            ["REJECTED", "NULLED"],
            "Publish, and accept 2 findings",
        )
        assert panel.accept.instate(["disabled"])
        panel.switches["REJECTED"].invoke()
        assert panel.accept.instate(["disabled"])
        panel.switches["NULLED"].invoke()
        driver.press(panel.accept)
        driver.wait(lambda: driver.status == "Completed")

        assert api.words == [("accept", {"findings": ["REJECTED", "NULLED"]})]
        assert NEXT_ID in driver.details
        assert "Accepted by ada" in driver.details
        assert not panel.winfo_manager()


def test_switches_go_by_keyboard(display: str) -> None:
    api = HeldApi([held(REJECTED)])
    with window(display, api) as driver:
        panel = driver.window.imports.history.held
        panel.switches["REJECTED"].focus_force()
        driver.window.root.update()
        panel.switches["REJECTED"].event_generate("<space>")
        driver.wait(lambda: not panel.accept.instate(["disabled"]))
        panel.accept.focus_force()
        driver.window.root.update()
        panel.accept.event_generate("<space>")
        driver.wait(lambda: api.words)


def test_a_held_import_is_discarded_after_a_question(display: str) -> None:
    api = HeldApi([held()])
    with window(display, api) as driver:
        panel = driver.window.imports.history.held
        driver.press(panel.discard)
        assert driver.notice.startswith("Discard this import?")
        driver.press_in_banner("Keep it held")
        driver.press(panel.discard)
        driver.press_in_banner("Discard it")
        driver.wait(lambda: "by ada" in driver.details)

        assert api.words == [("discard", None)]
        assert not panel.winfo_manager()


def test_one_of_the_history_is_accepted_too(display: str) -> None:
    api = HeldApi([job("COMPLETED", events=[]) | {"job_id": "a-later-one"}, held(CLASHES)])
    with window(display, api) as driver:
        panel = driver.window.imports.history.held
        assert not panel.winfo_manager()
        driver.window.imports.history.listing.tree.selection_set(JOB_ID)
        driver.wait(panel.winfo_manager)
        panel.switches["CONFLICTS"].invoke()
        driver.press(panel.accept)
        driver.wait(lambda: NEXT_ID in driver.details)

        assert api.words == [("accept", {"findings": ["CONFLICTS"]})]


def test_a_refused_word_is_told(display: str) -> None:
    refusal = failure(409, "FINDINGS_DIFFER", message="Other findings hold it.")
    with window(display, HeldApi([held(REJECTED)], refusal=refusal)) as driver:
        panel = driver.window.imports.history.held
        panel.switches["REJECTED"].invoke()
        driver.press(panel.accept)
        driver.wait(lambda: driver.notice == "Other findings hold it.")
        driver.wait(lambda: not panel.accept.instate(["disabled"]))


def test_what_cannot_be_accepted_is_only_let_go(display: str) -> None:
    with window(display, HeldApi([held(NULLED | {"can_be_accepted": False})])) as driver:
        panel = driver.window.imports.history.held
        assert "It cannot be accepted." in driver.details
        assert (panel.switches, bool(panel.accept.winfo_manager())) == ({}, False)
        assert not panel.discard.instate(["disabled"])


def test_what_is_too_late_to_accept_says_why(display: str) -> None:
    with window(
        display, HeldApi([held(too_late={"message": "A later import was held since."})])
    ) as driver:
        panel = driver.window.imports.history.held
        assert "A later import was held since." in driver.details
        assert (panel.switches, bool(panel.accept.winfo_manager())) == ({}, False)


def test_a_reader_sees_the_findings_and_decides_nothing(display: str) -> None:
    with window(display, HeldApi([held(REJECTED)], role="reader")) as driver:
        panel = driver.window.imports.history.held
        assert "Rows were rejected" in driver.details
        assert panel.discard.instate(["disabled"])
        assert panel.accept.instate(["disabled"])
        assert panel.switches["REJECTED"].instate(["disabled"])


def test_an_import_that_ends_held_is_told_in_the_banner(display: str) -> None:
    running = job("RUNNING", phase="CHECKING", progress_percentage=95.0)
    api = HeldApi([running])
    with window(display, api) as driver:
        driver.wait(lambda: driver.status == "Running")
        assert driver.window.imports.progress.phase.cget("text") == "Checking"
        api.jobs[0] = held(REJECTED)
        driver.wait(
            lambda: driver.notice.startswith("The import is held, and nothing was published.")
        )

        assert driver.notice.endswith("Rows were rejected.")
        assert driver.status == "Held"
