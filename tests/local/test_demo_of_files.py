"""`demo --source` and `check-source --source` with what people have:
a file of commas, a definition, a preset.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from support.preset_samples import SAMPLES
from support.stack import SHORT_LEASE

from clients.cli.session import Exit
from clients.cli.terminal import Terminal
from local.commands.check_source import run_check
from local.commands.demo import DemoError, run_demo
from local.stack import LocalStack, Source, StackError

if TYPE_CHECKING:
    from pathlib import Path

CSV = "API,Month,Oil (bbl)\n05-001-1,2024-01,310\n05-001-1,2024-02,290\n"
OWN_NAMES = (
    "field_code,well_code,production_period,oil_production_kbd\n1,2,2024-01,1.5\n1,2,2024-02,1.25\n"
)
DEFINITION = """
kind = "files"
url = "data/*.csv"
[columns]
well_code = "API"
production_period = "Month"
oil_production_kbd = { field = "Oil (bbl)", unit = "bbl" }
"""


@pytest.fixture
def definition(tmp_path: Path) -> Path:
    """In a folder of its own, with a path from there."""
    folder = tmp_path / "sources"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "wells.csv").write_text(CSV)
    (folder / "colorado.toml").write_text(DEFINITION)
    return folder / "colorado.toml"


def demo(state: Path, told: str, preset: str = "") -> tuple[int, str]:
    screen = io.StringIO()
    try:
        source = Source.parse(told, rows=1, preset=preset)
        with LocalStack(source=source, state=state, port=0, user_environment=SHORT_LEASE) as stack:
            code = run_demo(stack, Terminal(file=screen, width=160))
    except (StackError, DemoError) as exc:
        return 2, str(exc)
    return code, screen.getvalue()


def check(told: str, preset: str = "") -> tuple[int, str]:
    screen = io.StringIO()
    code = run_check(
        Source.parse(told, rows=1, preset=preset), {}, Terminal(file=screen, width=160)
    )
    return code, screen.getvalue()


def test_a_demo_of_a_definition_whose_path_is_from_its_own_folder(
    definition: Path, tmp_path: Path
) -> None:
    code, output = demo(tmp_path / "state", str(definition))
    assert code == 0
    assert "The counts add up to every row that the source delivered." in output


def test_a_demo_of_a_preset(tmp_path: Path) -> None:
    code, output = demo(tmp_path / "state", str(SAMPLES["ecmc"].path), "ecmc")
    assert code == 0
    assert "The counts add up to every row that the source delivered." in output


def test_a_demo_of_a_file_with_other_names_says_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "wells.csv"
    file.write_text(CSV)
    code, output = demo(tmp_path / "state", str(file))
    assert code not in (0, Exit.HELD)
    assert "Nothing of the source fills well_code, production_period." in output


def test_a_demo_of_a_preset_that_there_is_not_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "wells.csv").write_text(CSV)
    code, output = demo(tmp_path / "state", str(tmp_path / "wells.csv"), "ecmcc")
    assert code in (1, 2)
    assert "ecmcc" in output
    assert "write ecmc" in output


def test_a_check_of_a_definition_shows_what_would_be_stored(definition: Path) -> None:
    code, text = check(str(definition))
    assert code == 0
    assert "2 rows looked at, 2 of them sound." in text
    assert "Oil (bbl)" in text
    assert "0.01" in text


def test_a_check_of_a_folder_reads_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.csv").write_text(OWN_NAMES)
    (folder / "b.csv").write_text(OWN_NAMES.replace("2024", "2023"))
    code, text = check(str(folder))
    assert code == 0
    assert "4 rows looked at, 4 of them sound." in text
    assert "Periods from 2023-01-01 to 2024-02-01." in text


def test_a_check_of_a_preset_reads_by_it() -> None:
    code, text = check(str(SAMPLES["sodir"].path), "sodir")
    assert code == 0, text
    assert "prfPrdOilNetMillSm3" in text


def test_a_check_tells_every_fault_of_a_definition(definition: Path) -> None:
    definition.write_text(DEFINITION + 'water_production_kbd = "W"\n[gate]\nrejectd = "5 %"\n')
    code, text = check(str(definition))
    assert code == 1
    assert "SOURCE_DEFINITION_INVALID" in text
    assert "columns.water_production_kbd.unit is missing, and is never guessed" in text
    assert "gate.rejectd is no key of a definition: write rejected, or leave it out" in text


@pytest.mark.parametrize("text", ["kind =", "a = " + "[" * 5_000, "\0", 'name = "x"\nname = "y"'])
def test_what_is_no_definition_is_a_sentence(definition: Path, text: str) -> None:
    definition.write_text(text)
    with pytest.raises(StackError, match=r"colorado\.toml is no definition of a source: "):
        check(str(definition))


def test_a_check_of_nothing_is_a_sentence(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    code, text = check(str(empty))
    assert (code, text.split()[0]) == (1, "FILE_NONE") or text.startswith(("SOURCE_", "FILE"))
    with pytest.raises(StackError, match=r"missing\.csv"):
        check(str(tmp_path / "missing.csv"))
    with pytest.raises(StackError, match=r"missing\.toml"):
        check(str(tmp_path / "missing.toml"))


def test_a_check_with_a_preset_that_there_is_not_names_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "wells.csv").write_text(CSV)
    code, text = check(str(tmp_path / "wells.csv"), "nothing")
    assert code == 1
    assert 'preset is "nothing", which does not exist: write one of anp' in text
