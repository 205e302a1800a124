"""The lock: the items of the table, the places on it, and every DynamoDB condition with its reason.

One table, keys `pk` and `sk` (strings):

    JOB          JOB#<uuid7>         the job; sorted by creation, so history is one Query
    LOCK         LOCK#import         owner, since, holder, fence, lease_until; never deleted
    WAREHOUSE    WAREHOUSE#current   the published snapshot
    WAREHOUSE    WAREHOUSE#snapshots/<file>  what the pointer said while this snapshot was current, for a rollback to it
    WAREHOUSE    WAREHOUSE#held      the newest job that its findings held; only that one can be accepted. With #<name>
                                     behind it: of the source with this name
    WAREHOUSE    WAREHOUSE#owner     which warehouse is this table's: the id that its owner.json holds too
    IDEMPOTENCY  IDEMPOTENCY#<hash>  the job that a caller's key has made; goes after a day
    SOURCE       SOURCE#<name>       a source as it is defined now; a deleted one keeps its place and its version
    CHECK        000 to 255          what was asked to be looked at, and what was found
    SWEEPER      SWEEPER#pulse       when the sweeper was last at work
    SOURCE_VERSION  SOURCE#<name>#<version>  each definition that a source ever had
    LOG#<job>    <fence>#<who>#<place>  the job's own lines; go after 30 days
    SCHEDULE     SCHEDULE#<name>     when the source is due next, and what became of its due times
    TOKEN        TOKEN#<name>        when a token of the API was used last, to the day
    PART#<job>   00000 to 00063      a part of the source that the job, and those that go on from it, read beside others
    OUTBOX       NOTICE#<time>#<key> a notice that waits to be sent; by time, in milliseconds
    NOTICE       NOTICE#<time>#<key> a notice that was sent or given up; goes after a month
    NOTED        NOTED#<key>         that a notice of no job's end was put in; goes after a month

The lock is free when it has no owner. Its owner is a job; its holder is the one running worker of
that job; the fence counts the claims. Whoever writes names the fence it was given, so a worker that
froze and woke up after another took over can change nothing:

    worker A   claim (fence 7) ── freezes ........................ progress (fence 7): refused, stops
    worker B                        lease over ── claim (fence 8) ── progress ── finish (fence 8)

Where a state machine runs the job, its execution holds the place: the workers of the parts write
under the claim of the one that planned them, and the next state takes the place over without
waiting for a lease:

    plan       claim (fence 7) ── plans ──┐                      freezes ── writes (fence 7): refused
    parts                                 ├─ parts 0, 1, 2 … (fence 7), each by its attempt
    merge                                 └────────────────────── claim (fence 8) ── merges ── finish (fence 8)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .job import Job, JobStatus
from .table import Condition

if TYPE_CHECKING:
    from .notice import Notice

# One for all sources: an import at a time.
LOCK = {"pk": "LOCK", "sk": "LOCK#import"}


# The pointer: what it says is what is published.
CURRENT = {"pk": "WAREHOUSE", "sk": "WAREHOUSE#current"}


HELD = {"pk": "WAREHOUSE", "sk": "WAREHOUSE#held"}


OWNERSHIP = {"pk": "WAREHOUSE", "sk": "WAREHOUSE#owner"}


PULSE = {"pk": "SWEEPER", "sk": "SWEEPER#pulse"}


LOCK_TAKEN = ["owner", "since", "holder", "lease_until"]  # what a free lock does not have


# A job that has ended is never written again.
IS_OPEN = Condition(
    "#status IN (:pending, :running)",
    {":pending": JobStatus.PENDING, ":running": JobStatus.RUNNING},
)


# Nothing is put over what is there; an answer that was lost is known by what was stored.
ABSENT = Condition("attribute_not_exists(pk)")


# Only from these another job goes on.
STOPPED = Condition(
    "#status IN (:failed, :cancelled)",
    {":failed": JobStatus.FAILED, ":cancelled": JobStatus.CANCELLED},
)


# Of two who retry at once one makes the job.
NOT_RETRIED = Condition("attribute_not_exists(#retried_by)")


# A discarded job's segments may be gone: nothing goes on from it. Of accept and discard at once,
# one comes first.
NOT_DISCARDED = Condition("attribute_not_exists(#discarded_at)")


# Only what was held has findings to accept, and segments that are kept for it.
IS_HELD = Condition("attribute_exists(#accept_until)")


IDEMPOTENCY_SECONDS = 86_400


def idempotency_key(caller: str, key: str) -> dict[str, str]:
    """One caller's keys are not another's.
    Hashed: a key may be long, and may say more than the table should.
    """
    text = f"{caller}\n{key}"
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"pk": "IDEMPOTENCY", "sk": f"IDEMPOTENCY#{digest}"}


_OF_EXECUTION = "execution/"


def holder_of(execution: str, worker: str) -> str:
    """The holder of the lock that a worker of this execution is;
    `execution` empty: a worker that runs by itself.
    """
    if not execution:
        return worker
    return f"{_OF_EXECUTION}{execution}/{worker}"


def execution_of(holder: str | None) -> str:
    """Whose worker it is; empty of one that runs by itself."""
    if not (holder or "").startswith(_OF_EXECUTION):
        return ""
    return str(holder).split("/")[1]  # of execution/<name>/<worker>


def job_key(job_id: str) -> dict[str, str]:
    return {"pk": "JOB", "sk": f"JOB#{job_id}"}


def held_key(source_name: str | None) -> dict[str, str]:
    """Of the source with this name; of jobs from before sources had names with None."""
    if source_name is None:
        return HELD
    return {"pk": HELD["pk"], "sk": f"{HELD['sk']}#{source_name}"}


def published_key(name: str) -> dict[str, str]:
    """Of what the pointer said of the snapshot with this name."""
    return {"pk": CURRENT["pk"], "sk": f"WAREHOUSE#{name}"}


def part_key(job_id: str, number: int) -> dict[str, str]:
    """A partition a job; padded, so that part 2 comes before part 10: 00002, 00010."""
    return {
        "pk": f"PART#{job_id}",
        "sk": f"{number:05d}",
    }


def log_key(job_id: str, fence: int, by: str, place: int) -> dict[str, str]:
    """By the attempt first, then by who wrote them: 0000000007#merge#02 has the third lot of lines
    that the merge of the attempt with fence 7 has written.
    """
    return {
        "pk": f"LOG#{job_id}",
        "sk": f"{fence:010d}#{by}#{place:02d}",
    }


def token_key(name: str) -> dict[str, str]:
    return {"pk": "TOKEN", "sk": f"TOKEN#{name}"}


def source_key(name: str) -> dict[str, str]:
    return {"pk": "SOURCE", "sk": f"SOURCE#{name}"}


def source_version_key(name: str, version: int) -> dict[str, str]:
    """In a partition of their own, so that a list of sources reads none of them."""
    return {
        "pk": "SOURCE_VERSION",
        "sk": f"SOURCE#{name}#{version:06}",
    }


def schedule_key(name: str) -> dict[str, str]:
    """Beside the source's item, which its definition alone changes."""
    return {"pk": "SCHEDULE", "sk": f"SCHEDULE#{name}"}


