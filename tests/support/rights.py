"""What AWS asks a right for, and what a policy of ours gives.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

POLICIES = Path(__file__).parents[2] / ".chalice"
STACK, ACCOUNT, REGION = "wellhead-test", "123456789012", "us-east-1"
BUCKET = f"{STACK}-{ACCOUNT}-{REGION}"
VALUES = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::AccountId": ACCOUNT,
    "AWS::StackName": STACK,
}
KEYS, PREFIX, VIA = "dynamodb:LeadingKeys", "s3:prefix", "kms:ViaService"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0123"
TO_READ_ITEMS = ("Decrypt", "DescribeKey")
TO_WRITE_ITEMS = (
    *TO_READ_ITEMS,
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
)
# What a service asks KMS for in the name of its caller, where it encrypts with a key of the
# customer's own:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html (who writes in
# parts, reads too)
# https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
OF_KMS = {
    "dynamodb:GetItem": TO_READ_ITEMS,
    "dynamodb:Query": TO_READ_ITEMS,
    "dynamodb:PutItem": TO_WRITE_ITEMS,
    "dynamodb:UpdateItem": TO_WRITE_ITEMS,
    "dynamodb:DeleteItem": TO_WRITE_ITEMS,
    "dynamodb:ConditionCheckItem": TO_WRITE_ITEMS,
    "s3:GetObject": ("Decrypt",),
    "s3:GetObjectVersion": ("Decrypt",),
    "s3:PutObject": ("GenerateDataKey",),
    "ssm:GetParameter": ("Decrypt",),
    "secretsmanager:GetSecretValue": ("Decrypt",),
    "sns:Publish": ("Decrypt", "GenerateDataKey"),
    "sqs:SendMessage": ("Decrypt", "GenerateDataKey"),
}


@dataclass(frozen=True)
class Right:
    """`context` is what a condition may ask for:
    the partition key of an item, the prefix of a list.
    """

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Grant:
    """One action on one resource, with at most one condition."""

    sid: str
    action: str
    resource: str
    context: tuple[str, str] | None = None

    def covers(self, right: Right) -> bool:
        if self.action != right.action or not fnmatchcase(right.resource, self.resource):
            return False
        if self.context is None:
            return True
        name, pattern = self.context
        return any(name == key and fnmatchcase(value, pattern) for key, value in right.context)


def grants(
    role: str,
    conditions: Mapping[str, bool],
    *,
    secret_arn: str = "",
    buckets: str = "",
    catalog: str = "",
) -> list[Grant]:
    """Of .chalice/policy-<role>.json, with its intrinsics resolved."""
    document = json.loads((POLICIES / f"policy-{role}.json").read_text())
    parameters = {
        "SourceSecretArn": secret_arn,
        "SourceBuckets": buckets,
        "Catalog": catalog,
        "KmsKeyArn": KEY,
    }
    document = resolved(document, conditions, parameters)
    return [
        grant for statement in document["Statement"] if statement for grant in _grants(statement)
    ]


def _grants(statement: dict[str, Any]) -> Iterator[Grant]:
    assert statement["Effect"] == "Allow"
    contexts = [None, *_contexts(statement.get("Condition", {}))]
    for action, resource, context in product(
        _list(statement["Action"]), _list(statement["Resource"]), contexts[1:] or contexts
    ):
        yield Grant(statement["Sid"], action, resource, context)


def _contexts(condition: dict[str, Any]) -> list[tuple[str, str]]:
    """Only what our policies use: each item's key among some, a prefix like some."""
    assert condition.keys() <= {
        "ForAllValues:StringEquals",
        "ForAllValues:StringLike",
        "StringLike",
    }
    told = [pair for test in condition.values() for pair in test.items()]
    return [(name, value) for name, values in told for value in _list(values)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def resolved(value: Any, conditions: Mapping[str, bool], parameters: Mapping[str, str]) -> Any:
    """A part of a template with its intrinsics resolved; None for what a condition leaves out."""
    return _resolved(value, conditions, {**VALUES, **parameters})


def _resolved(value: Any, conditions: Mapping[str, bool], values: Mapping[str, str]) -> Any:  # noqa: C901, PLR0911
    if isinstance(value, list):
        return [_resolved(inner, conditions, values) for inner in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}]+)\}", lambda name: values[name[1]], text)
        case {"Fn::Sub": [text, inner]}:
            told = {name: _resolved(each, conditions, values) for name, each in inner.items()}
            return _resolved({"Fn::Sub": text}, conditions, {**values, **told})
        case {"Fn::Join": [between, parts]}:
            found = _resolved(parts, conditions, values)
            return between.join(found.split(",") if isinstance(found, str) else found)
        case {"Fn::Split": [between, text]}:
            return _resolved(text, conditions, values).split(between)
        case {"Fn::If": [name, yes, no]}:
            return _resolved(yes if conditions[name] else no, conditions, values)
        case {"Ref": "AWS::NoValue"}:
            return None
        case {"Ref": name}:
            return values[name]
        case {"Fn::GetAtt": [name, "Arn"]}:
            return f"arn of {name}"
        case {"Fn::FindInMap": names}:
            return "-".join(names)
    return {key: _resolved(inner, conditions, values) for key, inner in value.items()}


def rights(operation: str, params: dict[str, Any]) -> list[Right]:
    """What the caller of this operation needs. KeyError for one that nobody has thought of."""
    return OPERATIONS[operation](params)


def rights_on_key(grant: Grant) -> list[Right]:
    """What this one needs besides, where there is a key of the customer's own.
    Tokens are hashes, and not encrypted.
    """
    service = grant.action.partition(":")[0]
    is_token = service == "ssm" and f"/{STACK}/tokens" in grant.resource
    actions = () if is_token else OF_KMS.get(grant.action, ())
    return [
        Right(f"kms:{action}", KEY, ((VIA, f"{service}.{REGION}.amazonaws.com"),))
        for action in actions
    ]


