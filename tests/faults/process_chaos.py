"""A stack in the embedded AWS whose real processes are killed, stalled and out of memory, and its final checks."""

import io
import json
import random
import signal
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from PIL import Image

from embedded_aws.rekognition.cards import draw_card
from embedded_aws.runtime.functions import Functions, RunningEnvironment
from embedded_aws.runtime.invocation import Invocation
from embedded_aws.runtime.launch import Function
from embedded_aws.runtime.memory import usage
from embedded_aws.runtime.queues import Queues
from tests.faults.sample_uploads import GREYS, Content, draw
from tests.fixtures.deployed_stack import DeployedStack

KILLS_EACH = 2  # after a third unfinished attempt the pipeline rightly rejects an object as poison
HEAVY = "heavy"
HEAVY_SIDE = 5000  # px; decoding takes at least 75 MB
HEAVY_ROOM = 32 * 1024 * 1024  # bytes above what the idle process takes
CARD_SIZE = (240, 160)
MEMORY_KILLS = 3  # attempts at a picture that takes too much memory before it is rejected


def picture(number: int, *, heavy: bool = True) -> tuple[str, bytes, str]:
    """Return upload number `number`: its key, its bytes, and the status in which it must end."""
    if heavy and number % 100 == 7:
        return f"{HEAVY}/{number}.png", _heavy(), "REJECTED"
    if number % 5 == 1:
        data = io.BytesIO()
        draw_card({"Weapons": 95.0}, CARD_SIZE).save(data, "JPEG", comment=str(number))
        return f"{number}.jpg", data.getvalue(), "BLOCKED"
    if number % 5 == 3:
        return f"{number}.jpg", draw(Content.TEXT, number), "REJECTED"
    return f"{number}.jpg", draw(Content.CLEAN, number % GREYS**3), "PUBLISHED"


@cache
def _heavy() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (HEAVY_SIDE, HEAVY_SIDE), "green").save(data, "PNG")
    return data.getvalue()


def key_of(event: Any) -> str | None:
    """Return the key of the object in an SQS event; None for any other event."""
    try:
        body = json.loads(event["Records"][0]["body"])
        return str(body["Records"][0]["s3"]["object"]["key"])
    except (KeyError, IndexError, TypeError, ValueError):
        return None


