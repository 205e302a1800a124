"""A runtime whose AWS client cannot publish is found before anything is fetched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from support.aws_session import new_session

from chalicelib.errors import RuntimeTooOld
from chalicelib.services import open_warehouse
from chalicelib.warehouse.s3 import S3Warehouse

if TYPE_CHECKING:
    from pathlib import Path


def client_without(operation: str, argument: str, directory: Path) -> Any:
    """A real client whose model of S3 is as it was before it had that."""
    model = new_session().get_component("data_loader").load_service_model("s3", "service-2")
    shape = model["operations"][operation]["input"]["shape"]
    members = {
        name: told for name, told in model["shapes"][shape]["members"].items() if name != argument
    }
    shapes = model["shapes"] | {shape: model["shapes"][shape] | {"members": members}}
    (directory / "s3" / "2006-03-01").mkdir(parents=True)
    (directory / "s3" / "2006-03-01" / "service-2.json").write_text(
        json.dumps({**model, "shapes": shapes})
    )
    older = botocore.session.get_session()
    older.set_config_variable("data_path", str(directory))
    return older.create_client("s3", region_name="us-east-1")


@pytest.mark.parametrize(
    ("operation", "argument"),
    [
        ("PutObject", "IfNoneMatch"),  # 1.34
        ("CompleteMultipartUpload", "MpuObjectSize"),  # 1.35
        ("CreateMultipartUpload", "ChecksumType"),
    ],
)
def test_a_client_that_cannot_write_once_is_refused(
    operation: str, argument: str, tmp_path: Path
) -> None:
    with pytest.raises(RuntimeTooOld, match=rf"does not know {operation}\.{argument}") as told:
        open_warehouse("s3://wells", s3=client_without(operation, argument, tmp_path))
    assert (told.value.code, told.value.retryable) == ("RUNTIME_TOO_OLD", False)


def test_the_client_of_today_is_not() -> None:
    s3: Any = new_session().create_client("s3", region_name="us-east-1")
    assert isinstance(open_warehouse("s3://wells", s3=s3), S3Warehouse)
