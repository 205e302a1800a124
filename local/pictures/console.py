"""The pictures of the web console in docs/images, of a real local stack: `make screenshots`."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page

from local.commands.demo import FINAL, Api
from local.pictures.browser import browser
from local.source.production import GeneratedProduction
from local.source.server import SampleSource
from local.stack import PROJECT, LocalStack, Source

ROWS = 60_000
PAGE_SIZE = 5_000
SLOW_SECONDS = 1.5  # for each page of the source, so that the progress can be seen
ENOUGH = 40  # percent
WIDE, TALL, NARROW = (1280, 860), (1280, 1080), (390, 780)
HEADER = "Campo;Pozo;Fecha;Petroleo (m3);Gas (e3m3);Agua;Dias"

Scheme = Literal["light", "dark"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.pictures.console")
    parser.add_argument("--to", type=Path, default=PROJECT / "docs" / "images")
    to = parser.parse_args().to
    to.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "WELLHEAD_PAGE_SIZE": str(PAGE_SIZE)}
    with tempfile.TemporaryDirectory() as state, SampleSource(GeneratedProduction(ROWS)) as source:
        stack = LocalStack(source=Source(url=source.url), state=Path(state), port=0, user_environment=environment)
        with stack, browser() as running:
            import_twice(stack, source)
            source.latency = SLOW_SECONDS
            take_pictures(running, stack, to, written_file(Path(state)))
    return 0


def import_twice(stack: LocalStack, source: SampleSource) -> None:
    """The second time some months have been revised."""
    api = Api(stack.api_url, stack.token)
    for revision in (0, 1):
        source.rows = GeneratedProduction(ROWS, revision=revision)
        _, answer = api.trigger()
        while (job := api.job(answer["data"]["job_id"]))["status"] not in FINAL:
            time.sleep(0.2)
        assert job["status"] == "COMPLETED", job


def take_pictures(running: Browser, stack: LocalStack, to: Path, file: Path) -> None:
    def take(name: str, show: Callable[[Page], None], scheme: Scheme, size: tuple[int, int]) -> None:
        width, height = size
        page = running.new_page(color_scheme=scheme, viewport={"width": width, "height": height}, locale="en-GB")
        page.goto(stack.console_link)
        show(page)
        page.mouse.move(0, 0)
        page.wait_for_timeout(500)  # the bar moves to its place, the plot is drawn
        path = to / f"console-{name}.png"
        page.screenshot(path=path)
        page.close()
        print(f"{path}: {path.stat().st_size // 1024} kB")

    take("well", show_well, "light", WIDE)
    take("well-dark", show_well, "dark", WIDE)
    take("well-narrow", show_well, "light", NARROW)
    take("decline", show_decline, "light", TALL)
    take("decline-dark", show_decline, "dark", TALL)
    take("decline-narrow", show_decline, "light", NARROW)
    take("narrow", show_wells, "light", NARROW)
    take("new-source", partial(show_new_source, file=file), "light", WIDE)
    take("imports", show_progress, "light", WIDE)


def show_well(page: Page) -> None:
    page.get_by_role("link", name="Data", exact=True).click()
    page.get_by_label("Find a well").fill("Kessaholt South B-06")
    page.get_by_role("link", name="Kessaholt South B-06").click()
    page.get_by_role("button", name="5 years").click()


def show_decline(page: Page) -> None:
    show_well(page)
    page.get_by_role("button", name="Decline analysis").click()
    page.get_by_label("Economic limit").fill("0.01")
    page.get_by_label("Economic limit").press("Enter")
    page.locator(".facts").filter(has_text="EUR").wait_for()


def show_wells(page: Page) -> None:
    page.get_by_role("link", name="Data", exact=True).click()
    page.locator(".found td a").first.wait_for()


def written_file(directory: Path) -> Path:
    """A small table as a ministry may publish one."""
    months = [f"2023{month:02}" for month in range(1, 13)]
    rows = [
        f"Loma Alta;LA-{well};{month};{1200 - 40 * place + 90 * well},5;{310 - 9 * place};{55 + place};{31 - well}"
        for well in (1, 2, 3)
        for place, month in enumerate(months)
    ]
    path = directory / "pozos.csv"
    path.write_text("\n".join([HEADER, *rows, ""]), "utf-8")
    return path


def show_new_source(page: Page, *, file: Path) -> None:
    page.get_by_role("link", name="Sources").click()
    page.get_by_role("link", name="Add a source").click()
    page.get_by_label("Address", exact=True).fill(str(file))
    page.get_by_role("button", name="Look at the source").click()
    page.get_by_role("button", name="Use m3").first.click()
    page.get_by_role("button", name="Use e3m3").click()
    page.locator("[data-stored=oil_production_kbd]").filter(has_text="0.").wait_for()
    page.get_by_role("heading", name="Columns").evaluate("title => title.scrollIntoView()")
    page.mouse.wheel(0, -70)


def show_progress(page: Page) -> None:
    page.get_by_role("button", name="Start import").click()
    bar = page.locator("progress[value]")
    while float(bar.get_attribute("value") or 0) < ENOUGH:
        page.wait_for_timeout(200)


if __name__ == "__main__":
    sys.exit(main())
