"""Somebody who opens a published file for writing, as DuckDB does by default, and is killed:
his log stays.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_and_die(path: Path, statement: str = "CREATE TABLE notes (x INTEGER)") -> None:
    """An administrator's notebook: nobody else may write."""
    path.chmod(0o644)
    code = f"""
import duckdb, os, signal
notes = duckdb.connect({str(path)!r})
notes.execute({statement!r})
os.kill(os.getpid(), signal.SIGKILL)"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.with_name(f"{path.name}.wal").exists()
