"""The trail of accesses: what it logs, who may write it, that it is locked and stays; off, there is nothing of it."""

import json
from typing import Any

import pytest

from components.key_grants import key_policy
from embedded_aws.access.policies import AccessRequest, Principal, Verdict, evaluate
from tests.components.conftest import Run
from tests.components.recording import Recording

ACCOUNT, REGION = "123456789012", "eu-central-1"
NAME = "media-pipeline-dev-trail"
TRAIL = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{NAME}"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/12345678-1234-1234-1234-123456789012"
LOCKED = {"accessLogs": {"lockedDays": 400, "mode": "compliance"}, "encryption": {"keyArn": KEY}}


@pytest.fixture(scope="module")
def locked(run: Run) -> Recording:
    return run("dev", LOCKED)


def of_the_trail(recorded: Recording, type_name: str) -> dict[str, Any]:
    (found,) = (each for each in recorded.of(type_name) if "-trail" in each.name)
    return dict(found.inputs)


def test_a_stack_that_does_not_ask_for_it_has_nothing_of_it_and_one_that_does_nothing_else(
    run: Run, locked: Recording
) -> None:
    without = {(each.type, each.name) for each in run("dev").resources}
    added = {(each.type, each.name) for each in locked.resources} - without
    assert not any("cloudtrail" in type_name for type_name, _ in without)
    assert without <= {(each.type, each.name) for each in locked.resources}
    assert all("-trail" in name for type_name, name in added if type_name.startswith("aws:"))


def test_every_access_to_media_and_evidence_is_logged_reads_too(locked: Recording) -> None:
    trail = of_the_trail(locked, "aws:cloudtrail/trail:Trail")
    (selector,) = trail["advancedEventSelectors"]
    fields = {
        each["field"]: each.get("equals") or each.get("startsWiths") for each in selector["fieldSelectors"]
    }
    assert fields.pop("resources.ARN") == [
        f"arn:aws:s3:::media-pipeline-dev-{name}-1a2b3c4/{below}"
        for name, below in (("uploads", ""), ("quarantine", ""), ("renditions", ""), ("logs", "decisions/"))
    ]
    assert fields == {"eventCategory": ["Data"], "resources.type": ["AWS::S3::Object"]}
    assert trail["enableLogFileValidation"] is True
    assert trail["kmsKeyId"] == KEY, "log files are encrypted with the operator's key"
    assert trail["s3BucketName"] == f"{NAME}-1a2b3c4" == locked.outputs["trail_bucket"]


def test_log_files_are_locked_from_the_beginning_and_go_a_day_after_their_lock(locked: Recording) -> None:
    lock = of_the_trail(locked, "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration")
    assert lock["rule"] == {"defaultRetention": {"days": 400, "mode": "COMPLIANCE"}}
    bucket = of_the_trail(locked, "aws:s3/bucket:Bucket")
    assert bucket["objectLockEnabled"] is True
    assert bucket.get("forceDestroy") is False
    rules = of_the_trail(locked, "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")["rules"]
    expire = next(each for each in rules if each["id"] == "expire")
    assert expire["expiration"] == {"days": 400}
    assert expire["noncurrentVersionExpiration"] == {"noncurrentDays": 1}


def test_the_bucket_and_all_its_settings_outlive_the_stack_and_the_trail_does_not(locked: Recording) -> None:
    kept = {each.type: each.retain_on_delete for each in locked.resources if "-trail" in each.name}
    assert kept.pop("aws:cloudtrail/trail:Trail") is False
    assert {
        type_name for type_name, retained in kept.items() if type_name.startswith("aws:") and not retained
    } == set()


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({}, True),
        ({"aws:SourceArn": TRAIL.replace("-dev-", "-prod-")}, False),
        ({"aws:SourceArn": TRAIL.replace(ACCOUNT, "210987654321")}, False),
        ({"aws:SecureTransport": "false"}, False),
    ],
)
def test_only_this_trail_writes_below_its_accounts_folder(
    locked: Recording, change: dict[str, str], allowed: bool
) -> None:
    policy = json.loads(of_the_trail(locked, "aws:s3/bucketPolicy:BucketPolicy")["policy"])
    bucket = f"arn:aws:s3:::{NAME}-1a2b3c4"

    def may(action: str, resource: str) -> bool:
        context = {"aws:SourceArn": TRAIL, "aws:SecureTransport": "true", **change}
        trail = Principal(kind="Service", value="cloudtrail.amazonaws.com")
        request = AccessRequest(action=action, resource=resource, principal=trail, context=context)
        return evaluate([policy], request) is Verdict.ALLOW

    assert may("s3:GetBucketAcl", bucket) is allowed
    assert may("s3:PutObject", f"{bucket}/AWSLogs/{ACCOUNT}/CloudTrail/x.json.gz") is allowed
    assert not may("s3:PutObject", f"{bucket}/AWSLogs/210987654321/x.json.gz")
    assert not may("s3:DeleteObjectVersion", f"{bucket}/AWSLogs/{ACCOUNT}/CloudTrail/x.json.gz")


@pytest.mark.parametrize("trail", [True, False])
def test_the_keys_policy_lets_this_trail_encrypt(trail: bool) -> None:
    policy = key_policy(stack="dev", region=REGION, account=ACCOUNT, partition="aws", trail=trail)

    def may(action: str, source: str, **context: str) -> bool:
        principal = Principal(kind="Service", value="cloudtrail.amazonaws.com")
        about = {"aws:SourceArn": source, **context}
        request = AccessRequest(action=action, resource=KEY, principal=principal, context=about)
        return evaluate([policy], request) is Verdict.ALLOW

    encrypted = {"kms:EncryptionContext:aws:cloudtrail:arn": TRAIL}
    assert may("kms:DescribeKey", TRAIL) is trail
    assert may("kms:GenerateDataKey", TRAIL, **encrypted) is trail
    assert not may("kms:GenerateDataKey", TRAIL.replace("dev", "prod"), **encrypted)
    assert not may("kms:Decrypt", TRAIL, **encrypted)
