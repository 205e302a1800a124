"""The schemas of the document:
jobs by the fields of Job, rows by the columns of well production.
"""

from __future__ import annotations

from typing import Any

from chalicelib.api.findings import FINDINGS
from chalicelib.api.import_request import ASKED, PARAMETERS
from chalicelib.api.source_request import FILE
from chalicelib.api.token_list import RENEWAL
from chalicelib.api.tokens import Role as TokenRole
from chalicelib.jobs.finding import MOST_EXAMPLES, Check
from chalicelib.jobs.job import JobStatus, Phase
from chalicelib.jobs.job_log import LONGEST_LINE, MOST_LINES
from chalicelib.jobs.notice import State
from chalicelib.jobs.telemetry import PHASES
from chalicelib.queries.changed import OF_A_CHANGE, OF_VOLUMES, SIDES
from chalicelib.queries.query import QUERIES, TEXTS
from chalicelib.sources.checks import CheckStatus
from chalicelib.store.columns import (
    COLUMNS,
    PROVENANCE,
    REJECTION_REASONS,
    WARNING_RULES,
    Column,
    Kind,
    Role,
)

from .job_fields import LONG, job_fields
from .json_types import of_type
from .words import without_links

NUMBER, WHOLE, TEXT = {"type": "number"}, {"type": "integer"}, {"type": "string"}
TRUTH = {"type": "boolean"}
_KINDS = {Kind.CODE: "string", Kind.NUMBER: "number", Kind.DAY: "string", Kind.WORDS: "string"}


def whole_object(
    properties: dict[str, Any], *, optional: tuple[str, ...] = (), description: str = ""
) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    schema = {
        "type": "object",
        "required": required,
        "properties": properties,
    }
    return {**schema, "description": description} if description else schema


def envelope_of(data: str, example: Any) -> dict[str, Any]:
    """The content of a success."""
    part = {"properties": {"data": {"$ref": f"#/components/schemas/{data}"}}}
    return {
        "schema": {"allOf": [{"$ref": "#/components/schemas/Success"}, part]},
        "example": example,
    }


def _job(*, whole: bool) -> dict[str, Any]:
    return whole_object(
        {each.name: each.schema for each in job_fields() if whole or each.name not in LONG}
    )


def column(told: Column) -> dict[str, Any]:
    kind = _KINDS[told.kind]
    schema: dict[str, Any] = {
        "type": kind if told.role is Role.KEY else [kind, "null"],
        "description": told.comment,
    }
    if told.kind is Kind.DAY:
        return schema | {"format": "date"}
    if told.kind is Kind.CODE:
        return schema | {"minLength": told.low, "maxLength": told.high}
    return schema | ({"minimum": told.low, "maximum": told.high} if told.high else {})


def _list(of: str) -> dict[str, Any]:
    return whole_object(
        {
            "rows": {"type": "array", "items": {"$ref": f"#/components/schemas/{of}"}},
            "next_cursor": {
                "type": ["string", "null"],
                "description": "asks for the page after; null on the last",
            },
            "snapshot": {"$ref": "#/components/schemas/Snapshot"},
        }
    )


