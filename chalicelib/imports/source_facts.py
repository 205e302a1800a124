"""What the pointer keeps of each source: the watermark, what was accepted, and
which import was its latest.

An import of one source leaves those of the others as they are. The source that the settings
describe has its facts where they stood before there were definitions: in the snapshot itself.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.jobs.lock import Snapshot
    from chalicelib.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Facts:
    """As Snapshot tells them."""

    changed_until: float | None = None
    changed_of: str | None = None
    accepted: Sequence[str] | None = None
    files: Sequence[str] | None = None  # the marks of those that were read

    def to_attributes(self) -> dict[str, Any]:
        facts = asdict(self)
        return {name: value for name, value in facts.items() if value is not None}


def facts_of(base: Snapshot | None, settings: Settings) -> Facts:
    """Of the source that the settings tell of, in the published snapshot."""
    if base is None:
        return Facts()
    if settings.definition is None:
        return Facts(
            changed_until=base.changed_until, changed_of=base.changed_of, accepted=base.accepted
        )
    facts = (base.sources or {}).get(settings.source_name, {})
    return Facts(
        changed_until=facts.get("changed_until"),
        changed_of=facts.get("changed_of"),
        accepted=facts.get("accepted"),
        files=facts.get("files"),
    )


def with_facts(
    snapshot: Snapshot, base: Snapshot | None, settings: Settings, facts: Facts, *, at: float
) -> Snapshot:
    """The new snapshot with these facts of its source,
    and with those that the base has of all others.
    """
    of_source: dict[str, Any] = {"fence": snapshot.fence, "job_id": snapshot.job_id, "at": at}
    if settings.definition is None:
        of_snapshot = facts.to_attributes()
    else:
        # The source of the settings is another one: its facts stay as they are.
        of_snapshot = facts_of(base, replace(settings, definition=None)).to_attributes()
        of_source |= facts.to_attributes()
    sources = {**((base.sources if base else None) or {}), settings.source_name: of_source}
    rollback_fence = base.rollback_fence if base else None
    return replace(snapshot, sources=sources, rollback_fence=rollback_fence, **of_snapshot)
