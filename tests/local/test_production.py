import gzip
import itertools
import json
import math
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.files.json_lines import NdjsonError, NdjsonFile
from local.source.production import Expected, GeneratedProduction

REAL_DATA = Path(__file__).parents[3] / "shared" / "data"
COLUMNS = [
    *("field_code", "field_name", "well_code", "well_reference", "well_name", "production_period"),
    *("days_on_production", "oil_production_kbd", "gas_production_mmcfd", "liquids_production_kbd"),
    *(
        "water_production_kbd",
        "data_source",
        "source_data",
        "partition_0",
        "created_at",
        "updated_at",
    ),
]
VALUES = [
    name for name in COLUMNS[:11] if name not in {"field_code", "well_code", "production_period"}
]

Row = dict[str, Any]
Warehouse = dict[tuple[int, int, str], list[Any]]


def rows_of(data: GeneratedProduction) -> list[Row]:
    return [json.loads(row) for row in data.page(0, len(data))]


def is_good(row: Row) -> bool:
    try:
        date.fromisoformat(row["production_period"])
    except ValueError:
        return False
    whole = all(isinstance(row[name], int) for name in ("field_code", "well_code"))
    volumes = [value for name, value in row.items() if name.endswith(("_kbd", "_mmcfd"))]
    return whole and all(isinstance(volume, float) and math.isfinite(volume) for volume in volumes)


def import_into(warehouse: Warehouse, rows: list[Row]) -> Expected:
    """What an import does, written as plainly as can be."""
    good = [row for row in rows if is_good(row)]
    last = {
        (row["field_code"], row["well_code"], row["production_period"]): [
            row[name] for name in VALUES
        ]
        for row in good
    }
    new = len(last.keys() - warehouse.keys())
    updated = sum(key in warehouse and warehouse[key] != values for key, values in last.items())
    warehouse |= last
    return Expected(new, updated, len(good) - new - updated, len(rows) - len(good))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 5),
    revision=st.integers(0, 3),
    skip=st.integers(0, 2_600),
    top=st.integers(0, 700),
)
def test_a_page_is_a_slice_of_the_whole(seed: int, revision: int, skip: int, top: int) -> None:
    data = GeneratedProduction(2_500, seed, revision)
    whole = data.page(0, 2_500)

    assert len(whole) == len(data) == 2_500
    assert data.page(skip, top) == whole[skip : skip + top]


@pytest.mark.parametrize("seed", [1, 2])
def test_keys_never_fall_and_are_those_of_the_rows(seed: int) -> None:
    data = GeneratedProduction(20_000, seed)
    rows = rows_of(data)

    keys: list[Any] = [data.key(position) for position in range(len(data))]

    assert all(before <= after for before, after in itertools.pairwise(keys))
    for position, row in enumerate(rows):
        if position not in data.bad_positions:
            assert keys[position] == (row["field_code"], row["well_code"], row["production_period"])
    repeated = [place for place in range(1, len(keys)) if keys[place] == keys[place - 1]]
    assert repeated == list(data.repeated_positions)


def test_fifty_thousand_rows_hold_twelve_bad_ones_and_five_repeated_keys() -> None:
    data = GeneratedProduction(50_000)
    rows = rows_of(data)

    assert [place for place, row in enumerate(rows) if not is_good(row)] == list(data.bad_positions)
    assert data.expected_counts() == Expected(new=49_983, updated=0, duplicate=5, failed=12)
    assert import_into({}, rows) == data.expected_counts()


@pytest.mark.parametrize(
    ("rows", "bad_rows"), [(1_000, True), (751, True), (750, True), (12_000, False), (0, True)]
)
def test_expected_counts_are_what_an_import_counts(rows: int, bad_rows: bool) -> None:
    data = GeneratedProduction(rows, bad_rows=bad_rows)

    assert import_into({}, rows_of(data)) == data.expected_counts()


def test_a_later_revision_updates_about_a_twentieth() -> None:
    warehouse: Warehouse = {}
    revisions = [GeneratedProduction(12_000, 3, revision) for revision in range(4)]
    import_into(warehouse, rows_of(revisions[0]))

    first = import_into(warehouse, rows_of(revisions[1]))
    third = import_into(warehouse, rows_of(revisions[3]))
    again = import_into(warehouse, rows_of(revisions[3]))

    assert first == revisions[1].expected_counts(previous=0)
    assert 0.035 < first.updated / 12_000 < 0.065
    assert third == revisions[3].expected_counts(previous=1)
    assert third.updated > first.updated
    assert again == revisions[3].expected_counts(previous=3)
    assert again.updated == again.new == 0


def test_only_producing_months_of_the_last_year_are_revised() -> None:
    before, after = (rows_of(GeneratedProduction(10_000, revision=revision)) for revision in (0, 1))
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]

    assert changed
    for old, new in changed:
        assert old["production_period"].startswith("2024-")
        assert old["days_on_production"] == new["days_on_production"] > 0
        assert old["oil_production_kbd"] != new["oil_production_kbd"]
        assert old["updated_at"] < new["updated_at"]


def test_a_revision_that_comes_later_is_refused() -> None:
    with pytest.raises(ValueError, match="Revision 2 does not come before revision 1"):
        GeneratedProduction(1_000, revision=1).expected_counts(previous=2)


