"""A page is atomic: all its rows, each as it was written, or BrokenPage."""

import json
import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.odata.envelope import BrokenPage, PageBody, read_page


def rows_of(body: bytes) -> list[bytes]:
    return [bytes(row) for row in read_page(body).rows]


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        pytest.param(b'{"value":[]}', [], id="no rows"),
        pytest.param(b'{"value":[{"a":1},{"b":2}]}', [b'{"a":1}', b'{"b":2}'], id="two rows"),
        pytest.param(b'{ "value": [   { "a": 1 }  , {} ] } ', [b'{ "a": 1 }', b"{}"], id="blanks"),
        pytest.param(b'{"val\\u0075e":[{"a":1}]}', [b'{"a":1}'], id="escaped name"),
        pytest.param(
            b'{"value":[null,5,"x",[1],true]}',
            [b"null", b"5", b'"x"', b"[1]", b"true"],
            id="no objects",
        ),
        pytest.param(b'{"value":[{"a":1,"a":2}]}', [b'{"a":1,"a":2}'], id="one field twice"),
        pytest.param(
            b'{"value":[{"a":123456789012345678901234567890},{"a":1.50e+3}]}',
            [b'{"a":123456789012345678901234567890}', b'{"a":1.50e+3}'],
            id="numbers as they are written",
        ),
        pytest.param(
            b'{"value":[{"a":"\xff"},{"a":1}]}',
            [b'{"a":"\xff"}', b'{"a":1}'],
            id="bad UTF-8 in a row",
        ),
        pytest.param(
            b'{"value":[{"a":NaN},{"b":2,"b":3},{"c":1.50}, {"d":-Infinity} ]}',
            [b'{"a":NaN}', b'{"b":2,"b":3}', b'{"c":1.50}', b'{"d":-Infinity}'],
            id="NaN: the others stay as they are",
        ),
        pytest.param(
            b'{"value":[{"a":"\\ud800"},{"b":1.0}]}',
            [b'{"a":"\\ud800"}', b'{"b":1.0}'],
            id="lone surrogate",
        ),
        pytest.param(
            b'{"value":[{"a":"\xff"},{"b":NaN}]}',
            [b'{"a":"\xff"}', b'{"b":NaN}'],
            id="bad UTF-8 and NaN",
        ),
        pytest.param(
            b'{"x":{"value":[1]},"value":[NaN],"y":[2]}', [b"NaN"], id="another value further in"
        ),
        pytest.param(
            b'{"value":[{"value":[NaN]}],"x":"]}"}', [b'{"value":[NaN]}'], id="a value within a row"
        ),
        pytest.param(
            b'{"value":[' + b'{"a":' * 100 + b"1" + b"}" * 100 + b"]}",
            [b'{"a":' * 100 + b"1" + b"}" * 100],
            id="deep",
        ),
    ],
)
def test_the_rows_are_the_texts_of_the_source(body: bytes, rows: list[bytes]) -> None:
    assert rows_of(body) == rows


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "no complete JSON"),
        (b"<html>", "no complete JSON"),
        (b"[]", "Expected `object`"),
        (b"null", "Expected `object`"),
        (b'{"d":{"results":{}}}', "results"),
        (b'{"d":{}}', "results"),
        (b'{"d":5}', "Expected"),
        (b'{"d":{"x":NaN}}', "no list named value, d or d.results"),
        (
            b'{"d":{"results":[{"a":1}]},"error":{"code":"Busy"}}',
            'an error instead of rows: {"code":"Busy"}',
        ),
        (b'{"d":{"results":[{"a":NaN}],"__next":5}}', "__next"),
        (b'{"value":null}', "value"),
        (b'{"value":{"a":1}}', "value"),
        (b'{"value":[{"a":NaN}],"@odata.nextLink":5}', "nextLink"),
        (b'{"value":[{"a":1}],"@odata.nextLink":5}', "nextLink"),
        (b'{"x":NaN}', "no list named value"),
        (b"[NaN]", "Expected `object`"),
        (b'{"value":[{"a":1}]}{"value":[]}', "no complete JSON"),
        (b'{"value":[{"a":1,}]}', "no complete JSON"),
        (b'{"value":[{"a":01}]}', "no complete JSON"),
        (b'{"value":[{"a":"\x01"}]}', "no complete JSON"),
        (b'{"value":[' + b"[" * 200_000 + b"]" * 200_000 + b"]}", "no complete JSON"),
        (b'{"error":{"code":"Busy"}}', 'an error instead of rows: {"code":"Busy"}'),
        (
            b'{"value":[{"a":1}],"error":{"code":"Busy"}}',
            'an error instead of rows: {"code":"Busy"}',
        ),
        (
            b'{"value":[{"a":NaN}],"error":{"code":"Busy"}}',
            'an error instead of rows: {"code": "Busy"}',
        ),
    ],
)
def test_what_is_no_page_says_why(body: bytes, says: str) -> None:
    with pytest.raises(BrokenPage) as broken:
        read_page(body)

    assert says in str(broken.value)
    assert len(str(broken.value)) < 300


