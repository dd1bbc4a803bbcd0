"""Locked buckets and trails: how they are created, and what they are updated to in place."""

import json

from .resource_bench import Bench, Case, Inputs

Made = tuple[str, Inputs, Inputs]
BUCKET = "aws:s3/bucket:Bucket"


def a_lock(bench: Bench) -> Made:
    def rule(**retention: object) -> Inputs:
        return {"rule": {"defaultRetention": retention}}

    same = {"bucket": bench.make(BUCKET, {"objectLockEnabled": True})}
    return (
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        {**same, **rule(mode="GOVERNANCE", days=3)},
        {**same, **rule(mode="COMPLIANCE", years=1)},
    )


def a_trail(bench: Bench) -> Made:
    bucket = bench.make(BUCKET, {})
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": ["s3:GetBucketAcl", "s3:PutObject"],
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    bench.world.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
    same = {"name": "a-trail", "s3BucketName": bucket}
    return (
        "aws:cloudtrail/trail:Trail",
        {**same, "advancedEventSelectors": [_selector("arn:aws:s3:::a/")], "tags": {"a": "b"}},
        {
            **same,
            "advancedEventSelectors": [_selector("arn:aws:s3:::a/", "arn:aws:s3:::b/")],
            "enableLogFileValidation": True,
            "enableLogging": False,
            "tags": {"c": "d"},
        },
    )


def _selector(*prefixes: str) -> Inputs:
    return {
        "name": "media",
        "fieldSelectors": [
            {"field": "eventCategory", "equals": ["Data"]},
            {"field": "resources.type", "equals": ["AWS::S3::Object"]},
            {"field": "resources.ARN", "startsWiths": list(prefixes)},
        ],
    }


CASES: tuple[Case, ...] = (a_lock, a_trail)
