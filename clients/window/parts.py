"""What several pages are made of: cards, figures with a caption, the banner, scrolled lists."""

from __future__ import annotations

from math import ceil
from tkinter import ttk
from typing import TYPE_CHECKING, Any

from clients.api.findings import NOTHING
from clients.window.lines import Tip, fit_text

if TYPE_CHECKING:
    import tkinter as tk
    from collections.abc import Callable, Mapping, Sequence

    from clients.window.notices import Notice
    from clients.window.theme import Theme

NARROWEST_TILE = 118
LEAST = (200, 104)  # of a list: the heading and two rows
SIDES = 12  # beside the text of a cell
CROSS = "\N{MULTIPLICATION SIGN}"
MARKS = {"good": "✓", "bad": "!", "warning": "!", "info": "i"}


class Card(ttk.Frame):
    """A rounded ground with room around what is in it."""

    def __init__(self, parent: tk.Misc, theme: Theme, *, room: int = 18) -> None:
        padding = theme.px(room)
        super().__init__(parent, style="Card.TFrame", padding=padding)


class Tile(ttk.Frame):
    """A figure under its caption."""

    def __init__(self, parent: tk.Misc, theme: Theme, caption: str) -> None:
        padding = (theme.px(14), theme.px(9))
        super().__init__(parent, style="Tile.TFrame", padding=padding)
        label = ttk.Label(self, text=caption, style="TileCaption.TLabel")
        label.pack(anchor="w")
        self._figure = ttk.Label(self, text=NOTHING, style="TileFigure.TLabel")
        self._figure.pack(anchor="w")

    @property
    def text(self) -> str:
        return str(self._figure.cget("text"))

    def show(self, text: str) -> None:
        if text != self.text:
            self._figure.configure(text=text)


