"""The benchmarks run end to end at a tiny size, and what they measure is what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from urllib.request import urlopen

import duckdb
import pytest

from benchmarks import measure, report, source
from benchmarks.contenders import (
    AGAIN,
    FLOOR_1,
    FLOOR_2,
    REVISED,
    WELLHEAD,
    Contender,
    Task,
    differs,
    problem,
    truth,
)
from benchmarks.expectations import Expectation, faster_than
from benchmarks.import_speed import serve_pages
from benchmarks.pages import Kind, Pages, render
from benchmarks.real_data import FILES, RealFile, real_data
from local.source.production import GeneratedProduction

PROJECT = Path(__file__).parents[2]


def one(
    rows: int = 1_500, cpu: float = 1.0, failure: str | None = None, **more: int
) -> dict[str, Any]:
    """The figures of one contender."""
    return {"rows": rows, "wall": 2.5, "cpu": cpu, "peak_mb": 80, "failure": failure, **more}


def figures(**others: dict[str, Any]) -> dict[str, Any]:
    facts = {
        "date": "2026-01-02",
        "machine": "2 cores",
        "load": 0.5,
        "versions": {"duckdb": "1.5.5"},
    }
    stored = {"file_bytes": 1_000, "plain_bytes": 800, "new_records": 1_500, "updated_records": 0}
    ours = {**one(cpu=2.0), **stored, "duplicate_records": 0}
    results = {FLOOR_1: one(), WELLHEAD: ours, **others}
    return {**facts, "imports": {"1500": results}, "growth": {"0": one(bytes_moved=3_000_000)}}


@pytest.mark.long
def test_one_run_measures_all_that_needs_no_other_environment(tmp_path: Path) -> None:
    sizes = ["--rows", "1500", "--stores", "1500", "--page-size", "500", "--turns", "1"]
    kinds = ["--no-peers", "--no-real-data"]
    command = [sys.executable, "-m", "benchmarks", *kinds, "--cache", str(tmp_path), *sizes]

    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)

    found = json.loads((tmp_path / "figures.json").read_text())
    results, grown = found["imports"]["1500"], found["growth"]["1500"]
    assert {name: result["failure"] for name, result in results.items()} == dict.fromkeys(
        (FLOOR_1, FLOOR_2, WELLHEAD, AGAIN, REVISED)
    )
    assert all(
        result["rows"] == 1_500 and result["cpu"] > 0 and result["peak_mb"] > 10
        for result in results.values()
    )
    first = GeneratedProduction(1_500, bad_rows=False).expected_counts()
    revised = GeneratedProduction(1_500, revision=1, bad_rows=False).expected_counts(previous=0)
    assert counts(results[WELLHEAD]) == (first.new, 0, first.duplicate)
    assert counts(results[AGAIN]) == (0, 0, 1_500)
    assert counts(results[REVISED]) == (0, revised.updated, revised.duplicate)
    assert revised.updated > 20
    assert (grown["failure"], counts(grown)) == (
        None,
        (9_999, 0, 1),
    )  # with one repeated key of the sample
    assert grown["bytes_moved"] > 2 * grown["file_bytes"]
    other = found["kinds"]
    assert {kind: result["failure"] for kind, result in other.items()} == dict.fromkeys(Kind)
    assert {kind: result["failed_records"] for kind, result in other.items()} == dict.fromkeys(
        Kind, 0
    ) | {Kind.REJECTED: 75}
    assert (
        counts(other[Kind.SORTED])
        == counts(other[Kind.SHUFFLED])
        == counts(other[Kind.WIDE])
        == (first.new, 0, 1)
    )


def test_a_file_of_an_agency_is_imported_and_counted(tmp_path: Path) -> None:
    file = tmp_path / "months.csv"
    columns = "field_code,well_code,production_period,oil_production_kbd"
    file.write_text(f"{columns}\nF1,W1,2024-01-01,1.5\nF1,W2,2024-01-01,2\nF1,W3,2024-01-01,x\n")
    # Joined to the directory of the real files, an absolute path stays what it is.
    as_expected = RealFile(name=str(file), title="two months", stored=2)

    found = real_data(turns=1, limit=60, files=[as_expected])[str(file)]

    assert (found["rows"], found["new_records"], found["failed_records"]) == (3, 2, 1)
    assert found["failure"] == "2 rows stored and 1 rejected, not 2 and none"
    assert found["cpu"] > found["floor"] > 0


def test_a_file_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    absent = RealFile(name=str(tmp_path / "none.csv"), title="none", stored=1)

    assert real_data(turns=1, limit=1, files=[absent]) == {}


def test_real_files_have_a_line_each() -> None:
    measured = {FILES[0].name: one(rows=3_000) | {"new_records": 2_846, "floor": 0.2}}

    text = report.markdown({**figures(), "real_data": measured})

    assert f"| {FILES[0].title} | 3,000 | 2,846 | 2.5 | 1.0 | 0.2 | 80 |  |" in text.splitlines()
    assert FILES[1].title not in text


def counts(result: dict[str, Any]) -> tuple[int, ...]:
    return tuple(result[f"{name}_records"] for name in ("new", "updated", "duplicate"))


def test_the_tables_are_made_of_the_figures(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(f"Before.\n\n{report.BEGIN}\nold\n{report.END}\n\nAfter.\n")

    report.write(figures(), document)
    report.write(figures(), document)  # again: nothing piles up

    text = document.read_text()
    assert (
        text
        == f"Before.\n\n{report.BEGIN}\n\n{report.markdown(figures())}\n{report.END}\n\nAfter.\n"
    )
    assert f"| {WELLHEAD} | 2.5 | 2.0 | 80 | 750 | 0.500 | 1.000 |" in text
    assert "| 0 | 2.5 | 1.0 | 3.0 | 80 |  |" in text


def test_a_contender_that_fails_is_shown_with_its_reason() -> None:
    text = report.markdown(figures(another=one(failure="not done in 9 s")))

    assert "| another | 2.5 | 1.0 | 80 | not done in 9 s | | |" in text.splitlines()


def test_nothing_is_compared_with_what_failed() -> None:
    text = report.markdown(figures(**{WELLHEAD: one(rows=0, failure="failed: no")}))

    assert f"| {FLOOR_1} | 2.5 | 1.0 | 80 | 1,500 | 1.000 | - |" in text.splitlines()


def test_few_rows_are_told_and_compared_by_the_row() -> None:
    text = report.markdown(figures(slow=one(rows=150, cpu=10.0)))

    assert "| slow (150 rows) | 2.5 | 10.0 | 80 | 15 | 0.010 | 0.020 |" in text.splitlines()


def test_an_expectation_that_is_missed_stands_out() -> None:
    expectation = Expectation("of floor 1", (WELLHEAD, FLOOR_1), faster_than(FLOOR_1), at_least=0.5)

    def found(cpu: float, failure: str | None = None) -> str:
        return expectation.cell({FLOOR_1: one(), WELLHEAD: one(cpu=cpu, failure=failure)})

    assert found(2.0) == "0.50"
    assert found(2.5) == "**0.40**"
    assert found(2.0, "not done in 9 s") == "-"
    assert expectation.cell({}) == "-"


def test_the_document_has_the_place_that_the_tables_are_written_to() -> None:
    text = report.DOCUMENT.read_text("utf-8")

    assert text.count(report.BEGIN) == text.count(report.END) == 1
    assert text.index(report.BEGIN) < text.index(report.END)


def test_reading_the_source_is_measured_and_has_its_place(tmp_path: Path) -> None:
    sizes = [
        "--rows",
        "300",
        "--page-sizes",
        "100",
        "--latencies",
        "0",
        "--connections",
        "1,2",
        "--turns",
        "1",
    ]
    command = [sys.executable, "-m", "benchmarks.source", "--cache", str(tmp_path), *sizes]

    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)

    found = json.loads((tmp_path / "source.json").read_text())
    assert [cell["connections"] for cell in found["cells"]] == [1, 2]
    assert all(rate > 0 for cell in found["cells"] for rate in cell["rows_per_second"].values())
    assert len(source.markdown(found).splitlines()) == 6
    text = report.DOCUMENT.read_text("utf-8")
    assert text.count(source.BEGIN) == text.count(source.END) == 1


def test_the_served_pages_hold_all_rows_once(tmp_path: Path) -> None:
    pages = Pages(rows=1_100, page_size=500, first=600)
    rows: list[Any] = []

    with serve_pages(render(pages, tmp_path)) as url:
        link: str | None = url
        while link:
            with urlopen(urljoin(url, link)) as answer:
                page = json.load(answer)
            rows += page["value"]
            link = page.get("@odata.nextLink")
            assert page["@odata.count"] == 1_100

    data = GeneratedProduction(1_700, bad_rows=False)
    assert rows == [json.loads(row) for row in data.page(600, 1_100)]


def test_the_truth_has_one_row_a_key(tmp_path: Path) -> None:
    directory = render(Pages(rows=1_500, page_size=500), tmp_path)
    rows = [json.loads(row) for row in GeneratedProduction(1_500, bad_rows=False).page(0, 1_500)]
    keys = {
        (row["field_code"], row["well_code"], row["production_period"]): row["oil_production_kbd"]
        for row in rows
    }

    assert truth(directory, keyed=True) == pytest.approx((len(keys), sum(keys.values())))
    assert truth(directory, keyed=False) == pytest.approx(
        (1_500, sum(row["oil_production_kbd"] for row in rows))
    )
    assert truth(directory, keyed=False, rows=700)[0] == 700


def test_a_wrong_result_is_told(tmp_path: Path) -> None:
    directory = render(Pages(rows=500, page_size=500), tmp_path)
    task = Task(url="", pages=directory, work=tmp_path, cache=tmp_path)
    contender = Contender(name="wrong", command=lambda _: [])

    with duckdb.connect(task.database) as connection:
        connection.execute("CREATE TABLE wells AS SELECT 1.0 AS oil_production_kbd")

    assert "failed: 1 rows" in str(problem(contender, task))
    assert differs((2, 1.0), (2, 1.0)) is None
    assert differs((2, 1.0), (2, 1.1)) is not None


def test_memory_is_that_of_the_process_and_its_children_alone(tmp_path: Path) -> None:
    ours = bytearray(200 << 20)  # of this process, which starts the others
    ours[::4096] = b"x" * len(ours[::4096])
    takes = "import subprocess, sys; held = bytearray(b'x') * (60 << 20)"
    holds = f"{takes}; print('held', flush=True); sys.stdin.read()"
    both = f"{takes}; subprocess.run([sys.executable, '-c', {holds!r}])"

    small, family = (seen_to_hold(code, tmp_path) for code in (holds, both))
    ran = measure.run(
        [sys.executable, "-c", f"{takes}; import time; time.sleep(3)"],
        environment={},
        work=tmp_path,
        limit=60,
    )

    assert 60 <= small.peak < 120
    assert 120 <= family.peak < 200
    assert family.peaks == {"fetching_mb": family.peak}
    assert 60 <= ran["peak_mb"] == ran["fetching_mb"] < 120


def seen_to_hold(code: str, work: Path) -> measure.Memory:
    """Of a process that holds its memory until it was looked at."""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        memory = measure.Memory(process.pid, work / "scratch")
        memory.look()
        process.stdin.close()
    return memory


def test_what_comes_after_the_merge_is_not_taken_for_fetching(tmp_path: Path) -> None:
    copy = tmp_path / "scratch" / "import-1" / "wells.duckdb"
    copy.parent.mkdir(parents=True)
    memory = measure.Memory(os.getpid(), tmp_path / "scratch")
    memory.look()
    copy.touch()
    memory.look()

    copy.unlink()
    held = b"x" * (60 << 20)
    memory.look()

    assert len(held) == 60 << 20
    assert memory.peaks["merging_mb"] >= memory.peaks["fetching_mb"] + 50


def test_cpu_of_children_counts_and_a_late_process_is_ended(tmp_path: Path) -> None:
    busy = "import time\nwhile time.process_time() < 0.5: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"

    child = measure.run([sys.executable, "-c", parent], environment={}, work=tmp_path, limit=60)
    late = measure.run(
        [sys.executable, "-c", "import time; time.sleep(60)"],
        environment={},
        work=tmp_path,
        limit=0.3,
    )
    broken = measure.run(
        [sys.executable, "-c", "raise SystemExit('no')"], environment={}, work=tmp_path, limit=60
    )

    assert child["failure"] is None
    assert child["cpu"] >= 0.5
    assert late["failure"] == "not done in 0 s"
    assert broken["failure"] == "failed: no"
