"""IAM documents from typed statements: exact actions on exact ARNs, each with its reason as its id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

VERSION = "2012-10-17"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One permission of a role; `sid` says what it is for, `condition` restricts it.

    `encrypted` is whether a KMS key of the operator's, where there is one, protects these resources.
    """

    sid: str
    actions: Sequence[str]
    resources: Sequence[pulumi.Input[str]]
    condition: Mapping[str, Mapping[str, pulumi.Input[Sequence[str]]]] | None = None
    encrypted: bool = True


def policy(statements: Sequence[Statement]) -> pulumi.Output[str]:
    """Return the identity policy of a role."""
    return pulumi.Output.json_dumps(
        {
            "Version": VERSION,
            "Statement": [
                {
                    "Sid": statement.sid,
                    "Effect": "Allow",
                    "Action": list(statement.actions),
                    "Resource": list(statement.resources),
                    **({"Condition": statement.condition} if statement.condition else {}),
                }
                for statement in statements
            ],
        }
    )


def assume_role(service: str, *, account: pulumi.Input[str] | None = None) -> pulumi.Output[str]:
    """Return the trust policy of a role that one AWS service assumes, with `account` only on behalf of that account."""
    condition = {"Condition": {"StringEquals": {"aws:SourceAccount": account}}} if account else {}
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        **condition,
    }
    return pulumi.Output.json_dumps({"Version": VERSION, "Statement": [statement]})


@dataclass(frozen=True, kw_only=True)
class ServiceGrant:
    """What one AWS service may do to a resource, on behalf of `sources` in `account` only.

    Leave `account` out only where the sources' ARNs contain it; those of buckets do not.
    """

    sid: str
    service: str
    actions: Sequence[str]
    sources: Sequence[pulumi.Input[str]]
    resources: Sequence[pulumi.Input[str]]
    account: pulumi.Input[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Denial:
    """What nobody may do to a resource, whoever allows it; `condition` says when, else always."""

    sid: str
    actions: Sequence[str]
    resources: Sequence[pulumi.Input[str]]
    condition: Mapping[str, Mapping[str, pulumi.Input[str] | Sequence[str]]] | None = None


def resource_policy(
    *,
    action: str,
    resources: Sequence[pulumi.Input[str]],
    grants: Sequence[ServiceGrant] = (),
    denials: Sequence[Denial] = (),
) -> pulumi.Output[str]:
    """Return a resource's policy: the services' grants, the denials, and one of `action` without TLS."""
    statements: list[Mapping[str, object]] = [
        {
            "Sid": grant.sid,
            "Effect": "Allow",
            "Principal": {"Service": grant.service},
            "Action": list(grant.actions),
            "Resource": list(grant.resources),
            "Condition": {
                "ArnLike": {"aws:SourceArn": list(grant.sources)},
                **({"StringEquals": {"aws:SourceAccount": grant.account}} if grant.account else {}),
            },
        }
        for grant in grants
    ]
    statements += [
        {
            "Sid": denial.sid,
            "Effect": "Deny",
            "Principal": "*",
            "Action": list(denial.actions),
            "Resource": list(denial.resources),
            **({"Condition": denial.condition} if denial.condition else {}),
        }
        for denial in denials
    ]
    statements.append(
        {
            "Sid": "OnlyEncryptedConnections",
            "Effect": "Deny",
            "Principal": "*",
            "Action": action,
            "Resource": list(resources),
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )
    return pulumi.Output.json_dumps({"Version": VERSION, "Statement": statements})
