"""Everybody can read the window: the contrast of every text to its ground, in both looks."""

from __future__ import annotations

import pytest

from clients.window.palette import DARK, LIGHT, Palette
from clients.window.shapes import rgb

READABLE = 4.5  # WCAG 2.2, success criterion 1.4.3
TONES = ("good", "bad", "warning", "info", "muted", "accent")


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(colour: str, ground: str) -> float:
    low, high = sorted(luminance(each) for each in (colour, ground))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read(palette: Palette) -> None:
    pairs = [(ink, ground) for ink in ("text", "muted") for ground in ("page", "surface", "sunken")]
    pairs += [(ink, "surface") for ink in (*TONES, "oil", "gas", "water", "liquids")]
    told = {
        f"{ink} on {ground}": (palette.tone(ink), palette.tone(ground)) for ink, ground in pairs
    }
    told |= {
        f"{tone} on its own": (palette.tone(tone), palette.soft(palette.tone(tone)))
        for tone in TONES
    }
    told["on_accent"] = (palette.on_accent, palette.accent)

    assert {
        name: contrast(*pair) for name, pair in told.items() if contrast(*pair) < READABLE
    } == {}
