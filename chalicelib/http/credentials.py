"""The credentials of the source: where the secret is kept, what it must look like, and what it puts
on a request.

A secret is read once for each import, so a rotated one needs no new deployment. It is in no error,
log, repr or job.
"""

from __future__ import annotations

import json
import re
import threading
import time
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import requests
import urllib3
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from requests.auth import AuthBase

from chalicelib.errors import SecretInvalid, SecretUnavailable, TokenRefused, TokenUnavailable
from chalicelib.settings import BY_FORM

from .body import Broken, Unreadable, read_body
from .bound import Bound
from .failures import proxy_failure
from .session import BoundedSession, TooLarge, TooSlow, check_authority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from chalicelib.settings import Settings

    from .proxy import Proxy

FORMS = {
    "basic": ("username", "password"),
    "bearer": ("token",),
    "api_key": ("key",),
    "oauth2": ("client_id", "client_secret"),
}
TOKEN_SECONDS = 30.0
TOKEN_BYTES = 1 << 17
RENEWED_EARLY = 60.0  # seconds; of a token that lives shorter, a fifth of its life
SECRET_PART = 8  # characters of a secret that are hidden like the whole
OAUTH_ERRORS = {  # RFC 6749, section 5.2
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
}

_HEADER_TEXT = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON can write half a character; no header can
_BUSY = {
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "InternalServiceError",
    "InternalServerError",
}


def open_credentials(
    settings: Settings,
    *,
    client: Callable[[str], Any],
    environment: Mapping[str, str],
    proxy: Proxy | None = None,
) -> SourceAuth | None:
    """What signs the requests to the source; None for an open source. `client` makes an AWS client
    by its service, and the `proxy` leads to a token endpoint. Raises SecretUnavailable,
    SecretInvalid, SettingsError.
    """
    if settings.source_auth == "none":
        return None
    check_authority(settings.source_ca)
    text = stored_secret(settings.source_secret, client=client, environment=environment)
    kind = _kind_of(text) if settings.source_auth == BY_FORM else settings.source_auth
    auth = _auth(
        kind, secret_parts(kind, text, needed_by=f"WELLHEAD_SOURCE_AUTH={kind}"), settings, proxy
    )
    auth.bound = Bound.of_secret(_object(text.encode("utf-8", "replace")).get("origin"), settings)
    return auth


def _kind_of(text: str) -> str:
    """By the names that it holds. Raises SecretInvalid."""
    secret = _object(text.encode("utf-8", "replace"))
    kinds = [kind for kind, names in FORMS.items() if secret.keys() >= set(names)]
    if len(kinds) != 1:
        forms = "; ".join(" and ".join(names) for names in FORMS.values())
        raise SecretInvalid(
            f"The secret of the source tells no kind of credentials. It holds one of: {forms}."
        )
    return kinds[0]


def _auth(kind: str, secret: dict[str, str], settings: Settings, proxy: Proxy | None) -> SourceAuth:
    if kind == "oauth2":
        return TokenAuth(
            url=settings.source_token_url,
            scope=settings.source_scope,
            client_id=secret["client_id"],
            client_secret=secret["client_secret"],
            ca=settings.source_ca,
            seconds=min(TOKEN_SECONDS, settings.page_seconds),
            is_kept_outside=settings.is_kept_outside,
            proxy=proxy,
        )
    if kind == "api_key":
        return HeaderAuth(settings.source_key_header, secret["key"])
    if kind == "bearer":
        return HeaderAuth("Authorization", "Bearer " + secret["token"])
    return basic_auth(secret["username"], secret["password"])


def written_anyhow(secrets: Iterable[str]) -> set[str]:
    """As they are, and as an address may hold them: percent-encoded, once or twice, in large
    letters or in small ones.

    Of `a/b`: a/b, a%2Fb, a%252Fb, a%2fb, a%252fb.
    """
    plain = set(secrets)
    once = {
        encode(secret, safe=safe)
        for secret in plain
        for encode in (quote, quote_plus)
        for safe in ("", "/")
    }
    twice = {quote(each, safe="") for each in once}
    forms = plain | once | twice
    return forms | {re.sub("%[0-9A-F]{2}", lambda sign: sign[0].lower(), form) for form in forms}


class SourceAuth(AuthBase):
    """Signs a request. `hide` takes the secrets out of a text. `bound` are the places that they may
    be sent to; calling it for another one raises SecretInvalid.
    """

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self.bound = Bound()

    def hide(self, text: str) -> str:
        """A text may have been cut within a secret, so a good part of one is taken out too."""
        forms = written_anyhow(self._secrets.copy())
        for secret in sorted(forms, key=len, reverse=True):
            shortest = min(len(secret), SECRET_PART)
            for length in range(len(secret), shortest - 1, -1):
                text = text.replace(secret[:length], "…")
        return text


