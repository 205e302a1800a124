"""What was found about an import, and what to do about one that is held."""

from __future__ import annotations

from operator import itemgetter, methodcaller
from typing import TYPE_CHECKING

from clients.api.findings import HELD, shown_changes
from clients.cli.terminal import Column, Terminal, moment

if TYPE_CHECKING:
    from clients.api.answers import Diff, Job, TooLate
    from clients.api.findings import Finding


WHOLE = {"problem"}  # never cut: it names the column
SUM_COLUMNS = [
    Column("column", itemgetter("column")),
    Column("before", itemgetter("before"), "{:,.6g}".format, is_number=True),
    Column("after", itemgetter("after"), "{:,.6g}".format, is_number=True),
]
FIELD_COLUMNS = [
    Column("field", itemgetter("code")),
    Column("name", itemgetter("name"), is_cut=True),
]


def show_findings(terminal: Terminal, job: Job) -> None:
    """For people, with the two commands that help while it waits for somebody's word."""
    if job.is_held and job.error:
        terminal.note(f"{HELD}: {job.error['message']}", "yellow")
    for finding in job.findings:
        _show(terminal, finding)
    if job.waits_for_word and job.diff:
        _show_change(terminal, job.diff)
    if job.waits_for_word:
        _show_commands(terminal, job)
    elif job.is_held:
        terminal.note(_what_became(job))


def _show(terminal: Terminal, finding: Finding) -> None:
    terminal.note(
        f"{finding.check} ({finding.state}): {finding.title}.", "yellow" if finding.holds else ""
    )
    for line in (finding.message, *finding.measures):
        terminal.note(f"  {line}")
    if not finding.can_be_accepted:
        terminal.note("  This cannot be accepted.", "red")
    if finding.rows:
        columns = [
            Column(name, methodcaller("get", name), is_cut=name not in WHOLE)
            for name in finding.columns
        ]
        terminal.note_rows(columns, finding.rows)


def _show_commands(terminal: Terminal, job: Job) -> None:
    until = f" It can be accepted until {moment(job.accept_until)}." if job.accept_until else ""
    terminal.note(
        f"Nothing was published: what was there before is there still.{until if job.can_be_accepted else ''}"
    )
    if job.too_late:
        terminal.note(_lateness(job.too_late))
    if job.can_be_accepted:
        named = " ".join(f"--finding {check}" for check in job.checks)
        terminal.note(f"Publish it all the same: wellhead accept {job.job_id} {named}")
    terminal.note(f"Let it go:               wellhead discard {job.job_id}")


def _lateness(late: TooLate) -> str:
    newer = late.get("held_since")
    if newer:
        return f"{late['message']} wellhead status {newer}"
    return late["message"]


def _what_became(job: Job) -> str:
    if job.discarded_at is not None:
        return (
            f"It was discarded at {moment(job.discarded_at)} by {job.discarded_by or 'somebody'}."
        )
    return f"The import that goes on from it: wellhead status {job.retried_by}"


def _show_change(terminal: Terminal, diff: Diff) -> None:
    """What nobody should accept blind."""
    terminal.note(f"It would change: {shown_changes(diff)}.")
    sums = [{"column": column, **each} for column, each in diff.get("sums", {}).items()]
    if sums:
        terminal.note("Stored volumes of the periods that it covers:")
        terminal.note_rows(SUM_COLUMNS, sums)
    fields = diff.get("fields")
    if fields:
        terminal.note("Where they change most:")
        terminal.note_rows([*FIELD_COLUMNS, *SUM_COLUMNS], fields)
