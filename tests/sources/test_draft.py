"""A draft of a definition: what a look at data tells, what is a guess, and what is left to fill in."""

from __future__ import annotations

import csv
import io
import json
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chalicelib.errors import DefinitionInvalid
from chalicelib.sources.definition import read_definition
from chalicelib.sources.draft import Draft, Look, draft

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

OIL, LIQUIDS = "oil_production_kbd", "liquids_production_kbd"
GAS, WATER = "gas_production_mmcfd", "water_production_kbd"
DAYS = "days_on_production"


def look(text: str, kinds: Mapping[str, str] | None = None) -> Look:
    """Of lines with semicolons, the first of which is the header; an empty text is nothing."""
    header, *rows = csv.reader(io.StringIO(text.strip()), delimiter=";")
    return Look(
        fields=tuple(header),
        rows=[dict(zip(header, [value or None for value in row], strict=True)) for row in rows],
        kinds=kinds or {},
    )


def drafted(seen: Look | str, *, kind: str = "files", url: str = "wells/*.csv", **others: Any) -> Draft:
    """Without presets; it must be read as it is."""
    found = draft(look(seen) if isinstance(seen, str) else seen, name="wells", kind=kind, url=url, presets={}, **others)
    read_definition(found.text)
    return found


def faults_of(text: str) -> list[dict[str, str]]:
    try:
        read_definition(text)
    except DefinitionInvalid as exc:
        return [*exc.details["faults"], {"text": text}]
    return []


def values(found: Draft) -> dict[str, Any]:
    """What the text says, comments apart, without what was given."""
    told = tomllib.loads(found.text)
    return {name: value for name, value in told.items() if name not in ("name", "kind", "url")}


def asked(found: Draft) -> dict[str, str]:
    """What is to be filled in, and why."""
    return {guess.key: guess.why for guess in found.guesses if not guess.is_complete}


# -- names in six languages ---------------------------------------------------------------------


def test_english_names_with_units_are_found_and_totals_left_out() -> None:
    found = drafted("""
API_WELL_NUMBER;Operator;Month;OIL_BBLS;OIL_SOLD_BBLS;GAS_MCF;GAS_FLARED_MCF;WTR_BBLS;WATER_INJ_BBLS;Hours
3305301234;Y;01/31/2023;1,234;9;2,345.5;1;100;5;744
3305301234;Y;02/28/2023;1,134;9;2,145.5;1;n/a;5;672
3305301235;Y;01/31/2023;1,134;9;2,145.5;1;90;5;672
3305301235;Y;02/28/2023;1,134;9;2,145.5;1;90;5;672
Total;;;4,636;36;8,782;4;280;20;
""")
    assert values(found) == {
        "period": "month",
        "rows": "one",
        "null_values": ["n/a"],
        "thousands": ",",
        "skip": {"API_WELL_NUMBER": ["Total"]},
        "columns": {
            "well_code": "API_WELL_NUMBER",
            "production_period": {"field": "Month", "format": "%m/%d/%Y"},
            DAYS: {"field": "Hours", "unit": "h"},
            OIL: {"field": "OIL_BBLS", "unit": "bbl"},
            LIQUIDS: {"field": "OIL_BBLS", "unit": "bbl"},
            GAS: {"field": "GAS_MCF", "unit": "Mcf"},
            WATER: {"field": "WTR_BBLS", "unit": "bbl"},
        },
    }
    assert "# guess: the name says bbls" in found.text
    assert "the last day of a month: it is cut to the first" in found.text


def test_spanish_names_of_argentina_are_in_cubic_metres() -> None:
    found = drafted("""
idpozo;sigla;areayacimiento;anio;mes;prod_pet;prod_gas;prod_agua;iny_agua;iny_gas;tef;empresa;tipopozo
1;YPF.A.1;LOMA;2023;1;120.5;33.1;10.0;0;0;31;YPF;Petrolífero
1;YPF.A.1;LOMA;2023;2;110.5;30.1;11.0;0;0;28;YPF;Petrolífero
2;YPF.A.2;LOMA;2023;1;220.5;43.1;20.0;0;0;31;YPF;Petrolífero
""")
    assert values(found) == {
        "period": "month",
        "rows": "one",
        "columns": {
            "field_code": "areayacimiento",
            "well_code": "idpozo",
            "well_name": "sigla",
            "production_period": {"year": "anio", "month": "mes"},
            DAYS: {"field": "tef", "unit": "day"},
            OIL: {"field": "prod_pet", "unit": "m3"},
            LIQUIDS: {"field": "prod_pet", "unit": "m3"},
            GAS: {"field": "prod_gas", "unit": "e3m3"},
            WATER: {"field": "prod_agua", "unit": "m3"},
        },
    }


