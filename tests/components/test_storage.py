"""Buckets and table, as AWS will see them."""

import pytest

from components.storage import BUCKETS
from embedded_aws.access.policies import AccessRequest, Principal, Verdict, evaluate
from tests.components.conftest import Run
from tests.components.recording import ACCOUNT, Recording, Registered

NAMES = [spec.name for spec in BUCKETS]
LOGGED = [spec.name for spec in BUCKETS if spec.access_logged]


def setting(recorded: Recording, kind: str, bucket: str) -> Registered:
    """Return the resource of this kind that configures one bucket."""
    type_ = f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}"
    physical = f"media-pipeline-{recorded.stack}-{bucket}-1a2b3c4"
    found = [resource for resource in recorded.of(type_) if resource.inputs["bucket"] == physical]
    assert len(found) == 1, f"{kind} of {bucket}: {len(found)}"
    return found[0]


def rules(recorded: Recording, bucket: str) -> dict[str, dict[str, object]]:
    lifecycle = setting(recorded, "BucketLifecycleConfiguration", bucket)
    assert all(rule["status"] == "Enabled" for rule in lifecycle.inputs["rules"])
    by_tag = {
        rule["id"]: rule["filter"]["tag"] for rule in lifecycle.inputs["rules"] if "tag" in rule["filter"]
    }
    assert by_tag == ({} if bucket != "quarantine" or not by_tag else CHOSEN)
    assert all(
        rule["filter"] == {"prefix": ""} for rule in lifecycle.inputs["rules"] if rule["id"] not in by_tag
    )
    return {
        rule["id"]: {key: value for key, value in rule.items() if key not in ("id", "status", "filter")}
        for rule in lifecycle.inputs["rules"]
    }


CHOSEN = {
    f"expire-{status.lower()}": {"key": "status", "value": status} for status in ("BLOCKED", "REVIEW")
}  # what people hold has another status
UNFINISHED = {"unfinished-uploads": {"abortIncompleteMultipartUpload": {"daysAfterInitiation": 1}}}


@pytest.mark.parametrize("bucket", NAMES)
def test_no_bucket_can_be_made_public(recorded: Recording, bucket: str) -> None:
    block = setting(recorded, "BucketPublicAccessBlock", bucket).inputs
    locks = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert [block[lock] for lock in locks] == [True] * 4
    ownership = setting(recorded, "BucketOwnershipControls", bucket).inputs
    assert ownership["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


@pytest.mark.parametrize("bucket", NAMES)
def test_every_bucket_is_encrypted(recorded: Recording, bucket: str) -> None:
    (rule,) = setting(recorded, "BucketServerSideEncryptionConfiguration", bucket).inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}


@pytest.mark.parametrize("bucket", NAMES)
def test_every_bucket_refuses_connections_without_tls(recorded: Recording, bucket: str) -> None:
    statements = setting(recorded, "BucketPolicy", bucket).json("policy")["Statement"]
    arn = f"arn:aws:s3:::media-pipeline-{recorded.stack}-{bucket}-1a2b3c4"
    assert {
        "Sid": "OnlyEncryptedConnections",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    } in statements
    assert len(statements) == {"logs": 4, "uploads": 6}.get(bucket, 2)


@pytest.mark.parametrize(
    ("tls", "denied"), [("1.0", True), ("1.1", True), ("1.2", False), ("1.3", False), (None, False)]
)
@pytest.mark.parametrize("bucket", NAMES)
def test_every_bucket_refuses_tls_below_1_2_and_not_the_services_that_name_none(
    dev: Recording, bucket: str, tls: str | None, denied: bool
) -> None:
    policy = setting(dev, "BucketPolicy", bucket).json("policy")
    request = AccessRequest(
        action="s3:GetObject",
        resource=f"arn:aws:s3:::media-pipeline-dev-{bucket}-1a2b3c4/key",
        principal=Principal(kind="AWS", value=f"arn:aws:iam::{ACCOUNT}:role/reader", account=ACCOUNT),
        context={"aws:SecureTransport": "true", **({"s3:TlsVersion": tls} if tls else {})},
    )
    assert (evaluate([policy], request) is Verdict.DENY) is denied


def denials(recorded: Recording) -> dict[str, dict[str, object]]:
    """Return what the uploads bucket's policy denies, by the statements' ids."""
    statements = setting(recorded, "BucketPolicy", "uploads").json("policy")["Statement"]
    assert {(statement["Effect"], statement["Principal"]) for statement in statements} == {("Deny", "*")}
    return {statement["Sid"]: statement for statement in statements}


def test_only_the_upload_api_puts_objects_under_its_prefix(recorded: Recording) -> None:
    denial = denials(recorded)["OnlyTheUploadApiWritesUnderItsPrefix"]
    assert denial["Resource"] == [f"arn:aws:s3:::media-pipeline-{recorded.stack}-uploads-1a2b3c4/api/*"]
    assert denial["Action"] == ["s3:PutObject", "s3:ReplicateObject"]
    role = recorded.one("aws:iam/role:Role", "upload-api-role")
    role_arn = f"arn:aws:iam:eu-central-1:{ACCOUNT}:{role.name}-1a2b3c4"  # the recording engine's form of it
    assert denial["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": role_arn}}


def test_nobody_puts_objects_under_the_prefix_of_an_api_that_is_not_there(run: Run) -> None:
    denial = denials(run("dev", {"api": {"enabled": False}}))["OnlyTheUploadApiWritesUnderItsPrefix"]
    assert "Condition" not in denial
    assert str(denial["Resource"]).endswith("/api/*']")


