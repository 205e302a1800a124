"""What the configured URL's query holds stays out of the table,
and comes back for the next worker.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlencode, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.coordination import table_contents
from support.imports import Budget, Worker

from chalicelib.jobs.job import JobStatus
from chalicelib.odata.masked_link import MASK, mask_link, unmask_link
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "hunter 2+&=/ü"
SOURCE = f"https://example.org/odata/Wells?{urlencode({'sap-key': KEY, '$filter': 'a eq 1'})}"
ENCODINGS = (quote, quote_plus)


def quote_all(text: str) -> str:
    return quote(text, safe="")


def lower_digits(text: str) -> str:
    return re.sub("%..", lambda found: found[0].lower(), quote_all(text))


FORMS = (quote_all, quote_plus, lower_digits, lambda key: quote_all(quote_all(key)))
words_of_a_key = st.characters(
    codec="utf-8", exclude_characters=MASK[0], exclude_categories=["Lt", "Cs"]
)
words = st.text(st.characters(codec="utf-8", exclude_characters=MASK[0]), max_size=8)


@given(
    options=st.lists(st.tuples(words, words), max_size=4),
    at=st.integers(0, 4),
    encode=st.sampled_from(ENCODINGS),
)
def test_a_masked_link_has_no_key_and_gets_it_back(
    options: list[tuple[str, str]], at: int, encode: Any
) -> None:
    pairs = [*options[:at], ("sap-key", KEY), *options[at:]]
    link = "https://example.org/odata/Wells?" + urlencode(pairs, quote_via=encode)

    hidden = mask_link(link, SOURCE)

    assert _pairs(hidden) == [
        pair if pair != ("sap-key", KEY) else ("sap-key", MASK) for pair in pairs
    ]
    assert _pairs(unmask_link(hidden, SOURCE)) == pairs


def _pairs(link: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(link).query, keep_blank_values=True)


def test_links_without_the_key_stay_to_the_letter() -> None:
    links = [
        "?$skiptoken=a+b%2Fc%2fd",
        "https://example.org/odata/Wells",
        "?sap-key=another",
        "?$filter=a%20eq%201",
        "?a&b=",
    ]

    assert [mask_link(link, SOURCE) for link in links] == links
    assert [unmask_link(link, SOURCE) for link in links] == links


@pytest.mark.parametrize(
    "option",
    [
        "sap-key={}",
        "SAP-Key={}",
        "Sap-KEY={}",
        "%73ap-key={}",
        "%2573ap-key={}",
        "sap%2Dkey={}",
        "SAP%2dKEY={}",
    ],
)
@pytest.mark.parametrize(
    "write",
    [quote_all, quote_plus, lambda key: quote_all(quote_all(key)), lower_digits, str.swapcase],
)
def test_a_key_under_its_name_is_masked_however_both_are_written(
    option: str, write: Callable[[str], str]
) -> None:
    key = "Hunter2-%41+/=ü"
    source = f"https://example.org/odata/Wells?sap-key={quote_all(key)}"
    link = f"https://example.org/odata/Wells?{option.format(quote_all(write(key)))}&$skip=2"

    hidden = mask_link(link, source)

    assert hidden == f"https://example.org/odata/Wells?{option.format(MASK)}&$skip=2"
    assert (
        unmask_link(hidden, source)
        == f"https://example.org/odata/Wells?{option.format(quote_all(key))}&$skip=2"
    )


@pytest.mark.parametrize(
    "link",
    [
        "https://example.org/odata/Wells?$skiptoken={}-7",
        "https://example.org/odata/Wells?$skiptoken=after%20{}%20here",
        "https://example.org/odata/Wells?other={}",
        "https://example.org/odata/{}/Wells?$skip=2",
        "Wells({})?$skip=2",
        "?{}",
        "?a={0}&b={0}",
    ],
)
@pytest.mark.parametrize(
    "write", [quote_all, quote_plus, lower_digits, lambda key: quote_all(quote_all(key))]
)
def test_a_key_in_any_other_place_is_masked_and_comes_back_to_the_letter(
    link: str, write: Callable[[str], str]
) -> None:
    whole = link.format(write(KEY))

    hidden = mask_link(whole, SOURCE)

    assert not leaks(hidden)
    assert unmask_link(hidden, SOURCE) == whole


def test_a_key_in_other_letters_or_an_odd_encoding_is_masked_too() -> None:
    for written in (
        KEY.upper(),
        KEY.lower(),
        "".join(f"%{byte:02x}" for byte in KEY.encode()),
        "h%75nter" + quote_all(KEY[6:]),
    ):
        hidden = mask_link(f"?$skiptoken={written.replace(' ', '%20').replace('&', '%26')}", SOURCE)

        assert not leaks(hidden)
        assert unmask_link(hidden, SOURCE) == f"?$skiptoken={quote_all(KEY)}"


def test_options_of_one_name_are_masked_each_and_come_back() -> None:
    source = "https://example.org/odata/Wells?key=secret-one&key=two&key=secret-three"
    link = (
        "https://example.org/odata/Wells?key=secret-one&key=two&Key=secret-three&$skiptoken="
        "secret-three"
    )

    hidden = mask_link(link, source)

    assert not re.search("secret|two", hidden)
    assert unmask_link(hidden, source) == link


def test_a_short_value_is_masked_under_its_name_alone() -> None:
    source = "https://example.org/odata/Wells?sap-client=100&v=2"
    link = "https://example.org:100/odata/Wells?sap-client=100&$skip=1002&$top=100&v=2&w=2"

    hidden = mask_link(link, source)

    assert (
        hidden == "https://example.org:100/odata/Wells?sap-client=***&$skip=1002&$top=100&v=***&w=2"
    )
    assert unmask_link(hidden, source) == link


def test_a_source_is_shown_without_what_its_query_holds() -> None:
    assert (
        mask_link(SOURCE, SOURCE) == "https://example.org/odata/Wells?sap-key=***&%24filter=a+eq+1"
    )


@example(key="000000:%", before="", after="", form=quote_all)
@example(key="0000000%", before="", after="25", form=str)
@given(
    key=st.text(words_of_a_key, min_size=8, max_size=20),
    before=words,
    after=words,
    form=st.sampled_from(FORMS),
)
def test_no_link_keeps_a_key_and_each_is_put_together_again(
    key: str, before: str, after: str, form: Any
) -> None:
    source = f"https://example.org/odata/Wells?k={quote_all(key)}"
    link = f"Wells?$skiptoken={quote_all(before)}{form(key)}{quote_all(after)}"

    hidden = mask_link(link, source)

    assert key.casefold() not in fully_decoded(hidden).casefold()
    assert unmask_link(hidden, source) == link


def leaks(text: str) -> bool:
    return "hunter" in fully_decoded(text).casefold()


def fully_decoded(text: str) -> str:
    for _ in range(6):
        text = unquote(text)
    return text


def test_a_key_that_was_changed_meanwhile_is_the_one_that_is_used() -> None:
    hidden = mask_link(f"?sap-key={quote(KEY, safe='')}&$skip=2", SOURCE)

    assert (
        unmask_link(hidden, "https://example.org/odata/Wells?sap-key=new%2Bone")
        == "?sap-key=new%2Bone&$skip=2"
    )


def test_a_key_within_a_token_is_the_one_that_is_used_too() -> None:
    hidden = mask_link(f"?$skiptoken=7,{quote_all(quote_all(KEY))}", SOURCE)

    assert (
        unmask_link(hidden, "https://example.org/odata/Wells?sap-key=new%2Bone")
        == "?$skiptoken=7,new%252Bone"
    )


def test_a_link_that_an_earlier_version_masked_is_put_together_again() -> None:
    assert unmask_link("?sap-key=***&$skip=2", SOURCE) == f"?sap-key={quote_all(KEY)}&$skip=2"
    assert unmask_link("?$skiptoken=***&other=***", SOURCE) == "?$skiptoken=***&other=***"


def test_no_item_of_the_table_holds_the_key_and_every_worker_sends_it(
    environment: dict[str, str], dynamodb: Any
) -> None:
    with SampleSource(GeneratedProduction(60), paging="skip") as source:
        paged = {
            "WELLHEAD_PAGE_SIZE": "10",
            "WELLHEAD_CHECKPOINT_SECONDS": "1",
            "WELLHEAD_SOURCE_PAGING": "skip",
        }
        worker = Worker(
            environment | paged | {"WELLHEAD_SOURCE_URL": f"{source.url}?sap-key=hunter2"}, dynamodb
        )
        job_id = worker.trigger()

        worker.run(job_id, remaining=Budget(worker.clock, 3))
        between = worker.manager.get(job_id)
        kept = json.dumps(table_contents(dynamodb, environment["WELLHEAD_TABLE"]), default=str)
        worker.run(job_id)

    assert between.cursor
    assert f"sap-key={MASK}" in between.cursor["url"]
    assert "hunter2" not in kept
    assert worker.manager.get(job_id).status is JobStatus.COMPLETED
    assert {asked.query.get("sap-key") for asked in source.requests} == {"hunter2"}
