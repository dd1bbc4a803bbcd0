"""A stored verdict counts for exactly what it was reached about: the pictures, the original, and the mode."""

import dataclasses
import io
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError
from PIL import Image

from media_pipeline.images.renditions import Size
from media_pipeline.moderation.policy import Policy
from media_pipeline.records.record import Status
from media_pipeline.storage import Storage
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import KILLED, LEASE_OVER, WEAPON, draw, kill_at, settle

LOOKS = ("placeholder", "dominant_colour", "pdq", "pdq_quality", "width", "height")

GREEN, RED = (10, 200, 20), (230, 20, 20)
OBSERVING = Policy.parse({"mode": "observe", "block": {"Weapons": 90}})


class RedDetector:
    """Rekognition that finds a weapon in every picture that is red."""

    def __init__(self) -> None:
        self.calls: list[Mapping[str, Any]] = []

    def detect_moderation_labels(self, **request: Any) -> dict[str, Any]:
        self.calls.append(request)
        with Image.open(io.BytesIO(request["Image"]["Bytes"])) as picture:
            red, green, _ = _pixel(picture)
        labels = WEAPON if red > 150 and green < 100 else []
        return {
            "ModerationLabels": [{"Name": n, "ParentName": p, "Confidence": c} for n, p, c in labels],
            "ModerationModelVersion": "7.0",
        }


def _pixel(picture: Image.Image) -> tuple[int, int, int]:
    pixel: Any = picture.convert("RGB").resize((1, 1)).getpixel((0, 0))
    red, green, blue = pixel
    return red, green, blue


def green_then_red() -> bytes:
    frames = [Image.new("RGB", (120, 90), colour) for colour in (GREEN, RED, RED, GREEN)]
    data = io.BytesIO()
    frames[0].save(data, "GIF", save_all=True, append_images=frames[1:], duration=500, loop=0)
    return data.getvalue()


def with_specs(stack: MotoStack, **changes: Any) -> None:
    specs = dataclasses.replace(stack.settings.specs, **changes)
    stack.settings = dataclasses.replace(stack.settings, specs=specs)


def with_policy(stack: MotoStack, policy: Policy) -> None:
    stack.settings = dataclasses.replace(stack.settings, policy=policy)


def cut_off_while_publishing(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch, event: dict[str, Any]
) -> None:
    """Have the function killed after its verdict was stored, and its lease run out."""
    kill_at(monkeypatch, Storage, "put_rendition")
    with pytest.raises(KILLED):
        stack.deliver(event)
    stack.clock.now += LEASE_OVER


def failed_and_redriven(stack: MotoStack, key: str, event: dict[str, Any]) -> None:
    assert stack.dead_letter(event)
    attempt = stack.record(key, event).attempt
    settle(stack, {**event, "eventSource": "media-pipeline:redrive", "redrive": {"attempt": attempt}})


def use_rekognition_that_sees_red(stack: MotoStack) -> RedDetector:
    rekognition: Any = RedDetector()
    stack.rekognition = rekognition
    sees_red: RedDetector = rekognition
    return sees_red


