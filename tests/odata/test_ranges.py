"""Ranges of the key:
each row is in one of them, whatever lacks a key, and a source that cannot be cut stays whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.scripted_source import settings_for

from chalicelib.errors import SourceRefused, SourceTimeSpent, WorkerTimeSpent
from chalicelib.odata.addresses import PageAddresses
from chalicelib.odata.cursor import Cursor
from chalicelib.odata.envelope import PageBody
from chalicelib.odata.metadata import EntityType
from chalicelib.odata.ranges import Range, RangeFinder, part_of, parts_of
from chalicelib.odata.reading import Way
from chalicelib.odata.survey import Survey
from local.source.odata_query import KEY, Filter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

URL = "https://example.org/odata/Wells"
TYPES = dict(zip(KEY, ("Edm.Int32", "Edm.Int64", "Edm.Date"), strict=True))

Row = tuple[int | None, int | None, str | None]


@dataclass
class Service:
    """Answers with rows of a key of three fields, as OData has it: nulls come first,
    and are neither less nor more than anything. What it does otherwise is told to it.
    """

    rows: Sequence[Row]
    knows_skip: bool = True
    knows_null: bool = True
    ignores_filter: bool = False
    ignores_skip: bool = False
    counts: Callable[[int], int | None] = lambda count: count
    asked: list[dict[str, str]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def get_page(self, url: str, page: int, *, once: float, **_: Any) -> tuple[PageBody, int]:
        self.seconds.append(once)
        options = dict(parse_qsl(urlsplit(url).query))
        self.asked.append(options)
        if "$skip" in options and not self.knows_skip:
            raise SourceRefused
        rows = self._ordered(self._matching(options.get("$filter", "")), options["$orderby"])
        skip = 0 if self.ignores_skip else int(options.get("$skip", 0))
        found = [
            json.dumps(dict(zip(KEY, row, strict=True))).encode()
            for row in rows[skip : skip + int(options["$top"])]
        ]
        return PageBody(rows=found, count=None, next_link=None), 1

    def count(self, counted: str, _: str, *, once: float, **__: Any) -> int | None:
        self.seconds.append(once)
        wanted = dict(parse_qsl(urlsplit(counted).query)).get("$filter", "")
        if "null" in wanted and not self.knows_null:
            return None
        return self.counts(len(self._matching(wanted)))

    def _matching(self, text: str) -> list[Row]:
        return (
            list(self.rows)
            if self.ignores_filter or not text
            else [row for row in self.rows if holds(text, row)]
        )

    def _ordered(self, rows: list[Row], order: str) -> list[Row]:
        names = order.split(",")
        is_falling = names[0].endswith(" desc")
        places = [KEY.index(name.split()[0]) for name in names]
        return sorted(
            rows,
            key=lambda row: [(row[place] is not None, row[place]) for place in places],
            reverse=is_falling,
        )


def holds(text: str, row: Row) -> bool:
    return bool(Filter(text).test(tuple((value, value) for value in row)))


def finder(
    service: Service, *, own_key: bool = False, types: dict[str, str] = TYPES
) -> RangeFinder:
    survey = Survey(
        fields=list(KEY), entity=EntityType(key=list(KEY) if own_key else [], types=types)
    )
    return RangeFinder(
        connection=cast("Any", service),  # of it two methods are asked
        addresses=PageAddresses(settings_for(URL), survey),
        survey=survey,
        cursor=Cursor(url=URL, order=list(KEY), way=str(Way.AUTO), by_own_key=own_key),
        expected=len(service.rows),
        at_once=16,
    )


def in_each(ranges: Sequence[Range], rows: Sequence[Row]) -> list[int]:
    """In how many of the ranges each row is."""
    return [sum(holds(each.filter, row) for each in ranges) for row in rows]


def days(count: int) -> list[str]:
    return [f"2024-{1 + number // 28:02d}-{1 + number % 28:02d}" for number in range(count)]


MANY: list[Row] = [
    (code, well, day) for code in (1, 2, 3) for well in range(1, 8) for day in days(10)
]
keys = st.tuples(
    st.none() | st.integers(1, 4),
    st.none() | st.integers(-3, 12),
    st.none() | st.sampled_from(days(30)),
)


@given(
    rows=st.lists(keys, max_size=60),
    wanted=st.integers(2, 8),
    knows_skip=st.booleans(),
    knows_null=st.booleans(),
)
@example(
    rows=[(1, well, day) for well in range(6) for day in days(10)],
    wanted=6,
    knows_skip=True,
    knows_null=True,
)
@example(
    rows=[(code, 1, days(1)[0]) for code in range(1, 60)],
    wanted=4,
    knows_skip=False,
    knows_null=True,
)
def test_each_row_is_in_one_range_of_them_all(
    rows: list[Row], wanted: int, knows_skip: bool, knows_null: bool
) -> None:
    ranges = finder(Service(rows, knows_skip=knows_skip, knows_null=knows_null)).ranges(wanted)

    if ranges:
        assert in_each(ranges, rows) == [1] * len(rows)
        assert sum(each.rows for each in ranges) == len(rows)
        assert [each.rows for each in ranges] == [
            sum(holds(each.filter, row) for row in rows) for each in ranges
        ]


@pytest.mark.parametrize(
    "lacking", [(None, 1, "2024-01-01"), (1, None, "2024-01-01"), (1, 1, None)]
)
def test_rows_that_lack_a_field_of_the_key_are_in_one_range_too(lacking: Row) -> None:
    """Of their own, unless what they do not lack puts them into another one."""
    rows = [*MANY, lacking, lacking]

    ranges = finder(Service(rows)).ranges(4)

    assert len(ranges) >= 3
    assert in_each(ranges, rows) == [1] * len(rows)
    assert ranges[-1].has_keys or ranges[-1].rows == 2


@pytest.mark.parametrize("wanted", [2, 5, 16])
def test_by_rank_the_ranges_are_of_one_size(wanted: int) -> None:
    ranges = finder(Service(MANY)).ranges(wanted)

    assert len(ranges) == wanted
    sizes = [each.rows for each in ranges]
    assert max(sizes) - min(sizes) <= 1


def test_without_skip_the_first_field_is_halved() -> None:
    rows: list[Row] = [(code, 1, day) for code in range(1, 200, 3) for day in days(3)]

    ranges = finder(Service(rows, knows_skip=False)).ranges(8)

    assert len(ranges) > 4
    assert in_each(ranges, rows) == [1] * len(rows)
    assert max(each.rows for each in ranges) <= len(rows) / 4


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("Edm.Date", days(60)),
        ("Edm.DateTimeOffset", [f"{day}T06:30:00Z" for day in days(60)]),
        ("Edm.Decimal", [str(number / 8) for number in range(60)]),
        ("Edm.Int64", [str(10**15 + number) for number in range(60)]),
    ],
)
def test_what_has_a_scale_is_halved(kind: str, values: list[str]) -> None:
    class Counting(Service):
        def get_page(self, url: str, page: int, **_: Any) -> tuple[PageBody, int]:
            options = dict(parse_qsl(urlsplit(url).query))
            if "$skip" in options:
                raise SourceRefused
            value = values[-1] if options["$orderby"].endswith("desc") else values[0]
            told = json.dumps(
                {KEY[0]: value} if kind.startswith("Edm.Date") else {KEY[0]: json.loads(value)}
            )
            return PageBody(rows=[told.encode()], count=None, next_link=None), 1

        def count(self, counted: str, _: str, **__: Any) -> int | None:
            wanted = dict(parse_qsl(urlsplit(counted).query)).get("$filter", "")
            return sum(_is_between(wanted, value, kind) for value in values)

    service = Counting([(1, 1, None)] * 60)

    ranges = finder(service, types={**TYPES, KEY[0]: kind}).ranges(4)

    assert len(ranges) >= 4
    assert sum(each.rows for each in ranges) == 60
    assert max(each.rows for each in ranges) <= 20


def _is_between(wanted: str, value: str, kind: str) -> bool:
    """Of `x ge a`, `x lt b`, or both."""
    told = float if "Date" not in kind else str
    compare = {"ge": lambda a, b: a >= b, "lt": lambda a, b: a < b}
    parts = [part.strip("() ").split() for part in wanted.split(" and ")] if wanted else []
    return all(compare[operator](told(value), told(literal)) for _, operator, literal in parts)


# -- sources that stay whole ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "service",
    [
        Service(MANY, ignores_filter=True),
        Service(MANY, counts=lambda _: None),
        Service(MANY, counts=lambda count: count + 1),
        Service(MANY, counts=lambda count: min(count, 50)),
        Service([(1, 1, "2024-01-01")] * 200),
        Service([(None, 1, "2024-01-01")] * 200),
        Service([*MANY, (None, 5, "2024-01-01")], knows_null=False),
        Service([]),
    ],
    ids=lambda service: None,
)
def test_a_source_that_cannot_be_cut_is_one_part(service: Service) -> None:
    assert finder(service).ranges(4) == []


@pytest.mark.parametrize("kind", ["Edm.Double", "Edm.Single", None])
def test_a_key_whose_values_cannot_be_asked_for_to_the_digit_is_not_cut(kind: str | None) -> None:
    types = {name: each for name, each in {**TYPES, KEY[1]: kind}.items() if each}

    assert finder(Service(MANY), types=types).ranges(4) == []


def test_a_service_that_takes_skip_and_does_nothing_is_halved() -> None:
    rows: list[Row] = [(code, 1, "2024-01-01") for code in range(100)]

    ranges = finder(Service(rows, ignores_skip=True)).ranges(4)

    assert in_each(ranges, rows) == [1] * 100
    assert len(ranges) == 4


def test_of_a_declared_key_nobody_asks_for_nulls() -> None:
    service = Service([*MANY, (None, 5, "2024-01-01")])

    assert finder(service, own_key=True).ranges(4) == []
    assert not any("null" in options.get("$filter", "") for options in service.asked)


def test_a_service_that_takes_top_and_does_nothing_is_one_part() -> None:
    class Whole(Service):
        def get_page(
            self, url: str, page: int, *, once: float, most: int | None = None, **_: Any
        ) -> tuple[PageBody, int]:
            assert most
            assert most < 1 << 20
            body, size = super().get_page(url, page, once=once)
            return replace(body, rows=body.rows * 3), size

    assert finder(Whole(MANY)).ranges(4) == []


def test_a_source_whose_count_has_a_limit_is_one_part() -> None:
    """Its first rows fill the count, and the last range would hold nearly all."""
    service = Service(MANY, counts=lambda count: min(count, 50))

    assert replace(finder(service), expected=50).ranges(4) == []


def test_rows_that_came_before_the_ranges_are_counted_are_no_harm() -> None:
    service = Service(MANY)
    found = replace(finder(service), expected=len(MANY) - 3)

    assert sum(each.rows for each in found.ranges(4)) == len(MANY)


def test_rows_that_come_while_the_bounds_are_looked_for_do_not_hide_those_in_no_range() -> None:
    """One comes, one is found by no comparison, and the sum is that of the beginning."""

    class Growing(Service):
        def get_page(self, url: str, page: int, **details: Any) -> tuple[PageBody, int]:
            self.rows = [*MANY, (9, 9, "2024-01-09")]
            return super().get_page(url, page, **details)

        def _matching(self, text: str) -> list[Row]:
            found = super()._matching(text)
            return found if not text else [row for row in found if row != MANY[50]]

    assert finder(Growing(MANY)).ranges(4) == []


def test_a_key_too_long_to_be_asked_for_is_no_bound() -> None:
    rows: list[Any] = [("æ" * 300 + f"{number:03d}", 1, "2024-01-01") for number in range(200)]

    assert finder(Service(rows), types={**TYPES, KEY[0]: "Edm.String"}).ranges(4) == []


def test_the_end_of_the_time_is_told() -> None:
    with pytest.raises(SourceTimeSpent):
        finder(Failing(MANY, failure=SourceTimeSpent())).ranges(4)


def test_a_plan_that_would_take_the_worker_its_time_is_given_up() -> None:
    assert finder(Failing(MANY, failure=WorkerTimeSpent())).ranges(4) == []


@dataclass
class Failing(Service):
    failure: Exception = field(default_factory=SourceRefused)

    def get_page(self, url: str, page: int, **_: Any) -> tuple[PageBody, int]:
        raise self.failure


def test_a_plan_has_its_time_and_asks_each_question_once() -> None:
    service, now = Service(MANY), iter(range(10_000))
    late = replace(finder(service), until=12.0, clock=lambda: float(next(now)))

    assert late.ranges(8) == []
    assert len(service.seconds) == 12
    assert min(service.seconds) > 0
    assert max(service.seconds) == 12


# -- the requests of a part -----------------------------------------------------------------------


def test_a_part_asks_for_its_range_beside_all_else_that_the_import_asks_for() -> None:
    survey = Survey(fields=list(KEY), entity=EntityType(key=[], types=TYPES))
    addresses = PageAddresses(settings_for(f"{URL}?$filter=operator eq 'A'"), survey)
    whole = Cursor(url=URL, order=list(KEY), limits="field_code eq 7", way=str(Way.SKIP))

    part, nulls = parts_of(
        whole,
        [
            Range(filter="well_code ge 5", rows=9),
            Range(filter="well_code eq null", rows=1, has_keys=False),
        ],
        addresses,
    )

    wanted = dict(parse_qsl(urlsplit(str(part.url)).query))["$filter"]
    assert wanted == "(operator eq 'A') and (field_code eq 7) and (well_code ge 5)"
    assert (part.expected, nulls.expected, part.way, nulls.way) == (9, 1, Way.SKIP, Way.SKIP)


def test_rows_without_a_key_are_not_asked_for_by_keys() -> None:
    survey = Survey(fields=list(KEY), entity=EntityType(key=[], types=TYPES))
    addresses = PageAddresses(settings_for(URL), survey)
    whole = Cursor(url=URL, order=list(KEY), way=str(Way.KEYS), by_own_key=True)

    nulls = part_of(whole, Range(filter="well_code eq null", rows=1, has_keys=False), addresses)

    assert (nulls.way, nulls.by_own_key) == (Way.AUTO, False)


def test_where_no_row_lacks_a_key_nobody_asks_for_such_rows() -> None:
    survey = Survey(fields=list(KEY), entity=EntityType(key=[], types=TYPES))
    addresses = PageAddresses(settings_for(URL), survey)
    ranges = [Range(filter="a", rows=0), Range(filter="b", rows=0, has_keys=False)]

    assert [part.range for part in parts_of(Cursor(url=URL), ranges, addresses)] == ["a"]
