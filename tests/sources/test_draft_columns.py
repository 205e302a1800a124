"""A draft finds wells, fields,
volumes and their units by names in six languages, and says what is a guess.
"""

from __future__ import annotations

import pytest
from support.drafts import asked, drafted, values
from support.plain_rows import DAYS, GAS, LIQUIDS, OIL, WATER

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
        *(
            "Gas venteado",
            "Gás queimado",
            "Agua inyectada",
            "Eau injectée",
            "Gass faklet",
            "Gas Used",
            "Gas Lift",
        ),
        *(
            "Oil Gravity",
            "Gas Tubing Pressure",
            "Water Cut",
            "GOR",
            "Gas-Oil Ratio",
            "Cumulative Oil",
        ),
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
    assert values(found)["columns"]["well_code"] == {
        "template": "{API State:02}-{API County:03}-{API Sequence:05}"
    }
    assert values(found)["columns"][OIL] == {"field": "Oil", "unit": "bbl"}
    assert "guess: API numbers of state 05 (Colorado) report bbl and Mcf" in found.text


def test_without_a_state_an_api_number_says_what_it_lacks() -> None:
    found = drafted(
        "API County;API Sequence;Date;Oil\n1;7727;2024-01-01;5\n123;8053;2024-01-01;5\n"
    )

    assert values(found)["columns"]["well_code"] == {
        "template": "{API County:03}-{API Sequence:05}"
    }
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
def test_the_form_of_an_identifier_tells_the_units_of_its_region(
    code: str, liquid: str, gas: str
) -> None:
    found = drafted(f"Well;Date;Oil;Gas\n{code};2024-01-01;5;6\n{code};2024-02-01;5;6\n")

    units = {
        guess.key: guess.value["unit"] for guess in found.guesses if isinstance(guess.value, dict)
    }
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
        *(
            ("Oil bbl/d", "bbl/d"),
            ("OIL_BBL_PER_DAY", "bbl/d"),
            ("Oil (bbl/dia)", "bbl/d"),
            ("BOPD oil", "bbl/d"),
        ),
        *(
            ("OILPRODM3", "m3"),
            ("Oil [m³]", "m3"),
            ("oil_e3m3", "e3m3"),
            ("Oil 10³m³", "e3m3"),
            ("Oil 1000 m3", "e3m3"),
        ),
        *(
            ("Oil (million bbl)", "MMbbl"),
            ("Petróleo (miles de m3)", "e3m3"),
            ("oilNetMillSm3", "e6m3"),
        ),
    ],
)
def test_the_unit_of_oil_is_what_its_name_says(name: str, unit: str) -> None:
    found = drafted(f"Well;Date;{name}\n1;2024-01-01;0.05\n1;2024-02-01;0.05\n")

    assert values(found)["columns"][OIL] == {"field": name, "unit": unit}


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        *(
            ("Gas MCF", "Mcf"),
            ("GasProdMMscf", "MMcf"),
            ("gas_mmcf", "MMcf"),
            ("Gas (MMSCFD)", "MMcf/d"),
        ),
        *(
            ("Gas Mcf/d", "Mcf/d"),
            ("GAS_KSM3", "e3m3"),
            ("Gas E3M3", "e3m3"),
            ("prfPrdGasNetBillSm3", "e9m3"),
        ),
        *(("Gas (Bcf)", "Bcf"), ("Gas volume (scf)", "scf"), ("Gas e³m³", "e3m3")),
    ],
)
def test_the_unit_of_gas_is_what_its_name_says(name: str, unit: str) -> None:
    found = drafted(f"Well;Date;{name}\n1;2024-01-01;0.05\n1;2024-02-01;0.05\n")

    assert values(found)["columns"][GAS] == {"field": name, "unit": unit}


def test_a_unit_that_can_be_read_two_ways_is_asked_for_with_its_readings() -> None:
    found = drafted("Well;Date;Gas (Mm3)\n1;2024-01-01;0.5\n")

    why = asked(found)[f"columns.{GAS}"]
    assert why.startswith(
        "the name says Mm3. 'Mm3' can mean a thousand m³ (Brazil, Mexico), a million m³ (SI)"
    )


