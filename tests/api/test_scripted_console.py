"""What stands behind the console of a script: an app without keys, which reaches for nothing."""

from __future__ import annotations

import gc
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest
from support.scripted_console import console

if TYPE_CHECKING:
    from pathlib import Path


def test_a_request_that_no_script_answers_looks_on_no_other_machine_for_keys(
    tmp_path: Path,
) -> None:
    with console(tmp_path) as url, pytest.raises(urllib.error.HTTPError, match="503") as refused:
        urllib.request.urlopen(
            urllib.request.Request(
                f"{url}/api/v1/wells/import/jobs", headers={"Authorization": "t"}
            )
        )
    refused.value.close()
    gc.collect()  # a connection that was refused half-way would be seen here
