"""What the document says of the routes of an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.errors import (
    DispatchFailed,
    ImportAlreadyRunning,
    ReportUnknown,
    SnapshotIsCurrent,
    SnapshotUnknown,
    StateUnavailable,
    TokenBusy,
    TokensUnavailable,
    TokenUnknown,
    WarehouseUnavailable,
)

from . import examples, ops_examples
from .operation import Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMED: dict[str, Any] = {
    "body": {
        "schema": {"$ref": "#/components/schemas/NamedSnapshot"},
        "examples": {"an older one": {"value": {"snapshot": examples.NAMED["name"]}}},
    },
    "needs_body": True,
}


def _begin(id: str, summary: str, data: str, **more: Any) -> Operation:  # noqa: A002  as OpenAPI says it
    return Operation(
        id=id,
        summary=summary,
        tag="operations",
        answer="It is begun, by the import function.",
        data=data,
        example=ops_examples.BEGUN,
        status=202,
        headers=("Location",),
        errors=(StateUnavailable, DispatchFailed),
        **more,
    )


def _shown(id: str, summary: str, data: str, example: Any) -> Operation:  # noqa: A002
    return Operation(
        id=id,
        summary=summary,
        tag="operations",
        answer="The report. One that FAILED is a success too, with the cause in `data.error`.",
        data=data,
        example=example,
        errors=(ReportUnknown, StateUnavailable),
    )


OPS_OPERATIONS: Mapping[str, Operation] = {
    "GET /ops/status": Operation(
        id="getOpsStatus",
        summary="What to look at first: health, the lock, what runs, what is published, what failed",
        tag="operations",
        answer="A success also when something does not answer: `is_healthy` is false then.",
        data="OpsStatus",
        example=ops_examples.STATUS,
        errors=(StateUnavailable,),
    ),
    "GET /ops/snapshots": Operation(
        id="listSnapshots",
        summary="The published snapshots that are kept",
        tag="operations",
        answer="All of them, newest first.",
        data="SnapshotList",
        example=ops_examples.SNAPSHOTS,
        errors=(StateUnavailable, WarehouseUnavailable),
    ),
    "GET /ops/tokens": Operation(
        id="listTokens",
        summary="The tokens of the API",
        tag="operations",
        answer="By name: roles, ages and ends, and nothing that is secret.",
        data="TokenList",
        example=examples.TOKENS,
        errors=(StateUnavailable, TokensUnavailable),
    ),
    "POST /ops/tokens/{token_name}/rotate": Operation(
        id="rotateToken",
        summary="Give a name a new token",
        tag="operations",
        answer="The token, this once: do not log it. The one before works for a day more, unless told otherwise.",
        data="NewToken",
        example=examples.NEW_TOKEN,
        body={
            "schema": {"$ref": "#/components/schemas/TokenRenewal"},
            "examples": {"at once, for 90 days": {"value": {"now": True, "days": 90}}},
        },
        errors=(StateUnavailable, TokenBusy, TokenUnknown, TokensUnavailable),
    ),
    "POST /ops/rollback": Operation(
        id="rollBack",
        summary="Publish an older snapshot once more",
        tag="operations",
        answer="A job is accepted, or the one that the same Idempotency-Key made.",
        data="Job",
        example=examples.ROLLING_BACK,
        status=202,
        request_headers=("Idempotency-Key",),
        headers=("Location", "Retry-After"),
        errors=(
            ImportAlreadyRunning,
            SnapshotIsCurrent,
            SnapshotUnknown,
            StateUnavailable,
            WarehouseUnavailable,
        ),
        **_NAMED,
    ),
    "POST /ops/verify": _begin(
        "verify",
        "Look at everything that is published",
        "Verification",
        body={
            "schema": {"$ref": "#/components/schemas/VerificationRequest"},
            "examples": {"everything": {"value": {"all": True}}},
        },
    ),
    "GET /ops/verify/{check_id}": _shown(
        "getVerification",
        "What was looked at, and what is wrong with it",
        "Verification",
        ops_examples.VERIFIED,
    ),
    "POST /ops/drill": _begin("drill", "Restore the newest backup on trial", "Drill"),
    "GET /ops/drill/{check_id}": _shown(
        "getDrill", "How the restore went", "Drill", ops_examples.DRILLED
    ),
    "POST /ops/restore": _begin(
        "restore",
        "Bring back a snapshot's file from the bucket's older versions",
        "Restored",
        **_NAMED,
    ),
    "GET /ops/restore/{check_id}": _shown(
        "getRestore", "What became of it", "Restored", ops_examples.RESTORED
    ),
}
