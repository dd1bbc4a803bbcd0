"""Signature Version 4: whose keys they are, and what they sign. (IAM User Guide, "Create a signed request".)"""

import hashlib
import hmac
import time
from calendar import timegm

from embedded_aws.calls import RefusedError
from embedded_aws.isolation import ACCOUNT_ID, ADMIN_ACCESS_KEY_ID, ADMIN_SECRET_ACCESS_KEY

ALGORITHM = "AWS4-HMAC-SHA256"
LATE_SECONDS = 15 * 60  # how far the clocks may be apart


def secret_of(access_key_id: str, session_token: str | None) -> str:
    """The secret behind an access key that this world issued; raises RefusedError as S3 words it."""
    if access_key_id == ADMIN_ACCESS_KEY_ID:
        return ADMIN_SECRET_ACCESS_KEY
    from moto.iam.access_control import CreateAccessKeyFailure, create_access_key

    headers = {"X-Amz-Security-Token": session_token} if session_token else {}
    try:
        key = create_access_key(ACCOUNT_ID, "aws", access_key_id, headers)
    except CreateAccessKeyFailure as error:
        if error.reason == "InvalidToken":
            raise RefusedError(
                "InvalidToken", "The provided token is malformed or otherwise invalid."
            ) from error
        message = "The AWS Access Key Id you provided does not exist in our records."
        raise RefusedError("InvalidAccessKeyId", message, 403) from error
    return str(key.create_credentials().secret_key)


def signature(secret: str, scope: list[str], text: str) -> str:
    """The hexadecimal signature; `scope` is date, region, service and `aws4_request`."""
    key = f"AWS4{secret}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()


def require_same(given: str, calculated: str) -> None:
    """Raises RefusedError where two signatures differ."""
    if not hmac.compare_digest(given.encode(), calculated.encode()):
        message = "The request signature we calculated does not match the signature you provided."
        raise RefusedError("SignatureDoesNotMatch", f"{message} Check your key and signing method.", 403)


def seconds_of(stamp: str) -> int | None:
    """Unix seconds of a time such as 20260102T030405Z; None where it is none."""
    try:
        return timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return None
