"""Start an import: create the job, dispatch it, answer. Nothing here waits for the import."""

from __future__ import annotations

import json
import logging
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalicelib.api.parameters import FIELD_CODE, FROM, FULL, TO, check_range, read_value, refusal
from chalicelib.api.request_fields import json_body, single_values
from chalicelib.errors import DispatchFailed, NotResumable, NotRetryable, RequestForbidden, ValidationError
from chalicelib.warehouse.names import SEGMENTS, segment_names

from .job import Job, JobStatus, new_job

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from chalicelib.api.parameters import Parameter
    from chalicelib.warehouse.names import Warehouse

    from .dispatcher import Dispatcher
    from .manager import JobManager

PARAMETERS: Mapping[str, Parameter] = {"full": FULL, "field_code": FIELD_CODE, "from": FROM, "to": TO}
RETRY_SECONDS = 6 * 86_400  # for so long a job can be retried; the sweeper keeps its segments a day longer

_JSON_TYPES = {"boolean": bool, "integer": int, "string": str}

log = logging.getLogger(__name__)


def start_import(
    *,
    job_manager: JobManager,
    dispatcher: Dispatcher,
    triggered_by: str = "anonymous",
    parameters: Mapping[str, Any] | None = None,
    source_id: str | None = None,
    key: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Job:
    """The accepted job, or the one that the same caller's `key` made before. Raises ImportAlreadyRunning,
    StateUnavailable, and ValidationError when that one was asked for with other parameters.

    A job whose dispatch fails is accepted all the same: it is in the table, and the sweeper starts it.
    """
    wanted = new_job(now=clock(), triggered_by=triggered_by, parameters=dict(parameters or {}), source_id=source_id)
    return _accept(wanted, key, job_manager, dispatcher)


def retry_import(
    job_id: str,
    *,
    job_manager: JobManager,
    dispatcher: Dispatcher,
    warehouse: Warehouse,
    triggered_by: str,
    source_id: str,
    key: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Job:
    """A new job that goes on from the last checkpoint of this one, or the one that the same caller's `key` made before.
    A job that ended before its first checkpoint begins anew. Raises JobNotFound, NotRetryable, RetriedAlready,
    NotResumable, WarehouseUnavailable, and what start_import raises.
    """
    old = job_manager.get(job_id)
    if old.status not in (JobStatus.FAILED, JobStatus.CANCELLED):
        raise NotRetryable(job_id=job_id, status=old.status)
    wanted = replace(old.retry(now=clock(), triggered_by=triggered_by), source_id=source_id)
    if old.cursor and not old.retried_by:
        _refuse_useless(old, source_id, warehouse, clock())
    return _accept(wanted, key, job_manager, dispatcher)


def _refuse_useless(old: Job, source_id: str, warehouse: Warehouse, now: float) -> None:
    """Raises NotResumable, WarehouseUnavailable."""
    if old.source_id != source_id:
        raise NotResumable(
            "The settings of the source have changed since this job began, so its checkpoint is of no use. "
            "Start a new import.",
            job_id=old.job_id,
        )
    runs = {f"{SEGMENTS}{run['job_id']}/" for run in old.segments}
    stored = {name for prefix in runs for name in warehouse.names(prefix)}
    is_too_old = now - (old.completed_at or now) > RETRY_SECONDS
    if is_too_old or not stored.issuperset(segment_names(old.segments)):
        raise NotResumable(
            "The rows that this job had fetched are not kept any more. Start a new import.", job_id=old.job_id
        )


def _accept(wanted: Job, key: str | None, job_manager: JobManager, dispatcher: Dispatcher) -> Job:
    job = job_manager.create(wanted, key=key)
    if (job.parameters, job.retry_of) != (wanted.parameters, wanted.retry_of):
        raise ValidationError(
            "This Idempotency-Key was sent before for something else. Send a new key.", field="Idempotency-Key"
        )
    if job.status is not JobStatus.PENDING:
        return job
    try:
        dispatcher.dispatch(job.job_id)
    except DispatchFailed as exc:
        names = {"job_id": job.job_id}
        log.warning("the job waits for the sweeper, its dispatch failed: %s", exc.__cause__, extra=names)
    return job


def parse_parameters(query: Mapping[str, Sequence[str]], body: str | bytes = "") -> dict[str, Any]:
    """What is to be imported, from the query or from a JSON body: whole numbers, dates as YYYY-MM-DD, and `full` only
    when it is true. Raises ValidationError.
    """
    sent = _sent(json_body(body))
    told = single_values(query, allowed=tuple(PARAMETERS))
    for name, value in {name: read_value(name, PARAMETERS[name], text) for name, text in told.items()}.items():
        if sent.setdefault(name, value) != value:
            raise ValidationError("The query and the body ask for different things. Send one of them.", field=name)
    check_range(sent)
    return {name: sent[name] for name in PARAMETERS if name in sent and sent[name] is not False}


def _sent(body: Any) -> dict[str, Any]:
    """The members of the body, read like the parameters of a query. Raises ValidationError."""
    if not isinstance(body, dict) or not body.keys() <= PARAMETERS.keys():
        known = ", ".join(PARAMETERS)
        raise ValidationError(f"The body may be an object with {known}, or nothing.", field="body")
    return {name: _read_member(name, value) for name, value in body.items()}


def _read_member(name: str, value: Any) -> Any:
    parameter = PARAMETERS[name]
    if type(value) is not _JSON_TYPES[parameter.schema["type"]]:
        raise refusal(name, parameter)
    return read_value(name, parameter, value if isinstance(value, str) else json.dumps(value))


def parse_idempotency_key(text: str | None) -> str | None:
    """Raises ValidationError. The characters are those that an HTTP header carries unchanged."""
    if text is None:
        return None
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", text):
        raise ValidationError(
            "Idempotency-Key must be 1 to 255 visible ASCII characters, such as a UUID.", field="Idempotency-Key"
        )
    return text


def refuse_unasked(headers: Mapping[str, str], *, allowed_origins: Sequence[str] = ()) -> None:
    """Refuse what a browser sends by itself or for another site: a GET trigger changes state. The pages of the
    allowed origins may.

    Fetch metadata: https://www.w3.org/TR/fetch-metadata/ (Sec-Fetch-Site), Sec-Purpose for prefetch.
    """
    sent = {name.lower(): value.lower() for name, value in headers.items()}
    prefetch = "prefetch" in sent.get("sec-purpose", "") + sent.get("purpose", "") + sent.get("x-moz", "")
    foreign = sent.get("sec-fetch-site", "none") in ("cross-site", "same-site")
    if prefetch or (foreign and sent.get("origin") not in allowed_origins):
        raise RequestForbidden
