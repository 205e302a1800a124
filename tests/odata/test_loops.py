"""What was read before is refused:
by its address, by its first and last row, and by the keys of a few rows.
"""

import json
import random
from collections.abc import Iterable

import pytest

from chalicelib.errors import SourceLoop
from chalicelib.odata.cursor import Cursor
from chalicelib.odata.loops import LoopGuard, refuse_endless

ROWS = [b'{"id":1}', b'{"id":2}', b'{"id":3}']


def test_what_is_new_passes() -> None:
    guard = LoopGuard()

    guard.refuse_again("a", ROWS, page=1)
    guard.refuse_again("b", ROWS[:2], page=2)
    guard.refuse_again("c", ROWS[1:], page=3)
    guard.refuse_again("d", [], page=4)
    guard.refuse_again("e", [], page=5)


@pytest.mark.parametrize(
    ("url", "rows"), [("a", ROWS[:1]), ("b", ROWS), ("b", [ROWS[0], b"{}", ROWS[2]]), ("a", [])]
)
def test_what_came_before_is_a_loop_and_names_the_page(url: str, rows: list[bytes]) -> None:
    guard = LoopGuard()
    guard.refuse_again("a", ROWS, page=1)

    with pytest.raises(SourceLoop) as looped:
        guard.refuse_again(url, rows, page=2)

    assert looped.value.details == {"page": 2}


def rows_of(ids: Iterable[int], **more: object) -> list[bytes]:
    return [json.dumps({"id": each, **more}).encode() for each in ids]


def test_the_same_keys_again_are_a_loop_whatever_else_is_in_the_rows() -> None:
    """A service that knows no $skip and writes the time of day into each row."""
    guard = LoopGuard()
    guard.refuse_again("a", rows_of(range(20), read_at=1), page=1, order=["id"])

    with pytest.raises(SourceLoop):
        guard.refuse_again("b", rows_of(range(20), read_at=2), page=2, order=["id"])


def test_the_same_rows_in_ever_another_order_come_to_an_end() -> None:
    guard, draw = LoopGuard(), random.Random(1)

    def read(pages: int) -> None:
        for page in range(1, pages):
            guard.refuse_again(
                f"{page}", rows_of(draw.sample(range(300), 50)), page=page, order=["id"]
            )

    with pytest.raises(SourceLoop) as looped:
        read(10_000)

    assert looped.value.details["page"] < 300


@pytest.mark.parametrize("each", [1, 3, 70, 120])
def test_several_rows_of_a_key_beside_each_other_are_progress(each: int) -> None:
    guard = LoopGuard()
    for page in range(600):
        ids = [number // each for number in range(50 * page, 50 * page + 50)]
        guard.refuse_again(f"{page}", rows_of(ids, page=page), page=page, order=["id"])


@pytest.mark.parametrize(
    ("cursor", "says"),
    [
        (Cursor(url="a", empty=100), "100 pages in a row without a single row"),
        (
            Cursor(url="a", delivered=105_001, expected=2_500),
            "announced 2,500 rows and has sent 105,001",
        ),
        (Cursor(url="a", delivered=100_001, expected=0), "announced 0 rows"),
    ],
)
def test_a_source_that_makes_no_progress_is_told(cursor: Cursor, says: str) -> None:
    with pytest.raises(SourceLoop, match=says) as looped:
        refuse_endless(cursor, page=7)

    assert looped.value.details == {"page": 7}


@pytest.mark.parametrize(
    "cursor",
    [
        Cursor(url=None, empty=100),
        Cursor(url="a", empty=99),
        Cursor(url="a", delivered=105_000, expected=2_500),
        Cursor(url="a", delivered=10_000_000),
        Cursor(url="a", delivered=10_000_000, expected=5_000),  # Dataverse counts no further
    ],
)
def test_many_rows_and_some_empty_pages_are_progress(cursor: Cursor) -> None:
    refuse_endless(cursor, page=7)


def test_pages_that_differ_in_their_key_or_in_two_fields_are_progress() -> None:
    guard = LoopGuard()
    for number in range(30):
        ids = range(20 * number, 20 * number + 20)
        guard.refuse_again(f"a{number}", rows_of(ids, name="W"), page=number, order=["id"])
    guard.refuse_again("b", rows_of(range(20), name="V", oil=1), page=31, order=["id"])

    with pytest.raises(SourceLoop):
        guard.refuse_again("c", rows_of(range(20), name="V", oil=2), page=32, order=["id"])


def test_a_page_whose_rows_lack_their_key_tells_nothing() -> None:
    """A row that will be rejected stands first;
    nothing but its one field differs between the pages.
    """
    guard = LoopGuard()

    for number in range(3):
        rows = [json.dumps({"page": number}).encode(), *rows_of(range(20), name="W")]
        guard.refuse_again(f"a{number}", rows, page=number, order=["id"])