class DisturbedFunctions(Functions):
    """Records how each object's processes died, and gives heavy pictures little memory."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.deaths: dict[str, list[str]] = defaultdict(list)
        self.errors: Counter[str] = Counter()
        self.invocations = 0

    def invoke(self, name: str, event: Any) -> Invocation:
        """Invoke a function, and count how it ended."""
        invocation = super().invoke(name, event)
        self.invocations += 1
        if invocation.death is not None:
            self.deaths[str(key_of(event))].append(str(invocation.death))
        elif invocation.error is not None:
            self.errors[f"{invocation.error.type}: {invocation.error.message}"] += 1
        return invocation

    def memory_limit(self, function: Function, pid: int, event: Any) -> int:
        """Return the memory limit in bytes: for heavy pictures hardly more than the idle process takes."""
        if str(key_of(event)).startswith(HEAVY):
            return usage(pid)[0] + HEAVY_ROOM
        return super().memory_limit(function, pid, event)


class ProcessChaos:
    """One stack whose functions are disturbed."""

    def __init__(self, deployed: DeployedStack, functions: DisturbedFunctions, rng: random.Random) -> None:
        world, outputs = deployed.world, deployed.outputs
        self._deployed = deployed
        self._outputs = outputs
        self._functions = functions
        self._rng = rng
        self._queues = Queues(world)
        self._announced: dict[str, str] = {}  # alert_id -> status
        self._sqs: Any = world.client("sqs")
        self._outbox = self._sqs.create_queue(QueueName="chaos-outbox")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._outbox, AttributeNames=["QueueArn"])
        sns: Any = world.client("sns")
        arn = attributes["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=outputs["events_topic_arn"], Protocol="sqs", Endpoint=arn)

    def put(self, objects: int, *, heavy: bool) -> dict[str, tuple[str, str]]:
        """Upload everything at once; return version -> (key, expected status)."""

        def one(number: int) -> tuple[str, tuple[str, str]]:
            key, data, status = picture(number, heavy=heavy)
            return self._deployed.upload(key, data), (key, status)

        with ThreadPoolExecutor(8) as executor:
            return dict(executor.map(one, range(objects)))

    def left(self) -> int:
        """Return how many messages the images queue holds, visible or not."""
        return self._queues.count(self._deployed.queue_arn("images_queue_url"))

    def kill_one(self) -> bool:
        """Kill one running function with SIGKILL, as a kernel or a failing host does; return whether there was one."""
        killable = [one for one in self._running() if self._deaths(one) < KILLS_EACH]
        return bool(killable) and self._functions.signal(self._rng.choice(killable), signal.SIGKILL)

    def stall_one(self, seconds: float) -> bool:
        """Stop one running function for a while, as an overloaded host does; return whether there was one."""
        running = self._running()
        if not running:
            return False
        one = self._rng.choice(running)
        if not self._functions.signal(one, signal.SIGSTOP):
            return False
        timer = threading.Timer(seconds, self._functions.signal, (one, signal.SIGCONT))
        timer.daemon = True
        timer.start()
        return True

    def restartable(self) -> bool:
        """Return whether killing everything that runs would be no object's third kill."""
        return all(self._deaths(one) < KILLS_EACH for one in self._running())

    def _running(self) -> list[RunningEnvironment]:
        environments = self._functions.environments()
        return [
            one
            for one in environments
            if one.event is not None and not str(key_of(one.event)).startswith(HEAVY)
        ]

    def _deaths(self, one: RunningEnvironment) -> int:
        return len(self._functions.deaths[str(key_of(one.event))])

    def diagnosis(self) -> Iterator[str]:
        """Yield what is left in a run that does not finish: queues, processes, errors, open records."""
        for name in ("images_queue_url", "images_dead_letters_url"):
            attributes = self._sqs.get_queue_attributes(QueueUrl=self._outputs[name], AttributeNames=["All"])
            counts = {k: v for k, v in attributes["Attributes"].items() if k.startswith("Approximate")}
            yield f"{name}: {counts}"
        for one in self._functions.environments():
            yield f"process {one.pid} of {one.function_name}: {key_of(one.event) or 'no event'}"
        for error, times in self._functions.errors.most_common(5):
            yield f"{times} times: {error}"
        fields = ("status", "attempt", "unfinished", "lease_until", "owner", "updated_at", "announced_at")
        unfinished = [
            item
            for item in self._deployed.records()
            if item["status"] == "PROCESSING" or "announced_at" not in item
        ]
        yield f"{len(unfinished)} records are open or unannounced"
        for item in unfinished[:20]:
            shown = {name: str(item.get(name)) for name in fields}
            yield f"{item['object_key']}: {shown}, deaths {self._functions.deaths[item['object_key']]}"

    def violations(self, expected: Mapping[str, tuple[str, str]]) -> list[str]:
        """Return the violations of the promise at the end."""
        found: list[str] = []
        by_version: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for item in self._deployed.records():
            by_version[str(item["version_id"])].append(item)
        while self.read_announcements():
            pass
        announced, uploads = self._announced, set(self._deployed.uploaded_versions())
        quarantined = self._deployed.keys("quarantine_bucket")
        listed: set[str] = set()
        for version, (key, status) in expected.items():
            items = by_version.pop(version, [])
            if len(items) != 1 or items[0]["status"] != status:
                deaths = self._functions.deaths[key]
                shown = [(item["status"], item.get("detail")) for item in items]
                found.append(f"{key} ended {shown}, not {status}; its processes died of {deaths}")
                continue
            (item,) = items
            if announced.get(str(item["alert_id"])) != status:
                found.append(f"{key} {status} was announced as {announced.get(str(item['alert_id']))}")
            listed |= {str(rendition["key"]) for rendition in item.get("renditions") or ()}
            if status == "BLOCKED":
                found += [f"{key} is BLOCKED and still in uploads"] * ((key, version) in uploads)
                found += [f"{key} is BLOCKED and not in quarantine"] * (f"{key}/{version}" not in quarantined)
            elif (key, version) not in uploads:
                found.append(f"{key} is {status} and no longer in uploads")
            deaths = self._functions.deaths[key]  # one of them may be the restart of the poller
            if key.startswith(HEAVY) and not Counter(deaths)["memory"] + 1 >= MEMORY_KILLS <= len(deaths):
                found.append(f"{key} was rejected after its processes died of {deaths}")
        found += [
            f"{items[0]['object_key']} has a record, and nobody uploaded it" for items in by_version.values()
        ]
        there = self._deployed.keys("renditions_bucket")
        found += [f"rendition {key} is missing" for key in sorted(listed - there)]
        found += [f"rendition {key} is listed nowhere" for key in sorted(there - listed)]
        if left := self._queues.count(self._deployed.queue_arn("images_dead_letters_url")):
            found.append(f"{left} messages are dead letters")
        return found

    def read_announcements(self) -> bool:
        """Receive a few announcements from the outbox; return whether there were any.

        Call it often: moto takes longer with a long queue.
        """
        batch = self._sqs.receive_message(QueueUrl=self._outbox, MaxNumberOfMessages=10).get("Messages", [])
        for message in batch:
            document = json.loads(json.loads(message["Body"])["Message"])
            self._announced[document["alert_id"]] = document["status"]
            self._sqs.delete_message(QueueUrl=self._outbox, ReceiptHandle=message["ReceiptHandle"])
        return bool(batch)
