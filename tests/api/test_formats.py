"""In which form a list is wanted, by parameters or by the header Accept."""

from __future__ import annotations

import base64

import pytest

from chalicelib.api.formats import ANY_BINARY, MEDIA_TYPES, Format, file_content, parse_format
from chalicelib.errors import ValidationError

XLSX, PARQUET = MEDIA_TYPES["xlsx"], MEDIA_TYPES["parquet"]


@pytest.mark.parametrize(
    ("formats", "accept", "kind"),
    [
        ([], "", "json"),
        ([], "*/*", "json"),
        ([], "application/json", "json"),
        ([], "text/csv", "csv"),
        ([], "TEXT/CSV; charset=utf-8", "csv"),
        ([], "text/html, text/csv, */*;q=0.1", "csv"),
        ([], "application/json, text/csv", "json"),
        ([], "application/json;q=0.5, text/csv;q=0.9", "csv"),
        ([], "text/csv;q=0", "json"),
        ([], "text/csv;q=much", "json"),
        ([], f"{XLSX}, application/json;q=0.1", "xlsx"),
        ([], PARQUET.upper(), "parquet"),
        (["csv"], "application/json", "csv"),
        (["json"], "text/csv", "json"),
        (["xlsx"], "text/csv", "xlsx"),
    ],
)
def test_it_is_asked_for_by_parameter_or_else_by_header(
    formats: list[str], accept: str, kind: str
) -> None:
    query = {"format": formats, "well_code": ["7"]} if formats else {"well_code": ["7"]}

    assert parse_format(query, accept).kind == kind
    assert query == {"well_code": ["7"]}


@pytest.mark.parametrize("formats", [["xml"], [""], ["CSV"], ["csv", "csv"]])
def test_another_format_is_refused(formats: list[str]) -> None:
    with pytest.raises(ValidationError) as refused:
        parse_format({"format": formats}, "")

    assert refused.value.details["field"] == "format"


def test_a_page_is_what_names_a_limit_or_a_cursor() -> None:
    asked = {name: parse_format({"format": ["csv"], **query}, "") for name, query in PAGES.items()}

    assert {name: form.is_whole for name, form in asked.items()} == {
        "whole": True,
        "limit": False,
        "cursor": False,
    }
    assert not parse_format({}, "").is_whole


PAGES: dict[str, dict[str, list[str]]] = {
    "whole": {},
    "limit": {"limit": ["1"]},
    "cursor": {"cursor": ["x"]},
}


@pytest.mark.parametrize(
    ("accept", "is_taken"),
    [
        (XLSX, True),
        (f"{XLSX};q=0.9, */*", True),
        (ANY_BINARY, True),
        ("*/*", False),  # API Gateway would send base64
        (f"text/html, {XLSX}", False),  # it looks at the first one alone
        (PARQUET, False),
        ("", False),
    ],
)
def test_bytes_go_to_who_says_first_that_he_takes_them(accept: str, is_taken: bool) -> None:
    assert parse_format({"format": ["xlsx"]}, accept).is_taken is is_taken
    assert parse_format({"format": ["csv"]}, accept).is_taken


def test_the_content_of_an_answer() -> None:
    assert file_content({"text": "a"}) == "a"
    assert file_content({"content": base64.b64encode(b"a").decode()}) == b"a"
    assert file_content({"url": "file:///a"}) is None
    assert Format(kind="csv", separator="tab").dialect.separator == "\t"
