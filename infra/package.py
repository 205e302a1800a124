"""Builds what is deployed:
wellhead.zip and template.json, from app.py, .chalice/config.json and infra/template.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.bundle import (
    DEPLOYED,
    PROJECT,
    PackageError,
    Runtime,
    dependencies,
    lake_layer,
    write_bundle,
)
from infra.fragments import merged_fragments

BUILD = PROJECT / "build"
DEPENDENCIES = BUILD / "dependencies"
STAGE = re.compile(
    r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?"
)  # it is part of the names of a bucket and of functions
ANY_METHOD = "x-amazon-apigateway-any-method"  # of those that are not named beside it
REGION = "us-east-1"  # Chalice asks for one to name the services; in China they have other names


@dataclass(frozen=True)
class Package:
    """`layer` is what a lake needs besides, and `job` what Spark runs."""

    bundle: Path
    template: Path
    layer: Path
    job: Path = PROJECT / "spark" / "merge_job.py"

    def parameters(self) -> dict[str, Any]:
        """Of the template."""
        template = json.loads(self.template.read_text())
        parameters: dict[str, Any] = template["Parameters"]
        return parameters

    def template_with_code(self, *, bucket: str, key: str, layer: str, job: str) -> dict[str, Any]:
        """The template whose functions take their code from there,
        the layer its content, and Spark its job.
        """
        template: dict[str, Any] = json.loads(self.template.read_text())
        template["Mappings"]["Spark"]["Job"] = {"Bucket": bucket, "Key": job}
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::Serverless::Function":
                resource["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": key}
            elif resource["Type"] == "AWS::Lambda::LayerVersion":
                resource["Properties"]["Content"] = {"S3Bucket": bucket, "S3Key": layer}
        return template


def build(*, stage: str, output: Path, runtime: Runtime | None = None) -> Package:
    """`runtime` is by default what the project says: the same from every laptop.
    Raises PackageError.
    """
    config = configuration(stage)
    runtime = runtime or deployed_runtime(config, stage)
    config["stages"][stage]["lambda_architecture"] = runtime.architecture
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output) as scratch:
        packaged = _chalice_package(Path(scratch), config, stage)
        package = Package(
            bundle=output / "wellhead.zip",
            template=output / "template.json",
            layer=lake_layer(runtime, cache=DEPENDENCIES),
        )
        found = dependencies(runtime, cache=DEPENDENCIES)
        write_bundle(packaged / "deployment.zip", found, package.bundle, runtime=runtime)
        template = json.loads(
            (packaged / "sam.json").read_text().replace("./deployment.zip", "./wellhead.zip")
        )
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::Serverless::Function":
                resource["Properties"]["Runtime"] = (
                    runtime.name
                )  # Chalice tells the Python that runs it
        _route_every_method(
            template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
        )
        package.template.write_text(json.dumps(template, indent=2))
    return package


def _route_every_method(paths: dict[str, dict[str, Any]]) -> None:
    """An address answers itself to a method that it does not know: API Gateway could not say which
    it knows, and would take it for an address that is not there. Who has no token gets no further
    than with the others.
    """
    for methods in paths.values():
        operations = list(methods.values())
        guarded = [operation for operation in operations if "security" in operation]
        methods[ANY_METHOD] = guarded[0] if guarded else operations[0]


def configuration(stage: str) -> dict[str, Any]:
    """Of .chalice/config.json, with what a stage needs that nobody has written into it.
    Raises PackageError.
    """
    if not STAGE.fullmatch(stage):
        raise PackageError(
            f"A stage has no name like {stage}: 1 to 20 of small letters, digits and -, the first one a letter."
        )
    config: dict[str, Any] = json.loads((PROJECT / ".chalice" / "config.json").read_text())
    usual = {"api_gateway_stage": stage, "tags": {"application": "wellhead", "stage": stage}}
    config["stages"][stage] = usual | config["stages"].get(stage, {})
    return config


def deployed_runtime(config: dict[str, Any], stage: str) -> Runtime:
    of_all = config["lambda_architecture"]
    processor = config["stages"][stage].get("lambda_architecture", of_all)
    return Runtime(DEPLOYED, processor)


def _chalice_package(scratch: Path, config: dict[str, Any], stage: str) -> Path:
    """Chalice on a copy of the project that holds what runs in Lambda and nothing else."""
    project = scratch / "project"
    output = scratch / "packaged"
    shutil.copytree(
        PROJECT / "chalicelib", project / "chalicelib", ignore=shutil.ignore_patterns("__pycache__")
    )
    # What lies in vendor is beside chalicelib in the bundle, as it is here.
    shutil.copytree(PROJECT / "docs" / "questions", project / "vendor" / "docs" / "questions")
    shutil.copytree(
        PROJECT / ".chalice", project / ".chalice", ignore=shutil.ignore_patterns("deploy*")
    )
    shutil.copy(PROJECT / "app.py", project)
    (project / "requirements.txt").touch()
    (project / ".chalice" / "config.json").write_text(json.dumps(config))
    fragments = scratch / "fragments.json"
    fragments.write_text(json.dumps(merged_fragments()))
    chalice = Path(sys.executable).with_name("chalice")
    command = [
        str(chalice),
        "package",
        "--stage",
        stage,
        "--merge-template",
        str(fragments),
        str(output),
    ]
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "WELLHEAD_"))
    }
    environment = {
        **kept,
        "AWS_DEFAULT_REGION": REGION,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise PackageError(f"chalice package failed:\n{done.stdout}{done.stderr}")
    return output
