"""The laptop's catalog is strict: a commit whose requirements are not met changes nothing."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.catalog.server import CatalogServer

FIELDS = [{"id": 1, "name": "name", "required": False, "type": "string"}]
SCHEMA = {"type": "struct", "schema-id": 0, "fields": FIELDS}


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[CatalogServer]:
    with CatalogServer(tmp_path / "lake") as server:
        send(server, "POST", "/v1/namespaces", {"namespace": ["wellhead"]})
        yield server


def send(server: CatalogServer, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    request = urllib.request.Request(
        server.url + path, method=method, data=json.dumps(body).encode() if body else None
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        with error:
            text = error.read()
            return error.code, json.loads(text) if text else None


def made_table(server: CatalogServer) -> dict[str, Any]:
    status, told = send(
        server, "POST", "/v1/namespaces/wellhead/tables", {"name": "runs", "schema": SCHEMA}
    )
    assert status == 200
    return dict(told["metadata"])


def snapshot(number: int, parent: int | None, sequence: int) -> list[dict[str, Any]]:
    """The updates that make it the newest one of main."""
    added = {
        "snapshot-id": number,
        "sequence-number": sequence,
        "timestamp-ms": 1_900_000_000_000 + sequence,
        "manifest-list": f"file:///nowhere/{number}.avro",
        "summary": {"operation": "append"},
        "schema-id": 0,
    }
    told = added if parent is None else {**added, "parent-snapshot-id": parent}
    moved = {
        "action": "set-snapshot-ref",
        "ref-name": "main",
        "type": "branch",
        "snapshot-id": number,
    }
    return [{"action": "add-snapshot", "snapshot": told}, moved]


def stands_at(number: int | None) -> list[dict[str, Any]]:
    return [{"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": number}]


def commit(server: CatalogServer, requirements: list[Any], updates: list[Any]) -> tuple[int, Any]:
    return send(
        server,
        "POST",
        "/v1/namespaces/wellhead/tables/runs",
        {"requirements": requirements, "updates": updates},
    )


def newest(server: CatalogServer) -> dict[str, Any]:
    return dict(send(server, "GET", "/v1/namespaces/wellhead/tables/runs")[1]["metadata"])


def test_a_commit_carries_a_snapshot_and_properties_at_once(catalog: CatalogServer) -> None:
    made_table(catalog)

    status, told = commit(
        catalog,
        stands_at(None),
        [*snapshot(11, None, 1), {"action": "set-properties", "updates": {"wellhead.job": "a"}}],
    )

    assert (status, told["metadata"]) == (200, newest(catalog))
    assert (
        newest(catalog)["current-snapshot-id"],
        newest(catalog)["properties"]["wellhead.job"],
    ) == (11, "a")


def test_a_commit_upon_another_snapshot_than_it_says_is_refused(catalog: CatalogServer) -> None:
    made_table(catalog)
    commit(catalog, stands_at(None), snapshot(11, None, 1))
    before = newest(catalog)

    status, told = commit(catalog, stands_at(None), snapshot(12, None, 2))

    assert (status, told["error"]["type"], newest(catalog)) == (
        409,
        "CommitFailedException",
        before,
    )


def test_a_commit_to_a_table_that_was_made_anew_is_refused(catalog: CatalogServer) -> None:
    old = made_table(catalog)
    send(catalog, "DELETE", "/v1/namespaces/wellhead/tables/runs")
    made_table(catalog)

    status, told = commit(
        catalog,
        [{"type": "assert-table-uuid", "uuid": old["table-uuid"]}],
        [{"action": "set-properties", "updates": {"wellhead.job": "a"}}],
    )

    assert (status, told["error"]["type"]) == (409, "CommitFailedException")


def test_of_many_commits_upon_one_snapshot_one_holds(catalog: CatalogServer) -> None:
    made_table(catalog)
    statuses = []

    def try_to_commit(number: int) -> None:
        statuses.append(commit(catalog, stands_at(None), snapshot(number, None, 1))[0])

    threads = [threading.Thread(target=try_to_commit, args=[number]) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200] + [409] * 7
    assert [each["sequence-number"] for each in newest(catalog)["snapshots"]] == [1]


def schema_of(*fields: dict[str, Any]) -> list[dict[str, Any]]:
    """The updates that make it the table's, as who asks cannot know its number."""
    schema = {"type": "struct", "fields": [*fields]}
    return [
        {"action": "add-schema", "schema": schema},
        {"action": "set-current-schema", "schema-id": -1},
    ]


