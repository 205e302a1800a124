"""Cursors over HTTP: a reader stays on the snapshot of his first page, and a cursor that is not
ours is refused.

A run takes a lake where it shows something of its own, a soak everywhere.
"""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.data_api import BAD, DATA_ROUTES, ROWS, Wells, source_of
from support.soak import longer
from support.staging import run_import
from support.store_kinds import FILE_AND_LAKE_IN_SOAK, file_or_lake

from chalicelib.jobs.clearing import clear_orphans
from chalicelib.services import Services

if TYPE_CHECKING:
    from support.scripted_source import Serve

    from chalicelib.jobs.job import Job

pytestmark = FILE_AND_LAKE_IN_SOAK
LISTS = [
    "/wells/production?limit=1",
    "/wells/production/revisions?limit=1",
    "/wells/production/totals?limit=1",
    "/wells/fields?limit=1",
    "/wells?limit=1",
    "/wells/register?limit=1",
    "/wells/import/jobs/{job}/rejects?limit=1",
]
JOBS = "/wells/import/jobs?limit=1"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def revised(oil: float) -> list[dict[str, Any]]:
    """Each row with another rate, and one well more."""
    new = {**ROWS[0], "well_code": "9"}
    return [{**row, "oil_production_kbd": oil} for row in [new, *ROWS]]


@pytest.fixture
def revisions(wells: Wells, serve: Serve) -> Wells:
    """With more than one row in each list."""
    wells.job = run_import(wells.environment, source_of(serve, [*revised(2.5), *BAD]))
    return wells


