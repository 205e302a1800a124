"""ListFile: all rows of a list as one file, for a spreadsheet or another program.

DuckDB writes the rows into a Parquet file on local disk, whatever it has to sort for it; CSV and
Excel are made of that one, some thousand rows at a time. So memory does not grow with the list, and
the database is free for others meanwhile. What is small is the answer itself. What is not goes to
the warehouse, under a name of its snapshot, question, hour and number of rows: there the same
question finds it, and nothing is made again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib.errors import ListTooLarge, OutOfMemory, QueryTooLarge, WarehouseUnavailable
from chalicelib.store.own_directory import OwnDirectory
from chalicelib.warehouse.checksum import stored_with_checksum
from chalicelib.warehouse.names import (
    StoredFile,
    Warehouse,
    list_file_name,
    list_file_prefix,
    list_file_rows,
    sha256_of,
)

from .csv_file import write_csv
from .excel_file import MOST_SHEET_ROWS, write_excel
from .function import DOWNLOAD_SECONDS, MOST_BYTES, named_snapshot
from .list_rows import ListRows
from .pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from chalicelib.api.formats import Format

    from .published import PublishedProduction
    from .query import Query

# To sort them takes some ten seconds.
MOST_ROWS = {"parquet": 2_000_000, "csv": 2_000_000, "xlsx": MOST_SHEET_ROWS}
MAKING_SECONDS = 17.0  # of the 22 for which somebody waits; the rest is for sending
HOUR = 3600


@dataclass(frozen=True, kw_only=True)
class ListFile:
    """`directory` is on local disk."""

    warehouse: Warehouse
    published: PublishedProduction
    directory: Path
    memory_mb: int
    clock: Callable[[], float] = time.time
    seconds: float = MAKING_SECONDS
    most_rows: Mapping[str, int] = field(default_factory=lambda: MOST_ROWS)
    most_bytes: int = MOST_BYTES

    def of(self, query: Query, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """The file as `text` or `content` (base64), or the `url` where it is, and what else is to
        be told of it. `wanted` are the arguments as the list's method takes them. Raises
        ListTooLarge, QueryTooSlow, ScratchFull, ChangesNotKept, WarehouseUnavailable, and what
        PublishedProduction does.
        """
        form = query.file
        if form is None:
            raise ValueError("no file is asked for")
        most = self.most_rows[form.kind]
        own = OwnDirectory(self.directory)
        began = time.monotonic()

        def remaining_seconds() -> float:
            return self.seconds - (time.monotonic() - began)

        try:
            rows = own.path / "rows.parquet"
            with self.published.query(query.snapshot) as production:
                snapshot = production.snapshot
                made_before = self._find_file(query, snapshot)
                if made_before:
                    return made_before
                count = production.write_list(
                    query.name, rows, wanted, most=most, seconds=remaining_seconds()
                )
            if count > most:
                raise _too_large(most, form.kind)

            pace = Pace(count, kind=form.kind, seconds=remaining_seconds())
            path = self._write(rows, own.path, query, pace)
            content = self._content(path, form)
            answer = content or self._address(path, query, snapshot, rows=count)
            return {**answer, "rows": count, "snapshot": named_snapshot(snapshot)}
        except OutOfMemory as exc:  # an import's word for it
            raise QueryTooLarge from exc
        finally:
            own.remove()

    def _write(self, rows: Path, directory: Path, query: Query, pace: Pace) -> Path:
        form = query.file
        if form is None or form.kind == "parquet":
            return rows

        path = directory / f"list.{form.kind}"
        with ListRows(rows, directory=directory, memory_mb=self.memory_mb) as list_rows:
            if form.kind == "csv":
                write_csv(path, list_rows, form.dialect, pace)
            else:
                write_excel(path, list_rows, pace, title=query.name)
        return path

    def _content(self, path: Path, form: Format) -> dict[str, Any] | None:
        """None for what is too large for an answer, or for whoever cannot take bytes as one."""
        size = path.stat().st_size
        if not form.is_taken or size > self.most_bytes:
            return None

        if form.kind == "csv":
            text = path.read_bytes().decode()  # whose ends of lines stay as they are
            if len(json.dumps(text)) <= self.most_bytes:
                return {"text": text}
            return None

        if size * 4 > (self.most_bytes - 4) * 3:  # base64 writes three bytes as four letters
            return None
        content = base64.b64encode(path.read_bytes())
        return {"content": content.decode()}

    def _find_file(self, query: Query, snapshot: str | None) -> dict[str, Any] | None:
        """What was made for the same question within the hour, and is read at an address."""
        prefix = list_file_prefix(self._hour, _mark(query, snapshot))
        for name in self.warehouse.names(prefix):
            rows = list_file_rows(name)
            stored = stored_with_checksum(self.warehouse, name)
            if stored and rows is not None:
                answer = self._answer_with(stored, query)
                return {**answer, "rows": rows, "snapshot": named_snapshot(snapshot)}
        return None

    def _address(
        self, path: Path, query: Query, snapshot: str | None, *, rows: int
    ) -> dict[str, Any]:
        kind = query.file.kind if query.file else "parquet"
        name = list_file_name(self._hour, _mark(query, snapshot), kind, rows=rows)
        file = StoredFile(name=name, bytes=path.stat().st_size, sha256=sha256_of(path))
        stored = self._put(file, path)
        return self._answer_with(stored, query)

    def _answer_with(self, file: StoredFile, query: Query) -> dict[str, Any]:
        _, _, ending = file.name.rpartition(".")
        saved_as = f"{query.name}.{ending}"
        url = self.warehouse.download_url(file.name, seconds=DOWNLOAD_SECONDS, saved_as=saved_as)
        expires_at = None if url.startswith("file:") else self.clock() + DOWNLOAD_SECONDS
        return {
            "url": url,
            "expires_at": expires_at,
            "name": file.name,
            "bytes": file.bytes,
            "sha256": file.sha256,
        }

    @property
    def _hour(self) -> int:
        hours = int(self.clock()) // HOUR
        return hours * HOUR

    def _put(self, file: StoredFile, path: Path) -> StoredFile:
        """The same question within an hour has the same file:
        the one that is there stays, and is told of.
        """
        try:
            self.warehouse.put(file.name, path, sha256=str(file.sha256))
        except WarehouseUnavailable:
            stored = stored_with_checksum(self.warehouse, file.name)
            if stored:
                return stored
            raise
        return file


def _mark(query: Query, snapshot: str | None) -> str:
    text = json.dumps([snapshot, query.event], sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return digest[:32]


def _too_large(most: int, kind: str) -> ListTooLarge:
    words = {
        "xlsx": f"A sheet of Excel has room for {most:,} rows below its headings, and the list has more.",
        "csv": f"A CSV file is made of {most:,} rows at most, and the list has more.",
        "parquet": f"A Parquet file of a list is made of {most:,} rows at most, and the list has more.",
    }
    less = "Ask for less, such as one field or fewer years"
    other_way = "take format=parquet" if kind == "xlsx" else "take the export, which has all rows"
    sentence = f"{words[kind]} {less}, or {other_way}."
    return ListTooLarge(sentence, most_rows=most, format=kind)
