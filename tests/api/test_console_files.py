"""The files of the console: which are served, how, and that they hold what the policy promises."""

from __future__ import annotations

import gzip
import http.client
import importlib
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from chalice.config import Config
from support.api_client import OPERATOR, READER

from chalicelib.api.console_files import FILES, PAGE, TYPES, console_file, page_policy
from chalicelib.errors import FileNotServed
from local.api_gateway import create_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.api_client import Api

EVENTS = Path(__file__).parents[2] / "infra" / "events"
DIRECTORY = Path(__file__).parents[2] / "chalicelib" / "api" / "console"
MOST_BYTES = 100_000  # gzipped, of the first view
SCRIPTS = [name for name in FILES if name.endswith(".js")]
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|setHTML|srcdoc"
    r"|\beval\(|new Function|javascript:|cssText|document\.cookie"
)


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The app behind a gateway that compresses as the deployed one does.
    Nothing else runs: the console asks nobody.
    """
    sys.modules.pop("app", None)
    app = importlib.import_module("app").app
    config = Config.create(
        chalice_stage="local",
        chalice_app=app,
        app_name="wellhead",
        project_dir=str(tmp_path_factory.mktemp("project")),
        minimum_compression_size=1024,
    )
    server = create_server(app, config, port=0).start()
    yield server.server_port
    server.stop()


def ask(port: int, path: str, method: str = "GET", **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(
        method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    response = connection.getresponse()
    answer = Answer(response.status, response.headers, response.read())
    connection.close()
    return answer


# --------------------------------------------------------------------------------------------- serving


def test_every_file_is_served_without_a_token_as_it_is_and_with_its_type(port: int) -> None:
    for name in FILES:
        answer = ask(port, "/console" if name == PAGE else f"/console/{name}")

        assert answer.status == 200, name
        assert answer.body == (DIRECTORY / name).read_bytes(), name
        assert answer.headers["Content-Type"] == TYPES[Path(name).suffix]


def test_the_headers_allow_a_browser_nothing_but_the_consoles_own(port: int) -> None:
    for path in ("/console", "/console/app.js", "/console/favicon.svg"):
        headers = ask(port, path).headers

        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy == {
            "default-src": "'none'",
            **dict.fromkeys(["script-src", "style-src", "img-src", "connect-src"], "'self'"),
            **dict.fromkeys(["base-uri", "form-action", "frame-ancestors"], "'none'"),
            "require-trusted-types-for": "'script'",
            "trusted-types": "'none'",
        }
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "camera=()" in headers["Permissions-Policy"]
        assert headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("warehouse", "places"),
    [
        (
            "s3://wells-123/a/b",
            ["https://wells-123.s3.amazonaws.com", "https://wells-123.s3.eu-west-1.amazonaws.com"],
        ),
        ("/srv/wells", []),
        ("s3://a b; script-src *", []),
        ("s3://wells-123; x/", []),
        ("", []),
    ],
)
def test_the_page_may_send_files_to_the_bucket_of_the_warehouse_alone(
    warehouse: str, places: list[str]
) -> None:
    told = page_policy({"WELLHEAD_WAREHOUSE": warehouse, "AWS_REGION": "eu-west-1"})[
        "Content-Security-Policy"
    ]

    policy = dict(part.split(" ", 1) for part in told.split("; "))
    assert policy["connect-src"].split() == ["'self'", *places]
    assert policy["script-src"] == "'self'"


def test_a_browser_that_came_by_https_is_told_to_stay_there(port: int) -> None:
    """As API Gateway hands the request on.
    A loopback name is none that is kept from http: others serve there.
    """
    page = importlib.import_module("app")
    event = json.loads((EVENTS / "api-status.json").read_text("utf-8"))
    event |= {
        "resource": "/console",
        "path": "/console",
        "pathParameters": None,
        "httpMethod": "GET",
    }
    event["requestContext"] |= {"resourcePath": "/console", "httpMethod": "GET", "path": "/console"}

    def told(**headers: str) -> str | None:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = page.app({**event, "headers": sent, "multiValueHeaders": {}}, None)
        assert answer["statusCode"] == 200
        value: str | None = answer["headers"].get("Strict-Transport-Security")
        return value

    assert (
        told(Host="a1.execute-api.eu-central-1.amazonaws.com", X_Forwarded_Proto="https")
        == "max-age=31536000"
    )
    for host in (
        "localhost",
        "127.0.0.1:8000",
        "LOCALHOST:8443",
        "[::1]:8000",
        "[::1]",
        "a.localhost",
        "",
    ):
        assert told(Host=host, X_Forwarded_Proto="https") is None, host
    assert told(Host="a1.execute-api.eu-central-1.amazonaws.com", X_Forwarded_Proto="http") is None
    assert told(Host="a1.execute-api.eu-central-1.amazonaws.com") is None
    local = ask(port, "/console", X_Forwarded_Proto="https")
    assert local.headers["Strict-Transport-Security"] is None


def test_what_a_browser_has_is_not_sent_again(port: int) -> None:
    first = ask(port, "/console/app.js")
    again = ask(port, "/console/app.js", If_None_Match=first.headers["ETag"])
    other = ask(port, "/console/api.js", If_None_Match=first.headers["ETag"])

    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert again.headers["Content-Security-Policy"] == first.headers["Content-Security-Policy"]
    assert other.status == 200


def test_files_are_compressed_for_those_who_accept_it(port: int) -> None:
    small = ask(port, "/console/app.js", Accept_Encoding="gzip, deflate, br")
    plain = ask(port, "/console/app.js")

    assert small.headers["Content-Encoding"] == "gzip"
    assert int(small.headers["Content-Length"]) == len(small.body) < len(plain.body)
    assert gzip.decompress(small.body) == plain.body
    assert plain.headers["Content-Encoding"] is None


@pytest.mark.parametrize("path", ["/console/", "/console/index.html"])
def test_the_page_has_one_address_to_which_its_links_are_relative(port: int, path: str) -> None:
    moved = ask(port, path)

    assert (moved.status, moved.headers["Location"]) == (308, "../console")


@pytest.mark.usefixtures("port")
@pytest.mark.parametrize(
    ("path", "location"), [("/", "console"), ("/api", "api/console"), ("/api/", "console")]
)
def test_the_root_leads_to_the_page_whatever_stage_stands_before_it(
    path: str, location: str
) -> None:
    """API Gateway's own address ends with the stage, with or without a slash;
    a domain of one's own has none.
    """
    event = {
        "requestContext": {
            "httpMethod": "GET",
            "resourcePath": "/",
            "path": path,
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "path": "/",
        "headers": {},
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
    }

    moved = importlib.import_module("app").app(event, None)

    assert (moved["statusCode"], moved["headers"]["Location"]) == (308, location)


@pytest.mark.parametrize(
    "name",
    [
        "console.py",
        "..",
        "..%2Fapp.py",
        "%2e%2e%2fapp.py",
        "app.js%00",
        "App.js",
        "app",
        "%E2%80%AE",
        "x" * 2000,
    ],
)
def test_nothing_but_the_files_by_their_exact_names_is_served(port: int, name: str) -> None:
    answer = ask(port, f"/console/{name}")

    assert answer.status == 404
    assert b'"FILE_NOT_FOUND"' in answer.body
    with pytest.raises(FileNotServed):
        console_file(name)


@pytest.mark.parametrize("path", ["/console/../app.py", "/console/a/b", "/console//app.js"])
def test_no_path_leads_out_of_the_directory(port: int, path: str) -> None:
    assert ask(port, path).status == 404


def test_the_console_is_read_only(port: int) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert ask(port, "/console", method).status == 405


def test_every_answer_to_a_token_tells_its_role(api: Api) -> None:
    jobs = "/api/v1/wells/import/jobs"

    assert api.ask("GET", jobs).headers["X-Wellhead-Role"] == "operator"
    assert (
        api.ask("GET", jobs, Authorization=f"Bearer {READER}").headers["X-Wellhead-Role"]
        == "reader"
    )
    refused = api.ask("POST", "/api/v1/wells/import/trigger", Authorization=f"Bearer {READER}")
    assert (refused.status, refused.headers["X-Wellhead-Role"]) == (403, "reader")
    known = api.ask("GET", jobs, If_None_Match=api.ask("GET", jobs).headers["ETag"])
    assert (known.status, known.headers["X-Wellhead-Role"]) == (304, "operator")
    for nobody in (None, "Bearer nobodys", f"Basic {OPERATOR}"):
        assert api.ask("GET", jobs, Authorization=nobody).headers["X-Wellhead-Role"] is None


# --------------------------------------------------------------------------------------------- what is in them


class Page(HTMLParser):
    """The elements of the page, each with its attributes and the text right within it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        self.inline += data.strip() if self._open in ("script", "style") else ""


