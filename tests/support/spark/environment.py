"""Spark in a folder outside the checkout; `make spark-check` makes it, and says what it lacks.

PySpark comes from PyPI, and Iceberg's runtime inside a package of somebody else, which leaves two
things out that the runtime was built with: Jackson and Apache's HTTP client, each under a name of
Iceberg's own. They are made here, of PySpark's Jackson and Debian's HTTP client, by Debian's
jarjar. Debian's client is older than the one it was built with, and has no TlsSocketStrategy: a
class that Java looks for before it runs anything, and that nothing uses without TLS. Java therefore
does not verify classes here. With Iceberg's own runtime, as on EMR, none of that is needed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import venv
import zipfile
from pathlib import Path

CACHE = Path(os.environ.get("SPARK_ENVIRONMENT") or Path.home() / ".cache" / "wellhead" / "spark")
HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
FORM = b"1"  # of what is made here of the packages: another one is another folder
_DIGEST = hashlib.sha256(REQUIREMENTS.read_bytes() + FORM).hexdigest()[:12]
_VERSION = "python{}.{}".format(*sys.version_info)
HOME = CACHE / f"{_VERSION}-{_DIGEST}"
PYTHON = HOME / "bin" / "python"
JARS = HOME / "jars"
PACKAGES = HOME / "lib" / _VERSION / "site-packages"
SPARK = PACKAGES / "pyspark"
RUNTIME = (
    PACKAGES
    / "snowpark_connect_deps_iceberg"
    / "jars"
    / "iceberg-spark-runtime-3.5_2.12-1.10.2.jar"
)
WITHOUT_VERIFYING = "-XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"

DEBIAN = Path("/usr/share/java")
OF_DEBIAN = {  # what of its packages is needed
    "libjarjar-java": "jarjar.jar",
    "libhttpcore5-java": "httpcore5.jar",
    "libhttpclient5-java": "httpclient5.jar",
}
JDK = "openjdk-17-jre-headless"
SHADED = "org.apache.iceberg.shaded"
RULES = "".join(
    f"rule {name}.** {SHADED}.{name}.@1\n" for name in ("com.fasterxml.jackson", "org.apache.hc")
)
OF_DEBIANS_CLIENT = ("httpcore5.jar", "httpcore5-h2.jar", "httpclient5.jar")
OF_JACKSON = re.compile(r"jackson-(core|databind|annotations)-\d.*\.jar")
NEWEST_JAVA, OLDEST_JAVA = 17, 8  # of Spark 3.5


class CannotBeMade(Exception):
    """Why, for who asked for it."""


def reason_without() -> str | None:
    """Why Spark cannot be started; None when it can."""
    if not (HOME / "ready").exists():
        return "Spark is not installed; make spark-check does it"
    return _lack_of_java()


def _lack_of_java() -> str | None:
    java = shutil.which("java")
    wanted = f"Spark 3.5 needs Java {OLDEST_JAVA} to {NEWEST_JAVA}: apt-get install {JDK}"
    if java is None:
        return f"there is no java here; {wanted}"
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(?:1\.)?(\d+)', told)
    if version is None or not OLDEST_JAVA <= int(version[1]) <= NEWEST_JAVA:
        return (
            f"java is {told.splitlines()[0] if told else 'of no version that it tells'}; {wanted}"
        )
    return None


def _lack_of_packages() -> str | None:
    lacking = [package for package, jar in OF_DEBIAN.items() if not (DEBIAN / jar).exists()]
    return (
        f"Debian's packages are missing: apt-get install {' '.join(lacking)}" if lacking else None
    )


def _make() -> None:
    for lack in (_lack_of_java(), _lack_of_packages()):
        if lack:
            raise CannotBeMade(lack)
    print("Spark: 400 MB are fetched and unpacked (once) ...", flush=True)
    shutil.rmtree(HOME, ignore_errors=True)
    venv.create(HOME, with_pip=True)
    pip = (str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    subprocess.run([*pip, "--require-hashes", "-r", str(REQUIREMENTS)], check=True)
    if not RUNTIME.exists():
        raise CannotBeMade(f"there is no {RUNTIME.name} in what was installed")
    JARS.mkdir()
    (HOME / "rules").write_text(RULES)
    for jar in [*(DEBIAN / name for name in OF_DEBIANS_CLIENT), *(SPARK / "jars").iterdir()]:
        if jar.name in OF_DEBIANS_CLIENT or OF_JACKSON.fullmatch(jar.name):
            _shade(jar)


def _shade(jar: Path) -> None:
    """Without what is there for newer versions of Java alone:
    under one name there would be two classes.
    """
    plain = HOME / jar.name
    with zipfile.ZipFile(jar) as whole, zipfile.ZipFile(plain, "w") as kept:
        for name in whole.namelist():
            if not name.startswith("META-INF/versions/"):
                kept.writestr(name, whole.read(name))
    tools = f"{DEBIAN / 'jarjar.jar'}{os.pathsep}{DEBIAN}/*"
    command = ["java", "-cp", tools, "com.tonicsystems.jarjar.Main", "process"]
    subprocess.run([*command, str(HOME / "rules"), str(plain), str(JARS / jar.name)], check=True)
    plain.unlink()


def main() -> int:
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:  # two checkouts may share the folder
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (HOME / "ready").exists() and not _lack_of_java():
            print(f"Spark: {HOME}")
            return 0
        began = time.monotonic()
        try:
            _make()
        except CannotBeMade as exc:
            print(f"Spark cannot be installed here: {exc}", file=sys.stderr)
            return 1
        (HOME / "ready").touch()
        print(f"Spark: installed in {time.monotonic() - began:.0f} s, {HOME}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
