"""What is called corrupt: a file whose checksum is proved to be another one.
Everything else has another name, and the copy on local disk stays.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from support.publisher import Publisher, publisher_into_a_bucket, rows_of

from chalicelib.errors import (
    NothingPublished,
    QueryFailed,
    WarehouseCorrupt,
    WarehouseForeign,
    WellheadError,
)
from chalicelib.jobs.lock import Snapshot
from chalicelib.queries.sql import SqlLimits, ask_sql
from chalicelib.services import open_warehouse
from chalicelib.warehouse.names import sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEADERS = 12288  # bytes before the first block


@pytest.fixture(params=["directory", "s3"])
def publisher(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Publisher]:
    if request.param == "directory":
        yield Publisher(tmp_path, open_warehouse(str(tmp_path / "warehouse")))
    else:
        with publisher_into_a_bucket(request.getfixturevalue("aws").url, tmp_path) as publisher:
            yield publisher


def damaged(whole: bytes, damage: str) -> bytes:
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    return {
        "empty": b"",
        "text": (b"well_code,oil\n" * len(whole))[: len(whole)],
        "half": whole[: len(whole) // 2],
        "magic": b"x" * 20 + whole[20:],
        "header": whole[:4096] + bytes(8192) + whole[HEADERS:],
        "blocks": whole[:HEADERS] + bytes(len(whole) - HEADERS),
        "longer": whole + b"\0",
    }[damage]


def place_of(publisher: Publisher, tmp_path: Path, snapshot: Snapshot) -> Path:
    """Where readers open it."""
    if publisher.warehouse.local_path(snapshot.name):
        return tmp_path / "warehouse" / snapshot.name
    rows_of(publisher.reader())
    return publisher.reading / snapshot.name.rpartition("/")[2]


def test_a_statement_to_a_damaged_file_is_no_fault_of_who_asks(
    publisher: Publisher, tmp_path: Path
) -> None:
    place = place_of(publisher, tmp_path, publisher.publish(3000))
    published, whole = publisher.reader(), place.read_bytes()

    def count() -> Any:
        with published.file() as (path, _, own):
            limits = SqlLimits(memory_mb=100)
            told = ask_sql(
                path,
                "SELECT sum(hash(w)) > 0 FROM well_production w",
                rows=1,
                own=own,
                limits=limits,
            )
        return told["rows"]

    assert count() == [[True]]
    for damage in ("header", "blocks"):
        place.write_bytes(damaged(whole, damage))
        with pytest.raises(WarehouseCorrupt):
            count()
        if publisher.warehouse.local_path("x"):
            place.write_bytes(whole)  # a copy is fetched again
        assert count() == [[True]]


@pytest.mark.by_lot
@pytest.mark.parametrize("damage", ["empty", "text", "half", "magic", "header", "blocks", "longer"])
def test_a_file_that_is_proved_to_be_another_one_is_corrupt(
    publisher: Publisher, tmp_path: Path, damage: str
) -> None:
    place = place_of(publisher, tmp_path, publisher.publish(3000))
    whole = place.read_bytes()
    place.write_bytes(damaged(whole, damage))
    published = publisher.reader()

    with pytest.raises(WarehouseCorrupt):
        rows_of(published)

    assert list(publisher.reading.glob("own-*")) == []
    if publisher.warehouse.local_path("x"):
        place.write_bytes(whole)  # restored; a copy is fetched again by itself
    assert rows_of(published) == 3000


def test_a_whole_file_that_is_no_database_of_ours_is_not_called_corrupt(
    publisher: Publisher, tmp_path: Path
) -> None:
    for number, content in enumerate((b"well_code,oil\n" * 1000, None)):
        file = tmp_path / f"other-{number}"
        if content:
            file.write_bytes(content)
        else:
            duckdb.connect(file).close()
        publisher.warehouse.put(f"snapshots/{file.name}.duckdb", file, sha256=sha256_of(file))
        size = file.stat().st_size
        facts: dict[str, Any] = {
            "fence": 1,
            "rows": 0,
            "bytes": size,
            "sha256": sha256_of(file),
            "job_id": "x",
        }
        publisher.pointer = Snapshot(name=f"snapshots/{file.name}.duckdb", **facts)

        with pytest.raises(WarehouseForeign):
            rows_of(publisher.reader())


def test_what_fails_beside_the_file_is_not_called_corrupt_and_the_copy_stays(
    publisher: Publisher,
) -> None:
    """Somebody clears the disk under a running process: where it spills is gone."""
    publisher.publish_wide()
    published = publisher.reader(memory_mb=35)
    told = published.summary()
    copies = publisher.copies()
    for own in publisher.reading.glob("own-*"):
        shutil.rmtree(own)

    with published.query() as production:
        del production.__dict__["_summary"]
    with pytest.raises(QueryFailed):
        published.summary()

    assert publisher.copies() == copies
    assert published.summary() == told


def test_what_the_caller_asks_wrongly_closes_nothing(publisher: Publisher) -> None:
    publisher.publish(3)
    published = publisher.reader()
    rows_of(published)
    [own] = publisher.reading.glob("own-*")

    for _ in range(3):
        with pytest.raises(WellheadError), published.query() as production:
            production.production(cursor="WyJ4Il0")

    assert list(publisher.reading.glob("own-*")) == [own]
    assert rows_of(published) == 3
    publisher.pointer = None
    with pytest.raises(NothingPublished):
        rows_of(published)
