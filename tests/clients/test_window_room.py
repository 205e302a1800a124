"""The window on a small screen:
every page has the room it asks for, and what is too long is cut and told whole.
"""

from __future__ import annotations

import importlib.util
import itertools
import struct
import zlib
from math import dist
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.api_answers import JOB_ID, failure, job, success
from support.scripted_source import ScriptedSource

from clients.api.periods import month_days
from clients.window.import_part import Part
from clients.window.shapes import stroke
from local.pictures.xvfb import why_not

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from support.scripted_source import Answer, ScriptedHandler

    from clients.window.parts import Listing

needs_tk = pytest.mark.skipif(
    importlib.util.find_spec("_tkinter") is None, reason="this Python has no tkinter"
)
needs_window = pytest.mark.skipif(bool(why_not()), reason=why_not())
LONG = "SOURCE_OF_A_NAME_THAT_NO_COLUMN_HAS_EVER_HAD_THE_ROOM_FOR"
POINTS = st.lists(st.tuples(st.floats(0, 60), st.floats(0, 40)), min_size=2, max_size=5)


@needs_window
def test_every_page_has_the_room_it_asks_for_on_a_small_screen(display: str) -> None:
    from support.window_stage import open_window

    with open_window(display) as driver:
        window = driver.window
        width, height = window.root.minsize()
        assert (width <= 900, height <= 640) == (True, True)
        window.root.geometry(f"{width}x{height}+0+0")
        window.imports.part.invoke()
        for name, page in window.pages.items():
            window.open_page(name)
            driver.wait(lambda: window.root.winfo_width() == width)
            for _ in range(3):
                window.root.update()
            asked = page.winfo_reqwidth(), page.winfo_reqheight()
            assert asked <= (page.winfo_width(), asked[1]), name
            assert asked[1] <= page.winfo_height(), name


@needs_window
def test_every_heading_of_a_list_is_whole(display: str) -> None:
    from support.window_stage import open_window

    with open_window(display) as driver:
        window = driver.window
        measure = window.theme.fonts["Small"].measure
        for listing in (window.imports.history.listing, window.wells.listing):
            headings = {
                name: str(listing.tree.heading(name, "text")) for name in listing.tree["columns"]
            }
            too_narrow = [
                heading
                for name, heading in headings.items()
                if int(listing.tree.column(name, "width")) < measure(heading) + window.theme.px(12)
            ]
            assert too_narrow == []


