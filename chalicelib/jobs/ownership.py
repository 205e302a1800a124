"""Ownership: a warehouse belongs to one table, and both say so.

The table keeps it in WAREHOUSE#owner, the warehouse in owner.json: an id that was made once, and
the table's name. Where the two do not agree nobody writes: who clears a warehouse by the wrong
table removes all that is published.

    table A   no owner.json ── notes its id ── writes owner.json ✓ ── imports
    table B   no owner.json ── notes its id ── writes owner.json ✗ (there is one) ── WAREHOUSE_OWNED

A warehouse without owner.json is new, or older than this rule. Then it is told by its files whose
it is.
"""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from chalicelib.errors import WarehouseOwned
from chalicelib.warehouse.names import OWNER, SNAPSHOTS, fence_of, is_fenced, job_of

from .lock import LOCK, OWNERSHIP, Ownership, same_lock, same_ownership
from .table import ConditionRefused

if TYPE_CHECKING:
    from chalicelib.warehouse.names import Warehouse

    from .lock import Lock
    from .manager import JobManager
    from .table import Table

JOBS_LOOKED_AT = 20  # of those that have files in an unmarked warehouse, the latest ones

log = logging.getLogger(__name__)


def own_warehouse(*, job_manager: JobManager, warehouse: Warehouse) -> None:
    """Before the first write of an import.
    Raises WarehouseOwned, StateUnavailable, WarehouseUnavailable.
    """
    table = job_manager.table
    ownership = _of_table(table)
    mark = warehouse.owner()
    is_unmarked = mark is None and not _is_copied(ownership, table)
    if is_unmarked and _has_our_files(job_manager, warehouse):
        ownership = _find_or_make(table)
        warehouse.set_owner(_text(ownership))
        mark = warehouse.owner()  # of whoever was first, who need not be this table
    if mark is None:
        raise WarehouseOwned(
            "The warehouse does not hold what this table has published, or holds files of another one, so nothing was "
            'written. Check WELLHEAD_WAREHOUSE and WELLHEAD_TABLE; docs/operations.md, "Another table for a '
            'warehouse", says how to bring the two together.'
        )
    if not _agree(ownership, mark, table):
        raise WarehouseOwned(table=_table_in(mark))


def owns(*, job_manager: JobManager, warehouse: Warehouse) -> bool:
    """Whether the two agree; nothing is written to make them.
    Raises StateUnavailable, WarehouseUnavailable.
    """
    mark = warehouse.owner()
    if mark is None:
        return False
    if not _agree(_of_table(job_manager.table), mark, job_manager.table):
        log.warning("the warehouse belongs to another table", extra={"code": WarehouseOwned.code})
        return False
    return True


def take_over(*, job_manager: JobManager, warehouse: Warehouse) -> None:
    """On an operator's word: the warehouse is this table's from now on, whosever it was. The fence
    is lifted to those of its files, so that what this table makes counts as newer. Raises
    WarehouseOwned while an import runs, and when the pointer names none of the snapshots: the
    sweeper would remove them all.
    """
    lock = job_manager.lock()
    current = job_manager.current_snapshot()
    if lock.owner:
        raise WarehouseOwned("An import is running; wait for its end.")
    names = [name for name in warehouse.names("") if is_fenced(name)]
    has_snapshots = any(name.startswith(SNAPSHOTS) for name in names)
    points_at_one = current is not None and current.name in names
    if has_snapshots and not points_at_one:
        raise WarehouseOwned(
            "This table points at none of the snapshots here, so its sweeper would remove them all. Restore one first; "
            "docs/operations.md says how."
        )
    highest_fence = max(map(fence_of, names), default=0)
    _lift_fence(lock, highest_fence, job_manager.table)
    ownership = _find_or_make(job_manager.table)
    warehouse.remove(OWNER)
    warehouse.set_owner(_text(ownership))


def _lift_fence(lock: Lock, fence: int, table: Table) -> None:
    if fence <= lock.fence:
        return
    write = table.update(LOCK, {"fence": fence}, when=same_lock(lock))
    table.transact([write])


def _of_table(table: Table) -> Ownership | None:
    item = table.read(OWNERSHIP)
    return Ownership(**item) if item else None


def _find_or_make(table: Table) -> Ownership:
    """The one that the table has, or a new one."""
    while True:
        old = _of_table(table)
        if old and not _is_copied(old, table):
            return old
        new = Ownership(id=uuid.uuid4().hex, table=table.name)
        write = table.put(OWNERSHIP | asdict(new), when=same_ownership(old))
        try:
            table.transact([write])
        except ConditionRefused:
            continue  # another worker of this table was first: its id is the one
        return new


def _is_copied(ownership: Ownership | None, table: Table) -> bool:
    """The items of one table in another, from a backup perhaps.
    Two tables with one id would both own the warehouse.
    """
    return ownership is not None and ownership.table != table.name


def _agree(ownership: Ownership | None, mark: str, table: Table) -> bool:
    if ownership is None or _is_copied(ownership, table):
        return False
    return bool(_parse(mark) == asdict(ownership))


def _has_our_files(job_manager: JobManager, warehouse: Warehouse) -> bool:
    """A warehouse without owner.json:
    its files are those of this table, or there are none and none are missed.
    """
    names = [name for name in warehouse.names("") if is_fenced(name)]
    current = job_manager.current_snapshot()
    if not names:
        return current is None
    if current is not None and current.name in names:
        return True
    job_ids = {job_of(name) for name in names}
    # Ids of jobs sort by the time of their creation.
    latest_job_ids = sorted(job_ids, reverse=True)[:JOBS_LOOKED_AT]
    return any(job_manager.find(job_id) for job_id in latest_job_ids)


def _text(ownership: Ownership) -> str:
    """What owner.json holds."""
    facts = asdict(ownership)
    return json.dumps(facts, indent=2) + "\n"


def _parse(mark: str) -> Any:
    try:
        return json.loads(mark)
    except ValueError:
        return None


def _table_in(mark: str) -> str | None:
    """For people: whose the warehouse is."""
    owner = _parse(mark)
    if not isinstance(owner, dict):
        return None
    return str(owner.get("table"))[:255]
