"""Every error of Wellhead, in one tree.

    WellheadError                    code, HTTP status, whether trying again can help
    ├── SettingsError                a setting is missing or wrong; nothing starts
    ├── ValidationError              400  the request is not of the contract's form
    │   ├── InvalidJobId             400
    │   ├── SqlInvalid               400  a reader's statement is none, or DuckDB refuses it
    │   ├── DefinitionInvalid        400  a source's definition has faults, all of which are listed
    │   └── SourceNotNamed           400  several sources, and none of them is meant without a name
    ├── Unauthorized                 401  no token, or one that nobody knows
    ├── TokenExpired                 401  a token whose time is over, or one that a newer one has replaced
    ├── RequestForbidden             403  a browser sent it on somebody else's behalf
    ├── RoleRequired                 403  the token's role does not allow that
    ├── MethodNotAllowed             405  the address knows other methods
    ├── JobNotFound                  404
    ├── SourceUnknown                404
    ├── TokenUnknown                 404  no token has that name
    ├── SourceVersionDiffers         412  somebody has changed the definition meanwhile
    ├── CheckUnknown                 404  no check of a source has that id
    ├── CheckFailed                  a source could not be looked at, and nobody knows why
    ├── NothingPublished             404  no import has completed yet
    ├── FileNotServed                404  the console has no such file
    ├── NotInFeed                    404  the feed has no such set, or no such entity in it
    ├── FormatNotServed              406  the feed has no such format
    ├── FeedNotImplemented           501  the feed does not know that part of OData
    ├── RejectsNotYet                409  the job has not published its rejected rows yet
    ├── RejectsNotKept               409  the job ended without publishing anything
    ├── NotHeld                      409  the job waits for nobody's word
    ├── FindingsDiffer               409  other findings were named than the job was held with
    ├── AcceptTooLate                409  what the job had fetched is older than what has come since
    ├── UploadNotHere                409  there is no bucket that files could be sent to
    ├── BusinessRuleViolation        409  names the rule that refuses
    │   ├── ImportAlreadyRunning     409  SINGLE_IMPORT_RULE
    │   ├── JobIsFinal               409  FINAL_STATE_RULE
    │   ├── NotRetryable             409  RETRY_RULE
    │   ├── RetriedAlready           409  SINGLE_RETRY_RULE
    │   ├── NotResumable             409  RESUME_RULE
    │   ├── SourceInUse              409  SOURCE_IN_USE_RULE
    │   ├── SourceOfSettings         409  SETTINGS_SOURCE_RULE
    │   ├── SourceNotScheduled       409  SCHEDULE_RULE
    │   └── SourceRedefined          409  SOURCE_REDEFINED_RULE
    ├── StateUnavailable             503  DynamoDB does not answer
    ├── TokensUnavailable            503  SSM does not answer
    ├── DispatchFailed               503  the import function could not be started
    ├── QueryUnavailable             503  the query function gave no answer
    │   ├── QueryFunctionMissing     503  there is none, or it may not be called
    │   ├── QueryThrottled           503  it takes no more calls for now
    │   ├── DatabaseFetching         503  the database is on its way to the function's local disk
    │   ├── DatabaseTooLarge         503  the database is larger than the function's local disk
    │   └── QueryTooSlow             504  the answer was not there in time
    ├── NoticeUnsent                 a notice did not reach a channel; it is sent again later
    ├── AnswerTooLarge               500  one row is more than an answer can carry
    ├── ListTooLarge                 409  more rows than a file can have, or is made of in time
    ├── QueryTooLarge                500  the answer takes more memory than there is
    ├── QueryFailed                  500  DuckDB gave no answer, though the database is whole
    ├── SqlOff                       409  what is published is not one file that a statement could be kept to
    ├── SqlTooSlow                   422  a reader's statement took longer than it may
    ├── SqlTooLarge                  422  it took more memory than it may
    ├── SqlEnded                     422  it ended the process that answered it
    ├── SnapshotGone                 410  the snapshot that a cursor belongs to is no longer kept
    ├── Unhealthy                    503  something that the API needs does not answer
    ├── ClaimRefused                 this delivery has nothing to do
    ├── ScheduleMoved                another sweeper has started what was due
    ├── LeaseLost                    another worker has taken over; stop at once, write nothing
    ├── CancelRequested              somebody asked the job to stop
    └── ImportFailed                 what makes a job FAILED
        ├── LeaseExpired             the worker died and nothing could go on
        ├── NotStarted               the import function never started
        ├── NoProgress               a slice of the import brought nothing new
        ├── MachineStopped           the execution of the state machine ended before the import
        ├── TooManyAttempts          the import was restarted too often
        ├── SecretUnavailable        the store of the source's secret does not answer
        ├── SecretInvalid            the source's secret is missing, not readable or not of its form
        ├── SourceError              the operator's OData API
        │   ├── SourceUnreachable    no connection
        │   ├── SourceUntrusted      its certificate is not valid
        │   ├── SourceInside         its name leads into the machine that Wellhead runs on
        │   ├── SourceInterrupted    the connection broke, or the body ended early
        │   ├── SourceTooSlow        a page was not there in time
        │   ├── SourceUnavailable    408 or 5xx
        │   ├── SourceThrottled      429
        │   ├── SourceUnauthorized   401
        │   ├── SourceForbidden      403
        │   ├── SourceNotFound       404
        │   ├── SourceGone           410
        │   ├── SourceRefused        another 4xx, or a status that is no page
        │   ├── SourceRedirected     an answer or a link points to another origin
        │   ├── SourceInvalid        not an OData page
        │   ├── SourceEncoding       a character set or a compression that is not read
        │   ├── SourceTooLarge       a page or an import beyond its limits
        │   ├── SourceTimeSpent      the whole source took longer than it may
        │   ├── WorkerTimeSpent      this worker's time ends before the page is there
        │   ├── TokenUnavailable     the token endpoint does not answer
        │   ├── TokenRefused         the token endpoint refuses the client
        │   ├── SourceLoop           the paging does not advance
        │   ├── SourceKey            the key does not tell what comes after a row
        │   ├── SourceColumns        a required column is missing or ambiguous
        │   └── FileError            a file of the source
        │       ├── FilesNotFound    no file at that place
        │       ├── FileUnreadable   damaged, locked, or not in its format
        │       ├── FileTooLarge     a file, a row or what a file unpacks to beyond its limits
        │       ├── FileFormatUnknown  nothing that is read
        │       └── FileChanged      it grew or changed while it was read
        ├── Held                     its findings hold it until an operator accepts them
        ├── HeldRowsGone             what was accepted is not there any more as it was
        ├── SourceChangedSince       the source or its mapping is another one than before
        ├── WarehouseUnavailable     the warehouse refuses, or does not answer
        │   ├── WarehouseSilent      it gave no answer; the import goes on from its checkpoint
        │   └── WarehouseFileMissing a file that should be there is not
        ├── WarehouseOwned           the warehouse is another table's
        ├── WarehouseCorrupt         a published file is not what the pointer says
        ├── WarehouseTooNew          the database was written by a later Wellhead
        ├── WarehouseForeign         the published file is none of Wellhead's
        ├── RuntimeTooOld            the AWS client of the runtime cannot do what publishing needs
        ├── PeriodChanged            stored rows and new ones have periods of different lengths
        ├── CodesAmbiguous           codes of an older database match several of the source's
        ├── FullImportFirst          codes of an older database wait for an import of everything
        ├── PublishRefused           the new snapshot did not read back as it was written
        ├── ScratchFull              no room on the local disk
        └── OutOfMemory              DuckDB may not take as much memory as it needs

A class's docstring is its default sentence for people: what happened and what to do next.
"""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, Self


