"""Staging: both readings of a batch agree, the order of arrival stays,
and no batch takes more memory than there is.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.merge_model import REJECTED, rows
from support.soak import longer
from support.sources import settings as of_stack
from support.staging import (
    KEY_OF_A_ROW,
    NOON,
    SAME_NAMES,
    SAME_READING,
    as_dicts,
    batch_of,
    facts,
    json_row,
    stage,
)

from chalicelib.errors import OutOfMemory, SourceInvalid
from chalicelib.sources.expressions import reading_of
from chalicelib.store.batch import RAW_BYTES, Batch
from chalicelib.store.columns import COLUMNS, Kind
from chalicelib.store.repository import DuckDBWellProductionRepository
from chalicelib.store.row_reading import plain_reading
from chalicelib.store.segment import place_values
from chalicelib.store.staging import MANY
from chalicelib.store.table import Table
from chalicelib.store.well_production import USUAL, fill, reading_lists

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chalicelib.store.row_reading import RowReading

LEAST_MB = 100  # of WELLHEAD_MEMORY_MB
LIKE_LISTS = {column.name: f"[{column.name}" for column in COLUMNS if column.kind is Kind.WORDS}
ALL_FORMS = reading_of(of_stack(), list(SAME_NAMES))


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[DuckDBWellProductionRepository]:
    repository = DuckDBWellProductionRepository(directory=tmp_path / "scratch", memory_mb=LEAST_MB)
    yield repository
    repository.close()


def staged(repository: DuckDBWellProductionRepository) -> list[dict[str, Any]]:
    repository._staging.end()
    return as_dicts(repository._connection.execute("SELECT * FROM staged ORDER BY arrival"))


# ---------------------------------------------------------------------------------------- two readings


class Readings:
    """What the two statements say of the same batch."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._repository = DuckDBWellProductionRepository(
            directory=directory / "scratch", memory_mb=LEAST_MB
        )

    def sound(self, texts: list[bytes], reading: RowReading = SAME_READING) -> list[dict[str, Any]]:
        return self._read("sound_rows", batch_of(self._directory, texts), reading)

    def checked(
        self, texts: list[bytes], reading: RowReading = SAME_READING, *, pieces: int = 1
    ) -> list[dict[str, Any]]:
        batch = batch_of(self._directory, texts)
        files = [str(batch.seal())]
        if pieces > 1:
            size = -(-len(texts) // pieces)
            files = [self._file(number, texts[number * size :][:size]) for number in range(pieces)]
        return self._read(
            "checked_rows", batch, reading, files=files, raw_bytes=RAW_BYTES, **place_values(batch)
        )

    def _read(
        self, name: str, batch: Batch, reading: RowReading, **values: Any
    ) -> list[dict[str, Any]]:
        names = list(SAME_NAMES)
        values = {"files": [str(batch.seal())], "fields": dict.fromkeys(names, "VARCHAR"), **values}
        return as_dicts(
            self._repository._connection.execute(fill(name, reading_lists(reading)), values)
        )

    def _file(self, number: int, texts: list[bytes]) -> str:
        path = self._directory / f"{number}.ndjson"
        path.write_bytes(b"".join(text + b"\n" for text in texts))
        return str(path)

    def close(self) -> None:
        self._repository.close()


@pytest.fixture(scope="module")
def readings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readings]:
    readings = Readings(tmp_path_factory.mktemp("readings"))
    yield readings
    readings.close()


numbers = st.one_of(
    st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6).map(repr), st.none()
)
names = st.one_of(
    st.none(), st.text(st.characters(exclude_categories=["Cs"])), st.integers(), st.booleans()
)
good_rows = st.fixed_dictionaries(
    {
        "field_code": st.one_of(st.integers(-(10**15), 10**15), st.integers(0, 99).map(str)),
        "well_code": st.sampled_from(["W-1", "007", "25/11-G-25"]),
        "production_period": st.dates(date(1859, 1, 1), date(2199, 12, 31)).map(str),
    },
    optional={
        "well_name": names,
        "source_data": names,
        "oil_production_kbd": numbers,
        "days_on_production": st.floats(-400, 400),
        "other": st.recursive(
            names, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5
        ),
    },
).map(lambda row: json.dumps(row, ensure_ascii=False).encode())


