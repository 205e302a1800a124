"""DuckDB on a function's own disk: its settings, and its word for a full disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ScratchFull

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb


def local_config(directory: Path, memory_mb: int) -> dict[str, str | bool | int | float | list[str]]:
    """All that DuckDB writes by itself goes into `directory`; it loads nothing from elsewhere."""
    return {
        "memory_limit": f"{memory_mb}MB",
        "temp_directory": str(directory / "spill"),
        "home_directory": str(directory),
        "extension_directory": str(directory / "extensions"),
        "autoinstall_known_extensions": False,
        "checkpoint_threshold": "1TB",  # a checkpoint at each commit rewrites the row groups again and again
    }


def raise_if_full(exc: duckdb.Error) -> None:
    if "No space left" in str(exc) or "max_temp_directory_size" in str(exc):
        raise ScratchFull from exc