def all_rows(
    wells: Wells, path: str, *, after: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The rows from a page on to the last one."""
    page = after or wells.ask(path).data
    rows = list(page["rows"])
    while page["next_cursor"]:
        page = wells.ask(f"{path}&cursor={page['next_cursor']}").data
        rows += page["rows"]
    return rows


# ---------------------------------------------------------------------------------- which snapshot it is of


def test_every_answer_names_the_snapshot_that_it_read(wells: Wells, serve: Serve) -> None:
    def assert_named(job: Job) -> None:
        name = wells.snapshot_of(job)["name"]
        for route in DATA_ROUTES:
            answer = wells.ask(route)
            known = wells.ask(route, If_None_Match=answer.headers["ETag"])

            told = {field: answer.data["snapshot"][field] for field in ("name", "fence", "job_id")}
            assert told == wells.snapshot_of(job), route
            assert (
                answer.headers["X-Wellhead-Snapshot"],
                known.headers["X-Wellhead-Snapshot"],
            ) == (name, name)
        rejects = wells.ask("/wells/import/jobs/{job}/rejects?format=csv")
        assert rejects.headers["X-Wellhead-Snapshot"] == name

    assert_named(wells.job)
    assert_named(run_import(wells.environment, source_of(serve, ROWS)))


@file_or_lake
def test_a_reader_who_pages_while_imports_are_published_gets_rows_of_one_snapshot(
    revisions: Wells, serve: Serve
) -> None:
    before = {path: all_rows(revisions, path) for path in LISTS}
    begun = {path: revisions.ask(path).data for path in LISTS}
    assert all(page["next_cursor"] for page in begun.values())

    for oil in (3.5, 4.5):
        run_import(revisions.environment, source_of(serve, revised(oil)))
        for path in LISTS:
            assert all_rows(revisions, path, after=begun[path]) == before[path], path

    for path in LISTS[:3]:
        assert all_rows(revisions, path) != before[path], path


def test_a_page_after_a_cursor_has_a_mark_of_its_own_snapshot(wells: Wells, serve: Serve) -> None:
    path = f"{LISTS[0]}&cursor={wells.ask(LISTS[0]).data['next_cursor']}"
    first, page = wells.ask(LISTS[0]), wells.ask(path)
    run_import(wells.environment, source_of(serve, revised(2.5)))
    asked = len(wells.questions)

    known = wells.ask(path, If_None_Match=page.headers["ETag"])
    assert (known.status, known.headers["X-Wellhead-Snapshot"]) == (
        304,
        wells.snapshot_of(wells.job)["name"],
    )
    assert len(wells.questions) == asked
    again = wells.ask(path)
    assert (again.data, again.headers["ETag"]) == (page.data, page.headers["ETag"])
    assert wells.ask(LISTS[0], If_None_Match=first.headers["ETag"]).status == 200


@file_or_lake
def test_a_snapshot_that_is_no_longer_kept_is_gone(revisions: Wells, serve: Serve) -> None:
    rejects = all_rows(revisions, LISTS[-1])
    begun = {path: revisions.ask(path).data for path in LISTS}
    old = revisions.job
    run_import(revisions.environment, source_of(serve, revised(3.5)))
    services = Services(revisions.environment)
    kept = clear_orphans(job_manager=services.job_manager, warehouse=services.warehouse, kept=1)
    assert revisions.snapshot_of(old)["name"] not in kept  # for an hour
    later = time.time() + 3601
    removed = clear_orphans(
        job_manager=services.job_manager, warehouse=services.warehouse, kept=1, clock=lambda: later
    )
    assert revisions.snapshot_of(old)["name"] in removed
    run_import(revisions.environment, source_of(serve, revised(4.5)))
    for path in DATA_ROUTES:  # the query function has opened another one
        revisions.ask(path)

    for path in LISTS[:-1]:
        answer = revisions.ask(f"{path}&cursor={begun[path]['next_cursor']}")

        assert (answer.status, answer.error["code"], answer.error["retryable"]) == (
            410,
            "SNAPSHOT_GONE",
            False,
        ), path
        assert "Begin again without a cursor" in answer.error["message"]
        assert answer.error["details"] == {"snapshot": revisions.snapshot_of(old)["name"]}
    assert (
        all_rows(revisions, LISTS[-1], after=begun[LISTS[-1]]) == rejects
    )  # a job's are in every later snapshot


# -------------------------------------------------------------------------------------- what is none of ours


def assert_refused(wells: Wells, path: str, cursor: str) -> None:
    answer = wells.ask(f"{path}&cursor={quote(cursor, safe='')}")
    assert (answer.status, answer.error["code"]) == (400, "VALIDATION_ERROR"), (path, cursor)
    assert answer.error["details"]["field"] == "cursor"


def test_a_cursor_that_is_not_of_the_list_is_refused_before_anybody_is_asked(
    revisions: Wells,
) -> None:
    lists = [*LISTS, JOBS]
    cursors = {path: revisions.ask(path).data["next_cursor"] for path in lists}
    asked = len(revisions.questions)
    made_up: list[Any] = [
        ["x"],
        [],
        {},
        None,
        "x",
        7,
        [["x"]],
        ["production"],
        ["production", 1, 2, "2024-01-01"],
    ]
    foreign = [
        base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
        for place in made_up
    ]

    for path in lists:
        others = [cursor for other, cursor in cursors.items() if other != path]
        for cursor in [*foreign, *others, "WyJ4Il0"]:
            assert_refused(revisions, path, cursor)

    assert len(revisions.questions) == asked


def test_arbitrary_cursors_are_refused_on_every_list_and_harm_nothing(revisions: Wells) -> None:
    lists = [*LISTS, JOBS]
    real = {path: revisions.ask(path).data["next_cursor"] for path in lists}
    before = {path: revisions.ask(path).data for path in LISTS}
    [own] = (revisions.scratch / "reading").glob("own-*")
    value = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=20)
        | st.dates().map(str)
    )
    lists_of_values = st.lists(
        st.sampled_from(["production", "revisions", "totals", "wells", "x"]) | value, max_size=6
    )
    encoded = st.one_of(
        st.binary(min_size=1, max_size=200),
        lists_of_values.map(lambda place: json.dumps(place).encode()),
        lists_of_values.map(lambda place: json.dumps(place).encode() + bytes(9)),
    ).map(lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("="))

    @settings(max_examples=longer(25, 3000), suppress_health_check=list(HealthCheck))
    @given(
        path=st.sampled_from(lists),
        text=st.text(min_size=1, max_size=60)
        | st.text(LETTERS, min_size=1, max_size=600)
        | encoded,
        place=st.integers(0, 10_000),
        sign=st.sampled_from(LETTERS),
    )
    def ask(path: str, text: str, place: int, sign: str) -> None:
        """A text of any kind, and a real cursor with one sign changed.
        Jobs are listed after any job that might be.
        """
        assert_refused(revisions, path, text.encode("utf-8", "ignore").decode() or "é")
        changed = list(real[path])
        changed[place % len(changed)] = sign
        if path != JOBS and "".join(changed) != real[path]:
            assert_refused(revisions, path, "".join(changed))

    ask()

    assert {path: revisions.ask(path).data for path in LISTS} == before
    assert list((revisions.scratch / "reading").glob("own-*")) == [own]  # nothing was opened anew
