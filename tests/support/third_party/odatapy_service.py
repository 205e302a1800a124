"""odatapy on a free port of 127.0.0.1, run by its own Python: `odatapy_service.py ROWS`, a file of
one JSON row a line.

Two services stand on the same rows: /plain/ gives all of them unless it is asked for less,
/limited/ has a page size.
"""

import json
import sys
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import waitress
from odatapy.data import Entity, ValueType
from odatapy.edm.csdl import (
    CsdlAbstractEdmProvider,
    CsdlEntityContainer,
    CsdlEntitySet,
    CsdlEntityType,
    CsdlProperty,
    CsdlPropertyRef,
    CsdlSchema,
)
from odatapy.server import OData
from odatapy.server.adapters import ODataWSGIApp
from odatapy.server.inmemory import InMemoryDataStore, InMemoryProcessor

SET = "WellProduction"
KEY = ("field_code", "well_code", "production_period")
TYPES = {
    "field_code": "Edm.Int32",
    "well_code": "Edm.Int64",
    "production_period": "Edm.Date",
    **dict.fromkeys(("field_name", "well_reference", "well_name"), "Edm.String"),
    "days_on_production": "Edm.Double",
    **dict.fromkeys(("oil_production_kbd", "gas_production_mmcfd"), "Edm.Double"),
    **dict.fromkeys(("liquids_production_kbd", "water_production_kbd"), "Edm.Double"),
    **dict.fromkeys(("data_source", "source_data", "partition_0"), "Edm.String"),
    **dict.fromkeys(("created_at", "updated_at"), "Edm.DateTimeOffset"),
}
READ: dict[str, Callable[[Any], Any]] = {
    "Edm.Date": date.fromisoformat,
    "Edm.DateTimeOffset": datetime.fromisoformat,
    "Edm.Double": float,
}
PAGE_SIZES = {"/plain": None, "/limited": 5_000}


class Model(CsdlAbstractEdmProvider):  # type: ignore[misc]  # untyped here: the packages are elsewhere
    def get_schemas(self) -> list[CsdlSchema]:
        row = CsdlEntityType(
            name=SET,
            key=[CsdlPropertyRef(name=name) for name in KEY],
            properties=[
                CsdlProperty(name=name, type=kind, nullable=name not in KEY)
                for name, kind in TYPES.items()
            ],
        )
        container = CsdlEntityContainer(
            name="Container", entity_sets=[CsdlEntitySet(name=SET, type=f"wellhead.{SET}")]
        )
        return [CsdlSchema(namespace="wellhead", entity_types=[row], entity_container=container)]


def entities(file: Path) -> Iterator[Entity]:
    for line in file.read_text("utf-8").splitlines():
        entity = Entity(type=f"wellhead.{SET}")
        for name, value in json.loads(line).items():
            read = READ.get(TYPES[name])
            entity.set_property(
                name, read(value) if read else value, ValueType.PRIMITIVE, TYPES[name]
            )
        yield entity


def application(store: InMemoryDataStore, path: str) -> ODataWSGIApp:
    odata = OData.new_instance()
    handler = odata.create_handler(odata.create_service_metadata(Model()))
    handler.register(InMemoryProcessor(store, page_size=PAGE_SIZES[path]))
    return ODataWSGIApp(handler, mount_path=path)


def main(rows: Path) -> None:
    store = InMemoryDataStore()
    store.set_entities(SET, list(entities(rows)))
    services = {path: application(store, path) for path in PAGE_SIZES}

    def route(environ: dict[str, Any], start_response: Any) -> Any:
        path = "/" + environ["PATH_INFO"].split("/")[1]
        return services[path](environ, start_response)

    server = waitress.create_server(route, listen="127.0.0.1:0")
    print(f"ready http://127.0.0.1:{server.effective_port}", flush=True)
    server.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
