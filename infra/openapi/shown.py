"""The examples of the document, by the id of their route:
of each answer, of each body that may be sent, and of each list as CSV.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .examples import facts, jobs, operations, published, rows, service, sources

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSWERS: Mapping[str, Any] = {
    "trigger": jobs.ACCEPTED,
    "triggerByGet": jobs.ACCEPTED,
    "getStatus": jobs.JOB,
    "listJobs": jobs.JOBS,
    "cancelJob": jobs.CANCELLED,
    "retryJob": jobs.RETRIED,
    "acceptJob": jobs.ACCEPTING,
    "discardJob": jobs.DISCARDED,
    "listRejects": rows.PAGES["rejects"],
    "listChanges": rows.PAGES["changes"],
    "listLog": jobs.LOG,
    "listProduction": rows.PAGES["production"],
    "listRevisions": rows.PAGES["revisions"],
    "listTotals": rows.PAGES["totals"],
    "getSummary": published.SUMMARY,
    "listFields": rows.PAGES["fields"],
    "listWells": rows.PAGES["wells"],
    "listRegister": rows.PAGES["register"],
    "getExport": published.EXPORT,
    "offerSql": published.SQL_OFFER,
    "answerSql": published.SQL_ANSWER,
    "listSources": sources.SOURCES,
    "listPresets": sources.PRESETS,
    "listUnits": sources.UNITS,
    "checkSource": sources.CHECK_STARTED,
    "getCheck": sources.CHECKED,
    "getSource": sources.SOURCE,
    "putSource": sources.NEW_SOURCE,
    "deleteSource": sources.SOURCE_DELETED,
    "pauseSource": sources.PAUSED,
    "resumeSource": sources.RESUMED,
    "sendFile": sources.UPLOAD,
    "getOpsStatus": operations.STATUS,
    "listSnapshots": operations.SNAPSHOTS,
    "listTokens": service.TOKENS,
    "rotateToken": service.NEW_TOKEN,
    "rollBack": jobs.ROLLING_BACK,
    "verify": operations.BEGUN,
    "getVerification": operations.VERIFIED,
    "drill": operations.BEGUN,
    "getDrill": operations.DRILLED,
    "restore": operations.BEGUN,
    "getRestore": operations.RESTORED,
    "listNotices": service.NOTICES,
    "testNotices": service.NOTICE_KEY,
    "getHealth": service.HEALTH,
}

_SOURCE = {"an OData service": sources.DEFINITION}
_SNAPSHOT = {"an older one": {"snapshot": facts.NAMED["name"]}}
BODIES: Mapping[str, Mapping[str, Any]] = {
    "trigger": {
        "everything": {"full": True},
        "a part": {"field_code": "1001", "from": "2024-01-01", "to": "2024-06-30"},
    },
    "acceptJob": {"two findings": {"findings": ["NULLED", "RESTATED"]}},
    "answerSql": {"fields": {"statement": published.SQL_STATEMENT, "limit": 2}},
    "putSource": _SOURCE,
    "checkSource": _SOURCE,
    "sendFile": {"a table": {"file": "2024.csv"}},
    "rotateToken": {"at once, for 90 days": {"now": True, "days": 90}},
    "rollBack": _SNAPSHOT,
    "verify": {"everything": {"all": True}},
    "restore": _SNAPSHOT,
}

CSV_TEXTS: Mapping[str, str] = {
    "listRejects": rows.REJECTS_CSV,
    "listChanges": rows.CHANGES_CSV,
    "answerSql": published.SQL_CSV,
    **dict.fromkeys(
        ("listProduction", "listRevisions", "listTotals", "listFields", "listWells"),
        rows.LIST_CSV,
    ),
}