def links() -> list[str]:
    page = Page(FILES[PAGE].text)
    return [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in ("src", "href")
        if value
    ]


def imports(name: str) -> set[str]:
    return set(
        re.findall(
            r'^(?:import|export)\b[^;]*?from "\./([^"]+)";$',
            FILES[name].text,
            re.MULTILINE | re.DOTALL,
        )
    )


def later(name: str) -> set[str]:
    """What a script loads when it is asked for."""
    return set(re.findall(r'\bimport\("\./([^"]+)"\)', FILES[name].text))


def reached(follow: Callable[[str], set[str]]) -> set[str]:
    """The page, what it links, and what their scripts lead to."""
    found: set[str] = {PAGE}
    todo = {link.removeprefix("console/") for link in links() if not link.startswith("#")}
    while todo:
        found |= todo
        todo = {each for name in todo if name in SCRIPTS for each in follow(name)} - found
    return found


def test_the_page_has_no_inline_script_or_style() -> None:
    page = Page(FILES[PAGE].text)

    assert page.inline == ""
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]


def test_every_link_is_relative_and_every_file_is_linked() -> None:
    """Relative, so that the console works under the prefix of an API Gateway stage."""
    assert all(link.startswith(("console/", "#")) for link in links())

    assert reached(lambda name: imports(name) | later(name)) == set(FILES)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_makes_elements_and_text_never_markup(name: str) -> None:
    assert not MARKUP.search(FILES[name].text)


def test_the_browser_keeps_the_units_alone() -> None:
    """No token, and nothing that a source said."""
    assert [name for name in SCRIPTS if "localStorage" in FILES[name].text] == ["profile.js"]
    assert re.findall(r"localStorage\.\w+\([^)]*\)", FILES["profile.js"].text) == [
        "localStorage.setItem(UNITS, text)",
        "localStorage.getItem(UNITS)",
    ]


@pytest.mark.parametrize("name", [*SCRIPTS, "style.css"])
def test_nothing_is_fetched_from_elsewhere(name: str) -> None:
    addresses = set(re.findall(r"""https?://[^\s"'`)]+|@import|url\(""", FILES[name].text))

    assert addresses <= {"http://www.w3.org/2000/svg"}  # a namespace


def test_the_first_view_is_small() -> None:
    """What a browser fetches for it: all but what is imported when its page is opened."""
    sizes = {
        name: len(gzip.compress(FILES[name].text.encode(), mtime=0)) for name in reached(imports)
    }

    assert sum(sizes.values()) < MOST_BYTES, sizes


def test_the_directory_holds_nothing_that_is_not_served() -> None:
    assert {path.name for path in DIRECTORY.iterdir()} == set(FILES)
