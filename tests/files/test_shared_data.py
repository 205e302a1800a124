"""Real files of public agencies, as they are published."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.files import read_file

DATA = Path(__file__).parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="the files of the real data are not beside the checkout"
)


def linked(name: str, folder: Path) -> Path:
    """The file in a folder of its own, beside which one may write."""
    path = folder / name
    path.symlink_to(DATA / name)
    return path


def test_a_file_without_a_header_in_a_zip(tmp_path: Path) -> None:
    found = read_file(linked("bsee_ogora_2024_part.zip", tmp_path), header=False)

    assert (len(found.rows), len(found.names)) == (6_000, 19)
    assert found.rows[0]["column2"] == "202401"


def test_a_csv_with_an_index_that_has_no_name(tmp_path: Path) -> None:
    found = read_file(linked("co_ecmc_adams_part.csv", tmp_path))

    assert (len(found.rows), found.names[0]) == (593, "column0")


def test_a_csv_with_a_byte_order_mark(tmp_path: Path) -> None:
    found = read_file(linked("no_sodir_field_months_part.csv", tmp_path))

    assert (len(found.rows), found.names[0]) == (3_000, "prfInformationCarrier")


@pytest.mark.parametrize(("month", "rows"), [("02", 2_846), ("04", 3_178)])
def test_json_lines(tmp_path: Path, month: str, rows: int) -> None:
    assert (
        len(read_file(linked(f"bsee_2024_published_2025-{month}.ndjson.gz", tmp_path)).rows) == rows
    )


def test_an_old_excel_file(tmp_path: Path) -> None:
    found = read_file(linked("oh_dnr_2020_q1.xls", tmp_path))

    assert len(found.rows) == 10_627
    assert found.rows[0]["API WELL NUMBER"] == "34013209230000"
    [table] = [page.table for page in found.pages if page.table]
    assert (table.sheet, table.kinds[-4:]) == ("Sheet1", ("number",) * 4)


def test_a_parquet_file(tmp_path: Path) -> None:
    found = read_file(linked("ab_petrinex_2021-2024_part.parquet", tmp_path))

    assert len(found.rows) == 51_367
