"""FileConnection: files of the source over HTTP, from its address onto local disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.errors import FileTooLarge
from chalicelib.http.body import save_body
from chalicelib.http.connection import SourceConnection
from chalicelib.http.failures import safe_url
from chalicelib.warehouse.disk import disk_errors

if TYPE_CHECKING:
    from pathlib import Path

    import requests

    from chalicelib.errors import SourceError
    from chalicelib.http.allowance import Allowance


class FileConnection(SourceConnection):
    """A file may take as long as the whole source may, and be as large as its caller says."""

    def download(self, url: str, path: Path, *, most: int) -> str:
        """The SHA-256 of the file that was written to `path`.
        What breaks on the way is fetched anew. Raises SourceError, ScratchFull.
        """
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}

        def save(response: requests.Response, allowance: Allowance) -> str:  # noqa: ARG001  it counts by itself
            # Here, where no broken connection is meant.
            with disk_errors(), path.open("wb") as file:
                return save_body(response, file, most=most)

        def attempt() -> str:
            return self._exchange(url, headers, save, most=most, seconds=float("inf"))

        return self._retries.insist(attempt, {"url": safe_url(url)})

    def _too_large(self) -> SourceError:
        return FileTooLarge(
            "The file at the source's address is larger than what is read of one. Ask for it in parts."
        )
