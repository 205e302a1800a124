"""The routes of the data, over HTTP: from the query string to real answers of a published database
and back.

A run takes a lake where it shows something of its own, a soak everywhere.
"""

from __future__ import annotations

import csv
import io
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from support.api_client import OPERATOR, READER
from support.data_api import DATA_ROUTES, ROWS, Wells, source_of
from support.imports import opened
from support.staging import run_import
from support.store_kinds import FILE_AND_LAKE_IN_SOAK, file_or_lake

from chalicelib.api.health import check_room
from chalicelib.errors import DatabaseTooLarge, SourceUnavailable
from chalicelib.jobs.dynamodb_item import to_item
from chalicelib.jobs.lock import CURRENT, Snapshot
from chalicelib.services import Services
from chalicelib.settings import Settings
from chalicelib.warehouse.names import export_name, sha256_of

if TYPE_CHECKING:
    from support.scripted_source import Serve

    from local.aws.emulator import LocalAws

pytestmark = FILE_AND_LAKE_IN_SOAK
AS_OF = ("/wells", "/wells/production", "/wells/production/totals")
UNKNOWN = "018cc251-f400-7000-8000-000000000000"


# ------------------------------------------------------------------------------------------- answers


@file_or_lake
def test_every_route_answers_and_says_304_without_asking_again(wells: Wells) -> None:
    for route in DATA_ROUTES:
        first = wells.ask(route)
        asked = len(wells.questions)
        again = wells.ask(route, If_None_Match=f'"x", {first.headers["ETag"]}')
        other = wells.ask(route, If_None_Match='W/"x"')

        assert (first.status, again.status, again.body, other.status) == (200, 304, "", 200), route
        assert first.headers["ETag"] == again.headers["ETag"] == other.headers["ETag"]
        assert other.data == first.data
        assert len(wells.questions) == asked + 1


def test_another_question_and_another_database_have_another_mark(
    wells: Wells, serve: Serve
) -> None:
    paths = ["/wells", "/wells?limit=1", "/wells?search=a", "/wells/production"]
    marks = {wells.ask(path).headers["ETag"] for path in paths}
    run_import(wells.environment, source_of(serve, ROWS))

    assert len(marks) == len(paths)
    assert wells.ask("/wells").headers["ETag"] not in marks


def test_production_is_filtered_and_paged(wells: Wells) -> None:
    path = "/wells/production?field_code=1&from=2024-02-01&to=2024-03-31&limit=3"
    first = wells.ask(path)
    rest = wells.ask(f"{path}&cursor={first.data['next_cursor']}").data

    keys = [
        (row["well_code"], row["production_period"]) for row in [*first.data["rows"], *rest["rows"]]
    ]
    assert keys == [
        ("10", "2024-02-01"),
        ("10", "2024-03-01"),
        ("11", "2024-02-01"),
        ("11", "2024-03-01"),
    ]
    assert rest["next_cursor"] is None
    assert (
        json.loads(first.body)["message"] == "3 rows. Ask for the following ones with next_cursor."
    )
    assert wells.questions[0] == {
        "question": "production",
        "arguments": {"field_code": "1", "from": "2024-02-01", "to": "2024-03-31", "limit": 3},
    }


@file_or_lake
def test_revisions_tell_what_was_replaced_and_by_which_import(wells: Wells, serve: Serve) -> None:
    later = run_import(
        wells.environment, source_of(serve, [{**ROWS[0], "oil_production_kbd": 2}, *ROWS[1:]])
    )

    [old] = wells.ask("/wells/production/revisions?field_code=1&well_code=10").data["rows"]
    assert (old["production_period"], old["oil_production_kbd"], old["job_id"]) == (
        "2024-01-01",
        1.5,
        later.job_id,
    )
    none = wells.ask("/wells/production/revisions?from=2024-02-01").data
    assert none == {"rows": [], "next_cursor": None, "snapshot": wells.snapshot_of(later)}