def test_in_spanish_and_portuguese_an_m_is_a_thousand() -> None:
    found = drafted("""
Nombre del pozo;Campo;Fecha;Petróleo (Mbd);Gas asociado (MMpcd);Gas no asociado (MMpcd);Condensado (Mbd);Agua (Mbd)
A-1;KU;01-12-2023;1.2;3.4;0;0.1;2
A-1;KU;01-11-2023;1.1;3.3;0;0.1;2
""")
    assert values(found)["columns"] == {
        "field_code": "Campo",
        "well_code": "Nombre del pozo",
        "production_period": {"field": "Fecha", "format": "%d-%m-%Y"},
        OIL: {"field": "Petróleo (Mbd)", "unit": "Mbbl/d"},
        LIQUIDS: {"sum": ["Petróleo (Mbd)", "Condensado (Mbd)"], "unit": "Mbbl/d"},
        GAS: {"sum": ["Gas asociado (MMpcd)", "Gas no asociado (MMpcd)"], "unit": "MMcf/d"},
        WATER: {"field": "Agua (Mbd)", "unit": "Mbbl/d"},
    }
    assert "# guess: the name says Mbd, and M is a thousand in Spanish and Portuguese" in found.text


def test_portuguese_names_with_brackets_and_a_decimal_comma_are_found() -> None:
    found = drafted("""
[Campo];[Poço];[Instalação];[Mês/Ano];[Produção de Óleo (m³)];[Produção de Gás Associado (Mm³)];[Injeção de Água (m³)]
TUPI;7-LL-3-RJS;P-66;01/2023;1.234,56;1.000,1;5
TUPI;7-LL-3-RJS;P-67;01/2023;2.234,56;1.000,1;5
TUPI;7-LL-3-RJS;P-66;02/2023;,578;1.000,1;5
""")
    assert values(found) == {
        "period": "month",
        "rows": "sum",
        "primary_key": ["[Instalação]"],
        "decimal": ",",
        "thousands": ".",
        "columns": {
            "field_code": "[Campo]",
            "well_code": "[Poço]",
            "production_period": {"field": "[Mês/Ano]", "format": "%m/%Y"},
            OIL: {"field": "[Produção de Óleo (m³)]", "unit": "m3"},
            LIQUIDS: {"field": "[Produção de Óleo (m³)]", "unit": "m3"},
            GAS: {"field": "[Produção de Gás Associado (Mm³)]", "unit": "e3m3"},
        },
    }


def test_french_names_and_names_of_months_are_found() -> None:
    found = drafted("""
Champ;Puits;Année;Mois;Production d'huile (m3);Production de gaz (1000 m3);Production d'eau (m3);Jours de production
Parentis;PS-1;2021;janvier;120.5;3.3;50;31
Parentis;PS-1;2021;février;110.5;3.1;51;28
""")
    assert values(found)["columns"] == {
        "field_code": "Champ",
        "well_code": "Puits",
        "production_period": {"year": "Année", "month": "Mois"},
        DAYS: {"field": "Jours de production", "unit": "day"},
        OIL: {"field": "Production d'huile (m3)", "unit": "m3"},
        LIQUIDS: {"field": "Production d'huile (m3)", "unit": "m3"},
        GAS: {"field": "Production de gaz (1000 m3)", "unit": "e3m3"},
        WATER: {"field": "Production d'eau (m3)", "unit": "m3"},
    }


def test_norwegian_names_are_found() -> None:
    found = drafted("""
Felt;Brønnbane;År;Måned;Olje produsert [mill Sm3];Gass produsert [mrd Sm3];Vann injisert [mill Sm3];Timer
TROLL;31/2-A-1;2021;januar;0,12;0,33;0,01;744
TROLL;31/2-A-1;2021;februar;0,11;0,31;0,01;672
""")
    assert values(found) == {
        "period": "month",
        "rows": "one",
        "decimal": ",",
        "columns": {
            "field_code": "Felt",
            "well_code": "Brønnbane",
            "production_period": {"year": "År", "month": "Måned"},
            DAYS: {"field": "Timer", "unit": "h"},
            OIL: {"field": "Olje produsert [mill Sm3]", "unit": "e6m3"},
            LIQUIDS: {"field": "Olje produsert [mill Sm3]", "unit": "e6m3"},
            GAS: {"field": "Gass produsert [mrd Sm3]", "unit": "e9m3"},
        },
    }


def test_dutch_names_are_found_and_normal_cubic_metres_keep_their_condition() -> None:
    found = drafted("""
Veld;Boorgat;Jaar;Maand;Olie (Sm3);Gas (1000 Nm3);Water (m3);Dagen
Schoonebeek;SCH-1;2021;1;120;33;10;31
Schoonebeek;SCH-1;2021;2;110;31;11;28
""")
    assert values(found)["columns"] == {
        "field_code": "Veld",
        "well_code": "Boorgat",
        "production_period": {"year": "Jaar", "month": "Maand"},
        DAYS: {"field": "Dagen", "unit": "day"},
        OIL: {"field": "Olie (Sm3)", "unit": "m3"},
        LIQUIDS: {"field": "Olie (Sm3)", "unit": "m3"},
        GAS: {"field": "Gas (1000 Nm3)", "unit": "e3m3", "at": "0C"},
        WATER: {"field": "Water (m3)", "unit": "m3"},
    }


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Oil Sold",
            "GAS_INJECTED",
            "BOM Inventory Oil",
            "Oil Adjustment",
            "Gas Flared",
            "Allocated Oil",
            "Gas Vented",
        ),
        *("Gas venteado", "Gás queimado", "Agua inyectada", "Eau injectée", "Gass faklet", "Gas Used", "Gas Lift"),
        *("Oil Gravity", "Gas Tubing Pressure", "Water Cut", "GOR", "Gas-Oil Ratio", "Cumulative Oil"),
        *("OIL_GAS_CODE", "Gas BTU", "NGL", "BOE", "Field Operator", "Water Disp Code"),
    ],
)
def test_what_is_sold_injected_held_or_burned_is_no_production(name: str) -> None:
    found = drafted(f"Well ID;Period;{name}\n1;2024-01-01;5.5\n1;2024-02-01;6.5\n")

    assert values(found)["columns"] == {"well_code": "Well ID", "production_period": "Period"}
    assert list(asked(found)) == ["columns.oil_production_kbd"]


