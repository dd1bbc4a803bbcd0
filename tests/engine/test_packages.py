"""What is packaged and deployed again when the checkout moves, its code changes, or a requirement is upgraded."""

import base64
import json
import re
import shutil
import time
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import parse_wheel_filename

from components.packaging import wheels
from components.packaging.store import sha256_of
from embedded_aws.runtime.sqs_event import event_of
from tests.engine.operator_session import NO_CHANGES, PROJECT, Change, OperatorSession, operator_session

SETTLED = 1.1  # seconds until a changed function or mapping is seen: on AWS an update takes longer
PROCESS_IMAGE = "media-pipeline-dev-process-image"
PRINT_PILLOW_VERSION = """

import importlib.metadata
_handler = handler

def handler(event, context):
    try:
        return _handler(event, context)
    finally:
        print(f"ran with pillow {importlib.metadata.version('pillow')}", flush=True)
"""


@pytest.fixture(scope="module")
def session() -> Iterator[OperatorSession]:
    with operator_session("dev") as opened:
        opened.up()
        yield opened


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Return a copy of the checkout in another folder."""
    folder = tmp_path / "another checkout"
    for part in ("components", "lambda"):
        shutil.copytree(PROJECT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (PROJECT / "__main__.py", *PROJECT.glob("Pulumi*.yaml")):
        shutil.copy(file, folder)
    return folder


def test_the_same_checkout_in_another_folder_has_nothing_to_change(
    session: OperatorSession, elsewhere: Path
) -> None:
    session.move_program(elsewhere)
    assert session.preview("--expect-no-changes") == NO_CHANGES


def test_edited_code_is_a_new_code_zip_and_no_new_layer(session: OperatorSession, elsewhere: Path) -> None:
    with (elsewhere / "lambda/media_pipeline/handlers/process_image.py").open("a") as module:
        module.write("\n# Edited.\n")
    session.move_program(elsewhere)
    assert session.preview() == {name: Change("update", ("code",)) for name in session.named("Function")}


def test_a_new_pillow_is_a_new_layer_and_old_function_versions_keep_the_old_one(
    session: OperatorSession, elsewhere: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (elsewhere / "lambda/media_pipeline/handlers/process_image.py").open("a") as module:
        module.write(PRINT_PILLOW_VERSION)
    session.move_program(elsewhere)
    session.up()
    old_version, old_layer = _deployed(session)
    wheel = _next_pillow(tmp_path / "index")
    cached = set(wheels.default_folder().rglob("*"))
    _pin(elsewhere / "lambda/requirements/image.txt", wheel)
    session.move_program(elsewhere)
    monkeypatch.setitem(session.environment, "PIP_NO_INDEX", "1")
    monkeypatch.setitem(session.environment, "PIP_FIND_LINKS", wheel.parent.as_uri())
    try:
        planned = session.preview()
        assert planned["media-pipeline-dev-image-layer"] == Change("replace", ("code",))
        layers = Change("update", ("layers[0]",))
        assert planned == {
            "media-pipeline-dev-image-layer": Change("replace", ("code",)),
            **dict.fromkeys(session.named("Function"), layers),
        }
        before = session.process(photo)
        events = [
            json.loads(line) for line in session.up("--json").output.splitlines() if line.startswith("{")
        ]
    finally:
        for file in set(wheels.default_folder().rglob("*")) - cached:
            file.unlink()
    order = [step for step in _steps(events) if step[1] in ("layer", "image", "letters")]
    assert order[0] == ("create-replacement", "layer")
    assert order[-1] == ("delete-replaced", "layer")
    assert set(order[1:-1]) >= {("update", "image"), ("update", "letters")}
    time.sleep(SETTLED)
    after = session.process(photo)
    assert (before["status"], after["status"]) == ("PUBLISHED", "PUBLISHED")
    shown = _names(before)
    assert shown == _names(after), "the same bytes"
    new_version, new_layer = _deployed(session)
    assert int(new_version) == int(old_version) + 1
    functions, name = session.aws.client("lambda"), session.outputs()["process_image_function"]
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.get_layer_version(
            LayerName=old_layer.rpartition(":")[0], VersionNumber=int(old_layer.rpartition(":")[2])
        )
    newer = parse_wheel_filename(wheel.name)[1]
    pins = {
        old_version: (old_layer, newer.base_version),
        new_version: (new_layer, str(newer)),
        "$LATEST": (new_layer, str(newer)),
    }
    _stop_the_queue(session)
    for version, (layer, pin) in pins.items():
        settings = functions.get_function_configuration(FunctionName=name, Qualifier=version)
        assert [used["Arn"] for used in settings["Layers"]] == [layer]
        assert _process_with(session, version, photo) == (shown, pin)


def _steps(events: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield operation and last part of the name of each changed resource, in the order of the engine's events."""
    for event in events:
        step = event.get("resOutputsEvent")
        if step and step["metadata"]["op"] not in ("same", "read"):
            yield step["metadata"]["op"], step["metadata"]["urn"].rsplit("-", 1)[-1]


