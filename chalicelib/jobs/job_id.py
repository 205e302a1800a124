"""The id of a job: how a new one is made, and how a caller's is read. Pure."""

from __future__ import annotations

import uuid

from chalicelib.errors import InvalidJobId


def uuid7(now: float, randomness: bytes) -> str:
    """A UUID of version 7 (RFC 9562, section 5.7): it sorts by its creation time in milliseconds.

    bits 127 to 80   milliseconds since 1970
    bits  79 to 76   the version, 7
    bits  63 and 62  the variant, 2
    the others       random
    """
    milliseconds = int(now * 1000)
    value = milliseconds << 80 | int.from_bytes(randomness, "big")
    value = _with_bits(value, 7, at=76, mask=0xF)
    value = _with_bits(value, 2, at=62, mask=0x3)
    return str(uuid.UUID(int=value))


def _with_bits(value: int, bits: int, *, at: int, mask: int) -> int:
    cleared = value & ~(mask << at)
    return cleared | bits << at


def parse_job_id(text: str) -> str:
    """The job id in its canonical form; raises InvalidJobId."""
    try:
        parsed = uuid.UUID(text)
    except ValueError:
        raise InvalidJobId from None
    # Python also reads braces, `urn:uuid:` and no hyphens at all; one job has one id.
    is_canonical = str(parsed) == text.lower()
    if not is_canonical or parsed.version != 7:  # noqa: PLR2004
        raise InvalidJobId
    return str(parsed)