def test_an_operator_is_no_field_and_no_well() -> None:
    found = drafted("Field Operator;Operator Well Name;Well;Date;Oil (bbl)\nX;Y;1;2024-01-01;5\n")

    assert values(found)["columns"]["well_code"] == "Well"
    assert "field_code" not in values(found)["columns"]


# -- wells --------------------------------------------------------------------------------------


def test_an_api_number_in_several_fields_is_a_template() -> None:
    found = drafted("""
API State;API County;API Sequence;Date;Oil
5;1;7727;2024-01-01;5
5;123;08053;2024-01-01;5
""")
    assert values(found)["columns"]["well_code"] == {"template": "{API State:02}-{API County:03}-{API Sequence:05}"}
    assert values(found)["columns"][OIL] == {"field": "Oil", "unit": "bbl"}
    assert "guess: API numbers of state 05 (Colorado) report bbl and Mcf" in found.text


def test_without_a_state_an_api_number_says_what_it_lacks() -> None:
    found = drafted("API County;API Sequence;Date;Oil\n1;7727;2024-01-01;5\n123;8053;2024-01-01;5\n")

    assert values(found)["columns"]["well_code"] == {"template": "{API County:03}-{API Sequence:05}"}
    assert "the two digits of the state should stand before it" in found.text
    assert f"columns.{OIL}" in asked(found)


@pytest.mark.parametrize(
    ("code", "liquid", "gas"),
    [
        ("42-501-20130-00-00", "bbl", "Mcf"),
        ("17719002", "...", "..."),
        ("177190022500", "bbl", "Mcf"),
        ("5012345678", "bbl", "Mcf"),
        ("100/01-02-003-04W5/0", "m3", "e3m3"),
        ("ABWI100042205618W502", "m3", "e3m3"),
        ("100042205618W502", "m3", "e3m3"),
        ("200/a-001-A/094-A-01/00", "m3", "e3m3"),
        ("NO 15/9-F-1 C", "Sm3", "Sm3"),
        ("16/1-12", "Sm3", "Sm3"),
        ("7-MLL-3-RJS", "m3", "e3m3"),
        ("A-1", "...", "..."),
    ],
)
def test_the_form_of_an_identifier_tells_the_units_of_its_region(code: str, liquid: str, gas: str) -> None:
    found = drafted(f"Well;Date;Oil;Gas\n{code};2024-01-01;5;6\n{code};2024-02-01;5;6\n")

    units = {guess.key: guess.value["unit"] for guess in found.guesses if isinstance(guess.value, dict)}
    assert units[f"columns.{OIL}"] == liquid
    assert units[f"columns.{GAS}"] == gas
    assert (f"columns.{OIL}" in asked(found)) == (liquid == "...")


def test_a_lease_stands_for_the_well_where_nothing_else_does() -> None:
    found = drafted("Lease Number;Date;Oil (bbl)\n12;2024-01-01;5\n")

    assert values(found)["columns"]["well_code"] == "Lease Number"
    assert "guess: no field names a well; a lease stands for it" in found.text


def test_rows_of_whole_fields_say_so() -> None:
    found = drafted("Field;Year;Month;Oil (Sm3)\nTROLL;2024;1;5000000\nTROLL;2024;2;5000000\n")

    assert values(found)["columns"]["well_code"] == {"value": "*"}
    assert values(found)["columns"][OIL] == {"field": "Oil (Sm3)", "unit": "m3"}


# -- units --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        *(
            ("Oil BBLS", "bbl"),
            ("OIL_BBL", "bbl"),
            ("Oil (stb)", "bbl"),
            ("OilProdMbbl", "Mbbl"),
            ("Oil kbd", "Mbbl/d"),
        ),
        *(("Oil bbl/d", "bbl/d"), ("OIL_BBL_PER_DAY", "bbl/d"), ("Oil (bbl/dia)", "bbl/d"), ("BOPD oil", "bbl/d")),
        *(
            ("OILPRODM3", "m3"),
            ("Oil [m³]", "m3"),
            ("oil_e3m3", "e3m3"),
            ("Oil 10³m³", "e3m3"),
            ("Oil 1000 m3", "e3m3"),
        ),
        *(("Oil (million bbl)", "MMbbl"), ("Petróleo (miles de m3)", "e3m3"), ("oilNetMillSm3", "e6m3")),
    ],
)
def test_the_unit_of_oil_is_what_its_name_says(name: str, unit: str) -> None:
    found = drafted(f"Well;Date;{name}\n1;2024-01-01;0.05\n1;2024-02-01;0.05\n")

    assert values(found)["columns"][OIL] == {"field": name, "unit": unit}


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        *(("Gas MCF", "Mcf"), ("GasProdMMscf", "MMcf"), ("gas_mmcf", "MMcf"), ("Gas (MMSCFD)", "MMcf/d")),
        *(("Gas Mcf/d", "Mcf/d"), ("GAS_KSM3", "e3m3"), ("Gas E3M3", "e3m3"), ("prfPrdGasNetBillSm3", "e9m3")),
        *(("Gas (Bcf)", "Bcf"), ("Gas volume (scf)", "scf"), ("Gas e³m³", "e3m3")),
    ],
)
def test_the_unit_of_gas_is_what_its_name_says(name: str, unit: str) -> None:
    found = drafted(f"Well;Date;{name}\n1;2024-01-01;0.05\n1;2024-02-01;0.05\n")

    assert values(found)["columns"][GAS] == {"field": name, "unit": unit}