def rights_in_lake(method: str, path: str) -> list[Right]:
    """What this request to the REST catalog of Amazon S3 Tables asks for; who may read and write a
    table so, may do the same with its files. KeyError for one that nobody has thought of.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-tables-integrating-open-source.html
    """
    _, *parts = path.partition("?")[0].strip("/").split("/")
    place = "/".join("*" if number % 2 else part for number, part in enumerate(parts))
    resource = f"{TABLE_BUCKET}/table/0123" if place.endswith("tables/*") else TABLE_BUCKET
    return [Right(f"s3tables:{action}", resource) for action in IN_LAKE[f"{method} {place}"]]


TABLE_BUCKET = f"arn:aws:s3tables:{REGION}:{ACCOUNT}:bucket/wells"
IN_LAKE = {
    "GET config": ["GetTableBucket"],
    "GET namespaces": ["ListNamespaces"],
    "POST namespaces": ["CreateNamespace"],
    "GET namespaces/*": ["GetNamespace"],
    "HEAD namespaces/*": ["GetNamespace"],
    "GET namespaces/*/tables": ["ListTables"],
    "POST namespaces/*/tables": ["CreateTable"],
    "HEAD namespaces/*/tables/*": ["GetTable"],
    "GET namespaces/*/tables/*": ["GetTableMetadataLocation", "GetTableData"],
    "POST namespaces/*/tables/*": ["UpdateTableMetadataLocation", "PutTableData", "GetTableData"],
}


def _item(action: str, key: dict[str, Any]) -> Right:
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{STACK}"
    return Right(f"dynamodb:{action}", table, ((KEYS, key["pk"]["S"]),))


def _transaction(params: dict[str, Any]) -> list[Right]:
    """Each write asks for what it would ask for alone."""
    found = []
    for write in params["TransactItems"]:
        ((kind, told),) = write.items()
        found.append(_item(f"{kind}Item", told["Item"] if kind == "Put" else told["Key"]))
    return found


def _object(action: str, key: str) -> Right:
    return Right(f"s3:{action}", f"arn:aws:s3:::{BUCKET}/{key}")


def _list_bucket(prefix: str) -> Right:
    return Right("s3:ListBucket", f"arn:aws:s3:::{BUCKET}", ((PREFIX, prefix),))


def _read(params: dict[str, Any]) -> list[Right]:
    """Without the second, S3 says of an absent object that it is forbidden.
    An older version has a right of its own.
    """
    if "VersionId" in params:
        return [_object("GetObjectVersion", params["Key"])]
    return [_object("GetObject", params["Key"]), _list_bucket("")]


def _put(params: dict[str, Any]) -> list[Right]:
    return [_object("PutObject", params["Key"])]


def _copy(params: dict[str, Any]) -> list[Right]:
    return [_object("GetObject", params["CopySource"]["Key"]), *_put(params)]


def _parameter(action: str, name: str) -> Right:
    return Right(f"ssm:{action}", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{name}")


def _secret_arn(place: str) -> str:
    """Of a secret by its ARN, or by its name, to which Secrets Manager adds six characters."""
    return (
        place
        if place.startswith("arn:")
        else f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{place}-AbCdEf"
    )


OPERATIONS: dict[str, Callable[[dict[str, Any]], list[Right]]] = {
    "GetItem": lambda params: [_item("GetItem", params["Key"])],
    "Query": lambda params: [_item("Query", {"pk": params["ExpressionAttributeValues"][":pk"]})],
    "UpdateItem": lambda params: [_item("UpdateItem", params["Key"])],
    "TransactWriteItems": _transaction,
    "Invoke": lambda params: [
        Right(
            "lambda:InvokeFunction",
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{params['FunctionName']}",
        )
    ],
    "StartExecution": lambda params: [Right("states:StartExecution", params["stateMachineArn"])],
    "DescribeExecution": lambda params: [Right("states:DescribeExecution", params["executionArn"])],
    "GetObject": _read,
    "HeadObject": _read,
    "PutObject": _put,
    "CreateMultipartUpload": _put,
    "UploadPart": _put,
    "CompleteMultipartUpload": _put,
    "CopyObject": _copy,
    "UploadPartCopy": _copy,
    # Where botocore finds the address of a signed form; it is never sent.
    "CreateBucket": lambda params: [],
    "DeleteObject": lambda params: [_object("DeleteObject", params["Key"])],
    "AbortMultipartUpload": lambda params: [_object("AbortMultipartUpload", params["Key"])],
    "ListObjectsV2": lambda params: [_list_bucket(params["Prefix"])],
    "ListObjectVersions": lambda params: [
        Right("s3:ListBucketVersions", f"arn:aws:s3:::{BUCKET}", ((PREFIX, params["Prefix"]),))
    ],
    "ListMultipartUploads": lambda params: [
        Right("s3:ListBucketMultipartUploads", f"arn:aws:s3:::{BUCKET}")
    ],
    "PutEvents": lambda params: [
        Right("events:PutEvents", f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default")
    ],
    "Publish": lambda params: [Right("sns:Publish", params["TopicArn"])],
    "GetParametersByPath": lambda params: [_parameter("GetParametersByPath", params["Path"])],
    "PutParameter": lambda params: [_parameter("PutParameter", params["Name"])],
    "GetParameter": lambda params: [_parameter("GetParameter", params["Name"])],
    "GetSecretValue": lambda params: [
        Right("secretsmanager:GetSecretValue", _secret_arn(params["SecretId"]))
    ],
}
