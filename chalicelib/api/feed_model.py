"""What the feed has: its entity sets, the properties of each with type and meaning, and which of
them are the key.

$metadata is written from this, and questions are read by it. Whole numbers are of 32 bits at most:
those of 64 come as text to a client that asks for IEEE754Compatible. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from chalicelib.products import PRODUCTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.products import Product

NAMESPACE = "Wellhead"
STRING, DATE, MOMENT, DOUBLE = "Edm.String", "Edm.Date", "Edm.DateTimeOffset", "Edm.Double"
SMALL, WHOLE = "Edm.Int16", "Edm.Int32"
NUMBERS = (DOUBLE, SMALL, WHOLE)
FUNCTIONS = ("contains", "endswith", "startswith", "tolower", "toupper")  # of a filter


@dataclass(frozen=True, kw_only=True)
class EntitySet:
    """`properties` have the type and the meaning of each. Rows come in the order of the key."""

    name: str
    entity: str
    key: tuple[str, ...]
    properties: Mapping[str, tuple[str, str]]

    def type_of(self, name: str) -> str:
        return self.properties[name][0]


_WELL = ("source", "field_code", "well_code")
_CODES = {
    "source": (STRING, "name of the source"),
    "field_code": (STRING, "code of the field, as the source writes it"),
    "field_name": (STRING, "name of the field"),
    "well_code": (STRING, "code of the well, as the source writes it"),
}
_NAMES = {
    "well_reference": (STRING, "reference of the well"),
    "well_name": (STRING, "name of the well"),
}


def _words(product: Product) -> str:
    """Such as: oil, thousand barrels."""
    return f"{product.key}, {product.unit}"


ENTITY_SETS: Mapping[str, EntitySet] = {
    each.name: each
    for each in (
        EntitySet(
            name="WellProduction",
            entity="WellProduction",
            key=(*_WELL, "production_period"),
            properties={
                **_CODES,
                **_NAMES,
                "production_period": (DATE, "first day of the production period"),
                "period_days": (SMALL, "calendar days of the production period"),
                "days_on_production": (DOUBLE, "days on which the well produced"),
                **{each.rate: (DOUBLE, f"{_words(each)} per calendar day") for each in PRODUCTS},
                "data_source": (STRING, "where the source has the row from"),
                "source_data": (STRING, "what the source calls its data"),
                "partition_0": (STRING, "part of the source"),
                "source_rows": (WHOLE, "rows of the source in this one"),
                "created_at": (MOMENT, "first seen by an import"),
                "updated_at": (MOMENT, "last changed by an import"),
            },
        ),
        EntitySet(
            name="Wells",
            entity="Well",
            key=_WELL,
            properties={
                **_CODES,
                **_NAMES,
                "first_period": (DATE, "first day of the first period"),
                "last_period": (DATE, "first day of the last period"),
                "periods": (WHOLE, "how many periods are stored"),
            },
        ),
        EntitySet(
            name="Monthly",
            entity="WellMonth",
            key=(*_WELL, "calendar_month"),
            properties={
                **_CODES,
                "well_name": (STRING, "name of the well"),
                "calendar_month": (DATE, "first day of the calendar month"),
                "days": (WHOLE, "calendar days of the periods in the month"),
                "days_on_production": (DOUBLE, "days on which the well produced"),
                **{each.volume: (DOUBLE, _words(each)) for each in PRODUCTS},
            },
        ),
    )
}


def metadata_document() -> str:
    """OData CSDL 4.0 in XML:
    https://docs.oasis-open.org/odata/odata/v4.0/odata-v4.0-part3-csdl.html
    """
    types = "".join(map(_entity_type, ENTITY_SETS.values()))
    sets = "".join(map(_entity_set, ENTITY_SETS.values()))
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">'
        f"{_VOCABULARIES}<edmx:DataServices>"
        f'<Schema Namespace="{NAMESPACE}" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
        f'{types}<EntityContainer Name="Feed">{sets}{_CAPABILITIES}</EntityContainer>'
        "</Schema></edmx:DataServices></edmx:Edmx>"
    )


_VOCABULARY = "https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData"
_VOCABULARIES = "".join(
    f'<edmx:Reference Uri="{_VOCABULARY}.{name}.V1.xml">'
    f'<edmx:Include Namespace="Org.OData.{name}.V1"/></edmx:Reference>'
    for name in ("Core", "Capabilities")
)
# What a client need not try: which functions a filter takes, and that there are no batches.
_CAPABILITIES = (
    '<Annotation Term="Org.OData.Capabilities.V1.ConformanceLevel">'
    "<EnumMember>Org.OData.Capabilities.V1.ConformanceLevelType/Minimal</EnumMember></Annotation>"
    '<Annotation Term="Org.OData.Capabilities.V1.FilterFunctions"><Collection>'
    f"{''.join(f'<String>{name}</String>' for name in FUNCTIONS)}</Collection></Annotation>"
    '<Annotation Term="Org.OData.Capabilities.V1.BatchSupported" Bool="false"/>'
)


def _entity_set(entity_set: EntitySet) -> str:
    kind = f"{NAMESPACE}.{entity_set.entity}"
    return f'<EntitySet Name="{entity_set.name}" EntityType="{kind}"/>'


def _entity_type(entity_set: EntitySet) -> str:
    key = "".join(f'<PropertyRef Name="{name}"/>' for name in entity_set.key)
    properties = "".join(_property(entity_set, name) for name in entity_set.properties)
    members = f"<Key>{key}</Key>{properties}"
    return f'<EntityType Name="{entity_set.entity}">{members}</EntityType>'


def _property(entity_set: EntitySet, name: str) -> str:
    kind, meaning = entity_set.properties[name]
    nullable = ' Nullable="false"' if name in entity_set.key else ""
    precision = ' Precision="6"' if kind == MOMENT else ""
    return (
        f'<Property Name="{name}" Type="{kind}"{nullable}{precision}>'
        f'<Annotation Term="Org.OData.Core.V1.Description" String={quoteattr(meaning)}/></Property>'
    )
