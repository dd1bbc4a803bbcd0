"""`encryption.keyArn`: what is encrypted with the operator's key, who may use it for what, and what is refused."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from components.config_errors import ConfigError
from components.key_grants import key_policy
from components.rules import KeyArn
from embedded_aws.access.policies import AccessRequest, Principal, Verdict, evaluate
from media_pipeline.settings.api import ApiSettings
from operations.__main__ import main
from operations.configuration import stack_configuration
from tests.components.config_parsing import Raw, problems, put
from tests.components.conftest import WHOLE, Run
from tests.components.queries import environment
from tests.components.recording import ACCOUNT, Recording

KEY = KeyArn.EXAMPLE
REGION = "eu-central-1"
GOOD = {
    "keyUsage": "ENCRYPT_DECRYPT",
    "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
    "keyManager": "CUSTOMER",
    "keyState": "Enabled",
}


@pytest.fixture(scope="module")
def encrypted(run: Run) -> Recording:
    return run("dev", {**WHOLE, "encryption": {"keyArn": KEY}})


def test_everything_that_holds_data_has_the_key_but_the_bucket_that_takes_access_logs(
    encrypted: Recording,
) -> None:
    kind = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    by_bucket = {each.inputs["bucket"].split("-")[-2]: each.inputs["rules"] for each in encrypted.of(kind)}
    aes = [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]
    assert by_bucket.pop("logs") == aes  # S3 delivers no access logs into a bucket with a KMS key
    default = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}
    wanted = [{"applyServerSideEncryptionByDefault": default, "bucketKeyEnabled": True}]
    assert by_bucket == dict.fromkeys(("uploads", "quarantine", "renditions"), wanted)
    for queue in encrypted.of("aws:sqs/queue:Queue"):
        assert queue.inputs["kmsMasterKeyId"] == KEY, queue.name
        assert "sqsManagedSseEnabled" not in queue.inputs, queue.name
    for topic in encrypted.of("aws:sns/topic:Topic"):
        assert topic.inputs["kmsMasterKeyId"] == KEY, topic.name
    for group in encrypted.of("aws:cloudwatch/logGroup:LogGroup"):
        assert group.inputs["kmsKeyId"] == KEY, group.name
    for function in encrypted.of("aws:lambda/function:Function"):
        assert function.inputs["kmsKeyArn"] == KEY, function.name
    table = encrypted.one("aws:dynamodb/table:Table").inputs
    assert table["serverSideEncryption"] == {"enabled": True, "kmsKeyArn": KEY}


def test_the_upload_api_is_told_that_an_etag_is_no_md5_under_the_key(encrypted: Recording, run: Run) -> None:
    assert not ApiSettings.from_environment(environment(encrypted, "upload-api")).etags_are_md5
    assert ApiSettings.from_environment(environment(run("dev", WHOLE), "upload-api")).etags_are_md5


def test_the_key_adds_no_resource(encrypted: Recording, run: Run) -> None:
    def urns(recorded: Recording) -> set[str]:
        return {each.urn for each in recorded.resources}

    assert urns(encrypted) == urns(run("dev", WHOLE))


def test_without_a_key_nothing_names_kms(recorded: Recording) -> None:
    for each in recorded.resources:
        if each.type not in ("aws:sns/topic:Topic", "aws:s3/bucketPolicy:BucketPolicy"):
            text = json.dumps(each.inputs, default=str)
            assert "kms" not in text.casefold(), each.name


def grants(recorded: Recording, function: str) -> dict[str, Mapping[str, Any]]:
    """Return what a function may do with the key, by the statements' ids."""
    role = recorded.one("aws:iam/rolePolicy:RolePolicy", f"-{function}-policy").json("policy")
    return {each["Sid"]: each for each in role["Statement"] if each["Action"][0].startswith("kms:")}


def context(statement: Mapping[str, Any]) -> list[str]:
    """Return for which resources a statement allows the use, without what all their names have in common."""
    (values,) = statement["Condition"]["StringLike"].values()
    return [value.rpartition("media-pipeline-dev-")[2].replace("-1a2b3c4", "") for value in values]


def test_process_image_uses_the_key_for_what_it_does_with_each_resource_and_through_its_service(
    encrypted: Recording,
) -> None:
    found = grants(encrypted, "process-image")
    assert {sid: (each["Action"], context(each)) for sid, each in found.items()} == {
        "DecryptObjects": (["kms:Decrypt"], ["uploads", "uploads/*", "quarantine", "quarantine/*"]),
        "EncryptObjects": (
            ["kms:GenerateDataKey"],
            ["quarantine", "quarantine/*", "renditions", "renditions/*"],
        ),
        "DecryptMessages": (["kms:Decrypt"], ["images", "videos"]),
        "EncryptMessages": (["kms:GenerateDataKey"], ["videos"]),
        "DecryptAnnouncements": (["kms:Decrypt"], ["events"]),
        "EncryptAnnouncements": (["kms:GenerateDataKey"], ["events"]),
        "DecryptRecords": (["kms:Decrypt"], ["records"]),
    }
    for sid, each in found.items():
        service = next(
            name
            for name, ending in (
                ("s3", "Objects"),
                ("sqs", "Messages"),
                ("sns", "ments"),
                ("dynamodb", "Records"),
            )
            if sid.endswith(ending)
        )
        assert each["Resource"] == [KEY]
        assert each["Condition"]["StringEquals"] == {"kms:ViaService": [f"{service}.{REGION}.amazonaws.com"]}


