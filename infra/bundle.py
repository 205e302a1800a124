"""The zip that Lambda runs: our code, Chalice's runtime and the locked dependencies, compiled.

Dependencies are wheels for Lambda's own system, not for this machine's, and each is checked against
its hash. botocore is not among them: Lambda's runtime has it
(docs/decisions/008-runtime-dependencies.md).
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from chalicelib.lake.extensions import EXTENSIONS

PROJECT = Path(__file__).parents[1]
REQUIREMENTS = PROJECT / "requirements.txt"
OF_LAKE = PROJECT / "requirements-lake.txt"
DEPLOYED = (
    3,
    13,
)  # the Python that Lambda runs, whatever runs here; the processor stands in .chalice/config.json
GLIBC = {
    (3, 11): 26,
    (3, 12): 34,
    (3, 13): 34,
}  # 2.x of Lambda's runtimes: Amazon Linux 2, then 2023
MACHINES = {
    "x86_64": ("x86_64", 62),
    "arm64": ("aarch64", 183),
}  # their names, and e_machine in an ELF header
ZIP_LIMIT = (
    50_000_000  # bytes of an upload without S3; ours goes through S3, and stays below all the same
)
UNZIPPED_LIMIT = (
    250 << 20
)  # bytes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
UNUSED = ("bin/", "_duckdb-stubs/", "adbc_driver_duckdb/", "duckdb/experimental/")
UNUSED_FILES = (
    ".pyi",
    ".c",
    ".h",
    ".pyx",
    "/RECORD",
    "/REQUESTED",
    "/INSTALLER",
    "/direct_url.json",
    "/py.typed",
)
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same content is the same zip


class PackageError(Exception):
    """There is nothing to deploy; the message says why and what to do."""


@dataclass(frozen=True)
class Runtime:
    """What a bundle is made for: a Python and a processor, `x86_64` or `arm64`."""

    python: tuple[int, int]
    architecture: str

    @classmethod
    def of_this_machine(cls) -> "Runtime":
        """For whoever runs a bundle here."""
        processor = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
        return cls(sys.version_info[:2], processor)

    @property
    def name(self) -> str:
        """Lambda's."""
        major, minor = self.python
        return f"python{major}.{minor}"

    @property
    def library(self) -> str:
        """DuckDB itself."""
        major, minor = self.python
        machine = MACHINES[self.architecture][0]
        return f"_duckdb.cpython-{major}{minor}-{machine}-linux-gnu.so"


def dependencies(runtime: Runtime, *, cache: Path, requirements: Path = REQUIREMENTS) -> Path:
    """A directory with the locked dependencies for Lambda.
    Fetched once for each state of the requirements. Raises PackageError.
    """
    if runtime.python not in GLIBC:
        raise PackageError(
            f"Lambda has no {runtime.name}, or nobody has tried it: it is packaged for 3.11 to 3.13."
        )
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    directory = cache / f"{runtime.name}-{runtime.architecture}-{digest}"
    if not directory.exists():
        part = directory.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        _install(part, runtime, requirements)
        part.replace(directory)
    return directory


def _install(target: Path, runtime: Runtime, requirements: Path) -> None:
    machine, _ = MACHINES[runtime.architecture]
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC[runtime.python], 16, -1)]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",
    ]
    command += ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--implementation", "cp"]
    command += ["--python-version", runtime.name.removeprefix("python"), "--target", str(target)]
    command += ["-r", str(requirements)]
    for name in (*platforms, f"manylinux2014_{machine}"):
        command += ["--platform", name]
    if subprocess.run(command, check=False).returncode:
        raise PackageError(
            "pip could not fetch the locked dependencies for Lambda; its message stands above."
        )


