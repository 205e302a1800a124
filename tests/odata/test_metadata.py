"""The key and the types of an entity set,
from documents of any service, and nothing from hostile ones.
"""

from __future__ import annotations

import pytest

from chalicelib.odata.metadata import MOST_BYTES, BrokenMetadata, EntityType, read_entity_type
from local.source.odata_format import metadata

HEAD = '<edmx:Edmx xmlns:edmx="x"><edmx:DataServices><Schema Namespace="N" xmlns="y">'
TAIL = "</Schema></edmx:DataServices></edmx:Edmx>"


def document(inner: str) -> bytes:
    return f"{HEAD}{inner}{TAIL}".encode()


def test_the_sample_source_declares_its_key_and_types() -> None:
    v4, v2 = (
        read_entity_type(metadata(version, has_key=True), "WellProduction") for version in (4, 2)
    )

    assert v4
    assert v2
    assert v4.key == v2.key == ["field_code", "well_code", "production_period"]
    assert (v4.types["production_period"], v2.types["production_period"]) == (
        "Edm.Date",
        "Edm.DateTime",
    )
    assert (v4.types["well_code"], v4.types["updated_at"]) == ("Edm.Int64", "Edm.DateTimeOffset")
    assert read_entity_type(metadata(4, has_key=False), "WellProduction") == EntityType(
        key=[], types=v4.types
    )


def test_a_type_has_what_it_inherits() -> None:
    body = document(
        '<EntityType Name="Base"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Guid"/></EntityType>'
        '<ComplexType Name="C"><Property Name="no" Type="Edm.String"/></ComplexType>'
        '<EntityType Name="Well" BaseType="N.Base"><Property Name="a" Type="Edm.Int32"/></EntityType>'
        '<EntityContainer Name="E"><EntitySet Name="Wells" EntityType="N.Well"/></EntityContainer>'
    )

    assert read_entity_type(body, "Wells") == EntityType(
        key=["ID"], types={"ID": "Edm.Guid", "a": "Edm.Int32"}
    )
    assert read_entity_type(body, "Fields") is None


def schema(namespace: str, inner: str, alias: str = "") -> str:
    more = f' Alias="{alias}"' if alias else ""
    return f'<Schema Namespace="{namespace}"{more} xmlns="y">{inner}</Schema>'


def keyed(name: str, *keys: str, base: str = "") -> str:
    more = f' BaseType="{base}"' if base else ""
    refs = "".join(f'<PropertyRef Name="{key}"/>' for key in keys)
    key = f"<Key>{refs}</Key>" if keys else ""
    return f'<EntityType Name="{name}"{more}>{key}</EntityType>'


@pytest.mark.parametrize("last", ["A.One", "B"])
@pytest.mark.parametrize(
    ("wanted", "key"),
    [
        ("A.One.Production", ["Well", "Month"]),
        ("a.Production", ["Well", "Month"]),
        ("B.Production", ["Well"]),
        ("b.Production", ["Well"]),
        ("Heir", ["Well", "Month"]),
        ("Production", []),  # it may be either
    ],
)
def test_types_of_one_name_are_told_apart_by_their_namespace(
    last: str, wanted: str, key: list[str]
) -> None:
    schemas = {
        "A.One": schema("A.One", keyed("Production", "Well", "Month"), alias="a"),
        "B": schema("B", keyed("Production", "Well") + keyed("Heir", base="a.Production"), "b"),
    }
    in_turn = "".join(sorted(schemas.values(), key=lambda text: last in text))
    sets = f'<EntityContainer Name="E"><EntitySet Name="Wells" EntityType="{wanted}"/></EntityContainer>'
    body = f'<edmx:Edmx xmlns:edmx="x"><edmx:DataServices>{schema("C", sets)}{in_turn}</edmx:DataServices></edmx:Edmx>'

    found = read_entity_type(body.encode(), "Wells")

    assert (found.key if found else []) == key


def test_types_that_inherit_in_a_circle_end() -> None:
    body = document(
        '<EntityType Name="A" BaseType="N.B"><Property Name="a" Type="Edm.Int32"/></EntityType>'
        '<EntityType Name="B" BaseType="N.A"><Property Name="b" Type="Edm.Int32"/></EntityType>'
        '<EntityContainer Name="E"><EntitySet Name="Wells" EntityType="N.A"/></EntityContainer>'
    )

    assert read_entity_type(body, "Wells") == EntityType(types={"b": "Edm.Int32", "a": "Edm.Int32"})


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"<html>",
        f"{BOMB}<Edmx>&b;</Edmx>".encode(),
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><Edmx/>',
        document("<Property/>" * 100_001),
        b" " * (MOST_BYTES + 1),
        "<a>".encode("utf-16")[:5],
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
    ],
    ids=["empty", "JSON", "HTML", "bomb", "external", "endless", "large", "cut", "encoding"],
)
def test_what_is_no_metadata_is_refused(body: bytes) -> None:
    with pytest.raises(BrokenMetadata):
        read_entity_type(body, "Wells")
