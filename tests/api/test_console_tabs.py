"""Two tabs of a real browser: the second asks the first for the sign-in,
one sign-out is for all, and no other origin hears a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.scripted_console import Told, visit

from local.aws.loopback import LoopbackHandler, LoopbackServer
from local.pictures.browser import find_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.skipif(
    find_browser() is None,
    reason="there is no Chromium here: apt-get install chromium-headless-shell",
)
TOKEN = "() => sessionStorage.getItem('wellhead-token')"
LISTEN = """() => {
    window.heard = [];
    window.channel = new BroadcastChannel("wellhead-session /console/");
    window.channel.onmessage = ({ data }) => window.heard.push(data);
}"""
ASK = "() => window.channel.postMessage({ asker: 'eve' })"
HEARD = "() => window.heard"
TOLD_TOKEN = "() => window.heard.some(({ to, token }) => to === 'eve' && token === 't')"


class Elsewhere(LoopbackHandler):
    """A page of another origin."""

    def do_GET(self) -> None:  # noqa: N802  http.server's name
        self.answer(
            200,
            b"<!doctype html><link rel=icon href=data:,><p>elsewhere</p>",
            {"Content-Type": "text/html"},
        )


def second_tab(page: Page, url: str) -> Page:
    other = page.context.new_page()
    other.goto(url)
    return other


def is_signed_in(page: Page) -> None:
    page.get_by_role("heading", name="History").wait_for()
    assert page.evaluate(TOKEN) == "t"


def is_asked(page: Page) -> None:
    page.get_by_role("heading", name="Sign in").wait_for()
    assert page.evaluate(TOKEN) is None


def test_a_second_tab_asks_an_open_one_and_keeps_nothing_outside(
    scripted_console: tuple[str, Browser],
) -> None:
    url, _ = scripted_console
    with visit(*scripted_console, Told(), "/history") as page:
        is_signed_in(page)
        other = second_tab(page, f"{url}/console#/history")
        is_signed_in(other)
        assert other.evaluate("() => [localStorage.length, document.cookie]") == [0, ""]
        assert page.context.cookies() == []

        page.goto("about:blank")
        third = second_tab(other, f"{url}/console#/history")
        is_signed_in(third)  # the second one tells it as the first did
        for tab in (other, third):
            tab.close()
        is_asked(second_tab(page, f"{url}/console#/history"))


def test_signing_out_in_one_tab_is_for_all(scripted_console: tuple[str, Browser]) -> None:
    url, _ = scripted_console
    with visit(*scripted_console, Told(), "/history") as page:
        other = second_tab(page, f"{url}/console#/history")
        is_signed_in(other)

        other.get_by_role("button", name="Sign out").click()

        for tab in (page, other):
            is_asked(tab)
            tab.get_by_role("paragraph").filter(has_text="You are signed out.").wait_for()
        is_asked(second_tab(page, f"{url}/console#/history"))


def test_a_tab_without_a_sign_in_tells_nothing_and_a_link_wins(
    scripted_console: tuple[str, Browser],
) -> None:
    url, _ = scripted_console
    with visit(*scripted_console, Told(), "/history") as page:
        other = second_tab(page, f"{url}/console#token=another")
        other.locator(".ended").wait_for()
        assert (other.evaluate(TOKEN), page.evaluate(TOKEN)) == ("another", "t")


def test_another_origin_hears_nothing_and_is_told_nothing(
    scripted_console: tuple[str, Browser],
) -> None:
    """A page of this origin does: so the silence is that of the origin, and not of the channel."""
    url, _ = scripted_console
    elsewhere = LoopbackServer(Elsewhere).start()
    with visit(*scripted_console, Told(), "/history", known=(elsewhere.url,)) as page:
        is_signed_in(page)
        foreign, own = (
            second_tab(page, elsewhere.url),
            second_tab(page, f"{url}/console/favicon.svg"),
        )
        for tab in (foreign, own):
            tab.evaluate(LISTEN)
            tab.evaluate(ASK)
        own.wait_for_function(TOLD_TOKEN)
        is_signed_in(second_tab(page, f"{url}/console#/history"))
        page.get_by_role("button", name="Sign out").click()
        own.wait_for_function("() => window.heard.some(({ isSignOut }) => isSignOut)")

        assert foreign.evaluate(HEARD) == []
    elsewhere.stop()


HAS_ASKED = "() => window.heard.findLast(({ asker }) => asker)?.asker"
HAS_HEARD = "token => window.heard.some((each) => each.token === token)"


def test_a_tab_that_is_busy_answers_late_and_is_heard(
    scripted_console: tuple[str, Browser],
) -> None:
    url, _ = scripted_console
    with visit(*scripted_console, Told(), "/history") as page:
        busy = second_tab(page, f"{url}/console/favicon.svg")
        busy.evaluate(LISTEN)
        page.goto("about:blank")
        other = second_tab(page, f"{url}/console#/history")
        is_asked(other)
        asker = busy.wait_for_function(HAS_ASKED).json_value()
        answer = "({ to, token }) => window.channel.postMessage({ to, token })"

        busy.evaluate(answer, {"to": "somebody else", "token": "x"})
        busy.evaluate(answer, {"to": asker, "token": "t"})

        is_signed_in(other)


def test_what_a_tab_answers_after_a_sign_out_signs_nobody_in(
    scripted_console: tuple[str, Browser],
) -> None:
    url, _ = scripted_console
    with visit(*scripted_console, Told(), "/history") as page:
        busy = second_tab(page, f"{url}/console/favicon.svg")
        busy.evaluate(LISTEN)
        page.goto("about:blank")
        other = second_tab(page, f"{url}/console#/history")
        is_asked(other)
        other.evaluate(LISTEN)
        asker = busy.wait_for_function(HAS_ASKED).json_value()

        busy.evaluate("() => window.channel.postMessage({ isSignOut: true })")
        busy.evaluate("to => window.channel.postMessage({ to, token: 't' })", asker)

        other.wait_for_function(HAS_HEARD, arg="t")
        is_asked(other)


WORDS = [
    "null",
    "{}",
    "{ to: 'x', token: 't' }",
    "{ asker: {} }",
    "'ask'",
    "[1]",
    "{ isSignOut: false }",
]


def test_words_that_are_none_change_nothing(scripted_console: tuple[str, Browser]) -> None:
    url, _ = scripted_console
    with visit(*scripted_console, Told(), "/history") as page:
        own = second_tab(page, f"{url}/console/favicon.svg")
        own.evaluate(LISTEN)
        for words in WORDS:
            own.evaluate(f"() => window.channel.postMessage({words})")
        own.evaluate(ASK)
        own.wait_for_function(TOLD_TOKEN)  # what was said before has been heard

        assert len(own.evaluate(HEARD)) == 1
        is_signed_in(page)
