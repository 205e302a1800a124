"""A file at an address, under the rules that hold for every source."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest
from support.files import adapter_of, pages, read
from support.scripted_source import (
    Answer,
    ScriptedHandler,
    ScriptedSource,
    Serve,
    SkippedTime,
    settings_for,
)

from chalicelib.errors import (
    FileChanged,
    FileFormatUnknown,
    FileTooLarge,
    SourceInterrupted,
    SourceNotFound,
    SourceRedirected,
    SourceUnauthorized,
)
from chalicelib.files.connection import FileConnection
from chalicelib.files.https_place import HttpsPlace
from chalicelib.files.limits import Limits
from chalicelib.http.credentials import open_credentials

if TYPE_CHECKING:
    from pathlib import Path

    from requests.auth import AuthBase

CSV = b"well,oil\nA-1,1\nA-2,2\n"
ROWS = [{"well": "A-1", "oil": "1"}, {"well": "A-2", "oil": "2"}]


def place_of(
    url: str,
    directory: Path,
    *,
    auth: AuthBase | None = None,
    limits: Limits | None = None,
    **settings: str,
) -> HttpsPlace:
    skipped = SkippedTime()
    connection = FileConnection(
        settings=settings_for(url, **settings), auth=auth, clock=skipped.clock, sleep=skipped.sleep
    )
    return HttpsPlace(connection, url, directory, limits=limits or Limits())


def refused(error: type[Exception], source: ScriptedSource, directory: Path, **options: Any) -> Any:
    adapter = adapter_of(place_of(source.root + "/data/wells.csv", directory, **options), directory)
    with pytest.raises(error) as caught:
        read(adapter)
    adapter.close()
    return caught.value


def test_a_file_is_fetched_once_for_survey_and_pages(serve: Serve, tmp_path: Path) -> None:
    source = serve(Answer(CSV))
    url = source.root + "/data/my%20wells.csv?year=2024"
    adapter = adapter_of(place_of(url, tmp_path / "work"), tmp_path / "work")

    found = read(adapter)

    assert (found.rows, set(found.files)) == (ROWS, {"my wells.csv"})
    [asked] = source.asked
    assert (asked.query, asked.headers["accept"], asked.headers["accept-encoding"]) == (
        {"year": "2024"},
        "*/*",
        "identity",
    )
    adapter.close()
    assert list(tmp_path.iterdir()) == []


def test_what_the_server_packs_on_the_way_is_unpacked(serve: Serve, tmp_path: Path) -> None:
    source = serve(Answer(gzip.compress(CSV), headers={"Content-Encoding": "gzip"}))
    adapter = adapter_of(place_of(source.url, tmp_path), tmp_path)

    assert read(adapter).rows == ROWS
    adapter.close()


def test_a_transfer_that_breaks_is_begun_anew(serve: Serve, tmp_path: Path) -> None:
    def cut(handler: ScriptedHandler) -> None:
        handler.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", CSV[:14])

    adapter = adapter_of(place_of(serve(cut, Answer(CSV)).url, tmp_path), tmp_path)

    assert read(adapter).rows == ROWS
    assert adapter.retries == 1
    adapter.close()
    refused(SourceInterrupted, serve(cut), tmp_path)


def test_a_file_that_is_too_large_is_refused_on_the_way(serve: Serve, tmp_path: Path) -> None:
    error = refused(FileTooLarge, serve(Answer(CSV * 1000)), tmp_path, limits=Limits(file=1000))

    assert error.details["url"].endswith("/data/wells.csv")


def test_a_page_limit_does_not_bound_files(serve: Serve, tmp_path: Path) -> None:
    source = serve(Answer(b"well,oil\n" + b"A-1,1\n" * 400_000))
    adapter = adapter_of(place_of(source.url, tmp_path, page_mb="1"), tmp_path)

    assert sum(page.table.rows for page in pages(adapter) if page.table) == 400_000
    adapter.close()


def test_redirects_stay_at_the_origin_where_the_secret_may_go(serve: Serve, tmp_path: Path) -> None:
    elsewhere = serve(Answer(CSV))
    secret: dict[str, Any] = {"source_auth": "bearer", "source_secret": "env:KEY"}
    here = serve(Answer(status=302, headers={"Location": "/files/a.csv"}), Answer(CSV))
    settings = settings_for(here.url, **secret)
    auth = open_credentials(
        settings, client=lambda *_: None, environment={"KEY": '{"token": "open sesame"}'}
    )
    adapter = adapter_of(place_of(here.url, tmp_path, auth=auth, **secret), tmp_path)

    assert read(adapter).rows == ROWS
    assert [asked.path for asked in here.asked] == ["/odata/Wells", "/files/a.csv"]
    assert here.saw("open sesame")
    adapter.close()

    away = serve(Answer(status=302, headers={"Location": elsewhere.url}))
    refused(SourceRedirected, away, tmp_path, auth=auth, **secret)
    assert elsewhere.asked == []


def test_the_refusals_of_a_server_are_those_of_any_source(serve: Serve, tmp_path: Path) -> None:
    refused(SourceNotFound, serve(Answer(status=404)), tmp_path)
    refused(SourceUnauthorized, serve(Answer(status=401)), tmp_path)
    page = refused(FileFormatUnknown, serve(Answer(b"<!doctype html><p>Please log in")), tmp_path)
    assert "wells.csv is a web page" in page.message


def test_an_import_that_goes_on_wants_the_same_file(serve: Serve, tmp_path: Path) -> None:
    source = serve(Answer(CSV), Answer(CSV), Answer(CSV + b"A-3,3\n"))
    limits = Limits(piece_rows=1)
    first = adapter_of(place_of(source.url, tmp_path / "1"), tmp_path / "1", limits=limits)
    behind_one = read(first).pages[0].next
    again = adapter_of(place_of(source.url, tmp_path / "2"), tmp_path / "2", limits=limits)
    other = adapter_of(place_of(source.url, tmp_path / "3"), tmp_path / "3", limits=limits)

    assert read(again, behind_one).rows == ROWS[1:]
    with pytest.raises(FileChanged):
        read(other, behind_one)
    for adapter in (first, again, other):
        adapter.close()


def test_a_name_with_control_signs_is_shown_without_them(serve: Serve, tmp_path: Path) -> None:
    adapter = adapter_of(
        place_of(serve(Answer(CSV)).root + "/a%1b%5b31m%0a.csv", tmp_path), tmp_path
    )

    assert [listed.name for listed in adapter.files()] == ["a?[31m?.csv"]
    adapter.close()
