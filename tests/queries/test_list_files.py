"""Lists as files, over HTTP: the same rows as the answers have, in whatever program opens them."""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from python_calamine import CalamineWorkbook
from support.data_api import BAD, ROWS, Wells, source_of
from support.staging import KEY_OF_A_ROW, run_import
from support.store_kinds import FILE_AND_LAKE

from chalicelib.api.formats import MEDIA_TYPES, Format
from chalicelib.errors import ListTooLarge, QueryTooSlow
from chalicelib.jobs.clearing import clear_orphans
from chalicelib.queries.list_file import ListFile
from chalicelib.queries.list_rows import MOMENT
from chalicelib.queries.pace import Pace
from chalicelib.queries.query import Query
from chalicelib.services import Services
from chalicelib.warehouse.names import list_file_time, sha256_of

if TYPE_CHECKING:
    from support.data_api import Answer
    from support.scripted_source import Serve

JOB = "/wells/import/jobs/{job}"
LISTS = {
    "/wells/production": "production",
    "/wells/production/revisions": "revisions",
    "/wells/production/totals": "totals",
    "/wells/fields": "fields",
    "/wells": "wells",
    f"{JOB}/changes": "changes",
    f"{JOB}/changes?by=field": "changes",
    f"{JOB}/rejects": "rejects",
}
DAYS = ("production_period", "first_period", "last_period")
TIMES = ("created_at", "updated_at", "replaced_at", "rejected_at")


@pytest.fixture
def revised(wells: Wells, serve: Serve) -> Wells:
    """A second import has changed a row and brought odd ones."""
    odd = KEY_OF_A_ROW | {
        "field_code": "007",
        "well_code": "=1+1",
        "production_period": "2024-01-01",
    }
    odd |= {"well_name": "Øst;\u0001\n<b>"}
    rows = [{**ROWS[0], "oil_production_kbd": 2.25}, odd, *BAD]
    wells.job = run_import(wells.environment, source_of(serve, rows))
    return wells


def with_query(route: str, **query: str) -> str:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return f"{route}{'&' if '?' in route else '?'}{asked}"


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """A changed row as a file has it."""
    if "differs" not in row:
        return row
    sides = {
        side: row[side] or dict.fromkeys(row["before"] or row["after"])
        for side in ("before", "after")
    }
    told = {name: value for name, value in row.items() if name not in (*sides, "differs")}
    return told | {
        f"{name}_{side}": values[name] for side, values in sides.items() for name in values
    }


def in_parquet(content: bytes, path: Path) -> list[dict[str, Any]]:
    path.write_bytes(content)
    with duckdb.connect() as connection:
        kinds = {
            name: kind
            for name, kind, *_ in connection.execute(f"DESCRIBE FROM '{path}'").fetchall()
        }
        assert {name for name, kind in kinds.items() if kind == MOMENT} == kinds.keys() & {*TIMES}
        assert {name for name, kind in kinds.items() if kind == "DATE"} == kinds.keys() & {*DAYS}
        said = ", ".join(
            f"make_timestamp(epoch_us({name})) AS {name}" for name in TIMES if name in kinds
        )
        rows = connection.execute(f"SELECT * {f'REPLACE ({said})' if said else ''} FROM '{path}'")
        return [dict(zip(kinds, map(plain, row), strict=True)) for row in rows.fetchall()]


def in_excel(content: bytes) -> list[dict[str, Any]]:
    sheet: list[list[Any]] = (
        CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    )
    names, *rows = sheet
    return [dict(zip(names, map(plain, row), strict=True)) for row in rows]


