"""Parameter: what a value of a request may be, for people, for programs and for the code that reads
it.

The routes read their parameters by these, and the OpenAPI document shows the same ones. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from chalicelib.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Characters; the longest key of a list, two codes of any signs, and the name of its snapshot fit.
MOST_CURSOR = 2500
MOST_CODE = 100
MOST_SEARCH = 100
# Characters of an option of the feed; API Gateway takes 10,240 bytes of address and headers.
MOST_OPTION = 6_000
_MOMENT = re.compile(
    r"([0-9-]{10}[Tt][0-9:]{5,8}(?:\.[0-9]{1,6})?)[0-9]*"  # further decimals are left out
    r"([Zz]|[-+ ][0-9]{2}:[0-9]{2})"
)
_NO_CONTROL = r"^[^\u0000-\u001F\u007F-\u009F]*$"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """`allowed` completes the sentence "… must be …", `schema` says it in JSON Schema.
    `read` raises ValueError, or a ValidationError of its own.
    """

    read: Callable[[str], Any]
    allowed: str
    schema: Mapping[str, Any] = field(default_factory=dict)
    meaning: str = ""


def whole(low: int, high: int, allowed: str, meaning: str) -> Parameter:
    def read(text: str) -> int:
        number = int(text) if re.fullmatch(r"-?[0-9]{1,19}", text) else None
        if number is None or not low <= number <= high:
            raise ValueError
        return number

    schema = {
        "type": "integer",
        "minimum": low,
        "maximum": high,
    }
    return Parameter(read=read, allowed=allowed, schema=schema, meaning=meaning)


def limit(most: int) -> Parameter:
    return whole(1, most, f"a whole number from 1 to {most:,}", "how many at most")


def choice(*values: str, meaning: str) -> Parameter:
    def read(text: str) -> str:
        if text not in values:
            raise ValueError
        return text

    return Parameter(
        read=read,
        allowed=f"one of {', '.join(values)}",
        schema={"type": "string", "enum": list(values)},
        meaning=meaning,
    )


def read_value(name: str, parameter: Parameter, text: str) -> Any:
    """The value is not repeated in the error: what was put in the wrong place may be a secret.
    Raises ValidationError.
    """
    try:
        return parameter.read(text)
    except ValueError:
        raise refusal(name, parameter) from None


def refusal(name: str, parameter: Parameter) -> ValidationError:
    return ValidationError(
        f"{name} must be {parameter.allowed}.", field=name, allowed=parameter.allowed
    )


def check_range(values: Mapping[str, Any]) -> None:
    """Raises ValidationError."""
    if "from" not in values or "to" not in values:
        return
    if values["from"] > values["to"]:
        allowed = "a date that is not after to"
        raise ValidationError("from must not be after to.", field="from", allowed=allowed)


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError
    return text == "true"


def first_day(text: str) -> str:
    """Of a day, a month or a year. Raises ValueError."""
    if not re.fullmatch(r"[0-9]{4}(-[0-9]{2}){0,2}", text):
        raise ValueError
    return date.fromisoformat(f"{text}-01-01"[:10]).isoformat()


def last_day(text: str) -> str:
    """Of a day, a month or a year. Raises ValueError."""
    first = date.fromisoformat(first_day(text))
    month_by_length = {len("2024"): 12, len("2024-01"): first.month}
    month = month_by_length.get(len(text))
    if month is None:  # the day itself
        return first.isoformat()
    _, days_of_month = monthrange(first.year, month)
    return first.replace(month=month, day=days_of_month).isoformat()


def _instant(text: str) -> str:
    """In UTC. A day alone is all of it; a plus that a URL has made a space is one.
    Raises ValueError.
    """
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        end_of_day = datetime.combine(date.fromisoformat(text), time.max, tzinfo=UTC)
        return end_of_day.isoformat()
    found = _MOMENT.fullmatch(text)
    if not found:
        raise ValueError
    moment = found[1].upper()
    zone = found[2].replace(" ", "+").upper()
    try:
        return datetime.fromisoformat(moment + zone).astimezone(UTC).isoformat()
    except OverflowError:
        raise ValueError from None


def _search(text: str) -> str:
    return _text(text, MOST_SEARCH)


def _option(text: str) -> str:
    if len(text) > MOST_OPTION or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise ValueError
    return text


def _text(text: str, most: int) -> str:
    """Any script, any sign;
    a lone surrogate is no text, and a control character none that anybody searches for.
    """
    if len(text) > most:
        raise ValueError
    categories = {unicodedata.category(sign) for sign in text}
    if categories & {"Cc", "Cs"}:
        raise ValueError
    return text


def _cursor(text: str) -> str:
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{1,{MOST_CURSOR}}}", text):
        raise ValueError
    return text


def _of_days(read: Callable[[str], str], meaning: str) -> Parameter:
    shorter = {"pattern": "^(?!0000)[0-9]{4}(-(0[1-9]|1[0-2]))?$"}
    return Parameter(
        read=read,
        allowed="a date such as 2024-01-31, or all of a month or a year, such as 2024-01 or 2024",
        schema={"type": "string", "anyOf": [{"format": "date"}, shorter]},
        meaning=meaning,
    )


def _code_text(text: str) -> str:
    """A code as the source writes it: a number in a request is its digits."""
    code = _text(text, MOST_CODE).strip()
    if not code:
        raise ValueError
    return code


def _code(meaning: str) -> Parameter:
    return Parameter(
        read=_code_text,
        allowed=f"a code of 1 to {MOST_CODE} characters, none of them a control character",
        schema={
            "type": ["string", "integer"],
            "minLength": 1,
            "maxLength": MOST_CODE,
            "pattern": _NO_CONTROL,
        },
        meaning=f"{meaning}, by its code as the source writes it: 7 and 007 are two",
    )


def _source(text: str) -> str:
    if not re.fullmatch(r"\*|[a-z0-9-]{1,40}", text):
        raise ValueError
    return text


def _source_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]{1,40}", text):
        raise ValueError
    return text


FULL = Parameter(
    read=_truth,
    allowed="true or false",
    schema={"type": "boolean", "default": False},
    meaning="ask the source for everything, also where [increments](configuration.md#increments) are set up",
)
FIELD_CODE = _code("only of one field")
WELL_CODE = _code("only of one well")
SOURCE = Parameter(
    read=_source,
    allowed="the name of a source, or * for all of them",
    schema={"type": "string", "pattern": r"^(\*|[a-z0-9-]{1,40})$"},
    meaning="only of one source; * or nothing: of all. Sums are made for each source, and over all of"
    " them only for *",
)
SOURCE_NAME = Parameter(
    read=_source_name,
    allowed="the name of a source: 1 to 40 small letters, digits or hyphens",
    schema={"type": "string", "pattern": "^[a-z0-9-]{1,40}$"},
    meaning="the [source](#sources) that is meant; without it the only one, or the one with `default = true`",
)
FROM = _of_days(first_day, "the first day of the production periods, inclusive")
TO = _of_days(last_day, "the last day of the production periods, inclusive")
AS_OF = Parameter(
    read=_instant,
    allowed="a moment with its zone such as 2026-06-30T18:00:00Z, or a date, for the end of that day in UTC",
    schema={"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]},
    meaning="[the rows as they stood](#as-it-stood) at that moment, by the imports that had been "
    "merged; without it, as they stand",
)
CURSOR = Parameter(
    read=_cursor,
    allowed="the next_cursor of the page before, as it came",
    schema={"type": "string", "pattern": f"^[A-Za-z0-9_-]{{1,{MOST_CURSOR}}}$"},
    meaning="the next_cursor of the page before, as it came; without one, the first page",
)
OPTION = Parameter(read=_option, allowed=f"text of at most {MOST_OPTION:,} characters")
SEARCH = Parameter(
    read=_search,
    allowed=f"text of at most {MOST_SEARCH} characters, none of them a control character",
    schema={"type": "string", "maxLength": MOST_SEARCH, "pattern": _NO_CONTROL},
    meaning="text that the name or the code of a field, or the name, the reference or the code of a "
    "well contains, whatever its case; no wildcards",
)
WORDS = replace(
    SEARCH,
    meaning="words that the names and codes contain, [all of them, in any order](#the-register), "
    "whatever their case and accents",
)
