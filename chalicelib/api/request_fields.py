"""What a request may hold besides its path. What is unknown is refused: a misspelt parameter would
be ignored in silence.

No refusal repeats a value: it may be a secret put in the wrong place.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chalicelib.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHOWN_NAME = 64  # characters of an unknown parameter's name


def single_values(
    query: Mapping[str, Sequence[str]], *, allowed: Sequence[str] = ()
) -> dict[str, str]:
    """The query, each parameter once. Raises ValidationError."""
    for name, values in query.items():
        if name not in allowed:
            known = f"It takes {', '.join(allowed)}." if allowed else "It takes none."
            raise ValidationError(
                f"This route does not know that query parameter. {known}",
                field=name[:SHOWN_NAME],
            )
        if len(values) != 1:
            raise ValidationError("This query parameter may be sent once.", field=name)
    return {name: values[0] for name, values in query.items()}


def json_body(body: str | bytes) -> Any:
    """What the body says; an empty object when there is none. Raises ValidationError."""
    try:
        return json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError) as exc:
        raise ValidationError(
            "The body is no JSON. Send none, or an object.", field="body"
        ) from exc


def refuse_body(body: str | bytes) -> None:
    """Raises ValidationError. An empty object is nothing too: some clients always send one."""
    if json_body(body) != {}:
        raise ValidationError("This route takes no body. Send none.", field="body")
