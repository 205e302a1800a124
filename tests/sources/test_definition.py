"""A definition is read whole:
what is wrong with it is told at once, each fault with its key and what to write.
"""

from __future__ import annotations

import contextlib
import json
from datetime import date
from typing import Any
from zoneinfo import available_timezones

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.documents import PROJECT

from chalicelib.errors import DefinitionInvalid
from chalicelib.sources.choices import Choice
from chalicelib.sources.definition import LONGEST, Definition, definition_of, read_definition
from chalicelib.sources.definition_keys import PERIODS
from chalicelib.sources.presets import PresetUnknown, find_preset, preset_names
from chalicelib.store.columns import COLUMNS
from chalicelib.store.period import Period

PRESETS = PROJECT / "chalicelib" / "sources" / "presets"
COLUMNS_OF_ONE = {
    "well_code": "Well",
    "production_period": {"field": "Month", "format": "%Y-%m"},
    "oil_production_kbd": {"field": "Oil", "unit": "bbl"},
}
SOUND: dict[str, Any] = {"name": "a", "kind": "files", "url": "a.csv", "columns": COLUMNS_OF_ONE}


def faults_of(values: Any) -> list[dict[str, str]]:
    with pytest.raises(DefinitionInvalid) as caught:
        definition_of(values)
    faults: list[dict[str, str]] = caught.value.details["faults"]
    assert all(fault.keys() == {"key", "problem", "instead"} for fault in faults)
    assert all(len(text) < 1_000 for fault in faults for text in fault.values())
    json.dumps(faults).encode()
    str(faults).encode()
    return faults


def told(fault: dict[str, str]) -> str:
    return f"{fault['key']} {fault['problem']}: {fault['instead']}"


def faults_with(**values: Any) -> list[str]:
    return [told(fault) for fault in faults_of(SOUND | values)]


def faults_of_column(name: str, rule: Any, **others: Any) -> list[str]:
    return faults_with(columns=COLUMNS_OF_ONE | {name: rule} | others)


# -- every fault at once ------------------------------------------------------------------------


def test_all_faults_are_told_at_once_each_with_its_key_and_what_to_write() -> None:
    text = """
        nmae = "gulf"
        kind = "file"
        url = "data/*.csv"
        period = "monthly"
        timezone = "Europe/Osloo"
        secret = "hunter2"
        schedule = "daily"
        decimal = "."
        thousands = "."
        [where]
        Product = { patern = "O" }
        [columns]
        wellcode = "Well"
        well_name = { field = "A", value = "B" }
        production_period = { field = "Month", format = "%Q" }
        oil_production_kbd = "Oil"
        gas_production_mmcfd = { field = "Gas", unit = "boe" }
        water_production_kbd = { field = "Water", unit = "bbl", days = "producing", at = "15C" }
        liquids_production_kbd = { field = "Liquids", unit = "t" }
        days_on_production = { field = "Days", unit = "day", agregate = "sum" }
        [file]
        delimitr = ";"
        encoding = "zlib"
        [gate]
        rejected = 5
        restatd = 2.0
        [odata]
        pagesize = 3
        [unpivot]
        fields = "([A-Z]+)_OIL"
    """
    with pytest.raises(DefinitionInvalid) as caught:
        read_definition(text)

    assert {fault["key"]: fault["instead"] for fault in caught.value.details["faults"]} == {
        "nmae": "name, or leave it out",
        "kind": "one of odata, files",
        "period": "one of day, month, quarter, year",
        "timezone": "a name of the IANA list such as Europe/Oslo",
        "secret": "ssm:/path, secretsmanager:name or env:NAME",
        "schedule": 'five of them, such as "0 5 * * *"',
        "where.Product.patern": "pattern, or leave it out",
        "where.Product": '{ pattern = "RE2" }, a value or a list of values',
        "columns.wellcode": "well_code, or leave it out",
        "columns.well_name": "one of field, template, coalesce, sum, value",
        "columns.production_period.format": "a form such as %Y-%m, %Y%m, %b-%y, %d/%m/%Y or %YQ%q",
        "columns.oil_production_kbd.unit": "bbl, m3 or Mcf for a period's volume, bbl/d for a rate",
        "columns.gas_production_mmcfd.unit": "Map the volume of each product by its own unit.",
        "columns.water_production_kbd.unit": "Leave it out.",
        "columns.liquids_production_kbd.density": "t/m3 for a unit of t, a number or the name of a field",
        "columns.days_on_production.agregate": "aggregate, or leave it out",
        "file.delimitr": "delimiter, or leave it out",
        "file.encoding": "utf-8, latin-1, cp1252 or utf-16",
        "gate.rejected": 'a share such as "5 %"',
        "gate.restatd": "restated, or leave it out",
        "odata.pagesize": "page_size, or leave it out",
        "unpivot": 'kind = "files"',  # and what it needs
        "thousands": "another sign, or none",
        "url": 'an http or https address, or kind = "files"',
        "file": 'kind = "files"',
    }