@settings(max_examples=longer(20, 300))
@given(
    texts=st.lists(
        good_rows | rows(1).map(lambda row: json.dumps(row).encode()), min_size=1, max_size=30
    )
)
def test_both_readings_agree_on_sound_rows(readings: Readings, texts: list[bytes]) -> None:
    """The cheap one says of a name that begins like a list that it may not be sound;
    those are left out.
    """
    checked = readings.checked(texts)
    sound = [
        place
        for place, row in enumerate(checked)
        if row["problem"] is None and not _looks_like_json(row)
    ]

    assert [checked[place] for place in sound] == (
        readings.sound([texts[place] for place in sound]) if sound else []
    )


def _looks_like_json(row: dict[str, Any]) -> bool:
    return any(isinstance(value, str) and value.startswith(("[", "{")) for value in row.values())


def test_the_cheap_reading_stops_at_the_first_row_that_is_not_sound(readings: Readings) -> None:
    for text, problem in REJECTED:
        if problem != "UNREADABLE row":
            with pytest.raises(duckdb.InvalidInputException, match="doubtful row"):
                readings.sound([json_row(), text, json_row()])


@given(
    texts=st.lists(
        st.sampled_from([text for text, problem in REJECTED if problem != "UNREADABLE row"])
        | good_rows
    ),
    pieces=st.integers(2, 4),
)
@settings(max_examples=longer(10, 200))
def test_a_batch_in_pieces_is_read_as_the_whole(
    readings: Readings, texts: list[bytes], pieces: int
) -> None:
    texts = [json_row(), *texts]

    assert readings.checked(texts, pieces=pieces) == readings.checked(texts)


dates = st.one_of(
    st.dates(date(1859, 1, 1), date(2199, 12, 31)).map(str),
    st.dates(date(1859, 1, 1), date(2199, 12, 31)).map(lambda day: f"{day}T05:00:00Z"),
    st.sampled_from(["2024-01", "Jan-24", "202401", "31.01.2024", "2024-1-31", "2024-02-30"]),
    st.sampled_from([" 2024-01-31", "2024-01-31x", "/Date(0)/", "/Date()/", "soon", "", " "]),
    st.text("0123456789-/.T ", max_size=12),
    st.integers(1, 10**8),
    st.none(),
)


def is_of_another_form(text: Any) -> bool:
    """Neither of an ISO date's form, by its length and hyphens, nor of one of OData v2."""
    if text is None or str(text).startswith("/Date("):
        return False
    return len(str(text)) < 10 or str(text)[4:8:3] != "--"


@settings(max_examples=longer(6, 200))
@given(texts=st.lists(dates, min_size=10, max_size=30))
def test_iso_dates_are_read_as_among_all_forms(readings: Readings, texts: list[Any]) -> None:
    """In either statement; another form is never read as a date, but as a doubt."""
    iso_texts = [text for text in texts if not is_of_another_form(text)]
    iso_rows = [json_row(production_period=text) for text in iso_texts]
    checked = readings.checked(iso_rows, ALL_FORMS) if iso_rows else []
    sound_rows = [text for text, row in zip(iso_rows, checked, strict=True) if not row["problem"]]

    if iso_rows:
        assert readings.checked(iso_rows, ALL_FORMS.of_iso_dates) == checked
    if sound_rows:
        sound = [row for row in checked if not row["problem"]]
        assert readings.sound(sound_rows, ALL_FORMS.of_iso_dates) == sound
    if len(iso_texts) < len(texts):
        rows_of_all_forms = [json_row(production_period=text) for text in texts]
        for read in (readings.sound, readings.checked):
            with pytest.raises(duckdb.InvalidInputException, match="doubtful"):
                read(rows_of_all_forms, ALL_FORMS.of_iso_dates)


