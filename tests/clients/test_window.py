"""The desktop window: driven by its widgets under Xvfb, against the whole local stack."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from support.held_rows import held
from support.stack import ask, trigger
from support.waiting import wait_until

from chalicelib.api.tokens import Role
from clients.api.findings import NOTHING
from clients.api.profiles import Profile, Profiles
from clients.api.words import PRODUCTS
from clients.window.app import Book, make_client
from clients.window.words import UNKNOWN
from local.pictures.xvfb import why_not
from local.source.production import GeneratedProduction
from local.source.server import SampleSource
from local.stack import LocalStack, Source
from local.tokens import TokenBook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.window_stage import Driver

ROOT = Path(__file__).parents[2]
ROWS, PAGE_SIZE = 2_000, 250
needs_tk = pytest.mark.skipif(
    importlib.util.find_spec("_tkinter") is None, reason="this Python has no tkinter"
)
needs_window = pytest.mark.skipif(bool(why_not()), reason=why_not())
FINAL = {"Completed", "Failed", "Cancelled"}
SLOW = 1.0  # seconds a page: a worker tells how far it is
RARELY = 60.0  # seconds from one look at the history to the next: longer than any of these tests


class Stage(NamedTuple):
    stack: LocalStack
    source: SampleSource
    display: str
    reader: str

    @property
    def token(self) -> str:
        return self.stack.token

    @property
    def url(self) -> str:
        return self.stack.api_url

    def newest(self) -> dict[str, Any]:
        _, answer = ask(self.stack.state, "/api/v1/wells/import/jobs?limit=1")
        job: dict[str, Any] = answer["data"]["jobs"][0]
        return job

    def is_told_to_stop(self) -> bool:
        job = self.newest()
        return bool(job["cancel_requested_at"] or job["completed_at"])

    def settle(self) -> dict[str, Any]:
        """The newest job at its end."""
        job: dict[str, Any] = wait_until(lambda: (job := self.newest())["completed_at"] and job)
        return job


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, display: str) -> Iterator[Stage]:
    state = tmp_path_factory.mktemp("tk")
    reader = TokenBook(state).make("eve", Role.READER)
    environment = {
        **os.environ,
        "WELLHEAD_PAGE_SIZE": str(PAGE_SIZE),
        "WELLHEAD_CHECKPOINT_SECONDS": "1",
    }
    with (
        SampleSource(GeneratedProduction(ROWS), max_page_size=PAGE_SIZE) as source,
        LocalStack(
            source=Source(url=source.url), state=state, port=0, user_environment=environment
        ) as stack,
    ):
        trigger(stack.state)
        stage = Stage(stack, source, display, reader)
        stage.settle()
        yield stage


@pytest.fixture
def stage(running: Stage) -> Iterator[Stage]:
    """A source that answers at once and lets everybody in; no import runs."""
    running.source.latency, running.source.credentials = 0, None
    yield running
    running.source.latency, running.source.credentials = 0, None
    running.settle()


@contextmanager
def connected(stage: Stage, url: str = "", **options: Any) -> Iterator[Driver]:
    from support.window_stage import open_window

    with open_window(stage.display, **options) as driver:
        driver.connect(url or stage.url, stage.token)
        driver.wait(lambda: driver.link == "Connected" and driver.status in FINAL)
        assert driver.window.imports.winfo_ismapped()
        yield driver


@needs_window
def test_an_import_is_seen_from_its_start_to_its_end(stage: Stage) -> None:
    stage.source.latency = SLOW
    with connected(stage) as driver:
        page = driver.window.imports
        before = len(driver.history())
        page.scopes["full"].invoke()
        with held(stage.source):
            driver.press(page.start)
            assert page.start.instate(["disabled"])
            driver.wait(lambda: driver.status == "Running")
            driver.wait(lambda: driver.percent not in {UNKNOWN, "0 %"})
            assert 0 < int(driver.percent.removesuffix(" %")) < 90
            assert 0 < page.progress.meter.cget("value") < 90
            assert driver.figures["New"] == NOTHING
        stage.source.latency = 0
        driver.wait(lambda: driver.status in FINAL)
        job = stage.settle()

        assert job["status"] == "COMPLETED"
        assert job["parameters"] == {"full": True}
        assert driver.status == "Completed"
        assert driver.percent == "100 %"
        assert driver.notice.startswith(f"The import is complete: {ROWS:,} rows, 0 of them new")
        assert driver.window.banner.notice
        assert driver.window.banner.notice.rings
        outcome = {
            "New": "new",
            "Updated": "updated",
            "Duplicate": "duplicate",
            "Rejected": "failed",
        }
        assert {name: driver.figures[name] for name in outcome} == {
            name: f"{job[f'{column}_records']:,}" for name, column in outcome.items()
        }
        assert driver.figures["Time left"] == NOTHING
        assert len(driver.history()) == before + 1
        assert driver.history()[0][0] == "Completed"
        assert "publishing" in driver.details
        assert not page.start.instate(["disabled"])


@needs_window
def test_of_several_sources_the_one_that_is_chosen_is_imported(stage: Stage) -> None:
    """Its import fails:
    rows of a second source would stay in the store, for the tests that come after.
    """
    definition = {"kind": "odata", "url": f"{stage.source.url}OfNobody"}
    with make_client(stage.url, stage.token, lambda *_: None) as client:
        client.put_source("gulf", definition)
        try:
            with connected(stage) as driver:
                page = driver.window.imports
                driver.wait(page.source.winfo_ismapped)
                assert page.source.cget("values") == ("default", "gulf")
                page.source.set("gulf")
                driver.press(page.start)
                driver.wait(lambda: driver.history()[0][7] == "gulf")
                driver.wait(lambda: driver.status in FINAL)
                assert stage.settle()["source"] == "gulf"
                assert "source gulf" in str(page.progress.origin.cget("text"))
        finally:
            stage.settle()
            client.delete_source("gulf")


@needs_window
def test_with_one_source_there_is_nothing_to_choose(stage: Stage) -> None:
    with connected(stage) as driver:
        driver.wait(lambda: driver.window.session.sources == ("default",))
        assert not driver.window.imports.source.winfo_ismapped()


@needs_window
def test_a_second_start_names_the_running_import_and_follows_it(stage: Stage) -> None:
    with connected(stage, idle_seconds=RARELY) as driver:
        with held(stage.source):
            job_id = trigger(stage.stack.state)
            driver.press(driver.window.imports.start)
            driver.wait(lambda: "already running" in driver.notice)
            assert job_id[-8:] in driver.notice
            assert driver.status in FINAL

            driver.press_in_banner("Follow it")
            driver.wait(lambda: driver.status in {"Pending", "Running"})
        driver.wait(lambda: driver.status == "Completed")

        assert job_id in driver.details


@needs_window
def test_a_failed_import_says_why_and_can_be_retried(stage: Stage) -> None:
    stage.source.credentials = ("somebody", "else")
    with connected(stage) as driver:
        driver.press(driver.window.imports.start)
        driver.wait(lambda: driver.notice.startswith("The import failed."))
        job = stage.settle()

        assert job["error"]["message"] in driver.notice
        assert driver.status == "Failed"
        assert "SOURCE_UNAUTHORIZED" in driver.details
        assert "Mend the cause first." in driver.details
        assert driver.history()[0][-1] == "SOURCE_UNAUTHORIZED"

        stage.source.credentials = None
        driver.press_in_banner("Retry")
        driver.wait(lambda: driver.status == "Completed")
        assert f"Goes on from …{job['job_id'][-8:]}" in driver.details


@needs_window
def test_a_lost_connection_is_told_and_comes_back_by_itself(stage: Stage) -> None:
    from support.window_stage import Relay

    relay = Relay(stage.url)
    with connected(stage, relay.url) as driver:
        with held(stage.source):
            driver.press(driver.window.imports.start)
            driver.wait(lambda: driver.status == "Running")
            relay.cut()
        driver.wait(lambda: driver.link == "No answer")
        driver.wait(lambda: driver.window.session.failures)
        assert "The import goes on without this window." in driver.notice
        assert driver.window.imports.start.instate(["disabled"])

        relay.mend()
        driver.wait(lambda: driver.link == "Connected")
        driver.wait(lambda: driver.status == "Completed")
        relay.cut()


@needs_window
def test_the_window_lives_while_the_server_is_silent(stage: Stage) -> None:
    from support.window_stage import Relay

    relay = Relay(stage.url)
    with connected(stage, relay.url, idle_seconds=RARELY) as driver:
        relay.is_passing.clear()
        driver.press(driver.window.imports.start)
        drawn: list[int] = []
        driver.window.root.after(50, lambda: drawn.append(1))
        driver.wait(lambda: drawn)
        driver.window.open_page("Wells")
        assert driver.window.imports.start.instate(["disabled"])

        relay.is_passing.set()
        driver.wait(lambda: driver.status in {"Pending", "Running"})
        driver.wait(lambda: driver.status == "Completed")
        relay.cut()


@needs_window
def test_an_import_is_cancelled(stage: Stage) -> None:
    with connected(stage) as driver:
        with held(stage.source):
            driver.press(driver.window.imports.start)
            driver.wait(lambda: driver.status == "Running")
            driver.press(driver.window.imports.progress.cancel)
            driver.wait(stage.is_told_to_stop)
        driver.wait(lambda: driver.status == "Cancelled")

        assert stage.settle()["status"] == "CANCELLED"
        assert driver.notice == "The import was cancelled. What is published is as it was."
        assert "Retry" in driver.window.banner.buttons


@needs_window
def test_closing_midway_says_that_the_import_goes_on_and_the_next_window_follows_it(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    from support.window_stage import open_window

    with ExitStack() as holding:
        holding.enter_context(held(stage.source))
        with connected(stage) as driver:
            close = driver.window.root.protocol("WM_DELETE_WINDOW")
            driver.press(driver.window.imports.start)
            driver.wait(lambda: driver.status == "Running")
            job_id = stage.newest()["job_id"]

            driver.window.root.tk.call(close)
            assert driver.is_open()
            assert driver.notice.startswith("The import goes on without this window.")
            driver.press_in_banner("Close")
            assert not driver.is_open()
        assert f"The import {job_id} goes on." in capsys.readouterr().err

        with open_window(stage.display) as driver:
            driver.connect(stage.url, stage.token)
            driver.wait(lambda: driver.status == "Running")
            assert job_id in driver.details
            holding.close()
            driver.wait(lambda: driver.status == "Completed")


@needs_window
def test_an_import_that_somebody_else_starts_is_found(stage: Stage) -> None:
    with connected(stage, idle_seconds=0.2) as driver:
        job_id = trigger(stage.stack.state)
        driver.wait(lambda: driver.history() and job_id in driver.details)
        driver.wait(lambda: driver.notice.startswith("The import is complete"))


@needs_window
def test_an_earlier_import_is_shown_with_its_time_line(stage: Stage) -> None:
    trigger(stage.stack.state)
    stage.settle()
    with connected(stage) as driver:
        tree = driver.window.imports.history.listing.tree
        first = tree.get_children()[-1]
        tree.selection_set(first)
        driver.wait(lambda: first in driver.details and "Time line" in driver.details)

        assert "created by laptop" in driver.details
        assert "claimed attempt 1" in driver.details


@needs_window
def test_a_well_is_found_and_its_production_drawn(stage: Stage) -> None:
    _, answer = ask(stage.stack.state, "/api/v1/wells?limit=500")
    wells = answer["data"]["rows"]
    well = max(wells, key=lambda each: each["periods"])
    path = f"/api/v1/wells/production?well_code={well['well_code']}&field_code={well['field_code']}&limit=4000"
    rows = ask(stage.stack.state, path)[1]["data"]["rows"]
    with connected(stage) as driver:
        page = driver.window.wells
        driver.window.open_page("Wells")
        driver.wait(page.listing.tree.get_children)
        page.search.set(str(well["well_code"]))
        driver.wait(lambda: page.found.cget("text") == "1 well")
        page.listing.tree.selection_set(page.listing.tree.get_children()[0])
        driver.wait(lambda: page.plot.periods)

        assert [period.day.isoformat() for period in page.plot.periods] == [
            row["production_period"] for row in rows
        ]
        assert page.title.cget("text") == well["well_name"]
        assert len(page.plot.find_withtag("data")) >= 4
        last = page.plot.readout["oil_production_kbd"]
        page.plot.event_generate("<Motion>", x=0, y=10)
        driver.wait(lambda: page.plot.readout["oil_production_kbd"] != last)
        assert page.plot.readout["oil_production_kbd"].startswith(
            page.plot.periods[0].day.strftime("%b %Y")
        )
        linear = [page.plot.coords(item) for item in page.plot.find_withtag("area")]
        page.volumes.invoke()
        first = rows[0]["oil_production_kbd"] * page.plot.periods[0].days
        assert page.plot.values(PRODUCTS[0])[0] == pytest.approx(first)
        page.volumes.invoke()
        page.log.invoke()
        assert [page.plot.coords(item) for item in page.plot.find_withtag("area")] != linear

        page.search.set("no such well")
        driver.wait(lambda: page.found.cget("text") == "No well is like that.")


@needs_window
def test_the_database_is_downloaded_and_its_folder_opened(stage: Stage, tmp_path: Path) -> None:
    published = ask(stage.stack.state, "/api/v1/wells/production/summary")[1]["data"]
    with connected(stage) as driver:
        page = driver.window.database
        driver.window.open_page("Database")
        driver.wait(lambda: published["snapshot"]["sha256"] in page.digest.cget("text"))
        assert page.tiles["Rows"].text == f"{published['rows']:,}"
        page.path.set(str(tmp_path / "copy.duckdb"))
        driver.press(page.button)
        driver.wait(lambda: page.saved)

        digest = hashlib.sha256((tmp_path / "copy.duckdb").read_bytes()).hexdigest()
        assert digest == published["snapshot"]["sha256"]
        driver.press(page.folder)
        assert driver.opened == [tmp_path]

        page.path.set(str(tmp_path / "no such directory" / "copy.duckdb"))
        driver.press(page.button)
        driver.wait(lambda: page.result.cget("text") == "Nothing was saved.")
        assert "could not be written" in driver.notice
        assert page.folder.instate(["disabled"])


@needs_window
def test_a_wrong_token_and_a_wrong_address_are_told(stage: Stage) -> None:
    from support.window_stage import open_window

    with open_window(stage.display) as driver:
        driver.connect(stage.url, "nobodys-token")
        driver.wait(lambda: driver.notice and driver.link == "Not connected")
        assert driver.notice.startswith("The API does not know this token")
        assert driver.window.imports.start.instate(["disabled"])
        assert driver.remembered == []

        driver.connect("ftp://127.0.0.1", stage.token)
        assert driver.notice.startswith("That is no address of Wellhead.")

        driver.connect(f"{stage.url}/", stage.token)
        driver.wait(lambda: driver.link == "Connected")
        assert driver.remembered == [(stage.url, stage.token)]
        driver.window.connection.url.set("https://elsewhere.example.com")
        assert driver.window.connection.token.get() == ""


@needs_window
def test_the_program_opens_the_window_and_ends_with_ctrl_c(stage: Stage, tmp_path: Path) -> None:
    from support.window_stage import Relay

    relay = Relay(stage.url)
    known = {
        "WELLHEAD_URL": relay.url,
        "WELLHEAD_TOKEN": stage.token,
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    with held(stage.source):
        job_id = trigger(stage.stack.state)
        with subprocess.Popen(
            [sys.executable, "-m", "clients.cli.main", "gui"],
            cwd=ROOT,
            env={**os.environ, **known, "DISPLAY": stage.display},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as program:
            wait_until(lambda: [path for path in relay.passed if path.endswith(job_id)][1:])
            program.send_signal(signal.SIGINT)
            output, errors = program.communicate(timeout=60)
    relay.cut()

    assert program.returncode == 0
    assert output == ""
    assert errors == f"The import {job_id} goes on. See it with: wellhead status {job_id}\n"


@needs_window
def test_a_reader_sees_everything_and_starts_nothing(stage: Stage) -> None:
    from support.window_stage import open_window

    with open_window(stage.display) as driver:
        driver.connect(stage.url, stage.reader)
        driver.wait(lambda: driver.link == "Connected" and driver.status in FINAL)

        assert "Role: reader" in driver.window.server.cget("text")
        assert driver.window.imports.start.instate(["disabled"])


@needs_window
def test_both_looks_and_the_keyboard(stage: Stage) -> None:
    with connected(stage) as driver:
        window = driver.window
        for page in window.pages:
            window.open_page(page)
            window.dark.invoke()
            window.root.update()
        window.open_page("Import")
        window.imports.start.focus_force()
        window.root.update()
        window.imports.start.event_generate("<space>")
        driver.wait(lambda: driver.status in {"Pending", "Running"})
        driver.wait(lambda: driver.status == "Completed")


def test_an_address_is_kept_among_the_profiles_of_the_command_line(tmp_path: Path) -> None:
    profiles = Profiles(tmp_path / "profiles.json", warn=pytest.fail)
    book = Book(profiles, "desk")

    book.remember("https://wells.example.com", "secret")
    before = profiles.path.stat()
    book.remember("https://wells.example.com", "secret")

    assert profiles.read() == ({"desk": Profile("https://wells.example.com", "secret")}, "desk")
    assert profiles.path.stat() == before
    assert before.st_mode & 0o077 == 0


WITHOUT_TKINTER = (
    "import sys; sys.modules['tkinter'] = None; from clients.cli.main import main; sys.exit(main())"
)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        pytest.param(WITHOUT_TKINTER, "apt install python3-tk", id="no Tk"),
        pytest.param(
            WITHOUT_TKINTER.replace("sys.modules['tkinter'] = None; ", ""),
            "display",
            id="no display",
            marks=needs_tk,
        ),
    ],
)
def test_without_tk_or_a_display_it_says_what_to_do(tmp_path: Path, code: str, advice: str) -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DISPLAY", "WAYLAND_DISPLAY"}
    }
    done = subprocess.run(
        [sys.executable, "-c", code, "--url", "http://127.0.0.1:9", "gui"],
        cwd=ROOT,
        env={**environment, "XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert advice in done.stderr
    assert "http://127.0.0.1:9/console" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
