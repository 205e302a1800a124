"""What a request asks of the sample source: `$filter` on the key and on `updated_at`, `$orderby`,
`$top`, `$skip`, `$count`; in OData v2 `$inlinecount` and literals such as `1L` and
`datetime'2024-01-01T00:00:00'`.
"""

import json
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne
from typing import Protocol, Self, cast
from urllib.parse import parse_qsl, quote, urlencode

from chalicelib.files.json_lines import Key

KEY = ("field_code", "well_code", "production_period")
CHANGED = "updated_at"


class Rows(Protocol):
    """What is served. `ordered`: the keys never fall, so ranges can be found by halving."""

    @property
    def ordered(self) -> bool: ...
    def __len__(self) -> int: ...
    def __hash__(self) -> int: ...
    def key(self, position: int) -> Key: ...
    def page(self, skip: int, top: int) -> list[bytes]: ...


class QueryError(ValueError):
    """A query that this source does not understand."""


Bound = tuple[int | str | None, int | str | None] | None
"""The least and the greatest value of a key column among some rows; None: could be anything."""
Bounds = tuple[Bound, ...]
Verdict = bool | None
"""Whether all rows within bounds match (True), or none (False), or it depends (None). The bounds are those of the
key columns and, for a single row, its change."""
Test = Callable[[Bounds], Verdict]

OPERATORS = {"eq": eq, "ne": ne, "gt": gt, "ge": ge, "lt": lt, "le": le}
TOKEN = re.compile(
    r"\s*([()]|(?:datetime|datetimeoffset)'[^']*'|\d{4}-\d\d-\d\dT[\d:]{8}Z|\d{4}-\d\d-\d\d\b|-?\d{1,18}L?\b|[A-Za-z_]+)\s*"
)
MOST_PARENTHESES = 50


class Filter:
    """Comparisons on the key columns and the change, joined with and, or and parentheses;
    read by recursive descent. `by_row`: each row must be looked at.
    """

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self.by_row = CHANGED in self._tokens
        if self._tokens.count("(") > MOST_PARENTHESES:
            raise QueryError(f"$filter has more than {MOST_PARENTHESES} parentheses.")
        self.test = self._any()
        if self._tokens:
            raise QueryError(f"$filter goes on unexpectedly at {self._tokens[0]!r}.")

    def _any(self) -> Test:
        tests = [self._all()]
        while self._accept("or"):
            tests.append(self._all())
        return lambda bounds: _either(test(bounds) for test in tests)

    def _all(self) -> Test:
        tests = [self._term()]
        while self._accept("and"):
            tests.append(self._term())
        return lambda bounds: _negate(_either(_negate(test(bounds)) for test in tests))

    def _term(self) -> Test:
        if not self._accept("("):
            return self._comparison()
        test = self._any()
        if not self._accept(")"):
            raise QueryError("$filter lacks a closing parenthesis.")
        return test

    def _comparison(self) -> Test:
        column, operator, literal = (self._next() for _ in range(3))
        columns = (*KEY, CHANGED)
        if column not in columns or operator not in OPERATORS:
            raise QueryError(
                f"$filter compares {', '.join(columns)} with {', '.join(OPERATORS)} only."
            )
        return _comparison(columns.index(column), operator, _value(column, literal))

    def _accept(self, token: str) -> bool:
        if not self._tokens or self._tokens[0] != token:
            return False
        self._tokens.popleft()
        return True

    def _next(self) -> str:
        if not self._tokens:
            raise QueryError("$filter ends too early.")
        return self._tokens.popleft()


def _value(column: str, literal: str) -> int | str | None:
    """As the rows hold it: a number, a date, a moment in UTC to the second, or null."""
    if literal == "null":
        return None
    plain = re.sub(r"^datetime(offset)?'(.*)'$", r"\2", literal)
    if column == CHANGED and re.fullmatch(r"[\d-]{10}T[\d:]{8}Z?", plain):
        return plain.rstrip("Z") + "Z"
    if column == KEY[-1] and re.fullmatch(r"\d{4}-\d\d-\d\d(T00:00:00Z?)?", plain):
        return plain[:10]
    if column in KEY[:-1] and re.fullmatch(r"-?\d+L?", literal):
        return int(literal.rstrip("L"))
    raise QueryError(f"$filter cannot compare {column} with {literal!r}.")


def _tokens(text: str) -> deque[str]:
    tokens: deque[str] = deque()
    place = 0
    while place < len(text):
        match = TOKEN.match(text, place)
        if not match:
            raise QueryError(f"$filter has something unsupported at {text[place : place + 20]!r}.")
        tokens.append(match[1])
        place = match.end()
    return tokens


def _comparison(column: int, operator: str, literal: int | str | None) -> Test:
    """Nothing is less or more than null: OData v4.01 part 2, 5.1.1.1."""
    if literal is None:
        return _comparison_with_null(column, operator)
    compare = cast("Callable[[object, object], bool]", OPERATORS[operator])

    def test(bounds: Bounds) -> Verdict:
        bound = bounds[column]
        if bound is None:
            return None
        low, high = bound
        if low is None or high is None:
            if low is high:
                return operator == "ne"
            return None
        if operator in ("eq", "ne") and low != high:
            is_within = cast("int", low) <= cast("int", literal) <= cast("int", high)
            return None if is_within else operator == "ne"
        verdict = compare(low, literal)
        if verdict == compare(high, literal):
            return verdict
        return None

    return test


