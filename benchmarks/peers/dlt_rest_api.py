"""dlt's rest_api source, as its documentation sets it up for a paged API. `URL DATABASE`.

Asked of it: all pages by their links, merged on the key, a date as a date.
"""

import sys
from typing import Any

from dlt_pipeline import KEY, load


def source() -> Any:
    from dlt.sources.rest_api import rest_api_source

    base, _, entity_set = sys.argv[1].rpartition("/")
    wells = {
        "name": "wells",
        "endpoint": {"path": entity_set, "data_selector": "value"},
        "write_disposition": "merge",
        "primary_key": KEY,
        "columns": {
            "production_period": {"data_type": "date"},
            "days_on_production": {"data_type": "double"},
        },
    }
    paginator = {"type": "json_link", "next_url_path": "['@odata.nextLink']"}
    return rest_api_source(
        {"client": {"base_url": f"{base}/", "paginator": paginator}, "resources": [wells]}
    )


if __name__ == "__main__":
    load(source, sys.argv[2])
