"""`tail`: what a stack does, as it happens."""

import argparse
import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import boto3

from operations.ages import duration
from operations.commands.arguments import INTERRUPTED, add_stack
from operations.stack import StackOutputs
from operations.tail import Tail

if TYPE_CHECKING:
    from operations.commands.arguments import Commands

STATUSES = ("PUBLISHED", "BLOCKED", "REVIEW", "REJECTED", "FAILED", "SUPERSEDED", "DELETED")


def add(commands: "Commands") -> None:
    """Declare the command and its arguments."""
    tail = commands.add_parser(
        "tail",
        help="follow outcomes as they happen",
        description="Print one line for each outcome, and for each message that comes back after an error, as the"
        " functions log them, until Ctrl-C. Changes nothing.",
    )
    add_stack(tail)
    tail.add_argument(
        "--since",
        type=duration,
        default=timedelta(),
        metavar="TIME",
        help="begin with what happened so long ago: 10m, 2h, 1d (default: now)",
    )
    tail.add_argument(
        "--status", action="append", choices=STATUSES, help="only these outcomes; may be given several times"
    )
    tail.add_argument("--once", action="store_true", help="end after what is there")
    tail.add_argument("--json", action="store_true", help="print the lines of the logs as they are")


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    outputs = StackOutputs.find(options.stack, options.outputs)
    tail = Tail(
        outputs=outputs,
        awslambda=boto3.client("lambda", region_name=outputs.region),
        logs=boto3.client("logs", region_name=outputs.region),
    )
    try:
        for happening in tail.follow(time.time() - options.since.total_seconds(), once=options.once):
            if options.status and happening.facts.get("status") not in options.status:
                continue
            facts = json.dumps(dict(happening.facts), ensure_ascii=False)
            print(facts if options.json else happening.line(), flush=True)
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0
