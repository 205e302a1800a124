"""Several files of one source, and the same files once more:
which are read, and which holds where two have a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.drop import Drop

if TYPE_CHECKING:
    from pathlib import Path

    from chalicelib.jobs.job import Job


@pytest.fixture
def drop(environment: dict[str, str], dynamodb: Any, tmp_path: Path) -> Drop:
    drop = Drop(environment, dynamodb, tmp_path / "drop")
    drop.write("1.csv", "A,2024-01,x,1", "B,2024-01,x,2")
    drop.write("2.csv", "A,2024-02,x,3")
    drop.write("3.csv", "A,2024-03,x,4")
    return drop


def read(job: Job) -> int:
    assert job.status == "COMPLETED", job.error
    return job.total_records


def test_files_that_were_read_are_not_read_again(drop: Drop) -> None:
    assert [read(drop.imported()), read(drop.imported()), read(drop.imported(full=True))] == [
        4,
        0,
        4,
    ]


def test_a_new_file_is_read_alone(drop: Drop) -> None:
    drop.imported()
    drop.write("4.csv", "A,2024-04,x,5")

    job = drop.imported()

    assert (read(job), job.new_records) == (1, 1)
    assert len(drop.stored) == 5


def test_a_changed_file_is_read_with_all_that_come_after_it(drop: Drop) -> None:
    """A later one holds where both have a key,
    so reading the changed one alone would turn that about.
    """
    drop.write("3.csv", "A,2024-02,x,3.5", "A,2024-03,x,4")
    drop.imported()
    drop.write("2.csv", "A,2024-02,x,3.25", "B,2024-02,x,1")

    job = drop.imported()

    assert (read(job), job.new_records, job.updated_records) == (4, 1, 0)
    assert drop.stored["A", "2024-02-01"] == 3.5


def test_another_definition_reads_all(drop: Drop) -> None:
    drop.imported()

    assert read(drop.imported(null_values=["-"])) == 4


def test_a_later_file_holds_where_two_have_a_key(drop: Drop) -> None:
    drop.write("2.csv", "A,2024-01,x,9")

    job = drop.imported()

    assert (read(job), job.new_records, job.duplicate_records, job.failed_records) == (4, 3, 1, 0)
    assert drop.stored["A", "2024-01-01"] == 9


def test_files_may_complete_each_other(drop: Drop) -> None:
    drop.write("2.csv", "A,2024-01,y,9")

    told: dict[str, Any] = {"rows": "sum", "primary_key": ["part"]}
    replaced = drop.imported(**told)
    assert (read(replaced), drop.stored["A", "2024-01-01"]) == (4, 9)

    added = drop.imported(across_files="sum", gate={"restated": 9.0}, **told)
    assert (read(added), drop.stored["A", "2024-01-01"]) == (4, 10)


def test_of_rows_that_are_added_all_are_read_when_one_file_has_changed(drop: Drop) -> None:
    told: dict[str, Any] = {"rows": "sum", "primary_key": ["part"], "across_files": "sum"}
    drop.write("2.csv", "A,2024-01,y,9")
    assert read(drop.imported(**told)) == 4
    drop.write("3.csv", "A,2024-01,z,1")

    again = drop.imported(**told)
    assert (read(again), drop.stored["A", "2024-01-01"]) == (4, 11)
    assert read(drop.imported(**told)) == 0


def test_a_file_without_the_field_of_the_key_is_named(drop: Drop) -> None:
    (drop._directory / "2.csv").write_text("well,month,oil\nA,2024-02,3\n")

    job = drop.imported(rows="sum", primary_key=["part"])

    assert job.error
    assert job.error["code"] == "SOURCE_COLUMNS_MISSING"
    assert job.error["message"].startswith("2.csv: The definition names part as primary_key")


def test_of_files_only_those_that_are_all_read_withdraw(drop: Drop) -> None:
    drop.write("2.csv", *(f"{well},2024-02,x,1" for well in range(200)))
    drop.imported(missing="withdraw")
    drop.write("3.csv", "C,2024-03,x,2")

    some = drop.imported(missing="withdraw")
    every = drop.imported(missing="withdraw", full=True, gate={"withdrawn": "50 %"})

    assert [(job.status, job.withdrawn_records) for job in (some, every)] == [
        ("COMPLETED", 0),
        ("COMPLETED", 1),
    ]
    assert ("A", "2024-03-01") not in drop.stored
