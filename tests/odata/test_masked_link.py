"""What the configured URL's query holds stays out of the table, and comes back for the next worker."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit

from hypothesis import given
from hypothesis import strategies as st
from support.coordination import table_contents
from support.imports import Budget, Worker

from chalicelib.jobs.job import JobStatus
from chalicelib.odata.masked_link import MASK, masked, unmasked
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

KEY = "hunter 2+&=/ü"
SOURCE = f"https://example.org/odata/Wells?{urlencode({'sap-key': KEY, '$filter': 'a eq 1'})}"
ENCODINGS = (quote, quote_plus)
words = st.text(st.characters(codec="utf-8", exclude_characters=MASK[0]), max_size=8)


@given(options=st.lists(st.tuples(words, words), max_size=4), at=st.integers(0, 4), encode=st.sampled_from(ENCODINGS))
def test_a_masked_link_has_no_key_and_gets_it_back(options: list[tuple[str, str]], at: int, encode: Any) -> None:
    pairs = [*options[:at], ("sap-key", KEY), *options[at:]]
    link = "https://example.org/odata/Wells?" + urlencode(pairs, quote_via=encode)

    hidden = masked(link, SOURCE)

    assert _pairs(hidden) == [pair if pair != ("sap-key", KEY) else ("sap-key", MASK) for pair in pairs]
    assert _pairs(unmasked(hidden, SOURCE)) == pairs


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

    assert [masked(link, SOURCE) for link in links] == links
    assert [unmasked(link, SOURCE) for link in links] == links


def test_a_key_that_was_changed_meanwhile_is_the_one_that_is_used() -> None:
    hidden = masked(f"?sap-key={quote(KEY, safe='')}&$skip=2", SOURCE)

    assert unmasked(hidden, "https://example.org/odata/Wells?sap-key=new%2Bone") == "?sap-key=new%2Bone&$skip=2"


def test_no_item_of_the_table_holds_the_key_and_every_worker_sends_it(
    environment: dict[str, str], dynamodb: Any
) -> None:
    with SampleSource(GeneratedProduction(60), paging="skip") as source:
        paged = {"WELLHEAD_PAGE_SIZE": "10", "WELLHEAD_CHECKPOINT_SECONDS": "1", "WELLHEAD_SOURCE_PAGING": "skip"}
        worker = Worker(environment | paged | {"WELLHEAD_SOURCE_URL": f"{source.url}?sap-key=hunter2"}, dynamodb)
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