class WellheadError(Exception):
    """Wellhead failed unexpectedly.
    Look at the function's log for this request, and report what it says.
    """

    code: ClassVar[str] = "INTERNAL_ERROR"
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    rule: ClassVar[str | None] = None

    def __init__(self, message: str | None = None, **details: Any) -> None:
        sentence = inspect.cleandoc(type(self).__doc__ or "")
        self.message = message or sentence.replace("\n", " ")
        self.details = details
        super().__init__(self.message)


class SettingsError(WellheadError):
    """A setting is missing or wrong.
    Correct the one named here; docs/configuration.md lists them all.
    """

    code = "INVALID_SETTING"


class ValidationError(WellheadError):
    """The request is not of the expected form. Correct the field named here and send it again."""

    code = "VALIDATION_ERROR"
    http_status = 400


class MethodNotAllowed(WellheadError):
    """This route does not know that method. The header Allow names those that it knows."""

    code = "METHOD_NOT_ALLOWED"
    http_status = 405


class InvalidJobId(ValidationError):
    """That is no job id. A job id is the UUID that the trigger answered with."""

    code = "INVALID_JOB_ID"


class DefinitionInvalid(ValidationError):
    """The definition of the source has faults.
    Correct each of those listed here; docs/sources.md explains every key.
    """

    code = "SOURCE_DEFINITION_INVALID"


class SqlInvalid(ValidationError):
    """That is not one statement that reads. Send a single SELECT, WITH, FROM, VALUES,
    SHOW, DESCRIBE, SUMMARIZE or EXPLAIN, and nothing that sets, writes or calls.
    """

    code = "SQL_INVALID"


