"""Signed addresses and signed cookies, verified as CloudFront does.

After the CloudFront Developer Guide, "Serve private content with signed URLs and signed cookies": canned policies,
whose text both sides put together, and custom ones, which travel along. Signatures are RSA over SHA-1.
"""

import base64
import binascii
import ipaddress
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from embedded_aws.access.policies import matches

PARAMETERS = ("Expires", "Policy", "Signature", "Key-Pair-Id")
"""Of an address; cookies have the same names after `CloudFront-`."""
_STANDARD_BASE64 = str.maketrans("-_~", "+=/")
_DENIED = ("AccessDenied", "Access denied")


class RefusedError(Exception):
    """The request is not signed as it must be; `code` and `message` are CloudFront's, the status is 403."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Signed:
    """What a request carries: parameters by their names in addresses, and who sent it from where."""

    addresses: tuple[str, ...]
    """What was asked for, without the parameters of the signature; more than one where it has several names."""
    parameters: Mapping[str, str] = field(repr=False)
    client: str


def parameters_of(query: Mapping[str, str], cookies: Mapping[str, str]) -> dict[str, str]:
    """Return the signature's parameters: the address's if it has any of them, else the cookies'."""
    in_address = {name: query[name] for name in PARAMETERS if name in query}
    if in_address:
        return in_address
    return {name: cookies[f"CloudFront-{name}"] for name in PARAMETERS if f"CloudFront-{name}" in cookies}


def verify(signed: Signed, keys: Mapping[str, str], now: float) -> None:
    """Raise RefusedError for a request that no key has signed, or whose policy does not allow it at `now`.

    `keys` are PEMs by their ids, `now` is in epoch seconds.
    """
    given = signed.parameters
    if not given.get("Key-Pair-Id"):
        raise RefusedError("MissingKey", "Missing Key-Pair-Id query parameter or cookie value")
    if given["Key-Pair-Id"] not in keys:
        raise RefusedError("InvalidKey", "Unknown Key")
    key, signature = keys[given["Key-Pair-Id"]], _decoded(given.get("Signature", ""))
    if "Policy" in given:
        text = _decoded(given["Policy"])
        if not _verifies(key, signature, text):
            raise RefusedError(*_DENIED)
        _require_allowed(_statement(text), signed, now)
        return
    expires = given.get("Expires", "")
    if not expires.isdecimal() or float(expires) <= now:
        raise RefusedError(*_DENIED)
    canned = (_canned_policy(address, expires) for address in signed.addresses)
    if not any(_verifies(key, signature, text) for text in canned):
        raise RefusedError(*_DENIED)


def _canned_policy(address: str, expires: str) -> bytes:
    condition = {"DateLessThan": {"AWS:EpochTime": int(expires)}}
    document = {"Statement": [{"Resource": address, "Condition": condition}]}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.translate(_STANDARD_BASE64), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RefusedError("MalformedSignature", "Could not unencode Signature") from error


def _verifies(key: str, signature: bytes, text: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    public = load_pem_public_key(key.encode())
    if not isinstance(public, RSAPublicKey):
        return False
    try:
        public.verify(signature, text, PKCS1v15(), SHA1())  # noqa: S303 - what CloudFront verifies
    except InvalidSignature:
        return False
    return True


def _statement(text: bytes) -> Mapping[str, Any]:
    """Return the one statement of a custom policy."""
    try:
        (statement,) = json.loads(text)["Statement"]
        condition = statement["Condition"]
        int(condition["DateLessThan"]["AWS:EpochTime"])
    except (ValueError, KeyError, TypeError) as error:
        raise RefusedError("MalformedPolicy", "Malformed Policy") from error
    found: Mapping[str, Any] = statement
    return found


def _require_allowed(statement: Mapping[str, Any], signed: Signed, now: float) -> None:
    condition = statement["Condition"]
    ends = float(condition["DateLessThan"]["AWS:EpochTime"])
    begins = float(condition.get("DateGreaterThan", {}).get("AWS:EpochTime", 0))
    network = condition.get("IpAddress", {}).get("AWS:SourceIp", "0.0.0.0/0")
    if (
        not begins < now < ends
        or not _is_named(statement.get("Resource", "*"), signed.addresses)
        or ipaddress.ip_address(signed.client) not in ipaddress.ip_network(network, strict=False)
    ):
        raise RefusedError(*_DENIED)


def _is_named(resource: str, addresses: Iterable[str]) -> bool:
    return any(matches(resource, address) for address in addresses)
