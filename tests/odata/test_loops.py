"""What was read before is refused: by its address, and by its first and last row."""

import pytest

from chalicelib.errors import SourceLoop
from chalicelib.odata.loops import LoopGuard

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
