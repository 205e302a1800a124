"""The samples of the presets: headers as published, numbers and names invented, each with what an
import must store.

An Excel sample stands beside the same rows as CSV.
"""

from __future__ import annotations

import csv
from decimal import Decimal

from .plain_rows import DAYS, GAS, LIQUIDS, OIL, WATER, Amounts, Row, Sample

BARREL = Decimal(
    "0.158987294928"
)  # m³, NIST Handbook 44: 42 gallons of 231 cubic inches of 2.54 cm
CUBIC_FOOT = Decimal("0.028316846592")  # m³, of 0.3048 m
BBL = Decimal("0.001")  # of our thousand barrels
M3 = BBL / BARREL
MCF = Decimal("0.001")  # of our million cubic feet
GAS_M3 = Decimal(1) / 1_000_000 / CUBIC_FOOT
# 0 °C and 101.325 kPa to 60 °F (288.70555… K) and 14.696 psia (of 6.894757293168 kPa), as of an
# ideal gas.
NORMAL = (
    Decimal("101.325")
    / (Decimal("14.696") * Decimal("6.894757293168"))
    * (Decimal("519.67") / Decimal("1.8"))
)
NORMAL /= Decimal("273.15")


def _number(text: str, factor: Decimal = Decimal(1)) -> Decimal | None:
    return (
        Decimal(text.strip().replace(",", "")) * factor
        if text.strip() not in ("", "NULL", "NR", "NA")
        else None
    )


def _brazilian(text: str, factor: Decimal) -> Decimal | None:
    return (
        _number(text.replace(".", "").replace(",", "#").replace("#", "."), factor) if text else None
    )


def _sum(*numbers: Decimal | None) -> Decimal | None:
    found = [number for number in numbers if number is not None]
    return sum(found, Decimal(0)) if found else None


def _month(year: str, month: str) -> str:
    return f"{int(year):04}-{int(month):02}-01"


def _of_us_date(text: str) -> str:
    month, _, year = text.split("/")
    return _month(year, month)


def _of_liquid(oil: Decimal | None) -> Amounts:
    return {OIL: oil, LIQUIDS: oil}


def _of_product(
    row: Row, product: str, amount: str, units: dict[str, tuple[tuple[str, ...], Decimal]]
) -> Amounts:
    """`units` say for each product which columns it fills, and its unit in ours."""
    columns, factor = units.get(row[product].strip(), ((), Decimal(1)))
    volume = _number(row[amount], factor)
    return {name: volume if name in columns else None for name in (OIL, LIQUIDS, GAS, WATER)}


def _without(columns: Amounts, *names: str) -> Amounts:
    return {name: value for name, value in columns.items() if name not in names}


_NM = {
    "O": ((OIL, LIQUIDS), BBL),
    "C": ((LIQUIDS,), BBL),
    "G": ((GAS,), MCF),
    "W": ((WATER,), BBL),
}
_AB = {
    "OIL": ((OIL, LIQUIDS), M3),
    "COND": ((LIQUIDS,), M3),
    "GAS": ((GAS,), 1000 * GAS_M3),
    "WATER": ((WATER,), M3),
}
_NL = {
    "Oil": ((OIL, LIQUIDS), M3),
    "Condensate": ((LIQUIDS,), M3),
    "Gas": ((GAS,), 1000 * GAS_M3 * NORMAL),
    "Water": ((WATER,), M3),
}
_KS = {"O": ((OIL, LIQUIDS), BBL), "G": ((GAS,), MCF)}
_BSEE = """LEASE_NUMBER COMPLETION_NAME PRODUCTION_DATE DAYS_ON_PROD PRODUCT_CODE MON_O_PROD_VOL MON_G_PROD_VOL
    MON_W_PROD_VOL API_WELL_NUMBER WELL_STAT_CD AREA_CODE_BLOCK OPERATOR_NUM SORT_NAME BOEM_FIELD INJECTION_VOLUME
    PROD_INTERVAL_CD FIRST_PROD_DATE UNIT_AGT_NUMBER UNIT_ALOC_SUFFIX"""

