"""SecretWords: what no error may repeat.
A source may say again what it was sent, in its own words or in a link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from .signing import SourceAuth, written_anyhow

if TYPE_CHECKING:
    from requests.auth import AuthBase

    from chalicelib.errors import SourceError

SHORTEST_SECRET = 4  # characters; a shorter word would be in every sentence
SHORTEST_IN_PATH = 8  # a word such as `json` may be a part of any path


class SecretWords:
    """The values in the query of the source's own address, and the credentials."""

    def __init__(self, source_url: str, auth: AuthBase | None) -> None:
        # The longest first: one may be the beginning of another, whose rest could be read.
        self._forms = sorted(written_anyhow(_query_values(source_url)), key=len, reverse=True)
        self._auth = auth

    def hide_in(self, exc: SourceError) -> None:
        """Whose details have the `url` already."""
        exc.message = self._hide(exc.message)
        exc.details["says"] = self._hide(exc.details.get("says", ""))
        exc.details["url"] = self._hide(exc.details["url"], shortest=SHORTEST_IN_PATH)
        exc.args = (exc.message,)  # they are what a traceback shows

    def _hide(self, text: str, shortest: int = SHORTEST_SECRET) -> str:
        for form in self._forms:
            if len(form) < shortest:
                break
            text = text.replace(form, "…")
            for length in range(len(form) - 1, SHORTEST_SECRET - 1, -1):
                text = text.replace(f"{form[:length]}…", "…")  # a long sentence is cut there
        if isinstance(self._auth, SourceAuth):
            text = self._auth.hide(text)
        return text


def _query_values(url: str) -> list[str]:
    """Of the options that are not OData's: one of them may be a key.
    Of `?key=k-123456&$top=5`: `k-123456`.
    """
    options = parse_qsl(urlsplit(url).query)
    return [
        value
        for name, value in options
        if not name.startswith("$") and len(value) >= SHORTEST_SECRET
    ]
