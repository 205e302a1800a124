"""Each kind of credentials:
what it puts on a request, where its secret may be kept, and that no word of it leaks.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from base64 import b64encode
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, quote_plus

import pytest
import requests
from botocore.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st
from support.aws_session import new_session
from support.coordination import KEYS
from support.credentials import KINDS, SECRET, SECRETS, SENT, TokenEndpoint, leaks
from support.scripted_source import (
    PATH,
    Answer,
    ScriptedHandler,
    ScriptedSource,
    Serve,
    SkippedTime,
    page,
    settings_for,
)

from chalicelib.errors import (
    SecretInvalid,
    SecretUnavailable,
    SourceError,
    SourceForbidden,
    SourceInvalid,
    SourceUnauthorized,
    TokenRefused,
    TokenUnavailable,
    WellheadError,
)
from chalicelib.http.access_token import TokenAuth
from chalicelib.http.credentials import open_credentials
from chalicelib.http.secret import FORMS
from chalicelib.http.signing import HeaderAuth, basic_auth
from chalicelib.odata.connection import ODataConnection

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.http.signing import SourceAuth
    from local.aws.emulator import LocalAws


def client(service: str) -> Any:
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=60)
    return new_session().create_client(service, config=config)


def no_client(service: str) -> Any:
    raise AssertionError(f"{service} is asked")


def opened(
    kind: str,
    secret: str = "env:S",
    *,
    token_url: str = "",
    environment: dict[str, str] | None = None,
    **settings: str,
) -> SourceAuth | None:
    known = settings_for(
        "http://127.0.0.1:9/x",
        source_auth=kind,
        source_secret=secret,
        source_token_url=token_url or "http://127.0.0.1:9/token",
        **settings,
    )
    kept = {"S": json.dumps(SECRETS.get(kind))} if environment is None else environment
    return open_credentials(
        known, client=client if not secret.startswith("env:") else no_client, environment=kept
    )


def connected(source: ScriptedSource, auth: SourceAuth | None, **settings: str) -> ODataConnection:
    skipped = SkippedTime()
    known = settings_for(source.url, **settings)
    return ODataConnection(settings=known, auth=auth, clock=skipped.clock, sleep=skipped.sleep)


# --- what is sent


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_signs_every_request(serve: Serve, kind: str) -> None:
    tokens, source = serve(TokenEndpoint()), serve(Answer(page([])))
    connection = connected(source, opened(kind, token_url=tokens.root))

    connection.get_page(source.url, page=1)
    connection.get_page(source.url, page=2)

    name, value = SENT[kind]
    assert [asked.headers.get(name) for asked in source.asked] == [value, value]
    assert len(tokens.asked) == (1 if kind == "oauth2" else 0)


def test_an_open_source_needs_nothing(serve: Serve) -> None:
    source = serve(Answer(page([])))

    connected(source, opened("none")).get_page(source.url, page=1)

    assert "authorization" not in source.asked[0].headers


def test_the_header_of_the_key_is_a_setting(serve: Serve) -> None:
    source = serve(Answer(page([])))

    connected(source, opened("api_key", source_key_header="Ocp-Key")).get_page(source.url, page=1)

    assert source.asked[0].headers["ocp-key"] == SECRETS["api_key"]["key"]
    assert "x-api-key" not in source.asked[0].headers


# --- where the secret is kept


def test_a_secret_may_be_an_ssm_parameter(aws: LocalAws) -> None:
    for name in ("/wellhead/source", "plain"):
        aws.put_parameter(name, json.dumps(SECRETS["bearer"]))

        assert header_of(opened("bearer", name)) == SENT["bearer"][1]


def test_a_secret_may_be_in_secrets_manager(aws: LocalAws) -> None:
    made = client("secretsmanager").create_secret(
        Name="wells/source", SecretString=json.dumps(SECRETS["basic"])
    )

    for name in ("wells/source", made["ARN"]):
        assert header_of(opened("basic", f"secretsmanager:{name}")) == SENT["basic"][1]


def header_of(auth: SourceAuth | None) -> str:
    assert auth
    return auth(requests.Request("GET", "http://127.0.0.1/").prepare()).headers["Authorization"]


def test_a_secret_that_is_not_there_is_told(aws: LocalAws) -> None:
    for place in (
        "/absent",
        "absent",
        "secretsmanager:absent",
        "secretsmanager:",
        "/bad name?",
        "env:",
        "env:ABSENT",
    ):
        with pytest.raises(SecretInvalid, match="names no secret that may be read") as refused:
            opened("bearer", place, environment={})

        assert (refused.value.code, refused.value.retryable) == ("SECRET_INVALID", False)


@pytest.fixture
def aws_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Points AWS clients at a URL."""
    for name, value in KEYS.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return lambda url: monkeypatch.setenv("AWS_ENDPOINT_URL", url)


