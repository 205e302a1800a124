"""The desktop client: `wellhead gui`.

It needs Tk and a display. Where one is missing it says how to get it, and where the console is.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clients.api.client import WellheadClient
from clients.api.profiles import Profile, Profiles, local_stack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from clients.api.profiles import Target

WITHOUT_TK = """The window needs Tk for Python, which is not there.
  Debian, Ubuntu   sudo apt install python3-tk
  Fedora           sudo dnf install python3-tkinter
  macOS            brew install python-tk, or the installer of python.org
  Windows          run the installer of Python again and choose tcl/tk"""
WITHOUT_DISPLAY = """The window needs a display, and there is none here.
  Over SSH         connect with ssh -X, or run the window on your own machine
  In a container   run the window outside: it needs no more than the address and a token"""
SOMEWHERE = "http://127.0.0.1:8000"


def run(target: Target | None, profiles: Profiles, *, name: str | None) -> int:
    """Until the window is closed; 1 when there can be none.
    An address that is entered is saved under this name.
    """
    address = target.url if target else SOMEWHERE
    try:
        import tkinter as tk

        from clients.window.screen import ask_for_sharp_pixels
        from clients.window.window import Window
    except ImportError as exc:
        if exc.name not in {"tkinter", "_tkinter"}:
            raise
        return _explain(WITHOUT_TK, address)
    ask_for_sharp_pixels()
    try:
        root = tk.Tk(className="Wellhead")
    except tk.TclError:
        return _explain(WITHOUT_DISPLAY, address)
    book = Book(profiles, name or "default")
    window = Window(
        root,
        make_client=make_client,
        remember=book.remember,
        open_folder=open_folder,
    )
    # Tk would show Ctrl-C as an error.
    signal.signal(signal.SIGINT, lambda *_: root.after(0, window.leave))
    window.begin(address, (target.token if target else None) or "")
    root.mainloop()
    return 0


@dataclass(frozen=True)
class Book:
    """Where the window keeps addresses: in the profiles of the command line."""

    profiles: Profiles
    name: str

    def remember(self, url: str, token: str) -> None:
        """What is known already is not saved again. Raises ProfileError."""
        saved, _ = self.profiles.read()
        known: set[tuple[str, str | None]] = {
            (profile.url, profile.token) for profile in saved.values()
        }
        stack = local_stack()
        if stack:
            known.add((stack.url, stack.token))
        if (url, token) not in known:
            self.profiles.save(self.name, Profile(url, token))


def make_client(url: str, token: str, on_retry: Callable[..., object]) -> WellheadClient:
    return WellheadClient(url, token, on_retry=on_retry)


def open_folder(folder: Path) -> None:
    """In the file manager of the system."""
    opener = {"darwin": "open", "win32": "explorer"}.get(sys.platform, "xdg-open")
    subprocess.Popen(  # noqa: S603
        [opener, str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _explain(what: str, address: str) -> int:
    print(f"{what}\nThe same in a browser: {address}/console", file=sys.stderr)  # noqa: T201
    return 1