def test_totals_wells_and_summary(wells: Wells) -> None:
    totals = wells.ask("/wells/production/totals?field_code=1").data["rows"]
    found = wells.ask("/wells?search=%C3%A5rdal%2020").data["rows"]
    summary = wells.ask("/wells/production/summary")

    assert [
        (row["production_period"], row["wells"], row["oil_production_kbd"]) for row in totals
    ] == [(f"2024-0{month}-01", 2, 3.0) for month in (1, 2, 3)]
    assert [row["well_name"] for row in found] == ["Årdal 20"]
    assert (summary.data["rows"], summary.data["rejected_rows"]) == (9, 3)
    assert summary.data["last_import"]["job_id"] == wells.job.job_id
    assert json.loads(summary.body)["message"] == "9 rows of 3 wells are published."


@file_or_lake
def test_the_register_of_a_file_and_of_a_lake(wells: Wells) -> None:
    asked = wells.ask("/wells/register?q=20+ARDAL&sort=oil_production_kb&order=asc")
    fields = wells.ask("/wells/register?of=fields&sort=wells&limit=1").data

    [well] = asked.data["rows"]
    assert (well["well_name"], well["oil_production_kbd"]) == ("Årdal 20", 1.5)
    assert well["oil_production_kb"] == 1.5 * (31 + 29 + 31)
    assert json.loads(asked.body)["message"] == "1 of 3 wells and 0 of 2 fields are found."
    assert [(each["field_code"], each["wells"]) for each in fields["rows"]] == [("1", 2)]
    assert [(each["field_code"], each["rows"]) for each in asked.data["fields"]] == [("2", 1)]
    assert fields["next_cursor"]


def test_rejects_as_json_and_as_csv_that_no_spreadsheet_runs(wells: Wells) -> None:
    route = "/wells/import/jobs/{job}/rejects"
    rows = wells.ask(route).data["rows"]
    by_header = wells.ask(route, Accept="text/csv")
    by_parameter = wells.ask(f"{route}?format=csv", Accept="application/json")

    assert {row["reason"] for row in rows} == {"MISSING_KEY", "NOT_A_NUMBER", "UNREADABLE"}
    assert by_header.body == by_parameter.body
    assert by_header.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert by_header.headers["Content-Disposition"] == 'attachment; filename="rejects.csv"'
    lines = list(csv.DictReader(io.StringIO(by_header.body, newline="")))
    assert [line["reason"] for line in lines] == [row["reason"] for row in rows]
    assert by_header.body.startswith("\ufeffpage,")
    assert not any(
        cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line.values()
    )
    assert (
        wells.ask(route, Accept="text/csv", If_None_Match=by_header.headers["ETag"]).status == 304
    )
    assert wells.ask(route, If_None_Match=by_header.headers["ETag"]).status == 200


@file_or_lake
def test_changes_as_json_and_as_csv_each_value_before_and_after(wells: Wells, serve: Serve) -> None:
    first = wells.job
    revised = [
        {**ROWS[0], "oil_production_kbd": 2.0},
        {**ROWS[0], "well_code": "new", "well_name": "=1+1"},
    ]
    wells.job = run_import(wells.environment, source_of(serve, revised))
    route = "/wells/import/jobs/{job}/changes"

    found = {row["change"]: row for row in wells.ask(route).data["rows"]}
    text = wells.ask(f"{route}?format=csv")

    assert (len(found), found["new"]["before"], found["updated"]["differs"]) == (
        2,
        None,
        ["oil_production_kbd"],
    )
    told = text.body.removeprefix("\ufeff")
    lines = {line["change"]: line for line in csv.DictReader(io.StringIO(told, newline=""))}
    assert text.headers["Content-Disposition"] == 'attachment; filename="changes.csv"'
    assert lines["updated"]["oil_production_kbd_before"] == str(
        found["updated"]["before"]["oil_production_kbd"]
    )
    assert lines["updated"]["oil_production_kbd_after"] == "2.0"
    assert (lines["new"]["oil_production_kbd_before"], lines["new"]["well_name_after"]) == (
        "",
        "'=1+1",
    )
    fields = wells.ask(f"{route}?by=field").data["rows"]
    assert [(row["new_records"], row["updated_records"]) for row in fields] == [(1, 1)]
    assert (
        len(wells.ask(f"/wells/import/jobs/{first.job_id}/changes").data["rows"])
        == first.new_records
    )
    assert wells.ask(f"{route}?change=withdrawn&format=csv").body.count("\r\n") == 1  # the headings


