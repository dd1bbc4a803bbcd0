"""The world itself: apart from the machine's AWS set-up, closed at once, and like S3 in its events."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from embedded_aws.moto_replacement import MotoVersionError
from embedded_aws.moto_setup import fit_moto
from embedded_aws.world import World, WorldError

from .samples import tiny_zip


def test_credentials_that_happen_to_be_set_are_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREALCUSTOMER0000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a real secret")
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere/ca.pem")
    with World() as world:
        left = {name for name, value in os.environ.items() if name.startswith("AWS_") and "REAL" in value}
        assert not left
        assert "AWS_PROFILE" not in os.environ
        assert "AWS_CA_BUNDLE" not in os.environ
        assert boto3.client("sts").meta.endpoint_url == world.endpoint_url
        assert boto3.client("sts").get_caller_identity()["Account"] == world.account_id
        assert "AKIAREALCUSTOMER0000" not in world.environment().values()
    assert os.environ["AWS_ACCESS_KEY_ID"] == "AKIAREALCUSTOMER0000"
    assert os.environ["AWS_PROFILE"] == "production"
    assert "AWS_ENDPOINT_URL" not in os.environ


def test_keys_that_the_world_did_not_issue_are_refused(world: World) -> None:
    stranger = boto3.client(
        "sqs", aws_access_key_id="AKIAREALCUSTOMER0000", aws_secret_access_key="a real secret"
    )
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        stranger.list_queues()


def test_a_proxy_is_never_asked_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nothing listens there
    with World() as world:
        assert world.client("sqs").list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200
        child = {**World.clean(os.environ), **world.environment()}
        answer = subprocess.run(
            [
                sys.executable,
                "-c",
                "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])",
            ],
            env=child,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
    assert answer.stdout.strip() == world.account_id


def test_each_world_starts_empty(bucket: str, world: World) -> None:
    assert [entry["Name"] for entry in world.client("s3").list_buckets()["Buckets"]] == [bucket]
    world.close()
    with World() as another:
        assert another.client("s3").list_buckets()["Buckets"] == []


def test_two_worlds_at_once_are_refused(world: World) -> None:
    with pytest.raises(WorldError, match="open already"), World():
        pass
    assert world.client("s3").list_buckets()["Buckets"] == []


def test_a_world_closes_within_a_second_even_under_a_long_poll() -> None:
    with World() as world:
        sqs = world.client("sqs")
        url = sqs.create_queue(QueueName="waiting")["QueueUrl"]

        def poll() -> None:
            # The world may be gone by the time it answers: that is the point.
            with pytest.MonkeyPatch.context(), suppress_errors():
                sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)

        thread = threading.Thread(target=poll, daemon=True)
        thread.start()
        time.sleep(0.2)
        started = time.monotonic()
    assert time.monotonic() - started < 1
    thread.join(timeout=2)
    assert not thread.is_alive()


def test_others_are_served_while_one_waits_in_a_long_poll(world: World) -> None:
    sqs = world.client("sqs")
    url = sqs.create_queue(QueueName="waiting")["QueueUrl"]
    got: list[Any] = []
    thread = threading.Thread(
        target=lambda: got.extend(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5).get("Messages", []))
    )
    thread.start()
    time.sleep(0.1)
    started = time.monotonic()
    sqs.send_message(QueueUrl=url, MessageBody="now")
    assert time.monotonic() - started < 1
    thread.join(timeout=3)
    assert [message["Body"] for message in got] == ["now"]


def test_only_one_of_many_conditional_writes_wins(world: World) -> None:
    dynamodb = world.client("dynamodb")
    dynamodb.create_table(
        TableName="claims",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    won: list[int] = []

    def claim(owner: int) -> None:
        try:
            dynamodb.put_item(
                TableName="claims",
                Item={"id": {"S": "one"}, "owner": {"N": str(owner)}},
                ConditionExpression="attribute_not_exists(id)",
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return
        won.append(owner)

    threads = [threading.Thread(target=claim, args=(owner,)) for owner in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_patches_refuse_another_moto(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedded_aws.moto_setup.version", lambda _: "6.0.0")
    with pytest.raises(MotoVersionError, match=r"6\.0\.0 is installed"):
        fit_moto()


def test_a_role_that_does_not_trust_lambda_cannot_be_taken(world: World) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = world.client("iam").create_role(
        RoleName="servers",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    with pytest.raises(WorldError, match="cannot be assumed by Lambda"):
        world.assume_role(role["Role"]["Arn"])


class suppress_errors:  # noqa: N801 - reads as a statement
    """The SDK's errors of a connection that was cut."""

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        from botocore.exceptions import BotoCoreError

        return kind is not None and issubclass(kind, (BotoCoreError, ClientError))


