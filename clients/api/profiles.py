"""Which Wellhead is meant: its URL and token, from the environment, a saved profile, or the stack
of this checkout.

A token goes to the address that it was saved with or given with, and to no other.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from clients.api.connection import checked_url
from clients.api.errors import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CHECKOUT = Path(__file__).parents[2]
LOCAL = "local"  # the profile that nobody saves: what `make run` serves


class ProfileError(ClientError):
    """It is not known which Wellhead is meant.
    Save its address and a token with: wellhead login URL
    """

    default_code = "NO_PROFILE"


class Target(NamedTuple):
    url: str
    token: str | None


@dataclass(frozen=True)
class Profile:
    url: str
    token: str


class Profiles:
    """In one file that nobody else may read.
    `warn` hears when it was open to others and has been closed.
    """

    def __init__(self, path: Path, warn: Callable[[str], object]) -> None:
        self.path = path
        self._warn = warn

    def read(self) -> tuple[dict[str, Profile], str | None]:
        """And the name of the one that is meant when nobody says. Raises ProfileError."""
        if not self.path.exists():
            return {}, None
        self._close_to_others()
        try:
            stored = json.loads(self.path.read_text("utf-8"))
            saved = {name: Profile(**profile) for name, profile in stored["profiles"].items()}
            return saved, stored["default"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
            raise ProfileError(
                f"{self.path} cannot be read. Correct or remove it, and log in again."
            ) from exc

    def save(self, name: str, profile: Profile) -> None:
        """It becomes the one that is meant when nobody says. Raises ProfileError."""
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name) or name == LOCAL:
            raise ProfileError(
                f"A profile's name has 1 to 64 letters, digits, `.`, `_` or `-`; {LOCAL} is that of this checkout."
            )
        saved, _ = self.read()
        self._write({**saved, name: profile}, name)

    def remove(self, name: str) -> None:
        """Raises ProfileError."""
        saved, default = self.read()
        if name not in saved:
            raise ProfileError(
                f"There is no profile {name}. The ones that are: {', '.join(saved) or 'none'}."
            )
        del saved[name]
        self._write(saved, next(iter(saved), None) if default == name else default)

    def _write(self, saved: Mapping[str, Profile], default: str | None) -> None:
        profiles = {name: asdict(profile) for name, profile in saved.items()}
        content = {"default": default, "profiles": profiles}
        text = json.dumps(content, indent=2)
        part = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.unlink(missing_ok=True)
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123  a descriptor
                file.write(f"{text}\n")
            part.replace(self.path)
        except OSError as exc:
            raise ProfileError(f"{self.path} cannot be written: {exc.strerror}.") from exc

    def _close_to_others(self) -> None:
        if os.name != "posix" or not self.path.stat().st_mode & 0o077:
            return
        try:
            self.path.chmod(0o600)
        except OSError:
            raise ProfileError(
                f"{self.path} holds tokens and is open to others. Close it: chmod 600"
            ) from None
        self._warn(
            f"{self.path} was open to others and is closed now. Make new tokens if they may have read it."
        )


def profiles_path(environment: Mapping[str, str]) -> Path:
    """https://specifications.freedesktop.org/basedir-spec/latest/"""
    home = Path(environment.get("XDG_CONFIG_HOME", ""))
    if not home.is_absolute():
        home = Path.home() / ".config"
    return home / "wellhead" / "profiles.json"


def find_target(
    environment: Mapping[str, str], profiles: Profiles, *, url: str | None, name: str | None
) -> Target:
    """Whoever is named first: `url`, `name` (options), then WELLHEAD_URL, WELLHEAD_PROFILE, the
    default profile, and at last the stack of this checkout. WELLHEAD_TOKEN goes before a saved
    token. Raises ProfileError, InvalidAddress.
    """
    own_token = environment.get("WELLHEAD_TOKEN") or None
    address = None if name else url or environment.get("WELLHEAD_URL")
    if address:
        address = checked_url(address)
        return Target(address, own_token or _token_for(address, profiles))
    saved, default = profiles.read()
    wanted = name or environment.get("WELLHEAD_PROFILE") or default
    if wanted is None or wanted == LOCAL:
        return _named_local(own_token)
    if wanted not in saved:
        names = ", ".join([*saved, LOCAL])
        raise ProfileError(f"There is no profile {wanted}. The ones that are: {names}.")
    profile = saved[wanted]
    return Target(checked_url(profile.url), own_token or profile.token)


def local_stack() -> Target | None:
    """What `make run` serves in the checkout that this program belongs to."""
    try:
        facts = json.loads((CHECKOUT / ".local" / "stack.json").read_text("utf-8"))
        token = (CHECKOUT / ".local" / "token").read_text("utf-8").strip()
    except (OSError, ValueError):
        return None
    return Target(str(facts["api_url"]), token)


def is_checkout() -> bool:
    return (CHECKOUT / "local" / "__main__.py").exists()


def _named_local(token: str | None) -> Target:
    found = local_stack()
    if found:
        return Target(found.url, token or found.token)
    if is_checkout():
        raise ProfileError(
            "No Wellhead runs in this checkout. Start it with `make run`, or log in: wellhead login URL"
        )
    raise ProfileError


def _token_for(url: str, profiles: Profiles) -> str | None:
    saved, _ = profiles.read()
    known: list[Any] = [*saved.values()]
    stack = local_stack()
    if stack:
        known.append(stack)
    return next((each.token for each in known if each.url == url), None)
