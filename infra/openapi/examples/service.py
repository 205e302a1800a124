"""What keeps the service going: notices, tokens, health."""

from __future__ import annotations

from .facts import success

NOTICES = success(
    {
        "notices": [
            {
                "key": "01a205bb-a53b-7b6c-bac8-cee37c9b7414",
                "kind": "import.completed",
                "at": 1795407881.2,
                "text": "The import of north-sea is complete: 50,000 rows, 49,983 new, 0 updated, 0 withdrawn, 12 "
                "rejected. (job 01a205bb-a53b-7b6c-bac8-cee37c9b7414)",
                "facts": {
                    "job_id": "01a205bb-a53b-7b6c-bac8-cee37c9b7414",
                    "source": "north-sea",
                    "status": "COMPLETED",
                    "total_records": 50000,
                },
                "state": "WAITING",
                "deliveries": [
                    {
                        "channel": "events",
                        "state": "SENT",
                        "attempts": 1,
                        "due_at": 1795408021.0,
                        "at": 1795407902.5,
                        "error": None,
                    },
                    {
                        "channel": "webhook",
                        "state": "WAITING",
                        "attempts": 1,
                        "due_at": 1795407931.7,
                        "at": None,
                        "error": "The receiver answered with HTTP 503.",
                    },
                ],
            }
        ]
    },
    "The last notices, newest first.",
)

NOTICE_KEY = success(
    {"key": "test-0c2d9b52-7c7e-4f0f-9f0e-0a6a0c2f9f11"},
    "A notice of the kind notice.test is on its way. What becomes of it, the list of notices tells.",
)

TOKENS = success(
    {
        "tokens": [
            {
                "name": "ada",
                "role": "operator",
                "created_at": 1795395300.0,
                "expires_at": 1803171300.0,
                "last_used_at": 1795395329.1,
                "previous_until": 1795481700.0,
            }
        ]
    },
    "The tokens of the API, by name, without what is secret.",
)

NEW_TOKEN = success(
    {
        "name": "ada",
        "role": "operator",
        "token": "wellhead_…",
        "expires_at": 1803171300.0,
        "previous_until": 1795481700.0,
    },
    "The name has a new token. It is shown this once: keep it.",
)

HEALTH = success(
    {
        "version": "0.1.0",
        "checks": {"settings": "ok", "table": "ok", "warehouse": "ok", "query_function": "ok"},
    },
    "What the API needs answers.",
)
