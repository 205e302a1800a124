"""The OpenAPI document as it is served.
`make openapi` writes the file out of the code (infra/openapi).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .etag import etag_of

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = Path(__file__).with_name("openapi.json")


@dataclass(frozen=True, kw_only=True)
class ApiDocument:
    text: str
    headers: Mapping[str, str]


@cache
def api_document() -> ApiDocument:
    text = FILE.read_text("utf-8")
    headers = {
        "Content-Type": "application/json",
        "Cache-Control": "no-cache",
        "ETag": etag_of(text),
    }
    return ApiDocument(text=text, headers=headers)
