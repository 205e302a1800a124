"""SourceReader: what an import asks of whoever reads its source, an OData service or files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chalicelib.odata.cursor import Cursor, Page
    from chalicelib.odata.survey import Survey


class SourceReader(Protocol):
    @property
    def retries(self) -> int: ...

    @property
    def waiting(self) -> dict[str, Any] | None:
        """What for, until when and which try."""

    @property
    def marks(self) -> list[str]:
        """Of the files that there are, another one for another content; none of a service."""

    def go_back(self, listing: str) -> None:
        """To the files that an import began with, by the listing that its survey told.
        Raises SourceError.
        """

    def survey(self, *, with_types: bool = False) -> Survey:
        """What the source shows of itself before the first page. Raises SourceError."""

    def survey_by_keys(self, survey: Survey, key: list[str]) -> Survey | None:
        """What to ask by keys with; None where that cannot be."""

    def is_steady(self, cursor: Cursor, survey: Survey) -> bool | None:
        """Whether the same order was shown twice; None where nobody can tell."""

    def first_cursor(
        self,
        key: Iterable[str],
        survey: Survey,
        *,
        changed_since: float | None = None,
        limits: str = "",
        way: str = "",
    ) -> Cursor:
        """Before the first row. Raises SourceError."""

    @property
    def most_at_once(self) -> int:
        """Parts that one worker may read at once."""

    @property
    def most_workers(self) -> int:
        """Parts that workers of their own may read at once."""

    def parts(self, cursor: Cursor, survey: Survey, *, most: int) -> list[Cursor]:
        """Before the first rows of parts that can be read at once, in the order of their rows:
        at most so many, and one where nothing can be cut. Raises SourceError.
        """

    def part(self, cursor: Cursor, survey: Survey, *, like: Cursor) -> Cursor:
        """Before the first row of the part that `like` is in;
        `cursor` is before the first of all rows.
        """

    def pages(self, cursor: Cursor, survey: Survey) -> Iterator[Page]:
        """From the cursor to the end of its part. Raises SourceError, which names the page."""

    def close(self) -> None: ...
