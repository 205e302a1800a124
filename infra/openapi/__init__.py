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
from chalicelib.api.parameters import SOURCE_NAME
from chalicelib.api.tokens import NAME, Role
from chalicelib.errors import RoleRequired
from chalicelib.routes.route import API
from infra.openapi.defaults import defaults_of
from infra.openapi.errors import error_examples, error_responses
from infra.openapi.ops_schemas import OPS_SCHEMAS
from infra.openapi.schemas import SCHEMAS, envelope_of
from infra.openapi.shown import ANSWERS, BODIES, CSV_TEXTS
from infra.openapi.words import unlinked

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

_TEXT = {"type": "string"}
HEADERS: dict[str, Any] = {
    "X-Request-ID": {
        "description": "The request_id of the answer.",
        "required": True,
        "schema": _TEXT,
    },
    "Cache-Control": {"description": "no-store: every answer is of its moment.", "schema": _TEXT},
    "X-Wellhead-Role": {
        "description": "The role of the token.",
        "schema": {"type": "string", "enum": [*Role]},
    },
    "Location": {
        "description": "The address of the job's status, or of the check or report, relative to that of the request.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Retry-After": {
        "description": "Seconds until another try is worth it. A job that has ended has none.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "ETag": {
        "description": "Changes with what is stored. Send it back as If-None-Match.",
        "required": True,
        "schema": {"type": "string", "pattern": '^(W/"[0-9a-f]{32}"|"[0-9]{1,6}")$'},
    },
    "Allow": {"description": "The methods of the address.", "required": True, "schema": _TEXT},
    "WWW-Authenticate": {
        "description": "The kind of token: Bearer.",
        "required": True,
        "schema": _TEXT,
    },
    "X-Wellhead-Snapshot": {
        "description": "The name of the snapshot that the answer was read from.",
        "required": True,
        "schema": _TEXT,
    },
    "X-Wellhead-Cut": {
        "description": "With CSV: by what the rows are cut. None where they are all there.",
        "schema": {"type": "string", "enum": ["rows", "bytes"]},
    },
    "X-Next-Cursor": {
        "description": "With CSV: the cursor of the page after; none on the last.",
        "schema": _TEXT,
    },
}
REQUEST_HEADERS: dict[str, Any] = {
    "X-Request-ID": {
        "description": "1 to 128 of letters, digits, `.`, `_`, `-`; becomes the request_id. Anything else is replaced.",
        "schema": _TEXT,
    },
    "Idempotency-Key": {
        "description": "1 to 255 visible ASCII characters. For 24 hours the same key gets the same job.",
        "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
    },
    "If-Match": {
        "description": "The ETag of the version that is meant, or *. To replace a definition it must be sent.",
        "schema": {"type": "string", "pattern": '^([*]|"[0-9]{1,6}")$'},
    },
    "If-None-Match": {
        "description": "The ETag of the answer before: 304 when nothing has changed.",
        "schema": _TEXT,
    },
}
JOB_ID = {
    "name": "job_id",
    "in": "path",
    "required": True,
    "description": "The id of a job, a UUID of version 7.",
    "schema": {
        "type": "string",
        "pattern": "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$",
    },
    "example": "01a205e6-9c31-771e-8a7b-50943f1a777c",
}


CHECK_ID = {
    "name": "check_id",
    "in": "path",
    "required": True,
    "description": "The id of a check or a report, a UUID.",
    "schema": {"type": "string", "pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"},
    "example": "c02841a6-d267-491c-a25d-020a5d70712a",
}
TOKEN_NAME = {
    "name": "token_name",
    "in": "path",
    "required": True,
    "description": "The name of a token.",
    "schema": {"type": "string", "pattern": f"^{NAME.pattern}$"},
    "example": "ada",
}
SOURCE = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "The name of a source.",
    "schema": SOURCE_NAME.schema,
    "example": "north-sea",
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
        "info": {
            "title": "Wellhead",
            "version": __version__,
            "summary": "One import at a time, each row exactly once.",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "../v1", "description": "Where this document is."}],
        "tags": [
            {"name": "import", "description": "Start, follow, list, cancel and retry imports."},
            {"name": "sources", "description": "What is imported: addresses and definitions."},
            {"name": "data", "description": "What the last completed import has published."},
            {
                "name": "operations",
                "description": "For whoever keeps it running: look, go back, verify, restore.",
            },
            {"name": "service", "description": "Health, and this document."},
        ],
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
                "job_id": JOB_ID,
                "name": SOURCE,
                "check_id": CHECK_ID,
                "token_name": TOKEN_NAME,
                **{name: _header_parameter(name) for name in REQUEST_HEADERS},
            },
            "schemas": {**SCHEMAS, **OPS_SCHEMAS},
            "responses": dict(sorted(responses.items())),
            "examples": error_examples(gateway, responses),
        },
    }


def _path(
    path: str, routes: list[Route], gateway: GatewayErrors, responses: dict[str, Any]
) -> dict[str, Any]:
    known = ("job_id", "name", "check_id", "token_name")
    in_path = [
        {"$ref": f"#/components/parameters/{name}"} for name in known if f"{{{name}}}" in path
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
        "description": f"{unlinked(parameter.meaning)}; {parameter.allowed}",
        "schema": {**parameter.schema, **default},
    }


def _header_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "header", **REQUEST_HEADERS[name]}


def _success(route: Route) -> dict[str, Any]:
    content = {kind: _other_content(route, kind) for kind in route.media_types}
    if route.data:
        content = {JSON: envelope_of(route.data, ANSWERS[route.id]), **content}
    return {"description": route.answer, "headers": _headers(route), "content": content}


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
        "summary": f"{route.summary}: the headers alone",
        "tags": [route.tag],
        "parameters": get["parameters"],
        "responses": {str(route.status): success, **unchanged, **_BODYLESS_ERRORS},
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
