"""Which Wellhead the clients mean, and which token goes where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from clients.api.errors import InvalidAddress
from clients.api.profiles import Profile, ProfileError, Profiles, Target, find_target, profiles_path

if TYPE_CHECKING:
    from pathlib import Path

HOME, WORK = (
    Profile("https://home.example.com", "home-token"),
    Profile("https://work.example.com/api", "work-token"),
)


@pytest.fixture
def profiles(tmp_path: Path) -> Profiles:
    """`home` was saved first, so `work` is the default."""
    warnings: list[str] = []
    book = Profiles(tmp_path / "config" / "profiles.json", warnings.append)
    book.save("home", HOME)
    book.save("work", WORK)
    return book


@pytest.mark.parametrize(
    ("environment", "options", "meant"),
    [
        ({}, {}, WORK),
        ({"WELLHEAD_PROFILE": "home"}, {}, HOME),
        ({"WELLHEAD_PROFILE": "home"}, {"name": "work"}, WORK),
        (
            {"WELLHEAD_URL": "https://x.example.com", "WELLHEAD_PROFILE": "home"},
            {},
            Target("https://x.example.com", None),
        ),
        ({"WELLHEAD_URL": "https://x.example.com"}, {"name": "home"}, HOME),
        ({"WELLHEAD_URL": "https://x.example.com"}, {"url": HOME.url + "/"}, HOME),
        ({"WELLHEAD_URL": HOME.url}, {}, HOME),
        ({"WELLHEAD_URL": WORK.url + "/api/v1"}, {}, WORK),
        ({"WELLHEAD_TOKEN": "new"}, {}, Target(WORK.url, "new")),
        ({"WELLHEAD_TOKEN": "new", "WELLHEAD_URL": HOME.url}, {}, Target(HOME.url, "new")),
        ({"WELLHEAD_TOKEN": "", "WELLHEAD_URL": "", "WELLHEAD_PROFILE": ""}, {}, WORK),
    ],
)
def test_whoever_is_named_first_is_meant(
    profiles: Profiles,
    environment: dict[str, str],
    options: dict[str, str],
    meant: Profile | Target,
) -> None:
    told = {"url": None, "name": None, **options}

    assert find_target(environment, profiles, **told) == Target(meant.url, meant.token)


def test_a_profile_that_is_not_there(profiles: Profiles) -> None:
    with pytest.raises(
        ProfileError, match=r"no profile other\. The ones that are: home, work, local"
    ):
        find_target({}, profiles, url=None, name="other")
    with pytest.raises(ProfileError, match="no profile other"):
        profiles.remove("other")


def test_the_default_follows_what_is_left(profiles: Profiles) -> None:
    profiles.remove("work")
    assert profiles.read() == ({"home": HOME}, "home")

    profiles.remove("home")
    assert profiles.read() == ({}, None)


@pytest.mark.parametrize("name", ["local", "", "a b", "../x", "x" * 65])
def test_a_name_that_a_profile_cannot_have(profiles: Profiles, name: str) -> None:
    with pytest.raises(ProfileError):
        profiles.save(name, HOME)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"profiles": {"x": {"url": 1}}, "default": null}', "\xff"]
)
def test_a_file_that_cannot_be_read_is_not_overwritten(profiles: Profiles, content: str) -> None:
    profiles.path.write_bytes(content.encode("latin-1"))

    for act in (
        profiles.read,
        lambda: profiles.save("home", HOME),
        lambda: profiles.remove("home"),
    ):
        with pytest.raises(ProfileError, match="Correct or remove it"):
            act()
    assert profiles.path.read_bytes() == content.encode("latin-1")


def test_a_saved_address_is_checked_again(profiles: Profiles) -> None:
    profiles.save("home", Profile("http://home.example.com", "t"))

    with pytest.raises(InvalidAddress, match="https"):
        find_target({}, profiles, url=None, name="home")


def test_a_directory_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ProfileError, match="cannot be written"):
        Profiles(tmp_path / "file" / "profiles.json", print).save("home", HOME)


def test_where_the_profiles_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert profiles_path({}) == tmp_path / ".config" / "wellhead" / "profiles.json"
    assert profiles_path({"XDG_CONFIG_HOME": "relative"}) == profiles_path({})
    assert (
        profiles_path({"XDG_CONFIG_HOME": "/etc/xdg"}).as_posix()
        == "/etc/xdg/wellhead/profiles.json"
    )
