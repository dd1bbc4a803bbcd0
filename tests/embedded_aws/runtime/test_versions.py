"""Published versions keep what they were published with, whatever becomes of the function and its layers."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.runtime.functions import Functions
from embedded_aws.runtime.poller import Poller
from embedded_aws.world import WorldError
from tests.embedded_aws.runtime.conftest import Stack, zipped

SOURCE = """
    import os
    import pin
    def handler(event, context):
        print(f"pin {pin.VERSION}")
        version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        return [CODE, pin.VERSION, os.environ.get("MODE"), version, context.invoked_function_arn.split(":", 6)[6]]
"""
OLD = {"python/pin.py": "VERSION = 1"}
NEW = {"python/pin.py": "VERSION = 2"}


@pytest.fixture
def updated(stack: Stack) -> str:
    """Return a function with version 1, then other code, another layer and other settings; the old layer is deleted."""
    client = stack.world.client("lambda")
    name: str = stack.function(
        SOURCE.replace("CODE", "'first'"), layer=OLD, Publish=True, Environment={"Variables": {"MODE": "old"}}
    )
    (layer,) = client.get_function_configuration(FunctionName=name)["Layers"]
    layer_name, version = layer["Arn"].split(":")[6:]
    newer = client.publish_layer_version(LayerName=layer_name, Content={"ZipFile": zipped(NEW)})
    client.update_function_code(
        FunctionName=name, ZipFile=zipped({"app.py": SOURCE.replace("CODE", "'second'")})
    )
    client.update_function_configuration(
        FunctionName=name, Layers=[newer["LayerVersionArn"]], Environment={"Variables": {"MODE": "new"}}
    )
    client.delete_layer_version(LayerName=layer_name, VersionNumber=int(version))
    return name


def test_a_version_runs_with_its_own_code_layer_and_settings_beside_the_latest(
    updated: str, functions: Functions
) -> None:
    old, new = ["first", 1, "old", "1", f"{updated}:1"], ["second", 2, "new", "$LATEST", updated]
    assert functions.invoke(f"{updated}:1", {}).payload == old
    assert functions.invoke(updated, {}).payload == new
    again = [functions.invoke(name, {}) for name in (f"{updated}:1", updated)]
    assert [invocation.payload for invocation in again] == [old, new]
    assert [invocation.init_milliseconds for invocation in again] == [None, None], (
        "each has its warm environment"
    )


def test_invoke_of_the_service_runs_the_qualified_version(
    stack: Stack, updated: str, functions: Functions
) -> None:
    client = stack.world.client("lambda")
    answers = [
        client.invoke(FunctionName=updated, Payload=b"{}", LogType="Tail", **which)
        for which in ({"Qualifier": "1"}, {})
    ]
    assert [json.load(answer["Payload"])[:2] for answer in answers] == [["first", 1], ["second", 2]]
    assert [answer["ExecutedVersion"] for answer in answers] == ["1", "$LATEST"]
    logs = [base64.b64decode(answer["LogResult"]).decode() for answer in answers]
    assert logs == ["pin 1\n", "pin 2\n"]
    assert "FunctionError" not in answers[0]


def test_an_error_of_the_function_differs_from_one_of_the_service(stack: Stack, functions: Functions) -> None:
    client = stack.world.client("lambda")
    failing = stack.function("def handler(event, context): raise ValueError('no')")
    answer = client.invoke(FunctionName=failing, Payload=b"{}")
    assert answer["FunctionError"] == "Unhandled"
    assert json.load(answer["Payload"])["errorType"] == "ValueError"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.invoke(FunctionName=failing, Qualifier="7", Payload=b"{}")
    accepted = client.invoke(FunctionName=failing, InvocationType="Event", Payload=b"{}")
    assert (accepted["StatusCode"], accepted["Payload"].read()) == (202, b"")
    with pytest.raises(WorldError, match="no function"):
        functions.invoke(f"{failing}:7", {})


def test_a_deleted_layer_can_be_given_to_no_other_function(stack: Stack, updated: str) -> None:
    client = stack.world.client("lambda")
    (layer,) = client.get_function_configuration(FunctionName=updated, Qualifier="1")["Layers"]
    with pytest.raises(ClientError, match="does not exist"):
        client.update_function_configuration(FunctionName=updated, Layers=[layer["Arn"]])


def test_an_unchanged_function_gets_no_new_version(stack: Stack, updated: str) -> None:
    client = stack.world.client("lambda")
    published = [client.publish_version(FunctionName=updated)["Version"] for _ in range(2)]
    assert published == ["2", "2"]


def test_a_queue_can_be_led_back_to_an_old_version(
    stack: Stack, updated: str, functions: Functions, wait_until: Callable[..., None]
) -> None:
    queue = stack.queue()
    stack.feed(queue, f"{updated}:1")
    ran: list[Any] = []
    with Poller(stack.world, functions, on_batch=lambda batch: ran.append(batch.invocation.payload)):
        stack.send(queue, "x")
        wait_until(lambda: ran)
    assert ran[0][:3] == ["first", 1, "old"]
