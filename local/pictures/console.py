"""The pictures of the web console in docs/images, of a real local stack: `make screenshots`.

Each page three times: light, dark, and as narrow as a phone.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from playwright.sync_api import Browser, Page

from local.pictures.browser import browser
from local.pictures.palette import smaller
from local.pictures.scene import Scene
from local.stack import PROJECT

ENOUGH = 40  # percent
WIDE, NARROW = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
LOOKS = {
    "": {"color_scheme": "light", "viewport": WIDE},
    "-dark": {"color_scheme": "dark", "viewport": WIDE},
    "-narrow": {"color_scheme": "light", "viewport": NARROW},
}
TALL = 1080  # pixels, for plots with all their panels
WELL = "Kessaholt South B-06"
OTHERS = ("Kessaholt South A-01", "Kessaholt South C-03")

Show = Callable[[Page], None]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.pictures.console")
    parser.add_argument("--to", type=Path, default=PROJECT / "docs" / "images")
    parser.add_argument("--only", help="the pages whose names begin so", default="")
    asked = parser.parse_args()
    asked.to.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as state,
        Scene.set(Path(state)) as scene,
        browser() as running,
    ):

        def take(pages: dict[str, Show], *, signed_in: bool = True) -> None:
            chosen = {name: show for name, show in pages.items() if name.startswith(asked.only)}
            address = (
                scene.stack.console_link
                if signed_in
                else scene.stack.console_link.partition("#")[0]
            )
            take_pictures(running, address, chosen, asked.to)

        take({"sign-in": show_sign_in}, signed_in=False)
        take({"empty": show_empty})
        scene.play()
        take(pages_of(scene))
        scene.slow_down()
        take({"imports": show_progress})
    return 0


def pages_of(scene: Scene) -> dict[str, Show]:
    jobs = scene.jobs
    return {
        "history": partial(at, path="/history", seen="tbody tr"),
        "failed": partial(at, path=f"/jobs/{jobs['failed']}", seen=".notice.bad"),
        "held": partial(at, path=f"/jobs/{jobs['held']}", seen=".panel.held tbody tr"),
        "changes": partial(
            show_part, path=f"/jobs/{jobs['completed']}?changes=updated", title="What it changed"
        ),
        "rejects": partial(show_part, path=f"/jobs/{jobs['completed']}", title="Rejected rows"),
        "sources": partial(at, path="/sources", seen="tbody tr"),
        "source": partial(at, path="/sources/loma-alta", seen="pre"),
        "new-source": partial(show_new_source, file=scene.file),
        "wells": partial(at, path="/wells?source=default", seen="tbody tr"),
        "fields": partial(
            at, path="/fields?source=default&sort=oil_production_kb", seen="tbody tr"
        ),
        "data": partial(at, path="/data", seen=".plot svg"),
        "well": show_well,
        "field": show_field,
        "compare": show_comparison,
        "decline": show_decline,
        "sql": show_sql,
    }


def take_pictures(running: Browser, address: str, pages: dict[str, Show], to: Path) -> None:
    for look, options in LOOKS.items():
        if not pages:
            return
        context = running.new_context(locale="en-GB", **options)  # type: ignore[arg-type]
        plain = context.new_page()
        for name, show in pages.items():
            page = context.new_page()
            page.goto(address)
            show(page)
            page.mouse.move(0, 0)
            page.wait_for_timeout(500)  # the bar moves to its place, the plot is drawn
            path = to / f"console-{name}{look}.png"
            path.write_bytes(smaller(page.screenshot(), plain))
            page.close()
            print(f"{path}: {path.stat().st_size // 1024} kB")
        context.close()


def at(page: Page, *, path: str, seen: str) -> None:
    page.locator("#nav a").first.wait_for()
    address, _, _ = page.url.partition("#")
    page.goto(f"{address}#{path}")
    page.locator(seen).first.wait_for()


def show_part(page: Page, *, path: str, title: str) -> None:
    """That one alone, below the title of the page."""
    at(page, path=path, seen=f"section:has(h2:text-is('{title}')) tbody tr")
    scroll_to(page, title)


def scroll_to(page: Page, title: str) -> None:
    page.get_by_role("heading", name=title, exact=True).evaluate("title => title.scrollIntoView()")
    page.mouse.wheel(0, -80)


def show_sign_in(page: Page) -> None:
    page.get_by_label("Token of the API").wait_for()


def show_empty(page: Page) -> None:
    page.get_by_role("heading", name="No import yet").wait_for()


def make_tall(page: Page) -> None:
    size = page.viewport_size or WIDE
    page.set_viewport_size({"width": size["width"], "height": TALL})


def show_field(page: Page) -> None:
    make_tall(page)
    at(page, path="/fields/1009?source=default&show=oil,water,cut,gor", seen=".plot svg")


def show_well(page: Page) -> None:
    find_well(page)
    page.get_by_role("button", name="5 years").click()


def find_well(page: Page) -> None:
    make_tall(page)
    at(page, path="/wells?source=default", seen="tbody tr")
    page.get_by_label("Search").fill(WELL)
    page.get_by_role("link", name=WELL).click()
    page.locator(".plot svg").wait_for()


def show_comparison(page: Page) -> None:
    find_well(page)
    for name in OTHERS:
        page.get_by_role("searchbox", name="Compare with").fill(name)
        page.get_by_role("button", name=f"Compare with {name}").click()
        page.locator(".chips").get_by_text(name).wait_for()
    page.get_by_label("Over", exact=True).select_option("months")


def show_decline(page: Page) -> None:
    show_well(page)
    page.get_by_role("button", name="Decline analysis").click()
    page.get_by_label("Economic limit").fill("0.01")
    page.get_by_label("Economic limit").press("Enter")
    page.locator(".facts").filter(has_text="EUR").wait_for()


def show_sql(page: Page) -> None:
    at(page, path="/sql", seen="#statement")
    page.get_by_label("Begin with").select_option("Oil, gas and water by year")
    page.get_by_role("button", name="Run").click()
    page.get_by_role("button", name="Plot", exact=True).click()
    page.locator(".plot svg").wait_for()
    scroll_to(page, "Answer")


def show_new_source(page: Page, *, file: Path) -> None:
    at(page, path="/new-source", seen="h1")
    page.get_by_label("Address", exact=True).fill(str(file))
    page.get_by_role("button", name="Look at the source").click()
    page.get_by_role("button", name="Use m3").first.click()
    page.get_by_role("button", name="Use e3m3").click()
    page.locator("[data-stored=oil_production_kbd]").filter(has_text="0.").wait_for()
    scroll_to(page, "Columns")


def show_progress(page: Page) -> None:
    """The first look starts it; the others show the one that runs, or start the next one."""
    page.locator(".ended, progress").first.wait_for()
    if not page.locator("progress").count():
        page.get_by_role("button", name="Start import").click()
    bar = page.locator("progress[value]")
    while float(bar.get_attribute("value") or 0) < ENOUGH:
        page.wait_for_timeout(200)


if __name__ == "__main__":
    sys.exit(main())
