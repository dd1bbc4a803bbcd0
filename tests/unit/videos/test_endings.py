"""How a video ends that is not simply published: refused, too slow, killed half-way, driven again, taken over."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest
from botocore.exceptions import ClientError
from PIL import Image

import media_pipeline.processing.video as story
from media_pipeline.errors import Reason, RejectedError
from media_pipeline.invocation import LEASE_MARGIN
from media_pipeline.records.record import Stage, Status
from media_pipeline.records.table import Records
from tests.unit.conftest import TIMEOUT, FakeContext
from tests.unit.processing.driving import KILLED, WEAPON, kill_at
from tests.unit.videos.filming import plain, shoot

LEASE = TIMEOUT * 0.5 * LEASE_MARGIN


def made(folder: Path, name: str = "a.mp4", **how: Any) -> bytes:
    """Return the bytes of a video."""
    path = folder / name
    shoot(path, **how)
    return path.read_bytes()


def end_of(videos: Any, data: bytes, key: str = "a.mp4") -> tuple[Status, Any]:
    """Process a video; return its status and the reason."""
    event = videos.upload(key, data)
    assert videos.deliver(event)
    record = videos.stack.record(key, event)
    return record.status, record.attributes.get("reason")


def colour(image: Image.Image) -> tuple[int, int, int]:
    """Return red, green and blue in the middle of a picture."""
    found: Any = image.convert("RGB").getpixel((image.width // 2, image.height // 2))
    red, green, blue = found
    return red, green, blue


def test_container_that_is_not_taken_is_unsupported(videos: Any) -> None:
    flv = b"FLV\x01\x05\x00\x00\x00\x09" + bytes(200)
    assert end_of(videos, flv) == (Status.REJECTED, "unsupported_type")


def test_sound_without_a_picture_is_no_video(videos: Any, tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        track: Any = container.add_stream("aac", rate=48_000, layout="mono")
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        frame.sample_rate, frame.pts = 48_000, 0
        container.mux(track.encode(frame))
        container.mux(track.encode(None))
    assert end_of(videos, path.read_bytes()) == (Status.REJECTED, "unsupported_type")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"video_bytes": 1000}, "too_large"),
        ({"video_seconds": 1}, "too_long"),
    ],
)
def test_video_over_a_limit_is_refused_with_its_reason(
    videos: Any, clip: bytes, changes: dict[str, int], reason: str
) -> None:
    videos.settings = replace(videos.settings, **changes)
    assert end_of(videos, clip) == (Status.REJECTED, reason)


def test_frames_of_too_many_pixels_are_refused_before_they_are_decoded(
    videos: Any, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = replace(videos.settings.limits, pixels=10_000)
    videos.settings = replace(videos.settings, limits=limits)
    monkeypatch.setattr(story, "transcode", lambda *_, **__: pytest.fail("it was decoded"))
    assert end_of(videos, clip) == (Status.REJECTED, "too_many_pixels")


def test_function_killed_half_way_publishes_nothing_and_the_video_is_taken_up_again(
    videos: Any, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = videos.upload("a.mp4", clip)
    kill_at(monkeypatch, story, "transcode", after=True)
    with pytest.raises(KILLED):
        videos.deliver(event)
    assert videos.stack.keys("renditions") == set()
    assert not videos.deliver(event), "the lease is live"
    videos.stack.clock.now += LEASE + 1
    assert videos.deliver(event)
    record = videos.stack.record("a.mp4", event)
    assert (record.status, record.attempt) == (Status.PUBLISHED, 3)


def test_folder_of_a_killed_function_is_cleared_away(videos: Any, clip: bytes, tmp_path: Path) -> None:
    left = tmp_path / "scratch" / "media-pipeline-video-999999999-abc"
    left.mkdir()
    (left / "original").write_bytes(b"x")
    assert end_of(videos, clip) == (Status.PUBLISHED, None)
    assert not left.exists()


def test_video_that_kills_the_function_each_time_is_not_tried_a_fourth_time(
    videos: Any, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = videos.upload("a.mp4", clip)
    for _ in range(3):
        kill_at(monkeypatch, story, "transcode")
        with pytest.raises(KILLED):
            videos.deliver(event)
        videos.stack.clock.now += LEASE + 1
    monkeypatch.setattr(story, "transcode", lambda *_, **__: pytest.fail("it was tried again"))
    assert videos.deliver(event)
    record = videos.stack.record("a.mp4", event)
    assert (record.status, record.attributes["reason"]) == (Status.REJECTED, "resource_exhausted")


def test_memory_that_ran_out_counts_against_the_object_and_is_no_rejection_at_once(
    videos: Any, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = videos.upload("a.mp4", clip)

    def transcode(*_: Any, **__: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(story, "transcode", transcode)
    assert not videos.deliver(event)
    record = videos.stack.record("a.mp4", event)
    assert (record.status, record.unfinished) == (Status.PROCESSING, 1)


@pytest.fixture
def slow(videos: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Each packet of the video takes 2 s, of the function's time and of the clock's."""
    context = FakeContext()
    real = story._Deadline.__call__

    def work(self: Any, done: float) -> None:
        context.seconds -= 2
        videos.stack.clock.now += 2
        real(self, done)

    monkeypatch.setattr(story._Deadline, "__call__", work)
    return context