def test_what_is_unknown_is_answered_with_the_nearest_at_every_level() -> None:
    assert faults_with(
        perod="month",
        where={"A": {"patern": "x"}},
        file={"headr": 1},
        gate={"rejectd": "5 %"},
        columns=COLUMNS_OF_ONE | {"well_nam": "W", "field_code": {"feild": "F", "value": "1"}},
    ) == [
        "perod is no key of a definition: period, or leave it out",
        "where.A.patern is no key of a definition: pattern, or leave it out",
        'where.A says nothing of what is meant: { pattern = "RE2" }, a value or a list of values',
        "columns.well_nam is no key of a definition: well_name, or leave it out",
        "columns.field_code.feild is no key of a definition: field, or leave it out",
        "file.headr is no key of a definition: header, or leave it out",
        "gate.rejectd is no key of a definition: rejected, or leave it out",
    ]


def test_of_very_many_faults_some_are_told_and_the_rest_is_counted() -> None:
    faults = faults_of({f"x{i}": i for i in range(5_000)})

    assert len(faults) == 101
    assert faults[-1] == {
        "key": "",
        "problem": "has 4,900 more faults",
        "instead": "what these say, first",
    }


# -- texts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../etc", "/etc/passwd", "a/b", "..", "A", "a b", "", "a" * 41, "a\n", "è", "a.toml"]
)
def test_a_name_is_no_path(name: str) -> None:
    assert [fault["key"] for fault in faults_of(SOUND | {"name": name})] == ["name"]
    assert [fault["key"] for fault in faults_of(SOUND | {"adopts": name})] == ["adopts"]


@pytest.mark.parametrize("character", ["\0", "\x01", "\x1b", "\x7f", "\ud800"])
@pytest.mark.parametrize(
    "place",
    [
        lambda text: {"url": text},
        lambda text: {"order_by": text},
        lambda text: {"primary_key": [text]},
        lambda text: {"primary_key": text},
        lambda text: {"where": {text: "a"}},
        lambda text: {"where": {"a": text}},
        lambda text: {"skip": {"a": [text, "b"]}},
        lambda text: {"skip": {"a": {"pattern": text}}},
        lambda text: {"null_values": [text]},
        lambda text: {"null_values": text},
        lambda text: {"file": {"fields": ["a", text]}},
        lambda text: {"file": {"sheet": text}},
        lambda text: {"unpivot": {"fields": "(?P<a>b)", "value": text}},
        *(
            lambda text, rule=rule: {"columns": COLUMNS_OF_ONE | {"well_name": rule(text)}}
            for rule in (
                lambda text: text,
                lambda text: [text, "b"],
                lambda text: {"value": text},
                lambda text: {"template": "{a}" + text},
                lambda text: {"template": "{" + text + "}"},
                lambda text: {"coalesce": [text]},
                lambda text: {"field": "a", "pattern": f"({text})"},
                lambda text: {"field": "a", "when": {text: "b"}},
            )
        ),
    ],
)
def test_a_character_that_cannot_be_kept_is_a_fault_wherever_it_stands(
    place: Any, character: str
) -> None:
    faults = faults_of(SOUND | place(f"x{character}y"))

    assert [fault["problem"] for fault in faults] == [f"holds the character U+{ord(character):04X}"]


def test_an_address_has_no_line_break_and_no_password() -> None:
    assert faults_with(url="https://a.example/x\n.csv") == [
        "url has a line break or a tab: the address in one line"
    ]
    assert faults_with(url="https://ada:pw@a.example/x") == [
        "url holds a user name or a password: a reference to it in secret"
    ]
    assert faults_with(url="https://[::1/x") == [
        "url is no address: an address such as https://data.example.org/odata/Production"
    ]


