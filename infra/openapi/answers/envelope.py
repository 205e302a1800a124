"""What is around each answer: the envelope of a success, of an error, and problem details."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from .kinds import Moment

_Code = Annotated[str, "docs/errors.md lists them"]
_Retryable = Annotated[bool, "whether the same request can succeed later"]
_Rule = Annotated[str, "of BUSINESS_RULE_VIOLATION: which rule"]
_Details = Annotated[dict[str, Any], "by code, such as the field that is wrong"]
_RequestId = Annotated[str, "also in the header X-Request-ID and in the log"]
_At = Annotated[Moment, "UTC"]


class _Cause(TypedDict):
    code: _Code
    message: Annotated[str, "what happened and what to do next"]
    retryable: _Retryable
    rule: NotRequired[_Rule]
    details: NotRequired[_Details]


class Success(TypedDict):
    success: Literal[True]
    data: dict[str, Any]
    message: str
    request_id: _RequestId
    timestamp: _At


class Error(TypedDict):
    success: Literal[False]
    error: _Cause
    request_id: _RequestId
    timestamp: NotRequired[_At]  # the gateway's own answers lack it


class Problem(TypedDict):
    title: str
    status: int
    detail: str
    code: _Code
    retryable: _Retryable
    rule: NotRequired[_Rule]
    details: NotRequired[_Details]
    request_id: _RequestId
    timestamp: _At
