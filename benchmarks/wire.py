"""AWS at the wire of the functions' real botocore clients: moto answers, its CPU is left out, calls are written down.

A client serialises, signs and parses as on Lambda; where it would open a connection, moto carries the request out.
Each call then waits in its own thread until its latency is over, so that calls which are made at once really overlap.
"""

import json
import math
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from unittest import mock
from urllib.parse import parse_qs

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse
from moto.dynamodb.models import dynamodb_backends

KEY: Final = ("object_key", "sequencer")  # of the records table
ACCOUNT: Final = "123456789012"
MODEL: Final = "7.0"
LATENCY: Final = {  # seconds of one request within a region
    "GetObject": 0.030,
    "PutObject": 0.040,
    "HeadObject": 0.025,
    "CopyObject": 0.060,
    "DeleteObject": 0.030,
    "ListObjectsV2": 0.030,
    "dynamodb": 0.006,
    "rekognition": 0.450,
    "sns": 0.025,
    "sqs": 0.010,
}
BYTES_A_SECOND: Final = 80e6  # of a body from S3
_WRITE_UNIT, _READ_UNIT = 1024, 4096  # bytes (DynamoDB Developer Guide, on-demand capacity)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request: its latency in seconds, the CPU seconds of the function since the call before, and its units.

    `sent` is the length of a message to SNS in bytes. `write_units` counts the table and its index, `read_units` half
    ones for eventually consistent reads.
    """

    service: str
    operation: str
    latency: float
    cpu_before: float
    sent: int
    write_units: int = 0
    read_units: float = 0.0


@dataclass
class Recording:
    """The calls of one invocation; `labels` is what Rekognition answers; `messages` are the bodies sent to SNS."""

    labels: list[dict[str, Any]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    mark: float = 0.0
    """Seconds of the process's CPU time up to the last call, and those of moto since."""
    began: float = 0.0
    """When it began: seconds of `time.perf_counter`."""
    in_flight: int = 0
    """Calls that are not answered yet."""
    overrun: float = 0.0
    """Seconds that a call of the main thread took beyond its latency, with no other in flight: moto's, not AWS's."""


