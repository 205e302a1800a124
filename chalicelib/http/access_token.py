"""The access token of OAuth2 that signs a request: asked for at its endpoint, and renewed in time."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

import requests
import urllib3

from chalicelib.errors import TokenRefused, TokenUnavailable

from .allowance import TooLarge, TooSlow
from .body import Broken, Unreadable, read_body
from .failures import proxy_failure
from .secret import HEADER_TEXT, json_object
from .session import BoundedSession
from .signing import SourceAuth, basic_auth
from .trust import Trust

if TYPE_CHECKING:
    from collections.abc import Callable

    from .proxy import Proxy

TOKEN_SECONDS = 30.0
TOKEN_BYTES = 1 << 17
HIDDEN_TOKENS = 8  # the last ones, which no text may hold
RENEWED_EARLY = 60.0  # seconds; of a token that lives shorter, a fifth of its life
OAUTH_ERRORS = {  # RFC 6749, section 5.2
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
}


class TokenAuth(SourceAuth):
    """OAuth2 client credentials (RFC 6749, section 4.4). Safe for threads: of many that need a
    token, one fetches it.

    Calling it raises TokenUnavailable, TokenRefused.
    """

    def __init__(
        self,
        *,
        url: str,
        scope: str,
        client_id: str,
        client_secret: str,
        ca: str = "",
        seconds: float = TOKEN_SECONDS,
        is_kept_outside: bool = False,
        clock: Callable[[], float] = time.monotonic,
        proxy: Proxy | None = None,
    ) -> None:
        """`ca` is the file of a private authority:
        a token endpoint may be one of the house, or everybody's.
        """
        super().__init__()
        self._url = url
        self._form = {"grant_type": "client_credentials"}
        if scope:
            self._form["scope"] = scope
        # Section 2.3.1: both are form-encoded before they become a Basic header.
        client = basic_auth(quote_plus(client_id), quote_plus(client_secret))
        self._session = BoundedSession(
            auth=client,
            clock=clock,
            trust=Trust(ca_too=ca),
            is_kept_outside=is_kept_outside,
            proxy=proxy,
        )
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._header = ""
        self._until = 0.0
        # Requests of other threads are still on their way with an older one.
        self._tokens: deque[str] = deque(maxlen=HIDDEN_TOKENS)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        self.bound.check(str(request.url))
        # The client's secret itself goes to the token endpoint, so that must be one of its places.
        self.bound.check(self._url)
        with self._lock:
            if not self._header or self._clock() >= self._until:
                self._renew()
            request.headers["Authorization"] = self._header
        return request

    def forget(self, request: requests.PreparedRequest) -> None:
        """The source refused this request: its token is not used again. A newer one stays."""
        with self._lock:
            if request.headers.get("Authorization") == self._header:
                self._header = ""

    def _renew(self) -> None:
        asked_at = self._clock()  # the token's life may begin before its answer is here
        token, seconds = _token(self._answer())
        self._header = f"Bearer {token}"
        self._tokens.append(token)
        self._secrets = set(self._tokens)
        # One that lives for 3,600 s is used for 3,540, one of 100 s for 80.
        early = min(RENEWED_EARLY, seconds / 5)
        self._until = asked_at + seconds - early

    def _answer(self) -> bytes | bytearray:
        allowance = self._session.allowance
        allowance.grant(seconds=self._seconds, body_bytes=TOKEN_BYTES)
        try:
            with self._session.ask("POST", self._url, data=self._form) as response:
                body = read_body(response, allowance, most=TOKEN_BYTES)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
            raise proxy_failure(exc) or TokenUnavailable() from exc
        except (TooSlow, TooLarge, Unreadable, Broken) as exc:
            raise TokenUnavailable from exc
        _check(response.status_code, body)
        return body


def _check(status: int, body: bytes | bytearray) -> None:
    if status == requests.codes.ok:
        return
    passing = status >= requests.codes.server_error or status in (
        requests.codes.too_many_requests,
        requests.codes.request_timeout,
    )
    error = TokenUnavailable if passing else TokenRefused
    # Only words of the RFC are repeated: another text may hold the secret that was sent.
    code = json_object(body).get("error")
    is_known = isinstance(code, str) and code in OAUTH_ERRORS
    reason = f", {code}" if is_known else ""
    raise error(f"{error().message} (HTTP {status}{reason})")


def _token(body: bytes | bytearray) -> tuple[str, float]:
    """The access token, and how many seconds it lives;
    without end when the answer does not tell.
    """
    answer = json_object(body)
    token = answer.get("access_token")
    kind = answer.get("token_type", "Bearer")
    if not (
        isinstance(token, str) and HEADER_TEXT.fullmatch(token) and str(kind).lower() == "bearer"
    ):
        raise TokenUnavailable(
            "The token endpoint's answer holds no bearer token. Check WELLHEAD_SOURCE_TOKEN_URL."
        )
    # 3600 or "3600": some servers write it as text. What is no number tells nothing, and so does 0.
    lives = re.fullmatch(r"([0-9]{1,9})(\.[0-9]+)?", str(answer.get("expires_in")))
    seconds = float(lives[0]) if lives else 0.0
    return token, seconds or float("inf")
