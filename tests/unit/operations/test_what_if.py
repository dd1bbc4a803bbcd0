"""`what-if` on real records: its counts are those of really uploading the same objects under the other policy."""

import hashlib
import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import boto3
import pytest
from PIL import Image

from media_pipeline.moderation.policy import Policy, decide
from media_pipeline.moderation.verdicts import Label, Verdict
from media_pipeline.records.answer_cache import MODEL, SORT_KEY
from media_pipeline.records.record import iso_time, to_item
from operations.__main__ import main
from operations.deciding_again import Outcome, Unknown
from operations.what_if import Comparison, WhatIf, label_in
from tests.fixtures.moto_stack import MotoStack
from tests.unit.images.drawing import detailed
from tests.unit.processing.test_judged_requests import moving, saved, transparent
from tests.unit.videos.conftest import clip, videos

__all__ = ["clip", "videos"]

SAMPLE = int(os.environ.get("WHAT_IF_SAMPLE", "1000"))
THEN = {
    "mode": "enforce",
    "block": {"Weapons": 80, "Explicit": 60},
    "review": {"Violence": 50},
    "recordFrom": 30,
}
NOW = {
    "mode": "enforce",
    "block": {"Violence": 70},
    "review": {"Weapons": 40},
    "exempt": ["Graphic Violence"],
}
ANSWERS: tuple[list[tuple[str, str, float]], ...] = (
    [],
    [("Violence", "", 45.0), ("Weapons", "Violence", 44.0)],
    [("Violence", "", 75.0), ("Weapons", "Violence", 75.0)],
    [("Violence", "", 95.0), ("Graphic Violence", "Violence", 95.0)],
    [("Violence", "", 85.5), ("Weapons", "Violence", 85.5)],
    [("Explicit", "", 99.0)],
)


class Answers:
    """Has Rekognition answer about the same picture always the same; most pictures have no labels."""

    def __init__(self, stack: MotoStack) -> None:
        self._real: Callable[..., Any] = stack.rekognition.detect_moderation_labels
        self._known: dict[str, list[tuple[str, str, float]]] = {}
        self.of_new: list[tuple[str, str, float]] | None = None
        """Labels of pictures that were not seen before; None for some by their content."""
        rekognition: Any = stack.rekognition
        rekognition.detect_moderation_labels = self._answer

    def _answer(self, **request: Any) -> Any:
        digest = hashlib.sha256(request["Image"]["Bytes"]).hexdigest()
        some = Random(digest).choices(ANSWERS, weights=[7, *[1] * (len(ANSWERS) - 1)])[0]
        labels = self._known.setdefault(digest, some if self.of_new is None else self.of_new)
        found = [
            {"Name": name, "ParentName": parent, "Confidence": sure}
            for name, parent, sure in labels
            if sure >= request["MinConfidence"]
        ]
        return {**self._real(**request), "ModerationLabels": found}


def uploads(clip: bytes) -> dict[str, bytes]:
    """Return stills, animations, transparent pictures and videos."""
    still = {
        f"still-{seed}.jpg": saved(detailed(320, 200, seed=seed), "JPEG", quality=90) for seed in range(10)
    }
    clear = {}
    for turn in range(3):
        image = transparent().rotate(90 * turn, expand=True)
        clear[f"transparent-{turn}.png"] = saved(image, "PNG")
    animated = {
        f"animation-{count}.webp": moving(count, mode, "WEBP") for count, mode in ((2, "RGB"), (4, "RGB"))
    }
    # Blocked by its first pictures, so that the others are not asked about, and no longer by the other policy.
    return {**still, **clear, **animated, "video.mp4": clip, "ended.webp": moving(3, "RGBA", "WEBP")}


def sample(count: int, clip: bytes) -> dict[str, bytes]:
    """Return small pictures of all kinds, no two alike, and some videos."""
    files: dict[str, bytes] = {}
    for number in range(count - 4):
        frames = [small(10 * number + frame) for frame in range(3)]
        kind = number % 20
        if kind == 0:
            frames[0].putalpha(Image.linear_gradient("L").resize(frames[0].size))
            files[f"{number}-transparent.png"] = saved(frames[0], "PNG")
        elif kind in (1, 2):
            later = {"save_all": True, "append_images": frames[1:], "duration": 100}
            files[f"{number}-animation.webp"] = saved(frames[0], "WEBP", **later)
        else:
            files[f"{number}-still.jpg"] = saved(frames[0], "JPEG", quality=90)
    return files | {f"video-{number}.mp4": clip for number in range(4)}


