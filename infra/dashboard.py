"""The dashboard: what it shows is said here, in few words; `python -m infra.dashboard` writes the
template of it.

A section is a heading and its widgets, three in a row. A metric is (namespace, name, dimensions,
statistic); texts in ${} are filled in by CloudFormation.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).with_name("template") / "observability-dashboard.yaml"
WIDTH, HEIGHT, COLUMNS = 8, 6, 24
ALARMS = (
    "ImportFailed",
    "FailedTwice",
    "ImportHeld",
    "RejectsHigh",
    "NoSuccess",
    "StaleSources",
    "NoHeartbeat",
    "EventsUntaken",
    "ApiErrors",
    "ApiSlow",
    "QueryErrors",
    "Throttled",
    "SweeperErrors",
    "NoticesGivenUp",
    "NoticesLate",
)
ROWS = ("NewRows", "UpdatedRows", "WithdrawnRows", "DuplicateRows", "FailedRows")
STATES = ("Plan", "Part", "Merge", "Fail")
FUNCTIONS = (
    "APIHandler",
    "Authorizer",
    "Import",
    "Query",
    "Sweeper",
    "FailedEvent",
    "Notices",
    *STATES,
)
HEAD = """\
# Written by `python -m infra.dashboard`; what it shows is said in infra/dashboard.py.
Resources:
  Dashboard:
    Type: AWS::CloudWatch::Dashboard
    Properties:
      DashboardName: !Ref AWS::StackName
      DashboardBody: !Sub |
