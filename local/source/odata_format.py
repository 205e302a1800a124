"""How the sample source writes a page, an error and `$metadata`: in OData v4,
or in v2 with `d.results`, links to other entities, `/Date(ms)/` and long numbers as text.
"""

import json
from datetime import UTC, date, datetime
from typing import Any, Literal

ENTITY_SET = "WellProduction"
Version = Literal[2, 4]

HEADERS: dict[Version, dict[str, str]] = {
    2: {"Content-Type": "application/json", "DataServiceVersion": "2.0"},
    4: {"Content-Type": "application/json;odata.metadata=minimal", "OData-Version": "4.0"},
}
LONG = ("field_code", "well_code")
DATES = ("production_period", "created_at", "updated_at")


def write_page(
    rows: list[bytes],
    *,
    version: Version,
    root: str,
    count: int | None,
    link: str = "",
    error: str = "",
) -> bytes:
    """`error` is JSON and takes its place after the rows, as when reading breaks off midway."""
    if version == 2:  # noqa: PLR2004
        results = [_row_of_v2(row, root) for row in rows]
        members = _member("__count", str(count) if count is not None else "") + _member(
            "__next", link
        )
        parts = [b'{"d":{"results":[\n', b",\n".join(results), f"\n]{members}}}".encode()]
    else:
        counted = f'"@odata.count":{count},' if count is not None else ""
        head = f'{{"@odata.context":"{root}$metadata#{ENTITY_SET}",{counted}"value":[\n'
        parts = [
            head.encode(),
            b",\n".join(rows),
            f"\n]{_member('@odata.nextLink', link)}".encode(),
        ]
    failure = f',"error":{error}' if error else ""
    return b"".join([*parts, f"{failure}}}".encode()])


def metadata(version: Version, *, has_key: bool) -> bytes:
    """`has_key`: it declares the key of our rows."""
    text = METADATA.replace("<!-- key -->\n", KEY if has_key else "")
    if version == 2:  # noqa: PLR2004
        for v4, v2 in V2_NAMES.items():
            text = text.replace(v4, v2)
    return text.encode()


def _member(name: str, value: str) -> str:
    if value:
        return f",{json.dumps(name)}:{json.dumps(value)}"
    return ""


def _row_of_v2(row: bytes, root: str) -> bytes:
    fields = json.loads(row)
    if not isinstance(fields, dict):
        return row
    written = {name: _value_of_v2(name, value) for name, value in fields.items()}
    entity = {"uri": f"{root}{ENTITY_SET}(1)", "type": "Sample.MonthlyProduction"}
    field = {"__deferred": {"uri": f"{root}{ENTITY_SET}(1)/Field"}}
    return json.dumps(
        {
            "__metadata": entity,
            **written,
            "Field": field,
        }
    ).encode()


def _value_of_v2(name: str, value: Any) -> Any:
    """What cannot be written so, because it is bad on purpose, stays as it is."""
    try:
        if name in DATES and isinstance(value, str):
            return f"/Date({_milliseconds(value)})/"
        return str(value) if name in LONG and value is not None else value
    except ValueError:
        return value


def _milliseconds(text: str) -> int:
    if len(text) == 10:  # noqa: PLR2004
        at = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
    else:
        at = datetime.fromisoformat(text)
    return int(at.timestamp()) * 1000


V2_NAMES = {
    'Version="4.0"': 'Version="1.0"',
    "http://docs.oasis-open.org/odata/ns/edmx": "http://schemas.microsoft.com/ado/2007/06/edmx",
    "http://docs.oasis-open.org/odata/ns/edm": "http://schemas.microsoft.com/ado/2008/09/edm",
    '"Edm.Date"': '"Edm.DateTime"',
    '"Edm.DateTimeOffset"': '"Edm.DateTime"',
}
KEY = """\
        <Key>
          <PropertyRef Name="field_code"/>
          <PropertyRef Name="well_code"/>
          <PropertyRef Name="production_period"/>
        </Key>
"""
METADATA = """\
<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
  <edmx:DataServices>
    <Schema Namespace="Sample" xmlns="http://docs.oasis-open.org/odata/ns/edm">
      <EntityType Name="MonthlyProduction">
<!-- key -->
        <Property Name="field_code" Type="Edm.Int64" Nullable="false"/>
        <Property Name="field_name" Type="Edm.String"/>
        <Property Name="well_code" Type="Edm.Int64" Nullable="false"/>
        <Property Name="well_reference" Type="Edm.String"/>
        <Property Name="well_name" Type="Edm.String"/>
        <Property Name="production_period" Type="Edm.Date" Nullable="false"/>
        <Property Name="days_on_production" Type="Edm.Double"/>
        <Property Name="oil_production_kbd" Type="Edm.Double"/>
        <Property Name="gas_production_mmcfd" Type="Edm.Double"/>
        <Property Name="liquids_production_kbd" Type="Edm.Double"/>
        <Property Name="water_production_kbd" Type="Edm.Double"/>
        <Property Name="data_source" Type="Edm.String"/>
        <Property Name="source_data" Type="Edm.String"/>
        <Property Name="partition_0" Type="Edm.String"/>
        <Property Name="created_at" Type="Edm.DateTimeOffset" Precision="0"/>
        <Property Name="updated_at" Type="Edm.DateTimeOffset" Precision="0"/>
      </EntityType>
      <EntityContainer Name="Container">
        <EntitySet Name="WellProduction" EntityType="Sample.MonthlyProduction"/>
      </EntityContainer>
    </Schema>
  </edmx:DataServices>
</edmx:Edmx>
"""
