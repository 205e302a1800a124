"""The template as it is deployed:
merged by Chalice, expanded by SAM, and read as CloudFormation would.
"""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import ManualArgs, lint  # type: ignore[import-untyped]
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]
from support.packaged import packaged
from support.rights import TABLE_BUCKET, resolved

from chalicelib.jobs.outbox import HOLD_SECONDS
from chalicelib.settings import SETTINGS, Settings
from chalicelib.warehouse.names import UPLOADS, delta_name, order_name
from infra.fragments import FragmentError, merged_fragments
from infra.gateway_responses import gateway_responses
from infra.key_policy import key_policy
from infra.names import Place, with_names
from infra.package import ANY_METHOD

CONDITIONS = {
    "UsesEfs": False,
    "InVpc": False,
    "HasDomain": False,
    "LimitsAddresses": False,
    "LimitsTokens": False,
    "ReservesConcurrency": False,
    "HasKey": False,
    "HasLake": False,
    "HasMachine": False,
    "HasProxySecret": False,
    "HasSpark": False,
    "HasSecretArn": False,
    "HasSecretParameter": True,
    "Notifies": True,
    "HasWebhook": True,
    "SignsWebhook": True,
}
PARAMETERS = {
    "SourceUrl": "https://odata.example.com/v4/WellProduction",
    "SourceAuth": "basic",
    "Stage": "dev",
}
CHINA = Place(stack="wellhead-dev", account="123456789012", region="cn-north-1", partition="aws-cn")
WEBHOOK = {"WebhookUrl": "https://hooks.example.com/wellhead"}
TABLE_RIGHTS = (
    "GetTableMetadataLocation",
    "GetTableData",
    "UpdateTableMetadataLocation",
    "PutTableData",
)
STATES = ("Fail", "Merge", "Part", "Plan")
FUNCTIONS = (
    "APIHandler",
    "Authorizer",
    "FailedEvent",
    "Import",
    "Notices",
    "Query",
    "Sweeper",
    *STATES,
)


class NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return packaged(tmp_path_factory).template_with_code(
        bucket="wellhead-code", key="wellhead.zip", layer="lake.zip", job="merge_job.py"
    )


@pytest.fixture(scope="module")
def expanded(template: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What CloudFormation makes of it before it makes anything else."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        native: dict[str, Any] = transform(
            json.loads(json.dumps(template)), {}, NoManagedPolicies()
        )
    return native


def properties(template: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][name]["Properties"]
    return found


@pytest.mark.by_lot
@pytest.mark.parametrize("form", ["template", "expanded"])
def test_cfn_lint_has_nothing_to_say(form: str, request: pytest.FixtureRequest) -> None:
    text = json.dumps(request.getfixturevalue(form), indent=1)
    found = lint(text, config=ManualArgs(regions=["us-east-1", "eu-central-1"]))
    assert [f"{match.rule.id} line {match.linenumber}: {match.message}" for match in found] == []


def test_each_function_has_settings_that_it_accepts(template: dict[str, Any]) -> None:
    defaults = {name: str(told.get("Default", "")) for name, told in template["Parameters"].items()}
    shared = template["Globals"]["Function"]["Environment"]["Variables"]
    for name in FUNCTIONS:
        own = properties(template, name).get("Environment", {}).get("Variables", {})
        environment = resolved(shared | own, CONDITIONS, defaults | PARAMETERS | WEBHOOK)
        assert environment.keys() <= {setting.variable for setting in SETTINGS.values()}
        settings = Settings.from_environment(environment)
        assert settings.warehouse.startswith("s3://")
        memory = properties(template, name)["MemorySize"]
        assert settings.memory_mb + 200 <= memory or name not in (
            "Import",
            "Merge",
            "Part",
            "Plan",
            "Query",
        )


def test_with_efs_the_warehouse_is_what_is_mounted(template: dict[str, Any]) -> None:
    conditions = {**CONDITIONS, "UsesEfs": True}
    directory = template["Globals"]["Function"]["Environment"]["Variables"]["WELLHEAD_WAREHOUSE"]
    for name in FUNCTIONS:
        mounts = resolved(properties(template, name).get("FileSystemConfigs"), conditions, {})
        assert (mounts is None) == (name in ("Authorizer", "Fail", "FailedEvent", "Notices"))
        assert {mount["LocalMountPath"] for mount in mounts or []} <= {
            resolved(directory, conditions, {})
        }


