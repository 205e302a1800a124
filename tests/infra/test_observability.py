"""Alarms, dashboard and saved queries:
they look at what the code writes, and the runbook says what each means.
"""

from __future__ import annotations

import json
import re
from itertools import combinations, pairwise
from typing import Any

import pytest
from support.documents import names, section, table, text

from chalicelib.logs import FIELDS
from chalicelib.metrics import NAMESPACE, UNITS
from infra import dashboard
from infra.fragments import merged_fragments
from local.aws.app_graph import deployed_functions, load_config

TEMPLATE: dict[str, Any] = merged_fragments()
RESOURCES = TEMPLATE["Resources"]
BUILT_IN = {"@timestamp", "@message"}
OF_EVERY_LINE = {"level", "message"}
# What AWS itself counts, by its documents: .../lambda/latest/dg/monitoring-metrics-types.html,
# .../apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html,
# .../AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html,
# .../amazondynamodb/latest/developerguide/metrics-dimensions.html
OF_AWS = {
    "AWS/Lambda": {"Invocations", "Errors", "Throttles", "Duration"},
    "AWS/ApiGateway": {"Count", "4XXError", "5XXError", "Latency"},
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible"},
    "AWS/DynamoDB": {"ReadThrottleEvents", "WriteThrottleEvents"},
}


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    return {name: one["Properties"] for name, one in RESOURCES.items() if one.get("Type") == kind}


ALARMS = of_type("AWS::CloudWatch::Alarm")
QUERIES = of_type("AWS::Logs::QueryDefinition")