class SourceNotNamed(ValidationError):
    """There are several sources, and none of them is the default one.
    Name one of those that are listed here, as `source`.
    """

    code = "SOURCE_NOT_NAMED"


class Unauthorized(WellheadError):
    """Send the header `Authorization: Bearer` with a valid token."""

    code = "UNAUTHORIZED"
    http_status = 401


class TokenExpired(WellheadError):
    """The time of this token is over, or a newer one has replaced it.
    Ask those who run Wellhead for another.
    """

    code = "TOKEN_EXPIRED"
    http_status = 401


class TokenUnknown(WellheadError):
    """There is no token of this name. Look at the list of tokens."""

    code = "TOKEN_UNKNOWN"
    http_status = 404


class RoleRequired(WellheadError):
    """The role of this token does not allow that. Use a token with the role that is named here."""

    code = "ROLE_REQUIRED"
    http_status = 403


class RequestForbidden(WellheadError):
    """A page of another site, or a browser's prefetch, sent this request.
    Start imports from Wellhead itself or from your own program.
    """

    code = "FORBIDDEN"
    http_status = 403


class JobNotFound(WellheadError):
    """There is no job with this id. Check the id, or start an import to get one."""

    code = "JOB_NOT_FOUND"
    http_status = 404


class SourceUnknown(WellheadError):
    """There is no source with this name. GET /sources lists them."""

    code = "SOURCE_UNKNOWN"
    http_status = 404


class SourceVersionDiffers(WellheadError):
    """The source has another version than the request names.
    Read it, look at what has changed, and send its version as If-Match.
    """

    code = "SOURCE_VERSION_DIFFERS"
    http_status = 412


class CheckUnknown(WellheadError):
    """There is no check of that id: the table keeps only the newest ones. Start another one."""

    code = "SOURCE_CHECK_UNKNOWN"
    http_status = 404


class CheckFailed(WellheadError):
    """The source could not be looked at: the function that does so ended unexpectedly.
    Look at its log, and try again with fewer or smaller files.
    """

    code = "SOURCE_CHECK_FAILED"


class NothingPublished(WellheadError):
    """There is no data yet, because no import has completed.
    Start one, or wait for the one that runs.
    """

    code = "NO_DATA_YET"
    http_status = 404
    retryable = True


class SnapshotUnknown(WellheadError):
    """The warehouse keeps no published snapshot of this name.
    GET /api/v1/ops/snapshots lists those that it keeps.
    """

    code = "SNAPSHOT_UNKNOWN"
    http_status = 404


class NoOlderVersion(WellheadError):
    """The bucket keeps no older version of this file with the content that it should have.
    Go back to another snapshot: wellhead ops rollback.
    """

    code = "NO_OLDER_VERSION"


class ReportUnknown(WellheadError):
    """There is no report of that id: the table keeps only the newest ones. Ask for another one."""

    code = "OPS_REPORT_UNKNOWN"
    http_status = 404


class ReportFailed(WellheadError):
    """The function that did this ended unexpectedly. Look at its log; a database that is too large
    for its time, memory or disk can be looked at elsewhere: wellhead ops verify --here.
    """

    code = "OPS_REPORT_FAILED"


class FileNotServed(WellheadError):
    """The console has no such file. Open it at /console."""

    code = "FILE_NOT_FOUND"
    http_status = 404


class RejectsNotYet(WellheadError):
    """The import has not completed, and its rejected rows are published with it.
    Ask again when it has.
    """

    code = "REJECTS_NOT_YET"
    http_status = 409
    retryable = True


class RejectsNotKept(WellheadError):
    """The import ended without publishing anything, its rejected rows among it.
    Its status says why it ended.
    """

    code = "REJECTS_NOT_KEPT"
    http_status = 409


class ChangesNotYet(WellheadError):
    """The import has not completed, so it has changed nothing yet.
    Ask again when it has; what a held import would change its findings tell.
    """

    code = "CHANGES_NOT_YET"
    http_status = 409
    retryable = True


class ChangesNotKept(WellheadError):
    """The published database knows nothing of this import: it ended without publishing,
    or an earlier database was put back since. Its status says how it ended.
    """

    code = "CHANGES_NOT_KEPT"
    http_status = 409


class UploadNotHere(WellheadError):
    """This stack keeps its data in a directory, so there is no bucket to send a file to. On the
    laptop, give the path of the file as the source's address; elsewhere put it into a bucket of
    WELLHEAD_SOURCE_BUCKETS.
    """

    code = "UPLOAD_NOT_HERE"
    http_status = 409


class NotHeld(WellheadError):
    """The job is not held by findings, so there is nothing to accept or discard.
    Its status says what became of it.
    """

    code = "NOT_HELD"
    http_status = 409