def test_the_rows_look_like_well_production() -> None:
    rows = [row for row in rows_of(GeneratedProduction(20_000)) if is_good(row)]

    assert all(list(row) == COLUMNS for row in rows)
    assert all(len(str(row["well_code"])) == 12 for row in rows)
    assert all(row["well_reference"].replace("-", "") == str(row["well_code"]) for row in rows)
    assert all(row["liquids_production_kbd"] >= row["oil_production_kbd"] >= 0 for row in rows)
    assert all(row["partition_0"] == row["production_period"][:4] for row in rows)
    assert max(row["production_period"] for row in rows) == "2024-12-01"
    shut_in = [row for row in rows if row["days_on_production"] == 0]
    assert 200 < len(shut_in) < 2_000
    assert all(row[name] == 0 for row in shut_in for name in COLUMNS[7:11])
    long_days = [row for row in rows if row["days_on_production"] == 31.04]
    assert 2 < len(long_days) < 60
    assert all(row["production_period"][5:7] == "10" for row in long_days)


def test_wells_decline_and_water_out() -> None:
    rows = [
        row
        for row in rows_of(GeneratedProduction(20_000))
        if is_good(row) and row["days_on_production"] >= 28
    ]
    wells = [
        list(months) for _, months in itertools.groupby(rows, key=lambda row: row["well_code"])
    ]
    aged = [months for months in wells if len(months) > 40]

    assert len(aged) > 100
    for months in aged:
        assert months[-1]["oil_production_kbd"] < 0.7 * months[0]["oil_production_kbd"]
        assert water_cut(months[-1]) > water_cut(months[0])


def water_cut(row: Row) -> float:
    water, oil = row["water_production_kbd"], row["oil_production_kbd"]
    return float(water / (water + oil))


def test_ten_million_rows_cost_no_more_than_the_page_asked_for() -> None:
    data = GeneratedProduction(10_000_000)
    started = time.process_time()

    page = data.page(9_999_990, 1_000)

    assert len(page) == 10
    assert json.loads(page[-1])["field_code"] == 17_667
    assert time.process_time() - started < 1


def test_names_of_fields_stay_distinct() -> None:
    rows = [
        json.loads(GeneratedProduction(10_000_000).page(skip, 1)[0])
        for skip in range(0, 600_000, 600)
    ]

    assert len({row["field_name"] for row in rows}) == len(rows)
    assert len({row["well_code"] for row in rows}) == len(rows)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "rows.ndjson"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_serves_the_rows_it_holds(
    pack: Callable[[bytes], bytes], written: Callable[[bytes], Path]
) -> None:
    data = GeneratedProduction(800, bad_rows=False)
    lines = data.page(0, 800)

    with NdjsonFile(written(pack(b"\r\n".join(lines) + b"\n\n"))) as file:
        assert (len(file), file.ordered) == (800, True)
        assert file.page(0, 800) == lines
        assert file.page(790, 100) == lines[790:]
        assert file.page(900, 10) == file.page(0, 0) == []
        assert [file.key(place) for place in (0, 750, 799)] == [
            data.key(place) for place in (0, 750, 799)
        ]


@pytest.mark.parametrize("field_code", ["null", '"2"', "1"])
def test_a_file_out_of_key_order_is_told_apart(
    field_code: str, written: Callable[[bytes], Path]
) -> None:
    row = '{{"field_code": {}, "well_code": 5, "production_period": "2024-01-01"}}\n'

    with NdjsonFile(written((row.format(2) + row.format(field_code)).encode())) as file:
        assert not file.ordered
        assert len(file) == 2


def test_an_empty_file_has_no_rows(written: Callable[[bytes], Path]) -> None:
    with NdjsonFile(written(b"\n")) as file:
        assert (len(file), file.page(0, 10)) == (0, [])


@pytest.mark.parametrize(
    "line", [b'{"field_code": 1', b"[1, 2]", b'{"oil_production_kbd": NaN}', b'{"a": "\xff"}']
)
def test_a_bad_line_is_named(line: bytes, written: Callable[[bytes], Path]) -> None:
    with pytest.raises(NdjsonError, match=r"^Line 3 of rows\.ndjson is no JSON object: .+\.$"):
        NdjsonFile(written(b'{"field_code": 1}\n\n' + line + b"\n"))


def test_a_torn_gzip_file_is_refused(written: Callable[[bytes], Path]) -> None:
    whole = gzip.compress(b"\n".join(GeneratedProduction(600).page(0, 600)))

    with pytest.raises(NdjsonError, match=r"^rows\.ndjson cannot be read after line \d+: .+\.$"):
        NdjsonFile(written(whole[: len(whole) // 2]))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NdjsonError, match=r"^absent\.ndjson cannot be read after line 0: "):
        NdjsonFile(tmp_path / "absent.ndjson")


@pytest.mark.skipif(
    not REAL_DATA.is_dir(), reason="the real production files are not beside this checkout"
)
def test_the_real_files_are_in_key_order() -> None:
    with NdjsonFile(REAL_DATA / "bsee_2024_published_2025-04.ndjson.gz") as file:
        assert (len(file), file.ordered) == (3_178, True)
        assert file.key(0) == (1002, 608054000700, "2024-01-01")


@pytest.mark.skipif(
    not REAL_DATA.is_dir(), reason="the real production files are not beside this checkout"
)
def test_the_real_files_count_as_their_description_says() -> None:
    warehouse: Warehouse = {}
    counts = []
    for published in ("2025-02", "2025-04"):
        with NdjsonFile(REAL_DATA / f"bsee_2024_published_{published}.ndjson.gz") as file:
            counts.append(
                import_into(warehouse, [json.loads(row) for row in file.page(0, len(file))])
            )

    assert counts == [Expected(2_846, 0, 0, 0), Expected(332, 161, 2_685, 0)]
