"""Whether a source shows its rows in one order, asked when some have come on two pages: it may have
them twice, or its order may have changed from page to page, and then others came on none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.errors import SourceError, SourceTimeSpent, WorkerTimeSpent

from .addresses import PageAddresses
from .filters import Unwritable, read_row

if TYPE_CHECKING:
    from chalicelib.settings import Settings

    from .connection import ODataConnection
    from .cursor import Cursor
    from .survey import Survey

ROWS = 200  # of each look
PLACES = (0.25, 0.5, 0.75)  # of all rows


def shows_one_order(
    connection: ODataConnection, settings: Settings, survey: Survey, cursor: Cursor
) -> bool | None:
    """Looks twice at the same rows in some places, from two beginnings. None when it cannot
    everywhere be done and what was seen is in order. Raises SourceTimeSpent, WorkerTimeSpent.
    """
    addresses = PageAddresses(settings, survey)
    looks = [_look(connection, addresses, cursor, place) for place in PLACES]
    if False in looks:
        return False
    return None if None in looks else True


def _look(
    connection: ODataConnection, addresses: PageAddresses, cursor: Cursor, place: float
) -> bool | None:
    """A source gives as many rows as it likes; the second look begins in the middle of them.

    Rows 500 to 700 were asked for and 500 to 600 came: the second look begins at 550, and both have
    550 to 600.
    """
    delivered = cursor.delivered
    rows = max(2, min(ROWS, delivered // 2))
    first = min(int(delivered * place), delivered - rows)
    early = _keys(connection, addresses, cursor, first, rows)
    middle = len(early or ()) // 2
    if not early or not middle:
        return None
    late = _keys(connection, addresses, cursor, first + middle, rows)
    if not late:
        return None
    second_half = early[middle:]
    shared = min(len(second_half), len(late))
    return second_half[:shared] == late[:shared]


def _keys(
    connection: ODataConnection, addresses: PageAddresses, cursor: Cursor, first: int, rows: int
) -> list[Any] | None:
    url = addresses.of(cursor, {"$skip": str(first), "$top": str(rows)})
    try:
        body, _ = connection.get_page(url, page=cursor.page)
        return [_key(read_row(row), cursor.order) for row in body.rows[:rows]]
    except Unwritable:
        return None
    except (SourceTimeSpent, WorkerTimeSpent):
        raise
    except SourceError:
        return None


def _key(row: dict[str, Any], order: list[str]) -> list[Any]:
    """Whole rows where no order was asked for."""
    if not order:
        return list(row.items())
    return [row.get(name) for name in order]
