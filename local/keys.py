"""A KMS key in the embedded AWS in place of the operator's, which it cannot have: with the policy that theirs needs."""

import json
from collections.abc import Mapping
from typing import Any

from components.key_grants import key_policy
from components.rules import KeyArn


def absent_key(config: Mapping[str, Any], key: str, region: str, kms: Any) -> str | None:
    """Return the ARN of the stack's KMS key if the world lacks it; `config` holds it under `key`, `kms` is a client.

    None too for one that the program would refuse: what is wrong with it is the program's to say.
    """
    encryption = config.get(key)
    arn = encryption.get("keyArn") if isinstance(encryption, Mapping) else None
    if not isinstance(arn, str) or not KeyArn().pattern.fullmatch(arn) or KeyArn.region(arn) != region:
        return None
    try:
        kms.describe_key(KeyId=arn)
    except kms.exceptions.NotFoundException:
        return arn
    return None


def make_key(
    kms: Any, *, stack: str, region: str, account: str, delivery: object = None, access_logs: object = None
) -> str:
    """Create a key for a stack, whose configuration has these under `delivery` and `accessLogs`; return its ARN."""
    cdn = isinstance(delivery, Mapping) and delivery.get("cdn") is True
    trail = isinstance(access_logs, Mapping) and bool(access_logs.get("lockedDays"))
    policy = key_policy(stack=stack, region=region, account=account, partition="aws", cdn=cdn, trail=trail)
    made = kms.create_key(Policy=json.dumps(policy), Description=f"key of {stack}")
    return str(made["KeyMetadata"]["Arn"])