SAMPLES = {
    "bsee-ogor-a": Sample(
        file="bsee-ogor-a.txt",
        fields=_BSEE,
        rows=8,
        key=lambda row: (
            row["BOEM_FIELD"],
            row["API_WELL_NUMBER"],
            _month(row["PRODUCTION_DATE"][:4], row["PRODUCTION_DATE"][4:]),
        ),
        amounts=lambda row: {
            DAYS: _number(row["DAYS_ON_PROD"]),
            OIL: _number(row["MON_O_PROD_VOL"], BBL) if row["PRODUCT_CODE"] == "O" else None,
            LIQUIDS: _number(row["MON_O_PROD_VOL"], BBL),
            GAS: _number(row["MON_G_PROD_VOL"], MCF),
            WATER: _number(row["MON_W_PROD_VOL"], BBL),
        },
    ),
    "ecmc": Sample(
        file="ecmc.csv",
        rows=7,
        key=lambda row: (
            "ecmc",
            f"05-{int(row['API County']):03}-{int(row['API Sequence']):05}",
            row["First of Month"],
        ),
        amounts=lambda row: {
            DAYS: _number(row["Days Produced"]),
            **_of_liquid(_number(row["Oil Produced"], BBL)),
            GAS: _number(row["Gas Produced"], MCF),
            WATER: _number(row["Water Volume"], BBL),
        },
    ),
    "ndic": Sample(
        file="ndic.xlsx",
        twin="ndic.csv",
        rows=6,
        key=lambda row: (row["FieldName"], row["API_WELLNO"], row["ReportDate"]),
        amounts=lambda row: {
            DAYS: _number(row["Days"]),
            **_of_liquid(_number(row["Oil"], BBL)),
            GAS: _number(row["Gas"], MCF),
            WATER: _number(row["Wtr"], BBL),
        },
    ),
    "rrc-pdq": Sample(
        file="rrc-pdq.dsv",
        encoding="latin-1",
        reading={"delimiter": "}", "quoting": csv.QUOTE_NONE},
        rows=6,
        passed_over=1,
        takes=lambda row: row["PROD_REPORT_FILED_FLAG"] != "N",
        key=lambda row: (
            row["FIELD_NO"],
            f"{row['OIL_GAS_CODE']}/{row['DISTRICT_NO']}/{row['LEASE_NO']}",
            _month(row["CYCLE_YEAR"], row["CYCLE_MONTH"]),
        ),
        amounts=lambda row: {
            OIL: _number(row["LEASE_OIL_PROD_VOL"], BBL),
            LIQUIDS: _sum(
                _number(row["LEASE_OIL_PROD_VOL"], BBL), _number(row["LEASE_COND_PROD_VOL"], BBL)
            ),
            GAS: _sum(
                _number(row["LEASE_GAS_PROD_VOL"], MCF), _number(row["LEASE_CSGD_PROD_VOL"], MCF)
            ),
        },
    ),
    "nmocd": Sample(
        file="nmocd.csv",
        rows=9,
        key=lambda row: (
            row["pool_idn"],
            f"30-{int(row['api_cnty_cde']):03}-{int(row['api_well_idn']):05}",
            _month(row["prodn_yr"], row["prodn_mth"]),
        ),
        identity=lambda row: row["prd_knd_cde"],
        version=lambda row: row["mod_dte"],
        amounts=lambda row: {
            DAYS: _number(row["prodn_day_num"]) if int(row["prodn_day_num"]) < 32 else None,
            **_of_product(row, "prd_knd_cde", "prod_amt", _NM),
        },
    ),
    "oh-dnr": Sample(
        file="oh-dnr.xls",
        twin="oh-dnr.csv",
        rows=6,
        months=3,
        days_add_up=True,
        key=lambda row: (
            "oh-dnr",
            row["API WELL  NUMBER"],
            _month(row["Production Year"], str(3 * int(row["QUARTER 1,2,3,4"]) - 2)),
        ),
        amounts=lambda row: {
            DAYS: _number(row["DAYS"]),
            **_of_liquid(_number(row["OIL"], BBL)),
            GAS: _number(row["GAS"], MCF),
            WATER: _number(row["BRINE"], BBL),
        },
    ),
    "pa-dep": Sample(
        file="pa-dep.csv",
        rows=5,
        passed_over=1,
        takes=lambda row: row["UNCONVENTIONAL_IND"] == "Yes",
        key=lambda row: (
            "pa-dep",
            row["PERMIT_NUM"],
            _of_us_date(row["PRODUCTION_PERIOD_START_DATE"]),
        ),
        amounts=lambda row: {
            DAYS: _number(row["GAS_OPERATING_DAYS"]),
            OIL: _number(row["OIL_QUANTITY"], BBL),
            LIQUIDS: _sum(
                _number(row["OIL_QUANTITY"], BBL), _number(row["CONDENSATE_QUANTITY"], BBL)
            ),
            GAS: _number(row["GAS_QUANTITY"], MCF),
        },
    ),
    "ks-kgs": Sample(
        file="ks-kgs.txt",
        rows=9,
        passed_over=2,
        rejected=1,
        takes=lambda row: row["MONTH-YEAR"].split("-")[0] in map(str, range(1, 13)),
        key=lambda row: (
            row["FIELD"],
            row["LEASE_KID"],
            _month(row["MONTH-YEAR"].split("-")[1], row["MONTH-YEAR"].split("-")[0]),
        ),
        amounts=lambda row: _without(_of_product(row, "PRODUCT", "PRODUCTION", _KS), WATER),
    ),
    "petrinex": Sample(
        file="petrinex.csv",
        rows=11,
        passed_over=4,
        takes=lambda row: (row["ActivityID"], row["FromToIDType"]) == ("PROD", "WI"),
        key=lambda row: ("petrinex", row["FromToID"], f"{row['ProductionMonth']}-01"),
        amounts=lambda row: {
            DAYS: _number(row["Hours"], Decimal(1) / 24),
            **_of_product(row, "ProductID", "Volume", _AB),
        },
    ),
    "sodir": Sample(
        file="sodir.csv",
        rows=5,
        passed_over=1,
        takes=lambda row: row["prfMonth"] != "0",
        key=lambda row: (
            row["prfNpdidInformationCarrier"],
            "*",
            _month(row["prfYear"], row["prfMonth"]),
        ),
        amounts=lambda row: {
            OIL: _number(row["prfPrdOilNetMillSm3"], 1_000_000 * M3),
            LIQUIDS: _sum(
                _number(row["prfPrdOilNetMillSm3"], 1_000_000 * M3),
                _number(row["prfPrdCondensateNetMillSm3"], 1_000_000 * M3),
            ),
            GAS: _number(row["prfPrdGasNetBillSm3"], 1_000_000_000 * GAS_M3),
            WATER: _number(row["prfPrdProducedWaterInFieldMillSm3"], 1_000_000 * M3),
        },
    ),
    "nsta": Sample(
        file="nsta.csv",
        rows=5,
        passed_over=1,
        takes=lambda row: "STORAGE" not in row["UNITNAME"],
        key=lambda row: (row["FIELDNAME"], "*", _month(row["PERIODYR"], row["PERIODMNTH"])),
        amounts=lambda row: {
            OIL: _number(row["OILPRODM3"], M3),
            LIQUIDS: _sum(_number(row["OILPRODM3"], M3), _number(row["GCONDVOL"], M3)),
            GAS: _sum(
                _number(row["AGASPROKSM"], 1000 * GAS_M3), _number(row["DGASPROKSM"], 1000 * GAS_M3)
            ),
            WATER: _number(row["WATPRODVOL"], M3),
        },
    ),
    "nlog": Sample(
        file="nlog.csv",
        rows=23,
        passed_over=2,
        is_wide=True,
        takes=lambda row: row["Product"] != "Salt",
        identity=lambda row: row["Product"],
        key=lambda row: (row["Field"], row["Well"], _month(row["Year"], row["Month"])),
        amounts=lambda row: _of_product(row, "Product", "Volume", _NL),
    ),
    "anp": Sample(
        file="anp.csv",
        rows=5,
        key=lambda row: (
            row["[Campo]"],
            row["[Poço]"],
            _month(row["[Mês/Ano]"][3:], row["[Mês/Ano]"][:2]),
        ),
        amounts=lambda row: {
            OIL: _brazilian(row["[Produção de Óleo (m³)]"], M3),
            LIQUIDS: _sum(
                _brazilian(row["[Produção de Óleo (m³)]"], M3),
                _brazilian(row["[Produção de Condensado (m³)]"], M3),
            ),
            GAS: _sum(
                _brazilian(row["[Produção de Gás Associado (Mm³)]"], 1000 * GAS_M3),
                _brazilian(row["[Produção de Gás Não Associado (Mm³)]"], 1000 * GAS_M3),
            ),
            WATER: _brazilian(row["[Produção de Água (m³)]"], M3),
        },
    ),
    "ar-capitulo-iv": Sample(
        file="ar-capitulo-iv.csv",
        rows=5,
        key=lambda row: (
            row["idareayacimiento"] or row["idareapermisoconcesion"],
            row["idpozo"],
            _month(row["anio"], row["mes"]),
        ),
        identity=lambda row: row["idpozo"],
        version=lambda row: row["fechaingreso"],
        amounts=lambda row: {
            DAYS: _number(row["tef"]),
            **_of_liquid(_number(row["prod_pet"], M3)),
            GAS: _number(row["prod_gas"], 1000 * GAS_M3),
            WATER: _number(row["prod_agua"], M3),
        },
    ),
    "cnh": Sample(
        file="cnh.csv",
        encoding="latin-1",
        before=10,
        rows=4,
        is_rate=True,
        key=lambda row: (
            row["Asignación_o_Contrato"],
            row["Nombre_del_pozo"],
            "-".join(reversed(row["Fecha"].split("-"))),
        ),
        amounts=lambda row: {
            OIL: _number(row["Petróleo_(Mbd)"]),
            LIQUIDS: _sum(_number(row["Petróleo_(Mbd)"]), _number(row["Condensado_(Mbd)"])),
            GAS: _sum(
                _number(row["Gas_asociado_(MMpcd)"]), _number(row["Gas_no_asociado_(MMpcd)"])
            ),
            WATER: _number(row["Agua_(Mbd)"]),
        },
    ),
    "volve": Sample(
        file="volve.xlsx",
        twin="volve.csv",
        rows=5,
        passed_over=1,
        takes=lambda row: row["Year"] != "",
        key=lambda row: ("VOLVE", row["Wellbore name"], _month(row["Year"], row["Month"])),
        amounts=lambda row: {
            DAYS: _number(row["On Stream"], Decimal(1) / 24),
            **_of_liquid(_number(row["Oil"], M3)),
            GAS: _number(row["Gas"], GAS_M3),
            WATER: _number(row["Water"], M3),
        },
    ),
}

# The header of some years ago.
OLDER = {
    "pa-dep": Sample(
        file="pa-dep-2017.csv",
        rows=3,
        passed_over=1,
        takes=lambda row: row["UNCONVENTIONAL"] == "Yes",
        key=lambda row: (
            "pa-dep",
            row["WELL_PERMIT_NUM"],
            _of_us_date(row["PRODUCTION_PERIOD_START_DATE"]),
        ),
        amounts=lambda row: {
            DAYS: _number(row["GAS_PRODUCTION_DAYS"]),
            OIL: _number(row["OIL_QUANTITY"], BBL),
            LIQUIDS: _sum(
                _number(row["OIL_QUANTITY"], BBL), _number(row["CONDENSATE_QUANTITY"], BBL)
            ),
            GAS: _number(row["GAS_QUANTITY"], MCF),
        },
    ),
}
