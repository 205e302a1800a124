import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from support.waiting import wait_until

from chalicelib.files.json_lines import NdjsonFile
from local.source.faults import Fault, Faults
from local.source.habits import Habits
from local.source.odata_query import Filter, QueryError, matching
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

ROOT = Path(__file__).parents[2]
DATA = GeneratedProduction(2_000)
KEY_NAMES = ("field_code", "well_code", "production_period")
ROWS = [json.loads(row) for row in DATA.page(0, 2_000)]
KEYS: list[Any] = [DATA.key(position) for position in range(2_000)]


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture(scope="module")
def source() -> Iterator[SampleSource]:
    with SampleSource(DATA) as source:
        yield source


def get(session: requests.Session, url: str, **options: Any) -> Any:
    answer = session.get(
        url, params={f"${name}": value for name, value in options.items()}, timeout=10
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def all_pages(
    session: requests.Session, url: str, *, size: int | None = None, **options: Any
) -> list[Any]:
    """By the links; `size` is the page that the client prefers."""
    session.headers["Prefer"] = f"odata.maxpagesize={size}" if size else ""
    pages = [get(session, url, **options)]
    while link := pages[-1].get("@odata.nextLink"):
        pages.append(get(session, urljoin(url, link)))
    return pages


def rows_of(pages: list[Any]) -> list[Any]:
    return [row for page in pages for row in page["value"]]


# --- pages


@pytest.mark.parametrize("size", [1_000, 999, 300, 5_000])
@pytest.mark.parametrize("relative_links", [False, True])
def test_following_the_links_brings_every_row_once(
    session: requests.Session, size: int, relative_links: bool
) -> None:
    with SampleSource(DATA, relative_links=relative_links) as source:
        pages = all_pages(session, source.url, size=size, count="true", orderby=",".join(KEY_NAMES))

    assert rows_of(pages) == ROWS
    assert [len(page["value"]) for page in pages[:-1]] == [size] * (len(pages) - 1)
    assert pages[-1]["value"]
    assert {page["@odata.count"] for page in pages} == {2_000}


def test_a_page_is_never_larger_than_the_server_allows(session: requests.Session) -> None:
    with SampleSource(DATA, max_page_size=700) as source:
        pages = all_pages(session, source.url)

    assert [len(page["value"]) for page in pages] == [700, 700, 600]
    assert rows_of(pages) == ROWS


def test_a_preferred_page_size_is_applied_and_said_so(
    session: requests.Session, source: SampleSource
) -> None:
    answer = session.get(source.url, headers={"Prefer": "odata.maxpagesize=40"}, timeout=10)

    assert len(answer.json()["value"]) == 40
    assert answer.headers["Preference-Applied"] == "odata.maxpagesize=40"


def test_skip_paging_takes_top_and_skip_at_their_word(session: requests.Session) -> None:
    with SampleSource(DATA, paging="skip", max_page_size=1_500) as source:
        pages = [get(session, source.url, top=800, skip=skip) for skip in (0, 800, 1_600, 2_400)]
        capped = get(session, source.url, top=1_900)

    assert rows_of(pages) == ROWS
    assert all("@odata.nextLink" not in page for page in [*pages, capped])
    assert capped["value"] == ROWS[:1_500]


def test_top_of_zero_asks_for_the_count_alone(
    session: requests.Session, source: SampleSource
) -> None:
    page = get(session, source.url, top=0, count="true")

    assert (page["@odata.count"], page["value"]) == (2_000, [])
    assert "@odata.nextLink" not in page


def test_an_empty_source_answers_an_empty_page(session: requests.Session) -> None:
    with SampleSource(GeneratedProduction(0)) as source:
        assert get(session, source.url, count="true", filter="field_code gt 1") == {
            "@odata.context": f"{source.root}$metadata#WellProduction",
            "@odata.count": 0,
            "value": [],
        }


# --- what the specification says of $top, and what some services make of it


@pytest.mark.parametrize(
    ("top", "expected"), [(0, [0]), (700, [700]), (1_000, [700, 300]), (5_000, [700, 700, 600])]
)
def test_top_bounds_the_whole_result_over_all_its_pages(
    session: requests.Session, top: int, expected: list[int]
) -> None:
    """OData v4 part 1, 11.2.6.3."""
    with SampleSource(DATA, max_page_size=700) as source:
        pages = all_pages(session, source.url, top=top, count="true")

    assert [len(page["value"]) for page in pages] == expected
    assert rows_of(pages) == ROWS[:top]
    assert {page["@odata.count"] for page in pages} == {2_000}


def test_top_may_be_the_size_of_a_page(session: requests.Session) -> None:
    with SampleSource(DATA, habits=Habits(top_is_page_size=True)) as source:
        pages = all_pages(session, source.url, top=800)

    assert [len(page["value"]) for page in pages] == [800, 800, 400]


def test_top_may_leave_out_the_links(session: requests.Session) -> None:
    with SampleSource(DATA, max_page_size=700, habits=Habits(no_link_under_top=True)) as source:
        assert [len(page["value"]) for page in all_pages(session, source.url, top=1_000)] == [700]
        assert [len(page["value"]) for page in all_pages(session, source.url)] == [700, 700, 600]


@pytest.mark.parametrize(
    ("habits", "query", "status", "says"),
    [
        (Habits(no_skip=True), "$skip=1", 400, "$skip is not supported"),
        (Habits(top_limit=10), "$top=11", 400, "The limit of '10' for Top query has been exceeded"),
        (Habits(top_limit=10), "$top=10", 200, ""),
        (Habits(refused={"$count"}), "$count=true", 501, "$count is not implemented"),
        (
            Habits(refused={"$orderby"}),
            "$orderby=" + ",".join(KEY_NAMES),
            501,
            "$orderby is not implemented",
        ),
    ],
)
def test_what_a_service_may_refuse(
    session: requests.Session, habits: Habits, query: str, status: int, says: str
) -> None:
    with SampleSource(DATA, habits=habits) as source:
        answer = session.get(f"{source.url}?{query}", timeout=10)

    assert (answer.status_code, says in answer.text) == (status, True)


def test_a_count_and_a_preference_may_do_nothing(session: requests.Session) -> None:
    with SampleSource(DATA, habits=Habits(ignores_count=True, ignores_prefer=True)) as source:
        [page] = all_pages(session, source.url, size=10, count="true")

    assert "@odata.count" not in page
    assert page["value"] == ROWS


def test_an_unstable_order_repeats_rows_and_leaves_others_out(session: requests.Session) -> None:
    with SampleSource(DATA, max_page_size=500, habits=Habits(unstable_order=True)) as source:
        found = [json.dumps(row) for row in rows_of(all_pages(session, source.url))]

    assert len(found) == 2_000
    assert len(set(found)) < 1_990


def test_links_may_never_end(session: requests.Session) -> None:
    with SampleSource(DATA, habits=Habits(link_on_every_page=True)) as source:
        first = get(session, source.url)
        second = get(session, first["@odata.nextLink"])

    assert (len(first["value"]), second["value"]) == (2_000, [])
    assert second["@odata.nextLink"] not in (first["@odata.nextLink"], source.url)


# --- filters


def test_a_filter_goes_on_after_a_key(session: requests.Session, source: SampleSource) -> None:
    field, well, period = KEYS[1_234]
    after = (
        f"field_code gt {field} or (field_code eq {field} and "
        f"(well_code gt {well} or (well_code eq {well} and production_period gt {period})))"
    )

    pages = all_pages(session, source.url, filter=after, size=250, count="true")

    assert rows_of(pages) == ROWS[1_235:]
    assert pages[0]["@odata.count"] == 2_000 - 1_235


def test_a_filter_may_leave_many_runs(session: requests.Session, source: SampleSource) -> None:
    pages = all_pages(session, source.url, filter="production_period ge 2024-01-01", size=77)

    assert rows_of(pages) == [
        row for row, key in zip(ROWS, KEYS, strict=True) if key[2] >= "2024-01-01"
    ]


LITERALS: tuple[st.SearchStrategy[Any], ...] = (
    st.sampled_from([1_000, 1_001, 1_002, 1_003, 1_004, 9_999, -1]),
    st.sampled_from(sorted({key[1] for key in KEYS})) | st.just(0),
    st.sampled_from(sorted({key[2] for key in KEYS})) | st.just("1990-01-01"),
)
PYTHON = {"eq": "==", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[str, str]:
    """A filter and the same as a Python expression."""
    column = draw(st.integers(0, 2))
    operator = draw(st.sampled_from(sorted(PYTHON)))
    literal = draw(LITERALS[column])
    return (
        f"{KEY_NAMES[column]} {operator} {literal}",
        f"key[{column}] {PYTHON[operator]} {literal!r}",
    )


def joined(parts: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    def join(
        left: tuple[str, str], word: str, right: tuple[str, str], grouped: bool
    ) -> tuple[str, str]:
        texts = [f"{a} {word} {b}" for a, b in zip(left, right, strict=True)]
        return (f"({texts[0]})", f"({texts[1]})") if grouped else (texts[0], texts[1])

    return st.builds(join, parts, st.sampled_from(["and", "or"]), parts, st.booleans())


@settings(max_examples=80, deadline=None)
@given(st.recursive(comparisons(), joined, max_leaves=6))
def test_a_filter_matches_what_python_matches(filters: tuple[str, str]) -> None:
    text, expression = filters
    model = eval(f"lambda key: {expression}")

    runs = matching(DATA, Filter(text))

    assert [position for run in runs for position in run] == [
        position for position, key in enumerate(KEYS) if model(key)
    ]
    assert all(before.stop < after.start for before, after in itertools.pairwise(runs))


def test_a_filter_over_an_unsorted_file_still_finds_its_rows(tmp_path: Path) -> None:
    rows = [
        {"field_code": 3, "well_code": 1, "production_period": "2024-01-01"},
        {"field_code": None, "well_code": 1, "production_period": "2024-01-01"},
        {"field_code": 1, "well_code": 2, "production_period": "2024-01-01"},
        {"field_code": 3, "well_code": 3, "production_period": "2024-01-01"},
    ]
    path = tmp_path / "rows.ndjson"
    path.write_text("\n".join(map(json.dumps, rows)))

    with NdjsonFile(path) as file:
        assert matching(file, Filter("field_code eq 3")) == [range(1), range(3, 4)]
        assert matching(file, Filter("field_code lt 9 and well_code ge 2")) == [range(2, 4)]


def test_a_filter_finds_what_changed(session: requests.Session, source: SampleSource) -> None:
    wanted = [
        row
        for row in ROWS
        if row["updated_at"] >= "2024-06-15T06:00:00Z" and row["field_code"] > 1001
    ]

    changed = "(updated_at ge 2024-06-15T06:00:00Z) and (field_code gt 1001)"
    page = get(session, source.url, filter=changed, count="true")

    assert 0 < len(wanted) < len(ROWS)
    assert (page["@odata.count"], page["value"]) == (len(wanted), wanted)


def test_the_same_rows_in_v2(session: requests.Session) -> None:
    with SampleSource(DATA, version=2, max_page_size=700) as source:
        first = get(session, source.url, inlinecount="allpages", orderby=",".join(KEY_NAMES))["d"]
        after = "field_code gt 1002L or (field_code eq 1002L and production_period ge datetime'2024-01-01T00:00:00')"
        filtered = get(session, source.url, filter=after)["d"]
        refused = session.get(f"{source.url}?$count=true", timeout=10)

    row = first["results"][0]
    assert (first["__count"], len(first["results"]), "$skiptoken=700" in first["__next"]) == (
        "2000",
        700,
        True,
    )
    assert row["well_code"] == str(ROWS[0]["well_code"])
    assert row["production_period"] == "/Date(1412121600000)/"
    assert row["__metadata"]["type"] == "Sample.MonthlyProduction"
    assert "__deferred" in row["Field"]
    assert row["oil_production_kbd"] == ROWS[0]["oil_production_kbd"]
    assert len(filtered["results"]) == min(
        700, sum(key[0] > 1002 or (key[0] == 1002 and key[2] >= "2024-01-01") for key in KEYS)
    )
    assert refused.status_code == 400


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("field_code eq null", [(None, 5, "2024-01-01")]),
        ("field_code ne null", [(1, 5, "2024-01-01"), (2, None, "2024-01-01")]),
        ("field_code ne 1", [(None, 5, "2024-01-01"), (2, None, "2024-01-01")]),
        ("well_code lt 9 or well_code ge 9", [(None, 5, "2024-01-01"), (1, 5, "2024-01-01")]),
        ("well_code gt null", []),
    ],
)
def test_null_is_equal_to_itself_and_neither_less_nor_more(text: str, found: list[Any]) -> None:
    keys = [(None, 5, "2024-01-01"), (1, 5, "2024-01-01"), (2, None, "2024-01-01")]

    assert [
        key for key in keys if Filter(text).test(tuple((value, value) for value in key))
    ] == found


@pytest.mark.parametrize(
    "text",
    [
        "updated_at ge 2024-01-01",
        "field_name eq 'Alpha'",
        "field_code eq",
        "field_code has 1",
        "field_code eq 1.5",
        "field_code eq 2024-01-01",
        "production_period eq 2024",
        "(field_code eq 1",
        "field_code eq 1)",
        "field_code eq 1 field_code eq 2",
        "not field_code eq 1",
        "field_code eq 9999999999999999999",
        "startswith(well_name,'A')",
        "(" * 5_000 + "field_code eq 1" + ")" * 5_000,
    ],
)
def test_a_filter_beyond_the_key_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match=r"^\$filter .+\.$"):
        Filter(text)


