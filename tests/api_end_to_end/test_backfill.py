"""A backfill of the served stack: readers poll the API meanwhile, and uploads go on."""

import json
import os
import random
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import urllib3

from local.serve.__main__ import PROJECT
from operations.__main__ import main
from tests.api_end_to_end.served_stack import PATIENCE, ServedStack, key_of, pause_after, photo

OBJECTS = int(os.environ.get("BACKFILL_OBJECTS", "1000"))
TAKES_EFFECT = 1.2  # seconds after which the embedded AWS runs nothing with what was configured before
TICK = 0.1  # seconds between two looks of the reader
SIZES = {"thumbnail": 150, "tiny": 40}
"""With another size beside the largest one, which is what was judged."""
UPLOADS, ROUNDS = 40, 2
PAUSE = 0.3  # seconds between two uploads
RATE = 1.0
"""Objects a second that are rendered meanwhile: here all functions share two processors, on AWS each has its own."""
BEFORE = 100  # objects that are there to be rendered
SLOWER = 1.3
"""So much longer an upload may take during a backfill, at the 95th percentile."""


@contextmanager
def with_sizes(stack: ServedStack, sizes: Mapping[str, int]) -> Iterator[None]:
    """Deploy other sizes of pictures for a while."""
    functions = stack.world.client("lambda")
    name = next(
        each["FunctionName"]
        for each in functions.list_functions()["Functions"]
        if "process-image" in each["FunctionName"]
    )
    usual = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    changed = {**usual, "SIZES": json.dumps(sizes)}
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": changed})
    time.sleep(TAKES_EFFECT)
    try:
        yield
    finally:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": usual})
        time.sleep(TAKES_EFFECT)


@pytest.fixture
def outputs(stack: ServedStack, tmp_path: Path) -> Path:
    """Return a file with the stack's outputs, as Pulumi prints them."""
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(stack.outputs))
    return file


def command(outputs: Path, rate: float) -> list[str]:
    return [
        *["backfill", "--stack", "dev", "--mode", "render", "--all", "--rate", f"{rate:g}"],
        *["--outputs", str(outputs)],
    ]


@contextmanager
def backfilling(stack: ServedStack, outputs: Path, rate: float) -> Iterator[None]:
    """Run the command as an operator does, in a process of its own, from its first message until it is interrupted."""
    environment = {**stack.world.clean(os.environ), **stack.world.environment(), "PYTHONPATH": "lambda"}
    words = [sys.executable, "-m", "operations", *command(outputs, rate)]
    before = rendered(stack)
    with subprocess.Popen(words, cwd=PROJECT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            since = time.monotonic()
            while rendered(stack) == before:
                assert process.poll() is None
                assert time.monotonic() < since + PATIENCE
                time.sleep(TICK)
            yield
            assert process.poll() is None, "it ended before the uploads did"
        finally:
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=PATIENCE)
    assert "Continue with" in said
    assert rendered(stack) > before + UPLOADS / 4


def rendered(stack: ServedStack) -> int:
    """Return how often a version was rendered anew."""
    return sum(int(record["attempt"]) - 1 for record in stack.records())