def test_a_source_that_a_network_alone_reaches_takes_the_functions_there_that_read_it(
    template: dict[str, Any],
) -> None:
    """And no others: the bucket, the table and the rest are reached from outside."""
    network = {
        "FunctionSecurityGroup": "sg-1",
        "SubnetA": "subnet-a",
        "SubnetB": "subnet-b",
        "VpcId": "vpc-1",
    }
    told = {"SecurityGroupIds": ["sg-1"], "SubnetIds": ["subnet-a", "subnet-b"]}

    def inside(**conditions: bool) -> set[str]:
        found = {name: properties(template, name).get("VpcConfig") for name in FUNCTIONS}
        configs = {
            name: resolved(config, CONDITIONS | conditions, network)
            for name, config in found.items()
        }
        assert {json.dumps(config) for config in configs.values() if config} <= {json.dumps(told)}
        return {name for name, config in configs.items() if config}

    reading = {"Import", "Plan", "Part", "Merge"}
    assert inside() == set()
    assert inside(InVpc=True) == reading
    assert inside(InVpc=True, UsesEfs=True) == reading | {"APIHandler", "Query", "Sweeper"}
    roles = {"ImportRole": "InVpc", "QueryRole": "UsesEfs"}
    assert {
        name: properties(template, name)["ManagedPolicyArns"]["Fn::If"][0] for name in roles
    } == roles
    assert template["Resources"]["FunctionSecurityGroup"]["Condition"] == "InVpc"
    assert template["Resources"]["FileSystem"]["Condition"] == "UsesEfs"


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({}, set()),
        ({"VpcId": "v", "SubnetA": "a", "SubnetB": "b"}, set()),
        ({"Warehouse": "efs", "VpcId": "v", "SubnetA": "a", "SubnetB": "b"}, set()),
        ({"VpcId": "v", "SubnetA": "a"}, {"VpcId needs SubnetA and SubnetB"}),
        ({"SubnetA": "a"}, {"SubnetA and SubnetB are of no use without VpcId"}),
        ({"Store": "iceberg"}, {"Store=iceberg needs Catalog"}),
        ({"SourceProxy": "http://proxy.example.org:3128", "SourceProxyAuth": "basic"}, set()),
        ({"SourceProxyAuth": "basic"}, {"SourceProxyAuth is of no use without SourceProxy"}),
        (
            {
                "SourceAuth": "oauth2",
                "SourceTokenUrl": "https://a.org/token",
                "SourceScope": "read",
            },
            set(),
        ),
        ({"SourceAuth": "oauth2"}, {"SourceAuth=oauth2 needs SourceTokenUrl"}),
        (
            {"SourceScope": "read"},
            {"SourceTokenUrl and SourceScope are of no use without SourceAuth=oauth2"},
        ),
        ({"SourceAuth": "api_key", "SourceKeyHeader": "X-Key"}, set()),
        ({"SourceKeyHeader": "X-Key"}, {"SourceKeyHeader is of no use without SourceAuth=api_key"}),
        ({"SourceSecretArn": "arn"}, {"SourceSecretArn is of no use with SourceAuth=none"}),
        (
            {
                "SourceAuth": "basic",
                "SourceSecretArn": "arn",
                "SourceCa": "/opt/a",
                "SourceCaLayer": "arn",
            },
            set(),
        ),
        ({"SourceCa": "/opt/ca.pem"}, {"SourceCa needs SourceCaLayer, which holds the file"}),
        ({"SourceCaLayer": "arn"}, {"SourceCaLayer is of no use without SourceCa"}),
        ({"SourceRows": "sum", "SourceOrderBy": "Filed", "SourcePrimaryKey": "Id"}, set()),
        (
            {"SourceRows": "sum", "SourceChanged": "At"},
            {"SourceRows=sum and SourceChanged exclude each other"},
        ),
        (
            {"SourceRows": "sum", "SourceOrderBy": "At"},
            {"SourceOrderBy with SourceRows=sum needs SourcePrimaryKey"},
        ),
        ({"WebhookForm": "slack", "WebhookUrl": "https://a.org/x"}, set()),
        ({"WebhookForm": "slack"}, {"WebhookForm is of no use without WebhookUrl"}),
        ({"DomainName": "wells.example.com", "CertificateArn": "arn"}, set()),
        ({"DomainName": "wells.example.com"}, {"DomainName needs CertificateArn"}),
        ({"CertificateArn": "arn"}, {"CertificateArn is of no use without DomainName"}),
    ],
)
def test_a_parameter_that_would_be_ignored_is_refused(
    given: dict[str, str], refused: set[str], template: dict[str, Any]
) -> None:
    values = {
        name: str(told.get("Default", "")) for name, told in template["Parameters"].items()
    } | given
    found = {
        told["AssertDescription"]
        for rule in template["Rules"].values()
        if _holds(rule["RuleCondition"], values)
        for told in rule["Assertions"]
        if not _holds(told["Assert"], values)
    }
    assert found == refused


