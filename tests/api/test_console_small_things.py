"""The console's words where there is little to say:
nothing yet, a part of it, an error, how far it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from support.api_answers import JOB_ID
from support.held_jobs import held
from support.scripted_console import Told, visit, whole

from local.pictures.browser import find_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.skipif(
    find_browser() is None,
    reason="there is no Chromium here: apt-get install chromium-headless-shell",
)
TIMES = {"created": 0, "claimed": 2, "merging": 12, "publishing": 15}


def a_job(status: str, **facts: Any) -> dict[str, Any]:
    events = [
        {"event": event, "at": 1000.0 + at, "by": "ada", "attempt": 1}
        for event, at in TIMES.items()
    ]
    told = {
        "job_id": JOB_ID,
        "status": status,
        "created_at": 1000.0,
        "started_at": 1002.0,
        "events": events,
    }
    return {**whole(held()), "findings": [], "accept_until": None, "error": None, **told, **facts}


def texts(page: Page, selector: str) -> list[str]:
    return [" ".join(text.split()) for text in page.locator(selector).all_inner_texts()]


def test_before_the_first_import_it_says_so_and_a_part_can_be_asked_for(
    scripted_console: tuple[str, Browser],
) -> None:
    api, asked = Told(jobs=[a_job("COMPLETED")]), []
    with visit(*scripted_console, api, "/imports") as page:
        page.locator(".ended").wait_for()
        api.jobs = []
        page.reload()
        page.get_by_role("heading", name="No import yet").wait_for()
        page.get_by_text("Start one: its progress shows here.").wait_for()
        assert page.locator(".loading").count() == 0

        page.on(
            "request",
            lambda request: asked.append(request.url) if request.method == "POST" else None,
        )
        api.answers["/trigger"] = {"job_id": JOB_ID}
        api.jobs = [
            a_job(
                "RUNNING",
                phase="PUBLISHING",
                progress_percentage=97.4,
                completed_at=None,
                waiting=None,
            )
        ]
        page.get_by_text("Only a part of the source").click()
        page.get_by_label("Code of the field").fill("43506")
        page.get_by_label("Production to").fill("2024-03-31")
        with page.expect_request(lambda request: request.method == "POST"):
            page.get_by_role("button", name="Start import").click()
        page.locator(".progress").wait_for()

        assert [parse_qs(urlsplit(url).query) for url in asked] == [
            {"full": ["false"], "field_code": ["43506"], "to": ["2024-03-31"]}
        ]
        page.wait_for_function("() => document.title === '97 % · Imports · Wellhead'")
        shown = texts(page, ".phases li")
        assert shown[:3] == ["Waiting 2.0 s", "Fetching 10 s", "Merging 3.0 s"]
        assert re.fullmatch(r"Publishing \d.*", shown[4])


def test_the_phases_of_an_ended_import_are_bars_as_wide_as_they_were_long(
    scripted_console: tuple[str, Browser],
) -> None:
    done = a_job(
        "COMPLETED",
        completed_at=1016.0,
        parameters={"full": True, "field_code": "7", "from": "2024-01-01"},
    )
    with visit(*scripted_console, Told(jobs=[done]), f"/jobs/{JOB_ID}") as page:
        page.locator(".phases.spent").wait_for()
        assert texts(page, ".spent li") == [
            "Waiting 2.0 s",
            "Fetching 10 s",
            "Merging 3.0 s",
            "Publishing 1.0 s",
        ]
        widths = [each.bounding_box()["width"] for each in page.locator(".spent li").all()]  # type: ignore[index]
        assert sorted(widths, reverse=True) == [widths[1], widths[2], widths[0], widths[3]]
        page.get_by_text("everything, field 7, from 2024-01-01").wait_for()


def test_an_error_is_alone_and_figures_have_the_digits_of_the_sentence(
    scripted_console: tuple[str, Browser],
) -> None:
    api = Told(
        jobs=[a_job("COMPLETED", total_records=12345, new_records=12345, fetched_records=12345)]
    )
    with visit(*scripted_console, api, f"/jobs/{JOB_ID}", locale="ar-EG") as page:
        page.locator(".outcomes").wait_for()
        assert "12" in page.locator(".outcomes .new dd").inner_text()
        assert not re.search(r"[\u0660-\u0669]", page.locator("main").inner_text())

        api.refusals["/jobs"] = {"code": "STATE_BROKEN", "message": "No."}
        page.goto(f"{page.url.partition('#')[0]}#/history")
        page.get_by_role("alert").get_by_text("No.").wait_for()
        assert "Loading" not in page.locator("main").inner_text()