def _comparison_with_null(column: int, operator: str) -> Test:
    def test(bounds: Bounds) -> Verdict:
        bound = bounds[column]
        if bound is None:
            return None
        nulls = [each is None for each in bound]
        if nulls[0] != nulls[1]:
            return None
        return nulls[0] == (operator == "eq") if operator in ("eq", "ne") else False

    return test


def _either(verdicts: Iterator[Verdict]) -> Verdict:
    known: Verdict = False
    for verdict in verdicts:
        if verdict:
            return True
        if verdict is None:
            known = None
    return known


def _negate(verdict: Verdict) -> Verdict:
    return None if verdict is None else not verdict


def matching(rows: Rows, wanted: Filter) -> list[range]:
    """The runs of positions that match, found by halving whatever is neither all in nor all out,
    unless each row must be looked at.
    """
    if wanted.by_row:
        return _matching_by_row(rows, wanted.test)
    return _matching_by_key(rows, wanted.test)


def _matching_by_row(rows: Rows, test: Test, step: int = 1_000) -> list[range]:
    runs: list[range] = []
    for start in range(0, len(rows), step):
        for position, row in enumerate(rows.page(start, step), start=start):
            changed = json.loads(row).get(CHANGED)
            values: tuple[int | str | None, ...] = (*rows.key(position), changed)
            # Of one row each value is its own least and greatest.
            if not test(tuple((value, value) for value in values)):
                continue
            if runs and runs[-1].stop == position:
                runs[-1] = range(runs[-1].start, position + 1)
            else:
                runs.append(range(position, position + 1))
    return runs


def _matching_by_key(rows: Rows, test: Test) -> list[range]:
    runs: list[range] = []
    pending = [range(len(rows))]
    while pending:
        run = pending.pop()
        verdict = test(_bounds(rows, run)) if run else False
        if verdict is None:
            half = len(run) // 2
            pending += [run[half:], run[:half]]
        elif verdict and runs and runs[-1].stop == run.start:
            runs[-1] = range(runs[-1].start, run.stop)
        elif verdict:
            runs.append(run)
    return runs


def _bounds(rows: Rows, run: range) -> Bounds:
    """In key order a later column is bounded only where the columns before it do not change:

    from (1, 5, March) to (1, 5, June): field 1 to 1, well 5 to 5, months March to June
    from (1, 5, March) to (1, 9, June): field 1 to 1, wells 5 to 9, any month
    """
    low = rows.key(run[0])
    if len(run) == 1:
        return (low[0], low[0]), (low[1], low[1]), (low[2], low[2])
    if not rows.ordered:
        return None, None, None
    high = rows.key(run[-1])
    is_of_one_field = low[0] == high[0]
    is_of_one_well = low[:2] == high[:2]
    well = (low[1], high[1]) if is_of_one_field else None
    month = (low[2], high[2]) if is_of_one_well else None
    return (low[0], high[0]), well, month


@dataclass(frozen=True)
class Query:
    """The system query options of a request for rows;
    `options` as they were written, for the next link.
    """

    options: dict[str, str]
    filter: str
    skip: int
    top: int | None
    count: bool

    @classmethod
    def parse(cls, text: str, version: int = 4) -> Self:
        pairs = parse_qsl(text, keep_blank_values=True)
        names = [name for name, _ in pairs if name.startswith("$")]
        if len(names) > len(set(names)):
            raise QueryError("A query option comes twice.")
        options = {name: value for name, value in pairs if name in names}
        counting, counts = COUNTING[version]
        unknown = sorted(options.keys() - SUPPORTED - {counting})
        if unknown:
            raise QueryError(f"{', '.join(unknown)} is not supported.")
        if options.get(counting, counts[0]) not in counts:
            raise QueryError(f"{counting} must be {' or '.join(reversed(counts))}.")
        _check_order(options.get("$orderby", ",".join(KEY)))
        skip = _whole(options, "$skiptoken" if "$skiptoken" in options else "$skip")
        return cls(
            options,
            options.get("$filter", ""),
            skip or 0,
            _whole(options, "$top"),
            options.get(counting) == counts[1],
        )

    @property
    def is_continued(self) -> bool:
        return "$skiptoken" in self.options

    def continuation(self, skiptoken: int, top: int | None) -> str:
        """The query string that goes on from there, for `top` more rows or all of them."""
        options = {
            name: value
            for name, value in self.options.items()
            if name not in {"$skip", "$skiptoken", "$top"}
        }
        left = {} if top is None else {"$top": str(top)}
        return urlencode(
            options | left | {"$skiptoken": str(skiptoken)}, quote_via=quote, safe="$,"
        )


SUPPORTED = {"$filter", "$orderby", "$top", "$skip", "$skiptoken", "$format"}
COUNTING = {2: ("$inlinecount", ("none", "allpages")), 4: ("$count", ("false", "true"))}


def _check_order(text: str) -> None:
    columns = [" ".join(column.split()) for column in text.split(",")]
    names = [column.removesuffix(" asc") for column in columns]
    if names != list(KEY):
        raise QueryError(f"$orderby must be {','.join(KEY)}, ascending.")


def _whole(options: dict[str, str], name: str) -> int | None:
    text = options.get(name)
    if text is not None and not re.fullmatch("[0-9]{1,18}", text):
        raise QueryError(f"{name} must be a whole number.")
    if text is None:
        return None
    return int(text)
