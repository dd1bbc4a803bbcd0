"""`make chaos`: the deployed zips in real processes, killed with SIGKILL at random moments, in the embedded AWS.

Objects are put all at once; running functions are killed at random (never the third time in one object's decoding,
since that is what poison looks like); the poller is ended in the middle with all that runs, and started again.
"""

import argparse
import io
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from components.packaging import PACKAGES_FOR
from local.deploy import deploy, stack_region
from local.rekognition.cards import draw_card
from local.runtime.functions import Functions
from local.runtime.poller import Poller
from local.runtime.timescale import TimeScale
from local.world import World
from tests.faults.pictures import GREYS, Kind, draw

ROOT = Path(__file__).parents[2]
STACK = "dev"
TERMINAL = frozenset({"PUBLISHED", "BLOCKED", "REVIEW", "REJECTED", "FAILED", "SUPERSEDED", "DELETED"})
UNFINISHED_LIMIT = (
    3  # kills wait while any object is at its third unfinished attempt: two kills each, at most
)
PATIENCE = 600.0  # seconds without any change of any record
CARD_SIZE = (240, 160)


@dataclass
class Chaos:
    """What came of a run."""

    objects: int
    kills: int = 0
    restarts: int = 0
    violations: list[str] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


def picture(number: int) -> tuple[bytes, str]:
    """An upload and the status that it must end in."""
    if number % 5 == 1:
        data = io.BytesIO()
        draw_card({"Weapons": 95.0}, CARD_SIZE).save(data, "JPEG", comment=str(number))
        return data.getvalue(), "BLOCKED"
    if number % 5 == 3:
        return draw(Kind.TEXT, number), "REJECTED"
    return draw(Kind.CLEAN, number % GREYS**3), "PUBLISHED"


