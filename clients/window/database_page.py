"""The page of the published database: what is in it, and a copy of it on this machine."""

from __future__ import annotations

import tkinter as tk
from pathlib import Path
from tkinter import filedialog, ttk
from typing import TYPE_CHECKING

from clients.api.errors import ClientError
from clients.api.findings import NOTHING
from clients.window import words
from clients.window.lines import Line
from clients.window.parts import Card, tiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from clients.api.answers import Summary
    from clients.window.session import Session
    from clients.window.theme import Theme

FACTS = ("Rows", "Wells", "Fields", "First period", "Last period", "Size")
FILE = "wells.duckdb"


class DatabasePage(ttk.Frame):
    """`open_folder` shows a directory in the file manager of the system."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        session: Session,
        *,
        open_folder: Callable[[Path], None],
    ) -> None:
        super().__init__(parent, style="Page.TFrame")
        px = theme.px
        self._session = session
        self._open_folder = open_folder
        self.saved: Path | None = None
        ttk.Label(self, text="Database", style="PageTitle.TLabel").pack(anchor="w")
        self._summary(theme).pack(fill="x", pady=px(14))
        self._download(theme).pack(fill="x")

    def _summary(self, theme: Theme) -> Card:
        card = Card(self, theme)
        ttk.Label(card, text="What is published", style="Head.TLabel").pack(anchor="w")
        row = ttk.Frame(card)
        row.pack(fill="x", pady=theme.px(12))
        self.tiles = tiles(row, theme, FACTS)
        self.note = ttk.Label(card, style="Muted.TLabel", width=1)
        self.note.bind("<Configure>", lambda event: self.note.configure(wraplength=event.width))
        self.note.pack(fill="x")
        self.digest = Line(card, theme, style="Mono.TLabel", font="Mono")
        self.digest.pack(fill="x", pady=(theme.px(4), 0))
        return card

    def _download(self, theme: Theme) -> Card:
        px = theme.px
        card = Card(self, theme)
        ttk.Label(card, text="A copy for this machine", style="Head.TLabel").pack(anchor="w")
        ttk.Label(
            card,
            text="The file is checked against the SHA-256 of the publication before it gets its name.",
            style="Muted.TLabel",
        ).pack(anchor="w", pady=(px(2), px(12)))
        row = ttk.Frame(card)
        row.pack(fill="x")
        self.path = tk.StringVar(self, str(usual_folder() / FILE))
        self.entry = ttk.Entry(row, textvariable=self.path, font=theme.fonts["Text"])
        self.entry.pack(side="left", fill="x", expand=True)
        self.choose = ttk.Button(
            row,
            text="Choose …",
            style="Plain.TButton",
            command=self._choose,
        )
        self.choose.pack(side="left", padx=px(10))
        self.button = ttk.Button(
            row, text="Download", style="Accent.TButton", command=self.download
        )
        self.button.pack(side="left")
        self._result(card, theme)
        return card

    def _result(self, card: Card, theme: Theme) -> None:
        self.meter = ttk.Progressbar(card, maximum=100, style="accent.Horizontal.TProgressbar")
        self.meter.pack(fill="x", pady=theme.px(12))
        row = ttk.Frame(card)
        row.pack(fill="x")
        self.result = Line(row, theme, style="Muted.TLabel")
        self.folder = ttk.Button(
            row,
            text="Open folder",
            style="Plain.TButton",
            command=self._open,
        )
        self.folder.pack(side="right")
        self.result.pack(side="left", fill="x", expand=True)
        self.folder.state(["disabled"])

    def _choose(self) -> None:
        before = Path(self.path.get())
        chosen = filedialog.asksaveasfilename(
            parent=self,
            initialdir=before.parent,
            initialfile=before.name,
            defaultextension=".duckdb",
        )
        if chosen:
            self.path.set(chosen)

    def _open(self) -> None:
        if self.saved:
            self._open_folder(self.saved.parent)

    # -- what is published ------------------------------------------------------------------------------

    def look(self) -> None:
        self._session.ask(
            "data", lambda client: client.summary(), self._show_summary, self._explain
        )

    def _show_summary(self, summary: Summary) -> None:
        counts = {
            "Rows": summary["rows"],
            "Wells": summary["wells"],
            "Fields": summary["fields"],
        }
        for name, count in counts.items():
            text = "by source" if count is None else words.count(count)
            self.tiles[name].show(text)
        self.tiles["First period"].show(month(summary["first_period"]))
        self.tiles["Last period"].show(month(summary["last_period"]))
        snapshot = summary["snapshot"]
        self.tiles["Size"].show(words.size(snapshot["bytes"]))
        self.note.configure(text=f"{_gaps(summary)} {_rejects(summary)}")
        self.digest.tell(f"SHA-256  {snapshot['sha256']}")

    def _explain(self, failure: Exception) -> None:
        if isinstance(failure, ClientError) and failure.code == "NO_DATA_YET":
            self.note.configure(text="Nothing is published yet: the first import does it.")
        else:
            self._session.show_failure(failure)

    # -- the copy ---------------------------------------------------------------------------------------

    def download(self) -> None:
        path = Path(self.path.get()).expanduser()
        self.saved = None
        self.button.state(["disabled"])
        self.folder.state(["disabled"])
        self.result.configure(style="Muted.TLabel")
        self.result.tell("Downloading …")

        def progress(done: int, total: int) -> None:
            share = done / max(1, total)
            self._session.post(lambda: self._show_progress(share))

        self._session.ask(
            "download",
            lambda client: client.download(path, progress),
            lambda _: self._show_success(path),
            self._show_failure,
        )

    def _show_progress(self, share: float) -> None:
        self.meter.configure(value=100 * share)

    def _show_success(self, path: Path) -> None:
        self.saved = path
        self.button.state(["!disabled"])
        self.folder.state(["!disabled"])
        self.meter.configure(value=100)
        self.result.configure(style="good.TLabel")
        self.result.tell(f"✓  Saved and verified: {path}")

    def _show_failure(self, failure: Exception) -> None:
        self.button.state(["!disabled"])
        self.meter.configure(value=0)
        self.result.configure(style="bad.TLabel")
        self.result.tell("Nothing was saved.")
        self._session.show_failure(failure)


def month(period: str | None) -> str:
    if period:
        return period[:7]
    return NOTHING


def usual_folder() -> Path:
    downloads = Path.home() / "Downloads"
    if downloads.is_dir():
        return downloads
    return Path.home()


def _by_source(summary: Summary) -> str:
    """Two sources may have rows of one well, so each is counted on its own."""
    counts = [
        f"{source['source']}: {words.count(source.get('wells', 0))} wells"
        for source in summary.get("sources", [])
    ]
    return f"{', '.join(counts)}."


def _gaps(summary: Summary) -> str:
    missing = summary.get("missing_periods", summary["missing_months"])
    if missing is None:
        return _by_source(summary)
    return f"{words.count(missing)} periods are missing between others."


def _rejects(summary: Summary) -> str:
    count = words.count(summary["rejected_rows"])
    return f"{count} rejected rows are kept next to them."