class FindingsDiffer(WellheadError):
    """The findings that hold this job are others than those you named.
    Look at them, and name each one.
    """

    code = "FINDINGS_DIFFER"
    http_status = 409


class AcceptTooLate(WellheadError):
    """What this job had fetched can no longer be published. Start a new import."""

    code = "ACCEPT_TOO_LATE"
    http_status = 409


class BusinessRuleViolation(WellheadError):
    """A rule of Wellhead forbids this now."""

    code = "BUSINESS_RULE_VIOLATION"
    http_status = 409


class ImportAlreadyRunning(BusinessRuleViolation):
    """An import is already running, and only one runs at a time.
    Follow that one, or try again when it ends.
    """

    rule = "SINGLE_IMPORT_RULE"
    retryable = True


class JobIsFinal(BusinessRuleViolation):
    """The job has ended, and what has ended does not change. Start a new import if you need one."""

    rule = "FINAL_STATE_RULE"


class NotRetryable(BusinessRuleViolation):
    """Only a job that FAILED or was CANCELLED can be retried.
    Follow this one, or start a new import.
    """

    rule = "RETRY_RULE"


class RetriedAlready(BusinessRuleViolation):
    """The job was retried already.
    Follow the job that goes on from it; if that one ended too, retry that one.
    """

    rule = "SINGLE_RETRY_RULE"


class NotResumable(BusinessRuleViolation):
    """What the job had fetched is of no use any more. Start a new import."""

    rule = "RESUME_RULE"


class SnapshotIsCurrent(BusinessRuleViolation):
    """The snapshot is the one that is published now, so there is nothing to roll back to."""

    rule = "CURRENT_SNAPSHOT_RULE"


class SourceInUse(BusinessRuleViolation):
    """An import of this source is running. Wait for its end, or cancel it, then try again."""

    rule = "SOURCE_IN_USE_RULE"
    retryable = True


class SourceOfSettings(BusinessRuleViolation):
    """This source is described by the settings WELLHEAD_SOURCE_*, and not by a definition.
    Change it there.
    """

    rule = "SETTINGS_SOURCE_RULE"


class SourceNotScheduled(BusinessRuleViolation):
    """The source has no schedule, so there is nothing to pause.
    Define one with the key schedule.
    """

    rule = "SCHEDULE_RULE"


class TokenBusy(BusinessRuleViolation):
    """Somebody else is renewing the token of this name.
    Look at the tokens; renew it again if it still has to be.
    """

    rule = "TOKEN_RULE"


class SourceRedefined(BusinessRuleViolation):
    """The definition of the source was changed at this very moment. Send the request again."""

    rule = "SOURCE_REDEFINED_RULE"
    retryable = True


class StateUnavailable(WellheadError):
    """The job table does not answer.
    Nothing was changed without an answer that says so; try again shortly.
    """

    code = "STATE_UNAVAILABLE"
    http_status = 503
    retryable = True


class TokensUnavailable(WellheadError):
    """The token cannot be checked just now, because the store of tokens does not answer.
    Try again shortly.
    """

    code = "TOKENS_UNAVAILABLE"
    http_status = 503
    retryable = True


class NoticeUnsent(WellheadError):
    """A notice did not reach its receiver.
    It is sent again later, for WELLHEAD_NOTICES_HOURS at most; see docs/notices.md.
    """

    code = "NOTICE_UNSENT"
    retryable = True


class DispatchFailed(WellheadError):
    """The import function could not be started just now.
    The job stays PENDING and is started again.
    """

    code = "DISPATCH_FAILED"
    http_status = 503
    retryable = True


class QueryUnavailable(WellheadError):
    """The query function gave no answer just now.
    Try again shortly; if it stays, look at the function's log.
    """

    code = "QUERY_UNAVAILABLE"
    http_status = 503
    retryable = True


class QueryFunctionMissing(QueryUnavailable):
    """The query function is not there, or the API may not call it.
    Check WELLHEAD_QUERY_FUNCTION and the deployment; imports are not affected.
    """

    code = "QUERY_FUNCTION_MISSING"


class QueryThrottled(QueryUnavailable):
    """Too many questions are being answered at this moment.
    Try again shortly, with fewer at a time.
    """

    code = "QUERY_THROTTLED"


class DatabaseFetching(QueryUnavailable):
    """The published database is on its way to the query function's own disk, and it takes longer
    than an answer may. Try again after the time in Retry-After; what has come is kept.
    """

    code = "DATABASE_FETCHING"


class QueryTooSlow(QueryUnavailable):
    """The answer was not there in time. Try again: the first question after an import may have to
    fetch the database. If it stays, ask for less, such as one field or fewer years.
    """

    code = "QUERY_TOO_SLOW"
    http_status = 504