MOMENT = {"type": "string", "format": "date-time"}
DAY = {"type": "string", "format": "date"}
_SOURCE = {**TEXT, "description": "name of the source"}
_DAYS = {
    "type": ["integer", "null"],
    "description": "calendar days of the period; null in a file that does not tell them",
}
_COLUMNS = {
    "source": _SOURCE,
    **{each.name: column(each) for each in COLUMNS},
    "period_days": _DAYS,
    "source_rows": {**WHOLE, "description": "rows of the source in this one"},
}
_RATES = {name: _COLUMNS[name] for name in _COLUMNS if name.endswith(("_kbd", "_mmcfd"))}
_SUMS = {
    name: {"type": ["number", "null"], "description": f"sum: {told['description']}"}
    for name, told in _RATES.items()
}
_PAIRS = {
    "cut_water_kbd": "water of the wells that tell water and liquids, or water and oil: the one side of a water cut",
    "cut_liquids_kbd": "liquids of these wells, or oil of those that tell no liquids: the other side",
    "ratio_gas_mmcfd": "gas of the wells that tell gas and oil: the one side of a gas-oil ratio",
    "ratio_oil_kbd": "oil of these wells: the other side",
    **{
        name.replace(
            "_production_", "_producing_"
        ): f"what the wells of {name} make on a day on which all of them "
        "produce; null where one of them does not tell its days on production"
        for name in _RATES
    },
}
_VALUES = {name: told for name, told in _COLUMNS.items() if name not in PROVENANCE}
_UUID = {"type": "string", "format": "uuid"}
_NAMED = {"name": TEXT, "fence": WHOLE, "job_id": _UUID}
_FACTS = {
    "name": TEXT,
    "fence": WHOLE,
    "rows": WHOLE,
    "bytes": WHOLE,
    "sha256": {**TEXT, "pattern": "^[0-9a-f]{64}$"},
}
_STAMP = {
    "request_id": {**TEXT, "description": "also in the header X-Request-ID and in the log"},
    "timestamp": {**MOMENT, "description": "UTC"},
}
_ERROR = {
    "code": {**TEXT, "description": "docs/errors.md lists them"},
    "message": {**TEXT, "description": "what happened and what to do next"},
    "retryable": {**TRUTH, "description": "whether the same request can succeed later"},
    "rule": {**TEXT, "description": "of BUSINESS_RULE_VIOLATION: which rule"},
    "details": {
        "type": "object",
        "description": "by code, such as the field that is wrong",
        "additionalProperties": True,
    },
}

_OF_WELLS = {
    "type": ["integer", "null"],
    "description": "null where several sources are stored and none was asked for: one well may be told by two",
}
_MOMENT_OR_NONE = {"type": ["number", "null"], "description": "epoch seconds"}
_SCHEDULE = {
    "next_due": {
        **_MOMENT_OR_NONE,
        "description": "when it is started next; null without a schedule, and in a pause",
    },
    "last_due": {**_MOMENT_OR_NONE, "description": "the due time that was started last"},
    "last_due_job_id": {
        "type": ["string", "null"],
        "description": "the job that was started for it",
    },
    "skipped": {
        **WHOLE,
        "description": "due times that were not started: missed before a later one, or in a pause",
    },
    "paused": {
        "anyOf": [
            whole_object(
                {
                    "at": NUMBER,
                    "by": {
                        "type": ["string", "null"],
                        "description": "who paused it; null: its failures",
                    },
                    "reason": TEXT,
                    "code": {"type": ["string", "null"], "description": "of the last failure"},
                }
            ),
            {"type": "null"},
        ],
        "description": "since when its schedule starts nothing, and why",
    },
}
_DEFINED = {
    "name": TEXT,
    "version": {
        "type": ["integer", "null"],
        "description": "of its definition, from 1 on; null where the settings are the source",
    },
    "is_default": {**TRUTH, "description": "the one that a trigger without a source means"},
    "adopts": {
        **TEXT,
        "description": "the earlier source whose rows become this one's; empty: none",
    },
    "kind": {**TEXT, "enum": ["odata", "files"]},
    "period": {**TEXT, "enum": ["day", "month", "quarter", "year"]},
    "schedule": {**TEXT, "description": "cron; empty: by hand"},
    "timezone": {**TEXT, "description": "of the schedule, a name of the IANA list; empty: UTC"},
    "fresh_for": {
        **TEXT,
        "description": 'how old its latest import may be, such as "26 h"; empty: of any age',
    },
    "pause_after": {
        "type": ["integer", "null"],
        "description": "so many imports that fail one after the other pause its schedule",
    },
    **_SCHEDULE,
    "stale_since": {
        **_MOMENT_OR_NONE,
        "description": "when its data grew too old; null while it is fresh",
    },
    "created_at": _MOMENT_OR_NONE,
    "created_by": {"type": ["string", "null"]},
    "updated_at": _MOMENT_OR_NONE,
    "updated_by": {"type": ["string", "null"]},
    "is_of_settings": {**TRUTH, "description": "the settings WELLHEAD_SOURCE_* are the source"},
}

