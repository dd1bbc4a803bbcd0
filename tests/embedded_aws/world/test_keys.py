"""KMS: who may use a customer managed key, in the callers' name and in AWS's own."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.world import World

from .conftest import MakeRole

ACCOUNT = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}
DELEGATE = {**ACCOUNT, "Action": "kms:*", "Resource": "*"}


def make_key(world: World, *statements: dict[str, Any]) -> str:
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    made = world.client("kms").create_key(Policy=json.dumps(policy))
    return str(made["KeyMetadata"]["Arn"])


def may(action: str, key: str, **context: str) -> dict[str, Any]:
    """Return the statement of a role that may use the key in this context only."""
    condition = {"StringEquals": {name.replace("__", ":"): value for name, value in context.items()}}
    return {"Action": action, "Resource": key, **({"Condition": condition} if context else {})}


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value)


@pytest.fixture
def key(world: World) -> str:
    return make_key(world, DELEGATE)


@pytest.fixture
def encrypted(world: World, bucket: str, key: str) -> str:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    world.client("s3").put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]
        },
    )
    return bucket


def test_the_buckets_default_key_is_needed_to_write_and_to_read(
    world: World, encrypted: str, key: str, make_role: MakeRole
) -> None:
    objects = {"Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::{encrypted}/*"}
    without = world.client("s3", make_role("without", [objects]))
    writer = world.client("s3", make_role("writer", [objects, may("kms:GenerateDataKey", key)]))
    reader = world.client("s3", make_role("reader", [objects, may("kms:Decrypt", key)]))
    put = {"Bucket": encrypted, "Key": "k"}
    assert "kms:GenerateDataKey" in refused(lambda: without.put_object(**put, Body=b"1"))
    writer.put_object(**put, Body=b"1", ChecksumAlgorithm="SHA256")
    assert "kms:Decrypt" in refused(lambda: writer.get_object(**put))
    assert reader.get_object(**put)["Body"].read() == b"1"
    assert reader.get_object(**put)["SSEKMSKeyId"] == key
    writer.head_object(**put)
    assert "403" in refused(lambda: writer.head_object(**put, ChecksumMode="ENABLED"))
    assert "kms:GenerateDataKey" in refused(
        lambda: reader.copy_object(Bucket=encrypted, Key="copy", CopySource=put)
    )


def test_an_upload_in_parts_needs_both_uses(
    world: World, encrypted: str, key: str, make_role: MakeRole
) -> None:
    objects = {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{encrypted}/*"}
    writer = world.client("s3", make_role("writer", [objects, may("kms:GenerateDataKey", key)]))
    upload = {"Bucket": encrypted, "Key": "k"}
    upload["UploadId"] = writer.create_multipart_upload(**upload)["UploadId"]
    tag = writer.upload_part(**upload, PartNumber=1, Body=b"1")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
    assert "kms:Decrypt" in refused(lambda: writer.complete_multipart_upload(**upload, MultipartUpload=parts))


def test_a_use_can_be_bound_to_a_service_and_a_resource(
    world: World, encrypted: str, key: str, make_role: MakeRole
) -> None:
    objects = {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{encrypted}/*"}
    via, arn = {"kms__ViaService": f"s3.{world.region}.amazonaws.com"}, f"arn:aws:s3:::{encrypted}"
    context = "kms__EncryptionContext__aws__s3__arn"
    for name, bound, allowed in (
        ("bound", {**via, context: arn}, True),
        ("other-bucket", {**via, context: "arn:aws:s3:::other"}, False),
        ("other-service", {"kms__ViaService": f"sqs.{world.region}.amazonaws.com"}, False),
    ):
        s3 = world.client("s3", make_role(name, [objects, may("kms:GenerateDataKey", key, **bound)]))
        if allowed:
            s3.put_object(Bucket=encrypted, Key="k", Body=b"1")
            # Without the bucket key the context is the object.
            assert "kms:GenerateDataKey" in refused(
                partial(s3.put_object, Bucket=encrypted, Key="k", Body=b"1", BucketKeyEnabled=False)
            )
        else:
            assert "kms:GenerateDataKey" in refused(
                partial(s3.put_object, Bucket=encrypted, Key="k", Body=b"1")
            )


def test_a_key_whose_policy_names_a_role_needs_no_policy_of_its_own_and_lets_no_other_use_it(
    world: World, bucket: str, make_role: MakeRole
) -> None:
    objects = {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    everything = {"Action": "kms:*", "Resource": "*"}
    named = {"AWS": "arn:aws:iam::123456789012:role/named"}
    key = make_key(world, {"Effect": "Allow", "Principal": named, "Action": "kms:*", "Resource": "*"})
    put = {"Bucket": bucket, "Key": "k", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    world.client("s3", make_role("named", [objects])).put_object(**put)
    other = world.client("s3", make_role("other", [objects, everything]))
    assert "kms:GenerateDataKey" in refused(lambda: other.put_object(**put))


def test_a_disabled_key_gives_nothing_out(world: World, encrypted: str, key: str) -> None:
    s3 = world.client("s3")
    s3.put_object(Bucket=encrypted, Key="k", Body=b"1")
    world.client("kms").disable_key(KeyId=key.rpartition("/")[2])
    assert "KMS.DisabledException" in refused(lambda: s3.get_object(Bucket=encrypted, Key="k"))
    assert "KMS.DisabledException" in refused(lambda: s3.put_object(Bucket=encrypted, Key="k", Body=b"2"))


def test_messages_announcements_and_items_need_the_key_of_their_queue_topic_and_table(
    world: World, key: str, make_role: MakeRole
) -> None:
    url = world.client("sqs").create_queue(QueueName="q", Attributes={"KmsMasterKeyId": key})["QueueUrl"]
    topic = world.client("sns").create_topic(Name="t", Attributes={"KmsMasterKeyId": key})["TopicArn"]
    world.client("dynamodb").create_table(
        TableName="t",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    services = {"Action": ["sqs:*", "sns:*", "dynamodb:*"], "Resource": "*"}
    uses = ["kms:GenerateDataKey", "kms:Decrypt"]
    for held, missing in ((uses, ""), (uses[:1], uses[1]), (uses[1:], uses[0])):
        user = make_role(f"with-{len(held)}-{held[0][4:]}", [services, {"Action": held, "Resource": key}])
        sqs, sns, dynamodb = (world.client(name, user) for name in ("sqs", "sns", "dynamodb"))
        sends = (
            partial(sqs.send_message, QueueUrl=url, MessageBody="m"),
            partial(sns.publish, TopicArn=topic, Message="m"),
        )
        reads = (
            partial(sqs.receive_message, QueueUrl=url),
            partial(dynamodb.get_item, TableName="t", Key={"id": {"S": "1"}}),
            partial(dynamodb.put_item, TableName="t", Item={"id": {"S": "1"}}),
        )
        for call in (*sends, *reads):
            if missing and (call in sends or missing == "kms:Decrypt"):
                assert missing in refused(call)
            else:
                call()


@pytest.mark.parametrize("may_use", [True, False])
def test_s3_sends_events_to_an_encrypted_queue_only_where_the_keys_policy_lets_it(
    world: World, bucket: str, may_use: bool
) -> None:
    arn = f"arn:aws:sqs:{world.region}:{world.account_id}:q"
    service = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
        "Resource": "*",
        "Condition": {"ArnLike": {"kms:EncryptionContext:aws:sqs:arn": arn if may_use else f"{arn}-other"}},
    }
    send = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    attributes = {
        "KmsMasterKeyId": make_key(world, DELEGATE, service),
        "Policy": json.dumps({"Version": "2012-10-17", "Statement": [send]}),
    }
    url = world.client("sqs").create_queue(QueueName="q", Attributes=attributes)["QueueUrl"]
    configuration = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    s3 = world.client("s3")

    def configure() -> None:
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)

    if not may_use:
        assert "Unable to validate" in refused(configure)
        return
    configure()
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    received = world.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert any('"ObjectCreated:Put"' in message["Body"] for message in received)