"""

Metric = tuple[str, str, dict[str, str], str]


@dataclass(frozen=True)
class Chart:
    title: str
    metrics: list[Metric]
    unit: str = ""


@dataclass(frozen=True)
class Lines:
    """What a query finds in the log groups of these functions."""

    title: str
    query: str
    functions: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    title: str
    widgets: list[Chart | Lines] = field(default_factory=list)


def ours(*names: str, stat: str = "Sum") -> list[Metric]:
    return [("Wellhead", name, {"stage": "${Stage}"}, stat) for name in names]


def functions(name: str, *which: str, stat: str = "Sum") -> list[Metric]:
    return [
        ("AWS/Lambda", name, {"FunctionName": f"${{{one}}}"}, stat) for one in which or FUNCTIONS
    ]


def gateway(*names: str, stat: str = "Sum") -> list[Metric]:
    return [
        ("AWS/ApiGateway", name, {"ApiName": "${AWS::StackName}", "Stage": "${Stage}"}, stat)
        for name in names
    ]


def table(*names: str) -> list[Metric]:
    return [("AWS/DynamoDB", name, {"TableName": "${Table}"}, "Sum") for name in names]


def queue() -> list[Metric]:
    dimensions = {"QueueName": "${UntakenEvents.QueueName}"}
    return [("AWS/SQS", "ApproximateNumberOfMessagesVisible", dimensions, "Maximum")]


SECTIONS = [
    Section(
        "Imports",
        [
            Chart(
                "Jobs that ended", ours("JobsCompleted", "JobsFailed", "JobsHeld", "JobsCancelled")
            ),
            Chart("Since the last success", ours("HoursSinceSuccess", stat="Maximum"), "hours"),
            Chart(
                "Since the last sign of life of a running job",
                ours("SecondsSinceHeartbeat", stat="Maximum"),
                "s",
            ),
            Chart(
                "What lasts until somebody does something",
                ours("HeldImports", "FailedInARow", stat="Maximum"),
            ),
            Chart("Rows by what became of them", ours(*ROWS)),
            Chart("Rejected rows", ours("RejectedPercent", stat="Maximum"), "%"),
            Chart("Speed", ours("RowsPerSecond", stat="Average"), "rows a second"),
            Chart(
                "Where the time goes",
                ours(
                    *(
                        "PendingSeconds",
                        "FetchingSeconds",
                        "StagingSeconds",
                        "MergingSeconds",
                        "PublishingSeconds",
                    ),
                    *("ImportSeconds",),
                    stat="Average",
                ),
                "s",
            ),
        ],
    ),
    Section(
        "The source",
        [
            Chart(
                "Time for a page",
                ours("PageSeconds", stat="p50") + ours("PageSeconds", stat="p99"),
                "s",
            ),
            Chart("Pages, and pages asked for again", ours("Pages", "HttpRetries")),
            Chart("Sources that are older than they may be", ours("StaleSources", stat="Maximum")),
            Lines(
                "Rejected rows by reason",
                "filter ispresent(reason) | stats sum(rows) as rejected by reason | sort rejected desc",
                ("Import", "Part", "Merge"),
            ),
        ],
    ),
    Section(
        "Workers",
        [
            Chart("Takeovers and hand-overs", ours("LeaseTakeovers", "HandOvers")),
            Chart("Failed events", functions("Invocations", "FailedEvent") + queue()),
            Chart("Errors of functions", functions("Errors")),
            Chart(
                "Duration",
                functions("Duration", "Import", "Part", "Merge", "Query", "APIHandler", stat="p99"),
                "ms",
            ),
            Chart(
                "Throttled calls",
                functions("Throttles") + table("ReadThrottleEvents", "WriteThrottleEvents"),
            ),
            Lines(
                "Errors by code",
                "filter ispresent(code) | stats count(*) as times by code, level | sort times desc",
                ("APIHandler", "Import", "Query", "Sweeper", "FailedEvent", "Notices", *STATES),
            ),
        ],
    ),
    Section(
        "Notices",
        [
            Chart("Notices given up", ours("NoticesGivenUp")),
            Chart("The oldest one that waits", ours("NoticeAgeSeconds", stat="Maximum"), "s"),
        ],
    ),
    Section(
        "API",
        [
            Chart("Requests, refusals and errors", gateway("Count", "4XXError", "5XXError")),
            Chart("Latency", gateway("Latency", stat="p50") + gateway("Latency", stat="p99"), "ms"),
            Chart(
                "Questions to the data",
                ours("QuestionSeconds", stat="p50")
                + ours("QuestionSeconds", stat="p99")
                + ours("QuestionErrors"),
                "s, count",
            ),
        ],
    ),
]


def body() -> dict[str, Any]:
    arns = [f"${{{name}.Arn}}" for name in ALARMS]
    alarms = {"title": "Alarms", "alarms": arns}
    widgets: list[dict[str, Any]] = [
        {
            "type": "alarm",
            **_place(0, 0, COLUMNS, 3),
            "properties": alarms,
        }
    ]
    row = 3
    for section in SECTIONS:
        heading = {"markdown": f"## {section.title}"}
        widgets.append(
            {
                "type": "text",
                **_place(0, row, COLUMNS, 1),
                "properties": heading,
            }
        )
        row += 1
        for number, widget in enumerate(section.widgets):
            down, across = divmod(number * WIDTH, COLUMNS)
            place = _place(across, row + down * HEIGHT, WIDTH, HEIGHT)
            widgets.append(
                {**place, **_chart(widget)}
                if isinstance(widget, Chart)
                else {**place, **_log(widget)}
            )
        row += HEIGHT * -(-len(section.widgets) * WIDTH // COLUMNS)
    return {"widgets": widgets}


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {
        "x": x,
        "y": y,
        "width": width,
        "height": height,
    }


def _chart(chart: Chart) -> dict[str, Any]:
    lines = []
    for namespace, name, dimensions, stat in chart.metrics:
        pairs = [part for pair in dimensions.items() for part in pair]
        label = {"label": f"{name} {stat}"} if stat.startswith("p") else {}
        lines.append([namespace, name, *pairs, {"stat": stat, **label}])
    properties = {
        "title": chart.title,
        "region": "${AWS::Region}",
        "period": 300,
        "metrics": lines,
    }
    axis = {
        "yAxis": {
            "left": {
                "min": 0,
                "label": chart.unit,
                "showUnits": False,
            }
        }
    }
    return {"type": "metric", "properties": {**properties, **axis}}


def _log(lines: Lines) -> dict[str, Any]:
    sources = " | ".join(f"SOURCE '${{{name}Logs}}'" for name in lines.functions)
    properties = {
        "title": lines.title,
        "region": "${AWS::Region}",
        "view": "table",
        "query": f"{sources} | {lines.query}",
    }
    return {"type": "log", "properties": properties}


def template() -> str:
    """One widget a line."""
    lines = [f"        {json.dumps(widget)}" for widget in body()["widgets"]]
    widgets = ",\n".join(lines)
    return f'{HEAD}        {{"widgets": [\n{widgets}\n        ]}}\n'


if __name__ == "__main__":
    TEMPLATE.write_text(template(), "utf-8")