@file_or_lake
def test_the_data_as_it_stood_before_an_import(wells: Wells, serve: Serve) -> None:
    before = {path: wells.ask(path).data["rows"] for path in AS_OF}
    then = wells.ask("/wells/production/summary").data["last_import"]["merged_at"]
    run_import(
        wells.environment, source_of(serve, [{**row, "oil_production_kbd": 2.0} for row in ROWS])
    )

    for path in AS_OF:
        stood = wells.ask(f"{path}?as_of={then}")
        assert (stood.status, stood.data["rows"]) == (200, before[path]), path
    assert wells.ask("/wells/production").data["rows"] != before["/wells/production"]
    assert wells.ask("/wells?as_of=2000-01-01").data["rows"] == []


def test_csv_goes_on_with_the_cursor_in_its_header(wells: Wells) -> None:
    route = "/wells/import/jobs/{job}/rejects?format=csv&limit=2"
    first = wells.ask(route)
    rest = wells.ask(f"{route}&cursor={first.headers['X-Next-Cursor']}")

    assert [text.body.count("\r\n") for text in (first, rest)] == [3, 2]
    assert rest.headers["X-Next-Cursor"] is None


@file_or_lake
def test_the_export_tells_where_the_file_is(wells: Wells) -> None:
    """Of a lake it is made once, and holds what the lake does."""
    snapshot = Services(wells.environment).job_manager.current_snapshot()
    assert snapshot

    told = wells.ask("/wells/export")

    name = export_name(snapshot.name) if snapshot.is_lake else snapshot.name
    path = Path(wells.environment["WELLHEAD_WAREHOUSE"], name)
    assert told.data["url"].endswith(name)
    assert (told.data["sha256"], told.data["bytes"]) == (sha256_of(path), path.stat().st_size)
    assert (told.data["rows"], told.data["job_id"], told.headers["ETag"]) == (
        len(ROWS),
        wells.job.job_id,
        None,
    )
    with duckdb.connect(path, read_only=True) as connection:
        stored = connection.execute(
            "SELECT field_code, well_code, CAST(production_period AS VARCHAR) FROM well_production"
        )
        keys = {(row["field_code"], row["well_code"], row["production_period"]) for row in ROWS}
        assert set(stored.fetchall()) == keys
    assert wells.ask("/wells/export").data["sha256"] == told.data["sha256"]


@file_or_lake
def test_the_rows_come_as_a_parquet_file_too(wells: Wells) -> None:
    """Made once, of a file and of a lake; what else is published is not in it."""
    told = wells.ask("/wells/export?format=parquet")

    snapshot = Services(wells.environment).job_manager.current_snapshot()
    assert snapshot
    name = export_name(snapshot.name, "parquet")
    path = Path(wells.environment["WELLHEAD_WAREHOUSE"], name)
    assert (told.data["name"], told.data["url"], told.data["rows"]) == (
        name,
        path.as_uri(),
        len(ROWS),
    )
    assert (told.data["sha256"], told.data["bytes"]) == (sha256_of(path), path.stat().st_size)
    with opened(Services(wells.environment).settings, snapshot) as connection:
        columns = [
            [
                column[0]
                for column in connection.execute(f"DESCRIBE SELECT * FROM {place}").fetchall()
            ]
            for place in ("well_production", f"'{path}'")
        ]
        [[missing, more]] = connection.execute(
            f"""SELECT (SELECT count(*) FROM (SELECT * FROM well_production EXCEPT ALL SELECT * FROM '{path}')),
                       (SELECT count(*) FROM (SELECT * FROM '{path}' EXCEPT ALL SELECT * FROM well_production))"""
        ).fetchall()
    assert columns[0] == columns[1]
    assert (missing, more) == (0, 0)
    made = path.stat().st_mtime_ns
    assert wells.ask("/wells/export?format=parquet").data == told.data
    assert path.stat().st_mtime_ns == made


