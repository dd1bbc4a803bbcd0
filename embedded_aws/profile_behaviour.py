"""What the profile of a world makes its services do to calls: look for new versions in vain, refuse some of them."""

import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Final

from embedded_aws import profiles
from embedded_aws.calls import Call, RefusedError
from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.s3.events import note_configuration

# What each service answers a caller whom it throttles: code and HTTP status.
_REFUSALS: Final = {
    "dynamodb": ("ThrottlingException", 400),
    "rekognition": ("ProvisionedThroughputExceededException", 400),
    "s3": ("SlowDown", 503),
    "sns": ("Throttling", 400),
    "sqs": ("ThrottlingException", 400),
}
_calls: Counter[str] = Counter()


def judge(call: Call) -> None:
    """Raise RefusedError where the world's profile has AWS refuse the call."""
    profile = profiles.active()
    every = profile.throttled.get(call.service, 0)
    if every and call.session_token is not None:  # a function's call: the deployment goes through
        _calls[call.service] += 1
        if _calls[call.service] % every == 0:
            code, status = _REFUSALS[call.service]
            raise RefusedError(code, "Rate exceeded", status)
    if profile.notification_seconds and call.operation == "PutBucketNotificationConfiguration":
        note_configuration(call.parameters["Bucket"])
    if profile.version_seconds and (call.service, call.operation) == ("s3", "GetObject"):
        _look_for_version(call, profile.version_seconds)


def _look_for_version(call: Call, seconds: float) -> None:
    """Answer 404 for a version that is younger than `seconds`, as S3 may while versioning takes effect."""
    from moto.s3.models import s3_backends

    version = call.parameters.get("VersionId")
    bucket = s3_backends[ACCOUNT_ID]["aws"].buckets.get(call.parameters["Bucket"])
    if not version or bucket is None or not bucket.is_versioned:
        return
    found: Any = next(
        (
            each
            for each in bucket.keys.getlist(call.parameters["Key"], [])
            if getattr(each, "version_id", None) == version
        ),
        None,
    )
    if found is not None and time.time() - _epoch(found.last_modified) < seconds:
        raise RefusedError("NoSuchKey", "The specified key does not exist.", 404)


def _epoch(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
