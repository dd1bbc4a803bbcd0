"""A world in a process of its own, and a rehearsal without an engine."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest

from embedded_aws.serving.process import PROJECT, ServingError, ServingProcess


def test_a_served_world_is_there_for_any_sdk_until_it_is_left(tmp_path: Path) -> None:
    with ServingProcess("eu-west-1", log=tmp_path / "log", function_logs=tmp_path) as world:
        environment = world.environment
        made = boto3.client(
            "sqs",
            endpoint_url=world.endpoint_url,
            region_name=environment["AWS_REGION"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        ).create_queue(QueueName="jobs")
        assert made["QueueUrl"].startswith(world.endpoint_url)
        assert not _is_closed(world.provider_port)
        ports = (int(world.endpoint_url.rsplit(":", 1)[-1]), world.provider_port)
    assert all(map(_is_closed, ports))
    assert (tmp_path / "log").read_text() == ""


def test_a_world_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from embedded_aws.serving.process import ServingProcess\n"
        f"world = ServingProcess('eu-west-1', log=Path({str(tmp_path / 'log')!r})).__enter__()\n"
        "print(world.provider_port, flush=True); os._exit(9)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 9, ran.stderr
    deadline = time.monotonic() + 15
    while not _is_closed(int(ran.stdout)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _is_closed(int(ran.stdout))


def test_a_world_that_does_not_start_says_why(tmp_path: Path) -> None:
    serving = ServingProcess("eu-west-1", log=tmp_path / "log", module=("-c", "raise SystemExit('no room')"))
    with pytest.raises(ServingError, match=r"did not start:\nno room"):
        serving.__enter__()


def test_without_a_cli_one_message_says_where_it_comes_from(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "local.rehearse", "--command=pulumi preview"],
        cwd=PROJECT,
        env={**os.environ, "PATH": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("`pulumi` is not on PATH.")
    assert "https://www.pulumi.com/docs" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert list(tmp_path.iterdir()) == []


def _is_closed(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
