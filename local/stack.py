"""The whole of Wellhead on one laptop: emulated AWS, Lambda, the API and a sample source, all on
127.0.0.1.

    with LocalStack() as stack:
        stack.api_url

Nothing in it can reach AWS: its processes get endpoints on this machine, and no proxies. The keys
that they sign with are made anew at every start, and open this stack's AWS alone. What must outlive
it is in the state directory: the table, the queue of events, the warehouse.
"""

import contextlib
import errno
import fcntl
import glob
import json
import os
import secrets
import select
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from chalicelib.errors import SettingsError
from chalicelib.odata.masked_link import mask_link
from chalicelib.settings import Settings
from clients.api.client import WellheadClient
from local.applying import DefinitionRefused, apply_definition, apply_directory
from local.aws import child
from local.aws.emulator import REGION, LocalAws
from local.aws.lambda_endpoint import LambdaEndpoint
from local.aws.lambda_runtime import WARM_WORKERS, LambdaRuntime
from local.aws.loopback import HOST
from local.aws.runtime_api import ACCOUNT_AND_REGION, LambdaFunction
from local.aws.schedules import Schedules
from local.aws.signature import Keys
from local.definitions import (
    DefinitionUnreadable,
    is_definition,
    is_of_files,
    made_definition,
    written_definition,
)
from local.keys_file import write_keys
from local.machine import machine_definition
from local.private_file import write_privately
from local.tokens import TokenBook

if TYPE_CHECKING:
    from local.aws.disk import Disk

PROJECT = Path(__file__).parents[1]
START_SECONDS = 60.0
LONGEST_PAUSE = 0.1  # seconds, of a client of this machine
BUCKET = "wellhead-local"
SECRET = "/wellhead/local/source"  # noqa: S105  its name
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LEAST_ROOM = 256 * 1024  # bytes; SQLite takes 32 kB for its shared memory, before any row
DEFAULTS = {
    "WELLHEAD_TABLE": "wellhead-local",
    "WELLHEAD_IMPORT_FUNCTION": "wellhead-local-import",
    "WELLHEAD_QUERY_FUNCTION": "wellhead-local-query",
    "WELLHEAD_TOKENS": "/wellhead/local/tokens",
    "WELLHEAD_SOURCE_REACH": "anywhere",
    "WELLHEAD_SOURCE_SECRETS": "/wellhead/local/sources",
    "WELLHEAD_LEASE_SECONDS": "10",
    "WELLHEAD_LEASE_GRACE_SECONDS": "2",
    "WELLHEAD_CHECKPOINT_SECONDS": "5",
}
OF_THE_CLIENTS = {
    "WELLHEAD_URL",
    "WELLHEAD_TOKEN",
    "WELLHEAD_PROFILE",
}  # for another Wellhead than this one
KEPT_FROM_THE_PRODUCT = {"WELLHEAD_SOURCE_USERNAME", "WELLHEAD_SOURCE_PASSWORD"} | OF_THE_CLIENTS
MACHINE = "wellhead-local-import"
MACHINE_ARN = f"arn:aws:states:{ACCOUNT_AND_REGION}:stateMachine:{MACHINE}"
STATES = ("Plan", "Part", "Merge", "Fail")
DESTINATIONS = {"wellhead-local-import": "wellhead-local-failed-event"}  # OnFailure, as deployed


