"""What was read before is refused: by its address, and by its first and last row."""

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


@pytest.mark.parametrize(("url", "rows"), [("a", ROWS[:1]), ("b", ROWS), ("b", [ROWS[0], b"{}", ROWS[2]]), ("a", [])])
def test_what_came_before_is_a_loop_and_names_the_page(url: str, rows: list[bytes]) -> None:
    guard = LoopGuard()
    guard.refuse_again("a", ROWS, page=1)

    with pytest.raises(SourceLoop) as looped:
        guard.refuse_again(url, rows, page=2)

    assert looped.value.details == {"page": 2}


@pytest.mark.parametrize(
    ("cursor", "says"),
    [
        (Cursor(url="a", empty=100), "100 pages in a row without a single row"),
        (Cursor(url="a", delivered=105_001, expected=2_500), "announced 2,500 rows and has sent 105,001"),
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
