"""A stack that can only be deleted:
what failed, what was said for it, and what cannot be deleted.
"""

from collections.abc import Mapping
from typing import Any

FIRST_DEPLOY = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
IMPORT = (
    "IMPORT_ROLLBACK_COMPLETE",
    "IMPORT_ROLLBACK_FAILED",
)  # of a stack that stands too, which has outputs
ANEW = ("Stage", "ApiLogRole")  # the parameters that each first deploy finds out


def failure_of(stack: Mapping[str, Any]) -> str:
    """What failed, of a stack that is of no use any more; empty of another one."""
    status = stack["StackStatus"]
    if status == "DELETE_FAILED":
        return "deletion"
    first = status in FIRST_DEPLOY or (status in IMPORT and not stack.get("Outputs"))
    return "first deploy" if first else ""


def said_before(
    parameters: Mapping[str, Any], stack: Mapping[str, Any]
) -> tuple[dict[str, str], list[str]]:
    """The stack's parameters for the one after it,
    which knows these, and those of them that AWS does not show.
    """
    known = {name: told for name, told in parameters.items() if name not in ANEW}
    values = {}
    for told in stack.get("Parameters", []):
        values[told["ParameterKey"]] = told["ParameterValue"]
    hidden = [name for name in known if name in values and known[name].get("NoEcho")]
    shown = [name for name in values if name in known and name not in hidden]
    return {name: values[name] for name in shown}, hidden


def stuck_resources(cloudformation: Any, stack: Mapping[str, Any]) -> list[str]:
    """What AWS could not delete. Only a stack whose deletion failed can go without it."""
    if stack["StackStatus"] != "DELETE_FAILED":
        return []
    pages = cloudformation.get_paginator("list_stack_resources").paginate(
        StackName=stack["StackId"]
    )
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    return [
        told["LogicalResourceId"] for told in resources if told["ResourceStatus"] == "DELETE_FAILED"
    ]
