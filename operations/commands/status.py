"""`status`: what the stack is doing, and what of it needs a person."""

import argparse
from typing import TYPE_CHECKING

import boto3

from operations.commands.arguments import add_stack
from operations.stack import StackOutputs
from operations.status import Status

if TYPE_CHECKING:
    from operations.commands.arguments import Commands


def add(commands: "Commands") -> None:
    """Declare the command and its arguments."""
    status = commands.add_parser(
        "status",
        help="show what the stack is doing, and what of it needs a person",
        description="Show the depth of every queue, how many records need a person and for how long they"
        " have waited, decisions that were not carried out, evidence that the record lacks,"
        " the state of every function, whether the locked log of accesses goes on, and"
        " which e-mail subscriptions are not confirmed. Changes nothing.",
    )
    add_stack(status)


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    outputs = StackOutputs.find(options.stack, options.outputs)
    status = Status(
        outputs=outputs,
        awslambda=boto3.client("lambda", region_name=outputs.region),
        dynamodb=boto3.client("dynamodb", region_name=outputs.region),
        s3=boto3.client("s3", region_name=outputs.region),
        sns=boto3.client("sns", region_name=outputs.region),
        sqs=boto3.client("sqs", region_name=outputs.region),
        cloudtrail=boto3.client("cloudtrail", region_name=outputs.region)
        if "trail_bucket" in outputs.named
        else None,
    )
    problems = 0
    for line in status.lines():
        print(f"{'!' if line.problem else ' '} {line.subject:<32} {line.state}")
        if line.problem:
            print(f"    {line.problem}")
            problems += 1
    print(f"{problems or 'Nothing'} {'need' if problems > 1 else 'needs'} a person.")
    return 0