def test_a_unit_that_can_be_read_two_ways_is_asked_for_with_its_readings() -> None:
    found = drafted("Well;Date;Gas (Mm3)\n1;2024-01-01;0.5\n")

    why = asked(found)[f"columns.{GAS}"]
    assert why.startswith("the name says Mm3. 'Mm3' can mean a thousand m³ (Brazil, Mexico), a million m³ (SI)")


def test_size_alone_tells_no_unit_but_is_shown_with_the_question() -> None:
    found = drafted("Well;Date;Oil;Gas Rate\n1;2024-01-01;512.5;7\n1;2024-02-01;400;6\n")

    assert asked(found) == {
        f"columns.{OIL}": "unit unknown: bbl, Mbbl or m3? The largest value is 512.5.",
        f"columns.{LIQUIDS}": "no condensate is told; unit unknown: bbl, Mbbl or m3? The largest value is 512.5.",
        f"columns.{GAS}": "unit unknown: Mcf, MMcf or thousand m3 (e3m3)? With /d: the name says a rate. "
        "The largest value is 7.",
    }
    assert '# oil_production_kbd = { field = "Oil", unit = "..." }' in found.text
    assert values(found)["columns"] == {"well_code": "Well", "production_period": "Date"}


def test_volumes_beside_barrels_are_american_too() -> None:
    found = drafted("Well;Date;Oil (bbl);Gas;Water\n1;2024-01-01;5;6;7\n")

    assert values(found)["columns"][GAS] == {"field": "Gas", "unit": "Mcf"}
    assert values(found)["columns"][WATER] == {"field": "Water", "unit": "bbl"}
    assert "# guess: beside volumes in bbl" in found.text


def test_a_row_of_units_below_the_header_tells_them_and_is_skipped() -> None:
    found = drafted("""
Wellbore name;NPDCode;Year;Month;On Stream;Oil;Gas;Water;GI;WI
;;;;hrs;Sm3;Sm3;Sm3;Sm3;Sm3
15/9-F-1 C;7405;2014;4;227.5;11142.47;1597936.65;0;NULL;NULL
15/9-F-1 C;7405;2014;5;733.8;24901.95;3496229.65;783.48;NULL;NULL
15/9-F-1 C;7405;2014;6;733.8;24901.95;NULL;783.48;NULL;NULL
""")
    assert values(found) == {
        "period": "month",
        "rows": "one",
        "null_values": ["NULL"],
        "skip": {"Wellbore name": [""]},
        "columns": {
            "well_code": "Wellbore name",
            "production_period": {"year": "Year", "month": "Month"},
            DAYS: {"field": "On Stream", "unit": "h"},
            OIL: {"field": "Oil", "unit": "m3"},
            LIQUIDS: {"field": "Oil", "unit": "m3"},
            GAS: {"field": "Gas", "unit": "m3"},
            WATER: {"field": "Water", "unit": "m3"},
        },
    }


# -- periods ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "form", "period"),
    [
        ("2024-01-01", "2024-02-01", "", "month"),
        ("2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z", "", "month"),
        ("/Date(1704067200000)/", "/Date(1706745600000)/", "", "month"),
        ("202401", "202402", "%Y%m", "month"),
        ("2024-01", "2024-02", "%Y-%m", "month"),
        ("2024-M01", "2024-M02", "%Y-M%m", "month"),
        ("Jan-24", "Feb-24", "%b-%y", "month"),
        ("enero 2024", "febrero 2024", "%B %Y", "month"),
        ("janvier 2024", "février 2024", "%B %Y", "month"),
        ("jan/2024", "fev/2024", "%b/%Y", "month"),
        ("01/2024", "02/2024", "%m/%Y", "month"),
        ("1-2024", "2-2024", "%m-%Y", "month"),
        ("1/31/2024", "2/29/2024", "%m/%d/%Y", "month"),
        ("31.01.2024", "29.02.2024", "%d.%m.%Y", "month"),
        ("01/01/2024", "01/02/2024", "%d/%m/%Y", "month"),
        ("01/01/2024", "02/01/2024", "%m/%d/%Y", "month"),
        ("2024-01-01", "2024-01-02", "", "day"),
        ("20240101", "20240102", "%Y%m%d", "day"),
        ("2024Q1", "2024Q2", "%YQ%q", "quarter"),
        ("2024-01-01", "2024-04-01", "", "quarter"),
        ("2023-12-31", "2024-12-31", "", "year"),
    ],
)
def test_a_period_has_the_form_that_fits_and_the_length_of_its_distances(
    first: str, second: str, form: str, period: str
) -> None:
    found = drafted(f"Well;Production Date;Oil (bbl)\n1;{first};5\n1;{second};6\n2;{first};5\n")

    expected = {"field": "Production Date", "format": form} if form else "Production Date"
    assert values(found)["columns"]["production_period"] == expected
    assert values(found)["period"] == period


