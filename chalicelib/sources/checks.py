"""Checks: what somebody asked to be looked at, and what was found. A check takes longer than a
request may.

The table keeps a fixed number of them: a new one takes the place of an old one, so that nothing
need be cleared away.
"""

from __future__ import annotations

import json
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from chalicelib.errors import CheckFailed, CheckUnknown, ReportFailed, ReportUnknown
from chalicelib.jobs.lock import is_this_check, is_this_open_check, may_take_place
from chalicelib.jobs.table import ConditionRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.jobs.table import Table

PLACES = 256
MOST_NAMES = 500  # of fields, in a result that is too long
LONGEST_TEXT = 500  # characters, in one that is too long even so
LONGEST_WORK = 3_600  # seconds; the function has 15 minutes, and is begun three times at most
KEPT = 86_400  # seconds
LONGEST_RESULT = 256 << 10  # bytes; an item of the table may have 400 KB


class CheckKind(StrEnum):
    """SOURCE looks at a source; the others are an operator's, and look at what is published."""

    SOURCE = "source"
    VERIFY = "verify"
    DRILL = "drill"
    RESTORE = "restore"


class CheckStatus(StrEnum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(frozen=True, kw_only=True)
class Check:
    """Of a definition, which `values` are, or of what an operator has asked for with them.
    `result` is what was found, as JSON takes it, `error` has a code and a message.
    """

    check_id: str
    status: CheckStatus
    created_at: float
    created_by: str
    values: Mapping[str, Any]
    kind: CheckKind = CheckKind.SOURCE
    result: Mapping[str, Any] | None = None
    error: Mapping[str, str] | None = None

    def view(self) -> dict[str, Any]:
        shown = {
            "check_id": self.check_id,
            "status": str(self.status),
            "created_at": self.created_at,
        }
        return {**shown, "error": self.error, "result": self.result}


class Checks:
    """Every method raises StateUnavailable."""

    def __init__(self, table: Table, *, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock

    def create(
        self, values: Mapping[str, Any], *, by: str, kind: CheckKind = CheckKind.SOURCE
    ) -> Check:
        check_id = str(uuid.uuid4())
        now = self._clock()
        new = Check(
            check_id=check_id,
            status=CheckStatus.PENDING,
            created_at=now,
            created_by=by,
            values=dict(values),
            kind=kind,
        )
        item = {
            **_key(check_id),
            "check_id": check_id,
            "status": str(new.status),
            "created_at": now,
            "created_by": by,
            "definition": json.dumps(dict(values)),
            "kind": str(kind),
        }
        self._table.transact([self._table.put(item, when=may_take_place())])
        return new

    def read(self, check_id: str, kind: CheckKind = CheckKind.SOURCE) -> Check:
        """One that is not done after a long time never will be: its function died,
        and nobody was told. Raises CheckUnknown, of another kind than a source's ReportUnknown.
        """
        check = self._find(check_id)
        if check is None or check.kind is not kind:
            raise CheckUnknown if kind is CheckKind.SOURCE else ReportUnknown
        return check

    def _find(self, check_id: str) -> Check | None:
        if not _is_id(check_id):
            return None
        item = self._table.read(_key(check_id))
        if item is None or item["check_id"] != check_id:  # another one has its place now
            return None
        age = self._clock() - item["created_at"]
        if age > KEPT:
            return None

        check = _check_of(item)
        is_open = check.status in (CheckStatus.PENDING, CheckStatus.RUNNING)
        is_lost = is_open and age > LONGEST_WORK
        has_died = check.error is not None and check.error.get("code") == CheckFailed.code
        if is_lost or has_died:
            return replace(check, status=CheckStatus.FAILED, error=_failure(check.kind))
        return check

    def begin(self, check_id: str) -> Check:
        """Of whatever kind. Raises CheckUnknown."""
        check = self._find(check_id)
        if check is None:
            raise CheckUnknown
        self._change(check_id, {"status": str(CheckStatus.RUNNING)})
        return check

    def finish(self, check_id: str, result: Mapping[str, Any]) -> None:
        """The result of a source's check is cut where it is too long;
        the others keep theirs short.
        """
        is_of_source = "fields" in result
        text = _fitting(result) if is_of_source else json.dumps(dict(result))
        self._change(check_id, {"status": str(CheckStatus.DONE), "result": text})

    def fail(self, check_id: str, *, code: str, message: str) -> None:
        """Nothing happens to one that is done: that its function died later is of no interest."""
        values = {"status": str(CheckStatus.FAILED), "error": {"code": code, "message": message}}
        is_open = is_this_open_check(check_id, str(CheckStatus.DONE))
        with suppress(ConditionRefused):
            update = self._table.update(_key(check_id), values, when=is_open)
            self._table.transact([update])

    def give_up(self, check_id: str) -> None:
        self.fail(check_id, **_failure())

    def _change(self, check_id: str, values: Mapping[str, Any]) -> None:
        """Nothing happens where another one has its place: nobody waits for this one any more."""
        with suppress(ConditionRefused):
            update = self._table.update(_key(check_id), values, when=is_this_check(check_id))
            self._table.transact([update])


def _failure(kind: CheckKind = CheckKind.SOURCE) -> dict[str, str]:
    error = CheckFailed() if kind is CheckKind.SOURCE else ReportFailed()
    return {"code": error.code, "message": error.message}


def _check_of(item: Mapping[str, Any]) -> Check:
    return Check(
        check_id=item["check_id"],
        status=CheckStatus(item["status"]),
        created_at=item["created_at"],
        created_by=item["created_by"],
        values=json.loads(item["definition"]),
        kind=CheckKind(item.get("kind", CheckKind.SOURCE)),
        result=json.loads(item["result"]) if "result" in item else None,
        error=item.get("error"),
    )


def _fitting(result: Mapping[str, Any]) -> str:
    """As JSON that an item of the table has room for:
    without what is missed least, until it fits.
    """
    without_rows = {
        "rows": [],
        "fields": result["fields"][:MOST_NAMES],
        "unknown": result["unknown"][:MOST_NAMES],
    }
    without_draft = {
        "draft": None,
        "hints": [*result["hints"][:MOST_NAMES], "The draft is too long to be kept here."],
    }
    shown = dict(result)
    for instead in ({}, without_rows, without_draft):
        shown |= instead
        text = json.dumps(shown)
        if len(text) <= LONGEST_RESULT:
            return text
    return json.dumps(_cut(shown))


def _cut(value: Any) -> Any:
    """With short lists of short texts."""
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if isinstance(value, list):
        return [_cut(item) for item in value[:20]]
    if isinstance(value, dict):
        return {name: _cut(item) for name, item in value.items()}
    return value


def _key(check_id: str) -> dict[str, str]:
    place = uuid.UUID(check_id).int % PLACES
    return {"pk": "CHECK", "sk": f"{place:03}"}


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
