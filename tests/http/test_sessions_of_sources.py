"""What a source keeps of a conversation: its cookies, and whom it has let in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.scripted_source import Answer, page, rows

from chalicelib.errors import SourceUnauthorized
from chalicelib.http.cookies import MOST_COOKIES
from chalicelib.http.signing import basic_auth

if TYPE_CHECKING:
    from support.scripted_source import Asked, Connect, Serve

AUTH = basic_auth("reader", "pa55word")


def cookie(asked: Asked) -> str | None:
    return asked.headers.get("cookie")


def linked(number: int, **headers: str) -> Answer:
    return Answer(page(rows(number, 1), odata_nextLink=f"?{number}"), headers=headers)


def test_a_session_cookie_goes_back_to_where_it_came_from(serve: Serve, connect: Connect) -> None:
    source = serve(
        linked(0, **{"Set-Cookie": "session=a1; Path=/; HttpOnly"}),
        linked(1, **{"Set-Cookie": "session=b2; Path=/"}),
        Answer(page(rows(2, 1))),
    )

    assert connect(source.url).rows() == rows(0, 3)
    assert [cookie(asked) for asked in source.asked] == [None, "session=a1", "session=b2"]


def test_a_cookie_goes_to_no_other_origin(serve: Serve, connect: Connect) -> None:
    """Cookies know no ports, and hosts may share them; here an origin is the whole of it."""
    alias = serve(Answer(page(rows(1, 1))))
    first = Answer(
        page(rows(0, 1), odata_nextLink=alias.url), headers={"Set-Cookie": "session=a1; Path=/"}
    )

    assert connect(serve(first).url, source_aliases=alias.root).rows() == rows(0, 2)
    assert [cookie(asked) for asked in alias.asked] == [None]


def test_cookies_are_few_and_short(serve: Serve, connect: Connect) -> None:
    many = [linked(n, **{"Set-Cookie": f"c{n}=x; Path=/"}) for n in range(MOST_COOKIES + 5)]
    source = serve(linked(99, **{"Set-Cookie": "long=" + "x" * 5000}), *many, Answer(page([])))

    connect(source.url).rows()

    assert source.asked[-1].headers["cookie"].count("=") == MOST_COOKIES
    assert "long" not in source.asked[-1].headers["cookie"]


def test_one_401_in_the_middle_is_asked_again_in_a_new_session(
    serve: Serve, connect: Connect
) -> None:
    source = serve(
        linked(0, **{"Set-Cookie": "session=a1; Path=/"}),
        Answer(status=401),
        Answer(page(rows(1, 1))),
    )

    assert connect(source.url, auth=AUTH).rows() == rows(0, 2)
    assert [cookie(asked) for asked in source.asked] == [None, "session=a1", None]
    assert len({asked.headers["authorization"] for asked in source.asked}) == 1


@pytest.mark.parametrize(("first", "asked"), [(linked(0), 3), (Answer(status=401), 1)])
def test_credentials_that_are_wrong_are_not_shown_again_and_again(
    serve: Serve, connect: Connect, first: Answer, asked: int
) -> None:
    """Accounts are locked for that."""
    source = serve(first, Answer(status=401))

    with pytest.raises(SourceUnauthorized):
        connect(source.url, auth=AUTH).rows()
    assert len(source.asked) == asked
