"""One run: people upload and delete, S3 tells, SQS delivers, the real functions work, and the witness watches."""

import base64
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from botocore.awsrequest import AWSResponse

from tests.faults.configurations import FIRST, LABELS, Deployment
from tests.faults.error_responses import answer, error
from tests.faults.fault_injection import STEP_KINDS, Call, Fault, Injector, Kind, NoFaults
from tests.faults.final_checks import reckon
from tests.faults.history import Ledger, Upload
from tests.faults.invariants import Witness
from tests.faults.sample_uploads import Kind as Content
from tests.faults.sample_uploads import draw, recognise
from tests.faults.simulated_functions import ClientPool, Functions, Invocation
from tests.faults.simulated_queues import Delivery, EventSource, Message, Queue
from tests.faults.simulated_stack import UPLOADS, Cloud
from tests.faults.virtual_time import Timeline
from tests.faults.wire import Network

PATIENCE = 5 * 86_400.0  # virtual seconds after which a run that is not at rest never will be


@dataclass(frozen=True, kw_only=True)
class Weather:
    """How messages travel in a run. Shares are between 0 and 1, times in seconds."""

    concurrency: int = 5
    skew: float = 1.0  # of an environment's clock, either way; a lease has 6 s to spare
    duplicate_events: float = 0.0  # share of events that S3 sends twice
    late_events: float = 0.0  # share of events that take up to `longest_delay`
    longest_delay: float = 600.0
    duplicate_deliveries: float = 0.0  # share of deliveries that SQS repeats
    lost_deletes: float = 0.0  # share of acknowledgements that SQS does not take


