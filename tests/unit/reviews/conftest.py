"""What a reviewer works with, in moto: buckets, table and queue of a stack, and records that wait."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from media_pipeline.moderation.result import JudgedPicture, ModerationResult
from media_pipeline.moderation.verdicts import Label, Mode, Verdict
from media_pipeline.records.decisions import Action
from media_pipeline.records.record import Record, from_item, iso_time, to_item
from media_pipeline.reviews.asking import Decisions
from media_pipeline.reviews.pictures import Pictures
from media_pipeline.reviews.places import Places
from media_pipeline.reviews.waiting import Waiting
from operations.takedown import Takedown
from tests.fixtures.moto_speedups import fast_mock_aws
from tests.fixtures.storage import ENVIRONMENT, REGION, create_buckets, create_records_table

LOGS = "stack-logs"  # a bucket "logs" has the host name of CloudWatch Logs in moto
NOW = 1_800_000_000.0
SHA256 = "ab" * 32
ANNA = "arn:aws:sts::123456789012:assumed-role/reviewers/anna"
BERT = "arn:aws:sts::123456789012:assumed-role/reviewers/bert"


@dataclass
class Stack:
    """A stack in moto, as the ask side sees it."""

    dynamodb: Any
    s3: Any
    sqs: Any
    places: Places
    now: float = NOW
    numbers: Iterator[int] = field(default_factory=itertools.count)
    approve = Action.APPROVE

    def decisions(self, **changed: Any) -> Decisions:
        """Return the ask side; `changed` replaces clients."""
        clients: Any = {"dynamodb": self.dynamodb, "s3": self.s3, "sqs": self.sqs}
        return Decisions(places=self.places, clock=lambda: self.now, **{**clients, **changed})

    def takedown(self, **more: Any) -> Takedown:
        """Return what takes down in this stack."""
        clients: Any = {"dynamodb": self.dynamodb, "s3": self.s3}
        return Takedown(
            table="records", renditions="renditions", decisions=self.decisions(), **clients, **more
        )

    @property
    def waiting(self) -> Waiting:
        return Waiting(dynamodb=self.dynamodb, table="records", clock=lambda: self.now)

    @property
    def pictures(self) -> Pictures:
        return Pictures(s3=self.s3, bucket="quarantine")

    def put(self, key: str = "photo.jpg", status: str = "REVIEW", **changed: Any) -> Record:
        """Put the record of a new version."""
        number = next(self.numbers)
        labels = (Label("Graphic Violence", "Violence", 87.25), Label("Violence", "", 87.25))
        verdict = ModerationResult(
            verdict=Verdict.REVIEW,
            mode=Mode.ENFORCE,
            reason="Graphic Violence 87.2 reached the review threshold of 50 for Violence",
            labels=labels,
            model_version="7.0",
            policy_version="0123456789ab",
            judged=1,
            pictures=(JudgedPicture("cd" * 32, labels),),
            asked_from=50.0,
        )
        values = {
            "object_key": key,
            "sequencer": f"{number + 1:032X}",
            "status": status,
            "attempt": 1,
            "version_id": f"version-{number}",
            "etag": "e" * 32,
            "lease_until": 0,
            "sha256": SHA256,
            "bytes": 1234,
            "content_type": "image/jpeg",
            "moderation": verdict.to_document(),
            "finished_at": iso_time(self.now + number),
            "updated_at": iso_time(self.now + number),
            **({"attention": status} if status in ("REVIEW", "FAILED") else {}),
            **changed,
        }
        item = to_item({name: value for name, value in values.items() if value is not None})
        self.dynamodb.put_item(TableName="records", Item=item)
        return from_item(item)

    def read(self, record: Record) -> Record:
        return self.waiting.get(record.object_key, record.sequencer)

    def evidence(self) -> dict[str, Any]:
        """Return what the logs bucket holds, by key."""
        listed = self.s3.list_objects_v2(Bucket=LOGS).get("Contents", ())
        return {
            each["Key"]: json.load(self.s3.get_object(Bucket=LOGS, Key=each["Key"])["Body"])
            for each in listed
        }

    def messages(self) -> list[str]:
        """Return the bodies of the messages on the images queue since the last call."""
        url = self.places.images_queue_url
        found = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for each in found:
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return [each["Body"] for each in found]


class WrittenTwice:
    """A DynamoDB client that sends each update again, as the SDK does where the answer to the first was lost."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dynamodb, name)

    def update_item(self, **request: Any) -> Any:
        self._dynamodb.update_item(**request)
        return self._dynamodb.update_item(**request)


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with fast_mock_aws():
        dynamodb: Any = boto3.client("dynamodb", region_name=REGION)
        s3: Any = boto3.client("s3", region_name=REGION)
        sqs: Any = boto3.client("sqs", region_name=REGION)
        create_buckets(s3, "uploads", "quarantine", LOGS, versioned="uploads")
        create_records_table(dynamodb)
        places = Places(
            stack="test",
            uploads_bucket="uploads",
            quarantine_bucket="quarantine",
            logs_bucket=LOGS,
            records_table="records",
            images_queue_url=sqs.create_queue(QueueName="images")["QueueUrl"],
        )
        yield Stack(dynamodb=dynamodb, s3=s3, sqs=sqs, places=places)


@pytest.fixture
def outputs(stack: Stack, tmp_path: Path) -> Path:
    """Return the file of the stack's outputs, as `--outputs` takes it."""
    configuration: Any = {"LocationConstraint": REGION}
    stack.s3.create_bucket(Bucket="renditions", CreateBucketConfiguration=configuration)
    file = tmp_path / "outputs.json"
    document = {
        "uploads_bucket": "uploads",
        "quarantine_bucket": "quarantine",
        "renditions_bucket": "renditions",
        "logs_bucket": LOGS,
        "records_table": "records",
        "images_queue_url": stack.places.images_queue_url,
        "events_topic_arn": f"arn:aws:sns:{REGION}:123456789012:events",
    }
    file.write_text(json.dumps(document))
    return file
