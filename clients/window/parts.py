"""What several pages are made of: cards, figures with a caption, the banner, scrolled lists."""

from __future__ import annotations

from tkinter import ttk
from typing import TYPE_CHECKING, Any

from clients.window.words import NOTHING

if TYPE_CHECKING:
    import tkinter as tk
    from collections.abc import Callable, Sequence

    from clients.window.session import Notice
    from clients.window.theme import Theme

CROSS = "\N{MULTIPLICATION SIGN}"
MARKS = {"good": "✓", "bad": "!", "warning": "!", "info": "i"}


class Card(ttk.Frame):
    """A rounded ground with room around what is in it."""

    def __init__(self, parent: tk.Misc, theme: Theme, *, room: int = 18) -> None:
        super().__init__(parent, style="Card.TFrame", padding=theme.px(room))


class Tile(ttk.Frame):
    """A figure under its caption."""

    def __init__(self, parent: tk.Misc, theme: Theme, caption: str) -> None:
        super().__init__(parent, style="Tile.TFrame", padding=(theme.px(14), theme.px(9)))
        ttk.Label(self, text=caption, style="TileCaption.TLabel").pack(anchor="w")
        self._figure = ttk.Label(self, text=NOTHING, style="TileFigure.TLabel")
        self._figure.pack(anchor="w")

    @property
    def text(self) -> str:
        return str(self._figure.cget("text"))

    def show(self, text: str) -> None:
        if text != self.text:
            self._figure.configure(text=text)


def tiles(parent: tk.Misc, theme: Theme, captions: Sequence[str]) -> dict[str, Tile]:
    """In one row, all of one width."""
    made = {}
    for column, caption in enumerate(captions):
        parent.columnconfigure(column, weight=1, uniform="tiles")
        made[caption] = Tile(parent, theme, caption)
        made[caption].grid(row=0, column=column, sticky="ew", padx=(theme.px(10) if column else 0, 0))
    return made


class Banner(ttk.Frame):
    """One notice at a time, above the page; it takes no focus and stops nobody."""

    def __init__(self, parent: tk.Misc, theme: Theme) -> None:
        super().__init__(parent, style="Page.TFrame")
        self._theme = theme
        self.notice: Notice | None = None
        self.buttons: dict[str, ttk.Button] = {}

    def show(self, notice: Notice) -> None:
        self.clear()
        self.notice = notice
        px, style = self._theme.px, f"{notice.tone}.Banner"
        body = ttk.Frame(self, style=f"{style}.TFrame", padding=(px(14), px(8)))
        body.pack(fill="x", pady=(0, px(12)))
        ttk.Label(body, text=MARKS[notice.tone], style=f"{style}.TLabel").pack(side="left", padx=(0, px(10)))
        self._add_button(body, CROSS, self.clear, style)
        for name, action in reversed(notice.actions.items()):
            self._add_button(body, name, action, style)
        text = ttk.Label(body, text=notice.text, style=f"{style}.TLabel")
        text.pack(side="left", fill="x", expand=True)
        text.bind("<Configure>", lambda event: text.configure(wraplength=event.width))

    def clear(self) -> None:
        self.notice = None
        self.buttons = {}
        for child in self.winfo_children():
            child.destroy()
        self.configure(height=1)

    def _add_button(self, body: ttk.Frame, name: str, action: Callable[[], None], style: str) -> None:
        def act() -> None:
            self.clear()
            action()

        self.buttons[name] = ttk.Button(body, text=name, command=act, style=f"{style}.TButton")
        self.buttons[name].pack(side="right", padx=(self._theme.px(6), 0))


class Listing(ttk.Frame):
    """A table with a scrollbar; each column is its name, heading, width and anchor. One takes the room that is left."""

    def __init__(
        self, parent: tk.Misc, theme: Theme, columns: Sequence[tuple[str, str, int, Any]], *, grows: str
    ) -> None:
        super().__init__(parent)
        names = [name for name, *_ in columns]
        self.tree = ttk.Treeview(self, columns=names, show="headings", selectmode="browse", height=4)
        for name, heading, width, anchor in columns:
            self.tree.heading(name, text=heading, anchor=anchor)
            self.tree.column(name, width=theme.px(width), minwidth=theme.px(40), anchor=anchor, stretch=name == grows)
        bar = ttk.Scrollbar(self, orient="vertical", command=self.tree.yview)
        self.tree.configure(yscrollcommand=bar.set)
        bar.pack(side="right", fill="y")
        self.tree.pack(side="left", fill="both", expand=True)

    def fill(self, rows: dict[str, tuple[Sequence[str], str]]) -> None:
        """Identity → cells and tag, in this order; what is chosen stays chosen, what is equal is not drawn anew."""
        for gone in set(self.tree.get_children()) - rows.keys():
            self.tree.delete(gone)
        for place, (identity, (cells, tag)) in enumerate(rows.items()):
            if not self.tree.exists(identity):
                self.tree.insert("", place, identity, values=list(cells), tags=(tag,))
            elif tuple(map(str, self.tree.item(identity, "values"))) != tuple(cells):
                self.tree.item(identity, values=list(cells), tags=(tag,))

    @property
    def chosen(self) -> str | None:
        return next(iter(self.tree.selection()), None)
