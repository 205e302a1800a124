"""Every variable:
its default, its limits, and a refusal that names the variable and never repeats the value.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import SettingsError
from chalicelib.settings import SETTINGS, Settings

REQUIRED = {
    "WELLHEAD_TABLE": "wells",
    "WELLHEAD_IMPORT_FUNCTION": "import",
    "WELLHEAD_WAREHOUSE": "s3://wells/prod",
    "WELLHEAD_SOURCE_URL": "https://example.org/odata/WellProduction",
}
DEFAULTS: dict[str, Any] = {
    "table": "wells",
    "import_function": "import",
    "query_function": "",
    "machine": "lambda",
    "state_machine": "",
    "warehouse": "s3://wells/prod",
    "store": "file",
    "merge": "duckdb",
    "catalog": "",
    "scratch": "/tmp/wellhead",
    "tokens": "/wellhead/tokens",
    "cors_origins": (),
    "snapshots_kept": 3,
    "query_disk_mb": 0,
    "memory_mb": 300,
    "source_url": "https://example.org/odata/WellProduction",
    "source_aliases": (),
    "source_ca": "",
    "source_proxy": "",
    "source_proxy_secret": "",
    "source_auth": "none",
    "source_secret": "",
    "source_key_header": "X-API-Key",
    "source_token_url": "",
    "source_scope": "",
    "source_paging": "auto",
    "source_columns": {},
    "source_name": "default",
    "source_period": "month",
    "source_changed": "",
    "source_rows": "one",
    "source_primary_key": (),
    "source_order_by": "",
    "source_aggregate": "max",
    "source_missing": "keep",
    "source_overlap_seconds": 3600,
    "source_seconds": 86_400,
    "source_connections": 8,
    "workers": 8,
    "source_rps": 0.0,
    "source_retries": 4,
    "page_size": 10_000,
    "page_seconds": 60,
    "page_mb": 100,
    "max_pages": 100_000,
    "gate_rejected": 0.05,
    "gate_nulled": 0.05,
    "gate_withdrawn": 0.01,
    "gate_restated": 2.0,
    "lease_seconds": 60,
    "lease_grace_seconds": 15,
    "pending_seconds": 360,
    "checkpoint_seconds": 30,
    "max_attempts": 100,
    "source_reach": "outside",
    "source_secrets": "/wellhead/sources",
    "source_buckets": (),
    "webhook_url": "",
    "webhook_secret": "",
    "webhook_form": "standard",
    "notices_topic": "",
    "notices_hours": 72,
    "stage": "local",
    "log_level": "INFO",
    "proxy_ca": None,
    "definition": None,
}
LIMITS = {
    "WELLHEAD_SNAPSHOTS_KEPT": (1, 1000),
    "WELLHEAD_MEMORY_MB": (100, 100_000),
    "WELLHEAD_QUERY_DISK_MB": (0, 1_000_000),
    "WELLHEAD_SOURCE_SECONDS": (1, 2_592_000),
    "WELLHEAD_SOURCE_CONNECTIONS": (1, 16),
    "WELLHEAD_WORKERS": (1, 16),
    "WELLHEAD_SOURCE_OVERLAP_SECONDS": (0, 31_536_000),
    "WELLHEAD_SOURCE_RETRIES": (0, 20),
    "WELLHEAD_PAGE_SIZE": (1, 1_000_000),
    "WELLHEAD_PAGE_SECONDS": (1, 600),
    "WELLHEAD_PAGE_MB": (1, 1024),
    "WELLHEAD_MAX_PAGES": (1, 10_000_000),
    "WELLHEAD_LEASE_SECONDS": (2, 900),
    "WELLHEAD_LEASE_GRACE_SECONDS": (0, 300),
    "WELLHEAD_PENDING_SECONDS": (5, 86_400),
    "WELLHEAD_CHECKPOINT_SECONDS": (1, 3600),
    "WELLHEAD_MAX_ATTEMPTS": (1, 10_000),
    "WELLHEAD_NOTICES_HOURS": (1, 336),
}
CHOICES = {
    "WELLHEAD_MERGE": ["duckdb", "spark", "auto"],
    "WELLHEAD_MACHINE": ["lambda", "states"],
    "WELLHEAD_STORE": ["file", "iceberg"],
    "WELLHEAD_SOURCE_AUTH": ["none", "basic", "bearer", "api_key", "oauth2"],
    "WELLHEAD_SOURCE_PAGING": ["auto", "links", "skip", "keys"],
    "WELLHEAD_SOURCE_ROWS": ["one", "sum"],
    "WELLHEAD_SOURCE_AGGREGATE": ["max", "sum"],
    "WELLHEAD_SOURCE_MISSING": ["keep", "withdraw"],
    "WELLHEAD_SOURCE_PERIOD": ["day", "month", "quarter", "year"],
    "WELLHEAD_SOURCE_REACH": ["outside", "anywhere"],
    "WELLHEAD_WEBHOOK_FORM": ["standard", "slack", "teams"],
    "WELLHEAD_LOG_LEVEL": ["DEBUG", "INFO", "WARNING", "ERROR"],
}
ANY_TEXT = {
    "WELLHEAD_QUERY_FUNCTION",
    "WELLHEAD_SOURCE_BUCKETS",
    "WELLHEAD_SOURCE_CHANGED",
    "WELLHEAD_SOURCE_ORDER_BY",
    "WELLHEAD_SOURCE_PRIMARY_KEY",
    "WELLHEAD_SOURCE_PROXY_SECRET",
    "WELLHEAD_SOURCE_SCOPE",
    "WELLHEAD_SOURCE_SECRET",
    "WELLHEAD_WEBHOOK_SECRET",
}
BAD = {
    "WELLHEAD_TABLE": ["", "  "],
    "WELLHEAD_IMPORT_FUNCTION": ["", "\t"],
    "WELLHEAD_SCRATCH": ["", " "],
    "WELLHEAD_WAREHOUSE": [
        "relative/hunter2",
        "s3://",
        "s3:///hunter2",
        "S3://hunter2",
        "s3://[hunter2]/x",
        "s3://hunter2\u2100/x",
        "s3://user@hunter2/x",
        "https://hunter2/x",
    ],
    "WELLHEAD_STATE_MACHINE": [
        "hunter2",
        "arn:aws:states:us-east-1:12:stateMachine:hunter2",
        "arn:aws:states:us-east-1:123456789012:execution:hunter2",
        "arn:aws:states:us-east-1:123456789012:stateMachine:hunter2:live",
    ],
    "WELLHEAD_CATALOG": [
        "hunter2",
        "http://hunter2.org",
        "https://ada:hunter2@example.org/catalog",
        "arn:aws:s3:::hunter2",
        "arn:aws:s3tables:us-east-1:123456789012:bucket/",
        "arn:aws:s3tables:us-east-1:12:bucket/hunter2",
    ],
    "WELLHEAD_WEBHOOK_URL": [
        "hunter2",
        "ftp://hunter2.org/x",
        "http://hunter2.org/x",
        "https://ada:hunter2@example.org/x",
        "https://hunter2@example.org/x",
        "https://example.org/x#hunter2",
    ],
    "WELLHEAD_NOTICES_TOPIC": [
        "hunter2",
        "arn:aws:sns:us-east-1:12:hunter2",
        "arn:aws:sqs:us-east-1:123456789012:hunter2",
    ],
    "WELLHEAD_STAGE": ["", "hunter2 x", "hunter2/", "hunter2\n", "h" * 65, "é"],
    "WELLHEAD_SOURCE_SECRETS": ["", "hunter2", "/"],
    "WELLHEAD_TOKENS": ["", "hunter2", "/hunter2/../x/ y", "//hunter2", "/"],
    "WELLHEAD_SOURCE_URL": [
        "hunter2",
        "ftp://hunter2.org/x",
        "https://",
        "https:///hunter2",
        "https://[hunter2]/x",
        "https://hunter2.org:port/x",
        "https://hunter2.org:99999/x",
        "https://ada:hunter2@example.org/x",
        "https://hunter2@example.org/x",
        "https://@example.org/hunter2",
        "https://:hunter2@example.org/x",
        "https://example.org/x#hunter2",
        "https://hunter2\u2100.org/x",
    ],
    "WELLHEAD_SOURCE_ALIASES": [
        "hunter2",
        "https://example.org,hunter2",
        "https://example.org/hunter2",
        "https://example.org?hunter2",
        "https://example.org#hunter2",
        "https://ada:hunter2@example.org",
        "http://hunter2.org",
        "ftp://hunter2.org",
    ],
    "WELLHEAD_SOURCE_CA": ["hunter2", "hunter2/ca.pem", "/"],
    "WELLHEAD_SOURCE_PROXY": [
        "hunter2",
        "socks5://hunter2.org:1080",
        "http://ada:hunter2@proxy.example.org:3128",
        "http://hunter2@proxy.example.org:3128",
        "https://proxy.example.org/hunter2",
        "https://proxy.example.org?hunter2",
        "https://proxy.example.org#hunter2",
        "https://hunter2.org:port",
        "https://[hunter2]",
    ],
    "WELLHEAD_CORS_ORIGINS": [
        "hunter2",
        "*",
        "http://hunter2.org",
        "https://example.org/hunter2",
        "null",
    ],
    "WELLHEAD_SOURCE_TOKEN_URL": [
        "hunter2",
        "http://hunter2.org/token",
        "https://ada:hunter2@example.org/token",
    ],
    "WELLHEAD_SOURCE_KEY_HEADER": [
        "",
        " ",
        "hunter2 x",
        "hunter2:",
        "hunter2\r\nX",
        "Host",
        "content-length",
        "é",
    ],
    "WELLHEAD_GATE_REJECTED": ["", "hunter2", "5", "-1 %", "101 %", "1e1 %", "5 percent", "5%%"],
    "WELLHEAD_GATE_NULLED": ["", "hunter2", "5", "-1 %", "100.1 %", "nan %", "5  %"],
    "WELLHEAD_GATE_WITHDRAWN": ["", "hunter2", "5", "-1 %", "100.1 %", "nan %", "5  %"],
    "WELLHEAD_GATE_RESTATED": ["", "hunter2", "0.5", "-2", "2 %", "nan", "1e3"],
    "WELLHEAD_SOURCE_RPS": ["", "hunter2", "-1", "nan", "inf", "1e3", "1,5", ".5", "9" * 400],
    "WELLHEAD_SOURCE_NAME": [
        "",
        " ",
        "Hunter2",
        "hunter_2",
        "hunter2/x",
        "hunter2\n",
        "*",
        "h" * 41,
        "é",
    ],
    "WELLHEAD_SOURCE_COLUMNS": ["hunter2", "well_code=", "=hunter2", "well_code=Api,hunter2"],
    **{variable: ["hunter2", "NONE", ""] for variable in CHOICES},
    **{variable: ["hunter2", "", "1.5", "9" * 5000, "0x10", "-1", "1e3"] for variable in LIMITS},
}


def read(**changes: str) -> Settings:
    return Settings.from_environment(REQUIRED | changes)


def refusal(**changes: str) -> str:
    with pytest.raises(SettingsError) as refused:
        read(**changes)
    return refused.value.message


def test_the_defaults() -> None:
    assert dataclasses.asdict(read()) == DEFAULTS


def test_every_variable_is_tried_here() -> None:
    variables = [setting.variable for setting in SETTINGS.values()]

    assert sorted(variables) == sorted({*BAD, *ANY_TEXT})
    assert set(variables) == {f"WELLHEAD_{name.upper()}" for name in SETTINGS}


@pytest.mark.parametrize("variable", REQUIRED)
def test_what_is_required_is_named_when_it_is_missing(variable: str) -> None:
    environment = {name: value for name, value in REQUIRED.items() if name != variable}

    with pytest.raises(SettingsError) as refused:
        Settings.from_environment(environment)

    assert refused.value.message == f"{variable} is not set; it is required."


@pytest.mark.parametrize(
    ("variable", "value"), [(variable, value) for variable in BAD for value in BAD[variable]]
)
def test_a_bad_value_is_refused_in_one_sentence_that_does_not_repeat_it(
    variable: str, value: str
) -> None:
    message = refusal(**{variable: value})

    assert message.startswith(f"{variable} must ")
    assert message.endswith(".")
    assert "\n" not in message
    assert "hunter2" not in message


@pytest.mark.parametrize(("variable", "limits"), LIMITS.items())
def test_numbers_are_taken_within_their_limits(variable: str, limits: tuple[int, int]) -> None:
    name = variable.removeprefix("WELLHEAD_").lower()

    assert [getattr(read(**{variable: str(limit)}), name) for limit in limits] == list(limits)
    for beyond in (limits[0] - 1, limits[1] + 1):
        assert (
            refusal(**{variable: str(beyond)})
            == f"{variable} must be from {limits[0]:,} to {limits[1]:,}."
        )


@pytest.mark.parametrize(("variable", "choices"), CHOICES.items())
def test_choices_are_taken_as_they_are(variable: str, choices: list[str]) -> None:
    name = variable.removeprefix("WELLHEAD_").lower()

    for choice in choices:
        needed = {
            "WELLHEAD_SOURCE_SECRET": "/a",
            "WELLHEAD_SOURCE_TOKEN_URL": "https://example.org/token",
        }
        needed |= {"WELLHEAD_CATALOG": "http://127.0.0.1:8181"}
        needed |= {
            "WELLHEAD_STATE_MACHINE": "arn:aws:states:us-east-1:123456789012:stateMachine:wells"
        }
        if variable == "WELLHEAD_MERGE":
            needed |= {"WELLHEAD_STORE": "iceberg", "WELLHEAD_MACHINE": "states"}
        assert getattr(read(**needed, **{variable: choice}), name) == choice


def test_a_machine_needs_its_name() -> None:
    arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:wellhead-dev-import"

    assert read(WELLHEAD_MACHINE="states", WELLHEAD_STATE_MACHINE=arn).state_machine == arn
    message = "WELLHEAD_STATE_MACHINE is not set; WELLHEAD_MACHINE=states needs it."
    assert refusal(WELLHEAD_MACHINE="states") == message
    assert refusal(WELLHEAD_MACHINE="states", WELLHEAD_STATE_MACHINE=" ") == message


def test_a_merge_by_spark_needs_a_lake_and_a_state_machine() -> None:
    machine = {
        "WELLHEAD_MACHINE": "states",
        "WELLHEAD_STATE_MACHINE": "arn:aws:states:us-east-1:123456789012:stateMachine:import",
    }
    lake = {"WELLHEAD_STORE": "iceberg", "WELLHEAD_CATALOG": "http://127.0.0.1:8181"}
    assert read(WELLHEAD_MERGE="duckdb").merge == "duckdb"
    for engine in ("spark", "auto"):
        assert read(WELLHEAD_MERGE=engine, **machine, **lake).merge == engine
        for less in ({}, machine, lake):
            assert refusal(WELLHEAD_MERGE=engine, **less) == (
                f"WELLHEAD_MERGE={engine} is for a lake that a state machine imports into: it needs "
                "WELLHEAD_STORE=iceberg and WELLHEAD_MACHINE=states."
            )


def test_a_lake_needs_its_catalog() -> None:
    bucket = "arn:aws:s3tables:eu-central-1:123456789012:bucket/wells"

    assert read(WELLHEAD_STORE="iceberg", WELLHEAD_CATALOG=bucket).catalog == bucket
    message = "WELLHEAD_CATALOG is not set; WELLHEAD_STORE=iceberg needs it."
    assert refusal(WELLHEAD_STORE="iceberg") == message
    assert refusal(WELLHEAD_STORE="iceberg", WELLHEAD_CATALOG=" ") == message


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]", "localhost:8000"])
def test_http_is_for_this_machine(host: str) -> None:
    url = f"http://{host}/odata/WellProduction"

    assert read(WELLHEAD_SOURCE_URL=url).source_url == url


@pytest.mark.parametrize(
    "host",
    [
        "example.org",
        "localhost.example.org",
        "127.0.0.1.example.org",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "[::]",
        "127.1",
        "2130706433",
        "LOCALHOST.",
    ],
)
def test_http_to_another_machine_is_refused(host: str) -> None:
    message = refusal(WELLHEAD_SOURCE_URL=f"http://{host}/x")

    assert (
        message
        == "WELLHEAD_SOURCE_URL must be https, because credentials and data would travel in the open."
    )


def test_basic_credentials_need_a_secret() -> None:
    message = refusal(WELLHEAD_SOURCE_AUTH="basic", WELLHEAD_SOURCE_SECRET=" ")

    assert message == "WELLHEAD_SOURCE_SECRET is not set; WELLHEAD_SOURCE_AUTH=basic needs it."
    assert read(
        WELLHEAD_SOURCE_AUTH="basic", WELLHEAD_SOURCE_SECRET=" /wellhead/source "
    ).source_secret == ("/wellhead/source")


@pytest.mark.parametrize("kind", ["bearer", "api_key", "oauth2"])
def test_every_kind_of_credentials_needs_a_secret(kind: str) -> None:
    message = refusal(WELLHEAD_SOURCE_AUTH=kind)

    assert message == f"WELLHEAD_SOURCE_SECRET is not set; WELLHEAD_SOURCE_AUTH={kind} needs it."


def test_oauth2_needs_a_token_endpoint() -> None:
    message = refusal(
        WELLHEAD_SOURCE_AUTH="oauth2", WELLHEAD_SOURCE_SECRET="/a", WELLHEAD_SOURCE_TOKEN_URL=" "
    )

    assert message == "WELLHEAD_SOURCE_TOKEN_URL is not set; WELLHEAD_SOURCE_AUTH=oauth2 needs it."


def test_aliases_are_origins() -> None:
    settings = read(WELLHEAD_SOURCE_ALIASES=" https://a.example.org:8443 ,, http://localhost:8000/")

    assert settings.source_aliases == ("https://a.example.org:8443", "http://localhost:8000/")


@pytest.mark.parametrize(
    ("value", "rps"), [("0", 0.0), ("0.5", 0.5), (" 20 ", 20.0), ("10000", 10_000.0)]
)
def test_requests_per_second_may_be_a_fraction(value: str, rps: float) -> None:
    assert read(WELLHEAD_SOURCE_RPS=value).source_rps == rps
    assert refusal(WELLHEAD_SOURCE_RPS="10000.5") == "WELLHEAD_SOURCE_RPS must be from 0 to 10,000."


def test_columns_and_places_are_read_without_their_padding() -> None:
    settings = read(
        WELLHEAD_SOURCE_COLUMNS=" well_code = Api Number ,, oil_production_kbd=Oil",
        WELLHEAD_WAREHOUSE="/w/",
    )

    assert settings.source_columns == {"well_code": "Api Number", "oil_production_kbd": "Oil"}
    assert settings.warehouse == "/w"
    assert read(WELLHEAD_WAREHOUSE="/").warehouse == "/"


@given(
    variable=st.sampled_from([setting.variable for setting in SETTINGS.values()]),
    value=st.text(min_size=8).map(lambda text: f"{text}hunter2"),
)
def test_any_value_is_read_or_refused_without_being_repeated(variable: str, value: str) -> None:
    try:
        read(**{variable: value})
        message = variable
    except SettingsError as refused:
        message = refused.message
    assert variable in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("value", "share"), [("5 %", 0.05), ("0%", 0.0), ("100 %", 1.0), (" 0.25 % ", 0.0025)]
)
def test_a_share_is_written_in_percent(value: str, share: float) -> None:
    assert read(WELLHEAD_GATE_REJECTED=value).gate_rejected == share
    assert (
        refusal(WELLHEAD_GATE_NULLED="5")
        == "WELLHEAD_GATE_NULLED must be a share such as 5 % or 0.5 %."
    )


def test_a_sum_needs_all_of_its_rows() -> None:
    message = refusal(WELLHEAD_SOURCE_ROWS="sum", WELLHEAD_SOURCE_CHANGED="updated_at")

    assert message == (
        "WELLHEAD_SOURCE_ROWS=sum and WELLHEAD_SOURCE_CHANGED exclude each other: an increment brings only those rows "
        "of a key that changed, and their sum would replace the sum of all. Leave one of them out."
    )
    assert (
        read(WELLHEAD_SOURCE_ROWS="one", WELLHEAD_SOURCE_CHANGED="updated_at").source_changed
        == "updated_at"
    )


def test_an_edition_of_a_row_in_a_sum_is_told_by_its_own_key() -> None:
    message = refusal(WELLHEAD_SOURCE_ROWS="sum", WELLHEAD_SOURCE_ORDER_BY="edition")

    assert message == (
        "WELLHEAD_SOURCE_ORDER_BY with WELLHEAD_SOURCE_ROWS=sum needs WELLHEAD_SOURCE_PRIMARY_KEY, which tells an "
        "edition of a row from another row of its key."
    )
    taken = read(
        WELLHEAD_SOURCE_ROWS="sum",
        WELLHEAD_SOURCE_ORDER_BY="edition",
        WELLHEAD_SOURCE_PRIMARY_KEY="ID",
    )
    assert taken.source_primary_key == ("ID",)


def test_a_webhook_of_the_standard_form_needs_a_secret() -> None:
    told = REQUIRED | {"WELLHEAD_WEBHOOK_URL": "https://hooks.example.org/x"}
    with pytest.raises(SettingsError, match="WELLHEAD_WEBHOOK_SECRET is not set"):
        Settings.from_environment(told)

    for form in ("slack", "teams"):
        assert (
            Settings.from_environment(told | {"WELLHEAD_WEBHOOK_FORM": form}).webhook_form == form
        )