class AnswerTooLarge(WellheadError):
    """One row is larger than an answer can be.
    Read it from the database itself; the export says where it is.
    """

    code = "ANSWER_TOO_LARGE"


class ExportTooLarge(WellheadError):
    """There are more rows than a file is made of while somebody waits. Read the lake's tables
    themselves, by WELLHEAD_CATALOG; docs/lake.md says which programs do. Where a database is
    published, take that.
    """

    code = "EXPORT_TOO_LARGE"
    http_status = 409


class ListTooLarge(WellheadError):
    """The list has more rows than the file can have, or than it can be made of while somebody
    waits. Ask for less, such as one field or fewer years, or take another format: Parquet takes
    most.
    """

    code = "LIST_TOO_LARGE"
    http_status = 409


class QueryTooLarge(WellheadError):
    """The answer takes more memory than the query function may use. Ask for less,
    such as one field or fewer years, or give the function more memory and raise WELLHEAD_MEMORY_MB.
    """

    code = "QUERY_TOO_LARGE"


class QueryFailed(WellheadError):
    """The database is whole, but this question could not be answered.
    Try again; if it stays, look at the query function's log.
    """

    code = "QUERY_FAILED"


class DatabaseTooLarge(QueryUnavailable):
    """The published database is larger than the query function's local disk, so no question to it
    can be answered. Deploy with a larger QueryDiskMb (10240 at most), with the warehouse on EFS,
    where it is read in place, or with a lake.
    """

    code = "DATABASE_TOO_LARGE"
    retryable = False


class SqlOff(WellheadError):
    """The published data is a lake, which DuckDB reads over the network, and a statement of a
    reader may not reach the network. Read the tables of the lake with your own program;
    docs/lake.md says how.
    """

    code = "SQL_OFF"
    http_status = 409


class SqlTooSlow(WellheadError):
    """The statement took longer than it may, and was stopped.
    Ask for less, such as one field or fewer years, or ask the downloaded database: wellhead sql.
    """

    code = "SQL_TOO_SLOW"
    http_status = 422


class SqlTooLarge(WellheadError):
    """The statement takes more memory than it may.
    Ask for less, such as one field or fewer years, or ask the downloaded database: wellhead sql.
    """

    code = "SQL_TOO_LARGE"
    http_status = 422


class SqlEnded(WellheadError):
    """The statement ended the process that answered it: it took more memory than it may,
    or met a fault of DuckDB. Nothing else came to harm. Ask in another way.
    """

    code = "SQL_ENDED"
    http_status = 422


class SnapshotGone(WellheadError):
    """The data has been replaced since the first page, and the snapshot that this cursor belongs to
    is no longer kept. Begin again without a cursor: the first page is then of the current data.
    """

    code = "SNAPSHOT_GONE"
    http_status = 410


class NotInFeed(WellheadError):
    """The feed has nothing at that address.
    /odata/v4/ lists its entity sets; $metadata tells the key of each.
    """

    code = "NOT_IN_FEED"
    http_status = 404


class FormatNotServed(WellheadError):
    """The feed has no such format. Accept application/json, with odata.metadata=minimal or none."""

    code = "FORMAT_NOT_SERVED"
    http_status = 406


class FeedNotImplemented(WellheadError):
    """The feed does not know this part of OData. docs/api.md lists what it knows."""

    code = "NOT_IMPLEMENTED"
    http_status = 501


class Unhealthy(WellheadError):
    """Something that the API needs does not answer.
    The details say what, each with the code of its error.
    """

    code = "UNHEALTHY"
    http_status = 503
    retryable = True


class ClaimRefused(WellheadError):
    """The job is over, or another worker holds it. This delivery has nothing to do."""

    code = "CLAIM_REFUSED"

    def __init__(self, message: str | None = None, *, lease_until: float | None = None) -> None:
        super().__init__(message)
        self.lease_until = lease_until


class ScheduleMoved(WellheadError):
    """Somebody else has written the schedule since it was read:
    what was due is started, paused or defined again.
    """

    code = "SCHEDULE_MOVED"


class LeaseLost(WellheadError):
    """Another worker has taken this job over. This one stops and leaves nothing behind."""

    code = "LEASE_LOST"


class CancelRequested(WellheadError):
    """Somebody asked this job to stop. The published data is as it was."""

    code = "CANCELLED"


class ImportFailed(WellheadError):
    """The import failed and the published data is as it was.
    Look at the function's log for the cause.
    """

    code = "IMPORT_FAILED"


class LeaseExpired(ImportFailed):
    """The import stopped without a word and its lease ran out.
    The published data is as it was; start it again.
    """

    code = "LEASE_EXPIRED"
    retryable = True


