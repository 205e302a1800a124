"""The page of the import: start one, see it live, stop it, and what came before."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING

from clients.api.durations import duration
from clients.api.findings import NOTHING
from clients.api.words import OUTCOME_WORDS, PHASES, STATUS_WORDS, STEP_WORDS, TONES
from clients.window import words
from clients.window.history import History
from clients.window.import_part import ALL, Part
from clients.window.lines import Line
from clients.window.parts import Card, tiles

if TYPE_CHECKING:
    from clients.api.answers import Job
    from clients.window.session import Session
    from clients.window.theme import Theme

PACE = ("Rows a second", "Time so far", "Time left")
OUTCOMES = ("new", "updated", "duplicate", "failed")
METERS = {"COMPLETED": "good", "FAILED": "bad", "HELD": "muted", "CANCELLED": "muted"}
LIMITS = ("Field", "From", "To")


class ImportPage(ttk.Frame):
    def __init__(self, parent: tk.Misc, theme: Theme, session: Session) -> None:
        super().__init__(parent, style="Page.TFrame")
        px = theme.px
        self._session = session
        self._gap = px(14)
        self._head(theme)
        self._limits(theme)
        self.progress = ProgressCard(self, theme, session)
        self.progress.grid(row=2, column=0, sticky="ew", pady=px(14))
        self.history = History(self, theme, session)
        self.history.grid(row=3, column=0, sticky="nsew")
        self.columnconfigure(0, weight=1)
        self.rowconfigure(3, weight=1)

    def _head(self, theme: Theme) -> None:
        px = theme.px
        head = ttk.Frame(self, style="Page.TFrame")
        head.grid(row=0, column=0, sticky="ew")
        ttk.Label(head, text="Import", style="PageTitle.TLabel").pack(side="left")
        self.start = ttk.Button(
            head, text="Start import", style="Start.TButton", command=self._start
        )
        self.start.pack(side="right", padx=(px(14), 0))
        self.scope = tk.StringVar(self, "incremental")
        self.scopes = {
            name: ttk.Radiobutton(
                head,
                text=name.capitalize(),
                value=name,
                variable=self.scope,
                style="Segment.TRadiobutton",
            )
            for name in ("full", "incremental")
        }
        for button in self.scopes.values():
            button.pack(side="right")
        self.is_part = tk.BooleanVar(self, value=False)
        self.part = ttk.Checkbutton(
            head,
            text="A part",
            variable=self.is_part,
            style="Segment.TRadiobutton",
            command=self._show_limits,
        )
        self.part.pack(side="right", padx=(0, px(10)))
        self.source = ttk.Combobox(head, state="readonly", width=14)

    def _limits(self, theme: Theme) -> None:
        """There while a part is wanted."""
        px = theme.px
        self._row = ttk.Frame(self, style="Page.TFrame")
        self.limits = {name: tk.StringVar(self) for name in LIMITS}
        for name, variable in self.limits.items():
            ttk.Label(self._row, text=name, style="PageText.TLabel").pack(
                side="left", padx=(0, px(8))
            )
            entry = ttk.Entry(self._row, textvariable=variable, width=11, font=theme.fonts["Text"])
            entry.pack(side="left", padx=(0, px(16)))
            entry.bind("<Return>", lambda _: self.start.invoke())
        hint = Line(self._row, theme, style="PageCaption.TLabel", font="Small")
        hint.tell(
            "Code of the field; months such as 2024-10, or days. What stays empty sets no limit."
        )
        hint.pack(side="left", fill="x", expand=True)

    def _show_limits(self) -> None:
        if self.is_part.get():
            self._row.grid(row=1, column=0, sticky="ew", pady=(self._gap, 0))
        else:
            self._row.grid_remove()

    def _start(self) -> None:
        part = (
            Part(*(variable.get() for variable in self.limits.values()))
            if self.is_part.get()
            else ALL
        )
        self._session.start(
            full=self.scope.get() == "full", source=self.source.get() or None, part=part
        )

    def _offer_sources(self) -> None:
        """Of one there is nothing to choose."""
        names = self._session.sources
        if tuple(self.source.cget("values")) == names:
            return
        self.source.configure(values=names)
        if self.source.get() not in names:
            self.source.set(names[0] if len(names) > 1 else "")
        if len(names) > 1:
            self.source.pack(side="right", padx=(0, self._gap))
        else:
            self.source.pack_forget()

    def refresh(self) -> None:
        self._offer_sources()
        can_start = self._session.may_act and not self._session.is_following
        self.start.state(["!disabled" if can_start else "disabled"])
        self.progress.refresh()
        self.history.refresh()


class ProgressCard(Card):
    """The job that is followed, or the last one."""

    def __init__(self, parent: tk.Misc, theme: Theme, session: Session) -> None:
        super().__init__(parent, theme)
        self._theme = theme
        self._session = session
        self._head()
        self._bar()
        self._steps()
        row = ttk.Frame(self)
        row.pack(fill="x")
        self.tiles = tiles(row, theme, (*PACE, *(OUTCOME_WORDS[name] for name in OUTCOMES)))

    def _head(self) -> None:
        px = self._theme.px
        head = ttk.Frame(self, height=px(34))
        head.pack(fill="x")
        head.pack_propagate(False)
        self.status = ttk.Label(head)
        self.status.pack(side="left")
        self.origin = Line(head, self._theme, style="Muted.TLabel")
        self.origin.pack(side="left", fill="x", expand=True, padx=px(12))
        self.cancel = ttk.Button(
            head, text="Cancel import", style="Danger.TButton", command=self._session.cancel
        )
        self.retry = ttk.Button(head, text="Retry", style="Plain.TButton", command=self._retry)

    def _bar(self) -> None:
        px = self._theme.px
        line = ttk.Frame(self)
        line.pack(fill="x", pady=(px(10), px(8)))
        self.percent = ttk.Label(line, style="Huge.TLabel")
        self.percent.pack(side="left")
        self.rows = ttk.Label(line, style="Muted.TLabel")
        self.rows.pack(side="right", anchor="s", pady=(0, px(6)))
        self.phase = Line(line, self._theme, style="Head.TLabel", font="Head")
        self.phase.pack(
            side="left", anchor="s", fill="x", expand=True, padx=px(14), pady=(0, px(6))
        )
        self.meter = ttk.Progressbar(self, maximum=100)
        self.meter.pack(fill="x")

    def _steps(self) -> None:
        px = self._theme.px
        row = ttk.Frame(self)
        row.pack(fill="x", pady=(px(8), px(16)))
        self.steps = {step: ttk.Label(row) for step in PHASES}
        for label in self.steps.values():
            label.pack(side="left", padx=(0, px(22)))

    def _retry(self) -> None:
        job = self._session.job
        if job:
            self._session.retry(job.job_id)

    def refresh(self) -> None:
        job = self._session.job
        self._show_buttons(job)
        self.tick()
        if job is None:
            self._show_nothing()
            return
        status = job.state
        tone = TONES[status]
        self.status.configure(text=STATUS_WORDS[status], style=f"{tone}.Pill.TLabel")
        self.origin.tell(words.origin(job))
        self.phase.tell(words.state(job))
        self.rows.configure(text=words.rows(job))
        self._show_meter(job)
        self._show_steps(steps_behind(job))
        self._show_outcome(job)

    def tick(self) -> None:
        """The time goes on between two answers."""
        job = self._session.job
        since = self._session.seconds_of_silence
        so_far = left = NOTHING
        if job:
            so_far = duration(words.seconds_at_work(job, since)) or NOTHING
        if job and job.status == "RUNNING":
            left = words.remaining(job, since)
        self.tiles["Time so far"].show(so_far)
        self.tiles["Time left"].show(left)
        if self._is_unknown(job):
            self.meter.step(3)

    def _is_unknown(self, job: Job | None) -> bool:
        if job is None or job.status != "RUNNING":
            return False
        return job.progress_percentage is None

    def _show_nothing(self) -> None:
        self.status.configure(text="No import yet", style="muted.Pill.TLabel")
        self.percent.configure(text="0 %")
        self.meter.configure(mode="determinate", value=0, style="accent.Horizontal.TProgressbar")
        self.phase.tell("Ready to start" if self._session.link == "on" else "Not connected")
        self.origin.tell("")
        self.rows.configure(text="")
        self._show_steps(-1)
        for tile in self.tiles.values():
            tile.show(NOTHING)

    def _show_buttons(self, job: Job | None) -> None:
        can_cancel = False
        can_retry = False
        is_ending = False
        if job is not None:
            has_ended_early = job.state in ("FAILED", "CANCELLED")
            can_cancel = not job.final
            can_retry = has_ended_early and job.retried_by is None
            is_ending = job.cancel_requested_at is not None
        self._show_button(self.cancel, is_there=can_cancel)
        self._show_button(self.retry, is_there=can_retry)
        may_act = self._session.may_act
        self.cancel.state(["!disabled" if may_act and not is_ending else "disabled"])
        self.retry.state(["!disabled" if may_act else "disabled"])

    def _show_button(self, button: ttk.Button, *, is_there: bool) -> None:
        was_there = bool(button.winfo_manager())
        if is_there and not was_there:
            button.pack(side="right", before=self.origin)
        elif was_there and not is_there:
            button.pack_forget()

    def _show_meter(self, job: Job) -> None:
        style = f"{METERS.get(job.state, 'accent')}.Horizontal.TProgressbar"
        if self._is_unknown(job):
            self.percent.configure(text=words.UNKNOWN)
            self.meter.configure(mode="indeterminate", style=style)
            return
        done = job.progress_percentage or 0.0
        self.percent.configure(text=f"{done:.0f} %")
        self.meter.configure(mode="determinate", value=done, style=style)

    def _show_steps(self, place: int) -> None:
        for number, (step, label) in enumerate(self.steps.items()):
            if number < place:
                mark = "✓"
                style = "good"
            elif number == place:
                mark = "●"
                style = "accent"
            else:
                mark = "○"
                style = "muted"
            label.configure(text=f"{mark}  {STEP_WORDS[step]}", style=f"{style}.TLabel")

    def _show_outcome(self, job: Job) -> None:
        """What is new is known when the rows are merged."""
        for name in OUTCOMES:
            is_known = job.status == "COMPLETED" or name == "failed"
            number = getattr(job, f"{name}_records")
            tile = self.tiles[OUTCOME_WORDS[name]]
            tile.show(words.count(number) if is_known else NOTHING)
        self.tiles["Rows a second"].show(words.count(job.records_per_second))


def steps_behind(job: Job) -> int:
    """How many phases are behind."""
    if job.status == "COMPLETED":
        return len(PHASES)
    if job.phase in PHASES:
        return PHASES.index(job.phase)
    return -1