def test_a_year_and_quarter_are_fields_of_their_own() -> None:
    found = drafted("Well;Year;Quarter;Oil (bbl)\n1;2020;1;5\n1;2020;2;6\n")

    assert values(found)["period"] == "quarter"
    assert values(found)["columns"]["production_period"] == {"year": "Year", "quarter": "Quarter"}


def test_a_few_values_that_do_not_fit_are_counted() -> None:
    rows = [f"1;{2000 + month // 12}-{month % 12 + 1:02};5" for month in range(99)]
    found = drafted("\n".join(["Well;Month;Oil (bbl)", *rows, "1;soon;5"]))

    assert values(found)["columns"]["production_period"] == {"field": "Month", "format": "%Y-%m"}
    assert "%Y-%m fits 99 of 100 values" in found.text


def test_dates_that_tell_something_else_are_no_periods() -> None:
    found = drafted("Well;Spud Date;Report Month;Last Updated;Oil (bbl)\n1;2001-01-01;2024-01;2024-03-01;5\n")

    assert values(found)["columns"]["production_period"] == {"field": "Report Month", "format": "%Y-%m"}


def test_days_beyond_the_period_are_hours() -> None:
    found = drafted("Well;Date;Days;Oil (bbl)\n1;2024-01-01;744;5\n1;2024-02-01;600;5\n")

    assert values(found)["columns"][DAYS] == {"field": "Days", "unit": "h"}
    assert "guess: values up to 744, and a month has at most 31 days: hours" in found.text


# -- rows ---------------------------------------------------------------------------------------


def test_products_as_rows_become_columns() -> None:
    found = drafted("""
LEASE_KID;FIELD;API_NUMBER;MONTH-YEAR;PRODUCT;WELLS;PRODUCTION
1001;EL DORADO;15-001-12345;1-2021;O;2;120.5
1001;EL DORADO;15-001-12345;2-2021;O;2;130
1001;EL DORADO;15-001-12345;1-2021;G;2;1130
1001;EL DORADO;15-001-12345;0-2021;O;2;250.5
1001;EL DORADO;15-001-12345;-1-1965;O;2;99999
""")
    assert values(found) == {
        "period": "month",
        "rows": "sum",
        "primary_key": ["PRODUCT"],
        "skip": {"MONTH-YEAR": {"pattern": "(0|-1|13)-[0-9]{4}"}},
        "columns": {
            "field_code": "FIELD",
            "well_code": "API_NUMBER",
            "production_period": {"field": "MONTH-YEAR", "format": "%m-%Y"},
            OIL: {"field": "PRODUCTION", "unit": "bbl", "when": {"PRODUCT": ["O"]}},
            LIQUIDS: {"field": "PRODUCTION", "unit": "bbl", "when": {"PRODUCT": ["O"]}},
            GAS: {"field": "PRODUCTION", "unit": "Mcf", "when": {"PRODUCT": ["G"]}},
        },
    }


def test_rows_of_a_well_and_month_that_nothing_tells_apart_are_asked_for() -> None:
    found = drafted("Well;Date;Oil (bbl)\n1;2024-01-01;5\n1;2024-01-01;6\n")

    assert list(asked(found)) == ["rows", "primary_key"]
    assert "rows" not in values(found)


def test_a_row_that_comes_twice_is_no_second_one() -> None:
    found = drafted("Well;Date;Oil (bbl)\n1;2024-01-01;5\n1;2024-01-01;5\n")

    assert values(found)["rows"] == "one"


@pytest.mark.parametrize(
    ("cells", "decimal", "thousands", "sure"),
    [
        (["1234,5", "7"], ",", ".", True),
        (["1.234,5", "7"], ",", ".", True),
        (["1.234.567", "7"], ",", ".", True),
        (["1,234.5", "7"], ".", ",", True),
        (["1,234,567", "7"], ".", ",", True),
        (["0,123", "7"], ",", ".", True),
        (["1,234", "7"], ".", ",", False),
        (["1,234", "5678"], ",", ".", False),
        (["1'234.5", "7"], ".", "'", True),
        (["1 234,5", "7"], ",", " ", True),
        (["1234.5", "7"], ".", "", True),
    ],
)
def test_signs_of_numbers_are_found(cells: list[str], decimal: str, thousands: str, sure: bool) -> None:
    found = drafted("Well;Date;Oil (bbl)\n" + "".join(f"{well};2024-01-01;{cell}\n" for well, cell in enumerate(cells)))

    told = {guess.key: guess for guess in found.guesses if guess.key in ("decimal", "thousands")}
    assert values(found).get("decimal", ".") == decimal
    assert values(found).get("thousands", "") in ("", thousands)
    assert all(guess.sure == sure for guess in told.values())


# -- what is not there --------------------------------------------------------------------------


