"""The body of a webhook: as Standard Webhooks advises, or as Slack and Teams take it.

They do not go together: Teams wants `type` to be "message" where the others have the kind of the
notice. What may stand in a message as markup, a link or a mention, is none there: a source's own
words may be part of it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.jobs.notice import Notice

# Https://docs.slack.dev/messaging/formatting-message-text.
_OF_SLACK = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# Characters of a block: https://docs.slack.dev/reference/block-kit/blocks/section-block.
MOST_OF_SLACK = 3_000
_BOLD = {"weight": "Bolder", "size": "Medium"}


def body_of(notice: Notice, form: str, *, stage: str) -> bytes:
    """JSON without blanks. `form` is one of WELLHEAD_WEBHOOK_FORM."""
    forms = {
        "standard": _standard,
        "slack": _slack,
        "teams": _teams,
    }
    body = forms[form](notice, stage)
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return text.encode(errors="replace")


def notice_facts(notice: Notice, stage: str) -> dict[str, Any]:
    """What an event and a webhook tell of it.
    Of several deployments in an account, `stage` is the one it is of.
    """
    return {"stage": stage, **notice.content()}


def _standard(notice: Notice, stage: str) -> Mapping[str, Any]:
    facts = notice_facts(notice, stage)
    return {
        "type": notice.kind,
        "timestamp": _moment(notice.at),
        "text": facts.pop("text"),
        "data": facts,
    }


def _slack(notice: Notice, stage: str) -> Mapping[str, Any]:
    """A block of plain text, whose addresses are no links;
    `text` is what a notification shows of it.
    """
    text = f"Wellhead ({stage}): {notice.text}"
    short = "".join(_OF_SLACK.get(sign, sign) for sign in f"Wellhead ({stage}): {notice.title}")
    block = {
        "type": "section",
        "text": {
            "type": "plain_text",
            "text": text[:MOST_OF_SLACK],
            "emoji": False,
        },
    }
    return {
        "text": short,
        "blocks": [block],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _teams(notice: Notice, stage: str) -> Mapping[str, Any]:
    """An adaptive card whose text is no markdown: TextRun, of version 1.2."""
    lines = [_line(f"{notice.title} ({stage})", **_BOLD), _line(notice.text)]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "fallbackText": notice.title,
        "body": lines,
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def _line(text: str, **look: str) -> dict[str, Any]:
    return {
        "type": "RichTextBlock",
        "inlines": [
            {
                "type": "TextRun",
                "text": text,
                **look,
            }
        ],
    }


def _moment(at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    text = moment.isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
