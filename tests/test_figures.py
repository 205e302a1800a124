"""The figures of how plainly the code reads are counted as they are described."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "tools" / "figures.py"

CODE = '''"""A file."""


def kept():
    # Why.
    total = 1
    return total


class Store:
    @property
    def is_kept(self) -> bool:
        return True

    def kept_rows(self):
        """What there is."""
        return {name: value for name, value in self.rows}
'''


def test_a_file_is_counted(tmp_path: Path) -> None:
    file = tmp_path / "store.py"
    file.write_text(CODE)
    command = [sys.executable, str(SCRIPT), "--names", str(file)]

    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

    # 7 nodes in 2 lines, 2 in one, 17 in one: the median is 3.5, the mean 7.5.
    figures = ["17", "3.5", "7.5", "0.0%", "5.9", "3", "1", "4.7", "0"]
    assert lines[-2].split() == [str(file), *figures]
    assert lines[-1].split() == [f"{file}:4", "kept"]
