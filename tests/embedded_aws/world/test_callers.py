"""Unsigned requests are judged by the bucket's policy and ACLs; an IAM user's keys by the user's policies."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded_aws.access.callers import ANONYMOUS_NAME
from embedded_aws.access.policies import is_public
from embedded_aws.world import Credentials, World

MakeUser = Callable[[str, list[dict[str, Any]]], Credentials]


@pytest.fixture
def anybody(world: World) -> Any:
    """Return an S3 client without keys."""
    session: Any = boto3.session.Session()
    return session.client("s3", endpoint_url=world.endpoint_url, config=Config(signature_version=UNSIGNED))


def put_policy(world: World, bucket: str, *statements: dict[str, Any]) -> None:
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **entry} for entry in statements]}
    world.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def test_without_keys_nothing_of_a_private_bucket_can_be_read_or_written(
    world: World, bucket: str, anybody: Any
) -> None:
    world.client("s3").put_object(Bucket=bucket, Key="k", Body=b"1")
    for operation, arguments in (
        ("get_object", {"Key": "k"}),
        ("put_object", {"Key": "k", "Body": b"2"}),
        ("delete_object", {"Key": "k"}),
        ("list_objects_v2", {}),
        ("get_bucket_policy", {}),
    ):
        with pytest.raises(ClientError) as refused:
            getattr(anybody, operation)(Bucket=bucket, **arguments)
        assert code(refused) == "AccessDenied", operation
    with pytest.raises(ClientError) as head:
        anybody.head_object(Bucket=bucket, Key="k")
    assert code(head) == "403"
    denied = [access for access in world.access_log.denied if access.role == ANONYMOUS_NAME]
    assert {access.action for access in denied} >= {"s3:GetObject", "s3:PutObject", "s3:ListBucket"}


def test_a_public_policy_lets_anybody_read_what_it_names_and_no_more(
    world: World, bucket: str, anybody: Any
) -> None:
    s3 = world.client("s3")
    for key in ("open/1", "closed/1"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"1")
    read = {"Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/open/*"}
    put_policy(world, bucket, read)
    assert anybody.get_object(Bucket=bucket, Key="open/1")["Body"].read() == b"1"
    for key in ("closed/1", "open/missing"):
        with pytest.raises(ClientError) as refused:
            anybody.get_object(Bucket=bucket, Key=key)
        assert code(refused) == "AccessDenied"


def test_a_policy_for_somebody_opens_nothing_to_everybody(world: World, bucket: str, anybody: Any) -> None:
    world.client("s3").put_object(Bucket=bucket, Key="k", Body=b"1")
    arn = f"arn:aws:iam::{world.account_id}:root"
    put_policy(
        world,
        bucket,
        {"Principal": {"AWS": arn}, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"},
    )
    with pytest.raises(ClientError) as refused:
        anybody.get_object(Bucket=bucket, Key="k")
    assert code(refused) == "AccessDenied"


def test_blocking_public_access_keeps_anybody_out_of_a_bucket_that_was_public(
    world: World, bucket: str, anybody: Any
) -> None:
    s3 = world.client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    read = {"Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    put_policy(world, bucket, read)
    block = {"BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    with pytest.raises(ClientError) as refused:
        anybody.get_object(Bucket=bucket, Key="k")
    assert code(refused) == "AccessDenied"
    with pytest.raises(ClientError, match="BlockPublicPolicy"):
        put_policy(world, bucket, read)


def test_a_public_acl_opens_an_object_until_acls_are_ignored(world: World, bucket: str, anybody: Any) -> None:
    s3 = world.client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"1", ACL="public-read")
    assert anybody.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"IgnorePublicAcls": True})
    with pytest.raises(ClientError) as refused:
        anybody.get_object(Bucket=bucket, Key="k")
    assert code(refused) == "AccessDenied"


@pytest.mark.parametrize("service", ["dynamodb", "sqs", "sns", "iam"])
def test_services_other_than_s3_answer_no_unsigned_request(world: World, service: str) -> None:
    session: Any = boto3.session.Session()
    client = session.client(
        service, endpoint_url=world.endpoint_url, config=Config(signature_version=UNSIGNED)
    )
    operation = {"dynamodb": "list_tables", "sqs": "list_queues", "sns": "list_topics", "iam": "list_roles"}
    with pytest.raises(ClientError) as refused:
        getattr(client, operation[service])()
    assert code(refused) == "MissingAuthenticationToken"


@pytest.mark.parametrize(
    ("statement", "public"),
    [
        ({"Principal": "*"}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"AWS": ["arn:aws:iam::123456789012:root", "*"]}}, True),
        ({"Principal": {"Service": "logging.s3.amazonaws.com"}}, False),
        ({"Principal": "*", "Effect": "Deny"}, False),
        ({"Principal": "*", "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}}, False),
        ({"Principal": "*", "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}}, True),
        ({"Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}, True),
    ],
)
def test_what_counts_as_public(statement: dict[str, Any], public: bool) -> None:
    entry = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", **statement}
    assert is_public({"Statement": [entry]}) is public


@pytest.fixture
def make_user(world: World) -> MakeUser:
    """Return what creates an IAM user with one inline policy and an access key."""

    def make(name: str, allowed: list[dict[str, Any]]) -> Credentials:
        iam = world.client("iam")
        iam.create_user(UserName=name)
        if allowed:
            document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in allowed]}
            iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=json.dumps(document))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])

    return make


def test_a_users_key_may_do_what_the_users_policy_says(
    world: World, bucket: str, make_user: MakeUser
) -> None:
    user = make_user("ann", [{"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/ann/*"}])
    s3 = world.client("s3", user)
    s3.put_object(Bucket=bucket, Key="ann/1", Body=b"1")
    with pytest.raises(ClientError, match="user/ann is not authorized to perform: s3:PutObject"):
        s3.put_object(Bucket=bucket, Key="bob/1", Body=b"1")
    assert ("ann", "s3:PutObject", True) in [
        (access.role, access.action, access.allowed) for access in world.access_log.allowed
    ]


def test_a_users_group_and_attached_policies_count_too(
    world: World, bucket: str, make_user: MakeUser
) -> None:
    user, iam = make_user("ann", []), world.client("iam")

    def document(action: str, resource: str) -> str:
        statement = {"Effect": "Allow", "Action": action, "Resource": resource}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    iam.create_group(GroupName="readers")
    iam.put_group_policy(
        GroupName="readers",
        PolicyName="read",
        PolicyDocument=document("s3:GetObject", f"arn:aws:s3:::{bucket}/*"),
    )
    iam.add_user_to_group(GroupName="readers", UserName="ann")
    policy = iam.create_policy(
        PolicyName="list", PolicyDocument=document("s3:ListBucket", f"arn:aws:s3:::{bucket}")
    )
    iam.attach_user_policy(UserName="ann", PolicyArn=policy["Policy"]["Arn"])
    world.client("s3").put_object(Bucket=bucket, Key="k", Body=b"1")
    s3 = world.client("s3", user)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    with pytest.raises(ClientError) as refused:
        s3.delete_object(Bucket=bucket, Key="k")
    assert code(refused) == "AccessDenied"


def test_a_bucket_policy_may_name_a_user(world: World, bucket: str, make_user: MakeUser) -> None:
    user = make_user("ann", [])
    world.client("s3").put_object(Bucket=bucket, Key="k", Body=b"1")
    arn = f"arn:aws:iam::{world.account_id}:user/ann"
    put_policy(
        world,
        bucket,
        {"Principal": {"AWS": arn}, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"},
    )
    assert world.client("s3", user).get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"


def test_a_guessed_secret_of_a_user_or_of_the_administrator_is_refused(
    world: World, make_user: MakeUser
) -> None:
    for known in (make_user("ann", [{"Action": "sqs:*", "Resource": "*"}]), world.admin):
        forged = Credentials(access_key_id=known.access_key_id, secret_access_key="guessed")
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            world.client("sqs", forged).list_queues()


def test_a_key_of_a_user_that_was_deleted_is_unknown(world: World, make_user: MakeUser) -> None:
    user = make_user("ann", [])
    iam = world.client("iam")
    iam.delete_access_key(UserName="ann", AccessKeyId=user.access_key_id)
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        world.client("sqs", user).list_queues()


def test_a_deny_for_all_but_one_role_leaves_that_role_its_access(
    world: World, bucket: str, make_role: Any
) -> None:
    arn = f"arn:aws:s3:::{bucket}/*"
    chosen, other = (make_role(name, [{"Action": "s3:*", "Resource": arn}]) for name in ("chosen", "other"))
    role_arn = f"arn:aws:iam::{world.account_id}:role/chosen"
    put_policy(
        world,
        bucket,
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": arn,
            "Condition": {"StringNotEquals": {"aws:PrincipalArn": role_arn}},
        },
    )
    for _ in range(2):  # the second put replaces an object, at which moto would look at the policy itself
        world.client("s3", chosen).put_object(Bucket=bucket, Key="k", Body=b"1")
    with pytest.raises(ClientError) as refused:
        world.client("s3", other).put_object(Bucket=bucket, Key="k", Body=b"1")
    assert code(refused) == "AccessDenied"


def test_an_object_with_a_named_kms_key_needs_the_use_of_the_key(
    world: World, bucket: str, make_user: MakeUser
) -> None:
    s3, kms_key = world.client("s3"), "arn:aws:kms:eu-central-1:999999999999:key/1"
    for key, encryption in (
        ("plain", {}),
        ("managed", {"ServerSideEncryption": "aws:kms"}),
        ("named", {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key}),
    ):
        s3.put_object(Bucket=bucket, Key=key, Body=b"1", **encryption)
    read = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    decrypt: dict[str, Any] = {"Action": "kms:Decrypt", "Resource": kms_key}
    without = world.client("s3", make_user("without", [read]))
    allowed = world.client("s3", make_user("with", [read, decrypt]))
    for key in ("plain", "managed"):
        assert without.get_object(Bucket=bucket, Key=key)["Body"].read() == b"1"
    assert without.head_object(Bucket=bucket, Key="named")["SSEKMSKeyId"] == kms_key
    with pytest.raises(ClientError, match="kms:Decrypt") as refused:
        without.get_object(Bucket=bucket, Key="named")
    assert code(refused) == "AccessDenied"
    with pytest.raises(ClientError, match="kms:Decrypt"):
        without.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "named"})
    assert allowed.get_object(Bucket=bucket, Key="named")["Body"].read() == b"1"
