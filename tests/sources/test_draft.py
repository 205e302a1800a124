"""A draft of a definition:
what is left to fill in, presets that are known, and whatever else a look may hold.
"""

from __future__ import annotations

import tomllib

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from support.drafts import asked, drafted, faults_of, look, values
from support.plain_rows import GAS, LIQUIDS, OIL
from support.soak import longer

from chalicelib.sources.definition import read_definition
from chalicelib.sources.draft import Look, draft
from chalicelib.sources.guesses.words import vocabulary

# -- what is not there --------------------------------------------------------------------------


def test_a_look_without_fields_asks_for_all() -> None:
    found = drafted(Look(fields=(), rows=[]))

    assert "no field was seen" in found.text
    assert list(asked(found)) == [
        "columns.well_code",
        "columns.production_period",
        f"columns.{OIL}",
    ]
    assert values(found) == {"columns": {}}


def test_a_header_without_rows_is_drafted_from_its_names() -> None:
    found = drafted("Field;Well;Month;Oil (bbl);Gas")

    assert found.text.startswith("# A draft from the names of 5 fields only: no row was seen")
    assert values(found)["columns"] == {
        "field_code": "Field",
        "well_code": "Well",
        "production_period": "Month",
        OIL: {"field": "Oil (bbl)", "unit": "bbl"},
        LIQUIDS: {"field": "Oil (bbl)", "unit": "bbl"},
        GAS: {"field": "Gas", "unit": "Mcf"},
    }


def test_a_name_and_an_address_that_no_definition_takes_are_not_repeated() -> None:
    seen = look("Well;Date;Oil (bbl)\n1;2024-01-01;5\n")
    found = draft(
        seen,
        name="Wells of Ohio!",
        kind="odata",
        url="https://user:secret@example.org/odata",
        presets={},
    )

    assert read_definition(found.text).name == "wells-of-ohio"
    assert "secret@" not in found.text
    assert '# url = "..."  # an address is missing' in found.text


# -- presets ------------------------------------------------------------------------------------

PRESET = {
    "kind": "files",
    "verified": True,
    "rows": "sum",
    "primary_key": ["POOL"],
    "columns": {
        "well_code": "WELL_ID",
        "production_period": {"field": "MONTH", "format": "%Y%m"},
        OIL: {"field": "OIL", "unit": "bbl"},
    },
}


def test_a_preset_whose_fields_are_all_there_is_the_draft() -> None:
    seen = look("WELL_ID;POOL;MONTH;OIL;MORE\n1;A;202401;5;x\n")
    found = draft(seen, name="wells", kind="files", url="a.csv", presets={"ohio": PRESET})

    assert tomllib.loads(found.text) == {
        "name": "wells",
        "kind": "files",
        "url": "a.csv",
        "preset": "ohio",
    }
    assert 'preset = "ohio"  # all 4 fields of the preset are there' in found.text


def test_a_preset_that_was_never_checked_says_so() -> None:
    seen = look("WELL_ID;POOL;MONTH;OIL\n1;A;202401;5\n")
    found = draft(
        seen,
        name="wells",
        kind="files",
        url="a.csv",
        presets={"ohio": PRESET | {"verified": False}},
    )

    assert "it was never checked against a real file" in found.text
    assert [guess.sure for guess in found.guesses if guess.key == "preset"] == [False]


def test_a_preset_without_one_of_its_fields_or_of_another_kind_is_not_the_draft() -> None:
    seen = look("WELL_ID;MONTH;OIL\n1;202401;5\n")
    odata = look("WELL_ID;POOL;MONTH;OIL\n1;A;202401;5\n")
    without = draft(seen, name="wells", kind="files", url="a.csv", presets={"ohio": PRESET})
    other = draft(
        odata, name="wells", kind="odata", url="https://example.org/odata", presets={"ohio": PRESET}
    )

    assert not {"preset"} & {guess.key for guess in (*without.guesses, *other.guesses)}


