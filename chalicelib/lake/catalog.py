"""Catalog: what an Iceberg REST catalog says of a table, and the commits that DuckDB cannot make.

DuckDB writes rows; it can neither set a table back to an older snapshot nor forget snapshots, and
of its own errors only the catalog tells what has happened. Columns are added here too, so that two
who add the same ones at once agree on them. Requests are signed for Amazon S3 Tables; a catalog
that is named by its URL is asked without credentials.
https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml
https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-tables-integrating-open-source.html
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session

from chalicelib.backoff import Backoff, seconds_of_retry_after
from chalicelib.errors import LakeUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from botocore.session import Session

NAMESPACE = "wellhead"
MAIN = "main"
SECONDS = (2.0, 30.0)  # to connect, and for an answer
TRIES = 3  # of what has changed nothing
BACKOFF = Backoff(first=0.2)
LONGEST_WAIT = 3.0  # seconds, whatever the catalog asks for: somebody may wait for an answer
REPLACED = "replace"  # the operation of a commit that holds the same rows in other files


@dataclass(frozen=True, kw_only=True)
class Head:
    """A table as it stands now. `snapshot` is that of main; None while there is none.
    `snapshots` are all that are kept, by their ids, and `schema` is that of today, as the protocol
    writes them. `last_field` is the highest id that a column ever had.
    """

    uuid: str
    snapshot: int | None
    properties: Mapping[str, str]
    snapshots: Mapping[int, Mapping[str, Any]]
    schema: Mapping[str, Any]
    last_field: int

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Self:
        current = metadata.get("current-snapshot-id")
        schemas = {each["schema-id"]: each for each in metadata["schemas"]}
        # Iceberg's Java library writes -1 where there is none, in tables of versions 1 and 2.
        has_snapshot = current not in (None, -1)
        return cls(
            uuid=metadata["table-uuid"],
            snapshot=current if has_snapshot else None,
            properties=metadata.get("properties") or {},
            snapshots={each["snapshot-id"]: each for each in metadata.get("snapshots") or []},
            schema=schemas[metadata["current-schema-id"]],
            last_field=metadata["last-column-id"],
        )

    @property
    def columns(self) -> list[str]:
        return [field["name"] for field in self.schema["fields"]]

    @property
    def rows(self) -> int | None:
        """Of main."""
        return self.rows_of(self.snapshot)

    def rows_of(self, snapshot: int | None) -> int | None:
        """Those that are not deleted; None where the snapshot does not tell."""
        if snapshot is None:
            return 0
        summary = self.snapshots[snapshot].get("summary", {})
        if "total-records" not in summary:
            return None
        if int(summary.get("total-equality-deletes", 0)):
            return None  # one of these may be of any number of rows
        deleted = int(summary.get("total-position-deletes", 0))  # each of one row
        return int(summary["total-records"]) - deleted

    def holds_the_rows_of(self, snapshot: int | None) -> bool:
        """Whether main is this snapshot, or what compaction has made of it since.

        Main may be 9, a replacement of 8, which is a replacement of 7, where an import has added
        rows to 6. So main holds the rows of 9, 8 and 7, and not those of 6.
        """
        ancestor = self.snapshot
        while ancestor != snapshot:
            facts = self.snapshots.get(ancestor) if ancestor is not None else None
            if facts is None or facts.get("summary", {}).get("operation") != REPLACED:
                return False
            ancestor = facts.get("parent-snapshot-id")
        return True


class Catalog:
    """`place` is the ARN of a table bucket of S3 Tables, or the URL of a catalog.
    Every method raises LakeUnavailable.
    """

    def __init__(
        self,
        place: str,
        *,
        session: Session,
        send: Callable[[AWSPreparedRequest], AWSResponse] | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.place = place
        self._session = session
        self._send = send or URLLib3Session(timeout=SECONDS).send  # type: ignore[arg-type]  # a pair is good too
        self._sleep = sleep

    @property
    def is_s3_tables(self) -> bool:
        return self.place.startswith("arn:")

    @property
    def region(self) -> str:
        """Of the table bucket: arn:aws:s3tables:REGION:ACCOUNT:bucket/NAME."""
        return self.place.split(":")[3]

    def head(self, table: str) -> Head | None:
        """None when there is no such table."""
        status, answer = self._ask("GET", f"tables/{table}")
        if status == HTTPStatus.NOT_FOUND:
            return None
        if status != HTTPStatus.OK:
            raise _refusal(status, answer)
        return Head.of(answer["metadata"])

    def set_main(
        self, table: str, head: Head, snapshot: int | None, properties: Mapping[str, str]
    ) -> bool:
        """Main becomes this snapshot, and the table has the properties;
        False when somebody has moved it since `head` was read.
        """
        # A table that held nothing had no main, and that is what it goes back to.
        update: dict[str, Any] = {"action": "remove-snapshot-ref", "ref-name": MAIN}
        if snapshot is not None:
            update = {
                "action": "set-snapshot-ref",
                "ref-name": MAIN,
                "type": "branch",
                "snapshot-id": snapshot,
            }
        return self._commit(table, head, [update, *_setting(properties)])

    def set_properties(self, table: str, head: Head, properties: Mapping[str, str]) -> bool:
        """Main stays where it is; False when somebody has moved it since `head` was read."""
        return self._commit(table, head, _setting(properties))

    def forget(self, table: str, head: Head, snapshots: Sequence[int]) -> bool:
        """These snapshots are no longer kept; False when main has moved since `head` was read."""
        update = {"action": "remove-snapshots", "snapshot-ids": list(snapshots)}
        return self._commit(table, head, [update])

    def add_columns(self, table: str, head: Head, types: Mapping[str, str]) -> bool:
        """Columns of these names and Iceberg's types, behind those that are there: stored rows have
        null in them. False when somebody has changed the columns since `head` was read.
        """
        # Behind every id that was ever given: that of a column that was dropped is not used again.
        first_id = head.last_field + 1
        added = [
            {"id": field_id, "name": name, "type": each, "required": False}
            for field_id, (name, each) in enumerate(types.items(), start=first_id)
        ]
        # The catalog gives the new schema its id; -1 stands for that of the last one added.
        schema: dict[str, Any] = {
            key: value for key, value in head.schema.items() if key != "schema-id"
        }
        schema["fields"] = [*head.schema["fields"], *added]
        updates: list[dict[str, Any]] = [
            {"action": "add-schema", "schema": schema},
            {"action": "set-current-schema", "schema-id": -1},
        ]
        same_columns = {
            "type": "assert-current-schema-id",
            "current-schema-id": head.schema["schema-id"],
        }
        same_last_field = {
            "type": "assert-last-assigned-field-id",
            "last-assigned-field-id": head.last_field,
        }
        return self._commit_where([same_columns, same_last_field], table, head, updates)

    def _commit(self, table: str, head: Head, updates: list[dict[str, Any]]) -> bool:
        same_main = {"type": "assert-ref-snapshot-id", "ref": MAIN, "snapshot-id": head.snapshot}
        return self._commit_where([same_main], table, head, updates)

    def _commit_where(
        self,
        requirements: list[dict[str, Any]],
        table: str,
        head: Head,
        updates: list[dict[str, Any]],
    ) -> bool:
        """False where one of the requirements is not met any more."""
        same_table = {"type": "assert-table-uuid", "uuid": head.uuid}
        request = {
            "identifier": {"namespace": [NAMESPACE], "name": table},
            "requirements": [same_table, *requirements],
            "updates": updates,
        }
        body = json.dumps(request).encode()
        status, answer = self._ask("POST", f"tables/{table}", body)
        if status not in (HTTPStatus.OK, HTTPStatus.CONFLICT):
            raise _refusal(status, answer)
        return status == HTTPStatus.OK

    # -- one request ------------------------------------------------------------------------------

    def _ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
        """What fails in passing is asked once more. A commit only where the catalog has refused to
        look at it: after a lost answer the same one would be refused, although it was made.
        """
        is_commit = body is not None
        for attempt in range(TRIES):
            is_last = attempt == TRIES - 1
            asked = None
            try:
                answer = self._send(self._request(method, path, body))
            except BotoCoreError as exc:
                if is_last or is_commit:
                    raise LakeUnavailable from exc
            else:
                status = answer.status_code
                has_failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR and not is_commit
                is_passing = status == HTTPStatus.TOO_MANY_REQUESTS or has_failed
                if is_last or not is_passing:
                    return status, _json(answer.content)
                asked = seconds_of_retry_after(answer.headers.get("Retry-After"))
            wait = BACKOFF.seconds(attempt, asked=asked)
            self._sleep(min(wait, LONGEST_WAIT))
        raise LakeUnavailable  # not reached: the last try has returned or raised

    def _request(self, method: str, path: str, body: bytes | None) -> AWSPreparedRequest:
        """S3 Tables wants it signed."""
        headers = {"Content-Type": "application/json"} if body else {}
        request = AWSRequest(method=method, url=f"{self._root}/{path}", data=body, headers=headers)
        if self.is_s3_tables:
            keys = self._session.get_credentials()
            if keys is None:
                raise LakeUnavailable(
                    "This function has no rights to sign requests to the lake's catalog with."
                )
            SigV4Auth(keys, "s3tables", self.region).add_auth(request)
        return request.prepare()

    @property
    def _root(self) -> str:
        if self.is_s3_tables:
            endpoint = f"https://s3tables.{self.region}.amazonaws.com/iceberg/v1"
            base = f"{endpoint}/{quote(self.place, safe='')}"
        else:
            base = f"{self.place.rstrip('/')}/v1"
        return f"{base}/namespaces/{NAMESPACE}"


def _setting(properties: Mapping[str, str]) -> list[dict[str, Any]]:
    if not properties:
        return []
    return [{"action": "set-properties", "updates": dict(properties)}]


def _json(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None


def _refusal(status: int, answer: Any) -> LakeUnavailable:
    error = answer.get("error") if isinstance(answer, dict) else None
    kind = error.get("type", "") if isinstance(error, dict) else ""
    return LakeUnavailable(
        f"The catalog of the lake answers {status} {kind}".rstrip()
        + ". Check WELLHEAD_CATALOG, and that this function may use it."
    )
