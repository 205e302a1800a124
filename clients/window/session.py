"""One connection of the window: what it knows of the server, and how it follows an import. No
widgets here.

Everything runs on the window's thread; answers come through Network. One chain of polls is alive at
a time:

    connected ──▶ idle: the history now and then ──a job runs──▶ following: its status every second ──ended──▶ idle
        └────────── no answer: lost, asks again with growing pauses ──answer──▶ where it was ──────────┘
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal, Protocol

from clients.api.connection import is_transient
from clients.api.errors import AlreadyRunning, AuthFailed, ClientError, NotFound, Unreachable
from clients.window import words
from clients.window.import_part import ALL, Part
from clients.window.notices import Notice, end_notice, sentence
from clients.window.worker import Lane, MakeClient, Network

if TYPE_CHECKING:
    from collections.abc import Callable

    from clients.api.answers import Job, Page, Source
    from clients.api.client import WellheadClient

Link = Literal["off", "connecting", "on", "lost"]
FOLLOW_SECONDS = 1.0  # a person watches; an unchanged status costs one small read and no body
IDLE_SECONDS = 5.0
LOST_SECONDS = (1.0, 2.0, 4.0, 8.0)
HISTORY = 50  # jobs


class Listener(Protocol):
    """Who shows the session. `published` says that other data than before may be there."""

    def show_state(self) -> None: ...

    def notify(self, notice: Notice) -> None: ...

    def forget_notice(self) -> None: ...

    def show_publication(self) -> None: ...


class Session:
    """`later` calls back on the window's thread after so many seconds. `failures` counts the polls
    in a row that had no answer, after the attempts of the client itself.
    """

    def __init__(
        self,
        listener: Listener,
        *,
        later: Callable[[float, Callable[[], None]], object],
        make_client: MakeClient,
        idle_seconds: float = IDLE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._listener = listener
        self._later = later
        self._make_client = make_client
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._network: Network | None = None
        self._chain = 0
        self.failures = 0
        self._heard = 0.0
        self.link: Link = "off"
        self.url = ""
        self.role: str | None = None
        self.job: Job | None = None
        self.jobs: tuple[Job, ...] = ()
        self.sources: tuple[str, ...] = ()
        self.is_starting = False

    # -- the connection ---------------------------------------------------------------------------------

    def connect(self, url: str, token: str) -> None:
        self.disconnect()
        try:
            network = Network(lambda: self._make_client(url, token, self._hear_trouble))
        except ClientError as exc:
            self.show_failure(exc)
            return
        self._network = network
        self.url = url
        self.link = "connecting"
        self.failures = 0
        self._listener.forget_notice()
        self._listener.show_state()
        self._poll_now()

    def disconnect(self) -> None:
        """A running import goes on without us."""
        if self._network:
            self._network.close()
        self._chain += 1
        self._network = None
        self.link = "off"
        self.role = None
        self.job = None
        self.jobs = ()
        self.sources = ()
        self.is_starting = False
        self._listener.show_state()

    def deliver(self) -> None:
        if self._network:
            self._network.deliver()

    def post(self, news: Callable[[], None]) -> None:
        """From a lane, in the middle of its work: call this on the window's thread."""
        if network := self._network:
            network.post(news)

    def ask(
        self,
        lane: Lane,
        ask: Callable[[WellheadClient], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Without a connection nothing happens. A failure that nobody takes is shown."""
        if self._network:
            self._network.ask(lane, ask, done, failed or self.show_failure)

    def _hear_trouble(self, error: ClientError, _seconds: float) -> None:
        """On a lane's thread: its client has no answer yet and tries again by itself."""
        if isinstance(error, Unreachable):
            self.post(lambda: self._lose(error))

    # -- what people ask for ----------------------------------------------------------------------------

    @property
    def may_act(self) -> bool:
        """Whether what starts and stops imports can be pressed;
        whoever has a reader's token may look.
        """
        if self.link != "on" or self.is_starting:
            return False
        return self.role != "reader"

    @property
    def is_following(self) -> bool:
        return self.job is not None and not self.job.final

    @property
    def seconds_of_silence(self) -> float:
        """Seconds since the server told something new of the job."""
        return self._clock() - self._heard

    def start(self, *, full: bool, source: str | None = None, part: Part = ALL) -> None:
        def trigger(client: WellheadClient) -> Job:
            return client.trigger(full=full, source=source, **part.parameters)

        self._begin(trigger)

    def retry(self, job_id: str) -> None:
        self._begin(lambda client: client.retry(job_id))

    def accept(self, job_id: str, findings: list[str]) -> None:
        self._begin(lambda client: client.accept(job_id, findings))

    def discard(self, job_id: str, shown: Callable[[Job], None]) -> None:
        """`shown` is given the job as it is then."""

        def take(job: Job) -> None:
            self._replace(job)
            shown(job)

        self.ask("jobs", lambda client: client.discard(job_id), take)

    def tell(self, notice: Notice) -> None:
        self._listener.notify(notice)

    def cancel(self) -> None:
        if self.job:
            job_id = self.job.job_id
            self.ask("jobs", lambda client: client.cancel(job_id), self._take)

    def follow(self, job_id: str) -> None:
        self.ask("jobs", lambda client: client.status(job_id), self._follow)

    def _begin(self, ask: Callable[[WellheadClient], Job]) -> None:
        self.is_starting = True
        self._listener.show_state()
        self.ask("jobs", ask, self._follow_new, self._show_refusal)

    def _follow_new(self, job: Job) -> None:
        self.is_starting = False
        self._listener.forget_notice()
        self.follow(job.job_id)

    def _show_refusal(self, failure: Exception) -> None:
        self.is_starting = False
        if isinstance(failure, AlreadyRunning):
            running = failure.job_id
            text = f"{failure.message} It is {words.short(running)}, started {words.moment(failure.started_at)}."
            self._listener.notify(
                Notice("warning", text, {"Follow it": lambda: self.follow(running)})
            )
        else:
            self.show_failure(failure)
        self._listener.show_state()

    def _follow(self, job: Job) -> None:
        if all(job.job_id != other.job_id for other in self.jobs):
            self.jobs = (job, *self.jobs)
        self._take(job)
        self._poll_later()

    # -- the chain of polls -----------------------------------------------------------------------------

    def _poll_now(self) -> None:
        self._chain += 1
        self._poll(self._chain)

    def _poll_later(self, seconds: float | None = None) -> None:
        usual = FOLLOW_SECONDS if self.is_following else self._idle_seconds
        self._chain += 1
        chain = self._chain
        if seconds is None:
            seconds = usual
        self._later(seconds, lambda: self._poll(chain))

    def _poll(self, chain: int) -> None:
        if chain != self._chain:
            return
        if self.job and self.is_following:
            job_id = self.job.job_id
            self._ask_in_chain(lambda client: client.status(job_id), self._take)
        else:
            self._ask_in_chain(lambda client: client.history(limit=HISTORY), self._take_history)

    def _ask_in_chain(
        self, ask: Callable[[WellheadClient], Any], take: Callable[[Any], None]
    ) -> None:
        chain = self._chain

        def on_answer(answer: tuple[Any, str | None]) -> None:
            if chain == self._chain:
                found, self.role = answer
                self._poll_later()
                self._take_answer()
                take(found)

        def on_failure(failure: Exception) -> None:
            if chain == self._chain:
                self._take_silence(failure)

        self.ask("jobs", lambda client: (ask(client), client.role), on_answer, on_failure)

    def _take_answer(self) -> None:
        was = self.link
        self.link = "on"
        self.failures = 0
        if was == "lost":
            self._listener.notify(Notice("good", "The connection is back."))
        if was != "on":
            self._listener.show_state()
            self._listener.show_publication()
            self.look_for_sources()

    def _take_silence(self, failure: Exception) -> None:
        """What has worked once is asked again, unless the server wants none of us."""
        if isinstance(failure, NotFound):
            self.job = None
            self._poll_later()
            self.show_failure(failure)
        elif isinstance(failure, AuthFailed) or (
            self.link == "connecting" and not _may_pass(failure)
        ):
            self.disconnect()
            self.show_failure(failure)
        else:
            self._lose(failure)
            self._poll_later(LOST_SECONDS[min(self.failures, len(LOST_SECONDS) - 1)])
            self.failures += 1

    def look_for_sources(self) -> None:
        """An older API has none, and whoever cannot see them imports the one that it takes."""

        def ask(client: WellheadClient) -> list[Source]:
            return client.sources()

        self.ask("data", ask, self._take_sources, lambda _failure: None)

    def _take_sources(self, sources: list[Source]) -> None:
        names = [source["name"] for source in sources]
        self.sources = tuple(names)
        self._listener.show_state()

    def _lose(self, failure: Exception) -> None:
        if self.link == "lost":
            return
        self.link = "lost"
        goes_on = " The import goes on without this window." if self.is_following else ""
        self._listener.notify(
            Notice("warning", f"{sentence(failure)}{goes_on} Asking again until it answers.")
        )
        self._listener.show_state()

    # -- what the server tells --------------------------------------------------------------------------

    def _take_history(self, page: Page[Job]) -> None:
        """Follow the job that runs; without one, show the last."""
        self.jobs = page.rows
        running = next((job for job in self.jobs if not job.final), None)
        last = next(iter(self.jobs), None)
        wanted = running or last
        shown_id = self.job.job_id if self.job else None
        if wanted and (running or wanted.job_id != shown_id):
            self.follow(wanted.job_id)
        self._listener.show_state()

    def _take(self, job: Job) -> None:
        known = self.job if self.job and self.job.job_id == job.job_id else None
        if job != known:
            self._heard = self._clock()
        self.job = job
        self._put(job)
        if known and not known.final and job.final:
            self._tell_end(job)
        self._listener.show_state()

    def _put(self, job: Job) -> None:
        """In the list, in place of what was known of it."""
        jobs = []
        for other in self.jobs:
            is_it = other.job_id == job.job_id
            jobs.append(job if is_it else other)
        self.jobs = tuple(jobs)

    def _replace(self, job: Job) -> None:
        """Of one that has ended, which need not be the one that is followed."""
        if self.job and self.job.job_id == job.job_id:
            self.job = job
        self._put(job)
        self._listener.show_state()

    def _tell_end(self, job: Job) -> None:
        notice = end_notice(job, lambda: self.retry(job.job_id))
        self._listener.notify(notice)
        if job.status == "COMPLETED":
            self._listener.show_publication()

    def show_failure(self, failure: Exception) -> None:
        notice = Notice("bad", sentence(failure))
        self._listener.notify(notice)


def _may_pass(failure: Exception) -> bool:
    return isinstance(failure, ClientError) and is_transient(failure)
