"""The HTTP API of Wellhead as one typed client, on which the command line and the desktop window
stand.

    with WellheadClient("http://127.0.0.1:8000", token) as wellhead:
        job = wellhead.wait(wellhead.trigger().job_id, print)

Every method raises ClientError (clients/errors.py). What is sent again by itself, when no answer
came or one that says to try again, is what can do no harm twice: questions, and a trigger or retry,
by its Idempotency-Key.
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import quote

from clients.api.answers import CsvPage, Export, Health, Job, Page, RejectedRow, Summary
from clients.api.connection import Answer, Connection, is_transient
from clients.api.download import download
from clients.api.errors import ApiError, ClientError, NotWellhead, TimedOut, Unreachable
from clients.api.list_files import save_list
from clients.api.ops import POLL_SECONDS, OpsClient
from clients.api.periods import row_of
from clients.api.upload import upload
from clients.api.words import OPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from clients.api.answer_types import Status
    from clients.api.answers import (
        Change,
        ChangedField,
        Check,
        Field,
        LogLine,
        Notice,
        Preset,
        Production,
        Row,
        ScheduleState,
        Source,
        Totals,
        Upload,
        Well,
    )

SNAPSHOT = "X-Wellhead-Snapshot"
CHECK_SECONDS = 900.0  # what the function that looks at a source may take
LISTS = {
    "production": "/wells/production",
    "revisions": "/wells/production/revisions",
    "totals": "/wells/production/totals",
    "fields": "/wells/fields",
    "wells": "/wells",
}
LOST_SECONDS = 60.0  # an import is followed through a break of so long


class WellheadClient:
    """Not for several threads at once: one client each. `token` None is of use for `health` alone.

    `pause` waits so many seconds; a program that must stop at once passes an Event's `wait` and
    leaves the loop. `on_retry` hears of each error that is tried again, and after how many seconds.
    Raises InvalidAddress.
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        *,
        on_retry: Callable[[ClientError, float], object] | None = None,
        pause: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = Connection(url, token, pause=pause, on_retry=on_retry)
        self._pause = pause
        self._clock = clock
        self._seen: tuple[str, str, Job] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    @property
    def url(self) -> str:
        return self._connection.url

    @property
    def role(self) -> str | None:
        """Of the token, `reader`, `operator` or `admin`; None before the first answer that told."""
        return self._connection.role

    @property
    def ops(self) -> OpsClient:
        """What an operator asks for."""
        return OpsClient(
            self._connection,
            pause=self._pause,
            clock=self._clock,
        )

    # -- imports ----------------------------------------------------------------------------------------

    def trigger(
        self,
        *,
        full: bool = False,
        source: str | None = None,
        field_code: str | int | None = None,
        first: str | None = None,
        last: str | None = None,
        key: str | None = None,
    ) -> Job:
        """The job that was started; with the `key` of an earlier call, that one's. Without a
        `source` the only one or the default one is meant. A field or days such as 2024-01-31 make
        it an import of that part. Raises AlreadyRunning.
        """
        asked = {
            "full": "true" if full else None,
            "source": source,
            "field_code": field_code,
            "from": first,
            "to": last,
        }
        return self._start("/wells/import/trigger", key, params=_without_nothing(asked))

    def retry(self, job_id: str, *, key: str | None = None) -> Job:
        """A new job that goes on from the last checkpoint of one that FAILED or was CANCELLED.
        Raises AlreadyRunning, RuleViolated.
        """
        path = f"/wells/import/jobs/{_part(job_id)}/retry"
        return self._start(path, key)

    def accept(self, job_id: str, findings: Iterable[str], *, key: str | None = None) -> Job:
        """A new job that publishes what was held, from its segments; `findings` are the checks that
        hold it, all of them. Raises AlreadyRunning, NotHeld, FindingsDiffer, AcceptTooLate.
        """
        path = f"/wells/import/jobs/{_part(job_id)}/accept"
        named = {"findings": list(findings)}
        return self._start(path, key, json=named)

    def discard(self, job_id: str) -> Job:
        """The held job, which can then no longer be accepted; twice is the same. Raises NotHeld."""
        return _job(
            self._connection.ask("POST", f"/wells/import/jobs/{_part(job_id)}/discard", safe=True)
        )

    def cancel(self, job_id: str) -> Job:
        """The job, which ends at its next report when somebody works on it.
        Raises RuleViolated when it has ended.
        """
        return _job(
            self._connection.ask("POST", f"/wells/import/jobs/{_part(job_id)}/cancel", safe=False)
        )

    def status(self, job_id: str) -> Job:
        """The clock alone moves the seconds and rates of a running job:
        while nothing else has changed they stay as they were when it was last asked for.
        """
        return self._status(job_id)[0]

    def follow(self, job_id: str, *, timeout: float | None = None) -> Iterator[Job]:
        """The job at once and then as often as the API asks for, up to its final state; through a
        break of the connection of a minute. Raises TimedOut after `timeout` seconds; the import
        goes on.
        """
        began = heard = self._clock()
        failures = 0
        while True:
            left = None if timeout is None else timeout - (self._clock() - began)
            if left is not None and left <= 0:
                raise TimedOut(details={"job_id": job_id})
            try:
                job, pause = self._status(job_id, within=left, safe=False)
            except (Unreachable, ApiError) as error:
                if not is_transient(error) or self._clock() - heard > LOST_SECONDS:
                    raise
                self._connection.wait(error, failures, most=LOST_SECONDS if left is None else left)
                failures += 1
                continue
            heard = self._clock()
            failures = 0
            yield job
            if job.final:
                return
            self._pause(pause if left is None else min(pause, left))

    def wait(
        self,
        job_id: str,
        on_progress: Callable[[Job], object] | None = None,
        *,
        timeout: float | None = None,
    ) -> Job:
        """The job in its final state, whichever that is. Raises TimedOut."""
        job = None
        for job in self.follow(job_id, timeout=timeout):
            if on_progress:
                on_progress(job)
        return cast("Job", job)

    def history(
        self,
        *,
        status: Status | None = None,
        source: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[Job]:
        """Newest first, without their time lines."""
        answer = self._get(
            "/wells/import/jobs", status=status, source=source, limit=limit, cursor=cursor
        )
        try:
            jobs = tuple(Job.from_view(view) for view in answer.data["jobs"])
            return Page(jobs, answer.data["next_cursor"])
        except (KeyError, TypeError) as exc:
            raise NotWellhead from exc

    def rejects(
        self, job_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Page[RejectedRow]:
        """The rows that a completed import rejected, in the order of the source."""
        path = f"/wells/import/jobs/{_part(job_id)}/rejects"
        return self._page(path, limit=limit, cursor=cursor)

    def rejects_csv(self, job_id: str, *, limit: int = 1000, cursor: str | None = None) -> CsvPage:
        return self._csv(job_id, "rejects", limit=limit, cursor=cursor)

    def changes(
        self,
        job_id: str,
        *,
        change: str | None = None,
        field_code: str | int | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[Change]:
        """The rows that a completed import made `new`, `updated` or `withdrawn`, by the key."""
        return self._page(
            f"/wells/import/jobs/{_part(job_id)}/changes",
            change=change,
            field_code=field_code,
            limit=limit,
            cursor=cursor,
        )

    def changed_fields(
        self, job_id: str, *, limit: int | None = None, cursor: str | None = None, **asked: Any
    ) -> Page[ChangedField]:
        """How many rows of each field an import changed, and their volumes before and after;
        `asked` as for changes.
        """
        path = f"/wells/import/jobs/{_part(job_id)}/changes"
        return self._page(
            path,
            by="field",
            limit=limit,
            cursor=cursor,
            **asked,
        )

    def changes_csv(
        self, job_id: str, *, limit: int = 1000, cursor: str | None = None, **asked: Any
    ) -> CsvPage:
        return self._csv(job_id, "changes", limit=limit, cursor=cursor, **asked)

    def log(self, job_id: str) -> list[LogLine]:
        """The last lines that were logged of the job, in their order."""
        return cast(
            "list[LogLine]",
            self._get(f"/wells/import/jobs/{_part(job_id)}/logs").part("lines"),
        )

    def _csv(self, job_id: str, rows: str, **asked: Any) -> CsvPage:
        answer = self._get(f"/wells/import/jobs/{_part(job_id)}/{rows}", format="csv", **asked)
        return CsvPage(
            answer.text, answer.headers.get("X-Next-Cursor"), answer.headers.get(SNAPSHOT)
        )

    # -- sources ------------------------------------------------------------------------------------------

    def sources(self) -> list[Source]:
        """By name, without their definitions."""
        answer = self._get("/sources")
        return cast("list[Source]", answer.part("sources"))

    def source(self, name: str, *, version: int | None = None) -> Source:
        """With its definition, as it is or as it was."""
        answer = self._get(f"/sources/{_part(name)}", version=version)
        return cast("Source", answer.data)

    def put_source(
        self, name: str, definition: Mapping[str, Any], *, version: int | str | None = None
    ) -> Source:
        """Defines a source, or replaces the definition with this `version`; "*" for whichever there
        is. Raises ApiError SOURCE_DEFINITION_INVALID, whose details list every fault, and
        SOURCE_VERSION_DIFFERS.
        """
        headers = _of_version(version)
        path = f"/sources/{_part(name)}"
        return cast(
            "Source",
            self._connection.ask("PUT", path, safe=True, json=definition, headers=headers).data,
        )

    def delete_source(self, name: str, *, version: int | None = None) -> None:
        """Its rows stay. Raises RuleViolated while an import of it runs."""
        path = f"/sources/{_part(name)}"
        headers = _of_version(version)
        self._connection.ask("DELETE", path, safe=False, headers=headers)

    def pause_source(self, name: str) -> ScheduleState:
        """It starts nothing by its schedule; twice is the same.
        Raises RuleViolated when it has none.
        """
        return cast(
            "ScheduleState",
            self._connection.ask("POST", f"/sources/{_part(name)}/pause", safe=True).data,
        )

    def resume_source(self, name: str) -> ScheduleState:
        """Its schedule goes on with the next due time; twice is the same.
        Raises RuleViolated when it has none.
        """
        return cast(
            "ScheduleState",
            self._connection.ask("POST", f"/sources/{_part(name)}/resume", safe=True).data,
        )

    def check_source(
        self, definition: Mapping[str, Any], *, timeout: float = CHECK_SECONDS
    ) -> Check:
        """What an import of it would find; nothing is stored. The check in its final state.
        Raises ApiError SOURCE_DEFINITION_INVALID, whose details list every fault, and TimedOut.
        """
        began = self._clock()
        check = cast(
            "Check", self._connection.ask("POST", "/sources/check", safe=True, json=definition).data
        )
        while check["status"] in OPEN:
            if self._clock() - began > timeout:
                raise TimedOut("The check has not ended in time. Its source is slow, or large.")
            self._pause(POLL_SECONDS)
            check = cast("Check", self._get(f"/sources/check/{_part(check['check_id'])}").data)
        return check

    def upload(self, name: str, path: Path) -> Upload:
        """Sends the file into the stack's bucket, for the source of this name to read; one of the
        same name there is replaced. Raises RuleViolated UPLOAD_NOT_HERE where the stack has no
        bucket, UploadFailed.
        """
        asked = {"file": path.name}
        form = cast(
            "Upload",
            self._connection.ask(
                "POST", f"/sources/{_part(name)}/files", safe=True, json=asked
            ).data,
        )
        upload(form, path)
        return form

    def presets(self) -> list[Preset]:
        """The mappings of public sources that ship with Wellhead."""
        answer = self._get("/sources/presets")
        return cast("list[Preset]", answer.part("presets"))

    # -- notices ------------------------------------------------------------------------------------------

    def notices(self, *, limit: int | None = None) -> list[Notice]:
        """The last ones and what has become of them, newest first."""
        answer = self._get("/notices", limit=limit)
        return cast("list[Notice]", answer.part("notices"))

    def test_notices(self) -> str:
        """The key of a notice that is a test, and is sent within about a minute."""
        answer = self._connection.ask("POST", "/notices/test", safe=False)
        return str(answer.part("key"))

    # -- what is published --------------------------------------------------------------------------------

    def wells(
        self,
        search: str | None = None,
        *,
        field_code: str | int | None = None,
        source: str | None = None,
        as_of: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[Well]:
        return self._page(
            "/wells",
            search=search,
            field_code=field_code,
            source=source,
            as_of=as_of,
            limit=limit,
            cursor=cursor,
        )

    def production(
        self,
        *,
        well_code: str | int | None = None,
        field_code: str | int | None = None,
        source: str | None = None,
        first: str | None = None,
        last: str | None = None,
        as_of: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[Production]:
        """By field, well and period. `first` and `last` are days such as 2024-01-31, both
        inclusive; `as_of` a moment such as 2026-06-30T18:00:00Z, or a day for its end in UTC: the
        rows as they stood then.
        """
        codes = {
            "well_code": well_code,
            "field_code": field_code,
            "source": source,
            "as_of": as_of,
        }
        return self._page(
            "/wells/production", **codes, **{"from": first, "to": last}, limit=limit, cursor=cursor
        )

    def totals(
        self,
        *,
        field_code: str | int | None = None,
        source: str | None = None,
        first: str | None = None,
        last: str | None = None,
        as_of: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[Totals]:
        """Sums by source and period, of all wells or those of a field;
        over all sources for `*` alone.
        """
        asked = {
            "field_code": field_code,
            "source": source,
            "from": first,
            "to": last,
            "as_of": as_of,
        }
        return self._page("/wells/production/totals", **asked, limit=limit, cursor=cursor)

    def fields(
        self,
        search: str | None = None,
        *,
        source: str | None = None,
        as_of: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[Field]:
        """By source and code, with the number of their wells."""
        return self._page(
            "/wells/fields", search=search, source=source, as_of=as_of, limit=limit, cursor=cursor
        )

    def save_list(
        self, name: str, kind: str, target: Path, *, job_id: str | None = None, **asked: Any
    ) -> int:
        """Puts all rows of a list into a file, and tells its bytes. `name` is production,
        revisions, totals, fields or wells, or changes or rejects of a job; `kind` csv, parquet or
        xlsx; `asked` what the API calls it, with `separator` and `decimal` of CSV. Raises ApiError
        LIST_TOO_LARGE, DownloadFailed, DownloadDamaged.
        """
        of_a_job = f"/wells/import/jobs/{_part(job_id)}/{name}" if job_id else None
        path = of_a_job or LISTS[name]
        query = _without_nothing(asked)
        return save_list(self._connection, path, kind, target, query)

    def summary(self, *, source: str | None = None) -> Summary:
        """Of one source, or of all.
        Of several, what would count a well twice is None, unless for `*`.
        """
        answer = self._get("/wells/production/summary", source=source)
        return cast("Summary", answer.data)

    def export(self, form: str = "duckdb") -> Export:
        """Where the published database can be read from, or as `parquet` its rows of production;
        for ten minutes where it is on S3.
        """
        try:
            return Export.from_view(
                self._get("/wells/export", format=None if form == "duckdb" else form).data
            )
        except (KeyError, TypeError) as exc:
            raise NotWellhead from exc

    def download(
        self,
        path: Path,
        on_bytes: Callable[[int, int], object] | None = None,
        *,
        form: str = "duckdb",
    ) -> Export:
        """Puts what `export` tells of there, whole and checked by its SHA-256. `on_bytes` hears how
        many of how many bytes have come. Raises DownloadFailed, DownloadDamaged.
        """
        export = self.export(form)
        download(export, path, lambda count: on_bytes(count, export.bytes) if on_bytes else None)
        return export

    def health(self) -> Health:
        """Needs no token. Raises ApiError UNHEALTHY, whose details name what does not answer."""
        answer = self._connection.ask("GET", "/health", safe=False)
        return cast("Health", answer.data)

    # -- how it is asked ----------------------------------------------------------------------------------

    def _start(self, path: str, key: str | None, **sent: Any) -> Job:
        key = key or str(uuid.uuid4())
        headers = {"Idempotency-Key": key}
        answer = self._connection.ask("POST", path, safe=True, headers=headers, **sent)
        return _job(answer)

    def _status(
        self, job_id: str, *, within: float | None = None, safe: bool = True
    ) -> tuple[Job, float]:
        """And after how many seconds to ask again."""
        seen_id, tag, seen = self._seen or ("", "", None)
        headers = {"If-None-Match": tag} if tag and seen_id == job_id else {}
        path = f"/wells/import/status/{_part(job_id)}"
        answer = self._connection.ask("GET", path, safe=safe, within=within, headers=headers)
        is_as_before = answer.data is None  # 304 Not Modified
        job = seen if seen and is_as_before else _job(answer)
        self._seen = (job_id, answer.headers.get("ETag", ""), job)
        if answer.retry_after is None:
            return job, POLL_SECONDS
        return job, answer.retry_after

    def _page(self, path: str, **query: Any) -> Page[Any]:
        answer = self._get(path, **query)
        try:
            rows = tuple(map(row_of, answer.data["rows"]))
            return Page(rows, answer.data["next_cursor"], answer.headers.get(SNAPSHOT))
        except (KeyError, TypeError, ValueError) as exc:
            raise NotWellhead from exc

    def _get(self, path: str, **query: Any) -> Answer:
        params = _without_nothing(query)
        return self._connection.ask("GET", path, safe=True, params=params)


def every(ask: Callable[[str | None], Page[Row]]) -> Iterator[Row]:
    """The rows of all pages: `every(lambda cursor: client.wells(cursor=cursor))`. They are of one
    snapshot, whatever is published meanwhile; who takes so long that it is no longer kept gets
    SnapshotGone.
    """
    page = ask(None)
    yield from page.rows
    while page.next_cursor:
        page = ask(page.next_cursor)
        yield from page.rows


def _without_nothing(query: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _part(job_id: str) -> str:
    """As one part of a path, whatever somebody has typed."""
    quoted = quote(job_id, safe="", errors="replace")
    return quoted or "-"


def _of_version(version: int | str | None) -> dict[str, str]:
    if version is None:
        return {}
    return {"If-Match": "*" if version == "*" else f'"{version}"'}


def _job(answer: Answer) -> Job:
    try:
        return Job.from_view(answer.data)
    except (KeyError, TypeError, AttributeError) as exc:
        raise NotWellhead from exc