# --- queries, documents, access


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("$orderby=field_code desc", "$orderby must be"),
        ("$orderby=well_name", "$orderby must be"),
        ("$top=-1", "$top must be a whole number."),
        ("$skip=x", "$skip must be a whole number."),
        ("$skiptoken=zz", "$skiptoken must be a whole number."),
        ("$count=maybe", "$count must be true or false."),
        ("$select=field_code", "$select is not supported."),
        ("$top=1&$top=2", "A query option comes twice."),
        ("$filter=well_name eq 1", "$filter compares"),
    ],
)
def test_a_query_that_is_not_understood_is_refused(
    session: requests.Session, source: SampleSource, query: str, message: str
) -> None:
    answer = session.get(f"{source.url}?{query}", timeout=10)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "BadRequest"
    assert answer.json()["error"]["message"].startswith(message)


@pytest.mark.parametrize("declares_key", [False, True])
def test_the_service_describes_itself(session: requests.Session, declares_key: bool) -> None:
    """It repeats keys and leaves some out, so that it declares one only when it is told to."""
    with SampleSource(DATA, habits=Habits(declares_key=declares_key)) as source:
        service = get(session, source.root)
        metadata = ET.fromstring(session.get(f"{source.root}$metadata", timeout=10).content)
        nothing = session.get(f"{source.root}Nothing", timeout=10)

    edm = "{http://docs.oasis-open.org/odata/ns/edm}"
    assert urljoin(source.root, service["value"][0]["url"]) == source.url
    assert [key.get("Name") for key in metadata.iter(f"{edm}PropertyRef")] == list(
        KEY_NAMES
    ) * declares_key
    assert [column.get("Name") for column in metadata.iter(f"{edm}Property")] == list(ROWS[0])
    assert nothing.status_code == 404


