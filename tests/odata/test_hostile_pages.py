"""Too many rows are found in bounded memory,
a member that stands twice without looking into the rows.
"""

from __future__ import annotations

import tracemalloc

import pytest

from chalicelib.odata.hostile_pages import has_more_rows, repeated_member


@pytest.mark.parametrize("name", ["value", "d", "results"])
@pytest.mark.parametrize("row", [b"{}", b"7", b'{"a":[1,2,3],"b":{"c":"},{"}}'])
@pytest.mark.parametrize("between", [b",", b" , "])
def test_rows_are_counted_and_commas_are_not(name: str, row: bytes, between: bytes) -> None:
    def page(count: int) -> bytes:
        rows = b"[" + between.join([row] * count) + b"]"
        return (
            b'{"d":{"results":%s}}' % rows
            if name == "results"
            else b'{"%s":%s}' % (name.encode(), rows)
        )

    assert not has_more_rows(page(1_000), 1_000)
    assert has_more_rows(page(9_000), 1_000)


@pytest.mark.parametrize(
    "body", [b"", b"," * 9_000, b'{"value":' + b"," * 9_000, b'{"other":[' + b"1," * 9_000 + b"1]}"]
)
def test_what_is_no_page_is_left_to_the_parser(body: bytes) -> None:
    assert not has_more_rows(body, 1_000)


def test_counting_takes_no_memory_of_the_rows() -> None:
    body = b'{"value":[' + b"{}," * 10_000_000 + b"{}]}"
    tracemalloc.start()

    assert has_more_rows(body, 500_000)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(body) + (64 << 20)


@pytest.mark.parametrize(
    ("body", "rows", "names", "expected"),
    [
        (b'{"value":[{"value":1},{"value":2}]}', [b'{"value":1}', b'{"value":2}'], ["value"], None),
        (
            b'{"value":[ {"value":1} , {"value":2} ]}',
            [b'{"value":1}', b'{"value":2}'],
            ["value"],
            None,
        ),
        (b'{"x":"\\"value\\"","value":[1]}', [b"1"], ["value"], None),
        (b'{"x":{"value":1},"value":[1]}', [b"1"], ["value"], None),
        (b'{"value":[1],"value":[2]}', [b"2"], ["value"], "value"),
        (b'{"value":[1],"value":[]}', [], ["value"], "value"),
        (b'{"d":[1],"d":[2]}', [b"2"], ["d", "results"], "d"),
        (b'{"d":{"results":[1],"results":[2]}}', [b"2"], ["d", "results"], "results"),
        (b'{"x":1}', [], ["value"], None),
        (b'{"value":[1],"\\u0076alue":[2]}', [b"2"], ["value"], "value"),
        (b'{"val\\u0075\\u0065":[1], "value":[ 2 ]}', [b"2"], ["value"], "value"),
        (b'{"d":{"results":[1],"re\\u0073u\\u006Cts":[2]}}', [b"2"], ["d", "results"], "results"),
        (
            b'{"next":"\\u0026","value":[ {"value":"\\u00e9"} ]}',
            [b'{"value":"\\u00e9"}'],
            ["value"],
            None,
        ),
    ],
)
def test_a_member_that_stands_twice_is_named(
    body: bytes, rows: list[bytes], names: list[str], expected: str | None
) -> None:
    assert repeated_member(body, rows, names) == expected
