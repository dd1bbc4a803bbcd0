"""`alike`: what looks like a published picture."""

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import boto3

from operations.alike import ALIKE, Alike
from operations.commands.arguments import add_stack
from operations.stack import StackOutputs

if TYPE_CHECKING:
    from operations.commands.arguments import Commands

MOST = 127
"""Unrelated pictures differ in half of the 256 bits."""


def add(commands: "Commands") -> None:
    """Declare the command and its arguments."""
    alike = commands.add_parser(
        "alike",
        help="find what looks like a published picture",
        description="Compare the hash of a key's newest published picture with those of all records: the same picture"
        " in other sizes, formats and qualities is found, whatever its key. Changes nothing.",
    )
    add_stack(alike)
    alike.add_argument(
        "key", help="the object's key in the uploads bucket; after -- if it begins with a dash"
    )
    alike.add_argument(
        "--distance",
        type=distance,
        default=ALIKE,
        metavar="BITS",
        help=f"bits of 256 that may differ (default: {ALIKE})",
    )
    alike.add_argument("--json", action="store_true", help="print one JSON array")


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    outputs = StackOutputs.find(options.stack, options.outputs)
    dynamodb = boto3.client("dynamodb", region_name=outputs.region)
    found = Alike(dynamodb=dynamodb, table=outputs.records_table).to_key(options.key, most=options.distance)
    if options.json:
        print(json.dumps([asdict(each) for each in found], indent=2, ensure_ascii=False))
        return 0
    for each in found:
        same = "  the same bytes" if each.identical else ""
        print(f"{each.distance:>3} bits  {each.status:<10} {each.finished_at}  {each.object_key!r}{same}")
    print(f"{len(found)} records look like {options.key!r}.")
    return 0


def distance(text: str) -> int:
    """Parse a number of bits."""
    bits = int(text)
    if not 0 <= bits <= MOST:
        raise argparse.ArgumentTypeError(f"a whole number from 0 to {MOST} is needed")
    return bits