def notice_key(notice: Notice) -> dict[str, str]:
    return {"pk": "OUTBOX", "sk": _by_time(notice)}


def sent_notice_key(notice: Notice) -> dict[str, str]:
    """In a partition of their own, so that a look for what waits reads none of them."""
    return {"pk": "NOTICE", "sk": _by_time(notice)}


def _by_time(notice: Notice) -> str:
    milliseconds = int(notice.at * 1000)  # padded, so that the order of texts is that of numbers
    return f"NOTICE#{milliseconds:013d}#{notice.key}"


def noted_key(key: str) -> dict[str, str]:
    return {"pk": "NOTED", "sk": f"NOTED#{key}"}


@dataclass(frozen=True, kw_only=True)
class Lease:
    """Seconds. `grace` covers the skew of clocks:
    a lease is over only when that much more has passed.
    """

    seconds: float = 60.0  # of a worker, since it last wrote
    grace: float = 15.0
    # Of a job that waits for a worker: its event is delivered within five minutes, or never.
    pending: float = 360.0


@dataclass(frozen=True, kw_only=True)
class Lock:
    fence: int = 0
    owner: str | None = None
    since: float = 0.0
    holder: str | None = None
    lease_until: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right of one worker to run one job, good while the table holds its fence."""

    job: Job
    holder: str
    fence: int


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A published database: its file's name in the warehouse, size, SHA-256, rows, and who made it.

    The source's changes until `changed_until` (epoch seconds) are in it, counted for the source
    `changed_of`. The next import is judged with the fingerprints `accepted` too. These three are of
    the source that the settings describe.

    `sources` has by name, of every source with a published import, the `fence`, `job_id` and moment
    (`at`, epoch seconds) of its latest one, and of those that a definition describes the same three
    facts.

    `versions` has, of a lake, the snapshot of each of its tables that together are this state; None
    of a file. The file in the warehouse then tells the same, for those who ask for it by its name.

    `rollback_fence` is that of the latest rollback, if there was one: what jobs of a lower fence
    have fetched may build upon rows that are no longer there.
    """

    name: str
    fence: int
    rows: int
    bytes: int
    sha256: str
    job_id: str
    changed_until: float | None = None
    changed_of: str | None = None
    accepted: list[str] | None = None
    sources: dict[str, dict[str, Any]] | None = None
    versions: dict[str, int] | None = None
    rollback_fence: int | None = None

    @property
    def is_lake(self) -> bool:
        return self.versions is not None

    def fence_of(self, source_name: str | None) -> int:
        """Of the latest import of the source, or of a rollback since;
        of any source where the job is older than their names.
        """
        if source_name is None or self.sources is None:
            return self.fence
        latest = self.sources.get(source_name, {})
        fence = int(latest.get("fence", 0))
        # After a rollback no job of before may build upon the rows that it took away.
        return max(fence, self.rollback_fence or 0)

    def job_of(self, source_name: str | None) -> str:
        """The latest import of the source, as fence_of."""
        sources = self.sources or {}
        latest = sources.get(source_name or "", {})
        job_id = latest.get("job_id", self.job_id)
        return str(job_id)


