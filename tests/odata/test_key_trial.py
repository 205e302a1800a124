"""A declared key is taken where the service shows that it filters and sorts by it,
and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.scripted_source import Answer, ScriptedSource, page

if TYPE_CHECKING:
    from support.scripted_source import Connect, Serve

    from chalicelib.odata.survey import Survey


def declared(*types: str) -> Answer:
    names = [f"K{number}" for number in range(len(types))]
    key = "".join(f'<PropertyRef Name="{name}"/>' for name in names)
    fields = "".join(
        f'<Property Name="{n}" Type="{t}"/>' for n, t in zip(names, types, strict=True)
    )
    kind = f'<EntityType Name="T"><Key>{key}</Key>{fields}</EntityType>'
    service = '<EntityContainer><EntitySet Name="Wells" EntityType="N.T"/></EntityContainer>'
    return Answer(f"<Edmx><Schema>{kind}{service}</Schema></Edmx>".encode())


def keyed(*keys: Any) -> bytes:
    return page([{f"K{number}": part for number, part in enumerate(key)} for key in keys])


def surveyed(
    serve: Serve, connect: Connect, described: Answer, *steps: Answer, **settings: str
) -> tuple[Survey, ScriptedSource]:
    source = serve(*steps)
    source.described = described
    return connect(source.url, **settings).adapter.survey(), source


NUMBERS = [[number] for number in range(1, 21)]
LETTERS = [[f"w{number:02}"] for number in range(1, 21)]
REFUSED = Answer(b"", 501)


@pytest.mark.parametrize(
    ("kind", "sample", "answer", "expected"),
    [
        ("Edm.Int32", NUMBERS, Answer(keyed([21], [22])), True),
        ("Edm.Int64", [["9"], ["10"]], Answer(keyed(["11"])), True),
        ("Edm.Int32", NUMBERS, Answer(keyed([1], [2])), False),  # the filter did nothing
        ("Edm.Int32", NUMBERS, Answer(keyed([22], [21])), False),  # the order did nothing
        ("Edm.Int32", NUMBERS, Answer(keyed([0])), False),
        ("Edm.Int32", NUMBERS, Answer(keyed([None])), False),
        ("Edm.Int32", NUMBERS, Answer(keyed()), False),  # of more rows than these, none is after
        ("Edm.Int32", NUMBERS[:3], Answer(keyed()), True),  # these are all
        ("Edm.Int32", NUMBERS, Answer(b"no page"), False),
        ("Edm.Int32", NUMBERS, REFUSED, False),
        ("Edm.Int32", NUMBERS, Answer(b"", 400), False),
        ("Edm.Int32", [[1], [None]], REFUSED, False),
        (
            "Edm.String",
            LETTERS,
            Answer(keyed(["W21"])),
            True,
        ),  # a service has an order of letters of its own
        ("Edm.String", LETTERS, Answer(keyed(["w01"], ["w02"])), False),
        ("Edm.Boolean", [[True]], REFUSED, False),
    ],
)
def test_what_a_trial_shows(
    *, serve: Serve, connect: Connect, kind: str, sample: list[Any], answer: Answer, expected: bool
) -> None:
    survey, source = surveyed(
        serve, connect, declared(kind), Answer(keyed(*sample)), answer, source_retries="0"
    )

    assert (survey.own_key, survey.takes_keys) == (["K0"], expected)
    assert len(source.asked) <= 2


def test_the_rows_after_the_last_one_of_the_sample_are_asked_for(
    serve: Serve, connect: Connect
) -> None:
    described, sample = declared("Edm.Int32", "Edm.String"), Answer(keyed([1, "a"], [1, "b"]))
    survey, source = surveyed(serve, connect, described, sample, Answer(keyed([1, "c"])))

    assert survey.takes_keys
    assert source.asked[1].query == {
        "$orderby": "K0,K1",
        "$top": "20",
        "$filter": "K0 gt 1 or (K0 eq 1 and (K1 gt 'b'))",
    }


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("Edm.Double", {}),
        ("Edm.Int32", {"source_paging": "links"}),
        ("Edm.Int32", {"source_paging": "skip"}),
    ],
)
def test_nothing_is_tried_where_keys_are_not_wanted_or_no_good(
    serve: Serve, connect: Connect, kind: str, settings: dict[str, str]
) -> None:
    survey, source = surveyed(
        serve, connect, declared(kind), Answer(keyed([1.5])), REFUSED, **settings
    )

    assert not survey.takes_keys
    assert len(source.asked) == 1
