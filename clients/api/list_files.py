"""A list as a file:
all its rows as CSV, Parquet or Excel, which the API sends or tells the address of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clients.api.connection import MEDIA_TYPES
from clients.api.download import download, write_whole
from clients.api.errors import NotWellhead

if TYPE_CHECKING:
    from pathlib import Path

    from clients.api.connection import Connection


@dataclass(frozen=True)
class Address:
    """Where the file is; whoever has a signed `url` needs no token."""

    url: str
    bytes: int
    sha256: str


def save_list(
    connection: Connection, path: str, kind: str, target: Path, query: dict[str, Any]
) -> int:
    """Puts the file there, whole or not at all, and tells how many bytes it has.
    The small ones are the answer itself, to who says that he takes them. Raises ClientError.
    """
    accepted = {"Accept": f"{MEDIA_TYPES[kind]}, application/json;q=0.1"}
    answer = connection.ask(
        "GET", path, safe=True, headers=accepted, params={**query, "format": kind}
    )
    if answer.data is None:
        write_whole(target, answer.content)
        return len(answer.content)
    try:
        address = Address(answer.data["url"], answer.data["bytes"], answer.data["sha256"])
    except (KeyError, TypeError) as exc:
        raise NotWellhead from exc
    download(address, target)
    return address.bytes
