"""A source is added and changed in the console of a real browser:
from an address or a file to the first import.
"""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from support.api_answers import JOB_ID
from support.console_stage import BACKWARDS, MARKUP
from support.scripted_console import console, visit
from support.sources_api import FIELDS, SourcesApi, found

from local.pictures.browser import find_browser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.skipif(
    find_browser() is None,
    reason="there is no Chromium here: apt-get install chromium-headless-shell",
)
NEW = "/new-source"
ADDRESS = "s3://wells/Pozos 2024.csv"
BUCKET = "https://wells-123.s3.eu-central-1.amazonaws.com/"
NONE = "\N{EN DASH}"
PATIENCE = 45  # seconds
REST_MS = 700  # without a change, until the console looks at the source
COLUMNS = {
    "field_code": "Campo",
    "well_code": "Pozo",
    "production_period": {"field": "Fecha", "format": "%Y%m"},
    "oil_production_kbd": {"field": "Petroleo (m3)", "unit": "m3"},
}
WHOLE = {
    "name": "pozos-2024",
    "url": ADDRESS,
    "kind": "files",
    "period": "month",
    "decimal": ",",
    "columns": COLUMNS,
}
GAS = {"field": "Gas", "unit": "e3m3"}


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[tuple[str, Browser]]:
    """A stack whose warehouse is a bucket."""
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)
    with ExitStack() as exits:
        environment = exits.enter_context(pytest.MonkeyPatch.context())
        environment.setenv("WELLHEAD_WAREHOUSE", "s3://wells-123/warehouse")
        environment.setenv("AWS_REGION", "eu-central-1")
        yield exits.enter_context(console(tmp_path_factory.mktemp("project"))), browser


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def seen(page: Page, selector: str, text: str) -> None:
    page.locator(selector).filter(has_text=text).first.wait_for()


def choose(page: Page, label: str, value: str) -> None:
    page.get_by_label(label, exact=True).select_option(value)


def chosen(page: Page, label: str) -> str:
    return page.get_by_label(label, exact=True).input_value()


def stored(page: Page, column: str, text: str) -> None:
    page.locator(f"[data-stored={column}]").filter(
        has_text=re.compile(f"^{re.escape(text)}$")
    ).wait_for()


