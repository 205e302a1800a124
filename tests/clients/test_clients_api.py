"""The client of the API:
against the real app, and against a server that answers what it is told to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.api_answers import CONTENT, JOB_ID, export_of, failure, job, success
from support.api_client import OPERATOR, READER
from support.scripted_source import Answer, SkippedTime

from clients.api.client import LOST_SECONDS, WellheadClient, every
from clients.api.connection import BACKOFF, MOST_PAUSE_SECONDS, checked_url
from clients.api.download import download
from clients.api.errors import (
    AlreadyRunning,
    ApiError,
    AuthFailed,
    ClientError,
    DownloadDamaged,
    DownloadFailed,
    InvalidAddress,
    NotFound,
    NotWellhead,
    RuleViolated,
    SnapshotGone,
    TimedOut,
    Unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.api_client import Api
    from support.scripted_source import ScriptedHandler, Serve, Step

    from clients.api.answers import Job

    Connected = Callable[..., WellheadClient]


@pytest.fixture
def slept() -> SkippedTime:
    return SkippedTime()


@pytest.fixture
def connected(slept: SkippedTime) -> Iterator[Callable[..., WellheadClient]]:
    """Makes clients whose pauses take no time."""
    made: list[WellheadClient] = []

    def connect(url: str, token: str | None = "secret", **options: Any) -> WellheadClient:
        made.append(WellheadClient(url, token, pause=slept.sleep, clock=slept.clock, **options))
        return made[-1]

    yield connect
    for client in made:
        client.close()


def break_off(handler: ScriptedHandler) -> None:
    """Not a byte of an answer."""
    handler.close_connection = True


# -- the real app -------------------------------------------------------------------------------------------


def test_the_life_of_a_job(api: Api, connected: Connected) -> None:
    client = connected(f"http://127.0.0.1:{api.port}", OPERATOR)

    started = client.trigger(full=True)
    with pytest.raises(AlreadyRunning) as refused:
        client.trigger()
    assert (refused.value.job_id, refused.value.started_at) == (started.job_id, started.created_at)
    assert (refused.value.code, refused.value.rule) == (
        "BUSINESS_RULE_VIOLATION",
        "SINGLE_IMPORT_RULE",
    )
    assert (refused.value.status, refused.value.retryable) == (409, True)
    assert refused.value.request_id

    followed = client.follow(started.job_id)
    assert next(followed).status == "PENDING"
    cancelled = client.cancel(started.job_id)
    assert [view.status for view in followed] == ["CANCELLED"]
    assert (cancelled.status, cancelled.parameters, cancelled.triggered_by) == (
        "CANCELLED",
        {"full": True},
        "ada",
    )
    assert [event["event"] for event in cancelled.events] == ["created", "cancelled"]
    with pytest.raises(RuleViolated, match="ended"):
        client.cancel(started.job_id)

    again = client.retry(started.job_id)
    assert client.status(again.job_id).retry_of == started.job_id
    page = client.history(limit=1)
    assert [known.job_id for known in page.rows] == [again.job_id]
    assert [
        known.job_id for known in every(lambda cursor: client.history(limit=1, cursor=cursor))
    ] == [
        again.job_id,
        started.job_id,
    ]
    assert client.history(status="COMPLETED").rows == ()
    assert client.role == "operator"


def test_a_key_is_answered_with_the_job_that_it_made(api: Api, connected: Connected) -> None:
    client = connected(f"http://127.0.0.1:{api.port}", OPERATOR)

    assert client.trigger(key="nightly").job_id == client.trigger(key="nightly").job_id


def test_whom_the_api_refuses(api: Api, connected: Connected) -> None:
    for token, code in [
        (None, "UNAUTHORIZED"),
        ("nobody", "UNAUTHORIZED"),
        (READER, "ROLE_REQUIRED"),
    ]:
        with pytest.raises(AuthFailed) as refused:
            connected(f"http://127.0.0.1:{api.port}", token).trigger()
        assert refused.value.code == code


def test_what_is_no_job(api: Api, connected: Connected) -> None:
    client = connected(f"http://127.0.0.1:{api.port}", OPERATOR)

    for job_id in ("nope", "a/b", "..", "", "?", "%2e%2e"):
        with pytest.raises(ApiError) as refused:
            client.status(job_id)
        assert refused.value.code in ("INVALID_JOB_ID", "ROUTE_NOT_FOUND")
    with pytest.raises(NotFound, match="no job with this id"):
        client.status(JOB_ID)


def test_an_unhealthy_api_says_what_does_not_answer(api: Api, connected: Connected) -> None:
    with pytest.raises(ApiError) as told:
        connected(f"http://127.0.0.1:{api.port}", None).health()

    assert (told.value.code, told.value.details["checks"]["table"]) == ("UNHEALTHY", "ok")


# -- what is sent, and sent again ---------------------------------------------------------------------------


def test_a_trigger_without_an_answer_is_sent_again_with_the_same_key(
    serve: Serve, connected: Connected, slept: SkippedTime
) -> None:
    server = serve(
        break_off,
        failure(503, "STATE_UNAVAILABLE", headers={"Retry-After": "5"}),
        success(job("PENDING")),
    )

    assert connected(server.root).trigger().job_id == JOB_ID

    assert [asked.method for asked in server.asked] == ["POST"] * 3
    assert len({asked.headers["idempotency-key"] for asked in server.asked}) == 1
    assert 0.5 <= slept.slept[0] <= 1.0
    assert slept.slept[1:] == [5.0]


def test_two_triggers_have_two_keys(serve: Serve, connected: Connected) -> None:
    server = serve(success(job("PENDING")))
    client = connected(server.root)

    client.trigger()
    client.trigger()

    assert len({asked.headers["idempotency-key"] for asked in server.asked}) == 2


def test_a_cancel_is_sent_once(serve: Serve, connected: Connected) -> None:
    server = serve(break_off)

    with pytest.raises(Unreachable):
        connected(server.root).cancel(JOB_ID)

    assert len(server.asked) == 1


def test_a_question_is_given_up_after_the_third_attempt(serve: Serve, connected: Connected) -> None:
    told: list[tuple[str, float]] = []
    server = serve(Answer(b"<html>Bad gateway</html>", 502, {"Content-Type": "text/html"}))

    with pytest.raises(ApiError) as failed:
        connected(
            server.root, on_retry=lambda error, seconds: told.append((error.code, seconds))
        ).summary()

    assert (failed.value.code, failed.value.retryable, len(server.asked)) == ("HTTP_502", True, 3)
    first, second = (seconds for code, seconds in told if code == "HTTP_502")
    assert 0.5 <= first <= 1.0 <= second <= 2.0


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "NO_DATA_YET"), (409, "REJECTS_NOT_YET"), (500, "INTERNAL_ERROR"), (400, "X")],
)
def test_what_a_moment_does_not_cure_is_asked_once(
    serve: Serve, connected: Connected, status: int, code: str
) -> None:
    server = serve(failure(status, code, retryable=True))

    with pytest.raises(ApiError) as refused:
        connected(server.root).summary()

    assert (refused.value.code, refused.value.retryable, len(server.asked)) == (code, True, 1)


def test_a_pause_is_never_longer_than_half_a_minute(
    serve: Serve, connected: Connected, slept: SkippedTime
) -> None:
    server = serve(failure(503, "X", headers={"Retry-After": "999999"}), success({"rows": 0}))

    connected(server.root).summary()

    assert slept.slept == [MOST_PAUSE_SECONDS]


# -- following ----------------------------------------------------------------------------------------------


def test_an_import_is_followed_as_often_as_the_api_asks_for(
    serve: Serve, connected: Connected, slept: SkippedTime
) -> None:
    unchanged = Answer(status=304, headers={"ETag": '"1"', "Retry-After": "7"})
    server = serve(
        success(job(fetched_records=5), ETag='"1"', Retry_After="3"),
        unchanged,
        success(job(), ETag='"2"'),
        success(job("COMPLETED", new_records=9), ETag='"3"'),
    )
    seen: list[Job] = []

    last = connected(server.root).wait(JOB_ID, seen.append)

    assert [view.status for view in seen] == ["RUNNING", "RUNNING", "RUNNING", "COMPLETED"]
    assert [view.fetched_records for view in seen] == [5, 5, 0, 0]
    assert (last.final, last.new_records) == (True, 9)
    assert slept.slept == [3.0, 7.0, 1.0]
    assert [asked.headers.get("if-none-match") for asked in server.asked] == [
        None,
        '"1"',
        '"1"',
        '"2"',
    ]


def test_the_tag_of_one_job_is_not_sent_for_another(serve: Serve, connected: Connected) -> None:
    server = serve(success(job(), ETag='"1"'))
    client = connected(server.root)

    client.status(JOB_ID)
    client.status("another")

    assert "if-none-match" not in server.asked[1].headers


def test_an_import_is_followed_through_a_break(serve: Serve, connected: Connected) -> None:
    told: list[tuple[str, float]] = []
    broken: list[Step] = [break_off] * 5
    server = serve(
        success(job()), *broken, failure(503, "STATE_UNAVAILABLE"), success(job("COMPLETED"))
    )

    last = connected(
        server.root, on_retry=lambda error, seconds: told.append((error.code, seconds))
    ).wait(JOB_ID)

    assert last.status == "COMPLETED"
    assert [code for code, _ in told] == ["UNREACHABLE"] * 5 + ["STATE_UNAVAILABLE"]
    for (_, seconds), most in zip(told, (1, 2, 4, 8, 10, 10), strict=True):
        assert most / 2 <= seconds <= most


def test_a_break_of_more_than_a_minute_ends_the_following(
    serve: Serve, connected: Connected, slept: SkippedTime
) -> None:
    server = serve(success(job()), break_off)

    with pytest.raises(Unreachable):
        connected(server.root).wait(JOB_ID)

    assert LOST_SECONDS <= sum(slept.slept) < LOST_SECONDS + BACKOFF.longest


def test_a_refusal_ends_the_following(serve: Serve, connected: Connected) -> None:
    server = serve(success(job()), failure(401, "UNAUTHORIZED"))

    with pytest.raises(AuthFailed):
        connected(server.root).wait(JOB_ID)


def test_whoever_waits_too_long_is_told_which_import_goes_on(
    serve: Serve, connected: Connected, slept: SkippedTime
) -> None:
    server = serve(success(job(), Retry_After="30"))

    with pytest.raises(TimedOut) as late:
        connected(server.root).wait(JOB_ID, timeout=40)

    assert late.value.details == {"job_id": JOB_ID}
    assert slept.slept[0] == 30
    assert 39 < sum(slept.slept) <= 40.1


# -- answers that are none ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"<html>Welcome</html>", headers={"Content-Type": "text/html"}),
        Answer(b"not found", 404, {"Content-Type": "text/plain"}),
        Answer(b"[]"),
        Answer(b'{"success": true}'),
        success(None),
        success({"rows": []}),
        success([]),
        Answer(b"\xff\xfe", 200),
    ],
)
def test_what_is_no_answer_of_wellhead(serve: Serve, connected: Connected, answer: Answer) -> None:
    client = connected(serve(answer).root)

    for ask in (client.wells, client.export, client.history, lambda: client.status(JOB_ID)):
        with pytest.raises(NotWellhead):
            ask()


def test_fields_that_a_newer_api_adds_are_kept_aside(serve: Serve, connected: Connected) -> None:
    view = connected(
        serve(success(job(colour="blue", events=[{"at": 1.0, "event": "created"}]))).root
    ).status(JOB_ID)

    assert (view.status, view.raw["colour"], view.events[0]["event"]) == (
        "RUNNING",
        "blue",
        "created",
    )


# -- where the token goes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(serve: Serve, connected: Connected, status: int) -> None:
    elsewhere = serve(success({}))
    server = serve(Answer(status=status, headers={"Location": elsewhere.root}))

    for ask in (connected(server.root).summary, connected(server.root).trigger):
        with pytest.raises(NotWellhead, match="elsewhere"):
            ask()

    assert elsewhere.asked == []


def test_neither_a_netrc_file_nor_a_proxy_comes_between(
    serve: Serve, connected: Connected, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, proxy = serve(success({})), serve(success({}))
    netrc = tmp_path / "netrc"
    netrc.write_text(
        "machine 127.0.0.1 login somebody password else\ndefault login somebody password else\n"
    )
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.root)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    client = connected(server.root)
    client.summary()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.delenv(name)
    client._connection._session.trust_env = True  # as for an address that is not of this machine
    client.summary()

    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer secret"] * 2
    assert proxy.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "wellhead.example.com",
        "ftp://127.0.0.1",
        "http://wellhead.example.com",
        "http://10.0.0.7:8000",
        "https://ada:secret@wellhead.example.com",
        "https://wellhead.example.com/?token=secret",
        "https://wellhead.example.com:port",
        "https://",
        "http://[::1",
    ],
)
def test_an_address_that_cannot_be_used(url: str) -> None:
    with pytest.raises(InvalidAddress) as refused:
        WellheadClient(url, "token")

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (" https://x.example.com/api/ ", "https://x.example.com/api"),
        ("https://x.example.com/api/v1", "https://x.example.com"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
    ],
)
def test_an_address_is_taken_as_people_write_it(given: str, meant: str) -> None:
    assert checked_url(given) == meant


@pytest.mark.parametrize("token", ["two words", "a\nX-Evil: 1", "naïve"])
def test_a_token_that_cannot_be_one_is_not_sent(token: str) -> None:
    with pytest.raises(InvalidAddress) as refused:
        WellheadClient("http://127.0.0.1:9", token)

    assert token not in str(refused.value)


def test_nobody_there_is_one_sentence(connected: Connected) -> None:
    with pytest.raises(Unreachable) as failed:
        connected("http://127.0.0.1:9").summary()

    assert str(failed.value) == (
        "Nothing answers at http://127.0.0.1:9. Check the address, and that Wellhead runs there."
    )


# -- lists --------------------------------------------------------------------------------------------------


def test_a_list_is_read_page_by_page(serve: Serve, connected: Connected) -> None:
    pages = [{"rows": [{"well_code": 1}], "next_cursor": "a"}, {"rows": [], "next_cursor": "b"}]
    server = serve(*map(success, [*pages, {"rows": [{"well_code": 2}], "next_cursor": None}]))
    client = connected(server.root)

    found = list(every(lambda cursor: client.wells("north", field_code=7, limit=1, cursor=cursor)))

    assert [well["well_code"] for well in found] == ["1", "2"]
    question = {"search": "north", "field_code": "7", "limit": "1"}
    assert [asked.query for asked in server.asked] == [
        question,
        question | {"cursor": "a"},
        question | {"cursor": "b"},
    ]


def test_questions_are_asked_with_their_parameters(serve: Serve, connected: Connected) -> None:
    server = serve(success({"rows": [], "next_cursor": None}))
    client = connected(server.root)

    client.production(well_code=0, first="2024-01-01", last="2024-12-31")
    client.totals(field_code=5)
    client.rejects("x", limit=3)

    assert [(asked.path, asked.query) for asked in server.asked] == [
        ("/api/v1/wells/production", {"well_code": "0", "from": "2024-01-01", "to": "2024-12-31"}),
        ("/api/v1/wells/production/totals", {"field_code": "5"}),
        ("/api/v1/wells/import/jobs/x/rejects", {"limit": "3"}),
    ]


def test_rejected_rows_as_csv(serve: Serve, connected: Connected) -> None:
    body = "page,raw\r\n1,Ø\r\n".encode()
    told = {
        "Content-Type": "text/csv; charset=utf-8",
        "X-Next-Cursor": "n",
        "X-Wellhead-Snapshot": "snapshots/7",
    }
    server = serve(Answer(body, headers=told))

    assert connected(server.root).rejects_csv(JOB_ID) == ("page,raw\r\n1,Ø\r\n", "n", "snapshots/7")


def test_pages_tell_their_snapshot_and_one_that_is_gone_has_an_error_of_its_own(
    serve: Serve, connected: Connected
) -> None:
    page = success(
        {"rows": [{"well_code": 1}], "next_cursor": "a"}, X_Wellhead_Snapshot="snapshots/7"
    )
    server = serve(page, failure(410, "SNAPSHOT_GONE", details={"snapshot": "snapshots/7"}))
    client = connected(server.root)

    first = client.wells()
    with pytest.raises(SnapshotGone) as gone:
        client.wells(cursor=first.next_cursor)

    assert (first.rows[0]["well_code"], first.snapshot) == ("1", "snapshots/7")
    assert (gone.value.status, gone.value.code, gone.value.details) == (
        410,
        "SNAPSHOT_GONE",
        {"snapshot": "snapshots/7"},
    )
    assert len(server.asked) == 2  # it is not asked for again


# -- the download ---------------------------------------------------------------------------------------------


def test_the_database_comes_whole_and_without_our_token(
    serve: Serve, connected: Connected, tmp_path: Path
) -> None:
    store = serve(Answer(CONTENT))
    facts = vars(export_of(store.root + "/signed?x=1"))
    target, heard = tmp_path / "wells.duckdb", []

    connected(serve(success(facts)).root).download(
        target, lambda done, total: heard.append((done, total))
    )

    assert target.read_bytes() == CONTENT
    assert heard[-1] == (len(CONTENT), len(CONTENT))
    assert "authorization" not in store.asked[0].headers
    assert not store.saw("secret")
    assert list(tmp_path.iterdir()) == [target]


def breaks_off_midway(handler: ScriptedHandler) -> None:
    handler.raw(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(CONTENT),
        CONTENT[: len(CONTENT) // 2],
    )


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (Answer(CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])), DownloadDamaged),
        (Answer(CONTENT[:-1]), DownloadDamaged),
        (Answer(CONTENT + b"more"), DownloadDamaged),
        (Answer(b""), DownloadDamaged),
        (Answer(b"<Error>expired</Error>", 403), DownloadFailed),
        (breaks_off_midway, DownloadFailed),
        (break_off, DownloadFailed),
    ],
    ids=["changed", "short", "long", "empty", "refused", "broken", "silent"],
)
def test_a_download_that_went_wrong_leaves_what_was_there(
    serve: Serve, tmp_path: Path, step: Step, error: type[ClientError]
) -> None:
    target = tmp_path / "wells.duckdb"
    target.write_bytes(b"old")
    url = serve(step).root + "/signed?secret=1"

    with pytest.raises(error) as failed:
        download(export_of(url), target)

    assert type(failed.value) is error
    assert "secret" not in str(failed.value)
    assert (target.read_bytes(), list(tmp_path.iterdir())) == (b"old", [target])


def test_a_database_in_a_directory_of_this_machine_is_copied(tmp_path: Path) -> None:
    source, target = tmp_path / "a b.duckdb", tmp_path / "copy.duckdb"
    source.write_bytes(CONTENT)

    download(export_of(source.as_uri()), target)
    assert target.read_bytes() == CONTENT

    with pytest.raises(DownloadFailed, match="machine that imports"):
        download(export_of((tmp_path / "gone").as_uri()), target)
    with pytest.raises(DownloadFailed, match="could not be written"):
        download(export_of(source.as_uri()), tmp_path / "no" / "such" / "directory")


def test_an_export_does_not_show_its_signed_address() -> None:
    assert "signature" not in repr(export_of("https://bucket/x?signature=1"))
