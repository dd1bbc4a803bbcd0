"""`operations forget` on a stack whose functions really run: it ends whatever became of a key, and nothing stays."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from media_pipeline.processing.publishing import Publishing
from media_pipeline.records.answer_cache import PARTITIONS
from media_pipeline.records.record import Status
from media_pipeline.reviews.places import Places
from operations.forget import LATE_EVENT_DAYS, Forget
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import KILLED, draw, kill_at
from tests.unit.processing.test_withdrawals import FIGHT, delete, withhold

KEY = "shop/a.jpg"
DAY = 86_400
Prepare = Callable[[MotoStack, pytest.MonkeyPatch], None]


class _DeliveringS3:
    """S3, whose events of deletes are delivered at once; `returned` are those that were handed back."""

    def __init__(self, stack: MotoStack) -> None:
        self._stack = stack
        self.returned: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stack.clients.s3, name)

    def delete_object(self, *, Bucket: str, Key: str, VersionId: str | None = None) -> Any:  # noqa: N803 - as in boto3
        more: Any = {} if VersionId is None else {"VersionId": VersionId}
        answer = self._stack.clients.s3.delete_object(Bucket=Bucket, Key=Key, **more)
        name = "ObjectRemoved:DeleteMarkerCreated" if VersionId is None else "ObjectRemoved:Delete"
        version = VersionId or str(answer.get("VersionId", "marker"))
        event = self._stack.event(name, Key, version)
        if not self._stack.deliver(event):
            self.returned.append(event)
        return answer


def forget(stack: MotoStack, key: str = KEY) -> tuple[bool, Forget]:
    """Forget a key; return whether that ended, and the command's side. What was handed back is delivered afterwards."""
    places = Places(
        stack="test",
        uploads_bucket="uploads",
        quarantine_bucket="quarantine",
        logs_bucket="evidence",
        records_table="records",
        images_queue_url=stack.images_url,
    )
    s3 = _DeliveringS3(stack)
    forgetting = Forget(
        places=places,
        renditions="renditions",
        dynamodb=stack.clients.dynamodb,
        s3=cast(Any, s3),
        clock=stack.clock,
        sleep=lambda seconds: setattr(stack.clock, "now", stack.clock.now + seconds),
    )
    ended = forgetting.delete_key(key, seconds=5) and forgetting.delete_versions(key, seconds=5)
    if ended:
        forgetting.empty_records(key)
    stack.clock.now += 600
    assert all(map(stack.deliver, s3.returned))
    return ended, forgetting


def items(stack: MotoStack) -> list[dict[str, Any]]:
    return list(stack.clients.dynamodb.scan(TableName="records")["Items"])


def published(stack: MotoStack, _: pytest.MonkeyPatch) -> None:
    assert stack.deliver(stack.upload(KEY, draw((1, 200, 30))))


def under_review(stack: MotoStack, _: pytest.MonkeyPatch) -> None:
    withhold(stack, FIGHT)


def failed_after_its_move(stack: MotoStack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.rekognition.labels = FIGHT
    event = stack.upload(KEY, draw((1, 200, 30)))
    with monkeypatch.context() as patched:
        kill_at(patched, Publishing, "move", after=True)
        with pytest.raises(KILLED):
            stack.deliver(event)
    stack.clock.now += DAY
    assert stack.dead_letter(event)
    assert stack.record(KEY, event).status is Status.FAILED


def without_an_original(stack: MotoStack, _: pytest.MonkeyPatch) -> None:
    event = stack.upload(KEY, draw((1, 200, 30)))
    assert stack.deliver(event)
    version = event["s3"]["object"]["versionId"]
    stack.clients.s3.delete_object(Bucket="uploads", Key=KEY, VersionId=version)  # its retention is over


def failed_without_an_original(stack: MotoStack, _: pytest.MonkeyPatch) -> None:
    event = stack.upload(KEY, draw((1, 200, 30)))
    version = event["s3"]["object"]["versionId"]
    stack.clients.s3.delete_object(Bucket="uploads", Key=KEY, VersionId=version)
    stack.clock.now += DAY
    assert stack.dead_letter(event)
    assert stack.record(KEY, event).status is Status.FAILED


@pytest.mark.parametrize(
    "prepare",
    [published, under_review, failed_after_its_move, without_an_original, failed_without_an_original],
    ids=lambda prepare: prepare.__name__.replace("_", " "),
)
def test_forget_ends_and_leaves_only_emptied_records_that_expire(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch, prepare: Prepare
) -> None:
    prepare(stack, monkeypatch)
    ended, forgetting = forget(stack)
    assert ended
    assert not any(forgetting.left(KEY).values())
    until = stack.clock.now + LATE_EVENT_DAYS * DAY
    for item in items(stack):
        assert int(item["expires_at"]["N"]) <= until
        assert item.keys().isdisjoint({"sha256", "moderation", "renditions", "decision", "answers", "review"})


def test_what_failed_after_its_move_ends_with_its_key(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed_after_its_move(stack, monkeypatch)
    stack.announcements()
    assert stack.deliver(delete(stack, KEY))
    assert [record.status for record in stack.records.history(KEY)] == [Status.DELETED] * 2
    assert stack.keys("quarantine") == set()
    assert [each["status"] for each in stack.announcements()] == ["DELETED"] * 2


@pytest.mark.parametrize("seen", [0, 1], ids=["first version", "second version"])
def test_what_a_late_event_adds_expires_as_well(stack: MotoStack, seen: int) -> None:
    events = [stack.upload(KEY, draw((shade, 200, 30))) for shade in (1, 100)]
    assert stack.deliver(events[seen])
    ended, _ = forget(stack)
    assert ended
    assert stack.deliver(events[1 - seen])
    until = stack.clock.now + LATE_EVENT_DAYS * DAY
    assert {int(item.get("expires_at", {"N": "0"})["N"]) <= until for item in items(stack)} == {True}
    assert all("expires_at" in item for item in items(stack))


def test_answers_of_an_attempt_that_was_cut_off_leave_the_cache(stack: MotoStack) -> None:
    event = stack.upload(KEY, draw((1, 200, 30)))
    assert stack.deliver(event)
    record = stack.record(KEY, event)
    answer = {"object_key": {"S": PARTITIONS + "ab" * 32}, "sequencer": {"S": "!answer"}}
    stack.clients.dynamodb.put_item(TableName="records", Item=answer)
    picture = {"M": {"sha256": {"S": "ab" * 32}, "labels": {"L": []}}}
    answers = {"M": {"asked_from": {"N": "50"}, "model_version": {"S": "7.0"}, "pictures": {"L": [picture]}}}
    stack.clients.dynamodb.update_item(
        TableName="records",
        Key={"object_key": {"S": KEY}, "sequencer": {"S": record.sequencer}},
        UpdateExpression="SET answers = :answers",
        ExpressionAttributeValues={":answers": answers},
    )
    ended, _ = forget(stack)
    assert ended
    assert not [item for item in items(stack) if item["object_key"]["S"].startswith(PARTITIONS)]


def test_key_that_the_console_made_to_show_a_folder_is_forgotten(stack: MotoStack) -> None:
    assert stack.deliver(stack.upload("Jane Doe/", b""))
    ended, forgetting = forget(stack, "Jane Doe/")
    assert ended
    assert not any(forgetting.left("Jane Doe/").values())
