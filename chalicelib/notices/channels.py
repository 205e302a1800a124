"""The channels of AWS:
EventBridge, which hears of every notice, and a topic of SNS, which mails it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import NoticeUnsent

from .forms import notice_facts

if TYPE_CHECKING:
    from chalicelib.jobs.notice import Notice

SOURCE = "wellhead"
# Characters of ASCII: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html.
LONGEST_SUBJECT = 100


class Channel(Protocol):
    def send(self, notice: Notice) -> None:
        """Raises NoticeUnsent, SecretUnavailable, SecretInvalid."""


class Events:
    """The default bus of the account."""

    def __init__(self, *, events: Any, stage: str) -> None:
        self._events = events
        self._stage = stage

    def send(self, notice: Notice) -> None:
        entry = {
            "Source": SOURCE,
            "DetailType": notice.title,
            "Detail": json.dumps(notice_facts(notice, self._stage)),
            "Time": datetime.fromtimestamp(notice.at, UTC),
        }
        try:
            answer = self._events.put_events(Entries=[entry])
        except (ClientError, BotoCoreError) as exc:
            raise _silent("EventBridge", exc) from exc
        if answer["FailedEntryCount"]:  # it answers 200, and tells of a refused entry so
            code = answer["Entries"][0].get("ErrorCode", "nobody knows why")
            raise NoticeUnsent(f"EventBridge did not take the event ({code}).")


class Mail:
    """To everybody who has subscribed to the topic."""

    def __init__(self, *, sns: Any, topic: str, stage: str) -> None:
        self._sns = sns
        self._topic = topic
        self._stage = stage

    def send(self, notice: Notice) -> None:
        subject = f"Wellhead ({self._stage}): {notice.title}"[:LONGEST_SUBJECT]
        try:
            self._sns.publish(
                TopicArn=self._topic,
                Subject=subject,
                Message=_letter(notice),
            )
        except (ClientError, BotoCoreError) as exc:
            raise _silent("SNS", exc) from exc


def _letter(notice: Notice) -> str:
    findings = notice.facts.get("findings", ())
    lines = [notice.text, ""]
    lines += [f"- {finding['message']}" for finding in findings]
    lines.append(f"Key of this notice: {notice.key}")
    return "\n".join(lines)


def _silent(service: str, exc: Exception) -> NoticeUnsent:
    code = (
        exc.response.get("Error", {}).get("Code", "")
        if isinstance(exc, ClientError)
        else type(exc).__name__
    )
    return NoticeUnsent(f"{service} did not take the notice ({code}).")
