"""The project's own program, unmodified, in the embedded AWS: strict about every input, and gone without a trace."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from embedded_aws.deployment.deploy import Deployment
from embedded_aws.resources import HANDLERS
from embedded_aws.resources.base import ProviderSettings
from embedded_aws.resources.sdk_schema import InputError
from embedded_aws.world import World
from tests.fixtures.deployed_stack import deployed_stack


@pytest.fixture(scope="module")
def dev() -> Iterator[tuple[World, Deployment]]:
    """Yield the dev stack, deployed into a world of its own."""
    with deployed_stack("dev") as deployed:
        yield deployed.world, deployed.deployment


def misspelt(inputs: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield copies of inputs, each with one property name misspelt, and where; free keys are not names."""
    if isinstance(inputs, dict):
        for key, value in inputs.items():
            where = f"{path}.{key}" if path else key
            if key != "tagsAll":
                yield (
                    f"{where}x",
                    {(f"{key}x" if name == key else name): inner for name, inner in inputs.items()},
                )
            if key not in ("tags", "tagsAll", "variables", "dimensions", "triggers"):
                for wrong, changed in misspelt(value, where):
                    yield wrong, {**inputs, key: changed}
    elif isinstance(inputs, list):
        for index, value in enumerate(inputs):
            for wrong, changed in misspelt(value, f"{path}[{index}]"):
                yield wrong, [*inputs[:index], changed, *inputs[index + 1 :]]


def test_every_property_of_every_resource_is_refused_when_misspelt(dev: tuple[World, Deployment]) -> None:
    world, deployment = dev
    tried = 0
    for resource in deployment.resources:
        if not resource.is_custom:
            continue
        handler = HANDLERS[resource.type](world)
        given = {key: value for key, value in resource.inputs.items() if key != "tagsAll"}
        settings = ProviderSettings(region=world.region)
        handler.check(resource.urn, given, settings)
        for wrong, changed in misspelt(given):
            with pytest.raises(InputError) as refused:
                handler.check(resource.urn, changed, settings)
            assert f"unknown input '{wrong}'" in str(refused.value)
            tried += 1
    assert tried > 200


def test_what_the_world_shows_is_what_the_program_asked_for(dev: tuple[World, Deployment]) -> None:
    """Read back every input that AWS shows: no setting is lost on its way into the world."""
    world, deployment = dev
    for resource in deployment.resources:
        if not resource.is_custom:
            continue
        shown = HANDLERS[resource.type](world).read(resource.id)
        assert shown is not None
        for key, value in resource.inputs.items():
            if key in shown:
                assert comparable(shown[key]) == comparable(value), f"{resource.urn}: {key}"


def comparable(value: Any) -> Any:
    """Return JSON texts by content, lists without order, empty members left out."""
    if isinstance(value, str) and value[:1] in "{[":
        return comparable(json.loads(value))
    if isinstance(value, dict):
        return {key: comparable(inner) for key, inner in value.items() if inner not in ({}, "", None)}
    if isinstance(value, list):
        return sorted(
            (comparable(inner) for inner in value), key=lambda item: json.dumps(item, sort_keys=True)
        )
    return value


def test_changing_a_threshold_changes_the_functions_environment_and_nothing_else(
    dev: tuple[World, Deployment],
) -> None:
    _, deployment = dev
    changed = deployment.update({"moderation.block.Violence": 99})
    assert changed
    assert set(changed.values()) == {frozenset({"environment"})}
    assert {urn.rpartition("-process-")[2] for urn in changed} == {"image", "video"}


def test_an_upload_reaches_the_queue_and_destroy_leaves_nothing(dev: tuple[World, Deployment]) -> None:
    world, deployment = dev
    out = deployment.outputs
    s3, sqs = world.client("s3"), world.client("sqs")
    s3.put_object(Bucket=out["uploads_bucket"], Key="a b.jpg", Body=b"1")
    s3.delete_object(Bucket=out["uploads_bucket"], Key="a b.jpg")
    found = sqs.receive_message(QueueUrl=out["images_queue_url"], MaxNumberOfMessages=10)["Messages"]
    bodies = [json.loads(message["Body"]) for message in found]
    names = [record["eventName"] for body in bodies for record in body.get("Records", [])]
    assert names == ["ObjectCreated:Put", "ObjectRemoved:DeleteMarkerCreated"]
    assert deployment.destroy() == []
