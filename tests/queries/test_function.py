"""The query function: real stores, real questions, hostile ones, and errors that arrive as data."""

from __future__ import annotations

import json
import time
import urllib.request
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from support.staging import json_row, published, run_import
from support.stores import BAD, ROWS, merged, opened
from support.warehouses import own_prefix

from chalicelib.errors import NothingPublished, SnapshotGone, WarehouseCorrupt
from chalicelib.queries.function import MOST_BYTES, answer
from chalicelib.queries.query import QUERIES, Query
from chalicelib.queries.sql import SqlLimits
from chalicelib.services import Services
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chalicelib.queries.production import ProductionQuery

JOB = "018cc251-f400-7000-8000-000000000000"
SNAPSHOT = f"snapshots/wells-0000000007-{JOB}.duckdb"
NAMED = {"name": SNAPSHOT, "fence": 7, "job_id": JOB}
SQL = [
    "' OR '1'='1",
    "'; DROP TABLE wells.well_production; --",
    "1; ATTACH '/etc/passwd' AS p",
    "x' UNION SELECT raw FROM wells.rejected_rows --",
    "$limit",
    "{created_at}",
    "{0}",
    "%(x)s",
    "?",
    ":x",
    "/* */",
    "\\",
    "'",
    '"',
    "''''",
    "read_csv('/etc/passwd')",
    "CAST(1 AS VARCHAR)",
    "NULL",
    "null",
    "true",
    "[]",
    "{}",
    "pragma_database_list()",
    "COPY wells TO '/tmp/x'",
]
PATTERNS = [
    "%",
    "_",
    "%%",
    "a%",
    "_a",
    "%' ESCAPE '%",
    ".*",
    "^",
    "[a-z]",
    "(?i)a",
    "*",
    "a|b",
    "\\%",
    "\\_",
]
UNICODE = [
    "Å",
    "å",
    "A\u030a",
    "ﬁ",
    "\U0001d538",
    "😀",
    "\u202e",
    "\u200b",
    "\ufeff",
    "İ",
    "ß",
    "ẞ",
    "ǅ",
    "؀",
    "\u2028",
    "\U0010ffff",
]
PLACES = [
    "../../etc/passwd",
    "file:///etc/passwd",
    "http://169.254.169.254/",
    "\\\\host\\share",
    "~",
    "C:\\x",
    "s3://x/y",
]
MARKUP = [
    "<script>alert(1)</script>",
    "<img src=x onerror=1>",
    "{{7*7}}",
    "${7*7}",
    "%0d%0aSet-Cookie: a=b",
    "&#x27;",
    "=cmd|x",
]
SHAPES = [
    "0",
    "-0",
    "1e309",
    "NaN",
    "inf",
    "0x10",
    "1_000",
    "\uff19",
    "1" * 100,
    " ",
    "   ",
    "\u00a0",
    "--",
    "-",
    "+",
]
CONTROL = ["\x00", "a\x00b", "\n", "\r\n", "\t", "\x1b[31m", "\x7f", "\x85", "\ud800", "a\udfff"]
PAYLOADS = [*SQL, *PATTERNS, *UNICODE, *PLACES, *MARKUP, *SHAPES, *CONTROL]
FIELDS = [
    ("wells", "search"),
    ("wells", "cursor"),
    ("production", "well_code"),
    ("totals", "from"),
    ("rejects", "job_id"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [json.dumps(row).encode() for row in ROWS]
    return merged(tmp_path_factory.mktemp("store"), [*rows, *BAD])


@pytest.fixture(scope="module")
def query(store: Path) -> Iterator[ProductionQuery]:
    query = opened(store, snapshot=SNAPSHOT)
    yield query
    query.close()


class Published:
    """What PublishedProduction is to the answers, with one database or an error."""

    def __init__(self, query: ProductionQuery | Exception) -> None:
        self._query = query

    @contextmanager
    def query(self, name: str | None = None) -> Iterator[ProductionQuery]:
        if isinstance(self._query, Exception):
            raise self._query
        assert name in (None, self._query.snapshot)
        yield self._query

    def summary(self, *, source: str | None = None) -> dict[str, Any]:
        with self.query() as query:
            return query.summary(source=source)


def ask(query: ProductionQuery | Exception, question: Any, **arguments: Any) -> dict[str, Any]:
    """The answer as it comes out of Lambda."""
    return answered({"question": question, "arguments": arguments}, query)


def no_file(query: Query, wanted: Any) -> dict[str, Any]:
    raise AssertionError(query.name)


def answered(event: Any, query: ProductionQuery | Exception) -> dict[str, Any]:
    published: Callable[[], Any] = lambda: Published(query)  # noqa: E731
    told = answer(
        event,
        published=published,
        export=lambda form: {"url": f"file:///wells.{form}"},
        sql=lambda: SqlLimits(memory_mb=75),
        list_file=no_file,
    )
    shown: dict[str, Any] = json.loads(json.dumps(told))
    return shown


# --------------------------------------------------------------------------------------------- answers


def test_every_question_is_answered(query: ProductionQuery) -> None:
    production = ask(
        query,
        "production",
        field_code="1",
        well_code="-3",
        **{"from": "2024-01-01", "to": "2024-02-01"},
    )
    wells = ask(query, "wells", search="50%_a", limit=1, cursor=None)

    assert [row["production_period"] for row in production["data"]["rows"]] == [
        "2024-01-01",
        "2024-02-01",
    ]
    assert production["data"]["next_cursor"] is None
    assert [row["well_name"] for row in wells["data"]["rows"]] == ["Årdal 50%_A"]
    assert [
        row["wells"] for row in ask(query, "totals", field_code="1", limit=2)["data"]["rows"]
    ] == [2, 2]
    assert ask(query, "rejects", job_id=JOB)["data"] == {
        "rows": [],
        "next_cursor": None,
        "snapshot": NAMED,
    }
    assert {told["data"]["snapshot"]["name"] for told in (production, wells)} == {SNAPSHOT}
    assert ask(query, "summary")["data"]["rows"] == len(ROWS)
    assert ask(query, "export") == {"data": {"url": "file:///wells.duckdb"}}
    assert ask(query, "export", format="parquet") == {"data": {"url": "file:///wells.parquet"}}


def test_a_cursor_goes_on(query: ProductionQuery) -> None:
    first = ask(query, "production", limit=10)["data"]
    rest = ask(query, "production", limit=10, cursor=first["next_cursor"])["data"]

    assert (len(first["rows"]), len(rest["rows"])) == (10, len(ROWS) - 10)
    assert rest["next_cursor"] is None


def test_an_answer_stays_below_the_limit_of_lambda_and_loses_nothing(tmp_path: Path) -> None:
    wide = "é" * 20_000  # twice escaped, seven bytes each
    rows = [json_row(well_code=number, well_name=wide) for number in range(60)]
    query = opened(merged(tmp_path, rows), memory_mb=200)

    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        told = ask(query, "production", limit=4000, cursor=cursor)
        assert len(json.dumps(json.dumps(told))) < MOST_BYTES + 1000
        seen += [row["well_code"] for row in told["data"]["rows"]]
        cursor, pages = told["data"]["next_cursor"], pages + 1
    query.close()

    assert seen == sorted(map(str, range(60)))
    assert pages > 2


def test_a_row_beyond_every_answer_is_told(tmp_path: Path) -> None:
    row = json_row(well_name="long").replace(b"long", "é".encode() * 1_000_000)
    query = opened(merged(tmp_path, [row]), memory_mb=200)

    told = ask(query, "production")
    query.close()

    assert (told["error"]["code"], told["error"]["status"]) == ("ANSWER_TOO_LARGE", 500)


# ---------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("error", "status", "retryable"),
    [
        (NothingPublished(), 404, True),
        (SnapshotGone(), 410, False),
        (WarehouseCorrupt(), 500, False),
    ],
)
def test_an_error_is_an_answer(error: Any, status: int, retryable: bool) -> None:
    told = {
        "code": error.code,
        "message": error.message,
        "status": status,
        "details": {},
        "retryable": retryable,
    }

    assert ask(error, "summary") == ask(error, "production") == {"error": told}


def test_an_unexpected_error_tells_nothing_of_the_inside(caplog: pytest.LogCaptureFixture) -> None:
    told = ask(RuntimeError("hunter2"), "production")

    assert told["error"]["code"] == "INTERNAL_ERROR"
    assert "hunter2" not in json.dumps(told)
    assert any(record.exc_info for record in caplog.records)  # the log tells its type and place


@pytest.mark.parametrize(
    "event", [None, [], "x", 7, {}, {"question": None}, {"question": "production", "arguments": []}]
)
def test_an_event_of_another_form_is_refused(query: ProductionQuery, event: Any) -> None:
    assert answered(event, query)["error"]["code"] == "VALIDATION_ERROR"


@pytest.mark.parametrize("name", ["production", "summary", "export"])
def test_an_unknown_argument_is_refused(query: ProductionQuery, name: str) -> None:
    assert ask(query, name, connection="x")["error"]["details"] == {"field": "connection"}


@pytest.mark.parametrize(
    "payload", PAYLOADS, ids=lambda payload: quote(payload.encode("utf-8", "surrogatepass"))[:40]
)
def test_hostile_values_find_what_they_say_or_are_refused(
    query: ProductionQuery, payload: str
) -> None:
    """Bound, never part of a statement:
    a search finds the wells whose text contains it and no other.
    """
    before = query.summary()
    for name, field in FIELDS:
        told = ask(query, name, **{field: payload})
        refused = told.get("error", {"code": None})["code"]
        assert refused in (None, "VALIDATION_ERROR", "INVALID_JOB_ID"), (field, told)
        if field == "search" and not refused:
            sought = payload.strip().lower()
            found = {row["well_code"] for row in told["data"]["rows"]}
            contained = {row["well_code"] for row in ROWS if _contains(row, sought)}
            assert found == contained, payload
    del query.__dict__["_summary"]
    assert query.summary() == before


def _contains(row: dict[str, Any], text: str) -> bool:
    return any(
        text in str(row[name] or "").lower()
        for name in ("well_name", "well_reference", "well_code")
    )


def test_the_payloads_are_many() -> None:
    assert len(PAYLOADS) * len(FIELDS) >= 200
    assert all(field in QUERIES[name] for name, field in FIELDS)


# ---------------------------------------------------------------------------------------------- export


def exported(services: Services) -> dict[str, Any]:
    told = services.answer({"question": "export", "arguments": {}})
    assert "data" in told, told
    data: dict[str, Any] = told["data"]
    return data


@pytest.mark.parametrize("kind", ["directory", "s3"])
def test_an_export_is_the_published_file(
    environment: dict[str, str], dynamodb: Any, kind: str
) -> None:
    if kind == "s3":
        environment["WELLHEAD_WAREHOUSE"] = own_prefix()
    with SampleSource(GeneratedProduction(30)) as source:
        job = run_import(environment, source.url)
    services = Services(environment)
    snapshot = services.job_manager.current_snapshot()
    assert snapshot

    told = exported(services)

    url, expires_at = told.pop("url"), told.pop("expires_at")
    facts = {
        name: getattr(snapshot, name) for name in ("name", "rows", "bytes", "sha256", "job_id")
    }
    assert told == {**facts, "created_at": job.completed_at}
    with urllib.request.urlopen(url) as download:
        content = download.read()
    assert (len(content), sha256(content).hexdigest()) == (snapshot.bytes, snapshot.sha256)
    if kind == "directory":
        assert (url, expires_at) == (published(environment).as_uri(), None)
    else:
        assert "X-Amz-Expires=600" in url
        assert 0 < expires_at - time.time() <= 600

    forget(dynamodb, environment, job.job_id)
    assert exported(services)["created_at"] is None

    services.warehouse.remove(snapshot.name)
    error = services.answer({"question": "export"})["error"]
    assert error["code"] == "WAREHOUSE_UNAVAILABLE"
    assert snapshot.name in error["message"]


def forget(dynamodb: Any, environment: dict[str, str], job_id: str) -> None:
    key = {"pk": {"S": "JOB"}, "sk": {"S": f"JOB#{job_id}"}}
    dynamodb.delete_item(TableName=environment["WELLHEAD_TABLE"], Key=key)


def test_before_the_first_import_there_is_nothing(environment: dict[str, str]) -> None:
    for question in ("export", "summary", "production"):
        assert (
            Services(environment).answer({"question": question})["error"]["code"] == "NO_DATA_YET"
        )


def test_a_wrong_setting_is_an_answer_too() -> None:
    assert Services({}).answer({"question": "summary"})["error"]["code"] == "INVALID_SETTING"
