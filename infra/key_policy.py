"""What the policy of a key of your own has to allow, for a stage that names it as KmsKeyArn.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
"""

from typing import Any

from infra.names import Place

DATA_KEYS = ["kms:Decrypt", "kms:GenerateDataKey*"]


def key_policy(place: Place, *, suffix: str) -> dict[str, Any]:
    """`suffix` ends the names of services in this partition.
    The functions need no statement: their roles say what they may, which the first one lets count.
    """
    logs = f"arn:{place.partition}:logs:{place.region}:{place.account}:log-group"
    statements = [
        {
            "Sid": "TheAccountSaysWhoMayUseIt",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{place.partition}:iam::{place.account}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Sid": "LogsOfTheStage",
            "Effect": "Allow",
            "Principal": {"Service": f"logs.{place.region}.{suffix}"},
            "Action": ["kms:Encrypt", "kms:ReEncrypt*", "kms:DescribeKey", *DATA_KEYS],
            "Resource": "*",
            "Condition": {
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": [
                        f"{logs}:/aws/lambda/{place.stack}-*",
                        f"{logs}:/aws/apigateway/{place.stack}",
                        f"{logs}:/aws/emr-serverless/{place.stack}",
                    ]
                }
            },
        },
        {
            "Sid": "AlarmsToTheirTopic",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": DATA_KEYS,
            "Resource": "*",
        },
    ]
    return {"Version": "2012-10-17", "Statement": statements}
