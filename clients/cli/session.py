"""What every command is given: the terminal, and the client of the Wellhead that is meant."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

import click

from clients.api.client import WellheadClient
from clients.api.errors import (
    AlreadyRunning,
    AuthFailed,
    ClientError,
    InvalidAddress,
    TimedOut,
    Unreachable,
)
from clients.api.profiles import ProfileError, Profiles, Target, find_target, profiles_path
from clients.cli.progress import progress
from clients.cli.terminal import Terminal

if TYPE_CHECKING:
    from clients.api.answers import Job

HINTS = {
    "UNAUTHORIZED": "Save another one: wellhead login URL",
    "TOKEN_EXPIRED": "Save another one: wellhead login URL",
    "NO_DATA_YET": "Start an import: wellhead import",
    "SNAPSHOT_GONE": "Run the command once more: it then reads the current data.",
    "FINDINGS_DIFFER": "See what holds it: wellhead status JOB",
    "ACCEPT_TOO_LATE": "Start a new one: wellhead import",
}
QUOTED_SECONDS = 1.0  # a shorter pause is not worth a line


class Exit(IntEnum):
    """docs/cli.md lists them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    ALREADY_RUNNING = 3
    AUTH = 4
    TIMEOUT = 5
    HELD = 6
    INTERRUPTED = 130


@dataclass
class Session:
    url: str | None = None
    profile: str | None = None
    terminal: Terminal = field(default_factory=Terminal)

    @property
    def profiles(self) -> Profiles:
        return Profiles(
            profiles_path(os.environ), warn=lambda text: self.terminal.note(text, "yellow")
        )

    def target(self) -> Target:
        """Raises ProfileError, InvalidAddress."""
        return find_target(
            os.environ,
            self.profiles,
            url=self.url,
            name=self.profile,
        )

    def client(self, target: Target | None = None) -> WellheadClient:
        url, token = target or self.target()
        return WellheadClient(url, token, on_retry=self._tell_of_retry)

    def follow(self, wellhead: WellheadClient, job_id: str, timeout: float | None) -> Job:
        """The job in its final state. Raises ClientError, with the job's id among its details; ends the program with
        130 on Ctrl-C. The import goes on whatever happens here, and people are told how to follow it again.
        """
        try:
            with progress(self.terminal.err) as show:
                return wellhead.wait(job_id, show, timeout=timeout)
        except KeyboardInterrupt:
            self.terminal.note("")
            self.terminal.note(f"The import goes on. {_how_to_follow(job_id)}")
            raise click.exceptions.Exit(Exit.INTERRUPTED) from None
        except ClientError as error:
            error.details.setdefault("job_id", job_id)
            raise

    def report(self, error: ClientError) -> Exit:
        self.terminal.error(error)
        if not self.terminal.wants_json and (hint := _hint(error)):
            self.terminal.note(hint)
        return _exit_of(error)

    def _tell_of_retry(self, error: ClientError, seconds: float) -> None:
        if seconds >= QUOTED_SECONDS:
            sentence = f"{error.message} Trying again in {seconds:.0f} s."
            self.terminal.note(sentence, "yellow")


def _exit_of(error: ClientError) -> Exit:
    kinds = {
        AlreadyRunning: Exit.ALREADY_RUNNING,
        AuthFailed: Exit.AUTH,
        TimedOut: Exit.TIMEOUT,
        ProfileError: Exit.USAGE,
        InvalidAddress: Exit.USAGE,
    }
    return next((code for kind, code in kinds.items() if isinstance(error, kind)), Exit.FAILED)


def _hint(error: ClientError) -> str | None:
    details = error.details
    if isinstance(error, AlreadyRunning):
        return f"{_how_to_follow(error.job_id)}; `wellhead import --attach` does so by itself."
    if isinstance(error, TimedOut | Unreachable) and "job_id" in details:
        return _how_to_follow(str(details["job_id"]))
    newer = details.get("held_since")
    if newer:
        return f"Look at the one that was held since: wellhead status {newer}"
    if error.code == "SOURCE_NOT_NAMED":
        names = ", ".join(map(str, details.get("sources", ())))
        return f"They are {names}. Name one: --source NAME"
    findings = details.get("findings")
    if findings:
        names = ", ".join(map(str, findings))
        return f"What holds it: {names}. See it: wellhead status {details.get('job_id')}"
    return HINTS.get(error.code) or HINTS.get(getattr(error, "rule", None) or "")


def _how_to_follow(job_id: str) -> str:
    return f"Follow it: wellhead status {job_id} --wait"