def test_size_alone_tells_no_unit_but_is_shown_with_the_question() -> None:
    found = drafted("Well;Date;Oil;Gas Rate\n1;2024-01-01;512.5;7\n1;2024-02-01;400;6\n")

    assert asked(found) == {
        f"columns.{OIL}": "unit unknown: bbl, Mbbl or m3? The largest value is 512.5.",
        f"columns.{LIQUIDS}": "no condensate is given; unit unknown: bbl, Mbbl or m3? The largest value is 512.5.",
        f"columns.{GAS}": "unit unknown: Mcf, MMcf or thousand m3 (e3m3)? With /d: the name says a rate. "
        "The largest value is 7.",
    }
    assert '# oil_production_kbd = { field = "Oil", unit = "..." }' in found.text
    assert values(found)["columns"] == {"well_code": "Well", "production_period": "Date"}


def test_volumes_beside_barrels_are_american_too() -> None:
    found = drafted("Well;Date;Oil (bbl);Gas;Water\n1;2024-01-01;5;6;7\n")

    assert values(found)["columns"][GAS] == {"field": "Gas", "unit": "Mcf"}
    assert values(found)["columns"][WATER] == {"field": "Water", "unit": "bbl"}
    assert "# guess: next to volumes in bbl" in found.text


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


def test_the_unit_of_another_liquid_is_taken_where_a_name_says_none() -> None:
    found = drafted("Well;Date;Oil (m3);Water;Gas\n1;2024-01-01;5;6;7\n")

    assert values(found)["columns"][WATER] == {"field": "Water", "unit": "m3"}
    assert list(asked(found)) == [f"columns.{GAS}"]


def test_numbers_of_leases_are_those_of_a_district() -> None:
    found = drafted(
        "OIL_GAS_CODE;DISTRICT_NO;LEASE_NO;CYCLE_YEAR_MONTH;LEASE_OIL_PROD_VOL\nO;08;1234;202401;5\n"
    )

    assert values(found)["columns"]["well_code"] == ["OIL_GAS_CODE", "DISTRICT_NO", "LEASE_NO"]
    assert values(found)["columns"][OIL] == {"field": "LEASE_OIL_PROD_VOL", "unit": "bbl"}


def test_a_lease_stands_for_a_well_that_is_not_always_told() -> None:
    found = drafted("Lease ID;API Number;Date;Oil\n1;15-001-12345;2024-01-01;5\n2;;2024-01-01;6\n")

    assert values(found)["columns"]["well_code"] == "Lease ID"
    assert "guess: 'API Number' is empty in 1 rows, so a lease stands for the well" in found.text


def test_wells_among_other_places_are_told_by_the_kind_of_place() -> None:
    found = drafted("""
ActivityID;FromToID;FromToIDType;ProductionMonth;ProductID;Volume
PROD;ABWI100042205618W502;WI;2024-01;OIL;5
PROD;ABWI100042205618W502;WI;2024-02;GAS;6
PROD;ABBT9900002;BT;2024-01;GAS;999
DISP;ABGS9900003;GS;2024-01;GAS;310
""")
    assert values(found)["where"] == {"ActivityID": ["PROD"], "FromToIDType": ["WI"]}
    assert values(found)["columns"]["well_code"] == "FromToID"


def test_the_name_of_a_well_tells_it_where_nothing_else_does() -> None:
    found = drafted("Well Name;Date;Oil (bbl)\nA-1;2024-01-01;5\n")

    assert values(found)["columns"]["well_code"] == "Well Name"


def test_units_of_one_product_alone_tell_it() -> None:
    found = drafted(
        "pozo;fecha;BPPD;mcfd;bwpd\nA-1;2024-01-01;60;100;300\nA-1;2024-01-02;60;100;300\n"
    )

    assert values(found)["columns"] == {
        "well_code": "pozo",
        "production_period": "fecha",
        OIL: {"field": "BPPD", "unit": "bbl/d"},
        LIQUIDS: {"field": "BPPD", "unit": "bbl/d"},
        GAS: {"field": "mcfd", "unit": "Mcf/d"},
        WATER: {"field": "bwpd", "unit": "bbl/d"},
    }


def test_oil_or_condensate_are_liquids() -> None:
    found = drafted("APINumber;Date;OilorCondensateProduced\n0402900001;2024-01-01;60\n")

    assert values(found)["columns"][LIQUIDS] == {"field": "OilorCondensateProduced", "unit": "bbl"}
    assert OIL not in values(found)["columns"]
