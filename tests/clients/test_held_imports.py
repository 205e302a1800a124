"""An import that is held: what the clients tell of it, and somebody's word on it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from support.api_answers import JOB_ID, failure, job, success
from support.held_jobs import NEXT_ID, NULLED, REJECTED, UNPROVED, UNTIL, accepted, held
from support.program import environment_at, on_a_terminal, run_at

from clients.api.answers import Job
from clients.api.client import WellheadClient
from clients.api.errors import AcceptTooLate, ApiError, FindingsDiffer, HeldImport, NotHeld
from clients.api.findings import Finding
from clients.cli.terminal import moment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.scripted_source import ScriptedSource, Serve

NAMED = ("--finding", "REJECTED", "--finding", "NULLED")


@pytest.fixture
def clients() -> Iterator[list[WellheadClient]]:
    made: list[WellheadClient] = []
    yield made
    for client in made:
        client.close()


def connect(server: ScriptedSource, clients: list[WellheadClient]) -> WellheadClient:
    clients.append(WellheadClient(server.root, "secret", pause=lambda _: None))
    return clients[-1]


# -- the client -----------------------------------------------------------------------------------------------


def test_a_held_job_is_told_with_its_findings(serve: Serve, clients: list[WellheadClient]) -> None:
    told = connect(serve(success(held(REJECTED, UNPROVED))), clients).status(JOB_ID)

    assert (told.is_held, told.waits_for_word, told.can_be_accepted, told.accept_until) == (
        True,
        True,
        True,
        UNTIL,
    )
    assert [finding.check for finding in told.holding] == ["REJECTED"]
    assert told.findings == (
        Finding(
            check="REJECTED",
            message="83 of 1,000 rows cannot be stored.",
            limit="5 % of the rows, and 20",
            found="83 of 1,000 rows",
            examples=tuple(REJECTED["examples"]),
            fingerprint="f1",
        ),
        Finding(
            check="COMPLETENESS_UNKNOWN",
            message="The source does not tell how many rows it has.",
            holds=False,
            fingerprint="f3",
        ),
    )


@pytest.mark.parametrize(
    "state", [{"discarded_at": 5.0, "discarded_by": "ada"}, {"retried_by": NEXT_ID}]
)
def test_a_word_is_given_once(state: dict[str, object]) -> None:
    told = Job.from_view(held(**state))

    assert (told.is_held, told.waits_for_word, told.can_be_accepted) == (True, False, False)


def test_an_older_api_holds_nothing() -> None:
    error = {
        "code": "SOURCE_TIMEOUT",
        "message": "No.",
        "retryable": True,
        "phase": None,
        "page": 1,
        "attempt": 1,
    }
    told = Job.from_view(job("FAILED", error=error))

    assert (told.is_held, told.findings, told.accept_until, told.accepted, told.completeness) == (
        False, (), None, (), None,
    )  # fmt: skip


def test_a_finding_of_a_newer_api_is_shown_by_its_own_name() -> None:
    [found] = Job.from_view(
        held({"check": "NEW_KIND", "found": 1, "colour": "blue", "examples": ["text"]})
    ).findings

    assert (found.title, found.holds, found.can_be_accepted) == ("New kind", True, True)
    assert (found.columns, found.rows, found.raw["colour"]) == (
        ["example"],
        [{"example": "text"}],
        "blue",
    )


def test_accepting_names_every_finding_and_answers_the_new_job(
    serve: Serve, clients: list[WellheadClient]
) -> None:
    server = serve(success(accepted("PENDING")))

    started = connect(server, clients).accept(JOB_ID, ["REJECTED", "NULLED"])

    [asked] = server.asked
    assert (asked.method, asked.path) == ("POST", f"/api/v1/wells/import/jobs/{JOB_ID}/accept")
    assert json.loads(asked.body) == {"findings": ["REJECTED", "NULLED"]}
    assert (started.job_id, started.retry_of, started.accepted_by) == (NEXT_ID, JOB_ID, "ada")
    assert started.accepted == ("f1", "f2")


def test_discarding_answers_the_job(serve: Serve, clients: list[WellheadClient]) -> None:
    server = serve(success(held(discarded_at=5.0, discarded_by="ada")))

    told = connect(server, clients).discard(JOB_ID)

    [asked] = server.asked
    assert (asked.method, asked.path) == ("POST", f"/api/v1/wells/import/jobs/{JOB_ID}/discard")
    assert (told.discarded_at, told.discarded_by) == (5.0, "ada")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("NOT_HELD", NotHeld),
        ("FINDINGS_DIFFER", FindingsDiffer),
        ("ACCEPT_TOO_LATE", AcceptTooLate),
    ],
)
def test_a_refused_word_is_an_error_of_its_own(
    serve: Serve, clients: list[WellheadClient], code: str, kind: type[ApiError]
) -> None:
    """As the code, or as the rule beside the code of all rules."""
    for answer in (failure(409, code), failure(409, "BUSINESS_RULE_VIOLATION", rule=code)):
        with pytest.raises(HeldImport) as refused:
            connect(serve(answer), clients).accept(JOB_ID, ["REJECTED"])
        assert type(refused.value) is kind


# -- the command line -----------------------------------------------------------------------------------------


def test_an_import_that_ends_held_says_what_was_found_and_what_helps(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve(success(job("PENDING")), success(held(REJECTED, NULLED, UNPROVED)))

    done = run_at(server, tmp_path, "import")

    assert done.returncode == 6
    facts = dict(line.split("\t") for line in done.stdout.splitlines())
    assert (facts["status"], facts["held until"]) == ("HELD", moment(UNTIL))
    lines = done.stderr.splitlines()
    first = lines.index("HELD: The import is held.")
    assert lines[first + 1 :] == [
        "REJECTED (holds): Rows were rejected.",
        "  83 of 1,000 rows cannot be stored.",
        "  found: 83 of 1,000 rows",
        "  limit: 5 % of the rows, and 20",
        "field_code\twell_code\treason\traw",
        '007\tNO 30/6-E-2 H\tNOT_A_NUMBER\t{"oil": "n/a"}',
        "007\t\tMISSING_KEY\t{}",
        "NULLED (holds): Stored values would turn empty.",
        "  Stored values would turn null: 1,000 of 1,000 of water_production_kbd.",
        "  found: 1,000",
        "  limit: 50",
        "column\tbefore\tafter",
        "water_production_kbd\t1.5\t",
        "COMPLETENESS_UNKNOWN (shown): Whether all rows came cannot be proved.",
        "  The source does not tell how many rows it has.",
        "It would change: 0 new, 1,000 updated, 0 unchanged, 83 rejected rows.",
        "Stored volumes of the periods that it covers:",
        "column\tbefore\tafter",
        "water_production_kbd\t866.7\t0.0",
        "Where they change most:",
        "field\tname\tcolumn\tbefore\tafter",
        "007\tVolve\twater_production_kbd\t800.5\t0.0",
        f"Nothing was published: what was there before is there still. It can be accepted until {moment(UNTIL)}.",
        f"Publish it all the same: wellhead accept {JOB_ID} --finding REJECTED --finding NULLED",
        f"Let it go:               wellhead discard {JOB_ID}",
    ]


def test_what_cannot_be_accepted_is_only_let_go(serve: Serve, tmp_path: Path) -> None:
    server = serve(success(held(REJECTED, NULLED | {"can_be_accepted": False})))

    done = run_at(server, tmp_path, "status", JOB_ID, "--wait")

    assert done.returncode == 6
    assert "This cannot be accepted." in done.stderr
    assert "wellhead accept" not in done.stderr
    assert f"wellhead discard {JOB_ID}" in done.stderr


def test_what_is_too_late_to_accept_is_only_let_go_and_names_the_later_one(
    serve: Serve, tmp_path: Path
) -> None:
    late = {"message": "A later import was held since.", "held_since": NEXT_ID}
    server = serve(success(held(REJECTED, too_late=late)))

    done = run_at(server, tmp_path, "status", JOB_ID)

    assert f"A later import was held since. wellhead status {NEXT_ID}" in done.stderr
    assert "wellhead accept" not in done.stderr
    assert "held until" not in done.stdout
    assert f"wellhead discard {JOB_ID}" in done.stderr


def test_what_was_accepted_is_told_from_what_holds(serve: Serve, tmp_path: Path) -> None:
    done = run_at(
        serve(success(held(REJECTED, NULLED | {"holds": False}))), tmp_path, "status", JOB_ID
    )

    assert "REJECTED (holds): " in done.stderr
    assert "NULLED (accepted): " in done.stderr


def test_on_a_terminal_the_problem_of_an_example_stands_whole(serve: Serve, tmp_path: Path) -> None:
    problem = "NOT_A_NUMBER liquids_production_kbd; NOT_A_NUMBER oil_production_kbd"
    example = {
        "problem": problem,
        "rows": 83,
        "page": 1,
        "position": 1,
        "raw": '{"field_code": "007", ' * 20,
    }
    environment = environment_at(serve(success(held(REJECTED | {"examples": [example]}))), tmp_path)

    _, errors = on_a_terminal("status", JOB_ID, environment=environment)

    assert problem in re.sub("\x1b\\[[0-9;]*m", "", errors)


def test_a_held_import_on_a_terminal_has_its_examples_as_a_table(
    serve: Serve, tmp_path: Path
) -> None:
    environment = environment_at(serve(success(held())), tmp_path)

    output, errors = on_a_terminal("status", JOB_ID, environment=environment)

    assert re.search("\x1b\\[33mstatus +HELD", output)
    plainly = re.sub("\x1b\\[[0-9;]*m", "", errors)
    assert re.search(r"field_code +well_code +reason +raw", plainly)
    assert re.search(r"007 +NO 30/6-E-2 H +NOT_A_NUMBER", plainly)


def test_the_json_of_a_held_import_is_what_the_api_said(serve: Serve, tmp_path: Path) -> None:
    done = run_at(serve(success(held())), tmp_path, "status", JOB_ID, "--wait", "--json")

    assert (done.returncode, done.stderr) == (6, "")
    assert json.loads(done.stdout) == held()


def test_the_list_tells_which_imports_are_held_and_until_when(serve: Serve, tmp_path: Path) -> None:
    late = held(too_late={"message": "A later import was held since.", "held_since": NEXT_ID})
    listed = [held(), held(discarded_at=5.0), late, job("COMPLETED")]

    done = run_at(serve(success({"jobs": listed, "next_cursor": None})), tmp_path, "jobs")

    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [(row[1], row[6]) for row in rows] == [
        ("status", "held until"),
        ("HELD", moment(UNTIL)),
        ("HELD", ""),
        ("HELD", ""),
        ("COMPLETED", ""),
    ]


def test_what_became_of_a_held_import_is_told(serve: Serve, tmp_path: Path) -> None:
    discarded = run_at(
        serve(success(held(discarded_at=5.0, discarded_by="ada"))), tmp_path, "status", JOB_ID
    )
    taken = run_at(serve(success(held(retried_by=NEXT_ID))), tmp_path, "status", JOB_ID)

    assert discarded.stderr.splitlines()[-1] == f"It was discarded at {moment(5.0)} by ada."
    assert (
        taken.stderr.splitlines()[-1]
        == f"The import that goes on from it: wellhead status {NEXT_ID}"
    )


def test_accepting_follows_the_new_import_to_its_end(serve: Serve, tmp_path: Path) -> None:
    server = serve(success(accepted("PENDING")), success(accepted()))

    done = run_at(
        server, tmp_path, "accept", JOB_ID, "--finding", "rejected", "--finding", "NULLED"
    )

    assert done.returncode == 0
    assert json.loads(server.asked[0].body) == {"findings": ["REJECTED", "NULLED"]}
    facts = dict(line.split("\t") for line in done.stdout.splitlines())
    assert (facts["job"], facts["goes on from"], facts["accepted by"]) == (NEXT_ID, JOB_ID, "ada")


def test_accepting_what_was_accepted_and_ended_badly_tells_the_way_on(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve(success(accepted("CANCELLED")))

    done = run_at(
        server, tmp_path, "accept", JOB_ID, "--finding", "REJECTED", "--finding", "NULLED"
    )

    assert done.returncode == 1
    assert f"Nothing was published. wellhead retry {NEXT_ID}" in done.stderr


def test_an_accepted_import_that_finds_something_new_is_held_again(
    serve: Serve, tmp_path: Path
) -> None:
    again = held(NULLED, retry_of=JOB_ID) | {"job_id": NEXT_ID}
    server = serve(success(accepted("PENDING")), success(again))

    done = run_at(server, tmp_path, "accept", JOB_ID, *NAMED)

    assert done.returncode == 6
    assert f"wellhead accept {NEXT_ID} --finding NULLED" in done.stderr


def test_nothing_is_accepted_without_being_named(serve: Serve, tmp_path: Path) -> None:
    server = serve(success(held()))

    for options in ([], ["--all"], ["--all", *NAMED]):
        done = run_at(server, tmp_path, "accept", JOB_ID, *options)
        assert (done.returncode, done.stdout) == (2, "")
        assert "--finding" in done.stderr
    assert run_at(server, tmp_path, "accept", JOB_ID, "--all", told="y\n").returncode == 2
    assert server.asked == []


def test_all_shows_the_findings_and_asks(serve: Serve, tmp_path: Path) -> None:
    server = serve(
        success(held(REJECTED, NULLED, UNPROVED)), success(accepted("PENDING")), success(accepted())
    )

    _, errors = on_a_terminal(
        "accept", JOB_ID, "--all", environment=environment_at(server, tmp_path), typed="y\n"
    )

    assert errors.index("Rows were rejected.") < errors.index(
        "Publish it, and accept REJECTED, NULLED?"
    )
    assert json.loads(server.asked[1].body) == {"findings": ["REJECTED", "NULLED"]}


@pytest.mark.parametrize("typed", ["n\n", "\n"])
def test_who_does_not_say_yes_accepts_nothing(serve: Serve, tmp_path: Path, typed: str) -> None:
    server = serve(success(held()))
    environment = environment_at(server, tmp_path)

    _, errors = on_a_terminal(
        "accept", JOB_ID, "--all", environment=environment, typed=typed, code=6
    )

    assert "Nothing was done: it stays held." in errors
    assert [asked.method for asked in server.asked] == ["GET"]


def test_all_of_what_is_not_held_is_refused(serve: Serve, tmp_path: Path) -> None:
    server = serve(success(job("COMPLETED")))
    environment = environment_at(server, tmp_path)

    _, errors = on_a_terminal(
        "accept", JOB_ID, "--all", environment=environment, typed="y\n", code=1
    )

    assert "NOT_HELD: This import is not held" in errors
    assert len(server.asked) == 1


def test_a_refused_word_says_what_to_do(serve: Serve, tmp_path: Path) -> None:
    differ = run_at(serve(failure(409, "FINDINGS_DIFFER")), tmp_path, "accept", JOB_ID, *NAMED)
    others = failure(
        409, "FINDINGS_DIFFER", details={"job_id": JOB_ID, "findings": ["NULLED", "RESTATED"]}
    )
    named = run_at(serve(others), tmp_path, "accept", JOB_ID, *NAMED)
    late = run_at(serve(failure(409, "ACCEPT_TOO_LATE")), tmp_path, "accept", JOB_ID, *NAMED)
    later = failure(409, "ACCEPT_TOO_LATE", details={"job_id": JOB_ID, "held_since": NEXT_ID})
    replaced = run_at(serve(later), tmp_path, "accept", JOB_ID, *NAMED)
    twice = run_at(serve(failure(409, "NOT_HELD")), tmp_path, "discard", JOB_ID)

    assert (differ.returncode, differ.stderr.splitlines()) == (
        1,
        ["FINDINGS_DIFFER: No. (request r-1)", "See what holds it: wellhead status JOB"],
    )
    assert (
        named.stderr.splitlines()[-1]
        == f"What holds it: NULLED, RESTATED. See it: wellhead status {JOB_ID}"
    )
    assert (
        replaced.stderr.splitlines()[-1]
        == f"Look at the one that was held since: wellhead status {NEXT_ID}"
    )
    assert late.stderr.splitlines()[-1] == "Start a new one: wellhead import"
    assert (twice.returncode, twice.stderr) == (1, "NOT_HELD: No. (request r-1)\n")


def test_discarding_shows_the_job(serve: Serve, tmp_path: Path) -> None:
    server = serve(success(held(discarded_at=5.0, discarded_by="ada")))

    done = run_at(server, tmp_path, "discard", JOB_ID)

    facts = dict(line.split("\t") for line in done.stdout.splitlines())
    assert (done.returncode, facts["discarded"], facts["discarded by"]) == (0, moment(5.0), "ada")
    assert "held until" not in facts
