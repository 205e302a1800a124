"""OpenedFile: a file on local disk, and the tables that are in it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.errors import FileFormatUnknown, FileUnreadable
from chalicelib.warehouse.disk import disk_errors

from .csv_dialect import dialect_of
from .csv_pieces import CsvPieces
from .encoding import Text, as_utf8
from .excel import sheets_of
from .json_array import JsonArray
from .json_rows import JsonElements, JsonLines
from .kind import GZIP, beginning_of, kind_of
from .parquet import ParquetPieces
from .unpacking import Member, is_archive, members_of, unpack_gzip, unpack_member

if TYPE_CHECKING:
    from .csv_dialect import Dialect
    from .form import FileForm
    from .limits import Limits
    from .piece import Reader
    from .tools import Tools


class OpenedFile:
    """`members` are those of an archive that are read, or the file itself. `decimal` is the sign
    that texts of numbers have.
    What was written for one is removed when another one is asked for.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        *,
        form: FileForm,
        decimal: str,
        limits: Limits,
        tools: Tools,
    ) -> None:
        self._name = name
        self._decimal = decimal
        self._form = form
        self._limits = limits
        self._tools = tools
        self._written: list[Path] = []
        self._readers: tuple[int, list[Reader]] | None = None
        self._path = self._unpack(path, name)
        # What was written by now is of the file, and stays while it is open; what comes is of one
        # member, and goes with it.
        self._own = list(self._written)
        self._written = []
        self.is_packed = self._path != path
        self.members = self._members()

    def readers(self, member: int) -> list[Reader]:
        """A reader a table: of the member, or of each of its sheets.
        Raises FileError, ScratchFull.
        """
        if self._readers and self._readers[0] == member:
            return self._readers[1]

        self._remove_copies()
        readers = self._new_readers(self.members[member])
        self._readers = member, readers
        return readers

    def close(self) -> None:
        self._remove_copies()
        for path in self._own:
            _remove(path)

    def _members(self) -> list[Member]:
        if is_archive(self._path, file=self._name, limits=self._limits):
            self.is_packed = True
            return members_of(
                self._path, file=self._name, pattern=self._form.members, limits=self._limits
            )
        return [Member(self._name)]

    def _unpack(self, path: Path, name: str) -> Path:
        if path.parent == self._tools.directory:  # a copy; what lies elsewhere is somebody's
            self._written.append(path)
        if not beginning_of(path).startswith(GZIP):
            return path
        target = self._new_path()
        unpack_gzip(path, target, file=name, limits=self._limits)
        return target

    def _new_readers(self, member: Member) -> list[Reader]:
        path = self._path
        if member.entry:
            unpacked = self._new_path()
            unpack_member(self._path, member, unpacked, limits=self._limits)
            path = self._unpack(unpacked, member.name)  # a gzip in a zip
            if is_archive(path, file=member.name, limits=self._limits):
                raise FileFormatUnknown(
                    f"{member.name} is an archive in an archive. Unpack it before.",
                    file=member.name,
                )

        if not path.stat().st_size:
            raise FileUnreadable(
                f"{member.name} is empty. Ask for a new copy.", file=member.name, row=0
            )
        return self._readers_of(path, member.name)

    def _readers_of(self, path: Path, file: str) -> list[Reader]:
        kind = kind_of(path, file, self._form.format)
        if kind in ("xlsx", "xls"):
            return self._sheets(path, file)
        if kind == "parquet":
            return [ParquetPieces(path, file=file, limits=self._limits, tools=self._tools)]

        text = as_utf8(path, self._form.encoding, target=self._new_path(), file=file)
        if kind == "ndjson":
            return [JsonLines(text, file=file, limits=self._limits)]
        if kind == "json":
            array = JsonArray(self._own_copy(text), self._form.records, file=file)
            return [JsonElements(array, file=file, limits=self._limits)]

        dialect = dialect_of(text, self._form, file=file, limits=self._limits)
        return [self._csv(text.path, dialect, file)]

    def _sheets(self, path: Path, file: str) -> list[Reader]:
        # As excel_process.py writes it, whatever the definition says of a CSV.
        form = replace(self._form, delimiter=",", quote='"', comment="")
        directory = self._new_path()
        sheets = sheets_of(path, directory, pattern=form.sheet, file=file, limits=self._limits)

        readers: list[Reader] = []
        for sheet in sheets:
            dialect = dialect_of(Text(sheet.path), form, file=file, limits=self._limits)
            first_row = lines_before(sheet.path, dialect.start)
            sheet.write_numbers(self._decimal, first_row=first_row, file=file)
            kinds = sheet.kinds(len(dialect.names), first_row=first_row)
            readers.append(self._csv(sheet.path, dialect, file, sheet=sheet.name, kinds=kinds))
        return readers

    def _csv(
        self,
        path: Path,
        dialect: Dialect,
        file: str,
        *,
        sheet: str = "",
        kinds: tuple[str, ...] = (),
    ) -> CsvPieces:
        return CsvPieces(
            path,
            dialect,
            file=file,
            limits=self._limits,
            count_rows=self._tools.count_rows,
            new_path=lambda: self._tools.new_path(".csv"),
            sheet=sheet,
            kinds=kinds,
        )

    def _own_copy(self, text: Text) -> Text:
        """A file of somebody else may become shorter while it is mapped, which ends the process."""
        if text.path.parent == self._tools.directory:
            return text
        with disk_errors():
            return replace(text, path=Path(shutil.copyfile(text.path, self._new_path())))

    def _new_path(self) -> Path:
        path = self._tools.new_path()
        self._written.append(path)
        return path

    def _remove_copies(self) -> None:
        self._readers = None
        for path in self._written:
            _remove(path)
        self._written = []


def lines_before(path: Path, byte: int) -> int:
    with path.open("rb") as file:
        return file.read(byte).count(b"\n")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
