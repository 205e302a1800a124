"""A file of rows, one JSON object a line, plain or gzipped, served in the file's order."""

import gzip
import tempfile
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import IO, Self, cast

import msgspec

GZIP_MAGIC = b"\x1f\x8b"

Key = tuple[int | None, int | None, str | None]  # field, well and period, as the row has them


class NdjsonError(ValueError):
    """The file cannot be served; the sentence says which line or why."""


class NdjsonFile:
    """Every line is checked once; then its offset stays in memory and its text in a temporary file.

    `ordered` tells whether the keys ascend, so that one may search by halving; a null or text in a
    key's place leaves a file unordered.
    """

    def __init__(self, path: Path) -> None:
        self.ordered = True
        self._offsets = array("Q", [0])
        self._lock = Lock()
        self._lines = tempfile.TemporaryFile()  # noqa: SIM115 -- lives as long as the object
        try:
            self._read(path)
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._lines.close()

    def key(self, position: int) -> Key:
        [line] = self.page(position, 1)
        return _key(msgspec.json.decode(line))

    def page(self, skip: int, top: int) -> list[bytes]:
        """Up to `top` rows from position `skip`, each one JSON object."""
        positions = range(len(self))[skip : skip + top]
        if not positions:
            return []
        first = self._offsets[positions.start]
        past = self._offsets[positions.stop]
        with self._lock:
            self._lines.seek(first)
            return self._lines.read(past - first - 1).split(b"\n")

    def _read(self, path: Path) -> None:
        before: Key | None = None
        for line, row in _rows(path):
            key = _key(row)
            is_whole = None not in key
            # As long as all is in order, the key before is whole too, and can be compared.
            self.ordered = self.ordered and is_whole and (before is None or _ascends(before, key))
            before = key

            self._lines.write(line + b"\n")
            self._offsets.append(self._offsets[-1] + len(line) + 1)


def _rows(path: Path) -> Iterator[tuple[bytes, dict[str, object]]]:
    number = 0
    try:
        with _open(path) as lines:
            for line in lines:
                number += 1
                if text := line.strip():
                    yield text, msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise NdjsonError(f"Line {number} of {path.name} is no JSON object: {exc}.") from exc
    except (OSError, EOFError, zlib.error) as exc:
        raise NdjsonError(f"{path.name} cannot be read after line {number}: {exc}.") from exc


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        beginning = file.read(len(GZIP_MAGIC))
    if beginning == GZIP_MAGIC:
        return cast("IO[bytes]", gzip.open(path))
    return path.open("rb")


def _key(row: dict[str, object]) -> Key:
    field = row.get("field_code")
    well = row.get("well_code")
    period = row.get("production_period")
    return (
        field if isinstance(field, int) else None,
        well if isinstance(well, int) else None,
        period if isinstance(period, str) else None,
    )


def _ascends(before: Key, key: Key) -> bool:
    """Of two keys without a None."""
    return cast("tuple[int, int, str]", before) <= cast("tuple[int, int, str]", key)
