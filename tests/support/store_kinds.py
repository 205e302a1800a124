"""Which kinds of store a test holds for. What stands at a test goes before what stands at its module."""

import pytest

from support.soak import SOAK

LAKE = pytest.mark.stores("lake")
FILE_AND_LAKE = pytest.mark.stores("file", "lake")
# Where a lake shows nothing of its own that another test does not show of it.
FILE_AND_LAKE_IN_SOAK = FILE_AND_LAKE if SOAK else pytest.mark.stores("file")
