"""What may be asked:
each parameter has a type, a range and a length, and nothing else is let pass.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api.parameters import MOST_CURSOR
from chalicelib.errors import InvalidJobId, ValidationError
from chalicelib.queries.cursor import Cursor, write_cursor
from chalicelib.queries.query import MOST_REJECTS, MOST_ROWS, QUERIES, Query, parse_query

OF_A_JOB = ("rejects", "changes")
JOB = "018cc251-f400-7000-8000-000000000000"
SNAPSHOT = f"snapshots/wells-0000000007-{JOB}.duckdb"
KEY: dict[str, int | str | None] = {
    "source": "default",
    "field_code": "1",
    "well_code": "2",
    "production_period": "2024-01-01",
}
CURSOR = write_cursor(Cursor(key=KEY, snapshot=SNAPSHOT), of="production")
NO_CODES = ["", " ", "a\nb", "\x00", "\ud800", "9" * 101]
NO_DAYS = [
    "",
    "2024-13",
    "0000",
    "2024-1-1",
    "20240101",
    "2024-02-30",
    "2024-W01-1",
    "2024-01-01T00:00",
    "infinity",
    "٢٠٢٤-01-01",
]
NO_CURSORS = ["", "a b", "a=", "é", "x" * (MOST_CURSOR + 1), "../..", "'--"]


def test_a_question_holds_plain_checked_values() -> None:
    query = {
        "field_code": ["-1001"],
        "well_code": ["770010000100"],
        "from": ["2024-01-01"],
        "to": ["2024-01-01"],
    }

    question = parse_query("production", query | {"limit": ["7"], "cursor": [CURSOR]})

    assert question == Query(
        name="production",
        arguments={
            "well_code": "770010000100",
            "field_code": "-1001",
            "from": "2024-01-01",
            "to": "2024-01-01",
            "limit": 7,
            "cursor": CURSOR,
        },
        snapshot=SNAPSHOT,
    )
    assert question.event == {"question": "production", "arguments": question.arguments}


@pytest.mark.parametrize("name", QUERIES)
def test_nothing_has_to_be_asked_for_but_the_job(name: str) -> None:
    path = {"job_id": JOB} if name in OF_A_JOB else {}

    assert parse_query(name, {}, **path) == Query(name=name, arguments=path)


@pytest.mark.parametrize("name", QUERIES)
def test_an_unknown_parameter_is_refused_and_told_what_there_is(name: str) -> None:
    path = {"job_id": JOB} if name in OF_A_JOB else {}
    for unknown in ("wells", "LIMIT", "job_id", "question", "x" * 5000):
        with pytest.raises(ValidationError) as refused:
            parse_query(name, {unknown: ["1"]}, **path)

        assert unknown.startswith(refused.value.details["field"])
        assert all(known in refused.value.message for known in set(QUERIES[name]) - {"job_id"})


@pytest.mark.parametrize(
    ("field", "text"),
    [
        *(("field_code", text) for text in NO_CODES),
        *(("well_code", text) for text in NO_CODES),
        *(("from", text) for text in NO_DAYS),
        *(("to", text) for text in NO_DAYS),
        *(("cursor", text) for text in NO_CURSORS),
        *(("limit", text) for text in ["0", "-1", str(MOST_ROWS + 1), "9" * 400, "ten", ""]),
    ],
)
def test_a_wrong_value_is_told_by_its_field_and_not_repeated(field: str, text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        parse_query("production", {field: [text]})

    assert refused.value.details == {
        "field": field,
        "allowed": QUERIES["production"][field].allowed,
    }
    assert refused.value.message == f"{field} must be {QUERIES['production'][field].allowed}."


def test_rejects_are_fewer_to_a_page() -> None:
    assert (
        parse_query("rejects", {"limit": [str(MOST_REJECTS)]}, job_id=JOB).arguments["limit"]
        == MOST_REJECTS
    )
    with pytest.raises(ValidationError, match="from 1 to 1,000"):
        parse_query("rejects", {"limit": [str(MOST_REJECTS + 1)]}, job_id=JOB)


def test_a_range_goes_forward_and_a_parameter_comes_once() -> None:
    with pytest.raises(ValidationError, match="from must not be after to"):
        parse_query("totals", {"from": ["2024-02-01"], "to": ["2024-01-31"]})
    with pytest.raises(ValidationError, match="once"):
        parse_query("wells", {"limit": ["1", "2"]})


def test_a_job_id_and_a_question_are_what_they_must_be() -> None:
    with pytest.raises(InvalidJobId):
        parse_query("rejects", {}, job_id="1")
    with pytest.raises(ValidationError, match="production, revisions, totals, fields"):
        parse_query("tables", {})


@given(st.text(max_size=100))
def test_any_text_without_control_characters_may_be_searched_for(text: str) -> None:
    has_no_sign_for_it = any(
        sign < " " or "\x7f" <= sign <= "\x9f" or "\ud800" <= sign <= "\udfff" for sign in text
    )
    try:
        found = parse_query("wells", {"search": [text]}).arguments["search"]
    except ValidationError:
        assert has_no_sign_for_it
    else:
        assert (found, has_no_sign_for_it) == (text, False)


def test_a_search_has_an_end() -> None:
    with pytest.raises(ValidationError, match="at most 100 characters"):
        parse_query("wells", {"search": ["x" * 101]})
