"""A standalone cluster of Spark on 127.0.0.1:
a master and two workers, each a process of its own, and jobs for it.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from support.spark.environment import JARS, PYTHON, RUNTIME, SPARK, WITHOUT_VERIFYING

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
JOB = Path(__file__).parents[3] / "spark" / "merge_job.py"
MEMORY = "1g"  # of an executor
START_SECONDS = 180
JOB_SECONDS = 900
MASTER, WORKER = (f"org.apache.spark.deploy.{name}" for name in ("master.Master", "worker.Worker"))
READY = {
    MASTER: re.compile(rf"Starting Spark master at (spark://{HOST}:\d+)"),
    WORKER: re.compile("Successfully registered"),
}


class ClusterFailed(Exception):
    """A process of it did not come up; the message has the end of its log."""


@dataclass
class Ran:
    """A job that has ended. `executors` are the workers that it ran on."""

    code: int
    output: str
    seconds: float
    executors: set[str] = field(default_factory=set)


class Cluster:
    """Serves between `start` and `stop`, in a directory of its own.
    What talks to it knows its secret.
    """

    def __init__(self, directory: Path, *, workers: int = 2) -> None:
        self._directory = directory
        self._workers = workers
        self._processes: list[subprocess.Popen[bytes]] = []
        self.url = ""
        self._secret = directory / "secret.conf"
        self._jobs = 0

    def __enter__(self) -> Self:
        self._directory.mkdir(parents=True)
        self._secret.touch(mode=0o600)
        told = {
            "spark.authenticate": "true",
            "spark.authenticate.secret": secrets.token_hex(16),
            "spark.ui.enabled": "false",
        }
        self._secret.write_text("".join(f"{name} {value}\n" for name, value in told.items()))
        try:
            self.url = self._start(MASTER, "master", "--port", "0")
            for number in range(self._workers):
                room = (
                    "--cores",
                    "1",
                    "--memory",
                    MEMORY,
                    "--work-dir",
                    str(self._directory / f"work-{number}"),
                )
                self._start(WORKER, f"worker-{number}", *room, self.url)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            os.killpg(process.pid, signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._processes.clear()

    def _start(self, kind: str, name: str, *arguments: str) -> str:
        """What it says when it is ready."""
        log = self._directory / f"{name}.log"
        command = [str(SPARK / "bin" / "spark-class"), kind, "--host", HOST, "--webui-port", "0"]
        command += ["--properties-file", str(self._secret), *arguments]
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(),
                start_new_session=True,
            )
        self._processes.append(process)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and process.poll() is None:
            if found := READY[kind].search(log.read_text(errors="replace")):
                return found[found.re.groups]
            time.sleep(0.2)
        raise ClusterFailed(f"{name} did not come up:\n{log.read_text(errors='replace')[-3000:]}")

    def submit(self, order: str, catalog: str, *, kill_at: str = "") -> Ran:
        """The job of the product with this order."""
        return self.run(JOB, order, catalog=catalog, kill_at=kill_at)

    def run(self, script: Path, *arguments: str, catalog: str, kill_at: str = "") -> Ran:
        """The script, on the tables of this REST catalog.
        With `kill_at` its driver dies when its log says so.
        """
        self._jobs += 1
        log = self._directory / f"job-{self._jobs}.log"
        command = [
            str(SPARK / "bin" / "spark-submit"),
            "--master",
            self.url,
            "--properties-file",
            str(self._secret),
        ]
        command += [
            part
            for name, value in self._settings(catalog).items()
            for part in ("--conf", f"{name}={value}")
        ]
        began = time.monotonic()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, str(script), *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(),
                cwd=self._directory,
                start_new_session=True,
            )
        code = None
        while code is None and time.monotonic() - began < JOB_SECONDS:
            if kill_at and kill_at in log.read_text(errors="replace"):
                os.killpg(process.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = process.wait(0.05 if kill_at else 1.0)
        if code is None:
            os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
        text = log.read_text(errors="replace")
        return Ran(code, text, time.monotonic() - began, set(_executors(text)))

    def _settings(self, catalog: str) -> dict[str, str]:
        return {
            "spark.executor.memory": MEMORY,
            "spark.executor.cores": "1",
            "spark.cores.max": str(self._workers),
            "spark.driver.memory": MEMORY,
            "spark.driver.host": HOST,
            "spark.driver.bindAddress": HOST,
            "spark.driver.extraJavaOptions": WITHOUT_VERIFYING,
            "spark.executor.extraJavaOptions": WITHOUT_VERIFYING,
            "spark.jars": ",".join(map(str, [RUNTIME, *sorted(JARS.iterdir())])),
            "spark.local.dir": str(self._directory / "local"),
            "spark.log.level": "INFO",
            "spark.sql.shuffle.partitions": "4",
            "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
            "spark.sql.catalog.lake.type": "rest",
            "spark.sql.catalog.lake.uri": catalog,
            "spark.sql.catalog.lake.io-impl": "org.apache.iceberg.hadoop.HadoopFileIO",
        }


def _executors(log: str) -> Iterator[str]:
    """That have finished tasks, as the driver's log tells them."""
    for found in re.finditer(r"Finished task .* on \S+ \(executor (\d+)\)", log):
        yield found[1]


def _environment() -> dict[str, str]:
    """Nothing of AWS, nor of a Spark that is installed here."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "SPARK_", "PYSPARK_"))
    }
    return kept | {
        "SPARK_LOCAL_IP": HOST,
        "SPARK_HOME": str(SPARK),
        "PYSPARK_PYTHON": str(PYTHON),
        "SPARK_DAEMON_MEMORY": "256m",
    }
