"""A process that fetches a snapshot as the query function does: `fetch_worker.py S3 LINK WAREHOUSE
DIRECTORY`, and on its input the file as JSON and the seconds that it has. It prints what came of
it.
"""

import json
import sys
from pathlib import Path

from chalicelib.errors import WellheadError
from chalicelib.queries.copies import LocalCopies
from chalicelib.services import open_warehouse
from chalicelib.store.own_directory import OwnDirectory
from chalicelib.warehouse.names import StoredFile
from support.slow_link import lead
from support.warehouses import s3_client


def main(url: str, link: str, warehouse: str, directory: str) -> None:
    asked = json.load(sys.stdin)
    place = Path(directory)
    own = OwnDirectory(place)
    client = lead(s3_client(url), url, link)
    copies = LocalCopies(open_warehouse(warehouse, s3=client), place, seconds=asked.pop("seconds"))
    try:
        copies.fetch(StoredFile(**asked), own.path, beside=None)
        print("fetched")
    except WellheadError as error:
        print(error.code)


if __name__ == "__main__":
    main(*sys.argv[1:])