def _holds(part: Any, values: dict[str, str]) -> bool:
    """As CloudFormation takes a rule."""
    ((function, arguments),) = part.items()
    if function == "Fn::Equals":
        first, second = (
            values[told["Ref"]] if isinstance(told, dict) else told for told in arguments
        )
        return bool(first == second)
    holds = [_holds(told, values) for told in arguments]
    return {"Fn::Not": not holds[0], "Fn::And": all(holds), "Fn::Or": any(holds)}[function]


def test_a_proxy_is_named_without_its_password(template: dict[str, Any]) -> None:
    pattern = template["Parameters"]["SourceProxy"]["AllowedPattern"]
    for proxy in ("", "http://proxy.example.org:3128", "https://10.0.0.7"):
        assert re.fullmatch(pattern, proxy)
    for proxy in (
        "http://ada:hunter2@proxy.example.org:3128",
        "socks5://proxy.example.org",
        "https://a.org/x",
    ):
        assert not re.fullmatch(pattern, proxy)
    told = template["Globals"]["Function"]["Environment"]["Variables"][
        "WELLHEAD_SOURCE_PROXY_SECRET"
    ]
    assert resolved(told, CONDITIONS | {"HasProxySecret": True}, {}) == "/wellhead-test/proxy"
    assert resolved(told, CONDITIONS, {}) == ""


KEY = "arn:aws:kms:us-east-1:123456789012:key/0123"
PLACES_OF_KEYS = {
    "AWS::Lambda::Function": "KmsKeyArn",
    "AWS::Logs::LogGroup": "KmsKeyId",
    "AWS::SNS::Topic": "KmsMasterKeyId",
    "AWS::SQS::Queue": "KmsMasterKeyId",
}


def test_a_key_of_ones_own_encrypts_all_that_can_be(expanded: dict[str, Any]) -> None:
    """And without one each is encrypted as before there was this parameter."""

    def said(part: Any, *, has_key: bool) -> Any:
        return resolved(part, CONDITIONS | {"HasKey": has_key}, {"KmsKeyArn": KEY})

    def keys(*, has_key: bool) -> dict[str, Any]:
        return {
            name: said(resource["Properties"][PLACES_OF_KEYS[resource["Type"]]], has_key=has_key)
            for name, resource in expanded["Resources"].items()
            if resource["Type"] in PLACES_OF_KEYS
        }

    by_default, with_key = keys(has_key=False), keys(has_key=True)
    assert by_default.pop("ImportTopic") == "alias/aws/sns"
    assert set(by_default.values()) == {None}
    assert set(with_key.values()) == {KEY}
    assert (
        len(with_key) == 2 * len(FUNCTIONS) + 5
    )  # the gateway's log and Spark's, two topics, a queue
    managed = properties(expanded, "UntakenEvents")["SqsManagedSseEnabled"]
    assert (said(managed, has_key=False), said(managed, has_key=True)) == (True, None)

    table = properties(expanded, "Table")["SSESpecification"]
    assert said(table, has_key=False) == {
        "SSEEnabled": True,
        "SSEType": None,
        "KMSMasterKeyId": None,
    }
    assert said(table, has_key=True) == {
        "SSEEnabled": True,
        "SSEType": "KMS",
        "KMSMasterKeyId": KEY,
    }
    [rule] = properties(expanded, "Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert said(rule, has_key=False) == {
        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256", "KMSMasterKeyID": None},
        "BucketKeyEnabled": None,
    }
    assert said(rule, has_key=True) == {
        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
        "BucketKeyEnabled": True,
    }
    pattern = expanded["Parameters"]["KmsKeyArn"]["AllowedPattern"]
    named = [KEY, "", "alias/wells", "0123", "arn:aws:kms:us-east-1:123456789012:alias/wells"]
    assert [bool(re.fullmatch(pattern, arn)) for arn in named] == [True, True, False, False, False]


