"""What several pages are made of: cards, figures with a caption, the banner, scrolled lists."""

from __future__ import annotations

from tkinter import ttk
from typing import TYPE_CHECKING, Any

from clients.window.lines import Tip, fitted
from clients.window.words import NOTHING

if TYPE_CHECKING:
    import tkinter as tk
    from collections.abc import Callable, Sequence

    from clients.window.session import Notice
    from clients.window.theme import Theme

NARROWEST_TILE = 118
LEAST = (200, 104)  # of a list: the heading and two rows
SIDES = 12  # beside the text of a cell
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
    """All of one width: in one row where there is room, else in as many as it takes, about equally long."""
    made = {caption: Tile(parent, theme, caption) for caption in captions}
    columns = 0

    def place(width: int) -> None:
        nonlocal columns
        at_once = max(1, min(len(made), width // theme.px(NARROWEST_TILE)))
        rows = -(-len(made) // at_once)
        before, columns = columns, -(-len(made) // rows)
        if columns == before:
            return
        for column in range(len(made)):
            there = column < columns
            parent.columnconfigure(column, weight=int(there), uniform="tiles" if there else "")
        for number, tile in enumerate(made.values()):
            row, column = divmod(number, columns)
            left, above = theme.px(10) if column else 0, theme.px(8) if row else 0
            tile.grid(row=row, column=column, sticky="ew", padx=(left, 0), pady=(above, 0))

    place(len(made) * theme.px(NARROWEST_TILE))
    parent.bind("<Configure>", lambda event: place(event.width), add=True)
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
    """A table with a scrollbar; each column is its name, heading, width and anchor. One takes the room that is left. A
    table that is wider than its place scrolls sideways.
    """

    def __init__(
        self, parent: tk.Misc, theme: Theme, columns: Sequence[tuple[str, str, int, Any]], *, grows: str
    ) -> None:
        super().__init__(parent, width=theme.px(LEAST[0]), height=theme.px(LEAST[1]))
        self.grid_propagate(False)
        self._theme = theme
        self._whole: dict[str, tuple[Sequence[str], str]] = {}
        self._widths: tuple[int, ...] = ()
        names = [name for name, *_ in columns]
        self.tree = ttk.Treeview(self, columns=names, show="headings", selectmode="browse", height=4)
        for name, heading, width, anchor in columns:
            self.tree.heading(name, text=heading, anchor=anchor)
            self.tree.column(name, width=theme.px(width), minwidth=theme.px(40), anchor=anchor, stretch=name == grows)
        bar = ttk.Scrollbar(self, orient="vertical", command=self.tree.yview)
        self._sideways = ttk.Scrollbar(self, orient="horizontal", command=self.tree.xview)
        self.tree.configure(yscrollcommand=bar.set, xscrollcommand=self._show_sideways)
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        self.tree.grid(row=0, column=0, sticky="nsew")
        bar.grid(row=0, column=1, sticky="ns")
        for event in ("<Configure>", "<ButtonRelease-1>"):  # the window or a column has another width
            self.tree.bind(event, lambda _: self.winfo_toplevel().after_idle(self._fit), add=True)
        self.tip = Tip(self.tree, theme, self._under)

    def _show_sideways(self, first: float, last: float) -> None:
        self._sideways.set(first, last)
        is_needed = float(first) > 0 or float(last) < 1
        if is_needed != bool(self._sideways.winfo_manager()):
            self._sideways.grid(row=1, column=0, sticky="ew") if is_needed else self._sideways.grid_remove()

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The whole cells, as they stand."""
        return [tuple(self._whole[identity][0]) for identity in self.tree.get_children()]

    def fill(self, rows: dict[str, tuple[Sequence[str], str]]) -> None:
        """Identity → cells and tag, in this order; what is chosen stays chosen, what is equal is not drawn anew."""
        for gone in set(self.tree.get_children()) - rows.keys():
            self.tree.delete(gone)
        before, self._whole = self._whole, dict(rows)
        for place, (identity, row) in enumerate(rows.items()):
            if not self.tree.exists(identity):
                self.tree.insert("", place, identity, values=self._cut(row[0]), tags=(row[1],))
            elif before.get(identity) != row:
                self.tree.item(identity, values=self._cut(row[0]), tags=(row[1],))

    def _fit(self) -> None:
        if (widths := self._measured()) != self._widths:
            self._widths = widths
            for identity, (cells, _) in self._whole.items():
                self.tree.item(identity, values=self._cut(cells))

    def _measured(self) -> tuple[int, ...]:
        return tuple(int(self.tree.column(name, "width")) for name in self.tree.cget("columns"))

    def _cut(self, cells: Sequence[str]) -> list[str]:
        measure, sides = self._theme.fonts["Text"].measure, self._theme.px(SIDES)
        return [fitted(cell, width - sides, measure) for cell, width in zip(cells, self._measured(), strict=True)]

    def _under(self, event: tk.Event[Any]) -> str:
        """The whole cell under the pointer, where it is cut."""
        identity, column = self.tree.identify_row(event.y), self.tree.identify_column(event.x)
        if identity not in self._whole or not column:
            return ""
        whole = self._whole[identity][0][int(column[1:]) - 1]
        return "" if self.tree.set(identity, column) == whole else whole

    @property
    def chosen(self) -> str | None:
        return next(iter(self.tree.selection()), None)
