"""The packages of the servers that others wrote, in a folder outside the checkout; `make
third-party` makes it.

A folder is named for its lock file, so that a change of versions is another folder. No script of
any package runs while they are installed: none of them may fetch or build anything.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HOME = Path(os.environ.get("THIRD_PARTY") or Path.home() / ".cache" / "wellhead" / "third-party")
HERE = Path(__file__).parent
CAP_LOCK = HERE / "cap" / "package-lock.json"
NODE_CLIENT_LOCK = HERE / "node_client" / "package-lock.json"
PYTHON_LOCK = HERE / "requirements.txt"


def _place(name: str, lock: Path) -> Path:
    return HOME / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"


CAP = _place("cap", CAP_LOCK)
NODE_CLIENT = _place("node-client", NODE_CLIENT_LOCK)
PACKAGES = _place("python{}.{}".format(*sys.version_info), PYTHON_LOCK)
NODE = CAP / "node_modules" / ".bin" / "node"
PYTHON = PACKAGES / "bin" / "python"


class CannotBeMade(Exception):
    """Why, for who asked for it."""


def reason_without(place: Path) -> str | None:
    """Why a server cannot be started; None when it can."""
    if (place / "ready").exists():
        return None
    if place in (CAP, NODE_CLIENT) and not shutil.which("npm"):
        return f"there is no npm here, by which {place.name} is installed"
    return f"{place.name} is not installed; make third-party does it"


def install_cap() -> None:
    _install_by_npm(CAP, CAP_LOCK)
    if not NODE.exists():
        raise CannotBeMade("npm has no Node.js for this kind of machine")


def install_node_client() -> None:
    """The Node.js that runs it is that of SAP CAP."""
    _install_by_npm(NODE_CLIENT, NODE_CLIENT_LOCK)


def _install_by_npm(place: Path, lock: Path) -> None:
    if not shutil.which("npm"):
        raise CannotBeMade("there is no npm here")
    place.mkdir()
    for file in (lock, lock.with_name("package.json")):
        shutil.copy(file, place)
    _run(
        "npm",
        "ci",
        "--ignore-scripts",
        "--omit=peer",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
        cwd=place,
    )


def install_packages() -> None:
    venv.create(PACKAGES, with_pip=True)
    options = (
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary",
        ":all:",
        "--require-hashes",
    )
    _run(str(PYTHON), "-m", "pip", "install", *options, "-r", str(PYTHON_LOCK), cwd=PACKAGES)


def _run(*command: str, cwd: Path) -> None:
    subprocess.run(command, cwd=cwd, check=True)


def make(name: str, place: Path, install: Callable[[], None]) -> None:
    """Says how it went. Raises CalledProcessError when an installer fails."""
    if (place / "ready").exists():
        print(f"{name}: {place}")
        return
    shutil.rmtree(place, ignore_errors=True)
    started = time.monotonic()
    try:
        install()
    except CannotBeMade as exc:
        print(f"{name}: left out, {exc}; its tests are skipped")
    else:
        (place / "ready").touch()
        print(f"{name}: installed in {time.monotonic() - started:.0f} s, {place}")


def main() -> None:
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "lock").open("w") as lock:  # two checkouts may share the folder
        fcntl.flock(lock, fcntl.LOCK_EX)
        make("odatapy and the client python-odata", PACKAGES, install_packages)
        make("SAP CAP, by the SAP Developer License, for tests only", CAP, install_cap)
        make("the client @odata/client", NODE_CLIENT, install_node_client)


if __name__ == "__main__":
    main()