class Simulation:
    """Everything that one run is made of."""

    def __init__(
        self,
        cloud: Cloud,
        pool: ClientPool,
        *,
        seed: int = 0,
        weather: Weather | None = None,
        injector: Injector | None = None,
        deployment: Deployment = FIRST,
    ) -> None:
        self.rng = random.Random(seed)
        random.seed(seed)  # the jitter of botocore's pauses
        self.weather = weather or Weather()
        self.timeline = Timeline()
        self.cloud = cloud
        cloud.reset(self.timeline, seed)
        self.ledger = Ledger()
        self.witness = Witness(cloud, self.ledger, lambda: self.timeline.elapsed)
        self.injector: Injector = injector or NoFaults()
        self.network = Network(self.timeline, self, self, self.rng)
        self.network.local = {"sqs": self._sqs, "rekognition": self._rekognition}
        pool.begin(self.network)
        self.queues = {name: Queue(name, self.timeline) for name in ("images", "videos", "dead")}
        self._by_function = {
            "process-image": self.queues["images"],
            "process-video": self.queues["videos"],
            "dead-letters": self.queues["dead"],
        }
        self.witness.waits_for_video = self._waits_for_video
        self.functions = Functions(
            timeline=self.timeline, network=self.network, pool=pool, rng=self.rng, skew=self.weather.skew
        )
        self.deploy(deployment)
        self._feed("process-image", self.queues["dead"])
        self._feed("process-video", self.queues["dead"])
        self._feed("dead-letters", None)
        self._sequence = 0
        self._outside: list[str] | None = None
        self.late = ""  # a message that a scenario keeps for later

    # ---- what people and operators do

    def deploy(self, deployment: Deployment) -> None:
        """`pulumi up`."""
        self.ledger.deployed.add(deployment.name)
        self.functions.deploy(deployment, topic=self.cloud.topic, queues=self._by_function)

    def put(self, key: str, kind: Content, number: int) -> Upload:
        """Somebody uploads object `number`."""
        data = draw(kind, number)
        version, etag = self.cloud.put(key, data)
        upload = Upload(key, version, etag, self._next_sequencer(), kind, number, data)
        self.ledger.uploads[key, version] = upload
        self.ledger.by_number[number] = upload
        self._tell("ObjectCreated:Put", key, version, upload.sequencer or "", etag)
        return upload

    def delete(self, key: str) -> str:
        """Somebody deletes a key."""
        if not self.cloud.has_versions(key):
            return ""  # S3 would put a delete marker even then; moto does not
        version = self.cloud.delete(key)
        sequencer = self._next_sequencer()
        self.ledger.markers[key, version] = sequencer
        self._tell("ObjectRemoved:DeleteMarkerCreated", key, version, sequencer)
        return version

    def delete_version(self, upload: Upload) -> None:
        """Somebody deletes one version for good."""
        upload.deleted = True
        self.cloud.delete_version(upload.key, upload.version)
        self._tell("ObjectRemoved:Delete", upload.key, upload.version, self._next_sequencer())

    def redrive(self, status: str = "FAILED") -> int:
        """An operator drives every record of a status again; gives how many. Only FAILED ones may open."""
        failed = [item for item in self.cloud.all_items() if item["status"] == status]
        for item in failed:
            key, attempt = str(item["object_key"]), int(item["attempt"])
            if status == "FAILED":
                self.ledger.redriven.add((key, str(item["sequencer"]), attempt))
            self.ledger.given_up.discard((key, str(item["version_id"])))
            event = _event("ObjectCreated:Put", key, str(item["version_id"]), str(item["sequencer"]), "")
            event |= {"eventSource": "media-pipeline:redrive", "redrive": {"attempt": attempt}}
            event["s3"]["object"]["eTag"] = item.get("etag") or ""
            self.queues["images"].send(json.dumps({"Records": [event]}))
        return len(failed)

    def run(self, until: float = PATIENCE) -> None:
        """Let everything happen; a world that does not come to rest is a violation."""
        if not self.timeline.run(self.timeline.now + until):
            self.witness.accuse("messages went round for days: something loops for ever")

    def judge(self) -> list[str]:
        """All violations of this run; call it at rest."""
        left = {name: len(queue.messages) for name, queue in self.queues.items() if queue.messages}
        if left:
            self.witness.accuse(f"messages are left: {left}")
        for name, queue in self.queues.items():
            if queue.expired:
                self.witness.accuse(f"{len(queue.expired)} messages in {name} grew too old and were lost")
        return [*self.witness.violations, *reckon(self.cloud, self.ledger)]

    # ---- S3's events

    @contextmanager
    def postponed(self) -> Iterator[list[str]]:
        """Collect the messages of what happens inside instead of sending them."""
        self._outside, kept = [], self._outside
        try:
            yield self._outside
        finally:
            self._outside = kept

    def _next_sequencer(self) -> str:
        self._sequence += 1
        # S3's sequencers grow longer and shorter; they compare once padded on the right.
        return f"0066{self._sequence:012X}" + self.rng.choice(("", "5", "0A"))

    def _tell(self, name: str, key: str, version: str, sequencer: str, etag: str = "") -> None:
        body = json.dumps({"Records": [_event(name, key, version, sequencer, etag)]})
        if self._outside is not None:
            self._outside.append(body)
            return
        copies = 2 if self.rng.random() < self.weather.duplicate_events else 1
        for _ in range(copies):
            is_late = self.rng.random() < self.weather.late_events
            seconds = self.rng.uniform(0.1, self.weather.longest_delay if is_late else 2.0)
            self.timeline.after(seconds, lambda: self.queues["images"].send(body))

    # ---- the wire's side: what took effect, what strikes, what moto cannot do

    def carried_out(self, call: Call, response: AWSResponse) -> None:
        """Part of the network's `Observer`."""
        if response.status_code >= 300:
            return
        params = call.params
        call.invocation.fetched |= call.operation == "GetObject"
        if call.service == "s3" and call.operation == "DeleteObject" and params["Bucket"] == UPLOADS:
            version = params.get("VersionId")
            if version is None:
                self.witness.accuse(f"a function put a delete marker over {params['Key']}")
            else:
                self._tell("ObjectRemoved:Delete", params["Key"], version, self._next_sequencer())
        elif params.get("Bucket") == UPLOADS and call.operation in ("PutObject", "CopyObject"):
            self.witness.accuse(f"a function wrote {params['Key']} to the uploads")
        self.witness.after(call)

    def choose(self, call: Call) -> Fault | None:
        """Part of the network's `Injector`: poison kills whoever decodes it, the rest is the run's own choice."""
        upload = self.works_on(call.invocation)
        fault = None
        if call.operation == "step" and upload is not None and upload.kind is Content.POISON:
            fault = Fault(Kind.MEMORY) if call.params["name"] == "render" else None
        else:
            fault = self.injector.choose(call)
        if (
            fault is not None
            and upload is not None
            and fault.kind in (*STEP_KINDS, Kind.CRASH_BEFORE, Kind.CRASH_AFTER)
            and call.invocation.fetched
        ):
            ended = self.ledger.decoding_ended
            ended[upload.key, upload.version] = ended.get((upload.key, upload.version), 0) + 1
        return fault

    def works_on(self, invocation: Invocation) -> Upload | None:
        """The upload that an invocation's message is about."""
        for event in events_of(invocation.delivery.message.body):
            return self.ledger.uploads.get((event["key"], event["version"]))
        return None

    def _sqs(self, call: Call) -> AWSResponse:
        queue = next(queue for queue in self.queues.values() if queue.url == call.params["QueueUrl"])
        if call.operation == "SendMessage":
            queue.send(call.params["MessageBody"])
            return answer(200, {"Content-Type": "application/x-amz-json-1.0"}, b'{"MessageId": "sent"}')
        if call.operation != "ChangeMessageVisibility":
            return error("sqs", 400, "UnsupportedOperation")
        if int(call.params["VisibilityTimeout"]) > queue.visibility:
            self.witness.accuse(f"{call.invocation} hid its message for {call.params['VisibilityTimeout']} s")
        code = queue.hide(call.params["ReceiptHandle"], int(call.params["VisibilityTimeout"]))
        if code is not None:
            return error("sqs", 400, code)
        return answer(200, {"Content-Type": "application/x-amz-json-1.0"}, b"{}")

    def _rekognition(self, call: Call) -> AWSResponse:
        data = call.params["Image"]["Bytes"]
        data = data if isinstance(data, bytes) else base64.b64decode(data)
        seen = recognise(data)
        self.witness.asked(call)
        self.ledger.judged.setdefault(seen.number, set()).add(call.invocation.deployment)
        labels = [
            {"Name": name, "ParentName": parent, "Confidence": confidence}
            for name, parent, confidence in LABELS[seen.kind]
            if confidence >= call.params.get("MinConfidence", 50)
        ]
        document = {"ModerationLabels": labels, "ModerationModelVersion": "7.0"}
        return answer(200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(document).encode())

    # ---- SQS and Lambda

    def _feed(self, function: str, dead_letters: Queue | None) -> None:
        weather, rng = self.weather, self.rng

        def again() -> float | None:
            if rng.random() >= weather.duplicate_deliveries:
                return None
            return rng.choice((rng.uniform(0, 0.5), rng.uniform(0, 90.0)))

        def invoke(delivery: Delivery, done: Callable[[bool], None]) -> None:
            if function == "dead-letters":
                for event in events_of(delivery.message.body):
                    self.ledger.given_up.add((event["key"], event["version"]))
            self.functions.invoke(function, delivery, done)

        EventSource(
            queue=self._by_function[function],
            dead_letters=dead_letters,
            invoke=invoke,
            timeline=self.timeline,
            rng=rng,
            concurrency=weather.concurrency,
            again=again,
            keeps=lambda: rng.random() < weather.lost_deletes,
            acknowledged=self._acknowledged,
        )

    def _waits_for_video(self, key: str, version: str) -> bool:
        """Whether the video function, or else the dead letters, will hear of this version."""
        return any(
            (event["key"], event["version"]) == (key, version) and event["name"].startswith("ObjectCreated:")
            for queue in (self.queues["videos"], self.queues["dead"])
            for message in queue.messages
            for event in events_of(message.body)
        )

    def _acknowledged(self, message: Message) -> None:
        for event in events_of(message.body):
            self.witness.acknowledged(event)


def events_of(body: str) -> list[dict[str, str]]:
    """The events of our uploads in a message, read without the code under test."""
    try:
        records = json.loads(body).get("Records", ())
    except (ValueError, AttributeError):
        return []
    return [
        {
            "name": record["eventName"],
            "key": unquote_plus(record["s3"]["object"]["key"]),
            "version": record["s3"]["object"].get("versionId", ""),
            "redrive": "redrive" if "redrive" in record else "",
        }
        for record in records
        if record.get("s3", {}).get("bucket", {}).get("name") == UPLOADS
    ]


def _event(name: str, key: str, version: str, sequencer: str, etag: str) -> dict[str, Any]:
    described = {"key": quote_plus(key, safe="/"), "versionId": version, "eTag": etag, "sequencer": sequencer}
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": name,
        "s3": {"bucket": {"name": UPLOADS}, "object": described},
    }
