"""Which kinds of store a test holds for."""

import pytest

FILE_AND_LAKE = pytest.mark.parametrize("store_kind", ["file", "lake"], indirect=True)
LAKE = pytest.mark.parametrize("store_kind", ["lake"], indirect=True)
