"""The register:
figures that real merges left, words in any order and spelling, sorted pages, counts, older files.
"""

from __future__ import annotations

import json
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.stores import merged, opened, wide

from chalicelib.errors import ValidationError
from chalicelib.queries.kept_register import KeptRegister
from chalicelib.queries.query import OF_FIELDS, OF_WELLS, TEXTS
from chalicelib.warehouse.directory import DirectoryWarehouse
from chalicelib.warehouse.names import REGISTER, export_name, fence_of, is_export_of, snapshot_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chalicelib.queries.production import ProductionQuery


def row(field: str, well: str, month: int, **more: Any) -> dict[str, Any]:
    names = {
        "field_code": field,
        "field_name": f"Field {field}",
        "well_code": well,
        "well_name": f"Well {well}",
    }
    return {**names, "production_period": f"2024-{month:02}-01", **more}


def rates(
    oil: float | None, gas: float | None = None, water: float | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "oil_production_kbd": oil,
        "gas_production_mmcfd": gas,
        "water_production_kbd": water,
        **more,
    }


NAMED = [
    row("43", "7", 1, field_name="Øst-Frigg", well_name="25/2-A-1 H", well_reference="NO 25/2-A-1"),
    row("43", "8", 1, field_name="Øst-Frigg", well_name="Ærfugl Straße", well_reference="Łódź"),
    row("44", "9", 1, field_name="Frigg", well_name="A\u030argård", well_reference=None),
    row("45", "0042", 1, field_name="Élan Vital", well_name=None),
]
ROWS = [
    row("1", "a", 1, **rates(2.0, 1.0, 0.0), days_on_production=31),
    row("1", "a", 2, **rates(1.0, 3.0, 1.0, liquids_production_kbd=3.0), days_on_production=14.5),
    row("1", "b", 1, **rates(9.0, 9.0, 9.0), days_on_production=20),
    row("1", "c", 2, **rates(3.0, None, 5.0), days_on_production=29),
    row("2", "d", 2, **rates(None, 4.0)),
    row("2", "d", 1, **rates(5.0, 4.0)),
    *NAMED,
]


@pytest.fixture(scope="module")
def query(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProductionQuery]:
    query = opened(
        merged(tmp_path_factory.mktemp("store"), [json.dumps(each).encode() for each in ROWS]),
        snapshot="s",
    )
    yield query
    query.close()


def found(query: ProductionQuery, q: str, **more: Any) -> list[str]:
    rows = query.register(q=q, sort="well_code", **more).rows
    return [each["well_code"] for each in rows]


# ------------------------------------------------------------------------------------------- figures


def test_a_well_has_the_rates_of_its_last_period_and_the_volumes_of_all(
    query: ProductionQuery,
) -> None:
    [well] = query.register(q="well a", field_code="1").rows

    assert list(well) == list(OF_WELLS)
    assert well == {
        "source": "default",
        "field_code": "1",
        "field_name": "Field 1",
        "well_code": "a",
        "well_name": "Well a",
        "well_reference": None,
        "first_period": "2024-01-01",
        "last_period": "2024-02-01",
        "periods": 2,
        **rates(1.0, 3.0, 1.0),
        "oil_production_kb": 2 * 31 + 29,
        "gas_production_mmcf": 31 + 3 * 29,
        "water_production_kb": 29,
        "water_cut": 0.25,
        "gas_oil_ratio": 3000.0,
        "uptime": 0.5,
    }


def test_a_figure_that_lacks_what_it_is_made_of_is_none(query: ProductionQuery) -> None:
    """The last period counts as it is, also where the one before says more."""
    [well] = query.register(field_code="2").rows

    told = {
        name: well[name] for name in ("oil_production_kbd", "water_cut", "gas_oil_ratio", "uptime")
    }
    assert (well["last_period"], set(told.values())) == ("2024-02-01", {None})
    assert (well["oil_production_kb"], well["gas_production_mmcf"]) == (155.0, 4 * 31 + 4 * 29)