def test_the_policy_of_the_key_lets_logs_and_alarms_use_it(expanded: dict[str, Any]) -> None:
    place = Place(
        stack="wellhead-test", account="123456789012", region="us-east-1", partition="aws"
    )
    account, logs, alarms = key_policy(place, suffix="amazonaws.com")["Statement"]
    assert account["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    assert logs["Principal"] == {"Service": "logs.us-east-1.amazonaws.com"}
    patterns = logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    groups = [
        each for each in expanded["Resources"].values() if each["Type"] == "AWS::Logs::LogGroup"
    ]
    for name in (resolved(group["Properties"]["LogGroupName"], {}, {}) for group in groups):
        arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{name}"
        assert any(fnmatchcase(arn, pattern) for pattern in patterns), name
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    in_china = json.dumps(key_policy(CHINA, suffix="amazonaws.com.cn"))
    assert "logs.cn-north-1.amazonaws.com.cn" in in_china
    assert "arn:aws:" not in in_china


def test_the_api_may_have_a_share_of_what_the_account_runs_at_once(
    template: dict[str, Any],
) -> None:
    for reserves in (False, True):
        conditions, values = (
            CONDITIONS | {"ReservesConcurrency": reserves},
            {"ApiConcurrency": "20"},
        )
        found = {
            name: resolved(
                properties(template, name).get("ReservedConcurrentExecutions"), conditions, values
            )
            for name in FUNCTIONS
        }
        shares = {name for name, share in found.items() if share == "20"}
        assert shares == ({"APIHandler", "Authorizer", "Query"} if reserves else set())


def test_a_name_of_ones_own_leads_to_the_stage(expanded: dict[str, Any]) -> None:
    mapping = properties(expanded, "DomainMapping")
    assert expanded["Resources"][mapping["Stage"]["Ref"]]["Type"] == "AWS::ApiGateway::Stage"
    assert mapping["RestApiId"] == {"Ref": "RestAPI"}
    values = {
        "DomainName": "wells.example.com",
        "RestAPI": "api",
        "AWS::URLSuffix": "amazonaws.com",
        "Stage": "dev",
    }
    for has, start in (
        (True, "https://wells.example.com"),
        (False, "https://api.execute-api.us-east-1.amazonaws.com/dev"),
    ):
        outputs = resolved(
            {
                name: expanded["Outputs"][name]["Value"]
                for name in ("ApiUrl", "ConsoleUrl", "RestApiUrl")
            },
            {"HasDomain": has},
            values,
        )
        assert (
            outputs.pop("RestApiUrl")
            == "https://api.execute-api.us-east-1.amazonaws.com/dev/api/v1"
        )
        assert outputs == {"ApiUrl": f"{start}/api/v1", "ConsoleUrl": f"{start}/console"}
    for name in ("Domain", "DomainMapping"):
        assert expanded["Resources"][name]["Condition"] == "HasDomain"


def test_each_caller_may_have_a_limit_of_its_own(expanded: dict[str, Any]) -> None:
    """By address and by token; nothing of a request is kept, for it holds the token."""
    limits = properties(expanded, "CallerLimits")
    values = {"RequestsPerAddress": "3000", "RequestsPerToken": "1000"}
    for conditions, kinds in (
        ({"LimitsAddresses": True, "LimitsTokens": False}, ["IP"]),
        ({"LimitsAddresses": False, "LimitsTokens": True}, ["CUSTOM_KEYS"]),
        ({"LimitsAddresses": True, "LimitsTokens": True}, ["IP", "CUSTOM_KEYS"]),
    ):
        rules = [rule for rule in resolved(limits["Rules"], conditions, values) if rule]
        counted = [rule["Statement"]["RateBasedStatement"] for rule in rules]
        assert [told["AggregateKeyType"] for told in counted] == kinds
        assert {told["Limit"] for told in counted} <= set(values.values())
        assert [rule["Action"] for rule in rules] == [{"Block": {}}] * len(rules)
        seen = [limits["VisibilityConfig"], *(rule["VisibilityConfig"] for rule in rules)]
        assert not any(config["SampledRequestsEnabled"] for config in seen)
    by_token = counted[1]["CustomKeys"]
    assert by_token == [
        {
            "Header": {
                "Name": "authorization",
                "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
            }
        }
    ]
    _, names = properties(expanded, "CallerLimitsOfStage")["ResourceArn"]["Fn::Sub"]
    assert expanded["Resources"][names["Name"]["Ref"]]["Type"] == "AWS::ApiGateway::Stage"
    refused = properties(expanded, "RestAPI")["Body"]["x-amazon-apigateway-gateway-responses"][
        "WAF_FILTERED"
    ]
    assert refused["statusCode"] == "429"


@pytest.mark.parametrize("name", ["RequestsPerAddress", "RequestsPerToken"])
@pytest.mark.parametrize(
    ("value", "allowed"), [("0", True), ("10", True), ("3000", True), ("1", False), ("9", False)]
)
def test_a_limit_below_what_aws_can_count_is_refused(
    name: str, value: str, allowed: bool, template: dict[str, Any]
) -> None:
    assert (
        re.fullmatch(template["Parameters"][name]["AllowedPattern"], value) is not None
    ) == allowed


def test_nothing_is_compared_with_a_number(template: dict[str, Any]) -> None:
    """CloudFormation takes each parameter for a text."""
    text = json.dumps([template["Conditions"], template["Rules"]])
    assert '"Fn::Equals"' in text
    assert not re.findall(r'"Fn::Equals": \[[^]]*, \d+\]', text)


def test_no_address_is_of_one_partition_alone(template: dict[str, Any]) -> None:
    """China, GovCloud and the sovereign cloud have names of their own."""
    text = json.dumps(with_names({**template, "Mappings": {}}, CHINA))
    assert not re.findall(r"aws\.amazon\.com|arn:aws:", text)
    services = re.findall(r'"[a-z-]+\.amazonaws\.com"', text)  # which are called so everywhere
    assert len(services) == text.count("amazonaws.com")
    assert template["Mappings"]["Console"].keys() == {"aws", "aws-cn", "aws-us-gov", "aws-eusc"}


def test_what_reads_or_writes_a_lake_has_the_layer_and_the_settings(
    template: dict[str, Any],
) -> None:
    conditions = CONDITIONS | {"HasLake": True, "HasSourceCaLayer": False}
    catalog = "arn:aws:s3tables:us-east-1:123456789012:bucket/wells"
    values = {"LakeLayer": "the layer", "Store": "iceberg", "Catalog": catalog}
    for name in FUNCTIONS:
        layers = [
            layer
            for layer in resolved(properties(template, name).get("Layers", []), conditions, values)
            if layer
        ]
        assert layers == (["the layer"] if name in ("Import", "Merge", "Query") else []), name
    told = template["Globals"]["Function"]["Environment"]["Variables"]
    assert resolved(
        {each: told[f"WELLHEAD_{each}"] for each in ("STORE", "CATALOG")}, conditions, values
    ) == {
        "STORE": "iceberg",
        "CATALOG": catalog,
    }
    assert re.fullmatch(template["Parameters"]["Catalog"]["AllowedPattern"], catalog)
    assert properties(template, "LakeLayer")["Content"] == {
        "S3Bucket": "wellhead-code",
        "S3Key": "lake.zip",
    }
    assert template["Resources"]["LakeLayer"]["Condition"] == "HasLake"
    assert template["Rules"]["LakeNeedsCatalog"]["RuleCondition"] == {
        "Fn::Equals": [{"Ref": "Store"}, "iceberg"]
    }


def test_a_waiting_job_outlives_its_event(expanded: dict[str, Any]) -> None:
    events = properties(expanded, "ImportEvents")
    pending = Settings.from_environment(_least()).pending_seconds
    assert pending == events["MaximumEventAgeInSeconds"] + 60
    assert events["MaximumRetryAttempts"] == 2
    assert events["DestinationConfig"] == {
        "OnFailure": {"Destination": {"Fn::GetAtt": ["FailedEvent", "Arn"]}}
    }
    assert properties(expanded, "Import")["RecursiveLoop"] == "Allow"


def test_a_fetch_that_nobody_waits_for_is_not_tried_again(expanded: dict[str, Any]) -> None:
    """Whoever asks next sends the next one."""
    assert properties(expanded, "QueryEvents")["MaximumRetryAttempts"] == 0
    assert properties(expanded, "Query")["Timeout"] == 300


def _least() -> dict[str, str]:
    """The required settings alone."""
    names = ("WELLHEAD_TABLE", "WELLHEAD_IMPORT_FUNCTION")
    where = {"WELLHEAD_WAREHOUSE": "/warehouse", "WELLHEAD_SOURCE_URL": PARAMETERS["SourceUrl"]}
    return {**dict.fromkeys(names, "text"), **where}


def test_data_outlives_the_stack(expanded: dict[str, Any]) -> None:
    stays = ("Retain", "RetainExceptOnCreate")
    kept = {
        name for name, told in expanded["Resources"].items() if told.get("DeletionPolicy") in stays
    }
    assert {"Table", "Bucket", "FileSystem"} <= kept
    table = properties(expanded, "Table")
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}
    assert expanded["Parameters"]["DeletionProtection"]["Default"] == "true"
    assert properties(expanded, "Bucket")["VersioningConfiguration"] == {"Status": "Enabled"}


