"""Another architecture or runtime: a new function takes over, so that none is seen with the layers of the other."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from embedded_aws.runtime.timescale import TimeScale
from embedded_aws.serving.served_world import ServedWorld
from local.demo import scenes
from tests.fixtures.deployed_stack import DeployedStack, deploy_into, packages_for_host, region_of

PATIENCE = 60.0
SMALL = {"video.enabled": False, "tracing": False, "sizes": {"thumbnail": 150}, "formats": ["jpeg"]}
NAMES = (
    "process_image_function",
    "dead_letters_function",
    "log_notification_function",
    "upload_api_function",
)


@pytest.fixture(scope="module")
def stack() -> Iterator[DeployedStack]:
    with packages_for_host(), ServedWorld(region_of(), timescale=TimeScale()) as served:
        yield deploy_into(served.world, "dev", SMALL)


class Watch:
    """Looks at all functions after every call of Lambda: which one had layers of another processor or runtime?"""

    def __init__(self, stack: DeployedStack) -> None:
        self._lambda = stack.world.client("lambda")
        self._looking = False
        self.mismatches: list[str] = []
        self.looks = 0

    def look(self, **_: Any) -> None:
        if self._looking:
            return
        self._looking = True
        try:
            for function in self._lambda.list_functions()["Functions"]:
                for layer in function["Layers"]:
                    name, _, version = layer["Arn"].rpartition(":")
                    made_for = self._lambda.get_layer_version(LayerName=name, VersionNumber=int(version))
                    if (
                        function["Architectures"] != made_for["CompatibleArchitectures"]
                        or function["Runtime"] not in made_for["CompatibleRuntimes"]
                    ):
                        self.mismatches.append(f"{function['FunctionName']} has {layer['Arn']}")
            self.looks += 1
        finally:
            self._looking = False


def update(stack: DeployedStack, **changes: str) -> Watch:
    watch, events = Watch(stack), stack.world.client("lambda").meta.events
    events.register("after-call.lambda", watch.look)
    try:
        stack.deployment.update(changes)
    finally:
        events.unregister("after-call.lambda", watch.look)
    return watch


def process(stack: DeployedStack, key: str, folder: Any) -> str:
    photo = folder / "photo.jpg"
    scenes.lake((300, 200)).save(photo)
    stack.upload(key, photo.read_bytes())
    deadline = time.monotonic() + PATIENCE
    while not (found := [record for record in stack.records(key) if "announced_at" in record]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return str(found[0]["status"])


def names(stack: DeployedStack) -> set[str]:
    return {stack.outputs[name] for name in NAMES}


def deployed_names(stack: DeployedStack) -> set[str]:
    return {each["FunctionName"] for each in stack.world.client("lambda").list_functions()["Functions"]}


@pytest.mark.long
def test_no_function_is_seen_with_the_layers_of_another_processor_and_the_new_ones_take_over(
    stack: DeployedStack, tmp_path: Any
) -> None:
    before = names(stack)
    watch = update(stack, architecture="x86_64")
    assert watch.looks > len(NAMES)
    assert watch.mismatches == []
    assert names(stack).isdisjoint(before)
    assert deployed_names(stack) == names(stack), "the old ones are gone"
    mapped = {mapping.function_name for mapping in stack.world.mappings()}
    assert mapped == {stack.outputs["process_image_function"], stack.outputs["dead_letters_function"]}
    assert process(stack, "after.jpg", tmp_path) == "PUBLISHED"
    request = urllib.request.Request(  # noqa: S310 - http on loopback
        f"{stack.outputs['api_url']}/v1/images/00000000-0000-4000-8000-000000000000",
        headers={"x-api-key": stack.outputs["api_key"]},
    )
    with pytest.raises(urllib.error.HTTPError, match="404") as refused:
        urllib.request.urlopen(request, timeout=PATIENCE)  # noqa: S310
    assert "title" in json.load(refused.value), "the function's own answer"


@pytest.mark.long
def test_no_function_is_seen_with_the_layers_of_another_runtime(stack: DeployedStack) -> None:
    before = names(stack)
    assert update(stack, runtime="python3.14").mismatches == []
    assert names(stack).isdisjoint(before)
