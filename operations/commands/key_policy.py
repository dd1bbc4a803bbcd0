"""`key-policy`: the policy that the stack's KMS key needs, before or after the stack is up."""

import argparse
import json
from typing import TYPE_CHECKING

from components.key_grants import key_policy
from operations.configuration import stack_configuration
from operations.errors import OperationsError

if TYPE_CHECKING:
    from operations.commands.arguments import Commands


def add(commands: "Commands") -> None:
    """Declare the command and its arguments."""
    parser = commands.add_parser(
        "key-policy",
        help="print the policy that the stack's KMS key needs",
        description="Print the policy of a KMS key for `encryption.keyArn`: for a new key all of it, for a key that has"
        " a policy the statements of AWS's services to add. It asks AWS nothing.",
    )
    parser.add_argument("--stack", required=True, help="name of the Pulumi stack, such as dev")
    parser.add_argument(
        "--account", metavar="ID", help="the stack's account (default: that of `encryption.keyArn`)"
    )


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    config = stack_configuration(options.stack)
    of_the_key = (config.encryption.key_arn or "").split(":")
    account = options.account or (of_the_key[4] if len(of_the_key) > 4 else None)
    if account is None:
        raise OperationsError(
            "the stack has no `encryption.keyArn` that would say which account it is for: "
            "`--account $(aws sts get-caller-identity --query Account --output text)`"
        )
    partition = of_the_key[1] if len(of_the_key) > 1 else "aws"
    policy = key_policy(
        stack=options.stack,
        region=config.region,
        account=account,
        partition=partition,
        cdn=config.delivery.cdn,
        trail=bool(config.access_logs.locked_days),
    )
    print(json.dumps(policy, indent=2))
    return 0