@pytest.mark.parametrize(
    "secret", ["hunter2", "ssm:x", "ssm:/a b", "env:A-B", "secretsmanager:", "file:/etc/passwd"]
)
def test_a_secret_is_a_reference_and_is_not_shown(secret: str) -> None:
    [fault] = faults_of(SOUND | {"secret": secret})
    assert fault["key"] == "secret"
    assert secret not in told(fault).replace("secretsmanager:name", "")


# -- whole texts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a = 1\n" * LONGEST, "is longer than 64 KB"),
        ('url = "' + "x" * LONGEST + '"', "is longer than 64 KB"),
        ("a = " + "[" * 5_000, "cannot be read"),
        ("a = " + "[" * 500 + "]" * 500, "cannot be read"),
        ("a = " + "[" * 50 + "]" * 50, "is no key"),
        (".".join("a" * 20_000) + " = 1", "cannot be read"),
        ('{"a": ' * 5_000, "cannot be read"),
        ("a = ", "cannot be read"),
        ("{", "cannot be read"),
        ("a = 1\na = 2", "cannot be read"),
        ("name = nan", "cannot be read"),
        ('{"a": NaN}', "cannot be read"),
        ("a = 0x" + "f" * 10_000, "cannot be read"),
        ("a = " + "9" * 10_000, "cannot be read"),
        ("\0", "cannot be read"),
        ("[]", "cannot be read"),
    ],
)
def test_what_is_no_definition_is_one_fault(text: str, problem: str) -> None:
    with pytest.raises(DefinitionInvalid) as caught:
        read_definition(text)
    [fault] = caught.value.details["faults"]
    assert fault["problem"].startswith(problem)


def test_dates_of_toml_are_text() -> None:
    values = dict(read_definition('expect = { first = 2024-01-01 }\nname = "a"').to_dict())
    assert values == {"expect": {"first": "2024-01-01"}, "name": "a"}
    assert faults_of(SOUND | {"expect": 3})[0]["key"] == "expect"
    assert faults_of({"name": date(2024, 1, 1)})[0]["problem"] == "is 2024-01-01, which is no text"


texts = st.text(max_size=8)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.just(10**4_000)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
RULE_KEYS = (
    *(
        "field",
        "fields",
        "template",
        "coalesce",
        "sum",
        "value",
        "pattern",
        "when",
        "optional",
        "unit",
        "days",
        "at",
    ),
    *("density", "aggregate", "format", "timezone", "year", "month", "quarter", "day"),
)
some_words = st.sampled_from(
    [
        "Well",
        "bbl",
        "m3",
        "t",
        "h",
        "m3/d",
        "producing",
        "15C",
        "%Y-%m",
        "sum",
        "(a)",
        "{A:03}",
        "Europe/Oslo",
        "Nm3",
    ]
)
rule_values = (
    anything
    | some_words
    | st.lists(some_words, max_size=3)
    | st.dictionaries(some_words, some_words)
)
rules = some_words | st.dictionaries(st.sampled_from(RULE_KEYS), rule_values, max_size=5) | anything
tables = {
    "columns": st.dictionaries(
        st.sampled_from([column.name for column in COLUMNS]), rules, max_size=5
    ),
    "where": st.dictionaries(some_words, rule_values, max_size=3),
    "file": st.dictionaries(
        st.sampled_from(
            ["format", "delimiter", "quote", "encoding", "header", "fields", "skip_rows", "comment"]
        ),
        rule_values,
        max_size=3,
    ),
    "unpivot": st.dictionaries(st.sampled_from(["fields", "value"]), rule_values),
    "gate": st.dictionaries(st.sampled_from(["rejected", "restated"]), rule_values),
    "odata": st.dictionaries(st.sampled_from(["headers", "page_size"]), rule_values),
    "preset": st.sampled_from(preset_names()) | rule_values,
    "kind": st.sampled_from(["odata", "files"]),
}
keys = [name for name in Definition.__dataclass_fields__ if name not in ("values", "is_default")]
definitions = st.dictionaries(
    st.sampled_from([*keys, "default", "title", "x"]), rule_values, max_size=6
).flatmap(lambda values: st.fixed_dictionaries({}, optional=tables).map(lambda told: values | told))


@given(definitions | anything)
def test_whatever_json_it_is_it_is_a_definition_or_has_faults(values: Any) -> None:
    try:
        definition = definition_of(values)
    except DefinitionInvalid as exc:
        faults = exc.details["faults"]
        assert faults
        assert all(fault["problem"] and len(told(fault)) < 1_000 for fault in faults)
        json.dumps(faults, ensure_ascii=False).encode()
    else:
        assert definition_of(definition.to_dict()) == definition


