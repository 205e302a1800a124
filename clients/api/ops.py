"""The routes of an operator, role admin:
what is kept and pointed at, going back, looking at all of it.
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any, TypedDict, cast
from urllib.parse import quote

from clients.api.answers import Job
from clients.api.errors import ApiError, NotWellhead, TimedOut
from clients.api.words import OPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from clients.api.answers import NewToken, Token
    from clients.api.connection import Answer, Connection

POLL_SECONDS = 1.0  # where the API does not say
REPORT_SECONDS = 3600.0  # what the function may take, with all its tries


class KeptSnapshot(TypedDict):
    """`rows`, `bytes` and `sha256` are None of what was published before these were kept."""

    name: str
    job_id: str
    fence: int
    published_at: float | None
    triggered_by: str | None
    rollback_to: str | None
    rows: int | None
    bytes: int | None
    sha256: str | None
    store: str
    is_current: bool
    is_there: bool | None


class OpsClient:
    """Of the WellheadClient whose connection it has. Every method raises ClientError."""

    def __init__(
        self,
        connection: Connection,
        *,
        pause: Callable[[float], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._pause = pause
        self._clock = clock

    def status(self) -> dict[str, Any]:
        """What an operator looks at first."""
        answer = self._get("/ops/status")
        return cast("dict[str, Any]", answer.data)

    def snapshots(self) -> list[KeptSnapshot]:
        """Newest first."""
        answer = self._get("/ops/snapshots")
        return cast("list[KeptSnapshot]", answer.part("snapshots"))

    def tokens(self) -> list[Token]:
        """By name."""
        answer = self._get("/ops/tokens")
        return cast("list[Token]", answer.part("tokens"))

    def rotate_token(self, name: str, *, now: bool = False, days: int | None = None) -> NewToken:
        """A new token of this name. The one before works for a day more, or ends `now`; the new one
        lives for so many days, or as long as the one before did. Not sent again by itself: each
        time makes another one.
        """
        asked = {
            name: value
            for name, value in {"now": now or None, "days": days}.items()
            if value is not None
        }
        path = f"/ops/tokens/{quote(name, safe='')}/rotate"
        return cast("NewToken", self._connection.ask("POST", path, safe=False, json=asked).data)

    def rollback(self, snapshot: str, *, key: str | None = None) -> Job:
        """The job that publishes this snapshot once more.
        Raises AlreadyRunning, RuleViolated, NotFound.
        """
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        answer = self._connection.ask(
            "POST", "/ops/rollback", safe=True, headers=headers, json={"snapshot": snapshot}
        )
        try:
            return Job.from_view(answer.data)
        except (KeyError, TypeError, AttributeError) as exc:
            raise NotWellhead from exc

    def verify(self, *, is_all: bool = False, timeout: float = REPORT_SECONDS) -> dict[str, Any]:
        """What was looked at, and what is wrong with it.
        Raises ApiError with the code of what went wrong, TimedOut.
        """
        return self._report("verify", {"all": is_all}, timeout)

    def drill(self, *, timeout: float = REPORT_SECONDS) -> dict[str, Any]:
        """How a restore of the newest backup went. Raises as verify does."""
        return self._report("drill", None, timeout)

    def restore(self, snapshot: str, *, timeout: float = REPORT_SECONDS) -> dict[str, Any]:
        """What became of a file that was lost or changed. Raises as verify does."""
        return self._report("restore", {"snapshot": snapshot}, timeout)

    def _report(self, kind: str, asked: Mapping[str, Any] | None, timeout: float) -> dict[str, Any]:
        began = self._clock()
        report = self._connection.ask("POST", f"/ops/{kind}", safe=False, json=asked).data
        try:
            while report["status"] in OPEN:
                if self._clock() - began > timeout:
                    raise TimedOut(
                        "The report is not there in time. The function's log tells what it does."
                    )
                self._pause(POLL_SECONDS)
                report = self._get(f"/ops/{kind}/{quote(report['check_id'], safe='')}").data
            if error := report["error"]:
                raise ApiError(str(error["message"]), status=200, code=str(error["code"]))
            return cast("dict[str, Any]", report["result"])
        except (KeyError, TypeError) as exc:
            raise NotWellhead from exc

    def _get(self, path: str) -> Answer:
        return self._connection.ask("GET", path, safe=True)