def test_a_look_without_fields_asks_for_all() -> None:
    found = drafted(Look(fields=(), rows=[]))

    assert "no field was seen" in found.text
    assert list(asked(found)) == ["columns.well_code", "columns.production_period", f"columns.{OIL}"]
    assert values(found) == {"columns": {}}


def test_a_header_without_rows_is_drafted_from_its_names() -> None:
    found = drafted("Field;Well;Month;Oil (bbl);Gas")

    assert found.text.startswith("# A draft from the names of 5 fields alone: no row was seen")
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
    found = draft(seen, name="Wells of Ohio!", kind="odata", url="https://user:secret@example.org/odata", presets={})

    assert read_definition(found.text).name == "wells-of-ohio"
    assert "secret@" not in found.text
    assert '# url = "https://..."' in found.text


# -- cases that lie beside the checkout ---------------------------------------------------------

CASES = Path(__file__).parents[3] / "shared" / "cases"


def case(number: str) -> Look:
    """Its rows, numbers as JSON writes them. The test is skipped where the folder is not there."""
    path = next(CASES.glob(f"{number}-*/input.ndjson"), None)
    if path is None:
        pytest.skip(f"there is no case {number} in {CASES}")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    fields = tuple(dict.fromkeys(name for row in rows for name in row))
    kinds = {name: "number" for name in fields if not any(isinstance(row.get(name), str) for row in rows)}
    texts = [{name: None if value is None else str(value) for name, value in row.items()} for row in rows]
    return Look(fields=fields, rows=texts, kinds=kinds)


def test_identifiers_of_many_forms_stay_as_they_are() -> None:
    found = drafted(case("15"))

    assert values(found)["columns"]["well_code"] == "well_code"
    assert values(found)["columns"][OIL] == {"field": OIL, "unit": "Mbbl/d"}
    assert asked(found) == {}


def test_periods_of_many_forms_say_which_are_not_read() -> None:
    found = drafted(case("16"))

    assert values(found)["columns"]["production_period"] == "production_period"
    assert "82% of them are read as they are, not such as 1/31/2019, 2019: name a format" in found.text


def test_monthly_volumes_taken_for_rates_are_asked_for() -> None:
    found = drafted(case("17"))

    assert values(found)["columns"][DAYS] == {"field": DAYS, "unit": "h"}
    assert list(asked(found)) == [f"columns.{OIL}", f"columns.{LIQUIDS}", f"columns.{GAS}"]
    assert asked(found)[f"columns.{OIL}"] == (
        "the name says kbd, but 3,100 would be 3,100 kbd, beyond a well: bbl or m3 a month?"
    )


def test_a_local_midnight_in_utc_suggests_its_zone() -> None:
    found = drafted(case("19"))

    assert '# timezone = "Europe/Oslo"' in found.text
    assert "moments such as 2023-12-31T23:00:00Z are midnights there" in found.text
    assert values(found)["period"] == "month"


@pytest.mark.parametrize(
    ("moments", "zone"),
    [
        (["2023-12-31T23:00:00Z", "2024-06-30T22:00:00Z"], "Europe/Oslo"),
        (["2024-01-01T06:00:00Z", "2024-07-01T05:00:00Z"], "America/Chicago"),
        (["2024-01-01T07:00:00Z", "2024-07-01T06:00:00Z"], "America/Denver"),
        (["2024-01-01T03:00:00Z", "2024-07-01T03:00:00Z"], "America/Argentina/Buenos_Aires"),
        (["2024-01-01T00:00:00Z", "2024-06-30T23:00:00Z"], "Europe/London"),
    ],
)
def test_the_zone_is_that_whose_midnights_all_moments_are(moments: list[str], zone: str) -> None:
    found = drafted("Well;Date;Oil (bbl)\n" + "".join(f"1;{moment};5\n" for moment in moments))

    assert {guess.key: guess.value for guess in found.guesses if guess.key == "timezone"} == {"timezone": zone}


# -- real data ----------------------------------------------------------------------------------

DATA = Path(__file__).parents[3] / "shared" / "data"
BSEE = (
    "LEASE_NUMBER COMPLETION_NAME PRODUCTION_DATE DAYS_ON_PROD PRODUCT_CODE MON_O_PROD_VOL MON_G_PROD_VOL "
    "MON_W_PROD_VOL API_WELL_NUMBER WELL_STAT_CD AREA_CODE_BLOCK OPERATOR_NUM SORT_NAME BOEM_FIELD INJECTION_VOLUME "
    "PROD_INTERVAL_CD FIRST_PROD_DATE UNIT_AGT_NUMBER UNIT_ALOC_SUFFIX"
)


def real(name: str) -> Path:
    if not (DATA / name).is_file():
        pytest.skip(f"there is no {name} in {DATA}: real data is not part of the project")
    return DATA / name