def small(seed: int) -> Image.Image:
    """Draw blobs of colour, other ones for each seed."""
    return Image.frombytes("RGB", (8, 6), Random(seed).randbytes(8 * 6 * 3)).resize((96, 72))


def process(videos: Any, files: dict[str, bytes], prefix: str, policy: Policy) -> dict[str, Any]:
    """Send the files through the functions under a policy; return the records' attributes by file."""
    stack: MotoStack = videos.stack
    specs = replace(stack.settings.specs, formats=("jpeg", "webp"), transparency="keep")
    stack.settings = replace(stack.settings, policy=policy, specs=specs)
    videos.settings = replace(videos.settings, policy=policy)
    found = {}
    for name, data in files.items():
        event = stack.upload(prefix + name, data)
        assert stack.deliver(event)
        if name.endswith(".mp4"):
            handed_over = stack.clients.sqs.receive_message(QueueUrl=stack.videos_url)["Messages"]
            for message in handed_over:
                receipt = message["ReceiptHandle"]
                stack.clients.sqs.delete_message(QueueUrl=stack.videos_url, ReceiptHandle=receipt)
            assert videos.deliver(event)
        found[name] = dict(stack.record(prefix + name, event).attributes)
    return found


def compare(stack: MotoStack, policy: Policy, **options: Any) -> Comparison:
    return WhatIf(dynamodb=dynamodb(), table="records", policy=policy).compare(**options)


def dynamodb() -> Any:
    """Return a client of its own: `WhatIf` changes how its client reads answers."""
    return boto3.client("dynamodb")


@pytest.mark.long
def test_counts_are_those_of_uploading_the_same_objects_under_the_other_policy(
    videos: Any, clip: bytes
) -> None:
    stack: MotoStack = videos.stack
    answers, then, now, files = Answers(stack), Policy.parse(THEN), Policy.parse(NOW), uploads(clip)
    before = process(videos, {name: files[name] for name in files if name != "ended.webp"}, "then/", then)
    answers.of_new = [("Explicit", "", 99.0)]
    before |= process(videos, {"ended.webp": files["ended.webp"]}, "then/", then)
    answers.of_new = []
    predicted = compare(stack, now)
    assert predicted.outcomes == len(files)
    assert {record["status"] for record in before.values()} == {"PUBLISHED", "REVIEW", "BLOCKED"}

    after = process(videos, files, "again/", now)
    unknown, really = compared(before, after, now)
    assert predicted.unknown == {Unknown.NOT_ALL_JUDGED: len(unknown)}
    assert "ended.webp" in unknown
    assert len(unknown) < len(files) / 2
    assert len(really) > 4, "the pictures are of all kinds"
    assert counted(predicted) == really

    everything = compare(stack, now)
    assert everything.outcomes == 2 * len(files)
    assert everything.same == predicted.same + Counter(Outcome(each["status"]) for each in after.values())
    assert everything.changes == predicted.changes


@pytest.mark.long
def test_counts_over_a_sample_of_a_thousand_are_those_of_really_deciding_it_again(
    videos: Any, clip: bytes
) -> None:
    stack: MotoStack = videos.stack
    Answers(stack)
    files = sample(SAMPLE, clip)
    before = process(videos, files, "then/", Policy.parse(THEN))
    predicted = compare(stack, Policy.parse(NOW))
    after = process(videos, files, "again/", Policy.parse(NOW))
    unknown, really = compared(before, after, Policy.parse(NOW))
    print(f"\n{SAMPLE} objects: {dict(really)}, {len(unknown)} unknown")
    assert predicted.outcomes == len(files) == SAMPLE
    assert predicted.unknown == Counter({Unknown.NOT_ALL_JUDGED: len(unknown)})
    assert counted(predicted) == really
    assert len(really) > 4, "the pictures are of all kinds"


def compared(
    before: Mapping[str, Any], after: Mapping[str, Any], policy: Policy
) -> tuple[list[str], Counter[tuple[str, str]]]:
    """Return the files that the records of then cannot tell about, and how often each pair of statuses occurs."""
    ended = [
        name
        for name, record in before.items()
        if record["moderation"]["judged"] < record["moderation"]["to_judge"]
    ]
    unknown = [
        name for name in ended if after[name]["status"] != "BLOCKED" or not blocks(before[name], policy)
    ]
    known = before.keys() - set(unknown)
    return unknown, Counter((before[name]["status"], after[name]["status"]) for name in known)


