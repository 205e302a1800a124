"""Which kinds of store a test holds for.
What stands at a test goes before what stands at its module.
"""

from collections.abc import Callable
from typing import Any

import pytest

from support.soak import SOAK

LAKE = pytest.mark.stores("lake")
FILE_AND_LAKE = pytest.mark.stores("file", "lake")
# Where a lake shows nothing of its own that another test does not show of it.
FILE_AND_LAKE_IN_SOAK = FILE_AND_LAKE if SOAK else pytest.mark.stores("file")


def file_or_lake(test: Callable[..., Any]) -> Callable[..., Any]:
    """One of the two by lot, both in a soak:
    where a lake may show something of its own, and the test is dear.
    """
    drawn: Callable[..., Any] = FILE_AND_LAKE(pytest.mark.by_lot(test))
    return drawn
