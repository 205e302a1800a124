"""`python -m infra package|deploy|destroy|token`:
what `make` calls; and what an operator does with AWS credentials.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.api.token_entry import Role, days_of_token
from chalicelib.errors import WellheadError
from chalicelib.jobs.manager import JobManager
from chalicelib.services import open_warehouse
from chalicelib.warehouse.names import Warehouse
from infra.bundle import DEPLOYED, MACHINES, PackageError, Runtime, dependencies, lake_layer
from infra.costs import table as cost_table
from infra.deployment import Deployment, DeploymentError
from infra.fragments import FragmentError
from infra.key_policy import key_policy
from infra.package import BUILD, DEPENDENCIES, build
from infra.recovery import RecoveryError, manager_of, move_warehouse, restore_table, take_warehouse
from infra.removal import Removal
from infra.scaling_costs import scaling_table
from infra.smoke import Smoke

TAKEN = ("local", "code")  # of the laptop, and of the bucket of code
NOT_DEPLOYED = (*TAKEN, "emulated")  # of the tests
TOLD = {"ApiUrl": "API", "ConsoleUrl": "console", "BucketName": "bucket", "TableName": "table"}


def main() -> int:
    options = _parser().parse_args()
    try:
        options.run(options)
    except (PackageError, FragmentError, DeploymentError, RecoveryError, WellheadError) as exc:
        print(exc, file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as exc:
        print(f"AWS refused: {exc}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra", description="Packages and deploys Wellhead."
    )
    commands = parser.add_subparsers(required=True)
    _add_deployment(commands)
    _add_use(commands)
    _add_recovery(commands)
    return parser


def _add_deployment(commands: Any) -> None:
    fetch = commands.add_parser(
        "fetch", help="fetch the packages of the bundle, as this machine runs it"
    )
    package = commands.add_parser("package", help="build wellhead.zip and template.json")
    package.add_argument("--output", type=Path)
    package.add_argument("--architecture", choices=sorted(MACHINES))
    deploy = commands.add_parser("deploy", help="package, then create the stack or change it")
    deploy.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE")
    deploy.add_argument(
        "--tag", action="append", default=[], metavar="KEY=VALUE", help="of everything in the stack"
    )
    deploy.add_argument("--plan", action="store_true", help="show what it would do, and stop")
    destroy = commands.add_parser("destroy", help="delete the stack and keep the data")
    destroy.add_argument("--data", choices=["keep", "delete"], default="keep")
    destroy.add_argument("--yes", metavar="STACK", help="the name that is asked for otherwise")
    for command, run in ((package, _package), (deploy, _deploy), (destroy, _destroy)):
        command.add_argument("--stage", default="dev")
        command.set_defaults(run=run)
    fetch.set_defaults(run=_fetch)


def _add_use(commands: Any) -> None:
    """Of a stage that is deployed."""
    token = commands.add_parser("token", help="make a token for the deployed API")
    token.add_argument("--name", required=True)
    token.add_argument("--role", required=True, choices=list(Role))
    token.add_argument(
        "--days", type=days_of_token, help="how long it lives; without an end by default"
    )
    smoke = commands.add_parser("smoke", help="try what a deployed stage can do, with its own rows")
    smoke.add_argument(
        "--api", metavar="URL", help="its address, when it is not the one that AWS gives the stack"
    )
    smoke.add_argument(
        "--changes",
        action="store_true",
        help="give it new code, and make it again over its data, too",
    )
    smoke.add_argument(
        "--yes", metavar="STACK", help="the name that is asked for before it is changed"
    )
    key = commands.add_parser(
        "key-policy", help="print what the policy of the key of KmsKeyArn has to allow"
    )
    for command, run in ((token, _token), (smoke, _smoke), (key, _key_policy)):
        command.add_argument("--stage", default="dev")
        command.set_defaults(run=run)


def _add_recovery(commands: Any) -> None:
    costs = commands.add_parser(
        "costs", help="show what an import, a day and a month cost, as docs/costs.md does"
    )
    restore = commands.add_parser(
        "restore-table", help="copy what came back from a backup into the table of the stack"
    )
    restore.add_argument("--restored", required=True, metavar="TABLE")
    move = commands.add_parser(
        "move-warehouse", help="copy what is published into another warehouse"
    )
    move.add_argument("--to", required=True, metavar="URL")
    take = commands.add_parser(
        "take-warehouse", help="let a warehouse be this table's, whosever it was"
    )
    take.add_argument(
        "--snapshot",
        metavar="NAME",
        help="what a table that points at nothing points at; the newest one",
    )
    for command, run in (
        (restore, _restore_table),
        (move, _move_warehouse),
        (take, _take_warehouse),
    ):
        command.add_argument("--stage", default="dev")
        command.add_argument("--table", help="its name, when it is not that of the stage")
        command.set_defaults(run=run)
    for command in (move, take):
        command.add_argument(
            "--warehouse", metavar="URL", help="when it is not the bucket of the stage"
        )
    costs.set_defaults(run=lambda _: print(f"{cost_table()}\n\n{scaling_table()}"))


def _restore_table(options: argparse.Namespace) -> None:
    deployment = _deployment(options.stage)
    table = options.table or deployment.stack
    count = restore_table(deployment.client("dynamodb"), table=table, restored=options.restored)
    print(f"{count} items are in {table} now. Look at it: wellhead ops status")


def _move_warehouse(options: argparse.Namespace) -> None:
    deployment, old = _deployment_and_warehouse(options)
    moved = move_warehouse(_manager(options, deployment), old, _warehouse(options.to, deployment))
    print(
        f"{moved.name} is in {options.to} now. Deploy with that warehouse, then: wellhead ops verify"
    )


def _take_warehouse(options: argparse.Namespace) -> None:
    deployment, warehouse = _deployment_and_warehouse(options)
    pointed = take_warehouse(_manager(options, deployment), warehouse, name=options.snapshot)
    print(
        f"The warehouse is this table's, which points at {pointed.name if pointed else 'nothing yet'}."
    )


def _deployment_and_warehouse(options: argparse.Namespace) -> tuple[Deployment, Warehouse]:
    deployment = _deployment(options.stage)
    url = options.warehouse or f"s3://{deployment.outputs()['BucketName']}"
    return deployment, _warehouse(url, deployment)


def _manager(options: argparse.Namespace, deployment: Deployment) -> JobManager:
    table = options.table or deployment.stack
    return manager_of(deployment.client("dynamodb"), table)


def _warehouse(url: str, deployment: Deployment) -> Warehouse:
    if not url.startswith("s3://"):
        return open_warehouse(url)
    return open_warehouse(url, s3=deployment.client("s3"))


def _fetch(_: argparse.Namespace) -> None:
    """For the tests, which run the bundle."""
    dependencies(Runtime.of_this_machine(), cache=DEPENDENCIES)
    lake_layer(Runtime.of_this_machine(), cache=DEPENDENCIES)


def _package(options: argparse.Namespace) -> None:
    output = options.output or BUILD / options.stage
    runtime = Runtime(DEPLOYED, options.architecture) if options.architecture else None
    built = build(stage=options.stage, output=output, runtime=runtime)
    print(f"{built.bundle}\n{built.template}")


def _deploy(options: argparse.Namespace) -> None:
    parameters, tags = (
        dict(_pair(text) for text in told) for told in (options.parameter, options.tag)
    )
    _refuse_stage(options.stage, NOT_DEPLOYED)
    deployment = _deployment(options.stage)
    package = build(stage=options.stage, output=BUILD / options.stage)
    if options.plan:
        print(
            "\n".join(
                [
                    "This would be done, and nothing of it was:",
                    *deployment.plan(package, parameters, tags),
                ]
            )
        )
        return
    print(
        f"Deploying {deployment.stack} to {deployment.region}; the first time takes some minutes ..."
    )
    outputs = deployment.deploy(package, parameters, tags)
    print("\n".join(summary(deployment, outputs)))


def _refuse_stage(stage: str, taken: Sequence[str]) -> None:
    """Raises DeploymentError."""
    if stage in taken:
        raise DeploymentError(
            f"No stage is called {stage}: that name is taken. Take another: STAGE=dev"
        )


def summary(deployment: Deployment, outputs: Mapping[str, str]) -> list[str]:
    """What a deploy says at its end; last what must not be overlooked."""
    places = [f"  {told}: {outputs[name]}" for name, told in TOLD.items()]
    token = f"Make a token: make token STAGE={deployment.stage} ROLE=operator NAME=..."
    return [*places, token, *deployment.warnings()]


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise DeploymentError(f"A parameter looks like SourceUrl=https://..., and not like {name}.")
    return name, value


def _destroy(options: argparse.Namespace) -> None:
    _refuse_stage(options.stage, TAKEN)
    removal = Removal(_deployment(options.stage))
    data = options.data == "delete"
    remains = removal.look()
    print("\n".join(removal.lines(remains, data=data)))
    stack = removal.deployment.stack
    if removal.asks(remains, data=data):
        _confirm(stack, options.yes)
    removal.remove(remains, data=data)
    if data:
        print(f"{stack} is gone, and so are its table, its bucket, its tokens and its secret.")
        return
    print(f"{stack} is gone. The next deploy of this stage takes over what was kept.")


def _confirm(stack: str, yes: str | None) -> None:
    """Raises DeploymentError unless somebody says the stack's name."""
    try:
        answer = (
            yes if yes is not None else input(f"Type the name of the stack to go on ({stack}): ")
        )
    except EOFError:
        answer = ""
    if answer.strip() != stack:
        raise DeploymentError(
            f"Nothing was done: the name of the stack is {stack}. In a script: YES={stack}"
        )


