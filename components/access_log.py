"""AccessLog: what the upload API was asked, where the account lets API Gateway write to CloudWatch at all."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.naming import component_type

# API Gateway's account settings are one per account and region, and the provider gives them this id.
ACCOUNT_SETTINGS = "api-gateway-account"
# No address and no agent of the caller: who it was is told by the key's id.
FORMAT = json.dumps(
    {
        "request_id": "$context.requestId",
        "time": "$context.requestTimeEpoch",
        "method": "$context.httpMethod",
        "route": "$context.resourcePath",
        "status": "$context.status",
        "refused_as": "$context.error.responseType",
        "response_bytes": "$context.responseLength",
        "milliseconds": "$context.responseLatency",
        "api_key_id": "$context.identity.apiKeyId",
        "trace_id": "$context.xrayTraceId",
    },
    separators=(",", ":"),
)


@dataclass(frozen=True, kw_only=True)
class AccessLogArgs:
    """`retention` in days (0: kept)."""

    retention: int


class AccessLog(pulumi.ComponentResource):
    """A log group, and the stage's settings for it: None where the account has no role for such logs.

    That role is the whole account's. It is looked up and never managed here: a stack that set it would take it
    from every other API of the account with its own destroy.
    """

    settings: pulumi.Output[aws.apigateway.StageAccessLogSettingsArgs | None]

    def __init__(self, name: str, args: AccessLogArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(component_type("AccessLog"), name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = aws.cloudwatch.LogGroup(f"{name}-log", retention_in_days=args.retention, opts=child)
        account = aws.apigateway.Account.get(f"{name}-account", ACCOUNT_SETTINGS, opts=child)
        self.settings = pulumi.Output.all(role=account.cloudwatch_role_arn, group=group.arn).apply(_settings)
        self.register_outputs({"log_group": group.name})


def _settings(found: dict[str, str]) -> aws.apigateway.StageAccessLogSettingsArgs | None:
    if not found["role"]:
        return None
    return aws.apigateway.StageAccessLogSettingsArgs(destination_arn=found["group"], format=FORMAT)
