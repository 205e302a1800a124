"""Judgement: what was found of an import that was merged and not published yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from chalicelib.errors import Held
from chalicelib.jobs.finding import holding

from .completeness import Completeness
from .gate import judge
from .memory import remember
from .partial import is_partial
from .source_facts import facts_of

if TYPE_CHECKING:
    from chalicelib.jobs.finding import Finding
    from chalicelib.jobs.job import Job
    from chalicelib.jobs.lock import Snapshot
    from chalicelib.odata.cursor import Cursor
    from chalicelib.settings import Settings
    from chalicelib.store.diff import Diff
    from chalicelib.store.outcome import MergeResult


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """`carried` are the fingerprints that the next import is judged with too."""

    completeness: Completeness
    diff: Diff
    findings: list[Finding]
    carried: list[str]

    @classmethod
    def of(
        cls, merged: MergeResult, end: Cursor, base: Snapshot | None, job: Job, settings: Settings
    ) -> Self:
        """`end` is the cursor after the last row, `base` the snapshot that was merged into."""
        settled = merged.settled
        completeness = Completeness.after(end, settled)
        # By an operator for this import, and what was accepted of the source before.
        accepted_before = facts_of(base, settings).accepted or ()
        accepted = [*job.accepted, *accepted_before]
        is_of_all = end.is_of_all and not is_partial(job.parameters)
        findings = judge(
            merged.diff,
            settled,
            completeness,
            settings,
            accepted,
            is_of_all=is_of_all,
            rejects=merged.rejects,
            adoption=merged.adoption,
            skipped=merged.skipped_records,
        )
        return cls(
            completeness=completeness,
            diff=merged.diff,
            findings=findings,
            carried=remember(accepted, findings, is_of_all=is_of_all),
        )

    def to_job(self) -> dict[str, Any]:
        """The fields of a job that tell of it."""
        return {
            "completeness": self.completeness.to_attributes(),
            "diff": self.diff.to_attributes(),
            "findings": self.findings,
        }

    @property
    def hold(self) -> Held | None:
        """None when nothing holds the import."""
        findings = holding(self.findings)
        if not findings:
            return None
        names = " and ".join(finding.check for finding in findings)
        sentences = " ".join(finding.message for finding in findings)
        return Held(
            f"The import is held by {names}. {sentences} The published data is as it was. Look at "
            "the findings, then accept or discard the job."
        )
