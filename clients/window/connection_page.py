"""The page where the window is told which server to talk to."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING

from clients.api.errors import ClientError
from clients.window.parts import Card

if TYPE_CHECKING:
    from collections.abc import Callable

    from clients.window.session import Session
    from clients.window.theme import Theme

STATES = {
    "off": ("muted", "Not connected"),
    "connecting": ("info", "Connecting"),
    "on": ("good", "Connected"),
    "lost": ("warning", "No answer"),
}


class ConnectionPage(ttk.Frame):
    """`remember` keeps URL and token for the next time, once they have worked;
    then `go_on` leads to the next page.
    """

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        session: Session,
        *,
        remember: Callable[[str, str], object],
        go_on: Callable[[], None],
    ) -> None:
        super().__init__(parent, style="Page.TFrame")
        px = theme.px
        self._session = session
        self._theme = theme
        self._remember = remember
        self._go_on = go_on
        self._unproved: tuple[str, str] | None = None
        self._filled = ("", "")
        ttk.Label(self, text="Connection", style="PageTitle.TLabel").pack(anchor="w")
        card = Card(self, theme, room=28)
        card.pack(anchor="w", pady=(px(14), 0))
        self.url, self.token, self.keeps = (
            tk.StringVar(self),
            tk.StringVar(self),
            tk.BooleanVar(self, value=True),
        )
        self.url.trace_add("write", lambda *_: self._part_from_token())
        self._field(
            card, px, "Address of the server", self.url, "For example http://127.0.0.1:8000"
        )
        entry = self._field(
            card, px, "Token", self.token, "make run writes one for this machine into .local/token"
        )
        entry.configure(show="•")
        entry.bind("<Return>", lambda _: self.connect())
        keep = ttk.Checkbutton(
            card,
            text="Remember on this machine",
            variable=self.keeps,
            style="Switch.TCheckbutton",
            takefocus=True,
        )
        keep.pack(anchor="w", pady=(px(4), px(18)))
        self._buttons(card, px)

    def _field(
        self, card: Card, px: Callable[[float], int], name: str, variable: tk.StringVar, hint: str
    ) -> ttk.Entry:
        ttk.Label(card, text=name, style="Strong.TLabel").pack(anchor="w")
        entry = ttk.Entry(
            card,
            textvariable=variable,
            width=52,
            font=self._theme.fonts["Text"],
        )
        entry.pack(fill="x", pady=(px(4), px(3)))
        ttk.Label(card, text=hint, style="Caption.TLabel").pack(anchor="w", pady=(0, px(14)))
        return entry

    def _buttons(self, card: Card, px: Callable[[float], int]) -> None:
        row = ttk.Frame(card)
        row.pack(fill="x")
        self.button = ttk.Button(
            row,
            text="Connect",
            style="Accent.TButton",
            command=self.connect,
        )
        self.button.pack(side="left")
        self.leave = ttk.Button(
            row, text="Disconnect", style="Plain.TButton", command=self._session.disconnect
        )
        self.leave.pack(side="left", padx=px(10))
        self.shown_state = ttk.Label(row, style="muted.Pill.TLabel")
        self.shown_state.pack(side="right")

    def fill(self, url: str, token: str) -> None:
        self._filled = (url, token)
        self.url.set(url)
        self.token.set(token)

    def _part_from_token(self) -> None:
        """A saved token goes to the address that it was saved with, and to no other."""
        url, token = self._filled
        is_elsewhere = self.url.get() != url
        is_the_saved_one = self.token.get() == token
        if token and is_elsewhere and is_the_saved_one:
            self.token.set("")

    def connect(self) -> None:
        url = self.url.get().strip().rstrip("/")
        token = self.token.get().strip()
        self._unproved = (url, token)
        self._session.connect(url, token)

    def refresh(self) -> None:
        tone, text = STATES[self._session.link]
        self.shown_state.configure(text=text, style=f"{tone}.Pill.TLabel")
        self.leave.state(["disabled" if self._session.link == "off" else "!disabled"])
        if self._session.link == "on" and self._unproved:
            proved = self._unproved
            self._unproved = None
            self._go_on()
            if self.keeps.get():
                self._keep(*proved)

    def _keep(self, url: str, token: str) -> None:
        try:
            self._remember(url, token)
        except ClientError as exc:
            self._session.show_failure(exc)
