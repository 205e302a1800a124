"""Statements of readers:
what they get, what they reach, and that whatever they do ends with their own process.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import threading
import time
from collections import defaultdict
from contextlib import nullcontext, suppress
from datetime import date
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from support.stores import merged, wide

from chalicelib.errors import (
    QueryFailed,
    SqlEnded,
    SqlInvalid,
    SqlTooLarge,
    SqlTooSlow,
    WellheadError,
)
from chalicelib.queries.questions import PLACE, all_questions, read_question
from chalicelib.queries.reading import is_reading
from chalicelib.queries.sql import SqlLimits, _link, ask_sql
from chalicelib.queries.sql_process import answer
from chalicelib.store.own_directory import OwnDirectory
from chalicelib.warehouse.names import sha256_of
from clients.cli.reading import is_reading as reads_locally
from local.source.production import GeneratedProduction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMITS = SqlLimits(memory_mb=100)
SECRET = "WELLHEAD_TEST_SECRET"
REFUSED = (
    "FROM read_text('{secret}')",
    "FROM read_csv('{secret}', header = false)",
    "FROM '{secret}'",
    "FROM glob('{place}/*')",
    "FROM read_text('/proc/self/environ')",
    "FROM read_csv('http://127.0.0.1:9/x.csv')",
    "FROM duckdb_secrets()",
    "SELECT getenv('WELLHEAD_TEST_SECRET')",
    "FROM statements",  # a variable of the process
    "COPY (SELECT 1) TO '{place}/written.csv'",
    "COPY (SELECT 1) TO '{spill}/written.csv'",
    "EXPORT DATABASE '{place}/written'",
    "ATTACH '{place}/written.duckdb' AS other",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET memory_limit = '100GB'",
    "RESET lock_configuration",
    "CALL enable_logging(storage = 'file', storage_path = '{place}/log')",
    "CREATE TEMP TABLE a AS SELECT 1",
    "DELETE FROM well_production",
    "DROP TABLE well_production",
    "SELECT 1; SELECT 2",
    "SELECT $1",
    "",
    "-- nothing",
    "PREPARE a AS SELECT 1",
    "SELEC 1",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sql")
    (directory / "secret.csv").write_text("a secret\n", "utf-8")
    return directory


@pytest.fixture(scope="module")
def sample(place: Path) -> Path:
    """The sample source, imported twice; the second time it has revised some of its values."""
    imports = [GeneratedProduction(1500, revision=revision).page(0, 1500) for revision in (0, 1)]
    return merged(place, *imports)


@pytest.fixture(scope="module")
def own(place: Path) -> Iterator[OwnDirectory]:
    directory = OwnDirectory(place / "reading")
    yield directory
    directory.remove()


@pytest.fixture(scope="module")
def ask(sample: Path, own: OwnDirectory) -> Callable[..., dict[str, Any]]:
    def ask(
        statement: str, *, rows: int = 1000, limits: SqlLimits = LIMITS, path: Path = sample
    ) -> dict[str, Any]:
        return ask_sql(path, statement, rows=rows, own=own, limits=limits)

    return ask


def test_values_come_as_json_has_them_and_else_as_exact_text(
    ask: Callable[..., dict[str, Any]],
) -> None:
    told = ask(
        "SELECT 1 AS a, 2 AS a, 9007199254740993 AS large, 5::UBIGINT AS whole, "
        "1.50::DECIMAL(9,2) AS exact, 'Ørn' AS text, NULL AS none, "
        "DATE '2024-01-31' AS day, TIMESTAMPTZ '2024-01-01 12:00:00+02' AS moment, [1, 2] AS list, "
        "true AS yes, 'nan'::DOUBLE AS no_number, 0.1::DOUBLE AS share, sum(3) AS sum"
    )

    assert [column["name"] for column in told["columns"]][:3] == ["a", "a", "large"]
    assert told["columns"][8] == {"name": "moment", "type": "TIMESTAMP WITH TIME ZONE"}
    (row,) = told["rows"]
    assert row[:7] == [1, 2, "9007199254740993", 5, "1.50", "Ørn", None]
    assert row[7:] == ["2024-01-31", "2024-01-01 10:00:00+00", "[1, 2]", True, "nan", 0.1, "3"]
    assert told["cut"] is None


def test_an_answer_is_cut_by_rows_and_by_bytes_and_says_so(
    ask: Callable[..., dict[str, Any]],
) -> None:
    by_rows = ask("FROM range(5)", rows=3)
    whole = ask("FROM range(3)", rows=3)
    by_bytes = ask(
        "SELECT repeat('x', 1000) FROM range(500)",
        limits=SqlLimits(memory_mb=100, most_bytes=10_000),
    )

    assert (by_rows["rows"], by_rows["cut"]) == ([[0], [1], [2]], "rows")
    assert (len(whole["rows"]), whole["cut"]) == (3, None)
    assert (len(by_bytes["rows"]), by_bytes["cut"]) == (9, "bytes")


@pytest.mark.parametrize(
    "statement",
    [
        "SHOW TABLES",
        "DESCRIBE well_production",
        "SUMMARIZE wells",
        "EXPLAIN FROM wells",
        "VALUES (1);",
    ],
)
def test_all_that_reads_is_answered(statement: str, ask: Callable[..., dict[str, Any]]) -> None:
    assert ask(statement)["rows"]


def test_a_statement_reaches_the_database_and_nothing_else(
    sample: Path, place: Path, own: OwnDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the process does of itself; the next test shows that it has no environment."""
    monkeypatch.setenv(SECRET, "secret-of-the-function")
    before = sorted(place.rglob("*"))
    asked = {
        "path": str(sample),
        "directory": str(own.path),
        "memory_mb": 100,
        "rows": 10,
        "bytes": 10_000,
    }
    for attack in REFUSED:
        told = answer(
            {
                **asked,
                "statement": attack.format(
                    secret=place / "secret.csv", place=place, spill=own.path / "spill"
                ),
            }
        )
        assert told["error"] in ("statement", "kind"), (attack, told)
        assert "a secret" not in str(told), attack
        assert "secret-of-the-function" not in str(told), attack

    assert sorted(place.rglob("*")) == before


