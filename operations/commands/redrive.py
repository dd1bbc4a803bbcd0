"""`redrive`: send stuck objects through the pipeline again."""

import argparse
import json
import shlex
import sys
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from operations.commands.arguments import FAILED, INTERRUPTED, add_stack, positive
from operations.redrive import Kind, Position, Redrive
from operations.stack import StackOutputs

if TYPE_CHECKING:
    from operations.commands.arguments import Commands


def add(commands: "Commands") -> None:
    """Declare the command and its arguments."""
    redrive = commands.add_parser(
        "redrive",
        help="send stuck objects through the pipeline again",
        description="Send objects through the pipeline again, from their records: failed ones, those whose lease"
        " expired long ago, those that a person decided about and that no worker was told of, and terminal ones that"
        " were never announced.",
    )
    add_stack(redrive)
    redrive.add_argument(
        "--status",
        action="append",
        choices=[kind.value for kind in Kind],
        help="which objects; may be given several times (default: all)",
    )
    redrive.add_argument("--key", help="only the versions of this object key")
    redrive.add_argument("--dry-run", action="store_true", help="only list what would be sent")
    redrive.add_argument("--rate", type=positive, default=10.0, help="objects per second (default: 10)")
    redrive.add_argument(
        "--after",
        type=_position,
        metavar="POSITION",
        help="continue after this record, as an interrupted run printed it",
    )
    redrive.add_argument(
        "--gone", action="store_true", help="failed ones whose original is gone too (reason original_gone)"
    )


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    outputs = StackOutputs.find(options.stack, options.outputs)
    redrive = Redrive(
        outputs=outputs,
        dynamodb=boto3.client("dynamodb", region_name=outputs.region),
        sqs=boto3.client("sqs", region_name=outputs.region),
        rate=options.rate,
    )
    kinds = frozenset(Kind(value) for value in options.status or list(Kind))
    last: Position | None = options.after
    sent = 0
    try:
        for stuck in redrive.find(kinds, key=options.key, after=last, gone=options.gone):
            print(f"{stuck.kind.value:<12} attempt {stuck.attempt}  {stuck.sequencer}  {stuck.object_key!r}")
            if not options.dry_run:
                redrive.send(stuck)
            last = stuck.position
            sent += 1
    except (KeyboardInterrupt, ClientError, BotoCoreError) as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        why = (
            "\nInterrupted" if interrupted else f"error: AWS refused or could not be reached: {error}\nEnded"
        )
        print(f"{why} after {sent}.", file=sys.stderr)
        if last is not None:
            print(f"Continue with: {_continuation(options, last)}", file=sys.stderr)
        return INTERRUPTED if interrupted else FAILED
    print(f"{sent} {'would be' if options.dry_run else 'were'} sent through again.")
    return 0


def _position(text: str) -> Position:
    """Parse what `_continuation` wrote: one JSON array, because a key may begin with a dash."""
    try:
        object_key, sequencer, updated_at = map(str, json.loads(text))
    except (ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError("not in the form that an interrupted run printed") from error
    return Position(object_key=object_key, sequencer=sequencer, updated_at=updated_at)


def _continuation(options: argparse.Namespace, last: Position) -> str:
    command = ["python", "-m", "operations", "redrive", "--stack", options.stack]
    for status in options.status or ():
        command += ["--status", status]
    if options.key:
        command.append(f"--key={options.key}")
    if options.outputs:
        command += ["--outputs", str(options.outputs)]
    if options.gone:
        command.append("--gone")
    if options.dry_run:
        command.append("--dry-run")
    behind = json.dumps([last.object_key, last.sequencer, last.updated_at])
    return shlex.join([*command, "--rate", f"{options.rate:g}", f"--after={behind}"])