def test_a_key_of_before_may_be_read_with_and_not_written_with(run: Run) -> None:
    earlier = KEY.replace("1234abcd", "00000000")
    for own in ([], [KEY]):
        keys = {"earlierKeyArns": [earlier], **({"keyArn": KEY} if own else {})}
        found = grants(run("dev", {"encryption": keys}), "process-image")
        assert found["DecryptObjects"]["Resource"] == [*own, earlier]
        written = found.get("EncryptObjects", {}).get("Resource", [])
        assert written == own


def test_the_review_api_reads_judged_pictures_and_writes_evidence_into_the_bucket_without_the_key(
    encrypted: Recording,
) -> None:
    found = grants(encrypted, "review-api")
    assert context(found["DecryptObjects"]) == ["quarantine", "quarantine/*"]
    assert "EncryptObjects" not in found


def test_a_function_that_only_logs_may_use_the_key_for_what_it_puts_aside_alone(encrypted: Recording) -> None:
    found = grants(encrypted, "log-notification")
    assert {sid: context(each) for sid, each in found.items()} == {
        "EncryptMessages": ["log-notification-dead-letters", "log-notification-*"],
        "DecryptMessages": ["log-notification-dead-letters", "log-notification-*"],
    }


def test_dead_letters_can_be_read_as_the_queue_encrypted_them_that_they_were_sent_to(
    encrypted: Recording,
) -> None:
    found = context(grants(encrypted, "dead-letters")["DecryptMessages"])
    assert found == ["images-dead-letters", "images-*", "videos-dead-letters", "videos-*"]


def test_applications_get_the_use_that_their_policies_need(encrypted: Recording) -> None:
    def of(name: str) -> dict[str, list[str]]:
        policy = encrypted.one("aws:iam/policy:Policy", name).json("policy")
        return {each["Sid"]: context(each) for each in policy["Statement"] if each["Action"][0][:4] == "kms:"}

    uploads = ["uploads", "uploads/*"]
    assert of("may-upload") == {"EncryptObjects": uploads, "DecryptObjects": uploads}  # to complete parts
    assert of("may-read-renditions") == {
        "DecryptObjects": ["renditions", "renditions/*"],
        "DecryptRecords": ["records"],
    }


@pytest.mark.parametrize(
    ("headers", "denied"),
    [
        ({}, False),
        ({"": "aws:kms", "-aws-kms-key-id": KEY}, False),
        ({"": "aws:kms"}, True),  # S3's own key in KMS
        ({"": "AES256"}, True),
        ({"": "aws:kms:dsse", "-aws-kms-key-id": KEY}, True),
        ({"": "aws:kms", "-aws-kms-key-id": KEY.replace("1234abcd", "00000000")}, True),
        ({"-customer-algorithm": "AES256"}, True),
    ],
    ids=["nothing named", "the key", "no key", "S3's key", "two layers", "another key", "SSE-C"],
)
def test_an_upload_names_the_stacks_key_or_none(
    encrypted: Recording, headers: dict[str, str], denied: bool
) -> None:
    policy = encrypted.one("aws:s3/bucketPolicy:BucketPolicy", "-uploads-policy").json("policy")
    given = {f"s3:x-amz-server-side-encryption{name}": value for name, value in headers.items()}
    request = AccessRequest(
        action="s3:PutObject",
        resource="arn:aws:s3:::media-pipeline-dev-uploads-1a2b3c4/photo.jpg",
        principal=Principal(kind="AWS", value="arn:aws:iam::123456789012:role/application"),
        context={"aws:SecureTransport": "true", "s3:TlsVersion": "1.3", **given},
    )
    assert (evaluate([policy], request) is Verdict.DENY) is denied


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("alias/media", "not of an alias"),
        ("arn:aws:kms:eu-central-1:123456789012:alias/media", "not of an alias"),
        ("1234abcd-12ab-34cd-56ef-1234567890ab", "the ARN of a KMS key"),
        (KEY.replace(REGION, "us-east-1"), f"a key of the stack's region, {REGION}"),
    ],
)
def test_an_alias_and_a_key_of_another_region_are_refused(raw: Raw, value: str, fault: str) -> None:
    problem = problems(put(raw, "encryption.keyArn", value))["encryption.keyArn"]
    assert fault in problem.allowed
    assert f"pulumi config set --path encryption.keyArn arn:aws:kms:{REGION}" in problem.fix