def test_names_and_types_count_and_places_are_not_told(
    place: Path, tmp_path: Path, own: OwnDirectory, ask: Callable[..., dict[str, Any]]
) -> None:
    fields = ", ".join(f"f{number} := 1" for number in range(200))
    told = ask(f"SELECT struct_pack({fields}) AS a")
    assert len(told["columns"][0]["type"]) == 200
    wide_names = ", ".join(f"1 AS {'n' * 100}{number}" for number in range(200))
    with pytest.raises(SqlInvalid, match="names of the columns"):
        ask(f"SELECT {wide_names}", limits=SqlLimits(memory_mb=100, most_bytes=10_000))
    with pytest.raises(SqlInvalid) as wrong:
        ask(
            "SELECT error(file_name) FROM (SELECT path AS file_name FROM duckdb_databases() WHERE path IS NOT NULL)"
        )
    assert str(place) not in wrong.value.message
    with pytest.raises(QueryFailed):
        ask("SELECT 1", path=tmp_path / "none.duckdb")
    with pytest.raises(SqlInvalid):
        ask("SELECT error('does not match stored checksum')")


TARGETS = ("{db}", "{db}.wal", "{db}.wal.recovery", "{db}.wal.checkpoint")
HOWS = ("FORMAT blob, USE_TMP_FILE false", "FORMAT blob")
EXPLAINS = (
    "EXPLAIN ANALYZE",
    "explain analyse",
    "EXPLAIN (ANALYZE, FORMAT json)",
    "EXPLAIN /* a */ (ANALYZE /* b */) -- c\n",
    "/* a */ EXPLAIN -- ( SELECT 1\n ANALYZE /* SELECT ' */",
    "EXPLAIN\u00a0ANALYZE /* \u00a0\u00a0SELECT '*/",
    "EXPLAIN /* /* */ ANALYZE SELECT 1 -- */ */ ANALYZE",
)


@pytest.mark.parametrize("is_linked", [True, False])
def test_what_is_explained_writes_nothing(
    is_linked: bool, sample: Path, place: Path, own: OwnDirectory
) -> None:
    """DuckDB keeps the file that it has open,
    and what may lie beside it, among what a statement may reach.
    """
    before, listing = sha256_of(sample), sorted(place.rglob("*"))
    each = [*product(EXPLAINS[:1], TARGETS, HOWS), *product(EXPLAINS[1:], TARGETS[1:2], HOWS[:1])]
    for explain, target, how in each:
        with _link(sample, own.path) if is_linked else nullcontext(sample) as path:
            statement = (
                f"{explain} COPY (SELECT 'forged'::BLOB) TO '{target.format(db=path)}' ({how})"
            )
            asked = {
                "path": str(path),
                "directory": str(own.path),
                "memory_mb": 100,
                "rows": 10,
                "bytes": 10_000,
            }
            told = answer({**asked, "statement": statement})
            assert told.get("error") in ("statement", "kind"), (statement, told)
            assert sorted(path.parent.iterdir()) == (
                [path] if is_linked else sorted(place.iterdir())
            ), statement
        assert (sha256_of(sample), sorted(place.rglob("*"))) == (before, listing), statement


