"""Filters and pages of the feed on a real store,
each held against plain Python on the same rows.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.staging import KEY_OF_A_ROW
from support.stores import daily, merged, opened

from chalicelib.api.feed_model import ENTITY_SETS
from chalicelib.errors import FeedNotImplemented, ValidationError
from chalicelib.queries.feed import feed_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from chalicelib.queries.production import ProductionQuery

TEXTS = [None, "", "a", "A", "Øst-Frigg", "O'Brien", "100%_", "a b", "') OR 1=1 --"]
NUMBERS = [None, 0, 0.25, 1.5, 2, 1e-6, 40.125]
MONTHS = [f"2024-{month:02}-01" for month in range(1, 13)]
LINES = [
    {
        **KEY_OF_A_ROW,
        "field_code": f"{index % 3}",
        "well_code": f"{index // 12}",
        "production_period": MONTHS[index % 12],
        "well_name": TEXTS[index % len(TEXTS)],
        "field_name": TEXTS[index // 5 % len(TEXTS)],
        "oil_production_kbd": NUMBERS[index % len(NUMBERS)],
        "water_production_kbd": NUMBERS[index // 3 % len(NUMBERS)],
    }
    for index in range(96)
]
Row = dict[str, Any]
Truth = bool | None  # as OData and SQL have it


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return merged(tmp_path_factory.mktemp("feed"), [json.dumps(line).encode() for line in LINES])


@pytest.fixture(scope="module")
def query(store: Path) -> Iterator[ProductionQuery]:
    query = opened(store)
    yield query
    query.close()


@pytest.fixture(scope="module")
def rows(query: ProductionQuery) -> list[Row]:
    found = feed_page(query, entity_set="WellProduction").rows
    assert len(found) == len(LINES)
    assert {row["well_name"] for row in found} >= set(TEXTS) - {""}
    return found


# -- a filter, and what it means -----------------------------------------------------------------------------


class Filter:
    """`text` as a client writes it, `holds` what it says of a row."""

    def __init__(self, text: str, holds: Callable[[Row], Truth]) -> None:
        self.text = text
        self.holds = holds

    def __repr__(self) -> str:
        return self.text


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def written(value: Any) -> str:
    if value is None:
        return "null"
    return quoted(value) if isinstance(value, str) else str(value)


ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}


def compared(operator: str, left: Any, right: Any) -> bool:
    if operator in ("eq", "ne"):
        return (left == right) is (operator == "eq")
    if left is None or right is None:
        return left is right and operator in ("ge", "le")
    return ORDER[operator](left, right)


def comparison(name: str, operator: str, value: Any, *, is_turned: bool) -> Filter:
    shown = value.isoformat() if isinstance(value, date) else written(value)
    other = value.isoformat() if isinstance(value, date) else value
    if is_turned:
        return Filter(
            f"{shown} {operator} {name}", lambda row: compared(operator, other, row[name])
        )
    return Filter(f"{name} {operator} {shown}", lambda row: compared(operator, row[name], other))


def of_two(left: str, operator: str, right: str) -> Filter:
    return Filter(
        f"{left} {operator} {right}", lambda row: compared(operator, row[left], row[right])
    )


TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
}


def text_test(function: str, name: str, part: str) -> Filter:
    def holds(row: Row) -> Truth:
        return None if row[name] is None else TESTS[function](row[name], part)

    return Filter(f"{function}({name}, {quoted(part)})", holds)


def negated(told: Filter) -> Filter:
    def holds(row: Row) -> Truth:
        found = told.holds(row)
        return None if found is None else not found

    return Filter(f"not ({told.text})", holds)


def joined(word: str, left: Filter, right: Filter) -> Filter:
    decisive = word == "or"

    def holds(row: Row) -> Truth:
        found = (left.holds(row), right.holds(row))
        if decisive in found:
            return decisive
        return None if None in found else not decisive

    return Filter(f"({left.text}) {word} ({right.text})", holds)


def same_as(told: Filter, value: Truth) -> Filter:
    return Filter(
        f"({told.text}) eq {written(value).lower()}", lambda row: told.holds(row) is value
    )


OPERATORS = st.sampled_from(["eq", "ne", *ORDER])
TEXT_NAMES = st.sampled_from(["well_name", "field_name", "well_code"])
NUMBER_NAMES = st.sampled_from(["oil_production_kbd", "water_production_kbd"])
PARTS = st.sampled_from([text for text in TEXTS if text is not None] + ["%", "_", "OR"]) | st.text(
    max_size=3
).filter(lambda text: not any("\ud800" <= sign <= "\udfff" for sign in text))
LEAVES = st.one_of(
    st.builds(comparison, TEXT_NAMES, OPERATORS, st.none() | PARTS, is_turned=st.booleans()),
    st.builds(
        comparison,
        NUMBER_NAMES,
        OPERATORS,
        st.sampled_from(NUMBERS) | st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
        is_turned=st.booleans(),
    ),
    st.builds(
        comparison,
        st.just("production_period"),
        OPERATORS,
        st.integers(-40, 400).map(lambda days: date(2024, 1, 1) + timedelta(days=days)),
        is_turned=st.booleans(),
    ),
    st.builds(of_two, TEXT_NAMES, OPERATORS, TEXT_NAMES),
    st.builds(of_two, NUMBER_NAMES, OPERATORS, NUMBER_NAMES),
    st.builds(text_test, st.sampled_from(list(TESTS)), TEXT_NAMES, PARTS),
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(negated, inner),
        st.builds(joined, st.sampled_from(["and", "or"]), inner, inner),
        st.builds(same_as, inner, st.sampled_from([True, False, None])),
    ),
    max_leaves=6,
)


@given(told=FILTERS)
@settings(max_examples=100)
def test_a_filter_leaves_the_rows_that_python_leaves(
    query: ProductionQuery, rows: list[Row], told: Filter
) -> None:
    found = feed_page(query, entity_set="WellProduction", where=told.text, count=True)

    wanted = [row for row in rows if told.holds(row) is True]
    assert found.rows == wanted
    assert found.count == len(wanted)


def test_what_binds_first(query: ProductionQuery, rows: list[Row]) -> None:
    def count(where: str) -> int:
        return len(feed_page(query, entity_set="WellProduction", where=where).rows)

    held: Mapping[str, Callable[[Row], bool]] = {
        "well_code eq '1' or well_code eq '2' and field_code eq '0'": lambda row: (
            row["well_code"] == "1" or (row["well_code"] == "2" and row["field_code"] == "0")
        ),
        "not contains(well_code,'1') and field_code eq '0'": lambda row: (
            "1" not in row["well_code"] and row["field_code"] == "0"
        ),
        "well_code lt '2' eq true": lambda row: row["well_code"] < "2",
        "tolower(well_name) eq 'a'": lambda row: row["well_name"] in ("a", "A"),
        "contains(toupper(well_name),'FRIGG')": lambda row: row["well_name"] == "Øst-Frigg",
        "updated_at gt 1999-12-31T23:00:00-01:00": lambda row: True,
        "updated_at lt 2000-01-01T00:00Z": lambda row: False,
    }
    for text, holds in held.items():
        assert count(text) == sum(map(holds, rows)), text


def test_a_moment_is_compared_to_the_microsecond(query: ProductionQuery, rows: list[Row]) -> None:
    at = datetime.fromisoformat(rows[0]["updated_at"]).astimezone(UTC)
    for moment, many in ((at, len(rows)), (at + timedelta(microseconds=1), 0)):
        where = f"updated_at ge {moment.strftime('%Y-%m-%dT%H:%M:%S.%fZ')}"
        assert len(feed_page(query, entity_set="WellProduction", where=where).rows) == many


@pytest.mark.parametrize(
    "where",
    [
        "",
        "well_name",
        "well_name eq",
        "eq 'a'",
        "well_name eq 'a",
        "(well_name eq 'a'",
        "well_name eq 'a')",
        "'a'",
        "name eq 'a'",
        "well_name = 'a'",
        "well_name eq 1",
        "oil_production_kbd gt '1'",
        "well_name and true",
        "production_period eq 2024-13-01",
        "production_period eq 2024",
        "contains(well_name)",
        "not well_name",
        "contains(well_name,'a') gt true",
        "well_name eq 'a'; DROP TABLE x",
        'well_name eq "a"',
        "1 eq 1 or",
        "(" * 60 + "true" + ")" * 60,
        "not " * 60 + "true",
        "true" + " eq true" * 60,
        "well_name eq $v0",
        "\0",
    ],
)
def test_what_is_no_filter_is_refused(query: ProductionQuery, where: str) -> None:
    with pytest.raises((ValidationError, FeedNotImplemented)) as refused:
        feed_page(query, entity_set="WellProduction", where=where)
    assert refused.value.details == {"field": "$filter"}


@pytest.mark.parametrize(
    "where",
    [
        "year(production_period) eq 2024",
        "oil_production_kbd add 1 eq 2",
        "well_name in ('a','b')",
        "$it eq 1",
        "well_name/any(w:w eq 1)",
        "-oil_production_kbd lt 0",
        "@p eq 1",
        "well_name has 'a'",
    ],
)
def test_what_the_feed_does_not_know_is_told_as_such(query: ProductionQuery, where: str) -> None:
    with pytest.raises(FeedNotImplemented):
        feed_page(query, entity_set="WellProduction", where=where)


def test_a_long_filter_is_read(query: ProductionQuery) -> None:
    where = " or ".join(f"well_code eq '{code}'" for code in range(250))

    assert len(feed_page(query, entity_set="WellProduction", where=where).rows) == len(LINES)


# -- order and pages ---------------------------------------------------------------------------------------------

NAMES = [
    "well_name",
    "field_name",
    "oil_production_kbd",
    "field_code",
    "production_period",
    "updated_at",
]
TERMS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.booleans()), max_size=3, unique_by=lambda term: term[0]
)


def rank(value: Any) -> tuple[bool, Any]:
    return (value is not None, "" if value is None else value)


def in_order(rows: list[Row], terms: list[tuple[str, bool]], key: tuple[str, ...]) -> list[Row]:
    """Sorted by the last term first: Python's sort keeps the order of what is equal."""
    for name, descending in reversed([*terms, *((name, False) for name in key)]):
        rows = sorted(rows, key=lambda row: rank(row[name]), reverse=descending)
    return rows


