"""Scale: the values of a field as whole numbers in their order,
so that something between two of them can be named.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from .filters import (
    EPOCH,
    MOMENT_TYPES,
    NUMBER_TYPES,
    WHOLE_TYPES,
    Digits,
    literal,
    moment_literal,
    moment_of,
)

FINE = 1_000_000  # steps between two whole numbers, of a field that has numbers between them


def is_on_a_scale(edm_type: str | None) -> bool:
    return edm_type in MOMENT_TYPES or edm_type in NUMBER_TYPES


def place(value: object, edm_type: str) -> int | None:
    """Where a value of JSON stands, at it or right before it, in days, seconds or steps.
    None for no value.
    """
    try:
        if edm_type == "Edm.Date":
            return date.fromisoformat(str(value)).toordinal()
        if edm_type in MOMENT_TYPES:
            moment = datetime.fromisoformat(moment_of(str(value)))
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=EPOCH.tzinfo)
            seconds = (moment - EPOCH).total_seconds()
            return int(seconds // 1)
        steps = Decimal(str(value)) * _steps(edm_type)
        return int(steps // 1)
    except (ValueError, ArithmeticError):
        return None


def literal_at(number: int, edm_type: str, version: int) -> str:
    """The value at that place, as it stands in a filter. Raises Unwritable."""
    if edm_type == "Edm.Date":
        return literal(date.fromordinal(number).isoformat(), edm_type, version)
    if edm_type in MOMENT_TYPES:
        return moment_literal(number, edm_type, version)
    value = Decimal(number) / _steps(edm_type)
    digits = Digits(format(value, "f"))
    return literal(digits, edm_type, version)


def _steps(edm_type: str) -> int:
    return 1 if edm_type in WHOLE_TYPES else FINE
