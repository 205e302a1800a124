"""Ownership: a warehouse belongs to one table, and both say so.

The table keeps it in WAREHOUSE#owner, the warehouse in owner.json: an id that was made once, and the table's name.
Where the two do not agree nobody writes: who clears a warehouse by the wrong table removes all that is published.

    table A   no owner.json ── notes its id ── writes owner.json ✓ ── imports
    table B   no owner.json ── notes its id ── writes owner.json ✗ (there is one) ── WAREHOUSE_OWNED

A warehouse without owner.json is new, or older than this rule. Then it is told by its files whose it is.
"""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from chalicelib.errors import WarehouseOwned
from chalicelib.warehouse.names import OWNER, SNAPSHOTS, fence_of, is_fenced, job_of

from .lock import LOCK, OWNERSHIP, Ownership, as_read, same_ownership
from .table import ConditionRefused

if TYPE_CHECKING:
    from chalicelib.warehouse.names import Warehouse

    from .lock import Lock
    from .manager import JobManager
    from .table import Table

JOBS_LOOKED_AT = 20  # of those that have files in an unmarked warehouse, the latest ones

log = logging.getLogger(__name__)


def own_warehouse(*, job_manager: JobManager, warehouse: Warehouse) -> None:
    """Before the first write of an import. Raises WarehouseOwned, StateUnavailable, WarehouseUnavailable."""
    mine, told = _of_table(job_manager.table), warehouse.owner()
    if told is None and not _is_copied(mine, job_manager.table) and _has_our_files(job_manager, warehouse):
        mine = _begun(job_manager.table)
        warehouse.set_owner(_text(mine))
        told = warehouse.owner()
    if told is None:
        raise WarehouseOwned(
            "The warehouse does not hold what this table has published, or holds files of another one, so nothing was "
            'written. Check WELLHEAD_WAREHOUSE and WELLHEAD_TABLE; docs/operations.md, "Another table for a '
            'warehouse", says how to bring the two together.'
        )
    if not _agree(mine, told, job_manager.table):
        raise WarehouseOwned(table=_table_named(told))


def owns(*, job_manager: JobManager, warehouse: Warehouse) -> bool:
    """Whether the two agree; nothing is written to make them. Raises StateUnavailable, WarehouseUnavailable."""
    told = warehouse.owner()
    is_mine = told is not None and _agree(_of_table(job_manager.table), told, job_manager.table)
    if told is not None and not is_mine:
        log.warning("the warehouse belongs to another table", extra={"code": WarehouseOwned.code})
    return is_mine


def take_over(*, job_manager: JobManager, warehouse: Warehouse) -> None:
    """On an operator's word: the warehouse is this table's from now on, whosever it was. The fence is lifted to those
    of its files, so that what this table makes counts as newer. Raises WarehouseOwned while an import runs, and when
    the pointer names none of the snapshots: the sweeper would remove them all.
    """
    lock, current = job_manager.lock(), job_manager.current_snapshot()
    if lock.owner:
        raise WarehouseOwned("An import is running; wait for its end.")
    names = [name for name in warehouse.names("") if is_fenced(name)]
    if any(name.startswith(SNAPSHOTS) for name in names) and (current is None or current.name not in names):
        raise WarehouseOwned(
            "This table points at none of the snapshots here, so its sweeper would remove them all. Restore one first; "
            "docs/operations.md says how."
        )
    _lift_fence(lock, max(map(fence_of, names), default=0), job_manager.table)
    mine = _begun(job_manager.table)
    warehouse.remove(OWNER)
    warehouse.set_owner(_text(mine))


def _lift_fence(lock: Lock, fence: int, table: Table) -> None:
    if fence > lock.fence:
        table.transact([table.update(LOCK, {"fence": fence}, when=as_read(lock))])


def _of_table(table: Table) -> Ownership | None:
    item = table.read(OWNERSHIP)
    return Ownership(**item) if item else None


def _begun(table: Table) -> Ownership:
    """The one that the table has, or a new one."""
    while True:
        old = _of_table(table)
        if old and not _is_copied(old, table):
            return old
        new = Ownership(id=uuid.uuid4().hex, table=table.name)
        try:
            table.transact([table.put(OWNERSHIP | asdict(new), when=same_ownership(old))])
        except ConditionRefused:
            continue
        return new


def _is_copied(mine: Ownership | None, table: Table) -> bool:
    """The items of one table in another, from a backup perhaps. Two tables with one id would both own the warehouse."""
    return mine is not None and mine.table != table.name


def _agree(mine: Ownership | None, told: str, table: Table) -> bool:
    return mine is not None and not _is_copied(mine, table) and _read(told) == asdict(mine)


def _has_our_files(job_manager: JobManager, warehouse: Warehouse) -> bool:
    """A warehouse without owner.json: its files are those of this table, or there are none and none are missed."""
    names = [name for name in warehouse.names("") if is_fenced(name)]
    current = job_manager.current_snapshot()
    if not names:
        return current is None
    jobs = sorted({job_of(name) for name in names}, reverse=True)[:JOBS_LOOKED_AT]
    return (current is not None and current.name in names) or any(job_manager.find(job_id) for job_id in jobs)


def _text(mine: Ownership) -> str:
    return json.dumps(asdict(mine), indent=2) + "\n"


def _read(told: str) -> Any:
    try:
        return json.loads(told)
    except ValueError:
        return None


def _table_named(told: str) -> str | None:
    """For people: whose the warehouse is."""
    owner = _read(told)
    return str(owner.get("table"))[:255] if isinstance(owner, dict) else None
