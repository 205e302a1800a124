"""Pages cut by the key:
no row is lost or comes twice, also while the source changes and whatever its page limit.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.imports import Worker, expected_rows, stored_rows
from support.scripted_source import KEY, Answer, Client, Connect, Serve, page

from chalicelib.errors import SourceKey, SourceLoop
from chalicelib.jobs.job import JobStatus
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.files.json_lines import Key
    from local.source.odata_format import Version

DATA = GeneratedProduction(2_000)


class ChangingRows:
    """Rows in key order;
    after each page that is read, the next of `changes` adds or removes keys.
    """

    ordered = True

    def __init__(self, keys: set[Key], changes: list[tuple[set[Key], set[Key]]]) -> None:
        self._keys = sorted(keys)
        self._changes = changes

    def __len__(self) -> int:
        return len(self._keys)

    def key(self, position: int) -> Key:
        return self._keys[position]

    def page(self, skip: int, top: int) -> list[bytes]:
        fields = ("field_code", "well_code", "production_period")
        return [
            json.dumps(dict(zip(fields, key, strict=True))).encode()
            for key in self._keys[skip : skip + top]
        ]

    def after_a_page(self) -> ChangingRows:
        if not self._changes:
            return self
        (added, removed), *later = self._changes
        return ChangingRows((set(self._keys) | added) - removed, later)


def read_while_changing(rows: ChangingRows, *, paging: str, size: int, limit: int) -> list[Key]:
    """The keys in the order of their delivery."""
    with SampleSource(rows, paging="skip", max_page_size=limit) as source:
        client = Client(source.url, source_paging=paging, page_size=str(size))
        survey = client.adapter.survey()
        delivered: list[Any] = []
        for each in client.adapter.pages(client.adapter.first_cursor(KEY, survey), survey):
            delivered += [tuple(json.loads(bytes(row)).values()) for row in each.rows]
            source.rows = source.rows.after_a_page()  # type: ignore[attr-defined]
        client.adapter.close()
        return delivered


keys = st.tuples(
    st.integers(1, 3), st.integers(1, 4), st.sampled_from(["2024-01-01", "2024-02-01"])
)
some_keys = st.sets(keys, max_size=20)


@settings(max_examples=25)
@given(
    start=some_keys,
    changes=st.lists(st.tuples(some_keys, some_keys), max_size=6),
    size=st.integers(1, 7),
    limit=st.integers(1, 7),
)
def test_what_stays_comes_once_and_nothing_comes_twice(
    start: set[Any], changes: list[tuple[set[Any], set[Any]]], size: int, limit: int
) -> None:
    delivered = read_while_changing(
        ChangingRows(start, changes), paging="keys", size=size, limit=limit
    )

    removed = set().union(*(each for _, each in changes))
    assert len(delivered) == len(set(delivered))
    assert delivered == sorted(delivered)
    assert start - removed <= set(delivered)


FIRST, SECOND, THIRD, FOURTH = ((1, well, "2024-01-01") for well in range(1, 5))


@pytest.mark.parametrize(
    ("paging", "change", "expected"),
    [
        ("keys", (set(), {FIRST}), [FIRST, SECOND, THIRD, FOURTH]),
        (
            "skip",
            (set(), {FIRST}),
            [FIRST, SECOND, FOURTH],
        ),  # the third has moved to where nobody looks again
        ("keys", ({(1, 0, "2024-01-01")}, set()), [FIRST, SECOND, THIRD, FOURTH]),
        ("skip", ({(1, 0, "2024-01-01")}, set()), [FIRST, SECOND, SECOND, THIRD, FOURTH]),
    ],
)
def test_offsets_lose_and_repeat_where_keys_do_not(
    paging: str, change: tuple[set[Any], set[Any]], expected: list[Any]
) -> None:
    rows = ChangingRows({FIRST, SECOND, THIRD, FOURTH}, [change])

    assert read_while_changing(rows, paging=paging, size=2, limit=2) == expected


@pytest.mark.parametrize("paging", ["keys", "skip"])
def test_rows_that_arrive_meanwhile_do_not_end_the_reading_early(paging: str) -> None:
    """After two pages as many rows have come as were counted at first,
    and one of those is still to come.
    """
    rows = ChangingRows({FIRST, FOURTH}, [({SECOND}, set())])

    assert read_while_changing(rows, paging=paging, size=1, limit=1) == [FIRST, SECOND, FOURTH]


@pytest.fixture
def worker_on(environment: dict[str, str], dynamodb: Any, tmp_path: Path) -> Callable[..., Worker]:
    def worker_on(source: SampleSource, **settings: str) -> Worker:
        more = {f"WELLHEAD_{name.upper()}": value for name, value in settings.items()}
        return Worker(environment | {"WELLHEAD_SOURCE_URL": source.url} | more, dynamodb)

    return worker_on


@pytest.fixture(params=[2, 4], ids=["v2", "v4"])
def version(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.by_lot
@pytest.mark.parametrize("paging", ["auto", "keys"])
@pytest.mark.parametrize("limit", [700, 10_000])
def test_a_whole_import_of_either_version(
    worker_on: Callable[..., Worker], version: Version, paging: str, limit: int
) -> None:
    with SampleSource(DATA, paging="skip", version=version, max_page_size=limit) as source:
        worker = worker_on(source, source_paging=paging, page_size="1000")
        job = worker.import_all()

    expected = DATA.expected_counts()
    assert (job.status, job.error) == (JobStatus.COMPLETED, None)
    assert (job.new_records, job.failed_records) == (expected.new, expected.failed)
    assert (job.expected_records, job.fetched_records) == (2_000, 2_000)
    assert job.warnings == []
    snapshot = worker.manager.current_snapshot()
    assert snapshot
    assert stored_rows(Path(worker.settings.warehouse, snapshot.name)) == expected_rows(DATA)
    filters = [asked.query.get("$filter") for asked in source.requests]
    assert any(filters) == (paging == "keys")


def test_the_filter_of_the_setting_stays_beside_the_key(connect: Connect) -> None:
    with SampleSource(DATA) as source:
        url = f"{source.url}?$filter=field_code eq 1001 or field_code eq 1003"
        client = connect(url, source_paging="keys", page_size="300")
        survey = client.adapter.survey()
        pages = list(client.adapter.pages(client.adapter.first_cursor(KEY, survey), survey))

    wells = [json.loads(bytes(row)) for each in pages for row in each.rows]
    assert len(wells) == 1_200
    assert {row["field_code"] for row in wells} == {1001, 1003}
    assert (
        source.requests[-1]
        .query["$filter"]
        .startswith("(field_code eq 1001 or field_code eq 1003) and (field_code")
    )


def test_the_source_s_own_key_is_taken_when_it_declares_one(serve: Serve, connect: Connect) -> None:
    """It is never null and never twice."""
    declared = (
        b'<Edmx><Schema><EntityType Name="T"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int64"/>'
        b'</EntityType><EntityContainer><EntitySet Name="Wells" EntityType="N.T"/></EntityContainer></Schema></Edmx>'
    )
    row = {"ID": "7", "field_code": 1, "well_code": 2, "production_period": "2024-01-01"}
    source = serve(Answer(page([row])), Answer(page([row])), Answer(page([])))
    source.described = Answer(declared)
    client = connect(source.url, source_paging="keys")
    survey = client.adapter.survey()

    list(client.adapter.pages(client.adapter.first_cursor(KEY, survey), survey))

    asked = [each.query for each in source.asked]
    assert [each.path for each in source.asked_beside] == ["/odata/$metadata"]
    assert asked[1:] == [
        {"$orderby": "ID", "$top": "2", "$count": "true"},
        {"$orderby": "ID", "$top": "2", "$filter": "ID gt 7"},
    ]


@pytest.mark.parametrize(
    "last",
    [
        {"field_code": 1, "well_code": None, "production_period": "2024-01-01"},
        {"field_code": 1},
        None,
        {"field_code": []},
    ],
    ids=["null", "absent", "no object", "a list"],
)
def test_a_page_that_ends_without_a_key_is_an_error(
    serve: Serve, connect: Connect, last: Any
) -> None:
    source = serve(
        Answer(page([{"field_code": 1, "well_code": 1, "production_period": "2024-01-01"}, last]))
    )

    with pytest.raises(SourceKey, match=r"Page 1 .* WELLHEAD_SOURCE_PAGING to auto") as failed:
        connect(source.url, source_paging="keys").rows()

    assert (failed.value.code, failed.value.details) == ("SOURCE_KEY_UNUSABLE", {"page": 1})
    assert len(source.asked) == 1


def test_a_source_that_ignores_filters_is_a_loop(serve: Serve, connect: Connect) -> None:
    row = {"field_code": 1, "well_code": 1, "production_period": "2024-01-01"}
    source = serve(Answer(page([row])))

    with pytest.raises(SourceLoop):
        connect(source.url, source_paging="keys").rows()
    assert len(source.asked) == 2
