"""One run: users upload and delete, S3 sends events, SQS delivers them, the real functions process them.

The invariants are checked after every call that took effect, the final checks at the end.
"""

import json
import random
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSResponse

from media_pipeline.processing.reworking import LINKED_SECONDS
from tests.faults.api_client import UPLOAD_API, ApiClient
from tests.faults.configurations import FIRST, Deployment
from tests.faults.delivery_profile import DeliveryProfile
from tests.faults.error_responses import answer, error
from tests.faults.fault_injection import CRASHES, Call, Fault, FaultKind, Injector, NoFaults
from tests.faults.final_checks import run_final_checks
from tests.faults.history import NULL, BroughtBack, History, Upload, identity, marker_identity
from tests.faults.invariants import InvariantChecker
from tests.faults.operators import OPERATOR, Operator
from tests.faults.reviewers import Reviewers
from tests.faults.s3_events import ETAG_OF_MARKERS, MARKED, PUT, REMOVED, event, events_of
from tests.faults.sample_uploads import Content, draw
from tests.faults.simulated_functions import ClientPool, Functions
from tests.faults.simulated_invocation import Invocation
from tests.faults.simulated_queues import VISIBILITY_FACTOR, Delivery, EventSource, Message, Queue
from tests.faults.simulated_rekognition import SimulatedRekognition
from tests.faults.simulated_stack import LOGS, QUARANTINE, UPLOADS, SimulatedStack
from tests.faults.virtual_time import VirtualClock
from tests.faults.wire import Network

LACKING_NULL = 0.5  # share of the events of null versions that name no version
LONGEST_RUN = 5 * 86_400.0  # virtual seconds; a run that is not at rest by then never will be


