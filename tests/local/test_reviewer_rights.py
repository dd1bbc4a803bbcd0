"""The rights that docs/operator/reviewing.md lists are enough to review, and reach no rendition and no original."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from media_pipeline.records.decisions import Action
from operations.reviews.desk import Desk
from tests.console.desk import Bench, bench


def statements(bench: Bench) -> list[dict[str, Any]]:
    """Return the documented rights, as a policy's statements."""
    table = f"arn:aws:dynamodb:{bench.world.region}:{bench.world.account_id}:table/records"
    queue = f"arn:aws:sqs:{bench.world.region}:{bench.world.account_id}:images"
    rights: list[tuple[list[str], list[str]]] = [
        (["dynamodb:Query", "dynamodb:GetItem", "dynamodb:UpdateItem"], [table, f"{table}/index/attention"]),
        (["s3:GetObject"], ["arn:aws:s3:::quarantine/*.review/*"]),
        (["s3:PutObject"], ["arn:aws:s3:::stack-logs/decisions/*"]),
        (["sqs:SendMessage"], [queue]),
    ]
    return [{"Effect": "Allow", "Action": actions, "Resource": on} for actions, on in rights]


@pytest.fixture
def reviewer() -> Iterator[tuple[Bench, Any]]:
    """Return a desk's resources and the S3 client of somebody with no more than the documented rights."""
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
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements(made)})
        iam.put_role_policy(RoleName="reviewers", PolicyName="review", PolicyDocument=policy)
        credentials = made.world.assume_role(role, session_name="anna")
        with pytest.MonkeyPatch.context() as patch:  # undone before the world restores what was before it
            for name, value in made.world.environment(credentials).items():
                patch.setenv(name, value)
            yield made, made.world.client("s3", credentials)


def test_documented_rights_are_enough_to_review_and_reach_nothing_else(reviewer: tuple[Bench, Any]) -> None:
    made, s3 = reviewer
    made.put("a.jpg")
    for bucket, key in (
        ("renditions", "a.jpg/v0/large.jpg"),
        ("quarantine", "a.jpg/v0"),
        ("uploads", "a.jpg"),
    ):
        made.client("s3").put_object(Bucket=bucket, Key=key, Body=b"1")
    desk = Desk.open("dev", made.outputs)
    assert desk.person.endswith(":assumed-role/reviewers/anna")
    (record,) = desk.waiting.page().records
    assert desk.pictures.thumbhash(record)
    assert desk.waiting.history("a.jpg")
    asked = desk.decisions.ask(record, Action.APPROVE, desk.person)
    assert asked.sent
    assert made.evidence() == 1
    refused: tuple[Callable[[], object], ...] = (
        lambda: s3.get_object(Bucket="renditions", Key="a.jpg/v0/large.jpg"),
        lambda: s3.put_object(Bucket="renditions", Key="a.jpg/v0/large.jpg", Body=b"2"),
        lambda: s3.delete_object(Bucket="renditions", Key="a.jpg/v0/large.jpg"),
        lambda: s3.get_object(Bucket="quarantine", Key="a.jpg/v0"),
        lambda: s3.get_object(Bucket="uploads", Key="a.jpg"),
        lambda: s3.put_object(Bucket="uploads", Key="a.jpg", Body=b"2"),
        lambda: s3.get_object(Bucket="stack-logs", Key=f"decisions/{asked.decision.id}.json"),
        lambda: s3.delete_object(Bucket="stack-logs", Key=f"decisions/{asked.decision.id}.json"),
    )
    for call in refused:
        with pytest.raises(ClientError, match="AccessDenied"):
            call()
