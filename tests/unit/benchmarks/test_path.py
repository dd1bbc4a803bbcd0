"""What one object takes: these figures are the contract that `make bench-path` measures and the documents tell."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from benchmarks.wire import LATENCY, Wire, item_bytes
from operations.prices import Prices

ROOT = Path(__file__).parents[3]
PHOTO = {
    "dynamodb:UpdateItem": 5,
    "dynamodb:Query": 1,
    "s3:GetObject": 1,
    "rekognition:DetectModerationLabels": 1,
    "sns:Publish": 1,
}
NEW = {"dynamodb:BatchGetItem": 1, "dynamodb:BatchWriteItem": 1}
"""What the cache of answers takes beside, for a picture that was not judged before."""
LIST = {"dynamodb:Query": PHOTO["dynamodb:Query"] + 1}
"""With the look into the hash list, which an environment takes once a minute: the first object pays for it."""


Measured = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Return what runs the benchmark of a stack, once, in a process of its own: functions read their environment once.

    It returns what was found of each object.
    """
    out = tmp_path_factory.mktemp("bench")
    objects = [f"--object={name}" for name in ("photo 2 MP", "photo 2 MP again", "blocked")]

    @cache
    def measure(stack: str) -> dict[str, Any]:
        command = ["-m", "benchmarks.path", "--stack", stack, "--rounds", "1", *objects, "--out", str(out)]
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": "lambda"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads((out / f"path-{stack}.json").read_text())["objects"]
        return found

    return measure


def check(
    found: dict[str, Any],
    operations: dict[str, int],
    write_units: int,
    *,
    is_known: bool = False,
    read_units: int = 2,
) -> None:
    assert found["by_operation"] == operations
    assert found["calls"] == sum(operations.values())
    assert sum(found["write_units"]) <= write_units
    assert found["read_units"] == read_units  # one of them of the cache: two half ones
    assert found["one_by_one_ms"] > found["latency_ms"] > (0 if is_known else 450)
    assert found["billed_ms"] > (0 if is_known else 450)
    dollars = found["dollars_per_1000"]
    assert dollars["total"] == pytest.approx(1000 * Prices.read().cost(found["units"]), rel=0.001)
    assert dollars["rekognition"] == (0.0 if is_known else 1.0)


@pytest.mark.parametrize(("stack", "puts"), [("dev", 8), pytest.param("prod", 12, marks=pytest.mark.long)])
def test_a_photo_takes_17_calls_in_dev_and_21_in_prod_and_11_write_units_and_the_cache_two_calls_and_a_write_unit(
    measured: Measured, stack: str, puts: int
) -> None:
    check(measured(stack)["photo 2 MP"], PHOTO | NEW | LIST | {"s3:PutObject": puts}, 12, read_units=3)


@pytest.mark.parametrize(("stack", "puts"), [("dev", 8), pytest.param("prod", 12, marks=pytest.mark.long)])
def test_a_photo_that_was_uploaded_before_takes_17_calls_in_dev_and_21_in_prod_and_11_write_units(
    measured: Measured, stack: str, puts: int
) -> None:
    calls = PHOTO | {"dynamodb:BatchGetItem": 1, "s3:PutObject": puts}
    del calls["rekognition:DetectModerationLabels"]
    check(measured(stack)["photo 2 MP again"], calls, 11, is_known=True)


@pytest.mark.parametrize("stack", ["dev", pytest.param("prod", marks=pytest.mark.long)])
def test_a_blocked_photo_takes_15_calls_and_8_write_units_and_the_cache_two_calls_and_a_write_unit(
    measured: Measured, stack: str
) -> None:
    # The judged picture is put for reviewers, and after the move it is looked whether the key was deleted meanwhile.
    moved = {
        "s3:HeadObject": 2,
        "s3:CopyObject": 1,
        "s3:DeleteObject": 1,
        "s3:PutObject": 1,
        "dynamodb:Query": 2,
    }
    check(measured(stack)["blocked"], PHOTO | NEW | moved, 9, read_units=3)


@pytest.mark.parametrize("stack", ["dev", pytest.param("prod", marks=pytest.mark.long)])
def test_what_operations_cost_reads_from_records_is_within_2_percent_of_the_counted_calls(
    measured: Measured, stack: str
) -> None:
    upload = 1000 * Prices.read().cost({"s3_write": 1})  # which the benchmark makes before it counts
    counted, by_record = 0.0, 0.0
    for found in measured(stack).values():
        own = found["dollars_per_1000"]["total"] + upload
        counted, by_record = counted + own, by_record + found["dollars_per_1000_by_record"]
        if found["dollars_per_1000"]["rekognition"]:
            assert found["dollars_per_1000_by_record"] == pytest.approx(own, rel=0.02)
    assert by_record == pytest.approx(counted, rel=0.02)


def test_what_moto_takes_beyond_a_calls_latency_is_not_counted_unless_others_work_meanwhile() -> None:
    wire = Wire("eu-central-1", "attention")
    request: Any = SimpleNamespace(url="", body=b"")

    def slow() -> AWSResponse:
        time.sleep(LATENCY["HeadObject"] + 0.05)
        return AWSResponse("", 200, HTTPHeaders(), None)

    with wire.recorded([]) as recording:
        wire._answer(slow, "before-send.s3.HeadObject", request)
        alone = recording.overrun
        other = threading.Thread(target=wire._answer, args=(slow, "before-send.s3.HeadObject", request))
        other.start()
        wire._answer(slow, "before-send.s3.HeadObject", request)
        other.join()
    assert 0.05 <= alone == recording.overrun
    assert [call.latency for call in recording.calls] == [LATENCY["HeadObject"]] * 3


def test_an_items_bytes_are_those_of_dynamodbs_documentation() -> None:
    item = {
        "name": {"S": "ä"},  # 4 + 2
        "bytes": {"N": "-12.5"},  # 5 + 3: two digits a byte, and one byte
        "flag": {"BOOL": True},  # 4 + 1
        "list": {"L": [{"S": "a"}]},  # 4 + 3 + 1 + 1
        "map": {"M": {"k": {"NULL": True}}},  # 3 + 3 + 1 + 1 + 1
    }
    assert item_bytes(item) == 6 + 8 + 5 + 9 + 9