def test_a_field_has_the_rates_of_the_wells_that_reach_its_last_period(
    query: ProductionQuery,
) -> None:
    [field] = query.register(of="fields", field_code="1").rows

    assert list(field) == list(OF_FIELDS)
    assert (field["wells"], field["periods"], field["last_period"]) == (3, 4, "2024-02-01")
    assert {name: field[name] for name in rates(0)} == rates(
        4.0, 3.0, 6.0
    )  # well b ended in January
    assert field["water_cut"] == 6.0 / (6.0 + 3.0 + 3.0)  # oil, where a well tells no liquids
    assert (field["gas_oil_ratio"], field["uptime"]) == (3000.0, 43.5 / 58)  # well c tells no gas
    assert field["oil_production_kb"] == 2 * 31 + 29 + 9 * 31 + 3 * 29


def test_a_field_divides_the_sums_of_the_wells_that_tell_both(tmp_path: Path) -> None:
    rows = [
        row("1", "a", 1, **rates(1.0, 1.0, 9.0, liquids_production_kbd=1.0)),
        row("1", "b", 1, **rates(9.0, liquids_production_kbd=9.0)),
        row("1", "c", 1, **rates(None, 5.0, 5.0)),
    ]
    query = opened(merged(tmp_path, [json.dumps(each).encode() for each in rows]))

    [field] = query.register(of="fields").rows

    assert (field["water_cut"], field["gas_oil_ratio"]) == (0.9, 1000.0)
    assert {name: field[name] for name in rates(0)} == rates(10.0, 6.0, 14.0)
    query.close()


def test_sums_of_the_same_figures_are_the_same_in_any_order(tmp_path: Path) -> None:
    """A later page may be asked of another process, whose threads add in another order."""
    orders = list(permutations((0.1, 0.2, 0.3, 0.7)))
    rows = [
        row("1", f"{number:02}", month, **rates(rate, rate, rate))
        for number, order in enumerate(orders)
        for month, rate in zip((1, 3, 5, 7), order, strict=True)  # of 31 days
    ]
    query = opened(merged(tmp_path, [json.dumps(each).encode() for each in rows]), snapshot="s")

    wells = query.register(sort="oil_production_kb", limit=50).rows

    for name in ("oil_production_kb", "gas_production_mmcf", "water_production_kb"):
        assert len({well[name] for well in wells}) == 1
    assert [well["well_code"] for well in wells] == [
        f"{number:02}" for number in range(len(orders))
    ]
    query.close()


def test_what_was_summed_is_kept_for_the_next_process(tmp_path: Path) -> None:
    """It is asked of another store, so that nothing else can have these figures."""
    name = snapshot_name(1, "018cc251-f400-7000-8000-000000000000")
    warehouse = DirectoryWarehouse(tmp_path / "warehouse")
    kept = KeptRegister(warehouse=warehouse, snapshot=name)
    stores = [
        merged(tmp_path / each["well_code"], [json.dumps(each).encode()]) for each in NAMED[:3]
    ]

    def asked(store: Path) -> Any:
        query = opened(store, snapshot=name, kept=kept)
        try:
            return query.register(q="frigg 25/2")
        finally:
            query.close()

    first = asked(stores[0])

    assert [row["well_code"] for row in first.rows] == ["7"]
    assert warehouse.names("exports/") == [export_name(name, REGISTER)]
    assert is_export_of(export_name(name, REGISTER), [name])
    assert fence_of(export_name(name, REGISTER)) == 1
    assert asked(stores[1]) == first
    file = tmp_path / "warehouse" / export_name(name, REGISTER)
    file.chmod(0o600)
    file.write_bytes(b"no Parquet")
    assert asked(stores[2]).total == {"wells": 1, "fields": 1}
    assert asked(stores[2]).rows == []
    assert list((stores[0].parent / "reading").glob("own-*/register.parquet")) == []


# -------------------------------------------------------------------------------------------- search


