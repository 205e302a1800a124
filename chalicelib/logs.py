"""One line of JSON for each event, on standard output, which Lambda carries to CloudWatch.

A line holds the fields named here and no others, so a payload or a secret cannot slip in beside the
message. Of an exception it tells the type and the places in the code: its words may hold data.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from .errors import WellheadError
from .settings import stage_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FIELDS: Mapping[str, str] = {
    "request_id": "of the answer's envelope; for functions without one, of the invocation",
    "invocation": "Lambda's own id of the invocation, as in its START and REPORT lines",
    "job_id": "the job",
    "source": "the name of a source",
    "attempt": "which worker of the job",
    "fence": "the number of that worker's claim",
    "method": "of an API request",
    "route": "of an API request, with the names of its parameters in place of their values",
    "status": "the HTTP status of an answer",
    "caller": "the name of the caller's token",
    "question": "what the query function was asked",
    "code": "of an error, as in docs/errors.md",
    "page": "of the source",
    "rows": "how many",
    "bytes": "how many",
    "seconds": "how long it took",
    "reason": "why rows were rejected, as in docs/errors.md",
}
LONGEST = 1_000  # characters of a message
INNERMOST = 8  # frames of an exception

_context: ContextVar[Mapping[str, Any]] = ContextVar(
    "what the lines of this invocation have in common"
)


def start_log_context(**fields: Any) -> None:
    """Of a new invocation or request:
    its lines tell these fields, and nothing of the one before.
    """
    _context.set(fields)


def add_to_log_context(**fields: Any) -> None:
    """From here on the lines of this invocation tell these fields too."""
    known = _context.get({})
    _context.set({**known, **fields})


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Of the record, and of the invocation that it is of; and what a record has beside."""
    return {**_context.get({}), **vars(record)}


class JsonLines(logging.Formatter):
    """`figures` of a record are those of a metric (metrics.py); they stand beside the fields."""

    def __init__(self, own: Mapping[str, str]) -> None:
        super().__init__()
        self._own = own

    def format(self, record: logging.LogRecord) -> str:
        fields = fields_of(record)
        known = {name: fields[name] for name in FIELDS if fields.get(name) is not None}
        line = {
            "timestamp": _timestamp(record.created),
            "level": record.levelname,
            "message": record.getMessage()[:LONGEST],
            "logger": record.name,
            **self._own,
            **known,
            **fields.get("figures", {}),
        }
        if record.exc_info and record.exc_info[1]:
            line["error"] = _describe(record.exc_info[1])
        return json.dumps(line, default=str)


def _timestamp(moment: float) -> str:
    """In milliseconds: 2026-06-30T18:00:00.123Z."""
    text = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    milliseconds = text[:-3]
    return f"{milliseconds}Z"


def start_logging(environment: Mapping[str, str], stream: TextIO | None = None) -> None:
    """In place of what Lambda's runtime has set up. Libraries tell their warnings alone, whatever
    the level of the function's log: what botocore says at DEBUG holds the secrets that it reads.
    Figures are written at every level.
    """
    function = environment.get("AWS_LAMBDA_FUNCTION_NAME", "local")
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonLines({"function": function, "stage": stage_name(environment)}))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("chalicelib", "chalicelib.metrics"):
        logging.getLogger(name).setLevel(logging.INFO)
    # Its warnings hold whole addresses, keys and all.
    logging.getLogger("urllib3").setLevel(logging.ERROR)


def _describe(exc: BaseException) -> dict[str, Any]:
    facts: dict[str, Any] = {"type": type(exc).__name__}
    if isinstance(exc, WellheadError) and exc.code:
        facts["code"] = exc.code
    facts["causes"] = [type(cause).__name__ for cause in _causes(exc)]
    frames = traceback.extract_tb(exc.__traceback__)[-INNERMOST:]
    facts["frames"] = list(map(_place, frames))
    return facts


def _place(frame: traceback.FrameSummary) -> str:
    """Such as "table.py:58 read"."""
    file = frame.filename.rpartition("/")[2]
    return f"{file}:{frame.lineno} {frame.name}"


def _causes(exc: BaseException) -> Iterator[BaseException]:
    ids = {id(exc)}  # a chain of causes may be a ring
    cause = exc.__cause__ or exc.__context__
    while cause and id(cause) not in ids:
        ids.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
