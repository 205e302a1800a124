"""`wellhead` as a process of its own, with a home of its own.

What `run` runs is forked off a process that has loaded the program and has done nothing else: to
load it is most of what a short run costs. What `on_a_terminal` runs, and whoever starts PROGRAM
itself, begins at the beginning.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from support.scripted_source import ScriptedSource

PROGRAM = Path(sys.executable).with_name("wellhead")
SECONDS = 60.0
STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))

Done = subprocess.CompletedProcess[str]


def program_environment(home: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONWARNINGS": "error",
        "COLUMNS": "100",
    }


def environment_at(server: ScriptedSource, home: Path) -> dict[str, str]:
    return program_environment(home) | {"WELLHEAD_URL": server.root, "WELLHEAD_TOKEN": "t"}


def run(
    *arguments: str, environment: dict[str, str], told: str | None = None, cwd: Path | None = None
) -> Done:
    with TemporaryDirectory(prefix="wellhead-run-") as name:
        streams = Path(name)
        (streams / "stdin").write_text(told or "", "utf-8")
        process = _loaded_program().Process(
            target=_run_loaded, args=(arguments, environment, cwd or Path.cwd(), streams)
        )
        process.start()
        process.join(SECONDS)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired([PROGRAM, *arguments], SECONDS)
        output, errors = ((streams / name).read_text("utf-8") for name in ("stdout", "stderr"))
        return Done([PROGRAM, *arguments], process.exitcode, output, errors)


def _loaded_program() -> Any:
    """It is loaded once, when the first run asks for it."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["clients.cli.main"])
    return forks


def _run_loaded(
    arguments: tuple[str, ...], environment: dict[str, str], cwd: Path, streams: Path
) -> None:
    """In the new process: it becomes what Python's start would have made of it."""
    from clients.cli.main import main

    gc.freeze()  # or it would copy the pages that it looks through for garbage
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(cwd)
    for number, (name, mode) in enumerate(STREAMS):
        with (streams / name).open(mode) as file:
            os.dup2(file.fileno(), number)
        is_error = name == "stderr"
        stream = os.fdopen(
            number,
            mode,
            encoding="utf-8",
            errors="backslashreplace" if is_error else "strict",
            closefd=False,
        )
        setattr(sys, name, stream)
    warnings.simplefilter("error")  # PYTHONWARNINGS of the environment is read at Python's start
    sys.argv = [str(PROGRAM), *arguments]
    sys.exit(main())


def run_at(server: ScriptedSource, home: Path, *arguments: str, **options: Any) -> Done:
    return run(*arguments, environment=environment_at(server, home), **options)


def on_a_terminal(
    *arguments: str, environment: dict[str, str], typed: str | None = None, code: int = 0
) -> tuple[str, str]:
    """What comes on stdout and on stderr, each a terminal of its own;
    with `typed`, stdin is one too.
    """
    terminals = [os.openpty() for _ in range(2)]
    keyboard = os.openpty() if typed is not None else None
    process = subprocess.Popen(
        [PROGRAM, *arguments],
        env=environment | {"TERM": "xterm-256color"},
        stdin=keyboard[1] if keyboard else subprocess.DEVNULL,
        stdout=terminals[0][1],
        stderr=terminals[1][1],
    )
    for _, end in terminals:
        os.close(end)
    heard = [bytearray(), bytearray()]
    readers = [
        threading.Thread(target=read_all, args=(near, into))
        for (near, _), into in zip(terminals, heard, strict=True)
    ]
    for reader in readers:
        reader.start()
    if keyboard:
        os.write(keyboard[0], (typed or "").encode())
    assert process.wait(60) == code
    for reader in readers:
        reader.join()
    for end in keyboard or ():
        os.close(end)
    return heard[0].decode(), heard[1].decode()


def read_all(terminal: int, into: bytearray) -> None:
    try:
        while piece := os.read(terminal, 65536):
            into += piece
    except OSError:  # Linux says so when the other end is closed
        pass
    os.close(terminal)
