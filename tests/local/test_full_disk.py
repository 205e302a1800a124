"""A full disk: told in one sentence with an exit code, nothing acknowledged is lost, and the next
start goes on.

The disks are real: file systems in memory of so many bytes, in a mount namespace of the process;
and the limit of the system on the size of a file.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support.stack import ROOT, SHORT_LEASE

if TYPE_CHECKING:
    from pathlib import Path

ISOLATED = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]


def can_mount() -> bool:
    try:
        mounted = subprocess.run(
            [*ISOLATED, "mount -t tmpfs -o size=4k tmpfs /mnt"], capture_output=True, check=False
        )
    except OSError:
        return False
    return mounted.returncode == 0


needs_mounts = pytest.mark.skipif(
    not can_mount(), reason="needs user namespaces that may mount, as Linux has them"
)

EDGE = re.compile(r"The (local table|queue of events) can(not be written: .*| be written again\.)$")
"""A disk at its edge takes a small write after it has refused a large one, and each time that is told."""


def run(*command: str, size: str, state: Path, more: str = "") -> subprocess.CompletedProcess[str]:
    """The command where `state` is a disk of that size; then the shell commands `more`."""
    state.mkdir(exist_ok=True)
    words = " ".join(f"'{word}'" for word in command)
    script = f"mount -t tmpfs -o size={size} tmpfs '{state}' || exit 99\n{words}\n{more}"
    environment = SHORT_LEASE | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    return subprocess.run(
        [*ISOLATED, script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def demo(state: Path, rows: int = 200) -> list[str]:
    return [
        sys.executable,
        "-m",
        "local",
        "demo",
        "--state",
        str(state),
        "--port",
        "0",
        "--rows",
        str(rows),
    ]


@needs_mounts
@pytest.mark.by_lot
@pytest.mark.parametrize("size", ["4k", "40k", "100k", "200k"])
def test_a_start_without_room_is_one_sentence(tmp_path: Path, size: str) -> None:
    ended = run(*demo(tmp_path / "state"), size=size, state=tmp_path / "state")

    assert ended.returncode in (1, 2), ended
    assert "Traceback" not in ended.stdout + ended.stderr
    assert (
        f"The disk that holds {tmp_path / 'state'} is full." in ended.stderr
        or "SCRATCH_FULL" in ended.stdout
    )
    others = [line for line in ended.stderr.splitlines() if not EDGE.match(line)]
    assert len(others) <= 3


@needs_mounts
def test_a_demo_without_room_goes_on_when_there_is_some(tmp_path: Path) -> None:
    state = tmp_path / "state"
    again = (
        f"echo '--' >&2; echo '--'; mount -o remount,size=300m '{state}'; {' '.join(demo(state))}"
    )
    ended = run(*demo(state), size="600k", state=state, more=again)
    (first, second), (told, silence) = ended.stdout.split("--\n"), ended.stderr.split("--\n")

    assert "Traceback" not in ended.stdout + ended.stderr
    assert "The counts add up" not in first
    assert told or "FULL" in first
    assert (ended.returncode, silence) == (0, "")
    assert "The counts add up" in second


@needs_mounts
def test_a_running_stack_refuses_while_the_disk_is_full_and_goes_on_after(tmp_path: Path) -> None:
    worker = str(ROOT / "tests" / "support" / "full_disk.py")
    ended = run(
        sys.executable, worker, str(tmp_path / "state"), size="120m", state=tmp_path / "state"
    )
    saw: dict[str, Any] = json.loads(ended.stdout)

    assert "Traceback" not in ended.stderr
    assert saw.pop("trouble").startswith(f"The disk that holds {tmp_path / 'state'} is full.")
    assert saw == {
        "first": "COMPLETED",
        "refused": [503, 503, 503],
        "known": True,
        "accepted": 202,
        "second": "COMPLETED",
        "over": None,
    }


@needs_mounts
def test_a_token_without_room_is_not_made_in_one_sentence(tmp_path: Path) -> None:
    state = tmp_path / "state"
    command = [
        sys.executable,
        "-m",
        "local",
        "token",
        "--name",
        "ada",
        "--role",
        "reader",
        "--state",
        str(state),
    ]
    ended = run(
        "true",
        size="8k",
        state=state,
        more=f"head -c 8192 /dev/zero > '{state}/full'; {' '.join(command)}",
    )

    assert (ended.returncode, ended.stdout) == (2, ""), ended
    told = f"The disk that holds {state} is full. Free some space there and try again: what was imported is kept.\n"
    assert ended.stderr == told


def test_a_limit_on_the_size_of_files_is_told_too(tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    ended = subprocess.run(
        demo(tmp_path),
        cwd=ROOT,
        env=SHORT_LEASE,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert ended.returncode == 2
    assert "Traceback" not in ended.stdout + ended.stderr
    assert str(tmp_path) in ended.stderr


def test_a_directory_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = subprocess.run(
        demo(tmp_path / "file" / "state"),
        cwd=ROOT,
        env=SHORT_LEASE,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "Not a directory" in ended.stderr
    assert "--state" in ended.stderr
