"""What was found about an import, and what to do about one that is held."""

from __future__ import annotations

from operator import methodcaller
from typing import TYPE_CHECKING, Any

from clients.api.findings import HELD
from clients.cli.terminal import Column, Terminal, moment

if TYPE_CHECKING:
    from clients.api.answers import Job
    from clients.api.findings import Finding


def state_of(job: Job) -> str:
    """Its status; HELD for one that FAILED because it is held."""
    return HELD if job.is_held else job.status


def show_findings(terminal: Terminal, job: Job) -> None:
    """For people, with the two commands that help while it waits for somebody's word."""
    if job.is_held and job.error:
        terminal.note(f"{HELD}: {job.error['message']}", "yellow")
    for finding in job.findings:
        _show(terminal, finding)
    if job.waits_for_word:
        _show_commands(terminal, job)
    elif job.is_held:
        terminal.note(_what_became(job))


def _show(terminal: Terminal, finding: Finding) -> None:
    terminal.note(f"{finding.check}: {finding.title}.", "yellow" if finding.holds else "")
    terminal.note(f"  {measured(finding)}{finding.message}")
    if not finding.can_be_accepted:
        terminal.note("  This cannot be accepted.", "red")
    if finding.rows:
        columns = [Column(name, methodcaller("get", name), is_cut=True) for name in finding.columns]
        terminal.note_rows(columns, finding.rows)


def _show_commands(terminal: Terminal, job: Job) -> None:
    until = f" It can be accepted until {moment(job.accept_until)}." if job.accept_until else ""
    terminal.note(f"Nothing was published: what was there before is there still.{until if job.can_be_accepted else ''}")
    if job.can_be_accepted:
        named = " ".join(f"--finding {finding.check}" for finding in job.holding)
        terminal.note(f"Publish it all the same: wellhead accept {job.job_id} {named}")
    terminal.note(f"Let it go:               wellhead discard {job.job_id}")


def _what_became(job: Job) -> str:
    if job.discarded_at is not None:
        return f"It was discarded at {moment(job.discarded_at)} by {job.discarded_by or 'somebody'}."
    return f"The import that goes on from it: wellhead status {job.retried_by}"


def measured(finding: Finding) -> str:
    """Nothing where there is no limit to go beyond."""
    if finding.found is None and finding.limit is None:
        return ""
    return f"found {value(finding.found)}, limit {value(finding.limit)}. "


def value(told: Any) -> str:
    """Of a finding: text as it is, numbers with their thousands."""
    if told is None:
        return "-"
    if isinstance(told, bool) or not isinstance(told, int | float):
        return str(told)
    return f"{told:,}" if isinstance(told, int) else f"{told:,.6g}"
