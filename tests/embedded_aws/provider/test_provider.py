"""The provider's protocol: what the engine asks, and what it is answered."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2, status_pb2

from embedded_aws.provider.wire import from_wire, to_wire
from embedded_aws.resources import HANDLERS
from embedded_aws.resources.archives import HashedArchive
from embedded_aws.resources.base import DeploymentRefusedError, PartlyCreatedError
from embedded_aws.resources.unknown import UNKNOWN
from embedded_aws.world import World

from .calls import Provider, connected, connection_to, urn

QUEUE = urn("aws:sqs/queue:Queue", "jobs")
BUCKET = urn("aws:s3/bucket:Bucket", "Photos")
LAYER = urn("aws:lambda/layerVersion:LayerVersion", "layer")
NOTIFICATION = urn("aws:s3/bucketNotification:BucketNotification", "events")
Diff = provider_pb2.PropertyDiff


@pytest.fixture
def provider() -> Iterator[Provider]:
    with World() as world, connected(world) as connection:
        connection.configure(region=world.region, defaultTags='{"tags": {"owner": "us", "stack": "dev"}}')
        yield connection


def test_a_name_is_generated_in_check_kept_by_updates_and_replaced_with_the_resource(
    provider: Provider,
) -> None:
    first = provider.check(QUEUE, {})
    assert first["name"].startswith("jobs-")
    assert provider.check(QUEUE, {"delaySeconds": 1}, olds=first, seed=b"other")["name"] == first["name"]
    assert provider.check(QUEUE, {}, seed=b"other")["name"] != first["name"]
    assert provider.check(BUCKET, {})["bucket"].islower()


def test_a_name_removed_from_the_program_is_generated_again(provider: Provider) -> None:
    given = provider.check(QUEUE, {"name": "mine"})
    assert provider.check(QUEUE, {}, olds=given)["name"].startswith("jobs-")


def test_default_tags_and_defaults_are_known_at_preview_and_the_resources_own_win(provider: Provider) -> None:
    inputs = provider.check(QUEUE, {"tags": {"owner": "me"}})
    assert inputs["tagsAll"] == {"owner": "me", "stack": "dev"}
    assert inputs["messageRetentionSeconds"] == 345_600
    assert provider.check(QUEUE, {"tags": UNKNOWN})["tagsAll"] is UNKNOWN


def test_each_connection_has_its_own_settings(provider: Provider) -> None:
    with connection_to(provider.port) as other:
        assert other.faults(QUEUE, {}) == ["the provider was not configured"]
        with pytest.raises(grpc.RpcError, match="us-east-1"):
            other.configure(region="us-east-1")
        other.configure(region="eu-central-1", defaultTags='{"tags": {"owner": "you"}}')
        assert other.check(QUEUE, {})["tagsAll"] == {"owner": "you"}
        assert provider.check(QUEUE, {})["tagsAll"] == {"owner": "us", "stack": "dev"}


def test_faults_name_the_path_and_the_nearest_name(provider: Provider) -> None:
    queue = {"queueArn": "arn", "events": ["s3:ObjectCreated:*"], "filterPrefx": "uploads/"}
    (fault,) = provider.faults(NOTIFICATION, {"bucket": "b", "queues": [queue]})
    assert fault == "unknown input 'queues[0].filterPrefx' (did you mean 'filterPrefix'?)"
    (fault,) = provider.faults(QUEUE, {"delaySeconds": "5"})
    assert fault == "input 'delaySeconds' must be an integer, not '5'"
    (fault,) = provider.faults(urn("aws:ec2/instance:Instance", "vm"), {})
    assert fault.startswith("the embedded AWS does not know the resource type aws:ec2/instance:Instance")


def test_a_preview_creates_nothing_and_shows_what_is_not_known_yet(provider: Provider) -> None:
    id_, properties = provider.create(QUEUE, provider.check(QUEUE, {}), preview=True)
    assert id_ == ""
    assert properties["arn"] is properties["url"] is UNKNOWN
    assert properties["name"].startswith("jobs-")


def test_what_is_made_is_read_changed_and_deleted(provider: Provider) -> None:
    inputs = provider.check(QUEUE, {"delaySeconds": 1, "tags": {"a.b": "1"}})
    id_, properties = provider.create(QUEUE, inputs)
    assert properties["arn"].endswith(properties["name"])
    new = provider.check(QUEUE, {"delaySeconds": 2}, olds=inputs)
    found = provider.diff(QUEUE, inputs, new)
    assert found.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert {path: detail.kind for path, detail in found.detailedDiff.items()} == {
        "delaySeconds": Diff.UPDATE,
        "tags": Diff.DELETE,
        'tagsAll["a.b"]': Diff.DELETE,
    }
    assert not found.replaces
    assert provider.update(QUEUE, id_, inputs, new)["delaySeconds"] == 2
    provider.delete(QUEUE, id_, properties)
    assert provider.read(QUEUE, id_, properties, new).id == ""


def test_equal_inputs_do_not_differ_nor_do_integers_and_floats(provider: Provider) -> None:
    inputs = provider.check(QUEUE, {"delaySeconds": 1})
    assert provider.diff(QUEUE, inputs, inputs).changes == provider_pb2.DiffResponse.DIFF_NONE


@pytest.mark.parametrize(("given", "waits"), [({"name": "mine"}, True), ({}, False)])
def test_only_a_given_name_must_be_free_before_its_replacement(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], waits: bool
) -> None:
    monkeypatch.setattr(HANDLERS["aws:sqs/queue:Queue"], "replaces", frozenset({"delaySeconds"}))
    old = provider.check(QUEUE, given)
    found = provider.diff(QUEUE, old, provider.check(QUEUE, {**given, "delaySeconds": 9}, olds=old))
    assert list(found.replaces) == ["delaySeconds"]
    assert found.deleteBeforeReplace is waits
    assert found.detailedDiff["delaySeconds"].kind == Diff.UPDATE_REPLACE


def test_versions_of_a_layer_stand_beside_each_other(provider: Provider) -> None:
    old, new = (
        provider.check(LAYER, {"layerName": "images", "code": HashedArchive("", hash_ * 64)})
        for hash_ in "ab"
    )
    found = provider.diff(LAYER, old, new)
    assert list(found.replaces) == ["code"]
    assert not found.deleteBeforeReplace


def test_an_archive_counts_by_its_contents_wherever_it_lies(provider: Provider) -> None:
    old, new = (
        provider.check(LAYER, {"layerName": "images", "code": HashedArchive(path, "a" * 64)})
        for path in ("/here/layer.zip", "/there/layer.zip")
    )
    assert provider.diff(LAYER, old, new).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_a_refresh_shows_drift_and_nothing_else(provider: Provider) -> None:
    inputs = provider.check(QUEUE, {"delaySeconds": 1})
    id_, properties = provider.create(QUEUE, inputs)
    clean = provider.read(QUEUE, id_, properties, inputs)
    assert from_wire(clean.inputs) == inputs
    assert from_wire(clean.properties) == properties
    changed = {**provider.check(QUEUE, {"delaySeconds": 7}, olds=inputs)}
    provider.update(QUEUE, id_, inputs, changed)
    drifted = provider.read(QUEUE, id_, properties, inputs)
    assert from_wire(drifted.inputs) == {**inputs, "delaySeconds": 7}


def test_an_import_takes_what_is_there(provider: Provider) -> None:
    id_, _ = provider.create(QUEUE, provider.check(QUEUE, {"name": "found", "delaySeconds": 3}))
    imported = from_wire(provider.read(QUEUE, id_, {}, {}).inputs)
    assert (imported["name"], imported["delaySeconds"]) == ("found", 3)


def test_refusals_of_aws_come_as_one_line_that_names_the_resource(provider: Provider) -> None:
    inputs = provider.check(QUEUE, {"delaySeconds": 901})
    with pytest.raises(grpc.RpcError) as refused:
        provider.create(QUEUE, inputs)
    told = refused.value.details()
    assert told.startswith(f"creating {QUEUE}: ")
    assert "InvalidAttributeValue" in told
    assert "\n" not in told


def test_what_is_half_made_is_kept_by_the_engine(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = HANDLERS["aws:sqs/queue:Queue"]
    create = handler.create

    def half(self: Any, inputs: dict[str, Any]) -> str:
        made = create(self, inputs)
        raise PartlyCreatedError(made, DeploymentRefusedError("the second step failed"))

    monkeypatch.setattr(handler, "create", half)
    inputs = provider.check(QUEUE, {})
    with pytest.raises(grpc.RpcError) as failed:
        provider.create(QUEUE, inputs)
    metadata = dict(failed.value.trailing_metadata())
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    kept = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(kept)
    assert kept.id.endswith(inputs["name"])
    assert list(kept.reasons) == ["the second step failed"]
    assert from_wire(kept.properties)["arn"]


def test_data_sources_answer_who_and_where(provider: Provider) -> None:
    token = "aws:index/getCallerIdentity:getCallerIdentity"
    answer = provider.stub.Invoke(provider_pb2.InvokeRequest(tok=token))
    assert from_wire(getattr(answer, "return"))["accountId"] == "123456789012"
    with pytest.raises(grpc.RpcError, match="does not know the function aws:ec2/getVpc"):
        provider.stub.Invoke(provider_pb2.InvokeRequest(tok="aws:ec2/getVpc:getVpc"))


def test_settings_that_are_not_carried_out_are_refused(provider: Provider) -> None:
    request = provider_pb2.CheckRequest(name="aws", news=to_wire({"assumeRoles": "[]"}))
    (failure,) = provider.stub.CheckConfig(request).failures
    assert "assumeRoles" in failure.reason


def test_another_region_replaces_and_another_tag_does_not(provider: Provider) -> None:
    def diff(**new: str) -> Any:
        old = {"region": "eu-central-1", "defaultTags": '{"tags": {"owner": "us"}}'}
        return provider.stub.DiffConfig(
            provider_pb2.DiffRequest(old_inputs=to_wire(old), news=to_wire({**old, **new}))
        )

    assert list(diff(region="eu-west-1").replaces) == ["region"]
    tagged = diff(defaultTags='{"tags": {"owner": "you"}}')
    assert not tagged.replaces
    assert list(tagged.detailedDiff) == ["defaultTags.tags.owner"]


def test_a_provider_outlives_the_commands_that_use_it(provider: Provider) -> None:
    provider.stub.Cancel(empty_pb2.Empty())
    provider.configure(region="eu-central-1")
    assert provider.check(QUEUE, {})


@pytest.mark.parametrize(
    "value",
    [
        UNKNOWN,
        "text",
        True,
        1.5,
        ["a", {"b": UNKNOWN}],
        {"deep": {"er": [1.0]}},
        HashedArchive("/x.zip", "c" * 64),
    ],
)
def test_values_come_back_from_the_wire_as_they_went(value: Any, tmp_path: Path) -> None:
    assert from_wire(to_wire({"value": value})) == {"value": value}
