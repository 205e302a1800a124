"""A folder that the workers of a test run have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def run_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each worker has a folder of its own below it; without workers there is the one alone."""
    basis = tmp_path_factory.getbasetemp()
    return basis.parent if basis.name.startswith("popen-") else basis
