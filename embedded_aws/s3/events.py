"""S3's events as AWS sends them: complete records, ordered by a sequencer per key.

After the S3 User Guide, "Event message structure" and "Supported event types". `embedded_aws.moto_patches` lists what
moto does instead.
"""

import json
import logging
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote_plus

from embedded_aws import profiles
from embedded_aws.access import keys
from embedded_aws.access.policies import AccessRequest, Principal, Verdict, evaluate
from embedded_aws.s3.form_uploads import is_form_upload

_log = logging.getLogger(__name__)

_PRINCIPAL = "AWS:AIDAEMBEDDEDAWS"
_EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"  # what S3 gives as a delete marker's eTag
_S3 = "s3.amazonaws.com"
_last_sequence = 0
_muted = threading.local()
_configured_at: dict[str, float] = {}  # epoch seconds, by bucket


def next_sequencer() -> str:
    """Return an upper-case hexadecimal number above all earlier ones: 18 digits, as S3's mostly are."""
    global _last_sequence
    _last_sequence = max(_last_sequence + 1, time.time_ns())
    return f"{_last_sequence:018X}"


def object_record(
    event_name: str, bucket: Any, key: Any, sequencer: str, notification_id: str
) -> dict[str, Any]:
    """Return one record of event format 2.1; `event_name` starts with `s3:`."""
    from moto.core.utils import iso_8601_datetime_with_milliseconds

    name = event_name.removeprefix("s3:")
    described: dict[str, Any] = {"key": quote_plus(key.name, safe="/")}
    if name.startswith("ObjectCreated:"):
        described |= {"size": key.size, "eTag": key.etag.replace('"', "")}
    elif name.endswith(":DeleteMarkerCreated"):
        described["eTag"] = _EMPTY_MD5
    if bucket.is_versioned:
        described["versionId"] = key.version_id
    if name.startswith(("ObjectCreated:", "ObjectRemoved:")):
        described["sequencer"] = sequencer
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": bucket.region_name,
        "eventTime": iso_8601_datetime_with_milliseconds(),
        "eventName": name,
        "userIdentity": {"principalId": _PRINCIPAL},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": _response_elements(),
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": notification_id,
            "bucket": {
                "name": bucket.name,
                "ownerIdentity": {"principalId": "A0OWNEROFTHEBUCKET"},
                "arn": bucket.arn,
            },
            "object": described,
        },
    }


def may_send(policies: list[Any], action: str, target_arn: str, bucket_arn: str, account: str) -> bool:
    """Return whether a queue's or topic's policy lets S3 send there on behalf of this bucket."""
    request = AccessRequest(
        action=action,
        resource=target_arn,
        principal=Principal(kind="Service", value=_S3),
        context={
            "aws:SecureTransport": "true",
            "aws:SourceArn": bucket_arn,
            "aws:SourceAccount": account,
        },
    )
    return evaluate([policy for policy in policies if policy], request) is Verdict.ALLOW


def may_encrypt(target: Any, arn: str) -> bool:
    """Return whether S3 may use the KMS key of a queue or topic; a missing one has none."""
    service = arn.split(":")[2]
    context = {"kms:EncryptionContext:" + {"sqs": "aws:sqs:arn", "sns": "aws:sns:topicArn"}[service]: arn}
    return keys.service_may_use(getattr(target, "kms_master_key_id", None), arn.split(":")[3], _S3, context)


def expire_object(account: str, bucket_name: str, key_name: str) -> None:
    """Do what a lifecycle rule does to a current object: delete or mark it, without an ObjectRemoved event.

    Raises KeyError where an unversioned bucket has no such object.
    """
    from moto.s3.models import s3_backends
    from moto.s3.notifications import S3NotificationEvent as Event

    backend = s3_backends[account]["aws"]
    bucket = backend.get_bucket(bucket_name)
    with muted():
        if bucket.is_versioned:
            key = backend._set_delete_marker(bucket_name, key_name)
            event = Event.LIFECYCLE_EXPIRATION_DELETE_MARKER_CREATED_EVENT
        else:
            key = bucket.keys[key_name]
            backend.delete_object(bucket_name, key_name)
            event = Event.LIFECYCLEEXPIRATION_DELETE_EVENT
    send(account, event, bucket, key)


def test_event(bucket_name: str) -> dict[str, Any]:
    """Return what S3 sends to a destination when notifications are configured."""
    from moto.core.utils import iso_8601_datetime_with_milliseconds

    elements = _response_elements()
    return {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": iso_8601_datetime_with_milliseconds(),
        "Bucket": bucket_name,
        "RequestId": elements["x-amz-request-id"],
        "HostId": elements["x-amz-id-2"],
    }


@contextmanager
def muted() -> Iterator[None]:
    """Send nothing for what this thread does meanwhile."""
    before = getattr(_muted, "on", False)
    _muted.on = True
    try:
        yield
    finally:
        _muted.on = before


def send(account: str, event_name: Any, bucket: Any, key: Any) -> None:
    """Send to every destination that is subscribed and still permits it; all get the same sequencer.

    `event_name` is moto's S3NotificationEvent; a put that came as a form is a post.
    """
    from moto.s3.notifications import S3NotificationEvent

    configuration = bucket.notification_configuration
    if configuration is None or getattr(_muted, "on", False) or _is_too_early(bucket.name):
        return
    if is_form_upload() and event_name is S3NotificationEvent.OBJECT_CREATED_PUT_EVENT:
        event_name = S3NotificationEvent.OBJECT_CREATED_POST_EVENT
    sequencer = next_sequencer()
    for kind, deliver in (("queue", _to_queue), ("topic", _to_topic)):
        for notification in getattr(configuration, kind):
            if notification.matches(event_name, key.name):
                record = object_record(str(event_name.value), bucket, key, sequencer, notification.id)
                deliver(account, bucket, notification.arn, json.dumps({"Records": [record]}))


def note_configuration(bucket_name: str) -> None:
    """Note that a bucket's notifications were configured now: the profile may let them take effect later."""
    _configured_at[bucket_name] = time.time()


def _is_too_early(bucket_name: str) -> bool:
    since = time.time() - _configured_at.get(bucket_name, 0.0)
    return since < profiles.active().notification_seconds


def _to_queue(account: str, bucket: Any, arn: str, body: str) -> None:
    from moto.sqs.models import sqs_backends

    _, _, _, region, _, name = arn.split(":")
    queue = sqs_backends[account][region].queues.get(name)
    permitted = queue is not None and may_send([queue.policy], "sqs:SendMessage", arn, bucket.arn, account)
    if not permitted or not may_encrypt(queue, arn):
        _log.warning("S3 dropped an event of %s: %s is gone or does not permit it", bucket.name, arn)
        return
    sqs_backends[account][region].send_message(queue_name=name, message_body=body)


def _to_topic(account: str, bucket: Any, arn: str, body: str) -> None:
    from moto.sns.models import sns_backends

    region = arn.split(":")[3]
    topic = sns_backends[account][region].topics.get(arn)
    permitted = topic is not None and may_send([topic.policy], "sns:Publish", arn, bucket.arn, account)
    if not permitted or not may_encrypt(topic, arn):
        _log.warning("S3 dropped an event of %s: %s is gone or does not permit it", bucket.name, arn)
        return
    sns_backends[account][region].publish(arn=arn, message=body, subject="Amazon S3 Notification")


def _response_elements() -> dict[str, str]:
    return {"x-amz-request-id": uuid.uuid4().hex[:16].upper(), "x-amz-id-2": uuid.uuid4().hex}
