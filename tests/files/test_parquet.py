"""Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
from support.files import adapter_of, read, read_file, refused

from chalicelib.errors import FileTooLarge, FileUnreadable
from chalicelib.files.limits import Limits

if TYPE_CHECKING:
    from pathlib import Path


GROUPS = ", ROW_GROUP_SIZE 2048"


def parquet(path: Path, query: str, options: str = "") -> Path:
    quoted = str(path).replace("'", "''")
    duckdb.sql(f"COPY ({query}) TO '{quoted}' (FORMAT parquet {options})")
    return path


def test_values_are_text_as_people_read_them(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "wells.parquet",
        """SELECT '007' AS "Well, é", 2.0::DOUBLE AS whole, 0.1::FLOAT AS part, 'nan'::DOUBLE AS nan,
        1e20::DOUBLE AS large, 2.00::DECIMAL(9, 2) AS d, 2.50::DECIMAL(9, 2) AS e, 5::UTINYINT AS tiny,
        DATE '2024-01-31' AS day, TIMESTAMP '2024-01-31' AS midnight, TIMESTAMP '2024-01-31 06:30:00' AS moment,
        make_timestamptz(1706682600000000) AS zoned, true AS yes, NULL::INT AS nothing, '' AS empty, [1, 2] AS list,
        {'a': 1} AS object""",
    )

    found = read_file(path)

    assert found.rows == [
        {
            "Well, é": "007",
            "whole": "2",
            "part": "0.1",
            "nan": None,
            "large": "1e+20",
            "d": "2",
            "e": "2.50",
            "tiny": "5",
            "day": "2024-01-31",
            "midnight": "2024-01-31",
            "moment": "2024-01-31T06:30:00",
            "zoned": "2024-01-31T06:30:00Z",
            "yes": "true",
            "nothing": None,
            "empty": None,
            "list": "[1,2]",
            "object": '{"a":1}',
        }
    ]
    [table] = [page.table for page in found.pages if page.table]
    numbers, dates = ["number"] * 7, ["date"] * 4
    assert table.kinds == ("text", *numbers, *dates, "boolean", "number", "text", "text", "text")
    assert (table.format, table.file) == ("parquet", "wells.parquet")


def test_a_large_file_comes_in_pieces_and_goes_on_behind_each(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "wells[1].parquet",
        "SELECT 'W' || i AS well FROM range(10_000) AS t (i)",
        ", ROW_GROUP_SIZE 2048",
    )
    limits = Limits(piece_rows=3000)
    whole = read_file(path, limits=limits)

    assert [page.table.rows for page in whole.pages if page.table] == [3000, 3000, 3000, 1000]
    assert [row["well"] for row in whole.rows] == [f"W{i}" for i in range(10_000)]
    for page in whole.pages[:-1]:
        later = adapter_of(path, tmp_path / "later", limits=limits)
        rest = read(later, page.next)
        assert (rest.rows, rest.end) == (whole.rows[page.next.delivered :], whole.end)
        later.close()


def test_the_survey_has_examples(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "wells.parquet",
        "SELECT * FROM (VALUES (NULL, 1.0), ('A-1', 2.0)) AS t (well, oil)",
    )
    adapter = adapter_of(path, tmp_path / "work")

    survey = adapter.survey()

    assert (survey.fields, survey.values) == (["well", "oil"], {"well": "A-1", "oil": "1"})
    adapter.close()


def test_a_wide_file_comes_in_pieces_of_fewer_rows(tmp_path: Path) -> None:
    columns = ", ".join(f"i AS c{n}" for n in range(250))
    path = parquet(tmp_path / "wells.parquet", f"SELECT {columns} FROM range(20_000) AS t (i)")

    found = read_file(path)

    assert [page.table.rows for page in found.pages if page.table] == [16_000, 4_000]


def test_a_file_without_rows_has_none(tmp_path: Path) -> None:
    assert read_file(parquet(tmp_path / "wells.parquet", "SELECT 1 AS a WHERE false")).rows == []


# -- hostile ----------------------------------------------------------------------------------


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "wells.parquet", "SELECT 'W' || i AS well, i FROM range(50_000) AS t (i)"
    )
    whole = path.read_bytes()
    footer = int.from_bytes(whole[-8:-4], "little")
    damaged = {
        "cut": whole[:-20],
        "footer": whole[: -8 - footer] + bytes(footer) + whole[-8:],
        "length": whole[:-8] + b"\xff\xff\xff\x7f" + whole[-4:],
        "pages": whole[:4] + bytes(3000) + whole[3004:],
        "short": b"PAR1",
    }

    for name, content in damaged.items():
        (tmp_path / f"{name}.parquet").write_bytes(content)
        error = refused(FileUnreadable, tmp_path / f"{name}.parquet")
        assert error.message.startswith(f"{name}.parquet is damaged, or no Parquet file: ")
        assert str(tmp_path) not in error.message


def test_too_many_columns_are_refused(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "wells.parquet", f"SELECT {', '.join(f'1 AS c{n}' for n in range(30))}"
    )

    assert "30 columns" in refused(FileTooLarge, path, limits=Limits(columns=20)).message


def test_a_file_too_wide_for_the_memory_is_refused(tmp_path: Path) -> None:
    columns = ", ".join(f"i AS c{n}" for n in range(1000))
    path = parquet(tmp_path / "wells.parquet", f"SELECT {columns} FROM range(20_000) AS t (i)")

    assert "1,000 columns take more memory than there is" in refused(FileTooLarge, path).message
