"""`show`: everything that is known of one object key."""

import argparse
import json
import time
from typing import TYPE_CHECKING

import boto3

from operations.commands.arguments import add_stack
from operations.errors import OperationsError
from operations.show import Show
from operations.stack import StackOutputs

if TYPE_CHECKING:
    from operations.commands.arguments import Commands


def add(commands: "Commands") -> None:
    """Declare the command and its arguments."""
    show = commands.add_parser(
        "show",
        help="show everything that is known of one object key",
        description="Show every version of a key: what became of it and why, its verdict and labels, what people"
        " decided, and which buckets have its bytes. Changes nothing.",
    )
    add_stack(show)
    show.add_argument("key", help="the object's key in the uploads bucket; after -- if it begins with a dash")
    show.add_argument("--json", action="store_true", help="print the whole records as one JSON array")


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    outputs = StackOutputs.find(options.stack, options.outputs)
    show = Show(
        outputs=outputs,
        dynamodb=boto3.client("dynamodb", region_name=outputs.region),
        s3=boto3.client("s3", region_name=outputs.region),
    )
    found = show.of_key(options.key)
    if not found:
        raise OperationsError(
            f"there is no record of {options.key!r}: it was never uploaded, its event is still to come"
            " (`python -m operations reconcile` finds lost ones), or its record expired (retention.records)"
        )
    if options.json:
        print(json.dumps([each.to_document() for each in found], indent=2, ensure_ascii=False, default=str))
        return 0
    for each in found:
        for line in each.lines(time.time()):
            print(line)
    return 0
