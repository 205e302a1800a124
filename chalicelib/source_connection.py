"""SourceConnection: one page of the source at a time, whatever the network and a hostile server do.

A page is atomic. A body cut off, an error object with status 200 or a missing `value` is a failed page, tried
again and then reported.

The credentials go to the configured origin and nowhere else: links and redirects to another one are refused.
"""

from __future__ import annotations

import email.utils
import logging
import random
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import requests
import urllib3

from .errors import (
    SourceError,
    SourceInvalid,
    SourceNotFound,
    SourceRedirected,
    SourceRefused,
    SourceTooLarge,
    SourceUnauthorized,
    SourceUnavailable,
    SourceUnreachable,
)
from .odata_page import BrokenPage, PageBody, read_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests.auth import AuthBase

    from .settings import Settings

CONNECT_SECONDS = 10
SILENT_SECONDS = 30  # without a single byte
CHUNK_BYTES = 1 << 18
MAX_REDIRECTS = 5
LONGEST_WAIT = 60.0  # seconds between two tries; a Retry-After beyond it ends the import

log = logging.getLogger(__name__)


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: redirects are followed by `_get` alone. Told not to, requests still prepares the next request,
        and for that it reads the whole body of this answer, whatever its size.
        """


class SourceConnection:
    def __init__(
        self,
        *,
        settings: Settings,
        auth: AuthBase | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._session = _Session()
        self._session.trust_env = False  # no proxy and no .netrc: credentials go where the settings say
        self._session.auth = auth
        self._session.headers.update(
            {
                "Accept": "application/json",
                "OData-MaxVersion": "4.01",
                "Prefer": f"odata.maxpagesize={settings.page_size}",
                "User-Agent": "Wellhead",
            }
        )
        self.retries = 0

    def close(self) -> None:
        self._session.close()

    def get_page(self, url: str, *, page: int) -> tuple[PageBody, int]:
        """One page's body and its size in bytes, tried again after a passing failure. Raises SourceError."""
        attempt = 0
        while True:
            try:
                return self._fetch(url)
            except SourceError as exc:
                exc.details["page"] = page
                wait = _backoff(attempt, exc.details.get("retry_after"))
                if not exc.retryable or attempt >= self._settings.source_retries or wait > LONGEST_WAIT:
                    raise
                log.warning("page %d: %s; trying again in %.1f s", page, exc.code, wait)
            attempt += 1
            self.retries += 1
            self._sleep(wait)

    def follow(self, url: str, link: str, **details: Any) -> str:
        """Where a link leads, within the configured origin. Raises SourceRedirected, SourceInvalid."""
        try:
            address = urljoin(url, link)
            origin, shown = _origin(address), _shown(address)
        except ValueError as exc:
            raise SourceInvalid(f"The source at {_shown(url)} gave a link that is no URL.", **details) from exc
        if origin != _origin(self._settings.source_url):
            raise SourceRedirected(
                f"The source points to another origin, {shown}, where the credentials must not go. "
                "Set WELLHEAD_SOURCE_URL to the place where the data really is.",
                **details,
            )
        return address

    def _fetch(self, url: str) -> tuple[PageBody, int]:
        deadline = self._clock() + self._settings.page_seconds
        try:
            with self._get(url) as response:
                _check_status(response)
                content = self._read_body(response, deadline)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
            raise SourceUnreachable(
                f"The source at {_shown(url)} cannot be reached ({_cause(exc)}). Check its URL, that it runs, and "
                "that the network lets this function out."
            ) from exc
        try:
            return read_page(content), len(content)
        except BrokenPage as exc:
            raise SourceInvalid(
                f"The source at {_shown(url)} answered something that is no OData page: {_told(exc)}. Open the URL "
                "in a browser to see what it says."
            ) from exc

    def _get(self, url: str) -> requests.Response:
        for _ in range(MAX_REDIRECTS + 1):
            silent = min(SILENT_SECONDS, self._settings.page_seconds)
            response = self._session.get(url, stream=True, allow_redirects=False, timeout=(CONNECT_SECONDS, silent))
            if not response.is_redirect:
                return response
            response.close()
            url = self.follow(url, response.headers["Location"])
        raise SourceRedirected(f"The source at {_shown(url)} redirects without end.")

    def _read_body(self, response: requests.Response, deadline: float) -> bytes:
        """The decompressed body, counted while it arrives: neither a slow drip nor a gzip bomb gets through.
        `read1` returns with what is there; `read` would wait for a full chunk, however long that takes.
        """
        chunks, size, limit = [], 0, self._settings.page_mb << 20
        while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                raise SourceTooLarge(
                    f"The source sent a page of more than {self._settings.page_mb} MB. Ask for fewer rows with "
                    "WELLHEAD_PAGE_SIZE, or raise WELLHEAD_PAGE_MB if that is right."
                )
            if self._clock() > deadline:
                raise SourceUnavailable(
                    f"The source needed more than {self._settings.page_seconds} s for one page. Ask for fewer rows "
                    "with WELLHEAD_PAGE_SIZE, or raise WELLHEAD_PAGE_SECONDS."
                )
        return b"".join(chunks)


def _check_status(response: requests.Response) -> None:
    status = response.status_code
    if status == requests.codes.ok:
        return
    error: type[SourceError] = SourceRefused
    if status in (requests.codes.unauthorized, requests.codes.forbidden):
        error = SourceUnauthorized
    elif status in (requests.codes.not_found, requests.codes.gone):
        error = SourceNotFound
    elif status in (requests.codes.too_many_requests, requests.codes.request_timeout) or status >= 500:  # noqa: PLR2004
        error = SourceUnavailable
    sentence = error().message
    retry_after = _seconds(response.headers.get("Retry-After"))
    raise error(f"{sentence} (HTTP {status} from {_shown(response.url)})", retry_after=retry_after)


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After is seconds or an HTTP date (RFC 9110, section 10.2.3); nonsense counts as absent."""
    if not retry_after:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _backoff(attempt: int, retry_after: float | None) -> float:
    """Seconds: 0.5, 1, 2, 4 … at most 20, each halved at random, and never less than the source asks for."""
    spread: float = min(20.0, 0.5 * 2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311
    return max(spread, retry_after or 0.0)


def _origin(url: str) -> tuple[str | None, str | None, int | None]:
    r"""By the parser that `requests` sends with: `http://a\@b/` leads to a, where urllib.parse reads b."""
    parts = urllib3.util.parse_url(url)
    return parts.scheme, parts.host, parts.port or {"http": 80, "https": 443}.get(parts.scheme or "")


def _shown(url: str) -> str:
    """The URL without its user and its query, which may hold a token."""
    return urllib3.util.parse_url(url)._replace(auth=None, query=None, fragment=None).url


def _told(exc: BrokenPage) -> str:
    """What the source says for itself, without credentials or queries that it may repeat."""
    return re.sub(r"(?i)\b(basic|bearer) +[^\s\"']+|\?[^\s\"']*", "…", str(exc))


def _cause(exc: BaseException) -> str:
    """A few words without the request's URL, which requests puts into its own sentences."""
    while exc.__cause__ or exc.__context__:
        exc = exc.__cause__ or exc.__context__ or exc
    return f"{type(exc).__name__}: {exc}" if isinstance(exc, OSError) and exc.strerror else type(exc).__name__