def tiles(parent: tk.Misc, theme: Theme, captions: Sequence[str]) -> dict[str, Tile]:
    """All of one width:
    in one row where there is room, else in as many as it takes, about equally long.
    """
    by_caption = {caption: Tile(parent, theme, caption) for caption in captions}
    count = len(by_caption)
    columns = 0

    def place(width: int) -> None:
        nonlocal columns
        before = columns
        columns = _columns_in(width // theme.px(NARROWEST_TILE), count)
        if columns == before:
            return
        for column in range(count):
            is_used = column < columns
            parent.columnconfigure(column, weight=int(is_used), uniform="tiles" if is_used else "")
        for number, tile in enumerate(by_caption.values()):
            row, column = divmod(number, columns)
            left = theme.px(10) if column else 0
            above = theme.px(8) if row else 0
            tile.grid(
                row=row,
                column=column,
                sticky="ew",
                padx=(left, 0),
                pady=(above, 0),
            )

    place(count * theme.px(NARROWEST_TILE))
    parent.bind("<Configure>", lambda event: place(event.width), add=True)
    return by_caption


def _columns_in(room: int, count: int) -> int:
    """Room for five, and six tiles: two rows of three, not of five and one."""
    at_once = max(1, min(count, room))
    rows = ceil(count / at_once)
    return ceil(count / rows)


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
        px = self._theme.px
        style = f"{notice.tone}.Banner"
        body = ttk.Frame(self, style=f"{style}.TFrame", padding=(px(14), px(8)))
        body.pack(fill="x", pady=(0, px(12)))
        mark = ttk.Label(body, text=MARKS[notice.tone], style=f"{style}.TLabel")
        mark.pack(side="left", padx=(0, px(10)))
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

    def _add_button(
        self, body: ttk.Frame, name: str, action: Callable[[], None], style: str
    ) -> None:
        def act() -> None:
            self.clear()
            action()

        self.buttons[name] = ttk.Button(
            body,
            text=name,
            command=act,
            style=f"{style}.TButton",
        )
        self.buttons[name].pack(side="right", padx=(self._theme.px(6), 0))


class Listing(ttk.Frame):
    """A table with a scrollbar; each column is its name, heading, width and anchor.
    One takes the room that is left. A table that is wider than its place scrolls sideways.
    """

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        columns: Sequence[tuple[str, str, int, Any]],
        *,
        grows: str,
    ) -> None:
        width, height = LEAST
        super().__init__(parent, width=theme.px(width), height=theme.px(height))
        self.grid_propagate(False)
        self._theme = theme
        self._whole: dict[str, tuple[Sequence[str], str]] = {}
        self._widths: tuple[int, ...] = ()
        self.tree = self._make_tree(columns, grows)
        self._sideways = ttk.Scrollbar(self, orient="horizontal", command=self.tree.xview)
        self._place_tree()
        # The window or a column has another width.
        for event in ("<Configure>", "<ButtonRelease-1>"):
            self.tree.bind(event, lambda _: self.winfo_toplevel().after_idle(self._fit), add=True)
        self.tip = Tip(self.tree, theme, self._under)

    def _make_tree(self, columns: Sequence[tuple[str, str, int, Any]], grows: str) -> ttk.Treeview:
        px = self._theme.px
        names = [name for name, *_ in columns]
        tree = ttk.Treeview(
            self,
            columns=names,
            show="headings",
            selectmode="browse",
            height=4,
        )
        for name, heading, width, anchor in columns:
            tree.heading(name, text=heading, anchor=anchor)
            of_heading = self._theme.fonts["Small"].measure(heading) + px(SIDES)
            room = max(px(width), of_heading)
            tree.column(name, width=room, minwidth=px(40), anchor=anchor, stretch=name == grows)
        return tree

    def _place_tree(self) -> None:
        bar = ttk.Scrollbar(self, orient="vertical", command=self.tree.yview)
        self.tree.configure(yscrollcommand=bar.set, xscrollcommand=self._show_sideways)
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        self.tree.grid(row=0, column=0, sticky="nsew")
        bar.grid(row=0, column=1, sticky="ns")

    def _show_sideways(self, first: float, last: float) -> None:
        self._sideways.set(first, last)
        is_needed = float(first) > 0 or float(last) < 1
        is_there = bool(self._sideways.winfo_manager())
        if is_needed and not is_there:
            self._sideways.grid(row=1, column=0, sticky="ew")
        elif is_there and not is_needed:
            self._sideways.grid_remove()

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The whole cells, as they stand."""
        rows = []
        for identity in self.tree.get_children():
            cells, _ = self._whole[identity]
            rows.append(tuple(cells))
        return rows

    def fill(self, rows: Mapping[str, tuple[Sequence[str], str]]) -> None:
        """Identity → cells and tag, in this order;
        what is chosen stays chosen, what is equal is not drawn anew.
        """
        for identity in set(self.tree.get_children()) - rows.keys():
            self.tree.delete(identity)
        before = self._whole
        self._whole = dict(rows)
        for place, (identity, row) in enumerate(rows.items()):
            cells, tag = row
            if not self.tree.exists(identity):
                self.tree.insert("", place, identity, values=self._cut(cells), tags=(tag,))
            elif before.get(identity) != row:
                self.tree.item(identity, values=self._cut(cells), tags=(tag,))

    def _fit(self) -> None:
        widths = self._column_widths()
        if widths == self._widths:
            return
        self._widths = widths
        for identity, (cells, _) in self._whole.items():
            self.tree.item(identity, values=self._cut(cells))

    def _column_widths(self) -> tuple[int, ...]:
        widths = []
        for name in self.tree.cget("columns"):
            width = self.tree.column(name, "width")
            widths.append(int(width))
        return tuple(widths)

    def _cut(self, cells: Sequence[str]) -> list[str]:
        measure = self._theme.fonts["Text"].measure
        sides = self._theme.px(SIDES)
        widths = self._column_widths()
        return [
            fit_text(cell, width - sides, measure)
            for cell, width in zip(cells, widths, strict=True)
        ]

    def _under(self, event: tk.Event[Any]) -> str:
        """The whole cell under the pointer, where it is cut."""
        identity = self.tree.identify_row(event.y)
        column = self.tree.identify_column(event.x)
        if identity not in self._whole or not column:
            return ""
        cells, _ = self._whole[identity]
        cell = cells[int(column[1:]) - 1]  # Tk calls the first column #1
        if self.tree.set(identity, column) == cell:
            return ""
        return cell

    @property
    def selection(self) -> str | None:
        identities = self.tree.selection()
        return next(iter(identities), None)
