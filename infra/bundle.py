"""The zip that Lambda runs: our code, Chalice's runtime and the locked dependencies, compiled.

Dependencies are wheels for Lambda's own system, not for this machine's, and each is checked against its hash. botocore
is not among them: Lambda's runtime has it (docs/decisions/008-runtime-dependencies.md).
"""

import hashlib
import os
import platform
import py_compile
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from chalicelib.lake.extensions import EXTENSIONS

PROJECT = Path(__file__).parents[1]
REQUIREMENTS = PROJECT / "requirements.txt"
OF_LAKE = PROJECT / "requirements-lake.txt"
GLIBC = {(3, 11): 26, (3, 12): 34, (3, 13): 34}  # 2.x of Lambda's runtimes: Amazon Linux 2, then 2023
MACHINES = {"x86_64": ("x86_64", 62), "arm64": ("aarch64", 183)}  # their names, and e_machine in an ELF header
ZIP_LIMIT = 50_000_000  # bytes of an upload without S3; ours goes through S3, and stays below all the same
UNZIPPED_LIMIT = 250 << 20  # bytes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
UNUSED = ("bin/", "_duckdb-stubs/", "adbc_driver_duckdb/", "duckdb/experimental/")
UNUSED_FILES = (".pyi", ".c", ".h", ".pyx", "/RECORD", "/REQUESTED", "/INSTALLER", "/direct_url.json", "/py.typed")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same content is the same zip


class PackageError(Exception):
    """There is nothing to deploy; the message says why and what to do."""


def own_architecture() -> str:
    return "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"


def python_version() -> tuple[int, int]:
    """Raises PackageError."""
    version = sys.version_info[:2]
    if version not in GLIBC:
        raise PackageError(
            f"Python {version[0]}.{version[1]} cannot be packaged, Lambda's 3.11, 3.12 and 3.13 can: "
            "make clean, then make package PYTHON=python3.13"
        )
    return version


def dependencies(architecture: str, *, cache: Path, requirements: Path = REQUIREMENTS) -> Path:
    """A directory with the locked dependencies for Lambda. Fetched once for each state of the requirements. Raises
    PackageError.
    """
    major, minor = python_version()
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    directory = cache / f"python{major}.{minor}-{architecture}-{digest}"
    if not directory.exists():
        part = directory.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        _install(part, architecture, (major, minor), requirements)
        part.replace(directory)
    return directory


def _install(target: Path, architecture: str, version: tuple[int, int], requirements: Path) -> None:
    machine, _ = MACHINES[architecture]
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC[version], 16, -1)]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--implementation", "cp"]
    command += ["--python-version", f"{version[0]}.{version[1]}", "--target", str(target), "-r", str(requirements)]
    for name in (*platforms, f"manylinux2014_{machine}"):
        command += ["--platform", name]
    if subprocess.run(command, check=False).returncode:
        raise PackageError("pip could not fetch the locked dependencies for Lambda; its message stands above.")


def write_bundle(app: Path, dependencies: Path, output: Path, *, architecture: str) -> None:
    """`app` is the zip that Chalice made. Raises PackageError."""
    part = output.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in sorted([*_of_zip(app), *_of_directory(dependencies)]):
            _add(bundle, name, content)
            if name.endswith(".py"):
                _add(bundle, *_compiled(name, content, output.parent))
    check_bundle(part, architecture)
    part.replace(output)


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


def _compiled(name: str, source: bytes, scratch: Path) -> tuple[str, bytes]:
    """Never compared with its source: Lambda unpacks with times of its own, and reads of a cold start cost."""
    path, compiled = scratch / "source.py", scratch / "source.pyc"
    path.write_bytes(source)
    py_compile.compile(
        str(path),
        str(compiled),
        dfile=f"/var/task/{name}",
        doraise=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    folder, _, file = name.rpartition("/")
    cached = f"__pycache__/{file.removesuffix('.py')}.{sys.implementation.cache_tag}.pyc"
    content = compiled.read_bytes()
    path.unlink()
    compiled.unlink()
    return f"{folder}/{cached}" if folder else cached, content


def lake_layer(architecture: str, *, cache: Path) -> Path:
    """The zip of the layer that DuckDB reads and writes a lake with: its extensions, which Lambda finds in /opt/python.
    Made once for each state of requirements-lake.txt. Raises PackageError.
    """
    found = dependencies(architecture, cache=cache, requirements=OF_LAKE)
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
            raise PackageError(f"The layer of the lake has no {wanted[1:]}: make lock brings them together.")


def check_bundle(path: Path, architecture: str) -> None:
    """Raises PackageError unless Lambda can load DuckDB from it and take it at all."""
    major, minor = python_version()
    machine, number = MACHINES[architecture]
    library = f"_duckdb.cpython-{major}{minor}-{machine}-linux-gnu.so"
    with zipfile.ZipFile(path) as bundle:
        if library not in bundle.namelist():
            raise PackageError(f"The bundle has no {library}: no import could run. Remove build/ and try again.")
        with bundle.open(library) as file:
            header = file.read(20)
        unzipped = sum(entry.file_size for entry in bundle.infolist())
    if header[:4] != b"\x7fELF" or int.from_bytes(header[18:20], "little") != number:
        raise PackageError(f"{library} is not made for {architecture}. Remove build/ and try again.")
    for what, size, limit in (("zip", path.stat().st_size, ZIP_LIMIT), ("unzipped", unzipped, UNZIPPED_LIMIT)):
        print(f"  {what}: {size / 1e6:.1f} MB of {limit / 1e6:.0f} MB allowed")
        if size > limit:
            raise PackageError(f"The bundle is too large for Lambda: {size:,} bytes {what}.")