def counted(predicted: Comparison) -> dict[tuple[str, str], int]:
    """Return how often `what-if` counted each pair of statuses."""
    counts = {(str(old), str(old)): count for old, count in predicted.same.items()}
    for old, new in permutations(Outcome, 2):
        counts[old.value, new.value] = predicted.changed(old, new)
    return {pair: count for pair, count in counts.items() if count}


def blocks(record: dict[str, Any], policy: Policy) -> bool:
    """Whether the policy blocks by the pictures that were judged then."""
    pictures = record["moderation"].get("pictures") or record["moderation"]["frames"]
    labels = [[Label(**label) for label in picture["labels"]] for picture in pictures]
    return any(decide(found, policy).verdict is Verdict.BLOCK for found in labels)


# The command


VIOLENCE = {"name": "Violence", "parent": "", "confidence": 75.5}


@pytest.fixture
def outputs(stack: MotoStack, tmp_path: Path) -> Path:
    file = tmp_path / "outputs.json"
    document = {"uploads_bucket": "uploads", "records_table": "records", "images_queue_url": stack.images_url}
    file.write_text(json.dumps(document))
    return file


def put(key: str, status: str, moderation: dict[str, Any] | None, **attributes: Any) -> None:
    values = {"object_key": key, "sequencer": "0A".ljust(32, "0"), "status": status, **attributes}
    values.setdefault("finished_at", iso_time(time.time()))
    if moderation is not None:
        values["moderation"] = moderation
    dynamodb().put_item(TableName="records", Item=to_item(values))


def judged(*labels: dict[str, Any], verdict: str = "allow", **members: Any) -> dict[str, Any]:
    return {
        "verdict": verdict,
        "mode": "enforce",
        "reason": None,
        "labels": list(labels),
        "pictures": [{"sha256": "a", "labels": list(labels)}],
        "judged": 1,
        "to_judge": 1,
        "asked_from": 30,
        "model_version": "7.0",
        **members,
    }


def run(outputs: Path, *arguments: str) -> int:
    return main(["what-if", "--stack", "dev", "--outputs", str(outputs), *arguments])