def aws_error(code: str, status: int) -> Answer:
    body = json.dumps({"__type": code, "message": "hunter2"}).encode()
    return Answer(
        body, status, {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code}
    )


@pytest.mark.parametrize("place", ["/source", "secretsmanager:source"])
def test_an_outage_of_the_store_is_told_from_a_wrong_name(
    serve: Serve, aws_at: Callable[[str], None], place: str
) -> None:
    source = serve(Answer())
    aws_at(source.root)
    errors: list[tuple[str, int, type[WellheadError]]] = [
        ("ThrottlingException", 400, SecretUnavailable),
        ("InternalServerError", 500, SecretUnavailable),
        ("ServiceUnavailable", 503, SecretUnavailable),
        ("AccessDeniedException", 400, SecretInvalid),
        ("DecryptionFailure", 400, SecretInvalid),
    ]
    for code, status, error in errors:
        source.steps = [aws_error(code, status)]
        with pytest.raises(error) as failed:
            opened("bearer", place)

        assert type(failed.value) is error
        assert failed.value.retryable is (error is SecretUnavailable)
        assert "hunter2" not in failed.value.message


def test_a_store_that_is_not_there_is_an_outage(aws_at: Callable[[str], None]) -> None:
    with ScriptedSource(Answer()) as gone:
        aws_at(gone.root)

    with pytest.raises(SecretUnavailable) as failed:
        opened("bearer", "/source")

    assert (failed.value.code, failed.value.retryable) == ("SECRET_UNAVAILABLE", True)


# --- what the secret looks like


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "hunter2",
        '"hunter2"',
        '["hunter2"]',
        "{}",
        '{"username": "hunter2"}',
        '{"username": "hun:ter2", "password": "x"}',
        '{"token": "", "key": "", "client_id": "", "client_secret": "", "username": 1, "password": 2}',
        '{"token": "hunter2\\nX: y", "key": "hun\\r\\nter2", "client_id": 1, "client_secret": null}',
        '{"token": "hunter2é", "key": "hunter2\\u0000"}',
        json.dumps(
            {
                "username": "ada",
                "password": "hunter2\ud800",
                "client_id": "\ud800",
                "client_secret": "x",
            }
        ),
        "[" * 100_000,
    ],
)
def test_a_secret_of_another_form_is_refused_with_the_right_one(kind: str, text: str) -> None:
    with pytest.raises(SecretInvalid) as refused:
        opened(kind, environment={"S": text})

    form = ", ".join(f'"{name}": "..."' for name in FORMS[kind])
    assert refused.value.message == (
        f"WELLHEAD_SOURCE_AUTH={kind} needs a secret of the form {{{form}}}. Store it again."
    )
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


def test_a_key_that_was_copied_with_its_line_break_is_the_key() -> None:
    assert header_of(opened("bearer", environment={"S": '{"token": " abc\\n"}'})) == "Bearer abc"


@settings(max_examples=40)
@given(password=st.text(max_size=30))
def test_any_password_is_sent_as_it_is(password: str) -> None:
    secret = json.dumps({"username": "ada", "password": password})
    expected = b64encode(f"ada:{password}".encode()).decode()
    assert header_of(opened("basic", environment={"S": secret})) == f"Basic {expected}"


