"""What lints the SQL of the project finds its statements, reads them, and names a fault's place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlfluff.core import FluffConfig, Linter

from tools.sql import PROJECT, Statement, faults, main, readable, sql_files, statements

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def linter() -> Linter:
    return Linter(config=FluffConfig.from_path(str(PROJECT)))


def test_named_statements_a_whole_file_and_the_blocks_of_a_document(tmp_path: Path) -> None:
    named, whole, document = (tmp_path / name for name in ("named.sql", "whole.sql", "page.md"))
    named.write_text(
        "-- Of reading.\n\n-- name: one\nSELECT 1;\n\n-- name: two\n-- Why.\nSELECT 2;\n"
    )
    whole.write_text("-- A question\nSELECT 3;\n")
    document.write_text("Ask:\n\n```sql\nSELECT 4;\n```\n\n```\nSELECT 5;\n```\n")

    assert list(statements(named)) == [
        Statement(4, "SELECT 1;\n\n"),
        Statement(7, "-- Why.\nSELECT 2;\n"),
    ]
    assert list(statements(whole)) == [Statement(1, "-- A question\nSELECT 3;\n")]
    assert list(statements(document)) == [Statement(4, "SELECT 4;\n")]


def test_every_folder_with_sql_is_looked_at_and_no_other() -> None:
    folders = {file.relative_to(PROJECT).parts[0] for file in sql_files()}

    assert {"chalicelib", "clients", "docs", "local", "benchmarks", "tests"} <= folders
    assert not folders & {".venv", "build"}


def test_names_in_braces_bound_values_and_lines() -> None:
    text = "SELECT {columns}, '{{x}}' FROM ({parts}) {more}\nWHERE at = $now\n{order};\n"

    assert readable(text, has_clauses=False) == (
        "SELECT filled_columns, '{x}' FROM (filled_parts) \nWHERE at = 0\nfilled_order;\n"
    )
    assert readable(text, has_clauses=True).splitlines()[2] == ";"


@pytest.mark.parametrize(
    "part",
    [
        "read_json({files}, columns = $columns) AS field",
        "POSITIONAL JOIN {numbers} AS number",
        "AND part IN (SELECT part FROM {parts})",
        "CASE WHEN {value} = 1 THEN 'one' END",
        "COPY (SELECT 1 AS one) TO '{path}' (FORMAT parquet);",
    ],
)
def test_a_part_of_a_statement_is_read(part: str, linter: Linter) -> None:
    assert faults(Statement(1, part), linter) == []


def test_a_fault_has_its_line(linter: Linter) -> None:
    text = "SELECT well\nFROM wells\nwhere well = $well;\n"

    assert faults(Statement(40, text), linter) == [(42, "CP01 Keywords must be upper case.")]


def test_what_cannot_be_parsed_is_no_fault(linter: Linter) -> None:
    assert faults(Statement(1, "PIVOT ON ) OF ("), linter) is None


def test_a_file_with_a_fault_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.sql"
    file.write_text("SELECT code\nFROM wells well;\n")

    assert main([str(file)]) == 1

    line, sum_ = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{file}:2: AL01 ")
    assert sum_ == "SQL: 1 of 1 statements read, 1 faults"