# ------------------------------------------------------------------------------------------- refusals


def test_what_is_not_of_the_contract_is_refused_before_anybody_is_asked(empty: Wells) -> None:
    for path, field in [
        ("/wells/production?from=soon", "from"),
        ("/wells/production?from=2024-02-01&to=2024-01-01", "from"),
        ("/wells/production?well_code=%00", "well_code"),
        ("/wells/production?search=x", "search"),
        ("/wells/production?limit=1&limit=2", "limit"),
        ("/wells/production?cursor=x%20y", "cursor"),
        ("/wells/production/totals?well_code=1", "well_code"),
        ("/wells/production/summary?limit=1", "limit"),
        ("/wells?limit=99999999999999999999", "limit"),
        ("/wells?search=%00", "search"),
        ("/wells/import/jobs/{job}/rejects?format=xml", "format"),
        ("/wells/import/jobs/{job}/rejects?job_id=1", "job_id"),
        ("/wells/import/jobs/{job}/changes?by=well", "by"),
        ("/wells/import/jobs/{job}/changes?change=gone", "change"),
        ("/wells/production?as_of=2024-01-01T00:00", "as_of"),
        ("/wells/production/revisions?as_of=2024-01-01", "as_of"),
        ("/wells/export?format=csv", "format"),
        ("/health?deep=1", "deep"),
    ]:
        answer = empty.ask(path)

        assert (answer.status, answer.error["code"]) == (400, "VALIDATION_ERROR"), path
        assert answer.error["details"]["field"] == field
    assert empty.questions == []


def test_without_a_completed_import_there_is_no_data(empty: Wells) -> None:
    for route in [*DATA_ROUTES[:-1], "/wells/export"]:
        answer = empty.ask(route)

        assert (answer.status, answer.error["code"]) == (404, "NO_DATA_YET"), route
        assert answer.headers["Retry-After"] == "5"
    assert [question["question"] for question in empty.questions] == ["export"]


def test_rejects_are_told_when_their_import_is_complete(empty: Wells) -> None:
    manager, route = Services(empty.environment).job_manager, "/wells/import/jobs/{job}/rejects"
    waiting = empty.ask(route).error
    claim = manager.claim(empty.job.job_id, holder="w1")
    running = empty.ask(route, Accept="text/csv").error
    manager.finish(claim, claim.job.fail(SourceUnavailable(), at=time.time()))
    failed = empty.ask(route).error

    assert [
        (error["code"], error["retryable"], error["details"]["status"])
        for error in (waiting, running, failed)
    ] == [
        ("REJECTS_NOT_YET", True, "PENDING"),
        ("REJECTS_NOT_YET", True, "RUNNING"),
        ("REJECTS_NOT_KEPT", False, "FAILED"),
    ]
    assert empty.ask(f"/wells/import/jobs/{UNKNOWN}/rejects").error["code"] == "JOB_NOT_FOUND"
    assert empty.ask("/wells/import/jobs/x/rejects").error["code"] == "INVALID_JOB_ID"
    assert empty.questions == []


def test_changes_are_told_when_their_import_is_complete(empty: Wells) -> None:
    manager, route = Services(empty.environment).job_manager, "/wells/import/jobs/{job}/changes"
    waiting = empty.ask(route).error
    claim = manager.claim(empty.job.job_id, holder="w1")
    manager.finish(claim, claim.job.fail(SourceUnavailable(), at=time.time()))
    failed = empty.ask(route).error

    assert [(error["code"], error["retryable"]) for error in (waiting, failed)] == [
        ("CHANGES_NOT_YET", True),
        ("CHANGES_NOT_KEPT", False),
    ]
    assert empty.questions == []


