"""CSV files, as they are found in the world."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.files import adapter_of, pages, read, read_file, refused
from support.soak import longer

from chalicelib.errors import FileUnreadable
from chalicelib.files.encoding import Text
from chalicelib.files.limits import Limits

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "well,period,oil"
ROWS = [
    {"well": "A-1", "period": "2024-01", "oil": "1.5"},
    {"well": "A-2", "period": "2024-01", "oil": None},
    {"well": "Ærfugl", "period": "2024-02", "oil": "3"},
]
TEXT = "well,period,oil\nA-1,2024-01,1.5\nA-2,2024-01,\nÆrfugl,2024-02,3\n"


def written(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"],
)
def test_the_encoding_is_found(tmp_path: Path, encoding: str) -> None:
    assert read_file(written(tmp_path / "wells.csv", TEXT, encoding)).rows == ROWS


@pytest.mark.parametrize("encoding", ["cp850", "mac_roman", "utf-16-le", "iso8859-15"])
def test_a_declared_encoding_is_taken(tmp_path: Path, encoding: str) -> None:
    assert (
        read_file(written(tmp_path / "wells.csv", TEXT, encoding), encoding=encoding).rows == ROWS
    )


@pytest.mark.parametrize("encoding", ["cp1252", "cp850"])
def test_a_mark_of_utf8_before_text_of_another_encoding_is_no_part_of_it(
    tmp_path: Path, encoding: str
) -> None:
    path = written(tmp_path / "wells.csv", b"\xef\xbb\xbf" + TEXT.encode(encoding))

    assert read_file(path, encoding=encoding).rows == ROWS
    assert 'encoding = "cp1252"' in refused(FileUnreadable, path).message


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "}"])
def test_delimiter_and_ends_of_lines_are_found(tmp_path: Path, delimiter: str, end: str) -> None:
    text = TEXT.replace(",", delimiter).replace("\n", end)

    assert read_file(written(tmp_path / "wells.txt", text)).rows == ROWS


def test_the_last_line_needs_no_end(tmp_path: Path) -> None:
    assert read_file(written(tmp_path / "wells.csv", TEXT.rstrip("\n"))).rows == ROWS


def test_a_decimal_comma_is_no_delimiter(tmp_path: Path) -> None:
    rows = "".join(f"A-{i};{i},5;{i},25;{i},125\n" for i in range(50))

    found = read_file(written(tmp_path / "wells.csv", "well;oil;gas;water\n" + rows))

    assert found.rows[7] == {"well": "A-7", "oil": "7,5", "gas": "7,25", "water": "7,125"}


def test_titles_above_the_header_are_left_out(tmp_path: Path) -> None:
    text = "Production report\nprinted 2024-03-01\n\n" + TEXT

    assert read_file(written(tmp_path / "wells.csv", text)).rows == ROWS


def test_lines_to_skip_and_the_line_of_the_header_may_be_declared(tmp_path: Path) -> None:
    path = written(tmp_path / "wells.csv", "a,b,c\n1,2,3\n" + TEXT)

    assert read_file(path, skip_rows=2).rows == ROWS
    assert read_file(path, header=3).rows == ROWS
    assert read_file(path, skip_rows=1, header=2).rows == ROWS


def test_a_file_without_a_header_has_the_names_of_its_definition(tmp_path: Path) -> None:
    path = written(tmp_path / "wells.csv", TEXT.removeprefix("well,period,oil\n"))

    assert read_file(path, fields=("well", "period", "oil")).rows == ROWS
    assert read_file(path, header=False).names == ("column0", "column1", "column2")
    assert read_file(path, header=False, fields=("well",)).names == ("well", "column1", "column2")


def test_a_header_may_be_named_anew(tmp_path: Path) -> None:
    path = written(tmp_path / "wells.csv", TEXT)

    assert read_file(path, header=1, fields=("a", "b")).rows[0] == {
        "a": "A-1",
        "b": "2024-01",
        "oil": "1.5",
    }


def test_rows_of_numbers_are_no_header(tmp_path: Path) -> None:
    path = written(tmp_path / "wells.csv", "1001,202401,17,1.5\n1002,202401,18,2.5\n")

    assert [len(read_file(path).rows), read_file(path).names[0]] == [2, "column0"]


def test_a_column_a_month_is_a_header(tmp_path: Path) -> None:
    path = written(tmp_path / "wells.csv", "well,202401,202402,202403\nA-1,1,2,3\nA-2,4,5,6\n")

    assert read_file(path).rows[1] == {"well": "A-2", "202401": "4", "202402": "5", "202403": "6"}


def test_comments_are_left_out(tmp_path: Path) -> None:
    text = TEXT.replace("A-2", "#A-9,x,y\nA-2").replace("A-1", "A#1")

    found = read_file(written(tmp_path / "wells.csv", "# made by hand\n" + text), comment="#")

    assert [row["well"] for row in found.rows] == ["A#1", "A-2", "Ærfugl"]


def test_blank_lines_and_rows_without_a_value_are_no_rows(tmp_path: Path) -> None:
    text = TEXT.replace("A-2", "\n  \n,,\nA-2") + "\n,,\n \n\n"

    found = read_file(written(tmp_path / "wells.csv", text))

    assert found.rows == ROWS
    assert found.places == [(1, 0), (1, 1), (1, 2)]


@pytest.mark.parametrize("text", ["well\nA-1\n\nA-2\n", '"well"\n"A-1"\n""\n"A-2"\n'])
def test_blank_lines_of_a_single_column_are_no_rows(tmp_path: Path, text: str) -> None:
    assert read_file(written(tmp_path / "wells.csv", text)).rows == [
        {"well": "A-1"},
        {"well": "A-2"},
    ]


def test_columns_without_a_name_or_with_one_that_is_taken_get_one(tmp_path: Path) -> None:
    path = written(tmp_path / "wells.csv", ",Oil,oil,OIL,oil_2,\na,b,c,d,e,f\n")

    assert read_file(path).names == ("column0", "Oil", "oil_3", "OIL_4", "oil_2", "column5")


def test_an_index_that_the_header_does_not_name_is_a_column(tmp_path: Path) -> None:
    assert read_file(written(tmp_path / "a.csv", "well,oil\n1,A-1,2\n2,A-2,3\n")).names == (
        "column0",
        "well",
        "oil",
    )
    assert read_file(written(tmp_path / "b.csv", "well,oil\nA-1,2,\nA-2,3,\n")).names == (
        "well",
        "oil",
        "column2",
    )


def test_names_may_be_of_any_letters(tmp_path: Path) -> None:
    names = ("Прирост, т", 'O\'Neill "x"', "产量", "a/b.c")
    header = ",".join('"' + name.replace('"', '""') + '"' for name in names)

    found = read_file(written(tmp_path / "wells.csv", header + "\n1,2,3,4\n"))

    assert found.rows == [dict(zip(names, "1234", strict=True))]


def test_quoted_values_may_hold_delimiters_quotes_and_ends_of_lines(tmp_path: Path) -> None:
    text = 'well,note\nA-1,"a, ""b"""\nA-2,"two\nlines"\nA-3,"crlf\r\nend"\n'

    assert [row["note"] for row in read_file(written(tmp_path / "wells.csv", text)).rows] == [
        'a, "b"',
        "two\nlines",
        "crlf\nend",
    ]