@given(
    terms=TERMS,
    limit=st.integers(7, 60),
    bounds=st.tuples(st.none() | st.integers(0, 100), st.integers(0, 99)),
)
@settings(max_examples=25)
def test_the_pages_of_any_order_are_the_rows_in_that_order(
    query: ProductionQuery,
    rows: list[Row],
    terms: list[tuple[str, bool]],
    limit: int,
    bounds: tuple[int | None, int],
) -> None:
    top, skip = bounds
    order = ",".join(f"{name}{' desc' if descending else ''}" for name, descending in terms)
    found: list[Row] = []
    cursor, left, begin = None, top, skip
    while True:
        page = feed_page(
            query,
            entity_set="WellProduction",
            order=order,
            limit=limit,
            top=left,
            skip=begin,
            cursor=cursor,
            count=True,
        )
        assert page.count == len(rows)
        found += page.rows
        if page.next_cursor is None:
            break
        assert len(page.rows) == limit
        cursor, begin = page.next_cursor, 0
        left = None if left is None else left - limit

    wanted = in_order(rows, terms, ENTITY_SETS["WellProduction"].key)[skip:]
    assert found == (wanted if top is None else wanted[:top])


@pytest.mark.parametrize("entity_set", ["Wells", "Monthly"])
def test_sums_are_paged_and_filtered_too(query: ProductionQuery, entity_set: str) -> None:
    whole = feed_page(query, entity_set=entity_set).rows
    first = feed_page(query, entity_set=entity_set, order="well_name desc", limit=5)
    rest = feed_page(query, entity_set=entity_set, order="well_name desc", cursor=first.next_cursor)

    key = ENTITY_SETS[entity_set].key
    assert [*first.rows, *rest.rows] == in_order(whole, [("well_name", True)], key)
    one = feed_page(query, entity_set=entity_set, where="well_code eq '3'").rows
    assert one == [row for row in whole if row["well_code"] == "3"] != []