def test_a_stricter_threshold_shows_what_would_be_blocked_by_label_with_what_people_decided(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reason = "Violence 75.5 reached the review threshold of 50"
    for number in range(4):
        approved = {"decision": {"id": "1", "action": "approve"}} if number < 3 else {}
        put(f"r{number}", "REVIEW", judged(VIOLENCE, verdict="review", reason=reason), **approved)
    put("old", "PUBLISHED", judged(asked_from=80))
    put("same", "PUBLISHED", judged())
    put("off", "PUBLISHED", {"verdict": "off", "mode": "off", "judged": 0})
    put("rejected", "REJECTED", None)
    assert run(outputs, "--set", "moderation.block.Violence=70") == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "7 outcomes; 1 other records have none to decide again."
    assert printed[1].split() == ["1", "same:", "1", "PUBLISHED"]
    assert printed[2].strip() == "4  REVIEW would be BLOCKED (people's decisions about them: 3 approve)"
    assert re.fullmatch(r" +4  Violence: 'r\d', 'r\d', 'r\d'", printed[3])
    assert printed[4].split() == ["2", "unknown"]
    assert sorted(line.split(maxsplit=1)[1] for line in printed[5:7]) == sorted(
        [Unknown.ASKED_FROM.value, Unknown.NOT_ASKED.value]
    )
    assert printed[7].startswith("To know the unknown ones takes 2 requests to Rekognition: 0.00 USD")


def test_each_object_is_decided_again_by_the_policy_for_its_key(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "{mode: enforce, block: {Explicit: 60}, recordFrom: 30, paths: ["
        "{prefix: children/, block: {Violence: 70}}, {prefix: staff/, mode: observe, block: {Violence: 70}}]}"
    )
    for key in ("1", "children/1", "staff/1"):
        put(key, "PUBLISHED", judged(VIOLENCE))
    put("staff/old", "PUBLISHED", judged(VIOLENCE, model_version="6.1"))
    put("children/old", "PUBLISHED", judged(VIOLENCE, model_version="6.1"))
    assert run(outputs, "--json", "--policy", str(policy)) == 0
    found = json.loads(capsys.readouterr().out)
    (change,) = found["changes"]
    assert (change["after"], change["examples"]) == ("BLOCKED", ["children/1"])
    assert found["same"] == {"PUBLISHED": 3}
    assert found["unknown"] == {"other_model": 1}, "only where the policy is enforced does the model matter"
    assert found["paths"].keys() == {"children/", "staff/"}


def test_json_has_the_same_counts(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put("blocked", "PUBLISHED", judged(VIOLENCE))
    put("unknown", "PUBLISHED", judged(asked_from=99))
    assert run(outputs, "--json", "--set", "moderation.block.Violence=70") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["outcomes"] == 2
    assert found["published_would_block"] == 1
    assert found["unknown"] == {"asked_from": 1}
    assert found["changes"] == [
        {
            "before": "PUBLISHED",
            "after": "BLOCKED",
            "label": "Violence",
            "count": 1,
            "decisions": {},
            "examples": ["blocked"],
        }
    ]


@pytest.mark.parametrize(("most", "code"), [("1", 1), ("2", 0)])
def test_more_published_outcomes_that_would_be_blocked_than_allowed_fail(
    outputs: Path, most: str, code: int
) -> None:
    put("a", "PUBLISHED", judged(VIOLENCE))
    put("b", "PUBLISHED", judged(VIOLENCE))
    put("c", "REVIEW", judged(VIOLENCE, verdict="review"))
    arguments = ["--set", "moderation.block.Violence=70", "--fail-if-published-would-block", most]
    assert run(outputs, *arguments) == code


def test_since_leaves_out_what_was_finished_earlier(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put("new", "PUBLISHED", judged())
    put("old", "PUBLISHED", judged(), finished_at=iso_time(time.time() - 3 * 86_400))
    assert run(outputs, "--since", "2d") == 0
    assert capsys.readouterr().out.startswith("1 outcomes")
    assert run(outputs, "--since", "96h") == 0
    assert capsys.readouterr().out.startswith("2 outcomes")


def test_answers_of_another_model_are_unknown(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put("a", "PUBLISHED", judged(VIOLENCE))
    put("b", "PUBLISHED", judged(VIOLENCE, model_version="10.0", to_judge=1))
    assert run(outputs, "--json", "--set", "moderation.block.Violence=70") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["published_would_block"], found["unknown"]) == (1, {"other_model": 1})
    assert found["requests_to_know_the_unknown"] == 1


def test_the_newest_model_is_known_from_its_note_as_well(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put("a", "PUBLISHED", judged(VIOLENCE))
    note = {"object_key": MODEL, "sequencer": SORT_KEY, "model_version": "8.0"}
    dynamodb().put_item(TableName="records", Item=to_item(note))
    assert run(outputs, "--json") == 0
    assert json.loads(capsys.readouterr().out)["unknown"] == {"other_model": 1}


def test_nothing_is_asked_and_nothing_is_written(outputs: Path, stack: MotoStack) -> None:
    put("a", "PUBLISHED", judged(VIOLENCE))
    before = dynamodb().scan(TableName="records")["Items"]
    assert run(outputs, "--set", "moderation.block.Violence=70") == 0
    assert dynamodb().scan(TableName="records")["Items"] == before
    assert stack.rekognition.calls == []


def test_all_pages_of_the_table_are_read(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filling = "x" * 300_000
    for number in range(8):  # a page ends at 1 MB
        put(f"{number}", "PUBLISHED", judged(), filling=filling)
    assert run(outputs) == 0
    assert capsys.readouterr().out.startswith("8 outcomes")


@pytest.mark.parametrize(
    ("reason", "label"),
    [
        ("Weapons 95.0 reached the block threshold of 90 for Violence", "Weapons"),
        ("Hate Symbols 60.5 reached the review threshold of 50", "Hate Symbols"),
        ("A Label 70.0 is a label that this version's taxonomy does not know", "A Label"),
        ("it has many more distinct scenes than the 12 judged frames show", ""),
        (None, ""),
    ],
)
def test_the_label_is_the_one_that_the_sentence_is_about(reason: str | None, label: str) -> None:
    assert label_in(reason) == label
