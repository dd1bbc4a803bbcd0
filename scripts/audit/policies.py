"""The policies of every role as the account authorization details that cloudsplaining reads."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scripts.audit.stacks import Audited
from tests.components.recording import Registered

Json = dict[str, Any]
_ACCOUNT: Final = "arn:aws:iam::123456789012"
_ROLE: Final = "aws:iam/role:Role"
_INLINE: Final = "aws:iam/rolePolicy:RolePolicy"
_MANAGED: Final = "aws:iam/policy:Policy"


@dataclass(frozen=True)
class Policy:
    """One policy document, and where it is the same."""

    id: str
    where: str
    """The name of the role or the managed policy, without the stack's name."""
    kind: str
    document: str
    audited: tuple[Audited, ...]


def collect(stacks: Iterable[Audited]) -> list[Policy]:
    """Return each distinct document once: most are the same in every configuration but for the stack's name."""
    found: dict[tuple[str, str, str], list[Audited]] = {}
    for audited in stacks:
        for resource in audited.recording.resources:
            if resource.type in (_ROLE, _INLINE, _MANAGED):
                key = "assumeRolePolicy" if resource.type == _ROLE else "policy"
                document = str(resource.inputs[key]).replace(audited.prefix, "stack")
                found.setdefault((_where(resource, audited), resource.type, document), []).append(audited)
    return [
        Policy(f"{number:04d}", where, kind, document, tuple(audited))
        for number, ((where, kind, document), audited) in enumerate(sorted(found.items(), key=lambda e: e[0]))
    ]


def _where(resource: Registered, audited: Audited) -> str:
    return resource.name.removeprefix(audited.prefix).strip("-")


def authorization_details(policies: Iterable[Policy]) -> Json:
    """Return the answer of GetAccountAuthorizationDetails for an account with these policies, named by their ids."""
    roles, managed = [], []
    for policy in policies:
        document = json.loads(policy.document)
        if policy.kind == _MANAGED:
            managed.append(_managed(policy.id, document))
        else:
            roles.append(_role(policy.id, document, is_trust=policy.kind == _ROLE))
    return {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": roles, "Policies": managed}


def _role(name: str, document: Mapping[str, Any], *, is_trust: bool) -> Json:
    trust = document if is_trust else {"Version": "2012-10-17", "Statement": []}
    inline = [] if is_trust else [{"PolicyName": name, "PolicyDocument": document}]
    return {
        "Path": "/",
        "RoleName": name,
        "RoleId": f"AROA{name}",
        "Arn": f"{_ACCOUNT}:role/{name}",
        "CreateDate": "2026-01-01T00:00:00Z",
        "AssumeRolePolicyDocument": trust,
        "InstanceProfileList": [],
        "RolePolicyList": inline,
        "AttachedManagedPolicies": [],
        "Tags": [],
    }


def _managed(name: str, document: Mapping[str, Any]) -> Json:
    version = {"Document": document, "VersionId": "v1", "IsDefaultVersion": True, "CreateDate": "2026-01-01"}
    return {
        "PolicyName": name,
        "PolicyId": f"ANPA{name}",
        "Arn": f"{_ACCOUNT}:policy/{name}",
        "Path": "/",
        "DefaultVersionId": "v1",
        "AttachmentCount": 1,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": True,
        "CreateDate": "2026-01-01",
        "UpdateDate": "2026-01-01",
        "PolicyVersionList": [version],
    }
