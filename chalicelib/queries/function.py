"""What the query function does with its event: the question is checked, asked, and answered as
data.

{"data": …} or {"error": {"code", "message", "status", "details", "retryable"}}: an error too is an
answer, so that it reaches the caller whole. Lambda would make an exception of it, with a stack
trace.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from chalicelib.api.formats import read_format
from chalicelib.errors import (
    AnswerTooLarge,
    FeedNotImplemented,
    JobNotFound,
    NothingPublished,
    QueryFailed,
    ValidationError,
    WellheadError,
)
from chalicelib.logs import add_to_log_context
from chalicelib.metrics import record
from chalicelib.warehouse.names import fence_of, job_of

from .feed import feed_page
from .query import DATABASE, LISTS, Query, parse_query
from .sql import SqlLimits, ask_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.api.formats import Format
    from chalicelib.jobs.lock import Snapshot
    from chalicelib.jobs.manager import JobManager
    from chalicelib.warehouse.names import StoredFile, Warehouse

    from .feed import FeedPage
    from .production import ProductionQuery, Rows
    from .published import PublishedProduction

# An answer of Lambda may have 6 MB, also the API function's, which is this one in JSON once more.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_BYTES = 5_500_000
ROWS_OF_SQL = 1_000  # unless told
DOWNLOAD_SECONDS = 600  # to begin a download; one that has begun goes on

_LISTS: Mapping[str, Callable[[ProductionQuery], Callable[..., Rows | FeedPage]]] = {
    "production": lambda production: production.production,
    "revisions": lambda production: production.revisions,
    "totals": lambda production: production.totals,
    "fields": lambda production: production.fields,
    "wells": lambda production: production.wells,
    "register": lambda production: production.register,
    "rejects": lambda production: production.rejects,
    "changes": lambda production: production.changes,
    "feed": lambda production: partial(feed_page, production),
}
_NAMES = {  # as ProductionQuery and feed_page call them
    "from": "first",
    "to": "last",
    "$filter": "where",
    "$orderby": "order",
    "$skiptoken": "cursor",
    **{f"${name}": name for name in ("select", "top", "skip", "count")},
}

log = logging.getLogger(__name__)


def answer(
    event: Any,
    *,
    published: Callable[[], PublishedProduction],
    export: Callable[[str], dict[str, Any]],
    sql: Callable[[], SqlLimits],
    list_file: Callable[[Query, Mapping[str, Any]], dict[str, Any]],
) -> dict[str, Any]:
    """`published`, `sql`, `export` with a form, and `list_file` with what the list is asked for,
    are called for the questions that need them.
    """
    started = time.monotonic()
    failed = None
    try:
        query = _query(event)
        add_to_log_context(question=query.name)
        data = (
            list_file(query, _arguments_of(query))
            if query.file
            else _answer(query, published, export, sql)
        )
    except WellheadError as error:
        failed = error
        if isinstance(error, QueryFailed):
            log.exception("DuckDB gave no answer")  # its type alone tells what is wrong
    except Exception:
        log.exception("unexpected error")
        failed = WellheadError()
    _count(failed, time.monotonic() - started)
    if failed:
        return {"error": _error_data(failed)}
    return {"data": data}


def _count(failed: WellheadError | None, seconds: float) -> None:
    """What the caller did wrong, or asked beyond what the feed knows,
    is no error of the function.
    """
    status = failed.http_status if failed else HTTPStatus.OK
    is_beyond_feed = isinstance(failed, FeedNotImplemented)  # its status is 501
    is_ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR and not is_beyond_feed
    figures = {"QuestionSeconds": seconds, "QuestionErrors": float(is_ours)}
    level = logging.ERROR if is_ours else logging.INFO
    code = failed.code if failed else None
    record("the question is answered", figures, level=level, code=code)


def _query(event: Any) -> Query:
    arguments = event.get("arguments", {}) if isinstance(event, dict) else None
    if not isinstance(arguments, dict):
        raise ValidationError(
            'The event must be {"question": …, "arguments": {…}}.', field="arguments"
        )
    texts = {name: [str(value)] for name, value in arguments.items() if value is not None}
    query = parse_query(str(event.get("question")), texts)
    if "file" in event:
        return replace(query, file=_file_of(event, query))
    return query


def _file_of(event: Mapping[str, Any], query: Query) -> Format:
    if query.name not in LISTS or {"limit", "cursor"} & query.arguments.keys():
        raise ValidationError("A file is made of a whole list.", field="file")
    return read_format(event["file"])


def _answer(
    query: Query,
    published: Callable[[], PublishedProduction],
    export: Callable[[str], dict[str, Any]],
    sql: Callable[[], SqlLimits],
) -> Any:
    if query.name == "export":
        return export(query.arguments.get("format", DATABASE))
    if query.name == "summary":
        return published().summary(source=query.arguments.get("source"))
    if query.name == "sql":
        return _answer_sql(query, published(), sql())

    with published().query(query.snapshot) as production:
        ask = _LISTS[query.name](production)
        page = _page(query, ask)
        return {**page, "snapshot": named_snapshot(production.snapshot)}


def _answer_sql(query: Query, published: PublishedProduction, limits: SqlLimits) -> dict[str, Any]:
    """Raises SqlOff, and what ask_sql does."""
    rows = query.arguments.get("limit", ROWS_OF_SQL)
    with published.file() as (path, snapshot, own):
        answered = ask_sql(path, query.arguments["statement"], rows=rows, own=own, limits=limits)
    return {**answered, "snapshot": named_snapshot(snapshot)}


def named_snapshot(snapshot: str | None) -> dict[str, Any]:
    """What a page tells of the snapshot that it was read from;
    the summary tells more of the current one.
    """
    name = snapshot or ""
    return {
        "name": name,
        "fence": fence_of(name),
        "job_id": job_of(name),
    }


def _arguments_of(query: Query) -> dict[str, Any]:
    """The arguments as ProductionQuery takes them."""
    arguments = {_NAMES.get(name, name): value for name, value in query.arguments.items()}
    for name in ("first", "last"):
        if name in arguments:
            arguments[name] = date.fromisoformat(arguments[name])
    if "as_of" in arguments:
        arguments["as_of"] = datetime.fromisoformat(arguments["as_of"])
    if "count" in arguments:
        arguments["count"] = arguments["count"] == "true"
    return arguments


def _page(query: Query, ask: Callable[..., Rows | FeedPage]) -> dict[str, Any]:
    """A page that would be too large is asked for anew with fewer rows. Raises AnswerTooLarge. Its
    rows are nobody else's, and are not copied (`asdict`): that takes longer than to ask for them.
    """
    arguments = _arguments_of(query)
    while True:
        page = dict(vars(ask(**arguments)))
        size = _size(page)
        if size <= MOST_BYTES:
            return page

        count = len(page["rows"])
        if count == 1:
            raise AnswerTooLarge
        # Half of what would fit if all rows were of one length: they are not.
        arguments["limit"] = max(1, count * MOST_BYTES // (2 * size))


def _size(data: Any) -> int:
    """In bytes, as text within JSON."""
    text = json.dumps(data)
    return len(json.dumps(text))


def _error_data(error: WellheadError) -> dict[str, Any]:
    return {
        "code": error.code,
        "message": error.message,
        "status": error.http_status,
        "details": error.details,
        "retryable": error.retryable,
    }


def where_to_download(
    form: str = DATABASE,
    *,
    job_manager: JobManager,
    warehouse: Warehouse,
    export: Callable[[Snapshot, str], StoredFile],
    clock: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """What is current, in this form: where it can be read from and until when, and how to tell that
    it came whole. What is not published as it is, `export` makes.

    `expires_at` is null where the URL is a file's. `created_at` is null when nobody knows the job
    any more. Raises NothingPublished, StateUnavailable, WarehouseUnavailable, and what `export`
    does.
    """
    snapshot = job_manager.current_snapshot()
    if snapshot is None:
        raise NothingPublished
    file: Snapshot | StoredFile = snapshot
    if snapshot.is_lake or form != DATABASE:
        file = export(snapshot, form)

    url = warehouse.download_url(file.name, seconds=DOWNLOAD_SECONDS, saved_as=f"wells.{form}")
    expires_at = None if url.startswith("file:") else clock() + DOWNLOAD_SECONDS
    return {
        "url": url,
        "expires_at": expires_at,
        "created_at": _completion_time(job_manager, snapshot.job_id),
        "name": file.name,
        "rows": snapshot.rows,
        "bytes": file.bytes,
        "sha256": file.sha256,
        "job_id": snapshot.job_id,
    }


def _completion_time(job_manager: JobManager, job_id: str) -> float | None:
    try:
        return job_manager.get(job_id).completed_at
    except JobNotFound:
        return None