@dataclass(frozen=True, kw_only=True)
class Ownership:
    """`id` was made once, and `table` is the name of the table that made it."""

    id: str
    table: str


def is_forgotten(now: float, gone: str | None) -> Condition:
    """Nobody used the key, or so long ago that it counts as new, or for a job whose item is gone.
    DynamoDB deletes expired items days late.
    """
    text = "attribute_not_exists(pk) OR #expires_at <= :now"
    if gone is None:
        return Condition(text, {":now": now})
    return Condition(f"{text} OR #job_id = :gone", {":now": now, ":gone": gone})


def same_lock(lock: Lock) -> Condition:
    """Nobody has written the lock since it was read:
    every write changes its fence, owner or lease.

        never used      no owner, and no fence or 0
        free            the fence that was read, and no owner
        a job's         the fence, the owner and the end of the lease that were read
    """
    if lock.fence == 0 and lock.owner is None:
        return Condition(
            "attribute_not_exists(#owner) AND (attribute_not_exists(#fence) OR #fence = :zero)",
            {":zero": 0},
        )
    same_fence = Condition("#fence = :read_fence", {":read_fence": lock.fence})
    if lock.owner is None:
        return same_fence & Condition("attribute_not_exists(#owner)")
    same_owner = Condition("#owner = :read_owner", {":read_owner": lock.owner})
    same_lease = Condition("#lease_until = :read_lease", {":read_lease": lock.lease_until})
    return same_fence & same_owner & same_lease


def is_at(fence: int) -> Condition:
    """The job is open, and nobody has claimed it since."""
    same_fence = Condition("#fence = :fence", {":fence": fence})
    return IS_OPEN & same_fence


