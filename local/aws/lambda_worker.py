"""`python lambda_worker.py module.function` serves a function with the real awslambdaric, as
Lambda's image does.

AWS_LAMBDA_RUNTIME_API is host, port and a secret path here. awslambdaric's C part puts the paths of
the Runtime API behind it as they are; its Python part, which tells a failed start, takes it for a
host and a port.
"""

import sys
from typing import Any

from awslambdaric import bootstrap  # type: ignore[import-untyped]
from awslambdaric.lambda_config import LambdaConfigProvider  # type: ignore[import-untyped]
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient  # type: ignore[import-untyped]


class Client(LambdaRuntimeClient):  # type: ignore[misc]
    def __init__(self, address: str, *more: Any) -> None:
        host, _, self._secret = address.partition("/")
        super().__init__(host, *more)

    def call_rapid(self, http_method: str, endpoint: str, *more: Any) -> None:
        path = f"/{self._secret}{endpoint}"
        super().call_rapid(http_method, path, *more)


if __name__ == "__main__":
    config = LambdaConfigProvider(sys.argv)
    bootstrap.run(config.handler, Client(config.api_address, config.use_thread_polling))
