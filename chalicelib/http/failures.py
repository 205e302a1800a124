"""What went wrong in an exchange with the source, told in Wellhead's own errors: never a query, never a credential."""

from __future__ import annotations

import email.utils
import http.client
import ssl
import time
from typing import TYPE_CHECKING

import requests
import urllib3

from chalicelib.errors import (
    SourceError,
    SourceForbidden,
    SourceGone,
    SourceInterrupted,
    SourceInvalid,
    SourceNotFound,
    SourceRefused,
    SourceThrottled,
    SourceUnauthorized,
    SourceUnavailable,
    SourceUnreachable,
    SourceUntrusted,
)

from .own_words import own_sentence, without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .session import Allowance

STATUS_ERRORS: dict[int, type[SourceError]] = {
    401: SourceUnauthorized,
    403: SourceForbidden,
    404: SourceNotFound,
    408: SourceUnavailable,
    410: SourceGone,
    429: SourceThrottled,
    501: SourceRefused,  # an option that the service does not have, now and later
}

LONGEST_SHOWN = 300  # characters of a URL

_BROKEN = (ConnectionResetError, BrokenPipeError, ConnectionAbortedError, ssl.SSLEOFError, http.client.IncompleteRead)
_NO_HTTP = (http.client.HTTPException, urllib3.exceptions.InvalidHeader, requests.exceptions.InvalidHeader)


def check_status(response: requests.Response, allowance: Allowance) -> None:
    """Raises SourceError, with the status, the seconds of Retry-After and the source's own sentence in its details."""
    status = response.status_code
    if status == requests.codes.ok:
        return
    retry_after, says = seconds_of_retry_after(response.headers.get("Retry-After")), own_sentence(response, allowance)
    error = STATUS_ERRORS.get(status, SourceUnavailable if status >= 500 else SourceRefused)  # noqa: PLR2004
    sentence = f"{error().message} (HTTP {status} from {shown(response.url)})"
    if says:
        sentence += f' It says: "{says}"'
    raise error(sentence, status=status, retry_after=retry_after, says=says)


def broken_exchange(exc: Exception, url: str) -> SourceError:
    """What broke, told from the innermost error: requests and urllib3 wrap it more than once."""
    causes = list(_causes(exc))
    error: type[SourceError] = SourceUnreachable
    if any(isinstance(cause, ssl.CertificateError) for cause in causes):
        error = SourceUntrusted
    elif any(isinstance(cause, _BROKEN) for cause in causes):
        error = SourceInterrupted
    elif any(isinstance(cause, _NO_HTTP) for cause in causes):
        error = SourceInvalid
    return error(f"{error().message} ({_cause(causes[-1])} from {shown(url)})")


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    while exc:
        yield exc
        exc = exc.__cause__ or exc.__context__


def _cause(exc: BaseException) -> str:
    """A few words without the request's URL, which requests puts into its own sentences."""
    return f"{type(exc).__name__}: {exc}" if isinstance(exc, OSError) and exc.strerror else type(exc).__name__


def seconds_of_retry_after(retry_after: str | None) -> float | None:
    """Retry-After is seconds or an HTTP date (RFC 9110, section 10.2.3); nonsense counts as absent."""
    if not retry_after:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def shown(url: str) -> str:
    """The URL without its user and its query, which may hold a token, and not without end."""
    place = urllib3.util.parse_url(url)._replace(auth=None, query=None, fragment=None).url
    return place if len(place) <= LONGEST_SHOWN else place[:LONGEST_SHOWN] + "…"


def told(exc: ValueError) -> str:
    """What the source says for itself, without credentials or queries that it may repeat."""
    return without_credentials(str(exc))
