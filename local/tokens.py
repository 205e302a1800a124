"""The tokens of this machine: their hashes in the state directory, from where the stack puts them
into its SSM.

The stack's own token is kept as it is, in a file that nobody else may read: the demo and the curl
lines use it.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.api.token_entry import NAME, Role, TokenEntry, digest_of, new_token
from local.aws.emulator import REGION
from local.keys_file import read_keys
from local.private_file import write_privately

OWN = "laptop"  # the name of the stack's own token


class TokenError(Exception):
    """The token cannot be made; the message says why."""


@dataclass(frozen=True)
class TokenBook:
    """`parameters` are names and values as SSM holds them."""

    state: Path

    @property
    def _hashes(self) -> Path:
        return self.state / "state" / "tokens.json"

    @property
    def own_file(self) -> Path:
        return self.state / "token"

    @property
    def parameters(self) -> dict[str, str]:
        if not self._hashes.exists():
            return {}
        return {
            name: json.dumps(entry) for name, entry in json.loads(self._hashes.read_text()).items()
        }

    def make(self, name: str, role: Role, *, days: int | None = None) -> str:
        """A new token; one that the name had before ends. Raises TokenError."""
        if not NAME.fullmatch(name):
            raise TokenError("The name may have 1 to 64 of letters, digits, `.`, `_` and `-`.")
        token = new_token()
        self.keep(name, TokenEntry.new(token, role, now=time.time(), days=days).text())
        return token

    def own(self) -> str:
        """The stack's own token, an admin's: a random one, made at the first start,
        and anew when somebody has renewed it, because nobody here knows that one.
        """
        token = self.own_file.read_text().strip() if self.own_file.exists() else ""
        if not token or self._is_replaced(token):
            token = self.make(OWN, Role.ADMIN)
            write_privately(self.own_file, token + "\n")
        elif not self._is_known(token):
            entry = TokenEntry.new(token, Role.ADMIN, now=time.time())
            self.keep(OWN, entry.text())
        return token

    def _is_known(self, token: str) -> bool:
        if OWN not in self.parameters:
            return False
        entry = TokenEntry.parse(self.parameters[OWN])
        return entry.sha256 == digest_of(token)

    def _is_replaced(self, token: str) -> bool:
        stored = self.parameters.get(OWN)
        return bool(stored) and digest_of(token) in {
            each.sha256 for each in TokenEntry.parse(str(stored)).previous
        }

    def keep(self, name: str, value: str) -> None:
        """As SSM shall have it at the next start too."""
        known = json.loads(self._hashes.read_text()) if self._hashes.exists() else {}
        known[name] = json.loads(value)
        text = json.dumps(known, indent=2)
        self._hashes.parent.mkdir(parents=True, exist_ok=True)
        write_privately(self._hashes, f"{text}\n")


def tell_running_stack(state: Path, name: str, value: str, *, path: str) -> bool:
    """Put the parameter into the SSM of the stack that runs on this state directory, if one does.
    One that was killed has left its files, and somebody else may be at its port: the next start
    puts the parameter there.
    """
    try:
        facts = json.loads((state / "stack.json").read_text())
        keys = read_keys(state)
    except FileNotFoundError:
        return False
    ssm: Any = botocore.session.get_session().create_client(
        "ssm",
        region_name=REGION,
        endpoint_url=facts["aws_url"],
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
    )
    try:
        ssm.put_parameter(
            Name=f"{path}/{name}",
            Value=value,
            Type="SecureString",
            Overwrite=True,
        )
    except (BotoCoreError, ClientError):
        return False
    return True
