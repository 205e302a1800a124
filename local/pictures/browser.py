"""A browser of this machine, for the tests of the web console and its pictures."""

import contextlib
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, sync_playwright

# First the one without windows: it draws none, and takes three fifths of the others' CPU.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",  # containers and CI run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_browser() -> str | None:
    """The path of Chromium or Chrome, when there is one."""
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return path
    return None


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Raises FileNotFoundError where there is none."""
    path = find_browser()
    if path is None:
        raise FileNotFoundError(
            "There is no Chromium here. Install it: apt-get install chromium-headless-shell"
        )
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield running
        running.close()
