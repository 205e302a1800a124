"""The notices: what has become of them, and a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.api.notices_request import NOTICES, NOTICES_DEFAULT, parse_notices
from chalicelib.api.tokens import Role
from chalicelib.errors import StateUnavailable
from chalicelib.jobs.outbox import put_test_notice

from .route import Route, Routes

if TYPE_CHECKING:
    from chalice.app import Response

    from .route import ApiCall

routes = Routes()


@routes.add(
    Route(
        "GET",
        "/api/v1/notices",
        id="listNotices",
        summary="The last notices, and what has become of them",
        section="notices",
        tag="notices",
        answer="Newest first, those that wait to be sent among them.",
        data="NoticeList",
        query=NOTICES,
        defaults={"limit": NOTICES_DEFAULT},
        is_conditional=True,
        errors=(StateUnavailable,),
    )
)
def list_notices(call: ApiCall) -> Response:
    limit = parse_notices(call.query)
    views = [notice.view() for notice in call.services.outbox.latest(limit)]
    return call.respond.success_or_not_modified(
        {"notices": views}, "The last notices, newest first.", seen=views
    )


@routes.add(
    Route(
        "POST",
        "/api/v1/notices/test",
        role=Role.ADMIN,
        id="testNotices",
        summary="Send a notice that is a test",
        section="notices",
        tag="notices",
        answer="It is sent within about a minute, on each channel that is set up.",
        data="NoticeKey",
        status=202,
        headers=("Location",),
        errors=(StateUnavailable,),
    )
)
def try_notices(call: ApiCall) -> Response:
    key = put_test_notice(call.services.outbox, by=call.caller.name)
    return call.respond.success(
        {"key": key},
        "A notice of the kind notice.test is on its way. What becomes of it, the list of notices tells.",
        status=202,
        headers={"Location": "../notices"},
    )
