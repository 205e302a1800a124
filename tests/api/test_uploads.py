"""Sending a file into the bucket:
the form is for one key, some lengths and a quarter of an hour, and for admins.
"""

from __future__ import annotations

import json
import time
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import pytest
import requests
from support.api_client import ADMIN, OPERATOR, READER, Reply
from support.form_bucket import FormBucket
from support.program import program_environment, run

from chalicelib.api.console_files import page_policy
from chalicelib.files.limits import USUAL
from chalicelib.services import _S3_CLIENT, Services
from chalicelib.sources.uploads import MOST_BYTES, new_upload
from chalicelib.warehouse.multipart import Multipart
from chalicelib.warehouse.s3 import S3Warehouse
from local.aws.loopback import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.api_client import Api

BUCKET, SOURCE = "wells-123", "north-sea"
KEY = f"prod/uploads/{SOURCE}/2024.csv"
FILES = f"/api/v1/sources/{SOURCE}/files"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """What lies in the bucket of the warehouse, by key."""
    objects: dict[str, bytes] = {}
    server = LoopbackServer(type("Bucket", (FormBucket,), {"objects": objects})).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    yield objects
    server.stop()


@pytest.fixture
def environment(environment: dict[str, str], request: pytest.FixtureRequest) -> dict[str, str]:
    """With a bucket as the warehouse, where the test has one."""
    is_in_bucket = "bucket" in request.fixturenames
    return environment | ({"WELLHEAD_WAREHOUSE": f"s3://{BUCKET}/prod"} if is_in_bucket else {})


def ask(api: Api, sent: Any, path: str = FILES, *, token: str | None = ADMIN) -> Reply:
    body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    return api.ask("POST", path, body, Authorization=f"Bearer {token}")


def form_of(api: Api, file: str = "2024.csv") -> Any:
    reply = ask(api, {"file": file})
    assert reply.status == 200, reply.envelope
    return reply.envelope["data"]


def send(form: Any, content: bytes, **changed: str) -> requests.Response:
    return requests.post(
        form["url"], data=form["fields"] | changed, files={"file": ("x", content)}, timeout=20
    )


def policy_of(form: Any) -> Any:
    return json.loads(b64decode(form["fields"]["policy"]))


# -- the form ----------------------------------------------------------------------------------------


def test_a_file_that_is_sent_by_the_form_lies_at_the_address(
    bucket: dict[str, bytes], api: Api
) -> None:
    form = form_of(api)

    answer = send(form, b"Well;Oil\nL-1;3\n")
    assert answer.status_code == 204, answer.text
    assert bucket == {KEY: b"Well;Oil\nL-1;3\n"}
    assert form["address"] == f"s3://{BUCKET}/{KEY}"
    assert form["folder"] == f"s3://{BUCKET}/prod/uploads/{SOURCE}/"
    assert abs(form["expires_at"] - time.time() - 900) < 30


def test_the_policy_names_one_key_and_one_range_of_lengths_and_nothing_else_may_be_sent(
    bucket: dict[str, bytes], api: Api
) -> None:
    form = form_of(api)
    fields = {
        name: value
        for name, value in form["fields"].items()
        if name not in ("policy", "x-amz-signature")
    }

    policy = policy_of(form)
    assert policy["conditions"] == [
        ["content-length-range", 1, form["most_bytes"]],
        {"bucket": BUCKET},
        {"key": KEY},
        *({name: value} for name, value in fields.items() if name != "key"),
    ]
    ends = time.strptime(policy["expiration"], "%Y-%m-%dT%H:%M:%SZ")
    assert abs(time.mktime(ends) - time.timezone - form["expires_at"]) < 30
    assert form["most_bytes"] == MOST_BYTES <= USUAL.file


@pytest.mark.parametrize(
    "changed",
    [
        {"key": "prod/uploads/gulf/2024.csv"},
        {"key": "prod/wells.duckdb"},
        {"key": "prod/snapshots/wells-0000000001.duckdb"},
        {"key": f"{KEY}/../../gulf/2024.csv"},
        {"key": KEY.replace("2024.csv", "${filename}")},
        {"acl": "public-read"},
        {"Content-Type": "text/html"},
        {"x-amz-storage-class": "GLACIER"},
        {"success_action_redirect": "https://evil.example.org"},
        {"x-amz-signature": "0" * 64},
    ],
)
def test_a_form_that_somebody_has_changed_is_refused(
    bucket: dict[str, bytes], api: Api, changed: dict[str, str]
) -> None:
    assert send(form_of(api), b"x", **changed).status_code == 403
    assert bucket == {}


