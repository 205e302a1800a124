"""The signature of a webhook, as Standard Webhooks has it: HMAC-SHA256 of "id.timestamp.body".

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from chalicelib.errors import SecretInvalid

PREFIX = "whsec_"
KEY_BYTES = range(24, 65)


def keys_of(secret: str) -> list[bytes]:
    """Of `whsec_…`, or of several with blanks between them while one gives way to another.
    Raises SecretInvalid.
    """
    try:
        keys = [
            base64.b64decode(each.removeprefix(PREFIX), validate=True) for each in secret.split()
        ]
    except ValueError:  # binascii.Error is one, and signs that are not ASCII bring another
        keys = []
    if (
        not keys
        or not all(each.startswith(PREFIX) for each in secret.split())
        or any(len(key) not in KEY_BYTES for key in keys)
    ):
        raise SecretInvalid(
            "The secret of the webhook is not of the form whsec_ and 24 to 64 random bytes in base64. Store it again; "
            "docs/notices.md shows how to make one."
        )
    return keys


def signature(keys: list[bytes], *, key: str, timestamp: int, body: bytes) -> str:
    """By each of the keys, as the header takes them."""
    signed = f"{key}.{timestamp}.".encode() + body
    signatures = []
    for secret in keys:
        digest = hmac.new(secret, signed, hashlib.sha256).digest()
        letters = base64.b64encode(digest).decode()
        signatures.append(f"v1,{letters}")
    return " ".join(signatures)
