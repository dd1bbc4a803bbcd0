"""AccessLog: the access log of an API, where the account allows API Gateway to write to CloudWatch."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components import preflight
from components.naming import component_type

# API Gateway has one set of account settings per account and region; the provider gives it this id.
ACCOUNT_SETTINGS = "api-gateway-account"
# Neither address nor user agent of the caller: who it was is enough.
_LINE: Final = {
    "request_id": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "refused_as": "$context.error.responseType",
    "response_bytes": "$context.responseLength",
    "milliseconds": "$context.responseLatency",
    "trace_id": "$context.xrayTraceId",
}
BY_KEY: Final = {"api_key_id": "$context.identity.apiKeyId"}
# A path, because the console has one route for all of them, and it is of interest who looked at what.
BY_PERSON: Final = {"path": "$context.path", "reviewer": "$context.authorizer.claims.sub"}


@dataclass(frozen=True, kw_only=True)
class AccessLogArgs:
    """`retention` in days (0: kept); `caller`: what a line calls the caller, `BY_KEY` or `BY_PERSON`.

    `looks_at_role`: whether a preview looks at the account's role, which one log of a stack does for all. `key_arn` is
    the KMS key of the log; None: a key of CloudWatch's own.
    """

    retention: int
    caller: Mapping[str, str]
    looks_at_role: bool = True
    key_arn: str | None = None


class AccessLog(pulumi.ComponentResource):
    """A log group, and the stage's settings for it: None where the account has no role for such logs.

    The role belongs to the whole account. It is looked up and never managed here: the destroy of a stack that set it
    would take it from every other API of the account.
    """

    settings: pulumi.Output[aws.apigateway.StageAccessLogSettingsArgs | None]
    throttle: pulumi.Output[Sequence[aws.apigateway.outputs.AccountThrottleSetting]]
    """What the account allows all its APIs together: one entry with requests per second and at once."""

    def __init__(self, name: str, args: AccessLogArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(component_type("AccessLog"), name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = aws.cloudwatch.LogGroup(
            f"{name}-log", retention_in_days=args.retention, kms_key_id=args.key_arn, opts=child
        )
        account = aws.apigateway.Account.get(f"{name}-account", ACCOUNT_SETTINGS, opts=child)
        self.throttle = account.throttle_settings
        if args.looks_at_role:
            preflight.look_at_role(account.cloudwatch_role_arn, child)
        line = json.dumps({**_LINE, **args.caller}, separators=(",", ":"))
        found = pulumi.Output.all(role=account.cloudwatch_role_arn, group=group.arn, line=line)
        self.settings = found.apply(_settings)
        self.register_outputs({"log_group": group.name})


def _settings(found: dict[str, str]) -> aws.apigateway.StageAccessLogSettingsArgs | None:
    if not found["role"]:
        return None
    return aws.apigateway.StageAccessLogSettingsArgs(destination_arn=found["group"], format=found["line"])
