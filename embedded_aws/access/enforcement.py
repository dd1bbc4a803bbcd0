"""Enforce IAM: a request may do what the caller's and the resource's policies allow.

The administrator's requests are judged by explicit denies of resource policies alone. Anonymous requests may do what a
resource's policy, or an ACL, allows everybody. Keys that the world did not issue are refused, so that credentials which
happen to be set can never work. This proves the exercised paths; it is not AWS's evaluator.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from embedded_aws.access import context, presigned
from embedded_aws.access import keys as kms_keys
from embedded_aws.access.actions import Need, Place, copy_source, needs
from embedded_aws.access.callers import (
    ADMINISTRATOR,
    ANYBODY,
    Caller,
    find_caller,
    in_the_services_words,
)
from embedded_aws.access.log import Access, AccessLog
from embedded_aws.access.policies import AccessRequest, Context, Principal, Verdict, evaluate
from embedded_aws.access.resource_policies import acl_opens, resource_policies, restricts_public_buckets
from embedded_aws.access.signatures import verify_header
from embedded_aws.calls import SIGNATURE_VERIFIED, Call, RefusedError
from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.moto_state import find_bucket, find_object

_DENIED_CODES = {
    "s3": ("AccessDenied", 403),
    "sqs": ("AccessDenied", 403),
    "dynamodb": ("AccessDeniedException", 400),
    "rekognition": ("AccessDeniedException", 400),
    "logs": ("AccessDeniedException", 400),
    "lambda": ("AccessDeniedException", 403),
    "xray": ("AccessDeniedException", 403),
    "sns": ("AuthorizationError", 403),
}


class Enforcer:
    """Judges every call before moto gets it."""

    def __init__(self) -> None:
        self.log = AccessLog()

    def authorize(self, call: Call) -> None:
        """Raise RefusedError as the service would answer; what was asked is recorded."""
        try:
            _verify_signature(call)
            caller = find_caller(call)
        except RefusedError as refusal:
            raise in_the_services_words(call, refusal) from refusal
        keys = context.of_call(call)
        place = Place(region=call.region, account=ACCOUNT_ID)
        for need in needs(call.service, call.operation, call.parameters, place):
            self._require(call, need, caller, keys)
        if caller is not ADMINISTRATOR:
            self._hide_missing_objects(call, caller)

    def _require(self, call: Call, need: Need, caller: Caller, keys: Context) -> None:
        if (
            call.service != "kms"
            and need.action.startswith("kms:")
            and not kms_keys.is_enabled(need.resource)
        ):
            raise _disabled(call, need)
        allowed = _allowed(need, caller, {**keys, **dict(need.context)})
        if caller is not ADMINISTRATOR:
            self.log.record(
                Access(role=caller.name, action=need.action, resource=need.resource, allowed=allowed)
            )
        if not allowed:
            raise _denied(call, need, caller)

    def _hide_missing_objects(self, call: Call, caller: Caller) -> None:
        """Answer 403 for a missing object to a caller who may not list the bucket, as S3 does."""
        for bucket, key, version in _objects_read(call):
            if find_bucket(bucket) is not None and find_object(bucket, key, version) is None:
                # Not a listing: it has no prefix that a condition could be held against.
                self._require(call, Need("s3:ListBucket", f"arn:aws:s3:::{bucket}"), caller, {})


def _verify_signature(call: Call) -> None:
    if call.service == "s3" and presigned.is_presigned(call.request):
        presigned.verify(call.request)
    elif call.access_key_id is not None and SIGNATURE_VERIFIED not in call.request.environ:
        verify_header(call.request, call.body, call.session_token)


def _allowed(need: Need, caller: Caller, keys: Context) -> bool:
    """Return whether one side allows and neither denies: within one account either side is enough."""
    requests = [_request(need, caller, principal, keys) for principal in caller.principals]
    if need.resource.startswith("arn:aws:kms:"):
        return caller is ADMINISTRATOR or any(
            kms_keys.allows(request, caller.documents) for request in requests
        )
    of_the_resource = resource_policies(need.resource)
    verdicts = {evaluate(caller.documents, requests[0])}
    verdicts |= {evaluate(of_the_resource, request) for request in requests}
    if Verdict.DENY in verdicts:
        return False
    if caller is ADMINISTRATOR:
        return True
    if caller is ANYBODY:
        return acl_opens(need) or (Verdict.ALLOW in verdicts and not restricts_public_buckets(need))
    return Verdict.ALLOW in verdicts


def _request(need: Need, caller: Caller, principal: Principal, keys: Context) -> AccessRequest:
    # Loopback stands in for the service's HTTPS endpoint.
    conditions = {"aws:SecureTransport": "true", **caller.context, **keys}
    if need.action.startswith("s3:"):
        conditions["s3:TlsVersion"] = "1.3"
    return AccessRequest(action=need.action, resource=need.resource, principal=principal, context=conditions)


def _objects_read(call: Call) -> Iterator[tuple[str, str, str | None]]:
    if call.service != "s3":
        return
    parameters: Mapping[str, Any] = call.parameters
    if call.operation in ("GetObject", "HeadObject", "GetObjectAttributes", "GetObjectTagging"):
        yield parameters["Bucket"], parameters["Key"], parameters.get("VersionId")
    elif call.operation in ("CopyObject", "UploadPartCopy"):
        yield copy_source(parameters)


def _disabled(call: Call, need: Need) -> RefusedError:
    code = {"s3": "KMS.DisabledException", "sqs": "KmsDisabled", "sns": "KMSDisabled"}
    return RefusedError(
        code.get(call.service, "AccessDeniedException"), f"{need.resource} is disabled or pending deletion"
    )


def _denied(call: Call, need: Need, caller: Caller) -> RefusedError:
    code, status = _DENIED_CODES.get(call.service, ("AccessDenied", 403))
    if caller is ANYBODY:
        return RefusedError(code, "Access Denied", status)
    message = f"User: {caller.arn} is not authorized to perform: {need.action} on resource: {need.resource}"
    return RefusedError(code, message, status)
