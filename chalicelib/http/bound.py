"""Bound: the places that a secret may be sent to, as the secret itself says.

Whoever may define a source must not be able to send the secret of one to another place. So the
secret of a defined source names its origin, and a path if it is good for that alone: `"origin":
"https://data.example.org/odata/"`, or several in a list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import urllib3

from chalicelib.errors import SecretInvalid

from .url_parts import url_parts

if TYPE_CHECKING:
    from chalicelib.settings import Settings

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Place:
    """A scheme, a host, a port, and the path that everything there begins with."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> Place:
        """Raises ValueError."""
        parts = url_parts(url)
        scheme = (parts.scheme or "").lower()
        host = (parts.host or "").lower().rstrip(".")
        if scheme not in PORTS or not host or parts.auth is not None:
            raise ValueError(url)
        port = parts.port or PORTS[scheme]
        return cls(scheme, host, port, parts.path or "/")

    def covers(self, other: Place) -> bool:
        """/odata covers /odata and /odata/Wells, and neither /odata2 nor /odata/../admin."""
        if (self.scheme, self.host, self.port) != (other.scheme, other.host, other.port):
            return False
        own = self.path.rstrip("/")
        is_below = other.path == own or other.path.startswith(f"{own}/")
        return is_below and not _climbs(other.path)


def _climbs(path: str) -> bool:
    """Whether a server could read it as a way out of where it begins,
    however often it decodes it.
    """
    for _ in range(3):  # %25252e%25252e is `..` by then
        path = unquote(path)
    segments = path.replace("\\", "/").split("/")
    return any(segment.partition(";")[0] == ".." for segment in segments)  # some drop what follows


@dataclass(frozen=True)
class Bound:
    """`places` None: wherever the settings send it, as whoever deploys the stack has said."""

    places: tuple[Place, ...] | None = None

    @classmethod
    def of_secret(cls, origin: Any, settings: Settings) -> Bound:
        """`origin` is what the secret has under that name. Raises SecretInvalid."""
        if origin is None and not settings.is_kept_outside:
            return cls()
        named = origin if isinstance(origin, list) else [origin]
        try:
            places = tuple(Place.of(each) for each in named if isinstance(each, str))
        except (ValueError, urllib3.exceptions.HTTPError):
            places = ()
        # Fewer places than names: one of them was no text.
        if not places or len(places) != len(named):
            raise SecretInvalid(
                "The secret of the source does not name the origin that it may be sent to. Store it again with "
                '"origin": "https://…" next to its other parts, and with the path if it is good only for that.'
            )
        return cls(places)

    def check(self, url: str) -> None:
        """Raises SecretInvalid."""
        if self.places is None:
            return
        try:
            place = Place.of(url)
        except (ValueError, urllib3.exceptions.HTTPError):
            place = None
        if place is None or not any(each.covers(place) for each in self.places):
            raise SecretInvalid(
                "The secret of the source may not be sent to where the source is: it names another origin or path, so "
                "nothing was sent. Correct the source's address, or the origin in its secret."
            )
