"""One stack in moto, and the looks at it that need none of the pipeline's code.

It is made once for many runs and emptied between them. The views read moto's state in place where a look after every
single call would be too dear over the API; the judgement at the end of a run uses a plain client.
"""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
from moto import mock_aws
from moto.backends import get_backend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.moto_api._internal import mock_random

from tests.faults.moto_speedups import quicker_moto
from tests.faults.rendering_cache import filming_once, lasting, rendering_once
from tests.faults.virtual_time import Timeline

ACCOUNT, REGION = "123456789012", "eu-west-1"
UPLOADS, QUARANTINE, RENDITIONS, TABLE = "uploads", "quarantine", "renditions", "records"
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
    "POWERTOOLS_SERVICE_NAME": "media-pipeline-faults",
    "POWERTOOLS_METRICS_NAMESPACE": "MediaPipeline",
}
Item = dict[str, Any]


class Cloud:
    """Context manager: moto, a stack in it, and time that is virtual for botocore as well.

    `renders_once`: the same bytes are rendered only once, for runs with a few pictures.
    """

    def __init__(self, *, renders_once: bool = True) -> None:
        self._renders_once = renders_once
        self.timeline = Timeline()
        self._stack = ExitStack()

    def __enter__(self) -> "Cloud":
        self._stack.enter_context(mock.patch.dict(os.environ, ENVIRONMENT))
        self._stack.enter_context(mock_aws())
        seconds = SimpleNamespace(sleep=self._sleep, time=self._time)
        self._stack.enter_context(mock.patch("botocore.endpoint.time", seconds))
        self._stack.enter_context(mock.patch("botocore.retries.bucket.time", seconds))
        self._stack.enter_context(mock.patch("media_pipeline.invocation.time", seconds))
        waiting = SimpleNamespace(Lock=threading.Lock, Condition=lambda lock: _Condition(self, lock))
        self._stack.enter_context(mock.patch("botocore.retries.bucket.threading", waiting))
        patches = (rendering_once, filming_once) if self._renders_once else ()
        # One group after the other: each builds on what the one before put in place.
        for group in (quicker_moto, *patches, lambda: lasting(self._sleep)):
            for patch in group():
                self._stack.enter_context(patch)
        self._build()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _time(self) -> float:
        return self.timeline.now

    def _sleep(self, seconds: float) -> None:
        self.timeline.sleep(seconds)

    def _build(self) -> None:
        session = boto3.Session()
        self.s3: Any = session.client("s3")
        self.dynamodb: Any = session.client("dynamodb")
        location: Any = {"LocationConstraint": REGION}
        for bucket in (UPLOADS, QUARANTINE, RENDITIONS):
            self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=location)
        self.s3.put_bucket_versioning(Bucket=UPLOADS, VersioningConfiguration={"Status": "Enabled"})
        hash_and_range: Any = ("object_key", "HASH"), ("sequencer", "RANGE")
        self.dynamodb.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n, _ in hash_and_range],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in hash_and_range],
        )
        sns, sqs = session.client("sns"), session.client("sqs")
        self.topic = sns.create_topic(Name="events")["TopicArn"]
        outbox = sqs.create_queue(QueueName="outbox")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=outbox, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        # Raw: without the envelope, which moto signs with a certificate of its own for each message.
        raw = {"RawMessageDelivery": "true"}
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
        s3_backend: Any = get_backend("s3")
        dynamodb_backend: Any = get_backend("dynamodb")
        sqs_backend: Any = get_backend("sqs")
        self._buckets = s3_backend[ACCOUNT]["aws"].buckets
        self._table = dynamodb_backend[ACCOUNT][REGION].tables[TABLE]
        self._outbox = sqs_backend[ACCOUNT][REGION].queues["outbox"]

    def reset(self, timeline: Timeline, seed: int) -> None:
        """Empty everything for the next run, which has this timeline."""
        self.timeline = timeline
        for bucket in self._buckets.values():
            for key in list(bucket.keys):
                for version in bucket.keys.getlist(key):
                    if hasattr(version, "dispose"):
                        version.dispose()
                dict.pop(bucket.keys, key)
        self._table.items.clear()
        self.read_outbox()
        mock_random.seed(seed)

    # ---- what people do

    def put(self, key: str, data: bytes) -> tuple[str, str]:
        """Upload; gives version id and ETag."""
        answer = self.s3.put_object(Bucket=UPLOADS, Key=key, Body=data)
        return answer["VersionId"], answer["ETag"].strip('"')

    def delete(self, key: str) -> str:
        """Delete a key; gives the version id of the delete marker."""
        version: str = self.s3.delete_object(Bucket=UPLOADS, Key=key)["VersionId"]
        return version

    def delete_version(self, key: str, version: str) -> None:
        """Delete one version for good."""
        self.s3.delete_object(Bucket=UPLOADS, Key=key, VersionId=version)

    # ---- what can be seen

    def items(self, key: str) -> list[Item]:
        """The records of a key, oldest first."""
        found = [_plain(item.attrs) for item in self._table.items.get(DynamoType({"S": key}), {}).values()]
        return sorted(found, key=lambda item: str(item["sequencer"]))

    def all_items(self) -> list[Item]:
        """Every record, read over the API."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
        return [
            {name: _value(DynamoType(value)) for name, value in item.items()}
            for page in pages
            for item in page["Items"]
        ]

    def objects(self, bucket: str) -> dict[str, bytes]:
        """The current objects of a bucket."""
        return {key: stored.value for key, stored in self._stored(bucket) if hasattr(stored, "value")}

    def read(self, bucket: str, key: str) -> bytes | None:
        """One current object, or None."""
        stored = self._buckets[bucket].keys.get(key)
        return stored.value if hasattr(stored, "value") else None

    def has_versions(self, key: str) -> bool:
        """Whether anything was ever uploaded under this key and is still there, or hidden."""
        return bool(self._buckets[UPLOADS].keys.getlist(key))

    def read_version(self, key: str, version: str) -> bytes | None:
        """One version of an upload, or None."""
        for stored in self._buckets[UPLOADS].keys.getlist(key) or ():
            if str(stored.version_id) == version and hasattr(stored, "value"):
                data: bytes = stored.value
                return data
        return None

    def read_outbox(self) -> list[dict[str, Any]]:
        """What subscribers of the events topic got since the last look."""
        messages = list(self._outbox._messages)
        self._outbox._messages.clear()
        self._outbox.deleted_messages.clear()
        return [json.loads(message.body) for message in messages]

    def _stored(self, bucket: str) -> Iterator[tuple[str, Any]]:
        for key in sorted(self._buckets[bucket].keys):
            yield key, self._buckets[bucket].keys[key]


class _Condition:
    """Stands in for the condition on which botocore's token bucket waits for real time to pass."""

    def __init__(self, cloud: Cloud, lock: Any) -> None:
        self._cloud = cloud
        self._lock = lock

    def __enter__(self) -> Any:
        return self._lock.__enter__()

    def __exit__(self, *details: Any) -> Any:
        return self._lock.__exit__(*details)

    def wait(self, seconds: float) -> None:
        self._cloud.timeline.sleep(
            max(seconds, 0.001)
        )  # less than a float of epoch seconds can hold would be for ever

    def notify(self) -> None:
        """Nobody else waits: a client belongs to one execution environment, which runs one invocation."""


def _plain(attributes: Mapping[str, Any]) -> Item:
    return {name: _value(value) for name, value in attributes.items()}


def _value(value: Any) -> Any:
    kind, content = value.type, value.value
    if kind == "M":
        return {name: _value(item) for name, item in content.items()}
    if kind == "L":
        return [_value(item) for item in content]
    if kind == "N":
        return float(content)
    return None if kind == "NULL" else content