def test_what_a_statement_leaves_beside_its_database_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a disk that takes no links too; a log that was there before stays."""
    path, directory = tmp_path / "wells.duckdb", tmp_path / "own"
    directory.mkdir()
    for name in ("wells.duckdb", "wells.duckdb.wal.recovery"):
        (tmp_path / name).touch()
    before = sorted(tmp_path.rglob("*"))
    with _link(path, directory) as link:
        assert link.samefile(path)
        link.with_name(f"{link.name}.wal").touch()
    assert sorted(tmp_path.rglob("*")) == before

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr("os.link", refuse)
    with _link(path, directory) as link:
        assert link == path
        link.with_name(f"{link.name}.wal").touch()
    assert sorted(path for path in tmp_path.rglob("*") if path.name != "database") == before


@pytest.mark.parametrize("is_reading", [is_reading, reads_locally])
def test_one_statement_that_reads_is_taken_and_nothing_else(
    is_reading: Callable[[duckdb.DuckDBPyConnection, str], bool],
) -> None:
    explained = (
        "SELECT 1",
        "(SELECT 1) UNION ALL SELECT 2",
        "FROM t",
        "SHOW TABLES",
        "SUMMARIZE t",
    )
    others: tuple[str, ...] = (
        "COPY t TO 'x'",
        "PREPARE a AS SELECT 1",
        "EXECUTE a",
        "SET threads = 1",
        "DELETE FROM t",
        "PIVOT t ON a",
    )
    others += (
        "CALL pragma_version()",
        "ATTACH 'x'",
        "CHECKPOINT",
        "EXPLAIN ANALYZE DELETE FROM t",
        "SELECT 1; SELECT 2",
    )
    hows = (
        "",
        "EXPLAIN ",
        "EXPLAIN ANALYZE ",
        "explain(analyze, format 'json')",
        "EXPLAIN --a\n/*b*/ANALYZE/**/",
    )
    with duckdb.connect() as connection:

        def reads(text: str) -> bool:
            with suppress(duckdb.Error):
                return is_reading(connection, text)
            return False

        assert [how + text for how in hows for text in explained if not reads(how + text)] == []
        assert [how + text for how in hows for text in others if reads(how + text)] == []


def test_the_process_has_no_secrets_and_tells_what_is_wrong(
    place: Path, ask: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET, "secret-of-the-function")
    told: list[list[bytes]] = []

    def look() -> None:
        """And end it: it lives until somebody has looked at it."""
        children = _children(patience=60)
        told.append([_environment(child) for child in children])
        for child in children:
            os.kill(child, signal.SIGKILL)

    looker = threading.Thread(target=look)
    looker.start()
    with pytest.raises(SqlEnded):
        ask(
            "SELECT count(*) FROM range(10_000_000_000) a, range(1000) b",
            limits=SqlLimits(memory_mb=100, seconds=60),
        )
    looker.join()
    with pytest.raises(SqlInvalid, match="file system operations are disabled"):
        ask(f"FROM read_text('{place / 'secret.csv'}')")
    with pytest.raises(SqlInvalid, match="not one statement that reads"):
        ask("SELECT 1; SELECT 2")

    assert told[0]
    assert all(b"secret-of-the-function" not in environment for environment in told[0])


@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGABRT])
def test_a_process_that_ends_takes_nobody_with_it(
    way: signal.Signals, ask: Callable[..., dict[str, Any]]
) -> None:
    def kill() -> None:
        for child in _children(patience=60):
            os.kill(child, way)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(SqlEnded) as ended:
        ask(
            "SELECT count(*) FROM range(10_000_000_000) a, range(1000) b",
            limits=SqlLimits(memory_mb=100, seconds=60),
        )
    killer.join()

    assert ended.value.details == {"how": way.name}
    assert ask("SELECT 1")["rows"] == [[1]]


def test_what_makes_duckdb_abort_later_writes_nothing(
    place: Path, ask: Callable[..., dict[str, Any]]
) -> None:
    """With this, the next statement of the same connection ends the process."""
    before = sorted(place.rglob("*"))
    with suppress(SqlInvalid, SqlEnded):
        ask(f"SELECT * FROM enable_logging(storage = 'file', storage_path = '{place}/log')")

    assert ask("SELECT 1")["rows"] == [[1]]
    assert sorted(place.rglob("*")) == before


def _children(*, patience: float) -> list[int]:
    """The processes that this one has started for a statement, as soon as there are any.
    Other tests have their own.
    """
    end = time.monotonic() + patience
    while time.monotonic() < end:
        tasks = Path("/proc/self/task").glob("*/children")
        children = [int(child) for task in tasks for child in task.read_text().split()]
        if found := [child for child in children if b"sql_process" in _told(child, "cmdline")]:
            time.sleep(0.3)  # let it begin with its work
            return found
    return []


def _environment(process: int) -> bytes:
    return _told(process, "environ")


def _told(process: int, name: str) -> bytes:
    """Nothing of one that has just ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process}/{name}").read_bytes()
    return b""


