"""An import that is held, in the console of a real browser:
its findings, accepting and discarding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.api_answers import JOB_ID
from support.held_jobs import NEXT_ID, NULLED, REJECTED, UNPROVED, accepted, held
from support.hostile_text import MARKUP
from support.scripted_console import Told, visit, whole

from local.pictures.browser import find_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.skipif(
    find_browser() is None,
    reason="there is no Chromium here: apt-get install chromium-headless-shell",
)
PLACE = f"/jobs/{JOB_ID}"
NONE = "\N{EN DASH}"
FUTURE = 4_000_000_000.0
BOTH = "Publish, and accept 2 findings"


def told(*findings: dict[str, Any], **more: Any) -> Told:
    return Told([whole(held(*findings, **{"accept_until": FUTURE, **more}))])


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def seen(page: Page, selector: str, text: str) -> None:
    page.locator(selector).filter(has_text=text).first.wait_for()


def complaints(page: Page) -> list[Any]:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    found: list[Any] = (
        Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    )
    return found


def test_a_held_import_shows_its_findings_with_limit_found_and_examples(
    scripted_console: tuple[str, Browser],
) -> None:
    with visit(*scripted_console, told(REJECTED, NULLED, UNPROVED), PLACE) as page:
        seen(page, "h2", "Held: nothing was published")
        rows = page.get_by_role("region", name="Findings, a table that scrolls").locator("tbody tr")
        shown = [
            [cell.split("\n")[0] for cell in row.locator("td").all_inner_texts()]
            for row in rows.all()
        ]
        assert shown == [
            ["Rows were rejected", REJECTED["found"], REJECTED["limit"], REJECTED["message"]],
            ["Stored values would turn empty", "1,000", "50", NULLED["message"]],
            ["Whether all rows came cannot be proved", NONE, NONE, UNPROVED["message"]],
        ]
        examples = page.get_by_role(
            "region", name="Examples: Rows were rejected, a table that scrolls"
        )
        assert examples.locator("th").all_inner_texts() == [
            "field_code",
            "well_code",
            "reason",
            "raw",
        ]
        first = examples.locator("tbody tr").first.locator("td")
        assert first.all_inner_texts() == ["007", "NO 30/6-E-2 H", "NOT_A_NUMBER", '{"oil": "n/a"}']
        seen(page, ".held p", "0 rows new, 1,000 updated, 0 unchanged, 83 rejected.")
        fields = page.get_by_role(
            "region", name="Stored volumes of fields before and after, a table that scrolls"
        )
        assert fields.locator("td").all_inner_texts() == [
            "Volve",
            "water_production_kbd",
            "Mbbl",
            "800.5",
            "0.0",
        ]
        seen(page, ".badge.held", "Held")
        assert page.get_by_role("button", name="Go on from where it ended").count() == 0


def test_each_finding_is_ticked_by_hand_before_the_import_is_published(
    scripted_console: tuple[str, Browser],
) -> None:
    api = told(REJECTED, NULLED, UNPROVED)
    api.jobs.append(whole(accepted()))
    api.answers["/accept"] = whole(accepted("PENDING"))
    with visit(*scripted_console, api, PLACE) as page:
        press(page, "Accept and publish …")
        page.get_by_role("dialog").wait_for()
        boxes = page.get_by_role("checkbox")
        publish = page.get_by_role("button", name=BOTH)
        assert [boxes.count(), publish.is_disabled()] == [2, True]
        boxes.nth(0).check()
        seen(page, "[role=status]", "1 finding of 2 ticked.")
        assert publish.is_disabled()
        boxes.nth(1).check()
        publish.click()

        page.wait_for_url(f"**#/jobs/{NEXT_ID}")
        seen(page, ".badge", "Completed")
    assert api.sent == [
        (f"wells/import/jobs/{JOB_ID}/accept", {"findings": ["REJECTED", "NULLED"]})
    ]


def test_the_dialog_goes_by_keyboard_alone_and_escape_publishes_nothing(
    scripted_console: tuple[str, Browser],
) -> None:
    api = told(REJECTED, NULLED)
    api.jobs.append(whole(accepted()))
    api.answers["/accept"] = whole(accepted("PENDING"))
    with visit(*scripted_console, api, PLACE) as page:
        page.get_by_role("button", name="Accept and publish …").focus()
        page.keyboard.press("Enter")
        page.get_by_role("dialog").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")
        assert page.evaluate("() => document.activeElement.textContent") == "Accept and publish …"
        assert api.sent == []

        page.keyboard.press("Enter")
        page.get_by_role("dialog").wait_for()
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.textContent") == BOTH
        page.keyboard.press("Enter")
        page.wait_for_url(f"**#/jobs/{NEXT_ID}")
    assert [path for path, _ in api.sent] == [f"wells/import/jobs/{JOB_ID}/accept"]


def test_a_held_import_is_discarded_after_a_question(scripted_console: tuple[str, Browser]) -> None:
    api = told()
    api.answers["/discard"] = whole(held(discarded_at=5.0, discarded_by="ada"))
    with visit(*scripted_console, api, PLACE) as page:
        press(page, "Discard")
        press(page, "Keep it held")
        assert api.sent == []
        press(page, "Discard")
        press(page, "Discard the import")

        seen(page, ".held", "by ada.")
        assert page.locator(".held").get_by_role("button").count() == 0
    assert api.sent == [(f"wells/import/jobs/{JOB_ID}/discard", None)]


def test_a_refused_word_is_told_and_can_be_given_again(
    scripted_console: tuple[str, Browser],
) -> None:
    api = told(REJECTED)
    api.refusals["/accept"] = {"code": "FINDINGS_DIFFER", "message": "Other findings hold it."}
    with visit(*scripted_console, api, PLACE) as page:
        press(page, "Accept and publish …")
        page.get_by_role("checkbox").check()
        press(page, "Publish, and accept 1 finding")
        seen(page, "[role=alert]", "Other findings hold it.")

        api.refusals["/accept"] = {"code": "ACCEPT_TOO_LATE", "message": "It is too late."}
        press(page, "Accept and publish …")
        page.get_by_role("checkbox").check()
        press(page, "Publish, and accept 1 finding")
        seen(page, "[role=alert]", "It is too late.")
        page.get_by_role("link", name="Start a new import").wait_for()
        assert page.locator(".held").get_by_role("button").all_inner_texts() == ["Discard"]


@pytest.mark.parametrize(
    ("facts", "buttons", "text"),
    [
        ({"accept_until": 5.0}, ["Discard"], "It could be accepted until"),
        (
            {"too_late": {"message": "A later one was held.", "held_since": NEXT_ID}},
            ["Discard"],
            "A later one was held.",
        ),
        (
            {"too_late": {"message": "A later one was held.", "held_since": NEXT_ID}},
            ["Discard"],
            "held since",
        ),
        (
            {"findings": [NULLED | {"can_be_accepted": False}]},
            ["Discard"],
            "This cannot be accepted.",
        ),
        ({"retried_by": NEXT_ID}, [], "The import that goes on from it"),
        ({"discarded_at": 5.0, "discarded_by": "ada"}, [], "It was discarded"),
    ],
)
def test_only_the_word_that_counts_can_be_given(
    scripted_console: tuple[str, Browser], facts: dict[str, Any], buttons: list[str], text: str
) -> None:
    with visit(*scripted_console, told(**facts), PLACE) as page:
        seen(page, ".held", text)
        assert page.locator(".held").get_by_role("button").all_inner_texts() == buttons


def test_a_reader_sees_the_findings_and_no_buttons(scripted_console: tuple[str, Browser]) -> None:
    api = told()
    api.role = "reader"
    with visit(*scripted_console, api, PLACE) as page:
        seen(page, ".held td", "Rows were rejected")
        assert page.locator(".held").get_by_role("button").count() == 0


def test_lists_and_the_first_page_call_it_held(scripted_console: tuple[str, Browser]) -> None:
    api = told(REJECTED)
    api.jobs.append(whole(held(discarded_at=5.0, discarded_by="ada")) | {"job_id": NEXT_ID})
    api.jobs.append(
        whole(held(too_late={"message": "A later one was held."})) | {"job_id": NEXT_ID}
    )
    with visit(*scripted_console, api, "/imports") as page:
        seen(page, ".ended .badge.held", "Held")
        seen(page, ".ended .notice.held li", "Rows were rejected")
        seen(page, ".recent", "Held, and discarded by ada")
        page.get_by_role("link", name="Findings, and what to do").click()
        page.wait_for_url(f"**#{PLACE}")

        page.goto(page.url.replace(PLACE, "/history"))
        seen(page, "td .badge.held", "Held")
        seen(page, "td.line", "Held until")
        seen(page, "td.line", "Held, and discarded by ada")
        seen(page, "td.line", "Held, and too late to accept. A later one was held.")


def test_what_a_source_put_into_findings_stays_text(scripted_console: tuple[str, Browser]) -> None:
    evil = '<img src=x onerror=alert(1)>\u202e"' + MARKUP[0]
    api = told(
        REJECTED | {"check": evil, "message": evil, "found": evil, "examples": [{evil: evil}, evil]}
    )
    with visit(*scripted_console, api, PLACE) as page:
        seen(page, ".held td", "<img src=x onerror=alert(1)>")
        press(page, "Accept and publish …")
        seen(page, "dialog small", "<img src=x onerror=alert(1)>")
        assert page.locator("main img, dialog img").count() == 0


@pytest.mark.by_lot
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 360)])
def test_a_held_import_is_accessible_and_fits(
    scripted_console: tuple[str, Browser], scheme: str, width: int
) -> None:
    size = {"width": width, "height": 800}
    with visit(
        *scripted_console,
        told(REJECTED, NULLED, UNPROVED),
        PLACE,
        color_scheme=scheme,
        viewport=size,
    ) as page:
        page.locator(".held td").first.wait_for()
        assert complaints(page) == []
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        press(page, "Accept and publish …")
        page.get_by_role("dialog").wait_for()
        assert complaints(page) == []
        page.keyboard.press("Escape")
        page.goto(page.url.replace(PLACE, "/imports"))
        page.locator(".ended .notice.held").wait_for()
        assert complaints(page) == []