@needs_window
def test_a_long_name_is_cut_and_shown_whole_under_the_pointer(display: str) -> None:
    from support.window_stage import open_window

    failed = job(
        "FAILED",
        error={"code": LONG, "message": LONG, "retryable": False},
        triggered_by=f"ada {LONG * 3}",
    )
    with (
        ScriptedSource(api_of([failed])) as server,
        open_window(display, idle_seconds=60.0) as driver,
    ):
        driver.connect(server.root, "t")
        driver.wait(lambda: driver.history() and JOB_ID in driver.details)
        listing = driver.window.imports.history.listing
        driver.wait(lambda: listing.tree.set(JOB_ID, "error").endswith("…"))
        assert driver.history()[0][-1] == LONG
        x, y, wide, high = place_of(listing, "error")
        listing.tree.event_generate("<Motion>", x=x + wide // 2, y=y + high // 2)
        driver.wait(lambda: listing.tip.text == LONG)
        x, *_ = place_of(listing, "status")
        listing.tree.event_generate("<Motion>", x=x + 5, y=y + high // 2)
        driver.wait(lambda: not listing.tip.text)

        line = driver.window.imports.progress.origin
        assert line.cget("text").endswith("…")
        line.event_generate("<Motion>", x=5, y=5)
        assert line.tip.text == line.whole
        assert LONG * 3 in line.whole


@needs_window
def test_a_part_of_a_source_is_asked_for(display: str) -> None:
    from support.window_stage import open_window

    with (
        ScriptedSource(api_of([job("COMPLETED")])) as server,
        open_window(display, idle_seconds=60.0) as driver,
    ):
        driver.connect(server.root, "t")
        driver.wait(lambda: driver.link == "Connected")
        page = driver.window.imports
        page.part.invoke()
        for name, text in {"Field": " 43506 ", "From": "2024-02", "To": "2024-02"}.items():
            page.limits[name].set(text)
        driver.press(page.start)
        driver.wait(lambda: any(asked.method == "POST" for asked in server.asked))
        page.part.invoke()
        driver.wait(lambda: not page.start.instate(["disabled"]))
        driver.press(page.start)
        driver.wait(lambda: sum(asked.method == "POST" for asked in server.asked) == 2)

    first, second = (asked.query for asked in server.asked if asked.method == "POST")
    assert first == {"field_code": "43506", "from": "2024-02-01", "to": "2024-02-29"}
    assert second == {}


def place_of(listing: Listing, column: str) -> tuple[int, int, int, int]:
    x, y, wide, high = map(int, listing.tree.bbox(JOB_ID, column))
    return x, y, wide, high


def api_of(jobs: list[dict[str, Any]]) -> Callable[[ScriptedHandler], Answer]:
    def answer(handler: ScriptedHandler) -> Answer:
        path = handler.asked.path
        if path.endswith("/import/jobs"):
            return success({"jobs": jobs, "next_cursor": None}, X_Wellhead_Role="operator")
        is_of_job = path.endswith((JOB_ID, "/trigger"))
        return (
            success(jobs[0], X_Wellhead_Role="operator")
            if is_of_job
            else failure(404, "NO_DATA_YET")
        )

    return answer


@needs_tk
@settings(max_examples=60)
@given(text=st.text(max_size=40), room=st.integers(1, 45))
def test_what_is_cut_is_a_beginning_that_fits(text: str, room: int) -> None:
    from clients.window.lines import CUT, fit_text

    shown = fit_text(text, room, len)

    assert len(shown) <= room
    if len(text) <= room:
        assert shown == text
    else:
        assert text.startswith(shown.removesuffix(CUT))
        assert shown.endswith(CUT)


@given(month=st.dates())
@settings(max_examples=30)
def test_a_month_stands_for_all_of_its_days(month: date) -> None:
    text = f"{month.year:04}-{month.month:02}"
    asked = Part("", text, f" {text}").parameters

    assert asked == {
        "field_code": None,
        "first": f"{text}-01",
        "last": f"{text}-{month_days(month)}",
    }
    assert Part("7", month.isoformat(), "soon").parameters == {
        "field_code": "7",
        "first": month.isoformat(),
        "last": "soon",
    }


@given(points=POINTS)
@settings(max_examples=20, deadline=None)
def test_a_line_is_painted_where_it_is_and_nowhere_else(points: list[tuple[float, float]]) -> None:
    """Whole near the line, nothing far from it, and in between by the distance:
    those are its smooth edges.
    """
    shares = alphas(*stroke(points, width=2.0, colour="#204080"))
    places = [(column, row) for column in range(-3, 64) for row in range(-3, 44)]
    away = [
        min(distance((x + 0.5, y + 0.5), *piece) for piece in itertools.pairwise(points))
        for x, y in places
    ]
    wanted = [255 * max(0.0, min(1.0, 1.5 - each)) for each in away]
    assert (
        max(abs(shares.get(place, 0) - share) for place, share in zip(places, wanted, strict=True))
        < 1.01
    )


def distance(
    place: tuple[float, float], start: tuple[float, float], end: tuple[float, float]
) -> float:
    squared = dist(start, end) ** 2 or 1.0
    along = (
        sum((place[axis] - start[axis]) * (end[axis] - start[axis]) for axis in (0, 1)) / squared
    )
    share = max(0.0, min(1.0, along))
    return dist(
        place, (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))
    )


def alphas(left: int, top: int, picture: bytes) -> dict[tuple[int, int], int]:
    wide, high = struct.unpack(">II", picture[16:24])
    length = struct.unpack(">I", picture[33:37])[0]
    flat = zlib.decompress(picture[41 : 41 + length])
    step = 1 + 4 * wide
    return {
        (left + column, top + row): flat[row * step + 1 + 4 * column + 3]
        for row in range(high)
        for column in range(wide)
    }