# --- OAuth2


def test_the_token_endpoint_gets_the_client_credentials_and_nothing_else(serve: Serve) -> None:
    tokens, source = serve(TokenEndpoint()), serve(Answer(page([])))
    auth = opened(
        "oauth2", token_url=f"{tokens.root}/oauth/token?tenant=1", source_scope="read all"
    )

    connected(source, auth).get_page(f"{source.url}?key=hidden", page=1)

    [asked] = tokens.asked
    assert (asked.method, asked.path, asked.query) == ("POST", "/oauth/token", {"tenant": "1"})
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["read all"],
    }
    assert (
        asked.headers["authorization"] == "Basic " + b64encode(b"ada:hunter2%2F%2B%C3%A9").decode()
    )
    assert not tokens.saw("hidden", PATH)
    assert not source.saw(SECRET, asked.headers["authorization"])


def token_auth(tokens: ScriptedSource, clock: Callable[[], float]) -> TokenAuth:
    return TokenAuth(url=tokens.root, scope="", client_id="ada", client_secret=SECRET, clock=clock)


@pytest.mark.parametrize(
    ("expires_in", "lives"),
    [
        (3600, 3540),
        ("3600", 3540),
        (100, 80),
        (10.5, 8.4),
        *((untold, 1e9) for untold in (0, None, "soon", -5, 1e99)),
    ],
)
def test_a_token_is_renewed_shortly_before_its_end(
    serve: Serve, expires_in: Any, lives: float
) -> None:
    tokens, now = serve(TokenEndpoint(expires_in=expires_in)), [0.0]
    auth = token_auth(tokens, lambda: now[0])

    assert header_of(auth) == "Bearer hunter2-token-1"
    now[0] = lives - 1
    assert header_of(auth) == "Bearer hunter2-token-1"
    now[0] = lives + 1

    assert header_of(auth) == (
        "Bearer hunter2-token-2" if lives < 1e9 else "Bearer hunter2-token-1"
    )


def test_a_renewed_token_is_hidden_too(serve: Serve) -> None:
    """A request of another thread is still on its way with it, and its answer may repeat it."""
    tokens, now = serve(TokenEndpoint(expires_in=100)), [0.0]
    auth = token_auth(tokens, lambda: now[0])
    first = header_of(auth)
    now[0] = 100.0
    second = header_of(auth)

    assert first != second
    assert auth.hide(f"{first}, {second}") == "Bearer …, Bearer …"


def test_a_refused_token_is_renewed_once(serve: Serve) -> None:
    tokens = serve(TokenEndpoint(expires_in=3600))
    source = serve(Answer(page([])), Answer(status=401), Answer(page([])))
    connection = connected(source, opened("oauth2", token_url=tokens.root))

    connection.get_page(source.url, page=1)
    connection.get_page(source.url, page=2)

    assert [asked.headers["authorization"][-1] for asked in source.asked] == ["1", "1", "2"]
    assert connection.retries == 0


def test_a_source_that_refuses_every_token_is_asked_twice(serve: Serve) -> None:
    tokens, source = serve(TokenEndpoint()), serve(Answer(status=401))

    with pytest.raises(SourceUnauthorized):
        connected(source, opened("oauth2", token_url=tokens.root)).get_page(source.url, page=1)

    assert (len(source.asked), len(tokens.asked)) == (2, 2)


def test_a_403_is_no_matter_of_the_token(serve: Serve) -> None:
    tokens, source = serve(TokenEndpoint()), serve(Answer(status=403))

    with pytest.raises(SourceForbidden):
        connected(source, opened("oauth2", token_url=tokens.root)).get_page(source.url, page=1)

    assert (len(source.asked), len(tokens.asked)) == (1, 1)