class Events:
    """A versioned bucket with a queue that gets all its events."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.s3 = world.client("s3")
        self._sqs = world.client("sqs")
        place = {"LocationConstraint": world.region}
        self.s3.create_bucket(Bucket="watched", CreateBucketConfiguration=place)
        self.url = self._sqs.create_queue(QueueName="events")["QueueUrl"]
        self.arn = f"arn:aws:sqs:{world.region}:{world.account_id}:events"
        self.permit("arn:aws:s3:::watched")

    def permit(self, source: str) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.arn,
            "Condition": {"ArnLike": {"aws:SourceArn": source}},
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        self._sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": json.dumps(policy)})

    def version(self) -> None:
        self.s3.put_bucket_versioning(Bucket="watched", VersioningConfiguration={"Status": "Enabled"})

    def watch(self, *events: str) -> None:
        self.s3.put_bucket_notification_configuration(
            Bucket="watched",
            NotificationConfiguration={
                "QueueConfigurations": [{"Id": "all", "QueueArn": self.arn, "Events": list(events)}]
            },
        )

    def bodies(self) -> Iterator[dict[str, Any]]:
        while messages := self._sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                yield json.loads(message["Body"])
                self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def records(self) -> list[dict[str, Any]]:
        return [record for body in self.bodies() for record in body["Records"]]


@pytest.fixture
def events(world: World) -> Events:
    return Events(world)


@pytest.fixture
def watched(events: Events) -> Events:
    events.version()
    events.watch("s3:ObjectCreated:*", "s3:ObjectRemoved:*")
    list(events.bodies())  # the test event
    return events


def test_s3_announces_itself_with_a_test_event(events: Events) -> None:
    events.watch("s3:ObjectCreated:*")
    (body,) = events.bodies()
    assert body["Event"] == "s3:TestEvent"
    assert body["Bucket"] == "watched"
    assert "Records" not in body


def test_an_upload_sends_one_record_as_s3_does(watched: Events) -> None:
    put = watched.s3.put_object(Bucket="watched", Key="a folder/ü+1.jpg", Body=b"abc")
    (record,) = watched.records()
    described = record["s3"]["object"]
    assert record["eventName"] == "ObjectCreated:Put"
    assert described["key"] == "a+folder/%C3%BC%2B1.jpg"
    assert described["versionId"] == put["VersionId"]
    assert described["eTag"] == put["ETag"].strip('"')
    assert described["size"] == 3
    assert int(described["sequencer"], 16) > 0
    assert {"userIdentity", "requestParameters", "responseElements", "eventTime"} <= record.keys()


def test_sequencers_of_one_key_increase_over_puts_and_deletes(watched: Events) -> None:
    for body in (b"1", b"2"):
        watched.s3.put_object(Bucket="watched", Key="k", Body=body)
    watched.s3.delete_object(Bucket="watched", Key="k")
    watched.s3.put_object(Bucket="watched", Key="k", Body=b"3")
    records = sorted(watched.records(), key=lambda record: record["s3"]["object"]["sequencer"])
    assert [record["eventName"] for record in records] == [
        "ObjectCreated:Put",
        "ObjectCreated:Put",
        "ObjectRemoved:DeleteMarkerCreated",
        "ObjectCreated:Put",
    ]


def test_a_delete_marker_has_its_own_version_and_no_size(watched: Events) -> None:
    watched.s3.put_object(Bucket="watched", Key="k", Body=b"1")
    marker = watched.s3.delete_object(Bucket="watched", Key="k")
    record = watched.records()[-1]
    assert record["eventName"] == "ObjectRemoved:DeleteMarkerCreated"
    assert record["s3"]["object"]["versionId"] == marker["VersionId"]
    assert "size" not in record["s3"]["object"]


def test_a_key_that_never_existed_can_be_marked_deleted(watched: Events) -> None:
    watched.s3.delete_object(Bucket="watched", Key="never")
    (record,) = watched.records()
    assert record["eventName"] == "ObjectRemoved:DeleteMarkerCreated"


def test_deleting_one_version_sends_an_event_of_that_version(watched: Events) -> None:
    first = watched.s3.put_object(Bucket="watched", Key="k", Body=b"1")["VersionId"]
    watched.s3.put_object(Bucket="watched", Key="k", Body=b"2")
    watched.s3.delete_object(Bucket="watched", Key="k", VersionId=first)
    record = watched.records()[-1]
    assert record["eventName"] == "ObjectRemoved:Delete"
    assert record["s3"]["object"]["versionId"] == first


def test_deleting_a_version_that_is_gone_sends_nothing(watched: Events) -> None:
    version = watched.s3.put_object(Bucket="watched", Key="k", Body=b"1")["VersionId"]
    for _ in range(2):
        watched.s3.delete_object(Bucket="watched", Key="k", VersionId=version)
    assert [record["eventName"] for record in watched.records()] == [
        "ObjectCreated:Put",
        "ObjectRemoved:Delete",
    ]


def test_an_upload_in_parts_sends_one_event(watched: Events) -> None:
    where = {"Bucket": "watched", "Key": "big"}
    upload = watched.s3.create_multipart_upload(**where)["UploadId"]
    part = watched.s3.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"x" * 10)
    watched.s3.complete_multipart_upload(
        **where, UploadId=upload, MultipartUpload={"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    )
    (record,) = watched.records()
    assert record["eventName"] == "ObjectCreated:CompleteMultipartUpload"
    assert record["s3"]["object"]["size"] == 10


def test_lifecycle_expiry_sends_no_removal_event(watched: Events, world: World) -> None:
    watched.s3.put_object(Bucket="watched", Key="old", Body=b"1")
    list(watched.bodies())
    world.expire_object("watched", "old")
    assert watched.records() == []
    with pytest.raises(ClientError, match="404"):
        watched.s3.head_object(Bucket="watched", Key="old")


def test_lifecycle_expiry_sends_its_own_event(events: Events, world: World) -> None:
    events.version()
    events.watch("s3:LifecycleExpiration:*")
    list(events.bodies())
    events.s3.put_object(Bucket="watched", Key="old", Body=b"1")
    world.expire_object("watched", "old")
    (record,) = events.records()
    assert record["eventName"] == "LifecycleExpiration:DeleteMarkerCreated"
    assert "sequencer" not in record["s3"]["object"]


def test_an_event_is_dropped_where_the_queue_no_longer_permits_it(watched: Events) -> None:
    watched.permit("arn:aws:s3:::another")
    watched.s3.put_object(Bucket="watched", Key="k", Body=b"1")
    assert list(watched.bodies()) == []


def test_a_queue_keeps_its_policy_when_another_attribute_is_set(watched: Events, world: World) -> None:
    sqs = world.client("sqs")
    sqs.set_queue_attributes(QueueUrl=watched.url, Attributes={"VisibilityTimeout": "60"})
    assert "Policy" in sqs.get_queue_attributes(QueueUrl=watched.url, AttributeNames=["All"])["Attributes"]


def test_a_policy_against_plain_http_leaves_the_bucket_open(bucket: str, world: World) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3 = world.client("s3")
    s3.put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}]})


def test_a_message_for_a_mapped_queue_waits_for_the_poller(world: World, make_role: Any) -> None:
    actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    make_role("worker", [{"Action": actions, "Resource": "*"}])
    sqs = world.client("sqs")
    url = sqs.create_queue(QueueName="work")["QueueUrl"]
    functions = world.client("lambda")
    functions.create_function(
        FunctionName="worker",
        Role=f"arn:aws:iam::{world.account_id}:role/worker",
        Runtime="python3.13",
        Handler="m.handler",
        Code={"ZipFile": tiny_zip()},
    )
    functions.create_event_source_mapping(
        EventSourceArn=f"arn:aws:sqs:{world.region}:{world.account_id}:work", FunctionName="worker"
    )
    sqs.send_message(QueueUrl=url, MessageBody="stay")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == "stay"
    (mapping,) = world.mappings()
    assert (mapping.queue_url, mapping.function_name, mapping.batch_size) == (url, "worker", 10)
    assert world.function_package("worker").code == tiny_zip()


def test_one_version_goes_from_a_bucket_whose_versioning_was_suspended(watched: Events) -> None:
    first = watched.s3.put_object(Bucket="watched", Key="k", Body=b"1")["VersionId"]
    second = watched.s3.put_object(Bucket="watched", Key="k", Body=b"2")["VersionId"]
    watched.s3.put_bucket_versioning(Bucket="watched", VersioningConfiguration={"Status": "Suspended"})
    watched.s3.delete_object(Bucket="watched", Key="k", VersionId=second)
    left = watched.s3.list_object_versions(Bucket="watched")["Versions"]
    assert [version["VersionId"] for version in left] == [first]