def test_readers_and_operators_may_ask_and_nobody_else(wells: Wells) -> None:
    for route in [*DATA_ROUTES, "/wells/export"]:
        asked = [
            wells.ask(route, token=token).status for token in (READER, OPERATOR, None, "guessed")
        ]
        assert asked == [200, 200, 401, 401], route


def test_a_query_function_that_is_not_there_is_told(
    wells: Wells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", "http://127.0.0.1:9")

    answer = wells.ask("/wells")

    assert (answer.status, answer.error["code"], answer.headers["Retry-After"]) == (
        503,
        "QUERY_UNAVAILABLE",
        "5",
    )


# --------------------------------------------------------------------------------------------- health


def test_anybody_may_ask_for_health(wells: Wells) -> None:
    answer = wells.ask("/health", token=None)

    checks = dict.fromkeys(("settings", "table", "warehouse", "query_function"), "ok")
    assert answer.data == {"version": "0.1.0", "checks": checks}
    assert wells.questions == []


def test_what_does_not_answer_is_named_by_its_code(
    empty: Wells, aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.stop()
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", "http://127.0.0.1:9")

    answer = empty.ask("/health", token=None)

    assert (answer.status, answer.error["code"], answer.error["retryable"]) == (
        503,
        "UNHEALTHY",
        True,
    )
    assert answer.error["details"]["checks"] == {
        "settings": "ok",
        "table": "STATE_UNAVAILABLE",
        "warehouse": "WAREHOUSE_UNAVAILABLE",
        "query_function": "QUERY_UNAVAILABLE",
    }


def test_a_bucket_is_not_asked_for_health(empty: Wells, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WELLHEAD_WAREHOUSE", "s3://wellhead-local/x")

    assert empty.ask("/health", token=None).data["checks"]["warehouse"] == "not asked"


def test_a_database_that_does_not_fit_is_told_before_anybody_asks(
    wells: Wells, dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    dynamodb.update_item(
        TableName=wells.environment["WELLHEAD_TABLE"],
        Key=to_item(dict(CURRENT)),
        UpdateExpression="SET #bytes = :bytes",
        ExpressionAttributeNames={"#bytes": "bytes"},
        ExpressionAttributeValues={":bytes": {"N": str((1 << 20) + 1)}},
    )
    monkeypatch.setenv("WELLHEAD_WAREHOUSE", "s3://wellhead-local/x")
    monkeypatch.setenv("WELLHEAD_QUERY_DISK_MB", "1")

    answer = wells.ask("/health", token=None)

    assert answer.error["details"]["checks"]["query_function"] == "DATABASE_TOO_LARGE"


def test_room_is_looked_at_where_a_database_has_to_be_fetched(environment: dict[str, str]) -> None:
    whole = Settings.from_environment({**environment, "WELLHEAD_SOURCE_URL": "https://example.org"})
    snapshot = Snapshot(
        name="snapshots/a.duckdb", fence=1, rows=1, bytes=3 << 20, sha256="ab", job_id="a"
    )
    for disk_mb, place in ((0, "s3://a"), (2, "/mnt/warehouse"), (3, "s3://a")):
        check_room(replace(whole, query_disk_mb=disk_mb, warehouse=place), lambda: snapshot)
    check_room(replace(whole, query_disk_mb=2, warehouse="s3://a"), lambda: None)
    with pytest.raises(DatabaseTooLarge):
        check_room(replace(whole, query_disk_mb=2, warehouse="s3://a"), lambda: snapshot)


def test_wrong_settings_are_no_health_and_nothing_of_them_is_shown(
    empty: Wells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WELLHEAD_SOURCE_URL", "ftp://hunter2")

    answer = empty.ask("/health", token=None)

    assert set(answer.error["details"]["checks"].values()) == {"INVALID_SETTING"}
    assert "hunter2" not in answer.body
