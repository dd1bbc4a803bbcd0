"""Signature Version 4, checked with botocore's own signers. (IAM User Guide, "Create a signed AWS API request".)

A signature holds if signing the same request again, with the secret of the access key that it names, gives the same.
"""

import hmac
import time
from calendar import timegm
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from embedded_aws.calls import RefusedError
from embedded_aws.isolation import ACCOUNT_ID, ADMIN_ACCESS_KEY_ID, ADMIN_SECRET_ACCESS_KEY

ALGORITHM = "AWS4-HMAC-SHA256"
LATE_SECONDS = 15 * 60  # how far the clocks of client and service may be apart
_SCOPE_PARTS = 5
_MISMATCH = "The request signature we calculated does not match the signature you provided."


@dataclass(frozen=True, kw_only=True)
class Scope:
    """A credential as requests state it: `key/date/region/service/aws4_request`."""

    access_key_id: str
    date: str
    region: str
    service: str

    @classmethod
    def parse(cls, text: str) -> "Scope | None":
        """Return the scope, or None for text that is not one."""
        parts = text.split("/")
        if len(parts) != _SCOPE_PARTS:
            return None
        return cls(access_key_id=parts[0], date=parts[1], region=parts[2], service=parts[3])


class _Headers:
    """Mixin: sign exactly the headers that the request says are signed, also those that botocore leaves out."""

    def headers_to_sign(self, request: Any) -> HTTPHeaders:
        headers = HTTPHeaders()
        for name, value in request.headers.items():
            headers[name.lower()] = value
        return headers


class _Signer(_Headers, SigV4Auth):
    """For all services but S3."""


class _S3Signer(_Headers, S3SigV4Auth):
    """For S3, which does not normalize paths."""


class _LinkSigner(_Headers, S3SigV4QueryAuth):
    """For S3's presigned URLs."""


def secret_of(access_key_id: str, session_token: str | None) -> str:
    """Return the secret of an access key that this world issued; raises RefusedError in S3's words."""
    if access_key_id == ADMIN_ACCESS_KEY_ID:
        return ADMIN_SECRET_ACCESS_KEY
    key = issued_key(access_key_id, session_token)
    return str(key.create_credentials().secret_key)


def issued_key(access_key_id: str, session_token: str | None) -> Any:
    """Return moto's IAMUserAccessKey or AssumedRoleAccessKey; raises RefusedError in S3's words."""
    from moto.iam.access_control import CreateAccessKeyFailure, create_access_key

    headers = {"X-Amz-Security-Token": session_token} if session_token else {}
    try:
        return create_access_key(ACCOUNT_ID, "aws", access_key_id, headers)
    except CreateAccessKeyFailure as error:
        if error.reason == "InvalidToken":
            raise RefusedError(
                "InvalidToken", "The provided token is malformed or otherwise invalid."
            ) from error
        message = "The AWS Access Key Id you provided does not exist in our records."
        raise RefusedError("InvalidAccessKeyId", message, 403) from error


def verify_header(request: Any, body: bytes, session_token: str | None) -> None:
    """Raise RefusedError unless the `Authorization` header of a request is the signature of its key's holder."""
    given = request.headers["Authorization"]
    fields = dict(part.strip().partition("=")[::2] for part in given.removeprefix(ALGORITHM).split(","))
    scope = Scope.parse(fields.get("Credential", ""))
    stamp = request.headers.get("X-Amz-Date", "")
    if not given.startswith(ALGORITHM) or scope is None or "Signature" not in fields or not stamp:
        raise RefusedError("IncompleteSignature", f"The Authorization header is incomplete: {given!r}", 403)
    signer = _S3Signer if scope.service == "s3" else _Signer
    path = request.raw_path
    if request.query_string:
        path += "?" + request.query_string.decode()
    prepared = AWSRequest(
        method=request.method,
        url=path,
        data=body,
        headers=_signed_headers(request.headers, fields.get("SignedHeaders", "")),
    )
    secret = secret_of(scope.access_key_id, session_token)
    require_same(fields["Signature"], _sign(signer, scope, secret, prepared, stamp))


def verify_query(request: Any, pairs: Sequence[tuple[str, str]], scope: Scope) -> None:
    """Raise RefusedError unless a presigned URL, whose decoded query is `pairs`, was signed like this."""
    given = dict(pairs)
    prepared = AWSRequest(
        method=request.method,
        url=request.raw_path,
        params={name: value for name, value in pairs if name != "X-Amz-Signature"},
        headers=_signed_headers(request.headers, given["X-Amz-SignedHeaders"]),
    )
    secret = secret_of(scope.access_key_id, given.get("X-Amz-Security-Token"))
    require_same(given["X-Amz-Signature"], _sign(_LinkSigner, scope, secret, prepared, given["X-Amz-Date"]))


def verify_policy(policy: str, given: str, scope: Scope, session_token: str | None) -> None:
    """Raise RefusedError unless `given` signs a form's encoded policy."""
    secret = secret_of(scope.access_key_id, session_token)
    prepared = AWSRequest()
    prepared.context["timestamp"] = scope.date
    signer = _Signer(Credentials(scope.access_key_id, secret), scope.service, scope.region)
    require_same(given, str(signer.signature(policy, prepared)))


def require_same(given: str, calculated: str) -> None:
    """Raise RefusedError where two signatures differ."""
    if not hmac.compare_digest(given.encode(), calculated.encode()):
        raise RefusedError("SignatureDoesNotMatch", f"{_MISMATCH} Check your key and signing method.", 403)


def seconds_of(stamp: str) -> int | None:
    """Return the Unix seconds of a time such as 20260102T030405Z; None where it is not one."""
    try:
        return timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return None


def _signed_headers(headers: Any, names: str) -> Mapping[str, str]:
    wanted = set(names.lower().split(";"))
    return {name: value for name, value in headers.items() if name.lower() in wanted}


def _sign(kind: type[SigV4Auth], scope: Scope, secret: str, request: AWSRequest, stamp: str) -> str:
    request.context["timestamp"] = stamp
    signer = kind(Credentials(scope.access_key_id, secret), scope.service, scope.region)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return str(signer.signature(text, request))
