"""Look: what was seen of the data; and each of its fields by itself."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from dataclasses import field as default
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from chalicelib.sources.choices import BLANKS
from chalicelib.sources.faults import UNWRITABLE

from .dates import FORMS, read_day, reader_of
from .words import word_set, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_ROWS = 20_000
MOST_CELLS = 400_000  # a second or two of the slow kind
LEAST_ROWS = 200
LONGEST_NAME = 200  # characters
LONGEST_VALUE = 200  # what is longer is no code, number or date
FEW = 50  # values that are looked at first
LEAST_OF_FEW = 0.8  # of them, for a look at the others
LEAST_OF_NUMBERS = 0.8  # of the values that are no words for nothing
USUAL = 0.98  # the share of values that makes a form the form
NULL_WORDS = word_set(
    "n/a na n.a. n.a n/d nd n.d. s/d null none nil nan nr - -- --- . .. ... ? * ** *** # #n/a (null) \\n missing "
    "unknown confidential conf"
)
_FRACTION = re.compile(r"[+-]?[0-9]*[.,][0-9]*[1-9][0-9]*", re.ASCII)
NO_MONTH = re.compile(r"(0|-1|13)-[0-9]{4}", re.ASCII)
_TOTAL = re.compile(
    r"(?i)(?:grand |sub-?|yearly |annual )?tota(?:l|le|al|lt)s?\b.*|(?:sum|suma|soma|somme|totalizador)\b.*|all wells"
)
_LIKE_NUMBER = re.compile(
    r"[+-]?(?:[0-9][0-9.,' \xa0\u202f\u2009]*|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?"
)


@dataclass(frozen=True, kw_only=True)
class Look:
    """`fields` in their order, `rows` with texts as written (None: nothing),
    `kinds` what the format itself tells of a field: text, number, date or boolean.
    """

    fields: tuple[str, ...]
    rows: list[dict[str, str | None]]
    kinds: Mapping[str, str] = default(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Guess:
    """`key` is that of the definition, such as "columns.well_code", and `value` what stands there.
    It is `sure` when the data say so themselves. What lacks something is not `is_complete`; `why`
    then tells what.
    """

    key: str
    value: Any
    why: str
    sure: bool = False
    is_complete: bool = True


@dataclass(frozen=True, kw_only=True)
class SourceField:
    """A field: `values` of all rows, stripped, "" for nothing."""

    name: str
    place: int
    values: tuple[str, ...] = default(repr=False)
    kind: str = "text"

    @cached_property
    def words(self) -> tuple[str, ...]:
        return words_of(self.name)

    @cached_property
    def terms(self) -> frozenset[str]:
        return frozenset(self.words)

    @cached_property
    def counts(self) -> Counter[str]:
        """Of the values that say something."""
        counts = Counter(self.values)
        counts.pop("", None)
        return counts

    @cached_property
    def filled_count(self) -> int:
        return self.counts.total()

    @property
    def filled_share(self) -> float:
        if not self.values:
            return 0.0
        return self.filled_count / len(self.values)

    def share(self, holds: Callable[[str], object]) -> float:
        """Of the filled values. Without any, nothing holds."""
        return _share(self.counts, holds) if self.filled_count else 0.0

    def is_mostly(self, holds: Callable[[str], object]) -> bool:
        """Of nearly all; a few values tell soon that it does not."""
        first_values = list(islice(self.counts, FEW))
        fitting = sum(bool(holds(value)) for value in first_values)
        if not first_values or fitting < LEAST_OF_FEW * len(first_values):
            return False
        return self.share(holds) >= USUAL

    @cached_property
    def is_number(self) -> bool:
        """Also one with a decimal comma, and one with some words between."""
        if self.kind == "number":
            return True
        counts = {
            value: count for value, count in self.counts.items() if value.lower() not in NULL_WORDS
        }
        if not counts:
            return False

        like_numbers = [count for value, count in counts.items() if _LIKE_NUMBER.fullmatch(value)]
        return sum(like_numbers) >= LEAST_OF_NUMBERS * sum(counts.values())

    @property
    def may_be_number(self) -> bool:
        return self.is_number or not self.filled_count

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """Of dates, those that nearly all values fit, totals apart;
        "" is that of a date which needs none.
        """
        first_values = [value for value in islice(self.counts, FEW) if not is_total(value)]
        forms = ["", *FORMS]
        # Most forms are ruled out by a look at five values.
        for values in (first_values[:5], first_values):
            forms = [form for form in forms if _fit(form, values) >= LEAST_OF_FEW * len(values)]
        if not forms:
            return ()

        dates = {value: count for value, count in self.counts.items() if not is_total(value)}
        if not dates:
            return ()
        fitting = [form for form in forms if _share(dates, reader_of(form)) >= USUAL]
        return tuple(fitting)

    @cached_property
    def is_fraction(self) -> bool:
        """A number that has decimals, as no code has."""
        if not self.is_number:
            return False
        return self.share(_FRACTION.fullmatch) > 1 - USUAL


def _share(counts: Mapping[str, int], holds: Callable[[str], object]) -> float:
    fitting = sum(count for value, count in counts.items() if holds(value))
    return fitting / sum(counts.values())


def _fit(form: str, values: list[str]) -> int:
    """How many of the values have the form."""
    days = [read_day(form, value) for value in values]
    return sum(day is not None for day in days)


def is_total(text: str) -> bool:
    """A word such as Grand Total, or a month 0-2024 (of Kansas)."""
    match = _TOTAL.fullmatch(text) or NO_MONTH.fullmatch(text)
    return match is not None


class Table:
    """The fields of a look that a definition can name, and its rows."""

    def __init__(self, fields: list[SourceField], rows: int) -> None:
        self.fields = fields
        self.rows = rows
        self.by_name = {field.name: field for field in fields}

    @classmethod
    def of(cls, look: Look) -> Table:
        # Of a table with many columns fewer rows are looked at.
        columns = max(1, len(look.fields))
        most_rows = min(MOST_ROWS, MOST_CELLS // columns)
        most_rows = max(LEAST_ROWS, most_rows)
        rows = look.rows[:most_rows]

        each_once = dict.fromkeys(look.fields)
        names = [name for name in each_once if is_sayable(name)]
        fields = [_field_of(look, rows, name, place) for place, name in enumerate(names)]
        return cls(fields, len(rows))

    def only(self, wanted: list[int]) -> Table:
        """Some of the rows."""
        fields = [
            SourceField(
                name=field.name,
                place=field.place,
                kind=field.kind,
                values=tuple(field.values[place] for place in wanted),
            )
            for field in self.fields
        ]
        return Table(fields, len(wanted))


def is_sayable(name: Any) -> bool:
    """Whether TOML can write it, and a definition may be as long."""
    if not isinstance(name, str) or not name or len(name) > LONGEST_NAME:
        return False
    return not is_unsayable(name)


def is_unsayable(text: str) -> bool:
    return bool(UNWRITABLE.search(text))


def _field_of(look: Look, rows: list[dict[str, str | None]], name: str, place: int) -> SourceField:
    values = tuple(_strip(row.get(name)) for row in rows)
    kind = look.kinds.get(name, "text")
    return SourceField(name=name, place=place, values=values, kind=kind)


def _strip(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    beginning = value[: LONGEST_VALUE + 1].strip(BLANKS)
    return UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", beginning)
