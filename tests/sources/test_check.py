"""A check of the source shows what an import would find, and stores nothing."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from support.scripted_source import Answer, Connect, Serve, page

from chalicelib.sources.check import FoundColumn, SourceCheck, check_source
from clients.cli.terminal import Terminal
from local.__main__ import main
from local.commands.check_source import run_check
from local.source.production import GeneratedProduction
from local.source.server import SampleSource
from local.stack import Source

if TYPE_CHECKING:
    from pathlib import Path

    from support.scripted_source import Client

    from local.source.odata_format import Version


def checked(client: Client) -> SourceCheck:
    return check_source(client.adapter, client.adapter._settings)


@pytest.mark.parametrize(
    ("version", "period", "example"), [(4, "Edm.Date", "2014-10-01"), (2, "Edm.DateTime", "/Date(1412121600000)/")]
)
def test_the_sample_source_has_all(connect: Connect, version: Version, period: str, example: str) -> None:
    with SampleSource(GeneratedProduction(50), version=version) as source:
        check = checked(connect(source.url, page_size="20"))

    assert (check.problem, check.unknown, check.version, check.is_described) == ("", [], version, True)
    assert (check.paging, check.rows, check.expected) == ("by the source's next links", 20, 50)
    columns = {column.name: column for column in check.columns}
    assert columns["production_period"] == FoundColumn(
        name="production_period", unit="", field="production_period", type=period, example=example
    )
    assert columns["oil_production_kbd"].unit == "thousand barrels per day"
    assert all(column.field for column in check.columns)
    assert len(source.requests) == 3


@pytest.mark.parametrize(
    ("paging", "limit", "found"),
    [
        ("skip", 10, "by $skip"),
        ("keys", 10, "by key (field_code, well_code, production_period)"),
        ("auto", 99, "one page"),
    ],
)
def test_the_paging_that_an_import_would_use_is_told(connect: Connect, paging: str, limit: int, found: str) -> None:
    with SampleSource(GeneratedProduction(50), paging="skip", max_page_size=limit) as source:
        assert checked(connect(source.url, source_paging=paging, page_size="99")).paging == found


def test_missing_and_unknown_fields_are_told(serve: Serve, connect: Connect) -> None:
    row = {"FieldCode": 7, "Api": "42", "Oil": 1.5, "Period": None}
    source = serve(Answer(page([row])), Answer(page([row], odata_count=1)))

    check = checked(connect(source.url, source_columns="oil_production_kbd=Oil"))

    assert "no field for well_code, production_period" in check.problem
    assert "WELLHEAD_SOURCE_COLUMNS" in check.problem
    assert (check.unknown, check.is_described, check.expected) == (["Api", "Period"], False, 1)
    found = {column.name: (column.field, column.type, column.example) for column in check.columns if column.field}
    assert found == {
        "field_code": ("FieldCode", "Edm.Int32", "7"),
        "oil_production_kbd": ("Oil", "Edm.Double", "1.5"),
    }


def test_columns_are_shown_also_where_pages_cannot_be_cut_by_the_key(serve: Serve, connect: Connect) -> None:
    row = {"FieldCode": 7, "Oil": 1.5}
    source = serve(Answer(page([row])), Answer(page([row])))

    check = checked(connect(source.url, source_paging="keys"))

    assert "no field for well_code, production_period" in check.problem
    assert [column.field for column in check.columns if column.field] == ["FieldCode"]


def test_an_empty_source_is_told_by_its_metadata(connect: Connect) -> None:
    with SampleSource(GeneratedProduction(0)) as source:
        check = checked(connect(source.url))

    assert (check.problem, check.rows, check.expected) == ("", 0, 0)
    assert check.columns[0] == FoundColumn(name="field_code", unit="", field="field_code", type="Edm.Int64")


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
    assert "30 rows in all" in text
    assert "770010000100" in text


def test_the_command_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "rows.ndjson"
    file.write_text(json.dumps({"field_code": 1, "[bold]": "[/]"}))

    code, text = shown(Source(file=file))

    assert code == 1
    assert "Name the right fields in WELLHEAD_SOURCE_COLUMNS." in text
    assert "[bold]" in text


def test_the_command_sends_the_user_and_tells_a_refusal() -> None:
    with SampleSource(GeneratedProduction(5), credentials=("ada", "secret")) as source:
        right = shown(Source(url=source.url), WELLHEAD_SOURCE_USERNAME="ada", WELLHEAD_SOURCE_PASSWORD="secret")
        code, text = shown(Source(url=source.url), WELLHEAD_SOURCE_USERNAME="ada", WELLHEAD_SOURCE_PASSWORD="wrong")

    assert right[0] == 0
    assert (code, text.split()[0]) == (1, "SOURCE_UNAUTHORIZED")
    assert "wrong" not in text


def test_the_command_is_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("WELLHEAD_SOURCE_URL", raising=False)

    assert main(["check-source", "--rows", "40"]) == 0
    assert "An import can begin" in capsys.readouterr().out
