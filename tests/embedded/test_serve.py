"""`make serve`: a stack that stays up, for whoever reads its environment file, and is gone after Ctrl-C."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from demo import scenes

ROOT = Path(__file__).resolve().parents[2]
SECONDS_ALLOWED = 60.0


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "local.serving.stack", "--out", str(tmp_path / "out")]
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "somebody", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        yield process
        process.kill()


def exported(file: Path) -> dict[str, str]:
    deadline = time.monotonic() + SECONDS_ALLOWED
    while not file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    pairs = (shlex.split(line)[1].partition("=") for line in file.read_text().splitlines())
    return {name: value for name, _, value in pairs}


def client(variables: dict[str, str], service: str) -> Any:
    session: Any = boto3.session.Session()
    return session.client(
        service,
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        region_name=variables["AWS_DEFAULT_REGION"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    )


def test_a_photo_is_processed_for_whoever_reads_the_environment_file(
    serving: subprocess.Popen[str], tmp_path: Path
) -> None:
    file = tmp_path / "out" / "env"
    variables = exported(file)
    photo = tmp_path / "photo.jpg"
    scenes.lake((300, 200)).save(photo)
    client(variables, "s3").put_object(
        Bucket=variables["UPLOADS_BUCKET"], Key="photo.jpg", Body=photo.read_bytes()
    )
    table = client(variables, "dynamodb")
    deadline = time.monotonic() + SECONDS_ALLOWED
    while (
        not (items := table.scan(TableName=variables["RECORDS_TABLE"])["Items"])
        or "announced_at" not in items[0]
    ):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert items[0]["status"] == {"S": "PUBLISHED"}
    assert client(variables, "s3").list_objects_v2(Bucket=variables["RENDITIONS_BUCKET"])["KeyCount"] == 8
    assert client(variables, "s3").list_objects_v2(Bucket=variables["QUARANTINE_BUCKET"])["KeyCount"] == 0
    serving.send_signal(signal.SIGINT)
    said, _ = serving.communicate(timeout=20)
    assert serving.returncode == 0
    assert "is removed" in said
    assert "Traceback" not in said
    assert not file.exists()


def test_a_stack_that_cannot_be_deployed_is_one_message(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.serving.stack", "--stack", "nope", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "nope" in done.stderr
    assert "Traceback" not in done.stderr
