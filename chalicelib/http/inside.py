"""Inside: the addresses that no source of a deployed stack may have, because what answers there
trusts whoever is here. And public ones: a receiver of notices has one of those, where a source may
well be in a private network.

Loopback is the runtime of the function itself, and the link-local range has the services that hand
out credentials:
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
(169.254.169.254, fd00:ec2::254),
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html (169.254.170.2,
fd00:ec2::23).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import Any

_METADATA = ipaddress.ip_network("fd00:ec2::/32")
_NAMES = (
    "localhost",
    "metadata",
    "instance-data",
    "metadata.google.internal",
    "instance-data.ec2.internal",
)
# With an IPv4 address in the last 32 bits, by RFC 6052, RFC 2765 and RFC 4291 (section 2.5.5.1).
_MAPPED = [ipaddress.ip_network(text) for text in ("64:ff9b::/96", "::ffff:0:0:0/96", "::/96")]

# For translation within a network (RFC 8215), of a site (RFC 3879), shared by a carrier's customers
# (RFC 6598), and of protocols (RFC 6890). Python calls some of them global, by its version others.
_NOT_EVERYBODYS = [
    ipaddress.ip_network(text)
    for text in ("64:ff9b:1::/48", "fec0::/10", "100.64.0.0/10", "192.0.0.0/24")
]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[..., Iterable[tuple[Any, ...]]]  # as socket.getaddrinfo


def is_inside(host: str) -> bool:
    """Of a name or an address, in any form that a resolver takes: `127.1`, `2130706433`,
    `::ffff:7f00:1`. What a name leads to is seen when it is connected to: is_inside_address.
    """
    name = host.strip("[]").rstrip(".").lower()
    if name in _NAMES or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and is_inside_address(address)


def is_inside_address(address: Address | str) -> bool:
    """Of the address that a connection was made to."""
    found = _address(address) if isinstance(address, str) else address
    if found is None:
        return True  # nobody knows where that is
    return any(_is_own(each) for each in (found, *_within(found)))


class NotPublic(Exception):
    """A name leads to an address that is not everybody's, or nowhere."""


def public_address(host: str, port: int, resolve: Resolve = socket.getaddrinfo) -> str:
    """Where a connection to this name may be made: the first of its addresses, when all of them are
    public. Whoever connects takes this one, and does not ask again: the next answer may be another
    one. Raises NotPublic, OSError.
    """
    answers = resolve(host, port, 0, socket.SOCK_STREAM)
    found = [str(address[0]) for *_, address in answers]
    if not found or not all(map(is_public_address, found)):
        raise NotPublic
    return found[0]


def is_public_address(text: str) -> bool:
    """Of everybody's internet:
    none that is private, shared, of a link, of this machine, or that stands for such.
    """
    address = _address(text)
    if address is None:
        return False
    if any(address in network for network in _NOT_EVERYBODYS):
        return False
    return all(
        each.is_global and not each.is_multicast and not _is_own(each)
        for each in (address, *_within(address))
    )


def _is_own(address: Address) -> bool:
    is_unusual = (
        address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or address.is_multicast
    )
    return is_unusual or (address.version == 6 and address in _METADATA)  # noqa: PLR2004


def _within(address: Address) -> list[Address]:
    """The IPv4 addresses that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found: list[Address | None] = [address.ipv4_mapped, address.sixtofour]
    found += address.teredo or ()
    last_32_bits = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if any(address in network for network in _MAPPED):
        found.append(last_32_bits)
    return [each for each in found if each is not None]


def _address(text: str) -> Address | None:
    """None for a name."""
    try:
        return ipaddress.ip_address(text.partition("%")[0])  # of fe80::1%eth0 without the interface
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(text))
    except (OSError, UnicodeError):
        return None
