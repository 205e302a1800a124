"""Attacks on the ports of the local stack over real HTTP:
from web pages, from other programs, by other names.
"""

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st
from support.coordination import KEYS, aws_client

from local.aws.emulator import SERVICES, LocalAws
from local.aws.lambda_endpoint import LambdaEndpoint
from local.aws.lambda_runtime import LambdaRuntime
from local.aws.runtime_api import Invocation, LambdaFunction, RuntimeApi
from local.aws.signature import Keys, NotSignedError, Signature
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

PASSWORD = "the password of the source"
PARAMETER = "/wellhead/local/source"
READ = json.dumps({"Name": PARAMETER, "WithDecryption": True}).encode()
INVOKE = "/2015-03-31/functions/import/invocations"
NEXT = "/2018-06-01/runtime/invocation/next"
PORTS = ["aws", "lambda", "runtime", "source"]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    journal = tmp_path_factory.mktemp("aws") / "table.sqlite"
    with LocalAws(
        table="wells", journal=journal, keys=KEYS, parameters={PARAMETER: PASSWORD}
    ) as aws:
        yield aws


@pytest.fixture(scope="module")
def ports(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """Of everything that the stack listens with, but the API."""
    directory = tmp_path_factory.mktemp("functions")
    runtime = LambdaRuntime(
        project=directory, logs=directory / "logs", environment={"PATH": os.environ["PATH"]}
    )
    api = RuntimeApi()
    with ExitStack() as exits:
        endpoint = exits.enter_context(
            LambdaEndpoint(runtime=runtime, queue=directory / "events", keys=KEYS)
        )
        source = exits.enter_context(
            SampleSource(GeneratedProduction(10), credentials=("sample", "secret"))
        )
        exits.callback(api.stop)
        urls = {
            "aws": aws.url,
            "lambda": endpoint.url,
            "runtime": f"http://{api.address}",
            "source": source.url,
        }
        yield {name: urlsplit(url).port or 0 for name, url in urls.items()}


def ask(
    port: int, method: str = "GET", path: str = "/", body: bytes = b"", **headers: str
) -> Answer:
    """As it stands: no header but Host comes by itself, and that one can be another."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
    sent = {"Content-Length": str(len(body))} | headers if body else headers
    for name, value in sent.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders(body or None)
    response = connection.getresponse()
    answer = Answer(response.status, dict(response.getheaders()), response.read())
    connection.close()
    return answer


def signed(
    port: int, keys: Keys = KEYS, *, service: str = "ssm", body: bytes = READ, **headers: str
) -> dict[str, str]:
    request = AWSRequest(
        "POST",
        f"http://127.0.0.1:{port}/",
        {"X-Amz-Target": "AmazonSSM.GetParameter", **headers},
        body,
    )
    SigV4Auth(Credentials(*keys), service, "us-east-1").add_auth(request)
    return dict(request.headers.items())


def test_who_signs_with_the_key_of_the_stack_is_answered(ports: dict[str, int]) -> None:
    answer = ask(ports["aws"], "POST", body=READ, **signed(ports["aws"]))

    assert answer.status == 200
    assert json.loads(answer.body)["Parameter"]["Value"] == PASSWORD
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1:1", "127.0.0.1", "localhost.evil.example:{port}",
     "user@127.0.0.1:{port}", "127.0.0.1:{port}@evil.example", "", "0.0.0.0:{port}", "127.0.0.1:{port}/x"],
)  # fmt: skip
def test_a_name_that_was_made_to_lead_here_is_refused(
    ports: dict[str, int], port: str, host: str
) -> None:
    """DNS rebinding:
    the page's own host leads to 127.0.0.1, so that nothing is of another site to the browser.
    """
    named = host.format(port=ports[port])
    if port == "aws":
        answer = ask(ports[port], "POST", body=READ, **signed(ports[port], Host=named))
    else:
        answer = ask(ports[port], Host=named)

    assert answer.status == 403
    assert PASSWORD.encode() not in answer.body


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost.evil.example:{port}",
     "https://127.0.0.1:{port}", "file://", "http://127.0.0.1:{port}, https://evil.example"],
)  # fmt: skip
def test_a_page_of_another_site_is_refused(ports: dict[str, int], port: str, origin: str) -> None:
    named = {"Origin": origin.format(port=ports[port])}
    if port == "aws":
        answer = ask(ports[port], "POST", body=READ, **signed(ports[port]), **named)
    else:
        answer = ask(ports[port], "GET", "/", b"", **named)

    assert answer.status == 403
    assert PASSWORD.encode() not in answer.body
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("port", PORTS)
def test_no_page_is_told_that_it_may_ask(ports: dict[str, int], port: str) -> None:
    wished = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,x-amz-target",
    }
    answer = ask(
        ports[port], "OPTIONS", "/", b"", Origin=f"http://127.0.0.1:{ports[port]}", **wished
    )

    assert answer.status in (403, 404, 405, 501)
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


MOTO_PATHS = [
    "/moto-api/", "/moto-api/data.json", "/moto-api/reset", "/moto-api/seed?a=1", "/moto-api/config",
    "//moto-api/data.json", "/./moto-api/data.json", "/x/../moto-api/data.json", "/%6doto-api/data.json",
    "/moto%2dapi/data.json", "/moto-api%2fdata.json", "/MOTO-API/data.json", "/moto-api/data.json?x",
    "/moto-api;a/reset", "/moto-api/recorder/start-recording",
    "/moto_api/data.json", "http://127.0.0.1/moto-api/data.json", "http://motoapi.amazonaws.com/moto-api/data.json",
    "/latest/meta-data/iam/security-credentials/", "/latest/api/token", "/favicon.ico",
]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"])
def test_there_is_no_page_of_the_emulators_own(
    ports: dict[str, int], aws: LocalAws, method: str
) -> None:
    for path in MOTO_PATHS:
        answer = ask(ports["aws"], method, path)

        assert answer.status in (403, 501), path
        assert PASSWORD.encode() not in answer.body, path
    assert value_of_the_parameter(aws) == PASSWORD


def value_of_the_parameter(aws: LocalAws) -> Any:
    ssm = aws_client(aws.url, "ssm")
    try:
        return ssm.get_parameter(Name=PARAMETER, WithDecryption=True)["Parameter"]["Value"]
    finally:
        ssm.close()


@pytest.mark.parametrize(
    "service", [*SERVICES, "moto_api", "motoapi", "sts", "iam", "instance_metadata", "lambda"]
)
@pytest.mark.parametrize("path", ["/moto-api/data.json", "/moto-api/reset", "/latest/meta-data/"])
def test_who_has_the_key_finds_no_such_page_either(
    ports: dict[str, int], aws: LocalAws, service: str, path: str
) -> None:
    request = AWSRequest("POST", f"http://127.0.0.1:{ports['aws']}{path}", {}, b"")
    (S3SigV4Auth if service == "s3" else SigV4Auth)(
        Credentials(*KEYS), service, "us-east-1"
    ).add_auth(request)
    answer = ask(ports["aws"], "POST", path, b"", **dict(request.headers.items()))

    assert answer.status >= 400
    assert PASSWORD.encode() not in answer.body
    assert value_of_the_parameter(aws) == PASSWORD


@pytest.mark.parametrize(
    "change",
    [
        {"Authorization": ""},
        {"Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/ssm/aws4_request"},
        {"Authorization": "Basic bG9jYWw6bG9jYWw="},
        {"Authorization": "AWS local:signature"},
        {"X-Amz-Target": "AmazonSSM.GetParametersByPath"},
        {"X-Amz-Date": "20200101T000000Z"},
        {"X-Amz-Security-Token": "more"},
        {"Host": "localhost:{port}"},
    ],
)
def test_a_request_that_is_not_as_it_was_signed_is_refused(
    ports: dict[str, int], change: dict[str, str]
) -> None:
    changed = {name: value.format(port=ports["aws"]) for name, value in change.items()}
    answer = ask(ports["aws"], "POST", body=READ, **(signed(ports["aws"]) | changed))

    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (403, "AccessDeniedException")
    assert PASSWORD.encode() not in answer.body


def test_another_body_path_or_key_is_refused(ports: dict[str, int]) -> None:
    port = ports["aws"]
    other = READ.replace(b"/wellhead", b"/wellheaf")

    assert ask(port, "POST", body=other, **signed(port)).status == 403
    assert ask(port, "POST", "/?Action=x", body=READ, **signed(port)).status == 403
    assert ask(port, "PUT", body=READ, **signed(port)).status == 403
    assert ask(port, "POST", body=READ, **signed(port, Keys("local", "local"))).status == 403
    assert (
        ask(port, "POST", body=READ, **signed(port, Keys("other", KEYS.secret_access_key))).status
        == 403
    )
    assert (
        PASSWORD.encode()
        not in ask(port, "POST", body=READ, **signed(port, service="dynamodb")).body
    )


def test_a_stack_makes_other_keys_each_time() -> None:
    first, second = Keys.random(), Keys.random()

    assert len({*first, *second}) == 4
    assert len(first.secret_access_key) == 40


# ------------------------------------------------------------------------------------- presigned URLs


@pytest.fixture(scope="module")
def presigned(aws: LocalAws) -> str:
    s3 = aws_client(aws.url, "s3", signature_version="s3v4")
    s3.put_object(Bucket="wellhead-local", Key="a b+c/wells.duckdb", Body=b"the database")
    s3.put_object(Bucket="wellhead-local", Key="secret", Body=b"another file")
    place = {"Bucket": "wellhead-local", "Key": "a b+c/wells.duckdb"}
    url: str = s3.generate_presigned_url("get_object", Params=place, ExpiresIn=600)
    s3.close()
    return url


def fetched(url: str, method: str = "GET") -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, method=method), timeout=10
        ) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()


def test_an_address_that_the_stack_gave_out_opens_its_file_and_no_other(presigned: str) -> None:
    assert fetched(presigned) == (200, b"the database")
    changes = [
        ("a%20b%2Bc/wells.duckdb", "secret"),
        ("X-Amz-Expires=600", "X-Amz-Expires=6000"),
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
        ("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=none"),
        ("/wellhead-local/a%20b%2Bc/wells.duckdb?", "/wellhead-local?list-type=2&"),
    ]
    for old, new in changes:
        assert old in presigned
        status, body = fetched(presigned.replace(old, new))
        assert (status, b"file" in body) == (403, False), new
    assert fetched(presigned, "DELETE")[0] == 403


def test_an_address_that_the_stack_gave_out_ends(aws: LocalAws) -> None:
    request = AWSRequest("GET", f"{aws.url}/wellhead-local/secret", {}, b"")
    S3SigV4QueryAuth(Credentials(*KEYS), "s3", "us-east-1", expires=0).add_auth(request)
    time.sleep(1.1)  # the date has whole seconds

    assert fetched(str(request.url))[0] == 403


# ---------------------------------------------------------------------------- functions and their workers


@pytest.mark.parametrize("path", [INVOKE, "/", "/2015-03-31/functions", "/moto-api/reset"])
def test_nobody_invokes_a_function_without_the_key(ports: dict[str, int], path: str) -> None:
    answer = ask(ports["lambda"], "POST", path, b"{}", X_Amz_Invocation_Type="Event")

    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (403, "AccessDeniedException")


def test_a_key_for_another_service_invokes_nothing(ports: dict[str, int]) -> None:
    answer = ask(ports["lambda"], "POST", body=READ, **signed(ports["lambda"]))

    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (403, "AccessDeniedException")


def test_nobody_takes_an_event_of_a_worker_or_answers_it_without_its_secret() -> None:
    api = RuntimeApi()
    port = int(api.address.partition("/")[0].partition(":")[2])
    invocation = Invocation(
        LambdaFunction(name="import", handler="app.import", timeout=0.5),
        request_id="1",
        payload=b"{}",
    )
    api.give(invocation)
    answered = "/2018-06-01/runtime/invocation/1/response"
    for before in ("", "/", "/x", "//", f"/{api.secret[:-1]}", f"/x/{api.secret}"):
        assert ask(port, "GET", before + NEXT).status == 404
        assert ask(port, "POST", before + answered, b"forged").status == 404

    assert ask(port, "GET", f"/{api.secret}{NEXT}").body == b"{}"
    assert (
        ask(port, "POST", f"/{api.secret}{answered.replace('1', '2')}", b"of another event").status
        == 404
    )
    assert (
        ask(port, "POST", f"/{api.secret}/2018-06-01/runtime/invocation/2/response", b"late").status
        == 400
    )
    assert ask(port, "POST", f"/{api.secret}{answered}", b"its own").status == 202
    assert invocation.outcome().payload == b"its own"
    api.stop()


# ------------------------------------------------------------------------------------- the signature itself

PATHS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
OPTIONS = st.dictionaries(st.text("ab+ /=é-", min_size=1, max_size=4), PATHS, max_size=3)


@settings(max_examples=60)
@given(
    path=PATHS, options=OPTIONS, body=st.binary(max_size=40), value=st.text("a b\té", max_size=9)
)
def test_what_botocore_signs_is_what_is_checked(
    path: str, options: dict[str, str], body: bytes, value: str
) -> None:
    whole = f"/bucket/{quote(path, safe='/~')}" + (
        f"?{urlencode(options, quote_via=quote)}" if options else ""
    )
    for service, auth, target in (
        ("s3", S3SigV4Auth, whole),
        ("lambda", SigV4Auth, "/functions/a%3Ab/invocations"),
    ):
        request = AWSRequest(
            "PUT", f"http://127.0.0.1:80{target}", {"x-amz-meta-a": value.strip()}, body
        )
        auth(Credentials(*KEYS), service, "us-east-1").add_auth(request)
        headers = http.client.HTTPMessage()
        for name, held in {"Host": "127.0.0.1", **dict(request.headers.items())}.items():
            headers[name] = held.encode().decode("latin-1")

        Signature.read(target, headers, KEYS).check("PUT", target, headers, body, KEYS)
        with pytest.raises(NotSignedError):
            Signature.read(target, headers, KEYS).check("PUT", target, headers, body + b"x", KEYS)
