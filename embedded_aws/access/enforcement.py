"""IAM enforced: a request with a role's keys may do what the role's and the resource's policies allow.

The administrator's requests are judged by explicit denies of resource policies alone; keys that the world did
not issue are refused, so that credentials which happen to be set can never work. This proves the exercised
paths; it is not AWS's evaluator.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from embedded_aws.access import context, presigned
from embedded_aws.access.actions import Need, Place, copy_source, needs
from embedded_aws.access.policies import (
    AccessRequest,
    Principal,
    Verdict,
    as_list,
    evaluate,
    matches,
    statements,
)
from embedded_aws.calls import SIGNATURE_VERIFIED, Call, RefusedError
from embedded_aws.isolation import ACCOUNT_ID, ADMIN_ACCESS_KEY_ID
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


@dataclass(frozen=True, kw_only=True)
class Access:
    """One permission that a role's request needed, and whether it was granted."""

    role: str
    action: str
    resource: str
    allowed: bool


class AccessLog:
    """What roles did and tried: every distinct permission once."""

    def __init__(self) -> None:
        self._seen: dict[Access, int] = {}
        self._lock = threading.Lock()

    def note(self, access: Access) -> None:
        """Count one."""
        with self._lock:
            self._seen[access] = self._seen.get(access, 0) + 1

    @property
    def allowed(self) -> list[Access]:
        """Granted, in order of first use."""
        return [access for access in self._seen if access.allowed]

    @property
    def denied(self) -> list[Access]:
        """Refused, in order of first use."""
        return [access for access in self._seen if not access.allowed]

    def unused(self, role: str, documents: list[Any]) -> list[Need]:
        """Action and resource pairs that the role's policy documents grant and no request used."""
        used = [access for access in self.allowed if access.role == role]
        return [
            Need(action, resource)
            for document in documents
            for statement in statements(document)
            if statement.get("Effect") == "Allow"
            for action in as_list(statement.get("Action", []))
            for resource in as_list(statement.get("Resource", []))
            if not any(
                matches(action, access.action, ignore_case=True) and matches(resource, access.resource)
                for access in used
            )
        ]


class Enforcer:
    """Judges every call before moto gets it."""

    def __init__(self) -> None:
        self.log = AccessLog()

    def authorize(self, call: Call) -> None:
        """Raises RefusedError as the service would answer, after noting what was asked."""
        if call.service == "s3" and presigned.is_presigned(call.request):
            presigned.verify(call.request)
        if call.access_key_id is None:
            _require_public(call)
            return
        place = Place(region=call.region, account=ACCOUNT_ID)
        if call.access_key_id == ADMIN_ACCESS_KEY_ID:
            self._deny_by_resource(call, needs(call.service, call.operation, call.parameters, place))
            return
        session = _verified_session(call)
        role = session._owner_role_name
        for need in needs(call.service, call.operation, call.parameters, place):
            self._require(call, need, role, session)
        self._hide_missing_objects(call, role, session)

    def _require(self, call: Call, need: Need, role: str, session: Any) -> None:
        allowed = _allowed(need, session, context.of_call(call))
        self.log.note(Access(role=role, action=need.action, resource=need.resource, allowed=allowed))
        if not allowed:
            raise _denied(call, need, session.arn)

    def _deny_by_resource(self, call: Call, required: list[Need]) -> None:
        arn = f"arn:aws:iam::{ACCOUNT_ID}:user/administrator"
        for need in required:
            request = _request(need, arn, context.of_call(call))
            if evaluate(_resource_policies(need.resource), request) is Verdict.DENY:
                raise _denied(call, need, arn)

    def _hide_missing_objects(self, call: Call, role: str, session: Any) -> None:
        """S3 tells that an object does not exist only to who may list the bucket; others get a 403."""
        for bucket, key, version in _objects_read(call):
            if find_bucket(bucket) is None or find_object(bucket, key, version) is not None:
                continue
            need = Need("s3:ListBucket", f"arn:aws:s3:::{bucket}")
            # Not a listing: it has no prefix that a condition could hold against.
            allowed = _allowed(need, session, {})
            self.log.note(Access(role=role, action=need.action, resource=need.resource, allowed=allowed))
            if not allowed:
                raise _denied(call, need, session.arn)


def _require_public(call: Call) -> None:
    """Judge an unsigned request for an object or a bucket: its policy must allow it to everybody.

    Everything is denied where the bucket restricts public policies ("Blocking public access", S3 User Guide).
    """
    bucket = find_bucket(str(call.parameters.get("Bucket"))) if call.service == "s3" else None
    if bucket is None:
        return
    context_keys = {"aws:SecureTransport": "true", **context.of_call(call)}
    restricted = str(getattr(bucket.public_access_block, "restrict_public_buckets", False)).lower() == "true"
    for need in needs("s3", call.operation, call.parameters, Place(region="", account="")):
        request = AccessRequest(
            action=need.action,
            resource=need.resource,
            principal=Principal(kind="AWS", value="*"),
            context=context_keys,
        )
        if restricted or evaluate(_resource_policies(need.resource), request) is not Verdict.ALLOW:
            raise RefusedError("AccessDenied", "Access Denied", 403)