def plain(value: Any) -> Any:
    """As an answer has it."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds") + "Z"
    return value.isoformat() if isinstance(value, date) else value


def in_csv(text: str, **dialect: str) -> list[dict[str, Any]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), **dialect))  # type: ignore[call-overload]


def ask_file(wells: Wells, route: str, kind: str) -> Answer:
    return wells.ask(with_query(route, format=kind), Accept=MEDIA_TYPES[kind])


@FILE_AND_LAKE
def test_each_list_is_the_same_in_every_form(revised: Wells, tmp_path: Path) -> None:
    for route, name in LISTS.items():
        rows = [flat(row) for row in revised.ask(route).data["rows"]]
        assert rows, route
        parquet, excel, text = (
            ask_file(revised, route, kind) for kind in ("parquet", "xlsx", "csv")
        )

        assert in_parquet(parquet.content, tmp_path / "x.parquet") == rows, route
        assert [known(row) for row in in_excel(excel.content)] == [known(row) for row in rows], (
            route
        )
        assert [list(line.values()) for line in in_csv(text.body)] == [
            [guarded(row[column]) for column in in_csv(text.body)[0]] for row in rows
        ], route
        for answer, kind in ((parquet, "parquet"), (excel, "xlsx"), (text, "csv")):
            assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}.{kind}"'
            assert answer.headers["X-Wellhead-Snapshot"]
        again = revised.ask(
            with_query(route, format="csv"), Accept="text/csv", If_None_Match=text.headers["ETag"]
        )
        assert (again.status, again.body) == (304, "")


def known(row: dict[str, Any]) -> dict[str, Any]:
    """What a sheet tells: nothing and an empty text look alike, and a number is one."""
    told = {name: None if value == "" else value for name, value in row.items()}
    return {name: float(value) if isinstance(value, int) else value for name, value in told.items()}


def guarded(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith("=") else text


def test_a_german_excel_opens_the_csv(revised: Wells) -> None:
    """By the mark of UTF-8, semicolons and decimal commas;
    a page has no mark, because it is a part of something.
    """
    text = revised.ask("/wells/production?format=csv&separator=;&decimal=,").body
    lines = {
        (line["well_code"], line["production_period"]): line for line in in_csv(text, delimiter=";")
    }

    assert text.startswith("\ufeffsource;field_code;")
    assert lines["10", "2024-01-01"]["oil_production_kbd"] == "2,25"
    assert lines["'=1+1", "2024-01-01"]["well_name"] == "Øst;\u0001\n<b>"
    tabs = revised.ask("/wells/production?format=csv&separator=tab&limit=1")
    assert tabs.body.startswith("source\tfield_code\t")
    assert tabs.headers["X-Next-Cursor"]


def test_in_excel_codes_are_text_and_days_are_days(revised: Wells) -> None:
    content = ask_file(revised, "/wells/production?field_code=007", "xlsx").content
    names, row = (
        CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    )
    told = dict(zip(names, row, strict=True))

    assert (told["field_code"], told["well_code"], told["well_name"]) == (
        "007",
        "=1+1",
        "Øst;\u0001\n<b>",
    )
    assert told["production_period"] == date(2024, 1, 1)
    assert isinstance(told["created_at"], datetime)


@FILE_AND_LAKE
def test_who_takes_no_bytes_gets_an_address(wells: Wells) -> None:
    """As curl and a browser that follows a link do.
    It is the same file for an hour, and gone after two.
    """
    told, again = (wells.ask("/wells/production?format=xlsx&to=2024-02") for _ in range(2))

    path = Path(wells.environment["WELLHEAD_WAREHOUSE"], told.data["name"])
    assert told.data["url"] == path.as_uri()
    assert (told.data["rows"], told.data["expires_at"], told.data["bytes"]) == (
        6,
        None,
        path.stat().st_size,
    )
    assert told.data["sha256"] == sha256_of(path) == again.data["sha256"]
    assert len(in_excel(path.read_bytes())) == 6
    assert (
        wells.ask(
            "/wells/production?format=xlsx&to=2024-02", If_None_Match=told.headers["ETag"]
        ).status
        == 200
    )
    made = list_file_time(told.data["name"])
    assert made is not None
    assert made % 3600 == 0
    services = Services(wells.environment)
    for hours, is_there in ((1, True), (2, False)):
        later = made + 3600 * hours + 1
        clear_orphans(
            job_manager=services.job_manager,
            warehouse=services.warehouse,
            kept=1,
            clock=partial(float, later),
        )
        assert path.exists() is is_there
    assert list(Path(wells.environment["WELLHEAD_SCRATCH"], "reading").glob("own-*/*.xlsx")) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("format=xml", "format"),
        ("format=csv&format=csv", "format"),
        ("format=xlsx&limit=5", "limit"),
        ("format=parquet&cursor=x", "cursor"),
        ("format=xlsx&separator=;", "separator"),
        ("separator=;", "separator"),
        ("format=csv&separator=|", "separator"),
        ("format=csv&decimal=,", "decimal"),
        ("format=csv&decimal=%27", "decimal"),
        ("from=2024-13", "from"),
        ("to=0000", "to"),
        ("from=2024-02&to=2024-01", "from"),
    ],
)
def test_what_does_not_fit_together_is_refused_before_anybody_is_asked(
    empty: Wells, query: str, field: str
) -> None:
    answer = empty.ask(f"/wells/production?{query}")

    assert (answer.status, answer.error["code"], answer.error["details"]["field"]) == (
        400,
        "VALIDATION_ERROR",
        field,
    )
    assert empty.questions == []


def test_months_and_years_are_their_first_and_last_day(wells: Wells) -> None:
    wells.ask("/wells/production?from=2024-02&to=2024-02")
    wells.ask("/wells/production/totals?from=2023&to=2024")

    assert [question["arguments"] for question in wells.questions] == [
        {"from": "2024-02-01", "to": "2024-02-29"},
        {"from": "2023-01-01", "to": "2024-12-31"},
    ]


def test_a_file_as_the_query_function_is_asked_for_one(wells: Wells) -> None:
    """It takes nobody's word for what fits together."""
    services = Services(wells.environment)
    for file in ({"kind": "json"}, {"kind": "xlsx"}, {"kind": "csv", "separator": "|"}, "csv"):
        arguments = {"limit": 1} if file == {"kind": "xlsx"} else {}
        event = {"question": "wells", "arguments": arguments, "file": file}
        assert services.answer(event)["error"]["code"] == "VALIDATION_ERROR", file
    assert (
        services.answer({"question": "summary", "file": {"kind": "csv"}})["error"]["code"]
        == "VALIDATION_ERROR"
    )


