"""Files: where the catalog writes the metadata of its tables: on this disk, or in the emulated S3.

pyiceberg's own readers of files bring pyarrow or an asynchronous client of S3; a file of metadata
is a few kB of JSON.
"""

import io
import os
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.exceptions import ClientError
from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile, OutputStream


class Written(io.BytesIO):
    """Bytes that are put in their place when it is closed."""

    def __init__(self, file: "StoredFile") -> None:
        super().__init__()
        self._file = file

    def close(self) -> None:
        if not self.closed:
            self._file.put(self.getvalue())
        super().close()


class StoredFile(InputFile, OutputFile):
    def __init__(self, location: str, s3: Any) -> None:
        super().__init__(location=location)
        self._s3 = s3
        parts = urlsplit(location)
        self._path = Path(parts.path)
        self._place: dict[str, str] | None = None  # in a bucket; else the file is on this disk
        if parts.scheme == "s3":
            self._place = {"Bucket": parts.netloc, "Key": parts.path.lstrip("/")}

    def __len__(self) -> int:
        return len(self.read())

    def read(self) -> bytes:
        """Raises FileNotFoundError."""
        if self._place is None:
            return self._path.read_bytes()
        try:
            body: bytes = self._s3.get_object(**self._place)["Body"].read()
        except ClientError as exc:
            raise FileNotFoundError(self.location) from exc
        return body

    def put(self, body: bytes) -> None:
        if self._place is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_bytes(body)
        else:
            self._s3.put_object(**self._place, Body=body)

    def exists(self) -> bool:
        try:
            self.read()
        except FileNotFoundError:
            return False
        return True

    def open(self, seekable: bool = True) -> InputStream:  # noqa: ARG002  (the base class's name)
        return io.BytesIO(self.read())

    def create(self, overwrite: bool = False) -> OutputStream:  # noqa: ARG002  (names are never used twice)
        return Written(self)

    def to_input_file(self) -> InputFile:
        return self


class Files(FileIO):
    """The client of S3 finds its endpoint and its keys in the environment,
    as every other one of this machine.
    """

    def new_input(self, location: str) -> InputFile:
        return self._file(location)

    def new_output(self, location: str) -> OutputFile:
        return self._file(location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Nothing of the metadata is removed: who looks at an older version reads it."""

    def _file(self, location: str) -> StoredFile:
        is_in_s3 = location.startswith("s3://")
        return StoredFile(
            location, _s3_client(os.environ.get("AWS_ENDPOINT_URL")) if is_in_s3 else None
        )


@lru_cache(maxsize=1)  # to make one takes a fifth of a CPU second, and each file would have its own
def _s3_client(_endpoint: str | None) -> Any:
    return botocore.session.get_session().create_client("s3")
