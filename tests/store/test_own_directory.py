"""A directory that nobody else uses:
it goes with its process, however that ends, and never before.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.soak import longer

from chalicelib.store.own_directory import OwnDirectory

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
MAKE_ONE = """
import sys, time
from pathlib import Path
from chalicelib.store.own_directory import OwnDirectory
own = OwnDirectory(Path(sys.argv[1]))
(own.path / "block").write_text("spilled")
print(own.path, flush=True)
sys.stdin.readline()
"""
MAKE_MANY = """
import sys
from pathlib import Path
from chalicelib.store.own_directory import OwnDirectory
for number in range(int(sys.argv[2])):
    own = OwnDirectory(Path(sys.argv[1]))
    (own.path / "block").write_text(str(number))
    assert (own.path / "block").read_text() == str(number)
    own.remove()
"""


def process(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=PROJECT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


@pytest.fixture
def neighbour(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that has a directory, and where that is."""
    other = process(MAKE_ONE, tmp_path)
    assert other.stdout
    yield other, Path(other.stdout.readline().strip())
    other.kill()
    other.communicate()


def test_each_has_its_own_and_removes_no_others(tmp_path: Path) -> None:
    first, second = OwnDirectory(tmp_path / "reading"), OwnDirectory(tmp_path / "reading")
    (first.path / "spill").mkdir()
    (first.path / "spill" / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"x")

    second.remove()
    second.remove()

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [
        first.path / "spill" / "duckdb_temp_storage_DEFAULT-0.tmp"
    ]
    assert first.path.stat().st_mode & 0o077 == 0  # what spills is data
    first.remove()
    assert list((tmp_path / "reading").iterdir()) == []


def test_one_that_nobody_refers_to_any_more_goes(tmp_path: Path) -> None:
    own = OwnDirectory(tmp_path)
    path = own.path
    del own
    gc.collect()

    assert not path.exists()


def test_it_goes_with_its_process(
    tmp_path: Path, neighbour: tuple[subprocess.Popen[str], Path]
) -> None:
    other, path = neighbour
    assert (path / "block").exists()

    other.communicate("\n")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_what_a_killed_process_left_goes_with_the_next_one(
    tmp_path: Path, neighbour: tuple[subprocess.Popen[str], Path], how: signal.Signals
) -> None:
    other, path = neighbour
    (tmp_path / "wells-1.duckdb").write_text("a copy that stays")
    kept = OwnDirectory(tmp_path)
    assert (path / "block").read_text() == "spilled"  # its process lives

    other.send_signal(how)
    other.wait()
    assert path.exists()
    own = OwnDirectory(tmp_path)

    assert {*tmp_path.iterdir()} == {kept.path, own.path, tmp_path / "wells-1.duckdb"}


def test_a_stopped_process_keeps_its_own(
    tmp_path: Path, neighbour: tuple[subprocess.Popen[str], Path]
) -> None:
    other, path = neighbour
    os.kill(other.pid, signal.SIGSTOP)

    OwnDirectory(tmp_path).remove()

    assert (path / "block").read_text() == "spilled"
    os.kill(other.pid, signal.SIGCONT)


def test_processes_that_make_and_remove_theirs_at_once_never_lose_one(tmp_path: Path) -> None:
    rounds = longer(100, 3_000)
    makers = [process(MAKE_MANY, tmp_path, rounds) for _ in range(3)]

    def make(_: int) -> None:
        for _ in range(rounds):
            OwnDirectory(tmp_path).remove()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(make, range(2)))

    assert [maker.wait() for maker in makers] == [0, 0, 0]
    for maker in makers:
        maker.communicate()
    assert list(tmp_path.iterdir()) == []
