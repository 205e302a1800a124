"""The window: a side bar with the pages, the banner,
and the loop that brings in what the network has answered.
"""

from __future__ import annotations

import sys
import tkinter as tk
import traceback
from tkinter import ttk
from typing import TYPE_CHECKING, ClassVar

from clients.window.connection_page import STATES, ConnectionPage
from clients.window.database_page import DatabasePage
from clients.window.import_page import ImportPage
from clients.window.notices import Notice, sentence
from clients.window.palette import DARK, LIGHT
from clients.window.parts import Banner
from clients.window.session import IDLE_SECONDS, Session
from clients.window.theme import Theme
from clients.window.wells_page import WellsPage
from clients.window.worker import Pulse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from clients.window.worker import MakeClient

SIZE, SMALLEST = (1320, 800), (880, 630)  # the smallest fits a laptop's screen of 1024 by 700
BEAT_MS, TICK_MS = 20, 200


class Window:
    """`remember` keeps an address and its token."""

    _kept: ClassVar[list[Window]] = []
    """Tcl must end on the thread where it began, and not where a network thread drops what refers to it last."""

    def __init__(
        self,
        root: tk.Tk,
        *,
        make_client: MakeClient,
        remember: Callable[[str, str], object],
        open_folder: Callable[[Path], None],
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._kept.append(self)
        self.root = root
        root.report_callback_exception = self._report
        self.theme = Theme(root)
        self.theme.show(LIGHT)
        self.pulse = Pulse(every=BEAT_MS / 1000)
        self.session = Session(
            self, later=self._later, make_client=make_client, idle_seconds=idle_seconds
        )
        self._is_leaving = False
        self._set_up_root()
        body = self._body()
        self.connection = ConnectionPage(
            body,
            self.theme,
            self.session,
            remember=remember,
            go_on=lambda: self.open_page("Import"),
        )
        self.imports = ImportPage(body, self.theme, self.session)
        self.wells = WellsPage(body, self.theme, self.session)
        self.database = DatabasePage(body, self.theme, self.session, open_folder=open_folder)
        self.pages: dict[str, ttk.Frame] = {
            "Import": self.imports,
            "Wells": self.wells,
            "Database": self.database,
            "Connection": self.connection,
        }
        for name in self.pages:
            self._add_navigation(name)
        self.open_page("Connection")
        self.show_state()
        self._beat()
        self._tick()

    def begin(self, url: str, token: str) -> None:
        """With what is remembered; without a token, ask for it."""
        self.connection.fill(url, token)
        if token:
            self.open_page("Import")
            self.session.connect(url, token)

    def _set_up_root(self) -> None:
        root = self.root
        root.title("Wellhead")
        root.iconphoto(True, self.theme.emblem(64))
        width, height = self._within_screen(SIZE)
        root.geometry(f"{width}x{height}")
        root.minsize(*self._within_screen(SMALLEST))
        root.protocol("WM_DELETE_WINDOW", self.close)

    def _within_screen(self, size: tuple[int, int]) -> tuple[int, int]:
        """Pixels of the real screen, and no more than it has."""
        px = self.theme.px
        root = self.root
        width, height = size
        real_width = min(px(width), root.winfo_screenwidth())
        real_height = min(px(height), root.winfo_screenheight())
        return real_width, real_height

    def _body(self) -> ttk.Frame:
        px = self.theme.px
        side = ttk.Frame(self.root, padding=(px(14), px(18)))
        side.pack(side="left", fill="y")
        ttk.Frame(self.root, style="Rule.TFrame", width=1).pack(side="left", fill="y")
        self._side(side)
        right = ttk.Frame(self.root, style="Page.TFrame", padding=(px(22), px(18)))
        right.pack(side="left", fill="both", expand=True)
        self.banner = Banner(right, self.theme)
        self.banner.pack(fill="x")
        body = ttk.Frame(right, style="Page.TFrame")
        body.pack(fill="both", expand=True)
        return body

    def _side(self, side: ttk.Frame) -> None:
        px = self.theme.px
        brand = ttk.Frame(side)
        brand.pack(fill="x", pady=(0, px(22)))
        ttk.Label(brand, image=self.theme.emblem(30)).pack(side="left", padx=(px(4), px(10)))
        ttk.Label(brand, text="Wellhead", style="Title.TLabel").pack(side="left")
        self._navigation = ttk.Frame(side)
        self._navigation.pack(fill="x")
        self.buttons: dict[str, ttk.Button] = {}
        self.is_dark = tk.BooleanVar(self.root, value=False)
        self.dark = ttk.Checkbutton(
            side,
            text="Dark",
            variable=self.is_dark,
            style="Switch.TCheckbutton",
            command=self._recolour,
        )
        self.dark.pack(
            side="bottom",
            anchor="w",
            padx=px(8),
        )
        self.server = ttk.Label(side, style="Caption.TLabel", wraplength=px(140))
        self.server.pack(
            side="bottom",
            anchor="w",
            padx=px(8),
            pady=(px(4), px(16)),
        )
        self.state = ttk.Label(side, style="muted.Pill.TLabel")
        self.state.pack(
            side="bottom",
            anchor="w",
            padx=px(8),
        )

    def _add_navigation(self, name: str) -> None:
        button = ttk.Button(
            self._navigation,
            text=name,
            style="Nav.TButton",
            width=12,
            command=lambda: self.open_page(name),
        )
        button.pack(fill="x", pady=(0, self.theme.px(4)))
        self.buttons[name] = button

    def open_page(self, name: str) -> None:
        for other, page in self.pages.items():
            self.buttons[other].state(["selected" if other == name else "!selected"])
            if other != name:
                page.pack_forget()
        self.pages[name].pack(fill="both", expand=True)

    # -- what the session tells -------------------------------------------------------------------------

    def show_state(self) -> None:
        if not hasattr(self, "pages"):
            return
        tone, text = STATES[self.session.link]
        self.state.configure(text=text, style=f"{tone}.Pill.TLabel")
        self.server.configure(text=self._server_text())
        self.imports.refresh()
        self.connection.refresh()

    def _server_text(self) -> str:
        if self.session.link == "off":
            return ""
        lines = [self.session.url]
        if self.session.role:
            lines.append(f"Role: {self.session.role}")
        return "\n".join(filter(None, lines))

    def notify(self, notice: Notice) -> None:
        self.banner.show(notice)
        if notice.rings:
            self.root.bell()

    def _report(
        self, _kind: type[BaseException], error: BaseException, _trace: TracebackType | None
    ) -> None:
        """Of what is wrong in this program:
        people see a sentence, whoever started it from a terminal the trace.
        """
        traceback.print_exception(error)
        self.notify(Notice("bad", sentence(error)))

    def forget_notice(self) -> None:
        self.banner.clear()

    def show_publication(self) -> None:
        """Other data than before may be there."""
        self.wells.look()
        self.database.look()

    # -- the loop ---------------------------------------------------------------------------------------

    def _tick(self) -> None:
        self.root.after(TICK_MS, self._tick)
        self.imports.progress.tick()

    def _beat(self) -> None:
        self.root.after(BEAT_MS, self._beat)
        self.pulse.beat()
        self.session.deliver()

    def _later(self, seconds: float, call: Callable[[], None]) -> object:
        milliseconds = round(seconds * 1000)
        return self.root.after(milliseconds, call)

    def _recolour(self) -> None:
        palette = DARK if self.is_dark.get() else LIGHT
        self.theme.show(palette)

    # -- the end ----------------------------------------------------------------------------------------

    def close(self) -> None:
        """While an import runs, say once what becomes of it; the second time is meant."""
        if self.session.is_following and not self._is_leaving:
            self._is_leaving = True
            text = "The import goes on without this window. The next start of the window finds it and follows it."
            self.notify(Notice("info", text, {"Close": self.leave, "Stay": self._stay}))
        else:
            self.leave()

    def _stay(self) -> None:
        self._is_leaving = False

    def leave(self) -> None:
        if self.session.is_following and self.session.job:
            job_id = self.session.job.job_id
            farewell = f"The import {job_id} goes on. See it with: wellhead status {job_id}"
            print(farewell, file=sys.stderr)  # noqa: T201
        self.session.disconnect()
        for call in self.root.tk.splitlist(self.root.tk.call("after", "info")):
            self.root.after_cancel(call)
        self.root.destroy()