def test_frames_of_a_format_that_was_added_between_two_attempts_are_judged(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    rekognition = use_rekognition_that_sees_red(stack)
    event = stack.upload("a.gif", green_then_red())
    cut_off_while_publishing(stack, monkeypatch, event)
    assert len(rekognition.calls) == 1, "only its first frame was to be published"
    with_specs(stack, formats=("jpeg", "webp"), quality={"jpeg": 80, "webp": 80})
    settle(stack, event)
    assert stack.record("a.gif", event).status is Status.BLOCKED
    assert stack.keys("renditions") == set()


def test_redrive_after_a_format_was_added_judges_its_frames(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_rekognition_that_sees_red(stack)
    event = stack.upload("a.gif", green_then_red())
    cut_off_while_publishing(stack, monkeypatch, event)
    with_specs(stack, formats=("jpeg", "webp"), quality={"jpeg": 80, "webp": 80})
    failed_and_redriven(stack, "a.gif", event)
    assert stack.record("a.gif", event).status is Status.BLOCKED


def test_larger_size_is_judged_anew_and_an_unchanged_one_is_not(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stack.upload("a.jpg", draw(GREEN))
    with_specs(stack, sizes=(Size.parse("thumbnail", 50),))
    cut_off_while_publishing(stack, monkeypatch, event)
    with_specs(stack, sizes=(Size.parse("thumbnail", 50), Size.parse("large", 300)))
    cut_off_while_publishing(stack, monkeypatch, event)
    assert len(stack.rekognition.calls) == 2
    settle(stack, event)
    assert len(stack.rekognition.calls) == 2
    assert stack.record("a.jpg", event).status is Status.PUBLISHED


@pytest.mark.parametrize("earlier", [OBSERVING, Policy.parse({"mode": "off"})], ids=["observe", "off"])
def test_forbidden_picture_is_not_published_once_the_policy_is_enforced(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch, earlier: Policy
) -> None:
    stack.rekognition.labels = WEAPON
    enforcing = stack.settings.policy
    with_policy(stack, earlier)
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    kill_at(monkeypatch, Storage, "put_rendition", after=True)
    with pytest.raises(KILLED):
        stack.deliver(event)
    assert stack.keys("renditions"), "the first rendition was put when it was allowed"
    stack.clock.now += LEASE_OVER
    with_policy(stack, enforcing)
    failed_and_redriven(stack, "a.jpg", event)
    record = stack.record("a.jpg", event)
    assert record.status is Status.BLOCKED
    assert record.renditions == ()
    assert not any(record.attributes.get(name) for name in LOOKS)
    assert stack.keys("renditions") == set()


def test_stored_block_counts_although_the_policy_only_observes_now(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.rekognition.labels = WEAPON
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    kill_at(monkeypatch, stack.clients.s3, "copy_object")
    with pytest.raises(KILLED):
        stack.deliver(event)
    stack.clock.now += LEASE_OVER
    assert not any(stack.record("a.jpg", event).attributes.get(name) for name in LOOKS)
    with_policy(stack, OBSERVING)
    settle(stack, event)
    assert stack.record("a.jpg", event).status is Status.BLOCKED
    assert stack.keys("renditions") == set()


def test_picture_that_was_answered_is_not_asked_about_again_after_a_throttled_one(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    rekognition = use_rekognition_that_sees_red(stack)
    answer = rekognition.detect_moderation_labels
    answered: list[bytes] = []

    def throttled(**request: Any) -> dict[str, Any]:
        if len(rekognition.calls) % 2 == 1 and len(rekognition.calls) < 6:
            rekognition.calls.append({})
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "DetectModerationLabels")
        answered.append(request["Image"]["Bytes"])
        return answer(**request)

    monkeypatch.setattr(rekognition, "detect_moderation_labels", throttled)
    with_specs(stack, formats=("webp",), quality={"webp": 80})
    frames = [Image.new("RGB", (120, 90), (0, level, 0)) for level in (20, 90, 160, 230)]
    data = io.BytesIO()
    frames[0].save(data, "WEBP", save_all=True, append_images=frames[1:], duration=500, lossless=True)
    event = stack.upload("a.webp", data.getvalue())
    for _ in range(8):
        if stack.deliver(event):
            break
    record = stack.record("a.webp", event)
    assert record.status is Status.PUBLISHED
    assert record.moderation is not None
    assert len(answered) == len(set(answered)) == record.moderation.judged
    assert "answers" not in record.attributes


def test_neither_look_nor_size_of_a_withheld_picture_is_in_record_or_announcement(stack: MotoStack) -> None:
    stack.rekognition.labels = WEAPON
    event = stack.upload("a.jpg", draw((200, 2, 3)))
    assert stack.deliver(event)
    (announced,) = stack.announcements()
    attributes = stack.record("a.jpg", event).attributes
    for name in LOOKS:
        assert name not in announced
        assert attributes.get(name) is None
