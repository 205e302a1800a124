"""The contract of the source, paging:
every row once in whatever form the pages come, or an error that says why not.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.scripted_source import PATH, Answer, Step, page
from support.source_contract import Case, Completed, Failed, Stage, script, well, wells

if TYPE_CHECKING:
    from collections.abc import Callable

FOUR = {10: 10.0, 11: 11.0, 12: 12.0, 13: 13.0}
TWO = {10: 10.0, 11: 11.0}
FIRST, SECOND = wells(10, 11), wells(12, 13)
LONG_TOKEN = "x%2By" * 1200  # 6 kB


def linked(link: str, *, name: str = "@odata.nextLink", before: bool = False) -> Case:
    """Two pages, the first with this link to the second."""

    def steps(stage: Stage) -> list[Step]:
        address = link.format(root=stage.source.root, alias=f"http://localhost:{stage.alias.port}")
        pages: dict[str, Any] = {"@odata.count": 4, "value": FIRST, name: address}
        if before:
            pages = {"@odata.count": 4, name: address, "value": FIRST}
        return script(json.dumps(pages).encode(), page(SECOND))

    return Case(steps=steps, expect=Completed(oil=FOUR), asked=3)


def counting(again: int, *steps: Step | bytes) -> Callable[[Stage], list[Step]]:
    """The script, of a source that counts so many rows at the end."""

    def prepared(stage: Stage) -> list[Step]:
        stage.source.counted = again
        return script(*steps)

    return prepared


def v2(rows: list[Any], **more: Any) -> bytes:
    dated = [
        {"__metadata": {"type": "N.T"}, **row, "production_period": "/Date(1704067200000)/"}
        for row in rows
    ]
    return json.dumps({"d": {"results": dated} | more}).encode()


def to_alias(stage: Stage) -> list[Step]:
    stage.alias.steps = [Answer(page(SECOND))]
    return script(
        page(FIRST, odata_nextLink=f"http://localhost:{stage.alias.port}{PATH}?$skiptoken=2")
    )


LOOP = "SOURCE_PAGING_LOOP"
CASES = {
    # --- links in all their forms
    "a link that is absolute": linked("{root}/odata/Wells?$skiptoken=2"),
    "a link relative to the request": linked("?$skiptoken=2"),
    "a link relative to the service": linked("Wells?$skiptoken=2"),
    "a link of the host": linked("/odata/Wells?$skiptoken=2"),
    "a link before the rows": linked("Wells?$skiptoken=2", before=True),
    "a link of 4.01": linked("Wells?$skiptoken=2", name="@nextLink"),
    "a link of 4.01 before the rows": linked("Wells?$skiptoken=2", name="@nextLink", before=True),
    "a link with a token of 6 kB": linked(f"Wells?$skiptoken={LONG_TOKEN}"),
    "a link to an alias": Case(steps=to_alias, expect=Completed(oil=FOUR), asked=2, alias_asked=1),
    "a link to an empty page at the end": Case(
        steps=script(page(FIRST, odata_count=2, odata_nextLink="?$skiptoken=2"), page([])),
        expect=Completed(oil=TWO),
        asked=3,
    ),
    "an empty page in the middle": Case(
        steps=script(page(FIRST, odata_nextLink="?a"), page([], odata_nextLink="?b"), page(SECOND)),
        expect=Completed(oil=FOUR),
    ),
    "an empty first page with a link": Case(
        steps=script(page([], odata_nextLink="?a"), page(FIRST)), expect=Completed(oil=TWO)
    ),
    "no rows at all, where some were published": Case(
        steps=script(page([], odata_count=0)),
        expect=Failed("HELD", page=None, says="Not one row came"),
    ),
    # --- no links
    "offsets until the count is reached": Case(
        steps=script(page(FIRST, odata_count=4), page(SECOND, odata_count=4)),
        expect=Completed(oil=FOUR),
        asked=4,
    ),
    "offsets without a count": Case(
        steps=script(page(FIRST), page(SECOND), page([])), expect=Completed(oil=FOUR), asked=4
    ),
    "pages shorter than asked for": Case(
        steps=script(*(page(wells(n, n), odata_count=4) for n in range(10, 14))),
        expect=Completed(oil=FOUR),
        asked=6,
    ),
    "more rows on a page than asked for": Case(
        steps=script(page(FIRST + SECOND, odata_count=4)), expect=Completed(oil=FOUR), asked=2
    ),
    "pages by key": Case(
        steps=script(page(FIRST), page(SECOND), page([])),
        expect=Completed(oil=FOUR),
        settings={"source_paging": "keys"},
        asked=4,
    ),
    "a last row without a key, pages by key": Case(
        steps=[Answer(page(FIRST)), Answer(page([well(10), {"field_code": 1}]))],
        expect=Failed("SOURCE_KEY_UNUSABLE"),
        settings={"source_paging": "keys"},
    ),
    # --- OData v2
    "v2 with a link and a count": Case(
        steps=script(v2(FIRST, __count="4", __next="Wells?$skiptoken=2"), v2(SECOND)),
        expect=Completed(oil=FOUR),
    ),
    "v2 with offsets": Case(
        steps=script(v2(FIRST, __count="4"), v2(SECOND, __count="4")),
        expect=Completed(oil=FOUR),
        asked=4,
    ),
    "v2 with the rows in d": Case(
        steps=script(json.dumps({"d": FIRST}).encode(), b'{"d": []}'), expect=Completed(oil=TWO)
    ),
    "v2 whose link names another host": Case(
        steps=script(v2(FIRST, __next="http://localhost:1/odata/Wells?$skiptoken=2")),
        expect=Failed("SOURCE_REDIRECTED", says="WELLHEAD_SOURCE_ALIASES"),
    ),
    # --- paging that goes nowhere
    "a link to itself": Case(
        steps=script(page(FIRST, odata_nextLink="?a")), expect=Failed(LOOP, page=2)
    ),
    "a link back to the first page": Case(
        steps=script(
            page(FIRST, odata_nextLink="?a"), page(SECOND, odata_nextLink="?b"), page(FIRST)
        ),
        expect=Failed(LOOP, page=3),
    ),
    "a token that serves page one again": Case(
        steps=script(
            page(FIRST, odata_nextLink="?$skiptoken=2"), page(FIRST, odata_nextLink="?$skiptoken=4")
        ),
        expect=Failed(LOOP, page=2),
    ),
    "an empty page that links to itself": Case(
        steps=script(page([], odata_nextLink="?a")), expect=Failed(LOOP, page=3)
    ),
    "$skip is not understood": Case(steps=script(page(FIRST)), expect=Failed(LOOP, page=2)),
    "a filter is not understood, pages by key": Case(
        steps=script(page(FIRST)),
        expect=Failed(LOOP, page=2),
        settings={"source_paging": "keys"},
    ),
    "pages without end": Case(
        steps=script(*(page(wells(n, n), odata_nextLink=f"?{n}") for n in range(10, 20))),
        expect=Failed("SOURCE_LIMIT_EXCEEDED", page=6, says="more than 5 pages"),
        settings={"max_pages": "5"},
    ),
    "a link that is no URL": Case(
        steps=script(page(FIRST, odata_nextLink="http://[::1/x")),
        expect=Failed("SOURCE_INVALID_RESPONSE", retryable=True),
    ),
    "a link that is no text": Case(
        steps=script(page(FIRST, odata_nextLink=7)),
        expect=Failed("SOURCE_INVALID_RESPONSE", retryable=True),
    ),
    # --- counts, and a source that changes while it is read
    "a count that stops at a limit": Case(
        steps=script(
            page(FIRST, odata_count=3), page(SECOND, odata_count=3), page(wells(14, 15)), page([])
        ),
        expect=Completed(oil=FOUR | {14: 14.0, 15: 15.0}, warnings={"SOURCE_CHANGED": 3}),
    ),
    "an error beyond the count": Case(
        steps=script(
            page(FIRST, odata_count=4), page(SECOND, odata_count=4), *[Answer(b"", 500)] * 9
        ),
        expect=Completed(oil=FOUR, retries=1),
        settings={"source_retries": "1"},
    ),
    "an error after more rows than counted": Case(
        steps=script(
            page(FIRST, odata_count=3),
            page(SECOND, odata_count=3),
            page(wells(14, 15)),
            *[Answer(b"", 500)] * 9,
        ),
        expect=Failed("SOURCE_UNAVAILABLE", page=4, retryable=True),
        settings={"source_retries": "1"},
    ),
    "a count with a point": Case(
        steps=script(page(FIRST, odata_count=4.0), page(SECOND), page([])),
        expect=Completed(oil=FOUR),
        asked=4,
    ),
    "a count of another number than delivered": Case(
        steps=script(page(FIRST, odata_count=7, odata_nextLink="?a"), page(SECOND), page([])),
        expect=Failed("HELD", page=None, says="counts 7 rows and delivered 4"),
    ),
    "a count that was right when the reading ended": Case(
        steps=counting(4, page(FIRST, odata_count=7, odata_nextLink="?a"), page(SECOND), page([])),
        expect=Completed(oil=FOUR, warnings={"SOURCE_CHANGED": 3}),
    ),
    "a row that came while the pages were read": Case(
        steps=counting(4, page(FIRST, odata_count=3, odata_nextLink="?a"), page(SECOND)),
        expect=Completed(oil=FOUR, warnings={"SOURCE_CHANGED": 1}),
    ),
    "links that end before the count, and $skip that brings the rest": Case(
        steps=script(
            page(wells(10, 10), odata_count=4, odata_nextLink="?a"),
            page(wells(11, 11)),
            page(SECOND),
        ),
        expect=Completed(oil=FOUR),
        asked=5,
    ),
    "links that end before the count, and no $skip": Case(
        steps=script(
            page(wells(10, 10), odata_count=4, odata_nextLink="?a"), page(SECOND), Answer(b"", 400)
        ),
        expect=Failed("HELD", page=None, says="counts 4 rows and delivered 3"),
    ),
    "links that end before the count, and $skip that does nothing": Case(
        steps=script(
            page(FIRST, odata_count=4, odata_nextLink="?a"), page(wells(12, 12)), page(FIRST)
        ),
        expect=Failed("HELD", page=None, says="counts 4 rows and delivered 3"),
    ),
    "one page, no count and no $skip": Case(
        steps=script(page(FIRST), Answer(b"", 400)), expect=Completed(oil=TWO)
    ),
    "a count that is what remains": Case(
        steps=script(page(FIRST, odata_count=4, odata_nextLink="?a"), page(SECOND, odata_count=2)),
        expect=Completed(oil=FOUR),
    ),
    "a count that changes between pages": Case(
        steps=script(page(FIRST, odata_count=4, odata_nextLink="?a"), page(SECOND, odata_count=5)),
        expect=Completed(oil=FOUR, warnings={"SOURCE_CHANGED": 1}),
    ),
    "a count that is nonsense": Case(
        steps=script(
            page(FIRST, odata_count="many", odata_nextLink="?a"), page(SECOND, odata_count=-1)
        ),
        expect=Completed(oil=FOUR),
    ),
    "a row lost while offsets move": Case(
        steps=counting(
            3,
            page(FIRST, odata_count=4),
            page(wells(13, 13), odata_count=3),
            page([], odata_count=3),
        ),
        expect=Completed(oil={10: 10.0, 11: 11.0, 13: 13.0}, warnings={"SOURCE_CHANGED": 1}),
    ),
    "a row that comes in two pages": Case(
        steps=counting(
            5, page(FIRST, odata_count=4), page([well(11), well(12)]), page(wells(13, 13)), page([])
        ),
        expect=Completed(
            oil=FOUR, duplicate=1, warnings={"SOURCE_CHANGED": 1, "SAME_KEY_ON_TWO_PAGES": 1}
        ),
    ),
}


@pytest.mark.by_lot
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_contract_holds(stage: Stage, caplog: pytest.LogCaptureFixture, case: Case) -> None:
    stage.check(case, caplog)
