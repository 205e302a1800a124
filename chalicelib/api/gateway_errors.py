"""What API Gateway answers by itself:
the deployed template and the laptop's gateway take their words from here.
"""

from http import HTTPStatus

from chalicelib.errors import MethodNotAllowed

RETRY_SECONDS = 5
RETRYABLE = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
WORDS = {
    HTTPStatus.BAD_REQUEST: ("BAD_REQUEST", "The request is not well-formed HTTP."),
    HTTPStatus.UNAUTHORIZED: ("UNAUTHORIZED", "Send an Authorization header with a valid token."),
    HTTPStatus.FORBIDDEN: ("FORBIDDEN", "This token does not allow that."),
    HTTPStatus.NOT_FOUND: ("ROUTE_NOT_FOUND", "There is no such route."),
    HTTPStatus.METHOD_NOT_ALLOWED: (MethodNotAllowed.code, MethodNotAllowed().message),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("PAYLOAD_TOO_LARGE", "A request may have 10 MB at most."),
    HTTPStatus.INTERNAL_SERVER_ERROR: (
        "INTERNAL_ERROR",
        "Something failed unexpectedly. Try again.",
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "TOKENS_UNAVAILABLE",
        "The token cannot be checked just now. Try again shortly.",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (
        "TOO_MANY_REQUESTS",
        "Too many requests at this moment. Try again shortly.",
    ),
    HTTPStatus.GATEWAY_TIMEOUT: ("GATEWAY_TIMEOUT", "The answer was not there in time. Try again."),
}