def a_column(number: int = 2, name: str = "fence", **facts: Any) -> dict[str, Any]:
    return {"id": number, "name": name, "required": False, "type": "long"} | facts


def test_a_table_gets_a_column_where_its_schema_is_what_it_was(catalog: CatalogServer) -> None:
    """The catalog numbers the new one; a snapshot keeps that of its day."""
    made_table(catalog)
    commit(catalog, stands_at(None), snapshot(11, None, 1))
    stands = [
        {"type": "assert-current-schema-id", "current-schema-id": 0},
        {"type": "assert-last-assigned-field-id", "last-assigned-field-id": 1},
    ]

    statuses = [commit(catalog, [each], schema_of(*FIELDS, a_column()))[0] for each in stands]

    assert statuses == [200, 409]
    told = newest(catalog)
    assert [each["schema-id"] for each in told["schemas"]] == [0, 1]
    assert (told["current-schema-id"], told["last-column-id"]) == (1, 2)
    assert [(each["snapshot-id"], each["schema-id"]) for each in told["snapshots"]] == [(11, 0)]


@pytest.mark.parametrize(
    "fields",
    [
        [a_column(1, "name")],  # of another type
        [*FIELDS, a_column(6, required=True)],
        [{**FIELDS[0], "required": True}],
        [*FIELDS, a_column(6, "name")],
        [*FIELDS, a_column(5)],  # the id of another column
        [*FIELDS, a_column(4)],  # an id from before
    ],
)
def test_a_schema_in_which_older_rows_mean_something_else_is_refused(
    catalog: CatalogServer, fields: list[dict[str, Any]]
) -> None:
    made_table(catalog)
    commit(catalog, [], schema_of(*FIELDS, a_column(5, "day", type="date")))
    before = newest(catalog)

    status, _ = commit(catalog, [], schema_of(*fields))

    assert (status, newest(catalog)) == (400, before)


def test_main_goes_back_to_an_older_snapshot_or_to_none(catalog: CatalogServer) -> None:
    made_table(catalog)
    commit(catalog, stands_at(None), snapshot(11, None, 1))
    commit(catalog, stands_at(11), snapshot(12, 11, 2))

    back = {"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": 11}
    assert commit(catalog, stands_at(12), [back])[0] == 200
    assert newest(catalog)["current-snapshot-id"] == 11

    assert (
        commit(catalog, stands_at(11), [{"action": "remove-snapshot-ref", "ref-name": "main"}])[0]
        == 200
    )
    assert newest(catalog).get("current-snapshot-id") is None
    assert commit(catalog, stands_at(11), snapshot(13, 11, 3))[0] == 409


def test_a_table_that_is_staged_is_none_before_its_commit(catalog: CatalogServer) -> None:
    asked = {"name": "runs", "schema": SCHEMA, "stage-create": True}

    status, _ = send(catalog, "POST", "/v1/namespaces/wellhead/tables", asked)

    assert (status, send(catalog, "GET", "/v1/namespaces/wellhead/tables/runs")[0]) == (200, 404)
    assert send(catalog, "HEAD", "/v1/namespaces/wellhead/tables/runs")[0] == 404
    assert send(catalog, "GET", "/v1/namespaces/wellhead/tables")[1] == {"identifiers": []}


def test_what_is_committed_is_there_after_a_restart(tmp_path: Path) -> None:
    with CatalogServer(tmp_path / "lake") as server:
        send(server, "POST", "/v1/namespaces", {"namespace": ["wellhead"]})
        made_table(server)
        commit(server, stands_at(None), snapshot(11, None, 1))

    with CatalogServer(tmp_path / "lake") as server:
        assert newest(server)["current-snapshot-id"] == 11
        assert send(server, "GET", "/v1/nothing")[0] == 404
        assert send(server, "POST", "/v1/namespaces", {"namespace": ["wellhead"]})[0] == 409
