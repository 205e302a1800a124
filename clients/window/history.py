"""The imports so far, and all that is known of the one that is chosen."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING, Any

from clients.api.durations import duration
from clients.api.findings import NOTHING
from clients.api.words import STATUS_WORDS, STEP_WORDS, TONES
from clients.window import words
from clients.window.held import HeldPanel, Piece, findings, what_became
from clients.window.notices import Notice
from clients.window.parts import Card, Listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clients.api.answers import Job
    from clients.window.session import Session
    from clients.window.theme import Theme

COLUMNS = (
    ("status", "Status", 86, "w"),
    ("started", "Started", 88, "w"),
    ("duration", "Duration", 80, "e"),
    ("new", "New", 60, "e"),
    ("updated", "Updated", 60, "e"),
    ("duplicate", "Duplicate", 66, "e"),
    ("rejected", "Rejected", 64, "e"),
    ("source", "Source", 64, "w"),
    ("who", "By", 54, "w"),
    ("error", "Error", 60, "w"),
)
WIDE = 900


class History(ttk.Frame):
    def __init__(self, parent: tk.Misc, theme: Theme, session: Session) -> None:
        super().__init__(parent, style="Page.TFrame")
        self._session = session
        self._theme = theme
        self._share(theme.px(WIDE))
        self.bind("<Configure>", lambda event: self._share(event.width), add=True)
        self.rowconfigure(0, weight=1)
        self._table()
        self.details = Details(self, theme)
        self.held = HeldPanel(
            self.details, theme, session, accepted=self._accept, discarded=self._ask_to_discard
        )
        self.details.add(self.held)
        self.details.grid(
            row=0,
            column=1,
            sticky="nsew",
            padx=(theme.px(14), 0),
        )
        self.bind_all("<<Recoloured>>", lambda _: self._colour(), add=True)
        self._colour()

    def _share(self, width: int) -> None:
        """In little room the list scrolls sideways, and the details need their words."""
        is_wide = width >= self._theme.px(WIDE)
        weights = (71, 29) if is_wide else (55, 45)
        for column, weight in enumerate(weights):
            self.columnconfigure(column, weight=weight, uniform="history")

    def _table(self) -> None:
        px = self._theme.px
        card = Card(self, self._theme, room=12)
        card.grid(row=0, column=0, sticky="nsew")
        ttk.Label(card, text="History", style="Head.TLabel").pack(anchor="w", padx=px(6))
        self.listing = Listing(card, self._theme, COLUMNS, grows="error")
        self.listing.pack(
            fill="both",
            expand=True,
            pady=(px(6), 0),
        )
        self.listing.tree.bind("<<TreeviewSelect>>", lambda _: self._choose())

    def _colour(self) -> None:
        for status, tone in TONES.items():
            colour = self._theme.tone(tone)
            self.listing.tree.tag_configure(status, foreground=colour)
        self.details.colour()

    def refresh(self) -> None:
        lines = {job.job_id: (cells(job), job.state) for job in self._session.jobs}
        self.listing.fill(lines)
        live = self._session.job
        if live and self.listing.selection in (None, live.job_id):
            self._show_details(live)
        self.held.refresh()

    def _choose(self) -> None:
        """The list has no time lines: ask for the whole job."""
        job_id = self.listing.selection
        if job_id:
            self._session.ask("data", lambda client: client.status(job_id), self._show)

    def _show(self, job: Job) -> None:
        if self.listing.selection in (None, job.job_id):
            self._show_details(job)

    def _show_details(self, job: Job) -> None:
        has_foot = self.held.show(job)
        self.details.show(job, has_foot=has_foot)

    def _accept(self, job: Job) -> None:
        """The import that publishes is then shown in place of the held one."""
        self.listing.tree.selection_set(())
        self._session.accept(job.job_id, job.checks)

    def _ask_to_discard(self, job: Job) -> None:
        """In the banner: no box wants an answer."""
        text = "Discard this import? What was held can then no longer be accepted."
        actions = {
            "Discard it": lambda: self._session.discard(job.job_id, self._show),
            "Keep it held": lambda: None,
        }
        self._session.tell(Notice("warning", text, actions))


class Details(Card):
    """Text that can be selected and copied."""

    def __init__(self, parent: tk.Misc, theme: Theme) -> None:
        super().__init__(parent, theme, room=12)
        px = theme.px
        self._theme = theme
        self._shown: list[Piece] = []
        ttk.Label(self, text="Details", style="Head.TLabel").pack(anchor="w", padx=px(6))
        bar = ttk.Scrollbar(self, orient="vertical")
        self.text = tk.Text(
            self, width=16, height=4, wrap="word", yscrollcommand=bar.set, state="disabled"
        )
        self.text.configure(
            relief="flat",
            borderwidth=0,
            highlightthickness=0,
            padx=px(6),
            pady=px(6),
            cursor="arrow",
        )
        self.text.configure(
            font=theme.fonts["Text"],
            tabs=(px(68), "left"),
            spacing3=px(2),
        )
        bar.configure(command=self.text.yview)
        self._bar = bar
        bar.pack(side="right", fill="y")
        self.text.pack(side="left", fill="both", expand=True)

    def add(self, foot: ttk.Frame) -> None:
        """What stands below the text, for some jobs."""
        self._foot = foot

    def colour(self) -> None:
        palette = self._theme.palette
        fonts = self._theme.fonts
        px = self._theme.px
        self.text.configure(background=palette.surface, foreground=palette.text)
        self.text.tag_configure(
            "caption", foreground=palette.muted, font=fonts["Strong"], spacing1=px(10)
        )
        self.text.tag_configure("muted", foreground=palette.muted)
        self.text.tag_configure("mono", font=fonts["Mono"], foreground=palette.muted)
        self.text.tag_configure("strong", font=fonts["Strong"])
        self.text.tag_configure("event", lmargin2=px(68))
        for tone in ("bad", "warning"):
            self.text.tag_configure(tone, foreground=self._theme.tone(tone))

    def show(self, job: Job, *, has_foot: bool) -> None:
        """Draws nothing when nothing has changed, so that a selection stays."""
        if has_foot != bool(self._foot.winfo_manager()):
            self._foot.pack(
                side="bottom", fill="x", before=self._bar
            ) if has_foot else self._foot.pack_forget()
        pieces = details_of(job)
        if pieces == self._shown:
            return
        place = self.text.yview()[0] if self._shown[:1] == pieces[:1] else 0.0
        self._shown = pieces
        self.text.configure(state="normal")
        self.text.delete("1.0", "end")
        for text, tags in pieces:
            self.text.insert("end", text, tags)
        self.text.configure(state="disabled")
        self.text.yview_moveto(place)


def cells(job: Job) -> tuple[str, ...]:
    """As COLUMNS."""
    merged = (job.new_records, job.updated_records, job.duplicate_records)
    is_complete = job.status == "COMPLETED"
    return (
        STATUS_WORDS[job.state],
        words.moment(job.created_at),
        duration(job.execution_time_seconds) or NOTHING,
        *(words.count(number) if is_complete else "" for number in merged),
        words.count(job.failed_records),
        job.source or "",
        job.triggered_by or "",
        _trouble(job),
    )


def _trouble(job: Job) -> str:
    if job.can_be_accepted:
        return f"until {words.moment(job.accept_until)}"
    if job.error:
        return job.error["code"]
    return ""


def details_of(job: Job) -> list[Piece]:
    lines = []
    if job.retry_of:
        lines.append(f"Goes on from {words.short(job.retry_of)}")
    if job.retried_by:
        lines.append(f"Retried by {words.short(job.retried_by)}")
    if job.rollback_to:
        lines.append(f"Rollback to {job.rollback_to}")
    if job.accepted_by:
        lines.append(f"Accepted by {job.accepted_by}")
    head: list[Piece] = [(f"{job.job_id}\n", ("mono",))]
    head += [(f"{line}\n", ("muted",)) for line in lines]
    return head + error(job) + findings(job) + warnings(job) + time_line(job)


def error(job: Job) -> list[Piece]:
    trouble = job.error
    if trouble is None:
        return []
    message = f"{trouble['message']}\n"
    if job.is_held:
        return [("Held\n", ("caption",)), (message, ()), (f"{what_became(job)}\n", ("strong",))]
    return [
        ("Error\n", ("caption",)),
        (f"{trouble['code']}\n", ("bad", "strong")),
        (message, ()),
        (f"{_where(trouble)}\n", ("muted",)),
        (f"{advice(job, is_passing=trouble['retryable'])}\n", ("strong",)),
    ]


def _where(trouble: Mapping[str, Any]) -> str:
    """Fetching rows, page 3, attempt 2."""
    parts = []
    phase = STEP_WORDS.get(trouble.get("phase") or "", "")
    if phase:
        parts.append(phase)
    if trouble.get("page"):
        parts.append(f"page {trouble['page']}")
    parts.append(f"attempt {trouble.get('attempt')}")
    return ", ".join(parts)


def advice(job: Job, *, is_passing: bool) -> str:
    if job.retried_by:
        return "It was retried."
    if job.status == "CANCELLED" or is_passing:
        return "Retry goes on from the last checkpoint."
    return "Mend the cause first. Then Retry goes on from the last checkpoint."


def warnings(job: Job) -> list[Piece]:
    pieces: list[Piece] = []
    if job.warnings:
        pieces.append(("Warnings\n", ("caption",)))
    for warning in job.warnings:
        count = words.count(warning["count"])
        pieces.append((f"{warning['rule']}   {count}\n", ("warning", "strong")))
        pieces.append((f"{warning['message']}\n", ()))
    return pieces


def time_line(job: Job) -> list[Piece]:
    pieces: list[Piece] = []
    if job.events:
        pieces.append(("Time line\n", ("caption",)))
    for event in job.events:
        since = duration(event["at"] - job.created_at)
        pieces.append((f"{since}\t", ("muted", "event")))
        pieces.append((f"{words.event(event)}\n", ("event",)))
    return pieces