_SECONDS_OF = dict.fromkeys(PHASES, "over all attempts") | {
    "checking": "over all attempts",
    "staging": "over all attempts, within those of fetching",
}

SCHEMAS: dict[str, Any] = {
    "Success": whole_object(
        {"success": {"const": True}, "data": {"type": "object"}, "message": TEXT, **_STAMP}
    ),
    "Error": whole_object(
        {
            "success": {"const": False},
            "error": whole_object(_ERROR, optional=("rule", "details")),
            **_STAMP,
        },
        optional=("timestamp",),  # which the gateway's own answers lack
    ),
    "Problem": whole_object(
        {"title": TEXT, "status": WHOLE, "detail": TEXT}
        | {name: told for name, told in _ERROR.items() if name != "message"}
        | _STAMP,
        optional=("rule", "details"),
    ),
    "Import": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: {**parameter.schema, "description": without_links(parameter.meaning)}
            for name, parameter in ASKED.items()
        },
    },
    "Accepted": whole_object(
        {
            "job_id": _UUID,
            "status": of_type(JobStatus),
            "created_at": NUMBER,
            "source": {"type": ["string", "null"]},
            "retry_of": _UUID,
        },
        optional=("retry_of",),
    ),
    "SourceList": whole_object(
        {"sources": {"type": "array", "items": {"$ref": "#/components/schemas/SourceSummary"}}}
    ),
    "SourceSummary": whole_object(
        {
            **_DEFINED,
            "last_import": {
                "anyOf": [whole_object({"job_id": _UUID, "at": NUMBER}), {"type": "null"}],
                "description": "its latest import that was published",
            },
        },
        description="A source, as a list shows it.",
    ),
    "ScheduleState": whole_object(
        {"name": TEXT, **_SCHEDULE},
        description="What becomes of a schedule. Times are epoch seconds.",
    ),
    "DefinedSource": whole_object(
        {
            **_DEFINED,
            "definition": {
                "type": ["object", "null"],
                "description": "as it was written; null where the settings are the source. The query of its address is "
                "shown to admins alone",
                "additionalProperties": True,
            },
        },
        description="A source and its definition.",
    ),
    "DeletedSource": whole_object({"name": TEXT, "version": WHOLE}),
    "NoticeList": whole_object(
        {"notices": {"type": "array", "items": {"$ref": "#/components/schemas/Notice"}}}
    ),
    "NoticeKey": whole_object({"key": TEXT}),
    "Notice": whole_object(
        {
            "key": {
                **TEXT,
                "description": "the same each time that it is sent; of the end of a job its id",
            },
            "kind": {
                **TEXT,
                "description": "such as import.completed, import.held, import.failed, import.cancelled",
            },
            "at": {**NUMBER, "description": "when it happened, epoch seconds"},
            "text": {**TEXT, "description": "what happened, for people"},
            "facts": {
                "type": "object",
                "description": "what happened, by kind",
                "additionalProperties": True,
            },
            "state": of_type(State),
            "deliveries": {
                "type": "array",
                "description": "by channel; none until it was looked at for sending",
                "items": whole_object(
                    {
                        "channel": {**TEXT, "enum": ["events", "mail", "webhook"]},
                        "state": of_type(State),
                        "attempts": WHOLE,
                        "due_at": {**NUMBER, "description": "when WAITING: not before then"},
                        "at": {
                            "type": ["number", "null"],
                            "description": "when it was sent or given up",
                        },
                        "error": {
                            "type": ["string", "null"],
                            "description": "why the last attempt failed",
                        },
                    }
                ),
            },
        },
        description="That something has happened, and what has become of the news.",
    ),
    "Units": whole_object(
        {
            **{name: {"type": "array", "items": TEXT} for name in ("liquid", "gas", "days")},
            "at": {"type": "array", "items": TEXT, "description": "reference conditions of gas"},
        }
    ),
    "Check": whole_object(
        {
            "check_id": _UUID,
            "status": of_type(CheckStatus),
            "created_at": NUMBER,
            "error": {
                "anyOf": [whole_object({"code": TEXT, "message": TEXT}), {"type": "null"}],
                "description": "why it FAILED",
            },
            "result": {
                "type": ["object", "null"],
                "description": "what was found, when DONE: problems and hints, fields, columns with examples as "
                "written and as stored, a few rows, and a draft of the definition where it has no columns",
                "additionalProperties": True,
            },
        },
        description="A look at what an import of a definition would find.",
    ),
    "SentFile": FILE,
    "Upload": whole_object(
        {
            "url": {
                **TEXT,
                "description": "where the form is sent to, by POST as multipart/form-data",
            },
            "fields": {
                "type": "object",
                "additionalProperties": TEXT,
                "description": "of the form, in any order; `file` comes after them and is the last one",
            },
            "address": {**TEXT, "description": "of the file: what a definition writes as url"},
            "folder": {
                **TEXT,
                "description": "of all files that were sent for the source, for a definition of them",
            },
            "most_bytes": {**WHOLE, "description": "a longer file is refused, and an empty one"},
            "expires_at": {
                **WHOLE,
                "description": "until when the file may be sent, epoch seconds",
            },
        },
        description="How a file is sent, and where it is then.",
    ),
    "PresetList": whole_object(
        {"presets": {"type": "array", "items": {"$ref": "#/components/schemas/Preset"}}}
    ),
    "Preset": whole_object(
        {
            "name": {**TEXT, "description": "what a definition writes as preset"},
            "title": {"type": ["string", "null"]},
            "publisher": {"type": ["string", "null"]},
            "address": {
                "type": ["string", "null"],
                "description": "where its publisher tells of the data",
            },
            "verified": {
                "type": ["boolean", "null"],
                "description": "it was checked against data as published",
            },
            "checked_against": {"type": ["string", "null"]},
            "assumed": {"type": ["array", "null"], "items": TEXT},
            "definition": {
                "type": "object",
                "description": "its mapping",
                "additionalProperties": True,
            },
        },
        description="A mapping of a public source that ships with Wellhead.",
    ),
    "SourceDefinition": {
        "type": "object",
        "description": "docs/sources.md explains every key",
        "additionalProperties": True,
    },
    "Job": _job(whole=True),
    "JobSummary": _job(whole=False),
    "JobParameters": {
        "type": "object",
        "properties": {
            name: {"type": parameter.schema["type"]} for name, parameter in PARAMETERS.items()
        },
    },
    "JobStats": {
        "type": "object",
        "properties": {
            "pages": {**WHOLE, "description": "number of the last page"},
            "bytes": {
                **WHOLE,
                "description": "received, decompressed, those of lost attempts included",
            },
            "http_retries": {
                **WHOLE,
                "description": "requests made again, also of a job that then failed",
            },
            **{
                f"{name}_seconds": {**NUMBER, "description": meaning}
                for name, meaning in _SECONDS_OF.items()
            },
            "changed_since": {
                **NUMBER,
                "description": "of an increment: from when on it asked, epoch seconds",
            },
            "rejects": {
                "type": "object",
                "additionalProperties": WHOLE,
                "description": "what was wrong with rows, as `REASON column`, and how often, the most frequent first",
            },
        },
    },
    "JobWaiting": whole_object(
        {
            "for": {**TEXT, "description": "the code of what failed; docs/errors.md lists them"},
            "until": {**NUMBER, "description": "epoch seconds"},
            "try": {**WHOLE, "description": "which try that will be; 2 is the first that repeats"},
        },
        description="What a worker waits for before it asks the source again.",
    ),
    "JobParts": whole_object(
        {
            "count": {**WHOLE, "description": "of the source, each a range of its key"},
            "done": {**WHOLE, "description": "read to their end"},
        },
        description="Of a source that is read in parts at once.",
    ),
    "JobTooLate": whole_object(
        {
            "message": TEXT,
            "held_since": {**TEXT, "format": "uuid", "description": "the job that was held later"},
            "published_by": {
                **TEXT,
                "format": "uuid",
                "description": "the job that was published later",
            },
            "accept_until": {**NUMBER, "description": "epoch seconds; the week is over"},
        },
        optional=("held_since", "published_by", "accept_until"),
        description="Why a held import cannot be accepted any more: a sentence, and the job that was held "
        "or published since.",
    ),
    "JobEvent": whole_object(
        {"at": NUMBER, "event": TEXT, "code": TEXT, "by": TEXT}
        | dict.fromkeys(("attempt", "page", "records", "lost_records"), WHOLE),
        optional=("by", "attempt", "page", "records", "lost_records", "code"),
    ),
    "JobFinding": whole_object(
        {
            "check": {"enum": sorted(Check)},
            "limit": {**TEXT, "description": "what would have been in order"},
            "found": TEXT,
            "message": {**TEXT, "description": "a sentence for people"},
            "fingerprint": {**TEXT, "description": "the check and how much of what was found"},
            "examples": {"type": "array", "maxItems": MOST_EXAMPLES, "items": {"type": "object"}},
            "holds": {**TRUTH, "description": "the import waits for an operator"},
            "can_be_accepted": TRUTH,
        }
    ),
    "JobCompleteness": whole_object(
        {
            "state": {"enum": ["proved", "unprovable", "disproved"]},
            "reason": {
                **TEXT,
                "description": "a sentence for people; empty when there is nothing to say",
            },
            "announced": {
                "type": ["integer", "null"],
                "description": "rows that the source counted at the beginning",
            },
            "counted_again": {
                "type": ["integer", "null"],
                "description": "rows that it counted at the end",
            },
            "delivered": WHOLE,
        },
        description="The counts are rows; `state` says whether all of them came.",
    ),
    "JobDiff": whole_object(
        {
            **dict.fromkeys(("new", "updated", "unchanged", "rejected", "withdrawn"), WHOLE),
            "covered": {
                **WHOLE,
                "description": "of an import that withdraws rows: how many are stored of its periods",
            },
            "is_first": {**TRUTH, "description": "nothing was stored before"},
            "nulled": {
                "type": "object",
                "description": "by column: of so many stored values that the import touches so many turn null",
                "additionalProperties": whole_object(
                    {"nulled": WHOLE, "stored": WHOLE, "in_store": WHOLE}
                ),
            },
            "absent": {
                "type": "object",
                "description": "by column that lacks a field: values stored, rows that came, those with a value, and "
                "the stretch of rows beside each other without one",
                "additionalProperties": whole_object(
                    dict.fromkeys(("stored", "rows", "filled", "stretch"), WHOLE)
                ),
            },
            "sums": {
                "type": "object",
                "description": "by column: the stored volume of the periods that the import covers, before and after; "
                "new rows are left out",
                "additionalProperties": whole_object(
                    {"before": NUMBER, "after": NUMBER},
                    description="Volumes of stored periods: thousand barrels, million standard cubic feet.",
                ),
            },
            "fields": {
                "type": "array",
                "description": "the changes of stored volumes that are largest, by field and column",
                "items": whole_object(
                    {
                        "code": {"type": ["integer", "string"]},
                        "name": {"type": ["string", "null"]},
                        "column": TEXT,
                        "before": NUMBER,
                        "after": NUMBER,
                    }
                ),
            },
            "examples": {
                "type": "object",
                "description": "by check: a few rows",
                "additionalProperties": {"type": "array", "items": {"type": "object"}},
            },
        },
        description="What an import would change, or has changed: rows, and stored volumes of the periods "
        "that it covers.",
    ),
    "JobLog": whole_object(
        {
            "job_id": {**TEXT, "format": "uuid"},
            "lines": {
                "type": "array",
                "maxItems": MOST_LINES,
                "items": {"$ref": "#/components/schemas/LogLine"},
            },
        }
    ),
    "LogLine": whole_object(
        {
            "at": {**NUMBER, "description": "epoch seconds, by the clock of who wrote it"},
            "level": {"enum": ["INFO", "WARNING", "ERROR", "CRITICAL"]},
            "text": {**TEXT, "maxLength": LONGEST_LINE},
            "attempt": {
                "type": ["integer", "null"],
                "description": "which worker; null of a line that none wrote",
            },
            "fence": {**WHOLE, "description": "the number of the newest claim when it was written"},
        },
        description="A line of the log of a job.",
    ),
    "TokenRenewal": RENEWAL,
    "NewToken": whole_object(
        {
            "name": TEXT,
            "role": {"enum": list(TokenRole)},
            "token": {**TEXT, "description": "in plain text, in this answer alone"},
            "expires_at": {
                "type": ["number", "null"],
                "description": "epoch seconds; null without an end",
            },
            "previous_until": {
                **NUMBER,
                "description": "until when the one before works, epoch seconds",
            },
        },
        description="A token that was just made.",
    ),
    "TokenList": whole_object(
        {"tokens": {"type": "array", "items": {"$ref": "#/components/schemas/Token"}}}
    ),
    "Token": whole_object(
        {
            "name": TEXT,
            "role": {
                "enum": [*TokenRole, None],
                "description": "null of a parameter that is no token and lets nobody in",
            },
            **{
                name: {"type": ["number", "null"], "description": f"{meaning}, epoch seconds"}
                for name, meaning in {
                    "created_at": "when it was made, or made anew",
                    "expires_at": "null without an end",
                    "last_used_at": "its first use of the day when it was used last; null when never",
                    "previous_until": "until when one that it has replaced works; null when none does",
                }.items()
            },
        },
        description="A token of the API, without what is secret.",
    ),
    "Acceptance": FINDINGS,
    "JobWarning": whole_object(
        {"rule": {"enum": sorted(WARNING_RULES)}, "count": WHOLE, "message": TEXT}
    ),
    "JobError": whole_object(
        {
            "code": TEXT,
            "message": TEXT,
            "retryable": TRUTH,
            "phase": of_type(Phase | None),
            "page": {"type": ["integer", "null"]},
            "attempt": WHOLE,
        }
    ),
    "JobPage": whole_object(
        {
            "jobs": {"type": "array", "items": {"$ref": "#/components/schemas/JobSummary"}},
            "next_cursor": {"type": ["string", "null"], "description": "null after the oldest job"},
        }
    ),
    "Snapshot": {**whole_object(_NAMED), "description": "what the rows were read from"},
    "Rejects": _list("Reject"),
    "Reject": whole_object(
        {
            "page": WHOLE,
            "position": WHOLE,
            "reason": {"enum": sorted(REJECTION_REASONS)},
            "detail": {"type": ["string", "null"]},
            "raw": {
                "type": ["string", "null"],
                "description": "up to 4 KiB of what the source sent",
            },
            "rejected_at": MOMENT,
        },
        description="A row that an import rejected, and why.",
    ),
    "Changes": _list("ChangeOrField"),
    "ChangeOrField": {
        "oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("Change", "ChangedField")]
    },
    "Change": whole_object(
        {
            "change": {"enum": ["new", "updated", "withdrawn"]},
            **{
                name: _COLUMNS[name]
                for name in ("source", "field_code", "field_name", "well_code", "well_name")
            },
            **{name: _COLUMNS[name] for name in ("production_period", "period_days")},
            **{
                side: {"oneOf": [{"$ref": "#/components/schemas/Values"}, {"type": "null"}]}
                for side in SIDES
            },
            "differs": {
                "type": "array",
                "items": {"enum": list(OF_A_CHANGE)},
                "description": "the values that differ",
            },
        },
        description="What an import made of a row: its values before and after, null where it was not "
        "there.",
    ),
    "Values": whole_object({name: _COLUMNS[name] for name in OF_A_CHANGE}),
    "ChangedField": whole_object(
        {
            **{name: _COLUMNS[name] for name in ("source", "field_code", "field_name")},
            **dict.fromkeys(("new_records", "updated_records", "withdrawn_records"), WHOLE),
            **{
                f"{volume}_{side}": {
                    "type": ["number", "null"],
                    "description": "of the changed rows",
                }
                for volume in OF_VOLUMES.values()
                for side in SIDES
            },
        },
        description="How many rows of a field an import changed, and the volumes of these rows before and "
        "after: thousand barrels and million standard cubic feet.",
    ),
    "ProductionPage": _list("Production"),
    "Production": whole_object(
        {**_COLUMNS, "created_at": MOMENT, "updated_at": MOMENT},
        description="One well, in one field, for one period: rates of calendar days. A rate times "
        "`period_days` is a volume.",
    ),
    "RevisionPage": _list("Revision"),
    "Revision": whole_object({**_VALUES, "replaced_at": MOMENT, "job_id": _UUID}),
    "TotalPage": _list("Total"),
    "Total": whole_object(
        {
            "source": {**TEXT, "description": "name of the source; * for the sum over all of them"},
            "production_period": DAY,
            "period_days": _DAYS,
            "wells": WHOLE,
            **_SUMS,
            **{
                name: {"type": ["number", "null"], "description": told}
                for name, told in _PAIRS.items()
            },
        },
        description="The sums of one period over `wells` rows. Those of `cut` and `ratio` are in pairs, of "
        "the wells that have both sides; those of `producing` are for a day on which all wells "
        "produce.",
    ),
    "FieldPage": _list("Field"),
    "Field": whole_object(
        {
            **{name: _COLUMNS[name] for name in ("source", "field_code", "field_name")},
            "wells": WHOLE,
            "first_period": DAY,
            "last_period": DAY,
            "well_periods": {**WHOLE, "description": "stored periods of all its wells"},
        },
        description="One field of a source, with its first and last stored period.",
    ),
    "WellPage": _list("Well"),
    "Well": whole_object(
        {
            **{
                name: _COLUMNS[name]
                for name in (
                    "source",
                    "field_code",
                    "field_name",
                    "well_code",
                    "well_reference",
                    "well_name",
                )
            },
            "first_period": DAY,
            "last_period": DAY,
            "periods": WHOLE,
        },
        description="One well in one field, with its first and last stored period.",
    ),
    "RegisterPage": whole_object(
        {
            **_list("Registered")["properties"],
            **{
                name: {**whole_object({"wells": WHOLE, "fields": WHOLE}), "description": meaning}
                for name, meaning in (
                    ("found", "with the words, of what is chosen"),
                    ("total", "of all"),
                )
            },
            "sources": {"type": "array", "items": whole_object({"source": _SOURCE, "rows": WHOLE})},
            "fields": {
                "type": "array",
                "description": "of wells alone: the 200 fields with the most of them",
                "items": whole_object(
                    {
                        **{name: _COLUMNS[name] for name in ("source", "field_code", "field_name")},
                        "rows": WHOLE,
                    }
                ),
            },
        }
    ),
    "Registered": {
        **whole_object(
            {
                **{name: _COLUMNS[name] for name in TEXTS},
                "wells": {**WHOLE, "description": "of the field"},
                "first_period": DAY,
                "last_period": DAY,
                "periods": WHOLE,
                **{
                    name: {
                        **_COLUMNS[name],
                        "description": f"of the last period: {_COLUMNS[name]['description']}",
                    }
                    for name in (
                        "oil_production_kbd",
                        "gas_production_mmcfd",
                        "water_production_kbd",
                    )
                },
                **{
                    name: {"type": ["number", "null"], "description": meaning}
                    for name, meaning in (
                        ("oil_production_kb", "of all periods (thousand barrels)"),
                        ("gas_production_mmcf", "of all periods (million standard cubic feet)"),
                        ("water_production_kb", "of all periods (thousand barrels)"),
                        ("water_cut", "water of water and liquids, in the last period (0 to 1)"),
                        ("gas_oil_ratio", "in the last period (standard cubic feet per barrel)"),
                        ("uptime", "days on production of the days of the last period (0 to 1)"),
                    )
                },
            },
            optional=(*TEXTS[3:], "wells"),
        ),
        "description": "a well in a field, or a field, which has wells and no code of a well",
    },
    "Summary": whole_object(
        {
            "rows": WHOLE,
            **dict.fromkeys(("wells", "fields"), _OF_WELLS),
            **{
                name: {"type": ["string", "null"], "format": "date"}
                for name in ("first_period", "last_period")
            },
            **dict.fromkeys(("wells_with_gaps", "missing_periods", "missing_months"), _OF_WELLS),
            **dict.fromkeys(("replaced_rows", "rejected_rows"), WHOLE),
            "sources": {"type": "array", "items": {"$ref": "#/components/schemas/StoredSource"}},
            "last_import": {
                "anyOf": [{"$ref": "#/components/schemas/LastImport"}, {"type": "null"}]
            },
            "schema_version": WHOLE,
            "storage_version": TEXT,
            "snapshot": whole_object({**_FACTS, "job_id": _UUID}),
        },
        description="What is published, and by which import.",
    ),
    "StoredSource": whole_object(
        {
            "source": _SOURCE,
            "period": {
                "enum": ["day", "month", "quarter", "year", None],
                "description": "length of its periods; null in a file that does not tell it",
            },
            "rows": WHOLE,
            "first_period": DAY,
            "last_period": DAY,
            **dict.fromkeys(
                (
                    "wells",
                    "fields",
                    "wells_with_gaps",
                    "missing_periods",
                    "missing_months",
                    "replaced_rows",
                ),
                WHOLE,
            ),
        },
        description="What is published of one source.",
    ),
    "LastImport": whole_object(
        {
            "job_id": _UUID,
            "source": TEXT,
            "triggered_by": TEXT,
            "started_at": MOMENT,
            "merged_at": MOMENT,
            **dict.fromkeys(
                ("new_records", "updated_records", "duplicate_records", "failed_records"), WHOLE
            ),
            "expected_records": {"type": ["integer", "null"]},
            "warnings": {
                "type": "object",
                "additionalProperties": WHOLE,
                "description": "rule: count",
            },
        }
    ),
    "Export": whole_object(
        {
            "url": {**TEXT, "format": "uri"},
            "expires_at": {
                "type": ["number", "null"],
                "description": "epoch seconds; null for a file",
            },
            "created_at": {
                "type": ["number", "null"],
                "description": "when the import completed, epoch seconds",
            },
            **{name: told for name, told in _FACTS.items() if name != "fence"},
            "job_id": _UUID,
        }
    ),
    "SqlOffer": whole_object(
        {
            "off": {
                "type": ["string", "null"],
                "description": "why statements are not answered; null where they are",
            },
            "questions": {
                "type": "array",
                "items": whole_object(
                    dict.fromkeys(("name", "title", "explanation", "statement"), TEXT)
                ),
            },
        }
    ),
    "SqlStatement": {
        "type": "object",
        "required": ["statement"],
        "properties": {
            name: {"description": parameter.meaning, **parameter.schema}
            for name, parameter in QUERIES["sql"].items()
        },
        "additionalProperties": False,
    },
    "SqlAnswer": whole_object(
        {
            "columns": {"type": "array", "items": whole_object({"name": TEXT, "type": TEXT})},
            "rows": {
                "type": "array",
                "description": "the values in the order of the columns; what JSON has no form for is text",
                "items": {
                    "type": "array",
                    "items": {"type": ["string", "number", "boolean", "null"]},
                },
            },
            "cut": {
                "type": ["string", "null"],
                "enum": ["rows", "bytes", None],
                "description": "by what the rows are cut; null where they are all there",
            },
            "snapshot": {"$ref": "#/components/schemas/Snapshot"},
        }
    ),
    "ListFile": whole_object(
        {
            "url": {**TEXT, "format": "uri"},
            "expires_at": {
                "type": ["number", "null"],
                "description": "epoch seconds; null for a file",
            },
            **{name: _FACTS[name] for name in ("name", "rows", "bytes", "sha256")},
            "snapshot": {"$ref": "#/components/schemas/Snapshot"},
        }
    ),
    **{
        f"{name}OrFile": {
            "anyOf": [{"$ref": f"#/components/schemas/{each}"} for each in (name, "ListFile")]
        }
        for name in (
            *(f"{each}Page" for each in ("Production", "Revision", "Total", "Field", "Well")),
            "Rejects",
            "Changes",
        )
    },
    "Health": whole_object(
        {"version": TEXT, "checks": {"type": "object", "additionalProperties": TEXT}}
    ),
    "Document": {"type": "object", "description": "This document.", "additionalProperties": True},
}
