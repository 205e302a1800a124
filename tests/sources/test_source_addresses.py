"""Addresses that are none: a fault of the definition, whatever they are."""

from __future__ import annotations

import pytest

from chalicelib.errors import DefinitionInvalid
from chalicelib.sources.definition import definition_of


@pytest.mark.parametrize("url", ["http://[", "http://[::1", "//[x]/"])
def test_an_address_that_cannot_be_read_is_one_fault(url: str) -> None:
    with pytest.raises(DefinitionInvalid) as refused:
        definition_of({"kind": "odata", "url": url})

    [fault] = refused.value.details["faults"]
    assert (fault["key"], fault["problem"]) == ("url", "is no address")
