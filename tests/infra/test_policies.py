"""The rights of each function: those that its code asks AWS for on every path, and not one more.

Each function runs here as a process of its own would: the app imported anew, with the settings of a
deployed stage, against the laptop's AWS, which lets everybody do everything. What botocore is asked
for is noted by function.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections import defaultdict
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectionClosedError
from support.coordination import aws_client
from support.receiver import SECRET as RECEIVERS_SECRET
from support.receiver import Receiver
from support.rights import (
    BUCKET,
    POLICIES,
    REGION,
    STACK,
    TABLE_BUCKET,
    Grant,
    Right,
    grants,
    resolved,
    rights,
    rights_in_lake,
    rights_on_key,
)

from chalicelib.api.tokens import digest_of
from chalicelib.errors import WarehouseSilent
from chalicelib.jobs.dynamodb_item import to_item
from chalicelib.jobs.lock import LOCK, holder_of, schedule_key
from chalicelib.lake.expiry import expire_snapshots
from chalicelib.services import _S3_CLIENT
from chalicelib.warehouse.multipart import UPLOAD_SECONDS, Multipart
from chalicelib.warehouse.names import (
    DRILLS,
    EXPORTS,
    LATEST,
    SEGMENTS,
    SNAPSHOTS,
    drill_name,
    sha256_of,
)
from chalicelib.warehouse.s3 import S3Warehouse
from local.catalog.server import CatalogHandler, CatalogServer
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.coordination import LambdaHandler

    from local.aws.emulator import LocalAws

STATES = ("plan", "part", "merge", "fail")
ROLES = ("api", "authorizer", "import", "query", "failed-event", "sweeper", "notices")
OTHERS = (
    "HasKey",
    "HasLake",
    "HasMachine",
    "HasSecretArn",
    "HasSourceBuckets",
    "IsTraced",
    "UsesEfs",
    "InVpc",
)
SECRETS = ("HasProxySecret", "HasSecretParameter", "HasWebhook")
BASIC = dict.fromkeys(OTHERS, False) | dict.fromkeys((*SECRETS, "Notifies"), True)
EVERYTHING = dict.fromkeys(BASIC, True)
EVERY_MINUTE = json.loads(
    (Path(__file__).parents[2] / "infra" / "events" / "sweeper.json").read_text()
)
USER, PASSWORD = "wells", "open sesame"
SECRET = json.dumps({"username": USER, "password": PASSWORD})
DATA = GeneratedProduction(600)
OLD_JOB = "018cc251-f400-7000-8000-000000000000"
ENOUGH = 900_000
BASE = "/api/v1/wells"
SOURCES = "/api/v1/sources"
OPS = "/api/v1/ops"


class Functions:
    """The functions of the app, each with what it asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._apps: dict[str, Any] = {}
        self.asked: dict[str, set[Right]] = defaultdict(set)
        self.has_machine = False

    def app(self, role: str) -> Any:
        if role not in self._apps:
            self._monkeypatch.delitem(sys.modules, "app", raising=False)
            app = self._apps[role] = importlib.import_module("app")
            app.services._session.register("provide-client-params", self._noted(role))
        return self._apps[role]

    def _noted(self, role: str) -> Callable[..., None]:
        def note(params: dict[str, Any], model: Any, **_: Any) -> None:
            self.asked[role].update(rights(model.name, params))

        return note

    def api(
        self, method: str, path: str, *, status: int, sent: str | None = None, **headers: str
    ) -> Any:
        """As API Gateway would ask; `path` with a job's id for {job_id}, and with the query."""
        address, _, query = path.partition("?")
        told = dict(pair.split("=") for pair in query.split("&") if pair)
        resource, in_path = _resource(address)
        event = {
            "httpMethod": method,
            "headers": {
                "content-type": "application/json",
                **{k.replace("_", "-"): v for k, v in headers.items()},
            },
            "multiValueQueryStringParameters": {name: [value] for name, value in told.items()}
            or None,
            "pathParameters": in_path,
            "stageVariables": None,
            "body": sent,
            "isBase64Encoded": False,
            "requestContext": {
                "httpMethod": method,
                "resourcePath": resource,
                "path": address,
                "authorizer": {"principalId": "ada", "role": "admin"},
            },
        }
        answer = self.app("api").app(event, context())
        assert answer["statusCode"] == status, answer
        return json.loads(answer["body"])

    def trigger(self) -> str:
        return str(self.api("POST", f"{BASE}/import/trigger", status=202)["data"]["job_id"])

    @property
    def workers(self) -> tuple[str, ...]:
        return ("plan", "part", "merge") if self.has_machine else ("import",)

    def run_import(self, job_id: str, *, looks: int = ENOUGH) -> str:
        """`looks`: how often the worker may look at the clock before its time is over."""
        if self.has_machine:
            return self._run_states(job_id, looks)
        return str(self.app("import").import_wells({"job_id": job_id}, context(looks))["outcome"])

    def _run_states(self, job_id: str, looks: int) -> str:
        """As the machine does, one after the other."""
        told = {"job_id": job_id, "execution": f"{job_id}-{looks}"}
        planned = self.app("plan").plan_import(told, context())
        if planned["outcome"] != "planned":
            return str(planned["outcome"])
        under = {name: planned[name] for name in ("job_id", "holder", "fence", "at_once")}
        for part in planned["parts"]:
            outcome = self.app("part").fetch_part({**under, "part": part}, context(looks))[
                "outcome"
            ]
            if outcome not in ("read", "more"):  # what is more, the merge reads
                return str(outcome)
        looks = ENOUGH if planned["parts"] else looks
        return str(self.app("merge").merge_import(told, context(looks))["outcome"])

    def check(self, check_id: str, role: str) -> None:
        if role == "import":
            self.app(role).import_wells({"check_id": check_id}, context())
        else:
            self.app(role).take_up_job({"requestPayload": {"check_id": check_id}}, context())

    def sweep(self) -> str:
        return str(self.app("sweeper").sweep_jobs(EVERY_MINUTE, context()))

    def take_up(self, job_id: str) -> str:
        return str(
            self.app("failed-event").take_up_job({"requestPayload": {"job_id": job_id}}, context())
        )

    def ask(self, question: str, **arguments: Any) -> Any:
        reply = self.app("query").answer_question(
            {"question": question, "arguments": arguments}, context()
        )
        assert "data" in reply, reply
        return reply["data"]


