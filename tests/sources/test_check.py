"""A check of the source shows what an import would find, and stores nothing."""

from __future__ import annotations

import io
import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.aws_session import new_session
from support.excel import workbook
from support.scripted_source import Answer, Connect, Serve, page
from support.soak import some_of
from support.sources import settings

from chalicelib.sources.check import FoundColumn, SourceCheck, check_source
from chalicelib.sources.definition import definition_of
from chalicelib.sources.opening import Opening
from chalicelib.sources.overlay import settings_of
from clients.cli.terminal import Terminal
from local.__main__ import main
from local.commands.check_source import run_check
from local.source.production import GeneratedProduction
from local.source.server import SampleSource
from local.stack import Source

if TYPE_CHECKING:
    from support.scripted_source import Client

    from local.source.odata_format import Version


def checked(client: Client) -> SourceCheck:
    return check_source(client.adapter, client.adapter._settings)


@pytest.mark.parametrize(
    ("version", "period", "example"),
    [(4, "Edm.Date", "2014-10-01"), (2, "Edm.DateTime", "/Date(1412121600000)/")],
)
def test_the_sample_source_has_all(
    connect: Connect, version: Version, period: str, example: str
) -> None:
    with SampleSource(GeneratedProduction(50), version=version) as source:
        check = checked(connect(source.url, page_size="20"))

    assert (check.problem, check.unknown, check.version, check.is_described) == (
        "",
        [],
        version,
        True,
    )
    assert (check.paging, check.rows, check.expected) == ("by the source's next links", 20, 50)
    columns = {column.name: column for column in check.columns}
    assert columns["production_period"] == FoundColumn(
        name="production_period",
        unit="",
        field="production_period",
        type=period,
        example=example,
        stored="2014-10-01",
        empty=0.0,
    )
    assert columns["oil_production_kbd"].unit == "thousand barrels per day"
    assert all(column.field for column in check.columns)
    assert len(source.requests) == 5  # the description, one row, and three pages


@pytest.mark.parametrize(
    ("paging", "limit", "found"),
    [
        ("skip", 10, "by $skip"),
        ("keys", 10, "by key (field_code, well_code, production_period)"),
        ("auto", 99, "one page"),
    ],
)
def test_the_paging_that_an_import_would_use_is_told(
    connect: Connect, paging: str, limit: int, found: str
) -> None:
    with SampleSource(GeneratedProduction(50), paging="skip", max_page_size=limit) as source:
        assert checked(connect(source.url, source_paging=paging, page_size="99")).paging == found


def test_missing_and_unknown_fields_are_told(serve: Serve, connect: Connect) -> None:
    row = {"FieldCode": 7, "Api": "42", "Oil": 1.5, "Period": None}
    source = serve(Answer(page([row])), Answer(page([row], odata_count=1)))

    check = checked(connect(source.url, source_columns="oil_production_kbd=Oil"))

    assert "no field for well_code, production_period" in check.problem
    assert "WELLHEAD_SOURCE_COLUMNS" in check.problem
    assert (check.unknown, check.is_described, check.expected) == (["Api", "Period"], False, 1)
    found = {
        column.name: (column.field, column.type, column.example)
        for column in check.columns
        if column.field
    }
    assert found == {
        "field_code": ("FieldCode", "Edm.Int32", "7"),
        "oil_production_kbd": ("Oil", "Edm.Double", "1.5"),
    }


def test_columns_are_shown_also_where_pages_cannot_be_cut_by_the_key(
    serve: Serve, connect: Connect
) -> None:
    row = {"FieldCode": 7, "Oil": 1.5}
    source = serve(Answer(page([row])), Answer(page([row])))

    check = checked(connect(source.url, source_paging="keys"))

    assert "no field for well_code, production_period" in check.problem
    assert [column.field for column in check.columns if column.field] == ["FieldCode"]