def write_bundle(app: Path, dependencies: Path, output: Path, *, runtime: Runtime) -> None:
    """`app` is the zip that Chalice made. Raises PackageError."""
    part = output.with_suffix(".part")
    with TemporaryDirectory(dir=output.parent) as scratch:
        for name, content in (*_of_zip(app), *_of_directory(dependencies)):
            path = Path(scratch, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        _compile(Path(scratch), runtime)
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as bundle:
            for path in sorted(Path(scratch).rglob("*")):
                if path.is_file():
                    _add(bundle, path.relative_to(scratch).as_posix(), path.read_bytes())
    check_bundle(part, runtime)
    part.replace(output)


def _compile(directory: Path, runtime: Runtime) -> None:
    """Never compared with its source: Lambda unpacks with times of its own,
    and reads of a cold start cost. Only a Python of the same version can do it.
    """
    python = _interpreter(runtime)
    if python is None:
        print(
            f"  not compiled: there is no {runtime.name} here; each cold start takes about a quarter longer"
        )
        return
    command = [python, "-m", "compileall", "-q", "-s", str(directory), "-p", "/var/task"]
    command += ["--invalidation-mode", "unchecked-hash", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackageError(
            f"The code does not compile under {runtime.name}:\n{done.stdout}{done.stderr}"
        )


def _interpreter(runtime: Runtime) -> str | None:
    if sys.version_info[:2] == runtime.python:
        return sys.executable
    found = shutil.which(runtime.name)
    script = "import sys; sys.exit(sys.version_info[:2] != ({}, {}))".format(*runtime.python)
    if (
        found
        and subprocess.run([found, "-c", script], capture_output=True, check=False).returncode == 0
    ):
        return found
    return None


def _of_zip(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


def _of_directory(directory: Path) -> Iterator[tuple[str, bytes]]:
    for path in directory.rglob("*"):
        name = path.relative_to(directory).as_posix()
        if path.is_file() and not name.startswith(UNUSED) and not name.endswith(UNUSED_FILES):
            yield name, path.read_bytes()


def _add(bundle: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    bundle.writestr(entry, content)


def lake_layer(runtime: Runtime, *, cache: Path) -> Path:
    """The zip of the layer that DuckDB reads and writes a lake with: its extensions, which Lambda
    finds in /opt/python. Made once for each state of requirements-lake.txt. Raises PackageError.
    """
    found = dependencies(runtime, cache=cache, requirements=OF_LAKE)
    layer = found.with_name(f"{found.name}-layer.zip")
    if not layer.exists():
        part = layer.with_suffix(f".{os.getpid()}.part")  # several processes may package at once
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in sorted(_of_directory(found)):
                if name.startswith("duckdb_extension_") and ".dist-info/" not in name:
                    _add(archive, f"python/{name}", content)
        check_layer(part)
        part.replace(layer)
    return layer


def check_layer(path: Path) -> None:
    """Raises PackageError unless it has the extensions for the DuckDB of the bundle."""
    version = re.search(r"^duckdb==(\S+)", REQUIREMENTS.read_text(), re.MULTILINE)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    for extension in EXTENSIONS:
        wanted = f"/v{version[1] if version else ''}/{extension}.duckdb_extension"
        if not any(name.endswith(wanted) for name in names):
            raise PackageError(
                f"The layer of the lake has no {wanted[1:]}: make lock brings them together."
            )


def check_bundle(path: Path, runtime: Runtime) -> None:
    """Raises PackageError unless Lambda can load DuckDB from it and take it at all."""
    library, (_, number) = runtime.library, MACHINES[runtime.architecture]
    with zipfile.ZipFile(path) as bundle:
        if library not in bundle.namelist():
            raise PackageError(
                f"The bundle has no {library}: no import could run. Remove build/ and try again."
            )
        with bundle.open(library) as file:
            header = file.read(20)
        unzipped = sum(entry.file_size for entry in bundle.infolist())
    if header[:4] != b"\x7fELF" or int.from_bytes(header[18:20], "little") != number:
        raise PackageError(
            f"{library} is not made for {runtime.architecture}. Remove build/ and try again."
        )
    for what, size, limit in (
        ("zip", path.stat().st_size, ZIP_LIMIT),
        ("unzipped", unzipped, UNZIPPED_LIMIT),
    ):
        print(f"  {what}: {size / 1e6:.1f} MB of {limit / 1e6:.0f} MB allowed")
        if size > limit:
            raise PackageError(f"The bundle is too large for Lambda: {size:,} bytes {what}.")