def test_a_preset_of_files_without_a_header_is_known_by_what_stands_in_them() -> None:
    preset = PRESET | {"file": {"header": False, "fields": ["WELL_ID", "POOL", "MONTH", "OIL"]}}
    seen = look("column0;column1;column2;column3\n1;A;202401;5\n1;B;202401;5\n")
    turned = look("column0;column1;column2;column3\n1;202401;A;5\n")

    assert "preset" in values(
        draft(seen, name="w", kind="files", url="a", presets={"ohio": preset})
    )
    assert "preset" not in values(
        draft(turned, name="w", kind="files", url="a", presets={"ohio": preset})
    )


# -- nonsense -----------------------------------------------------------------------------------

NASTY = st.text(max_size=30) | st.sampled_from(
    [
        *(
            'a"b',
            "a\nb",
            "a\\",
            "]",
            "[columns]",
            "#",
            "'''",
            '"""',
            "\x00",
            "\x7f",
            "\u2028",
            "\ud800",
            "",
            " ",
            "=",
            "{}",
        ),
        *(
            "Oil {x}",
            "API County {",
            "Oil\n(bbl)",
            "Well\r",
            "Gas # x",
            "API Sequence",
            "API County",
            "Jan",
            "Feb",
        ),
    ]
)
WORDS = sorted(words for words in vocabulary() if words)
NAMES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join) | NASTY
VALUES = NASTY | st.sampled_from(
    [
        *(
            "2024-01-01",
            "2023-12-31T23:00:00Z",
            "202401",
            "0-2024",
            "13",
            "99",
            "744",
            "Total",
            "n/a",
            "-",
            "1,5",
            "1.234,5",
        ),
        *(
            "1,234",
            "1'000",
            "1.2.3",
            "9" * 400,
            "NaN",
            "1e5",
            "²",
            "١٢",
            "O",
            "G",
            "OIL",
            "COND",
            "PROD",
            "DISP",
            "WI",
            "BT",
        ),
        *(
            "05-001-12345",
            "ABWI100042205618W502",
            "16/1-12",
            "bbl",
            "Sm3",
            "hrs",
            "enero",
            "Q1",
            "/Date(99999999999999999)/",
        ),
    ]
)
LOOKS = st.lists(NAMES, max_size=8, unique=True).flatmap(
    lambda fields: st.builds(
        Look,
        fields=st.just(tuple(fields)),
        rows=st.lists(
            st.fixed_dictionaries({name: st.none() | VALUES for name in fields}), max_size=6
        ),
        kinds=st.dictionaries(
            st.sampled_from(fields or [""]), st.sampled_from(["text", "number", "date", "boolean"])
        ),
    )
)


@given(seen=LOOKS, name=NASTY, url=NASTY)
@hypothesis_settings(max_examples=longer(25, 400), suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_seen_the_draft_is_a_definition(seen: Look, name: str, url: str) -> None:
    for kind in ("odata", "files"):
        found = draft(seen, name=name, kind=kind, url=url, presets={})
        assert faults_of(found.text) == []
        found.text.encode()


def test_a_thousand_columns_of_numbers_are_drafted() -> None:
    fields = tuple(f"F{place}" for place in range(1_000))
    found = drafted(Look(fields=fields, rows=[dict.fromkeys(fields, "1.5")] * 200))

    assert list(asked(found)) == [
        "columns.well_code",
        "columns.production_period",
        f"columns.{OIL}",
    ]
    assert "and 970 more" in found.text


def test_cells_of_a_megabyte_are_drafted() -> None:
    fields = ("Well", "Date", "Oil (bbl)", "x" * 1_000_000)
    rows: list[dict[str, str | None]] = [dict.fromkeys(fields, "9" * 1_000_000)] * 20
    found = drafted(Look(fields=fields, rows=rows))

    assert len(found.text) < 10_000


def test_rows_that_lack_fields_are_drafted() -> None:
    found = drafted(
        Look(fields=("Well", "Date", "Oil (bbl)"), rows=[{}, {"Well": "1", "Date": "2024-01-01"}])
    )

    assert values(found)["columns"]["production_period"] == "Date"
