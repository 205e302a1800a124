"""What the tests of the window stand on:
a stack with a source that they lead, a relay to cut, a driven window.
"""

from __future__ import annotations

import http.client
import threading
import time
import tkinter as tk
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from clients.window.app import make_client
from clients.window.window import Window
from local.aws.loopback import HOST, LoopbackHandler, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from tkinter import ttk

BY_THE_CONNECTION = {"content-length", "transfer-encoding", "connection"}
PAUSE = 0.02


class Relay:
    """A way to the API that can be cut and mended, and closed for a while.
    `passed` are the answered paths.
    """

    def __init__(self, api_url: str) -> None:
        self.is_passing = threading.Event()
        self.is_passing.set()
        self.passed: list[str] = []
        target = int(api_url.rpartition(":")[2])
        self._handler = type(
            "Handler",
            (RelayHandler,),
            {"target": target, "is_passing": self.is_passing, "passed": self.passed},
        )
        self._server = LoopbackServer(self._handler).start()
        self.url, self._port = self._server.url, self._server.server_port

    def cut(self) -> None:
        self._server.stop()

    def mend(self) -> None:
        self._server = LoopbackServer(self._handler, port=self._port).start()


class RelayHandler(LoopbackHandler):
    target: ClassVar[int]
    is_passing: ClassVar[threading.Event]
    passed: ClassVar[list[str]]

    def _pass(self) -> None:
        body = self.read_body()
        self.is_passing.wait()
        connection = http.client.HTTPConnection(HOST, self.target, timeout=20)
        connection.request(self.command, self.path, body=body or None, headers=dict(self.headers))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        headers = {
            name: value
            for name, value in answer.getheaders()
            if name.lower() not in BY_THE_CONNECTION
        }
        self.answer(answer.status, content, headers)
        self.passed.append(self.path)

    do_GET = do_POST = _pass  # noqa: N815  http.server's names


@dataclass
class Driver:
    """Does with the window what a person does, and looks at what a person sees."""

    window: Window
    remembered: list[tuple[str, str]] = field(default_factory=list)
    opened: list[Path] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)

    def wait(self, condition: Callable[[], Any], *, seconds: float = 40) -> Any:
        """Lets the window live until the condition holds, and gives what it gave."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert not self.errors, self.errors
            assert time.monotonic() < deadline, (
                f"it did not happen in time; the banner says {self.notice!r}"
            )
            self.window.root.update()
            time.sleep(PAUSE)
        return found

    def press(self, button: ttk.Button) -> None:
        assert not button.instate(["disabled"]), f"{button.cget('text')} cannot be pressed"
        button.invoke()

    def press_in_banner(self, name: str) -> None:
        self.press(self.window.banner.buttons[name])

    def connect(self, url: str, token: str) -> None:
        self.window.open_page("Connection")
        self.window.connection.fill(url, token)
        self.press(self.window.connection.button)

    @property
    def notice(self) -> str:
        notice = self.window.banner.notice
        return notice.text if notice else ""

    @property
    def status(self) -> str:
        return str(self.window.imports.progress.status.cget("text"))

    @property
    def percent(self) -> str:
        return str(self.window.imports.progress.percent.cget("text"))

    @property
    def link(self) -> str:
        return str(self.window.state.cget("text"))

    @property
    def figures(self) -> dict[str, str]:
        return {name: tile.text for name, tile in self.window.imports.progress.tiles.items()}

    @property
    def details(self) -> str:
        return self.window.imports.history.details.text.get("1.0", "end")

    def history(self) -> list[tuple[str, ...]]:
        return self.window.imports.history.listing.rows

    def is_open(self) -> bool:
        try:
            return bool(self.window.root.winfo_exists())
        except tk.TclError:
            return False


@contextmanager
def open_window(display: str, **options: Any) -> Iterator[Driver]:
    remembered: list[tuple[str, str]] = []
    opened: list[Path] = []
    window = Window(
        tk.Tk(screenName=display, className="Wellhead"),
        make_client=make_client,
        remember=lambda url, token: remembered.append((url, token)),
        open_folder=opened.append,
        **options,
    )
    driver = Driver(window, remembered, opened)
    window.root.report_callback_exception = lambda _kind, error, _trace: driver.errors.append(error)
    window.root.geometry("+0+0")
    try:
        yield driver
        assert not driver.errors, driver.errors
    finally:
        print(f"the longest gap of the window's loop: {1000 * window.pulse.longest_gap:.0f} ms")
        if driver.is_open():
            window.leave()