def _resource(address: str) -> tuple[str, dict[str, str] | None]:
    """The route of an address, and what its path holds."""
    if address.endswith(("/files", "/pause", "/resume")):
        name, act = address.split("/")[-2:]
        return f"{SOURCES}/{{name}}/{act}", {"name": name}
    if address.endswith("/rotate"):
        return "/api/v1/ops/tokens/{token_name}/rotate", {"token_name": address.split("/")[-2]}
    of_ops = [("check_id", f"{OPS}/{what}/") for what in ("verify", "drill", "restore")]
    for name, pattern in (*of_ops, ("check_id", f"{SOURCES}/check/"), ("name", f"{SOURCES}/")):
        if address.startswith(pattern) and address != f"{SOURCES}/check":
            return f"{pattern}{{{name}}}", {name: address.removeprefix(pattern)}
    job_id = next((part for part in address.split("/") if len(part) == 36), None)
    return (address.replace(job_id, "{job_id}"), {"job_id": job_id}) if job_id else (address, None)


def context(looks: int = ENOUGH) -> Any:
    left = iter([ENOUGH] * min(looks, 10_000))
    return SimpleNamespace(
        aws_request_id="test", get_remaining_time_in_millis=lambda: next(left, 0)
    )


@pytest.fixture
def source() -> Iterator[SampleSource]:
    with SampleSource(DATA, credentials=(USER, PASSWORD)) as source:
        yield source


@pytest.fixture
def functions(
    environment: dict[str, str],
    aws: LocalAws,
    lambda_handler: type[LambdaHandler],
    source: SampleSource,
    monkeypatch: pytest.MonkeyPatch,
) -> Functions:
    aws.put_parameter(
        f"/{STACK}/tokens/ada", json.dumps({"sha256": digest_of("token"), "role": "operator"})
    )
    aws.put_parameter(f"/{STACK}/source", SECRET)
    aws.put_parameter(f"/{STACK}/proxy", SECRET)
    s3(aws).create_bucket(Bucket=BUCKET)
    s3(aws).put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    lambda_handler.answered = (
        b'{"data": {"rows": [], "next_cursor": null, "snapshot": {"name": "x"}}}'
    )
    settings = {
        "WELLHEAD_WAREHOUSE": f"s3://{BUCKET}",
        "WELLHEAD_TOKENS": f"/{STACK}/tokens",
        "WELLHEAD_QUERY_FUNCTION": f"{STACK}-query",
        "WELLHEAD_SOURCE_URL": source.url,
        "WELLHEAD_SOURCE_AUTH": "basic",
        "WELLHEAD_SOURCE_SECRET": f"/{STACK}/source",
        # Which this machine is not asked through.
        "WELLHEAD_SOURCE_PROXY": "http://proxy.example.org:3128",
        "WELLHEAD_SOURCE_PROXY_SECRET": f"/{STACK}/proxy",
        "WELLHEAD_SOURCE_SECRETS": f"/{STACK}/sources",
        "WELLHEAD_SOURCE_REACH": "anywhere",
        "WELLHEAD_PAGE_SIZE": "100",
    }
    for name, value in (environment | settings).items():
        monkeypatch.setenv(name, value)
    return Functions(monkeypatch)


