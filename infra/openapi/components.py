"""What many routes share: the headers, and the parameters of addresses."""

from __future__ import annotations

from typing import Any

from chalicelib.api.parameters import SOURCE_NAME
from chalicelib.api.tokens import NAME, Role

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
IN_PATHS = {"job_id": JOB_ID, "name": SOURCE, "check_id": CHECK_ID, "token_name": TOKEN_NAME}
