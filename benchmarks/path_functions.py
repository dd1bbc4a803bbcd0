"""The real functions of a stack on Lambda's terms: environment, events, context; over moto at the wire."""

import hashlib
import itertools
import json
import math
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module, reload
from typing import Any, ClassVar, Final, TextIO, TypeVar, cast
from urllib.parse import quote_plus

import boto3
from moto import mock_aws

from benchmarks.path_objects import Sample
from benchmarks.wire import ACCOUNT, KEY, MODEL, Recording, Wire
from components.config_model import StackConfig
from components.function_specs import LOG_NOTIFICATION, PROCESS_IMAGE, PROCESS_VIDEO, FunctionSpec
from media_pipeline.bootstrap import workers
from media_pipeline.concurrency import Threads, Together
from media_pipeline.moderation.cached import comparable
from media_pipeline.records.answer_cache import MODEL as MODEL_KEY
from media_pipeline.records.answer_cache import SORT_KEY
from media_pipeline.records.record import plain, to_item
from media_pipeline.settings.functions import PROCESSOR_MEGABYTES

INDEX: Final = "attention"
T = TypeVar("T")
_SUFFIX: Final = "1a2b3c4"  # as long as what Pulumi appends to names


@dataclass(frozen=True)
class Run:
    """One invocation: its calls, the CPU seconds after the last one, bytes that it logged, and all its seconds."""

    spec: FunctionSpec
    recording: Recording
    cpu_after: float
    log_bytes: int
    seconds: float

    @property
    def cpu(self) -> float:
        """All CPU seconds."""
        return sum(call.cpu_before for call in self.recording.calls) + self.cpu_after

    @property
    def latency(self) -> float:
        """Seconds of waiting for AWS."""
        return sum(call.latency for call in self.recording.calls)


class Output:
    """What the functions print, counted; `text` is kept for errors."""

    def __init__(self) -> None:
        self.bytes = 0
        self.text = ""

    def write(self, text: str) -> int:
        """Take what a function prints."""
        self.bytes += len(text.encode())
        self.text = (self.text + text)[-4000:]
        return len(text)

    def flush(self) -> None:
        """Do nothing: there is nothing behind it."""


class Context:
    """Lambda's context object of an invocation that begins now."""

    function_version, log_group_name, log_stream_name = "1", "none", "none"

    def __init__(self, spec: FunctionSpec, config: StackConfig) -> None:
        self.function_name = spec.name
        self.memory_limit_in_mb = spec.memory(config)
        self.invoked_function_arn = f"arn:aws:lambda:{config.region}:{ACCOUNT}:function:{spec.name}"
        self.aws_request_id = str(uuid.uuid4())
        self._end = time.monotonic() + spec.timeout(config)

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds that are left."""
        return int((self._end - time.monotonic()) * 1000)


class Calls(Threads):
    """Calls in threads as the functions make them, or one after the other: to compare both."""

    at_once: ClassVar[bool] = True

    def at_most(self, limit: int) -> Together:
        """Return what makes up to `limit` calls at once, or one."""
        return super().at_most(limit if self.at_once else 1)

    def _start(self, call: Callable[[], T]) -> Future[T]:
        if self.at_once:
            return super()._start(call)
        done: Future[T] = Future()
        try:
            done.set_result(call())
        except Exception as error:  # noqa: BLE001 - raised by whoever asks for the result
            done.set_exception(error)
        return done


@contextmanager
def processors(megabytes: int) -> Iterator[None]:
    """Run on as many processors as this memory buys, rounded up, where the system can and has them."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    had = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(had)[: math.ceil(megabytes / PROCESSOR_MEGABYTES)])
    try:
        yield
    finally:
        os.sched_setaffinity(0, had)


