"""How long something took, as people read it."""

from __future__ import annotations

MINUTE, HOUR = 60, 3600  # seconds
EXACT = 10  # seconds; from here on tenths say nothing


def duration(seconds: float | None) -> str | None:
    """8.4 s, 42 s, 3 min 05 s, 2 h 07 min, as the console has it; None of what is not known."""
    if seconds is None:
        return None
    tenths = round(max(0.0, seconds), 1)
    if tenths < EXACT:
        return f"{tenths} s"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02} s"
    return f"{whole // HOUR:,} h {whole % HOUR // MINUTE:02} min"
