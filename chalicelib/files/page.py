"""Pages of files: the rows of a piece, and the cursor at what comes after them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.odata.cursor import Cursor, Page
from chalicelib.odata.reading import End

if TYPE_CHECKING:
    from .piece import Piece, Reader
    from .position import Position


def page_of(
    cursor: Cursor, position: Position, piece: Piece, reader: Reader, following: Position | None
) -> Page:
    delivered = cursor.delivered + piece.count
    behind = replace(cursor, delivered=delivered, bytes=cursor.bytes + piece.size)
    return Page(
        number=position.number,
        part=first_part(position),
        rows=piece.rows,
        next=cursor_at(behind, following),
        size=piece.size,
        table=piece.table,
        first_row=position.mark.row,
        file=reader.file,
    )


def first_part(position: Position) -> int | None:
    """The number of the part in which its file begins, where it does in another one."""
    return position.part.begun if position.part else None


def cursor_at(cursor: Cursor, position: Position | None) -> Cursor:
    if position is None:
        return replace(cursor, page=cursor.page + 1, url=None, ended=str(End.FILES))
    return replace(cursor, page=position.number, url=position.url)
