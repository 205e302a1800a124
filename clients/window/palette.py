"""The colours of the window, by what they are for."""

from __future__ import annotations

from dataclasses import dataclass

from clients.window.shapes import mix


@dataclass(frozen=True, kw_only=True)
class Palette:
    """Text has a contrast of at least 4.5 to what it stands on (WCAG 2.2,
    success criterion 1.4.3).
    """

    page: str
    surface: str
    sunken: str
    border: str
    text: str
    muted: str
    accent: str
    on_accent: str
    good: str
    bad: str
    warning: str
    info: str
    oil: str
    gas: str
    water: str
    liquids: str

    def tone(self, name: str) -> str:
        """The colour of this name."""
        colour: str = getattr(self, name)
        return colour

    def soft(self, colour: str) -> str:
        """The ground for text of this colour."""
        return mix(self.surface, colour, 0.1)


LIGHT = Palette(
    page="#f2f5f7",
    surface="#ffffff",
    sunken="#eef2f5",
    border="#d9e1e8",
    text="#15202b",
    muted="#566573",
    accent="#0b6e69",
    on_accent="#ffffff",
    good="#12693f",
    bad="#b42318",
    warning="#8a4b08",
    info="#1f5fae",
    oil="#1f7a4d",
    gas="#c2410c",
    water="#1d6fb8",
    liquids="#7c3aed",
)
DARK = Palette(
    page="#0d141b",
    surface="#16202a",
    sunken="#1e2a36",
    border="#2b3a48",
    text="#e8eef3",
    muted="#9aabba",
    accent="#35c9b9",
    on_accent="#05211e",
    good="#4cc38a",
    bad="#ff8a80",
    warning="#f0b25a",
    info="#7ab8ff",
    oil="#4cc38a",
    gas="#ff9f5a",
    water="#63b3ff",
    liquids="#b79cff",
)
