"""`reconcile`: compare buckets and records, and repair what differs."""

import argparse
import sys
from typing import TYPE_CHECKING

from operations.commands.arguments import INTERRUPTED, add_stack, positive
from operations.reconcile import of_stack
from operations.stack import StackOutputs

if TYPE_CHECKING:
    from operations.commands.arguments import Commands


def add(commands: "Commands") -> None:
    """Declare the command and its arguments."""
    reconcile = commands.add_parser(
        "reconcile",
        help="compare buckets and records, and repair what differs",
        description="Compare the buckets with the records table: uploads without a record are processed, renditions"
        " that no record lists are deleted, published versions whose renditions are missing are published again."
        " What is younger than an hour is left alone. The command can be interrupted and started again.",
    )
    add_stack(reconcile)
    reconcile.add_argument("--dry-run", action="store_true", help="only list what would be repaired")
    reconcile.add_argument("--rate", type=positive, default=10.0, help="repairs per second (default: 10)")


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    outputs = StackOutputs.find(options.stack, options.outputs)
    reconcile = of_stack(outputs, options.rate)
    found = 0
    try:
        for finding in reconcile.find():
            print(f"{finding.difference.value:<12} {finding.version}  {finding.subject!r}")
            if not options.dry_run:
                reconcile.repair(finding)
            found += 1
    except KeyboardInterrupt:
        print(
            f"\nInterrupted after {found}. Start it again: what is repaired is not found again.",
            file=sys.stderr,
        )
        return INTERRUPTED
    print(f"{found} {'would be' if options.dry_run else 'were'} repaired.")
    return 0
