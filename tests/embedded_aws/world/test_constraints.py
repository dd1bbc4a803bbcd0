"""Every call is held against the service's own model: lengths, bounds, patterns, enumerations, numbers of entries."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.world import World

from .refusal_sample import Sample
from .samples import TRUST

DIMENSIONS = [{"Name": f"d{number}", "Value": "v"} for number in range(31)]
# Operation, what is changed about a call that AWS takes, and the path and constraint that the refusal names.
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("create_role", {"RoleName": "r" * 65}, "'roleName'.*length less than or equal to 64"),
    ("create_role", {"RoleName": "no/slash"}, "'roleName'.*regular expression pattern"),
    ("create_function", {"FunctionName": "f" * 141}, "'functionName'.*length less than or equal to 140"),
    ("create_function", {"Runtime": "python4.0"}, "'runtime'.*enum value set"),
    ("create_function", {"Architectures": ["riscv"]}, "'architectures.1.member'.*enum value set"),
    (
        "create_function",
        {"Architectures": ["arm64", "x86_64"]},
        "'architectures'.*length less than or equal to 1",
    ),
    ("create_function", {"Handler": "with space"}, "'handler'.*regular expression pattern"),
    ("create_function", {"Description": "x" * 257}, "'description'.*length less than or equal to 256"),
    ("put_metric_alarm", {"AlarmName": "a" * 256}, "'alarmName'.*length less than or equal to 255"),
    ("put_metric_alarm", {"AlarmDescription": "x" * 1025}, "'alarmDescription'.*less than or equal to 1024"),
    ("put_metric_alarm", {"ComparisonOperator": "Above"}, "'comparisonOperator'.*enum value set"),
    ("put_metric_alarm", {"Dimensions": DIMENSIONS}, "'dimensions'.*length less than or equal to 30"),
    ("put_object", {"StorageClass": "COLD"}, "'storageClass'.*enum value set"),
]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Yield one world for all: refused calls change nothing in it."""
    with World() as opened:
        yield opened


@pytest.fixture(scope="module")
def sample(world: World) -> Sample:
    return Sample(world)


@pytest.mark.parametrize(("operation", "changed", "rule"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_value_that_the_model_does_not_allow_is_refused_with_its_path_and_the_rule(
    sample: Sample, operation: str, changed: dict[str, Any], rule: str
) -> None:
    with pytest.raises(ClientError, match=rule):
        sample.call(operation, **changed)


def test_a_call_of_a_service_without_any_rule_of_its_own_is_held_against_its_model(world: World) -> None:
    with pytest.raises(ClientError, match=r"ValidationError.*'roleSessionName'.*less than or equal to 64"):
        world.client("sts").assume_role(
            RoleArn="arn:aws:iam::123456789012:role/some", RoleSessionName="x" * 65
        )


def test_a_refused_call_changes_nothing(world: World) -> None:
    iam = world.client("iam")
    before = iam.list_roles()["Roles"]
    with pytest.raises(ClientError):
        iam.create_role(RoleName="r" * 65, AssumeRolePolicyDocument=json.dumps(TRUST))
    assert iam.list_roles()["Roles"] == before