class StackError(Exception):
    """The stack cannot start; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """What to import: so many generated rows, an OData URL, or files. `definition` is that of a
    file that somebody wrote; `preset` names the mapping of files or of a URL.
    """

    rows: int = 50_000
    file: Path | None = None  # a file, a directory, or a pattern
    url: str | None = None
    definition: Path | None = None
    preset: str = ""

    @classmethod
    def parse(cls, text: str | None, *, rows: int, preset: str = "") -> "Source":
        """Raises StackError for a file that does not exist."""
        if not text:
            if preset:
                raise StackError(
                    f"PRESET={preset} maps a file or an address. Name it: SOURCE=<file or URL>."
                )
            return cls(rows=rows)
        if text.startswith(("http://", "https://", "s3://")):
            return cls(rows=rows, url=text, preset=preset)
        path = Path(text)
        if not path.exists() and not glob.glob(text):  # noqa: PTH207  any path, an absolute one too
            raise StackError(
                f"There is no file {text}. SOURCE is a file (CSV, Excel, Parquet, JSON), a directory, a definition "
                "(.toml) or an http(s) URL."
            )
        if is_definition(text):
            return cls(rows=rows, definition=path.resolve())
        return cls(rows=rows, file=path.resolve(), preset=preset)

    def values(self, user: Mapping[str, str]) -> dict[str, Any] | None:
        """Of its definition; None where the settings of the stack describe it.
        Raises StackError.
        """
        try:
            if self.definition:
                return written_definition(self.definition)
            if self.file:
                return made_definition(str(self.file), self.preset, user)
            if self.url and (self.preset or is_of_files(self.url, self.preset)):
                return made_definition(self.url, self.preset, user)
        except DefinitionUnreadable as exc:
            raise StackError(str(exc)) from exc
        return None

    @property
    def is_served(self) -> bool:
        """Whether the sample source serves it."""
        return not (self.url or self.file or self.definition)


class LocalStack:
    """Everything between `__enter__` and `__exit__`; raises StackError when it cannot start."""

    def __init__(
        self,
        *,
        source: Source | None = None,
        state: Path = PROJECT / ".local",
        project: Path = PROJECT,
        port: int = 8000,
        user_environment: Mapping[str, str] | None = None,
        sources: Path | None = None,
        store: str = "file",
        machine: str = "lambda",
    ) -> None:
        """`sources` is a directory of definitions that are applied at the start. The `store` is one
        of WELLHEAD_STORE; of "iceberg" the catalog and the tables are in the state directory too.
        The `machine` is one of WELLHEAD_MACHINE; with "states" the state machine of the template
        runs here.
        """
        self.store = store
        self.machine = machine
        self._sources = sources
        self.applied: list[str] = []
        self._user = dict(os.environ if user_environment is None else user_environment)
        self._source = source or Source()
        self._definition = self._source.values(self._user)
        self._project = project
        self._port = port
        self._exit = ExitStack()
        self.state = state.resolve()
        self.warehouse_path = self.state / "warehouse"
        self.environment: dict[str, str] = {}
        self.keys = Keys.random()
        self.tokens = TokenBook(self.state)
        self.token = ""
        self.has_new_token = not self.tokens.own_file.exists()
        self.api_url = self.aws_url = self.lambda_url = self.source_url = self.catalog_url = ""
        self._api: subprocess.Popen[bytes] | None = None
        self._schedules: Schedules | None = None
        self._disks: list[Disk] = []

    @property
    def database_path(self) -> Path:
        return self.warehouse_path / "wells.duckdb"

    @property
    def shown_source(self) -> str:
        """Its URL without what the query holds, a key perhaps."""
        if self._definition:
            told = str(self._definition.get("url", ""))
            return f"{self.source_name} ({mask_link(told, told)})"
        return mask_link(self.source_url, self.source_url)

    @property
    def source_name(self) -> str | None:
        """Of a source that was defined for this stack;
        None for the one that its settings describe.
        """
        if self._definition:
            return str(self._definition.get("name"))
        return None

    @property
    def source_option(self) -> str:
        """What `make` needs to be told again to take the same source;
        a URL's query may hold a key, and is left out.
        """
        file = self._source.definition or self._source.file
        url = self._source.url
        preset = f" PRESET={self._source.preset}" if self._source.preset else ""
        if file:
            return f" SOURCE={shlex.quote(str(file))}{preset}"
        if url:
            if self.shown_source == url:
                return f" SOURCE={shlex.quote(url)}"
            return " SOURCE=<the same URL>"
        return ""

    @property
    def console_link(self) -> str:
        """Signs in by itself:
        the console takes the token from the fragment, which no browser sends to a server.
        """
        return f"{self.api_url}/console#token={self.token}"

    def client(self) -> WellheadClient:
        """With the token of this machine. It looks at an import more often than the API asks for:
        there is nobody else whom that would cost something.
        """
        return WellheadClient(self.api_url, self.token, pause=_pause_shortly)

    def is_serving(self) -> bool:
        return self._api is not None and self._api.poll() is None

    def sweep(self) -> None:
        """The sweeper runs now, and not only when its minute is over."""
        if self._schedules:
            self._schedules.fire()

    @property
    def trouble(self) -> str | None:
        """Why nothing can be kept at this moment, for people."""
        causes = [disk.trouble for disk in self._disks if disk.trouble]
        if causes:
            return sentence_of_loss(causes[0], self.state)
        return None

    def __enter__(self) -> Self:
        with ExitStack() as exits:
            try:
                exits.enter_context(_lock(self.state))
                self._start(exits)
                exits.enter_context(_file_of_facts(self.state / "stack.json", self._facts()))
            except (OSError, sqlite3.Error) as exc:
                raise StackError(sentence_of_loss(exc, self.state)) from exc
            self._exit = exits.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        with _ignore_interrupts():
            self._exit.close()

    def _start(self, exits: ExitStack) -> None:
        username, password = self._credentials()
        is_of_settings = self._source.url and not self._definition
        self.source_url = (
            str(self._source.url)
            if is_of_settings
            else self._start_source(exits, username, password)
        )
        self.catalog_url = self._start_catalog(exits)

        journal = self.state / "state" / "table.sqlite"
        is_new = not journal.exists()
        aws = self._start_aws(exits, journal)
        if username:
            aws.put_parameter(SECRET, json.dumps({"username": username, "password": password}))
        self.environment |= _isolate(self._user) | self.keys.environment
        endpoint = self._start_lambda(exits)
        self._disks = [aws.disk, endpoint.disk]
        self.environment |= self._endpoints() | self._settings(authenticated=bool(username))
        _check(self.environment)

        functions = self._start_api(exits)
        endpoint.deploy(functions)
        self._deploy_machine(aws, functions)
        self._apply_definitions()
        # A new table has nothing to sweep: two processes less during the first import.
        schedules = Schedules(endpoint, functions, at_once=not is_new)
        self._schedules = exits.enter_context(schedules)

    def _start_aws(self, exits: ExitStack, journal: Path) -> LocalAws:
        """With the keys and the tokens that let anyone in."""
        aws = exits.enter_context(
            LocalAws(
                table=self._setting("WELLHEAD_TABLE"),
                journal=journal,
                bucket=BUCKET,
                keys=self.keys,
                on_parameter=self._keep_token,
            )
        )
        self.aws_url = aws.url
        exits.callback(write_keys(self.state, self.keys).unlink, missing_ok=True)
        self._put_tokens(aws)
        return aws

    def _start_lambda(self, exits: ExitStack) -> LambdaEndpoint:
        """Its functions see the environment as it is when they are deployed."""
        at_once = self._workers if self.machine == "states" else 0
        runtime = LambdaRuntime(
            project=self._project,
            logs=self.state / "logs",
            environment=self.environment,
            warm_workers=max(WARM_WORKERS, at_once),
        )
        endpoint = exits.enter_context(
            LambdaEndpoint(
                runtime=runtime,
                queue=self.state / "state" / "events.sqlite",
                keys=self.keys,
                destinations=DESTINATIONS,
            )
        )
        self.lambda_url = endpoint.url
        return endpoint

    def _apply_definitions(self) -> None:
        """That of the source, then those of the directory. Raises StackError."""
        try:
            with self.client() as wellhead:
                apply_definition(self._definition, wellhead)
                if self._sources:
                    self.applied = apply_directory(self._sources, wellhead)
        except DefinitionRefused as exc:
            raise StackError(str(exc)) from exc

    @property
    def _workers(self) -> int:
        """So many parts are read at once, each by a process."""
        try:
            return int(self._user.get("WELLHEAD_WORKERS") or Settings.workers)
        except ValueError:
            return WARM_WORKERS  # the settings are read in a moment, and refused

    def _deploy_machine(self, aws: LocalAws, functions: list[LambdaFunction]) -> None:
        """The one of the template, as CloudFormation would make it."""
        if self.machine == "states":
            from local.aws.machine import run_machines

            run_machines(
                region=REGION,
                lambda_url=self.lambda_url,
                keys=self.keys,
            )
            arns = {
                function.name.rpartition("-")[2].title(): function.arn for function in functions
            }
            aws.create_state_machine(
                MACHINE, machine_definition({f"{name}Function": arns[name] for name in STATES})
            )

    def _start_catalog(self, exits: ExitStack) -> str:
        """Empty where there is no lake, and where somebody has named a catalog of his own."""
        if self.store == "file" or self._user.get("WELLHEAD_CATALOG"):
            return ""
        from local.catalog.server import CatalogServer  # it loads for a quarter of a second

        return exits.enter_context(CatalogServer(self.state / "lake")).url

    def _keep_token(self, name: str, value: str) -> None:
        """One that was renewed by the API: SSM lives in memory here."""
        path, _, token = name.rpartition("/")
        if path == self._setting("WELLHEAD_TOKENS"):
            with contextlib.suppress(
                ValueError
            ):  # what is no token lets nobody in, at the next start neither
                self.tokens.keep(token, value)

    def _put_tokens(self, aws: LocalAws) -> None:
        self.token = self.tokens.own()
        path = self._setting("WELLHEAD_TOKENS")
        for name, value in self.tokens.parameters.items():
            aws.put_parameter(f"{path}/{name}", value)

    def _credentials(self) -> tuple[str | None, str]:
        """Of the source.
        The sample asks for a password too, so that the demo takes the real way.
        """
        username = self._user.get("WELLHEAD_SOURCE_USERNAME")
        if username:
            return username, self._user.get("WELLHEAD_SOURCE_PASSWORD", "")
        if self._source.url and not self._definition:
            return (None, "")
        return ("sample", secrets.token_urlsafe())

    def _start_source(self, exits: ExitStack, username: str | None, password: str) -> str:
        """On the port of last time if it can be: an interrupted import goes on where its link
        points. What serves other rows has another address, so that nothing is gone on with there.
        """
        remembered = self.state / "state" / "source.port"
        mark = "generated"
        port = _port_for(mark, remembered)
        credentials = {"SAMPLE_SOURCE_USERNAME": username or "", "SAMPLE_SOURCE_PASSWORD": password}
        command = [
            sys.executable,
            "-m",
            "local.source.server",
            "--port",
            str(port),
            "--exit-with-parent",
        ]
        command += ["--rows", str(self._source.rows)]
        process = self._spawn(exits, "source", command, _isolate(self._user) | credentials)
        url = self._ready_line(process, "source").removeprefix("ready ").strip()
        write_privately(remembered, f"{url.split(':')[2].partition('/')[0]} {mark}\n")
        return url

    def _start_api(self, exits: ExitStack) -> list[LambdaFunction]:
        command = [sys.executable, "-m", "local.api_gateway", "--port", str(self._port)]
        command += ["--project", str(self._project)]
        self._api = self._spawn(exits, "api", command, self.environment)
        ready = json.loads(self._ready_line(self._api, "api"))
        self.api_url = ready["url"]
        return [LambdaFunction(**function) for function in ready["functions"]]

    def _spawn(
        self, exits: ExitStack, name: str, command: list[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        with (self.state / "logs" / f"{name}.log").open("ab") as log:
            process = child.start(
                command,
                environment=environment,
                cwd=PROJECT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        exits.callback(child.end, process)
        return process

    def _ready_line(self, process: subprocess.Popen[bytes], name: str) -> str:
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], START_SECONDS)
        line = process.stdout.readline().decode() if readable else ""
        if not line.strip():
            log = self.state / "logs" / f"{name}.log"
            raise StackError(f"The {name} did not start:\n{_tail(log)}\nMore in {log}.")
        return line

    def _setting(self, name: str) -> str:
        return self._user.get(name) or DEFAULTS[name]

    def _endpoints(self) -> dict[str, str]:
        names = (
            "AWS_ENDPOINT_URL",
            *(f"AWS_ENDPOINT_URL_{name}" for name in ("DYNAMODB", "S3", "SSM", "SFN")),
        )
        return dict.fromkeys(names, self.aws_url) | {"AWS_ENDPOINT_URL_LAMBDA": self.lambda_url}

    def _settings(self, *, authenticated: bool) -> dict[str, str]:
        """The user's WELLHEAD_* variables win, except for what this stack has just made up."""
        directories = {
            "WELLHEAD_WAREHOUSE": str(self.warehouse_path),
            "WELLHEAD_SCRATCH": str(self.state / "scratch"),
        }
        users = {
            name: value
            for name, value in self._user.items()
            if name.startswith("WELLHEAD_") and name not in KEPT_FROM_THE_PRODUCT
        }
        source = {"WELLHEAD_SOURCE_URL": self.source_url}
        if self.store != "file":
            source |= {"WELLHEAD_STORE": self.store}
        if self.machine == "states":
            source |= {"WELLHEAD_MACHINE": "states", "WELLHEAD_STATE_MACHINE": MACHINE_ARN}
        if self.catalog_url:
            source |= {"WELLHEAD_CATALOG": self.catalog_url}
        if authenticated:
            source |= {"WELLHEAD_SOURCE_AUTH": "basic", "WELLHEAD_SOURCE_SECRET": SECRET}
        settings = DEFAULTS | directories | users | source
        if not settings["WELLHEAD_WAREHOUSE"].startswith("s3://"):
            self.warehouse_path = Path(settings["WELLHEAD_WAREHOUSE"])
            self.warehouse_path.mkdir(parents=True, exist_ok=True)
        Path(settings["WELLHEAD_SCRATCH"]).mkdir(parents=True, exist_ok=True)
        return settings

    def _facts(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "api_url": self.api_url,
            "aws_url": self.aws_url,
            "lambda_url": self.lambda_url,
            "source_url": self.shown_source,
            "state": str(self.state),
            "warehouse": str(self.warehouse_path),
            "catalog_url": self.catalog_url,
        }


