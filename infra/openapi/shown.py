"""The examples of the document, by the id of their route:
of each answer, of each body that may be sent, and of each list as CSV.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import examples, ops_examples

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSWERS: Mapping[str, Any] = {
    "trigger": examples.ACCEPTED,
    "triggerByGet": examples.ACCEPTED,
    "getStatus": examples.JOB,
    "listJobs": examples.JOBS,
    "cancelJob": examples.CANCELLED,
    "retryJob": examples.RETRIED,
    "acceptJob": examples.ACCEPTING,
    "discardJob": examples.DISCARDED,
    "listRejects": examples.PAGES["rejects"],
    "listChanges": examples.PAGES["changes"],
    "listLog": examples.LOG,
    "listProduction": examples.PAGES["production"],
    "listRevisions": examples.PAGES["revisions"],
    "listTotals": examples.PAGES["totals"],
    "getSummary": examples.SUMMARY,
    "listFields": examples.PAGES["fields"],
    "listWells": examples.PAGES["wells"],
    "listRegister": examples.PAGES["register"],
    "getExport": examples.EXPORT,
    "offerSql": examples.SQL_OFFER,
    "answerSql": examples.SQL_ANSWER,
    "listSources": examples.SOURCES,
    "listPresets": examples.PRESETS,
    "listUnits": examples.UNITS,
    "checkSource": examples.CHECK_STARTED,
    "getCheck": examples.CHECKED,
    "getSource": examples.SOURCE,
    "putSource": examples.SOURCE,
    "deleteSource": examples.SOURCE_DELETED,
    "pauseSource": examples.PAUSED,
    "resumeSource": examples.RESUMED,
    "sendFile": examples.UPLOAD,
    "getOpsStatus": ops_examples.STATUS,
    "listSnapshots": ops_examples.SNAPSHOTS,
    "listTokens": examples.TOKENS,
    "rotateToken": examples.NEW_TOKEN,
    "rollBack": examples.ROLLING_BACK,
    "verify": ops_examples.BEGUN,
    "getVerification": ops_examples.VERIFIED,
    "drill": ops_examples.BEGUN,
    "getDrill": ops_examples.DRILLED,
    "restore": ops_examples.BEGUN,
    "getRestore": ops_examples.RESTORED,
    "listNotices": examples.NOTICES,
    "testNotices": examples.NOTICE_KEY,
    "getHealth": examples.HEALTH,
}

_SOURCE = {"an OData service": examples.DEFINITION}
_SNAPSHOT = {"an older one": {"snapshot": examples.NAMED["name"]}}
BODIES: Mapping[str, Mapping[str, Any]] = {
    "trigger": {
        "everything": {"full": True},
        "a part": {"field_code": "1001", "from": "2024-01-01", "to": "2024-06-30"},
    },
    "acceptJob": {"two findings": {"findings": ["NULLED", "RESTATED"]}},
    "answerSql": {"fields": {"statement": examples.SQL_STATEMENT}},
    "putSource": _SOURCE,
    "checkSource": _SOURCE,
    "sendFile": {"a table": {"file": "2024.csv"}},
    "rotateToken": {"at once, for 90 days": {"now": True, "days": 90}},
    "rollBack": _SNAPSHOT,
    "verify": {"everything": {"all": True}},
    "restore": _SNAPSHOT,
}

CSV_TEXTS: Mapping[str, str] = {
    "listRejects": examples.REJECTS_CSV,
    "listChanges": examples.CHANGES_CSV,
    "answerSql": examples.SQL_CSV,
    **dict.fromkeys(
        ("listProduction", "listRevisions", "listTotals", "listFields", "listWells"),
        examples.LIST_CSV,
    ),
}