def test_uploads_that_the_functions_could_not_read_are_refused(recorded: Recording) -> None:
    found = denials(recorded)
    conditions = {sid: statement.get("Condition") for sid, statement in found.items()}
    key = "s3:x-amz-server-side-encryption"
    assert conditions["OnlyStorageClassesThatCanBeRead"] == {
        "StringNotEquals": {"s3:x-amz-storage-class": ["STANDARD", "INTELLIGENT_TIERING"]},
        "Null": {"s3:x-amz-storage-class": "false"},
    }
    assert conditions["NoKeysThatOnlyTheUploaderHas"] == {"Null": {f"{key}-customer-algorithm": "false"}}
    assert conditions["NoKmsKeysThatTheFunctionsMayNotUse"] == {"Null": {f"{key}-aws-kms-key-id": "false"}}


def test_a_policy_waits_for_the_public_access_block_of_its_bucket(recorded: Recording) -> None:
    for bucket in NAMES:
        block = setting(recorded, "BucketPublicAccessBlock", bucket)
        assert block.urn in setting(recorded, "BucketPolicy", bucket).depends_on


def test_evidence_of_decisions_cannot_be_written_over(recorded: Recording) -> None:
    statements = setting(recorded, "BucketPolicy", "logs").json("policy")["Statement"]
    (denial,) = [each for each in statements if each["Sid"] == "EvidenceIsWrittenOnce"]
    assert (denial["Effect"], denial["Principal"], denial["Action"]) == ("Deny", "*", ["s3:PutObject"])
    (resource,) = denial["Resource"]
    assert resource.endswith("-logs-1a2b3c4/decisions/*")
    assert denial["Condition"] == {"Null": {"s3:if-none-match": "true"}}


def test_only_s3s_log_delivery_for_our_buckets_may_write_access_logs(recorded: Recording) -> None:
    prefix = f"arn:aws:s3:::media-pipeline-{recorded.stack}"
    policy = setting(recorded, "BucketPolicy", "logs")
    assert policy.json("policy")["Statement"][0] == {
        "Sid": "AccessLogDelivery",
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": ["s3:PutObject"],
        "Resource": [f"{prefix}-logs-1a2b3c4/*"],
        "Condition": {
            "ArnLike": {"aws:SourceArn": [f"{prefix}-{each}-1a2b3c4" for each in LOGGED]},
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
        },
    }
    for bucket in LOGGED:
        logging = setting(recorded, "BucketLogging", bucket)
        assert logging.inputs["targetBucket"] == f"media-pipeline-{recorded.stack}-logs-1a2b3c4"
        assert logging.inputs["targetPrefix"] == f"{bucket}/"
        assert policy.urn in logging.depends_on


def test_only_uploads_keep_versions(recorded: Recording) -> None:
    versioning = recorded.one("aws:s3/bucketVersioning:BucketVersioning")
    assert versioning.inputs["bucket"] == f"media-pipeline-{recorded.stack}-uploads-1a2b3c4"
    assert versioning.inputs["versioningConfiguration"] == {"status": "Enabled"}
    lifecycle = setting(recorded, "BucketLifecycleConfiguration", "uploads")
    assert versioning.urn in lifecycle.depends_on


@pytest.mark.parametrize(("stack", "days"), [("dev", 14), ("prod", 30)])
def test_originals_and_their_old_versions_go_after_the_configured_days(
    recordings: dict[str, Recording], stack: str, days: int
) -> None:
    assert rules(recordings[stack], "uploads") == UNFINISHED | {
        "expire": {"expiration": {"days": days}, "noncurrentVersionExpiration": {"noncurrentDays": days}},
        "delete-markers": {"expiration": {"expiredObjectDeleteMarker": True}},
    }


def test_renditions_are_kept_and_quarantine_and_logs_expire(dev: Recording) -> None:
    assert rules(dev, "renditions") == UNFINISHED
    days = {"expiration": {"days": 30}}
    assert rules(dev, "quarantine") == UNFINISHED | {"expire-blocked": days, "expire-review": days}
    assert rules(dev, "logs") == UNFINISHED | {"expire": {"expiration": {"days": 14}}}


def test_zero_days_mean_kept(run: Run) -> None:
    retention = {"originals": 14, "quarantine": 0, "records": 0, "logs": 0}
    recorded = run("dev", {"retention": retention})
    assert rules(recorded, "quarantine") == UNFINISHED
    assert {group.inputs["retentionInDays"] for group in recorded.of("aws:cloudwatch/logGroup:LogGroup")} == {
        0
    }


def test_the_records_table_is_on_demand_recoverable_and_sparse_in_its_index(recorded: Recording) -> None:
    table = recorded.one("aws:dynamodb/table:Table").inputs
    assert (table["hashKey"], table["rangeKey"]) == ("object_key", "sequencer")
    assert table["billingMode"] == "PAY_PER_REQUEST"
    assert table["pointInTimeRecovery"] == {"enabled": recorded.stack == "prod"}
    assert table["ttl"] == {"attributeName": "expires_at", "enabled": True}
    assert table["globalSecondaryIndexes"] == [
        {
            "name": "attention",
            "keySchemas": [
                {"attributeName": "attention", "keyType": "HASH"},
                {"attributeName": "updated_at", "keyType": "RANGE"},
            ],
            "projectionType": "ALL",
        }
    ]
    attributes = {attribute["name"]: attribute["type"] for attribute in table["attributes"]}
    assert attributes == dict.fromkeys(("object_key", "sequencer", "attention", "updated_at"), "S")
