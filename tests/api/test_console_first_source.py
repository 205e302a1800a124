"""A file that somebody else made becomes a plotted well in the console:
a real browser on the real local stack.
"""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from support.console_stage import Visit

from local.pictures.browser import find_browser
from local.source.production import GeneratedProduction
from local.source.server import SampleSource
from local.stack import LocalStack, Source

if TYPE_CHECKING:
    from pathlib import Path
    from types import SimpleNamespace

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.skipif(
    find_browser() is None,
    reason="there is no Chromium here: apt-get install chromium-headless-shell",
)
LINES = [
    f"Loma;L-{well};2023{month:02};{1000 * well},5;31" for well in (1, 2) for month in range(1, 13)
]
OIL = 1000.5 / 31 / 0.158987294928 / 1000  # thousand barrels a day of L-1 in January


def stored(page: Page, column: str, text: str) -> None:
    page.locator(f"[data-stored={column}]").filter(has_text=text).wait_for()


def test_a_file_becomes_a_plotted_well_with_no_code(tmp_path: Path, browser: Browser) -> None:
    from types import SimpleNamespace

    path = tmp_path / "pozos.csv"
    path.write_text("\n".join(["Campo;Pozo;Fecha;Petroleo (m3);Dias", *LINES, ""]), "utf-8")
    with ExitStack() as exits:
        source = exits.enter_context(SampleSource(GeneratedProduction(10)))
        given = Source(url=source.url)
        stack = LocalStack(
            source=given, state=tmp_path / "state", port=0, user_environment=dict(os.environ)
        )
        exits.enter_context(stack)
        stage = SimpleNamespace(stack=stack, browser=browser, url=f"{stack.api_url}/console")
        visit = Visit(stage)  # type: ignore[arg-type]  # what a visit needs of one
        add_source(visit.page, stage, str(path))
        show_well(visit.page)
        visit.end()


def add_source(page: Page, stage: SimpleNamespace, path: str) -> None:
    page.goto(stage.stack.console_link)
    page.get_by_role("link", name="Sources").click()
    page.get_by_role("link", name="Add a source").click()
    page.get_by_label("Address", exact=True).fill(path)
    page.get_by_role("button", name="Look at the source").click()
    page.get_by_label("Unit of Oil", exact=True).select_option("m3")
    for column in ("Liquids", "Days on production"):
        page.get_by_label(f"Unit of {column}", exact=True).select_option(
            "m3" if column == "Liquids" else "day"
        )
    stored(page, "oil_production_kbd", f"{OIL:.6g}")
    stored(page, "production_period", "2023-01-01")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Start the first import").click()
    page.locator(".headline .badge.completed").wait_for()


def show_well(page: Page) -> None:
    page.get_by_role("link", name="Data", exact=True).click()
    page.get_by_role("link", name="L-1").click()
    page.get_by_role(
        "heading", name="L-1", level=1
    ).wait_for()  # the page of the sums has a plot, too
    page.locator(".plot svg").wait_for()
    january = page.locator("tbody tr").filter(has_text="Jan 2023")
    january.wait_for(state="attached")
    month, oil = january.locator("td").all_inner_texts()[:2]
    assert month == "Jan 2023"
    assert float(oil) == pytest.approx(OIL, abs=0.0001)
    page.get_by_role("link", name="Sources").click()
    row = page.locator("tbody tr").filter(has_text="pozos")
    row.wait_for()
    _, kind, length, latest, due, version = row.locator("td").all_inner_texts()[:6]
    assert (kind, length, due, version) == ("Files", "months", "by hand", "1")
    assert re.match(r"just now|\d+ minutes? ago", latest)  # by the machine's haste
