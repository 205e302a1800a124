"""A catalog of Iceberg tables on 127.0.0.1, for the laptop, the tests and the demo alone: it knows
no callers.

It answers the REST protocol of Iceberg, as far as an import needs it, over pyiceberg's SQL catalog,
and it is strict: each commit holds only where all its requirements are met, and of two at once one
is refused. https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml
"""

import json
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import unquote, urlsplit

from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
    ValidationError,
)
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import CommitTableRequest, Table
from pyiceberg.table.metadata import TableMetadata

from local.aws.loopback import LoopbackHandler, LoopbackServer
from local.catalog.tables import Tables

# As the protocol writes them. Nobody is given a prefix (_config), so no path has one.
_TABLE = "/v1/{prefix}/namespaces/{namespace}/tables/{table}"
ENDPOINTS = [
    "GET /v1/{prefix}/namespaces",
    "POST /v1/{prefix}/namespaces",
    "GET /v1/{prefix}/namespaces/{namespace}",
    "HEAD /v1/{prefix}/namespaces/{namespace}",
    "GET /v1/{prefix}/namespaces/{namespace}/tables",
    "POST /v1/{prefix}/namespaces/{namespace}/tables",
    *(f"{method} {_TABLE}" for method in ("GET", "HEAD", "POST", "DELETE")),
]
ERRORS: dict[type[Exception], tuple[HTTPStatus, str]] = {
    NoSuchNamespaceError: (HTTPStatus.NOT_FOUND, "NoSuchNamespaceException"),
    NoSuchTableError: (HTTPStatus.NOT_FOUND, "NoSuchTableException"),
    NamespaceAlreadyExistsError: (HTTPStatus.CONFLICT, "AlreadyExistsException"),
    TableAlreadyExistsError: (HTTPStatus.CONFLICT, "AlreadyExistsException"),
    CommitFailedException: (HTTPStatus.CONFLICT, "CommitFailedException"),
    ValidationError: (HTTPStatus.BAD_REQUEST, "ValidationException"),
    # Also what pydantic raises of a request whose parts do not fit.
    ValueError: (HTTPStatus.BAD_REQUEST, "BadRequestException"),
}