def test_sums_of_the_same_figures_are_the_same_in_any_order(tmp_path: Path) -> None:
    """A page begins after a sum, which threads add in another order each time."""
    query = opened(daily(tmp_path / "wells.duckdb", list(permutations((0.1, 0.2, 0.3, 0.7)))))
    whole = feed_page(query, entity_set="Monthly", order="oil_production_kb desc").rows

    assert {row["oil_production_kb"] for row in whole} == {1.3}
    assert [row["well_code"] for row in whole] == [f"{number:02}" for number in range(24)]
    query.close()


@pytest.mark.parametrize("entity_set", ["Wells", "Monthly"])
@pytest.mark.parametrize("limit", [5, 12, 40])
def test_the_pages_of_sums_are_all_of_them(
    query: ProductionQuery, entity_set: str, limit: int
) -> None:
    """Also where a page is made of the next few wells alone, and where these are too few for it."""
    found: list[Row] = []
    cursor = None
    while cursor or not found:
        page = feed_page(query, entity_set=entity_set, limit=limit, cursor=cursor)
        found, cursor = [*found, *page.rows], page.next_cursor

    whole = feed_page(
        query, entity_set=entity_set, where="true"
    ).rows  # in one statement about all the wells
    assert found == whole


def test_a_month_that_is_one_row_is_what_the_file_sums(query: ProductionQuery) -> None:
    names = list(ENTITY_SETS["Monthly"].properties)
    summed = query.fetch(f"SELECT {', '.join(names)} FROM wells.monthly ORDER BY ALL", {})[1]

    assert query.feed_wells.is_by_month
    found = feed_page(query, entity_set="Monthly").rows
    assert [list(row) for row in found] == [names] * len(LINES)
    expected = [dict(zip(names, row, strict=True)) for row in summed]
    assert [
        {**row, "calendar_month": date.fromisoformat(row["calendar_month"])} for row in found
    ] == [
        {
            name: pytest.approx(value) if isinstance(value, float) else value
            for name, value in row.items()
        }
        for row in sorted(
            expected, key=lambda row: [row[name] for name in ENTITY_SETS["Monthly"].key]
        )
    ]