def test_requests_are_kept_without_their_credentials(session: requests.Session) -> None:
    with SampleSource(DATA) as source:
        session.get(f"{source.url}?$top=5", auth=("reader", "secret"), timeout=10)
        get(session, source.url, skip=7)

    [first, second] = source.requests
    assert (first.path, first.query, first.authorization) == (
        "/odata/WellProduction",
        {"$top": "5"},
        True,
    )
    assert "secret" not in repr(first)
    assert "authorization" not in first.headers
    assert (second.query, second.authorization) == ({"$skip": "7"}, False)


def test_basic_credentials_open_the_source(session: requests.Session) -> None:
    with SampleSource(DATA, credentials=("reader", "pass:word")) as source:
        refused = [
            session.get(source.url, auth=auth, timeout=10)
            for auth in (None, ("reader", "no"), ("no", "pass:word"))
        ]
        accepted = session.get(f"{source.url}?$top=1", auth=("reader", "pass:word"), timeout=10)

    for answer in refused:
        assert (answer.status_code, answer.text) == (401, "Unauthorized")
        assert answer.headers["Content-Type"] == "text/plain"
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert accepted.status_code == 200


def test_pages_are_compressed_for_those_who_accept_it(session: requests.Session) -> None:
    with SampleSource(DATA, compress=True) as source:
        small = session.get(source.url, timeout=10)
        plain = session.get(source.url, headers={"Accept-Encoding": "identity"}, timeout=10)

    assert small.headers["Content-Encoding"] == "gzip"
    assert int(small.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 4
    assert small.json() == plain.json()


def test_a_kept_connection_answers_at_once(session: requests.Session, source: SampleSource) -> None:
    """One of them does: a busy machine delays many, Nagle's algorithm all."""
    get(session, source.url, top=1)

    def is_fast() -> bool:
        started = time.perf_counter()
        get(session, source.url, top=1)
        return time.perf_counter() - started < 0.03

    assert wait_until(is_fast)


# --- faults


def test_a_failing_page_recovers_after_its_times(session: requests.Session) -> None:
    session.headers["Prefer"] = "odata.maxpagesize=100"
    with SampleSource(DATA) as source:
        source.faults.fail_page(2, status=429, times=2, retry_after="1")
        second = f"{source.url}?$skiptoken=100"
        answers = [session.get(url, timeout=10) for url in (source.url, second, second, second)]

    assert [answer.status_code for answer in answers] == [200, 429, 429, 200]
    assert answers[1].headers["Retry-After"] == "1"
    assert answers[1].json()["error"]["code"] == "Unavailable"


def test_page_numbers_hold_for_filters_on_the_key(session: requests.Session) -> None:
    with SampleSource(DATA, faults=Faults(Fault(7, "fail"))) as source:
        statuses = [
            session.get(
                f"{source.url}?$top=100&$filter=field_code eq {code}", timeout=10
            ).status_code
            for code in (1_001, 1_002, 1_002)
        ]

    assert statuses == [200, 503, 200]


@pytest.mark.parametrize("compress", [False, True])
def test_a_truncated_page_ends_before_its_length(session: requests.Session, compress: bool) -> None:
    with SampleSource(DATA, compress=compress) as source:
        source.faults.truncate_page(1)

        with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
            session.get(source.url, timeout=10)
        assert len(get(session, source.url)["value"]) == 2_000


def test_an_error_in_a_page_leaves_half_of_it(session: requests.Session) -> None:
    with SampleSource(DATA) as source:
        source.faults.error_in_page(1)
        page = get(session, source.url, top=100)

    assert page["value"] == ROWS[:50]
    assert page["error"]["code"] == "InternalError"
    assert "@odata.nextLink" not in page


def test_a_dropped_connection_brings_nothing(session: requests.Session) -> None:
    with SampleSource(DATA) as source:
        source.faults.drop_connection(1, times=1)

        with pytest.raises(requests.exceptions.ConnectionError):
            session.get(source.url, timeout=10)
        assert len(get(session, source.url)["value"]) == 2_000


def test_a_hanging_page_comes_late_and_does_not_hold_up_the_stop(session: requests.Session) -> None:
    with SampleSource(DATA) as source:
        source.faults.hang(1, seconds=0.2)
        source.faults.hang(2, seconds=60)
        started = time.perf_counter()
        get(session, source.url, top=100)
        assert time.perf_counter() - started > 0.2
        with pytest.raises(requests.exceptions.ReadTimeout):
            session.get(f"{source.url}?$top=100&$skip=100", timeout=0.1)
        started = time.perf_counter()

    assert time.perf_counter() - started < 30  # of the minute that the page hangs


def test_latency_delays_every_answer(session: requests.Session) -> None:
    with SampleSource(DATA, latency=0.1) as source:
        started = time.perf_counter()
        get(session, source.url, top=1)

    assert time.perf_counter() - started > 0.1


def test_an_answer_is_made_while_its_latency_lasts() -> None:
    """So that many requests at once are answered as if each had a machine to itself."""
    looked_up = threading.Event()

    class Rows(GeneratedProduction):
        def page(self, skip: int, top: int) -> list[bytes]:
            looked_up.set()
            return super().page(skip, top)

    with SampleSource(Rows(10), latency=60) as source:
        asking = threading.Thread(target=source.answer, args=("/odata/WellProduction", {}))
        asking.start()

        assert looked_up.wait(30)
        assert asking.is_alive()
    asking.join(30)
    assert not asking.is_alive()


def test_each_fault_is_taken_as_often_as_asked_under_threads() -> None:
    faults = Faults(Fault(1, "fail", times=50))
    taken: list[Fault | None] = []
    threads = [
        threading.Thread(target=lambda: taken.extend(faults.take(1) for _ in range(20)))
        for _ in range(8)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len([fault for fault in taken if fault]) == 50


# --- the process


@contextmanager
def process(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "local.source.server", *arguments]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def ready_url(running: subprocess.Popen[str]) -> str:
    assert running.stdout
    word, url = running.stdout.readline().split()
    assert word == "ready"
    return url


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_serves_until_it_is_told_to_stop(
    session: requests.Session, number: signal.Signals
) -> None:
    options = ("--rows", "1000", "--paging", "skip", "--fault", "fail:2", "--username", "reader")
    with process(*options, SAMPLE_SOURCE_PASSWORD="secret") as running:
        url = ready_url(running)
        session.auth = ("reader", "secret")
        assert get(session, url, count="true", top=10)["@odata.count"] == 1_000
        assert session.get(f"{url}?$top=10&$skip=10", timeout=10).status_code == 503

        running.send_signal(number)

        assert running.wait(timeout=60) == 0
        assert running.stderr
        assert running.stderr.read() == ""


def test_a_process_leaves_with_its_parent() -> None:
    with process("--rows", "1000", "--exit-with-parent") as running:
        ready_url(running)
        assert running.stdin
        running.stdin.close()

        assert running.wait(timeout=60) == 0
        assert running.stderr
        assert running.stderr.read() == ""


def test_a_process_says_in_one_sentence_why_a_file_cannot_be_served(tmp_path: Path) -> None:
    path = tmp_path / "rows.ndjson"
    path.write_text('{"field_code": 1}\nnot json\n')

    with process("--file", str(path)) as running:
        assert running.wait(timeout=60) == 1
        assert running.stderr
        assert running.stderr.read().startswith("Line 2 of rows.ndjson is no JSON object: ")


@pytest.mark.parametrize("text", ["fail", "burn:1", "fail:x", "fail:1:2:3"])
def test_a_fault_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Fault.parse(text)


def test_a_fault_is_read_from_the_command_line() -> None:
    assert Fault.parse("truncate:3") == Fault(3, "truncate")
    assert Fault.parse("fail:3:2") == Fault(3, "fail", times=2)