def of_cells(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Look:
    names = tuple(header)
    return Look(fields=names, rows=[dict(zip(names, [cell or None for cell in row], strict=True)) for row in rows])


def colorado() -> Look:
    header, *rows = csv.reader(real("co_ecmc_adams_part.csv").read_text(encoding="utf-8-sig").splitlines())
    return of_cells(header, rows)


def norway() -> Look:
    header, *rows = csv.reader(real("no_sodir_field_months_part.csv").read_text(encoding="utf-8-sig").splitlines())
    return of_cells(header, rows)


def gulf(names: Iterable[str] = tuple(BSEE.split())) -> Look:
    with zipfile.ZipFile(real("bsee_ogora_2024_part.zip")) as archive:
        text = archive.read("ogora2024delimit.txt").decode()
    return of_cells(names, csv.reader(text.splitlines()))


def alberta() -> Look:
    path = real("ab_petrinex_2021-2024_part.parquet")
    with duckdb.connect() as connection:
        cells = connection.read_parquet(str(path)).limit(8_000)
        kinds = {
            name: "text" if kind == "VARCHAR" else "number"
            for name, kind in zip(cells.columns, map(str, cells.types), strict=True)
        }
        rows = cells.fetchall()
    texts = [{name: None if cell is None else str(cell) for name, cell in zip(kinds, row, strict=True)} for row in rows]
    return Look(fields=tuple(kinds), rows=texts, kinds=kinds)


def ohio() -> Look:
    calamine = pytest.importorskip("python_calamine")
    book = calamine.CalamineWorkbook.from_path(str(real("oh_dnr_2020_q1.xls")))
    header, *rows = book.get_sheet_by_index(0).to_python()
    return of_cells([" ".join(name.split()) for name in header], [[as_text(cell) for cell in row] for row in rows])


def as_text(cell: object) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def test_colorado_is_drafted_as_who_knows_it_would_write_it() -> None:
    assert values(drafted(colorado())) == {
        "period": "month",
        "rows": "sum",
        "primary_key": ["API Sidetrack", "Formation"],
        "columns": {
            "well_code": {"template": "05-{API County:03}-{API Sequence:05}"},
            "production_period": "First of Month",
            DAYS: {"field": "Days Produced", "unit": "day"},
            OIL: {"field": "Oil Produced", "unit": "bbl"},
            LIQUIDS: {"field": "Oil Produced", "unit": "bbl"},
            GAS: {"field": "Gas Produced", "unit": "Mcf"},
            WATER: {"field": "Water Volume", "unit": "bbl"},
        },
    }


def test_norway_is_drafted_as_who_knows_it_would_write_it() -> None:
    assert values(drafted(norway())) == {
        "period": "month",
        "rows": "one",
        "columns": {
            "field_code": "prfNpdidInformationCarrier",
            "field_name": "prfInformationCarrier",
            "well_code": {"value": "*"},
            "production_period": {"year": "prfYear", "month": "prfMonth"},
            OIL: {"field": "prfPrdOilNetMillSm3", "unit": "e6m3"},
            LIQUIDS: {"sum": ["prfPrdOilNetMillSm3", "prfPrdCondensateNetMillSm3"], "unit": "e6m3"},
            GAS: {"field": "prfPrdGasNetBillSm3", "unit": "e9m3"},
            WATER: {"field": "prfPrdProducedWaterInFieldMillSm3", "unit": "e6m3"},
        },
    }


def test_the_gulf_is_drafted_as_who_knows_it_would_write_it() -> None:
    """But for oil alone, which a code beside the volumes tells."""
    assert values(drafted(gulf())) == {
        "period": "month",
        "rows": "sum",
        "primary_key": ["COMPLETION_NAME", "PRODUCT_CODE", "PROD_INTERVAL_CD"],
        "columns": {
            "field_code": "BOEM_FIELD",
            "well_code": "API_WELL_NUMBER",
            "production_period": {"field": "PRODUCTION_DATE", "format": "%Y%m"},
            DAYS: {"field": "DAYS_ON_PROD", "unit": "day"},
            OIL: {"field": "MON_O_PROD_VOL", "unit": "bbl"},
            LIQUIDS: {"field": "MON_O_PROD_VOL", "unit": "bbl"},
            GAS: {"field": "MON_G_PROD_VOL", "unit": "Mcf"},
            WATER: {"field": "MON_W_PROD_VOL", "unit": "bbl"},
        },
    }


def test_alberta_is_drafted_as_who_knows_it_would_write_it() -> None:
    assert values(drafted(alberta())) == {
        "period": "month",
        "rows": "sum",
        "primary_key": ["ProductID"],
        "where": {"ActivityID": ["PROD"]},
        "columns": {
            "well_code": "FromToID",
            "well_reference": "FromToIDIdentifier",
            "production_period": {"field": "ProductionMonth", "format": "%Y-%m"},
            DAYS: {"field": "Hours", "unit": "h"},
            OIL: {"field": "Volume", "unit": "m3", "when": {"ProductID": ["OIL"]}},
            LIQUIDS: {"field": "Volume", "unit": "m3", "when": {"ProductID": ["OIL", "COND"]}},
            GAS: {"field": "Volume", "unit": "e3m3", "when": {"ProductID": ["GAS"]}},
            WATER: {"field": "Volume", "unit": "m3", "when": {"ProductID": ["WATER"]}},
        },
    }


def test_ohio_is_drafted_as_who_knows_it_would_write_it() -> None:
    assert values(drafted(ohio())) == {
        "period": "quarter",
        "rows": "sum",
        "primary_key": ["OWNER NAME"],
        "columns": {
            "well_code": "API WELL NUMBER",
            "well_name": "WELL NAME",
            "well_reference": "WELL NUMBER",
            "production_period": {"year": "Production Year", "quarter": "QUARTER 1,2,3,4"},
            DAYS: {"field": "DAYS", "unit": "day", "aggregate": "sum"},
            OIL: {"field": "OIL", "unit": "bbl"},
            LIQUIDS: {"field": "OIL", "unit": "bbl"},
            GAS: {"field": "GAS", "unit": "Mcf"},
            WATER: {"field": "BRINE", "unit": "bbl"},
        },
    }


@pytest.mark.parametrize(
    ("seen", "preset"),
    [(colorado, "ecmc"), (norway, "sodir"), (gulf, "bsee-ogor-a"), (alberta, "petrinex"), (ohio, "oh-dnr")],
)
def test_real_files_are_known_by_their_presets(seen: Callable[[], Look], preset: str) -> None:
    found = draft(seen(), name="wells", kind="files", url="wells.csv")

    assert values(found) == {"preset": preset}
    assert read_definition(found.text).columns


def test_the_gulf_is_known_without_a_header_too() -> None:
    found = draft(gulf(f"column{place}" for place in range(19)), name="wells", kind="files", url="wells.zip")

    assert values(found) == {"preset": "bsee-ogor-a"}


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

    assert tomllib.loads(found.text) == {"name": "wells", "kind": "files", "url": "a.csv", "preset": "ohio"}
    assert 'preset = "ohio"  # all 4 fields of the preset are there' in found.text


def test_a_preset_that_was_never_checked_says_so() -> None:
    seen = look("WELL_ID;POOL;MONTH;OIL\n1;A;202401;5\n")
    found = draft(seen, name="wells", kind="files", url="a.csv", presets={"ohio": PRESET | {"verified": False}})

    assert "it was never checked against a real file" in found.text
    assert [guess.sure for guess in found.guesses if guess.key == "preset"] == [False]


def test_a_preset_without_one_of_its_fields_or_of_another_kind_is_not_the_draft() -> None:
    seen = look("WELL_ID;MONTH;OIL\n1;202401;5\n")
    odata = look("WELL_ID;POOL;MONTH;OIL\n1;A;202401;5\n")
    without = draft(seen, name="wells", kind="files", url="a.csv", presets={"ohio": PRESET})
    other = draft(odata, name="wells", kind="odata", url="https://example.org/odata", presets={"ohio": PRESET})

    assert not {"preset"} & {guess.key for guess in (*without.guesses, *other.guesses)}


def test_a_preset_of_files_without_a_header_is_known_by_what_stands_in_them() -> None:
    preset = PRESET | {"file": {"header": False, "fields": ["WELL_ID", "POOL", "MONTH", "OIL"]}}
    seen = look("column0;column1;column2;column3\n1;A;202401;5\n1;B;202401;5\n")
    turned = look("column0;column1;column2;column3\n1;202401;A;5\n")

    assert "preset" in values(draft(seen, name="w", kind="files", url="a", presets={"ohio": preset}))
    assert "preset" not in values(draft(turned, name="w", kind="files", url="a", presets={"ohio": preset}))


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
            "year",
            "month",
            "Oil",
            "Well",
            "Date",
            "API Seq",
        ),
        *(
            "API County",
            "Product",
            "Volume",
            "2024-01-01",
            "0-2024",
            "Total",
            "1,5",
            "O",
            "G",
            "PROD",
            "Activity",
            "bbl",
        ),
    ]
)
LOOKS = st.lists(NASTY, max_size=8, unique=True).flatmap(
    lambda fields: st.builds(
        Look,
        fields=st.just(tuple(fields)),
        rows=st.lists(st.fixed_dictionaries({name: st.none() | NASTY for name in fields}), max_size=6),
        kinds=st.dictionaries(st.sampled_from(fields or [""]), st.sampled_from(["text", "number", "date", "boolean"])),
    )
)


