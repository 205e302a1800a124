"""The OpenAPI 3.1 document, made out of the code's own tables: the routes (chalicelib/routes), the
parameters they are read by, the errors of the tree, the fields of a job and the columns of the
data. Nothing of it is loaded where requests are answered: `make openapi` writes the document into a
file, and that is served.

The specification: https://spec.openapis.org/oas/v3.1.1.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib import __version__
from chalicelib.api.csv_rows import CSV
from chalicelib.api.formats import JSON
from chalicelib.api.tokens import Role
from chalicelib.errors import RoleRequired
from chalicelib.routes.route import API
from infra.openapi.components import HEADERS, IN_PATHS, REQUEST_HEADERS
from infra.openapi.defaults import defaults_of
from infra.openapi.errors import error_examples, error_responses
from infra.openapi.schemas import SCHEMAS, envelope_of
from infra.openapi.shown import ANSWERS, BODIES, CSV_TEXTS
from infra.openapi.words import without_links

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from http import HTTPStatus

    from chalicelib.api.parameters import Parameter
    from chalicelib.routes.route import Route, Served

    GatewayErrors = Mapping[HTTPStatus, tuple[str, str]]  # status → code and sentence

DESCRIPTION = """\
Imports of oil and gas well production, and questions to the data. Every answer but the document itself and CSV is an
envelope: `success`, then `data` and `message`, or `error` with a `code` for programs and a sentence for people. With
`Accept: application/problem+json` an error comes as problem details (RFC 9457). Parameters that a route does not know
are refused. The web console at `/console` and the OData feed at
`/odata/v4` are no part of this document."""
INFO = {
    "title": "Wellhead",
    "version": __version__,
    "summary": "One import at a time, each row exactly once.",
    "description": DESCRIPTION,
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}
TAGS = {
    "import": "Start, follow, list, cancel and retry imports.",
    "sources": "What is imported: addresses and definitions.",
    "data": "What the last completed import has published.",
    "operations": "For those who keep it running: look, go back, verify, restore.",
    "notices": "What has happened, and whether the news arrived.",
    "service": "Health, and this document.",
}


def document(served: Iterable[Served], *, gateway: GatewayErrors) -> dict[str, Any]:
    """`gateway` is what API Gateway answers by itself: status → code and sentence.
    Raises KeyError for a route without an example.
    """
    responses: dict[str, Any] = {}
    by_path: dict[str, list[Route]] = {}
    for route, _ in served:
        if route.path.startswith(API):
            by_path.setdefault(route.path, []).append(route)
    paths = {
        path.removeprefix(API): _path(path, routes, gateway, responses)
        for path, routes in by_path.items()
    }
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": [{"url": "../v1", "description": "Where this document is."}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token; its role is reader, operator or admin.",
                }
            },
            "headers": HEADERS,
            "parameters": {
                **IN_PATHS,
                **{name: _header_parameter(name) for name in REQUEST_HEADERS},
            },
            "schemas": SCHEMAS,
            "responses": dict(sorted(responses.items())),
            "examples": error_examples(gateway, responses),
        },
    }


def _path(
    path: str, routes: list[Route], gateway: GatewayErrors, responses: dict[str, Any]
) -> dict[str, Any]:
    in_path = [
        {"$ref": f"#/components/parameters/{name}"} for name in IN_PATHS if f"{{{name}}}" in path
    ]
    item: dict[str, Any] = {"parameters": in_path} if in_path else {}
    for route in routes:
        operation = _operation(route, gateway, responses)
        item[route.method.lower()] = operation
        if "HEAD" in route.methods:
            item["head"] = _head(route, operation)
    item["options"] = _options(item)
    return item


def _operation(route: Route, gateway: GatewayErrors, responses: dict[str, Any]) -> dict[str, Any]:
    is_limited = route.role in (Role.OPERATOR, Role.ADMIN)
    errors = [*route.errors, *([RoleRequired] if is_limited else [])]
    answers = error_responses(errors, gateway, is_open=route.role is None)
    responses.update(answers)
    operation: dict[str, Any] = {
        "operationId": route.id,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": _parameters(route),
        "responses": {str(route.status): _success(route)},
        "security": [{"bearer": []}] if route.role else [],
    }
    if route.role:
        operation |= {
            "description": f"Needs the role {route.role}.",
            "x-wellhead-role": route.role,
        }
    if route.is_conditional:
        operation["responses"]["304"] = _UNCHANGED
    operation["responses"] |= {
        name.partition("-")[0]: {"$ref": f"#/components/responses/{name}"} for name in answers
    }
    if route.body:
        operation["requestBody"] = {"content": _bodies(route), "required": route.needs_body}
    return operation


def _bodies(route: Route) -> dict[str, Any]:
    body = {
        "schema": {"$ref": f"#/components/schemas/{route.body}"},
        "examples": {name: {"value": value} for name, value in BODIES[route.id].items()},
    }
    others = {kind: {"schema": {"type": "string"}} for kind in route.body_types}
    return {JSON: body, **others}


def _parameters(route: Route) -> list[dict[str, Any]]:
    defaults = defaults_of(route)
    query = [
        _query_parameter(name, parameter, defaults) for name, parameter in route.parameters.items()
    ]
    headers = [
        "X-Request-ID",
        *route.request_headers,
        *(["If-None-Match"] if route.is_conditional else []),
    ]
    return [*query, *({"$ref": f"#/components/parameters/{name}"} for name in headers)]


def _query_parameter(
    name: str, parameter: Parameter, defaults: Mapping[str, Any]
) -> dict[str, Any]:
    default = {"default": defaults[name]} if name in defaults else {}
    return {
        "name": name,
        "in": "query",
        "description": f"{without_links(parameter.meaning)}; {parameter.allowed}",
        "schema": {**parameter.schema, **default},
    }


def _header_parameter(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        **REQUEST_HEADERS[name],
    }


def _success(route: Route) -> dict[str, Any]:
    content = {kind: _other_content(route, kind) for kind in route.media_types}
    if route.data:
        content = {JSON: envelope_of(route.data, ANSWERS[route.id]), **content}
    return {
        "description": route.answer,
        "headers": _headers(route),
        "content": content,
    }


def _other_content(route: Route, kind: str) -> dict[str, Any]:
    if kind == CSV:
        return {"schema": {"type": "string"}, "example": CSV_TEXTS[route.id]}
    if kind == JSON:  # without an envelope
        return {"schema": {"$ref": "#/components/schemas/Document"}}
    return {"schema": {"type": "string", "format": "binary"}}


def _headers(route: Route) -> dict[str, Any]:
    return _refs(
        [
            "X-Request-ID",
            "Cache-Control",
            *(["X-Wellhead-Role"] if route.role else []),
            *(["ETag"] if route.is_conditional else []),
            *route.headers,
        ]
    )


def _refs(names: list[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _head(route: Route, get: dict[str, Any]) -> dict[str, Any]:
    success = {
        name: value
        for name, value in get["responses"][str(route.status)].items()
        if name != "content"
    }
    unchanged = {"304": get["responses"]["304"]} if route.is_conditional else {}
    return {
        "operationId": f"{route.id}Head",
        "summary": f"{route.summary}: only the headers",
        "tags": [route.tag],
        "parameters": get["parameters"],
        "responses": {
            str(route.status): success,
            **unchanged,
            **_BODYLESS_ERRORS,
        },
        "security": get["security"],
    }


_UNCHANGED = {
    "description": "Nothing has changed since the ETag that was sent.",
    "headers": _refs(["X-Request-ID", "ETag"]),
}
_BODYLESS_ERRORS = {
    kind: {"description": "As to GET, without a body.", "headers": _refs(["X-Request-ID"])}
    for kind in ("4XX", "5XX")
}


def _options(item: dict[str, Any]) -> dict[str, Any]:
    first = next(operation for method, operation in item.items() if method in ("get", "post"))
    return {
        "operationId": f"{first['operationId']}Options",
        "summary": "The methods that the address knows",
        "tags": first["tags"],
        "responses": {
            "204": {
                "description": "They are in Allow.",
                "headers": _refs(["X-Request-ID", "Allow"]),
            }
        },
        "security": [],
    }
