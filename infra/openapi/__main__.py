"""Writes what the code declares where people and programs read it, `make openapi`: the OpenAPI
document where the API serves it, tables and examples of the documents, and the client's types.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from chalicelib.api.document import FILE
from chalicelib.api.gateway_errors import WORDS
from chalicelib.routes.table import ROUTES
from infra.openapi import document
from infra.openapi.client_types import FILE as CLIENT_TYPES
from infra.openapi.client_types import client_types
from infra.openapi.pages import pages

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def expected_files() -> Mapping[Path, str]:
    """Each file, as it should be."""
    whole = document(ROUTES, gateway=WORDS)
    return {
        FILE: json.dumps(whole, ensure_ascii=False, indent=1) + "\n",
        **dict(pages(whole["components"]["examples"])),
        CLIENT_TYPES: client_types(),
    }


if __name__ == "__main__":
    for path, content in expected_files().items():
        path.write_text(content, "utf-8")
