"""JSON lines and JSON arrays, in files of any size."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.files import adapter_of, pages, read, read_file, refused

from chalicelib.errors import FileFormatUnknown, FileUnreadable
from chalicelib.files.limits import Limits
from chalicelib.store.batch import LONGEST_ROW

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [
    {"well": "A-1", "oil": 1.5, "note": "é, ]}"},
    {"well": "A-2", "oil": None, "more": {"a": [{"b": 1}, {"b": 2}]}},
]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# -- lines ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["wells.ndjson", "wells.jsonl", "wells.json", "wells.txt"])
def test_a_line_is_a_row(tmp_path: Path, name: str) -> None:
    found = read_file(written(tmp_path / name, LINES))

    assert (found.rows, found.places, set(found.files)) == (ROWS, [(1, 0), (1, 1)], {name})
    assert (found.end.url, found.end.delivered, found.end.ended) == (None, 2, "files")


def test_lines_may_be_packed_and_marked_and_end_as_on_windows(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + LINES.replace("\n", "\r\n\r\n").encode()

    assert read_file(written(tmp_path / "wells.ndjson.gz", gzip.compress(content))).rows == ROWS
    assert read_file(written(tmp_path / "utf16.ndjson", LINES.encode("utf-16"))).rows == ROWS


def test_a_line_that_is_no_json_is_a_row_for_staging_to_reject(tmp_path: Path) -> None:
    adapter = adapter_of(
        written(tmp_path / "wells.ndjson", LINES + "nonsense\n[1]\n"), tmp_path / "work"
    )

    [page] = pages(adapter)

    assert page.rows[2:] == [b"nonsense", b"[1]"]
    adapter.close()


def test_of_a_line_that_is_too_long_the_beginning_is_told(tmp_path: Path) -> None:
    long = b'{"well": "' + b"x" * (20 << 20) + b'"}\n'
    adapter = adapter_of(
        written(tmp_path / "wells.ndjson", LINES.encode() + long + LINES.encode()),
        tmp_path / "work",
    )

    rows = [row for page in pages(adapter) for row in page.rows]

    assert [len(row) > LONGEST_ROW for row in rows] == [False, False, True, False, False]
    assert len(rows[2]) == LONGEST_ROW + 2
    adapter.close()


def test_the_survey_has_the_fields_of_the_first_rows(tmp_path: Path) -> None:
    adapter = adapter_of(written(tmp_path / "wells.ndjson", LINES), tmp_path / "work")

    survey = adapter.survey()

    assert survey.fields == ["well", "oil", "note", "more"]
    assert survey.values["well"] == "A-1"
    assert str(survey.values["oil"]) == "1.5"  # numbers stay as they are written
    adapter.close()


# -- arrays -----------------------------------------------------------------------------------


@pytest.mark.parametrize("indent", [None, 2])
def test_an_element_is_a_row(tmp_path: Path, indent: int | None) -> None:
    found = read_file(
        written(tmp_path / "wells.json", json.dumps(ROWS, indent=indent, ensure_ascii=False))
    )

    assert (found.rows, found.places) == (ROWS, [(1, 0), (1, 1)])


@pytest.mark.parametrize(
    ("document", "records"),
    [
        ({"data": {"count": 2, "rows": ROWS}, "more": [1, 2]}, "/data/rows"),
        ({"skipped": [[{"rows": 1}], 'a"]}'], "a/b~c": ROWS}, "/a~1b~0c"),
        ([{"rows": [1]}, {"rows": ROWS}, 3], "/1/rows"),
        ({"meta": {"x": [{}]}, "names": ["a"], "value": ROWS, "@next": "y"}, ""),
    ],
)
def test_rows_are_found_within_a_document(tmp_path: Path, document: Any, records: str) -> None:
    for indent in (None, 3):
        path = written(tmp_path / "wells.json", json.dumps(document, indent=indent))
        assert read_file(path, records=records).rows == ROWS


@pytest.mark.parametrize(
    "records", ["/data/row", "/count", "/data/rows/0/x", "/data/rows/7", "data"]
)
def test_a_pointer_that_leads_nowhere_is_told(tmp_path: Path, records: str) -> None:
    path = written(tmp_path / "wells.json", json.dumps({"count": 2, "data": {"rows": ROWS}}))

    error = refused(FileUnreadable, path, records=records)

    assert error.message == (
        f'wells.json has no array at "{records}". Say in the definition where its rows are, such as '
        'records = "/data/rows".'
    )


def test_an_empty_array_has_no_rows(tmp_path: Path) -> None:
    assert read_file(written(tmp_path / "wells.json", "[ ]\n")).rows == []
    assert read_file(written(tmp_path / "other.json", '{"value": []}')).rows == []


def test_an_empty_array_is_the_rows_only_where_no_array_of_objects_follows(tmp_path: Path) -> None:
    document = {"warnings": [], "names": ["a"], "data": ROWS, "errors": []}

    assert read_file(written(tmp_path / "wells.json", json.dumps(document))).rows == ROWS
    no_rows = json.dumps({**document, "data": []}, indent=1)
    assert read_file(written(tmp_path / "wells.json", no_rows)).rows == []


def test_a_large_array_comes_in_pages_and_goes_on_behind_each(tmp_path: Path) -> None:
    rows = [{"well": f"W{i}", "in": [{"a": i}, {"b": ["}, {", "],["]}]} for i in range(30_000)]
    path = written(tmp_path / "wells.json", json.dumps({"rows": rows, "end": [{"a": 1}, {"b": 2}]}))
    whole = read_file(path)

    assert whole.rows == rows
    assert len(whole.pages) > 2
    for page in whole.pages[:-1]:
        later = adapter_of(path, tmp_path / "later")
        rest = read(later, page.next)
        assert (rest.rows, rest.end) == (rows[page.next.delivered :], whole.end)
        later.close()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.sampled_from(list('a,"[]{}:\\ \n')), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), JSON), max_size=6), st.sampled_from([None, 1])
)
def test_any_objects_are_read_again(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], indent: int | None
) -> None:
    path = written(
        tmp_path_factory.mktemp("json") / "wells.json",
        json.dumps({"x": [[rows]], "rows": rows, "more": [{}, rows]}, indent=indent),
    )

    assert read_file(path, records="/rows").rows == rows


def test_what_follows_the_rows_must_end_the_document(tmp_path: Path) -> None:
    whole = json.dumps({"rows": ROWS, "more": "x"})

    for cut in (len(whole) - 1, whole.index('"more": "x"'), whole.rindex("}]") + 2, 60, 12):
        error = refused(
            FileUnreadable, written(tmp_path / "wells.json", whole[:cut]), records="/rows"
        )
        assert "ends early" in error.message


BEHIND = [
    ("[{'a': 1}]\n[{'a': 2}]", ""),
    ("[{'a': 1}] garbage ]", ""),
    ("[] [{'a': 2}]", ""),
    ("{\n'value': [{'a': 1}]\n}\n{\n'value': [{'a': 2}]\n}", ""),
    ("{\n'value': [{'a': 1}]\n}\n{\n'value': [{'a': 2}]\n}", "/value"),
    ("[{'rows': [{'a': 1}]}, 3] [{'rows': [{'a': 2}]}]", "/0/rows"),
    (
        "{'x': {'rows': [{'a': 1}], 'y': '}'}, 'z': [[]]}\ufeff{'x': {'rows': [{'a': 2}]}}",
        "/x/rows",
    ),
]


@pytest.mark.parametrize(("text", "records"), BEHIND)
def test_a_file_that_goes_on_behind_its_document_is_refused(
    tmp_path: Path, text: str, records: str
) -> None:
    path = written(tmp_path / "wells.json", text.replace("'", '"'))

    assert refused(FileUnreadable, path, records=records).message == (
        "wells.json goes on behind the end of its JSON document: it may hold several documents one after another. "
        "Put all their rows into one array, or each document into a separate file."
    )


def test_what_stands_around_the_rows_must_close_as_it_was_opened(tmp_path: Path) -> None:
    for text in ('{"x": {"rows": []]}', '{"x": {"rows": []}]', '{"x": {"rows": [], {}}}'):
        path = written(tmp_path / "wells.json", text)
        error = refused(FileUnreadable, path, records="/x/rows")
        assert error.message.startswith("What follows the last row of wells.json is no JSON")


def test_a_damaged_element_is_named(tmp_path: Path) -> None:
    error = refused(
        FileUnreadable, written(tmp_path / "wells.json", '[{"a": 1}, {"a": 2}, {"a": 3')
    )

    assert error.message.startswith("Row 3 of wells.json is not whole")
    assert error.details == {"file": "wells.json", "row": 2}
    assert (
        "Row 2"
        in refused(
            FileUnreadable, written(tmp_path / "b.json", '[{"a": 1}, {"a": x}, {"a": 3}]')
        ).message
    )


def test_nesting_without_end_is_no_row(tmp_path: Path) -> None:
    path = written(tmp_path / "wells.json", '[{"a": 1}, ' + "[" * 200_000 + "]" * 200_000 + "]")

    assert "Row 2" in refused(FileUnreadable, path).message


def test_an_object_that_is_larger_than_any_row_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "wells.json", '[{"a": 1}, {"a": "' + "x" * (20 << 20) + '"}]')

    assert "Row 2 of wells.json has more than 16 MB" in refused(FileUnreadable, path).message


def test_json_without_rows_says_where_to_look(tmp_path: Path) -> None:
    path = written(tmp_path / "wells.json", '{"error": "no such table"}\n[')

    assert "has no array of objects" in refused(FileUnreadable, path, format="json").message


def test_a_web_page_is_no_json(tmp_path: Path) -> None:
    path = written(tmp_path / "wells.json", "<!DOCTYPE html><html>")

    assert "is a web page" in refused(FileFormatUnknown, path).message


@pytest.mark.parametrize("form", ["lines", "array"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, form: str) -> None:
    rows = 150_000  # 13 MB of text
    row = '{"well": "A-1", "period": "2024-01-01", "oil": 12345.678, "gas": 345.5, "water": 0.25}'
    with (tmp_path / "wells.json").open("w") as file:
        file.write("[" if form == "array" else "")
        for i in range(rows):
            file.write(row + ("," if form == "array" and i + 1 < rows else "") + "\n")
        file.write("]" if form == "array" else "")
    adapter = adapter_of(tmp_path / "wells.json", tmp_path / "work", limits=Limits(page_rows=1000))
    tracemalloc.start()

    read_rows = sum(len(page.rows) for page in pages(adapter))

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    adapter.close()
    assert read_rows == rows
    assert peak < 12 << 20
