"""The alarms of the template in an emulated CloudWatch, and what it would say of them.

MiniStack's: the alarms themselves with all that they refer to, made by its CloudFormation out of
our template and told by DescribeAlarms; the functions, run from our zip, and what AWS/Lambda counts
of them; the queue; the figures, kept by PutMetricData and told by GetMetricData with their
statistic for each period.

Ours: an alarm that calculates, which MiniStack does not make, is read from the template with the
names that the stack has given; what CloudWatch Logs makes of a line in the embedded metric format;
and whether an alarm rings (alarm_rules.py), because MiniStack compares with the threshold alone:
not by dimension, period or what is missing.
"""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any

from support.alarm_rules import COMPARISONS, INSUFFICIENT_DATA, Rule, calculated
from support.packaged import STAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from infra.package import Package
    from support.alarm_rules import Series
    from support.mini_stack import MiniStack

STACK = f"wellhead-{STAGE}"
BUCKET = "code"
FUNCTIONS = (
    "Sweeper",
    "Query",
    "FailedEvent",
    "FailedEventEvents",
)  # they fail, for the stack has no table
MOST_DATA = 500  # of the 1,000 that one call may put


class AlarmedStack:
    def __init__(
        self, mini_stack: MiniStack, package: Package, parameters: Mapping[str, str]
    ) -> None:
        """Creates it."""
        self.client = mini_stack.client
        self._cloud_watch = mini_stack.client("cloudwatch")
        self._template = package.template_with_code(bucket=BUCKET, key="bundle", layer="", job="")
        self._create(package, parameters)
        self.names = {**self._names(), **parameters}
        self.alarms = {
            alarm["AlarmName"].removeprefix(f"{STACK}-"): alarm for alarm in self._definitions()
        }

    # -- what happens

    def put(self, namespace: str, data: list[dict[str, Any]]) -> None:
        for first in range(0, len(data), MOST_DATA):
            self._cloud_watch.put_metric_data(
                Namespace=namespace, MetricData=data[first : first + MOST_DATA]
            )

    def call(self, function: str, event: Any) -> list[dict[str, Any]]:
        """The lines that the function has written meanwhile."""
        answer = self.client("lambda").invoke(
            FunctionName=self.names[function], Payload=json.dumps(event), LogType="Tail"
        )
        lines = base64.b64decode(answer.get("LogResult", "")).decode().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def counted(self, function: str, metric: str, *, since: float, until: float) -> float:
        """By MiniStack itself."""
        dimensions = [{"Name": "FunctionName", "Value": self.names[function]}]
        told = {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": dimensions}
        return sum(self._series(told, period=60, stat="Sum", since=since, until=until).values())

    # -- what CloudWatch would say

    def states(self, name: str, *, since: float, until: float) -> list[str]:
        """One after the other, looked at when each of its periods ends;
        CloudWatch looks each minute.
        """
        alarm = self.alarms[name]
        rule = Rule(
            periods=alarm["EvaluationPeriods"],
            enough=alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]),
            missing=alarm.get("TreatMissingData", "missing"),
        )
        period = _period_of(alarm)
        breaches = COMPARISONS[alarm["ComparisonOperator"]]
        series = self._watched(alarm, since=since - rule.looks_at * period, until=until)
        found = [INSUFFICIENT_DATA]
        for end in range(int(since // period + 1) * period, int(until) + 1, period):
            points = [series.get(end - place * period) for place in range(rule.looks_at, 0, -1)]
            seen = [
                None if point is None else breaches(point, alarm["Threshold"]) for point in points
            ]
            found.append(rule.state(seen, found[-1]))
        return [state for state, before in zip(found[1:], found, strict=False) if state != before]

    def _watched(self, alarm: dict[str, Any], **when: float) -> Series:
        if "Metrics" not in alarm:
            stat = alarm.get("ExtendedStatistic") or alarm["Statistic"]
            return self._series(alarm, period=alarm["Period"], stat=stat, **when)
        stats = {one["Id"]: one["MetricStat"] for one in alarm["Metrics"] if "MetricStat" in one}
        series = {
            name: self._series(one["Metric"], period=one["Period"], stat=one["Stat"], **when)
            for name, one in stats.items()
        }
        [returned] = [one for one in alarm["Metrics"] if one.get("ReturnData", True)]
        return calculated(returned["Expression"], series)

    def _series(
        self, metric: dict[str, Any], *, period: int, stat: str, since: float, until: float
    ) -> Series:
        told = {name: metric[name] for name in ("Namespace", "MetricName", "Dimensions")}
        query = {"Id": "watched", "MetricStat": {"Metric": told, "Period": period, "Stat": stat}}
        [answer] = self._cloud_watch.get_metric_data(
            MetricDataQueries=[query], StartTime=since, EndTime=until
        )["MetricDataResults"]
        begins = [int(moment.timestamp()) for moment in answer["Timestamps"]]
        return dict(zip(begins, answer["Values"], strict=True))

    # -- how it is made

    def _create(self, package: Package, parameters: Mapping[str, str]) -> None:
        s3, formation = self.client("s3"), self.client("cloudformation")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="bundle", Body=_without_duckdb(package.bundle))
        kept = {name: self._template["Resources"][name] for name in self._kept()}
        formation.create_stack(
            StackName=STACK,
            TemplateBody=json.dumps({**self._template, "Resources": kept, "Outputs": {}}),
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in parameters.items()
            ],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        waiter = formation.get_waiter("stack_create_complete")
        waiter.wait(StackName=STACK, WaiterConfig={"Delay": 0.2, "MaxAttempts": 300})

    def _kept(self) -> set[str]:
        """The alarms that MiniStack makes, and whatever they and the functions refer to."""
        resources = self._template["Resources"]
        wanted = [
            name
            for name, one in resources.items()
            if _is_alarm(one) and "Metrics" not in one["Properties"]
        ]
        wanted += FUNCTIONS
        kept: set[str] = set()
        while wanted:
            name = wanted.pop()
            if name in resources and name not in kept:
                kept.add(name)
                wanted += _referred(resources[name])
        return kept

    def _names(self) -> dict[str, str]:
        """Of what the stack has made and, as the template says,
        of the functions that only an alarm calculates with.
        """
        names = {"AWS::StackName": STACK}
        for name, one in self._template["Resources"].items():
            if one["Type"] == "AWS::Serverless::Function":
                names[name] = _resolved(one["Properties"]["FunctionName"], names)
        made = self.client("cloudformation").describe_stack_resources(StackName=STACK)[
            "StackResources"
        ]
        return names | {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in made}

    def _definitions(self) -> Iterator[dict[str, Any]]:
        yield from self._cloud_watch.describe_alarms()["MetricAlarms"]
        for one in self._template["Resources"].values():
            if _is_alarm(one) and "Metrics" in one["Properties"]:
                yield _resolved(one["Properties"], self.names)


def _without_duckdb(bundle: Path) -> bytes:
    """Four fifths of our zip are DuckDB,
    which none of these functions reaches, and each of them unpacks it.
    """
    smaller = io.BytesIO()
    with (
        zipfile.ZipFile(bundle) as whole,
        zipfile.ZipFile(smaller, "w", zipfile.ZIP_STORED) as part,
    ):
        for name in whole.namelist():
            if not name.startswith(("duckdb", "_duckdb")):
                part.writestr(whole.getinfo(name), whole.read(name))
    return smaller.getvalue()


def data_of(line: Mapping[str, Any], *, moved: float = 0.0) -> Iterator[tuple[str, dict[str, Any]]]:
    """What CloudWatch Logs makes of a line: namespaces and data as PutMetricData takes them. Of any
    other line nothing.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
        for dimensions in directive["Dimensions"]:
            for metric in directive["Metrics"]:
                value = line[metric["Name"]]
                yield (
                    directive["Namespace"],
                    {
                        "MetricName": metric["Name"],
                        "Dimensions": [{"Name": name, "Value": line[name]} for name in dimensions],
                        "Unit": metric.get("Unit", "None"),
                        "Timestamp": line["_aws"]["Timestamp"] / 1000 + moved,
                        "Values": value if isinstance(value, list) else [value],
                    },
                )


def _period_of(alarm: dict[str, Any]) -> int:
    """An alarm that calculates has the one period of all its metrics."""
    if "Metrics" not in alarm:
        return int(alarm["Period"])
    [period] = {one["MetricStat"]["Period"] for one in alarm["Metrics"] if "MetricStat" in one}
    return int(period)


def _is_alarm(resource: dict[str, Any]) -> bool:
    return bool(resource["Type"] == "AWS::CloudWatch::Alarm")


def _referred(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for one in part:
            yield from _referred(one)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key in ("Ref", "Fn::GetAtt", "DependsOn"):
                yield from [value] if isinstance(value, str) else value
            elif key == "Fn::Sub":
                yield from re.findall(r"\$\{(\w+)", value if isinstance(value, str) else value[0])
            yield from _referred(value)


def _resolved(part: Any, names: Mapping[str, str]) -> Any:
    """`Ref` and the short form of `Fn::Sub`, which are all that such an alarm has."""
    if isinstance(part, list):
        return [_resolved(one, names) for one in part]
    if not isinstance(part, dict):
        return part
    if set(part) == {"Ref"}:
        return names[part["Ref"]]
    if set(part) == {"Fn::Sub"}:
        return re.sub(r"\$\{([\w:]+)\}", lambda found: names[found[1]], part["Fn::Sub"])
    return {key: _resolved(value, names) for key, value in part.items()}


def grouped(data: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """By namespace."""
    found: dict[str, list[dict[str, Any]]] = {}
    for namespace, datum in data:
        found.setdefault(namespace, []).append(datum)
    return found
