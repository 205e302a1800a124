"""Start an import: create the job, dispatch it, answer. Nothing here waits for the import."""

from __future__ import annotations

import json
import logging
import re
import time
from typing import TYPE_CHECKING, Any

from .errors import DispatchFailed, RequestForbidden, ValidationError
from .job import Job, JobStatus, new_job

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .dispatcher import Dispatcher
    from .job_manager import JobManager

log = logging.getLogger(__name__)


def start_import(
    *,
    job_manager: JobManager,
    dispatcher: Dispatcher,
    triggered_by: str = "anonymous",
    parameters: Mapping[str, Any] | None = None,
    key: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Job:
    """The accepted job, or the one that the same caller's `key` made before. Raises ImportAlreadyRunning,
    StateUnavailable, and ValidationError when that one was asked for with other parameters.

    A job whose dispatch fails is accepted all the same: it is in the table, and the sweeper starts it.
    """
    wanted = new_job(now=clock(), triggered_by=triggered_by, parameters=dict(parameters or {}))
    job = job_manager.create(wanted, key=key)
    if job.parameters != wanted.parameters:
        raise ValidationError(
            "This Idempotency-Key was sent before with other parameters. Send a new key.", field="Idempotency-Key"
        )
    if job.status is not JobStatus.PENDING:
        return job
    try:
        dispatcher.dispatch(job.job_id)
    except DispatchFailed as exc:
        log.warning("job %s waits for the sweeper, its dispatch failed: %s", job.job_id, exc.__cause__)
    return job


def parse_parameters(query: Mapping[str, Sequence[str]], body: str | bytes = "") -> dict[str, Any]:
    """`full` from the query or from a JSON body: `{"full": True}`, or nothing for the default. Raises
    ValidationError.
    """
    try:
        sent = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError) as exc:
        raise ValidationError(
            'The body is no JSON. Send none, or an object such as {"full": true}.', field="body"
        ) from exc
    if not isinstance(sent, dict) or not all(name == "full" and isinstance(sent[name], bool) for name in sent):
        raise ValidationError('The body may be an object such as {"full": true}, or nothing.', field="body")
    for name, values in query.items():
        if name != "full" or list(values) not in (["true"], ["false"]):
            raise ValidationError("The trigger knows one parameter: full=true or full=false.", field=name)
        if sent.setdefault(name, values[0] == "true") is not (values[0] == "true"):
            raise ValidationError("The query and the body ask for different things. Send one of them.", field=name)
    return {"full": True} if sent.get("full") else {}


def parse_idempotency_key(text: str | None) -> str | None:
    """Raises ValidationError. The characters are those that an HTTP header carries unchanged."""
    if text is None:
        return None
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", text):
        raise ValidationError(
            "Idempotency-Key must be 1 to 255 visible ASCII characters, such as a UUID.", field="Idempotency-Key"
        )
    return text


def refuse_unasked(headers: Mapping[str, str]) -> None:
    """Refuse what a browser sends by itself or for another site: a GET trigger changes state.

    Fetch metadata: https://www.w3.org/TR/fetch-metadata/ (Sec-Fetch-Site), Sec-Purpose for prefetch.
    """
    sent = {name.lower(): value.lower() for name, value in headers.items()}
    prefetch = "prefetch" in sent.get("sec-purpose", "") + sent.get("purpose", "") + sent.get("x-moz", "")
    if prefetch or sent.get("sec-fetch-site", "none") in ("cross-site", "same-site"):
        raise RequestForbidden
