"""Bearer tokens: who calls, and what he may do.

SSM holds one parameter for each token under one path, `<path>/<name>` (token_entry.py). The tokens
themselves are nowhere. They are random, 256 bits long, so a plain hash is enough.
"""

from __future__ import annotations

import hmac
import logging
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import TokensUnavailable

from .token_entry import NAME, Role, TokenEntry, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from types_boto3_ssm import SSMClient

__all__ = ["KEPT_SECONDS", "NAME", "Principal", "Role", "Tokens", "digest_of"]

KEPT_SECONDS = 30.0  # API Gateway keeps an answer as long: a removed token ends within a minute
FRESH_SECONDS = 2.0  # an unknown token may be a new one; SSM is asked for it so often at most
BEARER = re.compile(r"bearer +([\x21-\x7e]{1,256})", re.IGNORECASE)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Principal:
    """`expires_at` is of the token that was sent, epoch seconds;
    who asks with one that is over is still known.
    """

    name: str
    role: Role
    expires_at: float | None = None


class Tokens:
    def __init__(
        self, *, ssm: SSMClient, path: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ssm = ssm
        self._path = path
        self._clock = clock
        self._read_at = float("-inf")
        self._known: dict[str, Principal] = {}

    def principal(self, authorization: str) -> Principal | None:
        """Who sends this Authorization header; None when it is no token that anybody has.
        Raises TokensUnavailable.
        """
        token = BEARER.fullmatch(authorization.strip())
        if token is None:
            return None
        digest = digest_of(token[1])
        self._read_after(KEPT_SECONDS)
        principal = self._find(digest)
        if principal is None:  # perhaps it was made a moment ago
            self._read_after(FRESH_SECONDS)
            principal = self._find(digest)
        return principal

    def _find(self, digest: str) -> Principal | None:
        """Each hash is compared in the same time, and none is left out after a hit."""
        found = None
        for known, principal in self._known.items():
            if hmac.compare_digest(known, digest):
                found = principal
        return found

    def _read_after(self, seconds: float) -> None:
        now = self._clock()
        if now - self._read_at < seconds:
            return
        principals: dict[str, Principal] = {}
        for parameter in self._parameters():
            principals.update(self._entries(parameter))
        self._known = principals
        self._read_at = now

    def _parameters(self) -> list[Any]:
        paginator = self._ssm.get_paginator("get_parameters_by_path")
        try:
            pages = paginator.paginate(Path=self._path, WithDecryption=True)
            return [parameter for page in pages for parameter in page["Parameters"]]
        except (ClientError, BotoCoreError) as exc:
            log.error("the store of tokens does not answer: %s", exc)  # noqa: TRY400  the cause says it all
            raise TokensUnavailable from exc

    def _entries(self, parameter: Any) -> Iterator[tuple[str, Principal]]:
        """None for a parameter that is none of a token; the others go on."""
        name = parameter["Name"].rpartition("/")[2]
        text = parameter["Value"] if NAME.fullmatch(name) else ""
        try:
            entry = TokenEntry.parse(text)
        except ValueError:
            # Without the cause, which may hold a token.
            log.error("a parameter is no token, see docs/configuration.md: %.100s", name)  # noqa: TRY400
            return
        for secret in entry.secrets():
            yield (
                secret.sha256,
                Principal(
                    name=name,
                    role=entry.role,
                    expires_at=secret.until,
                ),
            )
