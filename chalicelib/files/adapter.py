"""FilesAdapter: files as a stream of pages, behind the same few methods as ExternalApiAdapter.

The files are listed once. Each is brought onto local disk when it is its turn, unpacked there, read
to its end and removed; a page is one piece of it. Its members and sheets count as files of their
own. Neighbouring files are a part of the source that can be read beside others, and so are the rows
of a large one from one place to another.
"""

from __future__ import annotations

import shutil
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from chalicelib.errors import FileError
from chalicelib.odata.cursor import Cursor, Page
from chalicelib.odata.reading import End
from chalicelib.odata.survey import Survey

from .fetched_once import FetchedOnce
from .known import NOTHING_KNOWN, mark_of
from .limits import USUAL
from .open_file import OpenFile
from .page import cursor_at, first_part, page_of
from .piece import Mark
from .place import digest_of, listing_of, other_files
from .position import Position
from .stretch import Stretch, even, stretches_of
from .tools import MEMORY_MB, Tools

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from .form import FileForm
    from .known import Known
    from .limits import Limits
    from .piece import Piece
    from .place import Listed, Place

AT_ONCE = 2  # parts, in the threads of one worker
MOST_WORKERS = 16
LEAST_PARTS = 2
LEAST_BYTES = 16 << 20  # of a part, as its files are listed
# Bytes, of a part of one that is cut: to find where costs a look at all its rows.
LEAST_OF_A_FILE = 64 << 20