@pytest.mark.parametrize("row", [b'{"a":"x"}', b'{"a":NaN}', b'{"a":"\xff"}'])
def test_a_page_cut_off_anywhere_is_never_a_page(row: bytes) -> None:
    body = b'{"@odata.count":2,"value":[' + row + b", " + row + b'],"@odata.nextLink":"next"}'

    for length in range(len(body)):
        with pytest.raises(BrokenPage):
            read_page(body[:length])


@pytest.mark.parametrize("row", [b"{}", b'{"a":NaN}'])
@pytest.mark.parametrize("template", ['{%s"value":[ROW]}', '{"value":[ROW],%s"z":0}'])
@pytest.mark.parametrize(
    ("members", "count", "next_link"),
    [
        ("", None, None),
        ('"@odata.count":12,"@odata.nextLink":"n",', 12, "n"),
        ('"@count":12,"@nextLink":"n",', 12, "n"),
        ('"@odata.count":"12","@odata.nextLink":null,', 12, None),
        ('"@odata.count":1,"@count":2,"@odata.nextLink":"a","@nextLink":"b",', 1, "a"),
        ('"@odata.count":0,', 0, None),
        ('"@odata.count":-1,', None, None),
        ('"@odata.count":"many",', None, None),
        ('"@odata.count":9223372036854775808,', None, None),
        (f'"@odata.count":"{"9" * 5000}",', None, None),
    ],
)
def test_count_and_link_stand_before_or_after_the_rows(
    row: bytes, template: str, members: str, count: int | None, next_link: str | None
) -> None:
    body = (template % members).encode().replace(b"ROW", row)

    page = read_page(body)

    assert page == PageBody(rows=page.rows, count=count, next_link=next_link)
    assert [bytes(text) for text in page.rows] == [row]


@pytest.mark.parametrize("row", [b'{"a":1.50}', b'{"a":NaN}'])
@pytest.mark.parametrize(
    "member", ["null", "5", '"x"', "[1]", '{"results":3}', '{"results":[1],"__count":[]}']
)
def test_a_member_named_d_beside_the_rows_is_none_of_ours(row: bytes, member: str) -> None:
    assert rows_of(b'{"d":%b,"value":[%b]}' % (member.encode(), row)) == [row]
    assert rows_of(b'{"value":[%b],"d":%b}' % (row, member.encode())) == [row]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    rows=st.lists(json_values, max_size=5),
    before=st.dictionaries(st.text(), json_values, max_size=2),
    after=st.dictionaries(st.text(), json_values, max_size=2),
    indent=st.sampled_from([None, 0, 3]),
)
def test_any_rows_come_back_whole(
    rows: list[Any], before: dict[str, Any], after: dict[str, Any], indent: int | None
) -> None:
    """NaN and lone surrogates send a page to Python's parser;
    the texts are the same on both ways.
    """
    assume(not {"value", "error"} & {*before, *after})
    assume(not any(name.startswith("@") for name in (*before, *after)))
    body = json.dumps({**before, "value": rows, **after}, indent=indent).encode()

    read = rows_of(body)

    assert all(same(json.loads(text), row) for text, row in zip(read, rows, strict=True))
    if indent is None:
        assert read == [json.dumps(row).encode() for row in rows]


