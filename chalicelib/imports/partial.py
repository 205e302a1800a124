"""A partial import is one of a part of the source: one field, some periods.
The part is asked for with a `$filter`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.errors import SourceColumns
from chalicelib.odata.filters import (
    MOMENT_TYPES,
    NUMBER_TYPES,
    Unwritable,
    all_of,
    literal,
    moment_literal,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.odata.survey import Survey
    from chalicelib.store.period import Period

FIELD, PERIOD = "field_code", "production_period"
PART = ("field_code", "from", "to")  # the parameters of a job that leave rows out
LAST_DAY = date.max.isoformat()
DIGITS = re.compile(r"-?(0|[1-9][0-9]*)")


def is_partial(parameters: Mapping[str, Any]) -> bool:
    return any(name in parameters for name in PART)


def whole_periods(parameters: Mapping[str, Any], period: Period) -> dict[str, Any]:
    """The same part, from the first day of a period to the last day of one. From 10 March on the
    sums of March would be those of some of its rows, and replace those of all of them.
    """
    whole = dict(parameters)
    if "from" in parameters:
        whole["from"] = period.first_day(date.fromisoformat(parameters["from"])).isoformat()
    if "to" in parameters:
        whole["to"] = period.last_day(date.fromisoformat(parameters["to"])).isoformat()
    return whole


def part_filter(parameters: Mapping[str, Any], mapping: Mapping[str, str], survey: Survey) -> str:
    """Empty for an import that is not partial. `mapping` tells which field fills a
    column. A period lies before the day after the last one, so that one with a time of
    day is in. Raises SourceColumns.
    """
    parts = []
    if FIELD in parameters:
        parts.append(_comparison(FIELD, "eq", str(parameters[FIELD]), mapping, survey))
    if "from" in parameters:
        parts.append(_comparison(PERIOD, "ge", parameters["from"], mapping, survey))
    # To the last day that there is, nothing is left out; and no day comes after it.
    if parameters.get("to", LAST_DAY) != LAST_DAY:
        # To 31 March: before 1 April, so that 31 March 14:00 is in.
        day_after = date.fromisoformat(parameters["to"]) + timedelta(days=1)
        parts.append(_comparison(PERIOD, "lt", day_after.isoformat(), mapping, survey))
    return all_of(*parts) if parts else ""


def _comparison(
    column: str, operator: str, value: str, mapping: Mapping[str, str], survey: Survey
) -> str:
    name = mapping[column]
    edm_type = survey.type_of(name)
    try:
        return f"{name} {operator} {_literal(value, edm_type, survey.version)}"
    except Unwritable as exc:
        raise SourceColumns(
            f"The source's field {name} is {edm_type}, which cannot be compared with {value}. "
            "Start the import without that limit."
        ) from exc


def _literal(value: str, edm_type: str | None, version: int) -> str:
    if edm_type in NUMBER_TYPES and not DIGITS.fullmatch(value):
        raise Unwritable("no number is written so")  # 007 would ask for another code, 7
    if edm_type in MOMENT_TYPES:
        midnight = datetime.fromisoformat(value).replace(tzinfo=UTC)
        return moment_literal(midnight.timestamp(), edm_type, version)
    return literal(value, edm_type, version)
