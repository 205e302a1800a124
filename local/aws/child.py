"""Runs a command that dies with the process that started it, even when that is ended by `kill -9`.

`python child.py PARENT_PID COMMAND...` asks the kernel (Linux) to kill this process when its parent
goes, then becomes the command. A `preexec_fn` would do the same, but is unsafe beside threads. The
kernel counts the thread that started the process as its parent, so that thread must outlive it.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1


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
        [sys.executable, "-S", "-E", __file__, str(os.getpid()), *command],
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


def main(parent: int, command: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it went before the request was made
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
