"""Bearer tokens: who calls, and what he may do.

SSM holds one parameter for each token under one path, `<path>/<name>`: {"sha256": "<hex>", "role": "reader"}. The
tokens themselves are nowhere. They are random, 256 bits long, so a plain hash is enough.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import TokensUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_ssm import SSMClient

KEPT_SECONDS = 30.0  # API Gateway keeps an answer as long: a removed token ends within a minute
FRESH_SECONDS = 2.0  # an unknown token may be a new one; SSM is asked for it so often at most
BEARER = re.compile(r"bearer +([\x21-\x7e]{1,256})", re.IGNORECASE)
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = logging.getLogger(__name__)


class Role(StrEnum):
    """A reader reads; an operator may also start, stop and retry imports; an admin may also say what the sources are,
    and look after the stack. Each may what those before it may.
    """

    READER = "reader"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, needed: Role) -> bool:
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(needed)


@dataclass(frozen=True, kw_only=True)
class Principal:
    name: str
    role: Role


class Tokens:
    def __init__(self, *, ssm: SSMClient, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._ssm = ssm
        self._path = path
        self._clock = clock
        self._read_at = float("-inf")
        self._known: dict[str, Principal] = {}

    def principal(self, authorization: str) -> Principal | None:
        """Who sends this Authorization header; None when it is no token that anybody has. Raises TokensUnavailable."""
        sent = BEARER.fullmatch(authorization.strip())
        if sent is None:
            return None
        digest = digest_of(sent[1])
        self._read_after(KEPT_SECONDS)
        found = self._find(digest)
        if found is None:
            self._read_after(FRESH_SECONDS)
            found = self._find(digest)
        return found

    def _find(self, digest: str) -> Principal | None:
        """Each hash is compared in the same time, and none is left out after a hit."""
        found = None
        for known, principal in self._known.items():
            if hmac.compare_digest(known, digest):
                found = principal
        return found

    def _read_after(self, seconds: float) -> None:
        now = self._clock()
        if now - self._read_at >= seconds:
            self._known = dict(entry for parameter in self._parameters() if (entry := self._entry(parameter)))
            self._read_at = now

    def _parameters(self) -> list[Any]:
        try:
            pages = self._ssm.get_paginator("get_parameters_by_path").paginate(Path=self._path, WithDecryption=True)
            return [parameter for page in pages for parameter in page["Parameters"]]
        except (ClientError, BotoCoreError) as exc:
            log.error("the store of tokens does not answer: %s", exc)  # noqa: TRY400  the cause says it all
            raise TokensUnavailable from exc

    def _entry(self, parameter: Any) -> tuple[str, Principal] | None:
        """None for a parameter that is none of a token; the others go on."""
        name = parameter["Name"].rpartition("/")[2]
        try:
            told = json.loads(parameter["Value"])
            digest, role = str(told["sha256"]), Role(told["role"])
        except (ValueError, KeyError, TypeError):
            digest, role = "", Role.READER
        if not (re.fullmatch(r"[0-9a-f]{64}", digest) and NAME.fullmatch(name)):
            log.error("a parameter is no token, see docs/configuration.md: %.100s", name)
            return None
        return digest, Principal(name=name, role=role)


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