def _token(options: argparse.Namespace) -> None:
    token = _deployment(options.stage).make_token(
        options.name, Role(options.role), days=options.days
    )
    print(f"{token}\nIt is shown this once and works within seconds.")


def _key_policy(options: argparse.Namespace) -> None:
    place = _deployment(options.stage).place()
    session = botocore.session.get_session()
    partition = session.get_partition_for_region(place.region)
    names = session.get_component("endpoint_resolver")
    suffix = names.get_partition_dns_suffix(partition)
    policy = key_policy(place, suffix=suffix)
    print(json.dumps(policy, indent=2))


def _smoke(options: argparse.Namespace) -> None:
    deployment = _deployment(options.stage)
    outputs = deployment.outputs()
    url = options.api or outputs.get("RestApiUrl") or outputs["ApiUrl"]
    package = None
    if options.changes and not deployment.is_production:  # which the smoke test refuses
        print(f"{deployment.stack} gets new code, is removed, and is made again over its data.")
        _confirm(deployment.stack, options.yes)
        package = build(stage=options.stage, output=BUILD / options.stage)
    smoke = Smoke(deployment, url.removesuffix("/api/v1"), package=package)
    smoke.run()
    print(smoke.table())
    if not smoke.passed:
        raise DeploymentError("Not everything was shown.")


def _deployment(stage: str) -> Deployment:
    session = botocore.session.get_session()
    region = os.environ.get("AWS_REGION") or session.get_config_variable("region")
    if not region:
        raise DeploymentError(
            "No region is chosen. Set AWS_REGION, or AWS_PROFILE to a profile that has one."
        )

    def client(service: str) -> Any:
        return session.create_client(service, region_name=region)

    return Deployment(client=client, region=region, stage=stage)


if __name__ == "__main__":
    sys.exit(main())
