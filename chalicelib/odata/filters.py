"""`$filter` expressions for the source: the rows after a key, the rows changed since a moment.

A literal is written by the field's Edm type. Where no `$metadata` tells it, the JSON value does: a
number stands for itself, text that looks like a date or a moment is one, other text is a string.

OData v4: https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html,
section 5.1.1.13.

OData v2: https://www.odata.org/documentation/odata-version-2-0/overview/, section 6.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.store.batch import LONGEST_ROW

if TYPE_CHECKING:
    from collections.abc import Sequence

V2, V4 = 2, 4
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WHOLE_TYPES = {"Edm.Byte", "Edm.SByte", "Edm.Int16", "Edm.Int32", "Edm.Int64"}
NUMBER_TYPES = {*WHOLE_TYPES, "Edm.Decimal", "Edm.Double", "Edm.Single"}
MOMENT_TYPES = {"Edm.Date", "Edm.DateTime", "Edm.DateTimeOffset"}
_SUFFIX_V2 = {"Edm.Int64": "L", "Edm.Decimal": "M", "Edm.Double": "d", "Edm.Single": "f"}

_WHOLE = re.compile(r"-?\d+")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?)([Zz]|[+-]\d\d:\d\d)?")
_TICKS = re.compile(r"/Date\((-?\d{1,14})([+-]\d{1,4})?\)/")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Unwritable(ValueError):
    """The value cannot stand in a filter; says why in a few words."""


class Digits(str):
    """A JSON number as it is written."""

    __slots__ = ()


def read_row(row: Any) -> dict[str, Any]:
    """The members of a row, numbers as Digits. Raises Unwritable when it is no readable object."""
    if len(row) > LONGEST_ROW:
        raise Unwritable("its row is too long")
    try:
        members = json.loads(bytes(row).decode("utf-8"), parse_int=Digits, parse_float=Digits)
    except (ValueError, RecursionError) as exc:
        raise Unwritable("it is no readable row") from exc
    if not isinstance(members, dict):
        raise Unwritable("it is no readable row")
    return members


def after(key: Sequence[tuple[str, str]]) -> str:
    """The rows that follow these (field, literal) in the order of the fields, ascending.

    After field 7 and well 3: field gt 7 or (field eq 7 and (well gt 3)).
    """
    (field, literal), *rest = key
    if not rest:
        return f"{field} gt {literal}"
    in_same = after(rest)
    return f"{field} gt {literal} or ({field} eq {literal} and ({in_same}))"


def not_before(key: Sequence[tuple[str, str]]) -> str:
    """The rows of these (field, literal) themselves, and those that follow them."""
    (field, literal), *rest = key
    if not rest:
        return f"{field} ge {literal}"
    in_same = not_before(rest)
    return f"{field} gt {literal} or ({field} eq {literal} and ({in_same}))"


def before(key: Sequence[tuple[str, str]]) -> str:
    """The rows that come before these (field, literal)."""
    (field, literal), *rest = key
    if not rest:
        return f"{field} lt {literal}"
    in_same = before(rest)
    return f"{field} lt {literal} or ({field} eq {literal} and ({in_same}))"


def all_of(*filters: str) -> str:
    """The filters joined, empty ones left out."""
    present = [condition for condition in filters if condition]
    if len(present) == 1:
        return present[0]
    in_brackets = [f"({condition})" for condition in present]
    return " and ".join(in_brackets)


def literal(value: Any, edm_type: str | None, version: int) -> str:
    """Raises Unwritable:
    null, an object, not of the field's type, or a text that cannot be sent.
    """
    if value is None:
        raise Unwritable("it is null")
    if isinstance(value, bool) or not isinstance(value, str):
        raise Unwritable("it is neither a number nor text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unwritable("it has half a character") from None
    return _write(str(value), edm_type or type_of(value), version)


def type_of(value: Any) -> str:
    """The Edm type that a JSON value most likely has."""
    if isinstance(value, Digits):
        return "Edm.Int32" if _WHOLE.fullmatch(value) else "Edm.Double"
    if not isinstance(value, str):
        return "Edm.String"

    ticks = _TICKS.fullmatch(value)
    if ticks:
        has_zone = bool(ticks[2])
        return "Edm.DateTimeOffset" if has_zone else "Edm.DateTime"
    if _DAY.fullmatch(value):
        return "Edm.Date"
    moment = _MOMENT.fullmatch(value)
    has_zone = moment is not None and bool(moment[2])
    return "Edm.DateTimeOffset" if has_zone else "Edm.String"


def moment_literal(seconds: float, edm_type: str, version: int) -> str:
    """The whole second before an epoch time, as a literal of one of MOMENT_TYPES."""
    moment = EPOCH + timedelta(seconds=int(seconds // 1))
    text = moment.isoformat().replace("+00:00", "Z")
    if edm_type == "Edm.Date":
        text = text[:10]
    return _write(text, edm_type, version)


def _write(text: str, edm_type: str, version: int) -> str:
    if edm_type in NUMBER_TYPES:
        pattern = _WHOLE if edm_type in WHOLE_TYPES else _NUMBER
        number = _check_form(text, pattern, edm_type)
        suffix = _SUFFIX_V2.get(edm_type, "") if version == V2 else ""
        return number + suffix  # 7 of v4 is 7L of v2
    if edm_type == "Edm.String":
        escaped = text.replace("'", "''")
        return f"'{escaped}'"
    if edm_type == "Edm.Guid":
        guid = _check_form(text, _GUID, edm_type)
        return f"guid'{guid}'" if version == V2 else guid
    if edm_type == "Edm.Date":
        return _day(text)
    if edm_type in MOMENT_TYPES:
        return _moment(text, edm_type, version)
    raise Unwritable(f"its type {edm_type} has no order that can be asked for")


def _check_form(text: str, pattern: re.Pattern[str], edm_type: str) -> str:
    if not pattern.fullmatch(text):
        raise Unwritable(f"it is no {edm_type}")
    return text


def _day(text: str) -> str:
    try:
        datetime.fromisoformat(_check_form(text, _DAY, "Edm.Date"))
    except ValueError as exc:
        raise Unwritable("it is no Edm.Date") from exc
    return text


def _moment(text: str, edm_type: str, version: int) -> str:
    moment = _MOMENT.fullmatch(moment_of(text))
    if not moment:
        raise Unwritable(f"it is no {edm_type}")
    if edm_type == "Edm.DateTime":
        return f"datetime'{moment[1]}'"
    with_zone = f"{moment[1]}{moment[2] or 'Z'}"
    return f"datetimeoffset'{with_zone}'" if version == V2 else with_zone


def moment_of(text: str) -> str:
    """What v2 writes as milliseconds since 1970, in UTC."""
    ticks = _TICKS.fullmatch(text)
    if not ticks:
        return text
    milliseconds = int(ticks[1])
    try:
        moment = EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError as exc:
        raise Unwritable("it is beyond the years 1 to 9999") from exc
    has_fraction = milliseconds % 1000
    text = moment.isoformat(timespec="milliseconds" if has_fraction else "seconds")
    return text.replace("+00:00", "Z")
