"""The screen and its letters: how large a pixel is, and which fonts are there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from tkinter import font as tkfont
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tkinter as tk

USUAL_DPI = 96.0
POINTS_AN_INCH = 72
FACES = ("Inter", "Ubuntu", "Cantarell", "Noto Sans", "Liberation Sans", "DejaVu Sans")
FIXED_FACES = (
    "JetBrains Mono",
    "Ubuntu Mono",
    "Noto Sans Mono",
    "Liberation Mono",
    "DejaVu Sans Mono",
)
SIZES = {
    "Small": -1,
    "Text": 0,
    "Strong": 0,
    "Head": 2,
    "Title": 7,
    "Figure": 5,
    "Huge": 17,
    "Mono": -1,
}
BOLD = {"Strong", "Head", "Title", "Figure", "Huge"}


def ask_for_sharp_pixels() -> None:
    """On Windows, before the first window: or the system draws it small and enlarges it."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.shcore.SetProcessDpiAwareness(1)


def scale(root: tk.Tk) -> float:
    """How many pixels of this screen stand for one of 96 dpi; text follows.
    macOS does this by itself.
    """
    system = root.tk.call("tk", "windowingsystem")
    if system == "aqua":
        return 1.0
    dpi = (_told_dpi() if system == "x11" else None) or root.winfo_fpixels("1i")
    factor = max(1.0, min(4.0, dpi / USUAL_DPI))
    root.tk.call("tk", "scaling", factor * USUAL_DPI / POINTS_AN_INCH)
    return factor


def _told_dpi() -> float | None:
    """What the desktop was told; X servers claim 96 dpi of any screen."""
    command = shutil.which("xrdb")
    if command is None:
        return None
    query = [command, "-query"]
    answer = subprocess.run(  # noqa: S603
        query, capture_output=True, text=True, timeout=5, check=False
    )
    lines = (line.partition(":") for line in answer.stdout.splitlines())
    return next(
        (
            float(value)
            for name, _, value in lines
            if name == "Xft.dpi" and value.strip().isdecimal()
        ),
        None,
    )


def make_fonts(root: tk.Misc) -> dict[str, tkfont.Font]:
    """The system's own face and size;
    on X11, where that is anything, the best face that is there.
    """
    usual, fixed = (
        tkfont.nametofont(name, root=root).actual() for name in ("TkDefaultFont", "TkFixedFont")
    )
    known = set(tkfont.families(root)) if root.tk.call("tk", "windowingsystem") == "x11" else set()
    face = next((each for each in FACES if each in known), usual["family"])
    fixed_face = next((each for each in FIXED_FACES if each in known), fixed["family"])
    return {
        name: tkfont.Font(
            root=root,
            name=f"Wellhead{name}",
            family=fixed_face if name == "Mono" else face,
            size=abs(usual["size"]) + more,
            weight="bold" if name in BOLD else "normal",
        )
        for name, more in SIZES.items()
    }