class NotStarted(ImportFailed):
    """The import function did not start in time, or failed at every start.
    Check that it exists and is not throttled, and look at its log; then start again.
    """

    code = "DISPATCH_FAILED"
    retryable = True


class NoProgress(ImportFailed):
    """Attempt after attempt stopped at the same place, so the import would never end. Look at the
    function's log: it may be short of memory or time, or the source too slow for one page.
    """

    code = "NO_PROGRESS"


class MachineStopped(ImportFailed):
    """The state machine's execution ended before the import did. The published data is as it was,
    and what was fetched is kept: look at the execution, then retry the import.
    """

    code = "MACHINE_STOPPED"
    retryable = True


class TooManyAttempts(ImportFailed):
    """The import was restarted as often as allowed and still did not end.
    Look at its log before another start.
    """

    code = "TOO_MANY_ATTEMPTS"


class SecretUnavailable(ImportFailed):
    """The store that holds the source's secret does not answer. Start the import again later."""

    code = "SECRET_UNAVAILABLE"
    retryable = True


class SecretInvalid(ImportFailed):
    """The source's secret is missing, may not be read, or is not of the expected form.
    Store it again; docs/configuration.md shows the form.
    """

    code = "SECRET_INVALID"


class SourceError(ImportFailed):
    """The source did not deliver. The published data is as it was."""

    code = "SOURCE_ERROR"


class SourceUnreachable(SourceError):
    """The source cannot be reached.
    Check its URL, that it runs, and that the network lets this function out.
    """

    code = "SOURCE_UNREACHABLE"
    retryable = True


class SourceUntrusted(SourceError):
    """The source's certificate is not valid for its name, or of no known authority. Nothing was
    sent to it. Check the host in WELLHEAD_SOURCE_URL, name the file of a private authority in
    WELLHEAD_SOURCE_CA, or ask the source's operator.
    """

    code = "SOURCE_CERTIFICATE_INVALID"


class ProxyUnreachable(SourceError):
    """The proxy that leads to the source cannot be reached.
    Check WELLHEAD_SOURCE_PROXY, that it runs, and that the network lets this function out to it.
    """

    code = "PROXY_UNREACHABLE"
    retryable = True


class ProxyRefused(SourceError):
    """The proxy does not let Wellhead through to the source.
    Check which hosts it allows, and the secret that WELLHEAD_SOURCE_PROXY_SECRET names.
    """

    code = "PROXY_REFUSED"


class SourceInside(SourceError):
    """The name of the source leads to the machine that Wellhead runs on, or to the service that
    hands out its credentials, so nothing was sent there. Correct the source's address, or ask who
    runs its name.
    """

    code = "SOURCE_INSIDE"


class SourceInterrupted(SourceError):
    """The connection to the source broke before the answer was whole.
    Start the import again; if it stays, ask for fewer rows with WELLHEAD_PAGE_SIZE.
    """

    code = "SOURCE_INTERRUPTED"
    retryable = True


class SourceTooSlow(SourceError):
    """The source was too slow with a page.
    Ask for fewer rows with WELLHEAD_PAGE_SIZE, or raise WELLHEAD_PAGE_SECONDS.
    """

    code = "SOURCE_TOO_SLOW"
    retryable = True


class SourceUnavailable(SourceError):
    """The source is overloaded or failing. Start the import again later, or ask its operator."""

    code = "SOURCE_UNAVAILABLE"
    retryable = True


class SourceThrottled(SourceError):
    """The source takes no more requests for now.
    Start the import again later, and ask for less at a time with WELLHEAD_SOURCE_RPS.
    """

    code = "SOURCE_THROTTLED"
    retryable = True


class SourceUnauthorized(SourceError):
    """The source does not know the credentials.
    Check them and WELLHEAD_SOURCE_AUTH, then store them again.
    """

    code = "SOURCE_UNAUTHORIZED"


class SourceForbidden(SourceError):
    """The source does not let these credentials read.
    Ask its operator for the right to read the entity set.
    """

    code = "SOURCE_FORBIDDEN"


class SourceNotFound(SourceError):
    """The source has no such entity set. Check the path of WELLHEAD_SOURCE_URL."""

    code = "SOURCE_NOT_FOUND"


class SourceGone(SourceError):
    """The source no longer has this page: its link has expired, or the entity set was removed.
    Start a new import, and check the path of WELLHEAD_SOURCE_URL if the first page is gone.
    """

    code = "SOURCE_GONE"


class SourceRefused(SourceError):
    """The source refuses the request. Check that WELLHEAD_SOURCE_URL is an OData v4 entity set."""

    code = "SOURCE_REFUSED"


class SourceRedirected(SourceError):
    """The source points to another origin, where the credentials must not go. Set
    WELLHEAD_SOURCE_URL to the place where the data really is, or name that origin in
    WELLHEAD_SOURCE_ALIASES if it is the same service.
    """

    code = "SOURCE_REDIRECTED"


