"""A desk to review at: the resources of a stack in the embedded AWS, what waits there, and the console on it.

No function runs, so that what was asked for stays as the console left it.
"""

import io
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from PIL import Image

from embedded_aws.world import World
from local.demo import scenes
from media_pipeline.images.placeholder import thumbhash
from media_pipeline.moderation.result import JudgedPicture, ModerationResult
from media_pipeline.moderation.verdicts import Label, Mode, Verdict
from media_pipeline.records.decisions import Action
from media_pipeline.records.record import iso_time, to_item
from operations.reviews.desk import Desk
from operations.reviews.server import Console
from operations.stack import StackOutputs
from tests.fixtures.storage import create_records_table

SHA256 = "ab" * 32
BATCH = 25  # items that BatchWriteItem takes
_SCENES = (
    (scenes.garden, (480, 320)),
    (scenes.balloons, (300, 450)),
    (scenes.lake, (480, 320)),
    (scenes.dunes, (650, 130)),
)
_BUCKETS = ("uploads", "quarantine", "renditions", "stack-logs")


@dataclass
class Bench:
    """The stack's clients and outputs."""

    world: World
    outputs: StackOutputs
    number: int = 0

    @contextmanager
    def console(self) -> Iterator[Console]:
        """Serve the console."""
        desk = Desk.open("dev", self.outputs)
        with Console(desk.api(), person=desk.person) as console:
            yield console

    def client(self, service: str) -> Any:
        return self.world.client(service)

    def put(
        self,
        key: str,
        *labels: tuple[str, str, float],
        times: Sequence[float] = (),
        age: float = 60.0,
        **changed: Any,
    ) -> dict[str, Any]:
        """Put a version that waits, with its judged pictures; return its record."""
        names = [f"{key}/v{self.number}.review/{n + 1}.jpg" for n in range(len(times) or 1)]
        for n, name in enumerate(names):
            picture = _picture((self.number + n) % len(_SCENES))
            self.client("s3").put_object(
                Bucket="quarantine",
                Key=name,
                Body=_jpeg(picture),
                ContentType="image/jpeg",
                Metadata={"thumbhash": thumbhash(_small(picture))},
            )
        review = [
            {"key": name, "sha256": f"{n:064x}", **({"time": times[n]} if times else {})}
            for n, name in enumerate(names)
        ]
        values = self.values(key, *labels, times=times, age=age, review=review, **changed)
        self.client("dynamodb").put_item(
            TableName="records",
            Item=to_item({name: value for name, value in values.items() if value is not None}),
        )
        return values

    def values(
        self,
        key: str,
        *labels: tuple[str, str, float],
        times: Sequence[float] = (),
        age: float = 60.0,
        **changed: Any,
    ) -> dict[str, Any]:
        """Return the record of a new version that waits."""
        self.number += 1
        found = tuple(Label(*label) for label in labels or [("Violence", "", 87.0)])
        first = found[0]
        pictures = [
            JudgedPicture(f"{n:064x}", found if n in (0, 2) else (), time=at) for n, at in enumerate(times)
        ]
        verdict = ModerationResult(
            verdict=Verdict.REVIEW,
            mode=Mode.ENFORCE,
            reason=f"{first.name} {first.confidence:.1f} reached the review threshold of 50"
            + (f" for {first.parent}" if first.parent else ""),
            labels=found,
            model_version="7.0",
            policy_version="0123456789ab",
            judged=len(times) or 1,
            pictures=tuple(pictures) or (JudgedPicture(f"{0:064x}", found),),
            asked_from=50.0,
        )
        since = iso_time(time.time() - age)
        return {
            "object_key": key,
            "sequencer": f"{self.number:032X}",
            "status": "REVIEW",
            "attention": "REVIEW",
            "attempt": 1,
            "version_id": f"v{self.number}",
            "etag": "e" * 32,
            "lease_until": 0,
            "sha256": SHA256,
            "bytes": 2_345_678,
            "content_type": "video/mp4" if times else "image/jpeg",
            **({"duration": 24.5} if times else {}),
            "reason": "policy_review",
            "moderation": verdict.to_document(),
            "finished_at": since,
            "updated_at": since,
            **changed,
        }

    def fill(self, count: int) -> None:
        """Put many records that wait, without pictures."""
        requests = [
            {"PutRequest": {"Item": to_item(self.values(f"many/{n:05}.jpg", age=1e6 - n))}}
            for n in range(count)
        ]
        for start in range(0, count, BATCH):
            self.client("dynamodb").batch_write_item(
                RequestItems={"records": requests[start : start + BATCH]}
            )

    def clear(self) -> None:
        """Remove all records, evidence and messages."""
        dynamodb = self.client("dynamodb")
        dynamodb.delete_table(TableName="records")
        create_records_table(dynamodb)
        for name in _BUCKETS:
            for entry in self.client("s3").list_objects_v2(Bucket=name).get("Contents", ()):
                self.client("s3").delete_object(Bucket=name, Key=entry["Key"])
        self.messages()

    def messages(self) -> list[str]:
        """Return the bodies of the messages to the workers since the last call."""
        sqs = self.client("sqs")
        found: list[str] = []
        while batch := sqs.receive_message(
            QueueUrl=self.outputs.images_queue_url, MaxNumberOfMessages=10
        ).get("Messages"):
            for each in batch:
                found.append(each["Body"])
                sqs.delete_message(
                    QueueUrl=self.outputs.images_queue_url, ReceiptHandle=each["ReceiptHandle"]
                )
        return found

    def decide_elsewhere(self, key: str, person: str) -> None:
        """Approve an object as another person, at another desk."""
        desk = Desk.open("dev", self.outputs)
        desk.decisions.ask(desk.waiting.of_key(key), Action.APPROVE, person)

    def decided(self) -> list[dict[str, Any]]:
        """Return the items that hold a decision."""
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName="records")
        return [item for page in pages for item in page["Items"] if "decision" in item]

    def evidence(self) -> int:
        """Return how many decisions the logs bucket has evidence of."""
        pages = (
            self.client("s3")
            .get_paginator("list_objects_v2")
            .paginate(Bucket="stack-logs", Prefix="decisions/")
        )
        return sum(page["KeyCount"] for page in pages)


@contextmanager
def bench() -> Iterator[Bench]:
    """Open a world with the resources of a stack that a review needs."""
    with World(region="eu-central-1") as world:
        s3: Any = world.client("s3")
        for name in _BUCKETS:
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        create_records_table(world.client("dynamodb"))
        url = world.client("sqs").create_queue(QueueName="images")["QueueUrl"]
        document = {
            "uploads_bucket": "uploads",
            "quarantine_bucket": "quarantine",
            "logs_bucket": "stack-logs",
            "renditions_bucket": "renditions",
            "records_table": "records",
            "images_queue_url": url,
            "events_topic_arn": "arn:aws:sns:eu-central-1:123456789012:events",
        }
        yield Bench(world, StackOutputs.parse(document, "the test"))


@cache
def _picture(number: int) -> Image.Image:
    draw, size = _SCENES[number % len(_SCENES)]
    return draw(size).convert("RGB")


def _small(picture: Image.Image) -> Image.Image:
    small = picture.copy()
    small.thumbnail((32, 32))
    return small.convert("RGBA")


def _jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85)
    return out.getvalue()
