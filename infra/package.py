"""Builds what is deployed: wellhead.zip and template.json, from app.py, .chalice/config.json and infra/template."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.bundle import PROJECT, PackageError, dependencies, lake_layer, write_bundle
from infra.fragments import merged_fragments

BUILD = PROJECT / "build"
DEPENDENCIES = BUILD / "dependencies"
REGION = "us-east-1"  # Chalice asks for one to name the services; in China they have other names


@dataclass(frozen=True)
class Package:
    """`layer` is what a lake needs besides."""

    bundle: Path
    template: Path
    layer: Path

    def template_with_code(self, *, bucket: str, key: str, layer: str) -> dict[str, Any]:
        """The template whose functions take their code from there, and the layer its content."""
        template: dict[str, Any] = json.loads(self.template.read_text())
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::Serverless::Function":
                resource["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": key}
            elif resource["Type"] == "AWS::Lambda::LayerVersion":
                resource["Properties"]["Content"] = {"S3Bucket": bucket, "S3Key": layer}
        return template


def build(*, stage: str, output: Path, architecture: str | None = None) -> Package:
    """`architecture` is x86_64 or arm64; by default what the stage is configured for. Raises PackageError."""
    output.mkdir(parents=True, exist_ok=True)
    config = json.loads((PROJECT / ".chalice" / "config.json").read_text())
    if stage not in config["stages"]:
        raise PackageError(f"There is no stage {stage} in .chalice/config.json.")
    if architecture:
        config["stages"][stage]["lambda_architecture"] = architecture
    chosen = config["stages"][stage].get("lambda_architecture", config["lambda_architecture"])
    with tempfile.TemporaryDirectory(dir=output) as scratch:
        packaged = _chalice_package(Path(scratch), config, stage)
        package = Package(
            bundle=output / "wellhead.zip",
            template=output / "template.json",
            layer=lake_layer(chosen, cache=DEPENDENCIES),
        )
        found = dependencies(chosen, cache=DEPENDENCIES)
        write_bundle(packaged / "deployment.zip", found, package.bundle, architecture=chosen)
        template = (packaged / "sam.json").read_text().replace("./deployment.zip", "./wellhead.zip")
        package.template.write_text(template)
    return package


def _chalice_package(scratch: Path, config: dict[str, Any], stage: str) -> Path:
    """Chalice on a copy of the project that holds what runs in Lambda and nothing else."""
    project, output = scratch / "project", scratch / "packaged"
    shutil.copytree(PROJECT / "chalicelib", project / "chalicelib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(PROJECT / ".chalice", project / ".chalice", ignore=shutil.ignore_patterns("deploy*"))
    shutil.copy(PROJECT / "app.py", project)
    (project / "requirements.txt").touch()
    (project / ".chalice" / "config.json").write_text(json.dumps(config))
    fragments = scratch / "fragments.json"
    fragments.write_text(json.dumps(merged_fragments()))
    chalice = Path(sys.executable).with_name("chalice")
    command = [str(chalice), "package", "--stage", stage, "--merge-template", str(fragments), str(output)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "WELLHEAD_"))}
    environment = {**kept, "AWS_DEFAULT_REGION": REGION, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackageError(f"chalice package failed:\n{done.stdout}{done.stderr}")
    return output