class Reader(threading.Thread):
    """Looks at one image after another through the API, and follows every link."""

    def __init__(self, stack: ServedStack, images: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(daemon=True)
        self._stack = stack
        self._images = images
        self._ended = threading.Event()
        self.looks = 0
        self.seen: set[frozenset[str]] = set()
        self.missing: list[str] = []
        self.cut_off: list[str] = []

    def run(self) -> None:
        """Look until `end` is called."""
        chance = random.Random(19)
        while not self._ended.wait(TICK):
            image = chance.choice(self._images)
            try:
                self._look(image)
            except urllib3.exceptions.HTTPError as error:  # the connection, and not what it carries
                self.cut_off.append(str(error))

    def _look(self, image: Mapping[str, Any]) -> None:
        answer = self._stack.request("GET", image["status_url"])
        if answer.status != 200:
            self.missing.append(f"{image['image_id']}: {answer.status}")
            return
        self.looks += 1
        self.seen.add(frozenset(each["name"] for each in answer.json["renditions"]))
        for each in answer.json["renditions"]:
            status, _ = self._stack.get_bytes(each["url"])
            if status != 200:
                self.missing.append(f"{each['name']} of {image['image_id']}: {status}")

    def end(self) -> None:
        """Stop looking."""
        self._ended.set()
        self.join()


@pytest.mark.long
def test_reader_never_sees_fewer_renditions_while_all_are_rendered_anew(
    stack: ServedStack, outputs: Path
) -> None:
    images = [stack.upload(photo(f"{uuid4()}")).json for _ in range(OBJECTS)]
    keys = {key_of(image) for image in images}
    before = attempts(stack.wait_for_outcomes(keys), keys)
    reader = Reader(stack, images)
    with with_sizes(stack, SIZES):
        reader.start()
        try:
            assert main(command(outputs, 100)) == 0
            wait_for_sizes(stack, keys, set(SIZES))
        finally:
            reader.end()
    print(f"{reader.looks} looks at {OBJECTS} objects")
    assert reader.missing == []
    assert len(reader.cut_off) <= reader.looks / 10
    assert reader.seen <= {frozenset({"thumbnail"}), frozenset(SIZES)}
    assert reader.looks > 5
    assert attempts(stack.records(), keys) == {key: attempt + 1 for key, attempt in before.items()}


@pytest.mark.long
def test_uploads_hardly_wait_for_a_backfill(stack: ServedStack, outputs: Path) -> None:
    images = [stack.upload(photo(f"{uuid4()}")).json for _ in range(BEFORE)]
    stack.wait_for_outcomes({key_of(image) for image in images})
    alone: list[float] = []
    beside: list[float] = []
    for number in range(ROUNDS):
        start_environments(stack)
        alone += upload_many(stack)
        with with_sizes(stack, {"thumbnail": 150, f"other{number}": 30 + number}):
            start_environments(stack)
            with backfilling(stack, outputs, RATE):
                beside += upload_many(stack)
    slower = percentile(beside) / percentile(alone)
    middle = (
        f"median {statistics.median(beside):.2f} s beside a backfill, {statistics.median(alone):.2f} s alone"
    )
    print(f"{middle}; p95 {percentile(beside):.2f} s and {percentile(alone):.2f} s: x {slower:.2f}")
    assert slower <= SLOWER


def start_environments(stack: ServedStack) -> None:
    """Upload pictures at once, so that what was just deployed has an execution environment for each side.

    AWS starts those on processors of their own; here a cold start takes one of two from whatever runs beside it.
    """
    uploads = [threading.Thread(target=upload_seconds, args=(stack,)) for _ in range(3)]
    for each in uploads:
        each.start()
    for each in uploads:
        each.join()


def upload_many(stack: ServedStack) -> list[float]:
    """Upload pictures one after the other; return the seconds of each until it is published."""
    taken = []
    for _ in range(UPLOADS):
        taken.append(upload_seconds(stack))
        time.sleep(PAUSE)
    return taken


def upload_seconds(stack: ServedStack) -> float:
    """Upload a new picture and return the seconds until it is published."""
    began = time.monotonic()
    image = stack.upload(photo(f"{uuid4()}")).json
    while stack.request("GET", image["status_url"]).json["status"] != "PUBLISHED":
        assert time.monotonic() < began + PATIENCE
        time.sleep(0.02)
    return time.monotonic() - began


def percentile(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def wait_for_sizes(stack: ServedStack, keys: set[str], names: set[str]) -> None:
    """Wait until the records of all keys list these sizes."""
    left, since = len(keys), time.monotonic()
    while left:
        read = time.monotonic()
        done = {
            record["object_key"]
            for record in stack.records()
            if {each["name"] for each in record.get("renditions", ())} == names
        }
        if len(keys - done) < left:
            left, since = len(keys - done), time.monotonic()
        assert time.monotonic() < since + PATIENCE, f"{left} of {len(keys)} are left"
        time.sleep(pause_after(read))


def attempts(records: Sequence[Mapping[str, Any]], keys: set[str]) -> dict[str, int]:
    return {
        record["object_key"]: int(record["attempt"]) for record in records if record["object_key"] in keys
    }
