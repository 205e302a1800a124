"""What an import into a lake refuses before anything is written."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from support.data_api import ROWS as DATA
from support.data_api import source_of
from support.merge_model import Import
from support.merging import LakeStore
from support.scripted_source import Answer
from support.staging import json_row, run_import

from chalicelib.errors import AdoptsInFile, LakeMoved, LakeUnavailable, PeriodChanged
from chalicelib.lake.catalog import LONGEST_WAIT, Catalog, Head
from chalicelib.lake.repository import LakeRepository
from chalicelib.lake.versions import PRODUCTION, Versions
from chalicelib.services import Services
from chalicelib.store.period import Period, RowSource
from local.catalog.server import CatalogServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.scripted_source import Serve

WELLS = {"question": "wells", "arguments": {}}
ROWS = Import([[[json.loads(json_row(well_code=str(well))) for well in range(3)]]])


class SourceStore(LakeStore):
    """Imports of one source after the other."""

    source = RowSource()

    def _details(self) -> dict[str, Any]:
        return super()._details() | {"source": self.source}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SourceStore]:
    with CatalogServer(tmp_path / "lake") as server:
        store = SourceStore(tmp_path, server.url)
        store.run(1, ROWS)
        yield store


def test_rows_of_another_source_are_not_renamed(store: SourceStore) -> None:
    before = store.tables()
    store.source = RowSource(name="gulf", adopts="default")

    with pytest.raises(AdoptsInFile, match="takes over the rows of default"):
        store.run(2, ROWS)

    assert store.tables() == before
    store.source = RowSource(name="gulf", adopts="nobody")
    assert store.run(3, ROWS).new_records == 3


def test_periods_of_another_length_are_refused(store: SourceStore) -> None:
    before = store.tables()
    store.source = RowSource(period=Period.DAY)

    with pytest.raises(PeriodChanged):
        store.run(2, ROWS)

    assert store.tables() == before


def test_a_published_snapshot_that_is_gone_is_no_base(store: SourceStore) -> None:
    head = store.catalog.head(PRODUCTION)
    store.published = Versions(snapshots={**store.published.snapshots, PRODUCTION: 12345}, rows=3)

    with pytest.raises(
        LakeMoved, match="no longer has the published snapshot 12345 of well_production"
    ):
        store.run(2, ROWS)

    assert store.catalog.head(PRODUCTION) == head


def test_a_catalog_that_does_not_answer_is_told_as_such(tmp_path: Path) -> None:
    session = botocore.session.get_session()
    waits: list[float] = []
    catalog = Catalog("http://127.0.0.1:9", session=session, sleep=waits.append)

    with pytest.raises(LakeUnavailable):
        catalog.head(PRODUCTION)
    with pytest.raises(LakeUnavailable):
        LakeRepository(
            catalog=catalog, session=session, directory=tmp_path, memory_mb=200
        )._attach_lake()

    assert 0.1 <= waits[0] <= 0.2 <= waits[1] <= 0.4


@pytest.mark.parametrize("status", [429, 503])
def test_a_catalog_that_asks_for_time_is_given_a_little(serve: Serve, status: int) -> None:
    waits_asked_for = ("2", "600", "1")
    busy = [Answer(status=status, headers={"Retry-After": each}) for each in waits_asked_for]
    waits: list[float] = []
    session = botocore.session.get_session()
    catalog = Catalog(serve(*busy).url, session=session, sleep=waits.append)

    with pytest.raises(LakeUnavailable):
        catalog.head(PRODUCTION)

    assert waits == [2.0, LONGEST_WAIT]


@pytest.mark.parametrize(
    ("error", "word"),
    [({"type": "ForbiddenException"}, " ForbiddenException."), ("forbidden", "."), (None, ".")],
)
def test_a_refusal_is_told_however_the_catalog_writes_it(
    serve: Serve, error: Any, word: str
) -> None:
    refusal = Answer(json.dumps({"error": error}).encode(), status=403)
    catalog = Catalog(serve(refusal).url, session=botocore.session.get_session())

    with pytest.raises(LakeUnavailable) as caught:
        catalog.head(PRODUCTION)

    assert caught.value.message.startswith(f"The catalog of the lake answers 403{word} Check")


@pytest.mark.parametrize(("status", "waits_for"), [(429, [2.0]), (503, [])])
def test_a_commit_is_sent_again_where_the_catalog_has_not_looked_at_it(
    serve: Serve, status: int, waits_for: list[float]
) -> None:
    """Too many requests are refused before; behind another error it may have been made."""
    busy = Answer(status=status, headers={"Retry-After": "2"})
    waits: list[float] = []
    source = serve(busy, Answer(body=b"{}"))
    catalog = Catalog(source.url, session=botocore.session.get_session(), sleep=waits.append)
    head = Head(uuid="u", snapshot=1, properties={}, snapshots={}, schema={}, last_field=0)

    made = []
    with suppress(LakeUnavailable):
        made.append(catalog.set_properties(PRODUCTION, head, {"wellhead.job": "a"}))

    assert (made, waits) == ([True] if waits_for else [], waits_for)
    assert len(source.asked) == 1 + len(waits_for)


def test_questions_to_a_lake_whose_catalog_is_away_are_told_so(
    environment: dict[str, str], serve: Serve, tmp_path: Path
) -> None:
    with CatalogServer(tmp_path / "lake") as server:
        environment |= {"WELLHEAD_STORE": "iceberg", "WELLHEAD_CATALOG": server.url}
        run_import(environment, source_of(serve, DATA))
        asking = Services(environment)
        assert len(asking.answer(WELLS)["data"]["rows"]) == 3

    answers = [services.answer(WELLS)["error"] for services in (asking, Services(environment))]

    assert [(told["code"], told["status"], told["retryable"]) for told in answers] == [
        ("LAKE_UNAVAILABLE", 503, True)
    ] * 2


def test_a_state_that_the_catalog_has_dropped_is_gone(
    environment: dict[str, str], serve: Serve, tmp_path: Path
) -> None:
    with CatalogServer(tmp_path / "lake") as server:
        environment |= {"WELLHEAD_STORE": "iceberg", "WELLHEAD_CATALOG": server.url}
        run_import(environment, source_of(serve, DATA))
        services = Services(environment)
        head = services.catalog.head(PRODUCTION)
        assert head
        assert head.snapshot
        services.catalog.set_main(PRODUCTION, head, None, {})
        emptied = services.catalog.head(PRODUCTION)
        assert emptied
        assert services.catalog.forget(PRODUCTION, emptied, [head.snapshot])

        told = services.answer(WELLS)["error"]

    assert (told["code"], told["status"]) == ("SNAPSHOT_GONE", 410)
