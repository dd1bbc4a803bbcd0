"""Preflight of the operator's KMS key: in a preview, refuse a key that AWS's services would not take."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.runtime import invoke_async

from components.config_errors import ConfigError, Problem, remove_command, set_command
from components.config_model import StackConfig
from components.rules import KeyArn

_GET_KEY = "aws:kms/getKey:getKey"
_KEY = ("encryption", "keyArn")


def refused(key: Mapping[str, Any], arn: str) -> Problem | None:
    """Return what is wrong with a key as KMS describes it; None for one that all services take.

    S3, SQS, SNS, DynamoDB and CloudWatch Logs take symmetric keys for encryption only.
    """
    fix = set_command(_KEY, KeyArn.EXAMPLE.replace("eu-central-1", KeyArn.region(arn)))
    wanted = (
        ("keyUsage", "ENCRYPT_DECRYPT", fix),
        ("customerMasterKeySpec", "SYMMETRIC_DEFAULT", fix),
        # The policy of a key that AWS manages cannot be changed, so S3 and CloudWatch could not use it.
        ("keyManager", "CUSTOMER", remove_command(_KEY)),
        ("keyState", "Enabled", f"aws kms enable-key --key-id {arn} --region {KeyArn.region(arn)}"),
    )
    for name, value, command in wanted:
        if (found := key.get(name)) != value:
            return Problem(
                key=".".join(_KEY),
                given=f"{arn} is a key whose {name} is {found}",
                allowed=f"a symmetric customer managed key that is enabled ({name} {value})",
                fix=command,
            )
    return None


def look_at_key(config: StackConfig, *, parent: pulumi.Resource) -> None:
    """In a preview, raise ConfigError for a key that is not there, or that is not one to encrypt with."""
    if config.encryption.key_arn is not None and pulumi.runtime.is_dry_run():
        # As an output, so that the program does not end before it.
        _: pulumi.Output[None] = pulumi.Output.from_input(
            _look(config.stack, config.encryption.key_arn, parent)
        )


async def _look(stack: str, arn: str, parent: pulumi.Resource) -> None:
    try:
        key = await invoke_async(_GET_KEY, {"keyId": arn}, pulumi.InvokeOptions(parent=parent))
    except Exception as error:
        why = str(error).strip().splitlines()[0]
        if "NotFoundException" not in str(
            error
        ):  # the deployer may lack kms:DescribeKey and be right all the same
            pulumi.log.warn(
                f"encryption.keyArn: {arn} was not looked at ({why}).\n"
                f"  to look at it: aws kms describe-key --key-id {arn} --region {KeyArn.region(arn)}"
            )
            return
        missing = Problem(
            key=".".join(_KEY),
            given=f"{arn} does not exist",
            allowed="a key that the account may use",
            fix=f"{set_command(_KEY, '<arn>')}, with one of: aws kms list-keys --region {KeyArn.region(arn)}",
        )
        raise ConfigError(stack, [missing]) from error
    if problem := refused(key, arn):
        raise ConfigError(stack, [problem])
    pulumi.log.info(
        "encryption.keyArn: whether the key's policy lets AWS's services use it is not visible here. What it needs: "
        "python -m operations key-policy"
    )
