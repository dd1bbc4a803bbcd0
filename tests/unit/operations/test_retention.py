"""When an original is gone for certain, by the lifecycle rules of its bucket."""

from typing import Any

import pytest

from media_pipeline.records.record import iso_time
from operations.retention import Retention, gone_after_days
from operations.stack import StackOutputs
from tests.fixtures.moto_stack import MotoStack

NOW, DAY = 1_800_000_000.0, 86_400.0
KEPT, AS_OLD_VERSION, IN_QUARANTINE = 14, 10, 30


@pytest.fixture
def retention(stack: MotoStack) -> Retention:
    """Read what the rules of a stack say: old versions stay after their expiration, as `components.bucket` has it."""
    put_rules(
        stack,
        "uploads",
        [
            {"Expiration": {"Days": KEPT}, "NoncurrentVersionExpiration": {"NoncurrentDays": AS_OLD_VERSION}},
            {"Expiration": {"ExpiredObjectDeleteMarker": True}},
        ],
    )
    put_rules(stack, "quarantine", [{"Expiration": {"Days": IN_QUARANTINE}}])
    outputs = {
        "uploads_bucket": "uploads",
        "quarantine_bucket": "quarantine",
        "records_table": "records",
        "images_queue_url": stack.images_url,
    }
    return Retention.read(stack.clients.s3, StackOutputs.parse(outputs, "the test"), NOW)


def put_rules(stack: MotoStack, bucket: str, rules: list[dict[str, Any]]) -> None:
    found: Any = [
        {"ID": str(number), "Status": "Enabled", "Filter": {"Prefix": ""}, **rule}
        for number, rule in enumerate(rules)
    ]
    stack.clients.s3.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": found}
    )


def days_ago(days: float) -> str:
    return iso_time(NOW - days * DAY)


def test_an_upload_can_be_fetched_by_its_version_until_its_old_version_has_expired_too(
    retention: Retention,
) -> None:
    last = KEPT + AS_OLD_VERSION
    assert not retention.is_over({"created_at": days_ago(last - 1)})
    assert retention.is_over({"created_at": days_ago(last + 1)})


def test_what_was_moved_stays_from_its_move_on(retention: Retention) -> None:
    moved = {"original": "quarantine", "created_at": days_ago(10 * IN_QUARANTINE)}
    assert not retention.is_over({**moved, "finished_at": days_ago(IN_QUARANTINE - 1)})
    assert retention.is_over({**moved, "finished_at": days_ago(IN_QUARANTINE + 1)})


def test_a_bucket_without_a_rule_about_days_keeps_everything(stack: MotoStack) -> None:
    s3 = stack.clients.s3
    assert gone_after_days(s3, "uploads") is None
    put_rules(stack, "uploads", [{"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}])
    assert gone_after_days(s3, "uploads") is None
    assert not Retention(uploads=None, quarantine=None, now=NOW).is_over({"created_at": days_ago(10_000)})
