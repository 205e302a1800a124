"""What is answered of tokens."""

from typing import Annotated, TypedDict

from chalicelib.api.tokens import Role


class Token(TypedDict):
    """A token of the API, without what is secret."""

    name: str
    role: Annotated[Role | None, "null of a parameter that is no token and lets nobody in"]
    created_at: Annotated[float | None, "when it was made, or made again, epoch seconds"]
    expires_at: Annotated[float | None, "null without an end, epoch seconds"]
    last_used_at: Annotated[
        float | None,
        "its first use of the day when it was used last; null when never, epoch seconds",
    ]
    previous_until: Annotated[
        float | None,
        "until when one that it has replaced works; null when none does, epoch seconds",
    ]


class TokenList(TypedDict):
    tokens: list[Token]


class NewToken(TypedDict):
    """A token that was just made."""

    name: str
    role: Role
    token: Annotated[str, "in plain text, only in this answer"]
    expires_at: Annotated[float | None, "epoch seconds; null without an end"]
    previous_until: Annotated[float, "until when the one before works, epoch seconds"]
