"""What `make package` makes, built once for all the tests of a run."""

import fcntl
import zipfile
from pathlib import Path

import pytest

from infra.bundle import Runtime, lake_layer
from infra.package import DEPENDENCIES, Package, build
from support.run_directory import run_directory

STAGE = "emulated"


def packaged(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """As this machine runs it.
    The workers of a run share it: whoever is first builds, the others wait.
    """
    shared = run_directory(tmp_path_factory)
    package = Package(
        bundle=shared / "package" / "wellhead.zip",
        template=shared / "package" / "template.json",
        layer=lake_layer(Runtime.of_this_machine(), cache=DEPENDENCIES),
    )
    with (shared / "package.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not package.template.exists():
            build(stage=STAGE, output=package.bundle.parent, runtime=Runtime.of_this_machine())
    return package


def unpacked(package: Package, directory: Path) -> Path:
    with zipfile.ZipFile(package.bundle) as bundle:
        bundle.extractall(directory)
    return directory
