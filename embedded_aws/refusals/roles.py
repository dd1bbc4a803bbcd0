"""IAM. (User Guide: "IAM and AWS STS quotas"; API reference: DeleteRole.)"""

from typing import Any

from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.refusals.base import Parameters, refusal, refuse

INLINE_CHARACTERS = 10_240  # of all inline policies of a role together, white space not counted
TRUST_CHARACTERS = 2_048
MANAGED_CHARACTERS = 6_144


@refusal("a role's inline policies have at most 10,240 characters", "iam", "PutRolePolicy")
def _inline_size(parameters: Parameters) -> None:
    role = find_role(parameters["RoleName"])
    others = role.policies if role is not None else {}
    texts = [text for name, text in others.items() if name != parameters["PolicyName"]]
    total = sum(_counted(text) for text in [*texts, parameters["PolicyDocument"]])
    if total > INLINE_CHARACTERS:
        raise refuse(
            "LimitExceeded",
            f"Maximum policy size of {INLINE_CHARACTERS} bytes exceeded for role {parameters['RoleName']}",
            409,
        )


@refusal("a trust policy has at most 2,048 characters", "iam", "CreateRole", "UpdateAssumeRolePolicy")
def _trust_size(parameters: Parameters) -> None:
    text = parameters.get("AssumeRolePolicyDocument") or parameters.get("PolicyDocument") or ""
    if _counted(text) > TRUST_CHARACTERS:
        raise refuse("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {TRUST_CHARACTERS}", 409)


@refusal("a managed policy has at most 6,144 characters", "iam", "CreatePolicy", "CreatePolicyVersion")
def _managed_size(parameters: Parameters) -> None:
    if _counted(parameters["PolicyDocument"]) > MANAGED_CHARACTERS:
        message = f"Cannot exceed quota for PolicySize: {MANAGED_CHARACTERS}"
        raise refuse("LimitExceeded", message, 409)


@refusal("a role with policies is not deleted", "iam", "DeleteRole")
def _in_use(parameters: Parameters) -> None:
    role = find_role(parameters["RoleName"])
    if role is not None and (role.policies or role.managed_policies):
        raise refuse("DeleteConflict", "Cannot delete entity, must delete policies first.", 409)


def _counted(text: str) -> int:
    return sum(not character.isspace() for character in text)


def find_role(name: str) -> Any | None:
    """Return moto's role of this name."""
    from moto.iam.models import iam_backends

    roles = iam_backends[ACCOUNT_ID]["aws"].roles.values()
    return next((role for role in roles if role.name == name), None)
