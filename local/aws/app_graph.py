"""What Chalice would deploy for this app:
its Lambda functions and schedules, read off its own app graph.
"""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from chalice.app import Chalice
from chalice.config import Config
from chalice.constants import DEFAULT_APIGATEWAY_STAGE_NAME, DEFAULT_ENDPOINT_TYPE
from chalice.deploy import models
from chalice.deploy.appgraph import ApplicationGraphBuilder

from local.aws.runtime_api import LambdaFunction

DEFAULT_TIMEOUT = 60  # seconds and megabytes: what Chalice deploys when the config is silent
DEFAULT_MEMORY_MB = 128


def load_config(project: Path, *, stage: str) -> Config:
    """As Chalice's command line reads it, whose own modules take longer to load than all the rest
    of the API.
    """
    settings = json.loads((project / ".chalice" / "config.json").read_text())

    def load_app() -> Chalice:
        if str(project) not in sys.path:
            sys.path.insert(0, str(project))
        app: Chalice = importlib.import_module("app").app
        return app

    return Config(
        chalice_stage=stage,
        user_provided_params={"chalice_app": load_app},
        config_from_disk=settings,
        default_params={
            "project_dir": str(project),
            "api_gateway_stage": DEFAULT_APIGATEWAY_STAGE_NAME,
            "api_gateway_endpoint_type": DEFAULT_ENDPOINT_TYPE,
            "autogen_policy": True,
        },
    )


def deployed_functions(config: Config) -> list[LambdaFunction]:
    application = ApplicationGraphBuilder().build(config, config.chalice_stage)
    return [
        LambdaFunction(
            name=function.function_name,
            handler=function.handler,
            timeout=function.timeout or DEFAULT_TIMEOUT,
            memory_mb=function.memory_size or DEFAULT_MEMORY_MB,
            environment=function.environment_variables,
            schedule=schedule,
        )
        for function, schedule in _functions(application)
    ]


def _functions(
    application: models.Application,
) -> Iterator[tuple[models.LambdaFunction, str | None]]:
    for resource in application.resources:
        if isinstance(resource, models.LambdaFunction):
            yield resource, None
        elif isinstance(resource, models.ScheduledEvent):
            yield resource.lambda_function, resource.schedule_expression
