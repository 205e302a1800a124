"""`wellhead` as a process of its own, with a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from support.scripted_source import ScriptedSource

PROGRAM = Path(sys.executable).with_name("wellhead")

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
    return subprocess.run(
        [PROGRAM, *arguments],
        env=environment,
        input=told,
        stdin=subprocess.DEVNULL if told is None else None,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


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
