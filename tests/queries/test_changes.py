"""What an import changed, and how the data stood at a moment:
exact, whatever came before and after.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import botocore.session
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.merging import LakeStore
from support.replay import Replay, as_state, imports, instant, replayed_into_a_file, rows_of
from support.soak import longer
from support.staging import NOON, SAME_READING, batch_of
from support.stores import opened

from chalicelib.errors import ChangesNotKept, ValidationError
from chalicelib.queries.production import Lake, ProductionQuery
from chalicelib.queries.query import parse_query
from chalicelib.store.own_directory import OwnDirectory
from local.catalog.server import CatalogServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.replay import State

A, B, C = ("1", "7", "2024-01-01"), ("1", "7", "2024-02-01"), ("2", "8", "2024-01-01")
HISTORY: list[tuple[State, int]] = [
    ({A: 0.5, B: 0.5}, 0),
    ({A: 1.5, C: None}, 10),
    ({A: 0.5, B: 0.5, C: 1.5}, -30),
]


def assert_answers(query: ProductionQuery, replay: Replay, moments: list[float]) -> None:
    """At the moments, and at those of the imports themselves, before and after."""
    around = [moment + side for moment, _ in replay.states for side in (-0.0005, 0.0, 0.0005)]
    for moment in [*moments, *around]:
        state = replay.at(moment)
        assert as_state(query.production(as_of=instant(moment)).rows) == state
        wells = {(field, well) for field, well, _ in state}
        assert {
            (row["field_code"], row["well_code"]) for row in query.wells(as_of=instant(moment)).rows
        } == wells
        totals = {
            row["production_period"]: row["wells"]
            for row in query.totals(as_of=instant(moment)).rows
        }
        assert sum(totals.values()) == len(state)
    for number in range(1, len(replay.states) + 1):
        rows = query.changes(f"job-{number}").rows
        found = {
            (row["field_code"], row["well_code"], row["production_period"]): (
                row["change"],
                (row["before"] or {}).get("oil_production_kbd"),
                (row["after"] or {}).get("oil_production_kbd"),
            )
            for row in rows
        }
        assert found == replay.changes(number)
        assert all(
            row["differs"] == (["oil_production_kbd"] if row["change"] == "updated" else [])
            for row in rows
        )


@settings(max_examples=longer(5, 400))
@given(history=imports, moments=st.lists(st.floats(-60, 120), max_size=3))
def test_every_history_of_imports_is_told_as_it_was(
    history: list[tuple[State, int]], moments: list[float]
) -> None:
    with TemporaryDirectory() as name:
        store, replay = replayed_into_a_file(Path(name), history)
        query = opened(store)
        try:
            assert_answers(query, replay, [NOON + moment for moment in moments])
        finally:
            query.close()


def test_a_lake_tells_the_same(tmp_path: Path) -> None:
    replay, now = Replay(), float(NOON)
    with CatalogServer(tmp_path / "lake") as server:
        store = LakeStore(tmp_path, server.url)
        for number, (delivered, seconds) in enumerate(HISTORY, start=1):
            now += seconds
            repository = store.repository()
            repository.stage(batch_of(tmp_path, rows_of(delivered)), SAME_READING)
            store.merge(repository, number, None, {}, now=now)
            repository.close()
            replay.add(delivered, now)
        lake = Lake(catalog=store.catalog, session=botocore.session.get_session())
        own = OwnDirectory(tmp_path / "reading")
        query = ProductionQuery.of_lake(store.published, lake, directory=own, memory_mb=200)
        assert_answers(query, replay, [NOON + 5.0])
        query.close()


@pytest.fixture
def query(tmp_path: Path) -> Iterator[ProductionQuery]:
    found = opened(replayed_into_a_file(tmp_path, HISTORY)[0], snapshot="snapshots/7")
    yield found
    found.close()


def test_a_change_shows_all_values_before_and_after(query: ProductionQuery) -> None:
    updated, new = query.changes("job-2").rows

    assert {name: updated[name] for name in updated if name not in ("before", "after")} == {
        "change": "updated",
        "source": "default",
        "field_code": "1",
        "field_name": None,
        "well_code": "7",
        "well_name": None,
        "production_period": "2024-01-01",
        "period_days": 31,
        "differs": ["oil_production_kbd"],
    }
    assert updated["before"] == {**updated["after"], "oil_production_kbd": 0.5}
    assert (updated["after"]["oil_production_kbd"], updated["after"]["source_rows"]) == (1.5, 1)
    assert (new["change"], new["before"], new["after"]["oil_production_kbd"]) == ("new", None, None)
    json.dumps([updated, new])


def test_changes_come_in_pages_and_of_one_kind_or_field_alone(query: ProductionQuery) -> None:
    pages = [query.changes("job-3", limit=1)]
    while pages[-1].next_cursor:
        pages.append(query.changes("job-3", limit=1, cursor=pages[-1].next_cursor))

    assert [page.rows for page in pages] == [[row] for row in query.changes("job-3").rows]
    assert [row["change"] for row in query.changes("job-2", change="new").rows] == ["new"]
    assert [row["well_code"] for row in query.changes("job-2", field_code="2").rows] == ["8"]
    assert query.changes("job-2", change="withdrawn").rows == []
    with pytest.raises(ValidationError):
        query.changes("job-2", limit=1, cursor=pages[0].next_cursor)


def test_of_each_field_the_volumes_of_what_was_changed_are_told(query: ProductionQuery) -> None:
    first, second = (
        query.changes("job-3", by="field", limit=1),
        query.changes("job-3", by="field").rows[1],
    )
    volumes = {name: value for name, value in first.rows[0].items() if name.startswith("oil")}

    assert volumes == {"oil_production_kb_before": 1.5 * 31, "oil_production_kb_after": 0.5 * 31}
    assert [
        first.rows[0][name] for name in ("new_records", "updated_records", "withdrawn_records")
    ] == [0, 1, 0]
    assert query.changes("job-3", by="field", cursor=first.next_cursor).rows == [second]
    assert (second["oil_production_kb_before"], second["oil_production_kb_after"]) == (
        None,
        1.5 * 31,
    )


def test_an_import_that_the_database_does_not_know_has_no_changes_to_tell(
    query: ProductionQuery,
) -> None:
    with pytest.raises(ChangesNotKept):
        query.changes("job-4")


def test_a_page_of_one_moment_does_not_go_on_in_another(query: ProductionQuery) -> None:
    first = query.production(as_of=instant(NOON + 5), limit=1)

    assert as_state(query.production(as_of=instant(NOON + 5), cursor=first.next_cursor).rows) == {
        B: 0.5
    }
    with pytest.raises(ValidationError):
        query.production(as_of=instant(NOON + 15), cursor=first.next_cursor)
    with pytest.raises(ValidationError):
        query.production(cursor=first.next_cursor)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-06-30", "2026-06-30T23:59:59.999999+00:00"),
        ("2026-06-30T18:00:00Z", "2026-06-30T18:00:00+00:00"),
        ("2026-06-30t18:00z", "2026-06-30T18:00:00+00:00"),
        ("2026-06-30T18:00:00+02:00", "2026-06-30T16:00:00+00:00"),
        ("2026-06-30T18:00:00 02:00", "2026-06-30T16:00:00+00:00"),
        ("2026-06-30T18:00:00.123456789-03:30", "2026-06-30T21:30:00.123456+00:00"),
    ],
)
def test_a_moment_is_read_with_its_zone(text: str, moment: str) -> None:
    assert parse_query("totals", {"as_of": [text]}).arguments == {"as_of": moment}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-06-30T18:00:00",
        "2026-02-30",
        "2026-06-30T25:00Z",
        "20260630",
        "0001-01-01T00:00:00+14:00",
        "2026-06-30 18:00Z",
        "٢٠٢٤-01-01",
        "2026-06-30T18:00:00Z'--",
    ],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        parse_query("production", {"as_of": [text]})

    assert "2026-06-30T18:00:00Z" in refused.value.message
