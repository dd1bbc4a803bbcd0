"""The policy of a form: until when, into which bucket, which key, which fields, how many bytes.

After the S3 User Guide, "Creating a POST policy".
"""

import base64
import binascii
import json
import time
from calendar import timegm
from collections.abc import Mapping
from typing import Any

from embedded_aws.calls import RefusedError

_UNCHECKED = frozenset({"policy", "x-amz-signature", "signature", "awsaccesskeyid", "file"})
_IGNORED = "x-ignore-"


def enforce(encoded: str, fields: Mapping[str, str], bucket: str, length: int) -> None:
    """Raise RefusedError, in S3's words, where the form is not what its signer allowed.

    `fields` are the form's by lower-case name, `length` is the file's in bytes.
    """
    policy = _decoded(encoded)
    _require_in_time(policy)
    values = {**fields, "bucket": bucket}
    allowed = {"bucket"}
    for condition in policy["conditions"]:
        operator, name, *operands = _condition(condition)
        if operator == "content-length-range":
            _require_length(length, name, operands[0])
            continue
        allowed.add(name)
        value = values.get(name, "")
        if operator == "eq":
            holds = value == operands[0]
        elif name == "content-type":  # a list of types passes where each does
            holds = all(part.strip().startswith(operands[0]) for part in value.split(","))
        else:
            holds = value.startswith(operands[0])
        if not holds:
            raise _refused(f"Policy Condition failed: {json.dumps([operator, f'${name}', operands[0]])}")
    for name in fields:
        if name not in allowed and name not in _UNCHECKED and not name.startswith(_IGNORED):
            raise _refused(f"Extra input fields: {name}")


def _decoded(encoded: str) -> Mapping[str, Any]:
    try:
        policy = json.loads(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError) as error:
        raise _no_policy("Invalid Policy: Invalid JSON.") from error
    if not isinstance(policy, Mapping) or not isinstance(policy.get("conditions"), list):
        raise _no_policy("Invalid Policy: Policy missing conditions.")
    return policy


def _require_in_time(policy: Mapping[str, Any]) -> None:
    text = str(policy.get("expiration", ""))
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ"):
        try:
            expires = timegm(time.strptime(text, form))
        except ValueError:
            continue
        if time.time() > expires:
            raise _refused("Policy expired.")
        return
    raise _no_policy(f"Invalid Policy: Invalid 'expiration' value: '{text}'")


def _condition(condition: Any) -> tuple[Any, ...]:
    """Return operator, lower-case field name without `$`, operand; or content-length-range with its bounds."""
    if isinstance(condition, Mapping) and len(condition) == 1:
        ((name, value),) = condition.items()
        return "eq", str(name).lower(), str(value)
    if isinstance(condition, list) and len(condition) == 3:
        operator = str(condition[0]).lower()
        if operator == "content-length-range":
            return operator, int(condition[1]), int(condition[2])
        if operator in ("eq", "starts-with") and str(condition[1]).startswith("$"):
            return operator, str(condition[1])[1:].lower(), str(condition[2])
    raise _no_policy(f"Invalid Policy: Invalid condition: {json.dumps(condition)}")


def _require_length(length: int, least: int, most: int) -> None:
    if length > most:
        raise RefusedError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
    if length < least:
        raise RefusedError("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")


def _refused(why: str) -> RefusedError:
    return RefusedError("AccessDenied", f"Invalid according to Policy: {why}", 403)


def _no_policy(why: str) -> RefusedError:
    return RefusedError("InvalidPolicyDocument", why)
