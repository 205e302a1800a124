"""The warehouse: whole, closed, immutable files under names that carry the fence. Here those in a
directory; S3Warehouse keeps them in a bucket.

    snapshots/wells-<fence>-<job>.duckdb        a published database, or one that nothing points at
    snapshots/wells-<fence>-<job>.lake          of a lake, which snapshots of its tables are published together
    segments/<job>/<fence>-<part>-<number>.parquet   checked rows of an unfinished import; where many workers read its
                                                parts at once, with the attempt behind the part
    segments/<job>/<fence>-spark.parquet, .json what Spark is to merge for an unfinished import, and how
    exports/wells-<fence>-<job>.duckdb          a database that was made of a lake because somebody asked for it
    exports/wells-<fence>-<job>.parquet         the rows of a snapshot, for whoever asked for these
    exports/wells-<fence>-<job>.register1       the figures of its wells, which the first question of them has summed
    exports/<epoch>-<mark>-<rows>.csv           a list that somebody asked for as a file, also .parquet, .xlsx; it goes
                                                after some hours
    wells.duckdb                                a copy of the current snapshot, for people and tools; which one
                                                is noted in wells.duckdb.name, on S3 in the object's metadata
    drills/<epoch>-<id>.duckdb                  a backup that a restore drill is looking at
    owner.json                                  which table the warehouse belongs to
    uploads/<source>/<file>                     what somebody sent for a source to read, on S3 alone; no file of ours

Nobody ever opens a file here for writing. A file is complete when its name exists.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, Self

from chalicelib.errors import WarehouseFileMissing, WarehouseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

LATEST = "wells.duckdb"
LATEST_NOTE = "wells.duckdb.name"
# Why it does not hold the current snapshot, in a directory.
LATEST_PROBLEM = "wells.duckdb.is-old.txt"
OWNER = "owner.json"
SNAPSHOTS = "snapshots/"
SEGMENTS = "segments/"
EXPORTS = "exports/"
# Another number when other columns are kept, for what is there stays as it is.
REGISTER = "register1"
UPLOADS = "uploads/"
DRILLS = "drills/"
PART_SECONDS = 3600  # no living process copies one file for longer


def snapshot_name(fence: int, job_id: str, *, is_lake: bool = False) -> str:
    kind = "lake" if is_lake else "duckdb"
    return f"{SNAPSHOTS}wells-{fence:010d}-{job_id}.{kind}"


def export_name(snapshot: str, form: str = "duckdb") -> str:
    """Of what was made of a snapshot in this form, for whoever asked for it."""
    return f"{EXPORTS}{_stem(snapshot)}.{form}"


def is_export_of(name: str, snapshots: Iterable[str]) -> bool:
    """Whether it was made of one of these snapshots."""
    if not name.startswith(EXPORTS):
        return False
    stems = {_stem(snapshot) for snapshot in snapshots}
    return _stem(name) in stems


def _stem(name: str) -> str:
    """What a snapshot and its exports have in common."""
    _, _, last_name = name.rpartition("/")
    stem, _, _ = last_name.rpartition(".")
    return stem


def is_of_lake(name: str) -> bool:
    """Whether the snapshot tells of a lake, and is no database."""
    return name.endswith(".lake")


def segment_name(job_id: str, fence: int, number: int, *, part: int = 0, attempt: int = 0) -> str:
    place = f"{part:04d}-{attempt:04d}" if attempt else f"{part:04d}"
    folder = f"{SEGMENTS}{job_id}"
    return f"{folder}/{fence:010d}-{place}-{number:06d}.parquet"


def delta_name(job_id: str, fence: int) -> str:
    """Of the rows that Spark is to merge.
    They are an unfinished import's, as its segments are, and go with them.
    """
    return f"{SEGMENTS}{job_id}/{fence:010d}-spark.parquet"


def order_name(job_id: str, fence: int) -> str:
    """Of what Spark is told to do with them."""
    return f"{SEGMENTS}{job_id}/{fence:010d}-spark.json"


def drill_name(began: int, drill_id: str) -> str:
    """`began` in epoch seconds: that tells the sweeper which one nobody is looking at any more."""
    return f"{DRILLS}{began}-{drill_id}.duckdb"


def drill_began(name: str) -> int | None:
    """None of what no drill has made."""
    match = re.fullmatch(rf"{DRILLS}(\d+)-[0-9a-f-]+\.duckdb", name)
    return int(match[1]) if match else None


def list_file_name(made: int, mark: str, kind: str, *, rows: int) -> str:
    """`made` in epoch seconds, as drill_name has it;
    `mark` is of the question, in hexadecimal digits.
    """
    prefix = list_file_prefix(made, mark)
    return f"{prefix}{rows}.{kind}"


def list_file_prefix(made: int, mark: str) -> str:
    """What is known of the name before anybody has counted the rows."""
    return f"{EXPORTS}{made}-{mark}-"


def list_file_time(name: str) -> int | None:
    """None of what is no file of a list."""
    match = _LIST_FILE.fullmatch(name)
    return int(match["made"]) if match else None


def list_file_rows(name: str) -> int | None:
    """None of what is no file of a list, and of one that does not tell."""
    match = _LIST_FILE.fullmatch(name)
    return int(match["rows"]) if match and match["rows"] else None


_LIST_FILE = re.compile(
    rf"{EXPORTS}(?P<made>\d+)-[0-9a-f]+(?:-(?P<rows>\d+))?\.(?:csv|parquet|xlsx)"
)


def uploads_prefix(source: str) -> str:
    """What the names of all files begin with that were sent for this source."""
    return f"{UPLOADS}{source}/"


@dataclass(frozen=True, kw_only=True)
class UploadForm:
    """How one file is sent:
    as a form of these fields, in any order, with the file as the last one.
    """

    url: str
    fields: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class SegmentRun:
    """The segments that one worker of a job made of one part of the source, numbered from 0. A long
    import makes thousands of them, and the item that names them is paid for by its size at each
    write.

    `attempt` is 0 of a worker that alone has its fence. Workers that share one are told apart by
    it: one that froze writes no name that the next one writes.
    """

    job_id: str
    fence: int
    count: int = 1
    part: int = 0
    attempt: int = 0

    @property
    def prefix(self) -> str:
        """What the names of all segments of the job begin with."""
        return f"{SEGMENTS}{self.job_id}/"

    def to_attributes(self) -> dict[str, Any]:
        attributes = asdict(self)
        for name in ("part", "attempt"):
            if not attributes[name]:
                del attributes[name]  # the item is paid for by its size
        return attributes

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> Self:
        return cls(**attributes)


def segment_names(runs: Sequence[SegmentRun]) -> list[str]:
    """The names of all segments of these runs, in the order they were made."""
    return [
        segment_name(run.job_id, run.fence, number, part=run.part, attempt=run.attempt)
        for run in runs
        for number in range(run.count)
    ]


def add_segment(
    runs: Sequence[SegmentRun], job_id: str, fence: int, *, part: int = 0, attempt: int = 0
) -> list[SegmentRun]:
    """The runs with one more segment, whose name is then the last one of them."""
    new_run = SegmentRun(job_id=job_id, fence=fence, part=part, attempt=attempt)
    if not runs:
        return [new_run]

    # After 3 segments of fence 7: one more of fence 7 makes 4, one of fence 8 begins a run.
    *earlier, last = runs
    is_of_last = replace(last, count=1) == new_run
    if is_of_last:
        return [*earlier, replace(last, count=last.count + 1)]
    return [*runs, new_run]


def first_segments(runs: Sequence[SegmentRun], count: int) -> list[SegmentRun]:
    """The runs with so many of their segments, the first ones.

    Of runs with 3 and 4 segments the first 5 are 3 and 2.
    """
    first_runs = []
    for run in runs:
        if count > 0:
            first_runs.append(replace(run, count=min(run.count, count)))
        count -= run.count
    return first_runs


# snapshots/wells-0000000007-<job>.duckdb, and segments/<job>/0000000007-0000-000000.parquet
_FENCED = re.compile(
    r"(?:snapshots|exports)/wells-(?P<fence>\d+)-(?P<job>[0-9a-f-]{36})"
    r"\.(?:duckdb|lake|parquet|register\d+)"
    r"|segments/(?P<of>[0-9a-f-]{36})/(?P<fence_of_segment>\d+)-.*"
)


def is_fenced(name: str) -> bool:
    """Whether the name is one that an import makes;
    whatever else lies in the warehouse is somebody else's.
    """
    return _FENCED.fullmatch(name) is not None


def fence_of(name: str) -> int:
    match = _FENCED.fullmatch(name)
    return int(match["fence"] or match["fence_of_segment"]) if match else 0


def job_of(name: str) -> str:
    match = _FENCED.fullmatch(name)
    return str(match["job"] or match["of"]) if match else ""


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """`sha256` is the one it was stored under; None where nobody has noted it."""

    name: str
    bytes: int
    sha256: str | None


class Warehouse(Protocol):
    """Every method raises WarehouseUnavailable."""

    def put(self, name: str, path: Path, *, sha256: str) -> None:
        """Store a copy of the file under a new name.
        The same content under the same name is a repeat, not an error; other content is refused.
        """

    def fetch(self, name: str, path: Path) -> None:
        """A local copy of the file, in place of what is at `path`.
        Raises WarehouseFileMissing too.
        """

    def fetch_rest(self, name: str, path: Path, *, goes_on: Callable[[], bool]) -> None:
        """What the beginning of the file at `path` lacks is added to it,
        piece by piece, as long as `goes_on`. Raises WarehouseFileMissing too.
        """

    def fetch_older(self, name: str, path: Path, *, sha256: str) -> str:
        """A local copy of an older version of the file,
        the newest that has this SHA-256, and which it is. Raises NoOlderVersion.
        """

    def local_path(self, name: str) -> Path | None:
        """Where the file can be opened in place; None when it has to be fetched.
        It need not exist.
        """

    def location(self, name: str) -> str:
        """The URL by which another program of this deployment reads the file,
        `file://` or `s3://`.
        """

    def stat(self, name: str) -> StoredFile | None:
        """What is known of the file without reading it; None when there is none."""

    def download_url(self, name: str, *, seconds: int, saved_as: str = LATEST) -> str:
        """Where the file can be read from: on S3 for so many seconds by whoever has the URL,
        whose browser saves it under the name `saved_as`.
        """

    def upload_form(self, name: str, *, seconds: int, most_bytes: int) -> UploadForm:
        """For whoever has it: to send this one file, of a byte or more, within so many seconds.
        Raises UploadNotHere.
        """

    def set_latest(self, name: str) -> None:
        """Let the stable name hold a copy of this snapshot."""

    def latest(self) -> str | None:
        """The snapshot that the stable name holds a copy of."""

    def owner(self) -> str | None:
        """What owner.json says; None without one. jobs/ownership.py has its form."""

    def set_owner(self, text: str) -> bool:
        """Write owner.json. When there is one already, it stays as it is: False."""

    def names(self, prefix: str) -> list[str]:
        """The names that begin so, sorted; of notes about the warehouse itself none."""

    def remove(self, name: str) -> None:
        """Remove the file; it need not exist."""

    def tidy(self, *, now: float) -> None:
        """Remove what is no file and nobody needs:
        unfinished uploads, empty folders of segments.
        """


def missing_file(name: str) -> WarehouseFileMissing:
    return WarehouseFileMissing(
        f"The warehouse has no {name}. Restore it; docs/operations.md says how."
    )


def unreadable_file(name: str, why: str) -> WarehouseFileMissing:
    """As good as none."""
    return WarehouseFileMissing(
        f"The warehouse cannot read {name}: {why}. Restore it; docs/operations.md says how."
    )


def name_conflict(name: str) -> WarehouseUnavailable:
    return WarehouseUnavailable(
        f"Another file stands in the warehouse as {name} already; remove it by hand."
    )
