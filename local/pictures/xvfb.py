"""An X server without a screen, for the tests of the window,
and pictures of what would be on it.
"""

from __future__ import annotations

import importlib
import shutil
import struct
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

from clients.window.shapes import png

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH, HEIGHT = 1400, 900


def why_not() -> str:
    """What is missing for a window under Xvfb; empty when nothing is."""
    if shutil.which("Xvfb") is None:
        return "Xvfb is not installed (Debian: apt install xvfb)"
    try:
        importlib.import_module("tkinter")
    except ImportError:
        return "this Python has no tkinter (Debian: apt install python3-tk)"
    return ""


class Xvfb:
    """`name` is what DISPLAY would be; the server takes the first one that is free."""

    def __init__(self, dpi: int = 96) -> None:
        self._directory = TemporaryDirectory(prefix="wellhead-xvfb-")
        screen = [
            "-screen",
            "0",
            f"{WIDTH}x{HEIGHT}x24",
            "-dpi",
            str(dpi),
            "-fbdir",
            self._directory.name,
        ]
        self._process = subprocess.Popen(
            ["Xvfb", "-displayfd", "1", *screen, "-nolisten", "tcp", "-noreset"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout
        self.name = f":{self._process.stdout.readline().strip()}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate()
        self._directory.cleanup()

    def photograph(self, path: Path, width: int = WIDTH, height: int = HEIGHT) -> None:
        """The upper left part of the screen, as PNG."""
        screen = (Path(self._directory.name) / "Xvfb_screen0").read_bytes()
        rows = rgb_rows(screen, width, height)
        path.write_bytes(png(width, height, rows, has_alpha=False))


def rgb_rows(screen: bytes, width: int, height: int) -> Iterator[bytes]:
    """Of an X window dump with 32 bits a pixel, blue first (X11/XWDFile.h:
    its header has 25 numbers).
    """
    header = struct.unpack(">25I", screen[:100])
    start = header[0] + 12 * header[19]
    octets_a_row = header[12]
    for row in range(height):
        line = screen[start + row * octets_a_row :][: width * 4]
        rgb = bytearray(width * 3)
        rgb[0::3] = line[2::4]
        rgb[1::3] = line[1::4]
        rgb[2::3] = line[0::4]
        yield bytes(rgb)
