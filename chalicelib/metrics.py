"""The figures that CloudWatch keeps: lines of the log in its embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

The one dimension is `stage`, which every line of the log tells (logs.py). A metric costs by its
name and dimensions, so these are few. docs/operations.md tells what each means.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


NAMESPACE = "Wellhead"
UNITS: Mapping[str, str] = {
    "JobsCompleted": "Count",
    "JobsFailed": "Count",
    "JobsHeld": "Count",
    "JobsCancelled": "Count",
    "HandOvers": "Count",
    "LeaseTakeovers": "Count",
    "PendingSeconds": "Seconds",
    "ImportSeconds": "Seconds",
    "FetchingSeconds": "Seconds",
    "StagingSeconds": "Seconds",
    "MergingSeconds": "Seconds",
    "PublishingSeconds": "Seconds",
    "RowsPerSecond": "Count/Second",
    "NewRows": "Count",
    "UpdatedRows": "Count",
    "WithdrawnRows": "Count",
    "DuplicateRows": "Count",
    "FailedRows": "Count",
    "RejectedPercent": "Percent",
    "Pages": "Count",
    "PageSeconds": "Seconds",
    "HttpRetries": "Count",
    "QuestionSeconds": "Seconds",
    "QuestionErrors": "Count",
    "SecondsSinceHeartbeat": "Seconds",
    "HoursSinceSuccess": "None",
    "StaleSources": "Count",
    "HeldImports": "Count",
    "FailedInARow": "Count",
    "NoticesGivenUp": "Count",
    "NoticeAgeSeconds": "Seconds",
}

log = logging.getLogger(__name__)


def record(
    event: str, figures: Mapping[str, float | None], *, level: int = logging.INFO, **fields: Any
) -> None:
    """One line of the log that CloudWatch counts too. A figure that is None is left out."""
    if not log.isEnabledFor(level):
        return
    values = {name: round(value, 3) for name, value in figures.items() if value is not None}
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["stage"]],
        "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in values],
    }
    metadata = {
        "Timestamp": int(time.time() * 1000),  # milliseconds
        "CloudWatchMetrics": [directive],
    }
    log.log(level, event, extra={"figures": {"_aws": metadata, **values}, **fields})