def test_an_earlier_key_is_held_to_the_same_rules(raw: Raw) -> None:
    put(raw, "encryption.earlierKeyArns", [KEY, KEY.replace(REGION, "us-east-1"), KEY])
    found = problems(raw)
    assert "of the stack's region" in found["encryption.earlierKeyArns[1]"].allowed
    assert "listed twice" in found["encryption.earlierKeyArns[2]"].given


def preview(run: Run, key: Mapping[str, str] | None) -> Recording:
    return run("dev", {"encryption": {"keyArn": KEY}}, preview=True, kms_key=key)


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ({}, "does not exist"),
        ({**GOOD, "keyState": "PendingDeletion"}, "keyState is PendingDeletion"),
        ({**GOOD, "keyUsage": "SIGN_VERIFY"}, "keyUsage is SIGN_VERIFY"),
        ({**GOOD, "customerMasterKeySpec": "RSA_2048"}, "customerMasterKeySpec is RSA_2048"),
        ({**GOOD, "keyManager": "AWS"}, "keyManager is AWS"),
    ],
)
def test_a_preview_refuses_a_key_that_no_service_would_take(
    run: Run, told: Mapping[str, str], fault: str
) -> None:
    with pytest.raises(ConfigError, match=fault) as caught:
        preview(run, told)
    (problem,) = caught.value.problems
    assert problem.key == "encryption.keyArn"
    assert problem.fix


def test_a_good_key_passes_and_one_that_may_not_be_looked_at_is_warned_of(run: Run) -> None:
    said = [text for _, text in preview(run, GOOD).logged]
    assert any("python -m operations key-policy" in text for text in said)
    warned = [text for level, text in preview(run, None).logged if level == "warning"]
    assert any("aws kms describe-key" in text for text in warned)


def test_the_keys_policy_lets_each_service_use_it_for_this_stacks_resources_only() -> None:
    policy = key_policy(stack="dev", region=REGION, account=ACCOUNT, partition="aws")

    def may(service: str, name: str, value: str) -> bool:
        request = AccessRequest(
            action="kms:GenerateDataKey",
            resource=KEY,
            principal=Principal(kind="Service", value=service),
            context={f"kms:EncryptionContext:{name}": value},
        )
        return evaluate([policy], request) is Verdict.ALLOW

    here = f"{REGION}:{ACCOUNT}"
    for service, name, of in (
        ("s3.amazonaws.com", "aws:sqs:arn", f"arn:aws:sqs:{here}:media-pipeline-%s-images-1a2b3c4"),
        ("sns.amazonaws.com", "aws:sqs:arn", f"arn:aws:sqs:{here}:media-pipeline-%s-dead-letters-1"),
        ("cloudwatch.amazonaws.com", "aws:sns:topicArn", f"arn:aws:sns:{here}:media-pipeline-%s-alarms-1"),
        (
            f"logs.{REGION}.amazonaws.com",
            "aws:logs:arn",
            f"arn:aws:logs:{here}:log-group:media-pipeline-%s-x",
        ),
    ):
        assert may(service, name, of % "dev")
        assert not may(service, name, of % "prod")
        assert not may("events.amazonaws.com", name, of % "dev")


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({}, True),
        ({"aws:SourceArn": "arn:aws:cloudfront::210987654321:distribution/E1"}, False),
        ({"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::media-pipeline-dev-quarantine-1"}, False),
        ({"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::media-pipeline-prod-renditions-1"}, False),
    ],
)
def test_with_a_cdn_the_keys_policy_lets_distributions_decrypt_renditions_only(
    change: dict[str, str], allowed: bool
) -> None:
    context = {
        "aws:SourceArn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1",
        "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::media-pipeline-dev-renditions-1a2b3c4",
        **change,
    }

    def may(action: str, *, cdn: bool) -> bool:
        policy = key_policy(stack="dev", region=REGION, account=ACCOUNT, partition="aws", cdn=cdn)
        edge = Principal(kind="Service", value="cloudfront.amazonaws.com")
        request = AccessRequest(action=action, resource=KEY, principal=edge, context=context)
        return evaluate([policy], request) is Verdict.ALLOW

    assert may("kms:Decrypt", cdn=True) is allowed
    assert not may("kms:GenerateDataKey", cdn=True)
    assert not may("kms:Decrypt", cdn=False)


def test_the_operators_command_prints_the_policy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key-policy", "--stack", "dev"]) == 1
    assert "--account" in capsys.readouterr().err
    assert main(["key-policy", "--stack", "dev", "--account", ACCOUNT]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == key_policy(stack="dev", region=REGION, account=ACCOUNT, partition="aws")


def test_the_operators_command_has_cloudfront_where_the_stack_has_a_cdn(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = stack_configuration("dev")
    with_cdn = config.model_copy(update={"delivery": config.delivery.model_copy(update={"cdn": True})})
    monkeypatch.setattr("operations.commands.key_policy.stack_configuration", lambda _: with_cdn)
    assert main(["key-policy", "--stack", "dev", "--account", ACCOUNT]) == 0
    assert "cloudfront.amazonaws.com" in capsys.readouterr().out