class StrictCatalog:
    """The tables, whose files lie under `files`: a `file://` or `s3://` URL. The place of each
    table's newest metadata is in `database`, a file of SQLite, which many threads and processes may
    use.
    """

    def __init__(self, database: Path, files: str) -> None:
        database.parent.mkdir(parents=True, exist_ok=True)
        properties: dict[str, str] = {
            "uri": f"sqlite:///{database}",
            "warehouse": files,
            "py-io-impl": "local.catalog.files.Files",
        }
        self._catalog = Tables("lake", **properties)

    def close(self) -> None:
        self._catalog.engine.dispose()

    def namespaces(self) -> dict[str, Any]:
        names = self._catalog.list_namespaces()
        return {"namespaces": [list(name) for name in names]}

    def create_namespace(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._catalog.create_namespace(tuple(asked["namespace"]))
        return {"namespace": asked["namespace"], "properties": {}}

    def namespace(self, name: str) -> dict[str, Any]:
        self._catalog.load_namespace_properties((name,))
        return {"namespace": [name], "properties": {}}

    def tables(self, namespace: str) -> dict[str, Any]:
        self.namespace(namespace)
        found = self._catalog.list_tables((namespace,))
        return {
            "identifiers": [{"namespace": list(table[:-1]), "name": table[-1]} for table in found]
        }

    def load(self, namespace: str, name: str) -> dict[str, Any]:
        table = self._catalog.load_table((namespace, name))
        return _answer_of_load(table)

    def drop(self, namespace: str, name: str) -> None:
        self._catalog.drop_table((namespace, name))

    def create(self, namespace: str, asked: dict[str, Any]) -> dict[str, Any]:
        """At once, or staged: then there is no table before the commit that asserts so."""
        place = (namespace, asked["name"])
        schema = Schema.model_validate(asked["schema"])
        wanted = asked.get("partition-spec")
        spec = PartitionSpec.model_validate(wanted) if wanted else UNPARTITIONED_PARTITION_SPEC
        values: dict[str, Any] = {
            "location": asked.get("location"),
            "partition_spec": spec,
            "properties": asked.get("properties") or {},
        }
        if asked.get("stage-create"):
            staged = self._catalog._create_staged_table(place, schema, **values)  # noqa: SLF001  no public name
            return {"metadata": _plain(staged.metadata), "config": {}}
        return _answer_of_load(self._catalog.create_table(place, schema, **values))

    def commit(self, namespace: str, name: str, asked: dict[str, Any]) -> dict[str, Any]:
        """All of it, or CommitFailedException."""
        # The address names the table; a request may leave that out, or say it as well.
        named = {"identifier": {"namespace": [namespace], "name": name}, **asked}
        request = CommitTableRequest.model_validate(named)
        done = self._catalog.commit_table(
            _Named((namespace, name)), request.requirements, request.updates
        )
        return {"metadata-location": done.metadata_location, "metadata": _plain(done.metadata)}


class _Named(Table):
    """All that a commit asks of its table is the name."""

    def __init__(self, name: tuple[str, ...]) -> None:
        self._identifier = name


def _answer_of_load(table: Table) -> dict[str, Any]:
    return {
        "metadata-location": table.metadata_location,
        "metadata": _plain(table.metadata),
        "config": {},
    }


def _plain(metadata: TableMetadata) -> Any:
    return json.loads(metadata.model_dump_json())


class CatalogHandler(LoopbackHandler):
    catalog: ClassVar[StrictCatalog]

    def do_GET(self) -> None:  # noqa: N802  (the name that http.server calls)
        self._answer(
            {
                0: self._config,
                1: self._namespaces,
                2: self._namespace,
                3: self._tables,
                4: self._table,
            }
        )

    def do_HEAD(self) -> None:  # noqa: N802  (the name that http.server calls)
        self.do_GET()

    def do_POST(self) -> None:  # noqa: N802  (the name that http.server calls)
        self._answer(
            {
                1: self._create_namespace,
                3: self._create_table,
                4: self._commit,
            }
        )

    def do_DELETE(self) -> None:  # noqa: N802  (the name that http.server calls)
        self._answer({4: self._drop})

    def commit(self, namespace: str, name: str, asked: dict[str, Any]) -> dict[str, Any]:
        """A place for tests to disturb."""
        return self.catalog.commit(namespace, name, asked)

    # -- what is asked, by how many names the path has ------------------------------------------------

    def _config(self) -> dict[str, Any]:
        return {"defaults": {}, "overrides": {}, "endpoints": ENDPOINTS}

    def _namespaces(self) -> dict[str, Any]:
        return self.catalog.namespaces()

    def _namespace(self, namespace: str) -> dict[str, Any]:
        return self.catalog.namespace(namespace)

    def _tables(self, namespace: str) -> dict[str, Any]:
        return self.catalog.tables(namespace)

    def _table(self, namespace: str, name: str) -> dict[str, Any]:
        return self.catalog.load(namespace, name)

    def _create_namespace(self, asked: dict[str, Any]) -> dict[str, Any]:
        return self.catalog.create_namespace(asked)

    def _create_table(self, namespace: str, asked: dict[str, Any]) -> dict[str, Any]:
        return self.catalog.create(namespace, asked)

    def _commit(self, namespace: str, name: str, asked: dict[str, Any]) -> dict[str, Any]:
        return self.commit(namespace, name, asked)

    def _drop(self, namespace: str, name: str) -> dict[str, Any]:
        self.catalog.drop(namespace, name)
        return {}

    def _answer(self, answers: dict[int, Callable[..., dict[str, Any]]]) -> None:
        body = self.read_body()
        has_request = body and self.command == "POST"
        asked = [json.loads(body)] if has_request else []
        status, answer = self._reply(answers, asked)
        content = json.dumps(answer).encode()
        self.answer(status, content, {"Content-Type": "application/json"})

    def _reply(
        self, answers: dict[int, Callable[..., dict[str, Any]]], asked: list[Any]
    ) -> tuple[int, Any]:
        depth, names = _place(self.path)
        ask = answers.get(depth)
        if ask is None:
            return _error(HTTPStatus.NOT_FOUND, "NotFoundException", "no such resource")
        try:
            return HTTPStatus.OK, ask(*names, *asked)
        except tuple(ERRORS) as exc:
            status, kind = next(ERRORS[each] for each in ERRORS if isinstance(exc, each))
            return _error(status, kind, str(exc))


def _place(path: str) -> tuple[int, list[str]]:
    """How deep the path leads, and the names in it; -1 for one that leads nowhere.

    /v1/namespaces is 1, /v1/namespaces/lake/tables is 3 with the name lake, and what stands below
    that is 4 with the names lake and wells.
    """
    parts = [unquote(part) for part in urlsplit(path).path.split("/") if part]
    if parts == ["v1", "config"]:
        return 0, []
    is_below_namespaces = parts[:2] == ["v1", "namespaces"]
    are_tables_meant = parts[3:4] in ([], ["tables"])
    if is_below_namespaces and are_tables_meant:
        return (len(parts) - 1, parts[2:3] + parts[4:])
    return (-1, [])


def _error(status: HTTPStatus, kind: str, message: str) -> tuple[int, Any]:
    error = {"message": message, "type": kind, "code": status}
    return status, {"error": error}


class CatalogServer:
    """Serves between `start` and `stop`. What is committed stays in `directory`."""

    def __init__(
        self,
        directory: Path,
        *,
        files: str | None = None,
        port: int = 0,
        handler: type[CatalogHandler] = CatalogHandler,
    ) -> None:
        """`files` is where the tables lie, in the directory unless said otherwise."""
        self.catalog = StrictCatalog(
            directory / "catalog.sqlite", files or (directory / "tables").as_uri()
        )
        self._server = LoopbackServer(
            type("Handler", (handler,), {"catalog": self.catalog}), port=port
        )

    @property
    def url(self) -> str:
        return self._server.url

    def start(self) -> Self:
        self._server.start()
        return self

    def stop(self) -> None:
        self._server.stop()
        self.catalog.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