ISO, OF_ANOTHER_FORM = json_row(), json_row(production_period="Jan-24")
WITHOUT_DATE, BAD_CODE = json_row(production_period="soon"), json_row(well_code=1.5)
BECOMES = {
    ISO: (date(2024, 1, 1), None),
    OF_ANOTHER_FORM: (date(2024, 1, 1), None),
    WITHOUT_DATE: (None, "NOT_A_DATE production_period"),
    BAD_CODE: (date(2024, 1, 1), "NOT_A_WHOLE_NUMBER well_code"),
    b"5": (None, "UNREADABLE row"),
}


@pytest.mark.parametrize(
    "batch", [[ISO, OF_ANOTHER_FORM, b"5"], [OF_ANOTHER_FORM, BAD_CODE], [WITHOUT_DATE]]
)
def test_any_batch_may_be_the_first_with_another_form_of_date(
    repository: DuckDBWellProductionRepository, tmp_path: Path, batch: list[bytes]
) -> None:
    pages = [[ISO], batch, [OF_ANOTHER_FORM, ISO]]

    for number, page in enumerate(pages, start=1):
        repository.stage(batch_of(tmp_path, page, first=number), ALL_FORMS)

    found = [(row["production_period"], row["problem"]) for row in staged(repository)]
    assert found == [BECOMES[text] for page in pages for text in page]


def test_a_batch_is_read_either_way_whatever_the_one_before_it_held(
    repository: DuckDBWellProductionRepository, tmp_path: Path
) -> None:
    """After rejected rows the next batch is read carefully at once, broken rows or not."""
    broken, bad, good = (
        b'{"field_code":1,"field_code":1}',
        json_row(well_code=1.5),
        json_row(well_name="A"),
    )
    pages = [[good], [bad], [good, broken], [good], [broken, bad], [good, good]]

    for number, page in enumerate(pages, start=1):
        repository.stage(batch_of(tmp_path, page, first=number), SAME_READING)

    found = [(row["problem"], row["page"], row["position"]) for row in staged(repository)]
    unreadable, no_number = "UNREADABLE row", "NOT_A_WHOLE_NUMBER well_code"
    assert found == [
        (None, None, None),
        (no_number, 2, 0),
        (None, None, None),
        (unreadable, 3, 1),
        (None, None, None),
        (no_number, 5, 1),
        (unreadable, 5, 0),
        (None, None, None),
        (None, None, None),
    ]


# --------------------------------------------------------------------------------------- what is kept


@pytest.mark.by_lot
@pytest.mark.parametrize("character", ["x", "é", "€", "😀"])
@pytest.mark.parametrize("shift", range(4))
def test_the_raw_text_is_kept_up_to_4_kib_in_whole_characters(
    repository: DuckDBWellProductionRepository, tmp_path: Path, character: str, shift: int
) -> None:
    row = json.dumps(
        {"field_code": None, "remarks": "-" * shift + character * 5000}, ensure_ascii=False
    )

    [rejected] = stage(repository, tmp_path, [row.encode()])

    assert rejected["raw"] == row.encode()[:RAW_BYTES].decode("utf-8", "ignore")


def test_a_field_may_be_called_as_the_statements_call_their_own(
    repository: DuckDBWellProductionRepository, tmp_path: Path
) -> None:
    row = {
        "text": 1,
        "page": 2,
        "position": "2024-01-01",
        "raw": "[A",
        "problem": "B",
        "source": {},
    }
    own = {"field_code": "text", "well_code": "page", "production_period": "position"}
    mapping = (
        SAME_NAMES | own | {"well_name": "raw", "field_name": "problem", "data_source": "source"}
    )

    [good, bad] = stage(
        repository,
        tmp_path,
        [json.dumps(row | {"source": "C"}).encode(), json.dumps(row).encode()],
        mapping=mapping,
    )

    assert (good["well_name"], good["field_name"], good["data_source"], good["problem"]) == (
        "[A",
        "B",
        "C",
        None,
    )
    assert (bad["problem"], bad["page"], bad["position"]) == ("NOT_TEXT data_source", 1, 1)
    assert bad["raw"] == json.dumps(row)


