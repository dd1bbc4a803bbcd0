"""Each type of resource is created, shown, updated in place and deleted."""

import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.deployment.leftovers import find_leftovers
from embedded_aws.resources import HANDLERS
from embedded_aws.resources.base import DeploymentRefusedError, Handler
from embedded_aws.world import World

from . import (
    distribution_cases,
    monitoring_cases,
    resource_bench,
    resource_cases,
    trail_cases,
    user_pool_cases,
)
from .resource_bench import Bench, Case, Inputs, bucket, function, policy


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World() as opened:
        yield opened


@pytest.fixture
def bench(world: World, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(world, tmp_path)
    yield bench
    bench.remove_all()
    tables = world.client("dynamodb")
    for backup in tables.list_backups()[
        "BackupSummaries"
    ]:  # of a table with point-in-time recovery: as on AWS
        tables.delete_backup(BackupArn=backup["BackupArn"])
    assert find_leftovers(world) == []


def document(*paths: str) -> str:
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:f"
    uri = f"arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/{arn}/invocations"
    entry = {"x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": uri}}
    return json.dumps(
        {
            "openapi": "3.0.3",
            "info": {"title": "t", "version": "1"},
            "x-amazon-apigateway-binary-media-types": ["*/*"],
            "paths": {path: {"parameters": [], "get": entry} for path in paths},
        }
    )


def api(bench: Bench) -> str:
    return bench.make(
        "aws:apigateway/restApi:RestApi",
        {"body": document("/a"), "endpointConfiguration": {"types": "REGIONAL"}, "description": "d"},
    )


def deployment(bench: Bench) -> tuple[str, str]:
    id_ = api(bench)
    return id_, bench.make(
        "aws:apigateway/deployment:Deployment", {"restApi": id_, "triggers": {"body": "1"}}
    )


def stage(bench: Bench) -> tuple[str, str]:
    id_, made = deployment(bench)
    bench.make(
        "aws:apigateway/stage:Stage",
        {"restApi": id_, "deployment": made, "stageName": "dev", "variables": {"a": "1", "b": "2"}},
    )
    return id_, made


def cors(*methods: str) -> list[Inputs]:
    return [{"id": "pages", "allowedMethods": list(methods), "allowedOrigins": ["https://a.example"]}]


def a_policy(_: Bench) -> tuple[str, Inputs, Inputs]:
    return (
        "aws:iam/policy:Policy",
        {"policy": policy()},
        {"policy": policy("s3:PutObject"), "tags": {"a": "b"}},
    )


def a_cors_configuration(bench: Bench) -> tuple[str, Inputs, Inputs]:
    name = bucket(bench)
    kind = "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration"
    return (
        kind,
        {"bucket": name, "corsRules": cors("POST")},
        {"bucket": name, "corsRules": cors("GET", "PUT")},
    )


def an_event_invoke_config(bench: Bench) -> tuple[str, Inputs, Inputs]:
    name = function(bench)
    destination = {"onFailure": {"destination": bench.target}}
    return (
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        {"functionName": name, "maximumRetryAttempts": 1},
        {"functionName": name, "maximumRetryAttempts": 0, "destinationConfig": destination},
    )


def a_rest_api(_: Bench) -> tuple[str, Inputs, Inputs]:
    return (
        "aws:apigateway/restApi:RestApi",
        {"name": "one", "body": document("/a"), "description": "d"},
        {"name": "two", "body": document("/a", "/b"), "binaryMediaTypes": ["image/png", "image/jpeg"]},
    )


def a_stage(bench: Bench) -> tuple[str, Inputs, Inputs]:
    id_, made = deployment(bench)
    second = bench.make(
        "aws:apigateway/deployment:Deployment", {"restApi": id_, "triggers": {"body": "2"}}, "second"
    )
    same = {"restApi": id_, "stageName": "dev"}
    return (
        "aws:apigateway/stage:Stage",
        {**same, "deployment": made, "variables": {"a": "1", "b": "2"}, "description": "x"},
        {
            **same,
            "deployment": second,
            "variables": {"a": "3"},
            "xrayTracingEnabled": True,
            "tags": {"a": "b"},
        },
    )


def method_settings(bench: Bench) -> tuple[str, Inputs, Inputs]:
    id_, _ = stage(bench)
    same = {"restApi": id_, "stageName": "dev", "methodPath": "*/*"}
    return (
        "aws:apigateway/methodSettings:MethodSettings",
        {**same, "settings": {"throttlingRateLimit": 5.5, "throttlingBurstLimit": 10}},
        {**same, "settings": {"throttlingRateLimit": 7, "throttlingBurstLimit": 9, "metricsEnabled": True}},
    )


def a_key(_: Bench) -> tuple[str, Inputs, Inputs]:
    return "aws:apigateway/apiKey:ApiKey", {"name": "k"}, {"name": "k", "enabled": False, "tags": {"a": "b"}}


