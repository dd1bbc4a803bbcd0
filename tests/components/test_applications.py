"""What a team's own applications are given: two policies, and not one action more."""

import pytest

from tests.components.queries import arn, s3
from tests.components.recording import Recording

POLICY = "aws:iam/policy:Policy"


def grants(recorded: Recording, name: str) -> set[tuple[str, str]]:
    return {
        (action, resource)
        for statement in recorded.one(POLICY, name).json("policy")["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
        if statement["Effect"] == "Allow"
    }


def test_who_may_upload_can_put_and_nothing_else(recorded: Recording) -> None:
    uploads = s3(recorded, "uploads")
    assert grants(recorded, "-may-upload") == {
        ("s3:PutObject", f"{uploads}/*"),
        ("s3:AbortMultipartUpload", f"{uploads}/*"),
    }


def test_who_may_read_renditions_reads_what_is_published_and_asks_for_records(recorded: Recording) -> None:
    assert grants(recorded, "-may-read-renditions") == {
        ("s3:GetObject", f"{s3(recorded, 'renditions')}/*"),
        ("dynamodb:Query", arn("dynamodb", recorded, "records")),
    }


@pytest.mark.parametrize("kind", ["RolePolicyAttachment", "PolicyAttachment", "UserPolicyAttachment"])
def test_nobody_has_them_from_the_start(recorded: Recording, kind: str) -> None:
    assert recorded.of(f"aws:iam/{kind[0].lower()}{kind[1:]}:{kind}") == []
