"""MiniStack: an AWS on a loopback port that takes our template and our zip, and nothing from us but
these.

What it cannot do of the template is left out or done for it here, and nowhere else:

- it knows no saved queries of the logs, and no alarms that calculate; nothing refers to either (`LEFT_OUT`);
- from the definition of an API it takes the routes, and neither who guards them nor what becomes of other methods:
  `guard` does that, as the definition says;
- it answers for itself in words of its own, passes everything through an EventBridge Pipe, and deletes what a stack is
  to leave: tests/infra/test_template.py looks at the answers, the filter and the policy;
- with new code it ends what a function is doing, which Lambda lets go on, and forgets where failed events of it go;
- it checks no rights, which tests/infra/test_policies.py does, mounts no EFS, and imports no resources that exist.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from botocore.config import Config

from infra.package import ANY_METHOD
from local.aws import child
from support.aws_session import new_session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infra.package import Package

REGION = "us-east-1"
START_SECONDS = 60.0
LEFT_OUT: dict[str, Callable[[dict[str, Any]], bool]] = {
    "AWS::Logs::QueryDefinition": lambda properties: True,
    "AWS::CloudWatch::Alarm": lambda properties: "Metrics" in properties,
}


class MiniStack:
    """Serves inside a `with`; its processes, those of the functions among them, end with it.
    `more` is what their environment has besides.
    """

    def __init__(self, directory: Path, **more: str) -> None:
        self._directory = directory
        self._more = more
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        with self.log.open("ab") as log:
            self._process = child.start(
                [sys.executable, "-m", "ministack"],
                environment=self._environment(),
                cwd=self._directory,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, self.log.read_text()
            assert self._process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        child.kill(self._process)
        self._process.wait()

    @property
    def log(self) -> Path:
        return self._directory / "ministack.log"

    def client(self, service: str) -> Any:
        client = new_session().create_client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(
                s3={"addressing_style": "path"},
                retries={"total_max_attempts": 1},
                disable_request_compression=True,  # it takes many figures, packed, for none
            ),
        )
        client.meta.events.register("before-parse.cloudformation.DeleteChangeSet", _complete_answer)
        return client

    def _environment(self) -> dict[str, str]:
        """Of its own process and, through it, of the functions:
        they find it by AWS_ENDPOINT_URL.
        """
        keys = {
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": REGION,
        }
        folders = dict.fromkeys(("HOME", "TMPDIR"), str(self._directory))
        return {
            **keys,
            **folders,
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "S3_DATA_DIR": str(self._directory / "s3"),
            "STATE_DIR": str(self._directory / "state"),
            "IOT_MTLS_ENABLED": "false",  # it would listen on all interfaces
            "SFTP_ENABLED": "false",
            "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.5",
            "WELLHEAD_SCRATCH": str(self._directory / "scratch"),
            **self._more,
        }

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=5):
                return True
        except OSError:  # of any kind: nobody listens yet, or does not get to it
            return False


def _complete_answer(response_dict: dict[str, Any], **_: Any) -> None:
    """It deletes a change set, and leaves out the element that says so."""
    response_dict["body"] = (
        b"<DeleteChangeSetResponse><DeleteChangeSetResult/></DeleteChangeSetResponse>"
    )


def for_mini_stack(package: Package, directory: Path) -> Package:
    """The same bundle, and the template less what MiniStack cannot make."""
    template = json.loads(package.template.read_text())
    template["Resources"] = {
        name: resource
        for name, resource in template["Resources"].items()
        if not _is_left_out(resource)
    }
    reduced = directory / "template.json"
    reduced.write_text(json.dumps(template))
    return replace(package, template=reduced)


def _is_left_out(resource: dict[str, Any]) -> bool:
    applies = LEFT_OUT.get(resource["Type"])
    return applies is not None and applies(resource.get("Properties", {}))


def guard(client: Callable[[str], Any], package: Package, *, api_id: str, stack: str) -> None:
    """The authorizer before the routes that the API's definition puts it before."""
    definition = json.loads(package.template.read_text())["Resources"]["RestAPI"]["Properties"][
        "DefinitionBody"
    ]
    gateway, functions = client("apigateway"), client("lambda")
    ((name, told),) = definition["securityDefinitions"].items()
    arn = functions.get_function(FunctionName=f"{stack}-{name}")["Configuration"]["FunctionArn"]
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"
    authorizer = gateway.create_authorizer(
        restApiId=api_id,
        name=name,
        type=told["x-amazon-apigateway-authorizer"]["type"].upper(),
        authorizerUri=uri,
        identitySource=f"method.request.header.{told['name']}",
        authorizerResultTtlInSeconds=told["x-amazon-apigateway-authorizer"][
            "authorizerResultTtlInSeconds"
        ],
    )
    found = gateway.get_resources(restApiId=api_id, limit=500)["items"]
    resources = {resource["path"]: resource["id"] for resource in found}
    api = functions.get_function(FunctionName=f"{stack}-api")["Configuration"]["FunctionArn"]
    answering = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{api}/invocations"
    for path, methods in definition["paths"].items():
        place = {"restApiId": api_id, "resourceId": resources[path], "httpMethod": "ANY"}
        gateway.put_method(**place, authorizationType="NONE")
        gateway.put_integration(
            **place, type="AWS_PROXY", integrationHttpMethod="POST", uri=answering
        )
        for method, operation in methods.items():
            if operation.get("security") == [{name: []}]:
                change = [("/authorizationType", "CUSTOM"), ("/authorizerId", authorizer["id"])]
                gateway.update_method(
                    restApiId=api_id,
                    resourceId=resources[path],
                    httpMethod="ANY" if method == ANY_METHOD else method.upper(),
                    patchOperations=[
                        {"op": "replace", "path": key, "value": value} for key, value in change
                    ],
                )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