def list_file(wells: Wells, **limits: Any) -> ListFile:
    services = Services(wells.environment)
    return ListFile(
        warehouse=services.warehouse,
        published=services.published_production,
        directory=wells.scratch / "reading",
        memory_mb=200,
        **limits,
    )


@pytest.mark.parametrize("kind", ["xlsx", "csv", "parquet"])
def test_more_rows_than_a_file_can_have_are_refused(wells: Wells, kind: str) -> None:
    query = Query(name="production", arguments={}, file=Format(kind=kind, is_whole=True))

    assert list_file(wells, most_rows={kind: 9}).of(query, {})["rows"] == 9
    with pytest.raises(ListTooLarge, match="8 rows") as refused:
        list_file(wells, most_rows={kind: 8}).of(query, {})

    assert refused.value.details == {"most_rows": 8, "format": kind}


def test_what_would_not_be_ready_in_time_is_refused(wells: Wells) -> None:
    query = Query(name="production", arguments={}, file=Format(kind="xlsx", is_whole=True))
    times = iter((0.0, 5.0))

    with pytest.raises(ListTooLarge, match="some 40 are made in time"):
        Pace(100, kind="xlsx", seconds=10, clock=lambda: next(times)).add(20)
    with pytest.raises(QueryTooSlow):
        Pace(100, kind="xlsx", seconds=0)
    with pytest.raises(QueryTooSlow):
        list_file(wells, seconds=0).of(query, {})


def test_what_is_too_large_for_an_answer_has_an_address(wells: Wells) -> None:
    query = Query(name="wells", arguments={}, file=Format(kind="csv", is_whole=True))

    told = list_file(wells, most_bytes=10).of(query, {})

    assert (
        Path(wells.environment["WELLHEAD_WAREHOUSE"], told["name"])
        .read_bytes()
        .startswith(b"\xef\xbb\xbfsource,")
    )
    other = replace(query, arguments={"source": "default"})
    assert "text" in list_file(wells).of(other, {})
    kept = replace(query, file=Format(kind="csv", is_whole=True, is_taken=False))
    assert "url" in list_file(wells).of(kept, {})


def test_a_file_that_is_there_is_not_made_again(wells: Wells) -> None:
    """In no time at all nothing could be made."""
    query = Query(
        name="wells", arguments={}, file=Format(kind="xlsx", is_whole=True, is_taken=False)
    )

    first = list_file(wells, clock=lambda: 7200.0).of(query, {})

    assert first["rows"] == 3
    assert list_file(wells, clock=lambda: 10799.0, seconds=0).of(query, {}) == first
    with pytest.raises(QueryTooSlow):
        list_file(wells, clock=lambda: 10800.0, seconds=0).of(query, {})


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
def test_a_list_of_nothing_has_its_headings(wells: Wells, tmp_path: Path, kind: str) -> None:
    query = Query(
        name="production", arguments={"source": "nowhere"}, file=Format(kind=kind, is_whole=True)
    )

    told = list_file(wells).of(query, {"source": "nowhere"})

    assert told["rows"] == 0
    if kind == "csv":
        head, end = told["text"].removeprefix("\ufeff").split("\r\n")
        names = head.split(",")
        assert end == ""
    else:
        path = tmp_path / f"nothing.{kind}"
        path.write_bytes(base64.b64decode(told["content"]))
        if kind == "xlsx":
            [names] = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
        else:
            names = duckdb.sql(f"FROM '{path}'").columns
            assert duckdb.sql(f"FROM '{path}'").fetchall() == []
    assert names == list(wells.ask("/wells/production?limit=1").data["rows"][0])
