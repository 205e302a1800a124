"""The peers' own environments: `python -m benchmarks.environments` makes them all, once for each
list of versions.

A peer never shares packages with Wellhead. They lie in the cache, outside the checkout, at pinned
versions.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "requirements"
CACHE = Path(tempfile.gettempdir()) / "wellhead-bench"
NAMES = sorted(path.stem for path in REQUIREMENTS.glob("*.txt"))


def python_of(name: str, cache: Path) -> Path:
    """The interpreter of an environment, whether or not it is there."""
    requirements = (REQUIREMENTS / f"{name}.txt").read_bytes()
    digest = hashlib.sha256(requirements).hexdigest()[:12]
    home = cache / "environments" / f"{name}-{digest}"
    return home / "bin" / "python"


def make(name: str, cache: Path) -> Path:
    """The interpreter of an environment that holds what its requirements ask for."""
    python = python_of(name, cache)
    home = python.parents[1]
    ready = python.parents[1] / "ready"
    if not ready.exists():
        shutil.rmtree(home, ignore_errors=True)
        print(f"Setting up {name} (once) ...", file=sys.stderr)
        venv.create(home, with_pip=True)
        command = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "-r",
            str(REQUIREMENTS / f"{name}.txt"),
        ]
        subprocess.run(command, check=True)
        ready.touch()
    return python


def make_all(cache: Path) -> None:
    """Those that cannot be made are named; the tools in them are then shown as failed."""
    for name in NAMES:
        try:
            print(f"{name}: {make(name, cache)}", file=sys.stderr)
        except subprocess.CalledProcessError as exc:
            print(f"{name}: cannot be made, pip ended with {exc.returncode}", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.environments", description=__doc__)
    parser.add_argument("--cache", type=Path, default=CACHE)
    make_all(parser.parse_args().cache)


if __name__ == "__main__":
    main()
