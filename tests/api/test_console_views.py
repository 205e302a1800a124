"""Every view is an address, every figure honest:
ratios of a field, changes of a job, SQL as a plot, even columns.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from support.scripted_console import Told, visit, whole

from local.pictures.browser import find_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.skipif(
    find_browser() is None,
    reason="there is no Chromium here: apt-get install chromium-headless-shell",
)
JOB = "01a20000-0000-7000-8000-000000000001"
YEARS = "SELECT year, oil FROM y"
WELLS = "SELECT well, oil FROM w"


def totals() -> list[dict[str, Any]]:
    """Of a field of two wells until 2022, of three from then on;
    one of them tells gas alone, and no days.
    """
    return [
        {
            "source": "default",
            "production_period": f"{2021 + place // 12}-{place % 12 + 1:02}-01",
            "period_days": 30,
        }
        | {
            "wells": 2 + place // 12,
            "oil_production_kbd": 20.0 - place / 2,
            "gas_production_mmcfd": 500.0,
        }
        | {"liquids_production_kbd": None, "water_production_kbd": 9.0 + place / 8}
        | {
            "cut_water_kbd": 5.0,
            "cut_liquids_kbd": 15.0,
            "ratio_gas_mmcfd": 20.0,
            "ratio_oil_kbd": 10.0,
        }
        | {"oil_producing_kbd": 25.0, "gas_producing_mmcfd": None}
        | {"liquids_producing_kbd": None, "water_producing_kbd": 12.5}
        for place in range(24)
    ]


@dataclass
class Answers(Told):
    """To statements, by what they say;
    and to what an import changed, by which of it is asked for.
    """

    tables: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, route: Route) -> None:
        path, _, asked = route.request.url.partition("/api/v1/")[2].partition("?")
        data = None
        if path == "wells/sql" and route.request.method == "POST":
            data = self.tables[json.loads(route.request.post_data or "{}")["statement"]]
        elif path.endswith("/changes"):
            data = {"rows": changed(parse_qs(asked)), "next_cursor": None}
        if data is None:
            return super().answer(route)
        body = {"success": True, "data": data, "timestamp": "2026-11-29T01:00:00Z"}
        return route.fulfill(json=body, headers={"X-Wellhead-Role": self.role})


def changed(asked: dict[str, list[str]]) -> list[dict[str, Any]]:
    name = {"field_code": "1", "field_name": "Volve"}
    if asked.get("by") == ["field"]:
        counts = {"new_records": 0, "updated_records": 2, "withdrawn_records": 0}
        volumes = {
            f"{product}_{side}": 1200.5 for product in PRODUCTS for side in ("before", "after")
        }
        return [
            name | counts | volumes,
            name | counts | volumes | {"oil_production_kb_after": 3.25},
        ]
    return [
        name
        | {"well_code": "12", "production_period": "2021-01-01", "change": asked["change"][0]}
        | SIDES
    ]


PRODUCTS = ("oil_production_kb", "gas_production_mmcf", "water_production_kb")
SIDES = {
    "before": {"oil_production_kbd": 1.0},
    "after": {"oil_production_kbd": 1.5},
    "differs": ["oil_production_kbd"],
}


def answer(columns: list[tuple[str, str]], rows: list[list[Any]]) -> dict[str, Any]:
    return {
        "columns": [{"name": name, "type": kind} for name, kind in columns],
        "rows": rows,
        "cut": None,
    }


def told() -> Answers:
    job = whole(
        {
            "job_id": JOB,
            "status": "COMPLETED",
            "created_at": 1.0,
            "updated_records": 2,
            "source": "default",
        }
    )
    job |= {
        "withdrawn_records": 0,
        "completeness": None,
        "accepted_by": None,
        "findings": None,
        "diff": None,
    }
    years = answer(
        [("source", "VARCHAR"), ("year", "BIGINT"), ("oil", "DOUBLE")],
        [["a", 2020, 1.5], ["a", 2021, 2.25], ["b", 2020, None], ["b", 2021, 12.0]],
    )
    wells = answer(
        [("well", "VARCHAR"), ("oil", "DECIMAL(18,3)")], [["F-1", "3.125"], ["F-2", "0.500"]]
    )
    return Answers(
        jobs=[job],
        rows={
            "wells/production/totals": totals(),
            "wells": [{"source": "default", "field_code": "1"} | NAMES],
        },
        answers={
            "wells/sql": {
                "off": None,
                "questions": [{"title": "By year", "explanation": "Mbbl", "statement": YEARS}],
            },
            "logs": {"lines": []},
        },
        tables={YEARS: years, WELLS: wells},
    )


NAMES = {
    "field_name": "Volve",
    "well_code": "12",
    "well_name": "F-12",
    "well_reference": None,
    "first_period": "2021-01-01",
    "last_period": "2022-12-01",
    "periods": 24,
}


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def shape(page: Page, name: str) -> int:
    return page.locator(f".plot [data-shape={name}]").count()


def readout(page: Page) -> list[str]:
    return page.locator(".readout tr:last-child td").all_inner_texts()


def problems(page: Page) -> list[Any]:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]


def assert_even(page: Page) -> None:
    """The figures of a column have the same decimals, but for what they were before."""
    for table in page.locator("main .frame table").all():
        for row in table.locator("thead tr").all():
            for place, head in enumerate(row.locator("th").all(), start=1):
                cells = table.locator(f"td.number:nth-child({place})").all_text_contents()
                texts = [re.sub(r" was .*", "", text) for text in cells]
                figures = [text for text in texts if re.fullmatch(r"[\d,.]+ ?%?", text)]
                assert len({len(text.partition(".")[2]) for text in figures}) <= 1, (
                    head.inner_text(),
                    figures,
                )


def test_ratios_of_a_field_are_of_the_wells_that_tell_both_sides(
    scripted_console: tuple[str, Browser],
) -> None:
    with visit(*scripted_console, told(), "/fields/1?source=default&show=oil,cut,gor") as page:
        page.locator(".plot svg").wait_for()
        assert readout(page) == ["8.5", "25 %", "2,000"]  # 500 by 8.5 would be 58,820
        page.get_by_text("A ratio is that of the wells that tell both of its sides.").wait_for()
        assert_even(page)
        page.get_by_label("Show", exact=True).select_option("producing")
        page.wait_for_url("**as=producing**")
        assert readout(page) == ["25", "25 %", "2,000"]
        page.get_by_label("Find a well").fill("F-1")
        page.wait_for_url("**search=F-1")
        press(page, "Decline analysis")
        page.get_by_text("The rates are those of 2 to 3 wells").wait_for()
        assert_even(page)
        page.go_back()
        page.get_by_text("A ratio is that of the wells").wait_for()
        assert page.get_by_label("Find a well").input_value() == "F-1"


def test_which_changes_are_shown_stands_in_the_address(
    scripted_console: tuple[str, Browser],
) -> None:
    with visit(*scripted_console, told(), f"/jobs/{JOB}") as page:
        page.get_by_role("region", name="By field, a table that scrolls").locator(
            "tbody tr"
        ).first.wait_for()
        assert_even(page)
        page.get_by_label("Which changes").select_option("updated")
        page.get_by_text("1.0 \N{RIGHTWARDS ARROW} 1.5").wait_for()
        assert page.url.endswith(f"#/jobs/{JOB}?changes=updated")
        page.reload()
        page.get_by_text("1.0 \N{RIGHTWARDS ARROW} 1.5").wait_for()
        page.set_viewport_size({"width": 390, "height": 800})
        box = page.get_by_text("1.0 \N{RIGHTWARDS ARROW} 1.5").bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 390  # of a telephone, without pushing the table aside
        page.get_by_label("Which changes").select_option("fields")
        page.get_by_role("columnheader", name="Oil after, Mbbl").wait_for()
        page.go_back()
        page.get_by_text("1.0 \N{RIGHTWARDS ARROW} 1.5").wait_for()


def test_an_answer_is_a_table_and_a_plot_with_an_address(
    scripted_console: tuple[str, Browser],
) -> None:
    with visit(*scripted_console, told(), "/sql", color_scheme="dark") as page:
        page.get_by_label("Begin with").select_option("By year")
        page.wait_for_url("**statement=SELECT**")
        page.get_by_label("Statement").press("Control+Enter")
        answer = page.get_by_role("region", name="Answer, a table that scrolls")
        answer.get_by_text("12.00", exact=True).wait_for()
        assert_even(page)
        press(page, "Plot")
        page.wait_for_url("**tab=plot")
        assert (shape(page, "line"), shape(page, "dot"), shape(page, "bar")) == (
            1,
            1,
            0,
        )  # b has one year alone
        assert page.locator(".readout tbody th, .readout tr th[scope=row]").all_inner_texts() == [
            "a",
            "b",
        ]
        assert page.locator(".readout .at").inner_text() == "2021"
        assert problems(page) == []
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390

        page.get_by_label("Statement").fill(WELLS)
        press(page, "Run")
        page.locator(".plot [data-shape=bar]").wait_for()
        assert page.locator(".plot text").all_text_contents()[-2:] == ["F-1", "F-2"]
        page.get_by_label("Log scale").check()
        page.wait_for_url("**log=1")
        with page.expect_download() as saved:
            press(page, "Save the plot as PNG")
        assert saved.value.suggested_filename == "answer.png"
        page.go_back()
        page.go_back()  # what came of it is still there
        page.locator(".plot [data-shape=line]").wait_for()
        assert page.get_by_label("Statement").input_value() == YEARS
        assert (
            page.get_by_label("Begin with").evaluate("each => each.selectedOptions[0].text")
            == "By year"
        )
