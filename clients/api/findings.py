"""What was found about an import as a whole, and what holds it until somebody gives their word."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

from clients.api.words import CHECK_WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clients.api.answer_types import Diff

HELD = "HELD"  # the code of the error that a held import ended with
ONLY_SHOWN = {"COMPLETENESS_UNKNOWN"}  # where the API does not say whether a finding holds
NOTHING = "\N{EN DASH}"
CHANGES = ("new", "updated", "unchanged", "rejected")  # rows, as a diff counts them


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`check` names what was looked at; `limit` and `found` are in its own unit. At most a few
    `examples`, each a row of whatever columns tell it best. What does not `hold` an import is only
    shown.
    """

    check: str
    message: str = ""
    limit: Any = None
    found: Any = None
    examples: tuple[Any, ...] = ()
    can_be_accepted: bool = True
    holds: bool = True
    fingerprint: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_view(cls, view: Mapping[str, Any]) -> Self:
        """Raises KeyError, TypeError when that is no finding."""
        names = {each.name for each in fields(cls)} - {"raw"}
        known = {name: view[name] for name in names if view.get(name) is not None}
        known.setdefault("holds", view["check"] not in ONLY_SHOWN)
        known["examples"] = tuple(known.get("examples") or ())
        return cls(**known, raw=dict(view))

    @property
    def title(self) -> str:
        """The check in words; of one that is not known here, its own name."""
        words = CHECK_WORDS.get(self.check)
        if words:
            return words
        return self.check.replace("_", " ").capitalize()

    @property
    def state(self) -> str:
        """In one word: whether it holds the import, was accepted, or never holds."""
        if self.holds:
            return "holds"
        return "shown" if self.check in ONLY_SHOWN else "accepted"

    @property
    def measures(self) -> list[str]:
        """Such as "found: 1,250"; what it does not have is left out."""
        amounts = {"found": self.found, "limit": self.limit}
        return [
            f"{name}: {shown_value(amount)}"
            for name, amount in amounts.items()
            if amount not in (None, "")
        ]

    @property
    def columns(self) -> list[str]:
        """Of the examples, in the order of their first sight."""
        names: dict[str, None] = {}  # which keeps the order
        for row in self.rows:
            names |= dict.fromkeys(row)
        return list(names)

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """The examples, one that is no object under a name of its own."""
        rows: list[Mapping[str, Any]] = []
        for example in self.examples:
            row = example if isinstance(example, dict) else {"example": example}
            rows.append(row)
        return rows


def shown_value(value: Any) -> str:
    """Of a finding or a change: text as it is, numbers with their thousands."""
    if value is None:
        return NOTHING
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.6g}"


def shown_changes(diff: Diff) -> str:
    """Such as: 12 new, 3 updated, 1,900 unchanged, 0 rejected rows."""
    counts = [f"{diff.get(name, 0):,} {name}" for name in CHANGES]
    return f"{', '.join(counts)} rows"