def test_many_threads_renew_a_token_once(serve: Serve) -> None:
    together = threading.Barrier(8)

    def expired_at_once(handler: ScriptedHandler) -> Answer:
        if handler.asked.headers["authorization"].endswith("1"):
            together.wait(60)
            return Answer(status=401)
        return Answer(page([]))

    tokens, source = serve(TokenEndpoint()), serve(expired_at_once)
    connection = connected(source, opened("oauth2", token_url=tokens.root), source_connections="8")
    threads = [
        threading.Thread(target=connection.get_page, args=(source.url,), kwargs={"page": number})
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert (len(tokens.asked), len(source.asked)) == (2, 16)


NO_TOKENS: dict[str, tuple[Answer, type[SourceError]]] = {
    "invalid client": (
        Answer(b'{"error": "invalid_client", "error_description": "hunter2"}', 401),
        TokenRefused,
    ),
    "invalid scope": (Answer(b'{"error": "invalid_scope"}', 400), TokenRefused),
    "not there": (Answer(b"hunter2", 404), TokenRefused),
    "redirect": (Answer(b"", 302, {"Location": "http://127.0.0.1:9/"}), TokenRefused),
    "busy": (Answer(b"", 429), TokenUnavailable),
    "failing": (Answer(b"", 500), TokenUnavailable),
    "no JSON": (Answer(b"<html>hunter2"), TokenUnavailable),
    "no token": (Answer(b'{"error": "hunter2"}'), TokenUnavailable),
    "a number": (Answer(b'{"access_token": 7}'), TokenUnavailable),
    "a header within": (Answer(b'{"access_token": "a\\r\\nX: y"}'), TokenUnavailable),
    "another kind": (Answer(b'{"access_token": "a", "token_type": "mac"}'), TokenUnavailable),
    "too much": (Answer(b" " * (1 << 18)), TokenUnavailable),
    "a bomb": (Answer(b"\x1f\x8b", headers={"Content-Encoding": "br"}), TokenUnavailable),
}


@pytest.mark.parametrize(("answer", "error"), NO_TOKENS.values(), ids=NO_TOKENS)
def test_a_token_endpoint_that_gives_no_token_has_its_own_codes(
    serve: Serve, caplog: pytest.LogCaptureFixture, answer: Answer, error: type[SourceError]
) -> None:
    caplog.set_level(logging.DEBUG)
    tokens, source = serve(answer), serve(Answer(page([])))
    connection = connected(source, opened("oauth2", token_url=tokens.root), source_retries="1")

    with pytest.raises(error) as failed:
        connection.get_page(source.url, page=3)

    assert failed.value.code in ("TOKEN_REFUSED", "TOKEN_UNAVAILABLE")
    assert (failed.value.retryable, failed.value.details["page"]) == (error is TokenUnavailable, 3)
    assert (len(tokens.asked), source.asked) == (2 if failed.value.retryable else 1, [])
    assert (
        "hunter2"
        not in f"{failed.value} {failed.value.message} {failed.value.details} {caplog.text}"
    )


def test_the_reason_of_the_token_endpoint_is_told_when_it_is_one_of_the_standard(
    serve: Serve,
) -> None:
    tokens, source = serve(Answer(b'{"error": "invalid_scope"}', 400)), serve(Answer())

    with pytest.raises(TokenRefused, match="HTTP 400, invalid_scope"):
        connected(source, opened("oauth2", token_url=tokens.root)).get_page(source.url, page=1)


def test_a_token_endpoint_that_is_not_there_is_tried_again(serve: Serve) -> None:
    with ScriptedSource(Answer()) as gone:
        url = gone.root
    source = serve(Answer())
    connection = connected(source, opened("oauth2", token_url=url), source_retries="2")

    with pytest.raises(TokenUnavailable):
        connection.get_page(source.url, page=1)

    assert connection.retries == 2


# --- no word of it leaks


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_is_in_a_repr(kind: str) -> None:
    auth = opened(kind)

    assert not leaks(f"{auth!r} {auth} {[auth]}")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [0, 190])
