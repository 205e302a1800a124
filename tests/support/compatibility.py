"""Environments of other DuckDBs."""

from __future__ import annotations

import os
from pathlib import Path

ENVIRONMENTS = Path(
    os.environ.get("COMPATIBILITY") or Path.home() / ".cache" / "wellhead" / "compatibility"
)
