"""The console in a real browser, on the real local stack:
what a person clicks, reads and downloads.
"""

from __future__ import annotations

import csv
import json
import re
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from support.console_stage import (
    BACKWARDS,
    FORMULA,
    GAP_FIELD,
    GAP_WELL,
    HOSTILE_FIELD,
    LONELY_FIELD,
    LONG_CODE,
    MARKUP,
    QUOTES,
    Bucket,
    ConsoleStage,
    GivenRows,
    SpoiltRows,
    Visit,
    start_stack,
)
from support.waiting import wait_until

from chalicelib.jobs.job import new_job
from local.aws.loopback import LoopbackHandler, LoopbackServer
from local.pictures.browser import find_browser
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.skipif(
    find_browser() is None,
    reason="there is no Chromium here: apt-get install chromium-headless-shell",
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[ConsoleStage]:
    with ExitStack() as exits:
        source = exits.enter_context(SampleSource(GivenRows(revision=0)))
        stack = exits.enter_context(start_stack(tmp_path_factory.mktemp("state"), source))
        yield ConsoleStage.prepared(stack, source, browser)


@pytest.fixture
def stage(shared: ConsoleStage) -> ConsoleStage:
    shared.calm()
    return shared


@pytest.fixture
def visit(stage: ConsoleStage) -> Iterator[Visit]:
    from playwright.sync_api import expect

    expect.set_options(timeout=45_000)
    visit = Visit(stage, is_tab=True)
    yield visit
    visit.page.evaluate("() => localStorage.clear()")  # the next tab is of the same browser
    visit.end()


@pytest.fixture
def own_visit(stage: ConsoleStage) -> Iterator[Visit]:
    """In a browser of its own, as far as its clock and its network are concerned."""
    visit = Visit(stage)
    yield visit
    visit.end()


NONE = "\N{EN DASH}"
EVERYTHING = re.compile("^Everything")
LOOK_MS = 6_000  # longer than the console waits between two looks


def seen(page: Page, selector: str, text: str) -> None:
    page.locator(selector).filter(has_text=text).first.wait_for()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def plotted(page: Page, name: str) -> None:
    """The page of this well: that of all wells, from which one comes, has a plot too.
    The code stands in its head until the name comes.
    """
    page.get_by_role("heading", level=1, name=name, exact=True).wait_for()
    page.locator(".plot svg").wait_for()


def gone(page: Page, selector: str) -> None:
    page.locator(selector).first.wait_for(state="hidden")


# --------------------------------------------------------------------------------------- the page of imports


def test_an_import_is_started_watched_and_its_result_shown(
    stage: ConsoleStage, visit: Visit
) -> None:
    page = visit.open()
    with stage.running():
        page.get_by_role("radio", name=EVERYTHING).check()
        press(page, "Start import")

        bar = page.get_by_role("progressbar")
        bar.wait_for()
        seen(page, ".phases [aria-current]", "Fetching")
        seen(page, "[data-figure=speed]", "rows/s")
        seen(page, "#said", "percent")
        seen(page, ".facts", "everything")
        [job], _ = stage.manager.history(limit=1)
        assert job.parameters == {"full": True}
        assert 0 < float(bar.get_attribute("value") or 0) <= 100

    seen(page, ".ended .badge", "Completed")
    ended = stage.ended(job.job_id)
    shown = page.locator(".outcomes dd").all_inner_texts()
    counts = [ended[f"{kind}_records"] for kind in ("new", "updated", "duplicate", "failed")]
    assert [text.split()[0] for text in shown] == [f"{count:,}" for count in counts]
    seen(page, "#said", "The import is completed.")


def test_a_second_start_names_the_running_import_and_follows_it(
    stage: ConsoleStage, visit: Visit
) -> None:
    page = visit.open()
    with stage.running():
        job_id = stage.trigger()
        press(page, "Start import")

        seen(page, "[role=alert]", job_id)
        press(page, "Follow it")
        page.locator(f".progress[data-job='{job_id}']").wait_for()
        gone(page, "[role=alert]")


def test_an_import_started_elsewhere_shows_by_itself_and_survives_a_reload(
    stage: ConsoleStage, own_visit: Visit
) -> None:
    own_visit.page.clock.install()
    page = own_visit.open()
    with stage.running():
        job_id = stage.trigger()
        page.clock.fast_forward(LOOK_MS)
        page.locator(f".progress[data-job='{job_id}']").wait_for()

        page.reload()
        page.locator(f".progress[data-job='{job_id}']").wait_for()
    page.locator(f".ended[data-job='{job_id}']").wait_for()


def test_an_import_is_stopped_and_goes_on_later(stage: ConsoleStage, visit: Visit) -> None:
    page = visit.open()
    with stage.running():
        press(page, "Start import")
        press(page, "Cancel import")
        page.get_by_role("dialog").get_by_role("button", name="Keep it running").click()
        gone(page, "dialog")
        press(page, "Cancel import")
        page.get_by_role("dialog").get_by_role("button", name="Cancel import").click()
        wait_until(lambda: is_told_to_stop(stage))

    seen(page, ".ended .badge", "Cancelled")
    [stopped], _ = stage.manager.history(limit=1)
    stage.source.latency = 0
    page.locator(".ended .primary").click()
    seen(page, ".ended .badge", "Completed")
    [newest], _ = stage.manager.history(limit=1)
    assert newest.retry_of == stopped.job_id


def is_told_to_stop(stage: ConsoleStage) -> bool:
    [job], _ = stage.manager.history(limit=1)
    return job.status.final or job.cancel_requested_at is not None


def test_a_failed_import_says_why_and_what_to_do_and_is_retried(
    stage: ConsoleStage, visit: Visit
) -> None:
    stage.source.faults.fail_page(2, status=403)
    page = visit.open()
    press(page, "Start import")

    seen(page, ".ended .badge", "Failed")
    [failed], _ = stage.manager.history(limit=1)
    assert failed.error
    seen(page, ".notice.bad .message", failed.error["message"])
    seen(page, ".notice.bad code", "SOURCE_FORBIDDEN")
    page.locator(".ended .primary").click()
    seen(page, ".ended .badge", "Completed")
    seen(page, ".recent", failed.error["message"])


def test_a_held_import_is_accepted_by_hand_and_published(stage: ConsoleStage, visit: Visit) -> None:
    stage.source.rows = SpoiltRows(revision=1)
    page = visit.open()
    page.get_by_role("radio", name=EVERYTHING).check()
    press(page, "Start import")
    seen(page, ".ended .badge", "Held")
    [held], _ = stage.manager.history(limit=1)
    before = stage.manager.current_snapshot()
    page.get_by_role("link", name="Findings, and what to do").click()
    seen(page, ".held td", "Rows were rejected")
    press(page, "Accept and publish …")
    page.get_by_role("checkbox").check()
    press(page, "Publish, and accept 1 finding")

    page.wait_for_url(lambda url: not url.endswith(held.job_id))
    seen(page, ".headline .badge", "Completed")
    [newest], _ = stage.manager.history(limit=1)
    assert (newest.retry_of, newest.accepted_by) == (held.job_id, held.triggered_by)
    assert stage.manager.current_snapshot() != before


def test_a_held_import_is_discarded_and_stays_in_the_list(
    stage: ConsoleStage, visit: Visit
) -> None:
    stage.ended(stage.trigger())  # what was accepted before is no limit any more
    stage.source.rows = SpoiltRows(revision=1)
    held = stage.ended(stage.trigger())
    page = visit.open(f"/jobs/{held['job_id']}")
    press(page, "Discard")
    press(page, "Discard the import")
    seen(page, ".held", "It was discarded")
    visit.go("/history")
    seen(page, "td.line", f"Held, and discarded by {held['triggered_by']}")


def test_a_lost_connection_is_told_and_comes_back_by_itself(
    stage: ConsoleStage, own_visit: Visit
) -> None:
    own_visit.page.clock.install()
    page = own_visit.open()
    own_visit.context.set_offline(True)
    page.clock.fast_forward(LOOK_MS)
    seen(page, "#connection", "The connection to the API is lost.")
    job_id = stage.trigger()

    own_visit.context.set_offline(False)
    gone(page, "#connection")
    page.locator(f"[data-job='{job_id}']").wait_for()


def test_nobody_is_asked_while_the_tab_is_hidden(stage: ConsoleStage, own_visit: Visit) -> None:
    own_visit.page.clock.install()
    page = own_visit.open()
    hide = """isHidden => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    page.clock.run_for(LOOK_MS)  # a look that was under way may end
    asked = len(own_visit.asked)
    page.clock.run_for(10 * LOOK_MS)
    assert len(own_visit.asked) == asked

    with page.expect_request("**/jobs?**"):
        page.evaluate(hide, False)


# --------------------------------------------------------------------------------------------- tokens


def test_the_token_leaves_the_address_and_stays_in_the_tab(
    stage: ConsoleStage, visit: Visit
) -> None:
    page = visit.open()

    assert "token" not in page.url
    assert all("token" not in url for url in visit.asked)
    kept = "() => [localStorage.length, document.cookie, sessionStorage.getItem('wellhead-token')]"
    assert page.evaluate(kept) == [0, "", stage.stack.token]
    press(page, "Sign out")
    page.get_by_role("heading", name="Sign in").wait_for()
    assert page.evaluate("() => sessionStorage.length") == 0


def test_without_a_token_there_is_a_form_and_a_wrong_one_is_told(
    stage: ConsoleStage, visit: Visit
) -> None:
    page = visit.page
    page.goto(stage.url)
    field = page.get_by_label("Token of the API")
    for wrong in ("nobodys", "with a space"):
        field.fill(wrong)
        press(page, "Sign in")
        page.get_by_role("alert").wait_for()
    assert page.get_by_role("navigation").count() == 0

    field.fill(f" {stage.stack.token} ")
    press(page, "Sign in")
    page.locator(".ended").wait_for()


def test_a_token_that_ends_asks_for_another_and_goes_on_where_one_was(
    stage: ConsoleStage, own_visit: Visit
) -> None:
    own_visit.page.clock.install()
    page = own_visit.open("/history")
    page.locator("tbody tr").first.wait_for()
    page.evaluate("() => sessionStorage.setItem('wellhead-token', 'ended')")
    page.clock.fast_forward(LOOK_MS)

    seen(page, "[role=alert]", "does not accept this token")
    page.get_by_label("Token of the API").fill(stage.stack.token)
    press(page, "Sign in")
    page.get_by_role("heading", name="History").wait_for()


STAY = "Stay signed in"
TAKE = "Use the token of the link"
KEPT = "() => sessionStorage.getItem('wellhead-token')"


def test_a_link_with_another_token_ends_no_session(stage: ConsoleStage, visit: Visit) -> None:
    """Whether it is followed within the console or comes from a page of another site."""
    page = visit.open("/history")
    for token in ("x", stage.reader, "%00", "a%20b", ""):
        page.goto(f"{stage.url}#token={token}")
        if token in ("x", stage.reader):
            press(page, STAY)
            gone(page, "dialog")
        page.wait_for_url(f"{stage.url}#/history")
        assert page.evaluate(KEPT) == stage.stack.token

    lure = type("Lure", (Lure,), {"to": f"{stage.url}#token=x"})
    elsewhere = LoopbackServer(lure).start()
    visit.known.append(elsewhere.url)
    page.goto(elsewhere.url)
    page.get_by_role("link").click()
    press(page, STAY)
    page.locator(".ended .badge").wait_for()
    page.wait_for_url(stage.url)
    assert page.evaluate(KEPT) == stage.stack.token
    elsewhere.stop()


def test_a_link_with_another_token_is_taken_when_that_is_wanted(
    stage: ConsoleStage, visit: Visit
) -> None:
    page = visit.open("/history")
    page.goto(f"{stage.url}#token={stage.reader}")
    press(page, TAKE)

    seen(page, "#role", "reader")
    page.wait_for_url(f"{stage.url}#/history")
    assert page.evaluate(KEPT) == stage.reader


def test_a_link_that_is_followed_before_a_page_has_opened_leads_back_to_that_page(
    stage: ConsoleStage, visit: Visit
) -> None:
    page = visit.open()
    at_once = "token => { location.hash = '/history'; location.hash = `token=${token}`; }"
    page.evaluate(at_once, stage.reader)
    page.get_by_role("heading", level=1, name="History").wait_for()
    press(page, STAY)

    page.wait_for_url(f"{stage.url}#/history")
    assert page.evaluate(KEPT) == stage.stack.token


class Lure(LoopbackHandler):
    """A page of another site, with one link."""

    to: ClassVar[str]

    def do_GET(self) -> None:  # noqa: N802  http.server's name
        page = f"<!doctype html><link rel=icon href=data:,><a href='{self.to}'>wells</a>".encode()
        self.answer(200, page, {"Content-Type": "text/html"})


def test_a_reader_looks_and_starts_nothing(stage: ConsoleStage, own_visit: Visit) -> None:
    own_visit.page.clock.install()
    page = own_visit.open(token=stage.reader)
    seen(page, ".start", "Your token has the role reader")
    with stage.running():
        job_id = stage.trigger()
        page.clock.fast_forward(LOOK_MS)
        page.locator(f".progress[data-job='{job_id}']").wait_for()
        assert page.get_by_role("button").all_inner_texts() == ["Sign out"]
        stage.manager.cancel(job_id)

    seen(page, ".ended .badge", "Cancelled")
    assert page.get_by_role("button").all_inner_texts() == ["Sign out"]


# --------------------------------------------------------------------------------------------- history


def test_the_history_is_filtered_and_paged(stage: ConsoleStage, visit: Visit) -> None:
    begin = time.time()
    for number in range(30):
        job = stage.manager.create(
            new_job(now=begin + number / 1000, triggered_by="ada", parameters={})
        )
        stage.manager.cancel(job.job_id)
    page = visit.open("/history")
    page.locator("tbody tr").nth(24).wait_for()
    page.get_by_role("link", name="Older").click()
    page.get_by_role("link", name="Newer").wait_for()
    seen(page, "tbody", "Completed")

    page.get_by_label("Status").select_option("COMPLETED")
    page.wait_for_url("**#/history?status=COMPLETED")
    gone(page, "tbody .badge:not(.completed)")  # with the page before this one
    seen(page, "tbody", "Completed")
    statuses = set(page.locator("tbody .badge").all_inner_texts())
    assert statuses == {"Completed"}


def test_a_job_has_its_time_line_and_its_rejected_rows(stage: ConsoleStage, visit: Visit) -> None:
    job = stage.ended(stage.trigger())
    page = visit.open(f"/jobs/{job['job_id']}")

    events = page.get_by_role("region", name="Time line, a table that scrolls").locator("tbody tr")
    events.first.wait_for()
    assert events.count() == len(job["events"])
    reasons = page.locator(".reasons details")
    reasons.first.wait_for()
    counted = sum(
        int(text.split()[0]) for text in page.locator(".reasons summary").all_inner_texts()
    )
    assert counted == job["failed_records"] > 0
    raw = page.locator(".reasons details[open] pre").first.inner_text()
    assert json.loads(raw)["field_name"]

    with page.expect_download() as downloaded:
        page.get_by_role("region", name="Rejected rows").get_by_role(
            "button", name="Download as CSV"
        ).click()
    lines = downloaded.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0] == "page,position,reason,detail,raw,rejected_at"
    assert len(lines) == 1 + job["failed_records"]


def test_a_job_shows_what_it_changed(stage: ConsoleStage, visit: Visit) -> None:
    """By field, row by row with the values before and after, and as CSV."""
    jobs, _ = stage.manager.history(limit=100)
    job = next(each for each in reversed(jobs) if each.updated_records)
    page = visit.open(f"/jobs/{job.job_id}")
    changes = page.get_by_role("region", name="What it changed")
    fields = changes.get_by_role("region", name="By field, a table that scrolls").locator(
        "tbody tr"
    )
    fields.first.wait_for()

    changes.get_by_label("Which changes").select_option("updated")
    rows = changes.get_by_role("region", name="Updated rows").locator("tbody tr")
    rows.first.wait_for()
    assert rows.count() == min(200, job.updated_records)
    assert "→" in rows.first.inner_text()

    with page.expect_download() as downloaded:
        changes.get_by_role("button", name="Download as CSV").click()
    lines = downloaded.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("change,source,field_code,")
    assert len(lines) == 1 + job.updated_records


# --------------------------------------------------------------------------------------------- data


def test_the_summary_says_what_is_published_and_where_the_file_is(
    stage: ConsoleStage, visit: Visit
) -> None:
    page = visit.open("/data")
    page.locator(".tiles").wait_for()
    snapshot = stage.manager.current_snapshot()
    assert snapshot

    seen(page, ".tiles", f"{snapshot.rows:,}")
    seen(page, ".facts code", snapshot.sha256)
    press(page, "Download the database")
    seen(page, ".notice", str(stage.stack.warehouse_path / snapshot.name))
    seen(page, ".readout", "Gas")
    page.get_by_label("All rows of").select_option("Wells")
    saved = {}
    for title in ("CSV", "Excel"):
        with page.expect_download() as downloaded:
            page.get_by_role("button", name=title, exact=True).click()
        saved[downloaded.value.suggested_filename] = downloaded.value.path().read_bytes()
    assert saved["wells.csv"].decode().startswith("\ufeffsource,field_code,field_name,well_code,")
    assert saved["wells.xlsx"].startswith(b"PK")


def test_a_file_in_a_bucket_is_downloaded_with_its_checksum_shown(
    stage: ConsoleStage, visit: Visit
) -> None:
    bucket = LoopbackServer(Bucket).start()
    signed = f"{bucket.url}/snapshots/wells-1.duckdb?signature=x"
    visit.known.append(bucket.url)
    export = {
        "url": signed,
        "name": "snapshots/wells-1.duckdb",
        "sha256": "c0ffee",
        "expires_at": 1_704_110_400.0,
    }
    answer = json.dumps({"success": True, "data": export, "timestamp": "2024-01-01T12:00:00Z"})
    visit.context.route(
        "**/wells/export", lambda route: route.fulfill(body=answer, content_type="application/json")
    )
    page = visit.open("/data")
    with page.expect_download() as downloaded:
        press(page, "Download the database")

    assert downloaded.value.suggested_filename == "wells-1.duckdb"
    assert downloaded.value.path().read_bytes() == b"the database"
    seen(page, ".notice", "c0ffee")
    seen(page, ".notice", "12:00:00 UTC")
    bucket.stop()


def test_a_well_is_found_and_its_production_plotted(stage: ConsoleStage, visit: Visit) -> None:
    page = visit.open("/data")
    page.get_by_label("Find a well").fill("gap wel")
    page.get_by_role("link", name="Gap Well").click()
    plotted(page, "Gap Well")

    assert page.title() == "Gap Well · Wellhead"
    rows = page.locator("tbody tr")
    assert rows.count() == 25
    assert rows.first.locator("td").all_inner_texts() == [
        "Jun 2024",
        "50.0",
        "80",
        "60",
        "70",
        NONE,
    ]
    assert rows.last.locator("td").nth(1).inner_text() == "55.5 was 50.0"
    seen(page, "section", "25 periods. 29 months are missing. 1 period revised")

    page.get_by_role("textbox", name="To").fill("2020-06-01")
    page.get_by_role("textbox", name="To").press("Enter")
    page.locator("tbody tr").nth(6).wait_for(state="detached")
    assert rows.count() == 6
    with page.expect_download() as downloaded:
        press(page, "Download as CSV")
    saved = list(csv.DictReader(downloaded.value.path().read_text("utf-8-sig").splitlines()))
    assert len(saved) == 6
    codes = {
        "field_code": str(GAP_FIELD),
        "well_code": str(GAP_WELL),
        "production_period": "2020-01-01",
    }
    rates = {
        "oil_production_kbd": "55.5",
        "gas_production_mmcfd": "80",
        "water_production_kbd": "70",
    }
    assert saved[0] | codes | rates == saved[0]


def test_a_list_whose_snapshot_is_gone_is_read_once_more(stage: ConsoleStage, visit: Visit) -> None:
    told = {
        "success": False,
        "error": {"code": "SNAPSHOT_GONE", "message": "Gone.", "retryable": False},
    }
    gone = []

    def cut(route: Route) -> None:
        """The first page has a cursor, whose snapshot is then gone."""
        answer = route.fetch().json()
        answer["data"] |= {"rows": answer["data"]["rows"][:3], "next_cursor": "x"}
        route.fulfill(json=answer)

    def refuse(route: Route) -> None:
        gone.append(route.request.url)
        route.fulfill(status=410, content_type="application/json", body=json.dumps(told))

    page = visit.open()
    page.route(re.compile(r"/wells\?(?!.*cursor)"), cut, times=1)
    page.route("**/wells?*cursor=x", refuse, times=1)
    visit.go("/data")
    seen(page, ".found .actions", "The first 3 wells.")
    press(page, "Show more")
    gone_list = page.locator(".found .actions").filter(has_text="The first 3 wells.")
    gone_list.wait_for(state="detached")
    assert page.locator(".found tbody tr").count() > 3

    page.route(re.compile(r"/wells/production\?(?!.*cursor)"), cut, times=1)
    page.route("**/wells/production?*cursor=x", refuse, times=1)
    visit.go(f"/wells/{GAP_FIELD}/{GAP_WELL}")
    page.locator(".plot svg").wait_for()
    assert page.locator("tbody tr").count() == 25
    assert len(gone) == 2


def test_a_gap_is_a_gap_in_the_plot(stage: ConsoleStage, visit: Visit) -> None:
    """2020 and 2022 are lines, of 2021 and of most of what follows there is none;
    a month alone is a dot.
    """
    page = visit.open(f"/wells/{GAP_FIELD}/{GAP_WELL}")
    page.locator(".plot svg").wait_for()
    in_2020, in_2022 = (0.0, 0.207), (0.452, 0.659)  # from January to December, of 53 months

    assert drawn(page, "line") == [
        pytest.approx(in_2020, abs=0.005),
        pytest.approx(in_2022, abs=0.005),
    ]
    assert drawn(page, "dot") == [pytest.approx((1.0, 1.0), abs=0.01)]

    page.get_by_label("Log scale").check()
    seen(page, "[role=status]", "no place on a log scale")
    assert len(drawn(page, "line")) == 2


def test_a_well_of_one_period_is_a_dot(stage: ConsoleStage, visit: Visit) -> None:
    page = visit.open(f"/wells/{LONELY_FIELD}/1")
    page.locator(".plot svg").wait_for()

    assert drawn(page, "dot") == [pytest.approx((0.5, 0.5), abs=0.01)]
    assert drawn(page, "line") == []
    assert page.locator("tbody tr").count() == 1


def drawn(page: Page, shape: str) -> list[tuple[float, float]]:
    """From where to where the runs of a shape of the first panel go, as shares of its width."""
    found: list[list[float]] = page.evaluate(
        """shape => {
            const xs = text => text.match(/[ML][-\\d.]+/g).map(each => Number(each.slice(1)));
            const panel = document.querySelector(".plot svg path[data-shape=grid]");
            const [left, right] = xs(panel.getAttribute("d"));
            const path = document.querySelector(`.plot svg path[data-shape=${shape}]`);
            if (!path) return [];
            return path.getAttribute("d").split(/(?=M)/).map(run => {
                const found = xs(run).map(x => (x - left) / (right - left));
                return [found[0], found.at(-1)];
            });
        }""",
        shape,
    )
    return [(run[0], run[1]) for run in found]


def test_the_plot_is_read_and_cut_with_the_keyboard_and_the_mouse(
    stage: ConsoleStage, visit: Visit
) -> None:
    page = visit.open(f"/wells/{GAP_FIELD}/{GAP_WELL}")
    plot = page.locator(".plot")
    page.locator(".plot svg").wait_for()
    plot.focus()
    plot.press("Home")
    seen(page, "#said", "Jan 2020, Oil 55.5 Mbbl/d, Gas 80 MMcf/d, Water 70 Mbbl/d")
    seen(page, ".readout", "was 50")
    plot.press("ArrowRight")
    seen(page, ".at", "Feb 2020")
    plot.press("End")
    plot.press("ArrowLeft")
    seen(page, ".at", "Dec 2022")  # what lies between has no rows

    plot.scroll_into_view_if_needed()
    area = plot.bounding_box()
    assert area
    y = area["y"] + 60
    page.mouse.move(area["x"] + 20, y)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.3, y, steps=4)
    page.mouse.up()
    page.locator("tbody tr").nth(12).wait_for(state="detached")
    assert page.locator("tbody tr").first.locator("td").first.inner_text() == "Dec 2020"

    oil = page.get_by_role("button", name="Oil", exact=True)
    oil.click()
    assert oil.get_attribute("aria-pressed") == "false"
    page.get_by_role("button", name="All", exact=True).click()
    page.locator("tbody tr").nth(24).wait_for()


def test_a_field_has_its_totals_and_its_wells(stage: ConsoleStage, visit: Visit) -> None:
    page = visit.open(f"/fields/{HOSTILE_FIELD}")
    page.locator(".plot svg").wait_for()
    totals = page.get_by_role(
        "region", name="All wells of the field, a table that scrolls"
    ).locator("tbody tr")

    assert totals.count() == 2
    assert totals.first.locator("td").all_inner_texts() == [
        "Feb 2023",
        "250",
        "400",
        "300",
        "350",
        "5",
    ]
    page.locator(".found tbody tr").nth(4).wait_for()


def test_names_of_the_source_are_text_whatever_they_say(stage: ConsoleStage, visit: Visit) -> None:
    page = visit.open(f"/fields/{HOSTILE_FIELD}")
    page.locator(".found tbody tr").nth(4).wait_for()
    assert page.get_by_role("heading", level=1).text_content() == MARKUP
    names = page.locator(".found td:first-child").all_text_contents()
    assert set(names) == {MARKUP, QUOTES, BACKWARDS, FORMULA, "Long Code"}
    assert page.locator("main script, main img, main b:text-is('B')").count() == 0

    for name in (MARKUP, QUOTES, BACKWARDS):
        page.goto(f"{stage.url}#/fields/{HOSTILE_FIELD}")
        page.locator(".found a").get_by_text(name, exact=True).first.click()
        plotted(page, name)
        assert page.title() == f"{name} · Wellhead"


def test_what_a_spreadsheet_would_run_is_made_harmless(stage: ConsoleStage, visit: Visit) -> None:
    page = visit.open(f"/wells/{HOSTILE_FIELD}/4")
    page.locator(".plot svg").wait_for()
    with page.expect_download() as downloaded:
        press(page, "Download as CSV")

    quoted = FORMULA.replace('"', '""')
    assert (
        downloaded.value.path().read_text("utf-8-sig").count(f'"\'{quoted}"') == 4
    )  # name and reference, twice


def test_a_code_beyond_53_bits_keeps_its_digits(stage: ConsoleStage, visit: Visit) -> None:
    page = visit.open(f"/data?search={LONG_CODE}")
    page.get_by_role("link", name="Long Code").click()
    plotted(page, "Long Code")

    assert page.url.partition("#")[2].partition("?")[0] == f"/wells/{HOSTILE_FIELD}/{LONG_CODE}"
    seen(page, ".facts", str(LONG_CODE))


# --------------------------------------------------------------------------------------------- SQL


def test_a_reader_asks_in_sql_by_the_keyboard_and_gets_a_table_and_csv(
    stage: ConsoleStage, visit: Visit
) -> None:
    page = visit.open("/sql", token=stage.reader)
    page.get_by_label("Begin with").select_option(label="Oil, gas and water by year")
    assert "GROUP BY ALL" in page.get_by_label("Statement").input_value()
    seen(page, "#explained", "thousand barrels")

    answer = page.get_by_role("region", name="Answer, a table that scrolls")
    statement = page.get_by_label("Statement")
    statement.fill(
        f"SELECT well_name AS a, count(*) AS a FROM wells WHERE field_code = '{HOSTILE_FIELD}' GROUP BY 1"
    )
    statement.press("Control+Enter")
    answer.get_by_text(FORMULA, exact=True).wait_for()
    assert answer.locator("thead th").all_inner_texts() == ["a", "a"]
    assert set(answer.locator("tbody td:first-child").all_text_contents()) == {
        *(MARKUP, QUOTES, BACKWARDS, FORMULA),
        "Long Code",
    }
    assert page.locator("main script, main img").count() == 0
    with page.expect_download() as downloaded:
        press(page, "Download as CSV")
    with downloaded.value.path().open(
        newline="", encoding="utf-8-sig"
    ) as file:  # Excel knows it by its mark
        lines = list(csv.reader(file))
    assert lines[0] == ["a", "a"]
    assert [f"'{FORMULA}", "1"] in lines
    assert complaints(page, []) == []

    page.reload()  # the address has the statement, which runs when somebody says so
    page.get_by_label("Statement").wait_for()
    assert "WHERE field_code" in page.get_by_label("Statement").input_value()
    assert answer.count() == 0

    page.get_by_label("Statement").fill("FROM read_text('/etc/passwd')")
    press(page, "Run")
    seen(page, "[role=alert]", "file system operations are disabled")
    page.get_by_label("Statement").fill("FROM range(2000)")
    press(page, "Run")
    seen(page, ".notice", "There are more: the first 1,000 rows came.")
    assert answer.locator("tbody tr").count() == 500


def test_where_there_is_no_sql_the_page_says_why(stage: ConsoleStage, visit: Visit) -> None:
    told = json.dumps(
        {
            "success": True,
            "data": {"off": "It is a lake.", "questions": []},
            "timestamp": "2024-01-01",
        }
    )
    visit.context.route(
        "**/wells/sql", lambda route: route.fulfill(body=told, content_type="application/json")
    )
    page = visit.open("/sql")

    seen(page, ".panel", "It is a lake.")
    assert page.get_by_label("Statement").count() == 0


# --------------------------------------------------------------------------------------------- everywhere


@pytest.mark.by_lot
@pytest.mark.parametrize(
    ("scheme", "width", "rules"),
    [
        ("light", 1280, []),
        ("dark", 1280, ["color-contrast"]),
        ("light", 360, ["scrollable-region-focusable"]),
    ],
    ids=["light", "dark", "narrow"],
)
def test_every_page_is_accessible_and_fits(
    stage: ConsoleStage, scheme: str, width: int, rules: list[str]
) -> None:
    """All of axe's rules once;
    where only the colours or the width differ, those that these can break.
    """
    visit = Visit(stage, color_scheme=scheme, viewport={"width": width, "height": 800})
    page = visit.open()
    [job], _ = stage.manager.history(limit=1)
    well = f"/wells/{GAP_FIELD}/{GAP_WELL}"
    ready = {
        "/imports": ".ended",
        "/history": "tbody tr",
        f"/jobs/{job.job_id}": "tbody tr",
        "/data": ".plot svg",
    }
    ready |= {
        "/sql": "#statement",
        "/sources": "tbody tr",
        f"/fields/{GAP_FIELD}?show=oil,cut,gor": ".plot svg",
    }
    for path, selector in (ready | {well: ".plot svg", "/nowhere": "h1"}).items():
        visit.go(path)
        page.locator(selector).first.wait_for()
        assert complaints(page, rules) == [], path
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width, path
    press(page, "Sign out")
    assert complaints(page, rules) == []
    visit.end()


def complaints(page: Page, rules: list[str]) -> list[Any]:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    chosen = {"runOnly": rules} if rules else {}
    found: list[Any] = (
        Axe().run(page, options={"resultTypes": ["violations"], **chosen}).response["violations"]
    )
    return found


def test_a_visit_that_ends_while_an_answer_is_on_its_way_troubles_no_later_one(
    stage: ConsoleStage,
) -> None:
    slow = LoopbackServer(Slow).start()

    def detour(route: Route) -> None:
        route.fulfill(response=route.fetch(url=slow.url))

    first = Visit(stage)
    first.context.route("**/slow", detour)
    page = first.open()
    with page.expect_request("**/slow"):
        page.evaluate("() => { fetch('slow'); }")
    first.end()

    second = Visit(stage)
    second.open().wait_for_timeout(1_000 * Slow.seconds)
    second.end()
    slow.stop()


class Slow(LoopbackHandler):
    seconds = 0.5

    def do_GET(self) -> None:  # noqa: N802  http.server's name
        time.sleep(self.seconds)
        self.answer(200, b"at last")


def test_it_works_under_the_prefix_of_a_stage(stage: ConsoleStage, visit: Visit) -> None:
    def without_prefix(route: Route) -> None:
        response = route.fetch(url=route.request.url.replace("/dev/", "/", 1))
        route.fulfill(response=response)

    visit.context.route("**/dev/**", without_prefix)
    page = visit.page
    page.goto(f"{stage.stack.api_url}/dev/console#token={stage.stack.token}")
    page.locator(".ended").wait_for()
    page.goto(f"{stage.stack.api_url}/dev/console#/data")
    page.locator(".plot svg").wait_for()

    assert all(url.startswith(f"{stage.stack.api_url}/dev/") for url in visit.asked)


def test_the_first_steps_go_by_keyboard_alone(stage: ConsoleStage, visit: Visit) -> None:
    page = visit.open()
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("radio", name=EVERYTHING).is_checked()
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Only a part of the source"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    seen(page, "#said", "The import")
