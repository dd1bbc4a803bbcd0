"""AccessLog: the upload API's access log, where the account allows API Gateway to write to CloudWatch."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import preflight
from components.naming import component_type

# API Gateway has one set of account settings per account and region; the provider gives it this id.
ACCOUNT_SETTINGS = "api-gateway-account"
# Neither address nor user agent of the caller: the key's id is enough.
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

    The role belongs to the whole account. It is looked up and never managed here: the destroy of a stack that set it
    would take it from every other API of the account.
    """

    settings: pulumi.Output[aws.apigateway.StageAccessLogSettingsArgs | None]
    throttle: pulumi.Output[Sequence[aws.apigateway.outputs.AccountThrottleSetting]]
    """What the account allows all its APIs together: one entry with requests per second and at once."""

    def __init__(self, name: str, args: AccessLogArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(component_type("AccessLog"), name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = aws.cloudwatch.LogGroup(f"{name}-log", retention_in_days=args.retention, opts=child)
        account = aws.apigateway.Account.get(f"{name}-account", ACCOUNT_SETTINGS, opts=child)
        self.throttle = account.throttle_settings
        preflight.look_at_role(account.cloudwatch_role_arn, child)
        self.settings = pulumi.Output.all(role=account.cloudwatch_role_arn, group=group.arn).apply(_settings)
        self.register_outputs({"log_group": group.name})


def _settings(found: dict[str, str]) -> aws.apigateway.StageAccessLogSettingsArgs | None:
    if not found["role"]:
        return None
    return aws.apigateway.StageAccessLogSettingsArgs(destination_arn=found["group"], format=FORMAT)
