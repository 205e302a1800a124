"""The errors of the document:
for each status the codes that a route can answer with, and an example of each.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from chalicelib.api.responses import PROBLEM, RETRY_SECONDS
from chalicelib.errors import (
    AcceptTooLate,
    BusinessRuleViolation,
    ChangesNotKept,
    ChangesNotYet,
    DatabaseFetching,
    DatabaseTooLarge,
    DefinitionInvalid,
    FindingsDiffer,
    ImportAlreadyRunning,
    JobIsFinal,
    JobNotFound,
    NotHeld,
    NotResumable,
    NotRetryable,
    RejectsNotKept,
    RejectsNotYet,
    RetriedAlready,
    RoleRequired,
    SettingsError,
    SnapshotGone,
    SnapshotIsCurrent,
    SnapshotUnknown,
    SourceChangedSince,
    SourceInUse,
    SourceNotNamed,
    SourceNotScheduled,
    SourceOfSettings,
    SourceRedefined,
    SourceUnknown,
    SourceVersionDiffers,
    SqlEnded,
    SqlInvalid,
    SqlTooSlow,
    TokenExpired,
    TokenUnknown,
    Unhealthy,
    ValidationError,
    WellheadError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ALWAYS = (ValidationError, SettingsError, WellheadError)
GATEWAY_ALWAYS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.GATEWAY_TIMEOUT,
)
GATEWAY_WITH_A_TOKEN = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
RETRYABLE = (
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
GATEWAY = "GATEWAY"  # the examples of what the gateway answers by itself

JOB_ID, OTHER_ID = "01a205e6-9c31-771e-8a7b-50943f1a777c", "01a206a4-62ec-744d-a97f-4fb0f2f8cc5d"
SNAPSHOT = f"snapshots/wells-0000000001-{JOB_ID}.duckdb"
STAMP = {"request_id": "082a9c45-dd9f-49c5-bb9c-fc90188ccec8", "timestamp": "2026-11-23T00:55:28Z"}
_DETAILS: Mapping[type[WellheadError], dict[str, Any]] = {
    ValidationError: {"field": "limit", "allowed": "a whole number from 1 to 100"},
    JobNotFound: {"job_id": JOB_ID},
    RoleRequired: {"needed": "operator"},
    ImportAlreadyRunning: {"job_id": JOB_ID, "started_at": 1795395329.073538},
    JobIsFinal: {"job_id": JOB_ID, "status": "COMPLETED"},
    NotRetryable: {"job_id": JOB_ID, "status": "COMPLETED"},
    RetriedAlready: {"job_id": JOB_ID, "retried_by": OTHER_ID},
    NotResumable: {"job_id": JOB_ID},
    NotHeld: {"job_id": JOB_ID, "status": "COMPLETED"},
    FindingsDiffer: {"job_id": JOB_ID, "findings": ["NULLED", "RESTATED"]},
    AcceptTooLate: {"job_id": JOB_ID, "published_by": OTHER_ID},
    SourceChangedSince: {"job_id": JOB_ID},
    ChangesNotYet: {"job_id": JOB_ID, "status": "RUNNING"},
    ChangesNotKept: {"job_id": JOB_ID, "status": "FAILED"},
    RejectsNotYet: {"job_id": JOB_ID, "status": "RUNNING"},
    RejectsNotKept: {"job_id": JOB_ID, "status": "FAILED"},
    DatabaseFetching: {
        "snapshot": SNAPSHOT,
        "bytes": 2040109465,
        "fetched": 1090519040,
        "retry_after_seconds": 17,
    },
    DatabaseTooLarge: {"bytes": 5368709120, "disk_bytes": 2147483648},
    SqlInvalid: {"field": "statement"},
    SqlTooSlow: {"seconds": 12},
    SqlEnded: {"how": "SIGABRT"},
    SnapshotGone: {"snapshot": SNAPSHOT},
    SnapshotIsCurrent: {"snapshot": SNAPSHOT},
    SnapshotUnknown: {"snapshot": SNAPSHOT},
    SourceNotNamed: {"field": "source", "sources": ["default", "north-sea"]},
    SourceUnknown: {"source": "north-sea"},
    TokenUnknown: {"name": "bob"},
    SourceVersionDiffers: {"source": "north-sea", "version": 3},
    SourceInUse: {"source": "north-sea", "job_id": JOB_ID},
    SourceOfSettings: {"source": "default"},
    SourceNotScheduled: {"source": "north-sea"},
    SourceRedefined: {"source": "north-sea"},
    DefinitionInvalid: {
        "faults": [
            {
                "key": "period",
                "problem": 'is "monthly"',
                "instead": "one of day, month, quarter, year",
            }
        ]
    },
    Unhealthy: {"version": "0.1.0", "checks": {"settings": "ok", "table": "STATE_UNAVAILABLE"}},
}


def error_responses(
    errors: Iterable[type[WellheadError]],
    gateway: Mapping[HTTPStatus, tuple[str, str]],
    *,
    is_open: bool,
) -> dict[str, Any]:
    """Named `<status>-<code>-<code>…`."""
    by_status: dict[int, dict[str, str]] = {}  # status → name of the example → code
    possible: tuple[type[WellheadError], ...] = (
        *errors,
        *ALWAYS,
        *(() if is_open else (TokenExpired,)),
    )
    for error in possible:
        by_status.setdefault(error.http_status, {})[_name(error)] = error.code
    for status in (*GATEWAY_ALWAYS, *(() if is_open else GATEWAY_WITH_A_TOKEN)):
        code, _ = gateway[status]
        known = by_status.setdefault(int(status), {})
        if code not in known.values():
            known[f"{GATEWAY}.{code}"] = code
    named = {}
    for status, examples in sorted(by_status.items()):
        codes = sorted(set(examples.values()))
        # By its examples: two routes with one code may be refused by different rules.
        names = sorted(examples)
        named["-".join([str(status), *names])] = _response(status, codes, names)
    return named


def error_examples(
    gateway: Mapping[HTTPStatus, tuple[str, str]], responses: Mapping[str, Any]
) -> dict[str, Any]:
    """Those that the responses refer to."""
    own = {_name(error): _example(_example_of(error)) for error in _concrete(WellheadError)}
    of_the_gateway = {
        f"{GATEWAY}.{code}": _example(
            {
                "code": code,
                "message": text,
                "retryable": status in RETRYABLE,
            }
        )
        for status, (code, text) in gateway.items()
    }
    used = {
        name
        for each in responses.values()
        for name in each["content"]["application/json"]["examples"]
    }
    return {
        name: example for name, example in sorted((own | of_the_gateway).items()) if name in used
    }


def _name(error: type[WellheadError]) -> str:
    return error.rule or error.code


def _concrete(error: type[WellheadError]) -> list[type[WellheadError]]:
    """Those that a request can meet: all but the parent of the rules.
    An error's first kind stands for its code.
    """
    children = [each for child in error.__subclasses__() for each in _concrete(child)]
    if error is BusinessRuleViolation:
        return children
    return [*children, error]


def _example_of(error: type[WellheadError]) -> dict[str, Any]:
    made = error()
    shown: dict[str, Any] = {
        "code": made.code,
        "message": made.message,
        "retryable": made.retryable,
    }
    if made.rule:
        shown["rule"] = made.rule
    if error in _DETAILS:
        shown["details"] = _DETAILS[error]
    return shown


def _example(shown: dict[str, Any]) -> dict[str, Any]:
    envelope = {
        "success": False,
        "error": shown,
        **STAMP,
    }
    return {"summary": shown["message"], "value": envelope}


def _response(status: int, codes: list[str], examples: list[str]) -> dict[str, Any]:
    headers: dict[str, Any] = {"X-Request-ID": {"$ref": "#/components/headers/X-Request-ID"}}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = {"$ref": "#/components/headers/WWW-Authenticate"}
    headers["Retry-After"] = {
        "description": f"{RETRY_SECONDS}, where the error is retryable.",
        "schema": {"type": "integer", "minimum": 1},
    }
    code = {"enum": codes}
    return {
        "description": f"{HTTPStatus(status).phrase}: {', '.join(codes)}.",
        "headers": headers,
        "content": {
            "application/json": {
                "schema": {
                    "allOf": [
                        {"$ref": "#/components/schemas/Error"},
                        {"properties": {"error": {"properties": {"code": code}}}},
                    ]
                },
                "examples": {name: {"$ref": f"#/components/examples/{name}"} for name in examples},
            },
            PROBLEM: {
                "schema": {
                    "allOf": [
                        {"$ref": "#/components/schemas/Problem"},
                        {"properties": {"code": code}},
                    ]
                }
            },
        },
    }