def test_neither_nothing_nor_too_much_is_taken(bucket: dict[str, bytes], aws: Any) -> None:
    """Of a form for three bytes: a gigabyte is too much for a test."""
    warehouse = Services({**_SETTINGS, "WELLHEAD_WAREHOUSE": f"s3://{BUCKET}"}).warehouse
    form = warehouse.upload_form("uploads/a/b", seconds=60, most_bytes=3)
    told = {"url": form.url, "fields": form.fields}

    codes = {
        size: send(told, b"x" * size).text.partition("<Code>")[2].partition("<")[0]
        for size in (0, 1, 3, 4)
    }
    assert codes == {0: "EntityTooSmall", 1: "", 3: "", 4: "EntityTooLarge"}
    late = warehouse.upload_form("uploads/a/b", seconds=-1, most_bytes=3)
    assert send({"url": late.url, "fields": late.fields}, b"x").status_code == 403


_SETTINGS = {
    "WELLHEAD_TABLE": "t",
    "WELLHEAD_IMPORT_FUNCTION": "f",
    "WELLHEAD_SOURCE_URL": "https://example.org/odata/Wells",
}


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_the_console_may_send_to_where_the_form_goes(
    region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As S3 itself is named, and not a stand-in for it."""
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_DEFAULT_REGION", region),
    ):
        monkeypatch.setenv(name, value)
    services = Services({**_SETTINGS, "WELLHEAD_WAREHOUSE": f"s3://{BUCKET}"})
    warehouse = S3Warehouse(
        Multipart(s3=services._client("s3", _S3_CLIENT), bucket=BUCKET), prefix=""
    )

    form = new_upload(SOURCE, "a.csv", warehouse=warehouse, address=f"s3://{BUCKET}", now=0.0)

    told = page_policy({"WELLHEAD_WAREHOUSE": f"s3://{BUCKET}", "AWS_REGION": region})[
        "Content-Security-Policy"
    ]
    policy = dict(part.split(" ", 1) for part in told.split("; "))
    assert form["url"].rstrip("/") in policy["connect-src"].split()


# -- names -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "end"),
    [
        ("Pozos (1) año.csv", "Pozos (1) año.csv"),
        ("生産.xlsx", "生産.xlsx"),
        ("a[1]?*.csv", "a[[]1][?][*].csv"),
        ("%2e%2e%2fb;$.csv", "%2e%2e%2fb;$.csv"),
        ("x" * 200, "x" * 200),
    ],
)
def test_the_address_of_a_file_means_that_file_alone(
    bucket: dict[str, bytes], api: Api, file: str, end: str
) -> None:
    form = form_of(api, file)

    assert form["fields"]["key"] == f"prod/uploads/{SOURCE}/{file}"
    assert form["address"] == f"{form['folder']}{end}"
    assert send(form, b"x").status_code == 204


NO_FILES: list[Any] = [
    *(
        {"file": name}
        for name in (
            "",
            " ",
            " a.csv",
            "a.csv ",
            "../gulf/a.csv",
            "a/b.csv",
            "/a.csv",
            "a\\b.csv",
            ".",
            "..",
            ".a.csv",
            "a\nb.csv",
            "a\r\nb",
            "a\0.csv",
            "a\x7f.csv",
            "a\u202ev.csv",
            "a\u2028.csv",
            "${filename}",
            "a-${filename}.csv",
            "x" * 201,
            "\ud800",
            None,
            1,
            ["a.csv"],
            {"a": 1},
        )
    ),
    {},
    {"file": "a.csv", "key": "wells.duckdb"},
    {"name": "a.csv"},
    [],
    "a.csv",
    None,
    b"",
    b"{",
    b"[" * 20_000,
    b"\xff\xfe",
]


def test_another_name_is_refused(bucket: dict[str, bytes], api: Api) -> None:
    for sent in NO_FILES:
        reply = ask(api, sent)

        assert (reply.status, reply.envelope["error"]["code"]) == (400, "VALIDATION_ERROR"), sent
        assert reply.envelope["error"]["details"]["field"] in ("file", "body"), sent


def test_a_name_of_another_form_is_no_source(bucket: dict[str, bytes], api: Api) -> None:
    for name in ("North", "a" * 41, "a_b", "a%2Fb", "..", "%2e%2e", "a%20b", "%00"):
        reply = ask(api, {"file": "a.csv"}, f"/api/v1/sources/{name}/files")

        assert reply.status in (400, 404), (name, reply)


# -- who and where -----------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [READER, OPERATOR])
def test_only_an_admin_sends_files(bucket: dict[str, bytes], api: Api, token: str) -> None:
    reply = ask(api, {"file": "a.csv"}, token=token)

    assert (reply.status, reply.envelope["error"]["code"]) == (403, "ROLE_REQUIRED")
    assert ask(api, {"file": "a.csv"}, token="nobodys").status == 401


def test_the_query_holds_nothing(bucket: dict[str, bytes], api: Api) -> None:
    assert ask(api, {"file": "a.csv"}, f"{FILES}?key=wells.duckdb").status == 400


def test_a_directory_takes_no_files_and_says_what_to_do(api: Api) -> None:
    reply = ask(api, {"file": "a.csv"})

    error = reply.envelope["error"]
    assert (reply.status, error["code"]) == (409, "UPLOAD_NOT_HERE")
    assert "give the path" in error["message"]


# -- the command -------------------------------------------------------------------------------------


def test_the_command_sends_a_file_and_tells_its_address(
    bucket: dict[str, bytes], api: Api, tmp_path: Path
) -> None:
    file = tmp_path / "2024.csv"
    file.write_bytes(bytes(range(256)) * 10_000)  # more than a piece
    environment = program_environment(tmp_path) | {"WELLHEAD_URL": f"http://127.0.0.1:{api.port}"}

    done = run(
        "sources", "upload", SOURCE, str(file), environment=environment | {"WELLHEAD_TOKEN": ADMIN}
    )
    told = run(
        "sources",
        "upload",
        SOURCE,
        str(file),
        "--json",
        environment=environment | {"WELLHEAD_TOKEN": ADMIN},
    )
    nobody = run(
        "sources",
        "upload",
        SOURCE,
        str(file),
        environment=environment | {"WELLHEAD_TOKEN": OPERATOR},
    )

    assert (done.returncode, done.stdout) == (0, f"s3://{BUCKET}/{KEY}\n"), done
    assert bucket == {KEY: file.read_bytes()}
    assert json.loads(told.stdout) == {
        "address": f"s3://{BUCKET}/{KEY}",
        "folder": f"s3://{BUCKET}/{KEY[:-8]}",
    }
    assert (nobody.returncode, "admin" in nobody.stderr) == (4, True), nobody


def test_the_command_says_why_a_file_was_not_sent(
    bucket: dict[str, bytes], api: Api, tmp_path: Path
) -> None:
    environment = program_environment(tmp_path) | {
        "WELLHEAD_URL": f"http://127.0.0.1:{api.port}",
        "WELLHEAD_TOKEN": ADMIN,
    }
    for name, content, told in (
        ("empty.csv", b"", "is empty, so nothing was sent"),
        (".hidden", b"x", "a dot at the beginning"),
    ):
        (tmp_path / name).write_bytes(content)
        done = run("sources", "upload", SOURCE, str(tmp_path / name), environment=environment)
        assert (done.returncode, told in done.stderr) == (1, True), done
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(MOST_BYTES + 1)  # no more than a length on the disk
    done = run("sources", "upload", SOURCE, str(large), environment=environment)
    assert (done.returncode, "1,024 MB can be sent" in done.stderr) == (1, True), done
    assert bucket == {}


def test_the_command_says_to_give_the_path_where_there_is_no_bucket(
    api: Api, tmp_path: Path
) -> None:
    file = tmp_path / "2024.csv"
    file.write_text("x")
    environment = program_environment(tmp_path) | {"WELLHEAD_URL": f"http://127.0.0.1:{api.port}"}

    done = run(
        "sources", "upload", SOURCE, str(file), environment=environment | {"WELLHEAD_TOKEN": ADMIN}
    )

    assert (done.returncode, "UPLOAD_NOT_HERE" in done.stderr, "give the path" in done.stderr) == (
        1,
        True,
        True,
    )
