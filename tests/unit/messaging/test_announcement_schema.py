"""Announcements as published: what machines are promised, whatever an object is called."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from media_pipeline.errors import Reason
from media_pipeline.messaging.announcements import FACTS, MESSAGE_BYTES, Announcements, describe, message
from media_pipeline.messaging.emails import StackResources, email_text, subject
from media_pipeline.records.record import Record, Status, alert_id, from_item, to_item
from tests.fixtures.storage import BUCKETS

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "announcement.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
RESOURCES = StackResources(
    stack="dev",
    buckets=BUCKETS._replace(quarantine="q-bucket", renditions="r-bucket"),
    records_table="r-table",
)
LABEL = {"name": "Weapons", "parent": "Violence", "confidence": 95.25}
MODERATION: dict[str, Any] = {
    "verdict": "block",
    "mode": "enforce",
    "reason": "Weapons 95.3 reached the block threshold of 90",
    "labels": [LABEL],
    "model_version": "7.0",
    "policy_version": "0a1b2c3d",
    "judged": 2,
}
SEQUENCER = f"{1:032X}"
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=1024)


def rendition(key: str, name: str = "thumbnail", kind: str = "webp") -> dict[str, Any]:
    return {
        "name": name,
        "format": kind,
        "width": 150,
        "height": 100,
        "bytes": 4711,
        "key": f"{key}/v/{name}-0a1b2c3d.{kind}",
    }


def record(key: str = "a.jpg", status: Status = Status.PUBLISHED, **facts: Any) -> Record:
    return from_item(
        to_item(
            {
                "object_key": key,
                "sequencer": SEQUENCER,
                "status": status,
                "attempt": 1,
                "version_id": "v",
                "alert_id": alert_id(key, SEQUENCER, status, 1),
                "content_type": "image/jpeg",
                "width": 300,
                "height": 200,
                "bytes": 1234,
                "frames": 1,
                "sha256": "a" * 64,
                "milliseconds": {"fetch": 1.5, "total": 20},
                "finished_at": "2027-01-15T08:00:02.500Z",
                "pipeline_version": "0.1.0",
                "owner": "somebody",
                "trace_id": "trace",
                **facts,
            }
        )
    )


FOUND = [{"time": 0, "labels": []}, {"time": 1.5, "labels": [LABEL]}]
ALLOWED = MODERATION | {"verdict": "allow", "reason": None, "labels": []}
OUTCOMES = [
    record(
        renditions=[rendition("a.jpg")],
        moderation=ALLOWED,
        placeholder="3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
        dominant_colour="#7a8c5e",
    ),
    record(
        "clip.mp4",
        content_type="video/mp4",
        duration=12.48,
        frame_rate=29.97,
        codec="h264",
        sound="aac",
        renditions=[rendition("clip.mp4", "video", "mp4"), rendition("clip.mp4")],
        moderation=ALLOWED | {"verdict": "off", "frames": FOUND},
    ),
    record("mute.mp4", content_type="video/mp4", duration=3, sound=False),
    record(status=Status.BLOCKED, reason="policy_block", detail="why", moderation=MODERATION),
    record(
        status=Status.REVIEW,
        reason="policy_review",
        detail="why",
        moderation=MODERATION | {"verdict": "review"},
    ),
    record(status=Status.REJECTED, reason="empty", detail="the object has no bytes", bytes=0),
    record(status=Status.FAILED, reason="retries_exhausted", detail="why"),
    record(status=Status.SUPERSEDED, renditions=[]),
    record(status=Status.DELETED),
    record("weiß/🌸 写真\u202e\n.jpg"),
]


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: f"{outcome.status}-{outcome.object_key!a}")
def test_every_outcome_is_as_the_schema_says(outcome: Record) -> None:
    parts = json.loads(message(outcome, RESOURCES))
    assert set(parts) == {"default", "email"}
    document = json.loads(parts["default"])
    VALIDATOR.validate(document)
    assert document["object_key"] == outcome.object_key
    assert set(document) <= set(SCHEMA["properties"])


def test_schema_is_a_schema_and_refuses_what_is_none() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    document = describe(OUTCOMES[0], "dev")
    for wrong in ({"status": "PROCESSING"}, {"schema_version": 2}, {"alert_id": ""}, {"reason": "other"}):
        assert not VALIDATOR.is_valid(document | wrong)


def test_schema_describes_every_fact_and_reason_that_can_be_announced() -> None:
    assert set(FACTS) <= set(SCHEMA["properties"])
    assert set(SCHEMA["properties"]["reason"]["enum"]) == set(Reason)
    assert set(SCHEMA["properties"]["status"]["enum"]) == {status for status in Status if status.terminal}


def test_what_is_the_functions_own_business_is_not_announced() -> None:
    assert not {"owner", "trace_id", "lease_until"} & set(describe(OUTCOMES[0], "dev"))


def test_message_that_would_be_too_long_leaves_out_what_the_record_has() -> None:
    key = "写" * 330
    many = record(key, renditions=[rendition(key, f"size-{number}") for number in range(260)])
    text = message(many, RESOURCES)
    assert len(text.encode()) <= MESSAGE_BYTES
    document = json.loads(json.loads(text)["default"])
    assert document["omitted"] == ["renditions"]
    assert "renditions" not in document
    VALIDATOR.validate(document)
    assert "omitted" not in json.loads(json.loads(message(OUTCOMES[0], RESOURCES))["default"])


def test_message_is_published_with_its_subject_and_the_status_that_filters_read() -> None:
    sent: list[dict[str, Any]] = []

    class Topic:
        def publish(self, **request: Any) -> None:
            sent.append(request)

    topic: Any = Topic()
    Announcements(sns=topic, topic_arn="arn", resources=RESOURCES).publish(OUTCOMES[3])
    (request,) = sent
    assert request["MessageStructure"] == "json"
    assert request["Subject"] == "[dev] BLOCKED: a.jpg"
    attributes = {name: value["StringValue"] for name, value in request["MessageAttributes"].items()}
    assert attributes == {"status": "BLOCKED", "object_key": "a.jpg"}


def test_the_key_that_filters_read_is_one_that_sns_takes() -> None:
    sent: list[dict[str, Any]] = []

    class Topic:
        def publish(self, **request: Any) -> None:
            sent.append(request)

    topic: Any = Topic()
    hostile = "avatars/\x00\x7f" + "\U0001f600" * 254
    Announcements(sns=topic, topic_arn="arn", resources=RESOURCES).publish(record(hostile, Status.BLOCKED))
    value = sent[0]["MessageAttributes"]["object_key"]["StringValue"]
    assert value.startswith("avatars/\ufffd\x7f\U0001f600")
    assert len(value) == 255
    assert len(value.encode()) < 1024


@given(KEYS, st.sampled_from([status for status in Status if status.terminal]))
def test_subject_is_one_short_line_of_ascii_that_begins_with_stack_and_status(
    key: str, status: Status
) -> None:
    line = subject(record(key, status), "dev")
    assert line.startswith(f"[dev] {status.value}: ")
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 100


@given(KEYS)
def test_letter_has_no_line_that_a_key_could_forge(key: str) -> None:
    plain = email_text(record("a.jpg", Status.BLOCKED, reason="policy_block"), RESOURCES)
    text = email_text(record(key, Status.BLOCKED, reason="policy_block"), RESOURCES)
    assert len(text.splitlines()) == len(plain.splitlines())
    assert all(letter.isprintable() for line in text.splitlines() for letter in line)


@pytest.mark.parametrize(
    ("key", "named"),
    [
        ("in/photo.jpg", "photo.jpg"),
        ("Grüße/süß.jpg", "su?.jpg"),
        ("写真.jpg", "??.jpg"),
        ("folder/", "folder"),
        ("a\r\nBcc: x.jpg", "a??Bcc: x.jpg"),
    ],
)
def test_subject_names_the_file_as_far_as_ascii_can(key: str, named: str) -> None:
    assert subject(record(key, Status.FAILED), "dev") == f"[dev] FAILED: {named}"


def test_long_name_keeps_its_beginning_and_its_type() -> None:
    line = subject(record("begin" + "n" * 900 + "end.jpg"), "dev")
    assert line.startswith("[dev] PUBLISHED: begin")
    assert "..." in line
    assert line.endswith("end.jpg")
    assert len(subject(record("n" * 900), "s" * 120)) < 100


def test_letter_of_a_blocked_one_has_key_reason_next_step_and_where_to_look() -> None:
    detail = "Weapons 95.3 reached the block threshold of 90"
    text = email_text(record("in/a.jpg", Status.BLOCKED, reason="policy_block", detail=detail), RESOURCES)
    for wanted in (
        "in/a.jpg",
        "policy_block",
        detail,
        "What happens next",
        "s3://q-bucket/in/a.jpg/v",
        "r-table",
        SEQUENCER,
    ):
        assert wanted in text


def test_letter_of_what_is_held_says_so_and_not_where_it_is() -> None:
    hold = {"person": "anna", "at": "2026-11-29T00:00:00.000Z"}
    text = email_text(record("in/a.jpg", Status.REVIEW, reason="policy_review", hold=hold), RESOURCES)
    assert "held as evidence" in text
    assert "Do not open, copy or forward it" in text
    assert "q-bucket" not in text


def test_letter_of_a_published_one_lists_what_was_made_and_where() -> None:
    text = email_text(OUTCOMES[1], RESOURCES)
    assert "video 150 x 100 mp4, thumbnail 150 x 100 webp" in text
    assert "s3://r-bucket/clip.mp4/v/" in text
    assert "q-bucket" not in text


def test_letter_of_a_failed_one_has_the_command_that_drives_it_again() -> None:
    text = email_text(record(status=Status.FAILED, reason="retries_exhausted"), RESOURCES)
    assert "python -m operations redrive --stack dev --status FAILED" in text
