"""The products of a well: the columns that each has, and what its volumes are counted in.

Whoever lists products takes them from here; the console and the clients have them by `make shared`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Product:
    """`rate` is the column of what a calendar day brought, `volume` that of what a whole period
    did, in `unit`. `kind` is "liquid" or "gas".
    """

    key: str
    title: str
    kind: str
    rate: str
    volume: str
    unit: str


BARRELS, FEET = "thousand barrels", "million standard cubic feet"

PRODUCTS = (
    Product(
        key="oil",
        title="Oil",
        kind="liquid",
        rate="oil_production_kbd",
        volume="oil_production_kb",
        unit=BARRELS,
    ),
    Product(
        key="gas",
        title="Gas",
        kind="gas",
        rate="gas_production_mmcfd",
        volume="gas_production_mmcf",
        unit=FEET,
    ),
    Product(
        key="liquids",
        title="Liquids",
        kind="liquid",
        rate="liquids_production_kbd",
        volume="liquids_production_kb",
        unit=BARRELS,
    ),
    Product(
        key="water",
        title="Water",
        kind="liquid",
        rate="water_production_kbd",
        volume="water_production_kb",
        unit=BARRELS,
    ),
)
