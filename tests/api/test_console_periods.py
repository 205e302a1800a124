"""Codes that are text and periods of any length, in the console of a real browser."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.scripted_console import Told, visit

from local.pictures.browser import find_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.skipif(
    find_browser() is None,
    reason="there is no Chromium here: apt-get install chromium-headless-shell",
)
FIELD, WELL = "0071", "NO 15/9-F-12 #1 100%?"
ENCODED = "NO%2015%2F9-F-12%20%231%20100%25%3F"
NONE = "\N{EN DASH}"
QUARTERS = ["2020-01-01", "2020-04-01", "2021-01-01"]


def row(period: str, days: int | None, **more: Any) -> dict[str, Any]:
    names = {
        "source": "default",
        "field_code": FIELD,
        "field_name": "Volve",
        "well_code": WELL,
        "well_name": "F-12",
    }
    rates = {"oil_production_kbd": 2.0, "liquids_production_kbd": 2.5, "water_production_kbd": 0.0}
    facts = {
        "production_period": period,
        "period_days": days,
        "days_on_production": None,
        "source_rows": 3,
    }
    return {**names, "well_reference": None, **facts, **rates, "gas_production_mmcfd": None, **more}


def told(*rows: dict[str, Any]) -> Told:
    well = {
        name: rows[0][name]
        for name in ("source", "field_code", "field_name", "well_code", "well_name")
    }
    periods = {
        "well_reference": None,
        "first_period": "2020-01-01",
        "last_period": "2020-01-01",
        "periods": len(rows),
    }
    totals = [{**each, "wells": 1} for each in rows]
    found = {
        "wells": [well | periods],
        "wells/production": list(rows),
        "wells/production/totals": totals,
    }
    snapshot = {"name": "n", "bytes": 1, "sha256": "s"}
    counts: dict[str, Any] = dict.fromkeys(
        ("rows", "wells", "fields", "wells_with_gaps", "replaced_rows", "rejected_rows"), 1
    )
    summary: dict[str, Any] = {
        **counts,
        "missing_periods": 7,
        "missing_months": 3,
        "first_period": None,
        "last_period": None,
    }
    summary |= {"last_import": None, "snapshot": snapshot}
    return Told(
        rows=found | {"wells/production/revisions": []}, answers={"production/summary": summary}
    )


def days(*gone: int) -> list[dict[str, Any]]:
    """Ten days, but for these."""
    first = date(2020, 1, 1)
    return [
        row((first + timedelta(days=place)).isoformat(), 1)
        for place in range(10)
        if place not in gone
    ]


def seen(page: Page, selector: str, text: str) -> None:
    page.locator(selector).filter(has_text=text).first.wait_for()


def periods(page: Page) -> list[str]:
    page.locator(".plot svg").wait_for()
    return page.locator("tbody tr td:first-child").all_inner_texts()


PLACE = f"/wells/{FIELD}/{ENCODED}?source=default"


def test_a_code_of_any_signs_has_an_address_and_is_asked_for_as_it_is(
    scripted_console: tuple[str, Browser],
) -> None:
    api = told(row("2020-01-01", 31))
    with visit(*scripted_console, api, "/data") as page:
        with page.expect_request("**/wells/production?**") as asked:
            page.get_by_role("link", name="F-12").click()
        seen(page, ".facts dd", WELL)
        assert page.url.partition("#")[2] == f"{PLACE}&units=Mbbl,MMcf"
        assert (
            f"field_code={FIELD}&well_code=NO+15%2F9-F-12+%231+100%25%3F&source=default"
            in asked.value.url
        )
        with page.expect_download() as downloaded:
            page.get_by_role("button", name="Download as CSV").click()
        assert downloaded.value.suggested_filename == "well-NO_15_9-F-12_1_100_.csv"
        saved = downloaded.value.path().read_bytes().decode()
        assert saved.startswith("\ufeff")
        head, line = saved.removeprefix("\ufeff").splitlines()
        cells = dict(zip(head.split(","), line.split(","), strict=True))
        assert {name: cells[name] for name in ("source", "field_code", "period_days", "source_rows")} == {
            "source": "default", "field_code": FIELD, "period_days": "31", "source_rows": "3",
        }  # fmt: skip
        page.get_by_role("link", name="Volve").click()
        page.wait_for_url(f"**#/fields/{FIELD}?source=default&units=**")
        page.locator(".plot svg").wait_for()


def test_a_file_is_as_the_readers_own_excel_takes_it_apart(
    scripted_console: tuple[str, Browser],
) -> None:
    with visit(
        *scripted_console,
        told({**row("2020-01-01", 31), "oil_production_kbd": -1.5}),
        PLACE,
        locale="de-DE",
    ) as page:
        with page.expect_download() as downloaded:
            page.get_by_role("button", name="Download as CSV").click()
        head, line = downloaded.value.path().read_text("utf-8-sig").splitlines()
        cells = dict(zip(head.split(";"), line.split(";"), strict=True))
        assert (cells["well_code"], cells["oil_production_kbd"]) == (WELL, "-1,5")


def test_days_are_told_as_days_and_a_missing_one_is_a_gap(
    scripted_console: tuple[str, Browser],
) -> None:
    with visit(*scripted_console, told(*days(4, 5, 6)), PLACE) as page:
        assert periods(page)[-2:] == ["2 Jan 2020", "1 Jan 2020"]
        seen(page, "[role=status]", "7 periods. 3 days are missing.")
        page.locator(".plot").press("Home")
        seen(page, "#said", "1 Jan 2020, Oil 2 Mbbl/d")


def test_days_without_a_gap_miss_nothing(scripted_console: tuple[str, Browser]) -> None:
    with visit(*scripted_console, told(*days()), PLACE) as page:
        seen(page, "[role=status]", "10 periods. Drag")


@pytest.mark.parametrize(
    ("rows", "names", "note"),
    [
        (
            [row(day, 91) for day in QUARTERS],
            ["Q1 2021", "Q2 2020", "Q1 2020"],
            "2 quarters are missing.",
        ),
        (
            [row("2020-01-01", 366), row("2023-01-01", 365)],
            ["2023", "2020"],
            "2 years are missing.",
        ),
        (
            [row("2020-01-01", 31), row("2020-03-01", 31)],
            ["Mar 2020", "Jan 2020"],
            "1 month is missing.",
        ),
        (
            [row("2020-02-01", None), row("2020-03-01", None)],
            ["Mar 2020", "Feb 2020"],
            "2 periods. Drag",
        ),
    ],
    ids=["quarters", "years", "months", "months of an older file"],
)
def test_periods_are_called_and_missed_by_their_length(
    scripted_console: tuple[str, Browser], rows: list[dict[str, Any]], names: list[str], note: str
) -> None:
    with visit(*scripted_console, told(*rows), PLACE) as page:
        assert periods(page) == names
        seen(page, "[role=status]", note)


def test_a_volume_is_a_rate_times_the_days_of_its_period(
    scripted_console: tuple[str, Browser],
) -> None:
    given = [row("2020-01-01", 366), row("2021-01-01", 365, oil_production_kbd=None)]
    with visit(*scripted_console, told(*given), PLACE) as page:
        periods(page)
        page.get_by_label("Show", exact=True).select_option("Volume of the period")
        page.locator("th").get_by_text("Oil, Mbbl", exact=True).first.wait_for()
        cells = [line.locator("td").all_inner_texts() for line in page.locator("tbody tr").all()]
        assert cells == [
            ["2021", NONE, NONE, "912.5", "0", NONE],
            ["2020", "732", NONE, "915.0", "0", NONE],
        ]
        page.locator(".plot").press("Home")
        seen(page, "#said", "2020, Oil 732 Mbbl")
        page.get_by_label("Log scale").check()
        page.get_by_label("Show", exact=True).select_option("Rate a calendar day")
        seen(page, "th", "Oil, Mbbl/d")
        seen(page, "[role=status]", "no place on a log scale")
        assert page.locator(".plot svg").count() == 1


def test_sums_of_two_sources_are_never_added(scripted_console: tuple[str, Browser]) -> None:
    two = [row("2020-01-01", 31), row("2020-02-01", 29), row("2020-01-01", 31, source="bsee")]
    with visit(*scripted_console, told(*two), "/data") as page:
        page.get_by_role("heading", name="All wells of default together").wait_for()
        page.get_by_role("heading", name="All wells of bsee together").wait_for()
        seen(page, ".tiles", "7 periods missing")
