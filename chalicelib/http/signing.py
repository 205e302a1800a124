"""Signing: what puts a secret on a request, and hides it in every text."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from requests.auth import AuthBase

from .bound import Bound
from .own_words import sentence, without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterable

    import requests

SECRET_PART = 8  # characters of a secret that are hidden like the whole
_ENCODED = re.compile("%[0-9A-F]{2}")


def written_anyhow(secrets: Iterable[str]) -> set[str]:
    r"""As they are, as JSON, XML and a sentence of a source have them, and as an address may hold
    them: percent-encoded, once or twice, in large letters or in small ones.

    Of `a/b`: a/b, a\/b, a%2Fb, a%252Fb, a%2fb, a%252fb.
    """
    plain = {form for secret in secrets for form in _as_text(secret)}
    once = {
        encode(secret, safe=safe)
        for secret in plain
        for encode in (quote, quote_plus)
        for safe in ("", "/")
    }
    twice = {quote(each, safe="") for each in once}
    forms = plain | once | twice
    in_small_letters = {_ENCODED.sub(_small, form) for form in forms}
    return forms | in_small_letters


def _as_text(secret: str) -> set[str]:
    in_json = {json.dumps(secret, ensure_ascii=is_ascii)[1:-1] for is_ascii in (True, False)}
    with_slashes = {form.replace("/", "\\/") for form in in_json}
    in_xml = {escape(secret), escape(secret, quote=False)}
    shown = sentence(secret)
    forms = {secret, shown, without_credentials(shown), *in_json, *with_slashes, *in_xml}
    return forms - {""}


def _small(sign: re.Match[str]) -> str:
    return sign[0].lower()


class SourceAuth(AuthBase):
    """Signs a request. `hide` takes the secrets out of a text. `bound` are the places that they may
    be sent to; calling it for another one raises SecretInvalid.
    """

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self.bound = Bound()

    def hide(self, text: str) -> str:
        """A text may have been cut within a secret, so a good part of one is taken out too."""
        # The longest first, whole or in part: where two begin alike, as tokens of one issuer do, a
        # part of one would leave the rest of the other to be read.
        forms = written_anyhow(self._secrets.copy())
        longest = max(map(len, forms), default=0)
        for length in range(longest, 0, -1):
            is_part = length >= SECRET_PART
            for form in forms:
                if len(form) == length or (is_part and len(form) > length):
                    text = text.replace(form[:length], "…")
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
