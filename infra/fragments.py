"""The files of infra/template,
read and merged into the one template that `chalice package` takes.
"""

from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from infra.gateway_responses import gateway_responses

FRAGMENTS = Path(__file__).with_name("template")


class FragmentError(Exception):
    """Two files say something else of the same thing; the message says of what."""


class Loader(yaml.SafeLoader):  # type: ignore[misc]
    """YAML with CloudFormation's short tags."""


def merged_fragments(directory: Path = FRAGMENTS) -> dict[str, Any]:
    """Raises FragmentError."""
    template: dict[str, Any] = {}
    for path in sorted(directory.glob("*.yaml")):
        fragment = yaml.load(path.read_text("utf-8"), Loader)  # noqa: S506  a safe one
        template = _merge(template, fragment, path.name)
    properties = {"GatewayResponses": gateway_responses()}
    api = {"Resources": {"RestAPI": {"Properties": properties}}}
    return _merge(template, api, "gateway_responses.py")


def _merge(first: dict[str, Any], second: dict[str, Any], where: str) -> dict[str, Any]:
    merged = dict(first)
    for key, value in second.items():
        place = f"{where}: {key}" if ":" not in where else f"{where}.{key}"
        if key not in merged:
            merged[key] = value
        elif isinstance(value, dict) and isinstance(merged[key], dict):
            merged[key] = _merge(merged[key], value, place)
        elif merged[key] != value:
            raise FragmentError(f"{place} is said otherwise by another file.")
    return merged


def _short_tag(loader: Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    """`!Ref X` is {"Ref": "X"}, `!GetAtt A.B` is {"Fn::GetAtt":
    ["A", "B"]}, any other `!Name x` is {"Fn::Name": x}.
    """
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if tag in ("Ref", "Condition"):
        return {tag: value}
    return {f"Fn::{tag}": value.split(".", 1) if tag == "GetAtt" else value}


Loader.add_multi_constructor("!", _short_tag)
