"""KMS: which calls use a customer managed key, and whether the key's policy and state let their callers.

After the KMS Developer Guide, "Key policies", and each service's chapter on encryption at rest. Keys that AWS manages
(`alias/aws/...`) may be used by everybody in the account, and by none of AWS's services.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from embedded_aws.access.policies import AccessRequest, Document, Principal, Verdict, evaluate
from embedded_aws.isolation import ACCOUNT_ID

DECRYPT, GENERATE = "kms:Decrypt", "kms:GenerateDataKey"
_OF_AWS = "alias/aws/"


@dataclass(frozen=True)
class Use:
    """One use of a key by a service in its caller's name; `context` are the condition keys that it comes with."""

    action: str
    key: str
    context: tuple[tuple[str, str], ...]


def uses(
    actions: Sequence[str], key: str | None, *, service: str, region: str, context: tuple[str, str]
) -> list[Use]:
    """Return the uses of a key (id, ARN or alias); none where there is no key, or AWS manages it.

    `context` is the name and the value of the encryption context.
    """
    arn = customer_key(key, region)
    if arn is None:
        return []
    name, value = context
    conditions = (
        ("kms:ViaService", f"{service}.{region}.amazonaws.com"),
        (f"kms:EncryptionContext:{name}", value),
        ("kms:CallerAccount", ACCOUNT_ID),
    )
    return [Use(action, arn, conditions) for action in actions]


def customer_key(key: str | None, region: str) -> str | None:
    """Return the ARN of a key that is given by its id, ARN or alias; None for a key of AWS's own."""
    if not key or _OF_AWS in key:
        return None
    found = find_key(key, region)
    if found is None:
        return key
    return None if any(alias.startswith(_OF_AWS) for alias in found.aliases) else str(found.arn)


def find_key(key: str, region: str) -> Any | None:
    """Return moto's key; None for one of another account or region."""
    return _backend(region).keys.get(_backend(region).any_id_to_key_id(key)) if key else None


def _backend(region: str) -> Any:
    from moto.kms.models import kms_backends

    return kms_backends[ACCOUNT_ID][region]


def is_enabled(arn: str) -> bool:
    """Return whether the key can be used; one of another account counts as enabled."""
    found = find_key(arn, arn.split(":")[3])
    return found is None or found.key_state == "Enabled"


def allows(request: AccessRequest, identity: Sequence[str | bytes | Document]) -> bool:
    """Return whether a principal may use a key.

    The key's policy must allow it: the principal itself, or the account, which then decides by identity policies. Of
    a key of another account only the identity policies are known.
    """
    found = find_key(request.resource, request.resource.split(":")[3])
    own = evaluate(identity, request)
    if found is None or own is Verdict.DENY:
        return own is Verdict.ALLOW
    in_policy = replace(request, resource=str(found.arn))
    of_the_key = evaluate([found.policy], in_policy)
    if of_the_key is not Verdict.ALLOW:
        return False
    # Without its account a principal is not the account's root.
    alone = replace(in_policy, principal=replace(request.principal, account=""))
    return own is Verdict.ALLOW or evaluate([found.policy], alone) is Verdict.ALLOW


def service_may_use(
    key: str | None, region: str, service: str, context: Mapping[str, str], *actions: str
) -> bool:
    """Return whether an AWS service may use the key of a queue, topic or log group in its own name.

    Without a key there is nothing to use; one that AWS manages has a policy that names no service.
    """
    if not key:
        return True
    found = find_key(key, region) if customer_key(key, region) is not None else None
    if found is None or not is_enabled(str(found.arn)):
        return False
    return all(
        evaluate(
            [found.policy],
            AccessRequest(
                action=action,
                resource=str(found.arn),
                principal=Principal(kind="Service", value=service),
                context={"kms:CallerAccount": ACCOUNT_ID, **context},
            ),
        )
        is Verdict.ALLOW
        for action in actions or (GENERATE, DECRYPT)
    )