def test_places_are_those_of_the_pages_when_every_other_row_is_broken(
    repository: DuckDBWellProductionRepository, tmp_path: Path
) -> None:
    """As many runs as rows."""
    rows_of_a_page = [b"5", json_row(well_code=1.5)] * 1500

    repository.stage(batch_of(tmp_path, rows_of_a_page, rows_of_a_page, first=7), SAME_READING)

    places = {
        (row["problem"].split()[0], row["page"], row["position"]) for row in staged(repository)
    }
    assert places == {
        ("NOT_A_WHOLE_NUMBER" if position % 2 else "UNREADABLE", page, position)
        for page in (7, 8)
        for position in range(3000)
    }


def test_a_segment_keeps_the_order_of_arrival_over_many_row_groups(
    repository: DuckDBWellProductionRepository, tmp_path: Path
) -> None:
    remark = "r" * 1500
    for batch in range(2):
        texts = [
            json_row(well_code=batch * 10_000 + number, source_data=remark)
            for number in range(10_000)
        ]
        repository.stage(batch_of(tmp_path, texts, first=batch + 1), SAME_READING)
    segment = tmp_path / "segment.parquet"

    repository.join_segments(segment)

    with duckdb.connect() as connection:
        groups = connection.execute(
            f"SELECT count(DISTINCT row_group_id) FROM parquet_metadata('{segment}')"
        ).fetchall()
        wells = connection.execute(f"SELECT well_code FROM '{segment}'").fetchall()
    assert groups > [(1,)]
    assert wells == [(str(number),) for number in range(20_000)]
    repository.load_segment(segment)
    assert [row["well_code"] for row in staged(repository)] == [
        *map(str, range(20_000)),
        *map(str, range(20_000)),
    ]


def test_fifty_thousand_names_that_begin_like_lists_are_good_rows_in_their_order(
    tmp_path: Path,
) -> None:
    repository = DuckDBWellProductionRepository(directory=tmp_path / "scratch", memory_mb=LEAST_MB)
    texts = [
        json_row(
            well_code=number % 25_000,
            well_name=f"{'[{'[number % 2]}A-{number % 25_000}",
            field_name="[North]",
        )
        for number in range(50_000)
    ]
    repository.stage(batch_of(tmp_path, texts), SAME_READING)
    texts.clear()

    result = repository.merge(tmp_path / "wells.duckdb", facts(), now=NOON, warnings={})

    repository.close()
    assert (result.new_records, result.duplicate_records, result.failed_records) == (
        25_000,
        25_000,
        0,
    )
    with duckdb.connect(tmp_path / "wells.duckdb", read_only=True) as connection:
        by_number = "SELECT well_name FROM well_production ORDER BY CAST(well_code AS INTEGER)"
        found = connection.execute(by_number).fetchall()
    assert found == [(f"{'[{'[well % 2]}A-{well}",) for well in range(25_000)]


# --------------------------------------------------------------------------------------------- memory


def dense(size: int, **fields: Any) -> bytes:
    """A row with a list of so many small numbers,
    of which each takes eight times its text in DuckDB's memory.
    """
    return json_row(**fields, readings=[0] * size, changed="2024-01-01T05:00:00Z")