@given(seen=LOOKS, name=NASTY, url=NASTY)
@hypothesis_settings(max_examples=200)
def test_whatever_is_seen_the_draft_is_a_definition(seen: Look, name: str, url: str) -> None:
    for kind in ("odata", "files"):
        found = draft(seen, name=name, kind=kind, url=url)
        assert faults_of(found.text) == []
        found.text.encode()


def test_a_thousand_columns_of_numbers_are_drafted() -> None:
    fields = tuple(f"F{place}" for place in range(1_000))
    found = drafted(Look(fields=fields, rows=[dict.fromkeys(fields, "1.5")] * 200))

    assert list(asked(found)) == ["columns.well_code", "columns.production_period", f"columns.{OIL}"]
    assert "and 970 more" in found.text


def test_cells_of_a_megabyte_are_drafted() -> None:
    fields = ("Well", "Date", "Oil (bbl)", "x" * 1_000_000)
    rows: list[dict[str, str | None]] = [dict.fromkeys(fields, "9" * 1_000_000)] * 20
    found = drafted(Look(fields=fields, rows=rows))

    assert len(found.text) < 10_000


def test_rows_that_lack_fields_are_drafted() -> None:
    found = drafted(Look(fields=("Well", "Date", "Oil (bbl)"), rows=[{}, {"Well": "1", "Date": "2024-01-01"}]))

    assert values(found)["columns"]["production_period"] == "Date"
