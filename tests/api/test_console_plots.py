"""Plots as a person works with them:
panels, units, comparison, addresses, files, and a decline; in a real browser.
"""

from __future__ import annotations

import itertools
import struct
import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlparse
from xml.etree import ElementTree as ET

import pytest
from support.scripted_console import Told, visit

from local.pictures.browser import find_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.skipif(
    find_browser() is None,
    reason="there is no Chromium here: apt-get install chromium-headless-shell",
)
PLACE = "/wells/1/12?source=default"
YEARS = 10
SVG = "{http://www.w3.org/2000/svg}"


def rows(
    code: str, *, first: int = 2010, years: int = YEARS, gone: tuple[int, ...] = ()
) -> list[dict[str, Any]]:
    """Months of a hyperbolic decline from 10 thousand barrels a day,
    by 0.4 a year with an exponent of 0.5.
    """
    found = []
    start = date(first, 1, 1)
    for place in range(12 * years):
        year, month = divmod(place, 12)
        begin = date(first + year, month + 1, 1)
        days = (date(first + (place + 1) // 12, (place + 1) % 12 + 1, 1) - begin).days
        oil = 10 * (1 + 0.5 * 0.4 * ((begin - start).days + days / 2) / 365.25) ** (-1 / 0.5)
        rates = {
            "oil_production_kbd": oil,
            "liquids_production_kbd": oil,
            "water_production_kbd": oil * place / 60,
        }
        names = {"source": "default", "field_code": "1", "field_name": "Volve", "well_code": code}
        facts = {
            "well_name": f"F-{code}",
            "well_reference": None,
            "source_rows": 1,
            "days_on_production": days / 2,
        }
        period = {
            "production_period": begin.isoformat(),
            "period_days": days,
            "gas_production_mmcfd": 2 * oil,
        }
        if place not in gone:
            found.append({**names, **facts, **period, **rates})
    return found


@dataclass
class Wells(Told):
    """Two wells, each with rows of its own, and revisions of the first."""

    revised: int = 0
    asked: list[dict[str, list[str]]] = field(default_factory=list)  # of the register
    wells: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def answer(self, route: Route) -> None:
        asked = parse_qs(urlparse(route.request.url).query)
        code = asked.get("well_code", [""])[0]
        path = urlparse(route.request.url).path
        if path.endswith("/register"):
            self.asked.append(asked)
        if path.endswith("/wells/production"):
            self.rows["wells/production"] = self.wells[code]
        if path.endswith("/revisions"):
            first = self.wells[code][: self.revised]
            self.rows["wells/production/revisions"] = [
                {
                    **each,
                    "oil_production_kbd": each["oil_production_kbd"] + 2,
                    "replaced_at": "2026-01-01T00:00:00Z",
                }
                for each in first
            ]
        super().answer(route)


def told(**more: Any) -> Wells:
    wells = {"12": rows("12", gone=(30, 31, 32)), "14": rows("14", first=2014, years=4)}
    facts = ("source", "field_code", "field_name", "well_code", "well_name", "well_reference")
    listed = [{name: each[0][name] for name in facts} for each in wells.values()]
    spans = {"first_period": "2010-01-01", "last_period": "2019-12-01", "periods": 117}
    found = [each | spans for each in listed]
    return Wells(rows={"wells": found, "wells/register": found}, wells=wells, **more)


def seen(page: Page, selector: str, text: str) -> None:
    page.locator(selector).filter(has_text=text).first.wait_for()


def cells(page: Page) -> list[str]:
    """The values at the cursor."""
    return [text.strip() for text in page.locator(".readout td").all_inner_texts()]


def keys(page: Page) -> dict[str, str]:
    return {
        key: value[0]
        for key, value in parse_qs(page.url.partition("#")[2].partition("?")[2]).items()
    }


def drawn(page: Page) -> None:
    """What is said of a plot stands there before its size is known and it is drawn."""
    page.locator(".plot svg").first.wait_for()


def shapes(page: Page, name: str) -> int:
    """How many runs there are of the shapes of this name."""
    drawn(page)
    paths = page.locator(f".plot svg path[data-shape={name}]").evaluate_all(
        "all => all.map(each => each.getAttribute('d'))"
    )
    return sum(path.count("M") for path in paths)


def titles(page: Page) -> list[str]:
    drawn(page)
    return page.locator(".plot svg text[font-weight]").all_text_contents()


def test_a_view_is_an_address_with_a_way_back(scripted_console: tuple[str, Browser]) -> None:
    """Units, scale, what is shown and over what;
    the address alone shows the same to somebody else.
    """
    from playwright.sync_api import expect

    with visit(*scripted_console, told(), PLACE) as page:
        seen(page, ".at", "Latest: Dec 2019")
        assert titles(page) == ["Oil, Mbbl/d", "Gas, MMcf/d", "Water, Mbbl/d"]
        page.get_by_label("Liquids in").select_option("m³/d")
        page.get_by_label("Gas in").select_option("m³/d")
        page.get_by_role("button", name="Gas-oil ratio").click()
        page.get_by_role("button", name="Water", exact=True).click()
        page.get_by_label("Show", exact=True).select_option("Both rates")
        page.get_by_label("Log scale").check()
        seen(page, ".readout th", "Gas-oil ratio, m³/m³")
        mine, link, values = titles(page), page.url, cells(page)
        assert mine == ["Oil, m³/d", "Gas, m³/d", "Gas-oil ratio, m³/m³"]
        known = {
            "units": "m3,m3",
            "show": "oil,gas,gor",
            "as": "both",
            "log": "1",
            "source": "default",
        }
        assert keys(page) == known
        oil = rows("12")[-1]["oil_production_kbd"]
        assert values[0] == f"{1000 * oil * 0.158987294928:.4g}"
        assert values[3] == f"{2000 * oil * 0.158987294928:.4g}"
        assert page.evaluate("() => Object.entries(localStorage)") == [["wellhead-units", "m3,m3"]]

        page.go_back()
        page.go_back()
        seen(page, "[role=status]", "117 periods. 3 months are missing. Drag")
        expect(page.get_by_label("Show", exact=True)).to_have_value("rate")  # of the second step
        assert not page.get_by_label("Log scale").is_checked()
        page.go_forward()
        page.go_forward()
        seen(page, "[role=status]", "no place on a log scale")
        assert (titles(page), cells(page)) == (mine, values)

        page.evaluate("() => localStorage.setItem('wellhead-units', 'bbl,Mcf')")
        page.goto("about:blank")
        page.goto(link)
        seen(page, ".readout th", "Gas-oil ratio, m³/m³")
        assert (titles(page), cells(page)) == (mine, values)
        page.goto(f"{link.partition('?')[0]}?source=default")
        seen(page, ".readout th", "Oil, bbl/d")
        assert keys(page)["units"] == "bbl,Mcf"
        page.evaluate("() => localStorage.clear()")


def test_wells_are_compared_by_months_on_production_and_by_their_sums(
    scripted_console: tuple[str, Browser],
) -> None:
    """They are found as in the register; a file names them too."""
    wells = told()
    with visit(*scripted_console, wells, PLACE) as page:
        page.get_by_label("Compare with").fill("F-1")
        page.get_by_role("button", name="Compare with F-14").click()
        seen(page, ".at", "Latest of all: Dec 2017")
        decimals = [len(text.partition(".")[2]) for text in cells(page)]
        assert decimals[:3] == decimals[3:]  # figures that stand one above the other
        page.get_by_label("Over", exact=True).select_option("Months on production")
        seen(page, ".readout th", "F-14")
        page.locator(".plot").press("Home")
        seen(page, "#said", "Month 0, F-12: Oil ")
        both = cells(page)
        assert wells.asked[-1] == {"of": ["wells"], "q": ["F-1"], "limit": ["50"]}
        with page.expect_download() as downloaded:
            page.get_by_role("button", name="Save the plot as SVG").click()
        texts = [
            text.text for text in ET.parse(downloaded.value.path()).getroot().iter(f"{SVG}text")
        ]
        assert texts[:4] == ["F-12", "Rate a calendar day, by months on production", "F-12", "F-14"]
        assert both[0] == both[3]  # their first months are the same
        assert shapes(page, "line") == 3 * (2 + 1)  # the gap of the first is one here too
        assert keys(page)["with"] == "default/1/14"

        page.get_by_label("Over", exact=True).select_option("Cumulative production")
        seen(page, ".plot svg text", "Cumulative oil, Mbbl")
        seen(page, ".plot svg text", "Cumulative gas, MMcf")
        page.get_by_role("button", name="Do not compare with F-14").click()
        page.locator(".chips li").wait_for(state="detached")
        assert "with" not in keys(page)


def test_hundreds_of_revisions_stay_readable(scripted_console: tuple[str, Browser]) -> None:
    """A band and a thin line where they are many, a ring for each where there is room."""
    many = told(revised=300)
    many.wells["12"] = rows("12", years=30)
    with visit(*scripted_console, many, PLACE) as page:
        seen(page, "[role=status]", "300 periods revised")
        assert (shapes(page, "revised"), shapes(page, "former"), shapes(page, "stem")) == (1, 1, 0)
        page.get_by_label("From", exact=True).fill("2034-02-01")
        page.get_by_label("From", exact=True).press("Enter")
        seen(page, "[role=status]", "11 periods revised")
        assert (shapes(page, "revised"), shapes(page, "former"), shapes(page, "stem")) == (
            1,
            11,
            11,
        )
        page.get_by_label("To", exact=True).press_sequentially(
            "12312036"
        )  # nor is it the year 2 on the way
        page.wait_for_url("**from=2034-02-01&to=2036-12-31**")
        assert page.get_by_label("From", exact=True).input_value() == "2034-02-01"


@pytest.mark.parametrize(
    ("days", "step", "missing"),
    [(1, 1, "2 days are"), (31, 31, "2 months are"), (365, 366, "2 years are")],
)
def test_a_gap_breaks_the_line(
    scripted_console: tuple[str, Browser], days: int, step: int, missing: str
) -> None:
    first = rows("12")[0]
    begins = [date(2010, 1, 1) + timedelta(days=place * step) for place in (0, 1, 4, 5)]
    if days == 31:
        begins = [date(2010, month, 1) for month in (1, 2, 5, 6)]
    if days == 365:
        begins = [date(year, 1, 1) for year in (2010, 2011, 2014, 2015)]
    wells = told()
    wells.wells["12"] = [
        {**first, "production_period": each.isoformat(), "period_days": days} for each in begins
    ]
    with visit(*scripted_console, wells, f"{PLACE}&show=oil") as page:
        seen(page, "[role=status]", missing)
        assert shapes(page, "line") == 2


def test_a_plot_is_saved_and_printed(scripted_console: tuple[str, Browser]) -> None:
    with visit(*scripted_console, told(), f"{PLACE}&units=bbl,Mcf") as page:
        seen(page, ".at", "Latest")
        with page.expect_download() as downloaded:
            page.get_by_role("button", name="Save the plot as SVG").click()
        assert downloaded.value.suggested_filename == "well-12.svg"
        root = ET.parse(downloaded.value.path()).getroot()
        texts = [text.text for text in root.iter(f"{SVG}text")]
        assert texts[:2] == ["F-12", "Rate a calendar day, 2010-01-01 to 2019-12-01"]
        assert {"Oil, bbl/d", "Gas, Mcf/d", "Water, bbl/d", "10,000"} <= set(texts)
        assert "var(" not in downloaded.value.path().read_text()

        with page.expect_download() as downloaded:
            page.get_by_role("button", name="Save the plot as PNG").click()
        png = downloaded.value.path().read_bytes()
        assert png[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">II", png[16:24]) == (
            2 * int(root.get("width", 0)),
            2 * int(root.get("height", 0)),
        )

        page.emulate_media(media="print")
        assert page.locator(".plot svg").is_visible()
        assert not page.locator(".controls").is_visible()
        assert not page.locator(".bar").is_visible()
        page.emulate_media(media="screen")


def test_a_decline_is_fitted_and_forecast_to_its_limit(
    scripted_console: tuple[str, Browser],
) -> None:
    """To a range: the data are a hyperbolic decline themselves, so the curve has no residuals."""
    with visit(*scripted_console, told(), PLACE) as page:
        page.get_by_role("button", name="Decline analysis").click()
        page.get_by_label("Economic limit").fill("0.5")
        page.get_by_label("Economic limit").press("Enter")
        seen(page, ".facts", "the economic limit")
        facts = dict(
            zip(
                page.locator(".view dt").all_inner_texts(),
                page.locator(".view dd").all_inner_texts(),
                strict=True,
            )
        )
        assert facts["Rate at the beginning of the range"].startswith("10 ")
        assert facts["Decline there, nominal a year"].startswith("40 %")
        assert facts["Exponent b"].startswith("0.5")
        assert facts["Forecast ends"].endswith("at 0.5 Mbbl/d")
        assert titles(page) == ["Oil, Mbbl/d", "Residual: published less curve, Mbbl/d"]
        assert keys(page) == {
            "source": "default",
            "units": "Mbbl,MMcf",
            "tab": "decline",
            "limit": "0.5",
        }

        page.get_by_label("Fit from").fill("2015-01-01")
        page.get_by_label("Fit from").press("Enter")
        seen(page, ".view p", "60 rates of a calendar day")
        page.get_by_label("Curve", exact=True).select_option("Exponential")
        seen(page, ".facts", "It ends by")
        page.go_back()
        page.go_back()
        seen(page, ".view p", "117 rates of a calendar day")
        page.go_back()
        seen(page, ".view p", "Without an economic limit the forecast ends after 50 years.")
        page.go_back()
        seen(page, ".at", "Latest: Dec 2019")
        page.get_by_label("Show", exact=True).wait_for()


def test_a_finger_chooses_a_range_and_two_taps_all(scripted_console: tuple[str, Browser]) -> None:
    with visit(
        *scripted_console, told(), PLACE, viewport={"width": 390, "height": 800}, has_touch=True
    ) as page:
        seen(page, ".at", "Latest")
        plot = page.locator(".plot")
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        assert box
        y = box["y"] + 60
        finger = page.context.new_cdp_session(page)

        moments = itertools.count(time.time(), 0.05)  # however long it takes to tell the browser

        def touch(kind: str, x: float | None = None) -> None:
            points = [] if x is None else [{"x": x, "y": y}]
            told = {"type": kind, "touchPoints": points, "timestamp": next(moments)}
            finger.send("Input.dispatchTouchEvent", told)

        touch("touchStart", box["x"] + 60)
        for step in range(1, 9):
            touch("touchMove", box["x"] + 60 + 15 * step)
        touch("touchEnd")
        page.wait_for_url("**from=2010-**")
        assert keys(page)["to"].startswith("2013") or keys(page)["to"].startswith("2014")
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390

        for _ in range(2):
            touch("touchStart", box["x"] + 120)
            touch("touchEnd")
        page.wait_for_function("() => !location.hash.includes('from=')")


@pytest.mark.by_lot
@pytest.mark.parametrize(
    ("scheme", "width", "rules"),
    [("light", 1280, []), ("dark", 390, ["color-contrast", "scrollable-region-focusable"])],
    ids=["light", "dark and narrow"],
)
def test_both_tabs_are_accessible_and_fit(
    scripted_console: tuple[str, Browser], scheme: str, width: int, rules: list[str]
) -> None:
    """All of axe's rules once;
    where only the colours or the width differ, those that these can break.
    """
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    size = {"width": width, "height": 800}
    chosen = {"runOnly": rules} if rules else {}
    wells = told(revised=5)
    wells.wells["12"] = rows("12", years=2)
    with visit(
        *scripted_console, wells, f"{PLACE}&with=default/1/14", color_scheme=scheme, viewport=size
    ) as page:
        for tab in ("Plot", "Decline analysis"):
            page.get_by_role("button", name=tab, exact=True).click()
            seen(page, ".readout th", "F-14" if tab == "Plot" else "Curve")
            found = (
                Axe()
                .run(page, options={"resultTypes": ["violations"], **chosen})
                .response["violations"]
            )
            assert found == [], tab
            assert page.evaluate("() => document.documentElement.scrollWidth") <= width, tab