def test_quotes_in_a_word_are_part_of_it(tmp_path: Path) -> None:
    text = 'well,note\nA-1,5" pipe\nA-2,"9"" pipe"\nA-3,"7" pipe\n'

    assert [row["note"] for row in read_file(written(tmp_path / "wells.csv", text)).rows] == [
        '5" pipe',
        '9" pipe',
        "7 pipe",
    ]


def test_without_quotes_a_quote_is_a_letter(tmp_path: Path) -> None:
    path = written(tmp_path / "wells.csv", 'well\tnote\nA-1\t"open\nA-2\tx\n')

    assert [row["note"] for row in read_file(path, quote="").rows] == ['"open', "x"]
    assert "Row 1 of wells.csv opens a quote" in refused(FileUnreadable, path).message


def test_a_quote_that_nothing_closes_loses_no_row_in_silence(tmp_path: Path) -> None:
    error = refused(
        FileUnreadable, written(tmp_path / "wells.csv", 'well,note\nA-1,5" x\nA-2,y\nA-3,"z\n')
    )

    assert error.message.startswith("Row 3 of wells.csv opens a quote that nothing closes")
    assert error.details == {"file": "wells.csv", "row": 2}


def test_two_stray_quotes_swallow_no_rows(tmp_path: Path) -> None:
    text = 'well,name,oil\nA-1,x,1\nA-2,"Big One,2\nA-3,y,3\nA-4,"Small,4\n'

    error = refused(FileUnreadable, written(tmp_path / "wells.csv", text))

    assert error.message.startswith("Row 2 of wells.csv opens a quote that nothing closes")
    assert error.details == {"file": "wells.csv", "row": 1}


def test_a_quote_in_a_word_harms_no_value_of_several_lines_beside_it(tmp_path: Path) -> None:
    text = 'well,name,note\nA-1,"7" pipe,"two\nlines" \nA-2,5" x,"a, ""b""\n"\n'

    assert [
        list(row.values()) for row in read_file(written(tmp_path / "wells.csv", text)).rows
    ] == [
        ["A-1", "7 pipe", "two\nlines"],
        ["A-2", '5" x', 'a, "b"\n'],
    ]


