"""Opening: the reader of a source, an OData service or files in a bucket,
at an address or on the laptop's own disk.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from chalicelib.files.place import Place
    from chalicelib.http.connection import SourceConnection
    from chalicelib.http.signing import SourceAuth
    from chalicelib.settings import Settings

    from .reader import SourceReader

Connection = TypeVar("Connection", bound="SourceConnection")


@dataclass(frozen=True, kw_only=True)
class Opening:
    """`client` makes one of an AWS service, `directory` is on local disk, empty, and the reader's
    own. `began` is when the import did, and `known` are the marks of files that were read before.
    `on_auth` is given what signs the requests, and what the proxy asks for.
    """

    settings: Settings
    client: Callable[..., Any]
    environment: Mapping[str, str]
    remaining: Callable[[], float]
    directory: Path
    began: float | None = None
    known: Iterable[str] = ()
    on_auth: Callable[[SourceAuth], object] = lambda _: None

    def reader(self) -> SourceReader:
        """The secret is read here, once. Raises SecretUnavailable, SecretInvalid."""
        if self.settings.is_of_files:
            return self._of_files()
        return self._of_a_service()

    def _of_a_service(self) -> SourceReader:
        from chalicelib.odata.adapter import ExternalApiAdapter
        from chalicelib.odata.connection import ODataConnection

        return ExternalApiAdapter(settings=self.settings, connection=self._connect(ODataConnection))

    def _of_files(self) -> SourceReader:
        from chalicelib.files.adapter import FilesAdapter
        from chalicelib.files.known import Known

        definition = self.settings.definition
        is_one_set = definition.rows == "sum" or definition.across_files == "sum"
        return FilesAdapter(
            definition.file,
            self._place(),
            self.directory / "files",
            decimal=definition.decimal,
            unpivot=definition.unpivot,
            known=Known(marks=frozenset(self.known), is_one_set=is_one_set),
        )

    def _place(self) -> Place:
        url = self.settings.source_url
        if url.startswith("s3://"):
            from chalicelib.files.s3_place import S3Place

            return S3Place(self.client("s3"), url)
        if url.startswith(("http://", "https://")):
            from chalicelib.files.connection import FileConnection
            from chalicelib.files.https_place import HttpsPlace

            return HttpsPlace(self._connect(FileConnection), url, self.directory / "downloaded")
        from chalicelib.files.local_place import LocalPlace

        return LocalPlace(url)

    def _connect(self, kind: type[Connection]) -> Connection:
        from chalicelib.http.credentials import open_credentials
        from chalicelib.http.proxy import open_proxy

        stores: dict[str, Any] = {"client": self.client, "environment": self.environment}
        proxy = open_proxy(self.settings, **stores)
        auth = open_credentials(self.settings, proxy=proxy, **stores)
        for secret in (auth, proxy.auth if proxy else None):
            if secret:
                self.on_auth(secret)
        return kind(
            settings=self.settings,
            auth=auth,
            proxy=proxy,
            remaining=self.remaining,
            spent=self._seconds_so_far,
        )

    @property
    def _seconds_so_far(self) -> float:
        now = time.time()
        began = self.began or now
        return max(0.0, now - began)
