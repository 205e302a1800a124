"""`make smoke`: what a deployed stage can do, tried once from outside, as a table to paste.

It brings a source of its own, a few rows of which one is bad, so take a stage that holds nothing of
worth.
"""

import hashlib
import json
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.api.token_entry import Role
from chalicelib.jobs.job import JobStatus
from chalicelib.sources.checks import CheckStatus
from infra.deployment import Deployment, DeploymentError
from infra.package import Package
from infra.renewal import Imports, other_code, renew

SOURCE, TOKEN = "wellhead-smoke", "wellhead-smoke"  # as nobody calls one of their own
KEY = f"uploads/{SOURCE}/rows.csv"
GOOD = 40  # so many that one bad row does not hold the import
ROWS = "".join(
    [
        "field,well,month,oil\n",
        *(f"Loma,L-{n},2024-01,{n}\n" for n in range(GOOD)),
        "Loma,L-X,2024-01,much\n",
    ]
)
COLUMNS = {
    "field_code": "field",
    "well_code": "well",
    "production_period": {"field": "month", "format": "%Y-%m"},
    "oil_production_kbd": {"field": "oil", "unit": "Mbbl/d"},
}
UPDATE, AGAIN = "new code during an import", "destroy and deploy again over the data"
CHANGING = "it changes the stack: CHANGES=1"


class NotShown(Exception):
    """A line of the table that is not as it should be; the message says what was found."""


FAULTS = (NotShown, DeploymentError, OSError, KeyError, ValueError, BotoCoreError, ClientError)


@dataclass(frozen=True)
class Line:
    what: str
    shown: bool
    seconds: float
    found: str

    def __str__(self) -> str:
        shown = "yes" if self.shown else "**NO**"
        return f"| {self.what} | {shown} | {self.seconds:.1f} | {self.found} |"


