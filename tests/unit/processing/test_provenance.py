"""What a file says of its making is in its record, and in its renditions where the stack wants that."""

import dataclasses
import io
from typing import Any

import pytest
from PIL import Image

from media_pipeline.images.provenance import GENERATED, VOCABULARY, find
from media_pipeline.moderation.policy import Policy
from media_pipeline.moderation.result import ModerationResult
from media_pipeline.records.record import Status
from operations.deciding_again import Decided, Outcome, decide_again
from tests.fixtures.moto_stack import MotoStack

PACKET = f'<rdf:Description Iptc4xmpExt:DigitalSourceType="{VOCABULARY}{GENERATED}"/>'.encode()


@pytest.mark.parametrize("keeps", [False, True])
def test_a_marked_picture_is_recorded_as_such_and_its_renditions_say_it_where_they_should(
    stack: MotoStack, picture: bytes, keeps: bool
) -> None:
    stack.settings = dataclasses.replace(stack.settings, keeps_provenance=keeps)
    marked = io.BytesIO()
    Image.open(io.BytesIO(picture)).save(marked, "JPEG", xmp=PACKET)
    for key, data in (("made.jpg", marked.getvalue()), ("taken.jpg", picture)):
        event = stack.upload(key, data)
        assert stack.deliver(event)
        record = stack.record(key, event)
        assert record.status is Status.PUBLISHED
        says = record.attributes.get("provenance")
        is_made = key == "made.jpg"
        assert says == ({"digital_source_types": [GENERATED], "standards": ["xmp"]} if is_made else None)
        for rendition in record.renditions:
            body = stack.clients.s3.get_object(Bucket="renditions", Key=rendition["key"])["Body"].read()
            assert (find(body) is not None) is (is_made and keeps)
            assert b"Iptc4xmpExt" not in body or keeps


def marked(picture: bytes) -> bytes:
    """Return the picture with a mark that says that a model made it."""
    data = io.BytesIO()
    Image.open(io.BytesIO(picture)).save(data, "JPEG", xmp=PACKET)
    return data.getvalue()


@pytest.mark.parametrize(
    ("rules", "status"),
    [
        ({}, Status.PUBLISHED),
        ({"review": {"AI-Generated": 50}}, Status.REVIEW),
        ({"block": {"AI-Generated": 50}}, Status.BLOCKED),
    ],
)
def test_the_policy_may_hold_back_what_says_that_a_model_made_it_and_nothing_else(
    stack: MotoStack, picture: bytes, rules: dict[str, Any], status: Status
) -> None:
    policy = Policy.parse({"mode": "enforce", "block": {"Weapons": 90}, **rules})
    stack.settings = dataclasses.replace(stack.settings, policy=policy)
    for key, data, wanted in (
        ("made.jpg", marked(picture), status),
        ("taken.jpg", picture, Status.PUBLISHED),
    ):
        event = stack.upload(key, data)
        assert stack.deliver(event)
        record = stack.record(key, event)
        assert record.status is wanted
        assert record.moderation is not None
        assert record.moderation.generated is (key == "made.jpg")
        if wanted is not Status.PUBLISHED:
            assert "AI-Generated 100.0 reached" in str(record.moderation.reason)


def test_another_policy_decides_again_about_the_mark_from_the_record(
    stack: MotoStack, picture: bytes
) -> None:
    event = stack.upload("made.jpg", marked(picture))
    stack.deliver(event)
    moderation = stack.record("made.jpg", event).attributes["moderation"]
    assert moderation["verdict"] == "allow"
    stored = ModerationResult.from_document(moderation)
    for group, wanted in (("review", Outcome.REVIEW), ("block", Outcome.BLOCKED)):
        rules = {"mode": "enforce", "block": {"Weapons": 90}, group: {"AI-Generated": 50}}
        again = decide_again(moderation, Policy.parse(rules))
        assert isinstance(again, Decided)
        assert again.outcome is wanted
    unmarked = {name: value for name, value in moderation.items() if name != "generated"}
    assert stored.generated
    assert not ModerationResult.from_document(unmarked).generated
    kept = decide_again(unmarked, Policy.parse(rules))
    assert isinstance(kept, Decided)
    assert kept.outcome is Outcome.PUBLISHED
