"""The laptop's API Gateway:
its own errors in the envelope, keep-alive, and threads that share nothing.
"""

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from chalice.app import AuthResponse, Chalice, Request, Response
from chalice.config import Config
from support.waiting import wait_until

from local.api_gateway import MAX_BODY_BYTES, create_server
from local.aws.app_graph import deployed_functions, load_config
from local.aws.loopback import LoopbackServer
from local.aws.runtime_api import LambdaFunction


def request_of(app: Chalice) -> Request:
    assert app.current_request is not None
    return app.current_request


def sample_app() -> Chalice:
    app = Chalice(app_name="sample")

    @app.authorizer()
    def token(request: Any) -> AuthResponse:
        if request.token == "broken":
            raise ValueError("the authorizer's own error")
        if request.token == "unknown":
            raise ValueError("Unauthorized")
        allowed: list[Any] = ["*"] if request.token == "good" else []
        return AuthResponse(routes=allowed, principal_id="somebody")

    @app.route("/wells/{name}", methods=["GET", "POST"])
    def wells(name: str) -> dict[str, Any]:
        event = request_of(app).to_dict()
        return {"name": name, "request_id": event["context"]["requestId"]}

    @app.route("/shared", cors=True)
    def shared() -> dict[str, Any]:
        return {}

    @app.route("/secret", authorizer=token)
    def secret() -> Response:
        return Response(body="for you", headers={"Content-Type": "text/plain"})

    @app.route("/context")
    def context() -> dict[str, Any]:
        before = app.lambda_context.aws_request_id
        query = dict(request_of(app).query_params or {})
        time.sleep(float(query.get("seconds", 0.02)))
        return {"same": app.lambda_context.aws_request_id == before, "query": query}

    @app.route("/unchanged")
    def unchanged() -> Response:
        return Response(body=None, status_code=304, headers={"ETag": '"1"'})

    @app.route("/cookies")
    def cookies() -> Response:
        return Response(body={}, headers={"Set-Cookie": ["a=1", "b=2"]})

    return app


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LoopbackServer]:
    server = served(tmp_path)
    yield server
    server.stop()


def served(project: Path, **limits: float) -> LoopbackServer:
    app = sample_app()
    config = Config.create(
        chalice_stage="local", chalice_app=app, app_name="sample", project_dir=str(project)
    )
    return create_server(app, config, port=0, **limits).start()


