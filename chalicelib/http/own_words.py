"""What a source says for itself when it refuses a request. It is shown to people, and comes from
outside: so it is short, of one line, without markup, and without what looks like a credential or a
query.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import urllib3

from .allowance import TooLarge, TooSlow
from .body import Broken, Unreadable, read_body

if TYPE_CHECKING:
    import requests

    from .allowance import Allowance

LONGEST_SENTENCE = 200  # characters
ERROR_BYTES = 1 << 16
ERROR_SECONDS = 5.0  # what an error's text is worth waiting for

_XML_MESSAGE = re.compile(r"<(?:\w+:)?message[^>]*>([^<]+)<")  # of OData v2
# Controls, directions of writing, blanks of all kinds.
_NOT_SHOWN = re.compile(r"[^ -~\u00a1-\u1fff\u2c00-\ud7ff]+")


def own_sentence(response: requests.Response, allowance: Allowance) -> str:
    """Empty where the answer holds none, or is too long or too slow to be read for it."""
    try:
        allowance.hurry(ERROR_SECONDS)
        body = bytes(read_body(response, allowance, most=ERROR_BYTES))
    except (TooSlow, TooLarge, Unreadable, Broken, urllib3.exceptions.HTTPError, OSError):
        return ""
    return sentence_of(body, response.headers.get("Content-Type", ""))


def sentence_of(body: bytes, content_type: str) -> str:
    text = body.decode("utf-8", "replace").strip()
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "text/plain":
        found = text
    elif text.startswith("<"):
        match = _XML_MESSAGE.search(text)
        found = match[1] if match and "xml" in kind else ""
    else:
        found = _message_of(text)
    return _cut(without_credentials(sentence(found)))


def sentence(text: str) -> str:
    """On one line, and so that it may stand in quotes."""
    printable = _NOT_SHOWN.sub(" ", text).replace('"', "'")
    return " ".join(printable.split())


def without_credentials(text: str) -> str:
    return re.sub(r"(?i)\b(basic|bearer) +[^\s\"']+|\?[^\s\"']*", "…", text)


def _message_of(text: str) -> str:
    """OData v4 has it in `error.message`, v2 in `error.message.value`."""
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    for name in ("error", "message", "value"):
        if isinstance(document, dict):
            document = document.get(name, document)
    return document if isinstance(document, str) else ""


def _cut(text: str) -> str:
    if len(text) <= LONGEST_SENTENCE:
        return text
    return text[:LONGEST_SENTENCE] + "…"
