"""One connection to the API: sends a request, reads the envelope, and says in our own words what
went wrong.

What `requests` would do by itself and must not: follow a redirect with the token in hand, wait for
ever, let a netrc file replace the token, or send a request for this machine to a proxy.
"""

from __future__ import annotations

import ipaddress
import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn
from urllib.parse import urlsplit

import requests

from clients.api.backoff import Backoff, seconds_of_retry_after
from clients.api.errors import (
    AcceptTooLate,
    AlreadyRunning,
    ApiError,
    AuthFailed,
    ClientError,
    FindingsDiffer,
    InvalidAddress,
    NotFound,
    NotHeld,
    NotWellhead,
    RuleViolated,
    SnapshotGone,
    Unreachable,
    Untrusted,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BASE = "/api/v1"
CONNECT_SECONDS = 5.0
READ_SECONDS = 35.0  # the API answers within 29 seconds, or its gateway does in its place
ATTEMPTS = 3
MOST_PAUSE_SECONDS = 30.0
BACKOFF = Backoff(first=1.0, longest=10.0)
# Of lists as files, by their kind.
MEDIA_TYPES = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
TRANSIENT = {429, 502, 503, 504}
BROKEN = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
KINDS: Mapping[int, type[ApiError]] = {
    401: AuthFailed,
    403: AuthFailed,
    404: NotFound,
    409: RuleViolated,
    410: SnapshotGone,
}
NOT_LET_IN = (
    "The API does not know this token, or no longer. Check that it is whole and of this Wellhead, or ask those who run"
    " it for another."
)
"""A gateway has one sentence for a request without a token and for one with a wrong one; who has sent one knows."""
RULES: Mapping[str, type[RuleViolated]] = {
    "NOT_HELD": NotHeld,
    "FINDINGS_DIFFER": FindingsDiffer,
    "ACCEPT_TOO_LATE": AcceptTooLate,
}


class Answer(NamedTuple):
    """`data` is None where nothing has changed (304), and of a file, whose bytes are `content`.
    `retry_after` are seconds, None without the header.
    """

    data: Any
    text: str
    headers: Mapping[str, str]
    retry_after: float | None
    content: bytes = b""

    def part(self, name: str) -> Any:
        """Raises NotWellhead for an answer that has none of that name."""
        try:
            return self.data[name]
        except (KeyError, TypeError) as exc:
            raise NotWellhead from exc


class Connection:
    """To one API with one token; not for several threads at once. Raises InvalidAddress.

    `pause` waits so many seconds. `on_retry` hears of an error that is tried again, and after how
    many seconds.
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        *,
        pause: Callable[[float], object] = time.sleep,
        on_retry: Callable[[ClientError, float], object] | None = None,
    ) -> None:
        self.url = checked_url(url)
        self.role: str | None = None
        self._pause = pause
        self._on_retry = on_retry or (lambda _error, _seconds: None)
        self._session = requests.Session()
        self._session.auth = _Bearer(token)
        self._session.trust_env = not is_loopback(self.url)
        self._session.headers["User-Agent"] = "wellhead-client"

    def close(self) -> None:
        self._session.close()

    def ask(
        self, method: str, path: str, *, safe: bool, within: float | None = None, **sent: Any
    ) -> Answer:
        """`safe` is whether it may be sent again when no answer came, or one that says to try
        again. `within` bounds the wait for one answer, in seconds. Raises ClientError.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._ask_once(method, path, within, **sent)
            except (Unreachable, ApiError) as error:
                if not safe or attempt == ATTEMPTS or not is_transient(error):
                    raise
                self.wait(error, attempt - 1)
        raise AssertionError("the last attempt returns or raises")

    def wait(self, error: ClientError, failures: int, *, most: float = MOST_PAUSE_SECONDS) -> None:
        """Before the next attempt, after so many failures before this one."""
        asked = error.retry_after if isinstance(error, ApiError) else None
        wanted = BACKOFF.seconds(failures, asked=asked)
        seconds = min(wanted, most, MOST_PAUSE_SECONDS)
        self._on_retry(error, seconds)
        self._pause(seconds)

    def _ask_once(self, method: str, path: str, within: float | None, **sent: Any) -> Answer:
        limit = READ_SECONDS if within is None else max(min(within, READ_SECONDS), 0.1)
        timeout = (min(CONNECT_SECONDS, limit), limit)
        try:
            response = self._session.request(
                method, self.url + BASE + path, timeout=timeout, allow_redirects=False, **sent
            )
        except requests.RequestException as exc:
            _raise_as_ours(exc, self.url)
        self.role = response.headers.get("X-Wellhead-Role", self.role)
        return _answer(response, self.url)


def is_transient(error: ClientError) -> bool:
    """Whether the same request can succeed a little later,
    as far as the network and the server go.
    """
    return isinstance(error, Unreachable) or (
        isinstance(error, ApiError) and error.status in TRANSIENT
    )


def checked_url(text: str) -> str:
    """The address without what may follow it. Raises InvalidAddress:
    also for plain http to another machine, which would show the token to the network.
    """
    url = text.strip().rstrip("/").removesuffix(BASE)
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port  # which raises for what is no number of a port
    except ValueError:
        raise InvalidAddress from None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise InvalidAddress
    if parts.username is not None or parts.password is not None:
        raise InvalidAddress(
            "The address holds a user name or a password. Give it without; the token is enough."
        )
    if parts.scheme == "http" and not is_loopback(url):
        raise InvalidAddress(
            "A token goes only over https, or to this machine. Give the https address."
        )
    return url


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Bearer(requests.auth.AuthBase):
    """An auth object of our own,
    because a netrc file would replace a header that was merely set.
    """

    def __init__(self, token: str | None) -> None:
        self._token = (token or "").strip()
        if not re.fullmatch(r"[\x21-\x7e]*", self._token):
            raise InvalidAddress(
                "The token holds a space or a sign that no token has. Check where it was copied from."
            )

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _answer(response: requests.Response, url: str) -> Answer:
    retry_after = seconds_of_retry_after(response.headers.get("Retry-After"))
    if response.status_code == HTTPStatus.NOT_MODIFIED:
        return Answer(None, "", response.headers, retry_after)
    if response.is_redirect or 300 <= response.status_code < 400:  # noqa: PLR2004  the class of redirects
        raise NotWellhead(
            f"{url} sends its visitors elsewhere, and a token is not carried there. Give the real URL."
        )
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
    if response.ok and kind in MEDIA_TYPES.values():
        text = response.content.decode("utf-8") if kind == MEDIA_TYPES["csv"] else ""
        return Answer(None, text, response.headers, retry_after, response.content)
    envelope = _envelope(response)
    if envelope.get("success") is True and "data" in envelope:
        return Answer(envelope["data"], "", response.headers, retry_after)
    raise _refusal(response, envelope, retry_after, url)


def _envelope(response: requests.Response) -> Mapping[str, Any]:
    """Empty for what is none."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _refusal(
    response: requests.Response, envelope: Mapping[str, Any], retry_after: float | None, url: str
) -> ClientError:
    status = response.status_code
    error = envelope.get("error")
    if not isinstance(error, dict) or "code" not in error:
        if status in TRANSIENT:  # a proxy's own page, or a gateway's
            return ApiError(
                f"{url} does not answer just now (HTTP {status}). Try again shortly.",
                code=f"HTTP_{status}",
                status=status,
                retryable=True,
                retry_after=retry_after,
            )
        return NotWellhead(f"What answers at {url} is not Wellhead (HTTP {status}). Check the URL.")
    code = str(error["code"])
    is_refused = code == "UNAUTHORIZED" and "Authorization" in response.request.headers
    return _kind(status, error)(
        NOT_LET_IN if is_refused else str(error.get("message", "")) or None,
        status=status,
        rule=error.get("rule"),
        retry_after=retry_after,
        code=code,
        retryable=bool(error.get("retryable")),
        request_id=envelope.get("request_id"),
        details=error.get("details"),
    )


def _kind(status: int, error: Mapping[str, Any]) -> type[ApiError]:
    """A rule may stand as the code, or beside it."""
    if error.get("rule") == "SINGLE_IMPORT_RULE" and "job_id" in (error.get("details") or {}):
        return AlreadyRunning
    kind = KINDS.get(status, ApiError)
    named = RULES.get(str(error.get("rule"))) or RULES.get(str(error["code"]))
    if kind is RuleViolated and named:
        return named
    return kind


def no_password(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """As the `auth` of a session, in place of the password of a netrc file:
    the request stays as it is.
    """
    return request


def _raise_as_ours(exc: requests.RequestException, url: str) -> NoReturn:
    """What requests says names addresses and objects; people get a sentence of ours."""
    if isinstance(exc, requests.exceptions.SSLError):
        raise Untrusted(
            f"The certificate of {url} is not valid, so nothing was sent. Check the address."
        ) from exc
    if isinstance(exc, requests.exceptions.ReadTimeout):
        raise Unreachable(f"{url} gave no answer in time. Try again.") from exc
    if isinstance(exc, BROKEN):
        raise Unreachable(
            f"Nothing answers at {url}. Check the address, and that Wellhead runs there."
        ) from exc
    raise InvalidAddress from exc