@pytest.fixture
def connection(server: LoopbackServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    yield connection
    connection.close()


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any = None, **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection.request(method, path, body=body, headers=headers)
    response = connection.getresponse()
    return response, response.read()


def assert_envelope(
    response: http.client.HTTPResponse, body: bytes, status: int, code: str
) -> None:
    assert response.status == status
    assert response.headers["Content-Type"] == "application/json"
    envelope = json.loads(body)
    assert envelope["success"] is False
    assert envelope["error"].pop("message")
    assert envelope["error"] == {"code": code, "retryable": status == 503}
    assert response.headers["Retry-After"] == ("5" if status == 503 else None)
    assert response.headers["WWW-Authenticate"] == ("Bearer" if status == 401 else None)
    assert envelope["request_id"] == response.headers["x-amzn-RequestId"]
    then = datetime.strptime(envelope["timestamp"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - then).total_seconds()) < 300


def test_the_app_answers_with_the_request_id_of_the_gateway(
    connection: http.client.HTTPConnection,
) -> None:
    response, body = ask(connection, "GET", "/wells/15-9-F-12")

    assert response.status == 200
    assert json.loads(body) == {
        "name": "15-9-F-12",
        "request_id": response.headers["x-amzn-RequestId"],
    }


@pytest.mark.parametrize(
    ("method", "path", "headers", "refusal"),
    [
        ("GET", "/nowhere", {}, (404, "ROUTE_NOT_FOUND")),
        ("GET", "//[", {"Authorization": "bäd"}, (404, "ROUTE_NOT_FOUND")),
        ("OPTIONS", "/nowhere", {}, (404, "ROUTE_NOT_FOUND")),
        ("DELETE", "/wells/1", {}, (405, "METHOD_NOT_ALLOWED")),
        ("TRACE", "/wells/1", {}, (405, "METHOD_NOT_ALLOWED")),
        ("GET", "/secret", {}, (401, "UNAUTHORIZED")),
        ("GET", "/secret", {"Authorization": "bad"}, (403, "FORBIDDEN")),
        ("GET", "/secret", {"Authorization": "unknown"}, (401, "UNAUTHORIZED")),
        ("GET", "/secret", {"Authorization": "broken"}, (503, "TOKENS_UNAVAILABLE")),
        ("OPTIONS", "/secret", {}, (405, "METHOD_NOT_ALLOWED")),
        ("GET", "/wells/1", {"X-Large": "x" * 70_000}, (400, "BAD_REQUEST")),
        ("POST", "/wells/1", {"Content-Length": "many"}, (400, "BAD_REQUEST")),
        ("POST", "/wells/1", {"Transfer-Encoding": "chunked"}, (400, "BAD_REQUEST")),
    ],
)
def test_what_the_gateway_refuses_has_the_envelope(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: dict[str, str],
    refusal: tuple[int, str],
) -> None:
    body = b"no chunk\r\n" if "Transfer-Encoding" in headers else None
    response, answer = ask(connection, method, path, body, **headers)

    assert_envelope(response, answer, *refusal)


@pytest.mark.parametrize(
    ("method", "path", "headers", "refusal"),
    [
        ("GET", "/nowhere", {}, (404, "ROUTE_NOT_FOUND")),
        ("DELETE", "/wells/1", {}, (405, "METHOD_NOT_ALLOWED")),
        ("GET", "/secret", {}, (401, "UNAUTHORIZED")),
        ("GET", "/secret", {"Authorization": "bad"}, (403, "FORBIDDEN")),
        ("GET", "/secret", {"Authorization": "broken"}, (503, "TOKENS_UNAVAILABLE")),
        ("POST", "/wells/1", {"Content-Length": "many"}, (400, "BAD_REQUEST")),
    ],
)
def test_who_asks_for_problem_details_gets_them_of_the_gateway_too(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: dict[str, str],
    refusal: tuple[int, str],
) -> None:
    response, body = ask(
        connection, method, path, **headers, Accept="application/problem+json, */*;q=0.1"
    )

    status, code = refusal
    problem = json.loads(body)
    assert (response.status, response.headers["Content-Type"]) == (
        status,
        "application/problem+json",
    )
    assert problem.pop("timestamp")
    assert problem.pop("detail")
    assert problem.pop("request_id") == response.headers["X-Request-ID"]
    title = http.client.responses[status]
    assert problem == {"title": title, "status": status, "code": code, "retryable": status == 503}


def test_a_request_line_that_is_none_has_the_envelope(server: LoopbackServer) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as client:
        client.sendall(b"what is this\r\n\r\n")
        response = http.client.HTTPResponse(client)
        response.begin()
        assert_envelope(response, response.read(), 400, "BAD_REQUEST")
        response.close()


def said(port: int, request: bytes, *, is_over: bool = False) -> bytes:
    """All that is answered until the connection closes;
    with `is_over` nothing follows the request.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(request)
        if is_over:
            client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b""))


HEAD = b"POST /wells/1 HTTP/1.1\r\nHost: localhost\r\n"
AFTER = b"GET /wells/2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
LIVING = AFTER.replace(b"close", b"keep-alive")


@pytest.mark.parametrize(
    ("framing", "code"),
    [
        (b"Content-Length: " + b"9" * 5_000, b"PAYLOAD_TOO_LARGE"),
        (b"Content-Length: " + b"0" * 5_000 + b"99999999999", b"PAYLOAD_TOO_LARGE"),
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"BAD_REQUEST"),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 5", b"BAD_REQUEST"),
        (b"Content-Length: 5\r\nContent-Length: 6", b"BAD_REQUEST"),
        (b"Content-Length: 5, 6", b"BAD_REQUEST"),
        (b"Content-Length: +5", b"BAD_REQUEST"),
        (b"Content-Length: -5", b"BAD_REQUEST"),
        (b"Content-Length: 0x5", b"BAD_REQUEST"),
        (b"Content-Length: 1_0", b"BAD_REQUEST"),
        (b"Content-Length:", b"BAD_REQUEST"),
        (b"Content-Length : 5", b"BAD_REQUEST"),
        (b"Transfer-Encoding: gzip, chunked", b"BAD_REQUEST"),
        (b"Transfer-Encoding: xchunked", b"BAD_REQUEST"),
        (b"Transfer-Encoding: identity", b"BAD_REQUEST"),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"BAD_REQUEST"),
        (b"Transfer-Encoding: \x0bchunked", b"BAD_REQUEST"),
        (b"Content-Length: \x0c5", b"BAD_REQUEST"),
        (b"X-Odd: a\rContent-Length: 5", b"BAD_REQUEST"),
        (b"X-Odd: a\rTransfer-Encoding: chunked", b"BAD_REQUEST"),
        (b"X-Odd: a\r\r\nContent-Length: 0", b"BAD_REQUEST"),
        (b"X-Odd: a\0b", b"BAD_REQUEST"),
        (b"no header at all\r\nContent-Length: 0", b"BAD_REQUEST"),
    ],
)
def test_what_could_be_read_as_two_requests_is_one_that_is_refused(
    server: LoopbackServer, framing: bytes, code: bytes
) -> None:
    answered = said(
        server.server_port, HEAD + framing + b"\r\n\r\n" + b"0\r\n\r\n" + AFTER, is_over=True
    )

    assert answered.count(b"HTTP/1.1 ") == 1
    assert b'"code": "' + code + b'"' in answered
    assert b"Connection: close" in answered


@pytest.mark.parametrize(
    "chunks",
    [
        b"5\r\nhello",
        b"5\r\nhelloooo\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"fffffffff\r\nhello\r\n0\r\n\r\n",
        b"5;" + b"x" * 200 + b"\r\nhello\r\n0\r\n\r\n",
        b"0\r\n" + b"a: b\r\n" * 1_000 + b"\r\n",
    ],
    ids=["short", "long", "negative", "large", "extended", "trailed"],
)
def test_chunks_that_are_none_are_one_refusal(server: LoopbackServer, chunks: bytes) -> None:
    answered = said(
        server.server_port,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + AFTER,
        is_over=True,
    )

    assert answered.count(b"HTTP/1.1 ") == 1
    assert b'"code": "BAD_REQUEST"' in answered


def test_headers_that_break_off_are_no_request(server: LoopbackServer) -> None:
    """Half of them could be another one: a trigger without its Idempotency-Key."""
    for cut in range(len(b"POST /wells/1 HTTP/1.1\r\n"), len(HEAD)):
        assert b'"code": "BAD_REQUEST"' in said(server.server_port, HEAD[:cut], is_over=True)


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET /we", HEAD, HEAD + b"X: y", HEAD + b"Content-Length: 9\r\n\r\nhalf", LIVING],
    ids=["nothing", "line", "headers", "header", "body", "idle"],
)  # fmt: skip
def test_connections_on_which_nothing_comes_are_closed(tmp_path: Path, begun: bytes) -> None:
    server = served(tmp_path, idle_seconds=0.5, request_seconds=0.5)
    clients = [
        socket.create_connection(("127.0.0.1", server.server_port), timeout=30) for _ in range(60)
    ]
    for client in clients:
        with contextlib.suppress(ConnectionError):  # which is over already
            client.sendall(begun)
    for client in clients:
        with contextlib.suppress(ConnectionError):
            while client.recv(65536):
                pass
        client.close()

    wait_until(lambda: not server.connections)
    server.stop()


def test_a_byte_now_and_then_gives_no_more_time(tmp_path: Path) -> None:
    server = served(tmp_path, request_seconds=0.5)
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=30) as client:
        deadline = time.monotonic() + 20
        with contextlib.suppress(ConnectionError):
            while True:
                client.sendall(b"G")
                assert time.monotonic() < deadline
                time.sleep(0.05)
    server.stop()


def test_a_request_that_takes_its_time_to_be_answered_is_none_that_is_late(tmp_path: Path) -> None:
    server = served(tmp_path, idle_seconds=0.2, request_seconds=0.2)
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)

    def status() -> int:
        """0 of a request that was late itself, as on a busy machine some are."""
        try:
            return ask(connection, "GET", "/context?seconds=0.6")[0].status
        except ConnectionError:
            connection.close()
            return 0

    assert wait_until(status, seconds=20) == 200

    connection.close()
    server.stop()


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:{port}", "127.0.0.1:{port}", "127.0.0.1:9000", "[::1]:{port}"]
)
def test_the_api_answers_by_every_name_of_this_machine_and_at_the_end_of_a_tunnel(
    connection: http.client.HTTPConnection, server: LoopbackServer, host: str
) -> None:
    response, _ = ask(connection, "GET", "/wells/1", Host=host.format(port=server.server_port))

    assert response.status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "localhost.evil.example", "10.0.0.1:{port}", ""]
)
def test_the_api_answers_by_no_other_name(
    connection: http.client.HTTPConnection, server: LoopbackServer, host: str
) -> None:
    response, body = ask(connection, "GET", "/wells/1", Host=host.format(port=server.server_port))

    assert_envelope(response, body, 403, "FORBIDDEN")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_10_mb_is_refused(
    connection: http.client.HTTPConnection, chunked: bool
) -> None:
    body = b"x" * (MAX_BODY_BYTES + 1)
    pieces = (body[i : i + 1_000_000] for i in range(0, len(body), 1_000_000))
    response, answer = ask(connection, "POST", "/wells/1", pieces if chunked else body)

    assert_envelope(response, answer, 413, "PAYLOAD_TOO_LARGE")


def test_the_token_opens_the_route(connection: http.client.HTTPConnection) -> None:
    response, body = ask(connection, "GET", "/secret", Authorization="good")

    assert (response.status, body, response.headers["Content-Type"]) == (
        200,
        b"for you",
        "text/plain",
    )


def test_one_connection_serves_every_method_without_delay(
    connection: http.client.HTTPConnection,
) -> None:
    """One round is that fast: a busy machine delays many, but Nagle's algorithm delays each answer
    by 44 ms, so every round by a third of a second.
    """

    def is_fast() -> bool:
        started = time.monotonic()
        assert ask(connection, "HEAD", "/wells/1")[1] == b""
        assert ask(connection, "OPTIONS", "/wells/1")[0].status == 405
        assert ask(connection, "OPTIONS", "/shared")[0].status == 200
        assert ask(connection, "GET", "/unchanged")[0].status == 304
        assert ask(connection, "POST", "/wells/1", iter([b"chun", b"ked"]))[0].status == 200
        assert ask(connection, "GET", "/nowhere")[0].status == 404
        response, _ = ask(connection, "GET", "/cookies")
        assert response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
        return time.monotonic() - started < 0.2

    assert wait_until(is_fast)


def test_requests_in_parallel_see_their_own_context(server: LoopbackServer) -> None:
    def request(number: int) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        _, body = ask(connection, "GET", f"/context?n={number}")
        connection.close()
        return json.loads(body)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(request, range(64)))

    assert answers == [{"same": True, "query": {"n": str(number)}} for number in range(64)]


def test_a_taken_port_gives_way_to_a_free_one(server: LoopbackServer, tmp_path: Path) -> None:
    app = sample_app()
    config = Config.create(
        chalice_stage="local", chalice_app=app, app_name="sample", project_dir=str(tmp_path)
    )
    second = create_server(app, config, port=server.server_port).start()
    second.stop()
    assert second.server_port not in (0, server.server_port)


def test_the_functions_are_those_chalice_would_deploy(tmp_path: Path) -> None:
    stage = {"lambda_functions": {"import": {"lambda_timeout": 900, "lambda_memory_size": 2048}}}
    (tmp_path / ".chalice").mkdir()
    (tmp_path / ".chalice" / "config.json").write_text(
        json.dumps({"version": "2.0", "app_name": "wellhead", "stages": {"local": stage}})
    )
    app = Chalice(app_name="wellhead")
    app.lambda_function(name="import")(import_wells)
    app.schedule("rate(1 minute)", name="sweep")(sweep)
    config = load_config(tmp_path, stage="local")
    config._user_provided_params["chalice_app"] = app

    functions = deployed_functions(config)

    assert functions == [
        LambdaFunction(
            name="wellhead-local-import", handler="app.import_wells", timeout=900, memory_mb=2048
        ),
        LambdaFunction(
            name="wellhead-local-sweep",
            handler="app.sweep",
            timeout=60,
            memory_mb=128,
            schedule="rate(1 minute)",
        ),
    ]


def import_wells(event: Any, context: Any) -> None: ...


def sweep(event: Any) -> None: ...
