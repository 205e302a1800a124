"""DuckDB's extensions are looked at for their signatures once a process,
and never loaded without.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import duckdb
import pytest

from chalicelib.errors import LakeUnprepared
from chalicelib.lake.extensions import (
    EXTENSIONS,
    UNSIGNED,
    _extension,
    lake_config,
    load_extensions,
)

if TYPE_CHECKING:
    from pathlib import Path

LOADED = "SELECT list(extension_name ORDER BY extension_name) FROM duckdb_extensions() WHERE loaded AND NOT installed"


@pytest.fixture(autouse=True)
def _seen() -> None:
    """By this process, whatever ran in it before."""
    with duckdb.connect() as connection:
        load_extensions(connection)


@pytest.fixture
def changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An extension before the real one, with a byte of its code turned about."""
    real = _extension("avro")
    file = tmp_path / "duckdb_extension_avro" / "extensions" / real.parent.name / real.name
    file.parent.mkdir(parents=True)
    (tmp_path / "duckdb_extension_avro" / "__init__.py").touch()
    content = bytearray(real.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    return file


def test_a_signature_that_was_seen_is_not_asked_for_again() -> None:
    assert lake_config() == {UNSIGNED: True}
    with duckdb.connect(config=lake_config()) as connection:
        load_extensions(connection)

        assert connection.execute(LOADED).fetchall() == [(list(EXTENSIONS),)]


def test_nothing_else_is_loaded_without_one() -> None:
    with duckdb.connect(config=lake_config()) as connection:
        load_extensions(connection)

        assert connection.execute(f"SELECT current_setting('{UNSIGNED}')").fetchall() == [(False,)]
        with pytest.raises(duckdb.InvalidInputException, match="while database is running"):
            connection.execute(f"SET {UNSIGNED} = true")


def test_a_file_that_was_changed_is_looked_at_and_refused(changed: Path) -> None:
    assert _extension("avro") == changed
    assert lake_config() == {}
    with (
        duckdb.connect(config=lake_config()) as connection,
        pytest.raises(duckdb.IOException, match="signature"),
    ):
        load_extensions(connection)

    assert lake_config() == {}


def test_a_file_that_is_changed_while_a_connection_is_open_is_not_loaded(changed: Path) -> None:
    with duckdb.connect(config={UNSIGNED: True}) as connection:
        with pytest.raises(LakeUnprepared, match="exchanged"):
            load_extensions(connection)

        assert connection.execute(f"SELECT current_setting('{UNSIGNED}')").fetchall() == [(False,)]
        with pytest.raises(duckdb.IOException, match="signature"):
            connection.execute(f"LOAD '{changed}'")