def _check(environment: Mapping[str, str]) -> None:
    try:
        Settings.from_environment(environment)
    except SettingsError as exc:
        raise StackError(exc.message) from exc


def _isolate(user: Mapping[str, str]) -> dict[str, str]:
    """The user's environment without a way to AWS, and without the settings of the product."""
    unwanted = ("AWS_", "BOTO", "WELLHEAD_", "PYTHONDONTWRITEBYTECODE")
    kept = {
        name: value
        for name, value in user.items()
        if not name.startswith(unwanted) and not name.lower().endswith("_proxy")
    }
    return kept | {
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "*",
    }


@contextlib.contextmanager
def _ignore_interrupts() -> Iterator[None]:
    """A second Ctrl-C would leave processes behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _lock(state: Path) -> Iterator[None]:
    """One stack to a state directory. The kernel frees the lock, whatever becomes of its holder."""
    for name in ("logs", "state"):
        (state / name).mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(_who_runs(state)) from None
        yield


def _who_runs(state: Path) -> str:
    try:
        other = json.loads((state / "stack.json").read_text())
    except (OSError, ValueError):
        return f"Another stack is just starting or stopping on {state}. Try again in a few seconds."
    return (
        f"Another stack (process {other['pid']}) already runs on {state} and serves {other['api_url']}."
        f" Use that one, or stop it first: kill {other['pid']}"
    )


@contextlib.contextmanager
def _file_of_facts(path: Path, facts: Mapping[str, Any]) -> Iterator[None]:
    write_privately(path, json.dumps(facts, indent=2) + "\n")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def sentence_of_loss(exc: Exception, state: Path) -> str:
    """For people. SQLite words a full disk in several ways, so the disk is looked at too."""
    is_full = (
        getattr(exc, "errno", None) in FULL
        or getattr(exc, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    )
    if is_full or not _has_room(state):
        return f"The disk that holds {state} is full. Free some space there and try again: what was imported is kept."
    return f"The local stack keeps what it needs in {state}, and that failed: {exc}. Mend it, or name another --state."


def _has_room(directory: Path) -> bool:
    try:
        return shutil.disk_usage(directory).free >= LEAST_ROOM
    except OSError:
        return True  # it is not there, which is another trouble


def _pause_shortly(seconds: float) -> None:
    time.sleep(min(seconds, LONGEST_PAUSE))


def _port_for(mark: str, remembered: Path) -> int:
    """The one that the same content had last time; 0 when that is taken, or there was none."""
    words = remembered.read_text().split() if remembered.exists() else []
    if not words or not words[0].isdecimal():
        return 0
    port = int(words[0])
    if words[1:] == [mark]:
        return _free_port(port)
    return _other_port(port)


def _other_port(port: int) -> int:
    """A free one that is not this one, which is held while the system chooses."""
    with socket.socket() as held, socket.socket() as chosen:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # somebody else has it
            held.bind((HOST, port))
        chosen.bind((HOST, 0))
        return int(chosen.getsockname()[1])


def _free_port(preferred: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, preferred))
        except OSError:
            return 0
    return preferred


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return "\n".join(lines[-5:])