def _allowed(need: Need, session: Any, of_call: Mapping[str, str]) -> bool:
    """Within one account an allow of either side is enough, and a deny of either side final."""
    role_arn = f"arn:aws:iam::{ACCOUNT_ID}:role/{session._owner_role_name}"
    as_role = _request(need, role_arn, of_call)
    # A session is named as principal by its own ARN; `aws:PrincipalArn` is that of its role all the same.
    request = replace(as_role, principal=replace(as_role.principal, value=session.arn))
    identity = evaluate(_documents(session), request)
    by_session = evaluate(_resource_policies(need.resource), request)
    by_role = evaluate(_resource_policies(need.resource), as_role)
    verdicts = {identity, by_session, by_role}
    return Verdict.DENY not in verdicts and Verdict.ALLOW in verdicts


def _request(need: Need, principal_arn: str, of_call: Mapping[str, str]) -> AccessRequest:
    return AccessRequest(
        action=need.action,
        resource=need.resource,
        principal=Principal(kind="AWS", value=principal_arn, account=ACCOUNT_ID),
        context={
            "aws:SecureTransport": "true",  # loopback stands for the service's HTTPS endpoint
            "aws:PrincipalArn": principal_arn,
            "aws:PrincipalAccount": ACCOUNT_ID,
            **of_call,
        },
    )


def _documents(session: Any) -> list[Any]:
    documents = []
    for policy in session.collect_policies():
        if isinstance(policy, (str, bytes)):
            documents.append(policy)
        else:  # an attached managed policy
            documents.append(next(version.document for version in policy.versions if version.is_default))
    return documents


def _resource_policies(resource: str) -> list[Any]:
    parts = resource.split(":", 5)
    if len(parts) < 6:
        return []
    service, region, name = parts[2], parts[3], parts[5]
    find: Callable[[str, str], Any] | None = {
        "s3": _bucket_policy,
        "sqs": _queue_policy,
        "sns": _topic_policy,
    }.get(service)
    policy = find(region, name) if find is not None else None
    return [policy] if policy else []


def _bucket_policy(_: str, name: str) -> Any:
    bucket = find_bucket(name.partition("/")[0])
    return bucket.policy if bucket is not None else None


def _queue_policy(region: str, name: str) -> Any:
    from moto.sqs.models import sqs_backends

    queue = sqs_backends[ACCOUNT_ID][region].queues.get(name)
    return queue.policy if queue is not None else None


def _topic_policy(region: str, name: str) -> Any:
    from moto.sns.models import sns_backends

    topic = sns_backends[ACCOUNT_ID][region].topics.get(f"arn:aws:sns:{region}:{ACCOUNT_ID}:{name}")
    # The default policy allows the account's own principals everything: AWS, too, asks the identity then.
    return topic.policy if topic is not None and "__default_statement_ID" not in topic.policy else None


def _objects_read(call: Call) -> Iterator[tuple[str, str, str | None]]:
    if call.service != "s3":
        return
    parameters: Mapping[str, Any] = call.parameters
    if call.operation in ("GetObject", "HeadObject", "GetObjectAttributes", "GetObjectTagging"):
        yield parameters["Bucket"], parameters["Key"], parameters.get("VersionId")
    elif call.operation in ("CopyObject", "UploadPartCopy"):
        yield copy_source(parameters)


def _verified_session(call: Call) -> Any:
    """The role session behind the keys, its signature verified by moto's SigV4."""
    from moto.core.exceptions import ServiceException
    from moto.iam.access_control import IAMRequest, S3IAMRequest
    from werkzeug.exceptions import HTTPException

    if "Authorization" not in call.request.headers or SIGNATURE_VERIFIED in call.request.environ:
        return _session_by_key(call)  # presigned, or by form: its signature was verified before
    kind = S3IAMRequest if call.service == "s3" else IAMRequest
    path = call.request.raw_path
    if call.request.query_string:
        path += "?" + call.request.query_string.decode()
    try:
        request = kind(
            account_id=ACCOUNT_ID,
            method=call.request.method,
            path=path,
            data={},
            body=call.body,
            headers=call.request.headers,
            action=call.operation,
        )
        request.check_signature()
    except (ServiceException, HTTPException) as error:
        raise _invalid_keys(call, error) from error
    return request._access_key


def _session_by_key(call: Call) -> Any:
    from moto.iam.access_control import CreateAccessKeyFailure, create_access_key

    headers = {"X-Amz-Security-Token": call.session_token} if call.session_token else {}
    try:
        return create_access_key(ACCOUNT_ID, "aws", str(call.access_key_id), headers)
    except CreateAccessKeyFailure as error:
        raise _invalid_keys(call, error) from error


def _invalid_keys(call: Call, error: Exception) -> RefusedError:
    if "SignatureDoesNotMatch" in type(error).__name__:
        message = "The request signature we calculated does not match the signature you provided."
        return RefusedError("SignatureDoesNotMatch", message, 403)
    code = "InvalidAccessKeyId" if call.service == "s3" else "InvalidClientTokenId"
    return RefusedError(
        code, f"The access key {call.access_key_id} does not belong to the embedded AWS.", 403
    )


def _denied(call: Call, need: Need, who: str) -> RefusedError:
    code, status = _DENIED_CODES.get(call.service, ("AccessDenied", 403))
    message = f"User: {who} is not authorized to perform: {need.action} on resource: {need.resource}"
    return RefusedError(code, message, status)
