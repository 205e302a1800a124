"""The log of a job in the console of a real browser:
as it comes, as text, and where there is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.api_answers import JOB_ID
from support.console_stage import MARKUP
from support.held_jobs import held
from support.scripted_console import Told, visit, whole

from local.pictures.browser import find_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.skipif(
    find_browser() is None,
    reason="there is no Chromium here: apt-get install chromium-headless-shell",
)


def complaints(page: Page) -> list[Any]:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    found: list[Any] = (
        Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    )
    return found


def line(number: int, text: str, **more: object) -> dict[str, object]:
    return {
        "at": 1_700_000_000.0 + number,
        "level": "INFO",
        "text": text,
        "attempt": 1,
        "fence": 1,
        **more,
    }


def test_the_log_of_a_job_comes_as_it_is_written_and_is_text(
    scripted_console: tuple[str, Browser],
) -> None:
    running = whole(
        {**held(), "status": "RUNNING", "phase": "FETCHING", "error": None, "findings": []}
    )
    lines = [line(1, "attempt 1 has claimed the job"), line(2, MARKUP, level="ERROR")]
    told = Told([running], answers={"/logs": {"job_id": JOB_ID, "lines": lines}})
    with visit(*scripted_console, told, f"/jobs/{JOB_ID}") as page:
        shown = page.locator(".log li .words")
        shown.nth(1).wait_for()
        assert shown.all_inner_texts() == ["attempt 1 has claimed the job", MARKUP]
        assert page.locator(".log script, .log img").count() == 0
        assert page.locator(".log li").nth(1).get_attribute("data-level") == "error"

        told.answers["/logs"] = {
            "job_id": JOB_ID,
            "lines": [*lines, line(3, "merging", attempt=None)],
        }
        shown.nth(2).wait_for()
        told.jobs[0] = whole({**running, "status": "COMPLETED", "phase": None})
        told.answers["/logs"] = {
            "job_id": JOB_ID,
            "lines": [*lines, line(4, "the job is COMPLETED")],
        }
        page.locator(".log").get_by_text("the job is COMPLETED").wait_for()
        assert complaints(page) == []


def test_a_job_without_a_log_says_so(scripted_console: tuple[str, Browser]) -> None:
    told = Told([whole({**held(), "status": "COMPLETED", "error": None, "findings": []})])
    told.answers["/logs"] = {"job_id": JOB_ID, "lines": []}
    with visit(*scripted_console, told, f"/jobs/{JOB_ID}") as page:
        page.get_by_text("Nothing is logged of this import yet, or no longer.").wait_for()
