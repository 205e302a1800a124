"""Step Functions on the laptop: moto's interpreter of the Amazon States Language, in front of this
stack's own Lambda.

It does less than AWS: an execution lives in memory, one that is stopped within a Map ends FAILED,
and there are no redrives. What a definition means says https://states-language.net/spec.html, and
none of it is decided here.
"""

from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from moto.core.config import default_user_config
from moto.core.models import DEFAULT_ACCOUNT_ID

from local.aws.signature import Keys

LONGEST_STATE = 3600  # seconds; Lambda itself ends what takes longer than it may


def run_machines(*, region: str, lambda_url: str, keys: Keys) -> None:
    """From now on executions that are started in this process run, and ask this Lambda.
    Those of before are gone.
    """
    # Its parser loads for half a second, so only who has a machine loads it.
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    session = botocore.session.get_session()

    @cache
    def client_of(service: str) -> Any:
        return session.create_client(
            service,
            region_name=region,
            endpoint_url=lambda_url,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            config=Config(
                retries={"total_max_attempts": 1},
                read_timeout=LONGEST_STATE,
                max_pool_connections=64,
            ),
        )

    def client(service: str, **_: Any) -> Any:
        """In place of moto's own, which asks a port of moto with keys of its own."""
        return client_of(service)

    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    lambda_eval_utils.__dict__["boto_client_for"] = client
    stepfunctions_parser_backends[DEFAULT_ACCOUNT_ID].reset()
