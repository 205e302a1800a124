"""Several rows of one key within an import against a plain Python model:
random rows, every grain, any order.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.settle_model import Delivered, Row
from support.settle_model import settled as by_the_model
from support.soak import longer
from support.staging import KEY_OF_A_ROW, SAME_READING, as_dicts, batch_of, json_row

from chalicelib.store.columns import COLUMNS
from chalicelib.store.grain import Aggregate, Grain, Rows
from chalicelib.store.repository import DuckDBWellProductionRepository
from chalicelib.store.settle import Conflicts, Settled
from chalicelib.store.staging import Staging

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY = Path("/dev/shm")
NAMES = [column.name for column in COLUMNS]
PK, VERSION = "pool", "changed"
GRAINS = [
    Grain(rows=rows, primary_key=key, order_by=order, aggregate=aggregate, is_unique=bool(key))
    for rows in Rows
    for key in ((), (PK,))
    for order in ("", VERSION)
    for aggregate in (Aggregate if rows is Rows.SUM else [Aggregate.MAX])
    if key or not order or rows is Rows.ONE
]


class Scratch:
    """The rows of one import after the other in one scratch database:
    a new one costs a second of a busy machine.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.repository = DuckDBWellProductionRepository(
            directory=directory / "scratch", memory_mb=100
        )

    def settle(
        self, pages: list[list[bytes]], grain: Grain
    ) -> tuple[Settled, list[tuple[Row, int]], list[Row]]:
        """What was counted, the rows to merge and those refused."""
        ask = self.repository._connection.execute
        repository = self.repository
        repository._staging = Staging(
            repository._connection, repository._sql, directory=repository._directory, memory_mb=100
        )
        self.repository.stage(batch_of(self._directory, *pages), SAME_READING, grain)
        found = self.repository.settle(grain)
        rows = as_dicts(ask("SELECT * FROM accepted ORDER BY arrival"))
        refused = as_dicts(ask("SELECT problem, page, position FROM refused"))
        return (
            found,
            [({name: row[name] for name in NAMES}, row["source_rows"]) for row in rows],
            refused,
        )


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory:
        scratch = Scratch(Path(directory))
        yield scratch
        scratch.repository.close()


amounts = st.sampled_from([None, 0.0, -0.0, 0.1, 0.2, 0.7, 1.25, 1e-6, 99999.875])
a_row = st.fixed_dictionaries(
    {
        "field_code": st.just("1"),
        "well_code": st.integers(1, 6).map(str),
        "production_period": st.just("2024-01-01"),
        "oil_production_kbd": amounts,
        PK: st.sampled_from(["A", "B", "C"]),
        VERSION: st.sampled_from([None, 2, 9, 10]),
    },
    optional={
        "gas_production_mmcfd": st.sampled_from([0.1, 0.3]),
        "days_on_production": st.sampled_from([None, 10.5, 20.0]),
        "well_name": st.sampled_from(["A-1", "B-1", ""]),
        "data_source": st.sampled_from([None, "", "x", "y"]),
    },
)