class Simulation:
    """Everything that belongs to one run; also the `Observer` and the `Injector` of its network."""

    def __init__(
        self,
        stack: SimulatedStack,
        pool: ClientPool,
        *,
        seed: int = 0,
        delivery_profile: DeliveryProfile | None = None,
        injector: Injector | None = None,
        deployment: Deployment = FIRST,
    ) -> None:
        self.rng = random.Random(seed)
        random.seed(seed)  # the jitter of botocore's pauses
        self.delivery_profile = delivery_profile or DeliveryProfile()
        self.clock = VirtualClock()
        self.stack = stack
        stack.reset(self.clock, seed)
        self.history = History()
        self.checker = InvariantChecker(stack, self.history, lambda: self.clock.elapsed)
        stack.on_rendered = self.checker.content.rendered
        self.injector: Injector = injector or NoFaults()
        self.rekognition = SimulatedRekognition()
        self.network = Network(self.clock, self, self, self.rng)
        stack.on_encoding = self.network.encode
        self.network.on_error = self.checker.add_violation
        self.network.local = {"sqs": self._sqs, "rekognition": self._rekognition}
        self.network.local["cloudfront"] = self.checker.edge.answer
        pool.begin(self.network)
        self.queues = {name: Queue(name, self.clock) for name in ("images", "videos", "dead")}
        self._by_function = {
            "process-image": self.queues["images"],
            "process-video": self.queues["videos"],
            "dead-letters": self.queues["dead"],
        }
        self.checker.acknowledgements.pending = self._pending
        self.functions = Functions(
            clock=self.clock, network=self.network, pool=pool, rng=self.rng, skew=self.delivery_profile.skew
        )
        self.functions.on_time_out = self._timed_out
        self.deploy(deployment)
        self._connect("process-image", self.queues["dead"])
        self._connect("process-video", self.queues["dead"])
        self._connect("dead-letters", None)
        self.operator = Operator(self, pool)
        self.api = ApiClient(self, pool)
        self.reviewers = Reviewers(self, pool)
        self._sequence = 0
        self._read: dict[Invocation, Upload] = {}  # the original that an invocation has read
        self._outside: list[str] | None = None
        self.kept_message = ""  # the body of a message that a scenario sends later

    # ---- what users and operators do

    def deploy(self, deployment: Deployment) -> None:
        """Deploy other settings, as `pulumi up` does."""
        self.history.deployed.add(deployment.name)
        for function, queue in self._by_function.items():
            queue.visibility = VISIBILITY_FACTOR * deployment.timeout_of(function)
        self.functions.deploy(deployment, topic=self.stack.topic, queues=self._by_function)

    def put(self, key: str, kind: Content, number: int, *, without: Collection[str] = ()) -> Upload:
        """Upload sample number `number`, and send its event; `without` names fields that the event lacks."""
        data = draw(kind, number)
        version_id, etag = self.stack.put(key, data)
        return self.note_upload(key, kind, number, version_id, etag, without=without)

    def note_upload(
        self,
        key: str,
        kind: Content,
        number: int,
        version_id: str,
        etag: str,
        *,
        without: Collection[str] = (),
    ) -> Upload:
        """Note an upload that is in the bucket, and send its event."""
        if version_id == NULL:
            self.history.overwrite_null(key)
        upload = Upload(
            key, identity(version_id, etag), etag, self._next_sequencer(), kind, number, draw(kind, number),
            is_null=version_id == NULL, put_at=self.clock.now,
        )  # fmt: skip
        self.history.brought_back.pop(key, None)
        self.history.uploads[key, upload.version] = upload
        self.history.by_number[number] = upload
        self.send_event_of(upload, without=without)
        return upload

    def send_event_of(self, upload: Upload, *, without: Collection[str] = ()) -> None:
        """Send the event of an upload, for the first time or once more."""
        upload.lacks_sequencer |= "sequencer" in without
        version_id = NULL if upload.is_null else upload.version
        facts = {"etag": upload.etag, "size": len(upload.data), "at": upload.put_at}
        self._send_event(PUT, upload.key, version_id, upload.sequencer or "", without=without, **facts)

    def delete(self, key: str) -> str:
        """Delete a key; return the delete marker's identity."""
        version_id, sequencer = self.stack.delete(key), self._next_sequencer()
        if version_id == NULL:
            self.history.overwrite_null(key)
        marker = marker_identity(version_id, sequencer)
        self.history.brought_back.pop(key, None)
        self.history.markers[key, marker] = sequencer
        self._send_event(MARKED, key, version_id, sequencer, etag=ETAG_OF_MARKERS)
        return marker

    def undelete(self, key: str) -> bool:
        """Delete the delete marker on top of a key; return whether there was one."""
        version_id = self.stack.current_marker(key)
        if version_id is None:
            return False
        self.history.remove_marker(key, version_id)
        self.stack.delete_version(key, version_id)
        below = self.history.uploads.get((key, self.stack.current(key) or ""))
        if below is not None:
            below.lacks_sequencer = True  # it is restored without one where no record of it is there
            self.history.brought_back[key] = BroughtBack(below.version, self.clock.now)
        self._send_event(REMOVED, key, version_id, self._next_sequencer())
        return True

    def delete_version(self, upload: Upload) -> None:
        """Delete one version permanently."""
        upload.deleted = True
        upload.withdrawn = self.stack.read(QUARANTINE, f"{upload.key}/{upload.version}") is None
        version_id = NULL if upload.is_null else upload.version
        self.stack.delete_version(upload.key, version_id)
        self._send_event(REMOVED, upload.key, version_id, self._next_sequencer())

    def send_event_of_move(self, upload: Upload) -> None:
        """Send S3's event of our own move of a version to quarantine once more."""
        version_id = NULL if upload.is_null else upload.version
        self._send_event(REMOVED, upload.key, version_id, self._next_sequencer())

    def send(self, body: str) -> None:
        """Send a message to the images queue, unless it is postponed."""
        if self._outside is None:
            self.queues["images"].send(body)
        else:
            self._outside.append(body)

    def expire(self, share: float = 1.0) -> None:
        """Remove a share of the items that are past `expires_at`, in any order, as DynamoDB's TTL does."""
        for item in self.stack.expire(self.clock.now, lambda: self.rng.random() < share):
            self.checker.expired(item)

    def redrive(self, status: str = "FAILED") -> int:
        """Redrive every record of a status, as an operator does; return how many. Only FAILED ones may open again."""
        failed = [item for item in self.stack.all_items() if item["status"] == status]
        for item in failed:
            key, attempt = str(item["object_key"]), int(item["attempt"])
            if status == "FAILED":
                self.history.redriven.add((key, str(item["sequencer"]), attempt))
            self.history.dead_lettered.discard((key, identity(item["version_id"], item["etag"])))
            again = event(PUT, key, item["version_id"], str(item["sequencer"]), etag=item.get("etag"))
            again |= {"eventSource": "media-pipeline:redrive", "redrive": {"attempt": attempt}}
            self.queues["images"].send(json.dumps({"Records": [again]}))
        return len(failed)

    def run(self, until: float = LONGEST_RUN) -> None:
        """Run until nothing is due; a run that does not come to rest is a violation."""
        if not self.clock.run(self.clock.now + until):
            self.checker.add_violation("messages circulated for days: something loops for ever")

    def pass_time(self, seconds: float) -> None:
        """Let time pass although nothing may be due, and carry out what is."""
        self.clock.after(seconds, lambda: None)
        self.clock.run(self.clock.now + seconds)

    def violations(self) -> list[str]:
        """Return all violations of this run. Call it once nothing is due."""
        left = {name: len(queue.messages) for name, queue in self.queues.items() if queue.messages}
        if left:
            self.checker.add_violation(f"messages are left: {left}")
        for name, queue in self.queues.items():
            if queue.expired:
                self.checker.add_violation(
                    f"{len(queue.expired)} messages in {name} grew too old and were lost"
                )
        self.injector, injector = NoFaults(), self.injector
        self.api.look_at_all()
        self.run()
        self.injector = injector
        delivered = self.checker.edge.left()
        return [*self.checker.violations, *delivered, *run_final_checks(self.stack, self.history)]

    # ---- S3's events

    @contextmanager
    def postponed(self) -> Iterator[list[str]]:
        """Collect the messages of all events inside instead of sending them."""
        self._outside, kept = [], self._outside
        try:
            yield self._outside
        finally:
            self._outside = kept

    def _next_sequencer(self) -> str:
        self._sequence += 1
        # S3's sequencers differ in length; they compare only after padding on the right.
        return f"0066{self._sequence:012X}" + self.rng.choice(("", "5", "0A"))

    def _send_event(
        self,
        name: str,
        key: str,
        version: str,
        sequencer: str,
        *,
        without: Collection[str] = (),
        **facts: Any,
    ) -> None:
        """Send an event; `at` among its facts is when it happened, also where it comes again."""
        if version == NULL and self.rng.random() < LACKING_NULL:
            without = {*without, "versionId"}
        facts.setdefault("at", self.clock.now)
        described = event(name, key, version, sequencer, without=without, **facts)
        body = json.dumps({"Records": [described]})
        if self._outside is not None:
            self._outside.append(body)
            return
        copies = 2 if self.rng.random() < self.delivery_profile.duplicate_events else 1
        for _ in range(copies):
            is_late = self.rng.random() < self.delivery_profile.late_events
            seconds = self.rng.uniform(
                0.1, self.delivery_profile.longest_delay if is_late else self.delivery_profile.usual_delay
            )
            self.clock.after(seconds, lambda: self.queues["images"].send(body))

    # ---- the network's side: what took effect, which faults occur, what moto does not provide

    def carried_out(self, call: Call, response: AWSResponse) -> None:
        """Check what a call changed; part of `Observer`."""
        if response.status_code >= 300:
            return
        params = call.params
        if call.operation == "GetObject":
            call.invocation.fetched = True
            name = params["Key"], identity(params.get("VersionId"), params.get("IfMatch"))
            if name in self.history.uploads:
                self._read[call.invocation] = self.history.uploads[name]
        if call.service == "s3" and call.operation == "DeleteObject" and params["Bucket"] == UPLOADS:
            version = params.get("VersionId")
            if version is None:
                self.checker.add_violation(f"a function put a delete marker over {params['Key']}")
            else:
                self._send_event(REMOVED, params["Key"], version, self._next_sequencer())
        elif params.get("Bucket") == LOGS:
            self.reviewers.note_evidence()
        elif call.operation == "PutObject" and call.invocation.function_name == UPLOAD_API:
            self.api.stored(call, response)
        elif params.get("Bucket") == UPLOADS and call.operation in ("PutObject", "CopyObject"):
            self.checker.add_violation(f"a function wrote {params['Key']} to the uploads")
        if call.operation == "UpdateItem" and (upload := self.upload_of(call.invocation)) is not None:
            self.history.note_decoding(upload, call)
        if call.params.get("ConditionExpression") == "":
            self.checker.add_violation(f"DynamoDB refuses the empty condition of {call}")
        self.checker.after_call(call)

    def choose(self, call: Call) -> Fault | None:
        """Kill whoever decodes poison, and leave the rest to the run's injector; part of `Injector`."""
        upload = self.upload_of(call.invocation)
        fault = None
        if call.operation == "step" and upload is not None and upload.kind is Content.POISON:
            fault = Fault(FaultKind.MEMORY) if call.params["name"] == "render" else None
        else:
            fault = self.injector.choose(call)
        if (
            fault is not None
            and upload is not None
            # Whoever stands still past the lease looks like a killed one to whoever claims next.
            and fault.kind in (*CRASHES, FaultKind.PAUSED)
            and call.invocation.fetched
        ):
            self.history.note_kill(upload, call)
        return fault

    def upload_of(self, invocation: Invocation) -> Upload | None:
        """Return the upload that an invocation works on or its message is about, or None."""
        if invocation in self._read:
            return self._read[invocation]
        for each in events_of(invocation.delivery.message.body):
            return self.history.uploads.get((each["key"], each["version"]))
        return None

    def _sqs(self, call: Call) -> AWSResponse:
        queue = next(queue for queue in self.queues.values() if queue.url == call.params["QueueUrl"])
        if call.operation == "SendMessage":
            if call.invocation.function_name == OPERATOR:
                self.operator.sent(call)
            queue.send(call.params["MessageBody"])
            return answer(200, {"Content-Type": "application/x-amz-json-1.0"}, b'{"MessageId": "sent"}')
        if call.operation != "ChangeMessageVisibility":
            return error("sqs", 400, "UnsupportedOperation")
        seconds = int(call.params["VisibilityTimeout"])
        longest = VISIBILITY_FACTOR * self.functions.longest_timeout + 1  # SQS takes whole seconds
        if "backfill" in call.invocation.delivery.message.body:
            longest = max(longest, LINKED_SECONDS + 1)  # it comes back to remove what it replaced
        if seconds >= longest and not call.invocation.deployment.judged_per_day:
            self.checker.add_violation(f"{call.invocation} hid its message for {seconds} s")
        code = queue.hide(call.params["ReceiptHandle"], seconds)
        if code is not None:
            return error("sqs", 400, code)
        return answer(200, {"Content-Type": "application/x-amz-json-1.0"}, b"{}")

    def _rekognition(self, call: Call) -> AWSResponse:
        data, seen = self.rekognition.see(call)
        upload = self.upload_of(call.invocation)
        # Numbers cannot be read from frames with a pattern.
        number = upload.number if upload and upload.kind is Content.LONG_FRAME else seen.number
        self.checker.content.asked(call, data, number, self.checker.held_by(call.invocation))
        self.checker.budget.asked(call)
        self.checker.answers.asked(call, data, self.rekognition.labels(call), self.rekognition.model)
        self.history.judged.setdefault(number, set()).add(call.invocation.deployment.name)
        return self.rekognition.answer(call)

    # ---- SQS and Lambda

    def _connect(self, function: str, dead_letters: Queue | None) -> None:
        profile, rng = self.delivery_profile, self.rng

        def redelivery_delay() -> float | None:
            if rng.random() >= profile.duplicate_deliveries:
                return None
            return rng.choice((rng.uniform(0, 0.5), rng.uniform(0, 90.0)))

        def invoke(delivery: Delivery, done: Callable[[bool], None]) -> None:
            if function == "dead-letters":
                for each in events_of(delivery.message.body):
                    self.history.dead_lettered.add((each["key"], each["version"]))
            self.functions.invoke(function, delivery, done)

        EventSource(
            queue=self._by_function[function],
            dead_letters=dead_letters,
            invoke=invoke,
            clock=self.clock,
            rng=rng,
            concurrency=profile.concurrency,
            redelivery_delay=redelivery_delay,
            loses_delete=lambda: rng.random() < profile.lost_deletes,
            acknowledged=self._acknowledged,
        )

    def _timed_out(self, invocation: Invocation) -> None:
        """Check what Lambda's time-out ended: if that was a call, it must not count as a kill by the object."""
        if invocation.computing or invocation.paused:
            return
        for record, item in self.checker.held_by(invocation):
            if item.get("decoding"):
                self.checker.add_violation(
                    f"{invocation} timed out in a call, a kill that counts for {record}"
                )

    def _pending(self, queue: str) -> list[dict[str, str]]:
        return [each for message in self.queues[queue].messages for each in events_of(message.body)]

    def _acknowledged(self, message: Message) -> None:
        for each in events_of(message.body):
            self.checker.acknowledgements.acknowledged(each)