def _deployed(session: OperatorSession) -> tuple[str, str]:
    """Return the image function's newest version and the ARN of its layer, from the engine's state."""
    (outputs,) = (
        resource["outputs"]
        for resource in session.state()
        if resource["urn"].endswith(f"::{PROCESS_IMAGE}")
        and resource["type"] == "aws:lambda/function:Function"
    )
    (layer,) = outputs["layers"]
    return outputs["version"], layer


def _stop_the_queue(session: OperatorSession) -> None:
    """Disable the event source mappings: from here on messages stay in their queues."""
    functions = session.aws.client("lambda")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    time.sleep(SETTLED)


def _process_with(session: OperatorSession, version: str, photo: Path) -> tuple[list[str], str]:
    """Invoke one version of the function with an upload's message; return the renditions' names and Pillow's version.

    The record must be PUBLISHED.
    """
    outputs, sqs = session.outputs(), session.aws.client("sqs")
    key = f"by {version}.jpg"
    put = session.aws.client("s3").put_object(
        Bucket=outputs["uploads_bucket"], Key=key, Body=photo.read_bytes()
    )
    queue = outputs["images_queue_url"]
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5, AttributeNames=["All"])["Messages"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    event = event_of([message], attributes["QueueArn"], session.aws.region)
    answer = session.aws.client("lambda").invoke(
        FunctionName=outputs["process_image_function"],
        Qualifier=version,
        Payload=json.dumps(event).encode(),
        LogType="Tail",
    )
    assert answer["ExecutedVersion"] == version
    assert json.load(answer["Payload"]) == {"batchItemFailures": []}
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    record = session.record(key, put["VersionId"])
    assert record["status"] == "PUBLISHED"
    log = base64.b64decode(answer["LogResult"]).decode()
    return _names(record), log.rstrip().rpartition("ran with pillow ")[2]


def _names(record: dict[str, Any]) -> list[str]:
    """Return the last parts of the renditions' keys: they contain a hash of the bytes."""
    return [rendition["key"].rsplit("/", 1)[-1] for rendition in record["renditions"]]


def _next_pillow(index: Path) -> Path:
    """Create a wheel of Pillow with the next version from the cached one; return its path."""
    index.mkdir()
    notes = [
        json.loads(note.read_bytes()) for note in (wheels.default_folder() / "chosen").glob("pillow-*.json")
    ]
    (chosen,) = {
        note["wheel"]
        for note in notes
        if note["target"].startswith("host-") and note["pin"].startswith("pillow==")
    }
    version = str(parse_wheel_filename(chosen)[1])
    newer = f"{version}.post1"
    path = index / str(chosen).replace(version, newer)
    with zipfile.ZipFile(wheels.default_folder() / chosen) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename.endswith(".dist-info/METADATA"):
                content = content.replace(
                    f"\nVersion: {version}\n".encode(), f"\nVersion: {newer}\n".encode()
                )
            entry.filename = entry.filename.replace(f"-{version}.", f"-{newer}.")
            new.writestr(entry, content)
    return path


def _pin(lock: Path, wheel: Path) -> None:
    version = parse_wheel_filename(wheel.name)[1]
    pinned, count = re.subn(
        r"(?m)^pillow==\S+ \\\n(?:    --hash=\S+(?: \\)?\n)+",
        f"pillow=={version} \\\\\n    --hash=sha256:{sha256_of(wheel)}\n",
        lock.read_text("utf-8"),
    )
    assert count == 1
    lock.write_text(pinned, "utf-8")
