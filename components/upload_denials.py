"""What the policy of the uploads bucket refuses, whoever else allows it."""

import pulumi

from components.bucket import PrivateBucket
from components.iam import Denial

READABLE_CLASSES = ("STANDARD", "INTELLIGENT_TIERING")  # other classes cost a fee or a restoration to read
_ENCRYPTION = "s3:x-amz-server-side-encryption"


def upload_denials(
    uploads: PrivateBucket,
    *,
    api_prefix: str,
    api_role: pulumi.Input[str] | None,
    key_arn: str | None = None,
) -> list[Denial]:
    """Return the denials: uploads that the functions could not read, and those of others under the API's prefix.

    Only `api_role` (an ARN; None: nobody) puts objects under `api_prefix`, else an uploader could replace what a
    client of the API sent. `s3:PutObject` is what copies, forms and uploads in parts need as well. `key_arn` is the KMS
    key of the bucket, if it has one: who names no encryption gets it, and who names another is refused.
    """
    return [
        Denial(
            sid="OnlyTheUploadApiWritesUnderItsPrefix",
            actions=["s3:PutObject", "s3:ReplicateObject"],
            resources=[uploads.objects(f"{api_prefix}*")],
            # Also true for a request that has no principal's ARN.
            condition={"ArnNotEquals": {"aws:PrincipalArn": api_role}} if api_role is not None else None,
        ),
        Denial(
            sid="OnlyStorageClassesThatCanBeRead",
            actions=["s3:PutObject"],
            resources=[uploads.objects()],
            condition={
                "StringNotEquals": {"s3:x-amz-storage-class": READABLE_CLASSES},
                "Null": {"s3:x-amz-storage-class": "false"},  # without the header it is STANDARD
            },
        ),
        Denial(
            sid="NoKeysThatOnlyTheUploaderHas",  # SSE-C
            actions=["s3:PutObject"],
            resources=[uploads.objects()],
            condition={"Null": {f"{_ENCRYPTION}-customer-algorithm": "false"}},
        ),
        *_other_keys(uploads, key_arn),
    ]


def _other_keys(uploads: PrivateBucket, key_arn: str | None) -> list[Denial]:
    if key_arn is None:
        return [
            Denial(
                sid="NoKmsKeysThatTheFunctionsMayNotUse",
                actions=["s3:PutObject"],
                resources=[uploads.objects()],
                condition={"Null": {f"{_ENCRYPTION}-aws-kms-key-id": "false"}},
            )
        ]
    # The second is also true where the request names a kind of encryption but no key: then S3 takes a key of its own,
    # and not the bucket's (PutObject, `x-amz-server-side-encryption-aws-kms-key-id`).
    return [
        Denial(
            sid="NoOtherEncryptionThanTheBuckets",
            actions=["s3:PutObject"],
            resources=[uploads.objects()],
            condition={
                "Null": {_ENCRYPTION: "false"},
                "StringNotEquals": {_ENCRYPTION: "aws:kms"},
            },
        ),
        Denial(
            sid="NoOtherKeyThanTheBuckets",
            actions=["s3:PutObject"],
            resources=[uploads.objects()],
            condition={
                "Null": {_ENCRYPTION: "false"},
                "ArnNotEquals": {f"{_ENCRYPTION}-aws-kms-key-id": key_arn},
            },
        ),
    ]
