"""`plan`: how long an import takes, what it costs, and the right concurrency."""

import argparse
from typing import TYPE_CHECKING

import boto3

from operations.commands.arguments import positive, whole
from operations.configuration import stack_configuration
from operations.plan import Limits, Plan

if TYPE_CHECKING:
    from operations.commands.arguments import Commands


def add(commands: "Commands") -> None:
    """Declare the command and its arguments."""
    plan = commands.add_parser(
        "plan",
        help="say how long an import takes, what it costs, and the right concurrency",
        description="Compute hours, dollars and the right `concurrency.image` of an import of pictures, from the"
        " stack's file and the account's own quotas. Needs no deployed stack; changes nothing.",
    )
    plan.add_argument("--stack", required=True, help="name of the Pulumi stack, such as dev")
    plan.add_argument("--objects", required=True, type=whole, help="number of pictures")
    plan.add_argument(
        "--requests", type=whole, default=1, help="requests to Rekognition for each (default: 1, a photo)"
    )
    plan.add_argument(
        "--seconds",
        type=positive,
        help="billed seconds of each, as `make bench-path` prints (default: estimated)",
    )


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    config = stack_configuration(options.stack)
    limits = Limits.read(
        boto3.client("lambda", region_name=config.region),
        boto3.client("service-quotas", region_name=config.region),
    )
    plan = Plan(
        config=config,
        limits=limits,
        objects=options.objects,
        requests=options.requests,
        seconds=options.seconds,
    )
    for line in plan.lines():
        print(line)
    return 0
