"""The state machine of the template under moto's interpreter,
before functions that answer as a test says.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import KEYS, a_job, aws_client
from support.rights import TABLE_BUCKET, resolved
from support.states_lambda import Failed, StatesLambda
from support.waiting import wait_until

from chalicelib.errors import DispatchFailed
from chalicelib.jobs.executions import RUNNING, Executions, MachineDispatcher
from chalicelib.jobs.lock import holder_of
from chalicelib.jobs.sweeper import DISPATCH_SECONDS, sweep
from infra.fragments import merged_fragments
from local.aws.emulator import REGION
from local.aws.machine import run_machines
from local.aws.runtime_api import LambdaFunction
from local.machine import machine_definition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.coordination import Clock

    from chalicelib.jobs.job import Job
    from chalicelib.jobs.manager import JobManager
    from local.aws.emulator import LocalAws

ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:import"
PLANNED = {
    "outcome": "planned",
    "parts": [0, 1, 2, 4, 7],
    "at_once": 2,
    "holder": "the plan",
    "fence": 7,
}
OK: dict[str, Callable[[dict[str, Any]], Any]] = {
    "plan": lambda _: PLANNED,
    "part": lambda _: {"outcome": "read"},
    "merge": lambda _: {"outcome": "COMPLETED"},
    "fail": lambda _: "failed",
}


@pytest.fixture
def functions(aws: LocalAws) -> Iterator[StatesLambda]:
    with StatesLambda(dict(OK)) as functions:
        run_machines(region=REGION, lambda_url=functions.url, keys=KEYS)
        aws.create_state_machine("import", _impatient(machine_definition(functions.arns)))
        yield functions


@pytest.fixture
def executions(aws: LocalAws) -> Executions:
    return Executions(stepfunctions=aws_client(aws.url, "stepfunctions"), machine=ARN)


def _impatient(definition: str) -> str:
    """With fewer tries and shorter pauses; all else is as deployed."""

    def shorten(told: dict[str, Any]) -> dict[str, Any]:
        is_retry = told.get("ErrorEquals") == ["States.ALL"] and "MaxAttempts" in told
        return told | {"MaxAttempts": 1} if is_retry else told

    return json.dumps(json.loads(definition, object_hook=shorten))


def started(executions: Executions) -> Job:
    job = a_job(time.time)  # type: ignore[arg-type]
    executions.start(job)
    return job


def end_of(executions: Executions, job: Job) -> str:
    name = f"{job.job_id}-0"
    wait_until(lambda: executions.status(name) != RUNNING)
    return str(executions.status(name))


def test_a_plan_its_parts_and_the_merge(functions: StatesLambda, executions: Executions) -> None:
    """One part needs another worker, and the worker of one dies."""
    first = {4: lambda: {"outcome": "more"}, 1: _die}

    def read(event: dict[str, Any]) -> Any:
        wait_until(lambda: functions.most_at_once >= 2)
        time.sleep(0.05)  # time for a third, wrongly
        return first.pop(event["part"], lambda: {"outcome": "read"})()

    functions.answers["part"] = read
    job = started(executions)

    assert end_of(executions, job) == "SUCCEEDED"
    asked = {"job_id": job.job_id, "execution": f"{job.job_id}-0"}
    assert functions.calls("plan") == functions.calls("merge") == [asked]
    under = {"job_id": job.job_id, "holder": "the plan", "fence": 7, "at_once": 2}
    parts = sorted(functions.calls("part"), key=lambda event: event["part"])
    assert [{name: part[name] for name in (*under, "part")} for part in parts] == [
        under | {"part": number} for number in (0, 1, 1, 2, 4, 4, 7)
    ]
    assert functions.most_at_once == 2
    assert functions.calls("fail") == []
    assert functions.asked[-1][0] == "merge"


def _die() -> Any:
    raise Failed("Runtime.ExitError")


def test_where_nothing_was_planned_the_machine_has_ended_and_without_parts_the_merge_does_it_all(
    functions: StatesLambda, executions: Executions
) -> None:
    functions.answers["plan"] = lambda _: {"outcome": "nothing to do"}
    assert end_of(executions, started(executions)) == "SUCCEEDED"
    functions.answers["plan"] = lambda _: PLANNED | {"parts": [], "at_once": 1}
    assert end_of(executions, started(executions)) == "SUCCEEDED"

    assert [name for name, _ in functions.asked] == ["plan", "plan", "merge"]


def test_a_state_that_fails_is_tried_again_and_then_the_job_is_ended(
    functions: StatesLambda, executions: Executions
) -> None:
    def fail(event: dict[str, Any]) -> Any:
        if event.get("part", 7) == 7:
            raise Failed("Runtime.ExitError")
        return {"outcome": "read"}

    jobs = {}
    for state in ("merge", "part"):  # the earlier ones go well
        functions.answers[state] = fail
        jobs[state] = started(executions)
        assert end_of(executions, jobs[state]) == "FAILED"
        of_job = [
            event for event in functions.calls(state) if event["job_id"] == jobs[state].job_id
        ]
        assert len([event for event in of_job if event.get("part", 7) == 7]) == 2

    told = functions.calls("fail")
    assert [event["job_id"] for event in told] == [job.job_id for job in jobs.values()]
    assert {event["error"]["Error"] for event in told} == {"Runtime.ExitError"}
    assert told[0]["execution"] == f"{told[0]['job_id']}-0"


@pytest.fixture
def spark_machine(functions: StatesLambda, aws: LocalAws) -> Executions:
    """The machine of a stack that has Spark, as deployed,
    but that a function called spark is what EMR is.
    """
    definition = json.loads(machine_definition(functions.arns))
    told = merged_fragments()["Resources"]["StateMachine"]["Properties"]["Definition"]["States"][
        "Spark"
    ]
    conditions = {"HasSpark": True}
    state = resolved(
        told, conditions, {"SparkApplication": "app", "SparkLogs": "logs", "Catalog": TABLE_BUCKET}
    )
    assert state["Resource"] == "arn:aws:states:::emr-serverless:startJobRun.sync"
    state |= {"Resource": LambdaFunction(name="spark", handler="").arn}
    state["Retry"][0] |= {"IntervalSeconds": 1}
    definition["States"]["Spark"] = state
    aws.create_state_machine("with-spark", _impatient(json.dumps(definition)))
    return Executions(
        stepfunctions=aws_client(aws.url, "stepfunctions"),
        machine=ARN.replace("import", "with-spark"),
    )


def test_a_merge_for_spark_is_spark_s_and_then_goes_on(
    functions: StatesLambda, spark_machine: Executions
) -> None:
    """Its job dies once, and is started with the same order again."""
    outcomes = [
        {"outcome": "COMPLETED"},
        {"outcome": "spark", "order": "s3://bucket/segments/job/7-spark.json"},
    ]
    dies = [_die]
    functions.answers["merge"] = lambda _: outcomes.pop()
    functions.answers["spark"] = lambda _: dies.pop()() if dies else {}
    job = started(spark_machine)

    assert end_of(spark_machine, job) == "SUCCEEDED"
    assert [name for name, _ in functions.asked if name != "part"] == [
        "plan",
        "merge",
        "spark",
        "spark",
        "merge",
    ]
    first, second = functions.calls("spark")
    assert first == second
    assert (first["Name"], first["ApplicationId"], first["ExecutionRoleArn"]) == (
        job.job_id,
        "app",
        "arn of SparkRole",
    )
    submit = first["JobDriver"]["SparkSubmit"]
    assert submit["EntryPointArguments"] == ["s3://bucket/segments/job/7-spark.json"]
    assert submit["EntryPoint"] == "s3://Spark-Job-Bucket/Spark-Job-Key"
    assert (
        f"--conf spark.sql.catalog.lake.warehouse={TABLE_BUCKET} "
        in submit["SparkSubmitParameters"]
    )
    again, merged = functions.calls("merge")
    assert again == merged


def test_where_spark_fails_or_is_not_there_the_job_is_ended(
    functions: StatesLambda, spark_machine: Executions, executions: Executions
) -> None:
    functions.answers["merge"] = lambda _: {"outcome": "spark", "order": "s3://bucket/order"}
    functions.answers["spark"] = lambda _: _die()

    for machine in (spark_machine, executions):
        assert end_of(machine, started(machine)) == "FAILED"

    assert [event["error"]["Error"] for event in functions.calls("fail")] == [
        "Runtime.ExitError",
        "NoSpark",
    ]


def test_what_is_dispatched_is_an_execution_and_the_next_one_has_another_name(
    functions: StatesLambda, executions: Executions, aws: LocalAws
) -> None:
    job = a_job(time.time)  # type: ignore[arg-type]
    jobs = {job.job_id: job}
    dispatcher = MachineDispatcher(
        lambda_client=aws_client(functions.url, "lambda"),
        function="import",
        executions=executions,
        find=jobs.get,
    )
    dispatcher.dispatch(job.job_id)
    dispatcher.dispatch(job.job_id)  # delivered twice, while it runs and when it has ended
    assert end_of(executions, job) == "SUCCEEDED"
    dispatcher.dispatch(job.job_id)
    jobs[job.job_id] = replace(job, attempt=2)
    dispatcher.dispatch(job.job_id)
    dispatcher.dispatch("018cc251-f400-7000-8000-000000000000")  # somebody has removed its item

    wait_until(lambda: executions.status(f"{job.job_id}-2") == "SUCCEEDED")
    assert len(functions.calls("plan")) == 2


def test_a_start_that_failed_before_it_claimed_is_made_again_by_the_sweeper(
    functions: StatesLambda, executions: Executions, manager: JobManager, clock: Clock
) -> None:
    dispatcher = MachineDispatcher(
        lambda_client=aws_client(functions.url, "lambda"),
        function="import",
        executions=executions,
        find=manager.find,
        clock=clock,
    )
    claim = manager.claim(manager.create(a_job(clock)).job_id, holder=holder_of("earlier", "merge"))
    manager.hand_over(claim, claim.job)
    name = f"{claim.job.job_id}-1"
    goes_on, may_plan = threading.Event(), threading.Event()

    def plan_slowly(_: Any) -> Any:
        goes_on.set()
        may_plan.wait(30)
        return PLANNED | {"parts": []}

    functions.answers["plan"] = lambda _: _die()
    dispatcher.dispatch(claim.job.job_id)
    wait_until(lambda: executions.status(name) == "FAILED")
    functions.answers["plan"] = plan_slowly
    clock.advance(DISPATCH_SECONDS + 1)

    assert sweep(job_manager=manager, dispatcher=dispatcher, executions=executions) == "dispatched"
    again = f"{name}-{int(clock() // 60)}"
    assert goes_on.wait(30)
    assert executions.status(again) == RUNNING
    sweep(
        job_manager=manager, dispatcher=dispatcher, executions=executions
    )  # two sweepers in a minute start one
    may_plan.set()
    wait_until(lambda: executions.status(again) == "SUCCEEDED")
    assert [event["execution"] for event in functions.calls("merge")] == [again]


def test_a_start_that_has_not_claimed_yet_is_not_made_again(
    functions: StatesLambda, executions: Executions, clock: Clock
) -> None:
    job, may_plan = a_job(clock), threading.Event()
    functions.answers["plan"] = lambda _: may_plan.wait(30) and PLANNED
    executions.start(job)
    executions.start_again(job, at=clock())
    may_plan.set()

    assert end_of(executions, job) == "SUCCEEDED"
    assert executions.status(f"{job.job_id}-0-{int(clock() // 60)}") is None
    assert len(functions.calls("plan")) == 1


def test_one_that_nobody_knows_and_a_machine_that_is_not_there(
    executions: Executions, aws: LocalAws
) -> None:
    absent = Executions(stepfunctions=aws_client(aws.url, "stepfunctions"), machine=f"{ARN}-2")

    assert executions.status("unknown") is None
    with pytest.raises(DispatchFailed):
        absent.start(a_job(time.time))  # type: ignore[arg-type]


def test_a_definition_has_a_function_for_each_state() -> None:
    with pytest.raises(ValueError, match="PlanFunction, PartFunction, MergeFunction, FailFunction"):
        machine_definition({"PlanFunction": "arn"})
