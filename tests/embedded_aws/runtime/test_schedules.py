"""Schedules that invoke their functions by the world's clock."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.runtime.functions import Functions
from embedded_aws.runtime.schedules import Schedules
from embedded_aws.runtime.timescale import TimeScale

from .conftest import TRUST, Stack

FAST = TimeScale(0.01)  # a minute in 0.6 s
TELLS = """
    import os
    def handler(event, context):
        from pathlib import Path
        with Path(os.environ["TOLD"]).open("a") as told:
            print(event, file=told)
"""


@pytest.fixture
def schedules(stack: Stack, cache: Path, tmp_path: Path) -> Iterator[Schedules]:
    with (
        Functions(stack.world, FAST, log_folder=tmp_path / "logs", cache=cache),
        Schedules(stack.world, FAST) as schedules,
    ):
        yield schedules


@pytest.fixture
def told(tmp_path: Path) -> Callable[[], list[str]]:
    path = tmp_path / "told"
    return lambda: path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def target(stack: Stack, tmp_path: Path) -> dict[str, Any]:
    function = stack.function(TELLS, Environment={"Variables": {"TOLD": str(tmp_path / "told")}})
    settings = stack.world.client("lambda").get_function_configuration(FunctionName=function)
    return {
        "Arn": settings["FunctionArn"],
        "RoleArn": timer_role(stack, settings["FunctionArn"]),
        "Input": json.dumps({"said": function}),
    }


def timer_role(stack: Stack, resource: str) -> str:
    iam, name = stack.world.client("iam"), stack.name("timer")
    trust = json.dumps(TRUST).replace("lambda", "scheduler")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": resource}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=name, PolicyName="invoke", PolicyDocument=policy)
    return arn


def create(stack: Stack, target: dict[str, Any], expression: str, **settings: Any) -> str:
    name = stack.name("schedule")
    stack.world.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression=expression,
        Target=target,
        FlexibleTimeWindow={"Mode": "OFF"},
        **settings,
    )
    return name


@pytest.fixture(autouse=True)
def _no_schedules_left(stack: Stack) -> Iterator[None]:
    yield
    scheduler = stack.world.client("scheduler")
    for schedule in scheduler.list_schedules()["Schedules"]:
        scheduler.delete_schedule(Name=schedule["Name"])


@pytest.mark.long
def test_a_rate_invokes_again_and_again_until_it_is_disabled(
    stack: Stack,
    schedules: Schedules,
    target: dict[str, Any],
    told: Callable[[], list[str]],
    wait_until: Callable[..., None],
) -> None:
    name = create(stack, target, "rate(1 minute)")
    wait_until(lambda: len(told()) >= 3)
    assert set(told()) == {str(json.loads(target["Input"]))}
    stack.world.client("scheduler").update_schedule(
        Name=name,
        ScheduleExpression="rate(1 minute)",
        Target=target,
        FlexibleTimeWindow={"Mode": "OFF"},
        State="DISABLED",
    )
    seen = schedules.now()
    wait_until(lambda: schedules.now() > seen + timedelta(minutes=1))
    number = len(told())
    wait_until(lambda: schedules.now() > seen + timedelta(minutes=3))
    assert len(told()) == number
    assert schedules.faults == []


def test_a_time_and_a_cron_expression_invoke_when_they_come(
    stack: Stack,
    schedules: Schedules,
    target: dict[str, Any],
    told: Callable[[], list[str]],
    wait_until: Callable[..., None],
) -> None:
    begun = schedules.now()
    soon, later = begun + timedelta(minutes=2), begun + timedelta(minutes=4)
    once = {**target, "Input": '"once"'}
    create(stack, once, f"at({soon:%Y-%m-%dT%H:%M:%S})", ActionAfterCompletion="DELETE")
    create(stack, {**target, "Input": '"cron"'}, f"cron({later:%-M} {later:%-H} * * ? *)")
    wait_until(lambda: "once" in told())
    assert schedules.now() >= soon - timedelta(seconds=1)
    assert told() == ["once"]
    wait_until(lambda: "cron" in told())
    assert schedules.now() >= later.replace(second=0, microsecond=0)
    assert told() == ["once", "cron"]
    (left,) = stack.world.client("scheduler").list_schedules()["Schedules"]
    assert left["Name"].startswith("schedule-"), "one that is over is deleted where it says so"


def test_a_schedule_invokes_nothing_that_its_role_may_not(
    stack: Stack,
    schedules: Schedules,
    target: dict[str, Any],
    told: Callable[[], list[str]],
    wait_until: Callable[..., None],
) -> None:
    other = timer_role(stack, f"{target['Arn']}-other")
    create(stack, {**target, "RoleArn": other}, "rate(1 day)")
    wait_until(lambda: schedules.faults)
    assert "AccessDenied" in schedules.faults[0]
    assert told() == []
