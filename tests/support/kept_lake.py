"""A lake after some imports, which are made once and kept for the tests of a module."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from local.catalog.server import CatalogHandler, CatalogServer
from support.merging import LakeStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chalicelib.lake.versions import Versions
    from support.merge_model import Import


class KeptLake:
    """Each test has it at the place where it was made,
    because its tables tell their files by whole names.
    """

    def __init__(self, directory: Path, *imports: Import) -> None:
        self._directory = directory
        self._lake, self._kept = directory / "lake", directory / "kept"
        self.published: list[Versions] = []  # by each import
        with CatalogServer(self._lake) as server:
            store = LakeStore(directory, server.url)
            for number, each in enumerate(imports, start=1):
                self._run(store, number, each)
                self.published.append(store.published)
        shutil.copytree(self._lake, self._kept)

    def _run(self, store: LakeStore, number: int, an_import: Import) -> None:
        store.run(number, an_import)

    @contextmanager
    def opened(
        self, directory: Path, handler: type[CatalogHandler] = CatalogHandler
    ) -> Iterator[LakeStore]:
        """As it was. What else an import needs on disk lies in the directory."""
        shutil.rmtree(self._lake)
        shutil.copytree(self._kept, self._lake)
        with CatalogServer(self._lake, handler=handler) as server:
            store = LakeStore(directory, server.url)
            store.published = self.published[-1]
            yield store