def test_a_source_that_repeats_what_it_was_sent_makes_no_leak(
    serve: Serve, caplog: pytest.LogCaptureFixture, kind: str, cut: int
) -> None:
    """In an error object, whole or cut within the secret, and in a link."""
    caplog.set_level(logging.DEBUG)

    def repeat(handler: ScriptedHandler) -> Answer:
        told = " " * cut + handler.asked.headers[SENT[kind][0]]
        return Answer(json.dumps({"error": told}).encode())

    def redirect(handler: ScriptedHandler) -> Answer:
        secret = handler.asked.headers[SENT[kind][0]].rpartition(" ")[2]
        return Answer(status=302, headers={"Location": f"http://127.0.0.2/{secret}"})

    for step in (repeat, redirect):
        source, tokens = serve(step), serve(TokenEndpoint())
        with pytest.raises(SourceError) as failed:
            connected(source, opened(kind, token_url=tokens.root), source_retries="1").get_page(
                source.url, page=1
            )

        assert source.saw(SENT[kind][1])
        assert not leaks(
            f"{failed.value!r} {failed.value.message} {failed.value.details} {caplog.text}"
        )


@pytest.mark.parametrize("secret", ["aB3/xY+9kQ==", "grün & gut: 100 %"])
def test_a_secret_is_hidden_however_an_address_has_it(secret: str) -> None:
    auth = HeaderAuth("X-API-Key", secret)

    for write in (quote, quote_plus, partial(quote, safe="")):
        small = re.sub("%..", lambda sign: sign[0].lower(), write(secret))
        for written in (write(secret), small, quote(write(secret), safe="")):
            assert auth.hide(f"see https://data.example/?k={written}&page=2").count("…") >= 1
            assert written not in auth.hide(f"see https://data.example/?k={written}&page=2")


def test_of_secrets_that_begin_alike_the_longest_part_is_hidden() -> None:
    auth = HeaderAuth("X-Key", "key-12-very-long-secret", "key-12", "key-12-very-long-other")

    texts = "key-12-very-long-sec key-12-very-long-other key-12-very-long-secret key-12 key-1"
    assert auth.hide(texts) == "… … … … key-1"


@pytest.mark.parametrize(
    ("secret", "body", "kind"),
    [
        ('hunter"2"secret', json.dumps({"error": {"message": 'no hunter"2"secret'}}), "json"),
        ("correct  horse  staple", '{"error": {"message": "no correct  horse  staple"}}', "json"),
        ("battery?horse staple", '{"error": {"message": "no battery?horse staple"}}', "json"),
        ("p&ssword<1", "<error><message>no p&amp;ssword&lt;1</message></error>", "xml"),
    ],
)
def test_a_secret_is_hidden_as_the_sentence_of_a_source_has_it(
    serve: Serve, secret: str, body: str, kind: str
) -> None:
    source = serve(Answer(body.encode(), 403, {"Content-Type": f"application/{kind}"}))

    with pytest.raises(SourceForbidden) as failed:
        connected(source, basic_auth("ada", secret)).get_page(source.url, page=1)

    assert failed.value.details["says"] == "no …"


@pytest.mark.parametrize("written", [r"Zm9v\/YmFy\/cXV4", r"s\u00e9cret-w\u00f6rd", "sécret-wörd"])
def test_a_secret_is_hidden_as_json_has_it(serve: Serve, written: str) -> None:
    """In an error in the place of rows, which is shown as it came."""
    auth = HeaderAuth("X-API-Key", "Zm9v/YmFy/cXV4", "sécret-wörd")
    source = serve(Answer(f'{{"error": {{"message": "no {written}"}}}}'.encode()))

    with pytest.raises(SourceInvalid) as failed:
        connected(source, auth, source_retries="0").get_page(source.url, page=1)

    assert '{"message": "no …"}' in failed.value.message


def test_short_secrets_are_hidden_whole() -> None:
    auth = HeaderAuth("X-API-Key", "abc")

    assert auth.hide("the key abc, ab and hunter") == "the key …, ab and hunter"