class Functions:
    """The functions of one stack in this process; each is imported once, with its own environment."""

    def __init__(self, config: StackConfig, wire: Wire, output: Output) -> None:
        self._config = config
        self._wire = wire
        self._output = output
        self._numbers = itertools.count(1)
        self._names = _create(config)
        self._last = ""  # the key of the sample that was processed last
        self._known: str | None = None  # the sample whose answers are kept, by its SHA-256
        self._handlers = {spec.name: self._imported(spec) for spec in (PROCESS_IMAGE, LOG_NOTIFICATION)}
        if config.video.enabled:
            self._handlers[PROCESS_VIDEO.name] = self._imported(PROCESS_VIDEO)

    def process(self, sample: Sample) -> list[Run]:
        """Upload a sample under a key of its own; return the invocations that process and log it.

        A sample that is not known by then finds no answers of earlier uploads.
        """
        known = hashlib.sha256(sample.data).hexdigest() if sample.is_known else None
        if known is None or known != self._known:
            self._forget_answers()
        if known is not None and known != self._known:
            self._process(sample)
        self._known = known
        return self._process(sample)

    def last_record(self) -> dict[str, Any]:
        """Return the record of what was processed last, in plain values."""
        found = boto3.client("dynamodb").query(
            TableName=self._names["RECORDS_TABLE"],
            KeyConditionExpression="object_key = :key",
            ExpressionAttributeValues={":key": {"S": self._last}},
        )
        (item,) = found["Items"]
        return {name: plain(value) for name, value in item.items()}

    def _process(self, sample: Sample) -> list[Run]:
        number = next(self._numbers)
        self._last = f"photos/2026/{number:06}/{sample.key}"
        body = json.dumps({"Records": [self._uploaded(sample, self._last, number)]})
        runs = [self._polled(PROCESS_IMAGE, "images", body, sample)]
        if sample.is_video:
            sqs, url = boto3.client("sqs"), self._names["VIDEOS_QUEUE_URL"]
            sent = sqs.receive_message(QueueUrl=url)["Messages"][0]
            sqs.delete_message(QueueUrl=url, ReceiptHandle=sent["ReceiptHandle"])
            runs.append(self._polled(PROCESS_VIDEO, "videos", sent["Body"], sample))
        for message in runs[-1].recording.messages:
            texts = json.loads(message)  # one for each protocol that has its own
            event = {"Records": [{"Sns": {"Message": texts.get("lambda", texts["default"])}}]}
            runs.append(self._invoked(LOG_NOTIFICATION, event, sample))
        return runs

    def _forget_answers(self) -> None:
        """Remove the answers of earlier uploads, and note the model as if something had been processed today."""
        dynamodb, table = boto3.client("dynamodb"), self._names["RECORDS_TABLE"]
        for item in dynamodb.scan(TableName=table)["Items"]:
            if item["sequencer"]["S"] == SORT_KEY:
                dynamodb.delete_item(TableName=table, Key={name: item[name] for name in KEY})
        note = {
            **dict(zip(KEY, (MODEL_KEY, SORT_KEY), strict=True)),
            "model_version": MODEL,
            "model_order": comparable(MODEL),
            "noted_at": time.time(),
        }
        dynamodb.put_item(TableName=table, Item=to_item(note))

    def _uploaded(self, sample: Sample, key: str, number: int) -> dict[str, Any]:
        bucket = self._names["UPLOADS_BUCKET"]
        put = boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=sample.data)
        return {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {
                "bucket": {"name": bucket},
                "object": {
                    "key": quote_plus(key, safe="/"),
                    "size": len(sample.data),
                    "versionId": put["VersionId"],
                    "eTag": put["ETag"].strip('"'),
                    "sequencer": f"0066{number:012X}",
                },
            },
        }

    def _polled(self, spec: FunctionSpec, queue: str, body: str, sample: Sample) -> Run:
        record = {
            "messageId": str(uuid.uuid4()),
            "receiptHandle": "none",
            "body": body,
            "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": str(int(1000 * time.time()))},
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{self._config.region}:{ACCOUNT}:{queue}",
        }
        return self._invoked(spec, {"Records": [record]}, sample)

    def _invoked(self, spec: FunctionSpec, event: dict[str, Any], sample: Sample) -> Run:
        handler, before = self._handlers[spec.name], self._output.bytes
        context = Context(spec, self._config)
        with processors(spec.memory(self._config)), self._wire.recorded(sample.labels) as recording:
            answer = handler(event, context)
            seconds = time.perf_counter() - recording.began - recording.overrun
            cpu_after = time.process_time() - recording.mark
        if answer and answer["batchItemFailures"]:
            raise RuntimeError(f"{spec.name} handed {sample.key} back: {self._output.text}")
        return Run(spec, recording, cpu_after, self._output.bytes - before, seconds)

    def _imported(self, spec: FunctionSpec) -> Any:
        names = {variable: self._names[variable] for variable in spec.names(self._config)}
        memory = str(spec.memory(self._config))
        lambdas = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": memory, "AWS_LAMBDA_FUNCTION_NAME": spec.name}
        timeout = {"TIMEOUT": str(spec.timeout(self._config))}
        os.environ.update({**lambdas, **spec.variables(self._config), **timeout, **names})
        vars(workers)["Threads"] = Calls
        name = spec.handler.rpartition(".")[0]
        known = sys.modules.get(name)  # from another stack, with its environment
        return (reload(known) if known else import_module(name)).handler


@contextmanager
def running(config: StackConfig) -> Iterator[Functions]:
    """Run the functions of a stack in moto; what they print meanwhile is theirs and does not appear."""
    os.environ.update(
        {
            "AWS_REGION": config.region,
            "AWS_DEFAULT_REGION": config.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "LAMBDA_TASK_ROOT": "/var/task",
            "_X_AMZN_TRACE_ID": "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=1",
            "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",  # UDP: nobody has to listen
        }
    )
    wire, output, stdout = Wire(config.region, INDEX), Output(), sys.stdout
    with mock_aws(), wire.connected():
        sys.stdout = cast(TextIO, output)
        try:
            yield Functions(config, wire, output)
        finally:
            sys.stdout = stdout


def _create(config: StackConfig) -> Mapping[str, str]:
    """Create what the functions use; return the names by the variables that hold them."""
    prefix = config.service
    names = {
        f"{kind.upper()}_BUCKET": f"{prefix}-{kind}-{_SUFFIX}"
        for kind in ("uploads", "quarantine", "renditions")
    }
    s3, dynamodb, sqs = boto3.client("s3"), boto3.client("dynamodb"), boto3.client("sqs")
    for bucket in names.values():
        location: Any = {"LocationConstraint": config.region}
        s3.create_bucket(
            Bucket=bucket, **({} if config.region == "us-east-1" else {"CreateBucketConfiguration": location})
        )
    s3.put_bucket_versioning(Bucket=names["UPLOADS_BUCKET"], VersioningConfiguration={"Status": "Enabled"})
    names["RECORDS_TABLE"] = f"{prefix}-records-{_SUFFIX}"
    keys: Any = (("object_key", "HASH"), ("sequencer", "RANGE"))
    dynamodb.create_table(
        TableName=names["RECORDS_TABLE"],
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
    )
    names["EVENTS_TOPIC_ARN"] = boto3.client("sns").create_topic(Name=f"{prefix}-events-{_SUFFIX}")[
        "TopicArn"
    ]
    for variable, queue in (("QUEUE_URL", "images"), ("VIDEOS_QUEUE_URL", "videos")):
        names[variable] = sqs.create_queue(QueueName=f"{prefix}-{queue}-{_SUFFIX}")["QueueUrl"]
    return names
