"""A key in the URL of the source is in no file of the stack and on no screen,
however the source gives it back.
"""

from __future__ import annotations

import io
import itertools
import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, unquote

from clients.cli.terminal import Terminal
from local.__main__ import _show
from local.commands.demo import run_demo
from local.source.production import GeneratedProduction
from local.source.server import SampleSource
from local.stack import LocalStack, Source

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from local.source.odata_query import Query

KEY = "Hunter2+key/=ü"
WAYS = (
    f"apikey={quote(KEY, safe='')}",
    f"ApiKey={quote_plus(KEY)}",
    f"%61pikey={quote(KEY, safe='').lower()}",
    f"session={quote(quote(KEY, safe=''), safe='')}",
    "APIKEY=" + "".join(f"%{byte:02x}" for byte in KEY.encode()),
)
ENVIRONMENT = {**os.environ, "WELLHEAD_PAGE_SIZE": "100", "WELLHEAD_CHECKPOINT_SECONDS": "1"}


class EchoingSource(SampleSource):
    """Each of its links has the key once, in one of the ways."""

    def __init__(self, **options: Any) -> None:
        super().__init__(GeneratedProduction(1_500), max_page_size=100, latency=0.2, **options)
        self._ways = itertools.cycle(WAYS)

    def _link(self, query: Query, served: int, total: int) -> str:
        link = super()._link(query, served, total)
        own = re.sub(r"[?&][^=&]*=[^&]*unter2[^&]*", "", link, flags=re.IGNORECASE)
        return f"{own}{'&' if '?' in own else '?'}{next(self._ways)}" if link else ""


def has_key(text: str) -> bool:
    for _ in range(4):
        text = unquote(text)
    return "hunter2" in text.casefold()


def files_with_key(state: Path) -> list[str]:
    return [
        str(path)
        for path in state.rglob("*")
        if path.is_file() and has_key(path.read_bytes().decode("latin-1"))
    ]


def test_a_key_of_the_source_is_in_no_file_and_on_no_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = io.StringIO()
    with EchoingSource() as source:
        url = Source(url=f"{source.url}?apikey={quote(KEY, safe='')}")
        with LocalStack(source=url, state=tmp_path, port=0, user_environment=ENVIRONMENT) as stack:
            assert (tmp_path / "stack.json").exists()
            assert files_with_key(tmp_path) == []
            _show(stack)
            assert run_demo(stack, Terminal(file=screen, width=200)) == 0
        asked = [request.query for request in source.requests]

    assert files_with_key(tmp_path) == []
    told = screen.getvalue() + "".join(capsys.readouterr())
    assert not has_key(told)
    assert f"{source.url}?apikey=***" in told
    assert sum(has_key(str(query)) for query in asked) >= 15
