"""Reconciling buckets and records, on a stack whose functions really ran."""

import dataclasses
import json
from typing import Any

import boto3
import pytest

from media_pipeline.records.decisions import Action
from media_pipeline.records.record import Status, iso_time, to_item
from operations.__main__ import main
from operations.reconcile import Difference, Finding, Reconcile, of_stack, places
from operations.stack import StackOutputs
from tests.fixtures.deciding import decide
from tests.fixtures.moto_stack import MotoStack
from tests.fixtures.storage import REGION
from tests.unit.processing.driving import draw
from tests.unit.processing.test_versions_and_deletes import delete, delete_version
from tests.unit.processing.test_withdrawals import FIGHT, KEY, copy_of, withhold

HOURS = 2 * 3600.0
DISTRIBUTION: Any = {
    "CallerReference": "1",
    "Comment": "",
    "Enabled": True,
    "Origins": {
        "Quantity": 1,
        "Items": [
            {
                "Id": "renditions",
                "DomainName": "renditions.s3.amazonaws.com",
                "S3OriginConfig": {"OriginAccessIdentity": ""},
            }
        ],
    },
    "DefaultCacheBehavior": {"TargetOriginId": "renditions", "ViewerProtocolPolicy": "https-only"},
}


def outputs(stack: MotoStack) -> StackOutputs:
    return StackOutputs(
        uploads_bucket="uploads",
        records_table="records",
        images_queue_url=stack.images_url,
        renditions_bucket="renditions",
        named={"quarantine_bucket": "quarantine"},
    )


def reconcile(stack: MotoStack, *, later: float = HOURS, pauses: list[float] | None = None) -> Reconcile:
    return Reconcile(
        places=places(outputs(stack)),
        s3=stack.clients.s3,
        dynamodb=stack.clients.dynamodb,
        sqs=stack.clients.sqs,
        rate=4,
        clock=lambda: stack.clock.now + later,
        sleep=(pauses if pauses is not None else []).append,
    )


def found(stack: MotoStack, **how: Any) -> list[tuple[Difference, str]]:
    return [(finding.difference, finding.subject) for finding in reconcile(stack, **how).find()]


def repair_all(stack: MotoStack) -> list[Finding]:
    run = reconcile(stack)
    findings = list(run.find())
    for finding in findings:
        run.repair(finding)
    return findings


def deliver_sent_messages(stack: MotoStack) -> None:
    """Hand the messages that a repair sent to the image function."""
    for message in stack.clients.sqs.receive_message(QueueUrl=stack.images_url, MaxNumberOfMessages=10).get(
        "Messages", ()
    ):
        assert stack.deliver(*json.loads(message["Body"])["Records"])


def test_stack_in_order_has_no_difference(stack: MotoStack) -> None:
    for key in ("a.jpg", "a.jpg/b.jpg", "ümlaut & co.jpg"):
        assert stack.deliver(stack.upload(key, draw((1, 2, 3))))
    stack.clients.s3.put_object(Bucket="uploads", Key="folder/", Body=b"")
    assert found(stack) == []


def test_upload_whose_event_was_lost_is_processed_once(stack: MotoStack) -> None:
    event = stack.upload("a b.jpg", draw((1, 2, 3)))
    assert found(stack, later=0) == [], "its event may still be under way"
    (finding,) = repair_all(stack)
    assert (finding.difference, finding.subject) == (Difference.NO_RECORD, "a b.jpg")
    deliver_sent_messages(stack)
    assert stack.record("a b.jpg", event).status is Status.PUBLISHED
    assert stack.deliver(event), "the lost event comes after all"
    assert len(list(stack.records.history("a b.jpg"))) == 1
    assert found(stack) == []


def test_rendition_that_no_record_lists_is_deleted(stack: MotoStack) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(event)
    kept = stack.keys("renditions")
    orphan = f"a.jpg/{event['s3']['object']['versionId']}/old-12345678.jpg"
    stack.clients.s3.put_object(Bucket="renditions", Key=orphan, Body=b"x")
    assert [finding.subject for finding in repair_all(stack)] == [orphan]
    assert stack.keys("renditions") == kept


@pytest.mark.parametrize(("minutes", "is_kept"), [(1, True), (61, False)])
def test_rendition_that_a_backfill_just_replaced_is_kept_for_its_links(
    stack: MotoStack, minutes: int, is_kept: bool
) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(event)
    replaced = f"a.jpg/{event['s3']['object']['versionId']}/old-12345678.jpg"
    stack.clients.s3.put_object(Bucket="renditions", Key=replaced, Body=b"x")
    record = stack.record("a.jpg", event)
    stack.clients.dynamodb.update_item(
        TableName="records",
        Key=to_item({"object_key": record.object_key, "sequencer": record.sequencer}),
        UpdateExpression="SET old_renditions = :replaced, finished_at = :at",
        ExpressionAttributeValues=to_item(
            {":replaced": [replaced], ":at": iso_time(stack.clock.now + HOURS - 60 * minutes)}
        ),
    )
    assert [finding.subject for finding in repair_all(stack)] == ([] if is_kept else [replaced])