def test_rows_of_another_length_keep_their_place(tmp_path: Path) -> None:
    text = "well,oil,gas\nA-1,1\nA-2,1,2,,\nA-3,Smith, John,3\nA-4,5,6\n"

    found = read_file(written(tmp_path / "wells.csv", text))

    assert found.rows == [
        {"well": "A-1", "oil": "1", "gas": None},
        {"well": "A-2", "oil": "1", "gas": "2"},
        {"well": None, "oil": None, "gas": None},
        {"well": "A-4", "oil": "5", "gas": "6"},
    ]
    [table] = [page.table for page in found.pages if page.table]
    [told] = table.unreadable
    assert (told.row, told.raw) == (2, b"A-3,Smith, John,3")
    assert told.problem == "it has 4 values, and the header 3 names"


def test_a_file_that_is_read_by_the_wrong_delimiter_is_refused(tmp_path: Path) -> None:
    text = "well;oil\n" + "".join(f"A-{i},1;2,5;6\n" for i in range(3000))

    error = refused(
        FileUnreadable,
        written(tmp_path / "wells.csv", text),
        delimiter=",",
        fields=("a",),
        header=1,
    )

    assert "Row 1 of wells.csv cannot be read" in error.message
    assert "delimiter" in error.message


def test_zero_bytes_and_lone_carriage_returns_do_no_harm(tmp_path: Path) -> None:
    found = read_file(written(tmp_path / "wells.csv", "well,oil\nA\0-1,1\nA-2,\r2\n"))

    assert [row["well"] for row in found.rows] == ["A\0-1", "A-2"]


def test_an_empty_value_is_null_quoted_or_not(tmp_path: Path) -> None:
    assert (
        read_file(written(tmp_path / "wells.csv", 'well,oil\n"A-1",""\nA-2,\n')).rows[0]["oil"]
        is None
    )


MARK = "\ufeff"
PUT_TOGETHER = [
    f"A-1,2024-01,1\n{MARK}A-2,2024-01,2\n",
    f'"A-1",2024-01,1\n{MARK}"A-2",2024-01,2\n',
    f'"A-1",2024-01,1\r\n{MARK}{MARK}"A-2","2024-01","2"\r\n{MARK}',
    f"A-1,2024-01,1\n{MARK}\n{MARK}A-2,2024-01,2,\n",  # mended
    f'{MARK}# made by hand\n"A-1",2024-01,1\n,,\n{MARK}"A-2",2024-01,2\n',  # record by record
]


@pytest.mark.parametrize("text", PUT_TOGETHER)
def test_a_byte_order_mark_at_the_beginning_of_any_line_is_no_part_of_it(
    tmp_path: Path, text: str
) -> None:
    path = written(tmp_path / "wells.csv", f"{MARK}{MARK}{HEADER}\n{text}")

    found = read_file(path, comment="#")

    assert found.rows == [
        {"well": "A-1", "period": "2024-01", "oil": "1"},
        {"well": "A-2", "period": "2024-01", "oil": "2"},
    ]
    parts = read_file(path, comment="#", limits=Limits(piece_rows=1))
    assert (parts.rows, parts.places) == (found.rows, [(1, 0), (1, 1)])


def test_a_byte_order_mark_within_a_line_stays(tmp_path: Path) -> None:
    path = written(tmp_path / "wells.csv", f"well,note\nA{MARK}-1,x\n")

    assert read_file(path).rows[0]["well"] == f"A{MARK}-1"


def test_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    found = read_file(written(tmp_path / "wells.csv", HEADER + "\n"))

    assert (found.rows, found.end.url, found.end.ended) == ([], None, "files")


SMALL = Limits(piece_rows=1000)


# -- pieces -----------------------------------------------------------------------------------


def many_rows(path: Path, rows: int, value: str = "x") -> Path:
    with path.open("w") as file:
        file.write("well,value\n")
        file.writelines(f"W{i},{value}\n" for i in range(rows))
    return path


@pytest.mark.parametrize("value", ["x", '"x"', '"x\ny"'])
def test_a_large_file_comes_in_pieces_of_a_row_group(tmp_path: Path, value: str) -> None:
    path = many_rows(tmp_path / "wells.csv", 2007, value)

    found = read_file(path, limits=SMALL)

    assert [page.table.rows for page in found.pages if page.table] == [1000, 1000, 7]
    assert [row["well"] for row in found.rows] == [f"W{i}" for i in range(2007)]
    assert found.places == [(1, i) for i in range(2007)]
    assert found.end.delivered == 2007


