"""Runs a command that dies with the process that started it, even when that is ended by `kill -9`.

A program asks the kernel for that (parent_death.py), then becomes the command. A `preexec_fn`
would do the same, but is unsafe beside threads. The kernel counts the thread that started the
process as its parent, so that thread must outlive it.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

PROGRAM = Path(__file__).with_name("parent_death.py")


def start(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    cwd: Path,
    stdin: int = subprocess.DEVNULL,
    stdout: IO[bytes] | int | None = None,
    stderr: IO[bytes] | int | None = None,
) -> subprocess.Popen[bytes]:
    """In a process group of its own:
    Ctrl-C in the terminal reaches the stack alone, `kill` all of it.
    """
    return subprocess.Popen(
        [sys.executable, "-S", "-E", str(PROGRAM), str(os.getpid()), *command],
        env=environment,
        cwd=cwd,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )


def ask_to_end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, by number: Popen's own way would reap a process that somebody else waits for."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGTERM)


def kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def end(process: subprocess.Popen[bytes], *, patience: float = 1) -> None:
    """Ask first, then kill; returns when the process is gone."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.terminate()
        process.wait(patience)
    kill(process)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