class SourceInvalid(SourceError):
    """The source answered something that is no OData page.
    Open the URL in a browser to see what it says.
    """

    code = "SOURCE_INVALID_RESPONSE"
    retryable = True


class SourceEncoding(SourceError):
    """The source writes in a character set or a compression that Wellhead does not read.
    Ask its operator for UTF-8, plain or as gzip.
    """

    code = "SOURCE_ENCODING"


class SourceTooLarge(SourceError):
    """The source sent more than the limits allow.
    Ask for smaller pages, or raise the limit if it is right.
    """

    code = "SOURCE_LIMIT_EXCEEDED"


class SourceTimeSpent(SourceError):
    """The source did not deliver everything within WELLHEAD_SOURCE_SECONDS.
    Raise it if so long is right.
    """

    code = "SOURCE_TIME_SPENT"


class WorkerTimeSpent(SourceError):
    """The worker's time ended before the source delivered the next page. Start the import again."""

    code = "WORKER_TIME_SPENT"
    retryable = True


class TokenUnavailable(SourceError):
    """The token endpoint gives no usable answer.
    Check WELLHEAD_SOURCE_TOKEN_URL, or start the import again later.
    """

    code = "TOKEN_UNAVAILABLE"
    retryable = True


class TokenRefused(SourceError):
    """The token endpoint refuses the client.
    Check the client id, its secret and WELLHEAD_SOURCE_SCOPE.
    """

    code = "TOKEN_REFUSED"


class SourceLoop(SourceError):
    """The source's paging does not advance: a link or a page came twice. Ask its operator."""

    code = "SOURCE_PAGING_LOOP"


class SourceKey(SourceError):
    """No key tells the rows of the source apart, so its pages cannot be cut by one.
    Set WELLHEAD_SOURCE_PAGING to auto.
    """

    code = "SOURCE_KEY_UNUSABLE"


class SourceColumns(SourceError):
    """The source lacks a required column. Map its fields with WELLHEAD_SOURCE_COLUMNS."""

    code = "SOURCE_COLUMNS_MISSING"


class FileError(SourceError):
    """A file of the source could not be read. The published data is as it was."""

    code = "FILE_ERROR"


class FilesNotFound(FileError):
    """There is no file at the source's address.
    Check the address and its pattern, and that the files are there.
    """

    code = "FILES_NOT_FOUND"


class FileUnreadable(FileError):
    """A file of the source is damaged, locked or not written as it should be.
    Ask for a new copy, or say in the definition how it is written.
    """

    code = "FILE_UNREADABLE"


class FileTooLarge(FileError):
    """A file of the source is larger than what may be read.
    Ask for it in parts, or in another format.
    """

    code = "FILE_TOO_LARGE"


class FileFormatUnknown(FileError):
    """A file of the source is of no format that is read.
    Ask for CSV, Excel, Parquet or JSON, plain, as gzip or in a zip.
    """

    code = "FILE_FORMAT_UNKNOWN"


class FileChanged(FileError):
    """A file of the source grew or changed while it was read.
    Start the import again when it is complete.
    """

    code = "FILE_CHANGED"
    retryable = True


class Held(ImportFailed):
    """What the import would have published is so odd that it waits for somebody's word.
    The published data is as it was. Look at the findings, then accept or discard the job.
    """

    code = "HELD"


class HeldRowsGone(ImportFailed):
    """The rows that the accepted import had fetched are damaged or gone,
    so they cannot be published. The published data is as it was; start a new import.
    """

    code = "HELD_ROWS_GONE"


class SourceChangedSince(ImportFailed):
    """The settings of the source, or the fields that fill the columns, are others than when the
    first rows of this import were read, and rows of both are never put together. Start a new
    import.
    """

    code = "SOURCE_CHANGED_SINCE"
    http_status = 409


class WarehouseUnavailable(ImportFailed):
    """The warehouse does not answer.
    Check that the directory or bucket exists and that writing is allowed.
    """

    code = "WAREHOUSE_UNAVAILABLE"
    http_status = 503
    retryable = True


class WarehouseSilent(WarehouseUnavailable):
    """The warehouse gives no answer just now. The import goes on from its last checkpoint,
    a few times; if it still fails, check that the bucket exists and can be reached.
    """


class LakeUnavailable(WarehouseUnavailable):
    """The lake does not answer.
    Check WELLHEAD_CATALOG, and that this function may use the catalog and the files of its tables.
    """

    code = "LAKE_UNAVAILABLE"


class LakeMoved(WarehouseUnavailable):
    """Somebody else has written to the lake while this import was merged, so nothing was published.
    Start the import again; if it stays, see to it that nothing but this Wellhead writes to its
    tables.
    """

    code = "LAKE_MOVED"