def a_plan(bench: Bench) -> tuple[str, Inputs, Inputs]:
    id_, _ = stage(bench)
    return (
        "aws:apigateway/usagePlan:UsagePlan",
        {
            "name": "p",
            "throttleSettings": {"rateLimit": 0.5, "burstLimit": 1},
            "quotaSettings": {"limit": 10, "period": "DAY"},
        },
        {
            "name": "q",
            "apiStages": [{"apiId": id_, "stage": "dev"}],
            "quotaSettings": {"limit": 20, "period": "WEEK"},
        },
    )


CASES: tuple[Case, ...] = (
    a_policy,
    a_cors_configuration,
    an_event_invoke_config,
    a_rest_api,
    a_stage,
    method_settings,
    a_key,
    a_plan,
    *resource_cases.CASES,
    *monitoring_cases.CASES,
    *trail_cases.CASES,
    *user_pool_cases.CASES,
    *distribution_cases.CASES,
)


@pytest.mark.parametrize("type_name", sorted(HANDLERS))
def test_every_type_is_tried(type_name: str) -> None:
    modules = (
        sys.modules[__name__],
        distribution_cases,
        monitoring_cases,
        trail_cases,
        resource_bench,
        resource_cases,
        user_pool_cases,
    )
    assert any(f'"{type_name}"' in inspect.getsource(module) for module in modules), (
        f"add a case for {type_name} to resource_cases.py"
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_what_is_asked_for_is_shown_and_changed_in_place(bench: Bench, case: Case) -> None:
    type_name, first, second = case(bench)
    id_ = bench.make(type_name, first)
    handler, _, old = bench.made[-1]
    assert_shown(bench.shown(), old)
    new = bench.check(type_name, {**second, **_autonamed(handler, old, second)})
    assert not handler.changed(old, new) & handler.replaces
    handler.update(id_, old, new)
    bench.made[-1] = (handler, id_, new)
    assert_shown(bench.shown(), new)
    for name in old.keys() - new.keys() - {"body"}:
        assert not bench.shown().get(name), f"{name} was taken back"


def _autonamed(handler: Handler, old: Inputs, given: Inputs) -> Inputs:
    name = handler.autoname.input if handler.autoname is not None else None
    return {name: old[name]} if name is not None and name not in given else {}


def assert_shown(shown: Inputs, asked: Inputs) -> None:
    for name, value in asked.items():
        if name in shown and name != "assumeRolePolicy":
            assert comparable(shown[name]) == comparable(value), name
    assert asked.get("tagsAll", {}) == shown.get("tagsAll", {})


def comparable(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("{"):
        return json.loads(value)
    return sorted(value) if isinstance(value, list) and all(isinstance(one, str) for one in value) else value


def test_a_key_joins_a_plan_and_leaves_it(bench: Bench) -> None:
    key = bench.make("aws:apigateway/apiKey:ApiKey", {})
    value = bench.shown()["value"]
    plan = bench.make("aws:apigateway/usagePlan:UsagePlan", {})
    bench.make(
        "aws:apigateway/usagePlanKey:UsagePlanKey", {"keyId": key, "keyType": "API_KEY", "usagePlanId": plan}
    )
    assert (bench.shown()["keyId"], bench.shown()["value"]) == (key, value)


def test_a_functions_storage_and_dead_letters_are_set_and_taken_back(bench: Bench) -> None:
    id_ = function(bench)
    handler, _, old = bench.made[-1]
    assert bench.shown()["ephemeralStorage"] == {"size": 1024}
    assert bench.shown()["deadLetterConfig"] == {"targetArn": bench.target}
    new = {name: value for name, value in old.items() if name not in ("ephemeralStorage", "deadLetterConfig")}
    handler.update(id_, old, new)
    assert bench.shown()["ephemeralStorage"] == {"size": 512}
    assert "deadLetterConfig" not in bench.shown()


def test_the_accounts_settings_are_looked_up_and_never_made(world: World) -> None:
    account = HANDLERS["aws:apigateway/account:Account"](world)
    shown = account.read("api-gateway-account")
    assert shown is not None
    assert shown["cloudwatchRoleArn"] == ""
    with pytest.raises(DeploymentRefusedError, match="look them up"):
        account.create({"cloudwatchRoleArn": "arn:aws:iam::123456789012:role/logs"})


def test_a_deployment_that_a_stage_shows_is_not_removed_before_it(bench: Bench) -> None:
    _, made = stage(bench)
    deployed = HANDLERS["aws:apigateway/deployment:Deployment"](bench.world)
    state = deployed.read(made)
    assert state is not None
    with pytest.raises(ClientError, match="Active stages"):
        deployed.delete(made, state)
