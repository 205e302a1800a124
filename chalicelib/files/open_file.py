"""OpenFile: one file of a source at a time, on local disk and open, for one thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .kind import is_packed_by_name
from .opened import OpenedFile
from .unpivoting import LongReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .form import FileForm
    from .limits import Limits
    from .piece import Mark, Reader
    from .place import Listed, Place
    from .tools import Tools


class OpenFile:
    """`decimal` is the sign that texts of numbers have. `unpivot` has the pattern of the `fields`
    that become rows, and the name of their `value`.
    """

    def __init__(
        self,
        place: Place,
        tools: Tools,
        *,
        form: FileForm,
        decimal: str,
        limits: Limits,
        unpivot: Any,
    ) -> None:
        self._place = place
        self._tools = tools
        self._form = form
        self._decimal = decimal
        self._limits = limits
        self._unpivot = unpivot
        self._listed: Listed | None = None
        self._opened: OpenedFile | None = None

    def open(self, listed: Listed) -> OpenedFile:
        """It stays open for what is asked of it next; the one before is closed.
        Raises SourceError, ScratchFull.
        """
        if self._opened is None or self._listed != listed:
            self._close_file()
            path = self._place.fetch(listed, self._tools.new_path())
            self._opened = OpenedFile(
                path,
                listed.name,
                form=self._form,
                decimal=self._decimal,
                limits=self._limits,
                tools=self._tools,
            )
            self._listed = listed
        return self._opened

    def readers(self, opened: OpenedFile, member: int) -> list[Reader]:
        """A reader a table of the member. Raises FileError, ScratchFull."""
        readers = opened.readers(member)
        if self._unpivot is None:
            return readers
        pattern = self._unpivot.fields
        value = self._unpivot.value
        return [
            LongReader(
                reader, pattern=pattern, value=value, decimal=self._decimal, tools=self._tools
            )
            for reader in readers
        ]

    def marks(self, listed: Listed) -> Iterator[Mark]:
        """Places between two pieces of the file; none of one that has to be read from its beginning
        on. Raises SourceError, ScratchFull, OutOfMemory.
        """
        if is_packed_by_name(listed.name):
            return iter(())
        opened = self.open(listed)
        readers = [] if opened.is_packed else self.readers(opened, 0)
        return readers[0].marks() if len(readers) == 1 else iter(())

    def close(self) -> None:
        self._close_file()
        self._tools.close()

    def _close_file(self) -> None:
        if self._opened:
            self._opened.close()
        self._opened = self._listed = None
