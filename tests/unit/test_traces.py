"""What is in a trace: calls of threads lie below the step that makes them, and a step has the key of its object."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TRACE = "1-00000000-000000000000000000000000"
PARENT = "0123456789abcdef"
SCRIPT = """
import boto3
from moto import mock_aws
from media_pipeline.concurrency import Threads
from media_pipeline.observability import Observability

observability = Observability(tracing=True)
with mock_aws():
    s3 = boto3.client("s3", region_name="us-east-1")
    with Threads(observability.carried) as overlap:
        with observability.segment("publish"):
            observability.about("a b.jpg" + 2_000 * "c")
            background = overlap.start(lambda: [s3.list_buckets() for _ in range(2)])
            for _ in overlap.at_most(4)(s3.list_buckets for _ in range(8)):
                pass
            overlap.join([background])
        later = overlap.start(overlap.carried(s3.list_buckets))  # in a thread that worked for the step
        overlap.join([later])
        later.result()
"""


def _flat(entity: dict[str, Any]) -> list[dict[str, Any]]:
    return [entity, *(one for child in entity.get("subsegments", ()) for one in _flat(child))]


def test_calls_in_threads_are_traced_below_their_step_and_background_calls_below_the_function() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(5.0)
        environment = os.environ | {
            "PYTHONPATH": str(ROOT / "lambda"),
            "LAMBDA_TASK_ROOT": "/var/task",
            "_X_AMZN_TRACE_ID": f"Root={TRACE};Parent={PARENT};Sampled=1",
            "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon.getsockname()[1]}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "POWERTOOLS_SERVICE_NAME": "test",
        }
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", SCRIPT],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        sent: list[dict[str, Any]] = []
        while len([one for each in sent for one in _flat(each)]) < 12:
            _, _, document = daemon.recv(65_536).decode().partition("\n")
            sent.append(json.loads(document))
    entities = {one["id"]: one for each in sent for one in _flat(each)}
    parents = {child["id"]: one["id"] for one in entities.values() for child in one.get("subsegments", ())}
    (step,) = (one for one in entities.values() if one["name"] == "## publish")
    assert step["annotations"] == {"object_key": "a b.jpg" + 993 * "c"}
    calls = [one for one in entities.values() if one["name"] == "s3"]
    assert len(calls) == 11
    above = [str(one.get("parent_id", parents.get(one["id"]))) for one in calls]
    assert sorted(above) == sorted([step["id"]] * 8 + [PARENT] * 3)
    assert not any(one.get("in_progress") or one.get("fault") for one in entities.values())
