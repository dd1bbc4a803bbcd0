"""Requests with a role's keys may do what its policies say, on the resources that they name, and nothing else."""

import json
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from embedded_aws.access.actions import Need
from embedded_aws.access.policies import AccessRequest, PolicyError, Principal, Verdict, evaluate
from embedded_aws.world import Credentials, World

ME = Principal(kind="AWS", value="arn:aws:iam::123456789012:role/me", account="123456789012")


def denied(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in (
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "403",
    )


@pytest.fixture
def table(world: World) -> str:
    made = world.client("dynamodb").create_table(
        TableName="records",
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "attention", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "attention",
                "KeySchema": [{"AttributeName": "attention", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return str(made["TableDescription"]["TableArn"])


def test_a_role_may_write_where_its_policy_says(world: World, bucket: str, make_role: Any) -> None:
    role = make_role("writer", [{"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/in/*"}])
    s3 = world.client("s3", role)
    s3.put_object(Bucket=bucket, Key="in/ü 1.txt", Body=b"1")
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=bucket, Key="out/1.txt", Body=b"1")
    assert denied(refused.value)
    assert f"s3:PutObject on resource: arn:aws:s3:::{bucket}/out/1.txt" in str(refused.value)


def test_the_principals_arn_of_a_session_is_its_roles(world: World, bucket: str, make_role: Any) -> None:
    write = [{"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}]
    roles = {name: make_role(name, write) for name in ("writer", "other")}
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/writer"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
    world.client("s3", roles["writer"]).put_object(Bucket=bucket, Key="k", Body=b"1")
    for credentials in (roles["other"], None):  # None: the administrator
        with pytest.raises(ClientError) as refused:
            world.client("s3", credentials).put_object(Bucket=bucket, Key="k", Body=b"2")
        assert denied(refused.value)


def test_tags_need_a_permission_of_their_own(world: World, bucket: str, make_role: Any) -> None:
    role = make_role("writer", [{"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}])
    with pytest.raises(ClientError, match="s3:PutObjectTagging"):
        world.client("s3", role).put_object(Bucket=bucket, Key="k", Body=b"1", Tagging="a=b")


def test_reading_a_version_is_another_permission_than_reading(
    world: World, bucket: str, make_role: Any
) -> None:
    s3 = world.client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    role = make_role("reader", [{"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}])
    assert world.client("s3", role).get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
    with pytest.raises(ClientError, match="s3:GetObjectVersion"):
        world.client("s3", role).get_object(Bucket=bucket, Key="k", VersionId=version)


def test_a_missing_object_is_forbidden_to_who_may_not_list(world: World, bucket: str, make_role: Any) -> None:
    read = {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    blind = world.client("s3", make_role("blind", [read]))
    seeing = world.client(
        "s3", make_role("seeing", [read, {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}"}])
    )
    with pytest.raises(ClientError) as forbidden:
        blind.get_object(Bucket=bucket, Key="missing")
    assert forbidden.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    with pytest.raises(ClientError) as head:
        blind.head_object(Bucket=bucket, Key="missing")
    assert head.value.response["Error"]["Code"] == "403"
    with pytest.raises(ClientError, match="NoSuchKey"):
        seeing.get_object(Bucket=bucket, Key="missing")


def test_a_copy_needs_both_ends(world: World, bucket: str, make_role: Any) -> None:
    world.client("s3").put_object(Bucket=bucket, Key="a/ü+1", Body=b"1")
    source = {"Bucket": bucket, "Key": "a/ü+1"}
    write = {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/b/*"}
    read = {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/a/*"}
    with pytest.raises(ClientError, match="s3:GetObject on"):
        world.client("s3", make_role("half", [write])).copy_object(
            Bucket=bucket, Key="b/1", CopySource=source
        )
    world.client("s3", make_role("whole", [read, write])).copy_object(
        Bucket=bucket, Key="b/1", CopySource=source
    )


def test_a_batch_of_deletes_needs_each_key(world: World, bucket: str, make_role: Any) -> None:
    role = make_role("cleaner", [{"Action": "s3:DeleteObject", "Resource": f"arn:aws:s3:::{bucket}/mine/*"}])
    s3 = world.client("s3", role)
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "mine/1"}]})
    with pytest.raises(ClientError, match="yours/1"):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "mine/1"}, {"Key": "yours/1"}]})


def test_a_table_and_its_index_are_two_resources(world: World, table: str, make_role: Any) -> None:
    role = make_role("reader", [{"Action": ["dynamodb:Query", "dynamodb:PutItem"], "Resource": table}])
    dynamodb = world.client("dynamodb", role)
    dynamodb.put_item(TableName="records", Item={"id": {"S": "1"}})
    query = {"KeyConditionExpression": "id = :v", "ExpressionAttributeValues": {":v": {"S": "1"}}}
    assert dynamodb.query(TableName="records", **query)["Count"] == 1
    with pytest.raises(ClientError, match="/index/attention"):
        dynamodb.query(TableName="records", IndexName="attention", **query)
    with pytest.raises(ClientError, match="dynamodb:DeleteItem"):
        dynamodb.delete_item(TableName="records", Key={"id": {"S": "1"}})


def test_a_transaction_needs_the_permission_of_each_part(world: World, table: str, make_role: Any) -> None:
    role = make_role("writer", [{"Action": "dynamodb:PutItem", "Resource": table}])
    put = {"Put": {"TableName": "records", "Item": {"id": {"S": "1"}}}}
    delete = {"Delete": {"TableName": "records", "Key": {"id": {"S": "2"}}}}
    world.client("dynamodb", role).transact_write_items(TransactItems=[put])
    with pytest.raises(ClientError, match="dynamodb:DeleteItem"):
        world.client("dynamodb", role).transact_write_items(TransactItems=[put, delete])


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "action"),
    [
        ("sqs", "send_message", {"QueueUrl": "{queue}", "MessageBody": "x"}, "sqs:SendMessage"),
        ("sqs", "receive_message", {"QueueUrl": "{queue}"}, "sqs:ReceiveMessage"),
        ("sns", "publish", {"TopicArn": "{topic}", "Message": "x"}, "sns:Publish"),
        (
            "logs",
            "create_log_stream",
            {"logGroupName": "/aws/lambda/f", "logStreamName": "s"},
            "logs:CreateLogStream",
        ),
        ("rekognition", "list_collections", {}, "rekognition:ListCollections"),
    ],
)
def test_every_service_of_the_stack_is_enforced(
    world: World, make_role: Any, service: str, operation: str, arguments: dict[str, str], action: str
) -> None:
    names = {
        "queue": world.client("sqs").create_queue(QueueName="q")["QueueUrl"],
        "topic": world.client("sns").create_topic(Name="t")["TopicArn"],
    }
    world.client("logs").create_log_group(logGroupName="/aws/lambda/f")
    filled = {key: value.format(**names) for key, value in arguments.items()}
    with pytest.raises(ClientError) as refused:
        getattr(world.client(service, make_role("nobody", [])), operation)(**filled)
    assert denied(refused.value)
    assert action in str(refused.value)
    # Rekognition's call is not in moto: it is enough that it got past IAM.
    allowed = world.client(service, make_role("somebody", [{"Action": action, "Resource": "*"}]))
    try:
        getattr(allowed, operation)(**filled)
    except ClientError as error:
        assert not denied(error)  # noqa: PT017 - the call itself may fail in moto, only not for want of permission


def test_an_explicit_deny_of_the_bucket_wins(world: World, bucket: str, make_role: Any) -> None:
    arn = f"arn:aws:s3:::{bucket}/*"
    role = make_role("writer", [{"Action": "s3:*", "Resource": arn}])
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    world.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
    with pytest.raises(ClientError) as refused:
        world.client("s3", role).put_object(Bucket=bucket, Key="k", Body=b"1")
    assert denied(refused.value)
    with pytest.raises(ClientError) as admin:
        world.client("s3").put_object(Bucket=bucket, Key="k", Body=b"1")
    assert denied(admin.value)


def test_a_forged_signature_is_refused(world: World, make_role: Any) -> None:
    role: Credentials = make_role("honest", [{"Action": "sqs:*", "Resource": "*"}])
    forged = Credentials(
        access_key_id=role.access_key_id, secret_access_key="guessed", session_token=role.session_token
    )
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        world.client("sqs", forged).list_queues()


def test_permissions_granted_but_unused_are_listed(world: World, bucket: str, make_role: Any) -> None:
    arn = f"arn:aws:s3:::{bucket}/*"
    role = make_role("careful", [{"Action": ["s3:PutObject", "s3:DeleteObject"], "Resource": arn}])
    world.client("s3", role).put_object(Bucket=bucket, Key="k", Body=b"1")
    with pytest.raises(ClientError):
        world.client("s3", role).get_object(Bucket=bucket, Key="k")
    assert world.granted_but_unused("careful") == [Need("s3:DeleteObject", arn)]
    assert [(access.role, access.action) for access in world.access_log.denied] == [
        ("careful", "s3:GetObject")
    ]


@pytest.mark.parametrize(
    ("condition", "context", "applies"),
    [
        ({"Bool": {"aws:SecureTransport": "false"}}, {"aws:SecureTransport": "true"}, False),
        ({"Bool": {"aws:SecureTransport": False}}, {"aws:securetransport": "false"}, True),
        ({"StringEquals": {"k": ["a", "b"]}}, {"k": "b"}, True),
        ({"StringEquals": {"k": "a"}}, {}, False),
        ({"StringNotEquals": {"k": "a"}}, {}, True),
        ({"StringEqualsIfExists": {"k": "a"}}, {}, True),
        ({"StringEqualsIfExists": {"k": "a"}}, {"k": "b"}, False),
        ({"ArnLike": {"k": "arn:aws:s3:::up*"}}, {"k": "arn:aws:s3:::uploads"}, True),
        ({"Null": {"k": "true"}}, {}, True),
        ({"NumericLessThan": {"k": "10"}}, {"k": "9"}, True),
        ({"StringEquals": {"k": "a"}, "Bool": {"b": "true"}}, {"k": "a", "b": "false"}, False),
    ],
)
def test_conditions_are_judged_as_iam_judges_them(
    condition: dict[str, Any], context: dict[str, str], applies: bool
) -> None:
    statement = {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": condition}
    request = AccessRequest(action="s3:GetObject", resource="arn:aws:s3:::b/k", principal=ME, context=context)
    expected = Verdict.DENY if applies else Verdict.SILENT
    assert evaluate([{"Statement": statement}], request) is expected


def test_an_unknown_condition_operator_is_an_error_and_no_guess() -> None:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"IpAddress": {"k": "::1"}}}
    request = AccessRequest(action="s3:GetObject", resource="*", principal=ME)
    with pytest.raises(PolicyError, match="IpAddress"):
        evaluate([{"Statement": [statement]}], request)


def test_brackets_in_a_resource_are_plain_characters() -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/[a]*"}
    for key, verdict in (("[a]1", Verdict.ALLOW), ("a1", Verdict.SILENT)):
        request = AccessRequest(action="s3:GetObject", resource=f"arn:aws:s3:::b/{key}", principal=ME)
        assert evaluate([{"Statement": [statement]}], request) is verdict


def test_an_unsigned_request_needs_a_policy_that_allows_it_to_everybody(world: World, bucket: str) -> None:
    s3 = world.client("s3")
    for key in ("public/a", "private/a"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"1")

    def status(key: str) -> int:
        answered: int = urllib3.request("GET", f"{world.endpoint_url}/{bucket}/{key}", retries=False).status
        return answered

    assert [status(key) for key in ("public/a", "private/a")] == [403, 403]
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/public/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert [status(key) for key in ("public/a", "private/a")] == [200, 403]
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={"RestrictPublicBuckets": True, "IgnorePublicAcls": True},
    )
    assert [status(key) for key in ("public/a", "private/a")] == [403, 403]
