"""The state machine of the template, for the laptop's own:
the same definition with other functions.
"""

import json
from collections.abc import Mapping
from typing import Any

from infra.fragments import merged_fragments


def machine_definition(functions: Mapping[str, str]) -> str:
    """In the Amazon States Language, with the ARNs of these functions, by the names that the
    template has for them, and without what a condition of the template brings: there is no EMR
    here.
    """
    properties = merged_fragments()["Resources"]["StateMachine"]["Properties"]
    if functions.keys() != properties["DefinitionSubstitutions"].keys():
        raise ValueError(
            f"the state machine needs {', '.join(properties['DefinitionSubstitutions'])}"
        )
    return json.dumps(_substitute(properties["Definition"], functions))


def _substitute(value: Any, functions: Mapping[str, str]) -> Any:
    match value:
        case str():
            if value.startswith("${"):
                return functions.get(value.removeprefix("${").removesuffix("}"), value)
            return value
        case list():
            return [_substitute(each, functions) for each in value]
        case {"Fn::If": [_, _, otherwise]}:
            return _substitute(otherwise, functions)
        case dict():
            return {name: _substitute(each, functions) for name, each in value.items()}
    return value
