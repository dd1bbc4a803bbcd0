"""One stack in moto, and views of it that use no code of the pipeline.

It is created once for many runs and emptied between them. Views that are needed after every single call read moto's
state directly, because the API would be too slow; the final checks use a plain client.
"""

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
from moto import mock_aws
from moto.backends import get_backend
from moto.core.model_instances import reset_model_data
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.moto_api._internal import mock_random
from moto.s3.models import FakeKey

from tests.faults.history import NULL, identity
from tests.faults.moto_versions import fit_versions
from tests.faults.rendering_cache import (
    PART_SHARE,
    Patch,
    cached_rendering,
    cached_transcoding,
    transcoding_takes_time,
)
from tests.faults.virtual_time import VirtualClock
from tests.fixtures.moto_speedups import speed_up_moto
from tests.fixtures.storage import BUCKETS, ENVIRONMENT, REGION, create_buckets, create_records_table

ACCOUNT = "123456789012"
TABLE = "records"
UPLOADS, QUARANTINE, RENDITIONS = BUCKETS.uploads, BUCKETS.quarantine, BUCKETS.renditions
LOGS = "logs"  # of the evidence of what people decided
API_PREFIX = "api/"  # of the keys that take one upload
Item = dict[str, Any]


class SimulatedStack:
    """Context manager: moto with a stack in it, and virtual time for the functions and for botocore.

    `caches_renderings`: render equal bytes only once, for runs that repeat a few pictures.
    """

    def __init__(self, *, caches_renderings: bool = True) -> None:
        self._caches_renderings = caches_renderings
        self.clock = VirtualClock()
        self._exits = ExitStack()
        self._stored_at = 0.0
        self.on_rendered: Callable[[Any, Sequence[bytes]], None] = lambda invocation, pictures: None  # noqa: ARG005
        self.on_encoding: Callable[[], None] = lambda: None

    def __enter__(self) -> "SimulatedStack":
        self._exits.enter_context(mock.patch.dict(os.environ, ENVIRONMENT))
        self._exits.enter_context(mock_aws())
        seconds = SimpleNamespace(sleep=self._sleep, time=self._time)
        self._exits.enter_context(mock.patch("botocore.endpoint.time", seconds))
        self._exits.enter_context(mock.patch("botocore.retries.bucket.time", seconds))
        self._exits.enter_context(mock.patch("media_pipeline.invocation.time", seconds))
        self._exits.enter_context(mock.patch("moto.s3.models.utcnow", self._utcnow))
        waiting = SimpleNamespace(Lock=threading.Lock, Condition=lambda lock: _Condition(self, lock))
        self._exits.enter_context(mock.patch("botocore.retries.bucket.threading", waiting))
        groups: list[Callable[[], Iterator[Patch]]] = [speed_up_moto, fit_versions]
        if self._caches_renderings:
            groups += (
                partial(cached_rendering, self._rendered, lambda: self.on_encoding()),
                partial(cached_transcoding, self._rendered),
            )
        groups.append(partial(transcoding_takes_time, self._sleep, self._part_seconds))
        for group in groups:  # one after the other: each wraps what the previous one put in place
            for patch in group():
                self._exits.enter_context(patch)
        self._build()
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def _time(self) -> float:
        return self.clock.now

    def _rendered(self, pictures: Sequence[bytes]) -> None:
        if self.clock.current is not None:
            self.on_rendered(self.clock.current.subject, pictures)

    def _utcnow(self) -> datetime:
        """Return virtual time, a little later at each call: moto sorts versions by it."""
        self._stored_at = max(self.clock.now, self._stored_at + 1e-5)
        return datetime.fromtimestamp(self._stored_at, UTC).replace(tzinfo=None)

    def _part_seconds(self) -> float:
        """Return how long a part of a transcoding takes in the invocation that runs now."""
        subject: Any = self.clock.current.subject if self.clock.current else None
        return float(PART_SHARE * subject.timeout)

    def _sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    def _build(self) -> None:
        session = boto3.Session()
        self.s3: Any = session.client("s3")
        self.dynamodb: Any = session.client("dynamodb")
        create_buckets(self.s3, *BUCKETS, LOGS, versioned=UPLOADS)
        create_records_table(self.dynamodb, TABLE)
        sns, sqs = session.client("sns"), session.client("sqs")
        self.topic = sns.create_topic(Name="events")["TopicArn"]
        outbox = sqs.create_queue(QueueName="outbox")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=outbox, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        # Raw: without the envelope, for which moto would create a certificate for each message.
        raw = {"RawMessageDelivery": "true"}
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
        s3_backend: Any = get_backend("s3")
        dynamodb_backend: Any = get_backend("dynamodb")
        sqs_backend: Any = get_backend("sqs")
        self._buckets = s3_backend[ACCOUNT]["aws"].buckets
        self._tables = dynamodb_backend[ACCOUNT][REGION].tables
        self._outbox = sqs_backend[ACCOUNT][REGION].queues["outbox"]

    @property
    def _table(self) -> Any:
        """moto's table; another object after each transaction that failed, as moto puts a copy back."""
        return self._tables[TABLE]

    def reset(self, clock: VirtualClock, seed: int) -> None:
        """Empty the stack for the next run, which uses this clock."""
        self.clock = clock
        self._stored_at = 0.0
        for bucket in self._buckets.values():
            for key in list(bucket.keys):
                dict.pop(bucket.keys, key)
            bucket.versioning_status = "Enabled" if bucket.name == UPLOADS else None
        self._table.items.clear()
        self.read_outbox()
        _forget_models()
        mock_random.seed(seed)

    # ---- what users do

    def put(self, key: str, data: bytes) -> tuple[str, str]:
        """Upload an object; return its version id and ETag."""
        answer = self.s3.put_object(Bucket=UPLOADS, Key=key, Body=data)
        return answer.get("VersionId", NULL), answer["ETag"].strip('"')

    def set_versioning(self, status: str) -> None:
        """Set the versioning of the uploads bucket: `Enabled` or `Suspended`."""
        self.s3.put_bucket_versioning(Bucket=UPLOADS, VersioningConfiguration={"Status": status})

    @property
    def is_suspended(self) -> bool:
        """Whether uploads become null versions now."""
        return bool(self._buckets[UPLOADS].versioning_status == "Suspended")

    def delete(self, key: str) -> str:
        """Delete a key; return the version id of the delete marker."""
        version: str = self.s3.delete_object(Bucket=UPLOADS, Key=key)["VersionId"]
        return version

    def delete_version(self, key: str, version: str) -> None:
        """Delete one version permanently."""
        self.s3.delete_object(Bucket=UPLOADS, Key=key, VersionId=version)

    # ---- views

    def items(self, key: str) -> list[Item]:
        """Return the records of a key, oldest first; notes of deleted versions, which sort below, are not records."""
        found = [_plain(item.attrs) for item in self._table.items.get(DynamoType({"S": key}), {}).values()]
        records = (item for item in found if str(item["sequencer"]) >= "0")
        return sorted(records, key=lambda item: str(item["sequencer"]))

    def item(self, key: str, sequencer: str) -> Item | None:
        """Return any item of the table, also one that is no record; None where it is not there."""
        found = self._table.items.get(DynamoType({"S": key}), {}).get(DynamoType({"S": sequencer}))
        return None if found is None else _plain(found.attrs)

    def all_items(self) -> list[Item]:
        """Return every record, in the order of keys and sequencers; without notes, as `items`."""
        keys = sorted(key.value for key, partition in self._table.items.items() if partition)
        return [item for key in keys for item in self.items(key)]

    def objects(self, bucket: str) -> dict[str, bytes]:
        """Return the current objects of a bucket: key -> bytes."""
        return {key: stored.value for key, stored in self._stored(bucket) if hasattr(stored, "value")}

    def read(self, bucket: str, key: str) -> bytes | None:
        """Return one current object, or None."""
        stored = self._buckets[bucket].keys.get(key)
        return stored.value if hasattr(stored, "value") else None

    def has_versions(self, key: str) -> bool:
        """Return whether any version or delete marker of this key exists."""
        return bool(self._buckets[UPLOADS].keys.getlist(key))

    def put_rendition(self, key: str, data: bytes) -> None:
        """Put an object into the renditions bucket that no record lists."""
        self.s3.put_object(Bucket=RENDITIONS, Key=key, Body=data)

    def lose_rendition(self, key: str) -> None:
        """Remove a rendition as nobody should."""
        self.s3.delete_object(Bucket=RENDITIONS, Key=key)

    def lose_quarantined(self, key: str, version: str) -> None:
        """Remove the copy of an upload in quarantine, and its pictures, as the lifecycle rules do: by their tag."""
        for name in self.objects(QUARANTINE):
            is_of_it = name == f"{key}/{version}" or name.startswith(f"{key}/{version}.review/")
            if is_of_it and self.tags(QUARANTINE, name).get("status") in ("BLOCKED", "REVIEW"):
                self.s3.delete_object(Bucket=QUARANTINE, Key=name)

    def tags(self, bucket: str, key: str) -> dict[str, str]:
        """Return the tags of an object."""
        found = self.s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in found}

    def read_version(self, key: str, version: str) -> bytes | None:
        """Return one version of an upload by its identity, or None."""
        for stored in self._buckets[UPLOADS].keys.getlist(key) or ():
            if hasattr(stored, "value") and _identity(stored) == version:
                data: bytes = stored.value
                return data
        return None

    def current(self, key: str) -> str | None:
        """Return the identity of a key's current upload; None where a delete marker hides it, or there is none."""
        stored = self._buckets[UPLOADS].keys.get(key)
        return _identity(stored) if hasattr(stored, "value") else None

    def current_marker(self, key: str) -> str | None:
        """Return the version id of the delete marker on top of a key, or None."""
        stored = self._buckets[UPLOADS].keys.get(key)
        return None if stored is None or hasattr(stored, "value") else str(stored.version_id)

    def expire(self, now: float, chooses: Callable[[], bool]) -> list[Item]:
        """Remove items that are past `expires_at`, as DynamoDB's TTL does: each when it pleases; return them."""
        gone = []
        for items in self._table.items.values():
            for sort_key, stored in list(items.items()):
                item = _plain(stored.attrs)
                if item.get("expires_at", now + 1) <= now and chooses():
                    del items[sort_key]
                    gone.append(item)
        return gone

    def spoil_answers(self, most: int = 99) -> int:
        """Leave up to `most` answers that are kept for later uploads without their labels; return how many it did."""
        kept = [
            item for items in self._table.items.values() for item in items.values() if "answer" in item.attrs
        ]
        for item in kept[:most]:
            item.attrs["answer"] = DynamoType({"M": {"labels": {"S": ""}}})
        return len(kept[:most])

    def read_outbox(self) -> list[dict[str, Any]]:
        """Return what subscribers of the events topic received since the last call."""
        messages = list(self._outbox._messages)
        self._outbox._messages.clear()
        self._outbox.deleted_messages.clear()
        return [json.loads(message.body) for message in messages]

    def _stored(self, bucket: str) -> Iterator[tuple[str, Any]]:
        for key in sorted(self._buckets[bucket].keys):
            yield key, self._buckets[bucket].keys[key]


class _Condition:
    """Replaces the condition on which botocore's token bucket waits: virtual time passes instead."""

    def __init__(self, stack: SimulatedStack, lock: Any) -> None:
        self._stack = stack
        self._lock = lock

    def __enter__(self) -> Any:
        return self._lock.__enter__()

    def __exit__(self, *details: Any) -> Any:
        return self._lock.__exit__(*details)

    def wait(self, seconds: float) -> None:
        self._lock.release()  # other calls of the invocation may want a token meanwhile
        try:
            # At least 1 ms: less is lost in a float of epoch seconds, and time would never pass.
            self._stack.clock.sleep(max(seconds, 0.001))
        finally:
            self._lock.acquire()

    def notify(self) -> None:
        """Do nothing: whoever waits looks again by itself."""


def _forget_models() -> None:
    """Let moto forget every object and item that there ever was, which it keeps for a page that nobody opens."""
    objects: Any = FakeKey
    for stored in objects.instances_tracked:
        stored.dispose()  # also what was deleted or overwritten
    reset_model_data()


def _identity(stored: Any) -> str:
    return identity(str(stored.version_id), stored.etag.strip('"'))


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
