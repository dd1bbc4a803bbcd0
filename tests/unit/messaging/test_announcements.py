"""What people and machines are sent, whatever characters an object key has."""

import json
from email.message import EmailMessage

import pytest

from media_pipeline.messaging.announcements import describe
from media_pipeline.messaging.emails import StackResources, email_text, subject
from media_pipeline.records.record import Record, Status, from_item, to_item
from tests.fixtures.storage import BUCKETS

RESOURCES = StackResources(stack="dev", buckets=BUCKETS, records_table="records")
HOSTILE = "in/evil\r\nBcc: x@example.com\u202egpj.\x00🌸" + "n" * 300


def record(key: str, status: Status = Status.BLOCKED) -> Record:
    return from_item(
        to_item(
            {
                "object_key": key,
                "sequencer": "0" * 32,
                "status": status,
                "version_id": "v",
                "alert_id": "id",
                "reason": "policy_block",
                "detail": "Weapons 95.0 reached the block threshold of 90",
            }
        )
    )


@pytest.mark.parametrize("key", ["a.jpg", "ü/ö.png", HOSTILE, "x" * 1024])
def test_subject_is_one_line_of_ascii_below_the_limit_with_the_status(key: str) -> None:
    line = subject(record(key), "dev")
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 100
    assert "BLOCKED" in line
    EmailMessage()["Subject"] = line  # refuses line breaks


def test_letter_says_what_why_and_what_next_without_a_forged_line() -> None:
    text = email_text(record(HOSTILE), RESOURCES)
    assert "policy_block" in text
    assert "Weapons 95.0" in text
    assert "quarantine" in text
    assert not any(line.startswith("Bcc") for line in text.splitlines())
    assert "\u202e" not in text
    assert "\\u202e" in text


@pytest.mark.parametrize(
    ("status", "bucket"), [(Status.BLOCKED, BUCKETS.quarantine), (Status.PUBLISHED, BUCKETS.renditions)]
)
def test_letter_says_where_an_address_cannot_be_used_as_it_is_shown(status: Status, bucket: str) -> None:
    plain, hostile = (email_text(record(key, status), RESOURCES) for key in ("in/a.jpg", "in/a\n\u202e.jpg"))
    assert f"s3://{bucket}/in/a.jpg/v" in plain
    assert "escaped" not in plain
    assert rf"s3://{bucket}/in/a\n\u202e.jpg/v" in hostile
    assert "escaped" in hostile


def test_letter_leaves_letters_of_any_language_readable() -> None:
    assert "Grüße/🌸 写真.jpg" in email_text(record("Grüße/🌸 写真.jpg"), RESOURCES)


@pytest.mark.parametrize("status", [status for status in Status if status.terminal])
def test_every_terminal_status_says_what_happens_next(status: Status) -> None:
    assert email_text(record("a.jpg", status), RESOURCES)


def test_machines_get_a_versioned_document_with_the_alert_id() -> None:
    document = json.loads(json.dumps(describe(record("a.jpg"), "dev")))
    assert document["schema_version"] == 1
    assert (document["alert_id"], document["status"], document["stack"]) == ("id", "BLOCKED", "dev")
    assert "width" not in document


@pytest.mark.parametrize("status", [Status.BLOCKED, Status.REVIEW])
def test_look_of_a_withheld_picture_is_not_announced_although_an_older_version_recorded_it(
    status: Status,
) -> None:
    looks = {"width": 30, "height": 20, "placeholder": "3OcRJYB4d3h/iIeHeEh3eIhw+j2w", "bytes": 99}
    kept = from_item(to_item({**record("a.jpg", status).attributes, **looks}))
    assert describe(kept, "dev").keys() & looks.keys() == {"bytes"}
    published = from_item(to_item({**kept.attributes, "status": Status.PUBLISHED}))
    assert describe(published, "dev").keys() >= looks.keys()
