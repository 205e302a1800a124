"""For the operator: look, go back, verify, restore, and the tokens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from chalicelib.api.import_request import parse_idempotency_key
from chalicelib.api.ops import parse_snapshot, parse_verification, status_sentence
from chalicelib.api.token_list import parse_renewal, parse_token_name
from chalicelib.api.tokens import Role
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
from chalicelib.jobs.snapshots import kept_snapshots
from chalicelib.jobs.starting import start_rollback
from chalicelib.logs import add_to_log_context
from chalicelib.sources.checks import CheckKind

from .polling import poll
from .route import API, Route, Routes

if TYPE_CHECKING:
    from chalice.app import Response

    from .route import ApiCall

routes = Routes()


def _begin(path: str, **declared: Any) -> Route:
    return Route(
        "POST",
        f"{API}{path}",
        role=Role.ADMIN,
        section="operations",
        tag="operations",
        answer="It is begun, by the import function.",
        status=202,
        headers=("Location",),
        errors=(StateUnavailable, DispatchFailed),
        **declared,
    )


def _report_route(path: str, **declared: Any) -> Route:
    return Route(
        "GET",
        f"{API}{path}",
        role=Role.ADMIN,
        section="operations",
        tag="operations",
        answer="The report. One that FAILED is a success too, with the cause in `data.error`.",
        errors=(ReportUnknown, StateUnavailable),
        **declared,
    )


@routes.add(
    Route(
        "GET",
        "/api/v1/ops/status",
        role=Role.ADMIN,
        id="getOpsStatus",
        summary="What to look at first: health, the lock, what runs, what is published, what failed",
        section="operations",
        tag="operations",
        answer="A success also when something does not answer: `is_healthy` is false then.",
        data="OpsStatus",
        errors=(StateUnavailable,),
    )
)
def get_ops_status(call: ApiCall) -> Response:
    status = call.services.ops_status()
    sentence = status_sentence(status)
    return call.respond.success(status, sentence)


@routes.add(
    Route(
        "GET",
        "/api/v1/ops/snapshots",
        role=Role.ADMIN,
        id="listSnapshots",
        summary="The published snapshots that are kept",
        section="operations",
        tag="operations",
        answer="All of them, newest first.",
        data="SnapshotList",
        errors=(StateUnavailable, WarehouseUnavailable),
    )
)
def list_snapshots(call: ApiCall) -> Response:
    snapshots = kept_snapshots(
        job_manager=call.services.job_manager, warehouse=call.services.warehouse
    )
    data = {"snapshots": [snapshot.view() for snapshot in snapshots]}
    return call.respond.success(data, "The snapshots that are kept, newest first.")


@routes.add(
    Route(
        "GET",
        "/api/v1/ops/tokens",
        role=Role.ADMIN,
        id="listTokens",
        summary="The tokens of the API",
        section="tokens-and-their-ends",
        tag="operations",
        answer="By name: roles, ages and ends, and nothing that is secret.",
        data="TokenList",
        errors=(StateUnavailable, TokensUnavailable),
    )
)
def list_all_tokens(call: ApiCall) -> Response:
    tokens = call.services.token_list.all(call.services.token_uses.all())
    return call.respond.success(
        {"tokens": tokens}, "The tokens of the API, by name, without what is secret."
    )


@routes.add(
    Route(
        "POST",
        "/api/v1/ops/tokens/{token_name}/rotate",
        role=Role.ADMIN,
        id="rotateToken",
        summary="Give a name a new token",
        section="tokens-and-their-ends",
        tag="operations",
        answer="The token, this once: do not log it. The one before works for a day more, unless `now` is true.",
        data="NewToken",
        body="TokenRenewal",
        errors=(StateUnavailable, TokenBusy, TokenUnknown, TokensUnavailable),
    )
)
def rotate_token(call: ApiCall, token_name: str) -> Response:
    name = parse_token_name(token_name)
    wishes = parse_renewal(call.body)
    with call.services.token_uses.renewing(name):
        renewal = call.services.token_list.renew(name, **wishes)
    return call.respond.success(
        renewal, "The name has a new token. It is shown this once: keep it."
    )


@routes.add(
    Route(
        "POST",
        "/api/v1/ops/rollback",
        role=Role.ADMIN,
        id="rollBack",
        summary="Publish an older snapshot once more",
        section="operations",
        tag="operations",
        answer="A job is accepted, or the one that the same Idempotency-Key made.",
        data="Job",
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
        body="NamedSnapshot",
        needs_body=True,
    )
)
def roll_back(call: ApiCall) -> Response:
    job = start_rollback(
        parse_snapshot(call.body),
        job_manager=call.services.job_manager,
        dispatcher=call.services.dispatcher,
        warehouse=call.services.warehouse,
        triggered_by=call.caller.name,
        key=parse_idempotency_key(call.headers.get("idempotency-key")),
    )
    add_to_log_context(job_id=job.job_id)
    return call.respond.success(
        job.view(time.time()),
        "The rollback is accepted. Follow it at the address in Location.",
        status=202,
        headers={"Location": f"../wells/import/status/{job.job_id}", **poll(job)},
    )


@routes.add(
    _begin(
        "/ops/verify",
        id="verify",
        summary="Look at everything that is published",
        data="Verification",
        body="VerificationRequest",
    )
)
def verify(call: ApiCall) -> Response:
    wanted = parse_verification(call.body)
    return _begin_report(call, CheckKind.VERIFY, wanted)


@routes.add(
    _report_route(
        "/ops/verify/{check_id}",
        id="getVerification",
        summary="What was looked at, and what is wrong with it",
        data="Verification",
    )
)
def get_verification(call: ApiCall, check_id: str) -> Response:
    return _show_report(call, CheckKind.VERIFY, check_id)


@routes.add(
    _begin("/ops/drill", id="drill", summary="Restore the newest backup on trial", data="Drill")
)
def drill(call: ApiCall) -> Response:
    return _begin_report(call, CheckKind.DRILL, {})


@routes.add(
    _report_route(
        "/ops/drill/{check_id}", id="getDrill", summary="How the restore went", data="Drill"
    )
)
def get_drill(call: ApiCall, check_id: str) -> Response:
    return _show_report(call, CheckKind.DRILL, check_id)


@routes.add(
    _begin(
        "/ops/restore",
        id="restore",
        summary="Bring back a snapshot's file from the bucket's older versions",
        data="Restored",
        body="NamedSnapshot",
        needs_body=True,
    )
)
def restore(call: ApiCall) -> Response:
    values = {"snapshot": parse_snapshot(call.body)}
    return _begin_report(call, CheckKind.RESTORE, values)


@routes.add(
    _report_route(
        "/ops/restore/{check_id}", id="getRestore", summary="What became of it", data="Restored"
    )
)
def get_restore(call: ApiCall, check_id: str) -> Response:
    return _show_report(call, CheckKind.RESTORE, check_id)


def _begin_report(
    call: ApiCall,
    kind: CheckKind,
    values: dict[str, Any],
) -> Response:
    check = call.services.checks.create(values, by=call.caller.name, kind=kind)
    call.services.dispatcher.dispatch_check(check.check_id)
    return call.respond.success(
        check.view(),
        "It is begun. See the address in Location for what comes of it.",
        status=202,
        headers={"Location": f"{kind}/{check.check_id}"},
    )


def _show_report(call: ApiCall, kind: CheckKind, check_id: str) -> Response:
    check = call.services.checks.read(check_id, kind)
    message = f"The report is {check.status}."
    return call.respond.success(check.view(), message)