@given(definitions | anything)
def test_a_text_of_it_is_one_too(values: Any) -> None:
    try:
        text = json.dumps(values)
    except ValueError:
        return  # a number of more digits than Python writes
    with contextlib.suppress(DefinitionInvalid):
        assert isinstance(read_definition(text), Definition)


@given(st.text())
def test_any_text_is_a_definition_or_has_faults(text: str) -> None:
    with contextlib.suppress(DefinitionInvalid):
        read_definition(text)


@pytest.mark.parametrize("name", preset_names())
def test_toml_and_json_are_read_alike(name: str) -> None:
    values = {"name": "a", "url": "x", **find_preset(name)}
    text = 'name = "a"\nurl = "x"\n' + (PRESETS / f"{name}.toml").read_text(encoding="utf-8")
    assert read_definition(json.dumps(values)) == definition_of(values)
    assert read_definition(text) == definition_of(values)


# -- values -------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [1, 1.5, True, None, [], {}, [1], {"a": 1}])
@pytest.mark.parametrize(
    "key",
    [
        *(
            "name",
            "adopts",
            "kind",
            "url",
            "secret",
            "schedule",
            "timezone",
            "preset",
            "period",
            "rows",
            "order_by",
        ),
        *(
            "primary_key",
            "across_files",
            "missing",
            "increment",
            "null_values",
            "decimal",
            "thousands",
            "columns",
        ),
        *("where", "file", "unpivot", "odata", "gate", "expect", "default"),
    ],
)
def test_a_value_of_another_type_is_a_fault_of_its_key(key: str, value: Any) -> None:
    is_right = {
        "default": isinstance(value, bool),
        "null_values": value == [],
        **dict.fromkeys(("columns", "file", "odata", "gate"), value == {}),
        "where": isinstance(value, dict),
        "expect": isinstance(value, dict),
    }
    if is_right.get(key):
        definition_of(
            SOUND
            | {
                "kind": "odata" if key == "odata" else "files",
                "url": "https://a.example",
                key: value,
            }
        )
        return
    keys = {
        fault["key"].partition(".")[0].partition("[")[0]
        for fault in faults_of(SOUND | {key: value})
    }
    assert key in keys


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (
            {"field": "A"},
            "unit is missing, and is never guessed: bbl, m3 or Mcf for a period's volume, bbl/d for a rate",
        ),
        (
            {"field": "A", "unit": "Mm3"},
            "unit 'Mm3' can mean a thousand m³ (Brazil, Mexico), a million m³ (SI) or a",
        ),
        ({"field": "A", "unit": "boe"}, "unit 'boe' can mean oil and gas added by their energy"),
        (
            {"field": "A", "unit": "Mcf"},
            "unit 'Mcf' is a unit of gas, not of liquid.: Write one of bbl, Mbbl",
        ),
        ({"field": "A", "unit": 3}, "unit is 3, which is no text"),
        ({"field": "A", "unit": "t"}, "density is missing: t/m3 for a unit of t"),
        (
            {"field": "A", "unit": "t", "density": 850},
            "density is no density: t/m3, a number from 0.3 to 1.5",
        ),
        ({"field": "A", "unit": "t", "density": float("nan")}, "density is no density"),
        (
            {"field": "A", "unit": "bbl", "density": 0.8},
            "density is of a mass, and the unit is a volume",
        ),
        (
            {"field": "A", "unit": "bbl", "days": "producing"},
            "days is of rates, and the unit is a volume: bbl/d",
        ),
        (
            {"field": "A", "unit": "bbl", "at": "15C"},
            "unit `at` is for gas, not for liquid.: Leave it out.",
        ),
        (
            {"value": "many", "unit": "bbl"},
            'value is "many", which is no number: a number such as 1.5',
        ),
        (
            {"value": float("inf"), "unit": "bbl"},
            "value is inf, which is no text: a text in quotes",
        ),
        ({"field": "A", "unit": "bbl", "pattern": "[0-9]+"}, "pattern has no group"),
        (
            {"field": "A", "unit": "bbl", "pattern": "(?=(a))"},
            "pattern is a regular expression that RE2 does not know",
        ),
        ({"field": "A", "unit": "bbl", "pattern": "(a"}, "pattern is no regular expression"),
        ({"field": "A", "unit": "bbl", "when": "x"}, "when is no table"),
        (
            {"field": "A", "unit": "bbl", "when": {"P": []}},
            "when.P has 0 values: 1 to 1,000 values",
        ),
        (
            {"field": "A", "unit": "bbl", "when": {"P": 1.5}},
            "when.P holds 1.5, neither text nor a whole number",
        ),
        ({"field": "A", "unit": "bbl", "optional": "yes"}, 'optional is "yes": true or false'),
        (
            {"field": "A", "unit": "bbl", "format": "%Y"},
            "format is no key of a definition: one of aggregate"[:35],
        ),
        ({"sum": ["A", "A"], "unit": "bbl"}, "sum names a field twice: each field once"),
        ({"coalesce": [], "unit": "bbl"}, "coalesce names no field"),
        ({"unit": "bbl"}, " says nothing of where it comes from"),
        ({"field": "", "unit": "bbl"}, "field is empty: a text"),
        ({"template": "05-{A", "unit": "bbl"}, "template is no template"),
        ({"template": "{ }{A}", "unit": "bbl"}, "template is no template"),
        ({"template": "{A:x}", "unit": "bbl"}, "template is no template"),
    ],
)
def test_a_fault_of_a_volume(rule: dict[str, Any], fault: str) -> None:
    [found] = faults_of_column("oil_production_kbd", rule)
    assert found.removeprefix("columns.oil_production_kbd").removeprefix(".").startswith(fault)


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (
            {"field": "A", "format": "%m"},
            '.format is "%m": it needs one year, and nothing twice: a form such as %Y-%m',
        ),
        ({"field": "A", "format": ["%Y", "%Y %Y"]}, '.format is "%Y %Y": it needs one year'),
        (
            {"field": "A", "format": "%Y-%d"},
            '.format is "%Y-%d": it needs one month or one quarter, and a day only',
        ),
        ({"field": "A", "format": []}, ".format names no form"),
        ({"field": "A", "format": 3}, ".format is 3: a text or a list of texts"),
        ({"field": "A", "timezone": "Oslo"}, '.timezone is "Oslo", which is no time zone'),
        (
            {"year": "Y", "format": "%Y"},
            ".format is of one field, and year and month are fields by themselves",
        ),
        ({"month": "M"}, " has no year"),
        ({"year": "Y"}, " has no month, and the period is a month"),
        ({"year": "Y", "month": "M", "quarter": "Q"}, " has a month and a quarter"),
        (
            {"year": {"pattern": "([0-9]{4})"}, "month": 1},
            ".year has neither or both of field and value",
        ),
        ({"year": {"field": "F", "pattern": "[0-9]{4}"}, "month": 1}, ".year.pattern has no group"),
        ({"year": True, "month": 1}, ".year is true, which is no table"),
        (["A"], None),
        ("A", None),
        ({"year": 2024, "month": {"value": 2}}, None),
    ],
)
def test_a_fault_of_the_period(rule: Any, fault: str | None) -> None:
    if fault is None:
        definition_of(SOUND | {"columns": COLUMNS_OF_ONE | {"production_period": rule}})
        return
    found = faults_of_column("production_period", rule)
    assert any(
        each.removeprefix("columns.production_period").startswith(fault) for each in found
    ), found