def same(one: Any, other: Any) -> bool:
    """Equal, NaN being itself."""
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    return json.dumps(one) == json.dumps(other)


# -- OData v2 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [b'{"a":1.50}', b'{"a":NaN}', b'{"a":"\\ud800"}'])
@pytest.mark.parametrize(
    ("template", "count", "next_link"),
    [
        (b'{"d":[ROW,ROW]}', None, None),
        (b'{"d":{"results":[ROW,ROW]}}', None, None),
        (b'{"d":{"__count":"123","results":[ROW,ROW],"__next":"n"}}', 123, "n"),
        (b'{"d":{"results":[ROW,ROW],"__next":"n","__count":123}}', 123, "n"),
        (b'{"d":{"results":[ROW,ROW],"__next":null,"__count":"many"}}', None, None),
    ],
)
def test_the_shapes_of_v2(
    row: bytes, template: bytes, count: int | None, next_link: str | None
) -> None:
    page = read_page(template.replace(b"ROW", row))

    assert page == PageBody(rows=page.rows, count=count, next_link=next_link, is_v2=True)
    assert [bytes(text) for text in page.rows] == [row, row]


@pytest.mark.parametrize("row", [b'{"a":"x"}', b'{"a":NaN}'])
def test_a_page_of_v2_cut_off_anywhere_is_never_a_page(row: bytes) -> None:
    body = b'{"d":{"__count":"2","results":[' + row + b", " + row + b'],"__next":"next"}}'

    for length in range(len(body)):
        with pytest.raises(BrokenPage):
            read_page(body[:length])


@pytest.mark.parametrize(
    "body",
    [
        b'{"value":[{"a":1}],"value":[]}',
        b'{"value":[],"value":[{"a":1}]}',
        b'{"value":[{"a":NaN}],"value":[{"a":1}]}',
        b'{"value":[{"value":1}],"value":[{"value":2}]}',
        b'{"d":{"results":[{"a":1}],"results":[{"a":2}]}}',
        b'{"d":[{"a":1}],"d":[]}',
    ],
)
def test_rows_that_stand_twice_are_no_page(body: bytes) -> None:
    with pytest.raises(BrokenPage, match="twice"):
        read_page(body)


@pytest.mark.parametrize(
    "row",
    [b"{}", b"1", b'"x"', b'{"a":{"b":[1,2]},"c":3}', b'{ "a": 1 }'],
    ids=["empty", "1", "x", "deep", "blanks"],
)
@pytest.mark.parametrize("name", ["value", "d", "results"])
def test_a_page_of_too_many_rows_is_refused(row: bytes, name: str) -> None:
    def page(count: int) -> bytes:
        rows = b"[" + b", ".join([row] * count) + b"]"
        return (
            b'{"d":{"results":%s}}' % rows
            if name == "results"
            else b'{"%s":%s}' % (name.encode(), rows)
        )

    assert len(read_page(page(900), most_rows=1_000).rows) == 900
    with pytest.raises(BrokenPage, match="more than 1,000 rows"):
        read_page(page(9_000), most_rows=1_000)


def test_many_commas_are_not_many_rows() -> None:
    body = b'{"value":[' + b",".join([b'{"a":"x,},{,y","b":[1,2,3],"c":{"d":1}}'] * 900) + b"]}"

    assert len(read_page(body, most_rows=1_000).rows) == 900


def test_a_large_page_must_be_strict_json() -> None:
    with pytest.raises(BrokenPage, match="16 MB at most"):
        read_page(b'{"value":[{"a":NaN,"b":"' + b"x" * (17 << 20) + b'"}]}')
