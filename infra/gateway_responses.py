"""What API Gateway answers by itself, in the envelope of responses.py and the words of
gateway_errors.py.

https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html A
template there knows variables and no functions, and no variable holds the time as we write it. So
these answers have no `timestamp`; the header Date, which every answer has, tells the second.
"""

import json
from http import HTTPStatus
from typing import Any

from chalicelib.api.gateway_errors import RETRY_SECONDS, RETRYABLE, WORDS

TYPES = {
    "DEFAULT_4XX": HTTPStatus.BAD_REQUEST,
    "DEFAULT_5XX": HTTPStatus.INTERNAL_SERVER_ERROR,
    "UNAUTHORIZED": HTTPStatus.UNAUTHORIZED,
    "ACCESS_DENIED": HTTPStatus.FORBIDDEN,
    "EXPIRED_TOKEN": HTTPStatus.FORBIDDEN,
    "INVALID_SIGNATURE": HTTPStatus.FORBIDDEN,
    # AWS's name for a route or method that is not there.
    "MISSING_AUTHENTICATION_TOKEN": HTTPStatus.NOT_FOUND,
    "RESOURCE_NOT_FOUND": HTTPStatus.NOT_FOUND,
    "REQUEST_TOO_LARGE": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "THROTTLED": HTTPStatus.TOO_MANY_REQUESTS,
    "WAF_FILTERED": HTTPStatus.TOO_MANY_REQUESTS,  # all that limits.yaml has WAF refuse
    "QUOTA_EXCEEDED": HTTPStatus.TOO_MANY_REQUESTS,
    "AUTHORIZER_FAILURE": HTTPStatus.SERVICE_UNAVAILABLE,
    "AUTHORIZER_CONFIGURATION_ERROR": HTTPStatus.SERVICE_UNAVAILABLE,
    "INTEGRATION_FAILURE": HTTPStatus.INTERNAL_SERVER_ERROR,
    "INTEGRATION_TIMEOUT": HTTPStatus.GATEWAY_TIMEOUT,
}
OWN_STATUS = {"DEFAULT_4XX", "DEFAULT_5XX"}  # they stand for many types, each with its status


def gateway_responses() -> dict[str, Any]:
    """The GatewayResponses of AWS::Serverless::Api."""
    return {
        kind: _response(status, keeps_status=kind in OWN_STATUS) for kind, status in TYPES.items()
    }


def _response(status: HTTPStatus, *, keeps_status: bool) -> dict[str, Any]:
    shown = {} if keeps_status else {"StatusCode": int(status)}
    return {
        **shown,
        "ResponseTemplates": {"application/json": _envelope(status)},
        "ResponseParameters": {"Headers": _headers(status)},
    }


def _envelope(status: HTTPStatus) -> str:
    code, message = WORDS[status]
    envelope = {
        "success": False,
        "error": {
            "code": code,
            "message": message,
            "retryable": status in RETRYABLE,
        },
        "request_id": "$context.requestId",
    }
    return json.dumps(envelope)


def _headers(status: HTTPStatus) -> dict[str, str]:
    """A text stands in quotes, a variable without."""
    headers = {
        "Cache-Control": "'no-store'",
        "X-Content-Type-Options": "'nosniff'",
        "X-Request-ID": "context.requestId",
    }
    if status in RETRYABLE:
        headers["Retry-After"] = f"'{RETRY_SECONDS}'"
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "'Bearer'"
    return headers
