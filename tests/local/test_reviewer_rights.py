"""The policy that `operations review policy` prints is enough to review, and no more."""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from media_pipeline.records.decisions import Action
from media_pipeline.records.record import Record
from operations.commands.review import run as run_review
from operations.reviews.desk import Desk
from operations.reviews.rights import policy
from operations.stack import StackOutputs
from tests.console.desk import Bench, bench


@dataclass
class Reviewer:
    """Somebody with the printed rights, at a desk; `clients` are the reviewer's own."""

    bench: Bench
    client: Callable[[str], Any]

    def desk(self, **named: str) -> Desk:
        outputs = replace(self.bench.outputs, named={**self.bench.outputs.named, **named})
        return Desk.open("dev", outputs)

    def update(self, expression: str, key: str = "a.jpg", **values: str) -> None:
        """Write into a record past the ask side."""
        self.client("dynamodb").update_item(
            TableName="records",
            Key={"object_key": {"S": key}, "sequencer": {"S": f"{1:032X}"}},
            UpdateExpression=expression,
            ExpressionAttributeNames={"#s": "status"} if "#s" in expression else {"#d": "decision"},
            ExpressionAttributeValues={f":{name}": {"S": value} for name, value in values.items()},
        )


@pytest.fixture
def reviewer() -> Iterator[Reviewer]:
    """Assume a role that has the printed policy and nothing else."""
    with bench() as made:
        iam: Any = made.client("iam")
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        role = iam.create_role(
            RoleName="reviewers",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]["Arn"]
        document = json.dumps(policy("dev", made.outputs))
        iam.put_role_policy(RoleName="reviewers", PolicyName="review", PolicyDocument=document)
        credentials = made.world.assume_role(role, session_name="anna")
        with pytest.MonkeyPatch.context() as patch:  # undone before the world restores what was before it
            for name, value in made.world.environment(credentials).items():
                patch.setenv(name, value)
            yield Reviewer(made, lambda service: made.world.client(service, credentials))


def waiting(desk: Desk, key: str) -> Record:
    return desk.waiting.of_key(key)


def test_printed_rights_are_enough_for_every_act_of_a_reviewer(reviewer: Reviewer) -> None:
    for key in ("a.jpg", "b.jpg", "c.jpg"):
        reviewer.bench.put(key)
    reviewer.bench.put("d.jpg", status="PUBLISHED", attention="SECOND")
    desk = reviewer.desk()
    assert desk.person.endswith(":assumed-role/reviewers/anna")
    assert {record.object_key for record in desk.waiting.page().records} == {"a.jpg", "b.jpg", "c.jpg"}
    record = waiting(desk, "a.jpg")
    assert desk.pictures.thumbhash(record)
    reviewer.bench.client("s3").delete_object(
        Bucket="quarantine", Key=waiting(desk, "b.jpg").attributes["review"][0]["key"]
    )
    assert desk.pictures.are_gone(waiting(desk, "b.jpg"))
    assert desk.waiting.history("a.jpg")
    assert desk.decisions.ask(record, Action.APPROVE, desk.person).sent
    assert desk.decisions.ask(waiting(desk, "b.jpg"), Action.ESCALATE, desk.person).sent
    held = waiting(desk, "b.jpg")
    assert desk.decisions.ask(held, Action.RELEASE, desk.person, override=True).sent  # not carried out yet
    two = reviewer.desk(review_approvals='{"Violence":2}')
    assert two.decisions.ask(waiting(two, "c.jpg"), Action.APPROVE, two.person).missing == 1
    assert two.decisions.ask(waiting(two, "c.jpg"), Action.REJECT, two.person).sent
    assert desk.decisions.ask(waiting(desk, "d.jpg"), Action.REJECT, desk.person).sent
    assert waiting(desk, "d.jpg").attributes["second"][0]["action"] == "reject"
    assert reviewer.bench.evidence() == 6


def test_printed_rights_reach_no_rendition_no_original_and_no_evidence(reviewer: Reviewer) -> None:
    places = (("renditions", "a.jpg/v0/large.jpg"), ("quarantine", "a.jpg/v0"), ("uploads", "a.jpg"))
    for bucket, key in places:
        reviewer.bench.client("s3").put_object(Bucket=bucket, Key=key, Body=b"1")
    s3 = reviewer.client("s3")
    kept = {"Bucket": "stack-logs", "Key": "decisions/2026/11/29/01.json"}
    s3.put_object(**kept, Body=b"1", IfNoneMatch="*")
    refused: tuple[Callable[[], object], ...] = (
        *(lambda at=at: s3.get_object(Bucket=at[0], Key=at[1]) for at in places),
        *(lambda at=at: s3.put_object(Bucket=at[0], Key=at[1], Body=b"2") for at in places),
        *(lambda at=at: s3.delete_object(Bucket=at[0], Key=at[1]) for at in places),
        lambda: s3.delete_object(Bucket="quarantine", Key="a.jpg/v0.review/1.jpg"),
        lambda: s3.get_object(**kept),
        lambda: s3.delete_object(**kept),
        lambda: s3.put_object(**kept, Body=b"2"),  # over what is there: without If-None-Match
        lambda: s3.put_object(Bucket="stack-logs", Key="other", Body=b"2", IfNoneMatch="*"),
        lambda: s3.list_objects_v2(Bucket="stack-logs"),
        lambda: reviewer.client("sqs").receive_message(QueueUrl=reviewer.bench.outputs.images_queue_url),
    )
    for call in refused:
        with pytest.raises(ClientError, match="AccessDenied"):
            call()


def test_printed_rights_write_nothing_of_a_record_but_the_decision(reviewer: Reviewer) -> None:
    reviewer.bench.put("a.jpg")
    for expression in (
        "SET #s = :v",
        "SET #d = :v, moderation = :v",
        "SET #d = :v REMOVE renditions",
        "SET #d = :v, carried_out = :v",
        "SET #d = if_not_exists(sha256, :v)",
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            reviewer.update(expression, v="x")


def test_printed_rights_reach_records_only_and_one_at_a_time(reviewer: Reviewer) -> None:
    reviewer.bench.put("a.jpg")
    table = reviewer.client("dynamodb")
    key = {"object_key": {"S": "a.jpg"}, "sequencer": {"S": f"{1:032X}"}}
    note = {"object_key": {"S": "!hashes"}, "sequencer": {"S": "1"}}
    refused: tuple[Callable[[], object], ...] = (
        lambda: reviewer.update("SET #d = :v", key="!hashes", v="x"),
        lambda: table.get_item(TableName="records", Key=note),
        lambda: table.put_item(TableName="records", Item=key),
        lambda: table.delete_item(TableName="records", Key=key),
        lambda: table.scan(TableName="records"),
    )
    for call in refused:
        with pytest.raises(ClientError, match="AccessDenied"):
            call()


def test_command_prints_the_policy(
    reviewer: Reviewer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(StackOutputs, "find", lambda *_: reviewer.bench.outputs)
    options = argparse.Namespace(stack="dev", outputs=None, what="policy")
    assert run_review(options) == 0
    assert json.loads(capsys.readouterr().out) == policy("dev", reviewer.bench.outputs)
