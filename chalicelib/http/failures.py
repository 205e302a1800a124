"""What went wrong in an exchange with the source, told in Wellhead's own errors:
never a query, never a credential.
"""

from __future__ import annotations

import http.client
import re
import ssl
from typing import TYPE_CHECKING

import requests
import urllib3

from chalicelib.backoff import seconds_of_retry_after
from chalicelib.errors import (
    ProxyRefused,
    ProxyUnreachable,
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
from .url_parts import url_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .allowance import Allowance

STATUS_ERRORS: dict[int, type[SourceError]] = {
    401: SourceUnauthorized,
    403: SourceForbidden,
    404: SourceNotFound,
    408: SourceUnavailable,
    410: SourceGone,
    429: SourceThrottled,
    501: SourceRefused,  # an option that the service does not have, now and later
}

PASSING = (408, 429)  # of a proxy, beside 5xx

LONGEST_SHOWN = 300  # characters of a URL

_BROKEN = (
    ConnectionResetError,
    BrokenPipeError,
    ConnectionAbortedError,
    ssl.SSLEOFError,
    http.client.IncompleteRead,
)
_NO_HTTP = (
    http.client.HTTPException,
    urllib3.exceptions.InvalidHeader,
    requests.exceptions.InvalidHeader,
)


def check_status(response: requests.Response, allowance: Allowance) -> None:
    """Raises SourceError, with the status,
    the seconds of Retry-After and the source's own sentence in its details.
    """
    status = response.status_code
    if status == requests.codes.ok:
        return
    retry_after = seconds_of_retry_after(response.headers.get("Retry-After"))
    says = own_sentence(response, allowance)
    otherwise = SourceUnavailable if status >= 500 else SourceRefused  # noqa: PLR2004
    error = STATUS_ERRORS.get(status, otherwise)
    sentence = f"{error().message} (HTTP {status} from {safe_url(response.url)})"
    if says:
        sentence += f' It says: "{says}"'
    raise error(sentence, status=status, retry_after=retry_after, says=says)


def broken_exchange(exc: Exception, url: str) -> SourceError:
    """What broke, told from the innermost error: requests and urllib3 wrap it more than once."""
    if of_proxy := proxy_failure(exc):
        return of_proxy
    causes = list(_causes(exc))
    error: type[SourceError] = SourceUnreachable
    if any(isinstance(cause, ssl.CertificateError) for cause in causes):
        error = SourceUntrusted
    # Before _NO_HTTP: an IncompleteRead is an HTTPException too.
    elif any(isinstance(cause, _BROKEN) for cause in causes):
        error = SourceInterrupted
    elif any(isinstance(cause, _NO_HTTP) for cause in causes):
        error = SourceInvalid
    innermost = _cause(causes[-1])
    return error(f"{error().message} ({innermost} from {safe_url(url)})")


def proxy_failure(exc: Exception) -> SourceError | None:
    """What the proxy has to do with it; None where it has nothing.
    Its own words are not repeated: nobody knows what it puts there.
    """
    causes = list(_causes(exc))
    # The sentence is http.client's; nothing else tells the status of an answer to CONNECT.
    refusals = [re.match(r"Tunnel connection failed: (\d{3})\b", str(cause)) for cause in causes]
    for status in (int(found[1]) for found in refusals if found):
        if status >= 500 or status in PASSING:  # noqa: PLR2004
            return SourceUnreachable(
                f"{SourceUnreachable().message} (HTTP {status} from the proxy)"
            )
        return ProxyRefused(f"{ProxyRefused().message} (HTTP {status} from the proxy)")
    if not any(isinstance(cause, urllib3.exceptions.ProxyError) for cause in causes):
        return None
    if any(isinstance(cause, ssl.CertificateError) for cause in causes):
        return SourceUntrusted(
            "The proxy's certificate is not valid for its name, or of no known authority. Nothing was sent to it. "
            "Check the host in WELLHEAD_SOURCE_PROXY, or name the file of a private authority in WELLHEAD_SOURCE_CA."
        )
    return ProxyUnreachable(f"{ProxyUnreachable().message} ({_cause(causes[-1])})")


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    """urllib3 also puts one into another without raising it."""
    while exc:
        yield exc
        within = (each for each in exc.args if isinstance(each, BaseException))
        exc = exc.__cause__ or exc.__context__ or next(within, None)


def _cause(exc: BaseException) -> str:
    """A few words without the request's URL, which requests puts into its own sentences."""
    name = type(exc).__name__
    # What requests raises is an OSError too, and has no `strerror`: that is the system's word.
    if isinstance(exc, OSError) and exc.strerror:
        return f"{name}: {exc}"
    return name


def safe_url(url: str) -> str:
    """The URL without its user and its query, which may hold a token, and not without end."""
    parts = url_parts(url)
    place = parts._replace(auth=None, query=None, fragment=None).url
    if len(place) <= LONGEST_SHOWN:
        return place
    return place[:LONGEST_SHOWN] + "…"


def source_words(exc: ValueError) -> str:
    """What the source says for itself, without credentials or queries that it may repeat."""
    return without_credentials(str(exc))
