"""A decision about a video is handed on to the video function, which publishes it from quarantine."""

from dataclasses import replace
from typing import Any

from media_pipeline.records.decisions import Action
from media_pipeline.records.record import Stage, Status
from tests.fixtures.deciding import decide

FIGHT = [("Violence", "", 60.0)]


def held_back(videos: Any, clip: bytes) -> Any:
    videos.stack.rekognition.labels = FIGHT
    event = videos.upload("a.mp4", clip)
    assert videos.deliver(event)
    assert videos.stack.record("a.mp4", event).status is Status.REVIEW
    videos.stack.rekognition.calls.clear()
    videos.stack.clients.sqs.purge_queue(QueueUrl=videos.stack.videos_url)
    return event


def test_approved_video_is_published_by_the_video_function(videos: Any, clip: bytes) -> None:
    event = held_back(videos, clip)
    message = decide(videos.stack, "a.mp4", event)
    assert videos.stack.deliver(message), "the image function hands it on"
    record = videos.stack.record("a.mp4", event)
    assert (record.status, record.stage) == (Status.REVIEW, Stage.VIDEO)
    assert videos.deliver(message)
    record = videos.stack.record("a.mp4", event)
    assert (record.status, record.carried_out) == (Status.PUBLISHED, message["decision"]["id"])
    assert {entry["name"] for entry in record.renditions} >= {"video"}
    assert videos.stack.keys("renditions") == record.rendition_keys
    assert videos.stack.rekognition.calls == []


def test_rejected_video_needs_no_video_function(videos: Any, clip: bytes) -> None:
    event = held_back(videos, clip)
    assert videos.stack.deliver(decide(videos.stack, "a.mp4", event, Action.REJECT))
    record = videos.stack.record("a.mp4", event)
    assert (record.status, record.attributes["reason"]) == (Status.BLOCKED, "person_block")


def test_approved_video_of_a_stack_that_takes_no_videos_any_more_is_rejected(
    videos: Any, clip: bytes
) -> None:
    event = held_back(videos, clip)
    videos.stack.settings = replace(videos.stack.settings, videos_queue_url=None)
    assert videos.stack.deliver(decide(videos.stack, "a.mp4", event))
    record = videos.stack.record("a.mp4", event)
    assert (record.status, record.attributes["reason"]) == (Status.REJECTED, "video_disabled")
