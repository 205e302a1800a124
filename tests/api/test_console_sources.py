"""The sources in the console of a real browser:
the list, one of them, and jobs, wells and sums by source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.api_answers import JOB_ID
from support.console_stage import MARKUP
from support.held_jobs import NEXT_ID, held
from support.scripted_console import Told, visit, whole
from support.sources_api import SourcesApi, summary

from local.pictures.browser import find_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.skipif(
    find_browser() is None,
    reason="there is no Chromium here: apt-get install chromium-headless-shell",
)
NOW = 1_795_914_000.0  # of the API's clock, 2026-11-29T01:00:00Z
NONE = "\N{EN DASH}"
SETTINGS = summary(
    "default",
    version=None,
    kind="odata",
    is_of_settings=True,
    last_import={"job_id": JOB_ID, "at": NOW - 3 * 3600 - 60},
)
VOLVE = {"kind": "files", "url": "s3://wells/volve/*.csv", "preset": "volve", "name": "volve"}


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def seen(page: Page, selector: str, text: str) -> None:
    page.locator(selector).filter(has_text=text).first.wait_for()


def complaints(page: Page) -> list[Any]:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    found: list[Any] = (
        Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    )
    return found


def cells(page: Page) -> list[list[str]]:
    page.locator("tbody tr").first.wait_for()
    return [row.locator("td").all_inner_texts() for row in page.locator("tbody tr").all()]


# --------------------------------------------------------------------------------------------- the list


def test_the_list_tells_kind_periods_freshness_and_version(
    scripted_console: tuple[str, Browser],
) -> None:
    api = SourcesApi(listed=[SETTINGS], sources={"volve": VOLVE})
    with visit(*scripted_console, api, "/sources") as page:
        assert cells(page) == [
            [
                "default",
                "OData",
                "months",
                "3 hours ago 28 Nov 2026, 21:59:00",
                "by hand",
                "settings",
                "Import now",
            ],
            ["volve", "Files", "months", "never", "by hand", "1", "Import now\nDelete …"],
        ]
        assert page.get_by_role("link", name="Sources").get_attribute("aria-current") == "page"
        page.get_by_role("link", name="volve").click()
        page.wait_for_url("**#/sources/volve")


@pytest.mark.parametrize(("role", "buttons"), [("reader", []), ("operator", ["Import now"])])
def test_who_may_not_change_sources_has_no_button_for_it(
    scripted_console: tuple[str, Browser], role: str, buttons: list[str]
) -> None:
    api = SourcesApi(sources={"volve": VOLVE}, role=role)
    with visit(*scripted_console, api, "/sources") as page:
        assert cells(page)[0][:6] == ["volve", "Files", "months", "never", "by hand", "1"]
        assert page.locator("main").get_by_role("button").all_inner_texts() == buttons
        assert page.get_by_role("link", name="Add a source").count() == 0
        page.get_by_role("link", name="volve").click()
        seen(page, "pre", 'url = "s3://wells/volve/*.csv"')
        assert page.locator("main").get_by_role("button").all_inner_texts() == buttons
        assert page.get_by_role("link", name="Change").count() == 0

        page.goto(page.url.replace("/sources/volve", "/new-source"))
        seen(page, "main p", "needs a token with the role admin")
        assert page.locator("main").get_by_role("textbox").count() == 0


def test_a_schedule_is_shown_paused_and_resumed(scripted_console: tuple[str, Browser]) -> None:
    pause = {
        "at": NOW - 60,
        "by": None,
        "reason": "5 imports in a row have failed.",
        "code": "SOURCE_UNAVAILABLE",
    }
    daily = {
        "schedule": "0 5 * * *",
        "timezone": "Europe/Oslo",
        "fresh_for": "26 h",
        "last_due_job_id": JOB_ID,
    }
    due = {
        "next_due": NOW + 3600,
        "last_due": NOW - 82_800,
        "skipped": 2,
        "stale_since": NOW - 3600,
    }
    listed = [
        summary("daily", **daily, **due),
        summary("stopped", **daily, **due | {"next_due": None, "paused": pause}),
    ]
    api = SourcesApi(listed=listed, sources={"volve": VOLVE}, role="operator")
    with visit(*scripted_console, api, "/sources") as page:
        assert [row[3:5] for row in cells(page)] == [
            ["never too old", "29 Nov 2026, 02:00:00"],
            ["never too old", "paused"],
            ["never", "by hand"],
        ]
        page.get_by_role("link", name="daily").click()
        for text in ("0 5 * * * (Europe/Oslo)", "29 Nov 2026, 00:00:00, it is fresh for 26 h"):
            seen(page, "dd", text)
        press(page, "Pause the schedule")
        page.get_by_role("button", name="Resume the schedule").wait_for()
        seen(page, "dd", "ada has paused it.")
        assert complaints(page) == []
        press(page, "Resume the schedule")
        page.get_by_role("button", name="Pause the schedule").wait_for()
        assert [path for path, _ in api.sent] == ["sources/daily/pause", "sources/daily/resume"]


def test_an_import_is_started_by_its_source_and_followed(
    scripted_console: tuple[str, Browser],
) -> None:
    api = SourcesApi(sources={"volve": VOLVE}, answers={"trigger": {"job_id": JOB_ID}})
    with visit(*scripted_console, api, "/sources") as page:
        with page.expect_request("**/trigger?**") as asked:
            page.get_by_role("button", name="Import volve now").click()
        page.wait_for_url(f"**#/jobs/{JOB_ID}")
        assert asked.value.url.endswith("trigger?source=volve")
        assert asked.value.headers["idempotency-key"]


def test_a_second_import_names_the_one_that_runs(scripted_console: tuple[str, Browser]) -> None:
    details = {"job_id": JOB_ID, "started_at": 5.0}
    running = {
        "code": "BUSINESS_RULE_VIOLATION",
        "rule": "SINGLE_IMPORT_RULE",
        "message": "One runs.",
        "details": details,
    }
    api = SourcesApi(sources={"volve": VOLVE}, refusals={"trigger": running})
    with visit(*scripted_console, api, "/sources") as page:
        page.get_by_role("button", name="Import volve now").click()
        seen(page, "[role=alert]", JOB_ID)
        press(page, "Follow it")
        page.wait_for_url(f"**#/jobs/{JOB_ID}")


def test_deleting_says_what_becomes_of_the_rows_and_asks_first(
    scripted_console: tuple[str, Browser],
) -> None:
    api = SourcesApi(listed=[SETTINGS], sources={"volve": VOLVE})
    with visit(*scripted_console, api, "/sources") as page:
        page.get_by_role("button", name="Delete volve …").click()
        seen(page, "dialog", "The rows that it has brought stay published under its name")
        assert complaints(page) == []
        press(page, "Keep it")
        assert api.sent == []
        page.get_by_role("button", name="Delete volve …").click()
        press(page, "Delete the source")
        page.get_by_role("link", name="volve").wait_for(state="detached")
        assert api.sent == [("DELETE volve", None)]
        assert '"1"' in [headers.get("if-match") for headers in api.headers]
        assert page.get_by_role("button", name="Delete default …").count() == 0


def test_one_source_shows_its_definition_and_where_its_imports_and_data_are(
    scripted_console: tuple[str, Browser],
) -> None:
    api = SourcesApi(sources={"volve": VOLVE})
    with visit(*scripted_console, api, "/sources/volve") as page:
        seen(page, ".facts dd", "s3://wells/volve/*.csv")
        assert page.locator("pre").inner_text().splitlines() == [
            'kind = "files"',
            'url = "s3://wells/volve/*.csv"',
            'preset = "volve"',
            'name = "volve"',
        ]
        assert complaints(page) == []
        links = {
            link.inner_text(): link.get_attribute("href")
            for link in page.locator(".actions a").all()
        }
        assert links == {
            "Change": "#/sources/volve/change",
            "Its imports": "#/history?source=volve",
            "Its data": "#/data?source=volve",
        }


def test_an_address_that_can_be_no_source_is_no_page(scripted_console: tuple[str, Browser]) -> None:
    none = "There is no such page"
    with visit(*scripted_console, SourcesApi(), "/sources") as page:
        own = page.url.partition("#")[0]
        for path in (
            "/sources/%3Cimg%20src=x%3E",
            "/sources/../x",
            "/sources/A B",
            f"/sources/{'x' * 41}",
        ):
            page.goto(f"{own}#/sources")
            page.get_by_role("heading", name=none).wait_for(state="detached")
            page.goto(f"{own}#{path}")
            page.get_by_role("heading", name=none).wait_for()


# --------------------------------------------------------------------------------------------- imports by source


def test_imports_are_told_and_started_by_their_source(
    scripted_console: tuple[str, Browser],
) -> None:
    jobs = [
        whole(held()) | {"source": "volve"},
        whole(held()) | {"job_id": NEXT_ID, "source": "default"},
    ]
    api = SourcesApi(
        jobs=jobs,
        listed=[SETTINGS],
        sources={"volve": VOLVE},
        answers={"trigger": {"job_id": JOB_ID}},
    )
    with visit(*scripted_console, api, "/imports") as page:
        seen(page, ".ended dd", "volve")
        seen(page, ".recent", "default: ")
        page.get_by_label("Source", exact=True).select_option("volve")
        with page.expect_request("**/trigger?**") as asked:
            press(page, "Start import")
        assert asked.value.url.endswith("trigger?full=false&source=volve")

        page.goto(page.url.replace("/imports", f"/jobs/{JOB_ID}"))
        seen(page, ".headline", "of volve")
        page.get_by_role("link", name="History", exact=True).first.click()
        seen(page, "td", "default")
        with page.expect_request("**/jobs?limit=25&source=volve") as asked:
            page.get_by_label("Source", exact=True).select_option("volve")
        page.wait_for_url("**#/history?source=volve")


def test_with_one_source_there_is_nothing_to_choose(scripted_console: tuple[str, Browser]) -> None:
    api = SourcesApi(listed=[SETTINGS])
    with visit(*scripted_console, api, "/imports") as page:
        page.locator(".ended").wait_for()
        assert page.get_by_label("Source", exact=True).is_hidden()


# --------------------------------------------------------------------------------------------- data by source


def row(source: str, **more: Any) -> dict[str, Any]:
    names = {
        "source": source,
        "field_code": "1",
        "field_name": "Volve",
        "well_code": "7",
        "well_name": f"F-{source}",
    }
    rates = {"oil_production_kbd": 2.0, "liquids_production_kbd": 2.5, "water_production_kbd": 0.0}
    facts = {
        "production_period": "2020-01-01",
        "period_days": 31,
        "days_on_production": None,
        "source_rows": 1,
    }
    return {
        **names,
        "well_reference": None,
        **facts,
        **rates,
        "gas_production_mmcfd": None,
        "wells": 1,
        **more,
    }


class TwoSources(Told):
    """Of the rows those of the source that is asked for."""

    def answer(self, route: Any) -> None:
        asked = dict(
            part.split("=")
            for part in route.request.url.partition("?")[2].split("&")
            if "=" in part
        )
        wanted = [asked["source"]] if "source" in asked else ["norway", "north-sea"]
        periods = {"first_period": "2020-01-01", "last_period": "2020-01-01", "periods": 1}
        rows = [row(source) for source in wanted]
        self.rows = dict.fromkeys(("wells/production", "wells/production/totals"), rows)
        self.rows |= {"wells": [each | periods for each in rows], "wells/production/revisions": []}
        super().answer(route)


def two_sources() -> TwoSources:
    counts = (
        "rows",
        "wells",
        "fields",
        "wells_with_gaps",
        "replaced_rows",
        "rejected_rows",
        "missing_periods",
    )
    facts: dict[str, Any] = dict.fromkeys(counts, 1) | {
        "first_period": None,
        "last_period": None,
        "last_import": None,
    }
    known = [{"source": "norway"}, {"source": "north-sea"}]
    told = facts | {"snapshot": {"name": "n", "bytes": 1, "sha256": "s"}, "sources": known}
    return TwoSources(answers={"production/summary": told})


def test_wells_and_sums_are_shown_of_the_source_that_is_chosen(
    scripted_console: tuple[str, Browser],
) -> None:
    with visit(*scripted_console, two_sources(), "/data") as page:
        page.get_by_role("heading", name="All wells of norway together").wait_for()
        page.get_by_label("Source", exact=True).select_option("north-sea")
        page.wait_for_url("**#/data?source=north-sea**")
        page.get_by_role("heading", name="All wells of norway together").wait_for(state="detached")
        page.get_by_role("heading", name="All wells of north-sea together").wait_for()
        seen(page, ".found td", "F-north-sea")
        assert page.get_by_role("link", name="F-norway").count() == 0
        page.get_by_label("Find a well").fill("F")
        page.wait_for_url("**#/data?source=north-sea**search=F")


def test_a_well_and_a_field_that_two_sources_tell_of_are_shown_of_one(
    scripted_console: tuple[str, Browser],
) -> None:
    with visit(*scripted_console, two_sources(), "/wells/1/7") as page:
        page.get_by_role("heading", name="F-norway").wait_for()
        assert cells(page) == [["Jan 2020", "2", NONE, "2.5", "0", NONE]]
        page.get_by_label("Source", exact=True).select_option("north-sea")
        page.wait_for_url("**#/wells/1/7?source=north-sea&units=**")
        page.get_by_role("heading", name="F-north-sea").wait_for()
        assert page.get_by_label("Source", exact=True).input_value() == "north-sea"

        page.goto(page.url.partition("#")[0] + "#/fields/1")
        page.get_by_role("heading", name="Volve", level=1).wait_for()
        page.locator(".plot svg").wait_for()
        page.get_by_label("Source", exact=True).select_option("north-sea")
        page.wait_for_url("**#/fields/1?source=north-sea&units=**")


@pytest.mark.by_lot
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_the_list_is_accessible_and_fits(
    scripted_console: tuple[str, Browser], scheme: str, width: int
) -> None:
    api = SourcesApi(listed=[SETTINGS], sources={"volve": VOLVE, "x" * 40: VOLVE})
    size = {"width": width, "height": 800}
    with visit(*scripted_console, api, "/sources", color_scheme=scheme, viewport=size) as page:
        page.locator("tbody tr").nth(2).wait_for()
        assert complaints(page) == []
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_what_a_source_is_said_to_be_stays_text(scripted_console: tuple[str, Browser]) -> None:
    evil = MARKUP
    api = SourcesApi(
        listed=[SETTINGS | {"name": evil, "kind": evil, "period": evil}],
        sources={"volve": {"url": evil}},
    )
    with visit(*scripted_console, api, "/sources") as page:
        seen(page, "td", evil)
        page.goto(page.url.replace("/sources", "/sources/volve"))
        page.locator("pre").wait_for()
        assert page.locator("main img, main script").count() == 0
