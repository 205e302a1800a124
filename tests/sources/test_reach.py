"""Attacks of somebody who may define sources of a deployed stack:
each is a fault of the definition.
"""

from __future__ import annotations

from typing import Any

import pytest
from support.sources import URL, a_definition, faulty_keys, settings

from chalicelib.errors import DefinitionInvalid
from chalicelib.sources.definition import definition_of
from chalicelib.sources.reach import reach_faults
from chalicelib.sources.source import check_definition


def faults(settings_: Any = None, **values: Any) -> list[str]:
    return faulty_keys(reach_faults(definition_of(a_definition(**values)), settings_ or settings()))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
        "https://127.0.0.1/odata",
        "https://localhost/odata",
        "https://[::1]/odata",
        "https://2130706433/odata",
        "https://0x7f.1/odata",
        "https://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "http://169.254.170.2/v2/credentials",
        "https://[fd00:ec2::254]/latest/meta-data",
        "https://[::ffff:169.254.169.254]/latest",
        "https://instance-data/latest",
        "http://data.example.org/odata",
    ],
)
def test_a_source_inside_is_refused(url: str) -> None:
    assert faults(url=url) == ["url"]


@pytest.mark.parametrize(
    "url", ["/etc/*.csv", "file:///proc/self/environ", "../x.csv", "drop/*.csv", "ftp://h/x.csv"]
)
def test_a_directory_is_no_source_of_a_deployed_stack(url: str) -> None:
    assert faults(kind="files", url=url) == ["url"]


@pytest.mark.parametrize(
    "bucket", ["other", "acme-drop.evil", "acme", "ACME-DROP", "acme-drop,acme-more", ""]
)
def test_a_bucket_that_is_not_in_the_list_is_refused(bucket: str) -> None:
    assert faults(kind="files", url=f"s3://{bucket}/ogora/*.zip") == ["url"]


def test_a_bucket_of_the_list_is_taken() -> None:
    assert faults(kind="files", url="s3://acme-drop/ogora/*.zip") == []
    assert faults(settings(source_buckets=""), kind="files", url="s3://acme-drop/ogora/*.zip") == [
        "url"
    ]


def test_a_bucket_is_looked_at_as_it_is_read() -> None:
    """What another reading of an address takes for the bucket of the list."""
    for url in (
        "S3://acme-drop/../../../etc/passwd",
        "s3://acme-drop?/a.csv",
        "s3://acme-drop#/a.csv",
        "s3://acme-drop:443/a.csv",
        "s3:/acme-drop/a.csv",
        "s3:acme-drop/a.csv",
    ):
        assert faults(kind="files", url=url) == ["url"], url


@pytest.mark.parametrize("warehouse", ["s3://wells-123", "s3://wells-123/", "s3://wells-123/prod"])
@pytest.mark.parametrize(
    "path", ["", "2024.csv", "*.csv", "**/*.zip", "a/b/2024-*.csv", "a[[]1].csv", "%2e%2e/b.csv"]
)
def test_what_was_sent_for_the_source_is_taken(warehouse: str, path: str) -> None:
    url = f"{warehouse.rstrip('/')}/uploads/north-sea/{path}"

    assert faults(settings(warehouse=warehouse), kind="files", url=url) == []


