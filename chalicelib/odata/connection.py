"""ODataConnection: the source's pages, each read while a failure can still be tried again.

A page is atomic: an error object with status 200 or a missing `value` is a failed page, never an
empty one.
"""

from __future__ import annotations

from chalicelib.errors import SourceError, SourceInvalid, SourceTimeSpent, WorkerTimeSpent
from chalicelib.http.connection import SourceConnection
from chalicelib.http.failures import safe_url, source_words
from chalicelib.metrics import record

from .envelope import BrokenPage, PageBody, count_of, read_page

LONGEST_COUNT = 100  # bytes
MOST_ROWS = 500_000  # of a page, unless more are asked for: a row takes 70 bytes beside its text


class ODataConnection(SourceConnection):
    def get_page(
        self, url: str, page: int, *, most: int | None = None, once: float | None = None
    ) -> tuple[PageBody, int]:
        """One page's body and its size in bytes, of `most` or what the setting allows;
        `once` as for get. Raises SourceError.
        """

        def read(content: bytes | bytearray) -> tuple[PageBody, int]:
            try:
                return read_page(content, most_rows=max(MOST_ROWS, self._settings.page_size)), len(
                    content
                )
            except BrokenPage as exc:
                raise SourceInvalid(
                    f"The source at {safe_url(url)} answered something that is no OData page: {source_words(exc)}. "
                    "Open the URL in a browser to see what it says."
                ) from None

        started = self._clock()
        body, size = self.get(url, read, most=most, once=once, page=page)
        seconds = self._clock() - started
        record(
            "a page is there", {"PageSeconds": seconds}, page=page, rows=len(body.rows), bytes=size
        )
        return body, size

    def count(
        self, counted: str, alone: str, *, most: int | None = None, once: float | None = None
    ) -> int | None:
        """How many rows there are, by a page without rows, of `most` bytes, or else by the number
        alone; None where the source tells neither. `once` as for get. Raises SourceTimeSpent,
        WorkerTimeSpent.
        """
        try:
            found = self.get_page(counted, page=1, most=most, once=once)[0].count
            return found if found is not None else self._count_alone(alone, once)
        except (SourceTimeSpent, WorkerTimeSpent):
            raise
        except SourceError:
            return self._count_alone(alone, once)

    def _count_alone(self, url: str, once: float | None) -> int | None:
        try:
            text = bytes(
                self.get(
                    url, lambda content: content, most=LONGEST_COUNT, accept="text/plain", once=once
                )
            )
        except (SourceTimeSpent, WorkerTimeSpent):
            raise
        except SourceError:
            return None
        return count_of(text.decode("ascii", "replace")) if text.strip().isdigit() else None

    def get_document(self, url: str, *, accept: str = "application/xml") -> bytes | bytearray:
        """Another document of the service, such as its `$metadata`, under the limits of a page.
        Raises SourceError.
        """
        return self.get(url, lambda content: content, accept=accept)
