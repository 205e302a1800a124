"""One server for all the workers of a test run:
whoever comes first starts it, the last one to go ends it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

KEEPER = Path(__file__).with_name("keeper.py")


class DidNotStart(Exception):
    """What the server said."""


@contextmanager
def alone(file: Path) -> Iterator[None]:
    with file.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def shared(
    directory: Path,
    prepare: Callable[[Path], list[str]],
    environment: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """The address of a running server, which it prints as `ready ADDRESS`. `prepare` fills the
    folder in which the server runs, DIRECTORY/app, and answers the command. Raises DidNotStart.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "users").open("a") as users:
        with alone(directory / "start.lock"):
            fcntl.flock(users, fcntl.LOCK_SH)
            if not (directory / "address").exists():
                _start(directory, prepare, environment or {})
        yield (directory / "address").read_text()


def _start(
    directory: Path, prepare: Callable[[Path], list[str]], environment: Mapping[str, str]
) -> None:
    app = directory / "app"
    shutil.rmtree(app, ignore_errors=True)
    app.mkdir()
    known = {"PATH": os.environ["PATH"], "HOME": str(app), **environment}
    with (directory / "keeper.log").open("wb") as log:
        command = [sys.executable, str(KEEPER), str(directory), *prepare(app)]
        done = subprocess.run(
            command, env=known, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
        )
    if done.returncode:
        raise DidNotStart((directory / "log").read_text() + (directory / "keeper.log").read_text())
