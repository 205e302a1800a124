"""Writes the OpenAPI document out of the code, where the API serves it: `make openapi`."""

import json

from app import app
from chalicelib.api.document import FILE
from chalicelib.api.gateway_errors import WORDS
from infra.openapi import document


def text() -> str:
    return json.dumps(document(app, gateway=WORDS), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
