"""A file of this machine on its way into the bucket of the stack,
by a form that the API has signed.
"""

from __future__ import annotations

import os
import re
import secrets
from typing import TYPE_CHECKING

import requests

from clients.api.connection import CONNECT_SECONDS, READ_SECONDS, is_loopback, no_password
from clients.api.errors import UploadFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clients.api.answers import Upload

PIECE_BYTES = 1 << 20


def upload(form: Upload, path: Path) -> None:
    """Raises UploadFailed."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            _refuse_size(path, size, form["most_bytes"])
            _send(form, _Body(form["fields"], iter(lambda: file.read(PIECE_BYTES), b""), size))
    except OSError as exc:  # one of requests has been told in our words already
        raise UploadFailed(f"{path} cannot be read: {exc.strerror}.") from exc


def _refuse_size(path: Path, size: int, most: int) -> None:
    """Raises UploadFailed."""
    if size == 0:
        raise UploadFailed(f"{path} is empty, so nothing was sent.")
    if size > most:
        raise UploadFailed(
            f"{path} has {size >> 20:,} MB, and {most >> 20:,} MB can be sent. Put it into a bucket that the stack may "
            "read, and give its address."
        )


class _Body:
    """A form as multipart/form-data, of known length and read piece by piece. RFC 7578."""

    def __init__(self, fields: dict[str, str], pieces: Iterator[bytes], size: int) -> None:
        self.boundary = secrets.token_hex(20)
        self._pieces = pieces
        self._size = size
        start = ""
        for name, value in fields.items():
            start += f"{self._part(name)}\r\n\r\n{value}\r\n"
        start += f'{self._part("file")}; filename="file"\r\n'
        start += "Content-Type: application/octet-stream\r\n\r\n"
        self._start = start.encode()
        self._end = f"\r\n--{self.boundary}--\r\n".encode()

    def __len__(self) -> int:
        around = len(self._start) + len(self._end)
        return around + self._size

    def __iter__(self) -> Iterator[bytes]:
        """Raises UploadFailed when the file is not as long as it was."""
        sent = 0
        yield self._start
        for piece in self._pieces:
            sent += len(piece)
            if sent > self._size:
                break
            yield piece
        if sent != self._size:
            raise UploadFailed(
                "The file grew or shrank while it was sent. Send it again when it is complete."
            )
        yield self._end

    def _part(self, name: str) -> str:
        return f'--{self.boundary}\r\nContent-Disposition: form-data; name="{name}"'


def _send(form: Upload, body: _Body) -> None:
    """The form is signed: it wants no token of ours. Raises UploadFailed."""
    headers = {"Content-Type": f"multipart/form-data; boundary={body.boundary}"}
    try:
        with requests.Session() as session:
            session.auth = no_password
            session.trust_env = not is_loopback(form["url"])
            timeout = (CONNECT_SECONDS, READ_SECONDS)
            answer = session.post(
                form["url"], data=body, headers=headers, timeout=timeout, allow_redirects=False
            )
    except requests.RequestException:
        raise UploadFailed(
            "The connection to the bucket broke before the file was sent. Try again."
        ) from None
    if answer.status_code not in range(200, 300):
        code = re.search("<Code>([A-Za-z]{1,60})</Code>", answer.text)
        raise UploadFailed(
            f"The bucket refuses the file ({code[1] if code else f'HTTP {answer.status_code}'}). Try again; if it "
            "stays, show this to who runs the stack."
        )
