"""What python-odata, a client that no one here wrote, finds at a service: `client.py SERVICE`, run
by its own Python.

It reads the whole entity set as the links of the server lead, and prints how many rows and how many
keys came.
"""

import json
import sys

from odata import ODataService  # type: ignore[attr-defined]  # to mypy it is a folder of tests

KEY = ("field_code", "well_code", "production_period")


def main(root: str) -> None:
    service = ODataService(root, reflect_entities=True)
    rows = service.entities["WellProduction"]
    query = service.query(rows).select(*(getattr(rows, name) for name in KEY))
    keys = [tuple(str(row[name]) for name in KEY) for row in query]
    print(json.dumps({"rows": len(keys), "keys": len(set(keys))}))


if __name__ == "__main__":
    main(sys.argv[1])