def metrics_of(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """Each with Namespace, MetricName and Dimensions, also those of an expression."""
    stats = [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", []) if "MetricStat" in one]
    return stats or [alarm]


def shown() -> list[list[Any]]:
    """The metrics of all widgets: namespace, name, dimensions in pairs, options."""
    widgets = dashboard.body()["widgets"]
    return [metric for widget in widgets for metric in widget["properties"].get("metrics", [])]


def test_what_alarms_and_dashboard_look_at_is_written() -> None:
    """tests/test_metrics.py shows that a run of the code writes all of UNITS."""
    alarmed = [
        (one["Namespace"], one["MetricName"])
        for alarm in ALARMS.values()
        for one in metrics_of(alarm)
    ]
    looked_at = {*alarmed, *((metric[0], metric[1]) for metric in shown())}
    known = {(namespace, name) for namespace, some in OF_AWS.items() for name in some}

    assert looked_at <= known | {(NAMESPACE, name) for name in UNITS}


def test_every_metric_that_is_paid_for_is_shown() -> None:
    assert {metric[1] for metric in shown() if metric[0] == NAMESPACE} == set(UNITS)


def test_our_metrics_are_asked_for_by_their_one_dimension() -> None:
    ours = [
        one
        for alarm in ALARMS.values()
        for one in metrics_of(alarm)
        if one["Namespace"] == NAMESPACE
    ]

    assert ours
    assert all(one["Dimensions"] == [{"Name": "stage", "Value": {"Ref": "Stage"}}] for one in ours)
    assert all(metric[2:4] == ["stage", "${Stage}"] for metric in shown() if metric[0] == NAMESPACE)


def test_what_they_refer_to_is_in_the_template() -> None:
    referred = set(re.findall(r"\$\{(\w+)(?:\.\w+)?\}", dashboard.template()))
    referred |= {
        ref for alarm in ALARMS.values() for ref in re.findall(r"'Ref': '(\w+)'", str(alarm))
    }

    assert referred <= set(RESOURCES) | set(TEMPLATE["Parameters"])


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_is_told_to_somebody_and_named_in_the_runbook(name: str) -> None:
    alarm = ALARMS[name]
    told = section(text("docs/operations.md"), name)

    assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    assert alarm["AlarmName"] == {"Fn::Sub": f"${{AWS::StackName}}-{name}"}
    assert alarm["AlarmDescription"].endswith(f"docs/operations.md, {name}.")
    assert "**What it means.**" in told
    assert "**What to do.**" in told


def test_the_runbook_names_no_alarm_that_does_not_exist() -> None:
    alarms = section(text("docs/operations.md"), "Alarms")

    assert re.findall(r"^### (\w+)$", alarms, re.MULTILINE) == dashboard_order()
    assert set(dashboard_order()) == set(ALARMS)


def dashboard_order() -> list[str]:
    return list(dashboard.ALARMS)


def test_the_silence_that_sounds_the_alarm_is_longer_than_a_worker_lives() -> None:
    [worker] = [
        one
        for one in deployed_functions(load_config(dashboard.TEMPLATE.parents[2], stage="dev"))
        if "import" in one.name
    ]

    assert ALARMS["NoHeartbeat"]["Threshold"] >= worker.timeout
    assert ALARMS["NoHeartbeat"]["TreatMissingData"] == "breaching"  # the sweeper is dead


FUNCTIONS = (
    *("APIHandler", "Authorizer", "Import", "Query", "Sweeper", "FailedEvent", "Notices"),
    *("Plan", "Part", "Merge", "Fail"),
)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_lambda_lets_every_line_of_ours_pass_and_keeps_it_in_a_group_with_an_end(name: str) -> None:
    """WELLHEAD_LOG_LEVEL decides: with JSON, Lambda would drop what is below INFO by itself."""
    config = RESOURCES[name]["Properties"]["LoggingConfig"]

    assert (config["LogFormat"], config["ApplicationLogLevel"]) == ("JSON", "DEBUG")
    assert config["LogGroup"] == {"Ref": f"{name}Logs"}
    assert RESOURCES[f"{name}Logs"]["Properties"]["RetentionInDays"] == {"Ref": "LogDays"}


# -- the dashboard ----------------------------------------------------------------------------------------


def test_the_dashboard_in_the_template_is_the_one_that_is_described() -> None:
    assert dashboard.TEMPLATE.read_text("utf-8") == dashboard.template(), (
        "run python -m infra.dashboard"
    )


def test_the_dashboard_is_what_cloudwatch_takes() -> None:
    body = json.loads(RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])

    assert body == dashboard.body()
    for one in body["widgets"]:
        assert one["x"] + one["width"] <= dashboard.COLUMNS
    for one, other in combinations(body["widgets"], 2):
        beside = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
        above = one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
        assert beside or above, (one, other)
    rows = sorted({(one["y"], one["y"] + one["height"]) for one in body["widgets"]})
    assert all(end == begin for (_, end), (begin, _) in pairwise(rows))


# -- saved queries ----------------------------------------------------------------------------------------


def fields_of(query: str) -> set[str]:
    """The names that a query reads: not its commands, functions, texts, numbers or own names."""
    words = re.sub(r'"[^"]*"|\b[a-z]+(?=\()', " ", query)
    own = set(re.findall(r"\bas (\w+)", words))
    grammar = {"fields", "filter", "stats", "sort", "limit", "by", "as", "asc", "desc", "source"}
    return set(re.findall(r"@?[A-Za-z_]+", words)) - own - grammar


@pytest.mark.parametrize("name", QUERIES)
def test_a_saved_query_reads_fields_that_lines_have(name: str) -> None:
    query = QUERIES[name]["QueryString"]

    assert fields_of(query) <= set(FIELDS) | set(UNITS) | BUILT_IN | OF_EVERY_LINE
    assert {one["Ref"] for one in QUERIES[name]["LogGroupNames"]} <= set(RESOURCES)


@pytest.mark.parametrize(
    "lines",
    [
        one
        for part in dashboard.SECTIONS
        for one in part.widgets
        if isinstance(one, dashboard.Lines)
    ],
    ids=lambda lines: lines.title,
)
def test_a_query_of_the_dashboard_reads_fields_that_lines_have(lines: dashboard.Lines) -> None:
    assert fields_of(lines.query) <= set(FIELDS) | OF_EVERY_LINE


def test_the_saved_queries_are_in_the_runbook_and_no_other() -> None:
    documented = names(section(text("docs/operations.md"), "Saved queries"))

    assert documented == {query["Name"]["Fn::Sub"].partition("/")[2] for query in QUERIES.values()}


# -- the tables of the runbook ----------------------------------------------------------------------------


def test_the_metrics_are_documented_with_their_units_and_no_other() -> None:
    rows = table(section(text("docs/operations.md"), "Metrics"))

    assert {row[0].strip("`"): row[1] for row in rows} == dict(UNITS)


def test_the_fields_of_a_line_are_documented_as_they_are() -> None:
    rows = {row[0].strip("`"): row[1] for row in table(section(text("docs/operations.md"), "Logs"))}

    assert {name: rows.get(name) for name in FIELDS} == dict(FIELDS)
    assert set(rows) - set(FIELDS) == {
        "timestamp",
        "level",
        "message",
        "logger",
        "function",
        "stage",
        "error",
    }