def test_an_empty_source_is_told_by_its_metadata(connect: Connect) -> None:
    with SampleSource(GeneratedProduction(0)) as source:
        check = checked(connect(source.url))

    assert (check.problem, check.rows, check.expected) == ("", 0, 0)
    assert check.columns[0] == FoundColumn(
        name="field_code", unit="", field="field_code", type="Edm.Int64"
    )


def shown(source: Source, **environment: str) -> tuple[int, str]:
    screen = io.StringIO()
    code = run_check(source, environment, Terminal(file=screen, width=120))
    return code, screen.getvalue()


def test_the_command_shows_a_file_as_a_source(tmp_path: Path) -> None:
    file = tmp_path / "rows.ndjson"
    file.write_bytes(b"\n".join(GeneratedProduction(30).page(0, 30)))

    code, text = shown(Source(file=file))

    assert code == 0
    assert "An import can begin" in text
    assert "30 rows looked at, 30 of them sound" in text
    assert "770010000100" in text


def test_the_command_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "rows.ndjson"
    file.write_text(json.dumps({"field_code": 1, "[bold]": "[/]"}))

    code, text = shown(Source(file=file))

    assert code == 1
    assert "Nothing of the source fills well_code, production_period." in text
    assert "Add what is missing under [columns]" in text
    assert "A definition to start from." in text
    assert "[bold]" in text


def test_the_command_sends_the_user_and_tells_a_refusal() -> None:
    with SampleSource(GeneratedProduction(5), credentials=("ada", "secret")) as source:
        right = shown(
            Source(url=source.url),
            WELLHEAD_SOURCE_USERNAME="ada",
            WELLHEAD_SOURCE_PASSWORD="secret",
        )
        code, text = shown(
            Source(url=source.url), WELLHEAD_SOURCE_USERNAME="ada", WELLHEAD_SOURCE_PASSWORD="wrong"
        )

    assert right[0] == 0
    assert (code, text.split()[0]) == (1, "SOURCE_UNAUTHORIZED")
    assert "wrong" not in text


def test_the_command_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("WELLHEAD_SOURCE_URL", raising=False)

    assert main(["check-source", "--rows", "40"]) == 0
    assert "An import can begin" in capsys.readouterr().out


# -- what an import would bring -------------------------------------------------------------------

MONTHS = [f"2024-{month:02}-01" for month in range(1, 13)]


def looked(directory: Path, rows: list[dict[str, Any]], **definition: Any) -> SourceCheck:
    """Of a file with these rows."""
    file = directory / "rows.ndjson"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return looked_into(file, **definition)


def looked_into(file: Path, **definition: Any) -> SourceCheck:
    values = {"name": "a", "kind": "files", "url": str(file)} | definition
    base = settings(source_reach="anywhere")
    opened = Opening(
        settings=settings_of(definition_of(values), base),
        client=new_session().create_client,
        environment={},
        remaining=lambda: 60,
        directory=file.parent / "work",
    )
    with closing(opened.reader()) as reader:
        return check_source(reader, settings_of(definition_of(values), base))


def row(**values: Any) -> dict[str, Any]:
    own = {
        "field_code": "F",
        "well_code": "W",
        "production_period": "2024-01-01",
        "oil_production_kbd": 1.0,
    }
    return own | values


def test_what_would_be_stored_is_shown_beside_what_is_written(tmp_path: Path) -> None:
    columns = {
        "well_code": ["County", "Well"],
        "production_period": {"field": "Month", "format": "%b-%y"},
        "oil_production_kbd": {"field": "Oil", "unit": "bbl"},
        "gas_production_mmcfd": {"field": "Gas", "unit": "e3m3"},
    }
    rows = [
        {"County": 5, "Well": "W1", "Month": "Feb-24", "Oil": oil, "Gas": None}
        for oil in (29_000, None)
    ]

    check = looked(tmp_path, rows, columns=columns)

    assert (check.problems, check.looked_at, check.sound, check.skipped) == ([], 2, 2, 0)
    assert check.period == "2024-02-01 to 2024-02-01"
    found = {column.name: column for column in check.columns if column.field}
    assert [(c.field, c.source_unit, c.example, c.stored, c.empty) for c in found.values()] == [
        ('"a"', "", "", "a", 0.0),
        ("County, Well", "", "5 | W1", "5/W1", 0.0),
        ("Month", "", "Feb-24", "2024-02-01", 0.0),
        ("Oil", "bbl", "29000", "1", 0.5),
        ("Gas", "e3m3", "", "", 1.0),
    ]
    assert check.hints[-1] == "gas_production_mmcfd: not one of 2 rows has a value."


