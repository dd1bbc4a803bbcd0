"""`make serve`: a stack that stays up until Ctrl-C, and is described by its environment file."""

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from PIL import Image

from local.demo import scenes
from local.serve.__main__ import main
from tests.fixtures.shares import first_quick

ROOT = Path(__file__).resolve().parents[2]
SECONDS_ALLOWED = 60.0


@dataclass
class Serving:
    """A stack that is being served, what it said until it was ready, and what its environment file says."""

    process: subprocess.Popen[str]
    command: list[str]
    out: Path
    port: int
    said: list[str]
    variables: dict[str, str]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Serve all tests of this module; the last one ends it."""
    out = tmp_path_factory.mktemp("serving") / "out"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "local.serve", "--out", str(out), "--port", str(port)]
    command.append('--set=sizes={"thumbnail": 150}')
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "somebody", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            said = said_until_ready(process)
            yield Serving(process, command, out, port, said, exported(out / "env"))
        finally:
            process.kill()


def said_until_ready(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or "Ctrl-C" not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1], lines
    return lines


def exported(file: Path) -> dict[str, str]:
    pairs = (shlex.split(line)[1].partition("=") for line in file.read_text().splitlines())
    return {name: value for name, _, value in pairs}


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS_ALLOWED
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def client(variables: dict[str, str], service: str) -> Any:
    session: Any = boto3.session.Session()
    return session.client(
        service,
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        region_name=variables["AWS_DEFAULT_REGION"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    )


def test_a_photo_is_processed_with_the_settings_of_the_environment_file(
    serving: Serving, tmp_path: Path
) -> None:
    variables = serving.variables
    photo = tmp_path / "photo.jpg"
    scenes.lake((300, 200)).save(photo)
    client(variables, "s3").put_object(
        Bucket=variables["UPLOADS_BUCKET"], Key="photo.jpg", Body=photo.read_bytes()
    )
    table = client(variables, "dynamodb")

    def announced() -> list[Any]:
        items = table.scan(TableName=variables["RECORDS_TABLE"])["Items"]
        return [item for item in items if "announced_at" in item]

    wait_until(announced)
    (record,) = announced()
    assert record["status"] == {"S": "PUBLISHED"}
    listed = {rendition["M"]["key"]["S"] for rendition in record["renditions"]["L"]}
    stored = client(variables, "s3").list_objects_v2(Bucket=variables["RENDITIONS_BUCKET"])["Contents"]
    assert {each["Key"] for each in stored} == listed
    assert {key.rpartition("/")[2].partition("-")[0] for key in listed} == {"thumbnail"}, "what --set says"
    assert client(variables, "s3").list_objects_v2(Bucket=variables["QUARANTINE_BUCKET"])["KeyCount"] == 0


def outcomes(out: Path) -> list[str]:
    """Return the keys in the log of outcomes."""
    file = out / "logs" / "log_notification.log"
    lines = file.read_text().splitlines() if file.exists() else []
    read = [json.loads(line) for line in lines if line.startswith("{")]
    return [line["object_key"] for line in read if {"object_key", "status"} <= line.keys()]


def test_each_line_that_is_printed_works_as_pasted(serving: Serving, tmp_path: Path) -> None:
    variables = serving.variables
    assert variables["API_URL"] == f"http://127.0.0.1:{serving.port}/dev"
    assert f"API_URL  {variables['API_URL']}\n" in serving.said
    assert f"API_KEY  {variables['API_KEY']}\n" in serving.said
    scenes.lake((301, 200)).save(tmp_path / "photo.jpg")
    upload, status, form, rendition = (
        subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S602
        for line in serving.said
        if line.startswith("curl ")
    )
    identity = json.loads(upload.stdout)
    assert json.loads(status.stdout)["image_id"] == identity["image_id"]
    assert form.stdout.startswith(f"{variables['API_URL']}/v1/images/")
    assert rendition.stderr == ""
    with Image.open(tmp_path / "rendition") as picture:
        assert picture.format in ("JPEG", "WEBP")
    keys = {f"api/{url.strip().rpartition('/')[2]}" for url in (identity["status_url"], form.stdout)}
    wait_until(lambda: keys <= set(outcomes(serving.out)))
    assert len(keys) == 2
    assert len(outcomes(serving.out)) == len(set(outcomes(serving.out)))


def test_the_console_is_up_by_a_link_that_works_once(serving: Serving) -> None:
    link = next(line.strip() for line in serving.said if "/#token=" in line)
    address, _, token = link.partition("/#token=")
    with urllib.request.urlopen(address, timeout=10) as page:  # noqa: S310 - of this machine
        assert b"<title>Review</title>" in page.read()

    def ask(path: str, body: bytes | None = None, session: str = "") -> Any:
        headers = {"Content-Type": "application/json", "Origin": address, "X-Review-Session": session}
        request = urllib.request.Request(f"{address}{path}", data=body, headers=headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer)

    wish = json.dumps({"token": token}).encode()
    session = ask("/session", wish)["session"]
    assert ask("/v1/me", session=session)["stack"] == "dev"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        ask("/session", wish)


@pytest.mark.long
def test_the_line_about_reviews_opens_the_console(serving: Serving, tmp_path: Path) -> None:
    card = tmp_path / "card.jpg"
    draw = [sys.executable, "-m", "local.card", "--", "Violence:60", str(card)]
    subprocess.run(draw, cwd=ROOT, check=True, capture_output=True)
    client(serving.variables, "s3").put_object(
        Bucket=serving.variables["UPLOADS_BUCKET"], Key="card.jpg", Body=card.read_bytes()
    )
    line = next(each.strip() for each in serving.said if "operations review" in each)
    listed: list[str] = []

    def waits() -> bool:
        command = line.replace("operations review", "operations review list --json")
        done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S602
        listed[:] = [item["object_key"] for item in json.loads(done.stdout)["items"]]
        return bool(listed)

    wait_until(waits)
    assert listed == ["card.jpg"]
    with subprocess.Popen(  # noqa: S602
        f"{line} --no-browser",
        shell=True,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as console:
        assert console.stdout is not None
        try:
            assert "works once" in console.stdout.readline()
            address = console.stdout.readline().strip().partition("/#token=")[0]
            with urllib.request.urlopen(address, timeout=10) as page:  # noqa: S310
                assert b"<title>Review</title>" in page.read()
            os.killpg(console.pid, signal.SIGINT)
            assert console.wait(10) in (0, 130, -signal.SIGINT)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(console.pid, signal.SIGKILL)


@pytest.mark.long
def test_the_lines_about_a_takedown_and_another_policy_work_as_pasted(
    serving: Serving, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.jpg"
    scenes.lake((302, 200)).save(photo)
    variables = serving.variables
    s3, table = client(variables, "s3"), client(variables, "dynamodb")
    put = s3.put_object(Bucket=variables["UPLOADS_BUCKET"], Key="photo.jpg", Body=photo.read_bytes())

    def announced() -> bool:
        items = table.scan(TableName=variables["RECORDS_TABLE"])["Items"]
        return any(
            item.get("version_id") == {"S": put["VersionId"]} and "announced_at" in item for item in items
        )

    wait_until(announced)

    def paste(command: str) -> str:
        line = next(each.strip() for each in serving.said if f"operations {command} " in each)
        done = subprocess.run(line, shell=True, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S602
        return done.stdout

    assert "photo.jpg" in paste("takedown")
    listed = s3.list_objects_v2(Bucket=variables["RENDITIONS_BUCKET"], Prefix="photo.jpg/")
    assert listed["KeyCount"] == 0
    assert re.match(r"\d+ outcomes", paste("what-if"))


@pytest.mark.long
def test_a_port_in_use_is_one_message(serving: Serving, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.serve", "--out", str(tmp_path / "out")]
    busy = subprocess.run(
        [*command, f"--port={serving.port}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert busy.returncode == 1
    assert f"port {serving.port} of 127.0.0.1 cannot be had" in busy.stderr
    assert "Traceback" not in busy.stderr


def test_ctrl_c_takes_everything_down_and_leaves_no_process(serving: Serving) -> None:
    functions = children(serving.process.pid)
    serving.process.send_signal(signal.SIGINT)
    said, _ = serving.process.communicate(timeout=20)
    assert serving.process.returncode == 0
    assert "is removed" in said
    assert "Traceback" not in said
    assert not (serving.out / "env").exists()
    assert not (serving.out / "outputs.json").exists()
    assert len(functions) > 0 or not Path("/proc/self/stat").is_file()
    assert [pid for pid in functions if Path(f"/proc/{pid}").exists()] == []


def children(parent: int) -> list[int]:
    """Yield the processes that a process started: here those of the functions, each in a session of its own."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "stat").read_text().rpartition(")")[2].split()[1] == str(parent):
                found.append(int(process.name))
    return found


@pytest.mark.parametrize("port", first_quick("http", "-1", "70000"))
def test_an_invalid_port_is_refused_before_anything_is_deployed(tmp_path: Path, port: str) -> None:
    command = [sys.executable, "-m", "local.serve", "--out", str(tmp_path / "out"), f"--port={port}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--port" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_setting_without_a_value_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--set", "delivery.cdn"])
    assert "--set" in capsys.readouterr().err


def test_a_stack_that_cannot_be_deployed_is_one_message(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.serve", "--stack", "nope", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "nope" in done.stderr
    assert "Traceback" not in done.stderr