def test_a_rate_of_producing_days_needs_the_days() -> None:
    rule = {"field": "Oil", "unit": "bbl/d", "days": "producing"}
    [fault] = faults_of_column("oil_production_kbd", rule)
    assert fault.startswith(
        'columns.oil_production_kbd.days is "producing", and no rule says what days_on_production'
    )
    days = {"days_on_production": {"field": "Days", "unit": "day"}}
    definition_of(SOUND | {"columns": COLUMNS_OF_ONE | {"oil_production_kbd": rule} | days})


@pytest.mark.parametrize(
    ("one", "other", "is_fault"),
    [
        ({"unit": "bbl"}, {"unit": "m3"}, True),
        ({"unit": "bbl"}, {"unit": "bbl/d"}, True),
        ({"unit": "m3/h"}, {"unit": "m3/d"}, True),
        ({"unit": "bbl/d"}, {"unit": "BOPD"}, False),
        ({"unit": "Sm3"}, {"unit": "m3"}, False),
        ({"unit": "bbl", "when": {"P": "O"}}, {"unit": "m3", "when": {"P": ["G", "W"]}}, False),
        ({"unit": "bbl", "when": {"P": "O"}}, {"unit": "m3", "when": {"P": ["G", "O"]}}, True),
        ({"unit": "bbl", "when": {"P": "O"}}, {"unit": "m3", "when": {"Q": "G"}}, True),
        (
            {"unit": "bbl", "when": {"P": {"pattern": "O"}}},
            {"unit": "m3", "when": {"P": "G"}},
            True,
        ),
    ],
)
def test_one_field_has_one_unit(one: dict[str, Any], other: dict[str, Any], is_fault: bool) -> None:
    columns = {
        "oil_production_kbd": {"field": "V"} | one,
        "water_production_kbd": {"sum": ["V", "W"]} | other,
    }
    if not is_fault:
        definition_of(SOUND | {"columns": COLUMNS_OF_ONE | columns})
        return
    [fault] = faults_with(columns=COLUMNS_OF_ONE | columns)
    assert fault.startswith("columns.water_production_kbd.unit is ")
    assert "oil_production_kbd takes the same field" in fault