def test_what_is_deleted_is_forgotten_by_the_distribution_too(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloudfront = boto3.client("cloudfront")
    made = cloudfront.create_distribution(DistributionConfig=DISTRIBUTION)["Distribution"]
    at_the_edge = {"cdn_url": f"https://{made['DomainName']}", "cdn_distribution": made["Id"]}
    stack.clients.s3.put_object(Bucket="renditions", Key="b ü.jpg/v1/old-12345678.jpg", Body=b"x")
    monkeypatch.setattr(Reconcile, "_is_young", lambda *_: False)
    run = of_stack(
        dataclasses.replace(outputs(stack), region=REGION, named={**outputs(stack).named, **at_the_edge}),
        1000,
    )
    for finding in list(run.find()):
        run.repair(finding)
    assert "Contents" not in stack.clients.s3.list_objects_v2(Bucket="renditions")
    asked = cloudfront.list_invalidations(DistributionId=made["Id"])["InvalidationList"]["Items"]
    batch = cloudfront.get_invalidation(DistributionId=made["Id"], Id=asked[0]["Id"])["Invalidation"]
    assert len(asked) == 1
    assert batch["InvalidationBatch"]["Paths"]["Items"] == ["/b*"]


def test_missing_rendition_is_published_again(stack: MotoStack) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(event)
    kept = stack.keys("renditions")
    stack.clients.s3.delete_object(Bucket="renditions", Key=min(kept))
    (finding,) = repair_all(stack)
    assert finding.difference is Difference.NO_RENDITION
    deliver_sent_messages(stack)
    assert stack.keys("renditions") == kept
    assert len(stack.rekognition.calls) == 1, "its verdict still counts"


def test_missing_rendition_of_what_an_undelete_brought_back_is_published_again(stack: MotoStack) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(event)
    marker = delete(stack, "a.jpg")
    assert stack.deliver(marker)
    assert stack.deliver(delete_version(stack, "a.jpg", marker["s3"]["object"]["versionId"]))
    kept = stack.keys("renditions")
    stack.clients.s3.delete_object(Bucket="renditions", Key=min(kept))
    (finding,) = repair_all(stack)
    assert finding.difference is Difference.NO_RENDITION
    deliver_sent_messages(stack)
    assert stack.keys("renditions") == kept


def test_rendition_published_while_the_command_ran_is_kept(stack: MotoStack) -> None:
    """A command can run for hours: what it remembers of a key's records is older than the rendition by then."""
    first, second = (stack.upload(key, draw((1, 2, 3))) for key in ("a.jpg", "b.jpg"))
    findings = reconcile(stack).find()
    assert [next(findings).subject, next(findings).subject] == ["a.jpg", "b.jpg"]
    assert stack.deliver(first, second)
    assert list(findings) == []


def test_version_deleted_while_the_command_ran_is_not_published_again(stack: MotoStack) -> None:
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(event)
    prefix = f"a.jpg/{event['s3']['object']['versionId']}"
    stack.clients.s3.put_object(Bucket="renditions", Key=f"{prefix}/old-12345678.jpg", Body=b"x")
    findings = reconcile(stack).find()
    assert next(findings).difference is Difference.ORPHAN
    marker = stack.clients.s3.delete_object(Bucket="uploads", Key="a.jpg")["VersionId"]
    assert stack.deliver(stack.event("ObjectRemoved:DeleteMarkerCreated", "a.jpg", marker))
    assert stack.keys("renditions") == set()
    assert list(findings) == []


def test_replaced_or_expired_original_is_no_reason_to_publish_again(stack: MotoStack) -> None:
    first = stack.upload("a.jpg", draw((1, 2, 3)))
    assert stack.deliver(first)
    assert stack.deliver(stack.upload("a.jpg", draw((4, 5, 6))))
    for key in stack.record("a.jpg", first).rendition_keys:
        stack.clients.s3.delete_object(Bucket="renditions", Key=key)
    assert found(stack) == []


@pytest.mark.parametrize("is_there", [True, False], ids=["in quarantine", "expired"])
def test_rendition_of_what_a_person_approved_is_published_again_from_quarantine(
    stack: MotoStack, is_there: bool
) -> None:
    event = withhold(stack, FIGHT)
    assert stack.deliver(decide(stack, KEY, event, Action.APPROVE))
    before = stack.record(KEY, event)
    stack.clients.s3.delete_object(Bucket="renditions", Key=min(before.rendition_keys))
    if not is_there:
        stack.clients.s3.delete_object(Bucket="quarantine", Key=copy_of(event))
    expected = [(Difference.NO_RENDITION, KEY)] if is_there else []
    assert [(each.difference, each.subject) for each in repair_all(stack)] == expected
    deliver_sent_messages(stack)
    record = stack.record(KEY, event)
    assert (record.status, record.is_approved) == (Status.PUBLISHED, True)
    assert record.rendition_keys == before.rendition_keys
    assert (stack.keys("renditions") == record.rendition_keys) is is_there


def test_repairs_keep_to_the_rate(stack: MotoStack) -> None:
    stack.upload("a.jpg", draw((1, 2, 3)))
    pauses: list[float] = []
    run = reconcile(stack, pauses=pauses)
    for finding in run.find():
        run.repair(finding)
    assert pauses == [0.25]


def test_command_with_dry_run_lists_and_changes_nothing(
    stack: MotoStack, tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.upload("a.jpg", draw((1, 2, 3)))
    monkeypatch.setattr(Reconcile, "_is_young", lambda *_: False)
    file = tmp_path / "outputs.json"
    known = dataclasses.asdict(outputs(stack))
    document = {name: value for name, value in (known | known.pop("named")).items() if value}
    file.write_text(json.dumps(document))
    assert main(["reconcile", "--stack", "dev", "--dry-run", "--outputs", str(file)]) == 0
    said = capsys.readouterr().out
    assert "no-record" in said
    assert "1 would be repaired" in said
    assert "Messages" not in stack.clients.sqs.receive_message(QueueUrl=stack.images_url)
