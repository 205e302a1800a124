"""The pictures of the desktop window, docs/images/window-*.png, of a real local stack:
`make screenshots`.
"""

import os
import sys
import tempfile
import time
import tkinter as tk
from collections.abc import Callable
from pathlib import Path

from clients.window.app import make_client
from clients.window.window import Window
from local.pictures.xvfb import Xvfb
from local.source.production import GeneratedProduction
from local.source.server import SampleSource
from local.stack import PROJECT, LocalStack, Source

ROWS, PAGE_SIZE = 60_000, 5_000
SLOW_SECONDS = 1.5  # for each page of the source, so that the progress can be seen
ENOUGH = {f"{share} %" for share in range(55, 90)}
FIELD, WELL = "Kessaholt South", "Kessaholt South B-06"
IMAGES = PROJECT / "docs" / "images"


def main() -> int:
    environment = {
        **os.environ,
        "WELLHEAD_PAGE_SIZE": str(PAGE_SIZE),
        "WELLHEAD_CHECKPOINT_SECONDS": "2",
    }
    with (
        tempfile.TemporaryDirectory() as state,
        SampleSource(GeneratedProduction(ROWS)) as source,
        Xvfb() as screen,
    ):
        stack = LocalStack(
            source=Source(url=source.url), state=Path(state), port=0, user_environment=environment
        )
        with stack:
            import_some(stack, source)
            source.latency = SLOW_SECONDS
            take_pictures(stack, screen)
    return 0


def import_some(stack: LocalStack, source: SampleSource) -> None:
    """Some that bring what has been revised since, and one that the source refuses."""
    for revision in range(4):
        source.rows = GeneratedProduction(ROWS, revision=revision)
        import_once(stack)
    source.credentials = ("another", "password")
    import_once(stack)
    source.credentials = None
    import_once(stack)


def import_once(stack: LocalStack) -> None:
    with stack.client() as wellhead:
        wellhead.wait(wellhead.trigger().job_id)


def take_pictures(stack: LocalStack, screen: Xvfb) -> None:
    root = tk.Tk(screenName=screen.name, className="Wellhead")
    window = Window(
        root, make_client=make_client, remember=lambda *_: None, open_folder=lambda _: None
    )
    root.geometry("+0+0")

    def wait(condition: Callable[[], bool]) -> None:
        while not condition():
            root.update()
            time.sleep(0.01)

    def take(name: str) -> None:
        seen = time.monotonic()
        wait(lambda: time.monotonic() > seen + 0.5)
        path = IMAGES / f"window-{name}.png"
        screen.photograph(path, root.winfo_width(), root.winfo_height())
        print(f"{path}: {path.stat().st_size // 1024} kB")

    window.begin(stack.api_url, stack.token)
    wait(lambda: not window.imports.start.instate(["disabled"]))
    window.imports.start.invoke()
    progress = window.imports.progress
    wait(
        lambda: (
            progress.status.cget("text") == "Running" and progress.percent.cget("text") in ENOUGH
        )
    )
    take("import")
    window.open_page("Wells")
    window.wells.search.set(FIELD)
    tree = window.wells.listing.tree
    wait(lambda: window.wells.found.cget("text").endswith("wells"))
    tree.selection_set(next(row for row in tree.get_children() if WELL in tree.set(row, "well")))
    wait(lambda: bool(window.wells.plot.periods))
    window.dark.invoke()
    root.update()
    window.wells.plot.event_generate("<Motion>", x=window.wells.plot.winfo_width() // 2, y=100)
    take("well")
    print(f"the longest gap of the window's loop: {1000 * window.pulse.longest_gap:.0f} ms")
    window.leave()


if __name__ == "__main__":
    sys.exit(main())
