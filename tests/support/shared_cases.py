"""Servers that lie beside the checkout, each in a folder with a `server.py` that takes a port."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES = Path(__file__).parents[3] / "shared" / "cases"


@contextmanager
def case_server(number: str) -> Iterator[str]:
    """The URL of its entity set. The test is skipped where the folder is not there."""
    folder = next(iter(sorted(CASES.glob(f"{number}*"))), None)
    if folder is None:
        pytest.skip(f"there is no case {number} in {CASES}")
    port = _free_port()
    with subprocess.Popen([sys.executable, folder / "server.py", str(port)]) as server:
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}/odata/Wells"
        finally:
            server.kill()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait_for(port: int, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return