def test_what_takes_too_long_is_stopped_and_nothing_is_left_running(
    ask: Callable[..., dict[str, Any]],
) -> None:
    with pytest.raises(SqlTooSlow):  # the run would end the test long before that statement ended
        ask(
            "SELECT count(*) FROM range(10_000_000_000) a, range(1000) b",
            limits=SqlLimits(memory_mb=100, seconds=1),
        )

    assert _children(patience=0.2) == []


@pytest.mark.parametrize(
    "statement",
    ["SELECT repeat('x', 3_000_000_000)", "SELECT list(i) FROM range(100_000_000) t(i)"],
)
def test_what_takes_too_much_memory_is_told(
    statement: str, ask: Callable[..., dict[str, Any]]
) -> None:
    with pytest.raises((SqlTooLarge, SqlInvalid, SqlEnded, SqlTooSlow)) as told:
        ask(statement, limits=SqlLimits(memory_mb=75, seconds=6))

    assert isinstance(told.value, WellheadError)
    assert not isinstance(told.value, SqlInvalid) or "memory" in told.value.message.lower()


def test_what_does_not_fit_into_memory_goes_to_disk(
    place: Path, ask: Callable[..., dict[str, Any]]
) -> None:
    store = wide(place / "wide.duckdb", wells=150_000)
    told = ask(
        "SELECT count(*) FROM (SELECT DISTINCT well_code || repeat('x', 200) FROM well_production)",
        path=store,
        limits=SqlLimits(memory_mb=75),
    )

    assert told["rows"] == [[150_000]]


# ---------------------------------------------------------------------------------------- questions


def test_each_question_that_ships_has_an_answer_to_the_sample(
    ask: Callable[..., dict[str, Any]],
) -> None:
    found = {question["name"]: question for question in all_questions()}

    assert set(found) == {path.stem for path in PLACE.glob("*.sql")}
    assert len(found) >= 5
    for name, question in found.items():
        told = ask(question["statement"])
        assert question["title"], name
        assert question["explanation"].endswith("."), name
        assert told["rows"], name
        assert all(len(row) == len(told["columns"]) for row in told["rows"]), name


def test_the_totals_by_year_are_the_sums_of_the_rows(
    sample: Path, ask: Callable[..., dict[str, Any]]
) -> None:
    sums: dict[int, float] = defaultdict(float)
    with duckdb.connect(sample, read_only=True) as connection:
        rows = connection.execute(
            "SELECT production_period, period_days, oil_production_kbd FROM well_production"
        )
        for period, days, oil in rows.fetchall():
            sums[period.year] += (oil or 0) * days

    told = ask((PLACE / "totals-by-year.sql").read_text("utf-8"))

    assert {row[1]: row[3] for row in told["rows"]} == pytest.approx(sums, abs=0.06)


def test_a_well_that_was_renamed_within_a_gap_is_one_well() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE monthly AS SELECT 'a' AS source, '1' AS field_code, 'F' AS field_name, '7' AS well_code, * "
            "FROM (VALUES ('old', DATE '2024-01-01'), ('new', DATE '2024-04-01')) AS months(well_name, calendar_month)"
        )
        rows = connection.execute((PLACE / "gaps.sql").read_text("utf-8")).fetchall()

    assert rows == [("a", "F", "new", date(2024, 1, 1), date(2024, 4, 1), 2)]


def test_the_questions_are_read_by_their_leading_comments(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("-- Title\n-- What\n-- it is.\n\nSELECT 1 -- one\n;\n", "utf-8")
    shutil.copy(tmp_path / "a.sql", tmp_path / "b.sql")

    told = read_question(tmp_path / "b.sql")

    assert (told.name, told.title, told.explanation, told.statement) == (
        "b",
        "Title",
        "What it is.",
        "SELECT 1 -- one\n;",
    )