@dataclass
class Smoke:
    """`api` is the address of the stage, without /api/v1. `patience` are the seconds that one line
    may take. With a `package` the stack is changed and made anew, too. What is `beyond` the place
    is not tried, for the reason told.
    """

    deployment: Deployment
    api: str
    patience: float = 180.0
    package: Package | None = None
    beyond: dict[str, str] = field(default_factory=dict)
    rest: Callable[[float], Any] = time.sleep
    lines: list[Line] = field(default_factory=list)
    _token: str = ""
    _job: str = ""

    def run(self) -> list[Line]:
        """Raises DeploymentError for a stage of production."""
        if self.deployment.is_production:
            raise DeploymentError(
                "make smoke imports its own rows: take a stage that holds nothing of worth."
            )
        try:
            for what, attempt in self._attempts():
                self._try(what, attempt)
        finally:
            self._clean_up()
        return self.lines

    @property
    def passed(self) -> bool:
        return all(line.shown for line in self.lines)

    def table(self) -> str:
        untried = self.beyond
        if self.package is None:
            untried = dict.fromkeys((UPDATE, AGAIN), CHANGING)
        rows = ["| what | shown | seconds | found |", "|---|---|---|---|"]
        rows += [str(line) for line in self.lines]
        rows += [f"| {what} | not tried | | {why} |" for what, why in untried.items()]
        return "\n".join(rows)

    def _attempts(self) -> Iterator[tuple[str, Callable[[], str]]]:
        yield "health", self._health
        yield "refused without a token", self._refusal
        yield "a token works", self._token_works
        yield "405 with Allow", self._unknown_method
        yield "console over the gateway", self._console
        yield "a source is defined", self._define
        yield "trigger, and one import at a time", self._trigger
        yield "status to COMPLETED", self._status
        yield "rejects", self._rejects
        yield "export with SHA-256", self._export
        yield "cancel", self._cancel
        yield "retry", self._retry
        yield "restore drill", self._drill
        yield "alarm to ALARM", self._alarm
        if self.package:
            for what, change in ((UPDATE, self._update), (AGAIN, self._again)):
                if what not in self.beyond:
                    yield what, partial(change, self.package)

    def _try(self, what: str, attempt: Callable[[], str]) -> None:
        began = time.monotonic()
        try:
            found = attempt()
            shown = True
        except FAULTS as exc:
            found = f"{type(exc).__name__}: {exc}".removeprefix("NotShown: ")
            shown = False
        self.lines.append(
            Line(what, shown, time.monotonic() - began, found.replace("|", "/").replace("\n", " "))
        )

    # -- the lines

    def _health(self) -> str:
        checks = self._data("GET", "/api/v1/health", token="")["checks"]
        if not set(checks.values()) <= {
            "ok",
            "not asked",
        }:  # a bucket is not, for the API has no right to it
            raise NotShown(str(checks))
        return ", ".join(f"{name} {told}" for name, told in checks.items())

    def _refusal(self) -> str:
        self._expect(401, "GET", "/api/v1/wells/import/jobs", token="")
        return "401"

    def _token_works(self) -> str:
        self._token = self.deployment.make_token(TOKEN, Role.ADMIN, days=1)
        self._wait(lambda: self._ask("GET", "/api/v1/wells/import/jobs")[0] == 200)  # noqa: PLR2004
        return "200"

    def _unknown_method(self) -> str:
        _, headers, _ = self._expect(405, "PATCH", "/api/v1/wells/import/jobs")
        if not headers.get("Allow"):
            raise NotShown("405 without Allow")
        return f"Allow: {headers['Allow']}"

    def _console(self) -> str:
        _, _, page = self._expect(200, "GET", "/console", token="")
        if b"<!doctype html>" not in page.lower():
            raise NotShown("no page")
        return f"{len(page):,} bytes"

    def _define(self) -> str:
        bucket = self.deployment.outputs()["BucketName"]
        self.deployment.client("s3").put_object(
            Bucket=bucket,
            Key=KEY,
            Body=ROWS.encode(),
        )
        told = {
            "kind": "files",
            "url": f"s3://{bucket}/{KEY}",
            "columns": COLUMNS,
        }
        self._ask("DELETE", f"/api/v1/sources/{SOURCE}")  # of a smoke test that was stopped
        self._expect(200, "PUT", f"/api/v1/sources/{SOURCE}", sent=told)
        return f"{GOOD + 1} rows, one of them bad"

    def _trigger(self) -> str:
        self._job = self._data("POST", f"/api/v1/wells/import/trigger?source={SOURCE}", status=202)[
            "job_id"
        ]
        status, _, _ = self._ask("POST", f"/api/v1/wells/import/trigger?source={SOURCE}")
        if status != 409:  # noqa: PLR2004
            raise NotShown(f"a second trigger got {status}; the first may have ended before it")
        return "202, then 409"

    def _status(self) -> str:
        job = self._end_of(self._job)
        counts = (
            job["status"],
            job["new_records"] + job["duplicate_records"],
            job["failed_records"],
        )
        if counts != ("COMPLETED", GOOD, 1):
            raise NotShown(f"{counts} {job.get('error')}")
        return f"{GOOD} rows, 1 rejected"

    def _rejects(self) -> str:
        page = self._data("GET", f"/api/v1/wells/import/jobs/{self._job}/rejects")
        rejects = page["rows"]
        if len(rejects) != 1:
            raise NotShown(str(rejects))
        reject = rejects[0]
        if "much" not in str(reject["raw"]):
            raise NotShown(str(rejects))
        return str(reject["reason"])

    def _export(self) -> str:
        told = self._data("GET", "/api/v1/wells/export")
        with urllib.request.urlopen(told["url"], timeout=self.patience) as answer:  # noqa: S310
            content = answer.read()
        if hashlib.sha256(content).hexdigest() != told["sha256"]:
            raise NotShown("another SHA-256")
        return f"{len(content):,} bytes"

    def _cancel(self) -> str:
        self._job = self._data("POST", f"/api/v1/wells/import/trigger?source={SOURCE}", status=202)[
            "job_id"
        ]
        self._expect(202, "POST", f"/api/v1/wells/import/jobs/{self._job}/cancel")
        status = str(self._end_of(self._job)["status"])
        if status != "CANCELLED":
            raise NotShown(f"{status}: it had ended before")
        return status

    def _retry(self) -> str:
        again = self._data("POST", f"/api/v1/wells/import/jobs/{self._job}/retry", status=202)[
            "job_id"
        ]
        job = self._end_of(again)
        if job["status"] != "COMPLETED":
            raise NotShown(f"{job['status']} {job.get('error')}")
        return str(job["status"])

    def _drill(self) -> str:
        check = self._data("POST", "/api/v1/ops/drill", status=202)["check_id"]

        def finished_report() -> Any:
            report = self._data("GET", f"/api/v1/ops/drill/{check}")
            if report["status"] in (CheckStatus.DONE, CheckStatus.FAILED):
                return report
            return None

        report = self._wait(finished_report)
        if report["status"] != CheckStatus.DONE:
            raise NotShown(str(report.get("error")))
        return "restored, read back and removed"

    def _alarm(self) -> str:
        """What comes of it reaches whoever has subscribed."""
        cloudwatch = self.deployment.client("cloudwatch")
        name = f"{self.deployment.stack}-ImportFailed"
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="make smoke")
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="make smoke")
        if alarm["StateValue"] != "ALARM":
            raise NotShown(str(alarm["StateValue"]))
        if not self.deployment.warnings():
            return "look whether a mail came"
        return "it goes to nobody"

    def _update(self, package: Package) -> str:
        """Lambda goes on with the old code where it runs, and begins with the new one.
        An import is under way all the time, so it is when the code becomes another.
        """
        functions = self.deployment.client("lambda")
        name = f"{self.deployment.stack}-import"

        def code() -> str:
            configuration = functions.get_function_configuration(FunctionName=name)
            return str(configuration["CodeSha256"])

        with tempfile.TemporaryDirectory() as directory, Imports(self._import, code) as imports:
            self._wait(lambda: imports.ends or imports.fault)
            self.deployment.deploy(other_code(package, Path(directory), str(time.time())), {})
        if imports.fault:
            raise NotShown(f"{type(imports.fault).__name__}: {imports.fault}")
        if set(imports.ends) != {"COMPLETED"} or not imports.exchanged:
            raise NotShown(
                f"{', '.join(imports.ends)}; {imports.exchanged} ran while the code became another"
            )
        return f"{len(imports.ends)} imports COMPLETED, {imports.exchanged} of them begun with the old code"

    def _import(self) -> str:
        job_id = self._data("POST", f"/api/v1/wells/import/trigger?source={SOURCE}", status=202)[
            "job_id"
        ]
        return str(self._end_of(job_id)["status"])

    def _again(self, package: Package) -> str:
        """As `make destroy` and `make deploy` do it. The address is another one then."""
        before = self._rows()
        self.api = renew(self.deployment, package, rest=self.rest)["RestApiUrl"].removesuffix(
            "/api/v1"
        )
        self._wait(self._answers)
        after = self._rows()
        if after != before or len(after) != GOOD:
            raise NotShown(f"{len(before)} rows before, {len(after)} after")
        return f"{len(after)} rows, at {self.api}"

    def _answers(self) -> bool:
        """Name servers learn of a new address some seconds later."""
        try:
            return self._ask("GET", "/api/v1/wells/import/jobs")[0] == 200  # noqa: PLR2004
        except OSError:
            return False

    def _rows(self) -> list[Any]:
        return list(
            self._data("GET", f"/api/v1/wells/production?source={SOURCE}&limit={2 * GOOD}")["rows"]
        )

    def _clean_up(self) -> None:
        """The rows stay, and so does the job.
        What does not go hinders nothing else, least of all the token.
        """
        try:
            self._remove("the source", lambda: self._ask("DELETE", f"/api/v1/sources/{SOURCE}"))
        finally:
            self._remove("the token", self._remove_token)
        self._remove("the file", self._remove_file)

    def _remove(self, what: str, remove: Callable[[], Any]) -> None:
        try:
            remove()
        except FAULTS as exc:
            self.lines.append(
                Line(f"{what} goes", False, 0.0, f"{type(exc).__name__}: remove {TOKEN} yourself")
            )

    def _remove_token(self) -> None:
        if self._token:
            self.deployment.client("ssm").delete_parameter(
                Name=f"/{self.deployment.stack}/tokens/{TOKEN}"
            )

    def _remove_file(self) -> None:
        bucket = self.deployment.outputs()["BucketName"]
        self.deployment.client("s3").delete_object(Bucket=bucket, Key=KEY)

    # -- how it asks

    def _end_of(self, job_id: str) -> Any:
        def finished_job() -> Any:
            job = self._data("GET", f"/api/v1/wells/import/status/{job_id}")
            if JobStatus(job["status"]).final:
                return job
            return None

        return self._wait(finished_job)

    def _wait(self, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + self.patience
        while not (found := condition()):
            if time.monotonic() > deadline:
                raise NotShown(f"not within {self.patience:.0f} s")
            time.sleep(0.5)
        return found

    def _data(self, method: str, path: str, *, status: int = 200, **more: Any) -> Any:
        _, _, body = self._expect(status, method, path, **more)
        envelope = json.loads(body)
        return envelope["data"]

    def _expect(self, status: int, method: str, path: str, **more: Any) -> tuple[int, Any, bytes]:
        got, headers, body = self._ask(method, path, **more)
        if got != status:
            begin = body[:200].decode(errors="replace")
            raise NotShown(f"{method} {path} got {got}: {begin}")
        return got, headers, body

    def _ask(
        self, method: str, path: str, *, token: str | None = None, sent: Any = None
    ) -> tuple[int, Any, bytes]:
        """With its own token unless told otherwise."""
        bearer = self._token if token is None else token
        headers = {"Content-Type": "application/json"}
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        body = None if sent is None else json.dumps(sent).encode()
        request = urllib.request.Request(  # noqa: S310
            self.api + path,
            data=body,
            method=method,
            headers=headers,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, exc.headers, exc.read()