class FilesAdapter:
    """`form` has what the definition says of the files, and `decimal` is the sign that its texts of
    numbers have. `directory` is this worker's own, on local disk; it is emptied by `close`. Files
    that are `known` are not read. `unpivot` has the pattern of the `fields` that become rows, and
    the name of their `value`. DuckDB may take `memory_mb` for a piece. A part has at least
    `part_bytes`, and one of a file that is cut at least `cut_bytes`.
    """

    def __init__(
        self,
        form: FileForm,
        place: Place,
        directory: Path,
        *,
        decimal: str = ".",
        limits: Limits = USUAL,
        known: Known = NOTHING_KNOWN,
        unpivot: Any = None,
        memory_mb: int = MEMORY_MB,
        part_bytes: int = LEAST_BYTES,
        cut_bytes: int = LEAST_OF_A_FILE,
    ) -> None:
        self._place = place
        self._directory = directory
        self._known = known
        self._listed: list[Listed] = []
        self._files: list[Listed] | None = None
        self._memory_mb = memory_mb
        self._part_bytes = part_bytes
        self._cut_bytes = cut_bytes
        self._open_in = partial(
            OpenFile, form=form, decimal=decimal, limits=limits, unpivot=unpivot
        )
        self._own = self._open_in(place, Tools(directory, memory_mb=memory_mb))
        self._cut = FetchedOnce(place, directory / "cut")

    @property
    def retries(self) -> int:
        return self._place.retries

    @property
    def waiting(self) -> dict[str, Any] | None:
        """What for, until when and which try."""
        return self._place.waiting

    def close(self) -> None:
        self._own.close()
        self._place.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def files(self) -> list[Listed]:
        """Those to read, in the order of their names. Raises FilesNotFound, SourceError."""
        if self._files is None:
            self._listed = self._place.files()
            self._files = self._known.without(self._listed)
        return self._files

    def go_back(self, listing: str) -> None:
        """To the files of an import that began with this listing, where they are as they were:
        what came since is for the next import. Raises FilesNotFound, SourceError.
        """
        digest, _, newest = listing.partition(".")
        if not newest or digest_of(self.files()) == digest:
            return
        before = [listed for listed in self._listed if listed.since <= int(newest)]
        files = self._known.without(before)
        if digest_of(files) == digest:
            self._listed = before
            self._files = files

    @property
    def marks(self) -> list[str]:
        """Of all files that are there, read or known before."""
        return [mark_of(listed) for listed in self._listed]

    def survey(self, *, with_types: bool = False) -> Survey:  # noqa: ARG002  a file tells what it tells
        """The fields of the first file that has some, each with an example. Raises SourceError."""
        files = listing_of(self.files())
        for listed in self.files():
            opened = self._own.open(listed)
            for member in range(len(opened.members)):
                for reader in self._own.readers(opened, member):
                    if reader.names:
                        names = list(reader.names)
                        return Survey(fields=names, values=dict(reader.examples), files=files)
        return Survey(files=files)

    def survey_by_keys(self, survey: Survey, key: list[str]) -> Survey | None:
        """None: nothing is asked by keys."""

    def is_steady(self, cursor: Cursor, survey: Survey) -> bool:  # noqa: ARG002
        """Files have one order."""
        return True

    def first_cursor(
        self,
        key: Iterable[str],  # noqa: ARG002  rows come in the order of the files
        survey: Survey,  # noqa: ARG002
        *,
        changed_since: float | None = None,
        limits: str = "",
        way: str = "",  # noqa: ARG002
    ) -> Cursor:
        """At the first row of the first file; at the end where there is none to read.
        Raises SourceError.
        """
        files = self.files()
        url = Position(files=digest_of(files)).url if files else None
        ended = "" if files else str(End.FILES)
        is_part = len(files) < len(self._listed)
        return Cursor(
            url=url, changed_since=changed_since, limits=limits, ended=ended, is_part=is_part
        )

    @property
    def most_at_once(self) -> int:
        """More would take memory for files that wait for one of two cores."""
        return AT_ONCE

    @property
    def most_workers(self) -> int:
        """Each has a core and a memory of its own."""
        return MOST_WORKERS

    def parts(self, cursor: Cursor, survey: Survey, *, most: int) -> list[Cursor]:  # noqa: ARG002
        """Neighbouring files of some size, in the order of their names, or rows of a large one;
        rows of a later file replace those of an earlier one all the same.
        """
        sizes = [listed.size for listed in self.files()]
        stretches = list(stretches_of(sizes, most=most, least=self._part_bytes, cuts=self._cuts))
        if cursor.url is None or len(stretches) < LEAST_PARTS:
            return [cursor]
        return [self._part(cursor, str(stretch)) for stretch in stretches]

    def _cuts(self, place: int, wanted: int) -> list[Mark]:
        """Where a file parts into so many ranges of rows; nothing where it is better read as a
        whole, or has to be. What is wrong with it is told when it is read. Raises FileChanged,
        SourceError, ScratchFull, OutOfMemory.
        """
        listed = self.files()[place]
        wanted = min(wanted, listed.size // self._cut_bytes)
        if wanted < LEAST_PARTS or not self._place.is_shared:
            return []

        try:
            marks = list(self._own.marks(listed))
        except FileError:
            marks = []
        self._place.check(listed)  # the marks may be those of a file that grew meanwhile
        self._own.close()  # each part opens it anew, and its copy may be large
        if not marks:
            return []
        rows = marks[-1].row  # the last mark stands at the end of the file
        return even(marks, wanted, rows)

    def part(self, cursor: Cursor, survey: Survey, *, like: Cursor) -> Cursor:  # noqa: ARG002
        """Before the first row of the part that `like` is in."""
        return self._part(cursor, like.range)

    def _part(self, cursor: Cursor, text: str) -> Cursor:
        part = Stretch.of(text)
        files = digest_of(self.files())
        position = Position(files=files, at=part.first, mark=part.mark, part=part)
        return replace(cursor, url=position.url, range=text)

    def pages(self, cursor: Cursor, survey: Survey) -> Iterator[Page]:  # noqa: ARG002  each file has fields of its own
        """From the cursor to the end of its part. Several parts may be read at once, each by one
        thread. Raises FileChanged: the files are others than those it was made for; SourceError,
        ScratchFull, OutOfMemory.
        """
        position = self._position(cursor)
        with self._opening(position) as open_file:
            while position:
                for page in self._pages_of_one(cursor, position, open_file):
                    yield page
                    cursor = page.next
                position = Position.of(cursor.url) if cursor.url else None

    @contextmanager
    def _opening(self, position: Position | None) -> Iterator[OpenFile]:
        """The file that the survey has opened;
        of a part that is read beside others one of its own.
        """
        if position is None or position.part is None:
            yield self._own
            return

        part = position.part
        directory = self._directory / f"part-{position.at}-{part.mark.row}"
        tools = Tools(directory, memory_mb=self._memory_mb)
        # Only of a file that is cut do several parts, in as many threads, need the same copy.
        place = nullcontext(self._place) if part.begun is None else self._cut.hold()
        with place as files, closing(self._open_in(files, tools)) as open_file:
            yield open_file  # the directory stays: the last pieces in it are still to be staged

    def _position(self, cursor: Cursor) -> Position | None:
        if cursor.url is None:
            return None
        position = Position.of(cursor.url)
        if position.files != digest_of(self.files()):
            raise other_files()
        return position

    def _pages_of_one(
        self, cursor: Cursor, position: Position, open_file: OpenFile
    ) -> Iterator[Page]:
        """Up to the end of a file, a member or a sheet."""
        listed = self.files()[position.at]
        opened = open_file.open(listed)
        readers = open_file.readers(opened, position.member)
        reader = readers[position.sheet]
        after = self._after(position, sheets=len(readers), members=len(opened.members))

        is_at_end = False
        until = position.part.until if position.part else None
        for piece in self._check_while(reader.pieces(position.mark, until), listed):
            is_at_end = piece.is_last
            behind = replace(position, mark=piece.mark)
            page = page_of(cursor, position, piece, reader, after if is_at_end else behind)
            yield page
            cursor = page.next
            position = behind

        if not is_at_end:  # nothing came after the last row but blank lines
            self._place.check(listed)
            yield Page(
                number=position.number,
                part=first_part(position),
                rows=[],
                next=cursor_at(cursor, after),
                file=reader.file,
            )

    def _check_while(self, pieces: Iterator[Piece], listed: Listed) -> Iterator[Piece]:
        """Raises FileChanged; whatever else is wrong with a file that changes comes of that."""
        try:
            for piece in pieces:
                self._place.check(listed)
                yield piece
        except FileError:
            self._place.check(listed)
            raise

    def _after(self, position: Position, *, sheets: int, members: int) -> Position | None:
        """Where the next file, member or sheet begins."""
        here = replace(position, number=position.number + 1, sheet=0, mark=Mark())
        if position.sheet + 1 < sheets:
            return replace(here, sheet=position.sheet + 1)
        if position.member + 1 < members:
            return replace(here, member=position.member + 1)
        past = position.part.past if position.part else len(self.files())
        if position.at + 1 < past:
            return replace(here, at=position.at + 1, member=0)
        return None
