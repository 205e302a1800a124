"""The contract of the source, rows:
good ones arrive, bad ones are kept with a reason, none spoils its neighbours.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import duckdb
import pytest
from support.scripted_source import Answer, page
from support.source_contract import Case, Completed, Failed, Stage, script, text_of, well, wells

if TYPE_CHECKING:
    from collections.abc import Mapping

GOOD = json.dumps(well(10))
ONE = {10: 10.0}
KEY = '"field_code": 1, "production_period": "2024-01-01"'
BASE = f'{{{KEY}, "well_code": 11, "oil_production_kbd": '


def beside_a_good_one(
    *rows: str, oil: Mapping[int, float | None] | None = None, failed: int = 0, **more: int
) -> Case:
    """The good row comes last, so that whatever is wrong with the others comes before it."""
    return Case(
        steps=script(text_of(*rows, GOOD, tail=f', "@odata.count": {len(rows) + 1}')),
        expect=Completed(oil={**ONE, **(oil or {})}, failed=failed, warnings=more),
        asked=2,
    )


def read_as(body: bytes, **headers: str) -> Case:
    """The good row and nothing else, however it is written."""
    answer = Answer(
        body, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    return Case(steps=script(answer, page([])), expect=Completed(oil=ONE))


def refused(body: bytes, says: str, **headers: str) -> Case:
    answer = Answer(
        body, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    return Case(steps=[answer], expect=Failed("SOURCE_ENCODING", says=says), asked=1)


PAGE = text_of(GOOD)
PRETTY = json.dumps({"value": [well(10)]}, indent=2).replace("\n", "\r\n").encode()
ABROAD = text_of(
    json.dumps(well(10, well_reference="Ålesund"), ensure_ascii=False).replace(
        "well_ref", "other_ref"
    )
)
JSON = "application/json"

CASES = {
    # --- how the text is written
    "a byte order mark": read_as(b"\xef\xbb\xbf" + PAGE),
    "line breaks everywhere": read_as(PRETTY),
    "gzip": read_as(gzip.compress(PAGE), Content_Encoding="gzip"),
    "gzip of several members": read_as(
        gzip.compress(PAGE[:20]) + gzip.compress(b"") + gzip.compress(PAGE[20:]),
        Content_Encoding="x-gzip",
    ),
    "latin-1 that is all ASCII": read_as(PAGE, Content_Type=f"{JSON}; charset=iso-8859-1"),
    "latin-1": refused(ABROAD, "iso-8859-1", Content_Type=f"{JSON}; charset=ISO-8859-1"),
    "UTF-16": refused(PAGE.decode().encode("utf-16"), "UTF-16", Content_Type=JSON),
    "UTF-16 without a mark": refused(
        PAGE.decode().encode("utf-16-le"), "UTF-16", Content_Type=JSON
    ),
    "an unknown compression": refused(PAGE, "'br'", Content_Encoding="br"),
    "value twice": Case(
        steps=[Answer(text_of(GOOD)[:-1] + b', "value": []}')],
        expect=Failed("SOURCE_INVALID_RESPONSE", retryable=True, says="twice"),
    ),
    # --- numbers and text
    "NaN and Infinity": beside_a_good_one(BASE + "NaN}", BASE + "-Infinity}", failed=2),
    "numbers as text": beside_a_good_one(BASE + '"11.5"}', oil={11: 11.5}),
    "a number beyond doubles": beside_a_good_one(BASE + "1e999}", failed=1),
    "a code of 30 digits": beside_a_good_one(f'{{{KEY}, "well_code": {"9" * 30}}}', failed=1),
    "a number of 100,000 digits": beside_a_good_one(BASE + "9" * 100_000 + "}", failed=1),
    "a lone surrogate in a name": beside_a_good_one(
        BASE + '11.0, "well_name": "\\ud800"}', failed=1
    ),
    "half a UTF-8 character": Case(
        steps=script(
            text_of(BASE + '11.0, "well_name": "\xc3"}', GOOD).decode().encode("latin-1"), page([])
        ),
        expect=Completed(oil=ONE, failed=1),
    ),
    "control characters as escapes": beside_a_good_one(
        BASE + '11.0, "other\\u0000": "\\u0007"}', oil={11: 11.0}, UNKNOWN_FIELDS=1
    ),
    "control characters bare": Case(
        steps=[Answer(text_of(BASE + '11.0, "well_name": "\x01"}', GOOD))],
        expect=Failed("SOURCE_INVALID_RESPONSE", retryable=True),
    ),
    "a volume below zero": beside_a_good_one(BASE + "-5.5}", oil={11: -5.5}, NEGATIVE_VOLUME=1),
    # --- rows
    "a row that is null": beside_a_good_one("null", failed=1),
    "rows that are no objects": beside_a_good_one("7", '"x"', "[1]", "true", failed=4),
    "an empty row": beside_a_good_one("{}", failed=1),
    "a field twice in a row": beside_a_good_one(
        BASE + '11.0, "oil_production_kbd": 12.0}', failed=1
    ),
    "a field that is a list of lists": beside_a_good_one(
        BASE + "[" * 100 + "]" * 100 + "}", failed=1
    ),
    "a row without its key": beside_a_good_one(f'{{{KEY}, "oil_production_kbd": 3}}', failed=1),
    "a key that is null": beside_a_good_one(
        f'{{{KEY}, "well_code": null, "oil_production_kbd": 3}}', failed=1
    ),
    "the same key twice": Case(
        steps=script(page([well(10), well(10)], odata_count=2)),
        expect=Completed(oil=ONE, duplicate=1),
    ),
    "a published row, the same": Case(
        steps=script(page([*wells(2, 2), well(10)], odata_count=2)),
        expect=Completed(oil=ONE, new=1, duplicate=1),
    ),
    "a published row, revised": Case(
        steps=script(page([well(2, oil_production_kbd=0.5), well(10)], odata_count=2)),
        expect=Completed(oil=ONE | {2: 0.5}, new=1, updated=1),
    ),
    # --- fields
    "annotations in the rows": beside_a_good_one(
        '{"@odata.id": "x", "well_code@odata.type": "#Int64", ' + BASE[1:] + "11.0}", oil={11: 11.0}
    ),
    "a field that no column takes": beside_a_good_one(
        BASE + '11.0, "colour": "red"}', oil={11: 11.0}, UNKNOWN_FIELDS=1
    ),
    "a field that appears late": Case(
        steps=script(
            text_of(
                f'{{{KEY}, "well_code": 10, "water_production_kbd": null}}',
                tail=', "@odata.nextLink": "?a"',
            ),
            page(wells(11, 12)),
        ),
        expect=Completed(oil={10: None, 11: 11.0, 12: 12.0}),
    ),
    "no field for a column of the key": Case(
        steps=[Answer(page([{"field_code": 1, "well_code": 10, "oil_production_kbd": 1.0}]))],
        expect=Failed("SOURCE_COLUMNS_MISSING", page=None, says="production_period"),
    ),
    "two fields for one column": Case(
        steps=[Answer(page([well(10, WellName="a", wellName="b")]))],
        expect=Failed("SOURCE_COLUMNS_MISSING", page=None, says="several fields for well_name"),
    ),
}


@pytest.mark.by_lot
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_contract_holds(stage: Stage, caplog: pytest.LogCaptureFixture, case: Case) -> None:
    stage.check(case, caplog)


def test_a_rejected_row_is_kept_with_its_place(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.check(CASES["rows that are no objects"], caplog)

    snapshot = stage.services.job_manager.current_snapshot()
    assert snapshot
    with duckdb.connect(stage.warehouse / snapshot.name, read_only=True) as store:
        kept = store.execute(
            "SELECT page, position, reason, raw FROM rejected_rows ORDER BY ALL"
        ).fetchall()
    assert [row[:2] for row in kept] == [(1, 0), (1, 1), (1, 2), (1, 3)]
    assert [row[3] for row in kept] == ["7", '"x"', "[1]", "true"]
