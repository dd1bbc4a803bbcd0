"""Videos on their way from the images queue to the videos queue: each is handed over, none twice at work, none lost."""

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from media_pipeline.errors import LeaseHeldError, LeaseLostError
from media_pipeline.events import parse_message
from media_pipeline.records.record import Claim, ClaimResult, Stage, Status, WaitsForStage
from media_pipeline.records.table import Records
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import KILLED, LEASE_OVER, kill_at

VIDEO = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + bytes(5000)


@pytest.fixture
def videos(stack: MotoStack) -> Any:
    """The stack, with videos enabled."""
    stack.settings = replace(stack.settings, videos_queue_url=stack.videos_url)
    return stack


def waiting(stack: MotoStack) -> list[Any]:
    """Bodies of the messages on the videos queue, which stay there."""
    answer = stack.clients.sqs.receive_message(
        QueueUrl=stack.videos_url, MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    return [json.loads(message["Body"]) for message in answer.get("Messages", ())]


def claimed_for_video(stack: MotoStack, event: dict[str, Any], owner: str = "video") -> ClaimResult:
    (parsed,) = parse_message(json.dumps({"Records": [event]}))
    claim: ClaimResult = stack.records.claim(parsed, owner=owner, lease_seconds=60, stage=Stage.VIDEO)
    return claim


def test_video_is_handed_to_the_videos_queue_as_its_own_event_and_acknowledged(videos: Any) -> None:
    event = videos.upload("a b/ü.jpg", VIDEO)
    assert videos.deliver(event)
    assert waiting(videos) == [{"Records": [event]}]
    record = videos.record("a b/ü.jpg", event)
    assert (record.status, record.stage, record.owner, record.unfinished) == (
        Status.PROCESSING,
        Stage.VIDEO,
        None,
        0,
    )
    assert record.lease_left(videos.clock.now) <= 0
    assert videos.announcements() == []


def test_without_a_videos_queue_a_video_is_rejected_as_video_disabled(stack: MotoStack) -> None:
    event = stack.upload("a.mp4", VIDEO)
    assert stack.deliver(event)
    record = stack.record("a.mp4", event)
    assert (record.status, record.attributes["reason"]) == (Status.REJECTED, "video_disabled")


def test_only_the_video_of_a_message_with_several_events_is_handed_over(videos: Any, picture: bytes) -> None:
    video, still = videos.upload("a.mp4", VIDEO), videos.upload("a.jpg", picture)
    assert videos.deliver(still, video)
    assert waiting(videos) == [{"Records": [video]}]
    assert videos.record("a.jpg", still).status is Status.PUBLISHED


def test_duplicate_of_the_upload_sends_again_without_claiming(videos: Any) -> None:
    event = videos.upload("a.mp4", VIDEO)
    assert videos.deliver(event)
    before = videos.record("a.mp4", event)
    assert videos.deliver(event)
    assert len(waiting(videos)) == 2
    assert videos.record("a.mp4", event) == before


def test_video_that_was_marked_but_not_sent_is_sent_by_the_next_attempt(
    videos: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = videos.upload("a.mp4", VIDEO)
    real = videos.clients.sqs.send_message

    def refuse(**request: Any) -> Any:
        if request["QueueUrl"] == videos.videos_url:
            raise ClientError({"Error": {"Code": "ServiceUnavailable", "Message": ""}}, "SendMessage")
        return real(**request)

    monkeypatch.setattr(videos.clients.sqs, "send_message", refuse)
    assert not videos.deliver(event)
    assert (waiting(videos), videos.record("a.mp4", event).stage) == ([], Stage.VIDEO)
    monkeypatch.setattr(videos.clients.sqs, "send_message", real)
    assert videos.deliver(event)
    assert waiting(videos) == [{"Records": [event]}]


@pytest.mark.parametrize("after", [False, True])
def test_function_killed_around_the_mark_loses_no_video(
    videos: Any, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    event = videos.upload("a.mp4", VIDEO)
    kill_at(monkeypatch, Records, "hand_over", after=after)
    with pytest.raises(KILLED):
        videos.deliver(event)
    assert waiting(videos) == []
    videos.clock.now += LEASE_OVER
    assert videos.deliver(event)
    assert waiting(videos) == [{"Records": [event]}]


def test_video_function_claims_what_was_handed_over_and_counts_its_own_attempt(videos: Any) -> None:
    event = videos.upload("a.mp4", VIDEO)
    assert videos.deliver(event)
    claim = claimed_for_video(videos, event)
    assert isinstance(claim, Claim)
    assert (claim.record.attempt, claim.record.unfinished, claim.record.stage) == (2, 1, Stage.VIDEO)
    with pytest.raises(LeaseHeldError):
        claimed_for_video(videos, event, "another")


def test_video_function_leaves_alone_what_waits_for_the_image_function(
    videos: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = videos.upload("a.mp4", VIDEO)
    kill_at(monkeypatch, videos.clients.s3, "get_object")
    with pytest.raises(KILLED):
        videos.deliver(event)
    videos.clock.now += LEASE_OVER
    found = claimed_for_video(videos, event)
    assert isinstance(found, WaitsForStage)
    assert (found.record.status, found.record.stage) == (Status.PROCESSING, Stage.IMAGE)


def test_redrive_of_a_failed_video_passes_through_to_the_videos_queue(videos: Any) -> None:
    event = videos.upload("a.mp4", VIDEO)
    assert videos.deliver(event)
    assert videos.dead_letter(event)
    failed = videos.record("a.mp4", event)
    assert (failed.status, failed.stage) == (Status.FAILED, Stage.VIDEO)
    redrive = {**event, "eventSource": "media-pipeline:redrive", "redrive": {"attempt": failed.attempt}}
    assert videos.deliver(redrive)
    assert waiting(videos)[-1] == {"Records": [redrive]}
    claim = claimed_for_video(videos, redrive)
    assert isinstance(claim, Claim)
    assert (claim.record.attempt, claim.record.unfinished) == (failed.attempt + 1, 1)


def test_stack_whose_videos_were_disabled_ends_those_that_still_wait(videos: Any) -> None:
    event = videos.upload("a.mp4", VIDEO)
    assert videos.deliver(event)
    videos.settings = replace(videos.settings, videos_queue_url=None)
    assert videos.deliver(event)
    record = videos.record("a.mp4", event)
    assert (record.status, record.attributes["reason"]) == (Status.REJECTED, "video_disabled")


def test_hand_over_whose_answer_was_lost_is_known_and_a_lost_lease_is_not_handed_over(videos: Any) -> None:
    event = videos.upload("a.mp4", VIDEO)
    (parsed,) = parse_message(json.dumps({"Records": [event]}))
    claim = videos.records.claim(parsed, owner="me", lease_seconds=60)
    videos.records.hand_over(claim, Stage.VIDEO)
    videos.records.hand_over(claim, Stage.VIDEO)
    assert isinstance(claimed_for_video(videos, event), Claim)
    with pytest.raises(LeaseLostError):
        videos.records.hand_over(claim, Stage.VIDEO)


def test_dead_letter_of_the_videos_queue_fails_its_record_and_is_redriven_to_its_own_queue(
    videos: Any,
) -> None:
    event = videos.upload("a.mp4", VIDEO)
    assert videos.deliver(event)
    urls = {"queue_url": videos.dead_letters_url, "videos_dead_letters_url": videos.videos_dead_letters_url}
    videos.settings = replace(videos.settings, **urls)
    claimed_for_video(videos, event)
    chosen: list[str] = []

    def choose(**request: Any) -> None:
        chosen.append(request["QueueUrl"])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(videos.clients.sqs, "change_message_visibility", choose)
        assert not videos.dead_letter(event, url=videos.videos_dead_letters_url)
        assert not videos.dead_letter(event)
    assert chosen == [videos.videos_dead_letters_url, videos.dead_letters_url]
    videos.clock.now += LEASE_OVER
    assert videos.dead_letter(event, url=videos.videos_dead_letters_url)
    assert videos.record("a.mp4", event).status is Status.FAILED
