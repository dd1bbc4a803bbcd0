"""A deployed stack with a locked trail: nobody deletes what it has, and the bucket outlives option and stack."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from components.rules import KeyArn
from operations.__main__ import main
from tests.fixtures.deployed_stack import DeployedStack, deployed_stack

pytestmark = pytest.mark.long
OPTIONS = {"accessLogs": {"lockedDays": 30, "mode": "compliance"}, "encryption.keyArn": KeyArn.EXAMPLE}


@pytest.fixture(scope="module")
def deployed() -> Iterator[DeployedStack]:
    with deployed_stack("dev", OPTIONS) as stack:
        yield stack


def trails(stack: DeployedStack) -> list[Any]:
    return list(stack.world.client("cloudtrail").describe_trails()["trailList"])


def test_the_trail_logs_with_the_operators_key_into_a_bucket_that_locks(deployed: DeployedStack) -> None:
    (trail,) = trails(deployed)
    assert trail["S3BucketName"] == deployed.outputs["trail_bucket"]
    assert trail["KmsKeyId"].startswith(f"arn:aws:kms:{deployed.world.region}:")
    assert deployed.world.client("cloudtrail").get_trail_status(Name=trail["Name"])["IsLogging"]


def test_not_even_an_administrator_deletes_a_log_file_before_its_time(deployed: DeployedStack) -> None:
    s3, bucket = deployed.world.client("s3"), deployed.outputs["trail_bucket"]
    file = {"Bucket": bucket, "Key": "AWSLogs/123456789012/CloudTrail/x.json.gz"}
    version = {**file, "VersionId": s3.put_object(**file, Body=b"log")["VersionId"]}
    kept = s3.head_object(**version)
    assert kept["ObjectLockMode"] == "COMPLIANCE"
    assert kept["ObjectLockRetainUntilDate"] - datetime.now(UTC) > timedelta(days=29)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(**version, BypassGovernanceRetention=True)
    s3.delete_object(**file)  # hides it only
    assert s3.get_object(**version)["Body"].read() == b"log"


def test_the_status_says_whether_it_logs_and_what_to_do_where_somebody_has_stopped_it(
    deployed: DeployedStack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, cloudtrail = tmp_path / "outputs.json", deployed.world.client("cloudtrail")
    file.write_text(json.dumps(deployed.outputs))
    (trail,) = trails(deployed)

    def said() -> str:
        assert main(["status", "--stack", "dev", "--outputs", str(file)]) == 0
        return capsys.readouterr().out

    assert f"  {'log of accesses':<32} logging\n" in said()
    cloudtrail.stop_logging(Name=trail["Name"])
    assert f"! {'log of accesses':<32} stopped\n    somebody ended it: look for StopLogging" in said()
    cloudtrail.start_logging(Name=trail["Name"])


def test_without_the_option_the_trail_ends_and_the_bucket_stays_as_it_is(deployed: DeployedStack) -> None:
    bucket = deployed.outputs["trail_bucket"]
    deployed.deployment.update({"accessLogs": {}})
    assert trails(deployed) == []
    s3 = deployed.world.client("s3")
    assert s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]["Rule"]
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"]
    assert deployed.deployment.destroy() == [], "what is kept is not left over"
    assert [each["Name"] for each in s3.list_buckets()["Buckets"]] == [bucket]