@pytest.mark.parametrize("listed", ["", "acme-drop,wells-123"])
@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/*",
        "/**",
        "/prod",
        "/prod/wells.duckdb",
        "/prod/snapshots/*.duckdb",
        "/prod/segments/**/*.parquet",
        "/prod/owner.json",
        "/prod/uploads",
        "/prod/uploads/",
        "/prod/uploads/*",
        "/prod/uploads/*/2024.csv",
        "/prod/uploads/gulf/2024.csv",
        "/prod/uploads/north-sea",
        "/prod/uploads/north-sea*/2024.csv",
        "/prod/uploads/north-sea?2024.csv",
        "/prod/uploads/north-sea[/]*",
        "/prod/uploads/north-sea-2/2024.csv",
        "/prod/uploads/North-Sea/2024.csv",
        "/prod/uploads/north-sea/../gulf/2024.csv",
        "/prod/uploads/north-sea/./../../wells.duckdb",
        "/prod//uploads/north-sea/2024.csv",
        "//prod/uploads/north-sea/2024.csv",
        "/prod/uploads/north%2Dsea/2024.csv",
        "/uploads/north-sea/2024.csv",
        "/other/uploads/north-sea/2024.csv",
        "/pro*/uploads/north-sea/2024.csv",
    ],
)
def test_nothing_else_of_the_warehouse_is_a_source(path: str, listed: str) -> None:
    """Not even where its bucket is in the list."""
    deployed = settings(warehouse="s3://wells-123/prod", source_buckets=listed)

    assert faults(deployed, kind="files", url=f"s3://wells-123{path}") == ["url"]


def test_the_fault_tells_where_files_of_the_source_are() -> None:
    values = a_definition(kind="files", url="s3://wells-123/uploads/gulf/a.csv")

    [fault] = reach_faults(definition_of(values), settings(warehouse="s3://wells-123"))

    assert fault["instead"] == "an address below s3://wells-123/uploads/north-sea/"


def test_without_a_bucket_as_the_warehouse_no_uploads_are_read() -> None:
    for url in (
        "s3:///uploads/north-sea/a.csv",
        "s3:///w/uploads/north-sea/a.csv",
        "s3://w/uploads/north-sea/a.csv",
    ):
        assert faults(kind="files", url=url) == ["url"]


@pytest.mark.parametrize(
    "secret",
    [
        "env:AWS_SECRET_ACCESS_KEY",
        "ssm:/wellhead/tokens/ada",
        "ssm:/wellhead/sources",
        "ssm:/wellhead/sources/",
        "ssm:/wellhead/sources/other",
        "ssm:/wellhead/sources/north-sea-2",
        "ssm:/wellhead/sources/north-sea/../other",
        "ssm:/wellhead/sources/north-sea//x",
        "ssm:/wellhead/sources/north-sea/",
        "ssm:/other/wellhead/sources/north-sea",
        "secretsmanager:other",
        "secretsmanager:wellhead/sources/other",
        "secretsmanager:/wellhead/sources/north-sea",
        "secretsmanager:arn:aws:secretsmanager:us-east-1:123456789012:secret:wellhead/sources/north-sea-AbCdEf",
    ],
)
def test_a_secret_that_is_not_the_sources_own_is_refused(secret: str) -> None:
    assert faults(secret=secret) == ["secret"]


@pytest.mark.parametrize(
    "secret",
    [
        "ssm:/wellhead/sources/north-sea",
        "ssm:/wellhead/sources/north-sea/key",
        "secretsmanager:wellhead/sources/north-sea",
        "secretsmanager:wellhead/sources/north-sea/key",
    ],
)
def test_the_sources_own_secret_is_taken(secret: str) -> None:
    assert faults(secret=secret) == []


def test_other_addresses_are_looked_at_too() -> None:
    odata = {
        "aliases": ["https://169.254.169.254", "https://ok.example.org"],
        "token_url": "http://localhost:9/t",
    }

    assert faults(odata=odata) == ["odata.aliases", "odata.token_url"]


def test_on_the_laptop_all_of_that_is_allowed() -> None:
    laptop = settings(source_reach="anywhere")

    assert faults(laptop, url="http://127.0.0.1:9/odata", secret="env:MINE") == []
    assert faults(laptop, kind="files", url="/tmp/*.csv") == []


def test_faults_of_what_the_stack_allows_and_of_its_settings_come_together() -> None:
    values = a_definition(
        url="https://localhost/odata", secret="env:X", odata={"page_size": 0, "connections": 99}
    )

    with pytest.raises(DefinitionInvalid) as refused:
        check_definition(values, settings())

    assert faulty_keys(refused.value.details["faults"]) == [
        "odata.page_size",
        "odata.connections",
        "url",
        "secret",
    ]
    assert URL not in str(refused.value.details)