def test_nobody_can_overwrite_a_published_file(expanded: dict[str, Any]) -> None:
    """Of a condition's two tests both must hold:
    a request that creates an object, and says nothing of an older one.
    """
    statements = {
        told["Sid"]: told
        for told in properties(expanded, "BucketPolicy")["PolicyDocument"]["Statement"]
    }
    written_once = statements["PublishedFilesAreWrittenOnce"]
    assert (written_once["Effect"], written_once["Principal"], written_once["Action"]) == (
        "Deny",
        "*",
        "s3:PutObject",
    )
    assert written_once["Condition"] == {
        "Null": {"s3:if-none-match": "true"},
        "Bool": {"s3:ObjectCreationOperation": "true"},
    }
    assert statements["OnlyTls"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_page_may_send_a_form_and_ask_the_bucket_nothing_else(expanded: dict[str, Any]) -> None:
    [rule] = properties(expanded, "Bucket")["CorsConfiguration"]["CorsRules"]
    # An API that is made anew has another name there.
    own = "https://*.execute-api.us-east-1.amazonaws.com"
    told = {"AWS::URLSuffix": "amazonaws.com"}
    others, domain = "https://a.example,https://b.example", "wells.example.com"
    for has_others, has_domain in product((False, True), repeat=2):
        conditions = {"HasCorsOrigins": has_others, "HasDomain": has_domain}
        found = resolved(
            rule["AllowedOrigins"],
            conditions,
            {**told, "CorsOrigins": others, "DomainName": domain},
        )
        assert found == [
            own,
            *([f"https://{domain}"] * has_domain),
            *(others.split(",") * has_others),
        ]
    assert rule["AllowedMethods"] == ["POST"]
    assert "AllowedHeaders" not in rule


def test_files_that_were_sent_do_not_stay_for_ever(expanded: dict[str, Any]) -> None:
    rules = {
        rule["Id"]: rule
        for rule in properties(expanded, "Bucket")["LifecycleConfiguration"]["Rules"]
    }

    assert {name for name, rule in rules.items() if "ExpirationInDays" in rule} == {"sent-files"}
    assert (rules["sent-files"]["Prefix"], rules["sent-files"]["ExpirationInDays"]) == (
        UPLOADS,
        {"Ref": "UploadDays"},
    )


def test_every_function_logs_to_a_group_that_forgets(expanded: dict[str, Any]) -> None:
    for name in FUNCTIONS:
        assert properties(expanded, name)["LoggingConfig"]["LogGroup"] == {"Ref": f"{name}Logs"}
        assert properties(expanded, f"{name}Logs")["RetentionInDays"] == {"Ref": "LogDays"}


def test_the_gateway_answers_in_the_envelope(expanded: dict[str, Any]) -> None:
    told = properties(expanded, "RestAPI")["Body"]["x-amazon-apigateway-gateway-responses"]
    assert told.keys() == gateway_responses().keys()
    for kind, response in told.items():
        body = json.loads(
            response["responseTemplates"]["application/json"].replace("$context.requestId", "id")
        )
        assert body.keys() == {"success", "error", "request_id"}, (
            kind
        )  # and no time of another form
        assert body["success"] is False
        assert body["error"].keys() == {"code", "message", "retryable"}
        headers = {name.rpartition(".")[2] for name in response["responseParameters"]}
        assert {"Cache-Control", "X-Request-ID"} <= headers
        assert ("Retry-After" in headers) == body["error"]["retryable"]


def test_every_method_of_an_address_is_answered_by_the_app(template: dict[str, Any]) -> None:
    """So that it can say which it knows; only to those whom the address would answer at all."""
    paths = properties(template, "RestAPI")["DefinitionBody"]["paths"]
    for path, methods in paths.items():
        other = methods[ANY_METHOD]
        assert other["x-amazon-apigateway-integration"]["type"] == "aws_proxy"
        guarded = [told["security"] for told in methods.values() if "security" in told]
        assert other.get("security") == (guarded[0] if guarded else None), path
    assert sum("security" in methods[ANY_METHOD] for methods in paths.values()) > 30


def test_a_failing_authorizer_is_no_refusal(expanded: dict[str, Any]) -> None:
    told = properties(expanded, "RestAPI")["Body"]["x-amazon-apigateway-gateway-responses"]
    assert told["AUTHORIZER_FAILURE"]["statusCode"] == "503"
    assert told["UNAUTHORIZED"]["statusCode"] == "401"
    assert (
        told["UNAUTHORIZED"]["responseParameters"]["gatewayresponse.header.WWW-Authenticate"]
        == "'Bearer'"
    )
    assert told["MISSING_AUTHENTICATION_TOKEN"]["statusCode"] == "404"


def test_where_notices_go_is_known_to_the_function_that_sends_them_alone(
    template: dict[str, Any],
) -> None:
    """A webhook that is set up wrong is no reason for an import to fail."""
    shared = template["Globals"]["Function"]["Environment"]["Variables"]
    assert not [name for name in shared if "WEBHOOK" in name or "NOTICES" in name]
    own = properties(template, "Notices")["Environment"]["Variables"]
    told = resolved(own, CONDITIONS, {"NoticesHours": "72", "WebhookForm": "standard", **WEBHOOK})
    assert (
        told["WELLHEAD_NOTICES_TOPIC"] == "arn:aws:sns:us-east-1:123456789012:wellhead-test-imports"
    )
    assert told["WELLHEAD_WEBHOOK_SECRET"] == "/wellhead-test/webhook"
    assert properties(template, "ImportTopic")["TopicName"] == {
        "Fn::Sub": "${AWS::StackName}-imports"
    }
    assert template["Parameters"]["WebhookUrl"]["NoEcho"] is True
    pattern = template["Parameters"]["WebhookUrl"]["AllowedPattern"]
    assert [
        bool(re.fullmatch(pattern, url)) for url in ("", WEBHOOK["WebhookUrl"], "http://10.0.0.1/")
    ] == [
        True,
        True,
        False,
    ]


def test_notices_are_sent_each_minute_and_in_time(expanded: dict[str, Any]) -> None:
    """Who has taken a notice is dead by the time that it is due again."""
    assert properties(expanded, "Notices")["Timeout"] < HOLD_SECONDS
    assert properties(expanded, "NoticesEvents")["MaximumRetryAttempts"] == 0
    rules = [
        each["Properties"]
        for each in expanded["Resources"].values()
        if each["Type"] == "AWS::Events::Rule"
    ]
    assert [rule["ScheduleExpression"] for rule in rules] == ["rate(1 minute)"] * 2
    assert "StreamSpecification" not in properties(expanded, "Table")


def test_the_parameters_are_documented_and_no_other(template: dict[str, Any]) -> None:
    text = (Path(__file__).parents[2] / "infra" / "README.md").read_text("utf-8")
    rows = text.partition("## Parameters")[2].partition("\n## ")[0].splitlines()
    told = {
        name: row
        for row in rows
        for name in re.findall(r"`(\w+)`", row.split("|")[1] if "|" in row else "")
    }
    assert told.keys() == template["Parameters"].keys()
    for name, parameter in template["Parameters"].items():
        if parameter.get("Default"):
            assert told[name].endswith(f"| `{parameter['Default']}` |"), name


def test_fragments_may_not_contradict_each_other(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("Resources: {A: {Properties: {Size: 1, Names: !Ref X}}}")
    (tmp_path / "b.yaml").write_text(
        "Resources: {A: {Properties: {Size: 1, Other: !GetAtt A.Arn}}}"
    )
    merged = merged_fragments(tmp_path)["Resources"]["A"]["Properties"]
    assert merged == {"Size": 1, "Names": {"Ref": "X"}, "Other": {"Fn::GetAtt": ["A", "Arn"]}}
    (tmp_path / "c.yaml").write_text("Resources: {A: {Properties: {Size: 2}}}")
    with pytest.raises(
        FragmentError, match=r"c\.yaml: Resources\.A\.Properties\.Size is said otherwise"
    ):
        merged_fragments(tmp_path)


def test_the_machine_runs_the_states_and_nothing_else(template: dict[str, Any]) -> None:
    conditions = CONDITIONS | {"HasMachine": True, "IsTraced": False}
    machine = template["Resources"]["StateMachine"]
    assert (machine["Condition"], machine["Properties"]["StateMachineType"]) == (
        "HasMachine",
        "STANDARD",
    )
    arns = {f"{name}Function": {"Fn::GetAtt": [name, "Arn"]} for name in STATES}
    assert machine["Properties"]["DefinitionSubstitutions"] == arns
    [policy] = properties(template, "StateMachineRole")["Policies"]
    [statement, *others] = resolved(policy["PolicyDocument"]["Statement"], conditions, {})
    assert others == [None] * 5
    assert statement["Action"] == "lambda:InvokeFunction"
    assert sorted(statement["Resource"]) == [f"arn of {name}" for name in sorted(STATES)]
    told = template["Globals"]["Function"]["Environment"]["Variables"]
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:wellhead-test-import"
    settings = {each: told[f"WELLHEAD_{each}"] for each in ("MACHINE", "STATE_MACHINE")}
    assert resolved(settings, conditions, {"Machine": "states"}) == {
        "MACHINE": "states",
        "STATE_MACHINE": arn,
    }
    assert resolved(settings, CONDITIONS, {"Machine": "lambda"}) == {
        "MACHINE": "lambda",
        "STATE_MACHINE": "",
    }


def test_what_a_state_does_is_tried_again_and_what_could_not_go_on_comes_to_an_end(
    template: dict[str, Any],
) -> None:
    """The delays between the tries are shorter than a lease,
    so that nobody else takes the place meanwhile. No state ends before its function does.
    """
    definition = properties(template, "StateMachine")["Definition"]
    states = definition["States"]
    [fetch] = [
        state
        for state in states["Parts"]["ItemProcessor"]["States"].values()
        if state["Type"] == "Task"
    ]
    tasks = {
        "Plan": states["Plan"],
        "Part": fetch,
        "Merge": states["Merge"],
        "Fail": states["Fail"],
    }
    settings = Settings.from_environment(_least())
    for name, task in tasks.items():
        assert task["Resource"] == f"${{{name}Function}}"
        assert task["TimeoutSeconds"] > properties(template, name)["Timeout"]
        [throttled, other] = task["Retry"]
        assert throttled["ErrorEquals"] == ["Lambda.TooManyRequestsException"]
        assert other["ErrorEquals"] == ["States.ALL"]
        delays = [
            min(other["MaxDelaySeconds"], other["IntervalSeconds"] * other["BackoffRate"] ** turn)
            for turn in range(other["MaxAttempts"])
        ]
        assert sum(delays) < settings.lease_seconds
    for name in ("Plan", "Parts", "Merge"):
        [caught] = states[name]["Catch"]
        assert (caught["ErrorEquals"], caught["Next"]) == (["States.ALL"], "Fail")
    assert states["Parts"]["ItemProcessor"]["ProcessorConfig"] == {"Mode": "INLINE"}
    assert definition["TimeoutSeconds"] > settings.source_seconds


def _with_job(part: Any, template: dict[str, Any]) -> Any:
    """With what the template's own mapping says of Spark's job."""
    match part:
        case {"Fn::FindInMap": ["Spark", "Job", name]}:
            return template["Mappings"]["Spark"]["Job"][name]
        case dict():
            return {key: _with_job(inner, template) for key, inner in part.items()}
        case list():
            return [_with_job(inner, template) for inner in part]
    return part


def test_spark_may_do_its_merge_and_nothing_else(template: dict[str, Any]) -> None:
    names = ("SparkApplication", "SparkLogs", "SparkRole")
    assert {template["Resources"][name]["Condition"] for name in names} == {"HasSpark"}
    told = {
        "Catalog": TABLE_BUCKET,
        "Bucket.Arn": "bucket",
        "SparkApplication.Arn": "application",
        "KmsKeyArn": "key",
    }
    conditions = CONDITIONS | {"HasSpark": True, "HasLake": True, "IsTraced": False}

    def statements(role: str) -> dict[str, Any]:
        [policy] = properties(template, role)["Policies"]
        document = _with_job(policy["PolicyDocument"], template)
        found = resolved(document["Statement"], conditions, told)
        return {
            each["Sid"]: (each["Action"], each["Resource"], each.get("Condition"))
            for each in found
            if each
        }

    of_spark = statements("SparkRole")
    assert of_spark["ReadTheJob"] == (
        "s3:GetObject",
        "arn:aws:s3:::wellhead-code/merge_job.py",
        None,
    )
    assert of_spark["ReadOrderAndRows"] == ("s3:GetObject", "bucket/segments/*-spark.*", None)
    for name in (delta_name, order_name):
        assert fnmatchcase(
            f"bucket/{name('018cc251-f400-7000-8000-000000000000', 7)}", "bucket/segments/*-spark.*"
        )
    [actions, tables, _] = of_spark["MergeIntoTheLake"]
    assert (set(actions), tables) == (
        {f"s3tables:{each}" for each in TABLE_RIGHTS},
        f"{TABLE_BUCKET}/table/*",
    )
    asked = [action for action, _, _ in of_spark.values()]
    assert "*" not in json.dumps(asked)
    assert not [
        action
        for action in asked
        if action in ("s3:PutObject", "s3:DeleteObject", "s3tables:CreateTable")
    ]
    of_machine = statements("StateMachineRole")
    assert of_machine["StartSpark"][:2] == ("emr-serverless:StartJobRun", "arn of SparkApplication")
    assert of_machine["HandSparkItsRole"] == (
        "iam:PassRole",
        "arn of SparkRole",
        {"StringEquals": {"iam:PassedToService": "emr-serverless.amazonaws.com"}},
    )
    assert of_machine["SeeToSpark"][1] == "application/jobruns/*"


def test_spark_is_refused_without_a_lake_and_a_machine(template: dict[str, Any]) -> None:
    rule = template["Rules"]["SparkNeedsALakeAndAMachine"]
    assert rule["RuleCondition"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "MergeEngine"}, "duckdb"]}]
    }
    told = json.dumps([each["Assert"] for each in rule["Assertions"]])
    for name, value in (("Store", "iceberg"), ("Machine", "states"), ("Warehouse", "s3")):
        assert f'[{{"Ref": "{name}"}}, "{value}"]' in told