@pytest.mark.by_lot
@pytest.mark.parametrize(
    "beside", [{}, dict.fromkeys(map(str, range(90)), 1), {"readings": [1] * 380}]
)
def test_all_names_of_a_row_may_look_like_lists(
    repository: DuckDBWellProductionRepository, tmp_path: Path, beside: dict[str, Any]
) -> None:
    """Each is looked up in the row, and few of them or many cost the same memory."""
    texts = [
        json_row(
            well_code=number,
            oil_production_kbd="much" if number % 97 == 0 else 1.5,
            **LIKE_LISTS,
            **beside,
        )
        for number in range(40_000)
    ]

    repository.stage(batch_of(tmp_path, texts), SAME_READING)

    bad = "NOT_A_NUMBER oil_production_kbd"
    assert [(row["well_code"], row["problem"]) for row in staged(repository)] == [
        (str(number), bad if number % 97 == 0 else None) for number in range(40_000)
    ]


def test_which_of_many_names_is_a_list_is_told(
    repository: DuckDBWellProductionRepository, tmp_path: Path
) -> None:
    texts = [
        json_row(**LIKE_LISTS | {name: value}) for name in LIKE_LISTS for value in ([1], {"a": 1})
    ]

    rows = stage(repository, tmp_path, texts)

    assert [row["problem"] for row in rows] == [
        f"NOT_TEXT {name}" for name in LIKE_LISTS for _ in range(2)
    ]


@pytest.mark.by_lot
@pytest.mark.parametrize(("size", "count"), [(300, 20_000), (7_000, 900), (70_000, 100)])
@pytest.mark.parametrize("fault", [{}, {"production_period": "soon"}], ids=["good", "bad"])
def test_long_rows_are_staged_in_little_memory(
    repository: DuckDBWellProductionRepository,
    tmp_path: Path,
    size: int,
    count: int,
    fault: dict[str, Any],
) -> None:
    texts = [dense(size, well_code=number, **fault) for number in range(count)]
    batch = batch_of(tmp_path, texts)

    repository.stage(batch, SAME_READING)

    problem = "NOT_A_DATE production_period" if fault else None
    found = [(row["well_code"], row["problem"], row["position"]) for row in staged(repository)]
    assert found == [(str(number), problem, number if fault else None) for number in range(count)]
    assert set(repository.field_names(batch)) == {*KEY_OF_A_ROW, "readings", "changed"}
    assert repository.change_times(batch, "changed") == (NOON - 7 * 3600.0, 0)


def test_any_number_of_broken_rows_is_staged_in_little_memory(
    repository: DuckDBWellProductionRepository, tmp_path: Path
) -> None:
    broken = b'{"field_code":1,"well_name":"' + b"\xff" * 4000 + b'"}'

    repository.stage(batch_of(tmp_path, [broken] * 6000), SAME_READING)

    raw = (
        broken[:RAW_BYTES].decode("utf-8", "replace").encode()[:RAW_BYTES].decode("utf-8", "ignore")
    )
    found = [
        (row["problem"], row["page"], row["position"], row["raw"]) for row in staged(repository)
    ]
    assert found == [("UNREADABLE row", 1, position, raw) for position in range(6000)]


def test_pieces_of_a_batch_do_not_stay(
    repository: DuckDBWellProductionRepository, tmp_path: Path
) -> None:
    texts = [dense(7_000, well_code=number if number % 2 else 1.5) for number in range(100)]

    repository.stage(batch_of(tmp_path, [*texts, b"5"]), SAME_READING)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["batch.ndjson", "scratch"]


def test_every_step_of_an_import_says_when_memory_is_short(tmp_path: Path) -> None:
    """Rows that are stored in the order of the key are read back in any memory; these are not."""
    store = tmp_path / "wells.duckdb"
    texts = [json_row(well_code=number, well_name="x" * 60) for number in range(60_000)]
    for half in (0, 1):
        repository = DuckDBWellProductionRepository(
            directory=tmp_path / f"{half}", memory_mb=LEAST_MB
        )
        segment = repository.stage(batch_of(tmp_path, texts[half::2]), SAME_READING)
        repository.merge(store, facts(), now=NOON, warnings={})
        repository.close()
    short = DuckDBWellProductionRepository(directory=tmp_path / "short", memory_mb=4)
    short.load_segment(segment)
    steps: list[Callable[[], object]] = [
        lambda: short.stage(batch_of(tmp_path, texts), SAME_READING),
        lambda: short.merge(store, facts(2), now=NOON, warnings={}),
        lambda: short.verify(store, rows=60_000),
    ]

    for step in steps:
        with pytest.raises(OutOfMemory):
            step()
    short.close()


