"""Which well a text means, its code or a part of its name, and the rows of that well."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from clients.api.client import WellheadClient, every
from clients.api.errors import ApiError, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clients.api.answers import Production

MOST_ROWS = 4000  # of one answer


def rows_of(wellhead: WellheadClient, well: str, asked: Mapping[str, Any]) -> list[Production]:
    """A text that is the code of a well means that one, whatever others have it in their name.
    Raises NotFound.
    """
    try:
        rows = _production(wellhead, well, asked)
        if rows:
            return rows
    except ApiError as error:
        if error.status != HTTPStatus.BAD_REQUEST:  # an older API takes numbers alone
            raise
    return _production(wellhead, _code_of(wellhead, well), asked)


def code_among(wellhead: WellheadClient, well: str, asked: Mapping[str, Any]) -> str:
    """As rows_of takes it. Raises NotFound."""
    if wellhead.production(well_code=well, limit=1, **asked).rows:
        return well
    return _code_of(wellhead, well)


def _production(wellhead: WellheadClient, code: str, asked: Mapping[str, Any]) -> list[Production]:
    return list(
        every(
            lambda cursor: wellhead.production(
                well_code=code, limit=MOST_ROWS, cursor=cursor, **asked
            )
        )
    )


def _code_of(wellhead: WellheadClient, search: str) -> str:
    """Raises NotFound when it is not one well."""
    wells = wellhead.wells(search, limit=MOST_ROWS).rows
    if not wells:
        raise NotFound("No well has that name.", status=404, code="NO_SUCH_WELL")
    name = search.lower()
    with_code = [well for well in wells if well["well_code"] == search]
    with_name = [well for well in wells if (well["well_name"] or "").lower() == name]
    codes = {well["well_code"] for well in with_code or with_name or wells}
    if len(codes) == 1:
        return codes.pop()
    names = ", ".join(f"{well['well_code']} ({well['well_name']})" for well in wells[:5])
    sentence = f"Several wells have that in their name: {names}. Give one's code."
    raise NotFound(sentence, status=404, code="SEVERAL_WELLS")


def refuse_several_sources(rows: Sequence[Production]) -> None:
    """What two sources tell of one well is never added. Raises ApiError."""
    names = sorted({str(row["source"]) for row in rows if row["source"] is not None})
    if len(names) > 1:
        sentence = (
            f"Several sources tell of this well: {', '.join(names)}. Name one: --source {names[0]}"
        )
        raise NotFound(sentence, status=404, code="SEVERAL_SOURCES")
