"""Periods: the forms in which sources write a day, a month, a quarter or a year, and how each is
read.

A form is written as for `strptime` (https://docs.python.org/3/library/datetime.html#format-codes),
with `%q` for a quarter. What DuckDB's own `strptime` takes too much of is refused here: 20241 for
%Y%m, and the year 68 for 2068.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

NAMES = {
    1: "january enero janeiro janvier januar jan ene janv",
    2: "february febrero fevereiro fevrier februar feb fev fevr",
    3: "march marzo marco mars mar",
    4: "april abril avril apr abr avr",
    5: "may mayo maio mai",
    6: "june junio junho juin juni jun",
    7: "july julio julho juillet juli jul juil",
    8: "august agosto aout aug ago",
    9: "september septiembre setiembre setembro septembre sep sept set",
    10: "october octubre outubro octobre oktober oct out okt",
    11: "november noviembre novembro novembre nov",
    12: "december diciembre dezembro decembre desember dec dic dez des",
}
"""Months in English, Spanish, Portuguese, French and Norwegian, without accents, whole and short."""

USUAL_FORMS = (
    "%Y-%m",
    "%Y%m",
    "%Y-M%m",
    "%b-%y",
    "%b-%Y",
    "%B %Y",
    "%m/%Y",
    "%Y/%m",
    "%Y-%m-%d",
    "%Y%m%d",
    "%d.%m.%Y",
)
"""What can be nothing else, tried where a definition names no form and the text is no ISO date."""
FORMS_OF = {"quarter": ("%YQ%q", "%Y-Q%q", "%Y Q%q", "Q%q %Y"), "year": ("%Y",)}
CENTURY = 100

_DIGITS = {"Y": (4, 4), "y": (2, 2), "m": (1, 2), "d": (1, 2), "q": (1, 1)}
_TIMES = {  # are of no day
    "H": "(?:2[0-3]|[01]?[0-9])",
    "I": "(?:1[0-2]|0?[1-9])",
    "p": "[AaPp][Mm]",
    "M": "[0-5]?[0-9]",
    "S": "[0-5]?[0-9]",
}
_NAMED = {"Y": "year", "y": "short_year", "m": "month", "d": "day", "q": "quarter", "b": "name"}
_TOKEN = re.compile(r"%-?([A-Za-z%])")
OF_THE_SYSTEM = {"localtime", "posixrules", "Factory"}
LONGEST_FORM = 60  # characters


class FormatUnknown(ValueError):
    """A form that cannot be read; the sentence says why."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """`pattern` is one of RE2 with a group for each of `groups`:
    year, short_year, month, name, quarter, day.
    """

    pattern: str
    groups: tuple[str, ...]


def format_parts(form: str) -> Form:
    """Raises FormatUnknown."""
    if not form or len(form) > LONGEST_FORM:
        raise FormatUnknown("a form has 1 to 60 characters")
    pieces = _pieces(form)
    if any(kind == "text" and "%" in text for kind, text in pieces):
        raise FormatUnknown("a % stands by itself")

    groups = [_NAMED[kind] for kind, _ in pieces if kind in _NAMED]
    _check_groups(groups)

    patterns = [_pattern(pieces, place) for place in range(len(pieces))]
    pattern = "".join(patterns)
    return Form(pattern=f"^{pattern}$", groups=tuple(groups))


def _pieces(form: str) -> list[tuple[str, str]]:
    """Of %d.%m.%Y: d, text ".", m, text ".", Y."""
    pieces = []
    text_begin = 0
    for match in _TOKEN.finditer(form):
        text_before = form[text_begin : match.start()]
        pieces.append(("text", text_before))
        pieces.append((_token(match[1]), ""))
        text_begin = match.end()
    pieces.append(("text", form[text_begin:]))
    return [(kind, text) for kind, text in pieces if kind != "text" or text]


def _check_groups(groups: list[str]) -> None:
    """Raises FormatUnknown."""
    names = set(groups)
    has_one_year = len(names & {"year", "short_year"}) == 1
    if len(names) < len(groups) or not has_one_year:
        raise FormatUnknown("it needs one year, and nothing twice")

    has_month = bool(names & {"month", "name"})
    has_two = len(names & {"month", "name", "quarter"}) > 1
    if has_two or ("day" in names and not has_month):
        raise FormatUnknown("it needs one month or one quarter, and a day only with a month")


def _token(letter: str) -> str:
    kind = {"B": "b", "h": "b", "%": "text"}.get(letter, letter)
    if kind == "text":
        raise FormatUnknown("%% is of no use in a date")
    if kind not in (*_DIGITS, *_TIMES, "b"):
        raise FormatUnknown(f"%{letter} is not read")
    return kind


def _pattern(pieces: list[tuple[str, str]], place: int) -> str:
    """Months and days have one digit or two where no other digit stands beside them:
    of %d.%m.%Y both may have one, of %Y%m the month has two.
    """
    kind, text = pieces[place]
    if kind == "text":
        return re.escape(text).replace(r"\ ", " ")
    if kind == "b":
        return r"(\pL+)\.?"
    if kind in _TIMES:
        return _TIMES[kind]

    least, most = _DIGITS[kind]
    before = pieces[:place][-1:]
    after = pieces[place + 1 :][:1]
    beside = {other for other, _ in before + after}
    if beside & {*_DIGITS, *_TIMES}:
        least = most
    return f"([0-9]{{{least},{most}}})"


def pivot(now: datetime | None = None) -> int:
    """The largest year of two digits that is of this century: that of next year."""
    this_year = (now or datetime.now(UTC)).year
    return (this_year + 1) % CENTURY


def find_zone(name: str) -> ZoneInfo | None:
    """None when the IANA list has no such zone;
    files of the system that lie beside it are none of it.
    """
    if name in OF_THE_SYSTEM or name.startswith(("posix/", "right/")):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def usual_forms(period: str) -> tuple[str, ...]:
    """What is tried where a definition names no form: a month or a quarter is no day."""
    if period == "day":
        return tuple(form for form in USUAL_FORMS if "%d" in form)
    of_period = FORMS_OF.get(period, ())
    return (*USUAL_FORMS, *of_period)
