"""Hypothesis takes longer to import than most unit tests to run, so nothing imports it for its
settings: they come with it, when the first test does.
"""

from __future__ import annotations

from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType


class ProfileOfHypothesis(MetaPathFinder):
    """Finds Hypothesis as Python does, for a loader that sets the profile."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "hypothesis":
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and spec.origin:
            spec.loader = _WithProfile(fullname, spec.origin)
        return spec


class _WithProfile(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        # No deadline: the machines that run this are shared, and a slow example is no wrong one.
        module.settings.register_profile("wellhead", deadline=None, print_blob=True)
        module.settings.load_profile("wellhead")
