"""Settling: before anything is merged, main of each table is what the pointer names.

An import that died between its commits, or before its end was told to the table, leaves a main that
nobody may build upon: its rows are of a job that did not complete. Whoever claims next takes it
back. The dead job itself merges its rows anew: to publish what its last attempt has committed would
take all that this attempt knew.

    A (fence 7)   commits two tables ── freezes ....................... wakes ✗ sees fence 8
    B (fence 8)                claims ── sets both back ── merges ── commits ── moves the pointer

The fence stands in each table. Who sees a later one than his own has lost his place, and takes
nothing back: it may be published.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.errors import LakeMoved, LakeUnavailable, LeaseLost

from .versions import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .catalog import Catalog, Head
    from .versions import Versions

JOB, FENCE, FACTS = "wellhead.job", "wellhead.fence", "wellhead.facts"
# Somebody may move main while it is set back: a worker that is not dead yet, a compaction.
TRIES = 5

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Maker:
    """Who made a commit, as its table's properties tell; nobody of ours before the first one."""

    job_id: str = ""
    fence: int = 0

    @classmethod
    def of(cls, properties: Mapping[str, str]) -> Maker:
        job_id = properties.get(JOB, "")
        fence = int(properties.get(FENCE, 0))
        return cls(job_id, fence)

    def to_properties(self) -> dict[str, str]:
        return {JOB: self.job_id, FENCE: str(self.fence)}


def settle_lake(catalog: Catalog, published: Versions, *, fence: int) -> dict[str, Head]:
    """Each table as it stands, main being what is published. Raises LeaseLost when a later claim
    than that of the fence has written, LakeUnavailable, LakeMoved.
    """
    # All before the first one is set back: a state that is not whole is none to go back to.
    heads = {table: _find(catalog, table, published.of(table)) for table in TABLES}
    return {
        table: settle_table(catalog, table, published.of(table), fence=fence, head=heads[table])
        for table in TABLES
    }


def _find(catalog: Catalog, table: str, published: int | None) -> Head:
    """The table as it stands.
    Raises LakeUnavailable, LakeMoved where it lacks the published snapshot.
    """
    head = catalog.head(table)
    if head is None:
        raise LakeUnavailable(
            f"The lake has no table {table}. Check WELLHEAD_CATALOG; docs/lake.md says how tables "
            "are made."
        )
    has_published = published is None or published in head.snapshots
    if not has_published and not head.holds_the_rows_of(published):
        raise LakeMoved(
            f"The lake no longer has the published snapshot {published} of {table}, so nothing was "
            "written to it. Let its catalog keep snapshots longer; docs/lake.md says how to go "
            "back to one that is there."
        )
    return head


def settle_table(
    catalog: Catalog, table: str, published: int | None, *, fence: int, head: Head | None = None
) -> Head:
    """As settle_lake, of one table; `head` is how it stood just before, where that is known."""
    for _ in range(TRIES):
        if head is None:
            head = _find(catalog, table, published)
        maker = Maker.of(head.properties)
        if maker.fence > fence:
            raise LeaseLost  # a later claim has written: this worker has lost its place
        if head.holds_the_rows_of(published):
            return head
        log.warning(
            "the lake holds what nobody has published, and is set back",
            extra={"job_id": maker.job_id},
        )
        ours = Maker(fence=fence)  # who made the table what it is then: nobody's job
        catalog.set_main(table, head, published, ours.to_properties())
        head = None  # it is read once more, whether main was moved by this worker or by another
    raise LakeMoved


def commit_after(catalog: Catalog, table: str, before: Head, maker: Maker) -> int | None:
    """The snapshot that the maker has committed upon a table that was so before;
    None where there is no such one. Raises LakeUnavailable.
    """
    head = catalog.head(table)
    if head is None or Maker.of(head.properties) != maker:
        return None
    has_moved = head.snapshot != before.snapshot
    return head.snapshot if has_moved else None
