"""Event: what happened to a job and when, an entry of its time line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Event:
    """`at` is in epoch seconds; `facts` are plain values."""

    at: float
    name: str
    facts: dict[str, Any] = field(default_factory=dict)

    def to_attributes(self) -> dict[str, Any]:
        """As the job's item keeps it and the API shows it: the facts stand beside time and name."""
        return {
            "at": self.at,
            "event": self.name,
            **self.facts,
        }

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> Self:
        facts = dict(attributes)
        at = facts.pop("at")
        name = facts.pop("event")
        return cls(at=at, name=name, facts=facts)
