"""What helps to define a source: units, presets, and where a file is sent to."""

from typing import Annotated, Any, TypedDict


class Units(TypedDict):
    liquid: list[str]
    gas: list[str]
    days: list[str]
    at: Annotated[list[str], "reference conditions of gas"]


class Preset(TypedDict):
    """A mapping of a public source that ships with Wellhead."""

    name: Annotated[str, "what a definition writes as preset"]
    title: str | None
    publisher: str | None
    address: Annotated[str | None, "where its publisher tells of the data"]
    verified: Annotated[bool | None, "it was checked against data as published"]
    checked_against: str | None
    assumed: list[str] | None
    definition: Annotated[dict[str, Any], "its mapping"]


class PresetList(TypedDict):
    presets: list[Preset]


class Upload(TypedDict):
    """How a file is sent, and where it is then."""

    url: Annotated[str, "where the form is sent to, by POST as multipart/form-data"]
    fields: Annotated[
        dict[str, str], "of the form, in any order; `file` comes after them and is the last one"
    ]
    address: Annotated[str, "of the file: what a definition writes as url"]
    folder: Annotated[str, "of all files that were sent for the source, for a definition of them"]
    most_bytes: Annotated[int, "a longer file is refused, and an empty one"]
    expires_at: Annotated[int, "until when the file may be sent, epoch seconds"]
