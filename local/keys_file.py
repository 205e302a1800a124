"""The keys of a running stack, where AWS clients look for them:
whoever may read the file may ask this stack's AWS.
"""

import configparser
from pathlib import Path

from local.aws.signature import Keys
from local.private_file import write_privately

NAME = "aws-credentials"


def write_keys(state: Path, keys: Keys) -> Path:
    """https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html"""
    lines = [
        "[default]",
        *(f"{name.lower()} = {value}" for name, value in keys.environment.items()),
    ]
    write_privately(state / NAME, "\n".join(lines) + "\n")
    return state / NAME


def read_keys(state: Path) -> Keys:
    parsed = configparser.RawConfigParser()
    parsed.read_string((state / NAME).read_text())
    values = {name.upper(): value for name, value in parsed["default"].items()}
    return Keys.of(values)
