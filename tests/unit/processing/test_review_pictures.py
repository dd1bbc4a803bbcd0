"""What was judged is put beside its original in quarantine, for people who review it."""

import hashlib
import io
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from media_pipeline.moderation.result import JudgedPicture, ModerationResult
from media_pipeline.moderation.verdicts import Label, Mode, Verdict
from media_pipeline.processing.publishing import REVIEW_PICTURES, _to_review
from media_pipeline.records.record import Status
from media_pipeline.storage import Storage
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import KILLED, LEASE_OVER, WEAPON, draw_noise, kill_at, settle

FIGHT = [("Violence", "", 60.0)]
LATER = 3600.0  # seconds, after which an original that is gone does not appear any more


@pytest.mark.parametrize(("labels", "status"), [(FIGHT, Status.REVIEW), (WEAPON, Status.BLOCKED)])
def test_judged_picture_lies_beside_its_original_in_quarantine(
    stack: MotoStack, labels: Any, status: Status
) -> None:
    stack.rekognition.labels = labels
    event = stack.upload("a b/ü.jpg", draw_noise(1200, 800))
    assert stack.deliver(event)
    record = stack.record("a b/ü.jpg", event)
    version = event["s3"]["object"]["versionId"]
    (picture,) = record.attributes["review"]
    assert picture["key"] == f"a b/ü.jpg/{version}.review/1.jpg"
    assert stack.keys("quarantine") == {f"a b/ü.jpg/{version}", picture["key"]}
    (asked,) = (call["Image"]["Bytes"] for call in stack.rekognition.calls)
    assert picture["sha256"] == hashlib.sha256(asked).hexdigest(), "so that its labels can be shown beside it"
    stored = stack.clients.s3.get_object(Bucket="quarantine", Key=picture["key"])
    assert (stored["ContentType"], stored["CacheControl"]) == ("image/jpeg", "no-store")
    assert max(Image.open(io.BytesIO(stored["Body"].read())).size) <= 1024
    assert stored["Metadata"]["thumbhash"], "a look at it, which the record must not hold"
    assert record.attributes.get("placeholder") is None
    tags = stack.clients.s3.get_object_tagging(Bucket="quarantine", Key=picture["key"])["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags}["status"] == status


def test_what_is_published_has_no_pictures_for_reviewers(stack: MotoStack, picture: bytes) -> None:
    event = stack.upload("a.jpg", picture)
    assert stack.deliver(event)
    assert stack.keys("quarantine") == set()
    assert "review" not in stack.record("a.jpg", event).attributes


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("call", ["put_object", "copy_object"])
def test_attempt_that_is_cut_off_leaves_every_picture_to_reviewers(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch, call: str, after: bool
) -> None:
    stack.rekognition.labels = FIGHT
    event = stack.upload("a.jpg", picture)
    kill_at(monkeypatch, stack.clients.s3, call, after=after)
    with pytest.raises(KILLED):
        stack.deliver(event)
    stack.clock.now += LEASE_OVER
    settle(stack, event)
    record = stack.record("a.jpg", event)
    assert record.status is Status.REVIEW
    (listed,) = record.attributes["review"]
    assert listed["key"] in stack.keys("quarantine")


def test_of_many_frames_those_with_the_surest_labels_are_shown_in_the_order_of_the_film() -> None:
    frames = [f"frame {number}".encode() for number in range(REVIEW_PICTURES + 20)]
    sure = {3: 99.0, 50: 80.0, 58: 60.0}
    moderation = ModerationResult(
        verdict=Verdict.REVIEW,
        mode=Mode.ENFORCE,
        reason="r",
        labels=(),
        model_version="7.0",
        policy_version="p",
        judged=len(frames),
        pictures=tuple(
            JudgedPicture(
                hashlib.sha256(frame).hexdigest(),
                (Label("Violence", "", sure[at]),) if at in sure else (),
                time=at / 2,
            )
            for at, frame in enumerate(frames)
        ),
    )
    results: Any = SimpleNamespace(proxies=frames, times=[at / 2 for at in range(len(frames))])
    shown = [time for _, _, time in _to_review(results, moderation)]
    assert len(shown) == REVIEW_PICTURES
    assert shown == sorted(shown, key=lambda time: time or 0.0)
    assert {1.5, 25.0, 29.0} <= set(shown)


@pytest.mark.parametrize("after", [True, False])
def test_pictures_of_an_attempt_that_was_cut_off_go_when_the_version_ends_without_a_verdict(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    stack.rekognition.labels = FIGHT
    event = stack.upload("a.jpg", picture)
    kill_at(monkeypatch, type(stack.records), "store_verdict")
    with pytest.raises(KILLED):
        stack.deliver(event)
    assert len(stack.keys("quarantine")) == 1
    stack.clock.now += LEASE_OVER
    marker = stack.clients.s3.delete_object(Bucket="uploads", Key="a.jpg")["VersionId"]
    deleted = stack.event("ObjectRemoved:DeleteMarkerCreated", "a.jpg", marker)
    messages = [event, deleted] if after else [deleted, event]
    for message in messages:
        settle(stack, message)
    assert stack.keys("quarantine") == set()


def test_attempt_that_stood_still_leaves_the_pictures_of_the_one_that_took_over(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.rekognition.labels = FIGHT
    event = stack.upload("a.jpg", picture)
    kill_at(monkeypatch, type(stack.records), "store_verdict")
    with pytest.raises(KILLED):
        stack.deliver(event)
    stack.clock.now += LEASE_OVER
    open_original = Storage.open

    def stand_still(storage: Storage, *args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(Storage, "open", open_original)
        stack.clock.now += LATER
        assert stack.deliver(event)
        return open_original(storage, *args, **kwargs)

    monkeypatch.setattr(Storage, "open", stand_still)
    assert not stack.deliver(event), "its lease is over"
    record = stack.record("a.jpg", event)
    assert record.status is Status.REVIEW
    assert {picture["key"] for picture in record.attributes["review"]} < stack.keys("quarantine")
