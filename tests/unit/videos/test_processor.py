"""One video's way through the function: what is published, what is judged, and how it ends."""

import io
import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from media_pipeline.records.record import Stage, Status
from tests.unit.processing.driving import WEAPON
from tests.unit.videos.filming import encode_with_alpha
from tests.video.video_builder import Sound, Track, craft


def test_video_is_published_with_posters_after_its_frames_were_judged(
    videos: Any, clip: bytes, tmp_path: Path
) -> None:
    event = videos.upload("a.mp4", clip)
    assert videos.deliver(event)
    record = videos.stack.record("a.mp4", event)
    assert (record.status, record.stage) == (Status.PUBLISHED, Stage.VIDEO)
    assert [(r["name"], r["format"], r["width"], r["height"]) for r in record.renditions] == [
        ("video", "mp4", 120, 90),
        ("medium", "jpeg", 120, 90),
        ("thumbnail", "jpeg", 50, 38),
    ]
    assert videos.stack.keys("renditions") == record.rendition_keys
    facts = record.attributes
    assert (facts["codec"], facts["sound"], facts["width"], facts["height"]) == ("h264", "aac", 160, 120)
    assert (facts["duration"], facts["frame_rate"]) == (2, 10)
    assert facts["moderation"]["judged"] == 5
    times = [frame["time"] for frame in facts["moderation"]["frames"]]
    assert (times[0], times[-1]) == (0, 1.9)
    assert len(videos.stack.rekognition.calls) == 5
    told = videos.stack.announcements()
    assert [message["status"] for message in told] == ["PUBLISHED"]
    with av.open(str(videos.published(event, tmp_path))) as made:
        assert [(s.type, s.codec_context.name) for s in made.streams] == [("video", "h264"), ("audio", "aac")]


def test_video_with_one_bad_frame_is_blocked_and_nothing_of_it_is_published(videos: Any, clip: bytes) -> None:
    event = videos.upload("a.mp4", clip)
    real, numbers = videos.stack.rekognition.detect_moderation_labels, itertools.count(1)

    def only_the_third(**request: Any) -> Any:
        answer = real(**request)
        found = WEAPON if next(numbers) == 3 else []
        labels = [{"Name": name, "ParentName": parent, "Confidence": sure} for name, parent, sure in found]
        return {**answer, "ModerationLabels": labels}

    videos.stack.rekognition.detect_moderation_labels = only_the_third
    assert videos.deliver(event)
    record = videos.stack.record("a.mp4", event)
    assert record.status is Status.BLOCKED
    frames = record.attributes["moderation"]["frames"]
    (bad,) = (frame for frame in frames if frame["labels"])
    assert bad["labels"][0]["name"] == "Violence"
    assert videos.stack.keys("renditions") == set()
    version = event["s3"]["object"]["versionId"]
    pictures = [f"a.mp4/{version}.review/{number}.jpg" for number in range(1, 6)]
    assert videos.stack.keys("quarantine") == {f"a.mp4/{version}", *pictures}
    review = record.attributes["review"]
    assert [picture["key"] for picture in review] == pictures
    shown = [(picture["sha256"], picture["time"]) for picture in review]
    assert shown[: len(frames)] == [(frame["sha256"], frame["time"]) for frame in frames], (
        "asked in this order"
    )


def test_frames_are_judged_as_they_are_published(videos: Any, clip: bytes) -> None:
    event = videos.upload("a.mp4", clip)
    assert videos.deliver(event)
    sizes = {Image.open(io.BytesIO(call["Image"]["Bytes"])).size for call in videos.stack.rekognition.calls}
    assert sizes == {(120, 90)}


def test_record_and_announcement_say_which_sound_was_left_out(videos: Any, tmp_path: Path) -> None:
    data = craft(tmp_path / "a.mkv", [Track()], [Sound(codec="tta")])
    event = videos.upload("a.mkv", data)
    assert videos.deliver(event)
    facts = videos.stack.record("a.mkv", event).attributes
    assert (facts["status"], facts["sound"], facts["dropped_sound"]) == ("PUBLISHED", False, "tta")
    (message,) = videos.stack.announcements()
    assert (message["sound"], message["dropped_sound"]) == (False, "tta")


@pytest.mark.parametrize("grayscale", [False, True])
def test_transparent_video_is_judged_over_the_configured_background(
    videos: Any, grayscale: bool, tmp_path: Path
) -> None:
    specs = replace(videos.settings.specs, background=(200, 30, 40), grayscale=grayscale)
    videos.settings = replace(videos.settings, specs=specs)
    encode_with_alpha(
        tmp_path / "a.mov", "prores_ks", "yuva444p10le", Image.new("RGBA", (160, 120), (0, 0, 255, 0))
    )
    event = videos.upload("a.mov", (tmp_path / "a.mov").read_bytes())
    assert videos.deliver(event)
    assert videos.stack.rekognition.calls
    for call in videos.stack.rekognition.calls:
        shown: Any = Image.open(io.BytesIO(call["Image"]["Bytes"])).convert("RGB").getpixel((60, 45))
        assert [abs(level - wanted) < 12 for level, wanted in zip(shown, (200, 30, 40), strict=True)] == [
            True
        ] * 3


def test_a_video_that_was_uploaded_before_is_published_without_a_request(videos: Any, clip: bytes) -> None:
    videos.settings = replace(videos.settings, cache_days=30)
    records = []
    for key in ("a.mp4", "b.mp4"):
        event = videos.upload(key, clip)
        # The message of the hand-over would be received before the one that `deliver` sends.
        sqs, url = videos.stack.clients.sqs, videos.stack.videos_url
        (handed_over,) = sqs.receive_message(QueueUrl=url)["Messages"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=handed_over["ReceiptHandle"])
        assert videos.deliver(event)
        records.append(videos.stack.record(key, event))
    assert [record.status for record in records] == [Status.PUBLISHED] * 2
    assert len(videos.stack.rekognition.calls) == 5
    assert [record.attributes["moderation"].get("reused") for record in records] == [None, 5]
    times = [[frame["time"] for frame in record.attributes["moderation"]["frames"]] for record in records]
    assert times[0] == times[1]