def test_a_number_beside_texts_of_a_sheet_is_that_number(tmp_path: Path) -> None:
    sheet: list[list[Any]] = [["Well", "Month", "Oil"], ["W1", "2024-01", 12.345]]
    sheet += [["W2", "2024-01", "1.234,5"], ["W3", "2024-01", "see note"]]
    columns = {
        "well_code": "Well",
        "production_period": "Month",
        "oil_production_kbd": {"field": "Oil", "unit": "bbl/d"},
    }

    check = looked_into(
        workbook(tmp_path / "wells.xlsx", {"Data": sheet}),
        columns=columns,
        decimal=",",
        thousands=".",
    )

    assert (check.looked_at, check.sound) == (3, 2)
    stored = {column.name: column.stored for column in check.columns}
    assert stored["oil_production_kbd"] == "0.012345"


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    wrong = [
        row(well_code=None),
        row(production_period="31/01/2024"),
        row(oil_production_kbd="n/a", production_period="x"),
        row(oil_production_kbd="n/a", production_period="y"),
    ]
    check = looked(tmp_path, wrong)

    assert len(check.problems) == 3
    told = "\n".join(check.problems)
    assert "1 of 4 rows would be rejected: well_code: field, well and period identify a row" in told
    assert "2 of 4 rows would be rejected: " in told
    assert "production_period: a period must be a calendar date" in told
    assert "oil_production_kbd: a rate or a number of days must be a finite number" in told
    assert "31/01/2024" in told


def test_few_bad_rows_are_a_hint(tmp_path: Path) -> None:
    rows = [
        row(production_period=month, well_code=f"W{well}") for month in MONTHS for well in range(20)
    ]
    check = looked(tmp_path, [*rows, row(oil_production_kbd="n/a")])
    assert (check.problems, check.sound, check.looked_at) == ([], 240, 241)
    assert check.hints[0].startswith("1 of 241 rows would be rejected: oil_production_kbd")


@pytest.mark.parametrize(
    ("rows", "told", "hint"),
    [
        (
            [row(oil_production_kbd=3100.0, production_period=month) for month in MONTHS],
            {},
            "oil_production_kbd: a well would make 3,100 kbd, which none does. oil_production_kbd was taken as",
        ),
        (
            [
                row(production_period=month, oil_production_kbd=oil)
                for month in MONTHS
                for oil in (1.0, 0.25)
            ],
            {},
            "12 of 12 wells and periods have several rows with different values, 2 at most.",
        ),
        (
            [row(production_period=month) for month in MONTHS for _ in range(3)],
            {},
            "12 wells and periods come more than once, with the same values; they count once.",
        ),
        (
            [row(production_period=month) for month in MONTHS[::3]],
            {},
            "Two periods of a well lie 91 days apart, as those of a quarter do, and the definition says period = ",
        ),
        (
            [
                row(production_period=f"2024-01-{day:02}", oil_production_kbd=day)
                for day in range(1, 29)
            ],
            {},
            "1 of 1 wells and periods have several rows with different values, 28 at most.",
        ),
        (
            [row(production_period=month) for month in MONTHS],
            {"period": "year"},
            "1 wells and periods come more than once, with the same values; they count once. If they are of shorter p",
        ),
        (
            [
                row(production_period=day)
                for day in ("2023-12-31T23:00:00Z", "2024-01-31T23:00:00Z", "2024-02-29T23:00:00Z")
            ],
            {},
            "Periods such as 2023-12-31T23:00:00Z are midnights of a place east of Greenwich",
        ),
        (
            [row(water_production_kbd=None)],
            {},
            "water_production_kbd: not one of 1 rows has a value.",
        ),
    ],
)
def test_what_looks_odd_is_a_hint(
    tmp_path: Path, rows: list[Any], told: dict[str, Any], hint: str
) -> None:
    check = looked(tmp_path, rows, **told)
    assert check.problems == []
    assert any(each.startswith(hint) for each in check.hints), check.hints


