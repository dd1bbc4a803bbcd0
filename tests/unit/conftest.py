"""A stack in moto, with the real functions in this process and a clock of its own."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

import pytest
from moto import mock_aws

from media_pipeline.bootstrap.clients import Clients
from media_pipeline.bootstrap.workers import dead_letters_worker, image_worker
from media_pipeline.images.inspection import Limits
from media_pipeline.images.renditions import Size, Specs
from media_pipeline.moderation.policy import Policy
from media_pipeline.observability import Observability
from media_pipeline.records.fields import FIELDS
from media_pipeline.records.record import Record
from media_pipeline.records.table import Records
from media_pipeline.settings.functions import ImageSettings
from tests.unit.processing.driving import draw

REGION = "eu-west-1"
TIMEOUT = 60.0
QUEUES = ("images", "dead", "outbox", "videos", "videos-dead")


@pytest.fixture(autouse=True)
def every_field_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that writes a field without a meaning, so that docs/reference/record.md stays complete."""
    write = Records._update

    def checked(self: Records, key: tuple[str, str], values: Mapping[str, Any], **rest: Any) -> Record:
        unknown = sorted(set(values) - set(FIELDS))
        assert not unknown, f"add {', '.join(unknown)} to records/fields.py"
        return write(self, key, values, **rest)

    monkeypatch.setattr(Records, "_update", checked)