class Run:
    """One stack under fire."""

    def __init__(
        self, world: World, outputs: dict[str, Any], functions: Functions, rng: random.Random
    ) -> None:
        self._outputs = outputs
        self._functions = functions
        self._rng = rng
        self._s3: Any = world.client("s3")
        self._dynamodb: Any = world.client("dynamodb")
        self._sqs: Any = world.client("sqs")
        self._outbox = self._sqs.create_queue(QueueName="chaos-outbox")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._outbox, AttributeNames=["QueueArn"])
        sns: Any = world.client("sns")
        arn = attributes["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=outputs["events_topic_arn"], Protocol="sqs", Endpoint=arn)

    def put(self, objects: int) -> dict[str, str]:
        """Upload everything at once; gives version -> expected status."""

        def one(number: int) -> tuple[str, str]:
            data, status = picture(number)
            put = self._s3.put_object(Bucket=self._outputs["uploads_bucket"], Key=f"{number}.jpg", Body=data)
            return str(put["VersionId"]), status

        with ThreadPoolExecutor(8) as executor:
            return dict(executor.map(one, range(objects)))

    def items(self) -> list[dict[str, Any]]:
        """All records, with a plain client."""
        deserialize = TypeDeserializer().deserialize
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._outputs["records_table"], ConsistentRead=True
        )
        return [{n: deserialize(v) for n, v in item.items()} for page in pages for item in page["Items"]]

    def kill_one(self, items: list[dict[str, Any]]) -> bool:
        """End one running function, as the kernel does it; not while that could make an object look like poison."""
        open_items = [item for item in items if item["status"] == "PROCESSING"]
        if any(int(item.get("unfinished", 0)) >= UNFINISHED_LIMIT for item in open_items):
            return False
        running = [one for one in self._functions.environments() if one.request_id]
        if not running:
            return False
        try:
            os.kill(self._rng.choice(running).pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def judge(self, expected: dict[str, str]) -> list[str]:
        """The violations of the promise at the end."""
        found: list[str] = []
        by_version: dict[str, list[dict[str, Any]]] = {}
        for item in self.items():
            by_version.setdefault(str(item["version_id"]), []).append(item)
        told = self._told()
        listed: set[str] = set()
        for version, status in expected.items():
            items = by_version.get(version, [])
            if len(items) != 1 or items[0]["status"] != status:
                found.append(f"{version} ended {[item['status'] for item in items]}, not {status}")
                continue
            item = items[0]
            if item["alert_id"] not in told:
                found.append(f"{item['object_key']} {status} was never announced")
            listed |= {str(rendition["key"]) for rendition in item.get("renditions") or ()}
            if status == "BLOCKED":
                found += self._not_moved(str(item["object_key"]), version)
        there = self._keys(self._outputs["renditions_bucket"])
        found += [f"rendition {key} is missing" for key in sorted(listed - there)]
        found += [f"rendition {key} is listed nowhere" for key in sorted(there - listed)]
        return found

    def _not_moved(self, key: str, version: str) -> list[str]:
        versions = self._s3.list_object_versions(Bucket=self._outputs["uploads_bucket"], Prefix=key)
        left = [entry for entry in versions.get("Versions", ()) if entry["VersionId"] == version]
        quarantined = self._keys(self._outputs["quarantine_bucket"], f"{key}/{version}")
        return [f"{key} is BLOCKED and still in uploads"] * bool(left) + [
            f"{key} is BLOCKED and not in quarantine"
        ] * (not quarantined)

    def _keys(self, bucket: str, prefix: str = "") -> set[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {entry["Key"] for page in pages for entry in page.get("Contents", ())}

    def _told(self) -> set[str]:
        told: set[str] = set()
        while batch := self._sqs.receive_message(QueueUrl=self._outbox, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in batch:
                told.add(json.loads(json.loads(message["Body"])["Message"])["alert_id"])
                self._sqs.delete_message(QueueUrl=self._outbox, ReceiptHandle=message["ReceiptHandle"])
        return told


def run(objects: int, kills: int, *, seed: int = 0, timeout: int = 60, factor: float = 0.25) -> Chaos:
    """Deploy, put `objects` at once, kill `kills` times and restart the poller once, wait, judge."""
    os.environ[PACKAGES_FOR] = "host"
    chaos, rng, began = Chaos(objects), random.Random(seed), time.monotonic()
    with ExitStack() as stack:
        world = stack.enter_context(World(region=stack_region(ROOT, STACK)))
        deployed = deploy(ROOT, STACK, world, config_overrides={"media-pipeline:timeout.image": timeout})
        timescale = TimeScale(factor)
        functions = stack.enter_context(Functions(world, timescale))
        fire = Run(world, deployed.outputs, functions, rng)
        poller = Poller(world, functions, timescale)
        poller.start()
        stack.callback(lambda: poller.stop(kill=True))
        expected = fire.put(objects)
        seen: Counter[str] = Counter()
        changed = time.monotonic()
        while True:
            items = fire.items()
            now = Counter(f"{item['status']}{item.get('announced_at')}{item['attempt']}" for item in items)
            if now != seen:
                seen, changed = now, time.monotonic()
            done = sum(item["status"] in TERMINAL and bool(item.get("announced_at")) for item in items)
            if (done == objects and poller.idle()) or time.monotonic() - changed > PATIENCE:
                break
            if not chaos.restarts and done >= objects // 3:
                poller.stop(kill=True)
                poller = Poller(world, functions, timescale)
                poller.start()
                chaos.restarts += 1
            if chaos.kills < kills and fire.kill_one(items):
                chaos.kills += 1
            time.sleep(rng.uniform(0.0, 0.15))
        poller.stop(kill=True)
        chaos.violations = fire.judge(expected)
        chaos.statuses = dict(Counter(str(item["status"]) for item in fire.items()))
    chaos.seconds = time.monotonic() - began
    return chaos


def main() -> int:
    """Run it as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, default=Path("build/chaos.json"))
    arguments = parser.parse_args()
    chaos = run(arguments.objects, arguments.kills, seed=arguments.seed)
    document = {
        "objects": chaos.objects,
        "kills": chaos.kills,
        "restarts": chaos.restarts,
        "violations": len(chaos.violations),
    }
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(document) + "\n", "utf-8")
    print("\n".join(chaos.violations))
    print(f"{document}, {chaos.statuses}, {chaos.seconds:.0f} s")
    return 1 if chaos.violations or chaos.kills < arguments.kills else 0


if __name__ == "__main__":
    sys.exit(main())
