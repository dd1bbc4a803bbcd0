"""A served stack whose clock can be put forward, and what somebody does to it: uploads, mistakes, runbooks."""

import io
import json
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, Final

import urllib3
from PIL import Image

from embedded_aws.metrics.queues import make_older
from embedded_aws.metrics.series import Series
from embedded_aws.rekognition.cards import draw_card
from embedded_aws.runtime.timescale import TimeScale
from embedded_aws.serving.served_world import ServedWorld
from local.demo.filming import Film, film, tune
from local.demo.scenes import lake
from operations.__main__ import main
from tests.fixtures.deployed_stack import DeployedStack

PERIOD: Final = 300
"""Seconds of every alarm's period."""
PATIENCE: Final = 240.0
SERVICE: Final = "media-pipeline-dev-"
ENOUGH: Final = 1_000
"""Functions at once, in an account in use."""
STALLED: Final = TimeScale(0.01)
"""At this scale a process that stands still for five seconds has taken 500 of its 600."""
STALL_SECONDS: Final = 5.0


@dataclass
class Desk:
    """Where an operator sits: the stack, its alarms and e-mails, and the commands of the runbooks."""

    served: ServedWorld
    deployed: DeployedStack
    out: Path
    starved: set[str] = field(default_factory=set)
    """Functions that have too little memory, by output."""
    _number: int = 0
    _http: urllib3.PoolManager = field(default_factory=urllib3.PoolManager)

    def __post_init__(self) -> None:
        self.world, self.outputs = self.served.world, self.deployed.outputs
        functions = self.served.functions
        enough = functions.memory_limit

        def memory_limit(function: Any, pid: int, event: Any) -> int:
            names = {self.outputs[output] for output in self.starved}
            return 1 if function.name in names else enough(function, pid, event)

        functions.memory_limit = memory_limit  # type: ignore[method-assign]
        functions.events._timescale = TimeScale(0.01)  # of its minutes between attempts
        (self.out / "outputs.json").write_text(json.dumps(dict(self.outputs)))

    # ---- time and alarms

    def begin_period(self) -> None:
        """Let the rest of the period pass, so that what follows is in one."""
        self.pass_period()

    def pass_period(self) -> None:
        """Let the period end: what was printed and what waits is published, and messages grow older."""
        self.served.functions.write_out()
        self.world.publish_metrics()
        self.world.let_time_pass(PERIOD - self.world.metrics.now() % PERIOD + 0.01)

    def is_ringing(self, alarm: str) -> bool:
        """Return whether CloudWatch has an alarm, by its name without prefix and suffix, in ALARM now."""
        states = {
            name.removeprefix(SERVICE).rpartition("-")[0]: state
            for name, state in self.world.evaluate_alarms().items()
        }
        return states[alarm] == "ALARM"

    def mails(self, alarm: str) -> list[str]:
        """Return the texts of the e-mails that an alarm has sent."""
        texts = []
        for path in sorted((self.out / "outbox").glob("*.eml")):
            mail = message_from_bytes(path.read_bytes(), policy=policy.default)
            if f'ALARM: "{SERVICE}{alarm}-' in str(mail["Subject"]):
                texts.append(str(mail.get_content()))
        return texts

    # ---- uploads and what becomes of them

    def picture(self) -> bytes:
        """Return a small JPEG unlike any before."""
        self._number += 1
        data = io.BytesIO()
        pixels = random.Random(self._number).randbytes(8 * 5 * 3)
        Image.frombytes("RGB", (8, 5), pixels).resize((64, 40), Image.Resampling.NEAREST).save(data, "JPEG")
        return data.getvalue()

    def card(self, **labels: float) -> bytes:
        """Return a moderation card."""
        data = io.BytesIO()
        draw_card({name.replace("_", " "): value for name, value in labels.items()}, (240, 160)).save(
            data, "JPEG"
        )
        return data.getvalue()

    def video(self) -> bytes:
        """Return a short video."""
        path = self.out / "film.mp4"
        if not path.exists():
            shots = [(0.0, lake((160, 120))), (0.5, lake((160, 120)))]
            film(path, shots, Film(), seconds=1.0, sound=tune(1.0))
        return path.read_bytes()

    def upload(self, data: bytes, ending: str = "jpg") -> str:
        """Upload under a new key; return it."""
        self._number += 1
        key = f"{self._number}.{ending}"
        self.deployed.upload(key, data)
        return key

    def make_record_older(self, key: str, days: float) -> None:
        """Let a key's record have been made so many days earlier."""
        record = self.deployed.records(key)[-1]
        made = datetime.fromisoformat(str(record["created_at"])) - timedelta(days=days)
        self.world.client("dynamodb").update_item(
            TableName=self.outputs["records_table"],
            Key={name: {"S": str(record[name])} for name in ("object_key", "sequencer")},
            UpdateExpression="SET created_at = :made",
            ExpressionAttributeValues={":made": {"S": made.isoformat().replace("+00:00", "Z")}},
        )

    def status(self, key: str) -> str | None:
        """Return the status of a key's announced record."""
        found = [str(each["status"]) for each in self.deployed.records(key) if "announced_at" in each]
        return found[-1] if found else None

    def wait_for(self, keys: list[str], status: str) -> None:
        """Wait until all of them are announced with a status; messages that are hidden return meanwhile."""
        self.wait(lambda: self._hurried(lambda: all(self.status(key) == status for key in keys)))

    def wait(self, condition: Callable[[], object]) -> None:
        """Wait until something holds."""
        until = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < until, self._diagnosis()
            time.sleep(0.2)

    def _diagnosis(self) -> str:
        functions, events = self.served.functions, self.served.functions.events
        waiting = {
            output: len(self.messages(output))
            for output in self.outputs
            if output.endswith("_url") and "_" in output and ("queue" in output or "letters" in output)
        }
        running = [(each.function_name, each.request_id) for each in functions.environments()]
        open_records = [each["object_key"] for each in self.deployed.records() if "announced_at" not in each]
        return (
            f"not within {PATIENCE:.0f} s: queues {waiting}, {events.pending} events wait and {events.lost} are lost,"
            f" faults {self.served.poller.faults}, environments {running}, open {open_records},"
            f" starved {self.starved}"
        )

    def wait_until_idle(self) -> None:
        """Wait until no function runs and no message waits."""
        self.wait(lambda: self._hurried(self.served.poller.idle))

    def let_messages_return(self, seconds: float) -> None:
        """Make every message older, so that what is hidden is visible again."""
        make_older(self.world.account_id, self.world.region, seconds)

    def _hurried(self, condition: Callable[[], bool]) -> bool:
        if condition():
            return True
        self.let_messages_return(30.0)
        return False

    # ---- queues

    def messages(self, output: str) -> list[Any]:
        """Return the messages of a queue as moto keeps them."""
        from moto.sqs.models import sqs_backends

        name = str(self.outputs[output]).rsplit("/", 1)[-1]
        return sqs_backends[self.world.account_id][self.world.region].queues[name]._messages

    def send(self, output: str, body: str) -> None:
        """Send a message to a queue."""
        self.world.client("sqs").send_message(QueueUrl=self.outputs[output], MessageBody=body)

    def drain(self, output: str) -> None:
        """Receive and delete what is in a queue."""
        sqs, url = self.world.client("sqs"), self.outputs[output]
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def wait_until_handed_back(self, output: str, count: int = 1) -> None:
        """Wait until so many messages of a queue were received and are hidden again, and nothing runs."""

        def is_so() -> bool:
            hidden = [
                message
                for message in self.messages(output)
                if message.approximate_receive_count and not message.visible
            ]
            return len(hidden) >= count and not self.served.poller.in_flight

        self.wait(is_so)

    def let_receives_run_out(self, output: str) -> None:
        """Let every message have been received as often as its queue allows, and return."""
        self.wait_until_handed_back(output)
        for message in self.messages(output):
            message.approximate_receive_count = 1_000
            message.visible_at = 0.0

    def event_of(self, key: str) -> str:
        """Return the body of a message about an upload, as S3 sends it."""
        record = self.deployed.records(key)[-1]
        thing = {
            "key": key,
            "versionId": record["version_id"],
            "eTag": record["etag"],
            "size": 1,
            "sequencer": record["sequencer"],
        }
        s3 = {"bucket": {"name": self.outputs["uploads_bucket"]}, "object": thing}
        return json.dumps(
            {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3}]}
        )

    # ---- mistakes, and their correction

    @contextmanager
    def without_permission(self, output: str, service: str) -> Iterator[None]:
        """Take what a function's role may do with a service away, as somebody did by hand."""
        iam = self.world.client("iam")
        settings = self.world.client("lambda").get_function_configuration(FunctionName=self.outputs[output])
        role = settings["Role"].rpartition("/")[2]
        deny = {"Effect": "Deny", "Action": f"{service}:*", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
        iam.put_role_policy(RoleName=role, PolicyName="by-hand", PolicyDocument=document)
        try:
            yield
        finally:
            iam.delete_role_policy(RoleName=role, PolicyName="by-hand")

    @contextmanager
    def disabled(self, output: str) -> Iterator[None]:
        """Disable the event source mapping of a function."""
        client = self.world.client("lambda")
        entries = client.list_event_source_mappings()["EventSourceMappings"]
        (uuid,) = (each["UUID"] for each in entries if self.outputs[output] in each["FunctionArn"])
        client.update_event_source_mapping(UUID=uuid, Enabled=False)
        self.wait(lambda: not self._is_polled(output))
        try:
            yield
        finally:
            client.update_event_source_mapping(UUID=uuid, Enabled=True)
            self.wait(lambda: self._is_polled(output))

    def _is_polled(self, output: str) -> bool:
        sources = self.served.poller._sources
        return any(each.mapping.function_name.startswith(self.outputs[output]) for each in sources)

    def forget_environments(self) -> None:
        """End all idle processes, as Lambda does after a while: what comes next starts anew."""
        functions = self.served.functions
        pids = {each.pid for each in functions.environments()}  # a message may start another one meanwhile

        def are_ended() -> bool:
            for each in functions.environments():
                if each.pid in pids:  # once more: a message may have reached it before the signal
                    functions.signal(each, signal.SIGKILL)
            return not any(
                each.process.pid in pids and each.process.exit_status == "running" for each in functions._all
            )

        self.wait(are_ended)

    def errors(self, function: str) -> float:
        """Return how many errors of a function CloudWatch has counted so far."""
        self.world.metrics.flush()
        now, name = self.world.metrics.now(), self.outputs[f"{function.replace('-', '_')}_function"]
        series = Series(self.world.account_id, self.world.region, 0.0, now + 1)
        return series.value(("AWS/Lambda", "Errors", (("FunctionName", name),)), "Sum", 0.0, now + 1) or 0.0

    @contextmanager
    def stalled(self, output: str) -> Iterator[None]:
        """Let the next invocation of a function stand still for most of its time-out."""
        functions, name = self.served.functions, self.outputs[output]
        stop = threading.Event()

        def stall() -> None:
            while not stop.is_set():
                for each in functions.environments():
                    if each.function_name == name and each.event is not None:
                        functions.signal(each, signal.SIGSTOP)
                        stop.wait(STALL_SECONDS)
                        functions.signal(each, signal.SIGCONT)
                        return
                stop.wait(0.005)

        usual, functions._timescale = functions._timescale, STALLED
        thread = threading.Thread(target=stall)
        thread.start()
        try:
            yield
        finally:
            thread.join(PATIENCE)
            stop.set()
            self.wait(lambda: not self.served.poller.in_flight)
            functions._timescale = usual

    # ---- what the runbooks say

    def operations(self, command: str, *arguments: str) -> None:
        """Run a command of `python -m operations`."""
        outputs = str(self.out / "outputs.json")
        assert main([command, "--stack", "dev", "--outputs", outputs, *arguments]) == 0

    def log(self, output: str) -> str:
        """Return what a function has logged."""
        self.served.functions.write_out()
        name = self.outputs[output]
        settings = self.world.client("lambda").get_function_configuration(FunctionName=name)
        group = settings["LoggingConfig"]["LogGroup"]
        pages = self.world.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        return "\n".join(event["message"] for page in pages for event in page["events"])

    # ---- the API

    def request(
        self, method: str, path: str, body: Any = None, *, key: bool = True, **headers: str
    ) -> tuple[int, Mapping[str, str]]:
        """Send a request to the API; return status and headers."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            sent["x-api-key"] = self.outputs["api_key"]
        url = f"{self.outputs['api_url']}{path}"
        got = self._http.request(method, url, body=body, headers=sent, retries=False, timeout=60)
        return got.status, dict(got.headers)

    def run_schedule(self) -> None:
        """Invoke the function of the one schedule, as the scheduler does."""
        (schedule,) = self.world.client("scheduler").list_schedules()["Schedules"]
        self.served.schedules.invoke(schedule["Name"], kind="Event")
        self.wait(lambda: not self.served.functions.events.pending)