@pytest.mark.parametrize(
    ("form", "fault"),
    [
        ({"delimiter": ";;"}, 'file.delimiter is ";;": one character'),
        ({"delimiter": "\n"}, "file.delimiter is"),
        ({"delimiter": "é"}, "file.delimiter is"),
        (
            {"delimiter": ",", "quote": ","},
            "file has one character for two of delimiter, quote and comment",
        ),
        ({"encoding": "zlib"}, 'file.encoding is "zlib", which is no encoding'),
        ({"encoding": "utf8\x00"}, "file.encoding holds the character U+0000"),
        ({"encoding": "rot13"}, "file.encoding is"),
        ({"header": 0}, "file.header is 0: a whole number from 1 to 1,000"),
        ({"header": True}, "file.header is true"),
        ({"header": False}, "file.fields is missing, and there is no header"),
        ({"header": False, "fields": ["a", "a"]}, "file.fields names a field twice"),
        ({"skip_rows": -1}, "file.skip_rows is -1"),
        ({"skip_rows": 10**4_000}, "file.skip_rows is a number of more than 60 digits"),
        ({"records": "data"}, 'file.records is "data": a JSON pointer'),
        ({"format": "xml"}, 'file.format is "xml": one of csv, xlsx, xls, parquet, json, ndjson'),
        ({"members": ""}, "file.members is empty"),
    ],
)
def test_a_fault_of_a_file(form: dict[str, Any], fault: str) -> None:
    assert faults_with(file=form)[0].startswith(fault)


def test_what_belongs_to_another_kind_is_a_fault() -> None:
    address = {"kind": "odata", "url": "https://a.example"}
    assert faults_with(**address, file={}) == ['file is of files: kind = "files"']
    assert faults_with(**address, unpivot={"fields": "(?P<a>b)", "value": "c"}) == [
        'unpivot is of files: kind = "files"'
    ]
    assert faults_with(odata={}) == ['odata is of an OData service: kind = "odata"']
    assert faults_with(rows="sum") == [
        (
            "primary_key is missing: a row that comes twice would be added twice: the fields that tell a row from "
            "another of its well and period"
        )
    ]
    assert faults_with(rows="sum", primary_key=["A"], increment="Changed")[0].startswith(
        "increment brings some rows"
    )
    assert faults_with(decimal=",", thousands=",") == [
        "thousands is the decimal sign too: another sign, or none"
    ]


@pytest.mark.parametrize("share", ["5 %", "0.5%", "100 %", "0 %"])
def test_a_share_is_one(share: str) -> None:
    definition_of(SOUND | {"gate": {"rejected": share, "restated": 2}})


@pytest.mark.parametrize(
    "share", ["5", "-1 %", "101 %", "999 %", "nan %", 5, 0.05, True, None, "5 %\n"]
)
def test_what_is_no_share_is_a_fault(share: Any) -> None:
    assert [fault["key"] for fault in faults_of(SOUND | {"gate": {"nulled": share}})] == [
        "gate.nulled"
    ]


@pytest.mark.parametrize(
    "factor", [0, 0.5, -2, True, "2", float("nan"), float("inf"), 10**4_000, None]
)
def test_what_is_no_factor_is_a_fault(factor: Any) -> None:
    assert [fault["key"] for fault in faults_of(SOUND | {"gate": {"restated": factor}})] == [
        "gate.restated"
    ]


# -- patterns -----------------------------------------------------------------------------------

