"""Policies that ask for more than action and resource: where items and uploads may be, and how they are stored."""

import json
import os
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.world import World

KMS_KEY = "arn:aws:kms:eu-central-1:999999999999:key/11111111-2222-3333-4444-555555555555"
HEADER = "s3:x-amz-server-side-encryption"


def deny(world: World, bucket: str, condition: dict[str, Any]) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": condition,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)


def refused(call: Any) -> bool:
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException"):
            return True
        raise
    return False


@pytest.mark.parametrize(
    ("condition", "headers"),
    [
        ({"StringEquals": {"s3:x-amz-storage-class": "GLACIER"}}, {"StorageClass": "GLACIER"}),
        (
            {"Null": {f"{HEADER}-customer-algorithm": "false"}},
            {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": os.urandom(32)},
        ),
        (
            {"Null": {f"{HEADER}-aws-kms-key-id": "false"}},
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KMS_KEY},
        ),
        ({"StringEquals": {HEADER: "aws:kms"}}, {"ServerSideEncryption": "aws:kms"}),
    ],
    ids=["storage class", "SSE-C", "KMS key", "KMS"],
)
@pytest.mark.parametrize("call", ["put", "parts", "copy"])
def test_a_bucket_refuses_how_an_object_is_to_be_stored(
    world: World, bucket: str, condition: dict[str, Any], headers: dict[str, Any], call: str
) -> None:
    s3 = world.client("s3")
    s3.put_object(Bucket=bucket, Key="source", Body=b"1")
    deny(world, bucket, condition)
    calls = {
        "put": lambda **how: s3.put_object(Bucket=bucket, Key="k", Body=b"1", **how),
        "parts": lambda **how: s3.create_multipart_upload(Bucket=bucket, Key="k", **how),
        "copy": lambda **how: s3.copy_object(Bucket=bucket, Key="k", CopySource=f"{bucket}/source", **how),
    }
    assert not refused(calls[call])
    assert refused(lambda: calls[call](**headers))


def test_a_bucket_takes_only_what_replaces_nothing(world: World, bucket: str) -> None:
    s3 = world.client("s3")
    deny(world, bucket, {"Null": {"s3:if-none-match": "true"}})
    assert refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"1"))
    assert not refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*"))
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"


@pytest.fixture
def reader(world: World, make_role: Any) -> Any:
    """Return the client of a role that may use the items of `api/` only."""
    made = world.client("dynamodb").create_table(
        TableName="records",
        AttributeDefinitions=[
            {"AttributeName": "object_key", "AttributeType": "S"},
            {"AttributeName": "sequencer", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "object_key", "KeyType": "HASH"},
            {"AttributeName": "sequencer", "KeyType": "RANGE"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    statement = {
        "Action": [
            "dynamodb:Query",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:BatchGetItem",
            "dynamodb:BatchWriteItem",
        ],
        "Resource": made["TableDescription"]["TableArn"],
        "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["api/*"]}},
    }
    return world.client("dynamodb", make_role("reader", [statement]))


@pytest.mark.parametrize(("key", "allowed"), [("api/a", True), ("shop/a", False)])
def test_a_role_is_kept_to_the_partitions_that_its_policy_names(reader: Any, key: str, allowed: bool) -> None:
    item = {"object_key": {"S": key}, "sequencer": {"S": "1"}}
    plain = {
        "KeyConditionExpression": "object_key = :k AND sequencer >= :s",
        "ExpressionAttributeValues": {":k": {"S": key}, ":s": {"S": "0"}},
    }
    named = {
        "KeyConditionExpression": "sequencer >= :s AND #k = :k",
        "ExpressionAttributeNames": {"#k": "object_key"},
        "ExpressionAttributeValues": {":k": {"S": key}, ":s": {"S": "api/"}},
    }
    calls = [
        lambda: reader.put_item(TableName="records", Item=item),
        lambda: reader.get_item(TableName="records", Key=item),
        lambda: reader.query(TableName="records", **plain),
        lambda: reader.query(TableName="records", **named),
    ]
    assert [not refused(call) for call in calls] == [allowed] * 4


@pytest.mark.parametrize(
    ("keys", "allowed"), [(["api/a", "api/b"], True), (["api/a", "shop/a"], False), (["shop/a"], False)]
)
def test_a_batch_is_allowed_only_if_all_of_its_partitions_are(
    reader: Any, keys: list[str], allowed: bool
) -> None:
    items = [{"object_key": {"S": key}, "sequencer": {"S": "1"}} for key in keys]
    puts = [{"PutRequest": {"Item": item}} for item in items]
    deletes = [{"DeleteRequest": {"Key": item}} for item in items]
    calls = [
        lambda: reader.batch_write_item(RequestItems={"records": puts}),
        lambda: reader.batch_get_item(RequestItems={"records": {"Keys": items}}),
        lambda: reader.batch_write_item(RequestItems={"records": deletes}),
    ]
    assert [not refused(call) for call in calls] == [allowed] * 3


@pytest.mark.parametrize(
    ("update", "allowed"),
    [
        ({"UpdateExpression": "SET decision = :v"}, True),
        ({"UpdateExpression": "SET decision = if_not_exists(decision, :v)"}, True),
        ({"UpdateExpression": "SET #n = :v", "ExpressionAttributeNames": {"#n": "decision"}}, True),
        ({"UpdateExpression": "SET decision.kind = :v"}, True),
        ({"UpdateExpression": "SET decision = :v, kind = :v"}, False),
        ({"UpdateExpression": "SET #n = :v", "ExpressionAttributeNames": {"#n": "kind"}}, False),
        ({"UpdateExpression": "SET decision = :v", "ConditionExpression": "attribute_exists(kind)"}, False),
        ({"UpdateExpression": "SET decision = :v REMOVE kind"}, False),
    ],
)
def test_a_role_is_kept_to_the_attributes_that_its_policy_names(
    world: World, make_role: Any, update: dict[str, Any], allowed: bool
) -> None:
    made = world.client("dynamodb").create_table(
        TableName="notes",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"id": {"S": "1"}, "decision": {"M": {}}}
    world.client("dynamodb").put_item(TableName="notes", Item=item)
    statement = {
        "Action": ["dynamodb:UpdateItem"],
        "Resource": made["TableDescription"]["TableArn"],
        "Condition": {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["id", "decision"]}},
    }
    writer = world.client("dynamodb", make_role("writer", [statement]))
    values = {":v": {"S": "x"}}
    key = {"id": {"S": "1"}}
    call = lambda: writer.update_item(  # noqa: E731
        TableName="notes", Key=key, ExpressionAttributeValues=values, **update
    )
    assert refused(call) is not allowed
