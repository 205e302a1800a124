"""Text in the room that it has: what is too long ends with "…", and the pointer shows it whole."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from clients.window.theme import Theme

CUT = "…"
TIP_MS = 400  # a pointer that rests that long wants to know
WIDEST_TIP = 480


def fit_text(text: str, room: int, measure: Callable[[str], int]) -> str:
    """As much of the text as has room, by bisection: a longer beginning is never narrower."""
    if measure(text) <= room:
        return text
    least = 0
    most = len(text) - 1
    while least < most:
        middle = (least + most + 1) // 2
        if measure(text[:middle].rstrip() + CUT) <= room:
            least = middle
        else:
            most = middle - 1
    return text[:least].rstrip() + CUT


class Tip:
    """What `ask` tells of the place under the pointer, once it rests;
    nothing where that is empty.
    """

    def __init__(
        self, widget: tk.Widget, theme: Theme, ask: Callable[[tk.Event[Any]], str]
    ) -> None:
        self._widget = widget
        self._root = widget.winfo_toplevel()  # whose calls are given up when the window closes
        self._theme = theme
        self._ask = ask
        self._waiting: str | None = None
        self._shown: tk.Toplevel | None = None
        self.text = ""
        widget.bind("<Motion>", self._follow_pointer, add=True)
        for event in ("<Leave>", "<ButtonPress>", "<MouseWheel>", "<Unmap>"):
            widget.bind(event, lambda _: self._move_to(""), add=True)

    def _follow_pointer(self, event: tk.Event[Any]) -> None:
        text = self._ask(event)
        self._move_to(text, event.x_root, event.y_root)

    def _move_to(self, text: str, x: int = 0, y: int = 0) -> None:
        if text == self.text:
            return
        self.text = text
        if self._waiting:
            self._root.after_cancel(self._waiting)
        if self._shown:
            self._shown.destroy()
        self._shown = None
        self._waiting = self._root.after(TIP_MS, lambda: self._show(x, y)) if text else None

    def _show(self, x: int, y: int) -> None:
        px = self._theme.px
        palette = self._theme.palette
        self._waiting = None
        tip = tk.Toplevel(self._widget, background=palette.border)
        tip.wm_overrideredirect(True)
        self._shown = tip
        label = tk.Label(
            tip,
            text=self.text,
            justify="left",
            font=self._theme.fonts["Text"],
        )
        label.configure(
            wraplength=px(WIDEST_TIP),
            padx=px(8),
            pady=px(5),
        )
        label.configure(background=palette.surface, foreground=palette.text)
        label.pack(padx=1, pady=1)
        rightmost = tip.winfo_screenwidth() - label.winfo_reqwidth() - px(4)
        left = max(0, min(x + px(12), rightmost))
        tip.wm_geometry(f"+{left}+{y + px(18)}")


class Line(ttk.Label):
    """One line; it asks for no width of its own. `whole` is all of its text."""

    def __init__(
        self, parent: tk.Misc, theme: Theme, *, style: str, font: str = "Text", **options: Any
    ) -> None:
        super().__init__(parent, style=style, width=1, **options)
        self._measure = theme.fonts[font].measure
        self.whole = ""
        self.tip = Tip(self, theme, lambda _: self._text_of_tip())
        self.bind("<Configure>", lambda _: self._fit(), add=True)

    def _text_of_tip(self) -> str:
        is_shown_whole = self.cget("text") == self.whole
        return "" if is_shown_whole else self.whole

    def tell(self, text: str) -> None:
        if text != self.whole:
            self.whole = text
            self._fit()

    def _fit(self) -> None:
        """Before it has a place, all of it."""
        room = self.winfo_width()
        has_place = room > 1
        text = fit_text(self.whole, room, self._measure) if has_place else self.whole
        self.configure(text=text)
