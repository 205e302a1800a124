"""Watermark: until when the source's changes are in the published database, so that an
import need not ask for them.

It belongs to the snapshot, one a source. It is the latest change that an import saw, and never
later than the import's beginning: a row that was read and then changed while the import went on is
asked for by the next one.

    import A   begins at 8:00 ── the latest change among its rows: 8:02 ── watermark 8:00
    import B   begins at 9:00, asks for changes since 8:00 ── the latest: 8:40 ── watermark 8:40

An overlap is subtracted from it when B asks, for sources that write their times late.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.errors import PublishRefused
from chalicelib.files.known import MOST_MARKS

from .partial import is_partial
from .source_facts import Facts, facts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.jobs.job import Job
    from chalicelib.jobs.lock import Snapshot
    from chalicelib.settings import Settings


@dataclass(frozen=True)
class Watermark:
    settings: Settings

    def since(self, base: Snapshot | None, job: Job) -> float | None:
        """From when on rows are asked for, epoch seconds; None for all of them."""
        until = self._published_until(base)
        if until is None or job.parameters.get("full"):
            return None
        return until - self.settings.source_overlap_seconds

    def check(self, base: Snapshot | None, since: float | None) -> None:
        """The base must hold what the import did not ask for. Raises PublishRefused."""
        until = self._published_until(base)
        if since is not None and (until is None or until < since):
            raise PublishRefused(
                "The published database was exchanged while this import ran, and lacks rows that "
                "the import did not ask for, so nothing was published. Start the import again."
            )

    def known_files(self, base: Snapshot | None, job: Job) -> Sequence[str]:
        """The marks of files that an earlier import has read, and that this one need not."""
        if not self.settings.is_of_files or job.parameters.get("full"):
            return ()
        published = facts_of(base, self.settings)
        if published.changed_of != self._source_hash:  # read by another mapping, say
            return ()
        return published.files or ()

    def mark_files(self, base: Snapshot | None, marks: Sequence[str], *, is_whole: bool) -> Facts:
        """All of them were read, now or before; else what was known before is what is known."""
        files: Sequence[str] | None = None
        if len(marks) <= MOST_MARKS:  # the pointer has no room for more: then none are known
            published = facts_of(base, self.settings)
            if is_whole:
                files = list(marks)
            elif published.changed_of == self._source_hash:
                files = published.files
        return Facts(changed_of=self._source_hash, files=files)

    def mark(
        self, base: Snapshot | None, newest: float | None, began: float, job: Job, *, is_whole: bool
    ) -> Facts:
        """The new watermark, which never falls. `newest` is the latest change among the rows.

        A partial import saw nothing of the rest, and one that is not known to be whole (`is_whole`)
        may have missed rows of before its newest change. So the watermark stays where it was;
        without one, the next import that is not partial asks for everything.
        """
        if not self.settings.source_changed:
            return Facts()
        if is_partial(job.parameters) or not is_whole:
            return Facts(changed_until=self._published_until(base), changed_of=self._source_hash)
        moments = []
        published_until = self._published_until(base)
        if published_until is not None:
            moments.append(published_until)
        if newest is not None:
            # A row may carry a moment that is still to come. What changes after the import began
            # is asked for by the next one, whatever the rows say.
            moments.append(min(newest, began))
        until = max(moments, default=None)
        return Facts(changed_until=until, changed_of=self._source_hash)

    def _published_until(self, base: Snapshot | None) -> float | None:
        """What another source, filter,
        change field or mapping has left behind says nothing about this one.
        """
        published = facts_of(base, self.settings)
        if not self.settings.source_changed or published.changed_of != self._source_hash:
            return None
        return published.changed_until

    @property
    def _source_hash(self) -> str:
        """Of what its rows depend on; hashed, because the URL's query may hold a token.
        The word of the codes makes the first import into a database whose codes were
        numbers ask for everything.
        """
        settings = self.settings
        facts = [
            settings.source_url,
            settings.source_changed,
            sorted(settings.source_columns.items()),
            settings.source_name,
            settings.source_period,
            "codes are text",
        ]
        if settings.definition is not None:
            facts.append(settings.definition_facts)
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