class HeaderAuth(SourceAuth):
    """The same header on every request."""

    def __init__(self, name: str, value: str, *secrets: str) -> None:
        super().__init__()
        self._name = name
        self._value = value
        _, _, last_word = value.rpartition(" ")  # of "Bearer abc": abc
        self._secrets = {secret for secret in (value, last_word, *secrets) if secret}

    @property
    def headers(self) -> dict[str, str]:
        return {self._name: self._value}

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        self.bound.check(str(request.url))
        request.headers[self._name] = self._value
        return request


def basic_auth(user: str, password: str, *, header: str = "Authorization") -> HeaderAuth:
    """RFC 7617, in UTF-8."""
    return HeaderAuth(
        header, "Basic " + b64encode(f"{user}:{password}".encode()).decode(), password
    )


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
        self._form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
        # Section 2.3.1: both are form-encoded before they become a Basic header.
        client = basic_auth(quote_plus(client_id), quote_plus(client_secret))
        self._session = BoundedSession(
            auth=client, clock=clock, ca_too=ca, is_kept_outside=is_kept_outside, proxy=proxy
        )
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._header = ""
        self._until = 0.0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        self.bound.check(str(request.url))
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
        asked_at = self._clock()
        token, seconds = _token(self._answer())
        self._header = f"Bearer {token}"
        self._secrets = {token}
        self._until = asked_at + seconds - min(RENEWED_EARLY, seconds / 5)

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
    code = _object(body).get("error")
    reason = f", {code}" if isinstance(code, str) and code in OAUTH_ERRORS else ""
    raise error(f"{error().message} (HTTP {status}{reason})")


def _token(body: bytes | bytearray) -> tuple[str, float]:
    """The access token, and how many seconds it lives;
    without end when the answer does not tell.
    """
    answer = _object(body)
    token = answer.get("access_token")
    kind = answer.get("token_type", "Bearer")
    if not (
        isinstance(token, str) and _HEADER_TEXT.fullmatch(token) and str(kind).lower() == "bearer"
    ):
        raise TokenUnavailable(
            "The token endpoint's answer holds no bearer token. Check WELLHEAD_SOURCE_TOKEN_URL."
        )
    lives = re.fullmatch(r"([0-9]{1,9})(\.[0-9]+)?", str(answer.get("expires_in")))
    seconds = float(lives[0]) if lives else 0.0
    return token, seconds or float("inf")


def _object(body: bytes | bytearray) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def stored_secret(
    place: str,
    *,
    client: Callable[[str], Any],
    environment: Mapping[str, str],
    setting: str = "WELLHEAD_SOURCE_SECRET",
) -> str:
    """The secret's text. Errors do not repeat the place:
    it may be a secret put where its name belongs. Raises SecretUnavailable, SecretInvalid.
    """
    store, _, name = place.partition(":")
    try:
        if store == "env":
            return environment[name]
        if store == "secretsmanager":
            return str(client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
        return str(
            client("ssm").get_parameter(Name=place, WithDecryption=True)["Parameter"]["Value"]
        )
    except (ParamValidationError, KeyError) as exc:
        raise _unfound(setting) from exc
    except ClientError as exc:
        raise (SecretUnavailable() if _is_passing(exc) else _unfound(setting)) from exc
    except BotoCoreError as exc:
        raise SecretUnavailable from exc


def _unfound(setting: str) -> SecretInvalid:
    return SecretInvalid(
        f"{setting} names no secret that may be read. It is the name of an SSM parameter, or "
        "secretsmanager: and a name or ARN, or env: and a variable. Check that it exists and who may read it."
    )


def _is_passing(exc: ClientError) -> bool:
    error = exc.response.get("Error", {})
    code = error.get("Code", "")
    metadata = exc.response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    return status >= 500 or "Throttl" in code or code in _BUSY  # noqa: PLR2004


def secret_parts(kind: str, text: str, *, needed_by: str) -> dict[str, str]:
    """The parts of the secret by name. The parser's own error would hold the whole text.
    Raises SecretInvalid.
    """
    secret = _object(text.encode("utf-8", "replace"))
    parts: dict[str, str] = {}
    for name in FORMS[kind]:
        part = secret.get(name)
        if not isinstance(part, str) or not _is_fit(name, part.strip()):
            form = ", ".join(f'"{each}": "..."' for each in FORMS[kind])
            raise SecretInvalid(
                f"{needed_by} needs a secret of the form {{{form}}}. Store it again."
            )
        parts[name] = _clean_part(name, part)
    return parts


def _is_fit(name: str, part: str) -> bool:
    if name in ("token", "key"):
        return bool(_HEADER_TEXT.fullmatch(part))
    if _SURROGATE.search(part) or (name == "username" and ":" in part):
        return False
    # Some services take a key as user or password, beside nothing.
    return bool(part) or name in FORMS["basic"]


def _clean_part(name: str, part: str) -> str:
    """A key copied with its line break is the key; in a password every character counts."""
    is_key = name in ("token", "key")
    return part.strip() if is_key else part
