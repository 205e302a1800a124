"""Who may call a port of this machine: programs on it, by a name of this machine, and no page of
another site.

A web page can make a browser send requests to 127.0.0.1. The browser then names the page's site in
`Origin`; or in `Host`, where the page's own name was made to lead here (DNS rebinding).
"""

import ipaddress
from email.message import Message
from urllib.parse import urlsplit


class ForeignCallerError(Exception):
    """Somebody calls who must not; the message says why."""


def check_host(headers: Message, port: int | None) -> None:
    """`port` is the only one that may be named; None for any, as where a tunnel ends.
    Raises ForeignCallerError.
    """
    named = headers.get_all("Host", [])
    if len(named) != 1 or not _is_of_this_machine(named[0], port):
        raise ForeignCallerError("This port answers only to 127.0.0.1 and localhost.")


def check_origin(headers: Message, port: int) -> None:
    """Raises ForeignCallerError."""
    for origin in headers.get_all("Origin", []):
        scheme, _, place = origin.strip().partition("://")
        if scheme.lower() != "http" or not _is_of_this_machine(place, port):
            raise ForeignCallerError("This port answers to no page of another site.")


def _is_of_this_machine(place: str, port: int | None) -> bool:
    try:
        parts = urlsplit(f"http://{place.strip()}")
        if parts.netloc != place.strip() or "@" in place or port not in (None, parts.port or 80):
            return False
        return (
            parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname or "").is_loopback
        )
    except ValueError:
        return False