def test_video_that_cannot_be_made_in_time_is_too_long_and_not_retried_to_death(
    videos: Any, clip: bytes, slow: FakeContext
) -> None:
    event = videos.upload("a.mp4", clip)
    assert videos.deliver(event, context=slow)
    record = videos.stack.record("a.mp4", event)
    assert (record.status, record.attributes["reason"]) == (Status.REJECTED, "too_long")
    assert slow.seconds > TIMEOUT * 0.7, "it was told early"
    assert videos.stack.keys("renditions") == set()


def test_run_that_began_late_blames_not_the_video(videos: Any, clip: bytes, slow: FakeContext) -> None:
    event = videos.upload("a.mp4", clip)
    real = videos.stack.clients.s3.get_object

    def late(**request: Any) -> Any:
        slow.seconds = 35
        return real(**request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(videos.stack.clients.s3, "get_object", late)
        assert not videos.deliver(event, context=slow)
    assert videos.stack.record("a.mp4", event).status is Status.PROCESSING


@pytest.mark.long
def test_lease_and_message_are_held_while_the_work_goes_on(
    videos: Any, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = videos.upload("a.mp4", clip)
    hidden: list[int] = []
    leases: list[float] = []
    clock = videos.stack.clock
    began = clock.now

    def work(self: Any, _: float) -> None:
        clock.now += 4
        self._attempt.renew_lease()
        leases.append(videos.stack.record("a.mp4", event).lease_left(clock.now))

    monkeypatch.setattr(story._Deadline, "__call__", work)
    monkeypatch.setattr(
        videos.stack.clients.sqs,
        "change_message_visibility",
        lambda **request: hidden.append(request["VisibilityTimeout"]),
    )
    assert videos.deliver(event)
    assert clock.now - began > 2 * LEASE, "it took longer than one lease"
    assert min(leases) > 0.7 * LEASE
    assert len(hidden) > 2
    assert set(hidden) == {LEASE}
    assert videos.stack.record("a.mp4", event).status is Status.PUBLISHED


def test_lease_that_cannot_be_extended_for_a_moment_does_not_stop_the_work(
    videos: Any, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = videos.upload("a.mp4", clip)
    refusals = iter(range(2))

    def extend(self: Any, claim: Any, *, lease_seconds: float) -> None:
        if next(refusals, None) is not None:
            raise ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, "UpdateItem")
        real(self, claim, lease_seconds=lease_seconds)

    def work(self: Any, _: float) -> None:
        videos.stack.clock.now += 1
        self._attempt.renew_lease()

    real = Records.extend
    monkeypatch.setattr(Records, "extend", extend)
    monkeypatch.setattr(story._Deadline, "__call__", work)
    assert videos.deliver(event)
    assert videos.stack.record("a.mp4", event).status is Status.PUBLISHED


def test_video_taken_over_by_another_is_left_to_it(
    videos: Any, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = videos.upload("a.mp4", clip)
    began = videos.stack.clock.now

    def work(self: Any, _: float) -> None:
        attempt = self._attempt
        if videos.stack.clock.now < began + 100:
            videos.stack.clock.now += 200
            other = videos.stack.records.claim(
                attempt.event, owner="other", lease_seconds=60, stage=Stage.VIDEO
            )
            assert other.owner == "other"
        self._attempt.renew_lease()

    monkeypatch.setattr(story._Deadline, "__call__", work)
    assert not videos.deliver(event)
    assert videos.stack.record("a.mp4", event).owner == "other"
    assert videos.stack.keys("renditions") == set()


def test_stored_verdict_is_reused_and_no_frame_billed_twice(
    videos: Any, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = videos.upload("a.mp4", clip)
    kill_at(monkeypatch, videos.stack.clients.s3, "put_object")
    with pytest.raises(KILLED):
        videos.deliver(event)
    videos.stack.clock.now += LEASE + 1
    assert videos.deliver(event)
    record = videos.stack.record("a.mp4", event)
    assert record.status is Status.PUBLISHED
    assert len(videos.stack.rekognition.calls) == 5
    assert videos.stack.keys("renditions") == record.rendition_keys, "the same bytes, the same keys"


def test_frame_that_rekognition_cannot_be_asked_about_publishes_nothing(videos: Any, clip: bytes) -> None:
    event = videos.upload("a.mp4", clip)
    real = videos.stack.rekognition.detect_moderation_labels

    def throttled(**request: Any) -> Any:
        if len(videos.stack.rekognition.calls) == 3:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "Detect")
        return real(**request)

    videos.stack.rekognition.detect_moderation_labels = throttled
    assert not videos.deliver(event)
    assert videos.stack.record("a.mp4", event).status is Status.PROCESSING
    assert videos.stack.keys("renditions") == set()


def test_grey_video_is_judged_in_colour(videos: Any, tmp_path: Path) -> None:
    videos.settings = replace(videos.settings, specs=replace(videos.settings.specs, grayscale=True))
    data = made(tmp_path, picture=lambda _: plain((220, 30, 30)))
    event = videos.upload("a.mp4", data)
    assert videos.deliver(event)
    for call in videos.stack.rekognition.calls:
        red, green, _ = colour(Image.open(io.BytesIO(call["Image"]["Bytes"])))
        assert red - green > 120
    with av.open(str(videos.published(event, tmp_path))) as published:
        frame: Any = next(published.decode(video=0))
        shown = colour(frame.to_image())
        assert max(shown) - min(shown) < 8


def test_blocked_video_is_quarantined_by_a_redrive_without_being_made_again(
    videos: Any, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos.stack.rekognition.labels = WEAPON
    event = videos.upload("a.mp4", clip)
    kill_at(monkeypatch, videos.stack.clients.s3, "copy_object")
    with pytest.raises(KILLED):
        videos.deliver(event)
    videos.stack.clock.now += LEASE + 1
    monkeypatch.setattr(story, "transcode", lambda *_, **__: pytest.fail("it was made again"))
    assert videos.deliver(event)
    assert videos.stack.record("a.mp4", event).status is Status.BLOCKED


def test_message_about_what_waits_for_the_image_function_comes_back(videos: Any, clip: bytes) -> None:
    event = videos.stack.upload("a.mp4", clip)
    with pytest.MonkeyPatch.context() as patch:
        kill_at(patch, videos.stack.clients.s3, "get_object")
        with pytest.raises(KILLED):
            videos.stack.deliver(event)
    videos.stack.clock.now += 100
    assert not videos.deliver(event)
    assert videos.stack.record("a.mp4", event).stage is Stage.IMAGE


def test_rejection_of_a_file_says_why_in_words(videos: Any) -> None:
    event = videos.upload("a.mp4", b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + bytes(5000))
    assert videos.deliver(event)
    record = videos.stack.record("a.mp4", event)
    assert record.attributes["reason"] == Reason.CORRUPT
    assert "decoded" in record.attributes["detail"]
    assert RejectedError(Reason.CORRUPT, "x").reason is Reason.CORRUPT
