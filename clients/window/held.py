"""What was found about an import, and somebody's word on one that is held."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING, Any

from clients.api.findings import shown_changes, shown_value
from clients.window import words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from clients.api.answers import Diff, Job
    from clients.api.findings import Finding
    from clients.window.session import Session
    from clients.window.theme import Theme

Piece = tuple[str, tuple[str, ...]]
"""Text and the tags that it is shown with."""


class HeldPanel(ttk.Frame):
    """A switch for each finding, and the two buttons; there only while an import waits for
    somebody's word.

    `accepted` and `discarded` are told what the person wants, of which job.
    """

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        session: Session,
        *,
        accepted: Callable[[Job], None],
        discarded: Callable[[Job], None],
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._session = session
        self._job: Job | None = None
        self.switches: dict[str, ttk.Checkbutton] = {}
        self._ticked: dict[str, tk.BooleanVar] = {}
        self._list = ttk.Frame(self)
        self._list.pack(fill="x", pady=(theme.px(8), 0))
        self.accept = ttk.Button(self, style="Accent.TButton", command=lambda: self._tell(accepted))
        self.discard = ttk.Button(
            self, text="Discard", style="Danger.TButton", command=lambda: self._tell(discarded)
        )

    def show(self, job: Job) -> bool:
        """Whether there is anything to say a word on.
        Switches stay as they are while the job is the same.
        """
        if job != self._job:
            self._job = job
            self._make_switches(job)
        self.refresh()
        return job.waits_for_word

    def refresh(self) -> None:
        """Who may not act, or has not ticked every finding, publishes nothing."""
        job = self._job
        may_act = self._session.may_act
        is_whole = all(ticked.get() for ticked in self._ticked.values())
        self.accept.state(
            ["!disabled" if may_act and job and job.can_be_accepted and is_whole else "disabled"]
        )
        self.discard.state(["!disabled" if may_act and job and job.waits_for_word else "disabled"])
        for switch in self.switches.values():
            switch.state(["!disabled" if may_act else "disabled"])

    def _make_switches(self, job: Job) -> None:
        px = self._theme.px
        for child in self._list.winfo_children():
            child.destroy()
        holding = {finding.check: finding for finding in job.holding} if job.can_be_accepted else {}
        self._ticked = {check: tk.BooleanVar(self, value=False) for check in holding}
        self.switches = {check: self._switch(finding) for check, finding in holding.items()}
        self.accept.pack_forget()
        self.discard.pack_forget()
        if holding:
            number = len(holding)
            self.accept.configure(
                text=f"Publish, and accept {number} finding{'' if number == 1 else 's'}"
            )
            self.accept.pack(fill="x", pady=(px(8), 0))
        self.discard.pack(fill="x", pady=px(8))

    def _switch(self, finding: Finding) -> ttk.Checkbutton:
        ticked = self._ticked[finding.check]
        switch = ttk.Checkbutton(
            self._list,
            text=finding.title,
            variable=ticked,
            style="Finding.Switch.TCheckbutton",
            command=self.refresh,
        )
        switch.pack(anchor="w", pady=self._theme.px(2))
        return switch

    def _tell(self, somebody: Callable[[Job], None]) -> None:
        if self._job:
            somebody(self._job)


def findings(job: Job) -> list[Piece]:
    pieces: list[Piece] = []
    if job.findings:
        pieces.append(("Findings\n", ("caption",)))
    for each in job.findings:
        pieces += _finding(each)
    if job.is_held and job.diff:
        pieces += _change(job.diff)
    return pieces


def what_became(job: Job) -> str:
    """In place of advice."""
    if job.discarded_at is not None:
        return f"It was discarded {words.moment(job.discarded_at)} by {job.discarded_by or 'somebody'}."
    if job.retried_by:
        return f"{words.short(job.retried_by)} goes on from it."
    if job.too_late:
        return job.too_late["message"]
    if not job.can_be_accepted:
        return "It cannot be accepted. Mend the source, and import again."
    return f"It can be accepted until {words.moment(job.accept_until)}: look at each finding, and switch it on below."


def _finding(finding: Finding) -> list[Piece]:
    measures = "".join(f"{measure}\n" for measure in finding.measures)
    title_tags = ("warning", "strong") if finding.holds else ("strong",)
    pieces: list[Piece] = [
        (f"{finding.title}\n", title_tags),
        (f"{finding.message}\n", ()),
        (measures, ("muted",)),
    ]
    if not finding.can_be_accepted:
        pieces.append(("This cannot be accepted.\n", ("bad",)))
    pieces += [(_example(row), ("mono",)) for row in finding.rows]
    return pieces


def _example(row: Mapping[str, Any]) -> str:
    words = [f"{name} {shown_value(each)}" for name, each in row.items()]
    return "  ".join(words) + "\n"


def _change(diff: Diff) -> list[Piece]:
    pieces: list[Piece] = [
        ("It would change\n", ("caption",)),
        (f"{shown_changes(diff)}\n", ()),
    ]
    for column, sums in diff.get("sums", {}).items():
        pieces.append((f"{column}  {_step(sums)}\n", ("mono",)))
    for field in diff.get("fields", []):
        name = field["name"] or field["code"]
        pieces.append((f"{name}  {field['column']}  {_step(field)}\n", ("mono",)))
    return pieces


def _step(sums: Mapping[str, Any]) -> str:
    before = shown_value(sums["before"])
    after = shown_value(sums["after"])
    return f"{before} → {after}"