CONNECTION = duckdb.connect()
pieces = st.sampled_from(
    [
        *(
            "a",
            "1",
            "é",
            "€",
            " ",
            "-",
            "_",
            ".",
            "^",
            "$",
            "|",
            "(",
            ")",
            "[",
            "]",
            "[^",
            "{",
            "}",
            "*",
            "+",
            "?",
            "\\",
        ),
        *(
            "{2}",
            "{2,}",
            "{,3}",
            "{1,900}",
            "{1001}",
            "(?:",
            "(?P<n>",
            "(?i)",
            "(?s:",
            "(?=",
            "(?!",
            "(?<=",
            "(?<n>",
        ),
        *(
            r"\d",
            r"\W",
            r"\b",
            r"\B",
            r"\A",
            r"\Z",
            r"\z",
            r"\1",
            r"\pL",
            r"\x41",
            r"\u00e9",
            r"\Q",
            r"\.",
            r"\_",
            r"\-",
        ),
        *(
            "[[:alpha:]]",
            "[[:x:]]",
            "[a-z]",
            "[]a]",
            "[a&&b]",
            "[a--b]",
            r"[\b]",
            r"[\d-]",
            "++",
            "*+",
            "?+",
            "(?>",
            "(?#x)",
        ),
    ]
)


@given(st.lists(pieces, max_size=8).map("".join) | st.text(max_size=12))
def test_a_pattern_that_is_taken_is_one_for_duckdb_too(pattern: str) -> None:
    try:
        definition = definition_of(SOUND | {"where": {"A": {"pattern": pattern}}})
    except DefinitionInvalid:
        return
    CONNECTION.execute(
        "SELECT regexp_full_match('abc', ?)", [definition.where[0].pattern]
    ).fetchall()


@pytest.mark.parametrize(
    "pattern",
    [
        "[0-9]{4}",
        r"\d+\.\d*",
        "(?i)total.*",
        "(a|b)+?",
        "[^,;]*",
        r"\(e\)",
        "[-+*/]",
        "(0|-1)-[0-9]{4}",
        "é+",
        r"a\ b",
    ],
)
def test_a_usual_pattern_is_taken(pattern: str) -> None:
    definition = definition_of(SOUND | {"skip": {"A": {"pattern": pattern}}})
    assert definition.skip == (Choice(field="A", pattern=pattern),)


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "(?=(a))",
            "(?!a)",
            "(?<=a)b",
            "(?<!a)b",
            "(?>a)",
            "(?#a)b",
            "(a)(?P=n)",
            r"(a)\1",
            "(a)?(?(1)b|c)",
            "a++",
        ),
        *(
            "a*+",
            "a?+",
            "a{2}+",
            r"\Z",
            r"\u00e9",
            r"[\b]",
            "[[:alpha:]]",
            "a{,3}",
            "a{1001}",
            "(a{40}){40}",
            r"\é",
        ),
    ],
)
def test_what_duckdb_would_read_otherwise_or_not_at_all_is_a_fault(pattern: str) -> None:
    [fault] = faults_with(where={"A": {"pattern": pattern}})
    assert fault.startswith("where.A.pattern is ")


def test_a_pattern_is_no_way_to_take_our_time() -> None:
    assert faults_with(where={"A": {"pattern": "a" * 501}}) == [
        "where.A.pattern has 501 characters: at most 500"
    ]
    assert "RE2" in faults_with(where={"A": {"pattern": "((a{100}){100}){100}"}})[0]
    definition_of(SOUND | {"where": {"A": {"pattern": "(a+)+(a+)+b"}}})


def test_a_zone_that_is_taken_is_one_for_duckdb_too() -> None:
    known = {
        name for (name,) in CONNECTION.execute("SELECT name FROM pg_timezone_names()").fetchall()
    }
    for zone in [
        *available_timezones(),
        "posix/Europe/Oslo",
        "right/UTC",
        "localtime",
        "Factory",
        "",
        "../UTC",
        "/etc",
    ]:
        try:
            definition_of(SOUND | {"timezone": zone})
        except DefinitionInvalid:
            continue
        assert zone in known, zone


# -- presets ------------------------------------------------------------------------------------


def with_presets(values: dict[str, Any], presets: dict[str, dict[str, Any]]) -> Definition:
    def named(name: Any) -> dict[str, Any]:
        if name not in presets:
            raise PresetUnknown("one of these")
        return dict(presets[name])

    return definition_of(values, presets=named)


