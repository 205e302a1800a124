"""Origins: where the credentials of the source may go, and no further.

They go to the configured origin and its listed aliases. A link or redirect to another one is
refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin

from chalicelib.errors import SourceInvalid, SourceRedirected

from .failures import safe_url
from .url_parts import url_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

# Bytes, as the longest request line of the usual servers; it goes into the job's item, twice.
LONGEST_LINK = 16 << 10
DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    scheme: str | None
    host: str | None
    port: int | None

    @classmethod
    def of(cls, url: str) -> Origin:
        parts = url_parts(url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme or "")
        return cls(parts.scheme, parts.host, port)


class Origins:
    def __init__(self, source_url: str, aliases: Sequence[str]) -> None:
        self._configured = Origin.of(source_url)
        self._allowed = {Origin.of(url) for url in (source_url, *aliases)}

    def follow(self, url: str, link: str, **details: Any) -> str:
        """The address that a link of the document at `url` leads to. `details` go into the error.
        Raises SourceRedirected, SourceInvalid.
        """
        size = len(link.encode(errors="surrogatepass"))  # JSON can write half a character
        if size > LONGEST_LINK:
            raise SourceInvalid(
                f"The source at {safe_url(url)} gave a link of more than {LONGEST_LINK:,} bytes. Ask its operator.",
                **details,
            )
        try:
            address = self._keep_secret(urljoin(url, link))
            origin = Origin.of(address)
        except ValueError as exc:
            raise SourceInvalid(
                f"The source at {safe_url(url)} gave a link that is no URL.", **details
            ) from exc
        if origin not in self._allowed:
            raise SourceRedirected(
                f"The source points to another origin, {safe_url(address)}, where the credentials must not go. Set "
                "WELLHEAD_SOURCE_URL to the place where the data really is, or name that origin in "
                "WELLHEAD_SOURCE_ALIASES if it is the same service.",
                **details,
            )
        return address

    def _keep_secret(self, address: str) -> str:
        """The https address of the service where a link leads to its http alias, so that nothing
        travels in the open.

        A service behind a proxy may not know that it is asked by https. With
        https://data.example/odata configured and http://data.example as an alias,
        http://data.example/odata/Wells?page=2 becomes https://data.example/odata/Wells?page=2.
        """
        own = self._configured
        origin = Origin.of(address)
        is_plain = own.scheme == "https" and origin.scheme == "http"
        if not is_plain or origin.host != own.host or origin not in self._allowed:
            return address
        parts = url_parts(address)
        return parts._replace(scheme=own.scheme, port=own.port).url
