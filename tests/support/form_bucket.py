"""A bucket that takes files by signed forms alone, and refuses what S3 would refuse, with S3's
codes.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
"""

from __future__ import annotations

import hmac
import io
import json
from base64 import b64decode
from contextlib import closing
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, ClassVar

from werkzeug.formparser import parse_form_data

from support.coordination import KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping

UNTOLD = {"policy", "x-amz-signature", "file"}  # every other field stands in the policy


class Refused(Exception):
    """With the code of S3 as its text."""


class FormBucket(BaseHTTPRequestHandler):
    """Make a class of it, with `objects` of its own: what lies in the bucket, by key."""

    objects: ClassVar[dict[str, bytes]]

    def _take(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            key, content = _taken(self.path.strip("/"), self.headers["Content-Type"], body)
        except Refused as refused:
            told = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{refused}</Code></Error>'
            self._answer(HTTPStatus.FORBIDDEN, told.encode())
            return
        self.objects[key] = content
        self._answer(HTTPStatus.NO_CONTENT)

    def _answer(self, status: HTTPStatus, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name)
        pass

    do_POST = _take  # noqa: N815  (http.server's name)


def _taken(bucket: str, content_type: str, body: bytes) -> tuple[str, bytes]:
    """The key and the file. Raises Refused."""
    told = {
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    _, form, files = parse_form_data(told, max_form_memory_size=None)
    fields = form.to_dict()
    with closing(files["file"]) as file:
        content = file.read()
    policy = _policy(fields)
    for condition in policy["conditions"]:
        _check(condition, {"bucket": bucket, **fields}, len(content))
    named = {
        name
        for condition in policy["conditions"]
        if isinstance(condition, dict)
        for name in condition
    }
    if fields.keys() - named - UNTOLD:
        raise Refused("AccessDenied")  # "Invalid according to Policy: Extra input fields"
    return fields["key"], content


def _policy(fields: Mapping[str, str]) -> Any:
    """Raises Refused."""
    key = f"AWS4{KEYS.secret_access_key}".encode()
    for part in fields["x-amz-credential"].split("/")[1:]:
        key = hmac.digest(key, part.encode(), "sha256")
    if hmac.digest(key, fields["policy"].encode(), "sha256").hex() != fields["x-amz-signature"]:
        raise Refused("SignatureDoesNotMatch")
    policy = json.loads(b64decode(fields["policy"]))
    if datetime.strptime(policy["expiration"], "%Y-%m-%dT%H:%M:%SZ").replace(
        tzinfo=UTC
    ) < datetime.now(UTC):
        raise Refused("AccessDenied")
    return policy


def _check(condition: Any, fields: Mapping[str, str], size: int) -> None:
    """Raises Refused."""
    if isinstance(condition, dict):
        if any(fields.get(name) != value for name, value in condition.items()):
            raise Refused("AccessDenied")
        return
    kind, least, most = condition
    assert kind == "content-length-range", condition
    if size < least:
        raise Refused("EntityTooSmall")
    if size > most:
        raise Refused("EntityTooLarge")