class Wire:
    """Stands in for AWS in one region."""

    def __init__(self, region: str, index: str) -> None:
        """`index` is the attribute that puts an item into the table's index."""
        self._region = region
        self._index = index
        self._recording: Recording | None = None
        self._lock = threading.Lock()  # moto is not made for threads
        self._counting = threading.Lock()

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Answer every client of this process."""
        carry_out = BotocoreStubber.__call__
        wire = self

        def answer(stubber: BotocoreStubber, event_name: str, request: Any, **kwargs: Any) -> Any:
            return wire._answer(
                lambda: carry_out(stubber, event_name, request, **kwargs), event_name, request
            )

        with mock.patch.object(BotocoreStubber, "__call__", answer):
            yield

    @contextmanager
    def recorded(self, labels: list[dict[str, Any]]) -> Iterator[Recording]:
        """Write down the calls of the block."""
        self._recording = Recording(labels=labels, mark=time.process_time(), began=time.perf_counter())
        try:
            yield self._recording
        finally:
            self._recording = None

    def _answer(self, carry_out: Any, event_name: str, request: AWSPreparedRequest) -> Any:
        recording, began = self._recording, time.perf_counter()
        if recording is None:
            return carry_out()
        with self._counting:
            recording.in_flight += 1
            is_alone = recording.in_flight == 1 and threading.current_thread() is threading.main_thread()
        with self._lock:
            response = self._recorded(recording, carry_out, event_name, request)
            latency = recording.calls[-1].latency
        time.sleep(max(began + latency - time.perf_counter(), 0.0))
        with self._counting:
            if is_alone and recording.in_flight == 1:
                recording.overrun += time.perf_counter() - began - latency
            recording.in_flight -= 1
        return response

    def _recorded(
        self, recording: Recording, carry_out: Any, event_name: str, request: AWSPreparedRequest
    ) -> Any:
        cpu, mine = time.process_time() - recording.mark, time.thread_time()
        service, operation = event_name.split(".")[-2:]
        keys = _written(request, operation)
        before = [self._item(key) for key in keys]
        response = _moderated(request, recording.labels) if service == "rekognition" else carry_out()
        content = response.content if operation in ("Query", "GetItem", "BatchGetItem") else b""
        length = int(response.headers.get("content-length", 0)) if operation == "GetObject" else 0
        message = parse_qs(_text(request.body))["Message"][0] if operation == "Publish" else ""
        recording.calls.append(
            Call(
                service=service,
                operation=operation,
                latency=LATENCY.get(operation, LATENCY.get(service, 0.0)) + length / BYTES_A_SECOND,
                cpu_before=cpu,
                sent=len(message.encode()),
                write_units=sum(
                    self._write_units(was, self._item(key)) for was, key in zip(before, keys, strict=True)
                ),
                read_units=_read_units(request, content) if content else 0.0,
            )
        )
        if message:
            recording.messages.append(message)
        # Of this thread alone: others may compute meanwhile.
        recording.mark += cpu + time.thread_time() - mine
        return response

    def _item(self, key: tuple[str, dict[str, Any]]) -> dict[str, Any]:
        table, values = key
        item = dynamodb_backends[ACCOUNT][self._region].get_item(table, values)
        found: dict[str, Any] = item.to_json()["Attributes"] if item else {}
        return found

    def _write_units(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> int:
        """Return the units of an update: the larger of both items, and each entry that the index gains or loses."""
        table = math.ceil(max(item_bytes(before), item_bytes(after), 1) / _WRITE_UNIT)
        entries = [item for item in (before, after) if self._index in item]
        if len(entries) == 2 and entries[0] == entries[1]:
            entries = []
        return table + sum(math.ceil(item_bytes(item) / _WRITE_UNIT) for item in entries)


def item_bytes(item: Mapping[str, Any]) -> int:
    """Return the bytes of an item in DynamoDB's JSON ("DynamoDB item sizes and formats")."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return math.ceil(len(content.strip("-").replace(".", "").strip("0")) / 2) + 1
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _value_bytes(each) for name, each in content.items())
    if kind == "L":
        return 3 + sum(1 + _value_bytes(each) for each in content)
    if kind in ("BOOL", "NULL"):
        return 1
    raise ValueError(f"no record has a value of the type {kind}")


def _written(request: AWSPreparedRequest, operation: str) -> list[tuple[str, dict[str, Any]]]:
    """Return table and key of each item that a request writes."""
    if operation == "UpdateItem":
        document = json.loads(_text(request.body))
        return [(document["TableName"], document["Key"])]
    if operation == "BatchWriteItem":
        return [
            (table, {name: write["PutRequest"]["Item"][name] for name in KEY})
            for table, writes in json.loads(_text(request.body))["RequestItems"].items()
            for write in writes
        ]
    return []


def _read_units(request: AWSPreparedRequest, content: bytes) -> float:
    """Return the units of a read; of a batch, each item for itself, and one that is not there like a small one."""
    answer, asked = json.loads(content), json.loads(_text(request.body))
    if "RequestItems" in asked:
        found = [item for items in answer["Responses"].values() for item in items]
        missing = sum(len(table["Keys"]) for table in asked["RequestItems"].values()) - len(found)
        return (sum(math.ceil(item_bytes(item) / _READ_UNIT) for item in found) + missing) / 2
    items = answer.get("Items") or ([answer["Item"]] if "Item" in answer else [])
    units = max(1, math.ceil(sum(map(item_bytes, items)) / _READ_UNIT))
    return units if asked.get("ConsistentRead") else units / 2


def _moderated(request: AWSPreparedRequest, labels: list[dict[str, Any]]) -> AWSResponse:
    body = json.dumps({"ModerationLabels": labels, "ModerationModelVersion": MODEL}).encode()
    headers = HTTPHeaders()
    headers["content-type"] = "application/x-amz-json-1.1"
    return AWSResponse(request.url, 200, headers, MockRawResponse(body))


def _text(body: Any) -> str:
    return body.decode() if isinstance(body, bytes) else str(body)
