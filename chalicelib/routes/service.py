"""Health, the OpenAPI document, and the files of the console."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from chalicelib.api.console_files import PAGE, console_file, https_alone, page_policy
from chalicelib.api.document import api_document
from chalicelib.api.etag import is_known
from chalicelib.errors import Unhealthy

from .route import Route, Routes

if TYPE_CHECKING:
    from chalice.app import Response

    from .route import ApiCall

routes = Routes()


@routes.add(
    Route(
        "GET",
        "/api/v1/health",
        role=None,
        id="getHealth",
        summary="Whether what the API needs answers",
        section="health",
        tag="service",
        answer="It does.",
        data="Health",
        errors=(Unhealthy,),
    )
)
def get_health(call: ApiCall) -> Response:
    health = call.services.health()
    return call.respond.success(health, "What the API needs answers.")


@routes.add(
    Route(
        "GET",
        "/api/v1/openapi.json",
        role=None,
        id="getDocument",
        summary="This document",
        section="for-programs",
        tag="service",
        answer="The document, without an envelope.",
        media_types=("application/json",),
        is_conditional=True,
    )
)
def get_openapi(call: ApiCall) -> Response:
    document = api_document()
    known = call.headers.get("if-none-match", "")
    if is_known(known, document.headers["ETag"]):
        return call.respond.not_modified(document.headers)
    return call.respond.text(document.text, document.headers)


@routes.add(
    Route(
        "GET",
        "/",
        role=None,
        id="getStart",
        summary="The way to the console",
        answer="It is in Location.",
        status=308,
    )
)
def get_start(call: ApiCall) -> Response:
    # "/try" leads to "try/console"; "/" and "/try/" end in a slash, and lead to "console".
    path = call.request.context.get("path", "/")
    _, _, stage = path.rpartition("/")
    target = f"{stage}/console".removeprefix("/")
    return call.respond.redirect(target)


@routes.add(
    Route(
        "GET",
        "/console",
        role=None,
        id="getConsole",
        summary="The web console",
        answer="A page.",
        query=None,
        is_conditional=True,
    )
)
def get_console(call: ApiCall) -> Response:
    # The page names its files relative to an address without it.
    if call.request.context.get("path", "").endswith("/"):
        return call.respond.redirect("../console")
    return _file(call, PAGE)


@routes.add(
    Route(
        "GET",
        "/console/{file}",
        role=None,
        id="getConsoleFile",
        summary="A file of the console",
        answer="The file, or 404 `FILE_NOT_FOUND`.",
        query=None,
        is_conditional=True,
    )
)
def get_console_file(call: ApiCall, file: str) -> Response:
    if file == PAGE:
        return call.respond.redirect("../console")
    return _file(call, file)


def _file(call: ApiCall, name: str) -> Response:
    file = console_file(name)
    headers = {
        **file.headers,
        **page_policy(os.environ),
        **https_alone(call.headers),
    }
    if is_known(call.headers.get("if-none-match", ""), headers["ETag"]):
        return call.respond.not_modified(headers)
    return call.respond.text(file.text, headers)
