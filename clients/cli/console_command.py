"""wellhead open: the console in the browser, signed in."""

from __future__ import annotations

import secrets
import threading
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from clients.api.connection import checked_url
from clients.cli.options import with_session

if TYPE_CHECKING:
    from clients.cli.session import Session

PATIENCE_SECONDS = 30.0


@click.command("open")
@click.option(
    "--link",
    is_flag=True,
    help="Print the address in place of opening it; anyone who has it is signed in.",
)
@with_session
def open_console(session: Session, link: bool) -> None:
    """Open the web console in the browser, signed in."""
    url, token = session.target()
    console = f"{checked_url(url)}/console"
    signed_in = f"{console}#token={quote(token, safe='')}" if token else console
    if link:
        session.terminal.line(signed_in)
    elif not _is_opened(signed_in):
        session.terminal.note(
            f"No browser came for it. Open it yourself, and sign in there: {console}"
        )


def _is_opened(address: str) -> bool:
    """Other users of the machine can read what a browser is started with, so that is an address of
    ours which is good for one visit: it leads on to the one with the token.
    """
    path = f"/{secrets.token_urlsafe(24)}"
    visited = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != path or visited.is_set():
                self.send_error(404)
                return
            visited.set()
            self.send_response(302)
            for name, value in (
                ("Location", address),
                ("Cache-Control", "no-store"),
                ("Content-Length", "0"),
            ):
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: the address is nobody's affair."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            is_begun = webbrowser.open(f"http://127.0.0.1:{server.server_port}{path}")
            return is_begun and visited.wait(PATIENCE_SECONDS)
        finally:
            server.shutdown()