# A worker that reports learns so that it shall stop.
NOT_CANCELLED = Condition("attribute_not_exists(#cancel_requested_at)")


def is_mine(claim: Claim) -> Condition:
    """The owner is my job, the holder is me, and nobody claimed after me."""
    my_job = Condition("#owner = :owner", {":owner": claim.job.job_id})
    my_place = Condition("#holder = :holder", {":holder": claim.holder})
    my_fence = Condition("#fence = :fence", {":fence": claim.fence})
    return my_job & my_place & my_fence


def is_no_later_plan(fence: int) -> Condition:
    """Parts that a worker planned and no job names were never there.
    Those of a later worker are, so a worker that froze before it wrote its own leaves them alone.
    """
    return Condition("attribute_not_exists(pk) OR #fence <= :plan_fence", {":plan_fence": fence})


def same_part(attempt: int) -> Condition:
    """Nobody has begun with the part since it was read: each who does raises its attempt."""
    return Condition("#attempt = :read_attempt", {":read_attempt": attempt})


def part_is_of(worker: str | None) -> Condition:
    """Nor has another worker of the same claim counted on to the same attempt. None:
    nobody has begun with the part since it was planned, or a worker from before they had names.
    """
    if worker is None:
        return Condition("attribute_not_exists(#worker)")
    return Condition("#worker = :worker", {":worker": worker})


def held_before(fence: int) -> Condition:
    """A job that was held later is not forgotten for one that was held before."""
    return Condition("attribute_not_exists(pk) OR #fence <= :held_fence", {":held_fence": fence})


def last_use_before(moment: float) -> Condition:
    """Of all processes that see a token's first request of the day, one notes it."""
    return Condition(
        "attribute_not_exists(#last_used_at) OR #last_used_at < :not_used_since",
        {":not_used_since": moment},
    )


def last_renewal_before(moment: float) -> Condition:
    """Of two that renew a token at once one goes on:
    the store of the tokens has no condition of its own.
    """
    return Condition(
        "attribute_not_exists(#renewing_at) OR #renewing_at < :not_renewed_since",
        {":not_renewed_since": moment},
    )


def same_source(version: int) -> Condition:
    """Nobody has written the source since it was read:
    each write raises its version, a deletion too. 0: there was none.
    """
    if not version:
        return ABSENT
    return Condition("#version = :read_version", {":read_version": version})


def same_schedule(turn: int) -> Condition:
    """Nobody has written the schedule since it was read: each write raises its turn. So of two
    sweepers that start what is due one does, and what was paused meanwhile is not started. 0: there
    was none.
    """
    if not turn:
        return ABSENT
    return Condition("#turn = :read_turn", {":read_turn": turn})


def same_notice(version: int) -> Condition:
    """Nobody has taken the notice, or noted what came of it, since it was read: each write raises
    its version. Of two that send at once one goes on, and what the other one noted is not undone.
    """
    return Condition("#version = :read_version", {":read_version": version})


def may_take_place() -> Condition:
    """Of a check, a line of a log, and the sweeper's pulse:
    whatever stood there is older, and nobody waits for it any more.
    """
    # Always true. Every write names a condition, and this one says that it has none.
    return Condition("attribute_not_exists(pk) OR attribute_exists(pk)")


def is_this_check(check_id: str) -> Condition:
    """No other one has taken its place."""
    return Condition("#check_id = :this_check", {":this_check": check_id})


def is_this_open_check(check_id: str, done: str) -> Condition:
    """As above; and a late word of a function that died changes nothing of a check that is done."""
    return Condition(
        "#check_id = :this_check AND #status <> :done", {":this_check": check_id, ":done": done}
    )


def same_ownership(old: Ownership | None) -> Condition:
    """Two workers of one table make one id; that of a copied table gives way to its own."""
    if old is None:
        return ABSENT
    return Condition("#id = :old_id", {":old_id": old.id})


def points_to(base: str | None) -> Condition:
    """The published snapshot is still the one that was merged into, so no import is overwritten."""
    if base is None:
        return ABSENT
    return Condition("#name = :base", {":base": base})