def came(page: Page, condition: Callable[[], bool]) -> None:
    """The console has asked, which it does when it likes to."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        page.wait_for_timeout(50)  # in which the script answers


def look_at(page: Page, address: str = ADDRESS) -> None:
    page.get_by_label("Address", exact=True).fill(address)
    press(page, "Look at the source")


def drafted(page: Page) -> None:
    """The look is over, and so is the one at what was drafted from it."""
    look_at(page)
    stored(page, "oil_production_kbd", "4.9285")


def complaints(page: Page) -> list[Any]:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    found: list[Any] = (
        Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    )
    return found


# --------------------------------------------------------------------------------------------- from the address on


def test_a_source_goes_from_its_address_to_its_first_import(shared: tuple[str, Browser]) -> None:
    api = SourcesApi(answers={"trigger": {"job_id": JOB_ID}})
    with visit(*shared, api, "/sources") as page:
        page.get_by_role("link", name="Add a source").click()
        drafted(page)
        assert page.get_by_role("radio", name="Files at an address").is_checked()
        assert [
            chosen(page, f"Unit of {name}") for name in ("Oil", "Gas", "Days on production")
        ] == ["m3", "", ""]
        seen(page, ".state", "Choose the unit of gas, days on production")
        press(page, "Use e3m3")
        choose(page, "Unit of Days on production", "day")
        stored(page, "gas_production_mmcfd", "1.0943")
        seen(page, ".state", "It can be imported")
        press(page, "Save")
        seen(page, ".notice", "pozos-2024 is saved, as version 1.")
        with page.expect_request("**/trigger?**") as asked:
            page.keyboard.press("Enter")  # the button has the focus
        page.wait_for_url(f"**#/jobs/{JOB_ID}")
    assert asked.value.url.endswith("trigger?source=pozos-2024&full=true")
    days = {"field": "Dias", "unit": "day"}
    columns = COLUMNS | {"gas_production_mmcfd": GAS, "days_on_production": days}
    assert api.checked[0] == {"url": ADDRESS, "kind": "files"}
    assert api.sources == {"pozos-2024": WHOLE | {"columns": columns}}


def test_what_is_written_before_the_presets_have_come_stays(shared: tuple[str, Browser]) -> None:
    api = SourcesApi()
    with visit(*shared, api, "/sources") as page:
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        page.route("**/sources/presets", hold)
        page.goto(page.url.replace("/sources", NEW))
        page.get_by_label("Address", exact=True).fill(ADDRESS)
        while not held:
            page.wait_for_timeout(50)
        held[0].fallback()
        page.locator("#preset option").nth(2).wait_for(state="attached")
        assert page.get_by_label("Address", exact=True).input_value() == ADDRESS


def test_a_preset_fills_the_columns_and_says_whether_it_was_verified(
    shared: tuple[str, Browser],
) -> None:
    api = SourcesApi(finds=lambda values: found({"columns": COLUMNS, **values}))
    with visit(*shared, api, NEW) as page:
        page.get_by_label("Preset: a form of data that is known").select_option("cnh")
        seen(page, "#preset-told", "Not verified")
        look_at(page)
        page.locator("#field-well_code").wait_for()
        assert page.locator("#field-well_code option").first.inner_text() == "the preset's: Pozo"
        assert page.locator("#field-well_name option").first.inner_text() == "nothing"
    assert api.checked == [{"url": ADDRESS, "kind": "files", "preset": "cnh"}]


def test_a_preset_says_whether_its_data_are_files(shared: tuple[str, Browser]) -> None:
    with visit(*shared, SourcesApi(), NEW) as page:
        page.get_by_label("Address", exact=True).fill("https://data.example.org/production")
        assert page.get_by_role("radio", name="An OData service").is_checked()
        page.get_by_label("Preset: a form of data that is known").select_option("cnh")
        assert page.get_by_role("radio", name="Files at an address").is_checked()


def test_the_table_shows_each_column_as_written_and_as_stored(shared: tuple[str, Browser]) -> None:
    with visit(*shared, SourcesApi(), NEW) as page:
        drafted(page)
        rows = page.locator(".mapping tbody tr")
        assert rows.count() == 14
        oil = rows.filter(has=page.locator("#field-oil_production_kbd"))
        assert oil.locator("[data-written]").inner_text() == "4928,5"
        assert oil.locator("td").last.inner_text() == "50%"
        seen(page, ".mapping .guess", "From the data: m3 The field is called so.")
        seen(page, ".mapping .guess", "A guess: e3m3 Numbers of this size fit.")
        seen(page, ".mapping .guess", "A guess: Nothing tells the unit.")
        page.locator("summary", has_text="The first 2 rows, as written").click()
        sample = page.get_by_role(
            "region", name="The first 2 rows, as written, a table that scrolls"
        )
        assert sample.locator("th").all_inner_texts() == FIELDS


# --------------------------------------------------------------------------------------------- units


def test_a_unit_is_never_chosen_by_itself(shared: tuple[str, Browser]) -> None:
    api = SourcesApi()
    with visit(*shared, api, NEW) as page:
        drafted(page)
        choose(page, "Field of the source for Water", "f:Gas")
        options = page.get_by_label("Unit of Water", exact=True)
        assert chosen(page, "Unit of Water") == ""
        assert options.locator("option").first.inner_text() == "Choose the unit"
        assert options.locator("optgroup").last.locator("option").first.inner_text() == "bbl/d"
        choose(page, "Field of the source for Oil", "f:Dias")
        assert chosen(page, "Unit of Oil") == ""
        seen(page, ".state", "Choose the unit of oil")
        stored(page, "oil_production_kbd", NONE)

        press(page, "Save")
        for column in ("oil_production_kbd", "water_production_kbd"):
            seen(
                page, f"#fault-{column}", f"columns.{column}.unit is missing, and is never guessed."
            )
        assert api.sources == {}
        came(page, lambda: "oil_production_kbd" not in api.checked[-1]["columns"])


def test_while_every_volume_waits_for_its_unit_their_numbers_are_seen(
    shared: tuple[str, Browser],
) -> None:
    """The source can then only say that it fills no volume, which is nothing to mend."""
    names = ("oil", "gas")
    api = SourcesApi(finds=lambda values: found(values, problems=["Nothing fills any volume."]))
    with visit(*shared, api, NEW) as page:
        look_at(page)
        page.locator("#field-oil_production_kbd").wait_for()
        for name, field in zip(("Oil", "Gas"), ("Petroleo (m3)", "Gas"), strict=True):
            choose(page, f"Field of the source for {name}", "")
            choose(page, f"Field of the source for {name}", f"f:{field}")
        written = [page.locator(f"[data-written^={name}]").inner_text() for name in names]
        assert written == ["4928,5", "31"]
        seen(
            page, ".found-panel p", "What would be stored shows as soon as one volume has its unit."
        )
        assert page.get_by_text("Nothing fills any volume.").count() == 0
        choose(page, "Unit of Gas", "Mcf")
        seen(page, ".notice.bad li", "Nothing fills any volume.")


def test_a_rate_and_a_mass_ask_for_what_they_need(shared: tuple[str, Browser]) -> None:
    api = SourcesApi()
    with visit(*shared, api, NEW) as page:
        drafted(page)
        choose(page, "Unit of Oil", "bbl/d")
        choose(page, "Days of the rate of Oil", "producing")
        choose(page, "Unit of Gas", "e3m3/d")
        choose(page, "Field of the source for Water", "f:Campo")
        choose(page, "Unit of Water", "t")
        page.get_by_label("Density of Water, in t/m3: a number, or a field").fill("1.02")
        press(page, "Save")
        seen(page, "#fault-days_on_production", "unit is missing")
        choose(page, "Unit of Days on production", "day")
        press(page, "Save")
        seen(page, ".notice", "is saved")
    [saved] = api.sources.values()
    assert saved["columns"]["oil_production_kbd"] == {
        "field": "Petroleo (m3)",
        "unit": "bbl/d",
        "days": "producing",
    }
    assert saved["columns"]["gas_production_mmcfd"] == {"field": "Gas", "unit": "e3m3/d"}
    assert saved["columns"]["water_production_kbd"] == {
        "field": "Campo",
        "unit": "t",
        "density": 1.02,
    }


# --------------------------------------------------------------------------------------------- the live look


def test_each_change_is_looked_at_once_somebody_rests(shared: tuple[str, Browser]) -> None:
    api = SourcesApi()
    with visit(*shared, api, NEW) as page:
        drafted(page)
        before = len(api.checked)
        page.clock.install()
        page.clock.pause_at(page.evaluate("() => Date.now() + 1000"))
        for unit in ("bbl", "Mbbl", "gal", "bbl"):
            page.clock.run_for(REST_MS - 100)
            choose(page, "Unit of Oil", unit)
        page.clock.run_for(REST_MS - 100)
        assert len(api.checked) == before
        page.clock.run_for(100)
        page.clock.resume()
        stored(page, "oil_production_kbd", f"{0.001 * 0.158987 * 4928.5:.6g}")
        assert len(api.checked) == before + 1


def test_nobody_has_to_wait_for_a_look(shared: tuple[str, Browser]) -> None:
    api = SourcesApi(looks=1_000)
    with visit(*shared, api, NEW) as page:
        look_at(page)
        seen(page, ".state", "Looking at the source")
        press(page, "Stop waiting")
        seen(page, ".state", "Nobody waits for an answer. Nothing was stored.")
        left = api._left
        page.wait_for_timeout(1_500)
        assert api._left == left
        api.looks = 1
        press(page, "Look again")
        stored(page, "oil_production_kbd", "4.9285")


def test_a_source_that_does_not_answer_is_told_in_its_sentence(shared: tuple[str, Browser]) -> None:
    api = SourcesApi(
        failure={
            "code": "SOURCE_UNAVAILABLE",
            "message": "The source did not answer within 20 seconds.",
        }
    )
    with visit(*shared, api, NEW) as page:
        look_at(page)
        seen(page, "[role=alert] .message", "The source did not answer within 20 seconds.")
        seen(page, "[role=alert] code", "SOURCE_UNAVAILABLE")
        api.failure = None
        press(page, "Look again")
        page.locator(".mapping td").first.wait_for()


def test_problems_and_hints_are_told_and_go_when_they_are_mended(
    shared: tuple[str, Browser],
) -> None:
    def doubtful(values: Mapping[str, Any]) -> dict[str, Any]:
        hints = (
            ["The largest well makes 4,928 kbd: bbl is the likely unit."]
            if "columns" in values
            else []
        )
        return found(values, hints=hints)

    with visit(*shared, SourcesApi(finds=doubtful), NEW) as page:
        drafted(page)
        seen(page, ".notice.held li", "The largest well makes 4,928 kbd")
        choose(page, "Field of the source for Well, its code", "")
        seen(page, ".notice.bad li", "Nothing of the source fills well_code")
        seen(page, ".badge", "1 thing to mend")
        choose(page, "Field of the source for Well, its code", "f:Pozo")
        page.locator(".notice.bad").wait_for(state="detached")


def test_every_fault_stands_beside_its_key(shared: tuple[str, Browser]) -> None:
    from playwright.sync_api import expect

    api = SourcesApi()
    with visit(*shared, api, NEW) as page:
        drafted(page)
        page.locator("#name").fill("Not a Name")
        choose(page, "Decimal sign", ",")
        choose(page, "Between thousands", ",")
        choose(page, "Of a well and period there is", "sum")
        press(page, "Save")
        seen(page, "#fault-name", "1 to 40 small letters, digits and hyphens")
        seen(page, "#fault-thousands", "is the decimal sign too")
        seen(page, "#fault-primary_key", "is missing: a row that comes twice would be added twice")
        seen(page, "#fault-gas_production_mmcfd", "columns.gas_production_mmcfd.unit is missing")
        expect(page.locator(".save [role=alert] li")).to_have_count(5)  # the look tells some too
    assert api.sources == {}


# --------------------------------------------------------------------------------------------- the other choices


def test_rows_periods_and_numbers_are_chosen(shared: tuple[str, Browser]) -> None:
    api = SourcesApi()
    with visit(*shared, api, NEW) as page:
        drafted(page)
        choose(page, "A row tells of", "quarter")
        choose(page, "Form of the period", "%YQ%q")
        choose(page, "Of a well and period there is", "sum")
        key = "What tells one row from another of its well and period: add a field"
        choose(page, key, "f:Dias")
        choose(page, key, "f:Gas")
        page.get_by_role("group", name="What tells one row").get_by_role(
            "button", name="Remove"
        ).last.click()
        choose(page, "Decimal sign", ".")
        choose(page, "Rows to take: all, or those where: add a field", "f:Campo")
        page.get_by_label("Values of Campo, one a line").fill("Loma\nCerro, Sur")
        choose(page, "Field of the source for Gas", "")
        choose(page, "Field of the source for Days on production", "")
        press(page, "Save")
        seen(page, ".notice", "is saved")
    [saved] = api.sources.values()
    told = {
        "period": "quarter",
        "rows": "sum",
        "primary_key": ["Dias"],
        "where": {"Campo": ["Loma", "Cerro, Sur"]},
    }
    period = {"field": "Fecha", "format": "%YQ%q"}
    assert saved == {
        **{key: value for key, value in WHOLE.items() if key != "decimal"},
        **told,
        "columns": COLUMNS | {"production_period": period},
    }


def test_year_and_month_may_be_fields_of_their_own(shared: tuple[str, Browser]) -> None:
    api = SourcesApi()
    with visit(*shared, api, NEW) as page:
        drafted(page)
        choose(page, "Form of the period", "year month")
        choose(page, "Field of the month", "f:Dias")
        choose(page, "Field of the source for Gas", "")
        choose(page, "Field of the source for Days on production", "")
        press(page, "Save")
        seen(page, ".notice", "is saved")
    [saved] = api.sources.values()
    assert saved["columns"]["production_period"] == {"year": "Fecha", "month": "Dias"}


# --------------------------------------------------------------------------------------------- as text


def test_the_definition_is_shown_as_toml_and_can_be_written_there(
    shared: tuple[str, Browser],
) -> None:
    api = SourcesApi()
    with visit(*shared, api, NEW) as page:
        drafted(page)
        page.get_by_text("The definition as TOML").click()
        area = page.get_by_label("Definition", exact=True)
        assert (
            '\noil_production_kbd = { field = "Petroleo (m3)", unit = "m3" }\n'
            in area.input_value()
        )
        choose(page, "Unit of Gas", "Mcf")
        assert 'gas_production_mmcfd = { field = "Gas", unit = "Mcf" }' in area.input_value()

        area.fill(area.input_value().replace('unit = "m3"', "unit = 'bbl'"))
        stored(page, "oil_production_kbd", f"{0.001 * 0.158987 * 4928.5:.6g}")
        assert chosen(page, "Unit of Oil") == "bbl"
    assert api.checked[-1]["columns"]["oil_production_kbd"] == {
        "field": "Petroleo (m3)",
        "unit": "bbl",
    }


def test_text_that_the_form_cannot_show_is_checked_and_saved_as_it_stands(
    shared: tuple[str, Browser],
) -> None:
    api = SourcesApi()
    with visit(*shared, api, NEW) as page:
        page.get_by_text("The definition as TOML").click()
        area = page.get_by_label("Definition", exact=True)
        area.fill(
            'name = "volve"\nkind = "files"\nurl = "s3://wells/*.csv"\nexpect = { since = 2024-01-01 }\n'
        )
        seen(page, "#toml-told", "Line 4 has a value that is no text, number, list or table.")
        page.locator("#name").fill("volve")
        assert page.locator("#field-well_code").is_hidden()
        press(page, "Save")
        seen(page, ".notice", "volve is saved")
    assert api.checked[-1]["url"] == "s3://wells/*.csv"
    assert api.sources["volve"]["expect"]["since"] == "2024-01-01"


def test_nonsense_as_a_definition_is_told_with_what_is_wrong(shared: tuple[str, Browser]) -> None:
    with visit(*shared, SourcesApi(), NEW) as page:
        for text in (
            "kind = ",
            "\u202e = 1",
            "{",
            "[[x]]",
            "a" * 20_000,
            "kind = 5\nurl = []",
            MARKUP,
        ):
            page.goto(page.url.replace(NEW, "/sources"))
            page.get_by_role("link", name="Add a source").click()
            page.get_by_text("The definition as TOML").click()
            assert page.get_by_role("alert").count() == 0
            page.get_by_label("Definition", exact=True).fill(text)
            seen(page, ".found-panel [role=alert] .message", "The definition has")
            assert page.locator("main img, main script").count() == 0


# --------------------------------------------------------------------------------------------- a file of one's own


def test_a_file_is_sent_into_the_bucket_and_looked_at_there(shared: tuple[str, Browser]) -> None:
    signed = {"key": "uploads/pozos-2024/Pozos 2024.csv", "policy": "p", "x-amz-signature": "s"}
    address = "s3://wells-123/warehouse/uploads/pozos-2024/Pozos 2024.csv"
    policy = {
        "url": BUCKET,
        "fields": signed,
        "address": address,
        "most_bytes": 1_000_000,
        "expires_at": 5,
    }
    api = SourcesApi(answers={"files": policy})
    sent: list[str] = []

    def take(route: Route) -> None:
        sent.append((route.request.post_data_buffer or b"").decode())
        route.fulfill(status=204)

    with visit(*shared, api, NEW, known=(BUCKET,)) as page:
        page.context.route(f"{BUCKET}**", take)
        page.get_by_role("radio", name="A file of mine").check()
        file = {"name": "Pozos 2024.csv", "mimeType": "text/csv", "buffer": b"Pozo;Gas\nL-1;3\n"}
        page.get_by_label("Files", exact=True).set_input_files(file)  # type: ignore[arg-type]
        assert page.locator("#upload-name").input_value() == "pozos-2024"
        press(page, "Send it, and look at it")
        stored(page, "oil_production_kbd", "4.9285")
        seen(page, ".origin", f"Sent to {address}")
    assert api.sent == [("sources/pozos-2024/files", {"file": "Pozos 2024.csv"})]
    assert api.checked[0] == {"name": "pozos-2024", "url": address, "kind": "files"}
    [form] = sent
    assert [form.index(f'name="{name}"') for name in (*signed, "file")] == sorted(
        form.index(f'name="{name}"') for name in (*signed, "file")
    )
    assert "L-1;3" in form


def test_several_files_are_looked_at_as_one_source(shared: tuple[str, Browser]) -> None:
    folder = "s3://wells-123/uploads/pozos/"
    policy = {
        "url": BUCKET,
        "fields": {"key": "k"},
        "address": f"{folder}b.csv",
        "folder": folder,
        "most_bytes": 10,
    }
    api = SourcesApi(answers={"files": policy})
    with visit(*shared, api, NEW, known=(BUCKET,)) as page:
        page.context.route(f"{BUCKET}**", lambda route: route.fulfill(status=204))
        page.get_by_role("radio", name="A file of mine").check()
        files = [{"name": f"{name}.csv", "mimeType": "text/csv", "buffer": b"x"} for name in "ab"]
        page.get_by_label("Files", exact=True).set_input_files(files)  # type: ignore[arg-type]
        page.locator("#upload-name").fill("pozos")
        press(page, "Send it, and look at it")
        seen(page, ".origin", f"Sent to {folder}")
    assert [body["file"] for _, body in api.sent] == ["a.csv", "b.csv"]
    assert api.checked[0]["url"] == folder


def test_what_the_bucket_refuses_is_not_looked_at(shared: tuple[str, Browser]) -> None:
    policy = {
        "url": BUCKET,
        "fields": {"key": "k"},
        "address": "s3://a/b.csv",
        "folder": "s3://a/",
        "most_bytes": 10,
    }
    api = SourcesApi(answers={"files": policy})
    told = "<Error><Code>AccessDenied</Code><Message>Invalid according to Policy: Policy expired.</Message></Error>"
    with visit(*shared, api, NEW, known=(BUCKET,)) as page:
        page.context.route(f"{BUCKET}**", lambda route: route.fulfill(status=403, body=told))
        page.get_by_role("radio", name="A file of mine").check()
        file = {"name": "b.csv", "mimeType": "text/csv", "buffer": b"x"}
        page.get_by_label("Files", exact=True).set_input_files(file)  # type: ignore[arg-type]
        press(page, "Send it, and look at it")
        seen(page, "[role=alert]", "The bucket refuses b.csv (AccessDenied). Try again.")
    assert api.checked == []


def test_where_files_cannot_be_sent_the_api_says_what_to_do(shared: tuple[str, Browser]) -> None:
    told = "This stack keeps its data in a directory. Give the path of the file."
    api = SourcesApi(refusals={"/files": {"code": "UPLOAD_NOT_HERE", "message": told}})
    with visit(*shared, api, NEW) as page:
        page.get_by_role("radio", name="A file of mine").check()
        press(page, "Send it, and look at it")
        seen(page, "[role=alert]", "Choose a file.")
        file = {"name": "\u202e???.csv", "mimeType": "text/csv", "buffer": b"x"}
        page.get_by_label("Files", exact=True).set_input_files(file)  # type: ignore[arg-type]
        press(page, "Send it, and look at it")
        seen(page, "[role=alert]", "The name has 1 to 40 small letters, digits and hyphens.")
        page.locator("#upload-name").fill("pozos")
        press(page, "Send it, and look at it")
        seen(page, "[role=alert] .message", told)
    assert api.checked == []


def test_a_file_that_is_too_long_is_not_sent(shared: tuple[str, Browser]) -> None:
    policy = {"url": BUCKET, "fields": {}, "address": "s3://a/", "most_bytes": 3, "expires_at": 5}
    with visit(*shared, SourcesApi(answers={"files": policy}), NEW) as page:
        page.get_by_role("radio", name="A file of mine").check()
        file = {"name": "a.csv", "mimeType": "text/csv", "buffer": b"1234"}
        page.get_by_label("Files", exact=True).set_input_files(file)  # type: ignore[arg-type]
        press(page, "Send it, and look at it")
        seen(page, "[role=alert]", "a.csv has 4 bytes, and a file may have 3 bytes.")


# --------------------------------------------------------------------------------------------- hostile files


def test_names_from_a_file_are_text_whatever_they_say(shared: tuple[str, Browser]) -> None:
    names = [
        *FIELDS,
        MARKUP,
        BACKWARDS,
        "a\nb",
        " ",
        "__proto__",
        "constructor",
        "f:Gas",
        "x" * 500,
    ]
    api = SourcesApi(finds=lambda values: found(values, names, rows=[dict.fromkeys(names, MARKUP)]))
    with visit(*shared, api, NEW) as page:
        drafted(page)
        texts = page.locator("#field-well_name option").all_text_contents()
        assert BACKWARDS.replace("\u202e", "\\u202e") in texts
        assert "a\\u000ab" in texts
        assert max(map(len, texts)) == 60
        choose(page, "Field of the source for Well, its name", f"f:{BACKWARDS}")
        choose(page, "Field of the source for Field, its name", "f:f:Gas")
        for name in ("__proto__", "constructor", "a\nb"):
            choose(page, "Rows to take: all, or those where: add a field", f"f:{name}")
        page.locator("summary", has_text="The first 1 row, as written").click()
        choose(page, "Field of the source for Gas", "")
        choose(page, "Field of the source for Days on production", "")
        press(page, "Save")
        seen(page, ".notice", "is saved")
        assert page.locator("main img, main script").count() == 0
    [saved] = api.sources.values()
    assert (saved["columns"]["well_name"], saved["columns"]["field_name"]) == (BACKWARDS, "f:Gas")
    assert saved["where"] == {"__proto__": [""], "constructor": [""], "a\nb": [""]}


def test_of_ten_thousand_columns_one_is_found_by_a_part_of_its_name(
    shared: tuple[str, Browser],
) -> None:
    names = [*FIELDS, *(f"Column {number}" for number in range(10_000))]
    api = SourcesApi(finds=lambda values: found(values, names))
    with visit(*shared, api, NEW) as page:
        drafted(page)
        assert page.locator("#field-well_name option").count() <= 202
        assert page.locator("option").count() < 14 * 250
        page.get_by_role(
            "button", name="Search the fields: Field of the source for Well, its name"
        ).click()
        page.get_by_label("Part of its name").fill("column 98")
        seen(page, "dialog [role=status]", "111 fields, the first 50 are shown.")
        assert complaints(page) == []
        page.get_by_label("Part of its name").fill("column 9876")
        page.get_by_role("button", name="Column 9876").click()
        assert chosen(page, "Field of the source for Well, its name") == "f:Column 9876"
        assert page.evaluate("() => document.activeElement.id") == "field-well_name-search"
        page.keyboard.press("Enter")
        page.get_by_label("Part of its name").fill("Beyond the answer")
        press(page, "Take the name as it is typed")
        assert chosen(page, "Field of the source for Well, its name") == "f:Beyond the answer"


def test_a_nonsense_address_is_told_and_breaks_nothing(shared: tuple[str, Browser]) -> None:
    """The API has the word on most of them; here they are as much as sent."""
    api = SourcesApi(failure={"code": "SOURCE_UNAVAILABLE", "message": "Nobody is there."})
    with visit(*shared, api, NEW) as page:
        for address in (
            "",
            "   ",
            "javascript:alert(1)",
            "http://[",
            "s3://",
            "\u202e",
            MARKUP,
            "x" * 5_000,
        ):
            page.goto(page.url.replace(NEW, "/sources"))
            page.get_by_role("link", name="Add a source").click()
            page.get_by_label("Address", exact=True).wait_for()
            assert page.get_by_role("alert").count() == 0
            api.checked.clear()
            look_at(page, address)
            page.get_by_role("alert").first.wait_for()
            assert len(api.checked) == (1 if address.strip() else 0)


# --------------------------------------------------------------------------------------------- changing one


def test_a_source_is_changed_from_the_version_that_was_seen(shared: tuple[str, Browser]) -> None:
    api = SourcesApi(sources={"pozos-2024": WHOLE})
    with visit(*shared, api, "/sources/pozos-2024/change") as page:
        stored(page, "oil_production_kbd", "4.9285")
        assert chosen(page, "Unit of Oil") == "m3"
        assert page.locator("#name").get_attribute("readonly") == ""
        choose(page, "Unit of Oil", "bbl")
        press(page, "Save")
        seen(page, ".notice", "pozos-2024 is saved")
        page.get_by_role("button", name="Import now").wait_for()
        assert '"1"' in [headers.get("if-match") for headers in api.headers]
    oil = {"field": "Petroleo (m3)", "unit": "bbl"}
    assert api.sources == {"pozos-2024": WHOLE | {"columns": COLUMNS | {"oil_production_kbd": oil}}}


def test_a_version_that_somebody_else_has_changed_is_not_overwritten(
    shared: tuple[str, Browser],
) -> None:
    api = SourcesApi(sources={"pozos-2024": WHOLE})
    with visit(*shared, api, "/sources/pozos-2024/change") as page:
        stored(page, "oil_production_kbd", "4.9285")
        api.refusals["sources/pozos-2024"] = {
            "code": "SOURCE_VERSION_DIFFERS",
            "message": "It is version 2 now.",
        }
        press(page, "Save")
        seen(page, ".save [role=alert]", "It is version 2 now.")
        page.get_by_role("link", name="Look at it as it is now").wait_for()


def test_what_the_form_cannot_say_stays_as_it_was_written(shared: tuple[str, Browser]) -> None:
    well = {"template": "05-{Pozo:03}"}
    oil = {"field": "Petroleo (m3)", "unit": "m3", "when": {"Campo": ["Loma"]}}
    columns = COLUMNS | {"well_code": well, "oil_production_kbd": oil}
    api = SourcesApi(
        sources={
            "pozos-2024": WHOLE | {"columns": columns, "skip": {"Pozo": {"pattern": "Total.*"}}}
        }
    )
    with visit(*shared, api, "/sources/pozos-2024/change") as page:
        stored(page, "oil_production_kbd", "4.9285")
        assert chosen(page, "Field of the source for Well, its code") == "own"
        texts = page.locator("#field-well_code option").all_text_contents()
        assert 'as written: { template = "05-{Pozo:03}" }' in texts
        seen(page, ".mapping code", 'when = { Campo = ["Loma"] }')
        choose(page, "Field of the source for Well, its code", "f:Pozo")
        choose(page, "Field of the source for Well, its code", "own")
        choose(page, "Unit of Oil", "bbl")
        press(page, "Save")
        seen(page, ".notice", "is saved")
    assert api.sources["pozos-2024"]["columns"] == columns | {
        "oil_production_kbd": oil | {"unit": "bbl"}
    }
    assert api.sources["pozos-2024"]["skip"] == {"Pozo": {"pattern": "Total.*"}}


# --------------------------------------------------------------------------------------------- for everybody


@pytest.mark.by_lot
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_adding_a_source_is_accessible_and_fits(
    shared: tuple[str, Browser], scheme: str, width: int
) -> None:
    size = {"width": width, "height": 800}
    with visit(*shared, SourcesApi(), NEW, color_scheme=scheme, viewport=size) as page:
        page.get_by_label("Address", exact=True).wait_for()
        assert complaints(page) == []
        drafted(page)
        choose(page, "Of a well and period there is", "sum")
        choose(page, "Rows to take: all, or those where: add a field", "f:Campo")
        choose(page, "Form of the period", "year month")
        page.get_by_text("The definition as TOML").click()
        press(page, "Save")
        page.locator(".save [role=alert]").wait_for()
        page.locator(
            ".state .badge.pending, .state .badge.failed, .found-panel .notice"
        ).first.wait_for()
        assert complaints(page) == []
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_a_source_is_added_by_keyboard_alone(shared: tuple[str, Browser]) -> None:
    api = SourcesApi()
    with visit(*shared, api, NEW) as page:
        page.get_by_label("Address", exact=True).focus()
        page.keyboard.type(ADDRESS)
        page.keyboard.press("Enter")
        stored(page, "oil_production_kbd", "4.9285")
        page.locator("#unit-gas_production_mmcfd").focus()
        page.keyboard.press("ArrowDown")
        assert page.evaluate("() => document.activeElement.id") == "unit-gas_production_mmcfd"
        assert chosen(page, "Unit of Gas") == "scf"
        page.locator("#unit-days_on_production").focus()
        page.keyboard.press("ArrowDown")
        page.locator("#name").focus()
        page.keyboard.press("Enter")
        seen(page, ".notice", "pozos-2024 is saved")
        assert page.evaluate("() => document.activeElement.textContent") == "Start the first import"
    assert api.sources["pozos-2024"]["columns"]["gas_production_mmcfd"] == {
        "field": "Gas",
        "unit": "scf",
    }
