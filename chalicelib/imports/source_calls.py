"""SourceCalls: questions to the source, asked in a thread while the job shows that it is alive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from .prefetch import run_beside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from chalicelib.jobs.lock import Claim
    from chalicelib.sources.reader import SourceReader

    from .progress import Progress

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class SourceCalls:
    source: SourceReader
    progress: Progress
    claim: Claim
    prefetch: Callable[..., AbstractContextManager[Iterable[Any]]]

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """What the question returns or raises, and what `beat` raises meanwhile."""
        return run_beside(question, while_waiting=self.beat, prefetch=self.prefetch)

    def beat(self) -> None:
        """Raises LeaseLost, CancelRequested, StateUnavailable."""
        self.note_connection()
        self.progress.beat()

    def note_connection(self) -> None:
        """What only the connection knows; the next report stores it."""
        # The retries of this worker come on top of those that the claim found in the job.
        retries_before = self.claim.job.stats.get("http_retries", 0)
        self.progress.set_stats(http_retries=retries_before + self.source.retries)
        self.progress.change(waiting=self.source.waiting)
