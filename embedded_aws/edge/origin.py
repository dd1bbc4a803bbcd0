"""What a bucket answers to CloudFront: in the name of a distribution, as the bucket's policy and its key allow it.

After the CloudFront Developer Guide, "Restrict access to an Amazon S3 origin", with the part on SSE-KMS.
"""

import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from botocore.exceptions import ClientError

from embedded_aws.access.keys import DECRYPT, service_may_use
from embedded_aws.access.policies import AccessRequest, Principal, Verdict, evaluate
from embedded_aws.edge.distributions import Distribution
from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.moto_lock import MOTO_LOCK
from embedded_aws.moto_state import find_bucket, find_object
from embedded_aws.world import World

_SERVICE = "cloudfront.amazonaws.com"
_HOP_BY_HOP = frozenset({"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"})
_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Response:
    """What an origin or the edge answers; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


class Origin:
    """The buckets of a world, asked by CloudFront."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def fetch(self, distribution: Distribution, key: str) -> Response:
        """Get an object; an empty key asks for the bucket's listing."""
        if not distribution.signs_requests:
            return self._fetch_as_anybody(distribution.bucket, key)
        with MOTO_LOCK.held():
            refusal = self._refusal(distribution, key)
        return refusal or self._read(distribution.bucket, key)

    def _refusal(self, distribution: Distribution, key: str) -> Response | None:
        """Return what S3 answers in place of the object; None where the distribution may have it."""
        bucket = f"arn:aws:s3:::{distribution.bucket}"
        may_list = _allows(distribution, "s3:ListBucket", bucket)
        if not key:
            return None if may_list else error("AccessDenied", "Access Denied", 403)
        if not _allows(distribution, "s3:GetObject", f"{bucket}/{key}"):
            return error("AccessDenied", "Access Denied", 403)
        stored = find_object(distribution.bucket, key)
        if stored is None:
            if may_list:
                return error("NoSuchKey", "The specified key does not exist.", 404)
            return error("AccessDenied", "Access Denied", 403)
        if stored.encryption == "aws:kms" and not self._may_decrypt(distribution, bucket, stored):
            return error("AccessDenied", "Access Denied", 403)
        return None

    def _may_decrypt(self, distribution: Distribution, bucket: str, stored: Any) -> bool:
        under_bucket_key = str(stored.bucket_key_enabled).lower() == "true"
        context = {
            **_context(distribution),
            "kms:ViaService": f"s3.{self._world.region}.amazonaws.com",
            "kms:EncryptionContext:aws:s3:arn": bucket if under_bucket_key else f"{bucket}/{stored.name}",
        }
        return service_may_use(stored.kms_key_id, self._world.region, _SERVICE, context, DECRYPT)

    def _read(self, bucket: str, key: str) -> Response:
        s3: Any = self._world.client("s3")
        try:
            if not key:
                names = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]
                listed = "".join(f"<Contents><Key>{escape(name)}</Key></Contents>" for name in names)
                document = f"<ListBucketResult>{listed}</ListBucketResult>".encode()
                return Response(status=200, headers={"content-type": "application/xml"}, body=document)
            found = s3.get_object(Bucket=bucket, Key=key)
        except ClientError as refused:
            said = refused.response["Error"]
            return error(
                said["Code"], said["Message"], refused.response["ResponseMetadata"]["HTTPStatusCode"]
            )
        return Response(
            status=200,
            headers=_passed_on(found["ResponseMetadata"]["HTTPHeaders"]),
            body=found["Body"].read(),
        )

    def _fetch_as_anybody(self, bucket: str, key: str) -> Response:
        address = f"{self._world.endpoint_url}/{bucket}/{quote(key)}"
        try:
            with self._opener.open(address, timeout=_SECONDS) as answer:
                return Response(
                    status=answer.status, headers=_passed_on(dict(answer.headers)), body=answer.read()
                )
        except urllib.error.HTTPError as refused:
            with refused:
                return Response(
                    status=refused.code, headers=_passed_on(dict(refused.headers)), body=refused.read()
                )


def error(code: str, message: str, status: int) -> Response:
    """Return an error in S3's words, which CloudFront uses as well where it refuses a request itself."""
    document = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code>'
        f"<Message>{escape(message)}</Message></Error>"
    )
    return Response(status=status, headers={"content-type": "application/xml"}, body=document.encode())


def _allows(distribution: Distribution, action: str, resource: str) -> bool:
    """Return whether the bucket's policy lets CloudFront do this for the distribution."""
    bucket = find_bucket(distribution.bucket)
    if bucket is None or not bucket.policy:
        return False
    request = AccessRequest(
        action=action,
        resource=resource,
        principal=Principal(kind="Service", value=_SERVICE),
        context=_context(distribution),
    )
    return evaluate([bucket.policy], request) is Verdict.ALLOW


def _context(distribution: Distribution) -> dict[str, str]:
    return {
        "aws:PrincipalIsAWSService": "true",
        "aws:SecureTransport": "true",
        "aws:SourceAccount": ACCOUNT_ID,
        "aws:SourceArn": distribution.arn,
    }


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that are about the object, and not about the connection."""
    return {name.lower(): value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}
