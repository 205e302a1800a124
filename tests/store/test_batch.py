"""A batch keeps each row's place on its page, whatever is taken out of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.staging import batch_of

from chalicelib.store.batch import (
    JOINED_ROWS,
    LONGEST_ROW,
    PIECE_BYTES,
    RAW_BYTES,
    Batch,
    Pieces,
    Run,
    is_readable,
    placed_row,
)

FIELDS = {"field_code", "well_name"}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_rows_of_several_pages_stand_in_one_file_in_order(tmp_path: Path) -> None:
    batch = batch_of(tmp_path, [b'{"a":1}', b'{"a":2}'], [], [b'{"a":3}'], first=7)

    assert batch.path.read_bytes() == b'{"a":1}\n{"a":2}\n{"a":3}\n'
    assert (batch.runs, batch.rows, batch.size) == (
        [Run(7, 0, 2), Run(8, 0, 0), Run(9, 0, 1)],
        3,
        24,
    )
    assert list(batch.lines()) == [(7, 0, b'{"a":1}\n'), (7, 1, b'{"a":2}\n'), (9, 0, b'{"a":3}\n')]


def test_a_cleared_batch_is_as_new(tmp_path: Path) -> None:
    batch = batch_of(tmp_path, [b'{"a":1}', b'{"a":2}'], [b'{"a":3}'])

    batch.clear()
    assert batch == Batch(batch.path)
    batch.append(4, [b'{"a":4}'])

    assert batch.seal().read_bytes() == b'{"a":4}\n'
    assert list(batch.lines()) == [(4, 0, b'{"a":4}\n')]


def test_many_rows_stay_one_a_line(tmp_path: Path) -> None:
    rows = [b'{"a":%d}' % number for number in range(2 * JOINED_ROWS + 1)]

    assert batch_of(tmp_path, rows, rows[:JOINED_ROWS]).seal().read_bytes().split(b"\n")[:-1] == [
        *rows,
        *rows[:JOINED_ROWS],
    ]


@pytest.mark.parametrize(
    "row", [b'{"a":1}', b'{"a":"' + b"x" * 5000 + b'"}', b'"' + b"x" * (PIECE_BYTES + 9) + b'"']
)
def test_pieces_are_the_rows_once_more_and_no_longer_than_a_row_needs(
    tmp_path: Path, row: bytes
) -> None:
    rows = [row] * (3 * PIECE_BYTES // len(row) + 2)
    batch = batch_of(tmp_path, rows)

    with batch.pieces() as files:
        texts = [Path(file).read_bytes() for file in files]

    assert b"".join(texts) == b"".join(row + b"\n" for row in rows)
    assert all(text.endswith(b"\n") for text in texts)
    assert max(map(len, texts)) <= PIECE_BYTES + len(row) + 1
    assert list(tmp_path.iterdir()) == [batch.path]


READABLE = [
    b"{}",
    b"null",
    b'{"field_code":1,"other":1,"other":2}',
    b'{"well_name":{"well_name":1,"a":2,"a":3}}',
    b'{"well_name":"\\ud83d\\ude00 \xc3\xa9"}',
    b'{"field_code":NaN,"well_name":1e400,"n":123456789012345678901234567890}',
    b'{"well_name":"' + b"x" * (LONGEST_ROW - 16) + b'"}',
]
UNREADABLE = [
    b"5",
    b"true",
    b"[]",
    b'"text"',
    b'{"field_code":1,"field_code":1}',
    b'{"well_name":null,"well_\\u006eame":"A"}',
    b'{"well_name":"\\ud800"}',
    b'{"\\udc00":1}',
    b'{"well_name":"\xff"}',
    b'{"other":"\xc3"}',
    b'{"well_name":"' + b"x" * (LONGEST_ROW - 15) + b'"}',
]


def test_what_is_readable() -> None:
    assert [row[:60] for row in READABLE if not is_readable(row + b"\n", FIELDS)] == []
    assert [row[:60] for row in UNREADABLE if is_readable(row + b"\n", FIELDS)] == []


@given(
    pages=st.lists(
        st.lists(st.sampled_from([*READABLE[:-1], *UNREADABLE[:-1]]), max_size=5), max_size=4
    )
)
def test_splitting_keeps_every_row_once_and_at_its_place(
    tmp_path_factory: Any, pages: list[list[bytes]]
) -> None:
    directory = tmp_path_factory.mktemp("batch")
    batch = batch_of(directory, [b"{}"], *pages)
    before = list(batch.lines())

    with Pieces(directory / "unreadable") as unreadable:
        readable = batch.split_unreadable(unreadable, FIELDS)
        placed = [row for path in unreadable.seal() for row in lines(Path(path))]

    good = [
        (page, position, line) for page, position, line in before if line.rstrip(b"\n") in READABLE
    ]
    bad = [
        (page, position, line)
        for page, position, line in before
        if line.rstrip(b"\n") in UNREADABLE
    ]
    assert list(readable.lines()) == good
    assert readable.rows == len(good)
    assert readable.longest_row == max(len(line) - 1 for _, _, line in good)
    assert placed == [
        {"page": page, "position": position, "raw": line.decode("utf-8", "replace").rstrip("\n")}
        for page, position, line in bad
    ]
    assert list(batch.lines()) == before


@given(line=st.binary(max_size=30).map(lambda part: part.replace(b"\n", b"") * 300))
def test_the_raw_text_of_any_row_is_kept_up_to_4_kib(line: bytes) -> None:
    placed = json.loads(placed_row(3, 4, line + b"\n"))

    raw = placed.pop("raw")
    assert placed == {"page": 3, "position": 4}
    assert len(raw.encode()) <= RAW_BYTES
    whole = line.decode("utf-8", "replace")
    assert (
        raw == whole if len(whole.encode()) < RAW_BYTES else whole.startswith(raw.rstrip("\ufffd"))
    )


def test_a_raw_text_is_not_cut_inside_a_character() -> None:
    line = b'"' + "é".encode() * RAW_BYTES

    assert json.loads(placed_row(1, 0, line))["raw"] == '"' + "é" * ((RAW_BYTES - 1) // 2)