@st.composite
def imports(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    """Rows, many of which come again as they are or changed in one column;
    and the same in another order.
    """
    first = draw(st.lists(a_row, min_size=3, max_size=12))
    changes = st.sampled_from(
        [{}, {}, {"data_source": "z"}, {VERSION: 11}, {PK: "D"}, {"oil_production_kbd": 7.5}]
    )
    broken = st.sampled_from([{}, {}, {}, {}, {}, {"water_production_kbd": "much"}])
    again = st.builds(
        lambda row, change, fault: row | change | fault, st.sampled_from(first), changes, broken
    )
    rows = first + draw(st.lists(again, max_size=12))
    return rows, draw(st.permutations(rows))


def delivered(pages: list[list[Row]]) -> list[Delivered]:
    return [
        Delivered(
            columns=dict.fromkeys(NAMES)
            | {name: value for name, value in row.items() if name in NAMES},
            page=page,
            position=position,
            primary_key=row[PK],
            version=row[VERSION],
            is_rejected=row.get("water_production_kbd") == "much",
        )
        for page, rows in enumerate(pages, start=1)
        for position, row in enumerate(rows)
    ]


def in_pages(rows: list[Row], size: int) -> list[list[Row]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def texts(pages: list[list[Row]]) -> list[list[bytes]]:
    return [[json.dumps(row).encode() for row in rows] for rows in pages]


def sorted_rows(rows: list[tuple[Row, int]]) -> list[Any]:
    """A minus before a zero is none."""
    plain = [
        ({name: 0.0 if value == 0 else value for name, value in row.items()}, number)
        for row, number in rows
    ]
    return sorted(
        (
            [str(row["production_period"]), row["well_code"], row | {"production_period": None}, n]
            for row, n in plain
        ),
        key=str,
    )


@settings(max_examples=longer(8, 600))
@given(both=imports(), grain=st.sampled_from(GRAINS), size=st.integers(1, 5))
def test_rows_of_one_key_become_what_the_model_says_in_any_order(
    scratch: Scratch, both: tuple[list[Row], list[Row]], grain: Grain, size: int
) -> None:
    ends = []
    for rows in both:
        pages = in_pages(rows, size)
        found, stored, refused = scratch.settle(texts(pages), grain)
        model = by_the_model(delivered(pages), grain)

        assert sorted_rows(stored) == sorted_rows(model.rows)
        assert sorted((row["page"], row["position"], row["problem"]) for row in refused) == sorted(
            (row.page, row.position, problem) for row, problem in model.refused
        )
        assert (found.failed_records, found.conflicts.keys) == (
            len(model.refused),
            model.conflict_keys,
        )
        sound = sum(not row.is_rejected for row in delivered(pages))
        assert found.folded_records == sound - found.failed_records - len(model.rows)
        ends.append(sorted_rows(stored))
    assert ends[0] == ends[1]


# ------------------------------------------------------------------------------------------- one by one


def settled(scratch: Scratch, *pages: list[Row], grain: Grain = GRAINS[0]) -> Settled:
    return scratch.settle([[json_row(**row) for row in rows] for rows in pages], grain)[0]


def test_two_completions_of_a_well_are_refused_until_their_sum_is_asked_for(
    scratch: Scratch,
) -> None:
    pages = [
        [{"oil_production_kbd": 1.0, PK: "WASSON"}, {"oil_production_kbd": 0.25, PK: "CLEARFORK"}]
    ]
    example = KEY_OF_A_ROW | dict.fromkeys(
        ["gas_production_mmcfd", "liquids_production_kbd", "water_production_kbd"]
    )
    problem = "SAME_KEY_OTHER_VALUES oil_production_kbd"

    assert settled(scratch, *pages) == Settled(
        conflicts=Conflicts(keys=1, rows=2, volume_share=1.0),
        failed_records=2,
        examples={
            "CONFLICTS": [
                example
                | {"oil_production_kbd": oil, "problem": problem, "page": 1, "position": position}
                for position, oil in enumerate([1.0, 0.25])
            ]
        },
    )
    _, [(row, parts)], refused = scratch.settle(
        texts([[json.loads(json_row(**row)) for row in pages[0]]]), Grain(rows=Rows.SUM)
    )
    assert (row["oil_production_kbd"], parts, refused) == (1.25, 2, [])


def test_a_row_that_is_delivered_twice_is_added_once(scratch: Scratch) -> None:
    row = {"oil_production_kbd": 1.0, PK: "WASSON"}
    again = row | {PK: "\xa0WASSON "}
    pages = [[json_row(**row), json_row(**row | {PK: "CLEARFORK"})], [json_row(**again)]]

    _, [(known, parts)], _ = scratch.settle(pages, Grain(rows=Rows.SUM, primary_key=(PK,)))
    found, [(unknown, _)], _ = scratch.settle(pages, Grain(rows=Rows.SUM))

    assert (known["oil_production_kbd"], parts) == (2.0, 2)
    assert (unknown["oil_production_kbd"], found.warnings) == (1.0, {"EQUAL_PARTS": 2})


@pytest.mark.parametrize(
    ("versions", "newest"),
    [
        (["9", "10"], 1),
        (["2024-01-02T00:00:00Z", "2024-01-01T23:00:00-05:00"], 1),
        (["b", "a"], 0),
        ([None, "a"], 1),
        (["n/a", "9", "10"], 2),
        (["2024-01-01", "n/a"], 0),
    ],
)
def test_the_newest_edition_is_told_by_number_moment_or_text(
    scratch: Scratch, versions: list[str | None], newest: int
) -> None:
    pages = [
        [json_row(well_name=f"{place}", changed=version) for place, version in enumerate(versions)]
    ]

    _, [(row, _)], _ = scratch.settle(pages, Grain(order_by=VERSION))

    assert row["well_name"] == f"{newest}"


def test_an_odd_edition_of_one_row_turns_no_others_about(scratch: Scratch) -> None:
    versions = {1: ["9", "10"], 2: ["n/a", "x"]}
    rows = [
        json_row(well_code=well, well_name=version, changed=version)
        for well, two in versions.items()
        for version in two
    ]

    _, latest, _ = scratch.settle([rows], Grain(order_by=VERSION))

    assert {row["well_name"] for row, _ in latest} == {"10", "x"}


def test_a_rate_beyond_a_well_is_counted_and_shown_but_not_of_a_whole_field(
    scratch: Scratch,
) -> None:
    found = settled(
        scratch,
        [
            {"oil_production_kbd": 100.0},
            {"well_code": 3, "water_production_kbd": -5_000.0},
            {"well_code": 4},
        ],
    )

    assert found.warnings == {"RATE_BEYOND_A_WELL": 1}
    assert [row["well_code"] for row in found.examples["RATE_BEYOND_A_WELL"]] == ["3"]


# -------------------------------------------------------------------------------- keys on several pages


def wells(*numbers: int) -> list[Row]:
    return [{"well_code": number} for number in numbers]


@pytest.mark.parametrize(
    ("pages", "repeated", "overlapping"),
    [
        ([wells(1, 2, 2), wells(3, 4)], 0, 0),  # on one page: the source has it twice
        ([wells(1, 2), wells(3, 1)], 1, 0),
        ([wells(1, 2), wells(2, 3), wells(3, 4)], 0, 2),  # pages that overlap by a row
        ([wells(1, 2, 3, 4), wells(3, 4, 5, 6)], 0, 2),
        (
            [wells(1, 2, 3, 4), wells(4, 3, 5, 6)],
            1,
            1,
        ),  # another order: more than one row came again
        ([wells(1, 2), wells(2, 3), wells(1, 4)], 1, 1),
    ],
)
def test_keys_that_come_on_two_pages_are_counted(
    scratch: Scratch, pages: list[list[Row]], repeated: int, overlapping: int
) -> None:
    found = settled(scratch, *pages)

    assert (found.repeated_keys, found.overlapping_keys) == (repeated, overlapping)


def test_a_segment_written_after_the_settling_holds_what_was_delivered_in_its_order(
    scratch: Scratch, tmp_path: Path
) -> None:
    """Sums are made anew by whoever loads it, and rows are still found on their pages."""
    rows = [
        json_row(well_code=number // 2, oil_production_kbd=number % 2 + 1.0)
        for number in range(5_000)
    ]
    pages = [rows[first : first + 500] for first in range(0, 5_000, 500)]
    scratch.settle(pages, Grain(rows=Rows.SUM))

    scratch.repository.join_segments(tmp_path / "segment.parquet")

    other = DuckDBWellProductionRepository(directory=tmp_path / "other", memory_mb=100)
    other.load_segment(tmp_path / "segment.parquet")
    found = other.settle(Grain())
    places = other._connection.execute(
        "SELECT page, position FROM refused ORDER BY staged_row"
    ).fetchall()
    other.close()
    assert found.failed_records == 5_000
    assert places == [(page, position) for page in range(1, 11) for position in range(500)]