def s3(aws: LocalAws) -> Any:
    return aws_client(aws.url, "s3", s3={"addressing_style": "path"})


@pytest.mark.long
def test_each_function_may_do_what_it_does_and_nothing_else(
    functions: Functions,
    aws: LocalAws,
    dynamodb: Any,
    source: SampleSource,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _know_a_caller(functions)
    _renew_a_token(functions)
    _fail_and_retry(functions, source)
    _read_in_parts(functions)
    _ask_and_answer(functions)
    _define_and_delete(functions, aws, source)
    _start_what_is_due(functions, dynamodb, source)
    _send_and_import_a_file(functions, s3(aws))
    _operate(functions, s3(aws))
    _stop(functions, dynamodb)
    _restart_and_end_what_died(functions, dynamodb)
    _publish_in_parts(functions, dynamodb)
    _clear(functions, s3(aws))
    _tell(functions, aws, monkeypatch)
    for role in ROLES:
        granted = [grant for grant in grants(role, BASIC) if not _is_lambdas_own(grant)]
        assert _missing(functions.asked[role], granted) == [], f"{role} lacks a right"
        assert _unused(functions.asked[role], granted) == [], (
            f"{role} has a right that it never needs"
        )


@pytest.mark.long
def test_each_state_of_the_machine_may_do_what_it_does_and_nothing_else(
    functions: Functions,
    aws: LocalAws,
    dynamodb: Any,
    source: SampleSource,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    functions.has_machine = True
    aws.create_state_machine(
        f"{STACK}-import", '{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}'
    )
    monkeypatch.setenv("WELLHEAD_MACHINE", "states")
    monkeypatch.setenv(
        "WELLHEAD_STATE_MACHINE",
        f"arn:aws:states:{REGION}:123456789012:stateMachine:{STACK}-import",
    )
    client = s3(aws)
    _fail_and_retry(functions, source)
    _read_in_parts(functions)
    _define_and_delete(functions, aws, source)
    _send_and_import_a_file(functions, client)
    _roll_back_to_an_older_version(functions, client)
    _fail_in_a_state(functions, source)
    _write_a_segment_twice(functions)
    _publish_in_parts_by_the_merge(functions, dynamodb)
    _see_to_executions(functions, dynamodb)
    conditions = BASIC | {"HasMachine": True}
    for role in STATES:
        granted = [grant for grant in grants(role, conditions) if not _is_lambdas_own(grant)]
        assert _missing(functions.asked[role], granted) == [], f"{role} lacks a right"
        assert _unused(functions.asked[role], granted) == [], (
            f"{role} has a right that it never needs"
        )
    for role in ("api", "sweeper", "failed-event"):
        granted = grants(role, conditions)
        assert _missing(functions.asked[role], granted) == [], f"{role} lacks a right"
        assert not _unused(
            functions.asked[role], [grant for grant in granted if "states:" in grant.action]
        )
        assert not [grant for grant in grants(role, BASIC) if "states:" in grant.action]


def test_a_secret_of_secrets_manager_is_read_and_no_parameter(
    functions: Functions, aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = aws_client(aws.url, "secretsmanager").create_secret(Name="source", SecretString=SECRET)
    monkeypatch.setenv("WELLHEAD_SOURCE_SECRET", f"secretsmanager:{made['ARN']}")
    assert functions.run_import(functions.trigger()) == "COMPLETED"
    conditions = {**BASIC, "HasSecretArn": True, "HasSecretParameter": False}
    granted = grants("import", conditions, secret_arn=made["ARN"])
    assert _missing(functions.asked["import"], granted) == []
    assert [
        grant.resource
        for grant in granted
        if grant.sid.startswith("ReadSecret") and "Sources" not in grant.sid
    ] == [made["ARN"]]


def test_the_buckets_of_sources_are_read_and_no_others() -> None:
    granted = grants("import", {**BASIC, "HasSourceBuckets": True}, buckets="acme-drop,acme-more")
    told = {
        (grant.action, grant.resource)
        for grant in granted
        if grant.sid.endswith("BucketsOfSources")
    }

    assert told == {
        (action, f"arn:aws:s3:::{bucket}{what}")
        for bucket in ("acme-drop", "acme-more")
        for action, what in (("s3:GetObject", "/*"), ("s3:ListBucket", ""))
    }


def test_a_lake_is_asked_by_each_function_for_what_it_may_and_no_more(
    functions: Functions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Right] = []

    class NotingHandler(CatalogHandler):
        def answer(self, status: int, body: bytes, headers: Any = None) -> None:
            asked.extend(rights_in_lake(self.command, self.path))
            super().answer(status, body, headers)

    def ask_for(role: str) -> None:
        granted = [
            grant
            for grant in grants(role, conditions, catalog=TABLE_BUCKET)
            if "s3tables" in grant.action
        ]
        assert _missing(set(asked), granted) == [], f"{role} lacks a right"
        assert _unused(set(asked), granted) == [], f"{role} has a right that it never needs"
        asked.clear()

    conditions = {**BASIC, "HasLake": True}
    with CatalogServer(tmp_path / "lake", handler=NotingHandler) as server:
        monkeypatch.setenv("WELLHEAD_STORE", "iceberg")
        monkeypatch.setenv("WELLHEAD_CATALOG", server.url)
        for _ in range(2):
            assert functions.run_import(functions.trigger()) == "COMPLETED"
        ask_for("import")
        assert functions.ask("summary")["rows"] == DATA.expected_counts().new
        ask_for("query")
        services = functions.app("sweeper").services
        services.warehouse.remove(min(services.warehouse.names(SNAPSHOTS)))
        forgotten = expire_snapshots(services.catalog, services.warehouse, now=time.time() + 7200)
        assert forgotten["import_runs"] == 1
        ask_for("sweeper")


@pytest.mark.parametrize("role", [*ROLES, *STATES])
def test_a_key_of_ones_own_is_used_for_what_it_encrypts_and_nothing_else(role: str) -> None:
    """Through the services whose rights the role has, and never by itself."""
    conditions = EVERYTHING | {"HasSourceBuckets": False}  # which have keys of their own, if any
    granted = [grant for grant in grants(role, conditions) if grant.action.startswith("kms:")]
    others = [grant for grant in grants(role, conditions) if not grant.action.startswith("kms:")]
    asked = {right for grant in others for right in rights_on_key(grant)}
    assert _missing(asked, granted) == []
    assert _unused(asked, granted) == []
    assert [grant for grant in grants(role, BASIC) if grant.action.startswith("kms:")] == []


@pytest.mark.parametrize("role", [*ROLES, *STATES])
def test_what_a_role_says_is_no_longer_than_iam_takes(role: str) -> None:
    """10,240 signs of all policies in a role, blanks not counted."""
    document = json.loads((POLICIES / f"policy-{role}.json").read_text())
    parameters = dict.fromkeys(
        ("SourceSecretArn", "SourceBuckets", "Catalog", "KmsKeyArn"), "x" * 100
    )
    assert (
        len(json.dumps(resolved(document, EVERYTHING, parameters), separators=(",", ":"))) < 9_500
    )


@pytest.mark.parametrize("role", [*ROLES, *STATES])
def test_no_right_is_for_everything(role: str) -> None:
    """X-Ray knows no resources, and is asked for only where the stack is traced."""
    wide = {
        grant.sid
        for grant in grants(role, EVERYTHING)
        if grant.resource == "*" or "*" in grant.action
    }
    assert wide == {"LambdaSendsTraces"}
    assert not [grant for grant in grants(role, BASIC) if grant.resource == "*"]


def test_lambda_itself_writes_logs_and_passes_failed_events_on() -> None:
    """With the function's role, so these rights are none of its code."""
    roles = (*ROLES, *STATES)
    own = {
        role: sorted({grant.sid for grant in grants(role, BASIC) if _is_lambdas_own(grant)})
        for role in roles
    }
    log = ["LambdaWritesTheLog"]
    assert own == dict.fromkeys(roles, log) | {
        "import": ["LambdaTellsOfFailedEvents", *log],
        "failed-event": ["LambdaKeepsUntakenEvents", *log],
    }


def _is_lambdas_own(grant: Grant) -> bool:
    return grant.sid.startswith("Lambda")


def _missing(asked: set[Right], granted: list[Grant]) -> list[Right]:
    return [right for right in asked if not any(grant.covers(right) for grant in granted)]


def _unused(asked: set[Right], granted: list[Grant]) -> list[Grant]:
    return [grant for grant in granted if not any(grant.covers(right) for right in asked)]


def _know_a_caller(functions: Functions) -> None:
    arn = f"arn:aws:execute-api:{REGION}:123456789012:abc/dev/GET/api/v1/wells"
    event = {"type": "TOKEN", "authorizationToken": "Bearer token", "methodArn": arn}
    assert functions.app("authorizer").authorizer(event, context())["principalId"] == "ada"
    assert functions.api("GET", "/odata/v4", status=200, authorization="Bearer token")[
        "value"
    ]  # knows him by itself


def _renew_a_token(functions: Functions) -> None:
    """Who has asked is noted, and shown."""
    assert functions.api("POST", "/api/v1/ops/tokens/ada/rotate", status=200)["data"]["token"]
    [ada] = functions.api("GET", "/api/v1/ops/tokens", status=200)["data"]["tokens"]
    assert ada["last_used_at"]


def _fail_and_retry(functions: Functions, source: SampleSource) -> None:
    """A job that hands over, fails behind its checkpoint, and is retried to its end."""
    functions.api("GET", "/api/v1/health", status=200)
    for _ in range(2):
        first = functions.api("POST", f"{BASE}/import/trigger", status=202, idempotency_key="mine")[
            "data"
        ]["job_id"]
    functions.api("GET", f"{BASE}/import/trigger", status=409)
    assert functions.run_import(first, looks=12) == "handed over"
    source.credentials = ("somebody", "else")
    assert functions.run_import(first) == "FAILED"
    source.credentials = (USER, PASSWORD)
    again = functions.api("POST", f"{BASE}/import/jobs/{first}/retry", status=202)["data"]["job_id"]
    assert functions.run_import(again) == "COMPLETED"
    functions.api("GET", f"{BASE}/import/status/{again}", status=200)
    functions.api("GET", f"{BASE}/import/jobs", status=200)
    assert functions.api("GET", f"{BASE}/import/jobs/{again}/logs", status=200)["data"]["lines"]


def _read_in_parts(functions: Functions) -> None:
    """Handed over midway."""
    with _small_pages(functions):
        _import_in_parts(functions)


@contextmanager
def _small_pages(functions: Functions) -> Iterator[None]:
    """Of which a source has so many that it is cut."""
    usual = functions.app("import").services.settings
    for role in functions.workers:
        functions.app(role).services.__dict__["settings"] = replace(usual, page_size=10, workers=4)
    yield
    for role in functions.workers:
        functions.app(role).services.__dict__["settings"] = usual


def _import_in_parts(functions: Functions) -> None:
    services = functions.app(functions.workers[-1]).services
    job_id = functions.trigger()
    if functions.has_machine:
        _plan_again(functions, job_id)
    else:
        assert functions.run_import(job_id, looks=30) == "handed over"
    looks = (
        15 if functions.has_machine else ENOUGH
    )  # then a part is not whole, and the merge reads the rest
    assert functions.run_import(job_id, looks=looks) == "COMPLETED"
    assert services.job_manager.get(job_id).parts["count"] > 1


def _look_as_a_part_does(functions: Functions, job_id: str) -> None:
    """At a source that is too small to be cut."""
    if not functions.has_machine:
        return
    services = functions.app("part").services
    settings = services.sources.of_job(services.job_manager.get(job_id)).settings(services.settings)
    directory = Path(settings.scratch) / "looking"
    directory.mkdir(parents=True, exist_ok=True)
    with closing(services._reader(settings, lambda: 60.0, directory, began=None)) as reader:
        assert reader.survey().fields


def _fail_in_a_state(functions: Functions, source: SampleSource) -> None:
    """The plan is refused, and then a part."""
    with _small_pages(functions):
        refused = functions.trigger()
        source.credentials = ("somebody", "else")
        told = {"job_id": refused, "execution": f"{refused}-0"}
        assert functions.app("plan").plan_import(told, context())["outcome"] == "FAILED"
        source.credentials = (USER, PASSWORD)
        cut = functions.trigger()
        planned = functions.app("plan").plan_import(
            {"job_id": cut, "execution": f"{cut}-0"}, context()
        )
        source.credentials = ("somebody", "else")
        under = {name: planned[name] for name in ("job_id", "holder", "fence", "at_once")}
        assert (
            functions.app("part").fetch_part({**under, "part": 0}, context())["outcome"] == "FAILED"
        )
        source.credentials = (USER, PASSWORD)


def _plan_again(functions: Functions, job_id: str) -> None:
    """After a plan whose time was over, and after one that died when its parts were there."""
    told = {"job_id": job_id, "execution": f"{job_id}-again"}
    assert functions.app("plan").plan_import(told, context(3))["outcome"] == "handed over"
    planned = [functions.app("plan").plan_import(told, context())["parts"] for _ in range(2)]
    assert planned[0] == planned[1] != []
    functions.app("merge").services.job_manager.free_holder(
        functions.app("merge").services.job_manager.lock()
    )


def _ask_and_answer(functions: Functions) -> None:
    functions.api("GET", f"{BASE}/production", status=200)
    assert functions.ask("summary")["rows"] == DATA.expected_counts().new
    assert functions.ask("feed", entity_set="Wells")["rows"]
    assert functions.ask("export")["url"]
    assert functions.ask("export", format="parquet")["url"]
    functions.asked["query"].update(
        rights("GetObject", {"Key": f"{EXPORTS}wells"})
    )  # by who has the signed address


def _define_and_delete(functions: Functions, aws: LocalAws, source: SampleSource) -> None:
    """A source that somebody defines, with a secret in either store."""
    place = f"{STACK}/sources/gulf"
    aws.put_parameter(f"/{place}", SECRET)
    aws_client(aws.url, "secretsmanager").create_secret(Name=place, SecretString=SECRET)
    for secret, version in ((f"ssm:/{place}", "0"), (f"secretsmanager:{place}", "1")):
        told = json.dumps({"kind": "odata", "url": source.url, "secret": secret})
        functions.api("PUT", f"{SOURCES}/gulf", status=200, sent=told, if_match=f'"{version}"')
        job = functions.api("POST", f"{BASE}/import/trigger?source=gulf", status=202)["data"]
        functions.api("DELETE", f"{SOURCES}/gulf", status=409)
        _look_as_a_part_does(functions, job["job_id"])
        assert functions.run_import(job["job_id"]) == "COMPLETED"
    for end in ("import", "failed-event"):
        check = functions.api("POST", f"{SOURCES}/check", status=202, sent=told)["data"]["check_id"]
        functions.check(check, end)
        functions.api("GET", f"{SOURCES}/check/{check}", status=200)
    functions.api("GET", SOURCES, status=200)
    functions.api("GET", f"{SOURCES}/gulf?version=1", status=200)
    functions.api("DELETE", f"{SOURCES}/gulf", status=200)


def _start_what_is_due(functions: Functions, dynamodb: Any, source: SampleSource) -> None:
    """Not when its schedule is paused at that moment, nor when its definition is changed;
    then it is.
    """
    secret = f"ssm:/{STACK}/sources/gulf"
    told = {"kind": "odata", "url": source.url, "secret": secret, "schedule": "0 0 1 1 *"}
    functions.api("PUT", f"{SOURCES}/gulf", status=200, sent=json.dumps(told), if_match='"0"')
    functions.sweep()
    meanwhile = [
        lambda: functions.api("POST", f"{SOURCES}/gulf/pause", status=200),
        lambda: functions.api(
            "PUT",
            f"{SOURCES}/gulf",
            status=200,
            sent=json.dumps({**told, "pause_after": 7}),
            if_match="*",
        ),
    ]

    def come_first(params: dict[str, Any], **_: Any) -> None:
        if meanwhile and "SCHEDULE" in str(params):
            meanwhile.pop(0)()

    client = functions.app("sweeper").services.job_manager.table._dynamodb
    client.meta.events.register("before-call.dynamodb.TransactWriteItems", come_first)
    for _ in range(3):
        functions.api("POST", f"{SOURCES}/gulf/resume", status=200)
        _let_it_be_due(dynamodb)
        functions.sweep()
    (job,) = functions.api("GET", f"{BASE}/import/jobs?source=gulf&status=PENDING", status=200)[
        "data"
    ]["jobs"]
    assert (job["triggered_by"], job["source_version"] > 1, meanwhile) == ("schedule", True, [])
    assert functions.run_import(job["job_id"]) == "COMPLETED"
    functions.sweep()
    functions.api("GET", SOURCES, status=200)
    functions.api("DELETE", f"{SOURCES}/gulf", status=200)


def _let_it_be_due(dynamodb: Any) -> None:
    dynamodb.update_item(
        TableName=STACK,
        Key=to_item(schedule_key("gulf")),
        UpdateExpression="SET due = :past",
        ConditionExpression="attribute_exists(due)",
        ExpressionAttributeValues={":past": {"N": str(int(time.time()) - 60)}},
    )


def _send_and_import_a_file(functions: Functions, client: Any) -> None:
    """What the form does is done with the right of the function that has signed it."""
    sent = functions.api("POST", f"{SOURCES}/drop/files", status=200, sent='{"file": "2024.csv"}')[
        "data"
    ]
    functions.asked["api"].update(rights("PutObject", {"Key": sent["fields"]["key"]}))
    table = b"Field,Well,Month,Oil\nLoma,L-1,2024-01,3\n"
    client.put_object(Bucket=BUCKET, Key=sent["fields"]["key"], Body=table)
    columns = {
        "field_code": "Field",
        "well_code": "Well",
        "production_period": {"field": "Month", "format": "%Y-%m"},
        "oil_production_kbd": {"field": "Oil", "unit": "m3"},
    }
    told = json.dumps({"kind": "files", "url": sent["address"], "columns": columns})
    functions.api("PUT", f"{SOURCES}/drop", status=200, sent=told, if_match='"0"')
    job = functions.api("POST", f"{BASE}/import/trigger?source=drop", status=202)["data"]
    _look_as_a_part_does(functions, job["job_id"])
    assert functions.run_import(job["job_id"]) == "COMPLETED"
    functions.api("DELETE", f"{SOURCES}/drop", status=200)


def _operate(functions: Functions, client: Any) -> None:
    for what in ("status", "tokens"):
        functions.api("GET", f"{OPS}/{what}", status=200)
    kept = functions.api("GET", f"{OPS}/snapshots", status=200)["data"]["snapshots"]
    older = json.dumps({"snapshot": kept[1]["name"]})
    job = functions.api("POST", f"{OPS}/rollback", status=202, sent=older, idempotency_key="back")[
        "data"
    ]
    assert functions.run_import(job["job_id"]) == "COMPLETED"
    client.delete_object(Bucket=BUCKET, Key=kept[1]["name"])
    for what, sent in (("restore", older), ("verify", '{"all": true}'), ("drill", "")):
        assert _reported(functions, what, sent)["status"] == "DONE"


def _reported(functions: Functions, what: str, sent: str = "") -> Any:
    report = functions.api("POST", f"{OPS}/{what}", status=202, sent=sent)["data"]["check_id"]
    functions.check(report, "import")
    return functions.api("GET", f"{OPS}/{what}/{report}", status=200)["data"]


def _roll_back_to_an_older_version(functions: Functions, client: Any) -> None:
    """Of a file that somebody has removed."""
    kept = functions.api("GET", f"{OPS}/snapshots", status=200)["data"]["snapshots"]
    older = json.dumps({"snapshot": kept[1]["name"]})
    job = functions.api("POST", f"{OPS}/rollback", status=202, sent=older, idempotency_key="older")[
        "data"
    ]
    client.delete_object(Bucket=BUCKET, Key=kept[1]["name"])
    assert functions.run_import(job["job_id"]) == "COMPLETED"


def _write_a_segment_twice(functions: Functions) -> None:
    """As after an answer that got lost."""
    name = f"{SEGMENTS}{OLD_JOB}/0000000001-0000-0001-000000.parquet"
    for _ in range(2):
        functions.app("part").services.warehouse.put(
            name, Path(__file__), sha256=sha256_of(Path(__file__))
        )


def _see_to_executions(functions: Functions, dynamodb: Any) -> None:
    """One that runs, one that nobody knows, and one that could not go on."""
    manager = functions.app("plan").services.job_manager
    running = functions.trigger()
    manager.claim(running, holder=holder_of(f"{running}-0", "dead"))
    _let_the_lease_end(dynamodb)
    assert functions.sweep() == "renewed"
    told = {"job_id": running, "execution": f"{running}-0", "error": {"Error": "States.Timeout"}}
    assert functions.app("fail").fail_import(told, context()) == "failed"
    unknown = functions.trigger()
    manager.claim(unknown, holder=holder_of("unknown", "dead"))
    _let_the_lease_end(dynamodb)
    assert functions.sweep() == "restarted"
    assert functions.take_up(unknown) == "dispatched"
    functions.api("POST", f"{BASE}/import/jobs/{unknown}/cancel", status=202)


def _publish_in_parts_by_the_merge(functions: Functions, dynamodb: Any) -> None:
    """As a database above 1 GB;
    the upload breaks off once, and so does the copy to the stable name.
    """
    broken = [SNAPSHOTS]

    def break_off(request: Any, **_: Any) -> None:
        if any(name in request.url for name in broken):
            raise ConnectionClosedError(endpoint_url=request.url)

    services = functions.app("merge").services
    client = services._client("s3", _S3_CLIENT)
    client.meta.events.register("before-send.s3.CompleteMultipartUpload", break_off)
    services.__dict__["warehouse"] = S3Warehouse(
        Multipart(s3=client, bucket=BUCKET, largest_request=1), prefix=""
    )
    job_id = functions.trigger()
    with pytest.raises(WarehouseSilent):
        functions.run_import(job_id)
    broken[:] = [LATEST]
    assert functions.run_import(job_id) == "COMPLETED"
    broken.clear()
    assert functions.app("merge").merge_import(
        {"job_id": job_id, "execution": "late"}, context()
    ) == {
        "job_id": job_id,
        "outcome": "nothing to do",
    }


def _stop(functions: Functions, dynamodb: Any) -> None:
    waiting = functions.trigger()
    functions.api("POST", f"{BASE}/import/jobs/{waiting}/cancel", status=202)
    running = functions.trigger()
    functions.app("import").services.job_manager.claim(running, holder="dead")
    functions.api("POST", f"{BASE}/import/jobs/{running}/cancel", status=202)
    _let_the_lease_end(dynamodb)
    assert functions.run_import(running) == "CANCELLED"


def _restart_and_end_what_died(functions: Functions, dynamodb: Any) -> None:
    lost = functions.trigger()
    functions.app("import").services.job_manager.claim(lost, holder="dead")
    _let_the_lease_end(dynamodb)
    assert functions.sweep() == "restarted"
    assert functions.take_up(lost) == "dispatched"
    _let_the_lease_end(dynamodb)
    assert functions.sweep() == "failed"
    assert functions.take_up(functions.trigger()) == "failed"
    functions.trigger()
    _let_the_lease_end(dynamodb)
    assert (
        functions.run_import(functions.trigger()) == "COMPLETED"
    )  # the trigger has ended the job before it


def _publish_in_parts(functions: Functions, dynamodb: Any) -> None:
    """As a database above 1 GB.
    The upload breaks off once, and so does each copy to the stable name.
    """
    broken = [SNAPSHOTS]

    def break_off(request: Any, **_: Any) -> None:
        if any(name in request.url for name in broken):
            raise ConnectionClosedError(endpoint_url=request.url)

    for role in ("import", "sweeper"):
        services = functions.app(role).services
        client = services._client("s3", _S3_CLIENT)
        client.meta.events.register("before-send.s3.CompleteMultipartUpload", break_off)
        services.__dict__["warehouse"] = S3Warehouse(
            Multipart(s3=client, bucket=BUCKET, largest_request=1), prefix=""
        )
    job_id = functions.trigger()
    with pytest.raises(WarehouseSilent):
        functions.run_import(job_id)
    _let_the_lease_end(dynamodb)
    broken[:] = [DRILLS]
    assert _reported(functions, "drill")["error"]["code"] == "WAREHOUSE_UNAVAILABLE"
    broken[:] = [LATEST]
    assert functions.run_import(job_id) == "COMPLETED"
    with pytest.raises(WarehouseSilent):
        functions.sweep()
    broken.clear()
    assert functions.run_import(job_id) == "nothing to do"  # but to set the stable name
    assert functions.sweep() == "nothing"


def _clear(functions: Functions, client: Any) -> None:
    """What dead workers left: files, and halves of uploads."""
    written = [
        f"{SNAPSHOTS}wells-0000000001-{OLD_JOB}.duckdb",
        f"{SEGMENTS}{OLD_JOB}/0000000001-0000-000000.parquet",
    ]
    written.append(drill_name(1, "ab"))
    orphans = [*written, f"{EXPORTS}wells-0000000001-{OLD_JOB}.parquet"]
    for key in orphans:
        client.put_object(Bucket=BUCKET, Key=key, Body=b"")
    for key in [*written, LATEST]:
        client.create_multipart_upload(Bucket=BUCKET, Key=key)
    functions.sweep()
    functions.app("sweeper").services.warehouse.tidy(now=time.time() + 2 * UPLOAD_SECONDS)
    left = [item["Key"] for item in client.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert not set(left) & set(orphans)
    assert "Uploads" not in client.list_multipart_uploads(Bucket=BUCKET)


def _tell(functions: Functions, aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all that has ended, and a test: on each channel."""
    functions.api("POST", "/api/v1/notices/test", status=202)
    topic = aws_client(aws.url, "sns").create_topic(Name=f"{STACK}-imports")["TopicArn"]
    aws.put_parameter(f"/{STACK}/webhook", RECEIVERS_SECRET)
    with Receiver() as receiver:
        monkeypatch.setenv("WELLHEAD_NOTICES_TOPIC", topic)
        monkeypatch.setenv("WELLHEAD_WEBHOOK_URL", receiver.url)
        monkeypatch.setenv("WELLHEAD_WEBHOOK_SECRET", f"/{STACK}/webhook")
        done = functions.app("notices").send_notices(EVERY_MINUTE, context())["done"]
    shown = functions.api("GET", "/api/v1/notices?limit=100", status=200)["data"]["notices"]
    assert {notice["state"] for notice in shown} == {"SENT"}
    assert len(shown) == done == len(receiver.received) > 10


def _let_the_lease_end(dynamodb: Any) -> None:
    """As if time had passed: nobody else writes the lock."""
    dynamodb.update_item(
        TableName=STACK,
        Key=to_item(LOCK),
        UpdateExpression="SET lease_until = :until",
        ConditionExpression="attribute_exists(#owner)",
        ExpressionAttributeNames={"#owner": "owner"},
        ExpressionAttributeValues={":until": {"N": "1"}},
    )