def test_a_row_takes_all_the_memory_there_is_before_it_is_too_much(tmp_path: Path) -> None:
    row = dense(1_380_000)  # 4 MB
    batch = batch_of(tmp_path, [row])
    little, enough = (
        DuckDBWellProductionRepository(directory=tmp_path / f"{mb}", memory_mb=mb)
        for mb in (LEAST_MB, 400)
    )

    with pytest.raises(
        OutOfMemory, match=r"WELLHEAD_MEMORY_MB was too little.* no fault of the source"
    ):
        little.stage(batch, SAME_READING)
    enough.stage(batch, SAME_READING)

    [(limit,)] = enough._connection.execute("SELECT current_setting('memory_limit')").fetchall()
    assert limit == "122.0 MiB"
    assert [row["problem"] for row in staged(enough)] == [None]
    little.close()
    enough.close()


def test_hundreds_of_small_segments_are_merged_as_the_rows_that_they_hold(
    repository: DuckDBWellProductionRepository, tmp_path: Path
) -> None:
    pages = MANY + 5
    pages_with_bad = [1, 60, 61, pages]  # a batch with one costs three times as much
    for page in range(1, pages + 1):
        texts = [json_row(well_code=f"{page:03}")]
        if page in pages_with_bad:
            texts.append(json_row(well_code=f"{page:03}", oil_production_kbd="much"))
        repository.stage(batch_of(tmp_path, texts, first=page), SAME_READING)

    result = repository.merge(tmp_path / "wells.duckdb", facts(), now=NOON, warnings={})

    assert (result.new_records, result.failed_records) == (pages, len(pages_with_bad))
    with duckdb.connect(tmp_path / "wells.duckdb", read_only=True) as connection:
        rejected = connection.execute(
            "SELECT page, position FROM rejected_rows ORDER BY page"
        ).fetchall()
    assert rejected == [(page, 1) for page in pages_with_bad]


def test_segments_of_parts_are_read_in_the_order_of_the_parts(
    repository: DuckDBWellProductionRepository, tmp_path: Path
) -> None:
    """Whatever came first: the rows are in order then, and each tells the page that it stood on."""
    for part in (2, 0, 1):
        batch = batch_of(
            tmp_path, [json_row(well_code=100 + part * 10 + number) for number in range(3)]
        )
        batch.runs[0] = replace(batch.runs[0], page=part * 1_000_000 + 1)
        repository.stage(batch, SAME_READING, part=part)

    assert repository.settle(USUAL).is_in_order
    places = repository._staging.places.columns()
    assert (places["rows"], places["pages"]) == ("[0, 3, 6]", "[1, 1000001, 2000001]")


def test_a_table_that_cannot_be_read_is_no_matter_of_its_rows(
    repository: DuckDBWellProductionRepository, tmp_path: Path
) -> None:
    """Its rows were told apart before; to reject them all would hide what went wrong."""
    path = tmp_path / "piece.csv"
    path.write_text("1,2,2024-01-01\n")
    table = Table(
        path=path, format="csv", names=tuple(KEY_OF_A_ROW), rows=1, first_row=41, file="a.zip/b.csv"
    )
    reading = plain_reading({**SAME_NAMES, "well_name": "no such column"})

    with pytest.raises(
        SourceInvalid,
        match=r"The rows of a\.zip/b\.csv from row 42 on cannot be read: Binder Error",
    ):
        repository.stage(Batch.of_table(table, 1), reading)
