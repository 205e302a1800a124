"""What Chalice would deploy for this app:
its Lambda functions and schedules, read off its own app graph.
"""

from collections.abc import Iterator
from pathlib import Path

from chalice.cli.factory import CLIFactory
from chalice.config import Config
from chalice.deploy import models
from chalice.deploy.appgraph import ApplicationGraphBuilder

from local.aws.runtime_api import LambdaFunction

DEFAULT_TIMEOUT = 60  # seconds and megabytes: what Chalice deploys when the config is silent
DEFAULT_MEMORY_MB = 128


def load_config(project: Path, *, stage: str) -> Config:
    return CLIFactory(str(project)).create_config_obj(stage)


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