@dataclass
class Clock:
    """Epoch seconds that move only when a test says so."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class FakeContext:
    """What Lambda passes, with a time that a test can use up."""

    def __init__(self, seconds: float = TIMEOUT) -> None:
        self.function_name = "process-image"
        self.aws_request_id = "11111111-2222-3333-4444-555555555555"
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass
class FakeRekognition:
    """Answers with the labels that a test set, or raises what it set."""

    labels: list[tuple[str, str, float]] = field(default_factory=list)
    error: Exception | None = None
    calls: list[dict[str, Any]] = field(default_factory=list)

    def detect_moderation_labels(self, **request: Any) -> dict[str, Any]:
        self.calls.append(request)
        if self.error:
            raise self.error
        return {
            "ModerationLabels": [
                {"Name": name, "ParentName": parent, "Confidence": confidence}
                for name, parent, confidence in self.labels
            ],
            "ModerationModelVersion": "7.0",
        }


@dataclass
class Stack:
    """The world of one test: services, functions, and what a person could look up."""

    clients: Clients
    settings: ImageSettings
    records: Records
    clock: Clock
    rekognition: FakeRekognition
    dead_letters_url: str
    images_url: str
    outbox_url: str
    videos_url: str
    videos_dead_letters_url: str
    sequence: int = 0

    def upload(self, key: str, data: bytes) -> dict[str, Any]:
        """Put an object; returns the S3 event that announces it."""
        answer = self.clients.s3.put_object(Bucket="uploads", Key=key, Body=data)
        return self.event("ObjectCreated:Put", key, answer["VersionId"], answer["ETag"], len(data))

    def event(self, name: str, key: str, version: str, etag: str = "", size: int = 0) -> dict[str, Any]:
        """An S3 event with the next sequencer, shaped as S3 shapes it."""
        self.sequence += 1
        return {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventName": name,
            "s3": {
                "bucket": {"name": "uploads"},
                "object": {
                    "key": quote_plus(key, safe="/"),
                    "versionId": version,
                    "eTag": etag.strip('"'),
                    "size": size,
                    "sequencer": f"0066{self.sequence:012x}",
                },
            },
        }

    def deliver(self, *events: dict[str, Any], context: FakeContext | None = None, receives: int = 1) -> bool:
        """Hand the events to the image function as one message; tells whether it acknowledged it."""
        worker = self._image_worker()
        return self._invoke(worker, self.images_url, json.dumps({"Records": events}), context, receives)

    def deliver_body(self, body: str) -> bool:
        """Hand any text to the image function as one message."""
        worker = self._image_worker()
        return self._invoke(worker, self.images_url, body, None, 1)

    def bury(self, *events: dict[str, Any], body: str | None = None, url: str | None = None) -> bool:
        """Hand the events to the dead letters' function as one message."""
        worker = dead_letters_worker(self.settings, self.clients, Observability(tracing=False), self.clock)
        text = json.dumps({"Records": events}) if body is None else body
        return self._invoke(worker, url or self.dead_letters_url, text, None, 1)

    def _image_worker(self) -> Any:
        observability = Observability(tracing=False)
        rekognition: Any = self.rekognition
        return image_worker(self.settings, self.clients, rekognition, observability, self.clock)

    def _invoke(self, worker: Any, url: str, body: str, context: FakeContext | None, receives: int) -> bool:
        self.clients.sqs.send_message(QueueUrl=url, MessageBody=body)
        message = self.clients.sqs.receive_message(QueueUrl=url, VisibilityTimeout=360)["Messages"][0]
        event = {
            "Records": [
                {
                    "messageId": message["MessageId"],
                    "receiptHandle": message["ReceiptHandle"],
                    "body": message["Body"],
                    "attributes": {"ApproximateReceiveCount": str(receives)},
                    "eventSource": "aws:sqs",
                    "eventSourceARN": f"arn:aws:sqs:{REGION}:123456789012:{url.rsplit('/', 1)[-1]}",
                }
            ]
        }
        try:
            answer = worker(event, context or FakeContext())
        finally:
            self.clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return not answer["batchItemFailures"]

    def new_context(self) -> FakeContext:
        """A context with the whole time-out left."""
        return FakeContext()

    def record(self, key: str, event: dict[str, Any]) -> Record:
        """The record of an event's version."""
        record = self.records.of_version(key, event["s3"]["object"]["versionId"])
        assert record is not None
        return record

    def keys(self, bucket: str) -> set[str]:
        """Keys of a bucket's objects."""
        listing = self.clients.s3.list_objects_v2(Bucket=bucket)
        return {item["Key"] for item in listing.get("Contents", ())}

    def announcements(self) -> list[dict[str, Any]]:
        """Everything that was published on the events topic so far and not read yet."""
        found = []
        while batch := self.clients.sqs.receive_message(QueueUrl=self.outbox_url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in batch:
                found.append(json.loads(json.loads(message["Body"])["Message"]))
                self.clients.sqs.delete_message(
                    QueueUrl=self.outbox_url, ReceiptHandle=message["ReceiptHandle"]
                )
        return found


@pytest.fixture(scope="session")
def clients() -> Clients:
    """Real clients, made once: moto answers them in whichever test they are used."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        return Clients.create(TIMEOUT)


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, clients: Clients) -> Iterator[Stack]:
    for name, value in {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "POWERTOOLS_SERVICE_NAME": "media-pipeline-test",
        "POWERTOOLS_METRICS_NAMESPACE": "MediaPipeline",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield _build(clients)


def _build(clients: Clients) -> Stack:
    location: Any = {"LocationConstraint": REGION}
    for bucket in ("uploads", "quarantine", "renditions"):
        clients.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=location)
    clients.s3.put_bucket_versioning(Bucket="uploads", VersioningConfiguration={"Status": "Enabled"})
    clients.dynamodb.create_table(
        TableName="records",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "object_key", "AttributeType": "S"},
            {"AttributeName": "sequencer", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "object_key", "KeyType": "HASH"},
            {"AttributeName": "sequencer", "KeyType": "RANGE"},
        ],
    )
    topic = clients.sns.create_topic(Name="events")["TopicArn"]
    urls = [clients.sqs.create_queue(QueueName=name)["QueueUrl"] for name in QUEUES]
    outbox = clients.sqs.get_queue_attributes(QueueUrl=urls[2], AttributeNames=["QueueArn"])["Attributes"]
    clients.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=outbox["QueueArn"])
    clock = Clock()
    settings = ImageSettings(
        stack="test",
        uploads_bucket="uploads",
        quarantine_bucket="quarantine",
        renditions_bucket="renditions",
        records_table="records",
        events_topic_arn=topic,
        queue_url=urls[0],
        records_retention_days=0,
        tracing=False,
        specs=Specs(
            sizes=(Size.parse("medium", 200), Size.parse("thumbnail", 50)),
            formats=("jpeg",),
            quality={"jpeg": 80},
            grayscale=False,
        ),
        policy=Policy.parse({"mode": "enforce", "block": {"Weapons": 90}, "review": {"Violence": 50}}),
        limits=Limits(bytes=1_000_000, pixels=1_000_000, frames=20),
    )
    records = Records(dynamodb=clients.dynamodb, table="records", clock=clock, retention_days=0)
    return Stack(
        clients=clients,
        settings=settings,
        records=records,
        clock=clock,
        rekognition=FakeRekognition(),
        images_url=urls[0],
        dead_letters_url=urls[1],
        outbox_url=urls[2],
        videos_url=urls[3],
        videos_dead_letters_url=urls[4],
    )


@pytest.fixture
def picture() -> bytes:
    """A small JPEG."""
    return draw((120, 80, 40))
