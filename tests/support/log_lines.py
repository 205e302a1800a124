"""The log as CloudWatch would get it: what the functions write while this is open, line by line."""

from __future__ import annotations

import io
import json
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from chalicelib.logs import start_log_context, start_logging

if TYPE_CHECKING:
    from collections.abc import Iterator

LOGGERS = ("", "chalicelib", "chalicelib.metrics")


class Log:
    def __init__(self, stream: io.StringIO) -> None:
        self._stream = stream

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def told(self, message: str) -> dict[str, Any]:
        """The one line with this message."""
        [line] = [line for line in self.lines if line["message"] == message]
        return line


@contextmanager
def logging_to_text(**environment: str) -> Iterator[Log]:
    """As in Lambda; what pytest and other tests had set up comes back afterwards."""
    root = logging.getLogger()
    handlers, levels = root.handlers[:], [logging.getLogger(name).level for name in LOGGERS]
    stream = io.StringIO()
    start_logging(
        {"AWS_LAMBDA_FUNCTION_NAME": "wellhead-test", "WELLHEAD_STAGE": "test", **environment},
        stream,
    )
    start_log_context()
    try:
        yield Log(stream)
    finally:
        root.handlers[:] = handlers
        for name, level in zip(LOGGERS, levels, strict=True):
            logging.getLogger(name).setLevel(level)
