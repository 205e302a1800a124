"""The code that AWS gives an error, such as ConditionalCheckFailedException."""

from __future__ import annotations

from botocore.exceptions import ClientError


def error_code(exc: Exception) -> str:
    """Empty where AWS gave no answer."""
    if not isinstance(exc, ClientError):
        return ""
    return str(exc.response["Error"]["Code"])
