"""The page of the wells: find one, see what it has produced."""

from __future__ import annotations

import json
import tkinter as tk
from datetime import date
from tkinter import ttk
from typing import TYPE_CHECKING, cast

from clients.api.answers import Page
from clients.api.errors import ClientError
from clients.api.words import PRODUCTS
from clients.window import words
from clients.window.axes import Period
from clients.window.lines import Line
from clients.window.parts import Card, Listing
from clients.window.plot import Plot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clients.api.answers import Production, Well
    from clients.window.session import Session
    from clients.window.theme import Theme

COLUMNS = (
    ("well", "Well", 150, "w"),
    ("field", "Field", 120, "w"),
    ("periods", "Periods", 60, "e"),
)
AT_ONCE = 200  # wells in the list; a search finds the others
TYPING_MS = 250  # a pause that long is the end of a word


class WellsPage(ttk.Frame):
    def __init__(self, parent: tk.Misc, theme: Theme, session: Session) -> None:
        super().__init__(parent, style="Page.TFrame")
        px = theme.px
        self._session = session
        self._theme = theme
        self._wells: dict[str, Well] = {}
        self._asked = ""
        self._typing: str | None = None
        ttk.Label(self, text="Wells", style="PageTitle.TLabel").grid(
            row=0, column=0, sticky="w", pady=(0, px(14))
        )
        self._list()
        self._chart()
        self.columnconfigure(0, weight=2)
        self.columnconfigure(1, weight=5)
        self.rowconfigure(1, weight=1)

    def _list(self) -> None:
        px = self._theme.px
        card = Card(self, self._theme, room=12)
        card.grid(
            row=1,
            column=0,
            sticky="nsew",
            padx=(0, px(14)),
        )
        self.search = tk.StringVar(self)
        self.search.trace_add("write", lambda *_: self._search_soon())
        ttk.Label(card, text="Search by name, reference or code", style="Caption.TLabel").pack(
            anchor="w", padx=px(6)
        )
        self.entry = ttk.Entry(card, textvariable=self.search, font=self._theme.fonts["Text"])
        self.entry.pack(fill="x", pady=px(6))
        self.found = ttk.Label(card, style="Caption.TLabel")
        self.found.pack(
            side="bottom",
            anchor="w",
            padx=px(6),
            pady=(px(6), 0),
        )
        self.listing = Listing(card, self._theme, COLUMNS, grows="well")
        self.listing.pack(fill="both", expand=True)
        self.listing.tree.bind("<<TreeviewSelect>>", lambda _: self._choose())

    def _chart(self) -> None:
        px = self._theme.px
        card = Card(self, self._theme)
        card.grid(row=1, column=1, sticky="nsew")
        head = ttk.Frame(card)
        head.pack(fill="x")
        self.title = Line(head, self._theme, style="Head.TLabel", font="Head")
        self.title.tell("Production")
        self.subtitle = Line(card, self._theme, style="Muted.TLabel")
        self.is_log = tk.BooleanVar(self, value=False)
        self.log = ttk.Checkbutton(
            head,
            text="Logarithmic",
            variable=self.is_log,
            style="Switch.TCheckbutton",
            command=lambda: self.plot.use_log(self.is_log.get()),
        )
        self.log.pack(side="right")
        self.has_volumes = tk.BooleanVar(self, value=False)
        self.volumes = ttk.Checkbutton(
            head,
            text="Volumes",
            variable=self.has_volumes,
            style="Switch.TCheckbutton",
            command=lambda: self.plot.use_volumes(self.has_volumes.get()),
        )
        self.volumes.pack(side="right", padx=px(14))
        self.title.pack(side="left", fill="x", expand=True)
        self.subtitle.pack(fill="x", pady=(0, px(6)))
        self.plot = Plot(card, self._theme)
        self.plot.pack(fill="both", expand=True)
        self.plot.say("Choose a well to see what it has produced.")
        self.bind_all("<<Recoloured>>", lambda _: self.plot.draw(), add=True)

    # -- asking -----------------------------------------------------------------------------------------

    def _search_soon(self) -> None:
        if self._typing:
            self.after_cancel(self._typing)
        self._typing = self.after(TYPING_MS, self.look)

    def look(self) -> None:
        """Ask for the wells that the search finds; the answer to an older search is passed over."""
        self._typing = None
        text = self._asked = self.search.get().strip()
        self._session.ask(
            "data",
            lambda client: client.wells(search=text or None, limit=AT_ONCE),
            lambda page: self._show_wells(text, page),
            lambda failure: self._explain(text, failure),
        )

    def _choose(self) -> None:
        identity = self.listing.selection
        if identity is None:
            return
        well = self._wells[identity]
        self.title.tell(str(well["well_name"] or well["well_reference"] or well["well_code"]))
        self.subtitle.tell(
            f"{well['field_name'] or well['field_code']}   {well['well_reference'] or ''}"
        )
        self.plot.say("Loading …")
        self._session.ask(
            "data",
            lambda client: client.production(
                well_code=well["well_code"],
                field_code=well["field_code"],
                source=well["source"],
                limit=4000,
            ),
            lambda page: self._show_production(identity, page.rows),
        )

    # -- showing ----------------------------------------------------------------------------------------

    def _show_wells(self, text: str, page: Page[Well]) -> None:
        if text != self._asked:
            return
        self._wells = {identity_of(row): row for row in page.rows}
        self.listing.fill({identity: (cells(row), "") for identity, row in self._wells.items()})
        self.found.configure(
            text=count_sentence(len(self._wells), has_more=page.next_cursor is not None)
        )

    def _explain(self, text: str, failure: Exception) -> None:
        """Before the first import there are no wells: that is no trouble."""
        if isinstance(failure, ClientError) and failure.code == "NO_DATA_YET":
            self._show_wells(text, Page((), None))
            self.found.configure(text="No data yet: the first import brings them.")
        else:
            self._session.show_failure(failure)

    def _show_production(self, identity: str, rows: Sequence[Production]) -> None:
        if identity != self.listing.selection:
            return
        periods = [
            Period(date.fromisoformat(row["production_period"]), row["period_days"]) for row in rows
        ]
        self.plot.show(periods, columns(rows))


def identity_of(well: Well) -> str:
    """Of a line in the list, whatever signs the codes have."""
    key = [well["source"], well["field_code"], well["well_code"]]
    return json.dumps(key)


def count_sentence(number: int, *, has_more: bool) -> str:
    if number == 0:
        return "No well is like that."
    if has_more:
        return f"The first {number:,}; the search finds the others."
    if number == 1:
        return "1 well"
    return f"{number:,} wells"


def columns(rows: Sequence[Production]) -> dict[str, list[float | None]]:
    """The rates of each product, period by period."""
    views = [cast("dict[str, float | None]", row) for row in rows]
    rates = {}
    for product in PRODUCTS:
        rates[product.rate] = [view[product.rate] for view in views]
    return rates


def cells(well: Well) -> tuple[str, ...]:
    name = well["well_name"] or well["well_reference"] or well["well_code"]
    field = well["field_name"] or well["field_code"]
    periods = words.count(well["periods"])
    return str(name), str(field), periods
