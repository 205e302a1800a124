"""TokenEntry: what SSM holds of one token, and what becomes of it when its secret is renewed. Pure.

    {"sha256": "…", "role": "operator", "created_at": 1795395329, "expires_at": 1803171329,
     "previous": [{"sha256": "…", "until": 1795481729}]}

Only `sha256` and `role` must be there. `previous` are secrets that the name had before; each is
good until its moment. Times are epoch seconds.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import secrets
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
OVERLAP_SECONDS = 86_400.0  # how long the secret before is good after a new one was made
# So that an answer that was lost, and asked for again, ends nobody's token at once.
MOST_PREVIOUS = 3
MOST_DAYS = 3_650
DAY = 86_400.0


class Role(StrEnum):
    """A reader reads; an operator may also start, stop and retry imports; an admin may also say
    what the sources are, look after the stack and renew tokens. Each may what those before it may.
    """

    READER = "reader"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, needed: Role) -> bool:
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(needed)


@dataclass(frozen=True, kw_only=True)
class Secret:
    """Its hash, and until when it is good; None without an end."""

    sha256: str
    until: float | None

    def end_by(self, moment: float) -> Self:
        """At this moment at the latest."""
        if self.until is not None and self.until < moment:
            return self
        return replace(self, until=moment)


@dataclass(frozen=True, kw_only=True)
class TokenEntry:
    sha256: str
    role: Role
    created_at: float | None = None
    expires_at: float | None = None
    previous: tuple[Secret, ...] = ()

    @classmethod
    def new(cls, token: str, role: Role, *, now: float, days: int | None = None) -> Self:
        expires_at = now + days * DAY if days else None
        return cls(
            sha256=digest_of(token),
            role=role,
            created_at=now,
            expires_at=expires_at,
        )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError.
        What is there must be right: an end that cannot be read is no reason to have none.
        """
        facts = json.loads(text)
        previous = facts.get("previous", []) if isinstance(facts, dict) else None
        if not isinstance(previous, list):
            raise ValueError("no entry")  # noqa: TRY004  it is the text that is wrong
        return cls(
            sha256=_digest(facts),
            role=Role(facts.get("role")),
            created_at=_moment(facts, "created_at"),
            expires_at=_moment(facts, "expires_at"),
            previous=tuple(map(_previous_secret, previous)),
        )

    def text(self) -> str:
        facts: dict[str, Any] = {"sha256": self.sha256, "role": self.role}
        if self.created_at is not None:
            facts["created_at"] = self.created_at
        if self.expires_at is not None:
            facts["expires_at"] = self.expires_at
        if self.previous:
            facts["previous"] = list(map(asdict, self.previous))
        return json.dumps(facts)

    def secrets(self) -> Iterator[Secret]:
        """All that ever were and are still told of, those that are over too."""
        yield Secret(sha256=self.sha256, until=self.expires_at)
        yield from self.previous

    def renew(self, token: str, *, now: float, overlap: float, days: int | None = None) -> Self:
        """With this token in place of the one that it has, which is good for as long as the overlap
        and no longer than it would have been. Without `days` the new one lives as long as the old
        one did.
        """
        previous = [secret.end_by(now + overlap) for secret in self.secrets()]
        return replace(
            self,
            sha256=digest_of(token),
            created_at=now,
            expires_at=now + days * DAY if days else self._end_of_next(now),
            previous=tuple(previous[:MOST_PREVIOUS]),
        )

    def _end_of_next(self, now: float) -> float | None:
        """Of an end without a beginning nobody knows the length: it stays."""
        if self.expires_at is None or self.created_at is None:
            return self.expires_at
        return now + (self.expires_at - self.created_at)


def new_token() -> str:
    """Random, 256 bits: a plain hash of it is enough."""
    return f"wellhead_{secrets.token_urlsafe(32)}"


def days_of_token(text: str) -> int | None:
    """Nothing for a token without an end. Raises ValueError."""
    if not text:
        return None
    days = int(text)
    if not 1 <= days <= MOST_DAYS:
        raise ValueError
    return days


def digest_of(token: str) -> str:
    digest = hashlib.sha256(token.encode())
    return digest.hexdigest()


def _previous_secret(facts: Any) -> Secret:
    sha256 = _digest(facts)
    return Secret(sha256=sha256, until=_moment(facts, "until") or 0.0)


def _digest(facts: Any) -> str:
    digest = facts.get("sha256") if isinstance(facts, dict) else None
    if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise ValueError("no hash")
    return digest


def _moment(facts: Mapping[str, Any], name: str) -> float | None:
    moment = facts.get(name)
    if moment is not None and not _is_finite(moment):
        raise ValueError(f"{name} is no moment")
    return moment


def _is_finite(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)