@pytest.mark.parametrize(
    ("q", "wells"),
    [
        *((" ".join(words), ["7"]) for words in permutations(["OST-frigg", "25/2", "h"])),
        ("ost-frigg", ["7", "8"]),
        ("frigg ost", ["7", "8"]),
        ("Øst Frigg", ["7", "8"]),
        ("frigg", ["7", "8", "9"]),
        ("25-2-a-1", ["7"]),
        ("aerfugl STRASSE", ["8"]),
        ("ÆRFUGL straße lodz", ["8"]),
        ("argard", ["9"]),
        ("Årgård", ["9"]),
        ("elan 0042", ["0042"]),
        ("42 vital", ["0042"]),
        ("% _", ["0042", "7", "8", "9", "a", "b", "c", "d"]),
        ("frigg nowhere", []),
        ("' OR 1=1 --", []),
    ],
)
def test_words_are_found_in_any_order_without_case_and_accents(
    query: ProductionQuery, q: str, wells: list[str]
) -> None:
    assert found(query, q) == wells


def test_what_is_found_is_counted_and_each_facet_tells_of_the_others(
    query: ProductionQuery,
) -> None:
    asked = query.register(q="frigg", field_code="44", limit=1)

    assert (asked.found, asked.total) == ({"wells": 1, "fields": 1}, {"wells": 8, "fields": 5})
    assert asked.sources == [{"source": "default", "rows": 1}]
    assert [(each["field_name"], each["rows"]) for each in asked.fields] == [
        ("Øst-Frigg", 2),
        ("Frigg", 1),
    ]
    fields = query.register(of="fields", q="frigg", source="other")
    assert (fields.rows, fields.found, fields.fields) == ([], {"wells": 0, "fields": 0}, [])
    assert fields.sources == [{"source": "default", "rows": 2}]


# ------------------------------------------------------------------------------------ order and pages


@settings(max_examples=30, deadline=None)
@given(
    of=st.sampled_from(["wells", "fields"]),
    order=st.sampled_from([None, "asc", "desc"]),
    limit=st.integers(1, 4),
    data=st.data(),
)
def test_pages_join_to_the_whole_in_any_order(
    query: ProductionQuery, of: str, order: str | None, limit: int, data: st.DataObject
) -> None:
    sort = data.draw(st.sampled_from(OF_WELLS if of == "wells" else OF_FIELDS))
    whole = query.register(of=of, sort=sort, order=order).rows
    rows: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = query.register(of=of, sort=sort, order=order, limit=limit, cursor=cursor)
        assert (
            query.register(of=of, sort=sort, order=order, limit=limit, skip=len(rows)).rows
            == page.rows
        )
        rows += page.rows
        if (cursor := page.next_cursor) is None:
            break

    assert rows == whole
    values = [each[sort].lower() if sort in TEXTS and each[sort] else each[sort] for each in whole]
    known = [value for value in values if value is not None]
    is_falling = order == "desc" or (order is None and sort not in TEXTS)
    assert known == sorted(known, reverse=is_falling)
    assert values[len(known) :] == [None] * (len(values) - len(known))


def test_a_cursor_is_of_one_list_in_one_order(query: ProductionQuery) -> None:
    cursor = query.register(limit=1).next_cursor

    assert query.register(of="wells", sort="oil_production_kbd", limit=1, cursor=cursor).rows
    others: list[dict[str, Any]] = [{"of": "fields"}, {"sort": "uptime"}, {"order": "asc"}]
    for other in others:
        with pytest.raises(ValidationError):
            query.register(cursor=cursor, **other)


def test_a_list_is_sorted_by_its_own_columns_alone(query: ProductionQuery) -> None:
    for of, sort in (("wells", "wells"), ("fields", "well_name")):
        with pytest.raises(ValidationError) as refused:
            query.register(of=of, sort=sort)
        assert refused.value.details["field"] == "sort"


def test_more_wells_than_fit_into_little_memory_are_registered_too(tmp_path: Path) -> None:
    query = opened(wide(tmp_path / "wells.duckdb", wells=20_000), memory_mb=60)

    asked = query.register(q="well 777", sort="oil_production_kb", limit=2)

    assert asked.total == {"wells": 20_000, "fields": 400}
    assert asked.found["wells"] == sum("777" in str(number) for number in range(20_000))
    query.close()
