"""What Python's parser takes, cut out as it is written."""

import pytest

from chalicelib.odata.lenient_json import MOST_BYTES, NoJson, read_leniently


@pytest.mark.parametrize(
    ("text", "path", "elements"),
    [
        (b'{"a":[NaN, 1.50 ,{"b" : -Infinity}]}', ["a"], [b"NaN", b"1.50", b'{"b" : -Infinity}']),
        (b' { "x" : {"a":[1]} , "a" : [ "\xff" , "\\ud800" ] } ', ["a"], [b'"\xff"', b'"\\ud800"']),
        (b'{"a":{"b":[1],"c":[2]},"b":[3]}', ["a", "b"], [b"1"]),
        (b'{"a":[1],"a":[2,3]}', ["a"], [b"2", b"3"]),
        (b'{"a":[]}', ["a"], []),
        (b'{"a":[1]}', ["b"], []),
        (b"[[1],2]", [], [b"[1]", b"2"]),
    ],
)
def test_the_elements_of_a_list_are_as_they_are_written(
    text: bytes, path: list[str], elements: list[bytes]
) -> None:
    assert read_leniently(text, {"a", "b"}).elements(path) == elements


def test_of_each_object_the_named_members_are_kept() -> None:
    document = read_leniently(b'{"a":{"x":1,"b":2},"x":[3],"b":[{"x":4},{"b":5}]}', {"a", "b"})

    assert document.members == {"a": {"b": 2}, "b": [{}, {"b": 5}]}


@pytest.mark.parametrize(
    "text", [b"", b"{", b'{"a":1}{}', b"<html>", b"[" * 200_000, b'{"a":' + b"1" * 5_000 + b"}"]
)
def test_what_is_no_json_says_so(text: bytes) -> None:
    with pytest.raises(NoJson, match="it is no complete JSON"):
        read_leniently(text, {"a"})


def test_a_large_text_is_not_read() -> None:
    with pytest.raises(NoJson, match="16 MB at most"):
        read_leniently(b" " * (MOST_BYTES + 1), {"a"})