def test_pages_go_on_in_the_next_source(tmp_path: Path) -> None:
    store = daily(tmp_path / "wells.duckdb", [(1.0, 2.0, 3.0), (1.0,), (), (1.0, 2.0)])
    with duckdb.connect(str(store)) as connection:
        connection.execute(
            "INSERT INTO well_production SELECT * REPLACE ('a' AS source) FROM well_production"
        )
    query = opened(store)
    for entity_set, where, many in (
        ("WellProduction", None, 12),
        ("WellProduction", "production_period ge 2024-01-03", 2),
        ("WellProduction", "well_code eq '03'", 4),
        ("Monthly", None, 6),
    ):
        whole = feed_page(query, entity_set=entity_set, where=where, limit=50).rows
        found: list[Row] = []
        cursor = None
        while cursor or not found:
            page = feed_page(query, entity_set=entity_set, where=where, limit=3, cursor=cursor)
            found, cursor = [*found, *page.rows], page.next_cursor

        keys = [tuple(row[name] for name in ENTITY_SETS[entity_set].key) for row in whole]
        assert keys == sorted(set(keys))
        assert found == whole
        assert (len(whole), {row["source"] for row in whole}) == (many, {"a", "default"})
        for skip in (1, many // 2, many - 1):
            assert (
                feed_page(query, entity_set=entity_set, where=where, skip=skip, limit=50).rows
                == whole[skip:]
            )
    query.close()


def test_a_place_of_another_question_is_none(query: ProductionQuery) -> None:
    place = feed_page(query, entity_set="WellProduction", limit=1).next_cursor

    others: list[dict[str, Any]] = [
        {"order": "well_name"},
        {"where": "true"},
        {"entity_set": "Wells"},
        {"cursor": f"{place}A"},
    ]
    for question in others:
        with pytest.raises(ValidationError):
            feed_page(query, **{"entity_set": "WellProduction", "cursor": place, **question})


@pytest.mark.parametrize(
    ("option", "text", "kind"),
    [
        ("order", "name", ValidationError),
        ("order", "well_name up", ValidationError),
        ("order", "well_name,well_name desc", ValidationError),
        ("order", "tolower(well_name)", FeedNotImplemented),
        ("order", "well_name,", ValidationError),
        ("select", "well_name,name", ValidationError),
        ("select", "well_name/x", FeedNotImplemented),
    ],
)
def test_another_order_or_choice_is_refused(
    query: ProductionQuery, option: str, text: str, kind: type[Exception]
) -> None:
    asked: dict[str, Any] = {"entity_set": "WellProduction", option: text}
    with pytest.raises(kind):
        feed_page(query, **asked)


def test_some_properties_are_chosen(query: ProductionQuery) -> None:
    [row] = feed_page(
        query, entity_set="WellProduction", select=" well_code , field_code", limit=1
    ).rows

    assert row == {"field_code": "0", "well_code": "0"}
    assert (
        feed_page(query, entity_set="Wells", select="*", limit=1).rows[0].keys()
        == ENTITY_SETS["Wells"].properties.keys()
    )


@pytest.mark.parametrize(
    "key",
    [
        "source='default',field_code='0'",
        "source='default',field_code='0',well_code=0",
        "'0'",
        "",
        "well_name='a'",
        "source='default',field_code='0',well_code='0',well_code='0'",
        "source='default',field_code='0',well_code=null",
    ],
)
def test_what_is_no_key_is_refused(query: ProductionQuery, key: str) -> None:
    with pytest.raises(ValidationError):
        feed_page(query, entity_set="Wells", key=key)
