"""What roles and AWS's own services need of the operator's KMS key: exact uses, each bound to a resource.

A role gets it in its own policy, from what it may do anyway (`key_grants`); AWS's services in the key's policy, which
belongs to the operator (`key_policy`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.config_model import PROJECT, Encryption
from components.iam import VERSION, Statement
from components.trail_keys import trail_name

DECRYPT, GENERATE = "kms:Decrypt", "kms:GenerateDataKey"


@dataclass(frozen=True, kw_only=True)
class _Service:
    """One service that uses the key in its caller's name.

    `context` is the key of its encryption context, and `named` returns the values that it may have there for a resource
    with this ARN. `uses` are the uses of the key by the beginning of the action that needs them.
    """

    sid: str
    context: str
    uses: Mapping[str, tuple[str, ...]]
    named: Callable[[str], list[str]] = lambda arn: [arn]

    def values(self, arns: Sequence[str]) -> list[str]:
        """Return the values for all these resources, each once."""
        return list(dict.fromkeys(value for arn in arns for value in self.named(arn)))


def _queues(arn: str) -> list[str]:
    """Return a queue's ARN, and for dead letters a pattern of that of the queue that they were first sent to.

    A message stays encrypted as it was when SQS moves it, so that it may still name that queue (SQS Developer Guide,
    "Encryption at rest").
    """
    source, is_dead_letters, _ = arn.partition("-dead-letters")
    return [arn, f"{source}-*"] if is_dead_letters else [arn]


def _table(arn: str) -> str:
    """Return the name of a table, from its ARN or that of one of its indexes."""
    return arn.partition("/index/")[0].rpartition(":")[2].removeprefix("table/")


def _objects(arn: str) -> list[str]:
    """Return the bucket's ARN, for objects under an S3 Bucket Key, and its objects', for those without."""
    bucket = arn.partition("/")[0]
    return [bucket, f"{bucket}/*"]


# S3 User Guide, "Protecting data with SSE-KMS"; SQS Developer Guide, "Key management"; SNS Developer Guide, "Key
# management"; DynamoDB Developer Guide, "DynamoDB encryption at rest usage notes".
_SERVICES = {
    "s3": _Service(
        sid="Objects",
        context="aws:s3:arn",
        named=_objects,
        # An upload in parts is put together from what was encrypted before: who may abort one uploads in parts.
        uses={"GetObject": (DECRYPT,), "PutObject": (GENERATE,), "AbortMultipartUpload": (DECRYPT,)},
    ),
    "sqs": _Service(
        sid="Messages",
        context="aws:sqs:arn",
        named=lambda arn: _queues(arn),
        uses={"SendMessage": (GENERATE, DECRYPT), "ReceiveMessage": (DECRYPT,)},
    ),
    "sns": _Service(
        sid="Announcements",
        context="aws:sns:topicArn",
        uses={"Publish": (GENERATE, DECRYPT)},
    ),
    "dynamodb": _Service(
        sid="Records",
        context="aws:dynamodb:tableName",
        uses={"": (DECRYPT,)},
        named=lambda arn: [_table(arn)],
    ),
}
_NOT_THE_BYTES = ("GetObjectTagging", "PutObjectTagging")
_SIDS = {DECRYPT: "Decrypt", GENERATE: "Encrypt"}


def key_grants(statements: Sequence[Statement], encryption: Encryption, region: str) -> list[Statement]:
    """Return what a role with these statements needs of the keys besides, none without a key.

    One statement per service and use: through that service only, and for those resources only, which the encryption
    context names.
    """
    own = [encryption.key_arn] if encryption.key_arn else []
    keys = {DECRYPT: [*own, *encryption.earlier_key_arns], GENERATE: own}
    return [
        Statement(
            sid=f"{_SIDS[use]}{service.sid}",
            actions=[use],
            resources=keys[use],
            condition={
                "StringEquals": {"kms:ViaService": [f"{name}.{region}.amazonaws.com"]},
                "StringLike": {
                    f"kms:EncryptionContext:{service.context}": pulumi.Output.all(
                        name=name, arns=resources
                    ).apply(_contexts)
                },
            },
        )
        for name, service in _SERVICES.items()
        for use in (DECRYPT, GENERATE)
        if keys[use] and (resources := _resources(statements, name, service, use))
    ]


def _contexts(found: Mapping[str, Any]) -> list[str]:
    """Return the values of the encryption context for the ARNs `arns` of a service `name`."""
    service = _SERVICES[found["name"]]
    return service.values(found["arns"])


def _resources(
    statements: Sequence[Statement], name: str, service: _Service, use: str
) -> list[pulumi.Input[str]]:
    """Return the ARNs of all resources that the statements use the key with."""
    return [
        resource
        for statement in statements
        if statement.encrypted and any(_needs(action, name, service, use) for action in statement.actions)
        for resource in statement.resources
    ]


def _needs(action: str, name: str, service: _Service, use: str) -> bool:
    prefix, _, operation = action.partition(":")
    return (
        prefix == name
        and operation not in _NOT_THE_BYTES
        and any(operation.startswith(start) and use in uses for start, uses in service.uses.items())
    )


def key_policy(
    *, stack: str, region: str, account: str, partition: str, cdn: bool = False, trail: bool = False
) -> dict[str, object]:
    """Return the policy of a key for one stack of this account and region.

    `cdn`: CloudFront delivers its renditions. `trail`: CloudTrail logs the accesses to its media.

    The first statement lets the account's own policies decide about people and roles, as in every key that the console
    creates. All others are for AWS's own services.

    It names resources by the beginning of their names, so that it can be in place before the stack exists. The services
    act on what policies of queues and topics let them act on; the key's policy only has to say for which of these.
    """
    service = f"{PROJECT}-{stack}"

    def named(kind: str, separator: str = ":") -> str:
        return f"arn:{partition}:{kind}:{region}:{account}{separator}{service}-*"

    def statement(sid: str, principal: str, context: str, resource: str, *actions: str) -> dict[str, object]:
        return {
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"Service": principal},
            "Action": list(actions or (GENERATE, DECRYPT)),
            "Resource": "*",  # in a key's policy: this key
            "Condition": {"ArnLike": {f"kms:EncryptionContext:{context}": resource}},
        }

    own = {
        "Sid": "PoliciesOfTheAccountDecide",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    services = [
        statement("EventsOfUploads", "s3.amazonaws.com", "aws:sqs:arn", named("sqs")),
        statement("WhatTopicsCouldNotDeliver", "sns.amazonaws.com", "aws:sqs:arn", named("sqs")),
        statement("Alarms", "cloudwatch.amazonaws.com", "aws:sns:topicArn", named("sns")),
        statement(
            "Logs",
            f"logs.{region}.amazonaws.com",
            "aws:logs:arn",
            named("logs", ":log-group:"),
            *("kms:Encrypt", DECRYPT, "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"),
        ),
    ]
    if cdn:
        services.append(_delivery(partition, account, service))
    if trail:
        services += _trail(f"arn:{partition}:cloudtrail:{region}:{account}:trail/{trail_name(service)}")
    return {"Version": VERSION, "Statement": [own, *services]}


def _delivery(partition: str, account: str, service: str) -> dict[str, object]:
    """Let distributions of the account decrypt renditions of one stack.

    Of these the bucket's policy lets exactly one get objects; its id is known only once it exists. (CloudFront
    Developer Guide, "Restrict access to an Amazon S3 origin", on SSE-KMS.)
    """
    return {
        "Sid": "RenditionsAtTheEdge",
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": [DECRYPT],
        "Resource": "*",
        "Condition": {
            "ArnLike": {
                "aws:SourceArn": f"arn:{partition}:cloudfront::{account}:distribution/*",
                "kms:EncryptionContext:aws:s3:arn": f"arn:{partition}:s3:::{service}-renditions-*",
            }
        },
    }


def _trail(arn: str) -> list[dict[str, object]]:
    """Let one trail encrypt its log files.

    (CloudTrail User Guide, "Configure AWS KMS key policies for CloudTrail".)
    """
    of_the_trail = {"aws:SourceArn": arn}

    def statement(sid: str, action: str, condition: dict[str, str]) -> dict[str, object]:
        return {
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": [action],
            "Resource": "*",
            "Condition": {"ArnLike": condition},
        }

    encrypted = {**of_the_trail, "kms:EncryptionContext:aws:cloudtrail:arn": arn}
    return [
        statement("TheTrailLooks", "kms:DescribeKey", of_the_trail),
        statement("TheTrailEncrypts", "kms:GenerateDataKey*", encrypted),
    ]
