"""An operator takes a picture down in the served stack: no byte is reachable, copies go too, a restore undoes it."""

import json
import time
from pathlib import Path
from uuid import uuid4

import pytest

from operations.__main__ import main
from tests.api_end_to_end.served_stack import PATIENCE, ServedStack, key_of, photo

RENDITIONS = 24
SECONDS = 5.0


@pytest.fixture
def outputs(stack: ServedStack, tmp_path: Path) -> Path:
    """Return a file with the stack's outputs, as Pulumi prints them."""
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(stack.outputs))
    return file


def operate(outputs: Path, *arguments: str) -> int:
    return main([*arguments, "--stack", "dev", "--outputs", str(outputs)])


def test_a_takedown_removes_every_rendition_and_copy_in_time_and_can_be_undone(
    stack: ServedStack, outputs: Path, tmp_path: Path
) -> None:
    data = photo(f"{uuid4()}")
    first, copy = (stack.upload(data).json for _ in range(2))
    stack.wait_for_outcomes([key_of(first), key_of(copy)])
    links = [each["url"] for each in stack.request("GET", first["status_url"]).json["renditions"]]
    bucket = stack.outputs["renditions_bucket"]
    known = [key for key in stack.deployed.keys("renditions_bucket") if key.startswith(f"{key_of(first)}/")]
    version = known[0].removeprefix(f"{key_of(first)}/").partition("/")[0]
    for number in range(RENDITIONS - len(known)):
        stack.s3.put_object(Bucket=bucket, Key=f"{key_of(first)}/{version}/more-{number}.jpeg", Body=b"x")
    evidence = tmp_path / "evidence.json"
    said = ("--reason", "notice", "--case", "7", "--received", "2026-11-28T00:00:00Z")
    assert operate(outputs, "takedown", "--id", first["image_id"], *said, "--evidence", str(evidence)) == 0
    done = json.loads(evidence.read_text())
    print(f"{RENDITIONS} renditions and a copy were gone after {done['seconds']:.2f} s")
    assert done["seconds"] < SECONDS
    assert {each["object_key"] for each in done["versions"]} == {key_of(first), key_of(copy)}
    left = stack.deployed.keys("renditions_bucket")
    assert not any(key.startswith((f"{key_of(first)}/", f"{key_of(copy)}/")) for key in left)
    assert [stack.get_bytes(link)[0] for link in links] == [403] * len(links)
    for image in (first, copy):
        shown = stack.request("GET", image["status_url"]).json
        assert (shown["status"], shown["reason"], shown["renditions"]) == ("BLOCKED", "taken_down", [])
    kept = [key for key in stack.deployed.keys("logs_bucket") if key.startswith("decisions/")]
    assert {each["decision"] for each in done["versions"]} <= {Path(key).stem for key in kept}

    assert operate(outputs, "restore", key_of(first), "--reason", "mistaken") == 0
    until = time.monotonic() + PATIENCE
    while stack.request("GET", first["status_url"]).json["status"] != "PUBLISHED":
        assert time.monotonic() < until
        time.sleep(0.2)
    assert stack.request("GET", first["status_url"]).json["renditions"]
    assert stack.request("GET", copy["status_url"]).json["status"] == "BLOCKED"
