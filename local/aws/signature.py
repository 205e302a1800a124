"""Whether a request was signed with the stack's own key: AWS Signature Version 4, checked as AWS
checks it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html A port of
this machine is open to every program and, by way of a browser, to every web page; the signature
tells the stack's own processes from those. A presigned URL carries its signature in the query and
opens what it names, no more.
"""

import hashlib
import hmac
import re
import secrets
import time
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from typing import NamedTuple, Self
from urllib.parse import quote, unquote

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
SKEW_SECONDS = 900.0  # AWS allows as much
MOST_EXPIRY_SECONDS = 604_800  # of a presigned URL
AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]+)"
)


class NotSignedError(Exception):
    """The request does not bear the key of this stack, or its signature does not fit."""


class Keys(NamedTuple):
    """What a client signs with."""

    access_key_id: str
    secret_access_key: str

    @classmethod
    def random(cls) -> Self:
        """New ones, at random. The id has the length and the letters of a real one."""
        return cls(
            f"LKIA{secrets.token_hex(8).upper()}", b64encode(secrets.token_bytes(30)).decode()
        )

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Raises KeyError."""
        return cls(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }


class Scope(NamedTuple):
    access_key_id: str
    date: str
    region: str
    service: str
    end: str

    @classmethod
    def parse(cls, credential: str) -> Self:
        """Raises NotSignedError."""
        parts = credential.split("/")
        if len(parts) != len(cls._fields) or parts[-1] != "aws4_request":
            raise NotSignedError("The scope of the credential is none.")
        return cls(*parts)


@dataclass(frozen=True)
class Signature:
    """What a request says of its signature;
    `payload` is the hash of the body, or a word in its place.
    """

    scope: Scope
    signed: tuple[str, ...]
    value: str
    date: str
    seconds: float
    payload: str | None

    @classmethod
    def read(cls, target: str, headers: Message, keys: Keys) -> Self:
        """Before the body is: whoever has no key is not listened to. Raises NotSignedError."""
        signature = cls._parse(target, headers)
        signature._check_key_and_time(keys)  # noqa: SLF001  of its own class
        signature._check_headers(headers)  # noqa: SLF001
        return signature

    @classmethod
    def _parse(cls, target: str, headers: Message) -> Self:
        header = AUTHORIZATION.fullmatch(headers.get("Authorization", ""))
        if header:
            date = headers.get("X-Amz-Date", "")
            payload = headers.get("X-Amz-Content-SHA256")
            credential, signed, value = header.groups()
            return cls._of(credential, signed, value, date, seconds=SKEW_SECONDS, payload=payload)
        query = dict(_options(target))
        expiry = query.get("X-Amz-Expires", "")
        if query.get("X-Amz-Algorithm") != ALGORITHM or not re.fullmatch("[0-9]{1,6}", expiry):
            raise NotSignedError("The request is not signed.")
        names = ("X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Date")
        credential, signed, value, date = (query.get(name, "") for name in names)
        seconds = min(int(expiry), MOST_EXPIRY_SECONDS)
        return cls._of(credential, signed, value, date, seconds=seconds, payload=UNSIGNED)

    @classmethod
    def _of(
        cls,
        credential: str,
        signed: str,
        value: str,
        date: str,
        *,
        seconds: float,
        payload: str | None,
    ) -> Self:
        scope = Scope.parse(credential)
        names = tuple(signed.split(";"))
        return cls(scope, names, value, date, seconds, payload)

    def check(self, method: str, target: str, headers: Message, body: bytes, keys: Keys) -> None:
        """Raises NotSignedError."""
        content = hashlib.sha256(body).hexdigest()
        if self.payload and re.fullmatch("[0-9a-f]{64}", self.payload) and self.payload != content:
            raise NotSignedError("The body is not the one that was signed.")
        wanted = self._signature(
            self._canonical(method, target, headers, self.payload or content), keys
        )
        if not hmac.compare_digest(wanted, self.value):
            raise NotSignedError("The signature does not fit the request.")

    def _check_key_and_time(self, keys: Keys) -> None:
        if not hmac.compare_digest(self.scope.access_key_id.encode(), keys.access_key_id.encode()):
            raise NotSignedError("The access key is not of this stack.")
        try:
            at = datetime.strptime(self.date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        except ValueError:
            raise NotSignedError("The request has no date.") from None
        if not -SKEW_SECONDS <= time.time() - at <= self.seconds or not self.date.startswith(
            self.scope.date
        ):
            raise NotSignedError("The signature is not valid at this time.")

    def _check_headers(self, headers: Message) -> None:
        """What makes the request another one must be signed."""
        names = [name.lower() for name in headers]
        needed = {"host", *(name for name in names if name.startswith("x-amz-"))}
        missing = needed - set(self.signed)
        if missing:
            raise NotSignedError(f"A header is not signed: {', '.join(sorted(missing))}.")

    def _canonical(self, method: str, target: str, headers: Message, payload: str) -> str:
        path, _, _ = target.partition("?")
        if self.scope.service != "s3":
            path = quote(path, safe="/~")
        query = [
            (_percent_encode(name), _percent_encode(value))
            for name, value in _options(target)
            if name != "X-Amz-Signature"
        ]
        options = "&".join(f"{name}={value}" for name, value in sorted(query))
        told = ""
        for name in self.signed:
            values = _join(headers.get_all(name, []))
            told += f"{name}:{values}\n"
        return "\n".join([method, path, options, told, ";".join(self.signed), payload])

    def _signature(self, canonical: str, keys: Keys) -> str:
        parts = self.scope[1:]
        key = f"AWS4{keys.secret_access_key}".encode()
        for part in parts:
            key = hmac.digest(key, part.encode(), "sha256")
        octets = canonical.encode("latin-1", "replace")
        content = hashlib.sha256(octets).hexdigest()
        text = "\n".join([ALGORITHM, self.date, "/".join(parts), content])
        return hmac.digest(key, text.encode(), "sha256").hex()


def _options(target: str) -> Iterable[tuple[str, str]]:
    _, _, query = target.partition("?")
    for option in query.split("&"):
        if not option:
            continue
        name, _, value = option.partition("=")
        yield unquote(name), unquote(value)


def _percent_encode(text: str) -> str:
    return quote(text, safe="-_.~")


def _join(values: Iterable[str]) -> str:
    texts = [" ".join(value.split()) for value in values]
    return ",".join(texts)