def test_a_sound_source_has_no_hints(tmp_path: Path) -> None:
    rows = [row(production_period=month, well_code=well) for month in MONTHS for well in "AB"]
    check = looked(tmp_path, rows)
    assert (check.problems, check.hints, check.unknown) == ([], [], [])


def test_columns_of_the_definition_that_are_not_there_are_told(tmp_path: Path) -> None:
    check = looked(tmp_path, [row()], columns={"well_name": "Name", "field_name": "Field Name"})
    assert (
        "The definition fills well_name from Name, and the source has no such field."
        in check.problem
    )
    assert check.looked_at == 0
    check = looked(tmp_path, [row()], where={"Product": "OIL"})
    assert "The definition chooses rows by Product under [where]" in check.problem


def test_rows_left_out_are_counted(tmp_path: Path) -> None:
    rows = [row(P=product) for product in ("OIL", "GAS", "TOTAL")]
    check = looked(tmp_path, rows, where={"P": ["OIL", "GAS"]}, skip={"P": "GAS"})
    assert (check.looked_at, check.sound, check.skipped, check.unknown) == (3, 1, 2, [])


def test_a_check_leaves_nothing_behind(tmp_path: Path) -> None:
    looked(tmp_path, [row()])
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["rows.ndjson"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("header.csv", b"a,b\n"),
        (
            "wide.csv",
            b",".join(b"c%d" % i for i in range(3_000)) + b"\n" + b",".join([b"1"] * 3_000) + b"\n",
        ),
        ("nul.csv", b"well,oil\n\x00,\x00\n"),
        ("binary.csv", bytes(range(256)) * 40),
        ("quote.csv", b'well,oil\n"1,2\n3,4\n'),
        ("same.csv", b"a,a,A\n1,2,3\n"),
        ("field.csv", b"field,well,period\nx,1,2024-01\n"),
        ("torn.csv.gz", b"\x1f\x8b\x08\x00torn"),
        ("torn.zip", b"PK\x03\x04torn"),
        ("torn.parquet", b"PAR1torn"),
        ("torn.xlsx", b"PK\x03\x04torn"),
        ("html.xls", b"<html><table><tr><td>1</td></tr></table></html>"),
        ("text.json", b"well"),
        ("deep.json", b"[" * 10_000),
        (
            "odd.ndjson",
            b'{"well_code": {"a": [1]}, "production_period": 1e400, "oil_production_kbd": []}\n',
        ),
        ("one.json", b'{"a": 1}'),
        ("lone.ndjson", b'{"well_code": "\\ud800"}\n'),
        ("long.csv", b"a,b\n" + b"x" * 3_000_000 + b",1\n"),
    ],
)
def test_whatever_the_file_is_there_is_a_sentence_and_no_traceback(
    tmp_path: Path, name: str, content: bytes
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    code, text = shown(Source.parse(str(file), rows=1))
    assert code in (0, 1)
    assert text.strip()


SHARED = Path(__file__).parents[3] / "shared"
FILES = sorted([*SHARED.glob("cases/*/*.*"), *SHARED.glob("data/*")])


@pytest.mark.skipif(
    not FILES, reason=f"there are no files in {SHARED}: they are not part of the project"
)
def test_nor_is_there_one_for_any_of_the_shared_files() -> None:
    for file in some_of(FILES):
        code, text = shown(Source.parse(str(file), rows=1))
        assert code in (0, 1), file
        assert (
            "An import can begin" in text
            or "Problem: " in text
            or text.startswith(("SOURCE_", "FILE_"))
        ), file