class LakeUnprepared(ImportFailed):
    """DuckDB's extensions for a lake are not installed.
    Give the function the layer of requirements-lake.txt.
    """

    code = "LAKE_UNPREPARED"


class WarehouseFileMissing(WarehouseUnavailable):
    """The warehouse lacks a file. Restore it; docs/operations.md says how."""


class WarehouseOwned(ImportFailed):
    """The warehouse belongs to another table, so nothing was written to it. Give this table
    another warehouse with WELLHEAD_WAREHOUSE; docs/operations.md, "Another table for a warehouse",
    says how one changes hands.
    """

    code = "WAREHOUSE_OWNED"


class WarehouseCorrupt(ImportFailed):
    """The published database is not the file that was published.
    Restore it; docs/operations.md says how.
    """

    code = "WAREHOUSE_CORRUPT"


class WarehouseTooNew(ImportFailed):
    """The published database was written by a later version of Wellhead.
    Upgrade this one before importing.
    """

    code = "WAREHOUSE_TOO_NEW"


class WarehouseForeign(ImportFailed):
    """The published file is no database of Wellhead's, so the pointer names the wrong one.
    Restore a snapshot; docs/operations.md says how.
    """

    code = "WAREHOUSE_FOREIGN"


class RuntimeTooOld(ImportFailed):
    """The AWS client of this Python cannot write an object once, so nothing is published.
    Deploy with a Python whose botocore is 1.36 or later.
    """

    code = "RUNTIME_TOO_OLD"


class StoreDiffers(ImportFailed):
    """What is published lies in a lake, and WELLHEAD_CATALOG names none. Set it to the lake's
    catalog, also where WELLHEAD_STORE says file: the next import then moves the rows into one;
    docs/lake.md says how.
    """

    code = "STORE_DIFFERS"


class AdoptsInFile(ImportFailed):
    """The source takes over the rows of an earlier one, and that is done only in a file.
    Set WELLHEAD_STORE=file, import everything of this source once, and set it back.
    """

    code = "ADOPTS_IN_FILE"


class PeriodChanged(ImportFailed):
    """The published rows of this source have periods of another length than WELLHEAD_SOURCE_PERIOD
    says. Set it to their length, or give the new rows another WELLHEAD_SOURCE_NAME.
    """

    code = "PERIOD_CHANGED"


class CodesAmbiguous(ImportFailed):
    """Two codes of the source were one number in the published database of an earlier version.
    Import into a new warehouse; docs/operations.md says how.
    """

    code = "CODES_AMBIGUOUS"


class FullImportFirst(ImportFailed):
    """The published database still holds its codes as the numbers of an earlier version, or the
    rows that the source adopts under their old name. Start an import of everything, with full=true
    and no limits.
    """

    code = "FULL_IMPORT_FIRST"


class PublishRefused(ImportFailed):
    """The new database did not read back as it was written, so it was not published.
    Start the import again.
    """

    code = "PUBLISH_REFUSED"
    retryable = True


class ScratchFull(ImportFailed):
    """The import ran out of local disk.
    Give the function more ephemeral storage, or WELLHEAD_SCRATCH more room.
    """

    code = "SCRATCH_FULL"

    @classmethod
    def beforehand(cls, what: str, *, needed: float, free: int, purpose: str) -> Self:
        """Of bytes, by somebody who has looked before he writes."""
        return cls(
            f"{what} needs about {int(needed) >> 20:,} MB of local disk, {purpose}, and {free >> 20:,} MB are free. "
            "Give the function more ephemeral storage, or WELLHEAD_SCRATCH more room."
        )

    @classmethod
    def of_question(cls, what: str) -> Self:
        return cls(
            f"{what} ran out of local disk. Ask for less, or give the function more ephemeral storage, or "
            "WELLHEAD_SCRATCH more room."
        )


class OutOfMemory(ImportFailed):
    """WELLHEAD_MEMORY_MB was too little memory for this import, which is no fault of the source.
    Raise it, and the function's memory with it.
    """

    code = "OUT_OF_MEMORY"


def error_of(code: str, message: str, details: dict[str, Any]) -> WellheadError:
    """The error that another process told of; one of an unknown code is no more than unexpected."""
    kind = _KINDS.get(code)
    if kind is None:
        return WellheadError()
    return kind(message, **details)


def _family(kind: type[WellheadError]) -> list[type[WellheadError]]:
    """The class and all below it, a parent before its children."""
    family = [kind]
    for child in kind.__subclasses__():
        family += _family(child)
    return family


# The first of a code is its parent.
_KINDS = {kind.code: kind for kind in reversed(_family(WellheadError))}
