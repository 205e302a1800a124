"""Question: what may be asked about the published data, with which parameters, and what each may be.

The API reads a question out of a request, the query function out of its event; both by the table below. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from .errors import ValidationError
from .job import parse_job_id
from .request_fields import single_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MOST_ROWS = 4_000  # 2 MB of JSON; from 5,000 on DuckDB sorts the whole table to find the first ones
MOST_REJECTS = 1_000  # each has up to 4 KiB of raw text
MOST_CURSOR = 200  # characters; the longest key of a list needs half of it
MOST_SEARCH = 100


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """`allowed` completes the sentence "… must be …". `read` raises ValueError, or a ValidationError of its own."""

    read: Callable[[str], Any]
    allowed: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """`arguments` are checked and plain: whole numbers and text, a date as YYYY-MM-DD."""

    name: str
    arguments: dict[str, Any]

    @property
    def event(self) -> dict[str, Any]:
        """What the query function is sent."""
        return {"question": self.name, "arguments": self.arguments}


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text) if re.fullmatch(r"-?[0-9]{1,19}", text) else None
        if number is None or not low <= number <= high:
            raise ValueError
        return number

    return read


def _day(text: str) -> str:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError
    return date.fromisoformat(text).isoformat()


def _search(text: str) -> str:
    """Any script, any sign; a lone surrogate is no text, and a control character none that anybody searches for."""
    if len(text) > MOST_SEARCH or any(unicodedata.category(sign) in ("Cc", "Cs") for sign in text):
        raise ValueError
    return text


def _cursor(text: str) -> str:
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{1,{MOST_CURSOR}}}", text):
        raise ValueError
    return text


def _limit(most: int) -> Parameter:
    return Parameter(read=_whole(1, most), allowed=f"a whole number from 1 to {most:,}")


_CODE = Parameter(read=_whole(-(2**63), 2**63 - 1), allowed="a whole number of 64 bits")
_DAY = Parameter(read=_day, allowed="a date such as 2024-01-31")
_CURSOR = Parameter(read=_cursor, allowed="the next_cursor of the page before, as it came")
_SEARCH = Parameter(read=_search, allowed=f"text of at most {MOST_SEARCH} characters, none of them a control character")
_JOB_ID = Parameter(read=parse_job_id, allowed="the id of a job")

_RANGE = {"from": _DAY, "to": _DAY}
_PAGE = {"limit": _limit(MOST_ROWS), "cursor": _CURSOR}

QUESTIONS: Mapping[str, Mapping[str, Parameter]] = {
    "production": {"well_code": _CODE, "field_code": _CODE, **_RANGE, **_PAGE},
    "totals": {"field_code": _CODE, **_RANGE, **_PAGE},
    "wells": {"search": _SEARCH, "field_code": _CODE, **_PAGE},
    "rejects": {"job_id": _JOB_ID, "limit": _limit(MOST_REJECTS), "cursor": _CURSOR},
    "summary": {},
    "export": {},
}


def parse_question(name: str, query: Mapping[str, Sequence[str]], **path: str) -> Question:
    """`path` are parameters that the address itself holds. Raises ValidationError with the field and what is
    allowed there, InvalidJobId.
    """
    known = QUESTIONS.get(name)
    if known is None:
        raise ValidationError(f"The questions are {', '.join(QUESTIONS)}.", field="question")
    told = single_values(query, allowed=[each for each in known if each not in path]) | path
    arguments = {each: _read(each, parameter, told[each]) for each, parameter in known.items() if each in told}
    if "from" in arguments and "to" in arguments and arguments["from"] > arguments["to"]:
        raise ValidationError("from must not be after to.", field="from", allowed="a date that is not after to")
    return Question(name=name, arguments=arguments)


def _read(name: str, parameter: Parameter, text: str) -> Any:
    """The value is not repeated in the error: what was put in the wrong place may be a secret."""
    try:
        return parameter.read(text)
    except ValueError:
        raise ValidationError(f"{name} must be {parameter.allowed}.", field=name, allowed=parameter.allowed) from None