UNDER: dict[str, Any] = {
    "kind": "files",
    "null_values": ["", "-"],
    "where": {"Activity": ["PROD"], "Product": {"pattern": "O.*"}},
    "file": {"format": "csv", "delimiter": ";"},
    "columns": {
        "well_code": "Well",
        "production_period": {"field": "Month", "format": "%Y-%m"},
        "oil_production_kbd": {"field": "Oil", "unit": "bbl", "when": {"Product": "O"}},
        "water_production_kbd": {"sum": ["W1", "W2"], "unit": "m3"},
    },
}


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ({"null_values": ["x"]}, {"null_values": ["x"]}),
        ({"file": {"delimiter": ","}}, {"file": {"format": "csv", "delimiter": ","}}),
        (
            {"where": {"Activity": "ALL"}},
            {"where": {"Activity": "ALL", "Product": {"pattern": "O.*"}}},
        ),
        ({"where": {"field": "F"}}, {"where": UNDER["where"] | {"field": "F"}}),
        ({"columns": {"well_name": "N"}}, {"columns": UNDER["columns"] | {"well_name": "N"}}),
        (
            {"columns": {"well_code": ["A", "B"]}},
            {"columns": UNDER["columns"] | {"well_code": ["A", "B"]}},
        ),
        (
            {"columns": {"oil_production_kbd": {"unit": "m3"}}},
            {
                "columns": UNDER["columns"]
                | {"oil_production_kbd": {"field": "Oil", "unit": "m3", "when": {"Product": "O"}}}
            },
        ),
        (
            {"columns": {"oil_production_kbd": {"sum": ["A", "B"]}}},
            {
                "columns": UNDER["columns"]
                | {
                    "oil_production_kbd": {
                        "sum": ["A", "B"],
                        "unit": "bbl",
                        "when": {"Product": "O"},
                    }
                }
            },
        ),
        (
            {"columns": {"well_code": {"optional": True}}},
            {"columns": UNDER["columns"] | {"well_code": {"field": "Well", "optional": True}}},
        ),
        (
            {"columns": {"production_period": {"year": "Y", "month": "M"}}},
            {"columns": UNDER["columns"] | {"production_period": {"year": "Y", "month": "M"}}},
        ),
        (
            {"columns": {"production_period": {"field": "P"}}},
            {
                "columns": UNDER["columns"]
                | {"production_period": {"field": "P", "format": "%Y-%m"}}
            },
        ),
    ],
)
def test_tables_of_a_preset_merge_key_by_key_and_all_else_replaces(
    over: dict[str, Any], expected: dict[str, Any]
) -> None:
    own = {"name": "a", "url": "a.csv", "preset": "under"}

    assert with_presets(own | over, {"under": UNDER}) == definition_of_merged(
        own | UNDER | expected
    )


def definition_of_merged(values: dict[str, Any]) -> Definition:
    return with_presets(values, {"under": {}})


def test_a_preset_may_stand_on_another_one() -> None:
    presets = {"one": UNDER, "two": {"preset": "one", "period": "year", "null_values": "n/a"}}
    found = with_presets({"preset": "two", "period": "quarter"}, presets)
    assert (found.period, found.null_values, found.file.delimiter) == ("quarter", ("n/a",), ";")


@pytest.mark.parametrize(
    "presets",
    [
        {"a": {"preset": "a"}},
        {"a": {"preset": "b"}, "b": {"preset": "a"}},
        {name: {"preset": chr(ord(name) + 1)} for name in "abcdefg"},
    ],
)
def test_a_cycle_of_presets_is_a_fault(presets: dict[str, dict[str, Any]]) -> None:
    with pytest.raises(DefinitionInvalid) as caught:
        with_presets({"preset": "a", "perod": "month"}, presets)
    assert [fault["key"] for fault in caught.value.details["faults"]] == ["preset", "perod"]


@pytest.mark.parametrize(
    "name", ["bsee-ogora", "../volve", "volve.toml", "", "x" * 60_000, 3, None, ["volve"], {}]
)
def test_a_preset_that_there_is_not_is_a_fault(name: Any) -> None:
    faults = faults_of({"preset": name})
    assert faults[0]["key"] == "preset"
    assert faults[0]["problem"].endswith("which does not exist")


def test_a_definition_names_all_lengths_that_a_period_has() -> None:
    assert list(PERIODS) == list(Period)
