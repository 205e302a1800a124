"""What can go wrong for a client, in one tree.

    ClientError                 code, message, whether trying again can help, request id, details
    ├── InvalidAddress          the URL or the token cannot be used as they are; nothing was sent
    ├── Unreachable             no connection, or no whole answer in time
    ├── Untrusted               the certificate of the address is not valid
    ├── NotWellhead             something else answers there
    ├── TimedOut                the import goes on, the caller's time is over
    ├── DownloadFailed          the database could not be fetched or written
    │   └── DownloadDamaged     it is not the file that the API announced
    └── ApiError                the API answered with an error
        ├── AuthFailed          401, 403
        ├── NotFound            404
        ├── SnapshotGone        410; the data was replaced while its pages were read
        └── RuleViolated        409; `rule` names it
            ├── AlreadyRunning  SINGLE_IMPORT_RULE; `job_id` is the one that runs
            └── HeldImport      whether an import is held forbids it
                ├── NotHeld         NOT_HELD
                ├── FindingsDiffer  FINDINGS_DIFFER; others were named than hold it
                └── AcceptTooLate   ACCEPT_TOO_LATE

A class's docstring is its default sentence for people.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping


class ClientError(Exception):
    """The request failed."""

    default_code: ClassVar[str] = "CLIENT_ERROR"
    default_retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        retryable: bool | None = None,
        request_id: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        usual_message = inspect.cleandoc(type(self).__doc__ or "")
        self.message = message or usual_message.replace("\n", " ")
        self.code = code or self.default_code
        self.retryable = self.default_retryable if retryable is None else retryable
        self.request_id = request_id
        self.details = dict(details or {})
        super().__init__(self.message)


class InvalidAddress(ClientError):
    """That is no address of Wellhead. Give an http or https URL, such as http://127.0.0.1:8000."""

    default_code = "INVALID_ADDRESS"


class Unreachable(ClientError):
    """Nothing answers at this address. Check it, and that Wellhead runs there."""

    default_code = "UNREACHABLE"
    default_retryable = True


class Untrusted(ClientError):
    """The certificate of this address is not valid, so nothing was sent. Check the address."""

    default_code = "UNTRUSTED"


class NotWellhead(ClientError):
    """What answers at this address is not Wellhead. Check the URL."""

    default_code = "NOT_WELLHEAD"


class TimedOut(ClientError):
    """The import has not ended in the time given. It goes on."""

    default_code = "TIMED_OUT"
    default_retryable = True


class DownloadFailed(ClientError):
    """The database could not be downloaded. Try again."""

    default_code = "DOWNLOAD_FAILED"
    default_retryable = True


class DownloadDamaged(DownloadFailed):
    """What came is not the file that the API announced, so nothing was kept. Try again."""

    default_code = "DOWNLOAD_DAMAGED"


class UploadFailed(ClientError):
    """The file could not be sent. Try again."""

    default_code = "UPLOAD_FAILED"


class ApiError(ClientError):
    """The API answered with an error. `status` is that of HTTP, `retry_after` seconds or None."""

    default_code = "API_ERROR"

    def __init__(
        self,
        message: str | None = None,
        *,
        status: int,
        rule: str | None = None,
        retry_after: float | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(message, **facts)
        self.status = status
        self.rule = rule
        self.retry_after = retry_after


class AuthFailed(ApiError):
    """The API does not accept this token for that."""


class NotFound(ApiError):
    """The API knows nothing of that name."""


class SnapshotGone(ApiError):
    """The data was replaced while its pages were read, and the older snapshot is no longer kept.
    Begin again.
    """


class RuleViolated(ApiError):
    """A rule of Wellhead forbids this now."""


class AlreadyRunning(RuleViolated):
    """An import is already running, and only one runs at a time."""

    @property
    def job_id(self) -> str:
        """Of the import that runs."""
        return str(self.details["job_id"])

    @property
    def started_at(self) -> float | None:
        """When that one was triggered, epoch seconds."""
        return self.details.get("started_at")


class HeldImport(RuleViolated):
    """Whether this import is held forbids that. See it: wellhead status JOB"""


class NotHeld(HeldImport):
    """This import is not held, so there is nothing to accept or to discard."""


class FindingsDiffer(HeldImport):
    """Other findings were named than those that hold this import. Look at them once more."""


class AcceptTooLate(HeldImport):
    """This import can no longer be accepted. Start a new one."""
