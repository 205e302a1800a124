"""The register in a real browser: a table of wells and fields that is searched, sorted, narrowed
and read by keyboard.

What the API answers comes from a real store, by the query function's own code.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
from support.scripted_console import Told, console, visit
from support.stores import merged, opened

from chalicelib.queries.function import answer
from chalicelib.queries.query import parse_query
from local.pictures.browser import find_browser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Route

    from chalicelib.queries.production import ProductionQuery

pytestmark = pytest.mark.skipif(
    find_browser() is None,
    reason="there is no Chromium here: apt-get install chromium-headless-shell",
)
LONG = "Øst-Frigg Beta, the second well of the north-eastern flank"
DASH = "\N{EN DASH}"
SMALL = {"width": 390, "height": 800}


def rows() -> list[dict[str, Any]]:
    """120 wells of three fields, whose rate grows with their number,
    and three that are found by name.
    """
    many = [
        row(
            "12",
            f"{number}",
            f"Ekofisk {number:03}",
            field_name="Ekofisk",
            oil_production_kbd=number / 8,
        )
        for number in range(1, 121)
    ]
    named = [
        row(
            "43",
            "a",
            LONG,
            field_name="Øst-Frigg",
            oil_production_kbd=0.5,
            water_production_kbd=1.5,
        ),
        row("43", "b", "Alpha", field_name="Øst-Frigg"),
        row(
            "44",
            "c",
            "<b>Bold</b>",
            field_name="Frigg",
            oil_production_kbd=2.0,
            gas_production_mmcfd=3.0,
        ),
    ]
    return many + named


def row(field: str, code: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "field_code": field,
        "well_code": code,
        "well_name": name,
        "production_period": "2024-01-01",
        **more,
    }


@dataclass
class Lender:
    """Lends the store, as PublishedProduction does."""

    store: ProductionQuery

    @contextmanager
    def query(self, _: str | None) -> Iterator[ProductionQuery]:
        yield self.store


@dataclass
class Answers(Told):
    """Those of the register by the store, whatever else is asked scripted."""

    store: ProductionQuery | None = None

    def answer(self, route: Route) -> None:
        place = urlsplit(route.request.url)
        if not place.path.endswith("/wells/register"):
            super().answer(route)
            return
        store = self.store
        assert store
        query = parse_query("register", parse_qs(place.query))
        lent = cast("Any", Lender(store))
        told = answer(
            query.event, published=lambda: lent, export=no_file, list_file=no_file, sql=no_file
        )
        assert "data" in told, told
        route.fulfill(json={"success": True, **told}, headers={"X-Wellhead-Role": self.role})


def no_file(*_: Any) -> Any:
    raise AssertionError("the register asks for pages alone")


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[tuple[str, Browser, Answers]]:
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)
    store = merged(tmp_path_factory.mktemp("store"), [json.dumps(each).encode() for each in rows()])
    with ExitStack() as exits:
        url = exits.enter_context(console(tmp_path_factory.mktemp("project")))
        query = opened(store, snapshot="s")
        exits.callback(query.close)
        yield (
            url,
            browser,
            Answers(store=query, rows={"wells": [], "wells/production": []}),
        )


def seen(page: Page, text: str) -> None:
    page.locator(".actions [role=status]").get_by_text(text, exact=True).wait_for()


def names(page: Page) -> list[str]:
    return page.locator("tbody td:first-child").all_inner_texts()


def focused(page: Page) -> str:
    return str(
        page.evaluate("() => document.activeElement.textContent || document.activeElement.id")
    )


def test_wells_are_searched_sorted_narrowed_and_opened_by_keyboard(
    shared: tuple[str, Browser, Answers],
) -> None:
    with visit(*shared, "/imports") as page:
        page.keyboard.press("Control+k")
        page.wait_for_url("**#/wells?units=Mbbl,MMcf")  # who gets the address sees the same
        seen(page, f"1{DASH}50: 123 of 123 wells")
        assert names(page)[:2] == ["Ekofisk 120", "Ekofisk 119"]
        assert focused(page) == "q"
        cells = page.locator("tbody tr:nth-child(-n + 3) td:nth-child(4)").all_inner_texts()
        assert cells == ["15.000", "14.875", "14.750"]

        page.keyboard.type("ost-FRIGG")
        seen(page, "2 of 123 wells")
        page.get_by_role("link", name="Fields 1").wait_for()
        assert page.url.endswith("#/wells?units=Mbbl,MMcf&q=ost-FRIGG")
        page.keyboard.press("ArrowDown")
        assert focused(page) == LONG
        page.keyboard.press("ArrowDown")
        assert focused(page) == "Alpha"
        page.keyboard.press("Enter")
        page.wait_for_url("**#/wells/43/b?source=default**")
        page.go_back()
        seen(page, "2 of 123 wells")
        assert page.get_by_label("Search").input_value() == "ost-FRIGG"

        page.get_by_role("button", name="Well", exact=True).click()
        page.wait_for_url("**#/wells?units=Mbbl,MMcf&q=ost-FRIGG&sort=well_name")
        page.locator("th[aria-sort=ascending]", has_text="Well").first.wait_for()
        assert names(page) == ["Alpha", LONG]
        assert page.locator("th[aria-sort]:not([aria-sort=none])").count() == 1
        page.get_by_role("button", name="Well", exact=True).click()
        page.wait_for_url("**order=desc")
        page.locator("th[aria-sort=descending]").wait_for()
        page.go_back()
        page.locator("th[aria-sort=ascending]").wait_for()

        page.goto(page.url.partition("#")[0] + "#/wells?sort=oil_production_kbd&order=asc&field=12")
        seen(page, f"1{DASH}50: 120 of 123 wells")
        assert page.get_by_label("Field", exact=True).input_value() == "Ekofisk (120)"
        page.locator("tbody a").first.press("End")
        page.keyboard.press("ArrowDown")
        seen(page, f"51{DASH}100: 120 of 123 wells")
        page.wait_for_function("() => document.activeElement.textContent === 'Ekofisk 051'")
        page.reload()  # whoever opens the address sees the same page
        page.locator("tbody a").first.focus()
        page.keyboard.press("ArrowUp")
        page.wait_for_function("() => document.activeElement.textContent === 'Ekofisk 050'")
        page.get_by_label("Field", exact=True).select_option("Frigg (1)")
        seen(page, "1 of 123 wells")
        assert names(page) == ["<b>Bold</b>"]
        page.get_by_role("link", name="Fields 1").click()
        page.wait_for_url("**#/fields?sort=oil_production_kbd&order=asc&field=44&units=**")
        seen(page, "1 of 3 fields")


def test_figures_are_in_the_units_chosen(shared: tuple[str, Browser, Answers]) -> None:
    with visit(*shared, "/wells?q=Ekofisk+120") as page:
        seen(page, "1 of 123 wells")
        page.get_by_role("button", name="Oil rate, Mbbl/d").wait_for()
        page.get_by_label("Liquids in").select_option("bbl")
        page.get_by_role("button", name="Oil rate, bbl/d").wait_for()
        assert page.locator("tbody td:nth-child(4)").inner_text() == "15,000"
        assert "units=bbl,MMcf" in page.url
        page.go_back()
        page.get_by_role("button", name="Oil rate, Mbbl/d").wait_for()
        page.go_forward()
        page.get_by_role("button", name="Oil rate, bbl/d").wait_for()
        page.goto(page.url.replace("bbl,MMcf", "Sm3,m3"))
        page.get_by_role("button", name="Oil rate, Sm³/d").wait_for()
        assert page.locator("tbody td:nth-child(4)").inner_text() == "2,384.8"


def test_other_units_are_those_of_titles_and_figures_at_once(
    shared: tuple[str, Browser, Answers],
) -> None:
    with visit(*shared, "/wells?q=Ekofisk+120") as page:
        seen(page, "1 of 123 wells")
        page.route("**/wells/register?**", lambda _: None)  # nothing is answered
        page.get_by_label("Liquids in").select_option("bbl")
        page.get_by_role("button", name="Oil rate, bbl/d").wait_for()
        assert page.locator("tbody td:nth-child(4)").inner_text() == "15,000"
        page.get_by_label("Lists").get_by_role("link", name="Fields").click()
        page.wait_for_url("**#/fields?q=Ekofisk+120&units=bbl*MMcf")


def test_a_database_that_is_on_its_way_is_waited_for(shared: tuple[str, Browser, Answers]) -> None:
    error = {
        "code": "DATABASE_FETCHING",
        "message": "It is on its way.",
        "retryable": True,
        "details": {},
    }

    def refuse(route: Route) -> None:
        route.fulfill(
            status=503, json={"success": False, "error": error}, headers={"Retry-After": "1"}
        )

    with visit(*shared, "/imports", refusal=503) as page:
        page.route("**/wells/register?**", refuse, times=2)
        page.keyboard.press("Control+k")
        page.locator("#connection").get_by_text("It is on its way.").wait_for()
        seen(page, f"1{DASH}50: 123 of 123 wells")
        assert page.locator("#connection").is_hidden()


@pytest.mark.by_lot
@pytest.mark.parametrize(
    ("scheme", "options"), [("light", {"viewport": SMALL}), ("dark", {})], ids=["narrow", "dark"]
)
def test_the_register_is_accessible_and_fits(
    shared: tuple[str, Browser, Answers], scheme: str, options: dict[str, Any]
) -> None:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    with visit(*shared, "/wells?q=frigg", color_scheme=scheme, **options) as page:
        seen(page, "3 of 123 wells")
        assert Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"] == []
        cut = page.locator("tbody td").filter(has_text=LONG)
        assert cut.get_attribute("title") == LONG
        assert (
            cut.evaluate(
                "cell => cell.scrollWidth > cell.clientWidth && getComputedStyle(cell).textOverflow"
            )
            == "ellipsis"
        )
        width = page.evaluate("() => innerWidth")
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        frame = page.get_by_role("region", name="The table, which scrolls")
        frame.evaluate("frame => (frame.scrollLeft = 400)")
        assert page.locator("tbody td:first-child").first.bounding_box()["x"] < 60  # type: ignore[index]
        visit_empty = page.url.replace("q=frigg", "q=nowhere")
        page.goto(visit_empty)
        seen(page, "No well has all of this. 0 of 123 wells")
