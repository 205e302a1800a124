"""Each preset by itself:
it is a definition, and says where it comes from and how far it was checked.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from support.documents import PROJECT
from support.preset_samples import SAMPLES

from chalicelib.errors import DefinitionInvalid
from chalicelib.sources.definition import read_definition
from chalicelib.sources.presets import PresetUnknown, find_preset, preset_names
from chalicelib.store.columns import VOLUMES

PRESETS = preset_names()
CHECKED_ON_REAL_FILES = {"bsee-ogor-a", "ecmc", "oh-dnr", "petrinex", "sodir"}


def test_there_are_sixteen() -> None:
    assert [
        *("anp", "ar-capitulo-iv", "bsee-ogor-a", "cnh", "ecmc", "ks-kgs", "ndic", "nlog"),
        *("nmocd", "nsta", "oh-dnr", "pa-dep", "petrinex", "rrc-pdq", "sodir", "volve"),
    ] == PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_sound_definition(name: str) -> None:
    definition = read_definition(f'name = "{name}"\npreset = "{name}"\nurl = "data/*"\n')
    assert definition.kind == "files"
    assert {"well_code", "production_period"} <= definition.columns.keys()
    assert {*VOLUMES} & definition.columns.keys()


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_no_address_or_secret_of_its_own(name: str) -> None:
    assert not {"name", "url", "secret", "schedule", "default"} & find_preset(name).keys()


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_says_whose_data_it_reads_and_what_is_assumed(name: str) -> None:
    preset = find_preset(name)
    assert preset["title"]
    assert preset["publisher"]
    assert preset["checked_against"]
    assert urlsplit(preset["address"]).scheme in ("http", "https")
    assert preset["assumed"]
    assert all(sentence.endswith(".") for sentence in preset["assumed"])


@pytest.mark.parametrize("name", PRESETS)
def test_only_what_was_read_from_a_real_file_is_called_verified(name: str) -> None:
    assert find_preset(name)["verified"] is (name in CHECKED_ON_REAL_FILES)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_a_sample_and_stands_in_the_documents(name: str) -> None:
    assert SAMPLES[name].path.is_file()
    assert f"`{name}`" in (PROJECT / "docs" / "presets.md").read_text(encoding="utf-8")


def test_a_definition_changes_a_preset_key_by_key() -> None:
    text = """
        name = "alberta"
        preset = "petrinex"
        url = "s3://drop/*.zip"
        [columns]
        gas_production_mmcfd = { field = "Volume", unit = "e3m3", at = "15C", when = { ProductID = ["GAS"] } }
    """
    changed, plain = (
        read_definition(text),
        read_definition('name = "alberta"\npreset = "petrinex"\n'),
    )
    same = [name for name in plain.columns if changed.columns[name] == plain.columns[name]]
    assert [name for name in plain.columns if name not in same] == ["gas_production_mmcfd"]


def test_a_preset_that_there_is_not_is_answered_with_the_nearest() -> None:
    with pytest.raises(PresetUnknown, match="bsee-ogor-a"):
        find_preset("bsee-ogora")


@pytest.mark.parametrize(
    "when",
    [
        "",
        ", when = { Product = ['G', 'O'] }",
        ", when = { Kind = ['G'] }",
        ", when = { Product = { pattern = 'G' } }",
    ],
)
def test_one_number_has_no_two_units_where_a_row_can_fill_both_columns(when: str) -> None:
    with pytest.raises(DefinitionInvalid) as caught:
        read_definition(_products(when))
    assert [fault["key"] for fault in caught.value.details["faults"]] == [
        "columns.gas_production_mmcfd.unit"
    ]


def test_products_as_rows_have_each_their_unit() -> None:
    definition = read_definition(_products(", when = { Product = ['G'] }"))
    units = {rule.column: rule.unit.name for rule in definition.columns.values() if rule.unit}
    assert units == {"oil_production_kbd": "m3", "gas_production_mmcfd": "e3m3"}


def _products(when: str) -> str:
    return f"""
        kind = "files"
        [columns]
        well_code = "Well"
        production_period = "Month"
        oil_production_kbd = {{ field = "Volume", unit = "m3", when = {{ Product = ["O"] }} }}
        gas_production_mmcfd = {{ field = "Volume", unit = "e3m3"{when} }}
    """
