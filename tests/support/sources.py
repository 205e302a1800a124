"""Definitions for tests, and a registry over a table of their own."""

from __future__ import annotations

from typing import Any

from chalicelib.settings import Settings

DEPLOYED = {
    "WELLHEAD_TABLE": "wellhead-test",
    "WELLHEAD_IMPORT_FUNCTION": "f",
    "WELLHEAD_WAREHOUSE": "/w",
    "WELLHEAD_SOURCE_URL": "https://example.org/odata/Wells",
    "WELLHEAD_SOURCE_BUCKETS": "acme-drop,acme-more",
}
URL = "https://data.example.org/odata/Production"


def settings(**variables: str) -> Settings:
    """Of a deployed stack; variables without WELLHEAD_ in lower case."""
    return Settings.from_environment(
        DEPLOYED | {f"WELLHEAD_{name.upper()}": value for name, value in variables.items()}
    )


def a_definition(name: str = "north-sea", **values: Any) -> dict[str, Any]:
    return {"name": name, "kind": "odata", "url": URL} | values


def faulty_keys(faults: list[dict[str, str]]) -> list[str]:
    return [fault["key"] for fault in faults]