@pytest.mark.parametrize("value", ["x", '"x\ny"'])
def test_reading_goes_on_behind_any_page(tmp_path: Path, value: str) -> None:
    path = many_rows(tmp_path / "wells.csv", 2007, value)
    whole = read_file(path, limits=SMALL)

    for page in whole.pages[:-1]:
        later = adapter_of(path, tmp_path / "later", limits=SMALL)
        rest = read(later, page.next)
        assert rest.rows == whole.rows[page.next.delivered :]
        assert rest.places == whole.places[page.next.delivered :]
        assert rest.end == whole.end
        later.close()


def test_a_row_to_mend_takes_no_piece_of_its_own(tmp_path: Path) -> None:
    path = many_rows(tmp_path / "wells.csv", 1005)
    text = path.read_text().replace("W7,x\n", "W7\n").replace("W990,x\n", "\n\nW990,x,\n")

    found = read_file(written(path, text), limits=SMALL)

    assert [page.table.rows for page in found.pages if page.table] == [998, 7]
    assert [row["well"] for row in found.rows] == [f"W{i}" for i in range(1005)]


def test_the_original_bytes_are_what_duckdb_reads(tmp_path: Path) -> None:
    path = written(tmp_path / "wells.csv", TEXT)
    adapter = adapter_of(path, tmp_path / "work")

    [page] = pages(adapter)

    assert page.table
    assert page.table.path.read_bytes() == path.read_bytes().partition(b"\n")[2]
    adapter.close()


def test_what_is_utf8_stays_where_it_lies(tmp_path: Path) -> None:
    from chalicelib.files.encoding import as_utf8

    path = written(tmp_path / "wells.csv", TEXT, "utf-8-sig")

    assert as_utf8(path, "", target=tmp_path / "other", file="wells.csv") == Text(path, 3)


CELL = st.text(st.sampled_from(list('ab,;"\n\r 1é')), max_size=4)
ROW = st.lists(CELL, min_size=3, max_size=3)


@settings(max_examples=longer(30, 300))
@given(st.lists(ROW, min_size=1, max_size=8))
def test_what_python_writes_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    import csv

    path = tmp_path_factory.mktemp("csv") / "wells.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(
            [["a", "b", "c"], *rows]
        )

    found = read_file(path, delimiter=",")

    def clean(value: str | None) -> str:
        return " ".join((value or "").replace("\r", " ").split())

    wanted = [[clean(cell) for cell in row] for row in rows if any(row)]
    assert [[clean(value) for value in row.values()] for row in found.rows] == wanted


BLANKS_AND_QUOTES = [
    *("A-1", " A-1", "A-1 ", "  ", "", '"oil, gas"', ' "oil, gas"', '  "oil, gas"', '"oil" '),
    *(
        '"oil"  ',
        ' " oil "',
        '"a ""b"" c"',
        '"a" "b"',
        ' " "',
        '5" pipe',
        ' 5" pipe',
        '\t"x"',
        '"7" pipe',
    ),
]


@settings(max_examples=longer(20, 300))
@given(
    st.lists(
        st.lists(st.sampled_from(BLANKS_AND_QUOTES), min_size=3, max_size=3), min_size=1, max_size=3
    )
)
@example([[cell, cell, "x"] for cell in BLANKS_AND_QUOTES])
def test_a_blank_line_changes_no_value_around_it(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    """It is left out by another reader than DuckDB, which takes blanks and quotes the same."""
    directory = tmp_path_factory.mktemp("csv")
    text = "".join(",".join(row) + "\n" for row in rows)

    def rows_of(name: str, text: str) -> list[dict[str, str | None]]:
        path = written(directory / name, text)
        return read_file(path, delimiter=",", fields=("well", "name", "oil"), header=False).rows

    assert rows_of("blank.csv", text + "\n") == rows_of("plain.csv", text)


def test_blanks_before_a_value_are_its_own_and_those_around_quotes_are_not(tmp_path: Path) -> None:
    text = 'well, note\nA-1, x\nA-2, "y, z" \n\nA-3,  "a\n b"\n'

    found = read_file(written(tmp_path / "wells.csv", text))

    assert [list(row.items()) for row in found.rows] == [
        [("well", "A-1"), ("note", " x")],
        [("well", "A-2"), ("note", "y, z")],
        [("well", "A-3"), ("note", "a\n b")],
    ]


def test_a_gzip_is_read_as_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "wells.csv.gz"
    with gzip.open(path, "wb") as file:
        file.write(TEXT.encode("cp1252"))

    found = read_file(path)

    assert (found.rows, set(found.files)) == (ROWS, {"wells.csv.gz"})
