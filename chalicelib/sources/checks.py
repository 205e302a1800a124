"""Checks: what somebody asked to be looked at, and what was found. A check takes longer than a request may.

The table keeps a fixed number of them: a new one takes the place of an old one, so that nothing need be cleared away.
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from chalicelib.errors import CheckUnknown
from chalicelib.jobs.lock import is_this_check, may_take_place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.jobs.table import Table

PLACES = 256
MOST_NAMES = 500  # of fields, in a result that is too long
LONGEST_RESULT = 256 << 10  # bytes; an item of the table may have 400 KB


class CheckStatus(StrEnum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(frozen=True, kw_only=True)
class Check:
    """Of a definition, which `values` are. `result` is what was found, as JSON takes it, `error` has a code and a
    message.
    """

    check_id: str
    status: CheckStatus
    created_at: float
    created_by: str
    values: Mapping[str, Any]
    result: Mapping[str, Any] | None = None
    error: Mapping[str, str] | None = None

    def view(self) -> dict[str, Any]:
        shown = {"check_id": self.check_id, "status": str(self.status), "created_at": self.created_at}
        return {**shown, "error": self.error, "result": self.result}


class Checks:
    """Every method raises StateUnavailable."""

    def __init__(self, table: Table, *, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock

    def create(self, values: Mapping[str, Any], *, by: str) -> Check:
        check_id = str(uuid.uuid4())
        now = self._clock()
        new = Check(check_id=check_id, status=CheckStatus.PENDING, created_at=now, created_by=by, values=dict(values))
        item = {**_key(check_id), "check_id": check_id, "status": str(new.status), "created_at": now, "created_by": by}
        item["definition"] = json.dumps(dict(values))
        self._table.transact([self._table.put(item, when=may_take_place())])
        return new

    def read(self, check_id: str) -> Check:
        """Raises CheckUnknown."""
        item = self._table.read(_key(check_id)) if _is_id(check_id) else None
        if item is None or item["check_id"] != check_id:
            raise CheckUnknown
        return Check(
            check_id=check_id,
            status=CheckStatus(item["status"]),
            created_at=item["created_at"],
            created_by=item["created_by"],
            values=json.loads(item["definition"]),
            result=json.loads(item["result"]) if "result" in item else None,
            error=item.get("error"),
        )

    def begin(self, check_id: str) -> Check:
        """Raises CheckUnknown."""
        check = self.read(check_id)
        self._change(check_id, {"status": str(CheckStatus.RUNNING)})
        return check

    def finish(self, check_id: str, result: Mapping[str, Any]) -> None:
        text = json.dumps(result)
        if len(text.encode()) > LONGEST_RESULT:
            text = json.dumps(
                {**result, "rows": [], "fields": result["fields"][:500], "unknown": result["unknown"][:500]}
            )
        self._change(check_id, {"status": str(CheckStatus.DONE), "result": text})

    def fail(self, check_id: str, *, code: str, message: str) -> None:
        self._change(check_id, {"status": str(CheckStatus.FAILED), "error": {"code": code, "message": message}})

    def _change(self, check_id: str, values: Mapping[str, Any]) -> None:
        self._table.transact([self._table.update(_key(check_id), values, when=is_this_check(check_id))])


def _key(check_id: str) -> dict[str, str]:
    return {"pk": "CHECK", "sk": f"{uuid.UUID(check_id).int % PLACES:03}"}


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
